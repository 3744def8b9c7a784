package store

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/pantry-go/pantry/integrity"
)

// The index is text, so that a person can read it:
//
//	pantry store entry 2
//	sha512 0123…
//	variant "tree strip=1"
//	package "lodash" "4.17.21"
//	files 3
//	- 612 89abcdef lib/a.js
//	x 1024 01234567 bin/cli.js
//	l "cli.js" bin/cli
//	crc32c 89abcdef
//
// Files are in the order of their paths; "x" marks the executable ones, and then come the size in
// bytes, the CRC-32C of the content, and the path. "l" is a symbolic link: then come where it leads, and the path. The line of the
// variant is left out where there is none. The last line is the CRC-32C of all bytes before it: it is there against
// damage, not against malice, since whoever can change the index can change the files.
const (
	indexHeader = "pantry store entry 2\n"
	indexEnd    = "crc32c "
	hexDigits   = "0123456789abcdef"
)

var (
	errIndex   = errors.New("its index is damaged")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

func formatIndex(e *Entry) []byte {
	b := make([]byte, 0, len(indexHeader)+256+64*len(e.Files))
	b = append(b, indexHeader...)
	b = append(b, "sha512 "...)
	b = append(b, e.Digest.Hex()...)
	if e.Variant != "" {
		b = append(b, "\nvariant "...)
		b = strconv.AppendQuote(b, e.Variant)
	}
	b = append(b, "\npackage "...)
	b = strconv.AppendQuote(b, e.Name)
	b = append(b, ' ')
	b = strconv.AppendQuote(b, e.Version)
	b = append(b, "\nfiles "...)
	b = strconv.AppendInt(b, int64(len(e.Files)), 10)
	b = append(b, '\n')
	for _, f := range e.Files {
		b = appendFile(b, f)
	}
	return append(b, endLine(b)...)
}

func appendFile(b []byte, f File) []byte {
	switch {
	case f.Link != "":
		b = strconv.AppendQuote(append(b, "l "...), f.Link)
	case f.Executable:
		b = strconv.AppendInt(append(b, "x "...), f.Size, 10)
	default:
		b = strconv.AppendInt(append(b, "- "...), f.Size, 10)
	}
	b = append(b, ' ')
	if f.Link == "" {
		b = append(appendSum(b, f.CRC32C), ' ')
	}
	b = append(b, f.Path...)
	return append(b, '\n')
}

// appendSum appends eight hexadecimal digits.
func appendSum(b []byte, sum uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[sum>>shift&15])
	}
	return b
}

// parseSum reads eight hexadecimal digits in lower case.
func parseSum(s string) (sum uint32, ok bool) {
	if len(s) != 8 {
		return 0, false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		sum = sum<<4 | uint32(c)
	}
	return sum, true
}

// endLine is the last line of a file that begins with b.
func endLine(b []byte) string {
	return string(append(appendSum([]byte(indexEnd), crc32.Checksum(b, castagnoli)), '\n'))
}

// parseIndex reads an index. Entry.Dir is left to the caller.
func parseIndex(data []byte) (*Entry, error) {
	end := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte{'\n'}), '\n') + 1
	if string(data[end:]) != endLine(data[:end]) {
		return nil, errIndex
	}
	text, ok := strings.CutPrefix(string(data[:end]), indexHeader)
	if !ok {
		return nil, errors.New("its index is of another format")
	}
	var e Entry
	var err error
	digest, text := field(text, "sha512 ")
	if e.Digest, err = integrity.FromHex(integrity.SHA512, digest); err != nil {
		return nil, errIndex
	}
	if strings.HasPrefix(text, "variant ") {
		var quoted string
		quoted, text = field(text, "variant ")
		if e.Variant, err = strconv.Unquote(quoted); err != nil || e.Variant == "" {
			return nil, errIndex
		}
	}
	pkg, text := field(text, "package ")
	if e.Name, e.Version, ok = quotedPair(pkg); !ok {
		return nil, errIndex
	}
	count, text := field(text, "files ")
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > len(text) {
		return nil, errIndex
	}
	e.Files = make([]File, n)
	for i := range e.Files {
		if text, ok = parseFile(text, &e.Files[i]); !ok || i > 0 && e.Files[i].Path <= e.Files[i-1].Path {
			return nil, errIndex
		}
	}
	if text != "" {
		return nil, errIndex
	}
	return &e, nil
}

// field takes a line that begins with name.
func field(text, name string) (value, rest string) {
	line, rest, _ := strings.Cut(text, "\n")
	value, ok := strings.CutPrefix(line, name)
	if !ok {
		return "\n", rest // which no field can hold
	}
	return value, rest
}

func quotedPair(s string) (a, b string, ok bool) {
	first, err := strconv.QuotedPrefix(s)
	if err != nil || !strings.HasPrefix(s[len(first):], " ") {
		return "", "", false
	}
	a, errA := strconv.Unquote(first)
	b, errB := strconv.Unquote(s[len(first)+1:])
	return a, b, errA == nil && errB == nil
}

// parseFile takes the line of a file.
func parseFile(text string, f *File) (rest string, ok bool) {
	line, rest, ok := strings.Cut(text, "\n")
	if !ok || len(line) < 5 || line[1] != ' ' {
		return "", false
	}
	if line[0] == 'l' {
		return rest, parseLink(line[2:], f)
	}
	if line[0] != '-' && line[0] != 'x' {
		return "", false
	}
	f.Executable = line[0] == 'x'
	size, name, _ := strings.Cut(line[2:], " ")
	if len(name) < 10 || name[8] != ' ' {
		return "", false
	}
	n, err := strconv.ParseUint(size, 10, 63)
	f.CRC32C, ok = parseSum(name[:8])
	f.Path, f.Size = name[9:], int64(n)
	return rest, ok && err == nil && validPath(f.Path)
}

// parseLink takes what follows the "l" of a link.
func parseLink(s string, f *File) bool {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil || !strings.HasPrefix(s[len(quoted):], " ") {
		return false
	}
	f.Path = s[len(quoted)+1:]
	f.Link, err = strconv.Unquote(quoted)
	return err == nil && validPath(f.Path) && validLink(*f)
}

// validLink says that the target of a link is relative and, as a text, within the entry. What it leads
// to over other links is looked at where the links come from.
func validLink(f File) bool {
	if f.Link == "" || f.Link[0] == '/' || strings.IndexFunc(f.Link, unicode.IsControl) >= 0 || strings.Contains(f.Link, `\`) {
		return false
	}
	to := path.Join(path.Dir(f.Path), f.Link)
	return to != ".." && !strings.HasPrefix(to, "../")
}

// validPath says that a path can stand in the index and lies within its entry. It looks at every byte of
// it once, as long as they are ASCII.
func validPath(p string) bool {
	start := 0 // of the segment
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '/':
			if !plainSegment(p[start:i]) {
				return false
			}
			start = i + 1
		case c < ' ', c == '\\', c == 0x7f:
			return false
		case c >= 0x80:
			return fs.ValidPath(p) && strings.IndexFunc(p[i:], unicode.IsControl) < 0 && strings.IndexByte(p[i:], '\\') < 0
		}
	}
	return plainSegment(p[start:])
}

func plainSegment(s string) bool { return s != "" && s != "." && s != ".." }

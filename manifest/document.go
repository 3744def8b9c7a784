package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tailscale/hujson"
)

// Bounds of one file. The largest package.json files in use have some hundred kilobytes.
const (
	// MaxSize is the most bytes of a manifest that are read.
	MaxSize   = 16 << 20
	maxDepth  = 128
	maxValues = 250_000
)

// document is one JSON file: its bytes, and where in them everything stands.
type document struct {
	file string
	bom  bool
	data []byte // without the byte order mark
	root *hujson.Object
	// The root's braces: start is the first, end is behind the last.
	start, end int
}

const bom = "\xef\xbb\xbf"

// parseDocument reads a file whose root is an object. Comments and trailing commas are errors
// unless comments is set, as for JSON.parse.
func parseDocument(file string, data []byte, comments bool) (*document, error) {
	d := &document{file: file}
	d.data, d.bom = bytes.CutPrefix(data, []byte(bom))
	if len(d.data) > MaxSize {
		return nil, d.errorf(0, "the file is larger than %d bytes", MaxSize)
	}
	if !utf8.Valid(d.data) {
		return nil, d.errorf(invalidAt(d.data), "not UTF-8")
	}
	if err := d.bounds(); err != nil {
		return nil, err
	}
	v, err := hujson.Parse(d.data)
	if err != nil || !comments && !v.IsStandard() {
		return nil, d.syntaxError(err, comments)
	}
	root, ok := v.Value.(*hujson.Object)
	if !ok {
		return nil, d.errorf(v.StartOffset, "an object expected")
	}
	d.root, d.start, d.end = root, v.StartOffset, v.EndOffset
	return d, nil
}

func invalidAt(b []byte) int {
	at := 0
	for {
		r, n := utf8.DecodeRune(b[at:])
		if r == utf8.RuneError && n <= 1 {
			return at
		}
		at += n
	}
}

// bounds refuses what would cost too much stack or memory to parse.
func (d *document) bounds() error {
	depth, values := 0, 0
	for i := 0; i < len(d.data); i++ {
		switch d.data[i] {
		case '"':
			i = skipString(d.data, i)
		case '/':
			i = skipComment(d.data, i)
		case '{', '[':
			depth++
			values++
		case '}', ']':
			depth--
		case ',', ':':
			values++
		}
		if depth > maxDepth {
			return d.errorf(i, "nested more than %d levels deep", maxDepth)
		}
		if values > maxValues {
			return d.errorf(i, "more than %d values", maxValues)
		}
	}
	return nil
}

// skipString returns the index of the quote that ends the string at i, or the last index.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}

// skipComment returns the index of the last byte of the comment at i; i itself if there is none.
func skipComment(b []byte, i int) int {
	end, n := -1, 0
	switch {
	case bytes.HasPrefix(b[i:], []byte("//")):
		end, n = bytes.IndexByte(b[i:], '\n'), 1
	case bytes.HasPrefix(b[i:], []byte("/*")):
		if end, n = bytes.Index(b[i+2:], []byte("*/")), 2; end >= 0 {
			end += 2
		}
	default:
		return i
	}
	if end < 0 {
		return len(b)
	}
	return i + end + n - 1
}

// syntaxError says where the text stops being JSON. The standard library's parser tells an
// offset; hujson, which alone knows comments, writes line and column at the front of its text.
func (d *document) syntaxError(err error, comments bool) error {
	if !comments {
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal(d.data, new(json.RawMessage)), &syntax) {
			return d.errorf(max(int(syntax.Offset)-1, 0), "%s", syntax.Error())
		}
	}
	var line, column int
	text := fmt.Sprint(err)
	if n, _ := fmt.Sscanf(text, "hujson: line %d, column %d:", &line, &column); n != 2 {
		return d.errorf(0, "%s", text)
	}
	_, text, _ = strings.Cut(text, ": ")
	_, text, _ = strings.Cut(text, ": ")
	return &SyntaxError{d.file, line, column, errors.New(text)}
}

func (d *document) errorf(at int, format string, args ...any) error {
	return d.error(at, fmt.Errorf(format, args...))
}

func (d *document) error(at int, err error) error {
	before := d.data[:min(at, len(d.data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		File:   d.file,
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[start:]) + 1,
		Err:    err,
	}
}

// member is one entry of an object.
type member struct {
	name  string
	at    int // where the name stands
	value *hujson.Value
}

// members lists an object's entries. Of a name that stands several times the last value counts,
// at the first's place, as for JSON.parse.
func members(o *hujson.Object) []member {
	out := make([]member, 0, len(o.Members))
	index := make(map[string]int, len(o.Members))
	for i := range o.Members {
		m := &o.Members[i]
		lit, _ := m.Name.Value.(hujson.Literal)
		e := member{lit.String(), m.Name.StartOffset, &m.Value}
		if at, dup := index[e.name]; dup {
			out[at] = e
			continue
		}
		index[e.name] = len(out)
		out = append(out, e)
	}
	return out
}

// find returns the value of the last entry of that name; nil if there is none or it is null.
func find(o *hujson.Object, name string) *hujson.Value {
	for i := len(o.Members) - 1; i >= 0; i-- {
		m := &o.Members[i]
		if lit, _ := m.Name.Value.(hujson.Literal); lit.String() == name {
			if m.Value.Value.Kind() == 'n' {
				return nil
			}
			return &m.Value
		}
	}
	return nil
}

// stringOf returns the string that v is.
func stringOf(v *hujson.Value) (string, bool) {
	lit, ok := v.Value.(hujson.Literal)
	if !ok || lit.Kind() != '"' {
		return "", false
	}
	return lit.String(), true
}

// isTrue says whether v is the literal true.
func isTrue(v *hujson.Value) bool { return v != nil && v.Value.Kind() == 't' }

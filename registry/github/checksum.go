package github

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/pantry-go/pantry/integrity"
)

const (
	// maxSumsFile bounds a checksum file, in bytes: one line for each of GitHub's thousand assets.
	maxSumsFile = 1 << 20
	// maxSumsLines bounds its lines.
	maxSumsLines = 20_000
)

// sumsFile is what a checksum file says.
type sumsFile struct {
	named map[string]integrity.Set // by base name
	alone integrity.Set            // what stands there without a name
}

// errConflict: one file gives two digests of one algorithm for one name.
var errConflict = errors.New("it is given twice, differently")

// of is the digests of a file called name. A companion is a checksum file of that one file.
func (s *sumsFile) of(name string, companion bool) (integrity.Set, error) {
	set := s.named[name]
	if len(set) == 0 && companion && len(s.named) == 0 {
		set = s.alone
	}
	if disagree(set) {
		return nil, fmt.Errorf("%w: %w", integrity.ErrMalformed, errConflict)
	}
	return set, nil
}

// disagree says that set holds two digests of one algorithm, of which the same bytes can have one.
func disagree(set integrity.Set) bool {
	for _, d := range set {
		if one, _ := set.Find(d.Algorithm()); one != d {
			return true
		}
	}
	return false
}

// Lines of the formats that are in use: GNU coreutils (hash, blank, blank or asterisk, name), BSD
// (NAME (name) = hash), PowerShell's Get-FileHash ("Hash : …", "Path : …"), and a hash alone. They are
// compiled when first needed: it takes most of a millisecond, which no other command should pay.
var lines = sync.OnceValue(func() sumsLines {
	return sumsLines{
		gnu:   regexp.MustCompile(`^\\?(?:(sha[0-9]+):)?([0-9A-Fa-f]{40,128})[ \t]+\*?(\S.*)$`),
		bsd:   regexp.MustCompile(`^([A-Za-z0-9/-]+)[ \t]*\((.+)\)[ \t]*=[ \t]*([0-9A-Fa-f]{40,128})$`),
		field: regexp.MustCompile(`^(Hash|Path|Algorithm)[ \t]*:[ \t]*(\S.*)$`),
		alone: regexp.MustCompile(`^(?:(sha[0-9]+):)?([0-9A-Fa-f]{40,128})$`),
	}
})

type sumsLines struct{ gnu, bsd, field, alone *regexp.Regexp }

// parseSums reads a checksum file. alg is the algorithm that the file's own name tells, 0 for none:
// a hash is of the algorithm of its length then. Lines that are none of the formats are passed over.
func parseSums(data []byte, alg integrity.Algorithm) *sumsFile {
	s := &sumsFile{named: make(map[string]integrity.Set)}
	field, is := "", lines()
	for range maxSumsLines {
		text, rest, more := bytes.Cut(data, []byte("\n"))
		l := strings.TrimSpace(string(text))
		switch {
		case is.bsd.MatchString(l):
			m := is.bsd.FindStringSubmatch(l)
			s.add(m[2], m[3], m[1], alg)
		case is.field.MatchString(l):
			m := is.field.FindStringSubmatch(l)
			switch {
			case m[1] == "Hash" && is.alone.MatchString(m[2]):
				field = m[2]
			case m[1] == "Path" && field != "":
				s.add(m[2], field, "", alg)
				field = ""
			}
		case is.alone.MatchString(l):
			m := is.alone.FindStringSubmatch(l)
			s.add("", m[2], m[1], alg)
		case is.gnu.MatchString(l):
			m := is.gnu.FindStringSubmatch(l)
			s.add(m[3], m[2], m[1], alg)
		}
		if !more {
			break
		}
		data = rest
	}
	if field != "" {
		s.add("", field, "", alg)
	}
	return s
}

// add records one line. said is the algorithm that the line itself names.
func (s *sumsFile) add(name, hash, said string, alg integrity.Algorithm) {
	if said != "" {
		known, ok := algorithmNamed(said)
		if !ok {
			return // BLAKE2b512 (x) = … has the length of a SHA-512
		}
		alg = known
	}
	if alg == 0 {
		alg = algorithmOf(len(hash))
	}
	if alg == 0 {
		return
	}
	d, err := integrity.FromHex(alg, hash)
	if err != nil {
		return
	}
	if name == "" {
		s.alone = appendDigest(s.alone, d)
		return
	}
	base := name[strings.LastIndexAny(name, `/\`)+1:]
	s.named[base] = appendDigest(s.named[base], d)
}

func appendDigest(set integrity.Set, d integrity.Digest) integrity.Set {
	for _, x := range set {
		if x == d {
			return set
		}
	}
	return append(set, d)
}

// algorithmOf is the algorithm whose hexadecimal values have n digits.
func algorithmOf(n int) integrity.Algorithm {
	for a := integrity.SHA1; a <= integrity.SHA512; a++ {
		if 2*a.Size() == n {
			return a
		}
	}
	return 0
}

// algorithmNamed reads the spellings of a name: SHA256, sha-256, SHA2-256.
func algorithmNamed(s string) (integrity.Algorithm, bool) {
	s = strings.NewReplacer("-", "", "_", "", "/", "").Replace(strings.ToLower(s))
	switch s {
	case "sha1":
		return integrity.SHA1, true
	case "sha256", "sha2256":
		return integrity.SHA256, true
	case "sha384", "sha2384":
		return integrity.SHA384, true
	case "sha512", "sha2512":
		return integrity.SHA512, true
	}
	return 0, false
}

// sumsText undoes what PowerShell writes by default: UTF-16 with a byte order mark.
func sumsText(data []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(data, []byte{0xef, 0xbb, 0xbf})
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, order.Uint16(data[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

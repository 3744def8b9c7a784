package npm

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/bits"
	"unicode/utf8"
)

// maxDepth bounds how deeply an answer may be nested. Real documents stay below 20.
const maxDepth = 1000

var (
	errSyntax = errors.New("malformed JSON")
	errDepth  = errors.New("JSON nested too deeply")
)

// value is the text of one JSON value, without white space around it. Its inside is looked at only
// when it is asked for, and only as far as it is asked for: what is passed over is checked for
// balance alone. The empty value is an absent one.
type value []byte

// parse returns the one value that data holds.
func parse(data []byte) (value, error) {
	start := skipSpace(data, 0)
	end, err := skipValue(data, start)
	if err != nil {
		return nil, err
	}
	if skipSpace(data, end) != len(data) {
		return nil, errSyntax
	}
	return data[start:end], nil
}

// kind is the first byte, which tells what a value is: '{', '[', '"', 't', 'f', 'n', a digit or
// '-' of a number; 0 for an absent one.
func (v value) kind() byte {
	if len(v) == 0 {
		return 0
	}
	return v[0]
}

// text decodes a string. ok is false for anything else and for a malformed string.
func (v value) text() (s string, ok bool) {
	if v.kind() != '"' {
		return "", false
	}
	inner := v[1 : len(v)-1]
	if plain(inner) {
		return string(inner), true
	}
	return unquote(v)
}

// unquote is apart from text because its result escapes to the heap.
func unquote(v value) (string, bool) {
	var s string
	err := json.Unmarshal(v, &s)
	return s, err == nil
}

// plain says that the inside of a string stands for itself.
func plain(b []byte) bool {
	ascii := true
	for _, c := range b {
		if c < ' ' || c == '\\' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(b)
}

// object calls f for each member in order. The key is a JSON string.
func (v value) object(f func(key, val value) error) error {
	_, err := members(v, 0, func(key value, i int) (int, error) {
		end, err := skipValue(v, i)
		if err != nil {
			return 0, err
		}
		return end, f(key, v[i:end])
	})
	return err
}

// members walks the object that starts at i and returns its end. f is told where the value of a
// member starts and returns where it ends, so that it may walk it instead of passing over it.
func members(b []byte, i int, f func(key value, at int) (end int, err error)) (int, error) {
	if at(b, i) != '{' {
		return 0, errSyntax
	}
	i = skipSpace(b, i+1)
	if at(b, i) == '}' {
		return i + 1, nil
	}
	for at(b, i) == '"' {
		keyEnd := skipString(b, i)
		if keyEnd < 0 {
			break
		}
		key := value(b[i:keyEnd])
		if i = skipSpace(b, keyEnd); at(b, i) != ':' {
			break
		}
		end, err := f(key, skipSpace(b, i+1))
		if err != nil {
			return 0, err
		}
		i = skipSpace(b, end)
		switch at(b, i) {
		case ',':
			i = skipSpace(b, i+1)
		case '}':
			return i + 1, nil
		default:
			return 0, errSyntax
		}
	}
	return 0, errSyntax
}

// array calls f for each element in order.
func (v value) array(f func(element value) error) error {
	if v.kind() != '[' {
		return errSyntax
	}
	i := skipSpace(v, 1)
	if at(v, i) == ']' {
		return nil
	}
	for {
		end, err := skipValue(v, i)
		if err != nil {
			return err
		}
		if err := f(v[i:end]); err != nil {
			return err
		}
		i = skipSpace(v, end)
		switch at(v, i) {
		case ',':
			i = skipSpace(v, i+1)
		case ']':
			return nil
		default:
			return errSyntax
		}
	}
}

// member returns the value of an object's member, the last where there are several, or an absent
// value.
func (v value) member(name string) value {
	var found value
	_ = v.object(func(key, val value) error {
		if k, ok := key.text(); ok && k == name {
			found = val
		}
		return nil
	})
	return found
}

func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipValue returns the end of the value that starts at i.
func skipValue(b []byte, i int) (int, error) {
	switch c := at(b, i); c {
	case '"':
		if end := skipString(b, i); end >= 0 {
			return end, nil
		}
	case '{', '[':
		return skipNested(b, i)
	case 't':
		return skipWord(b, i, "true")
	case 'f':
		return skipWord(b, i, "false")
	case 'n':
		return skipWord(b, i, "null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return skipNumber(b, i), nil
		}
	}
	return 0, errSyntax
}

func skipWord(b []byte, i int, word string) (int, error) {
	end := i + len(word)
	if end > len(b) || string(b[i:end]) != word {
		return 0, errSyntax
	}
	return end, nil
}

func skipNumber(b []byte, i int) int {
	for i < len(b) {
		switch c := b[i]; {
		case '0' <= c && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
			i++
		default:
			return i
		}
	}
	return i
}

// What a byte outside strings means to skipNested.
const (
	other = iota
	quote
	opening
	closing
)

var structure = [256]uint8{'"': quote, '{': opening, '[': opening, '}': closing, ']': closing}

// skipNested returns the end of the object or array that starts at i. It is where the time of a
// large document goes: it looks at brackets and quotes and at nothing else.
func skipNested(b []byte, i int) (int, error) {
	depth := 0
	for i < len(b) {
		switch structure[b[i]] {
		case other:
			i++
		case quote:
			if i = skipString(b, i); i < 0 {
				return 0, errSyntax
			}
		case opening:
			i++
			if depth++; depth > maxDepth {
				return 0, errDepth
			}
		case closing:
			i++
			if depth--; depth == 0 {
				return i, nil
			}
		}
	}
	return 0, errSyntax
}

// Eight bytes at a time: a byte of w^pattern is zero where w has the byte looked for, and
// (x-low)&^x&high has its lowest set bit in the first zero byte of x.
const (
	low      = 0x0101010101010101
	high     = 0x8080808080808080
	quotes   = low * '"'
	reverses = low * '\\'
)

// skipString returns the end of the string whose opening quote is at i, or -1. Strings of package
// documents are short, so that words beat a call of bytes.IndexByte for each.
func skipString(b []byte, i int) int {
	i++
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		q, r := w^quotes, w^reverses
		hit := ((q-low)&^q | (r-low)&^r) & high
		if hit == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(hit) / 8
		if b[i] == '"' {
			return i + 1
		}
		i += 2
	}
	for i < len(b) {
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i++
		}
		i++
	}
	return -1
}

package config

import (
	"bytes"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a pantry.json: the format needs five levels, and the parser
// that builds the tree is recursive.
const maxDepth = 64

// checkSyntax returns the offset and the description of the first thing in data that is not JSON
// with comments and trailing commas, or "". It keeps its own stack, so that no input exhausts the
// goroutine's, and never quotes what stands in the data, since that may be a secret.
func checkSyntax(data []byte) (offset int, message string) {
	if i := firstInvalidUTF8(data); i >= 0 {
		return i, "expected UTF-8 text; save the file as UTF-8"
	}
	c := syntax{data: data}
	c.run()
	return c.pos, c.message
}

func firstInvalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

type syntax struct {
	data    []byte
	pos     int
	stack   []byte // '{' or '[' of each open value
	message string
}

func (c *syntax) fail(at int, message string) bool {
	c.pos, c.message = at, message
	return false
}

// run reads one value after the other until nothing is open.
func (c *syntax) run() {
	if !c.value() {
		return
	}
	for len(c.stack) > 0 {
		if !c.next() {
			return
		}
	}
	if c.space() && c.pos < len(c.data) {
		c.fail(c.pos, "expected nothing more after the end of the object")
	}
}

// value reads a scalar, or the opening of an object or array.
func (c *syntax) value() bool {
	if !c.space() {
		return false
	}
	if c.pos == len(c.data) {
		return c.fail(c.pos, "the file ends where a value was expected")
	}
	switch b := c.data[c.pos]; b {
	case '{', '[':
		if len(c.stack) == maxDepth {
			return c.fail(c.pos, "nested too deeply")
		}
		c.stack = append(c.stack, b)
		c.pos++
		return c.first(b)
	case '"':
		return c.str()
	case '\'', '`':
		return c.fail(c.pos, `expected a value; text stands in double quotes (")`)
	default:
		return c.word()
	}
}

// first is what may follow an opening bracket: its closing one, or the first element.
func (c *syntax) first(open byte) bool {
	if !c.space() {
		return false
	}
	if c.closes(open) {
		return c.close()
	}
	return c.element(open)
}

// next is what may follow an element: a comma and another element, a closing bracket, or both.
func (c *syntax) next() bool {
	if !c.space() {
		return false
	}
	open := c.stack[len(c.stack)-1]
	switch {
	case c.closes(open):
		return c.close()
	case c.pos == len(c.data):
		return c.fail(c.pos, "the file ends, but "+named(open)+" is still open")
	case c.data[c.pos] != ',':
		return c.fail(c.pos, "expected a comma or the end of "+named(open))
	}
	c.pos++
	return c.first(open)
}

func (c *syntax) element(open byte) bool {
	if open == '[' {
		return c.value()
	}
	switch {
	case c.pos == len(c.data):
		return c.fail(c.pos, "the file ends, but an object is still open")
	case c.data[c.pos] != '"':
		return c.fail(c.pos, "expected a key in double quotes")
	case !c.str() || !c.space():
		return false
	case c.pos == len(c.data) || c.data[c.pos] != ':':
		return c.fail(c.pos, "expected a colon after the key")
	}
	c.pos++
	return c.value()
}

func (c *syntax) closes(open byte) bool {
	return c.pos < len(c.data) && c.data[c.pos] == open+2 // in ASCII '}' is '{'+2, ']' is '['+2
}

func (c *syntax) close() bool {
	c.stack = c.stack[:len(c.stack)-1]
	c.pos++
	return true
}

func named(open byte) string {
	if open == '{' {
		return "an object"
	}
	return "an array"
}

// str reads a string; pos is at its opening quote.
func (c *syntax) str() bool {
	start := c.pos
	for i := start + 1; i < len(c.data); i++ {
		switch b := c.data[i]; {
		case b == '"':
			c.pos = i + 1
			return true
		case b == '\\':
			n := escapeLen(c.data[i:])
			if n == 0 {
				return c.fail(i, `expected an escape such as \n, \" or \u00e9 after the backslash (a backslash itself is \\)`)
			}
			i += n - 1
		case b == '\n':
			return c.fail(start, "the text isn't closed on its line")
		case b < ' ':
			return c.fail(i, `a control character must be written as an escape (\t, \u0000)`)
		}
	}
	return c.fail(start, "the text isn't closed")
}

// escapeLen is the length of the escape at the start of b, 0 when it is none.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if b[1] != 'u' {
		if bytes.IndexByte([]byte(`"\/bfnrt`), b[1]) < 0 {
			return 0
		}
		return 2
	}
	const n = len(`\u0000`)
	if len(b) < n {
		return 0
	}
	for _, h := range b[2:n] {
		if !('0' <= h && h <= '9' || 'a' <= h && h <= 'f' || 'A' <= h && h <= 'F') {
			return 0
		}
	}
	return n
}

// word reads a number, true, false or null.
func (c *syntax) word() bool {
	start := c.pos
	end := start
	for end < len(c.data) && wordByte(c.data[end]) {
		end++
	}
	w := c.data[start:end]
	switch {
	case len(w) == 0:
		return c.fail(start, "expected a value")
	case string(w) == "true", string(w) == "false", string(w) == "null", isNumber(w):
		c.pos = end
		return true
	case '0' <= w[0] && w[0] <= '9' || w[0] == '-' || w[0] == '+' || w[0] == '.':
		return c.fail(start, "expected a number as JSON writes it, or text in double quotes")
	}
	return c.fail(start, "expected a value: a number, true, false, null, or text in double quotes")
}

func wordByte(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '-' || b == '+' || b == '.' || b == '_'
}

// isNumber says whether w is a number by the JSON grammar.
func isNumber(w []byte) bool {
	w = bytes.TrimPrefix(w, []byte("-"))
	digits := func() int {
		n := 0
		for n < len(w) && '0' <= w[n] && w[n] <= '9' {
			n++
		}
		w = w[n:]
		return n
	}
	if len(w) > 1 && w[0] == '0' && '0' <= w[1] && w[1] <= '9' {
		return false
	}
	if digits() == 0 {
		return false
	}
	if len(w) > 0 && w[0] == '.' {
		if w = w[1:]; digits() == 0 {
			return false
		}
	}
	if len(w) > 0 && (w[0] == 'e' || w[0] == 'E') {
		w = w[1:]
		if len(w) > 0 && (w[0] == '+' || w[0] == '-') {
			w = w[1:]
		}
		if digits() == 0 {
			return false
		}
	}
	return len(w) == 0
}

// space skips white space and comments.
func (c *syntax) space() bool {
	for c.pos < len(c.data) {
		rest := c.data[c.pos:]
		switch {
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n':
			c.pos++
		case bytes.HasPrefix(rest, []byte("//")):
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest)
			}
			if i := lineSeparator(rest[:n]); i >= 0 {
				return c.fail(c.pos+i, "the comment holds an invisible line separator (U+2028 or U+2029)")
			}
			c.pos += n
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				return c.fail(c.pos, "the comment isn't closed with */")
			}
			c.pos += 2 + n + 2
		case rest[0] == '#':
			return c.fail(c.pos, "comments start with // or stand in /* */")
		default:
			return true
		}
	}
	return true
}

func lineSeparator(b []byte) int {
	i, j := bytes.Index(b, []byte("\u2028")), bytes.Index(b, []byte("\u2029"))
	if i < 0 || j >= 0 && j < i {
		return j
	}
	return i
}

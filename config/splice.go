package config

import (
	"bytes"

	"github.com/tailscale/hujson"
)

// sequence is the elements of an array or the members of an object, as far as the text between
// them goes. What follows an element in its line, a comment say, belongs to that element; what
// stands in lines of its own belongs to the element after it.
type sequence interface {
	len() int
	before(i int) *hujson.Extra // text in front of element i
	after(i int) *hujson.Extra  // text between element i and its comma; nil for the last one means no comma
	end() *hujson.Extra         // text before the closing bracket
}

type elements struct{ *hujson.Array }

func (e elements) len() int                   { return len(e.Elements) }
func (e elements) before(i int) *hujson.Extra { return &e.Elements[i].BeforeExtra }
func (e elements) after(i int) *hujson.Extra  { return &e.Elements[i].AfterExtra }
func (e elements) end() *hujson.Extra         { return &e.AfterExtra }

type members struct{ *hujson.Object }

func (m members) len() int                   { return len(m.Members) }
func (m members) before(i int) *hujson.Extra { return &m.Members[i].Name.BeforeExtra }
func (m members) after(i int) *hujson.Extra  { return &m.Members[i].Value.AfterExtra }
func (m members) end() *hujson.Extra         { return &m.AfterExtra }

// layout is how a file is laid out.
type layout struct {
	eol    string // "\n" or "\r\n"
	indent string // one level
}

func layoutOf(data []byte, root *hujson.Object) layout {
	l := layout{eol: "\n", indent: "  "}
	if bytes.Contains(data, []byte("\r\n")) {
		l.eol = "\r\n"
	}
	if len(root.Members) > 0 {
		if in := lastLine(root.Members[0].Name.BeforeExtra); in != "" {
			l.indent = in
		}
	}
	return l
}

// lastLine is the white space after the last line end of e; "" where there is no line end.
func lastLine(e hujson.Extra) string {
	i := bytes.LastIndexByte(e, '\n')
	if i < 0 {
		return ""
	}
	line := string(e[i+1:])
	if len(bytes.TrimSpace([]byte(line))) > 0 {
		return ""
	}
	return line
}

// splitLine splits e at its first line end that is not within a comment. ok is false where there
// is none.
func splitLine(e hujson.Extra) (line, rest hujson.Extra, ok bool) {
	for i := 0; i < len(e); i++ {
		switch {
		case e[i] == '\n':
			if i > 0 && e[i-1] == '\r' {
				i--
			}
			return e[:i:i], e[i:], true
		case bytes.HasPrefix(e[i:], []byte("/*")):
			n := bytes.Index(e[i+2:], []byte("*/"))
			if n < 0 {
				return nil, e, false
			}
			i += 2 + n + 1
		case bytes.HasPrefix(e[i:], []byte("//")):
			n := bytes.IndexByte(e[i:], '\n')
			if n < 0 {
				return nil, e, false
			}
			i += n - 1
		}
	}
	return nil, e, false
}

func hasComment(e hujson.Extra) bool { return bytes.IndexByte(e, '/') >= 0 }

// room makes room for one more element at the end, and returns the text to put before and after
// it. outer is the indentation of the line that the sequence's own bracket closes on.
func room(s sequence, l layout, outer string) (before, after hujson.Extra) {
	n := s.len()
	if n == 0 {
		head := bytes.TrimRight(*s.end(), " \t\r\n")
		*s.end() = hujson.Extra(l.eol + outer)
		return hujson.Extra(string(head) + l.eol + outer + l.indent), nil
	}
	if *s.after(n - 1) != nil {
		after = hujson.Extra{}
	}
	line, rest, many := splitLine(*s.end())
	if !many && !bytes.ContainsRune(*s.before(0), '\n') && !hasComment(*s.end()) {
		return hujson.Extra(" "), after
	}
	indent := lastLine(*s.before(n - 1))
	if indent == "" {
		indent = outer + l.indent
	}
	if !many {
		line, rest = bytes.TrimRight(*s.end(), " \t"), hujson.Extra(l.eol+outer)
	}
	*s.end() = rest
	return hujson.Extra(string(line) + l.eol + indent), after
}

// leave prepares the text around element i for its removal: its comments go with it, those of its
// neighbours stay.
func leave(s sequence, i int, l layout) {
	n := s.len()
	next := s.end()
	if i+1 < n {
		next = s.before(i + 1)
	}
	line, _, own := splitLine(*s.before(i))
	_, rest, many := splitLine(*next)
	switch {
	case own && hasComment(line) && many: // the comment behind the element before
		*next = append(bytes.Clone(line), rest...)
	case own && hasComment(line):
		*next = append(append(bytes.Clone(line), l.eol...), *next...)
	case many:
		*next = rest
	case i == 0 && i+1 < n && !hasComment(*next):
		*next = *s.before(0)
	}
	if i == 0 || i+1 < n {
		return
	}
	// The element before becomes the last one, and keeps a comma if this one had one.
	previous := s.after(i - 1)
	switch {
	case *s.after(i) != nil && *previous == nil:
		*previous = hujson.Extra{}
	case *s.after(i) == nil && *previous != nil:
		*s.end() = append(bytes.Clone(*previous), *s.end()...)
		*previous = nil
	}
}

// Package printable makes text from outside safe to print: what registries and programs send reaches a terminal
// only without characters that mean something to it.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unsafe says that r must not reach a terminal: control characters, line separators, and the marks that
// change the direction of writing.
func Unsafe(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
		unicode.Is(unicode.Bidi_Control, r)
}

// Line makes a text one line that is safe to print.
func Line(s string) string {
	if strings.ContainsFunc(s, Unsafe) {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\r' || r == '\t':
				return ' '
			case Unsafe(r):
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// Quote is Line for messages: at most 80 characters, in quotation marks.
func Quote(s string) string {
	const most = 80
	s = Line(s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return `"` + s + `"`
}

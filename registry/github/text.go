package github

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many bytes of a text from outside a message repeats.
const maxShown = 80

// unsafeRune says that r must not reach a terminal: control characters, line separators, and the
// marks that change the direction of writing.
func unsafeRune(r rune) bool {
	return r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

// line makes a text from outside one line that is safe to print.
func line(s string) string {
	if strings.ContainsFunc(s, unsafeRune) {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n', r == '\r', r == '\t':
				return ' '
			case unsafeRune(r):
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// clip shortens s for a message.
func clip(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// quote is line for messages: short and in quotation marks.
func quote(s string) string { return `"` + clip(line(s)) + `"` }

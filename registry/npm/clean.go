package npm

import (
	"strings"
	"unicode"
)

// unprintable says that a rune of a foreign text must not reach a terminal: control characters,
// line separators, and the marks that turn the direction of writing around.
func unprintable(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r == '\u061c', r == '\u200e', r == '\u200f', r == '\ufeff':
		return true
	case '\u2028' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	}
	return false
}

// printable says that s has nothing that clean would take out.
func printable(s string) bool { return !strings.ContainsFunc(s, unprintable) }

// clean makes a foreign text one printable line.
func clean(s string) string {
	if printable(s) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unprintable(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// brief is clean for texts that stand in an error.
func brief(s string) string {
	const most = 80
	s = clean(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

package semver

import (
	"strings"
	"unicode/utf8"
)

// isSpace says that JavaScript's \s matches r and its trim removes it: the white space and line
// terminators of ECMAScript. It differs from [unicode.IsSpace] in U+0085 and U+FEFF.
func isSpace(r rune) bool {
	switch {
	case r == ' ', '\t' <= r && r <= '\r':
		return true
	case r < 0xa0:
		return false
	case r >= 0x2000 && r <= 0x200a:
		return true
	}
	switch r {
	case 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff:
		return true
	}
	return false
}

// trim removes white space from both ends.
func trim(s string) string {
	if s == "" || plainEdge(s[0]) && plainEdge(s[len(s)-1]) {
		return s
	}
	return strings.TrimFunc(s, isSpace)
}

// plainEdge says that c is neither a space nor a byte of a longer character.
func plainEdge(c byte) bool { return c > ' ' && c < utf8.RuneSelf }

// spaceEnd returns where the white space ends that starts at i.
func spaceEnd(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !isSpace(r) {
			break
		}
		i += n
	}
	return i
}

// collapse trims s and makes one space of each run of white space. It returns s itself if there
// is nothing to do.
func collapse(s string) string {
	if collapsed(s) {
		return s
	}
	s = trim(s)
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if c := s[i]; c > ' ' && c < utf8.RuneSelf {
			b = append(b, c)
			i++
			continue
		}
		if end := spaceEnd(s, i); end > i {
			b = append(b, ' ')
			i = end
			continue
		}
		b = append(b, s[i])
		i++
	}
	return string(b)
}

// collapsed says that s has no white space but single spaces between other ASCII characters.
func collapsed(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			if i == 0 || i == len(s)-1 || s[i+1] == ' ' {
				return false
			}
		case !plainEdge(c):
			return false
		}
	}
	return true
}

// longerThan says that s has more than n UTF-16 code units.
func longerThan(s string, n int) bool {
	if len(s) <= n {
		return false
	}
	if len(s) > 3*n { // a unit takes at most 3 bytes of UTF-8
		return true
	}
	units := 0
	for _, r := range s {
		if units++; r > 0xffff {
			units++
		}
	}
	return units > n
}

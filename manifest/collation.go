package manifest

import "strings"

// CollationKey orders names and paths as npm does, which sorts by the English collation: the
// punctuation of package names before digits, digits before
// letters, case last.
func CollationKey(s string) string {
	const punctuation = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
	var b strings.Builder
	b.Grow(2*len(s) + 1)
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if at := strings.IndexByte(punctuation, c); at >= 0 {
			c = byte(1 + at)
		}
		b.WriteByte(c)
	}
	b.WriteByte(0)
	for i := range len(s) { // lower case before upper
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('B')
		} else {
			b.WriteByte('A')
		}
	}
	return b.String()
}

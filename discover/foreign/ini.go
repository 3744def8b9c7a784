package foreign

import (
	"strings"
)

// iniLine is one setting of a file in the syntax of Python's configparser: pip's.
type iniLine struct {
	section, key string
	values       []string // the lines of its value
	lines        []int    // where each of them stands
}

// parseINI reads sections, "key = value" and "key: value", values that go on in indented lines, and
// comments. What is none of these is passed over.
func parseINI(data []byte) []iniLine {
	var out []iniLine
	section := ""
	open := false // the last setting may go on
	number := 0
	for text := range strings.Lines(string(data)) {
		number++
		line := strings.TrimRight(text, " \t\r\n")
		plain := strings.TrimSpace(line)
		switch {
		case plain == "" || plain[0] == '#' || plain[0] == ';':
		case open && (line[0] == ' ' || line[0] == '\t'):
			last := &out[len(out)-1]
			last.values, last.lines = append(last.values, withoutComment(plain)), append(last.lines, number)
		case plain[0] == '[' && strings.HasSuffix(plain, "]"):
			section, open = strings.ToLower(plain[1:len(plain)-1]), false
		default:
			i := strings.IndexAny(plain, "=:")
			if i <= 0 || len(out) == maxNodes {
				open = false
				continue
			}
			key := strings.ReplaceAll(strings.ToLower(strings.TrimSpace(plain[:i])), "_", "-")
			out = append(out, iniLine{section, key, []string{withoutComment(strings.TrimSpace(plain[i+1:]))}, []int{number}})
			open = true
		}
	}
	return out
}

// withoutComment cuts a comment that follows a value: one that a blank stands before.
func withoutComment(s string) string {
	for _, mark := range []string{" #", " ;", "\t#", "\t;"} {
		s, _, _ = strings.Cut(s, mark)
	}
	return strings.TrimSpace(s)
}

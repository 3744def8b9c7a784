package config

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// npmrcLine is one assignment of a .npmrc file.
type npmrcLine struct {
	key   string
	array bool   // key[]=value: adds to what other lines of the key gave
	value string // "" and noValue for a key alone
	// noValue says that the line was a key alone, which npm takes for true.
	noValue bool
	at      origin
}

// maxNpmrcLines bounds the assignments of one file; a person's has a dozen. What stands beyond
// does not count, and is reported.
const maxNpmrcLines = 500

// parseNpmrc reads the lines of an .npmrc by the rules of npm's ini reader, which forgives
// everything: what is no assignment is skipped. Variables are not expanded. Lines below a
// [section] do not count, since npm's configuration has no sections.
func parseNpmrc(s *source) []npmrcLine {
	var out []npmrcLine
	text := string(s.data)
	for start := 0; start < len(text); {
		end := start + strings.IndexAny(text[start:], "\r\n")
		if end < start {
			end = len(text)
		}
		line, at := text[start:end], start
		start = end + 1
		trimmed := strings.TrimLeft(line, " \t")
		at += len(line) - len(trimmed)
		switch {
		case trimmed == "" || trimmed[0] == ';' || trimmed[0] == '#':
			continue
		case trimmed[0] == '[' && strings.HasSuffix(strings.TrimRight(trimmed, " \t"), "]"):
			return out
		case trimmed[0] == '=':
			continue
		}
		if len(out) == maxNpmrcLines {
			s.problem(at, "expected at most %d settings in a file", maxNpmrcLines)
			return out
		}
		l := parseNpmrcLine(trimmed)
		l.at = s.at(at)
		l.at.path = l.key
		out = append(out, l)
	}
	return out
}

func parseNpmrcLine(line string) npmrcLine {
	rawKey, rawValue, assigned := strings.Cut(line, "=")
	l := npmrcLine{key: iniValue(rawKey), noValue: !assigned, value: iniValue(rawValue)}
	if name, ok := strings.CutSuffix(l.key, "[]"); ok && name != "" {
		l.key, l.array = name, true
	}
	return l
}

// iniValue takes quotes and comments off one side of an assignment: text in quotes is read as JSON
// where it is JSON; elsewhere ; and # begin a comment, unless a backslash stands before them.
func iniValue(raw string) string {
	s := strings.TrimSpace(strings.ToValidUTF8(raw, string(utf8.RuneError)))
	if n := len(s); n > 0 && (s[0] == '"' && s[n-1] == '"' || s[0] == '\'' && s[n-1] == '\'') {
		if s[0] == '\'' {
			s = s[1:max(1, n-1)]
		}
		var unquoted string
		if json.Unmarshal([]byte(s), &unquoted) == nil {
			return unquoted
		}
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ';' || c == '#':
			return strings.TrimSpace(b.String())
		case c == '\\' && i+1 < len(s):
			i++
			if next := s[i]; next != ';' && next != '#' && next != '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return strings.TrimSpace(b.String())
}

// npmExpand replaces variables by npm's rules: ${VAR} stays as it is when VAR is not set, ${VAR?}
// is then empty, and of the backslashes before it each pair is one; an odd one keeps the text as
// it is. unset lists the variables that stayed.
func npmExpand(s string, getenv func(string) (string, bool)) (out string, unset []string) {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String(), unset
		}
		name, optional, n := npmVariable(s[i:])
		if n == 0 {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		before := strings.TrimRight(s[:i], `\`)
		slashes := i - len(before)
		b.WriteString(before)
		b.WriteString(strings.Repeat(`\`, slashes/2))
		name, def, hasDefault := strings.Cut(name, ":-") // npm has no defaults; pnpm and pantry.json have
		value, set := getenv(name)
		switch {
		case slashes%2 == 1:
			b.WriteString(s[i : i+n])
		case hasDefault && value == "":
			b.WriteString(def)
		case set:
			b.WriteString(value)
		case !optional:
			b.WriteString("${" + name + "}")
			unset = append(unset, name)
		}
		s = s[i+n:]
	}
}

// npmVariable reads ${NAME} or ${NAME?} at the start of s; n is its length, 0 when there is none.
func npmVariable(s string) (name string, optional bool, n int) {
	end := strings.IndexByte(s, '}')
	if end < 0 {
		return "", false, 0
	}
	name, optional = strings.CutSuffix(s[len("${"):end], "?")
	if name == "" || strings.ContainsAny(name, "${?") {
		return "", false, 0
	}
	return name, optional, end + 1
}

package pkgx

import (
	"strconv"
	"strings"
)

// expand fills in what stands between {{ and }}, with or without a $ before and spaces within.
// What token does not know stays as it is, without the $; all says whether there was nothing of
// that kind.
func expand(s string, token func(name string) (string, bool)) (expanded string, all bool) {
	all = true
	if !strings.Contains(s, "{{") {
		return s, true
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{{")
		name, after, closed := strings.Cut(rest, "}}")
		if !found || !closed {
			b.WriteString(s)
			return b.String(), all
		}
		b.WriteString(strings.TrimSuffix(before, "$"))
		if value, ok := token(strings.TrimSpace(name)); ok {
			b.WriteString(value)
		} else {
			b.WriteString("{{" + strings.TrimSpace(name) + "}}")
			all = false
		}
		s = after
	}
}

// versionToken knows prefix, prefix.major and so on, as the recipes call them.
func versionToken(v version, prefix string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok || v.numbers == nil {
			return "", false
		}
		at := func(i int) string {
			if i < len(v.numbers) {
				return strconv.FormatUint(v.numbers[i], 10)
			}
			return "0"
		}
		switch rest {
		case "":
			return v.canonical(), true
		case ".raw":
			return v.raw, true
		case ".major":
			return at(0), true
		case ".minor":
			return at(1), true
		case ".patch":
			return at(2), true
		case ".marketing":
			return at(0) + "." + at(1), true
		}
		return "", false
	}
}

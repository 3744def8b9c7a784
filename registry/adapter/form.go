package adapter

import (
	"strings"
	"unicode"
)

// form returns what an ecosystem makes of a name or version in its URLs, by the form's name; nil if
// there is none of that name.
func form(name string) func(string) string {
	switch name {
	case "lower":
		return strings.ToLower
	case "pep503":
		return pep503
	case "go-escape":
		return goEscape
	case "crates-prefix":
		return cratesPrefix
	}
	return nil
}

func forms() []string { return []string{"crates-prefix", "go-escape", "lower", "pep503"} }

// pep503 is the normal form of the name of a Python package (PEP 503): lower case, with one hyphen for
// every run of hyphens, dots and underscores.
func pep503(s string) string {
	parts := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(parts, "-")
}

// goEscape writes capitals of module paths and versions as "!" and the small letter, as the protocol
// of module proxies does for file systems that do not tell them apart.
func goEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cratesPrefix is the folder of a crate in an index: 1, 2, 3/a or ab/cd, in lower case.
func cratesPrefix(s string) string {
	r := []rune(strings.ToLower(s))
	switch len(r) {
	case 0:
		return ""
	case 1, 2:
		return string('0' + rune(len(r)))
	case 3:
		return "3/" + string(r[:1])
	}
	return string(r[:2]) + "/" + string(r[2:4])
}

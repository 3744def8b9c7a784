package registry

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxPattern bounds a pattern in bytes. npm's names have at most 214 characters; overlap of two
// patterns costs the product of their lengths.
const maxPattern = 256

// pattern matches package names: "*" stands for any characters within one segment, and segments
// are what "/" separates. Letters match in either case, so that a private name in capitals is not
// asked of strangers either.
type pattern struct {
	raw  string
	segs []string // lower case
}

func parsePattern(raw string) (pattern, error) {
	if err := checkPattern(raw); err != nil {
		return pattern{}, err
	}
	return pattern{raw: raw, segs: strings.Split(strings.ToLower(raw), "/")}, nil
}

func checkPattern(raw string) error {
	switch {
	case raw == "":
		return errors.New("a pattern must not be empty")
	case len(raw) > maxPattern:
		return fmt.Errorf("a pattern has at most %d bytes", maxPattern)
	case strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("pattern %q holds white space", raw)
	case strings.Contains(raw, "**"):
		return fmt.Errorf("pattern %q: write one *; it matches within a segment", raw)
	case strings.ContainsAny(raw, `?[]{}!\`):
		return fmt.Errorf("pattern %q: * is the only special character", raw)
	}
	segs := strings.Split(raw, "/")
	for _, s := range segs {
		if s == "" || s == "." || s == ".." {
			return fmt.Errorf("pattern %q has the segment %q, which no name has", raw, s)
		}
	}
	if strings.HasPrefix(raw, "@") && len(segs) == 1 {
		return fmt.Errorf("pattern %q matches no name: a scope is written %q", raw, raw+"/*")
	}
	return nil
}

// match says whether the pattern matches a name.
func (p pattern) match(name string) bool { return p.matchLower(strings.ToLower(name)) }

// matchLower is match for a name in lower case.
func (p pattern) matchLower(name string) bool {
	for i, s := range p.segs {
		seg, rest, more := strings.Cut(name, "/")
		if more == (i == len(p.segs)-1) || !globMatch(s, seg) {
			return false
		}
		name = rest
	}
	return true
}

// prefix is what stands before the first "*", in lower case: every name that matches begins with it.
func (p pattern) prefix() string {
	before, _, _ := strings.Cut(strings.ToLower(p.raw), "*")
	return before
}

// scope says whether word is a scope that the pattern's names are in: "@acme" for "@acme/*".
func (p pattern) scope(word string) bool {
	return len(p.segs) == 2 && strings.HasPrefix(word, "@") && !strings.Contains(word, "/") && globMatch(p.segs[0], strings.ToLower(word))
}

// overlaps says whether one name can match both patterns.
func (p pattern) overlaps(q pattern) bool {
	if len(p.segs) != len(q.segs) {
		return false
	}
	for i := range p.segs {
		if !globOverlap(p.segs[i], q.segs[i]) {
			return false
		}
	}
	return true
}

// covers says whether every name that matches q matches p.
func (p pattern) covers(q pattern) bool {
	if len(p.segs) != len(q.segs) {
		return false
	}
	for i := range p.segs {
		// A character that no pattern holds stands for whatever q's "*" stands for: only a "*"
		// of p can match it, and that "*" then matches anything in its place.
		if !globMatch(p.segs[i], strings.ReplaceAll(q.segs[i], "*", "\x00")) {
			return false
		}
	}
	return true
}

// globMatch matches with one step back to the last "*", which is enough since a "*" that comes
// later can take whatever an earlier one could.
func globMatch(glob, s string) bool {
	g, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, mark = g, i
			g++
		case g < len(glob) && glob[g] == s[i]:
			g++
			i++
		case star >= 0:
			mark++
			g, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}

// globOverlap says whether some string matches both globs. row[j] is the answer for the rest of a
// and the rest of b from j.
func globOverlap(a, b string) bool {
	row := make([]bool, len(b)+1)
	row[len(b)] = true
	for j := len(b) - 1; j >= 0; j-- {
		row[j] = b[j] == '*' && row[j+1]
	}
	for i := len(a) - 1; i >= 0; i-- {
		next := make([]bool, len(b)+1)
		next[len(b)] = a[i] == '*' && row[len(b)]
		for j := len(b) - 1; j >= 0; j-- {
			switch {
			case a[i] == '*' || b[j] == '*':
				next[j] = row[j] || next[j+1]
			default:
				next[j] = a[i] == b[j] && row[j+1]
			}
		}
		row = next
	}
	return row[0]
}

// PatternCovers says whether every name that matches the pattern q matches the pattern p, as patterns
// stand in Config.Packages. It is false where one of them is none.
func PatternCovers(p, q string) bool {
	a, err1 := parsePattern(p)
	b, err2 := parsePattern(q)
	return err1 == nil && err2 == nil && a.covers(b)
}

// PatternsOverlap says whether some name matches both patterns. It is false where one of them is none.
func PatternsOverlap(p, q string) bool {
	a, err1 := parsePattern(p)
	b, err2 := parsePattern(q)
	return err1 == nil && err2 == nil && a.overlaps(b)
}

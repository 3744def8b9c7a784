package scheme

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// gemKey is a version of RubyGems: segments of digits or of letters.
type gemKey []gemSegment

type gemSegment struct {
	word string // letters; "" is a number
	num  number
}

var gemZero = gemSegment{}

// parseGem reads [0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?, where a hyphen means
// ".pre.".
func parseGem(v string) (key, bool) {
	first, rest, hyphen := strings.Cut(v, "-")
	head, _, _ := strings.Cut(first, ".")
	if head == "" || strings.Trim(head, digits) != "" {
		return nil, false
	}
	for part := range strings.SplitSeq(first, ".") {
		if part == "" || strings.Trim(strings.ToLower(part), digits+letters) != "" {
			return nil, false
		}
	}
	if hyphen {
		for part := range strings.SplitSeq(rest, ".") {
			if part == "" || strings.Trim(strings.ToLower(part), digits+letters+"-") != "" {
				return nil, false
			}
		}
		v = strings.ReplaceAll(v, "-", ".pre.")
	}
	return gemSegments(v), true
}

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyz"
)

// gemSegments finds runs of digits and of letters.
func gemSegments(v string) gemKey {
	var k gemKey
	for len(v) > 0 {
		switch n := len(v) - len(strings.TrimLeft(v, digits)); {
		case n > 0:
			k = append(k, gemSegment{num: numberOf(v[:n])})
			v = v[n:]
		default:
			n = strings.IndexAny(v, digits+".")
			if n < 0 {
				n = len(v)
			}
			if n > 0 {
				k = append(k, gemSegment{word: v[:n]})
			}
			v = v[max(n, 1):]
			if n > 0 {
				continue
			}
		}
		v = strings.TrimPrefix(v, ".")
	}
	return k
}

// canonical drops the zeros at the end of the numbers before the first word, and at the end of all.
func (k gemKey) canonical() gemKey {
	at := slices.IndexFunc(k, func(s gemSegment) bool { return s.word != "" })
	if at < 0 {
		at = len(k)
	}
	trim := func(s gemKey) gemKey {
		for len(s) > 0 && s[len(s)-1] == gemZero {
			s = s[:len(s)-1]
		}
		return s
	}
	return slices.Concat(trim(k[:at]), trim(k[at:]))
}

func (k gemKey) compare(other key) int {
	a, b := k.canonical(), other.(gemKey).canonical()
	for i := range max(len(a), len(b)) {
		x, y := gemZero, gemZero
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if c := x.compare(y); c != 0 {
			return c
		}
	}
	return 0
}

// compare puts words before numbers.
func (s gemSegment) compare(o gemSegment) int {
	switch {
	case s.word == "" && o.word == "":
		return s.num.compare(o.num)
	case s.word == "":
		return 1
	case o.word == "":
		return -1
	}
	return cmp.Compare(s.word, o.word)
}

func (k gemKey) prerelease() bool {
	return slices.ContainsFunc(k, func(s gemSegment) bool { return s.word != "" })
}

// release drops everything from the first word on.
func (k gemKey) release() gemKey {
	if i := slices.IndexFunc(k, func(s gemSegment) bool { return s.word != "" }); i >= 0 {
		return k[:i]
	}
	return k
}

// bump is the version that "~>" stops before: 5.3 of 5.2.4.
func (k gemKey) bump() gemKey {
	r := slices.Clone(k.release())
	if len(r) > 1 {
		r = r[:len(r)-1]
	}
	if len(r) > 0 {
		r[len(r)-1].num = r[len(r)-1].num.plusOne()
	}
	return r
}

// gemConstraint reads requirements of RubyGems, with commas between them.
func gemConstraint(c string) (Matcher, error) {
	return clauses(c, func(clause string) (func(key, string) bool, bool, error) {
		op, text := operator(clause, "=", "!=", "<", "<=", ">", ">=", "~>")
		parsed, ok := parseGem(text)
		if !ok {
			return nil, false, errors.New("expected a version behind =, !=, <, <=, >, >= or ~>")
		}
		want := parsed.(gemKey)
		if op == "~>" {
			stop := want.bump()
			return func(k key, _ string) bool {
				return k.compare(want) >= 0 && k.(gemKey).release().compare(stop) < 0
			}, want.prerelease(), nil
		}
		return func(k key, _ string) bool { return ordered(op, k.compare(want)) }, want.prerelease(), nil
	})
}

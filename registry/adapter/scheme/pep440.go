package scheme

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// pepKey is a version of PEP 440. A part that is not there is nil.
type pepKey struct {
	epoch   number
	release []number // without zeros at its end
	written int      // segments of the release as written
	pre     *pepPre
	post    *number
	dev     *number
	local   []string
}

type pepPre struct {
	phase string // a, b, rc
	num   number
}

// pepPattern is the grammar of appendix B of PEP 440. It is compiled when it is first needed.
var pepPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` + // 1 epoch, 2 release
		`(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?` + // 3 phase, 4 number
		`(?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?` + // 5 bare number, 6 word, 7 number
		`(?:[-_.]?(dev)[-_.]?([0-9]*))?` + // 8 word, 9 number
		`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`) // 10 local
})

func parsePEP440(v string) (key, bool) {
	m := pepPattern().FindStringSubmatch(strings.ToLower(strings.TrimSpace(v)))
	if m == nil {
		return nil, false
	}
	k := pepKey{epoch: numberOf(m[1])}
	for s := range strings.SplitSeq(m[2], ".") {
		k.release = append(k.release, numberOf(s))
	}
	k.written = len(k.release)
	for len(k.release) > 0 && k.release[len(k.release)-1] == "" {
		k.release = k.release[:len(k.release)-1]
	}
	switch m[3] {
	case "":
	case "a", "alpha":
		k.pre = &pepPre{"a", numberOf(m[4])}
	case "b", "beta":
		k.pre = &pepPre{"b", numberOf(m[4])}
	default:
		k.pre = &pepPre{"rc", numberOf(m[4])}
	}
	if m[5] != "" || m[6] != "" {
		n := numberOf(m[5] + m[7])
		k.post = &n
	}
	if m[8] != "" {
		n := numberOf(m[9])
		k.dev = &n
	}
	if m[10] != "" {
		k.local = strings.FieldsFunc(m[10], func(r rune) bool { return strings.ContainsRune("-_.", r) })
	}
	return k, true
}

func (k pepKey) prerelease() bool { return k.pre != nil || k.dev != nil }

func (k pepKey) compare(other key) int {
	o := other.(pepKey)
	return cmp.Or(k.compareBase(o), k.compareSuffix(o), compareLocal(k.local, o.local))
}

// compareBase compares epoch and release.
func (k pepKey) compareBase(o pepKey) int {
	return cmp.Or(k.epoch.compare(o.epoch), slices.CompareFunc(k.release, o.release, number.compare))
}

// compareSuffix compares pre-, post- and development release. A development release without a
// prerelease comes before all prereleases.
func (k pepKey) compareSuffix(o pepKey) int {
	rank := func(k pepKey) int {
		switch {
		case k.pre != nil:
			return 0
		case k.post == nil && k.dev != nil:
			return -1
		}
		return 1
	}
	c := cmp.Compare(rank(k), rank(o))
	if c == 0 && k.pre != nil {
		c = cmp.Or(strings.Compare(k.pre.phase, o.pre.phase), k.pre.num.compare(o.pre.num))
	}
	return cmp.Or(c, compareAbsent(k.post, o.post, -1), compareAbsent(k.dev, o.dev, 1))
}

// compareAbsent compares numbers; one that is not there is before (-1) or behind (1) all.
func compareAbsent(a, b *number, absent int) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return absent
	case b == nil:
		return -absent
	}
	return a.compare(*b)
}

// compareLocal puts words before numbers, and a part before what has more parts.
func compareLocal(a, b []string) int {
	return slices.CompareFunc(a, b, func(x, y string) int {
		nx, ny := strings.Trim(x, digits) == "", strings.Trim(y, digits) == ""
		switch {
		case nx && ny:
			return numberOf(x).compare(numberOf(y))
		case nx:
			return 1
		case ny:
			return -1
		}
		return strings.Compare(x, y)
	})
}

// public is the version without its local part.
func (k pepKey) public() pepKey { k.local = nil; return k }

// pep440Constraint reads version specifiers, with commas between them. A version alone is that one.
func pep440Constraint(c string) (Matcher, error) {
	return clauses(c, pepClause)
}

func pepClause(clause string) (func(key, string) bool, bool, error) {
	op, text := operator(clause, "~=", "==", "!=", "<=", ">=", "<", ">", "===")
	if op == "===" {
		return func(_ key, v string) bool { return strings.EqualFold(v, text) }, true, nil
	}
	prefix, wildcard := strings.CutSuffix(text, ".*")
	parsed, ok := parsePEP440(prefix)
	if !ok || wildcard && op != "==" && op != "!=" {
		return nil, false, errors.New("expected a version behind ~=, ==, !=, <=, >=, <, > or ===")
	}
	want := parsed.(pepKey)
	if want.local != nil && op != "==" && op != "!=" && op != "" {
		return nil, false, errors.New("a local version can only be asked for with == and !=")
	}
	if wildcard && (want.dev != nil || want.local != nil) {
		return nil, false, errors.New(".* cannot stand behind a development or local version")
	}
	// A bare version counts as "==". Exclusions and open comparisons ask for no prerelease.
	asks := want.prerelease() && op != "!=" && op != "<" && op != ">"
	match := func(k pepKey) bool { return ordered(op, k.public().compare(want)) }
	switch op {
	case "~=":
		if want.written < 2 {
			return nil, false, errors.New("~= needs a version of two parts or more")
		}
		series := pepKey{epoch: want.epoch, release: want.release, written: want.written - 1}
		match = func(k pepKey) bool { return k.public().compare(want) >= 0 && series.begins(k) }
	case "==", "":
		match = func(k pepKey) bool { return want.equals(k, wildcard) }
	case "!=":
		match = func(k pepKey) bool { return !want.equals(k, wildcard) }
	case "<":
		match = func(k pepKey) bool {
			// Nothing that leads to the version itself, unless it is such a one.
			leads := !want.prerelease() && k.prerelease() && k.compareBase(want) == 0
			return k.public().compare(want) < 0 && !leads
		}
	case ">":
		match = func(k pepKey) bool {
			// Nothing that follows from the version itself.
			follows := (k.post != nil && want.post == nil || k.local != nil) && k.compareBase(want) == 0
			return k.compare(want) > 0 && !follows
		}
	}
	return func(k key, _ string) bool { return match(k.(pepKey)) }, asks, nil
}

// equals is "==": with a wildcard, whether k begins like want, else whether it is want, whatever its
// local part unless want has one.
func (k pepKey) equals(other pepKey, wildcard bool) bool {
	switch {
	case wildcard:
		return k.begins(other)
	case k.local == nil:
		return k.compare(other.public()) == 0
	}
	return k.compare(other) == 0
}

// begins says whether other's parts begin with those of k, of whose release as many segments count
// as were written.
func (k pepKey) begins(other pepKey) bool {
	if k.epoch != other.epoch {
		return false
	}
	segment := func(r []number, i int) number {
		if i < len(r) {
			return r[i]
		}
		return ""
	}
	for i := range k.written {
		if segment(k.release, i) != segment(other.release, i) {
			return false
		}
	}
	if k.pre == nil && k.post == nil {
		return true
	}
	if k.compareBase(other) != 0 || (k.pre == nil) != (other.pre == nil) || k.pre != nil && *k.pre != *other.pre {
		return false
	}
	return k.post == nil || other.post != nil && *k.post == *other.post
}

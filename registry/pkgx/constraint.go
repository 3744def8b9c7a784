package pkgx

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

const (
	maxConstraint   = 1024 // bytes; the longest of the public recipes have some sixty
	maxAlternatives = 64   // between commas; the public recipes have six at most
)

// Constraint says which versions will do. Its zero value is "*", which every version satisfies.
// It is immutable.
type Constraint struct {
	text   string // as it was written; "" when it was computed
	spans  []span // ascending and apart from each other; nil means all versions
	latest bool
}

// span is the versions from low to below high; with one, the version low alone; with neither high
// nor one, all from low on.
type span struct {
	low, high version
	one       bool
}

func (s span) open() bool { return !s.one && s.high.numbers == nil }

func (s span) holds(v version) bool {
	c := v.compare(s.low)
	if s.one {
		return c == 0
	}
	return c >= 0 && (s.open() || v.compare(s.high) < 0)
}

func (s span) String() string {
	switch {
	case s.one:
		return "=" + s.low.raw
	case s.open():
		return ">=" + s.low.raw
	}
	return ">=" + s.low.raw + "<" + s.high.raw
}

// ParseConstraint reads a constraint as pkgx writes it. The error matches pantry.ErrConfig.
//
//   - any version; so is ""
//     latest       the newest version, whatever it is
//     ^1.2         from 1.2 to below the next value of the first number that is not 0
//     ~1.2.3 ~1    from it to below 1.3; below 2
//     @1.2         all that begins with it, upwards of it: 1.2 to below 1.3
//     1.2          the same as @1.2
//     =1.2.3       that version
//     <2           below it
//     >=1.2<2      from the first to below the second, which may be missing
//     ^1,^3        any of them; || may stand for the comma
//
// There is no >, no <=, and no "and" but that of the last but one line.
func ParseConstraint(s string) (Constraint, error) {
	text := strings.TrimSpace(s)
	switch {
	case text == "" || text == "*":
		return Constraint{text: "*"}, nil
	case text == "latest" || text == "@latest":
		return Constraint{text: "latest", latest: true}, nil
	case len(text) > maxConstraint:
		return Constraint{}, fmt.Errorf("%w: the constraint is longer than %d bytes", pantry.ErrConfig, maxConstraint)
	}
	var spans []span
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "||", ","), ",") {
		part = strings.TrimSpace(part)
		if part == "*" {
			return Constraint{text: text}, nil
		}
		p, err := parseSpan(part)
		if err != nil {
			return Constraint{}, err
		}
		if spans = append(spans, p); len(spans) > maxAlternatives {
			return Constraint{}, fmt.Errorf("%w: the constraint has more than %d alternatives", pantry.ErrConfig, maxAlternatives)
		}
	}
	return Constraint{text: text, spans: merge(spans)}, nil
}

func notConstraint(part string) error {
	err := fmt.Errorf("%w: %s is no constraint of pkgx", pantry.ErrConfig, quote(part))
	return pantry.WithHint(err, "write ^1.2, ~1.2, @1.2, =1.2.3, <2, >=1.2<2, *, or several separated by commas")
}

// parseSpan reads one of the alternatives.
func parseSpan(part string) (span, error) {
	operator, rest := "@", part
	for _, o := range []string{">=", "^", "~", "@", "=", "<"} {
		if after, ok := strings.CutPrefix(part, o); ok {
			operator, rest = o, strings.TrimSpace(after)
			break
		}
	}
	rest, upper, bounded := strings.Cut(rest, "<")
	v, err := parseVersion(strings.TrimSpace(rest))
	if err != nil || bounded && operator != ">=" {
		return span{}, notConstraint(part)
	}
	s := span{low: v}
	switch operator {
	case "=":
		s.one = true
		return s, nil
	case ">=":
		if !bounded {
			return s, nil
		}
		if s.high, err = parseVersion(strings.TrimSpace(upper)); err != nil {
			return span{}, notConstraint(part)
		}
	case "<":
		s.low, s.high = ofNumbers([]uint64{0}), v
	default:
		s.high = ofNumbers(ceiling(operator, v.numbers))
	}
	if s.low.compare(s.high) >= 0 {
		return span{}, fmt.Errorf("%w: no version satisfies %s", pantry.ErrConfig, quote(part))
	}
	return s, nil
}

// ceiling is the first version that ^, ~ or @ does not take.
func ceiling(operator string, numbers []uint64) []uint64 {
	keep := len(numbers) // @: the last one given
	switch operator {
	case "^":
		keep = 1
		for keep < len(numbers) && numbers[keep-1] == 0 {
			keep++
		}
	case "~":
		keep = min(2, len(numbers))
	}
	high := slices.Clone(numbers[:keep])
	high[keep-1]++
	return high
}

// merge puts spans in order and makes one of those that touch, so that intersecting again and
// again does not make them more.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		c := a.low.compare(b.low)
		switch {
		case c != 0 || a.one == b.one:
			return c
		case a.one:
			return 1
		}
		return -1
	})
	merged := spans[:0]
	for _, s := range spans {
		if len(merged) == 0 {
			merged = append(merged, s)
			continue
		}
		last := &merged[len(merged)-1]
		switch {
		case last.holds(s.low), !last.one && !s.one && !last.open() && last.high.compare(s.low) == 0:
			if !last.one && !last.open() && !s.one && (s.open() || s.high.compare(last.high) > 0) {
				last.high = s.high
			}
		default:
			merged = append(merged, s)
		}
	}
	return merged
}

// String is the constraint as it was written, or one that means the same.
func (c Constraint) String() string {
	switch {
	case c.text != "":
		return c.text
	case c.latest:
		return "latest"
	case c.spans == nil:
		return "*"
	}
	parts := make([]string, len(c.spans))
	for i, s := range c.spans {
		parts[i] = s.String()
	}
	return strings.Join(parts, ",")
}

// Match says whether version satisfies c. What is no version satisfies nothing. "latest" takes
// every version, since which is the newest is for a list to say: see [Constraint.Newest].
func (c Constraint) Match(version string) bool {
	v, err := parseVersion(version)
	return err == nil && c.match(v)
}

func (c Constraint) match(v version) bool {
	return c.spans == nil || slices.ContainsFunc(c.spans, func(s span) bool { return s.holds(v) })
}

// Newest returns the newest of versions that satisfies c, whatever their order. Of two that are
// the same by value, it is the one that comes later in byte order.
func (c Constraint) Newest(versions []string) (string, bool) {
	var best version
	var newest string
	for _, s := range versions {
		v, err := parseVersion(s)
		if err != nil || !c.latest && !c.match(v) {
			continue
		}
		if newest == "" || order(v, best) > 0 {
			best, newest = v, s
		}
	}
	if newest == "" || !c.match(best) {
		return "", false
	}
	return newest, true
}

// order is by value, and then by text, so that it is the same everywhere.
func order(v, w version) int {
	return cmp.Or(v.compare(w), strings.Compare(v.raw, w.raw))
}

// Intersect returns the constraint of the versions that satisfy both. ok is false when there can
// be none.
func (c Constraint) Intersect(d Constraint) (both Constraint, ok bool) {
	switch {
	case c.spans == nil && !c.latest:
		return d, true
	case d.spans == nil && !d.latest:
		return c, true
	}
	both = Constraint{latest: c.latest || d.latest}
	if c.spans == nil || d.spans == nil {
		both.spans = append(slices.Clip(c.spans), d.spans...)
		return both, true
	}
	var spans []span
	for _, a := range c.spans {
		for _, b := range d.spans {
			if s, ok := a.intersect(b); ok {
				spans = append(spans, s)
			}
		}
	}
	both.spans = merge(spans)
	return both, len(spans) > 0
}

func (s span) intersect(t span) (span, bool) {
	switch {
	case s.one && t.one && t.low.raw < s.low.raw: // the same by value, or nothing
		return t, s.holds(t.low)
	case s.one:
		return s, t.holds(s.low)
	case t.one:
		return t, s.holds(t.low)
	}
	if t.low.compare(s.low) > 0 {
		s.low = t.low
	}
	if s.open() || !t.open() && t.high.compare(s.high) < 0 {
		s.high = t.high
	}
	return s, s.open() || s.low.compare(s.high) < 0
}

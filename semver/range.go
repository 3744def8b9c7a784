package semver

import (
	"strings"
	"sync/atomic"
)

// Limits of a range. npm has none; a range of published packages has a few hundred bytes at most.
const (
	maxRange       = 64 << 10 // bytes
	maxComparators = 2048
)

// Range is a parsed range. It is immutable and safe for concurrent use. The zero Range is
// satisfied by nothing.
type Range struct{ d *rangeData }

// rangeData holds the sets of a range one after the other. A version satisfies the range if it
// satisfies all comparators of one set; an empty set is satisfied by any version.
type rangeData struct {
	text        string // as given
	loose       bool
	pre         bool // npm's includePrerelease
	never       bool // npm would refuse the text: nothing satisfies it
	comparators []comparator
	ends        []int32       // of the sets; nil if there is one
	few         [2]comparator // memory for most ranges
	including   atomic.Pointer[rangeData]
}

// ParseRange reads a range in loose mode, as npm does for dependencies. Parts that are no
// comparators are passed over in this mode ("foo || 1.x" is "1.x"), but there must be one. "" is
// any version. A range of more than 65536 bytes or 2048 comparators is refused.
// The error is an [*Error].
func ParseRange(s string) (Range, error) { return newRange(s, true, false) }

// ParseRangeStrict reads a range in strict mode. The error is an [*Error].
func ParseRangeStrict(s string) (Range, error) { return newRange(s, false, false) }

// ParseRangeIncludePrerelease reads a range in loose mode with npm's includePrerelease, which
// moves bounds too: "1.x" starts at 1.0.0-0 and "1.0.0 - 2.0.0" ends before 2.0.1-0. Match and
// MatchPrerelease are the same for it. The error is an [*Error].
func ParseRangeIncludePrerelease(s string) (Range, error) { return newRange(s, true, true) }

func newRange(s string, loose, pre bool) (Range, error) {
	d, f := parseRange(s, loose, pre)
	if f != none {
		return Range{}, f.of("range", s)
	}
	return Range{d}, nil
}

func parseRange(s string, loose, pre bool) (*rangeData, fault) {
	if len(s) > maxRange {
		return nil, rangeTooLong
	}
	d := &rangeData{text: s, loose: loose, pre: pre}
	p := setParser{rangeParser: rangeParser{loose: loose, pre: pre, comparators: d.few[:0]}}
	s = collapse(s)
	if n := strings.Count(s, "||"); n > 0 {
		n = min(n+1, maxComparators/2)
		p.ends = make([]int32, 0, n)
		p.comparators = make([]comparator, 0, 2*n)
	}
	for more := true; more; {
		var set string
		set, s, more = strings.Cut(s, "||")
		if f := p.set(set); f != none {
			return nil, f
		}
	}
	if p.all {
		return d, none
	}
	if p.count == 0 {
		return nil, badRange
	}
	d.comparators = p.comparators
	if p.count > 1 {
		d.ends = p.ends
	}
	return d, none
}

// setParser collects the sets of one range.
type setParser struct {
	rangeParser
	count int
	ends  []int32 // of the sets; nil if the text has one alternative
	all   bool    // some set is satisfied by any version, and so the range
	empty bool    // the only set so far is satisfied by nothing
}

// set reads one alternative. White space is single spaces.
func (p *setParser) set(s string) fault {
	if s = strings.Trim(s, " "); needsRewrite(s) {
		s = rewrite(s, p.loose, p.pre)
	}
	p.start, p.any = len(p.comparators), false
	for edge, more := true, true; more; edge = false {
		var part string
		part, s, more = strings.Cut(s, " ")
		if f := p.component(part, edge || !more); f != none {
			return f
		}
	}
	p.close()
	return none
}

// close ends the current set. A set that nothing satisfies stays only if all are such.
func (p *setParser) close() {
	set := p.comparators[p.start:]
	if len(set) == 0 {
		p.all = p.all || p.any
		return
	}
	for i := range set {
		if set[i] != nothing {
			continue
		}
		if p.count > 0 {
			p.comparators = p.comparators[:p.start]
			return
		}
		p.comparators = append(p.comparators[:p.start], nothing)
		p.empty = true
		p.end()
		return
	}
	if p.empty {
		p.comparators = append(p.comparators[:0], set...)
		p.count, p.ends, p.empty = 0, p.ends[:0], false
	}
	p.end()
}

func (p *setParser) end() {
	if p.count++; p.ends != nil {
		p.ends = append(p.ends, int32(len(p.comparators)))
	}
}

// sets is the number of sets.
func (d *rangeData) sets() int { return max(len(d.ends), 1) }

// set returns the comparators of one set.
func (d *rangeData) set(i int) []comparator {
	start, end := 0, len(d.comparators)
	if i < len(d.ends) {
		end = int(d.ends[i])
	}
	if i > 0 {
		start = int(d.ends[i-1])
	}
	return d.comparators[start:end]
}

// String is the normalised range (npm's Range.range); "" for any version prints as "*".
func (r Range) String() string {
	switch {
	case r.d == nil:
		return ""
	case r.Any():
		return "*"
	}
	b := make([]byte, 0, 64)
	for i := range r.d.sets() {
		if i > 0 {
			b = append(b, "||"...)
		}
		set := r.d.set(i)
		for j := range set {
			if j > 0 {
				b = append(b, ' ')
			}
			b = set[j].append(b)
		}
	}
	return string(b)
}

// Match says whether v satisfies the range; prereleases only where the range itself names one of
// the same major.minor.patch. It does not allocate.
func (r Range) Match(v Version) bool { return r.d != nil && r.d.match(&v) }

// MatchPrerelease is Match with npm's includePrerelease: what [ParseRangeIncludePrerelease] of
// the same text (read in the mode of r) would match. The first call for a range parses it once
// more; later ones don't allocate.
func (r Range) MatchPrerelease(v Version) bool {
	if r.d == nil {
		return false
	}
	return r.d.withPrerelease().match(&v)
}

// withPrerelease returns the range as it reads with prereleases included.
func (d *rangeData) withPrerelease() *rangeData {
	if d.pre {
		return d
	}
	if p := d.including.Load(); p != nil {
		return p
	}
	p, f := parseRange(d.text, d.loose, true)
	if f != none {
		p = &rangeData{pre: true, never: true}
	}
	d.including.Store(p) // whoever stores last: they are all alike
	return p
}

// Any says that the range is "*": everything but prereleases matches. (They do too if the range was
// read with [ParseRangeIncludePrerelease].)
func (r Range) Any() bool { return r.d != nil && len(r.d.comparators) == 0 }

func (d *rangeData) match(v *Version) bool {
	if !v.valid || d.never {
		return false
	}
	if len(d.ends) == 0 {
		return d.matchSet(d.comparators, v)
	}
	start := 0
	for _, end := range d.ends {
		if d.matchSet(d.comparators[start:end], v) {
			return true
		}
		start = int(end)
	}
	return false
}

func (d *rangeData) matchSet(set []comparator, v *Version) bool {
	for i := range set {
		if !set[i].test(v) {
			return false
		}
	}
	return v.pre == "" || d.pre || allowed(set, v)
}

// allowed says that some comparator of a set lets prereleases of v's numbers in.
func allowed(set []comparator, v *Version) bool {
	for i := range set {
		if set[i].allows(v) {
			return true
		}
	}
	return false
}

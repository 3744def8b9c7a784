package registry

import (
	"iter"
	"slices"
	"strings"
)

// claimIndex finds which of many patterns match a name, by what stands before their first "*": for each length
// that occurs there is one look into a map. A configuration that was generated may claim ten thousand names.
type claimIndex struct {
	patterns []pattern
	byPrefix map[string][]int // in their order
	lengths  []int            // of the prefixes, in order
}

func newClaimIndex(patterns []pattern) *claimIndex {
	x := &claimIndex{patterns: patterns, byPrefix: make(map[string][]int, len(patterns))}
	for i := range patterns {
		prefix := patterns[i].prefix()
		if len(x.byPrefix[prefix]) == 0 {
			x.lengths = append(x.lengths, len(prefix))
		}
		x.byPrefix[prefix] = append(x.byPrefix[prefix], i)
	}
	slices.Sort(x.lengths)
	x.lengths = slices.Compact(x.lengths)
	return x
}

// before yields the patterns whose prefix s begins with. All patterns that match s are among them; so are
// all that cover a pattern with the prefix s.
func (x *claimIndex) before(s string) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, n := range x.lengths {
			if n > len(s) {
				return
			}
			for _, i := range x.byPrefix[s[:n]] {
				if !yield(i) {
					return
				}
			}
		}
	}
}

// match returns the first pattern that matches a name.
func (x *claimIndex) match(name string) (pattern, bool) {
	if len(x.patterns) == 0 {
		return pattern{}, false
	}
	name = strings.ToLower(name)
	first := -1
	for i := range x.before(name) {
		if (first < 0 || i < first) && x.patterns[i].matchLower(name) {
			first = i
		}
	}
	if first < 0 {
		return pattern{}, false
	}
	return x.patterns[first], true
}

// pairs returns the patterns of x and of y, as indexes of both, of which one's prefix begins with the
// other's: no others have a name in common. They are in the order of y's patterns, then of x's.
func (x *claimIndex) pairs(y *claimIndex) [][2]int {
	var out [][2]int
	for j := range y.patterns {
		for i := range x.before(y.patterns[j].prefix()) {
			out = append(out, [2]int{i, j})
		}
	}
	for i := range x.patterns {
		for j := range y.before(x.patterns[i].prefix()) {
			out = append(out, [2]int{i, j})
		}
	}
	slices.SortFunc(out, func(a, b [2]int) int {
		if a[1] != b[1] {
			return a[1] - b[1]
		}
		return a[0] - b[0]
	})
	return slices.Compact(out)
}

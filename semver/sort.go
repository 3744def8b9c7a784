package semver

import (
	"cmp"
	"slices"
	"strings"
)

// Sort sorts version strings in ascending order (compareBuild, loose); strings that are no
// version come first, in byte order. Versions that are equal keep their order.
func Sort(versions []string) {
	type entry struct {
		Version
		text  string
		index int
	}
	entries := make([]entry, len(versions))
	order := make([]*entry, len(versions))
	for i, s := range versions {
		v, f := parse(s, true)
		if f != none {
			v = Version{}
		}
		entries[i] = entry{v, s, i}
		order[i] = &entries[i]
	}
	slices.SortFunc(order, func(a, b *entry) int {
		c := CompareBuild(a.Version, b.Version)
		if c == 0 && !a.valid {
			c = strings.Compare(a.text, b.text)
		}
		if c == 0 {
			c = cmp.Compare(a.index, b.index)
		}
		return c
	})
	for i, e := range order {
		versions[i] = e.text
	}
}

// Satisfies parses both loosely; a version or range that cannot be read satisfies nothing.
func Satisfies(version, rng string) bool {
	v, f := parse(version, true)
	if f != none {
		return false
	}
	d, f := parseRange(rng, true, false)
	return f == none && d.match(&v)
}

// MaxSatisfying returns the highest of versions in the range, the first one if several are
// equal. Versions are read in the mode of the range; what is no version is passed over. ok is
// false if none matches.
func MaxSatisfying(versions []string, r Range) (version string, ok bool) {
	if r.d == nil {
		return "", false
	}
	var best Version
	for _, s := range versions {
		v, f := parse(s, r.d.loose)
		if f != none || !r.d.match(&v) {
			continue
		}
		if !ok || compare(&best, &v) < 0 {
			best, version, ok = v, s, true
		}
	}
	return version, ok
}

package directory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/semver"
)

// order sorts versions by npm's rules, or where one is none of npm's, all as people read them: runs of
// digits by their value. Which rules a package's own ecosystem has is not known here.
func order(versions []string) {
	slices.SortFunc(versions, natural)
	if !slices.ContainsFunc(versions, func(v string) bool { _, err := semver.ParseLoose(v); return err != nil }) {
		semver.Sort(versions)
	}
}

func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m > 0 && n > 0 {
			p, q := strings.TrimLeft(x[:m], "0"), strings.TrimLeft(y[:n], "0")
			if c := cmp.Or(cmp.Compare(len(p), len(q)), strings.Compare(p, q)); c != 0 {
				return c
			}
			x, y = x[m:], y[n:]
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// digits is how many digits s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// highest is the last of the sorted versions that is no prerelease, or else the last. Where one is none
// of npm's, which of them are prereleases is not known.
func highest(versions []string) string {
	last := versions[len(versions)-1]
	stable := ""
	for _, v := range versions {
		p, err := semver.ParseLoose(v)
		if err != nil {
			return last
		}
		if p.Prerelease() == "" {
			stable = v
		}
	}
	return cmp.Or(stable, last)
}

package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// wish is one way to ask for versions of a package: a range, a version or a tag.
type wish struct {
	raw   string
	rng   semver.Range
	isTag bool
}

// parseWish reads what stands after "@": everything that is no range is a tag, as npm has it.
func parseWish(raw string) wish {
	rng, err := semver.ParseRange(raw)
	if err != nil {
		return wish{raw: raw, isTag: true}
	}
	return wish{raw: raw, rng: rng}
}

// match says whether version satisfies the wish. A tag is satisfied by nothing that was not
// picked for it.
func (w wish) match(version string) bool {
	if w.isTag {
		return false
	}
	v, err := semver.ParseLoose(version)
	return err == nil && w.rng.Match(v)
}

// any says that every version will do, a prerelease only if it is the latest.
func (w wish) any() bool { return !w.isTag && w.rng.Any() }

// Pick chooses a version of pkg for a range, version or tag by the rules of npm's manifest picker:
// a tag or exact version is that; for a range the version tagged latest wins if it satisfies, is
// not deprecated and runs on nodeVersion; else the highest version, first among those that are
// neither deprecated nor made for another Node.js, then among those that run, then among those
// that are not deprecated, then among all. nodeVersion "" means that engines are not looked at.
//
// The error matches [pantry.ErrVersionNotFound].
func Pick(pkg pantry.Package, wanted, nodeVersion string) (string, error) {
	return pick(pkg, parseWish(wanted), nodeVersion)
}

func pick(pkg pantry.Package, w wish, nodeVersion string) (string, error) {
	if w.isTag {
		if v, ok := pkg.Tags()[w.raw]; ok && slices.Contains(pkg.Versions(), v) {
			return v, nil
		}
		return "", noVersion(pkg, w)
	}
	node, err := semver.ParseLoose(nodeVersion)
	fits := fitness{pkg: pkg, node: node, anyNode: nodeVersion == "" || err != nil}

	latest := pkg.Tags()["latest"]
	hasLatest := latest != "" && slices.Contains(pkg.Versions(), latest)
	if hasLatest && (w.any() || w.match(latest)) && fits.rank(latest) == best {
		return latest, nil
	}
	chosen, chosenRank := "", worst+1
	versions := pkg.Versions()
	for i := len(versions) - 1; i >= 0; i-- {
		if !w.match(versions[i]) {
			continue
		}
		if r := fits.rank(versions[i]); r < chosenRank {
			chosen, chosenRank = versions[i], r
			if r == best {
				break
			}
		}
	}
	switch {
	case chosen != "":
		return chosen, nil
	case w.any() && hasLatest: // only prereleases are there
		return latest, nil
	}
	return "", noVersion(pkg, w)
}

// rank orders versions that satisfy equally well; lower is better.
type rank int

const (
	best    rank = iota // runs, not deprecated
	runs                // runs, deprecated
	current             // made for another Node.js, not deprecated
	worst               // neither
)

type fitness struct {
	pkg     pantry.Package
	node    semver.Version
	anyNode bool
}

func (f fitness) rank(version string) rank {
	m, err := f.pkg.Metadata(version)
	if err != nil {
		return best // what is wrong with it is to be seen: nobody gets an older one unnoticed
	}
	engineOK := f.anyNode || m.Engines["node"] == ""
	if !engineOK {
		rng, err := semver.ParseRange(m.Engines["node"])
		engineOK = err == nil && rng.MatchPrerelease(f.node)
	}
	switch {
	case engineOK && m.Deprecated == "":
		return best
	case engineOK:
		return runs
	case m.Deprecated == "":
		return current
	}
	return worst
}

func noVersion(pkg pantry.Package, w wish) error {
	what := "version"
	if w.isTag {
		what = "tag"
	}
	err := fmt.Errorf("no %s of %s matches %q: %w", what, pkg.Name(), w.raw, pantry.ErrVersionNotFound)
	return pantry.WithHint(err, "%s", offer(pkg))
}

// offer tells what there is instead: the tags, latest first.
func offer(pkg pantry.Package) string {
	tags := pkg.Tags()
	names := make([]string, 0, len(tags))
	for t := range tags {
		if t != "latest" {
			names = append(names, t)
		}
	}
	slices.Sort(names)
	const most = 5
	if len(names) > most {
		names = names[:most]
	}
	var parts []string
	if v := tags["latest"]; v != "" {
		parts = append(parts, "latest is "+v)
	} else if vs := pkg.Versions(); len(vs) > 0 {
		parts = append(parts, "the highest version is "+vs[len(vs)-1])
	}
	for _, t := range names {
		parts = append(parts, t+" is "+tags[t])
	}
	if len(parts) == 0 {
		return "the registry lists no version"
	}
	return strings.Join(parts, ", ")
}

// matchPrerelease is match that takes prereleases as it takes releases.
func matchPrerelease(w wish, version string) bool {
	v, err := semver.ParseLoose(version)
	return err == nil && !w.isTag && w.rng.MatchPrerelease(v)
}

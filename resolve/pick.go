package resolve

import (
	"fmt"
	"slices"
	"strings"
	"sync"

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
	return pick(pkg, parseWish(wanted), newEngine(nodeVersion))
}

func pick(pkg pantry.Package, w wish, node *engine) (string, error) {
	p := arrange(pkg)
	i, ok := pickPlace(p, w, node)
	if !ok {
		return "", noVersion(pkg, w)
	}
	return p.Spelling(i), nil
}

// pickPlace is pick that returns where the version is.
func pickPlace(p arranged, w wish, node *engine) (int, bool) {
	if w.isTag {
		return p.Tagged(w.raw)
	}
	fits := fitness{p, node}
	latest, hasLatest := p.Tagged("latest")
	if hasLatest && (w.any() || w.rng.Match(p.Version(latest))) && fits.rank(latest) == best {
		return latest, true
	}
	chosen, chosenRank := -1, worst+1
	for i := p.Len() - 1; i >= 0; i-- {
		if !w.rng.Match(p.Version(i)) {
			continue
		}
		if r := fits.rank(i); r < chosenRank {
			chosen, chosenRank = i, r
			if r == best {
				break
			}
		}
	}
	if chosen < 0 && w.any() && hasLatest { // only prereleases are there
		return latest, true
	}
	return chosen, chosen >= 0
}

// has says whether pick would find anything.
func has(pkg pantry.Package, w wish) bool {
	p := arrange(pkg)
	if w.isTag || w.any() {
		tag := "latest" // will do for any version
		if w.isTag {
			tag = w.raw
		}
		_, ok := p.Tagged(tag)
		if ok || w.isTag {
			return ok
		}
	}
	for i := p.Len() - 1; i >= 0; i-- {
		if w.rng.Match(p.Version(i)) {
			return true
		}
	}
	return false
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
	pkg  arranged
	node *engine
}

func (f fitness) rank(i int) rank {
	if !f.pkg.MayBeDeprecated(i) && (f.node == nil || !f.pkg.MayNameEngines(i)) {
		return best
	}
	m, err := f.pkg.Metadata(f.pkg.Spelling(i))
	if err != nil {
		return best // what is wrong with it is to be seen: nobody gets an older one unnoticed
	}
	suits := f.node.suits(m.Engines["node"])
	switch {
	case suits && m.Deprecated == "":
		return best
	case suits:
		return runs
	case m.Deprecated == "":
		return current
	}
	return worst
}

// engine is the Node.js that packages are to run on. Packages ask for few different ones, so that
// what was found out is remembered. A nil engine suits everybody.
type engine struct {
	version semver.Version
	known   sync.Map // by range, a bool
}

// newEngine returns nil for a version that is unknown.
func newEngine(version string) *engine {
	if version == "" {
		return nil
	}
	v, err := semver.ParseLoose(version)
	if err != nil {
		return nil
	}
	return &engine{version: v}
}

// suits says whether it is what a package asks for; "" is anything.
func (e *engine) suits(wanted string) bool {
	if e == nil || wanted == "" {
		return true
	}
	if known, ok := e.known.Load(wanted); ok {
		return known.(bool)
	}
	rng, err := semver.ParseRange(wanted)
	suits := err == nil && rng.MatchPrerelease(e.version)
	e.known.Store(wanted, suits)
	return suits
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

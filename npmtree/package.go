package npmtree

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/semver"
)

// Package is one version of a package. Places hold the same package if they hold the same pointer. It
// belongs to one Tree and is not changed once that has seen it.
type Package struct {
	Registry, Name, Version string
	// Scope tells versions apart that are the same but for the overrides that are in force for what
	// they need; "" is the usual.
	Scope string
	// Deps in any order; the tree sorts them as npm does. No two have one name.
	Deps []Dep
	// Bundled are names whose files are inside the package's own: nothing is placed there.
	Bundled []string
	// Depth is the least depth it may stand at, where it has a choice: 0 and 1 are the top.
	Depth int
	// Index is the caller's number for the package.
	Index int

	known   bool // names are numbered, version is read
	version semver.Version
	peers   []*Dep // in order of their names
	bundled []label
	byName  map[label]*Dep // where there are many
}

// Dep is one thing a package needs under a name.
type Dep struct {
	Name     string
	Peer     bool // the surroundings have to bring it
	Optional bool
	Dev      bool // of a project: needed to work on it
	// Silent is an optional peer that a package names without asking for it: what stands there is what
	// it gets, and no place depends on it.
	Silent bool
	// Due is an optional peer that gets what is locked for it, in the end, if nothing else is there.
	Due bool
	// Index is the caller's number for the dependency.
	Index int
	// Locked is what a lockfile has for it; nil leaves it open. See [Lock].
	Locked *Package

	label  label
	folded label

	tries int
	asked *Package // of whom it is known whether it fits
	fits  bool
}

// Semver is the version, read once the package is in a tree or was chosen for one; the zero Version
// for what is none.
func (p *Package) Semver() semver.Version { return p.version }

// optionalPeer says that d is used if it is there.
func (d *Dep) optionalPeer() bool { return d.Peer && d.Optional }

// label is the number of a name.
type label int32

// labels numbers names. Names that a file system may take for one, being the same but for capitals,
// have one folded label: npm treats them as one name where it places packages. Where a package needs
// both they are kept apart, there is no place for it otherwise.
type labels struct {
	byName map[string]label
	apart  map[string]bool
	folded []label        // by label
	shared map[label]bool // folded ones that stand for several names
	keys   []string       // by label: what npm sorts them by
	slash  string         // the key of what separates the names of a path
}

// primary is the key of a label without what tells capitals from small letters: no two names that
// differ in no more stand in one folder.
func (l *labels) primary(n label) string { return l.keys[n][:len(l.keys[n])/2] }

func (l *labels) of(name string) (label, label) {
	n, ok := l.byName[name]
	if ok {
		return n, l.folded[n]
	}
	if l.byName == nil {
		l.byName = map[string]label{}
		l.slash = manifest.CollationKey("/")[:1]
	}
	n = label(len(l.folded))
	l.byName[name] = n
	l.folded = append(l.folded, n)
	l.keys = append(l.keys, manifest.CollationKey(name))
	if lower := strings.ToLower(name); lower != name && !l.apart[name] {
		lower, _ := l.of(lower)
		l.folded[n] = lower
		if l.shared == nil {
			l.shared = map[label]bool{}
		}
		l.shared[lower] = true
	}
	return n, l.folded[n]
}

// keepApart keeps the names apart that p needs, or has in its files, and that are the same but for
// capitals, unless they were met before.
func (l *labels) keepApart(p *Package) {
	names := make([]string, 0, len(p.Deps)+len(p.Bundled))
	capitals := false
	for i := range p.Deps {
		names = append(names, p.Deps[i].Name)
	}
	names = append(names, p.Bundled...)
	for _, name := range names {
		capitals = capitals || strings.ToLower(name) != name
	}
	if !capitals {
		return
	}
	for _, name := range names {
		same := func(other string) bool { return other != name && strings.EqualFold(other, name) }
		if slices.ContainsFunc(names, same) {
			if l.apart == nil {
				l.apart = map[string]bool{}
			}
			l.apart[name] = true
		}
	}
}

// label numbers a name and makes room for what is found by it.
func (t *Tree) label(name string) (label, label) {
	l, folded := t.labels.of(name)
	for len(t.nodes) < len(t.labels.folded) {
		t.nodes = append(t.nodes, nil)
		t.edges = append(t.edges, nil)
	}
	return l, folded
}

// manyDeps is from where on a map is faster than looking through a slice.
const manyDeps = 12

// meet makes a package known to the tree.
func (t *Tree) meet(p *Package) {
	if p.known {
		return
	}
	p.known = true
	p.version, _ = semver.ParseLoose(p.Version)
	if len(p.Deps) > manyDeps {
		p.byName = make(map[label]*Dep, len(p.Deps))
	}
	t.labels.keepApart(p)
	for i := range p.Deps {
		d := &p.Deps[i]
		d.label, d.folded = t.label(d.Name)
	}
	t.sort(p.Deps)
	for i := range p.Deps {
		d := &p.Deps[i]
		if d.Peer && !d.Silent {
			p.peers = append(p.peers, d)
		}
		if p.byName != nil && !d.Silent {
			p.byName[d.label] = d
		}
	}
	t.sortByName(p.peers)
	for _, name := range p.Bundled {
		_, folded := t.label(name)
		p.bundled = append(p.bundled, folded)
	}
}

// sort puts dependencies into npm's order: peers, optional peers, dependencies, optional ones, those
// for development, each by name.
func (t *Tree) sort(deps []Dep) {
	if len(deps) < 2 {
		return
	}
	slices.SortFunc(deps, func(a, b Dep) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(t.labels.keys[a.label], t.labels.keys[b.label]))
	})
}

func (d *Dep) rank() int {
	switch {
	case d.Peer && !d.Optional:
		return 0
	case d.Peer:
		return 1
	case d.Dev:
		return 4
	case d.Optional:
		return 3
	}
	return 2
}

func (t *Tree) sortByName(deps []*Dep) {
	slices.SortFunc(deps, func(a, b *Dep) int { return cmp.Compare(t.labels.keys[a.label], t.labels.keys[b.label]) })
}

// compare orders two versions; texts that are no versions by their bytes.
func compare(a, b *Package) int {
	if none := (semver.Version{}); a.version == none || b.version == none {
		return cmp.Compare(a.Version, b.Version)
	}
	return semver.Compare(a.version, b.version)
}

// dep returns what p needs under a name.
func (p *Package) dep(name label) *Dep {
	if p.byName != nil {
		return p.byName[name]
	}
	for i := range p.Deps {
		if p.Deps[i].label == name && !p.Deps[i].Silent {
			return &p.Deps[i]
		}
	}
	return nil
}

// fits asks the rules, and remembers the last answer for each dependency.
func (t *Tree) fits(from *Package, d *Dep, p *Package) bool {
	if d.asked != p {
		d.asked, d.fits = p, t.rules.Fits(from, d, p)
	}
	return d.fits
}

// sameOrigin says whether a and b are versions of one package, under the same overrides where those
// make a difference to what a needs.
func sameOrigin(a, b *Package) bool {
	return a.Name == b.Name && a.Registry == b.Registry && (len(a.Deps) == 0 || a.Scope == b.Scope)
}

package npmtree

import (
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/semver"
)

// BuildLocked builds the tree of a lockfile's root project: npm's, if npm had chosen what is locked.
// Every package finds the dependencies that are locked for it; for a peer it finds what its
// surroundings bring, if that satisfies, as with npm, even where the lockfile knows of other
// surroundings too. The project's dependencies that skip accepts are left out.
//
// The Index of the project's dependencies is meaningless, that of a package is its place in the Lock.
func BuildLocked(l *lockfile.Lock, skip func(name string) bool) (*Tree, *Lock, error) {
	k := newLock(l)
	project := &Package{Index: -1}
	if p := l.Projects["."]; p != nil {
		for name, w := range p.Dependencies {
			if to := k.Of[w.ID]; to != nil && !skip(name) {
				project.Deps = append(project.Deps, Dep{
					Name: name, Locked: to, Optional: w.Kind == lockfile.Optional, Dev: w.Kind == lockfile.Dev,
				})
			}
		}
	}
	t := &Tree{rules: &lockRules{lock: l, known: k}}
	t.labels.keepApart(project)
	for _, p := range k.Packages {
		t.labels.keepApart(p)
	}
	t, err := build(t, project)
	return t, k, err
}

// lockRules take what is locked.
type lockRules struct {
	lock   *lockfile.Lock
	known  *Lock
	first  map[string]int // by name, the place of the last package, from 1; filled when first needed
	next   []int          // by place from 0, that of the one before, from 1
	ranges map[peerSpec]peerRange
}

type peerSpec struct{ name, value string }

// peerRange is what a peer may be.
type peerRange struct {
	name string // of the package; "" for none
	any  bool
	rng  semver.Range
}

func (r *lockRules) Placed(*Node) {}

func (r *lockRules) Fits(from *Package, d *Dep, p *Package) bool {
	if p == d.Locked {
		return true
	}
	return d.Peer && r.peer(from, d).fits(p)
}

func (r *lockRules) Choose(_ *Node, from *Package, d *Dep) (*Package, error) {
	if d.Locked != nil || !d.Peer || !d.Optional {
		return d.Locked, nil
	}
	return r.highest(r.peer(from, d)), nil
}

// highest returns the highest version that a peer may be.
func (r *lockRules) highest(want peerRange) *Package {
	if r.first == nil {
		r.first, r.next = make(map[string]int, len(r.known.Packages)), make([]int, len(r.known.Packages))
		for i, p := range r.known.Packages {
			r.next[i] = r.first[p.Name]
			r.first[p.Name] = i + 1
		}
	}
	var best *Package
	var version semver.Version
	for i := r.first[want.name]; i > 0; i = r.next[i-1] {
		p := r.known.Packages[i-1]
		v, _ := semver.ParseLoose(p.Version)
		if (want.any || want.rng.Match(v)) && (best == nil || semver.Compare(v, version) >= 0) {
			best, version = p, v
		}
	}
	return best
}

// peer reads what a peer of from may be.
func (r *lockRules) peer(from *Package, d *Dep) peerRange {
	if from.Index < 0 {
		return peerRange{}
	}
	spec := peerSpec{d.Name, r.lock.Packages[r.known.IDs[from.Index]].Dependencies[d.Name].Spec}
	if known, ok := r.ranges[spec]; ok {
		return known
	}
	p := readPeer(spec)
	if r.ranges == nil {
		r.ranges = map[peerSpec]peerRange{}
	}
	r.ranges[spec] = p
	return p
}

func readPeer(spec peerSpec) peerRange {
	s, err := manifest.ParseDependency(spec.name, spec.value, func(string) bool { return false })
	if err != nil || !s.FromRegistry() {
		return peerRange{}
	}
	rng, err := semver.ParseRange(s.Range)
	return peerRange{name: s.Package, any: err != nil || rng.Any(), rng: rng} // what is no range is a tag
}

// fits says whether p will do, whatever it is called elsewhere.
func (w peerRange) fits(p *Package) bool { return w.name != "" && (w.any || w.rng.Match(p.version)) }

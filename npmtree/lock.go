package npmtree

import "github.com/pantry-go/pantry/lockfile"

// Lock is a lockfile as packages of a tree. Packages of the lockfile that are one version, and lead to the
// same dependencies, are one Package even where their peers differ: in a tree the surroundings bring
// those, and npm makes no copies for their sake.
type Lock struct {
	// Packages in the order of their IDs. The Index of each is its place here.
	Packages []*Package
	// IDs holds for each of them the first of the lockfile's packages it stands for.
	IDs []lockfile.ID
	// Of maps all of them.
	Of map[lockfile.ID]*Package
	// Only holds what nothing but optional peers leads to; see [OnlyOptionalPeers].
	Only map[lockfile.ID]bool

	deps []Dep // backs those of all packages
}

// newLock reads a lockfile. Dependencies on what the lockfile does not have are left out.
func newLock(l *lockfile.Lock) *Lock {
	c := Classify(l)
	k := &Lock{IDs: c.First, Of: make(map[lockfile.ID]*Package, len(c.Of))}
	edges := 0
	packages := make([]Package, len(c.First))
	for i, id := range c.First {
		from := l.Packages[id]
		edges += len(from.Dependencies)
		packages[i] = Package{Registry: from.Registry, Name: from.Name, Version: from.Version, Bundled: from.Bundled, Depth: from.Nested, Index: i}
		k.Packages = append(k.Packages, &packages[i])
	}
	for id, class := range c.Of {
		k.Of[id] = k.Packages[class]
	}
	k.deps = make([]Dep, 0, edges)
	k.Only = OnlyOptionalPeers(l)
	for i, p := range k.Packages {
		p.Deps = k.depsOf(l.Packages[k.IDs[i]])
	}
	return k
}

// depsOf reads the dependencies of one package.
func (k *Lock) depsOf(p *lockfile.Package) []Dep {
	start := len(k.deps)
	for name, d := range p.Dependencies {
		to := k.Of[d.ID]
		if to == nil && !d.Peer {
			continue
		}
		k.deps = append(k.deps, Dep{
			Name: name, Peer: d.Peer, Optional: d.Optional, Locked: to,
			Silent: d.Peer && d.Optional && d.Spec == "", Due: k.Only[d.ID],
		})
	}
	return k.deps[start:len(k.deps):len(k.deps)]
}

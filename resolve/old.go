package resolve

import (
	"slices"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/npmtree"
	"github.com/pantry-go/pantry/semver"
)

// oldLock answers what the lockfile so far says of a dependency.
type oldLock struct {
	lock    *lockfile.Lock
	refresh func(name string) bool
	origins map[string][]string // name -> registries, those that nobody has confirmed left out
	classes *npmtree.Classes
	only    map[lockfile.ID]bool // optional peers have them to themselves
	version []semver.Version     // of the classes, read when first needed
	read    []bool
}

func newOldLock(l *lockfile.Lock, refresh func(string) bool) *oldLock {
	if l == nil {
		l = &lockfile.Lock{}
	}
	if refresh == nil {
		refresh = func(string) bool { return false }
	}
	classes := npmtree.Classify(l)
	o := &oldLock{
		lock: l, refresh: refresh, classes: classes, only: npmtree.OnlyOptionalPeers(l),
		origins: make(map[string][]string, len(l.Packages)),
		version: make([]semver.Version, len(classes.First)), read: make([]bool, len(classes.First)),
	}
	alone := map[string][]string{} // one slice for all names of one registry
	for _, id := range classes.First {
		p := l.Packages[id]
		was, known := o.origins[p.Name]
		switch {
		case !confirmed(p): // it may go back to the registry that should have been asked
			o.origins[p.Name] = was
		case !known || len(was) == 0:
			if alone[p.Registry] == nil {
				alone[p.Registry] = []string{p.Registry}
			}
			o.origins[p.Name] = alone[p.Registry]
		case !slices.Contains(was, p.Registry):
			o.origins[p.Name] = append(slices.Clone(was), p.Registry)
		}
	}
	return o
}

// confirmed says whether p is a locked package whose origin is beyond doubt.
func confirmed(p *lockfile.Package) bool { return p != nil && p.Unconfirmed == "" }

// covers says that name is locked, so that it is most likely not asked for.
func (o *oldLock) covers(name string) bool {
	_, known := o.origins[name]
	return known && !o.refresh(name)
}

// classOf returns the first class of a version; -1 where it is not locked.
func (o *oldLock) classOf(registry, name, version string) int {
	if len(o.lock.Packages) == 0 {
		return -1
	}
	return o.classes.FirstOf(lockfile.MakeID(registry, name, version))
}

// entry is the package that stands for a class.
func (o *oldLock) entry(class int) *lockfile.Package { return o.lock.Packages[o.classes.First[class]] }

// semver is the version of a class.
func (o *oldLock) semver(class int) semver.Version {
	if !o.read[class] {
		o.version[class], _ = semver.ParseLoose(o.entry(class).Version)
		o.read[class] = true
	}
	return o.version[class]
}

// dependency returns what was locked for a name below p.
func (o *oldLock) dependency(p *pkg, name string) (id lockfile.ID, spec string) {
	if p.Index != 0 {
		d := p.locked.Dependencies[name]
		return d.ID, d.Spec
	}
	if project := o.lock.Projects["."]; project != nil {
		w := project.Dependencies[name]
		return w.ID, w.Spec
	}
	return "", ""
}

// target returns the package that was locked for what p needs, and its class, if it still will do; else
// nil. A peer stays what it was as long as the wish is the same: the project may have one that does
// not satisfy. Where nobody has confirmed its origin yet, who answers for it is to be asked again.
func (o *oldLock) target(p *pkg, n *need) (*lockfile.Package, int) {
	if n.err != nil || p.locked == nil && p.Index != 0 {
		return nil, 0
	}
	id, spec := o.dependency(p, n.name)
	locked := o.lock.Packages[id]
	if locked == nil || locked.Tool != nil || o.refresh(locked.Name) {
		return nil, 0
	}
	class := o.classes.Of[id]
	if n.wish.isTag || n.peer {
		if spec == n.value && !n.overridden && (n.peer || locked.Name == n.pkg) {
			return locked, class
		}
		return nil, 0
	}
	if !n.fits(locked.Registry, locked.Name, o.semver(class)) {
		return nil, 0
	}
	return locked, class
}

// lockedFor returns the package of the tree that is locked for what p needs; nil where that is open.
func (r *resolver) lockedFor(p *pkg, n *need) *npmtree.Package {
	if len(r.old.lock.Packages) == 0 {
		return nil
	}
	locked, class := r.old.target(p, n)
	if !confirmed(locked) {
		return nil
	}
	return r.lockedPackage(class, p, locked).Package
}

// lockedPackage returns the package of a class, as p would have it. What it needs is read when
// it is chosen.
func (r *resolver) lockedPackage(class int, p *pkg, locked *lockfile.Package) *pkg {
	chain := r.chain(p, locked.Name, locked.Version)
	if len(chain) == 0 && r.byClass[class] != nil {
		return r.byClass[class]
	}
	key := packageKey{locked.Registry, locked.Name, locked.Version, chainString(chain), class}
	if have := r.byKey[key]; have != nil {
		return have
	}
	made := &pkg{
		Package: &npmtree.Package{
			Registry: locked.Registry, Name: locked.Name, Version: locked.Version, Scope: key.scope,
			Bundled: locked.Bundled, Depth: locked.Nested, Index: len(r.packages),
		},
		locked: locked, class: class, chain: chain, unread: true, unconfirmed: locked.Unconfirmed,
	}
	r.packages = append(r.packages, made)
	if len(chain) == 0 {
		r.byClass[class] = made
	} else {
		r.byKey[key] = made
	}
	return made
}

// read makes known what a locked package needs.
func (r *resolver) read(p *pkg) *pkg {
	if !p.unread {
		return p
	}
	p.unread = false
	needs := make([]need, 0, len(p.locked.Dependencies))
	for name, d := range p.locked.Dependencies {
		if d.Peer {
			if n, ok := r.packuments.newPeer(name, d.Spec, d.Optional); ok {
				n.unbound, n.due = d.ID == "", r.old.only[d.ID]
				needs = append(needs, n)
			}
			continue
		}
		n := r.packuments.newNeed(name, d.Spec, d.Optional, noRegistry)
		if d.Optional && d.ID == "" && !r.old.refresh(n.pkg) {
			p.leftOut = append(p.leftOut, n)
			continue
		}
		needs = append(needs, n)
	}
	r.setNeeds(p, needs)
	return p
}

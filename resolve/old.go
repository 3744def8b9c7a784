package resolve

import (
	"maps"
	"slices"

	"github.com/pantry-go/pantry/lockfile"
)

// oldLock answers what the lockfile so far says of a dependency.
type oldLock struct {
	lock    *lockfile.Lock
	refresh func(name string) bool
	origins map[string]map[string]bool // name -> registries
	entries map[nodeKey]*lockfile.Package
}

func newOldLock(l *lockfile.Lock, refresh func(string) bool) *oldLock {
	if l == nil {
		l = &lockfile.Lock{}
	}
	if refresh == nil {
		refresh = func(string) bool { return false }
	}
	o := &oldLock{lock: l, refresh: refresh, origins: map[string]map[string]bool{}, entries: map[nodeKey]*lockfile.Package{}}
	for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
		p := l.Packages[id]
		if o.origins[p.Name] == nil {
			o.origins[p.Name] = map[string]bool{}
		}
		if confirmed(p) { // else it may go back to the registry that should have been asked
			o.origins[p.Name][p.Registry] = true
		}
		// of several instances the first stands for all: they differ in their peers only
		if key := (nodeKey{registry: p.Registry, name: p.Name, version: p.Version}); o.entries[key] == nil {
			o.entries[key] = p
		}
	}
	return o
}

// covers says that name is locked, so that it is most likely not asked for.
func (o *oldLock) covers(name string) bool { return len(o.origins[name]) > 0 && !o.refresh(name) }

func (o *oldLock) entry(n *node) *lockfile.Package {
	return o.entries[nodeKey{registry: n.registry, name: n.name, version: n.version}]
}

// dependency returns what was locked for a name below n.
func (o *oldLock) dependency(n *node, name string) (id lockfile.ID, spec string, ok bool) {
	if n.isRoot() {
		p := o.lock.Projects["."]
		if p == nil {
			return "", "", false
		}
		w, ok := p.Dependencies[name]
		return w.ID, w.Spec, ok
	}
	if n.old == nil {
		return "", "", false
	}
	d, ok := n.old.Dependencies[name]
	return d.ID, d.Spec, ok
}

// target returns the package that was locked for e below n, if it still will do. Where nobody has
// confirmed its origin yet, who answers for it is to be asked again.
func (o *oldLock) target(n *node, e *edge) *lockfile.Package {
	if e.err != nil {
		return nil
	}
	id, spec, ok := o.dependency(n, e.name)
	if !ok || id == "" {
		return nil
	}
	p := o.lock.Packages[id]
	if p == nil || o.refresh(p.Name) {
		return nil
	}
	locked := node{registry: p.Registry, name: p.Name, version: p.Version}
	sameTag := e.wish.isTag && spec == e.value && e.spec.Raw == e.value && p.Name == e.spec.Package
	if locked.fits(e.spec, e.wish) || sameTag {
		return p
	}
	return nil
}

// peer is target for a peer of n.
func (o *oldLock) peer(n *node, p peer) *lockfile.Package {
	if n.old == nil {
		return nil
	}
	d, ok := n.old.Dependencies[p.name]
	if !ok || d.ID == "" || !d.Peer {
		return nil
	}
	locked := o.lock.Packages[d.ID]
	if locked == nil || o.refresh(locked.Name) {
		return nil
	}
	if !p.fits(&node{registry: locked.Registry, name: locked.Name, version: locked.Version}) {
		return nil
	}
	return locked
}

// leftOut says that e is an optional dependency of a locked package that could not be had then.
func (o *oldLock) leftOut(n *node, e *edge) bool {
	if n.locked == nil || !e.optional {
		return false
	}
	d, ok := n.locked.Dependencies[e.name]
	return ok && d.ID == "" && !o.refresh(e.spec.Package)
}

package resolve

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/npmtree"
)

// result writes the bound graph down as a lockfile.
func (r *resolver) result(b *binder) *Result {
	ids := b.makeIDs()
	lock := &lockfile.Lock{
		Projects:  map[string]*lockfile.Project{".": r.projectOf(b.all[0], ids)},
		Overrides: r.manifest.Overrides.Strings(),
		Packages:  make(map[lockfile.ID]*lockfile.Package, len(ids)),
	}
	meta := map[lockfile.ID]*pantry.Metadata{}
	for _, inst := range b.all[1:] {
		id := ids[inst.class]
		if lock.Packages[id] != nil {
			continue
		}
		p := r.bound(inst, ids)
		p.Nested = b.depths[inst.node.Package]
		lock.Packages[id] = p
		if p := r.packages[inst.node.Package.Index]; p.meta != nil {
			meta[id] = p.meta
		}
		r.reportPeers(b, inst)
	}
	r.markReach(lock, b, ids)
	slices.SortStableFunc(r.warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Message, b.Message))
	})
	return &Result{Lock: lock, Metadata: meta, Warnings: slices.Compact(r.warnings)}
}

func (r *resolver) projectOf(root *instance, ids map[int]lockfile.ID) *lockfile.Project {
	p := &lockfile.Project{Dependencies: make(map[string]lockfile.Wish, len(root.deps))}
	for k, d := range root.deps {
		n := r.needs[root.node.Edges[k].Dep.Index]
		w := lockfile.Wish{Kind: n.kind, Spec: n.value}
		if d != nil {
			w.ID = ids[d.class]
		}
		p.Dependencies[n.name] = w
	}
	return p
}

// bound is the lockfile's entry of an instance.
func (r *resolver) bound(inst *instance, ids map[int]lockfile.ID) *lockfile.Package {
	known := r.packages[inst.node.Package.Index]
	p := lockPackage(known)
	if known.meta == nil && r.unchanged(inst, ids) {
		return p // with the dependencies it had
	}
	p.Dependencies = make(map[string]lockfile.Dependency, len(inst.deps)+len(known.leftOut))
	for _, n := range known.leftOut {
		p.Dependencies[n.name] = lockfile.Dependency{Spec: n.value, Optional: true}
	}
	for k, to := range inst.deps {
		n := r.needs[inst.node.Edges[k].Dep.Index]
		if to == nil && !n.optional && !n.peer {
			continue
		}
		d := lockfile.Dependency{Spec: n.value, Optional: n.optional, Peer: n.peer}
		if to != nil {
			d.ID = ids[to.class]
		}
		p.Dependencies[n.name] = d
	}
	return p
}

// unchanged says whether inst leads to what is locked for it.
func (r *resolver) unchanged(inst *instance, ids map[int]lockfile.ID) bool {
	known := r.packages[inst.node.Package.Index]
	locked := known.locked.Dependencies
	if len(locked) != len(inst.deps)+len(known.leftOut) {
		return false
	}
	for k, to := range inst.deps {
		var id lockfile.ID
		if to != nil {
			id = ids[to.class]
		}
		if locked[inst.node.Edges[k].Dep.Name].ID != id {
			return false
		}
	}
	return true
}

// reportPeers warns of peers that are missing or of the wrong version.
func (r *resolver) reportPeers(b *binder, inst *instance) {
	n := inst.node.Package
	for k, to := range inst.deps {
		e := &inst.node.Edges[k]
		if !e.Dep.Peer {
			continue
		}
		need := r.needs[e.Dep.Index]
		switch {
		case to == nil && !need.optional:
			r.warn(PeerMissing, n.Name, "%s@%s expects %s@%s beside it, and nothing brings it", n.Name, n.Version, need.name, need.value)
		case to != nil && !need.fitsPackage(to.node.Package) && !prereleaseFits(to.node.Package, need):
			r.warn(PeerConflict, n.Name, "%s@%s expects %s@%s beside it, but there is %s%s",
				n.Name, n.Version, need.name, need.value, to.node.Package.Version, neededBy(to.node.By))
		}
	}
}

// prereleaseFits is lenient: who installs a prerelease of a peer on purpose knows it.
func prereleaseFits(x *npmtree.Package, n *need) bool {
	return x.Name == n.pkg && strings.Contains(x.Version, "-") && !n.wish.isTag && matchPrerelease(*n.wish, x.Version)
}

// lockPackage writes down what is known of p itself, without its dependencies.
func lockPackage(p *pkg) *lockfile.Package {
	if p.meta == nil {
		locked := *p.locked
		locked.Optional, locked.Dev = false, false
		return &locked
	}
	m := p.meta
	return &lockfile.Package{
		Registry: p.Registry, Name: p.Name, Version: p.Version,
		Integrity: lockIntegrity(m.Artifact.Integrity), URL: m.Artifact.URL, Unconfirmed: p.unconfirmed,
		Bin: lockBin(m.Bin), OS: m.OS, CPU: m.CPU, Libc: m.Libc, Engines: m.Engines,
		Bundled: m.BundledDependencies, HasInstallScript: m.HasInstallScript, Deprecated: m.Deprecated,
	}
}

// lockBin keeps the commands that can be linked safely.
func lockBin(bin map[string]string) map[string]string {
	var out map[string]string
	for name, target := range bin {
		name, target, err := lockfile.CleanBin(name, target)
		if err != nil {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = target
	}
	return out
}

// lockIntegrity keeps the strongest digests: a weaker one beside them proves nothing more.
func lockIntegrity(s integrity.Set) integrity.Set { return slices.Clone(integrity.Set(s.Strongest())) }

// markReach sets Dev and Optional: what no other kind of wish or edge leads to.
func (r *resolver) markReach(l *lockfile.Lock, b *binder, ids map[int]lockfile.ID) {
	needOf := func(inst *instance, k int) *need { return r.needs[inst.node.Edges[k].Dep.Index] }
	prod := b.reach(func(inst *instance, k int) bool { return needOf(inst, k).kind != lockfile.Dev })
	needed := b.reach(func(inst *instance, k int) bool { return !needOf(inst, k).optional })
	for class, id := range ids {
		p := l.Packages[id]
		p.Dev, p.Optional = !prod[class], !needed[class]
	}
}

// reach finds the classes that the project leads to along the edges that follow accepts.
func (b *binder) reach(follow func(inst *instance, edge int) bool) []bool {
	reached := make([]bool, b.classes)
	todo := []*instance{b.all[0]}
	for len(todo) > 0 {
		inst := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for k, to := range inst.deps {
			if to != nil && !reached[to.class] && follow(inst, k) {
				reached[to.class] = true
				todo = append(todo, to)
			}
		}
	}
	return reached
}

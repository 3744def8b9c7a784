package resolve

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

// result writes the bound graph down as a lockfile.
func (r *resolver) result(b *binder) *Result {
	ids := makeIDs(b)
	lock := &lockfile.Lock{
		Projects:  map[string]*lockfile.Project{".": r.project(b.all[0], ids)},
		Overrides: r.manifest.Overrides.Strings(),
		Packages:  map[lockfile.ID]*lockfile.Package{},
	}
	meta := map[lockfile.ID]*pantry.Metadata{}
	for _, inst := range b.all[1:] {
		id := ids[inst.class]
		if lock.Packages[id] != nil {
			continue
		}
		lock.Packages[id] = r.bound(inst, ids)
		if inst.node.meta != nil {
			meta[id] = inst.node.meta
		}
		r.reportPeers(inst)
	}
	markReach(lock)
	slices.SortStableFunc(r.warnings, func(a, b Warning) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Message, b.Message))
	})
	return &Result{Lock: lock, Metadata: meta, Warnings: slices.Compact(r.warnings)}
}

func (r *resolver) project(root *instance, ids map[int]lockfile.ID) *lockfile.Project {
	p := &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	for _, e := range root.node.edges {
		w := lockfile.Wish{Kind: e.kind, Spec: e.value}
		if d := root.deps[e.name]; d != nil {
			w.ID = ids[d.class]
		}
		p.Dependencies[e.name] = w
	}
	return p
}

// bound is the lockfile's entry of an instance.
func (r *resolver) bound(inst *instance, ids map[int]lockfile.ID) *lockfile.Package {
	n := inst.node
	p := lockPackage(n)
	p.Dependencies = map[string]lockfile.Dependency{}
	for _, e := range n.edges {
		if e.to == nil && !e.optional {
			continue
		}
		d := lockfile.Dependency{Spec: e.value, Optional: e.optional}
		if x := inst.deps[e.name]; x != nil {
			d.ID = ids[x.class]
		}
		p.Dependencies[e.name] = d
	}
	for _, pr := range n.peers {
		d := lockfile.Dependency{Spec: pr.value, Optional: pr.optional, Peer: true}
		if x := inst.deps[pr.name]; x != nil {
			d.ID = ids[x.class]
		}
		p.Dependencies[pr.name] = d
	}
	return p
}

// reportPeers warns of peers that are missing or of the wrong version.
func (r *resolver) reportPeers(inst *instance) {
	n := inst.node
	for _, p := range n.peers {
		x := inst.around[p.name]
		switch {
		case x == nil && !p.optional:
			r.warn(PeerMissing, n.name, "%s@%s expects %s@%s beside it, and nothing brings it", n.name, n.version, p.name, p.value)
		case x != nil && !p.fits(x) && !prereleaseFits(x, p):
			r.warn(PeerConflict, n.name, "%s@%s expects %s@%s beside it, but there is %s%s",
				n.name, n.version, p.name, p.value, x.version, neededBy(x.parent))
		}
	}
}

// prereleaseFits is lenient: who installs a prerelease of a peer on purpose knows it.
func prereleaseFits(x *node, p peer) bool {
	return x.name == p.spec.Package && strings.Contains(x.version, "-") && !p.wish.isTag && matchPrerelease(p.wish, x.version)
}

// lockPackage writes down what is known of n itself, without its dependencies.
func lockPackage(n *node) *lockfile.Package {
	if n.locked != nil {
		p := *n.locked
		p.Optional, p.Dev = false, false
		return &p
	}
	m := n.meta
	return &lockfile.Package{
		Registry: n.registry, Name: n.name, Version: n.version,
		Integrity: lockIntegrity(m.Artifact.Integrity), URL: m.Artifact.URL, Unconfirmed: n.unconfirmed,
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

// makeIDs gives every class of instances its ID: the package, and where that is not enough the
// peers in which its instances differ.
func makeIDs(b *binder) map[int]lockfile.ID {
	byPackage := map[lockfile.ID][]*instance{}
	for _, inst := range b.merge() {
		if inst.node.isRoot() {
			continue
		}
		id := lockfile.MakeID(inst.node.registry, inst.node.name, inst.node.version)
		byPackage[id] = append(byPackage[id], inst)
	}
	ids := map[int]lockfile.ID{}
	for id, group := range byPackage {
		if len(group) == 1 {
			ids[group[0].class] = id
			continue
		}
		taken := map[lockfile.ID]bool{}
		suffixes := suffixes(group)
		for i, inst := range group {
			full := id + lockfile.ID(suffixes[i])
			for k := 2; taken[full]; k++ {
				full = id + lockfile.ID(fmt.Sprintf("%s(%d)", suffixes[i], k))
			}
			taken[full] = true
			ids[inst.class] = full
		}
	}
	return ids
}

// suffixes names what is around each instance of one package, where they differ.
func suffixes(group []*instance) []string {
	names := map[string]bool{}
	for _, inst := range group {
		for name := range inst.around {
			names[name] = true
		}
	}
	out := make([]string, len(group))
	for _, name := range slices.Sorted(maps.Keys(names)) {
		versions := make([]string, len(group))
		same := true
		for i, inst := range group {
			if x := inst.around[name]; x != nil {
				versions[i] = x.version
			}
			same = same && versions[i] == versions[0]
		}
		for i, v := range versions {
			if !same && v != "" {
				out[i] += "(" + name + "@" + v + ")"
			}
		}
	}
	for i, inst := range group {
		if inst.node.scope != "" {
			out[i] += "(" + inst.node.scope + ")"
		}
	}
	return out
}

// markReach sets Dev and Optional: what no other kind of wish or edge leads to.
func markReach(l *lockfile.Lock) {
	reach := func(follow func(lockfile.Wish) bool, edge func(lockfile.Dependency) bool) map[lockfile.ID]bool {
		seen := map[lockfile.ID]bool{}
		var todo []lockfile.ID
		visit := func(id lockfile.ID) {
			if id != "" && !seen[id] {
				seen[id] = true
				todo = append(todo, id)
			}
		}
		for _, p := range l.Projects {
			for _, w := range p.Dependencies {
				if follow(w) {
					visit(w.ID)
				}
			}
		}
		for len(todo) > 0 {
			id := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for _, d := range l.Packages[id].Dependencies {
				if edge(d) {
					visit(d.ID)
				}
			}
		}
		return seen
	}
	any := func(lockfile.Dependency) bool { return true }
	prod := reach(func(w lockfile.Wish) bool { return w.Kind != lockfile.Dev }, any)
	needed := reach(func(w lockfile.Wish) bool { return w.Kind != lockfile.Optional },
		func(d lockfile.Dependency) bool { return !d.Optional })
	for id, p := range l.Packages {
		p.Dev, p.Optional = !prod[id], !needed[id]
	}
}

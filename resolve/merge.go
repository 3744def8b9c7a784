package resolve

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// merge gives instances of one package that lead to the same things one class, by splitting classes until
// nothing changes, and returns one instance of each class, first made first.
func (b *binder) merge() []*instance {
	members, next := b.byPackage()
	shared := slices.Sorted(maps.Keys(members))
	seed := maphash.MakeSeed()
	for split := true; split; {
		split = false
		var still []int
		for _, class := range shared {
			for i, part := range splitByMark(seed, members[class]) {
				to := class
				if i > 0 {
					to, split = next, true
					next++
				}
				members[to] = part
				for _, inst := range part {
					inst.class = to
				}
				if len(part) > 1 {
					still = append(still, to)
				}
			}
		}
		shared = still
	}
	b.classes = next
	out := make([]*instance, 0, next)
	seen := make([]bool, next)
	for _, inst := range b.all {
		if !seen[inst.class] {
			seen[inst.class] = true
			out = append(out, inst)
		}
	}
	return out
}

// byPackage begins with one class for each version of a package, and returns the members of those that
// have several, and how many classes there are.
func (b *binder) byPackage() (members map[int][]*instance, classes int) {
	members = map[int][]*instance{}
	var first []*instance
	ofPackage := make([]int, len(b.r.packages)) // by index, from 1
	versions := make(map[release3]int, len(b.all))
	for _, inst := range b.all {
		p := inst.node.Package
		class := ofPackage[p.Index] - 1
		if class < 0 {
			key := release3{p.Registry, p.Name, p.Version}
			same, ok := versions[key]
			if class = same; !ok || p.Index == 0 {
				class = len(first)
				first = append(first, inst)
				if p.Index != 0 {
					versions[key] = class
				}
			}
			ofPackage[p.Index] = class + 1
		}
		if inst.class = class; inst == first[class] {
			continue
		}
		if members[class] == nil {
			members[class] = []*instance{first[class]}
		}
		members[class] = append(members[class], inst)
	}
	return members, len(first)
}

// splitByMark groups instances by what they lead to, in the order of the first of each group.
func splitByMark(seed maphash.Seed, members []*instance) [][]*instance {
	var marks []uint64
	var parts [][]*instance
	for _, inst := range members {
		var mark uint64
		for k, d := range inst.deps {
			if d != nil {
				mark += maphash.Comparable(seed, struct {
					name  string
					class int
				}{inst.node.Edges[k].Dep.Name, d.class})
			}
		}
		at := slices.Index(marks, mark)
		if at < 0 {
			at = len(marks)
			marks, parts = append(marks, mark), append(parts, nil)
		}
		parts[at] = append(parts[at], inst)
	}
	return parts
}

// makeIDs gives every class of instances its ID: the package, and where that is not enough what its
// instances differ in.
func (b *binder) makeIDs() map[int]lockfile.ID {
	merged := b.merge()
	byPackage := make(map[lockfile.ID][]*instance, len(merged))
	for _, inst := range merged {
		if p := inst.node.Package; inst.node.Parent != nil {
			id := lockfile.MakeID(p.Registry, p.Name, p.Version)
			byPackage[id] = append(byPackage[id], inst)
		}
	}
	ids := make(map[int]lockfile.ID, len(merged))
	for id, group := range byPackage {
		if len(group) == 1 {
			ids[group[0].class] = id
			continue
		}
		taken := map[lockfile.ID]bool{}
		for i, suffix := range suffixes(group) {
			full := id + lockfile.ID(suffix)
			for k := 2; taken[full]; k++ {
				full = id + lockfile.ID(fmt.Sprintf("%s(%d)", suffix, k))
			}
			taken[full] = true
			ids[group[i].class] = full
		}
	}
	return ids
}

// maxSuffix is from where on a digest stands for what instances differ in.
const maxSuffix = 160

// suffixes names what the instances of one package differ in: peers, where those tell them apart, else
// other dependencies too.
func suffixes(group []*instance) []string {
	out := differences(group, true)
	if sorted := slices.Sorted(slices.Values(out)); len(slices.Compact(sorted)) < len(group) {
		out = differences(group, false)
	}
	for i, inst := range group {
		if len(out[i]) > maxSuffix {
			sum := sha256.Sum256([]byte(out[i]))
			out[i] = "(" + hex.EncodeToString(sum[:8]) + ")"
		}
		if scope := inst.node.Package.Scope; scope != "" {
			out[i] += "(" + scope + ")"
		}
	}
	return out
}

// differences writes for each instance the versions of what not all have alike.
func differences(group []*instance, peersOnly bool) []string {
	var names []string
	versions := map[string][]string{}
	note := func(i int, name, version string) {
		if versions[name] == nil {
			versions[name] = make([]string, len(group))
			names = append(names, name)
		}
		versions[name][i] = version
	}
	for i, inst := range group {
		for k, d := range inst.deps {
			if e := &inst.node.Edges[k]; d != nil && (e.Dep.Peer || !peersOnly) {
				note(i, e.Dep.Name, d.node.Package.Version)
			}
		}
		if peersOnly {
			for _, x := range inst.around {
				note(i, x.node.Name, x.node.Package.Version)
			}
		}
	}
	slices.Sort(names)
	out := make([]strings.Builder, len(group))
	for _, name := range names {
		v := versions[name]
		if len(slices.Compact(slices.Clone(v))) == 1 {
			continue
		}
		for i := range v {
			if v[i] != "" {
				out[i].WriteString("(" + name + "@" + v[i] + ")")
			}
		}
	}
	texts := make([]string, len(out))
	for i := range out {
		texts[i] = out[i].String()
	}
	return texts
}

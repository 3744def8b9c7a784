package resolve

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// instance is a node with its peers bound: the same package version is several instances when it
// stands in surroundings that bring it different peers.
type instance struct {
	node *node
	// around holds what the surroundings bring of the names that n or what is below it look for.
	around map[string]*node
	deps   map[string]*instance
	class  int
}

// binder makes instances.
type binder struct {
	// looksFor holds, for each node by index, the names that it or something below it expects of
	// its surroundings.
	looksFor []map[string]bool
	made     map[string]*instance
	all      []*instance
}

// bind makes the instances of everything that root leads to.
func bind(root *node, nodes []*node) *binder {
	dropUnreached(root, nodes)
	b := &binder{made: map[string]*instance{}}
	b.looksFor = looksFor(nodes)
	b.instance(root, nil)
	for i := 0; i < len(b.all); i++ { // grows while it runs
		b.bindDeps(b.all[i])
	}
	return b
}

// dropUnreached marks the nodes that root does not lead to. What was provided for such a node alone
// does not count.
func dropUnreached(root *node, nodes []*node) {
	for _, n := range nodes {
		n.dropped = true
	}
	var reach func(*node)
	reach = func(n *node) {
		if n == nil || !n.dropped {
			return
		}
		n.dropped = false
		for _, e := range n.edges {
			reach(e.to.final())
		}
	}
	reach(root)
	for more := true; more; {
		more = false
		for _, n := range nodes {
			for name := range n.provides {
				if x := n.provided(name); !n.dropped && x != nil && x.dropped {
					reach(x)
					more = true
				}
			}
		}
	}
}

// looksFor computes the fixed point of: a node looks for its peers, for what those look for, and for
// what its dependencies look for and it does not bring itself.
func looksFor(nodes []*node) []map[string]bool {
	byName := map[string][]*node{}
	for _, n := range nodes {
		if !n.dropped {
			byName[n.name] = append(byName[n.name], n)
		}
	}
	sets := make([]map[string]bool, len(nodes))
	for i, n := range nodes {
		sets[i] = map[string]bool{}
		for _, p := range n.peers {
			sets[i][p.name] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for i, n := range nodes {
			if n.dropped {
				continue
			}
			before := len(sets[i])
			for _, e := range n.edges {
				if to := e.to.final(); to != nil {
					for name := range sets[to.index] {
						if !n.brings(name) {
							sets[i][name] = true
						}
					}
				}
			}
			for _, p := range n.peers {
				for _, x := range byName[p.spec.Package] {
					maps.Copy(sets[i], sets[x.index])
				}
			}
			changed = changed || len(sets[i]) != before
		}
	}
	return sets
}

// brings says whether n brings name for what is below it.
func (n *node) brings(name string) bool { return n.brought(name) != nil }

func (n *node) brought(name string) *node {
	if e := n.edge(name); e != nil && e.to != nil {
		return e.to.final()
	}
	return n.provided(name)
}

// instance returns the instance of n in the surroundings around.
func (b *binder) instance(n *node, around map[string]*node) *instance {
	names := slices.Sorted(maps.Keys(b.looksFor[n.index]))
	kept := make(map[string]*node, len(names))
	var key strings.Builder
	key.WriteString(strconv.Itoa(n.index))
	for _, name := range names {
		if x := around[name].final(); x != nil {
			kept[name] = x
			key.WriteByte(' ')
			key.WriteString(name)
			key.WriteByte('=')
			key.WriteString(strconv.Itoa(x.index))
		}
	}
	if inst := b.made[key.String()]; inst != nil {
		return inst
	}
	inst := &instance{node: n, around: kept, deps: map[string]*instance{}}
	b.made[key.String()] = inst
	b.all = append(b.all, inst)
	return inst
}

// bindDeps finds the instances of inst's dependencies and peers.
func (b *binder) bindDeps(inst *instance) {
	n := inst.node
	below := maps.Clone(inst.around)
	for name := range n.provides {
		if x := n.provided(name); x != nil {
			below[name] = x
		}
	}
	for _, e := range n.edges {
		if to := e.to.final(); to != nil {
			below[e.name] = to
		}
	}
	for _, e := range n.edges {
		if to := e.to.final(); to != nil {
			inst.deps[e.name] = b.instance(to, below)
		}
	}
	for _, p := range n.peers {
		if x := inst.around[p.name]; x != nil {
			inst.deps[p.name] = b.instance(x, inst.around)
		}
	}
}

// merge gives instances of one package that lead to the same things one class, by refining classes
// until nothing changes, and returns one instance of each class, first made first.
func (b *binder) merge() []*instance {
	classOf := map[string]int{}
	assign := func(inst *instance, key string, next map[string]int) {
		c, ok := next[key]
		if !ok {
			c = len(next)
			next[key] = c
		}
		inst.class = c
	}
	for _, inst := range b.all {
		n := inst.node
		assign(inst, n.registry+"\x00"+n.name+"\x00"+n.version, classOf)
	}
	for {
		next := map[string]int{}
		keys := make([]string, len(b.all))
		for i, inst := range b.all {
			keys[i] = signature(inst)
		}
		for i, inst := range b.all {
			assign(inst, keys[i], next)
		}
		if len(next) == len(classOf) {
			break
		}
		classOf = next
	}
	var out []*instance
	seen := map[int]bool{}
	for _, inst := range b.all {
		if !seen[inst.class] {
			seen[inst.class] = true
			out = append(out, inst)
		}
	}
	return out
}

func signature(inst *instance) string {
	var s strings.Builder
	s.WriteString(strconv.Itoa(inst.class))
	for _, name := range slices.Sorted(maps.Keys(inst.deps)) {
		s.WriteByte(' ')
		s.WriteString(name)
		s.WriteByte('=')
		s.WriteString(strconv.Itoa(inst.deps[name].class))
	}
	return s.String()
}

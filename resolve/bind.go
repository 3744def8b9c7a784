package resolve

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/pantry-go/pantry/npmtree"
)

// A tree has a package once where several could share it, whatever their surroundings bring. A
// lockfile serves layouts in which surroundings differ, so peers are bound for each of them: a
// package that is needed where other peers are around becomes several instances, which merge again
// where they lead to the same things.

// instance is a node of the tree in some surroundings.
type instance struct {
	node *npmtree.Node
	// around holds what the surroundings bring of the names that the node or what is below it look
	// for, in the order of the names' numbers.
	around []brought
	deps   []*instance // of each edge of the node; nil where there is nothing
	class  int
}

// brought is what stands for a name.
type brought struct {
	name int32
	node *npmtree.Node
}

// binder makes instances.
type binder struct {
	r       *resolver
	names   map[string]int32 // that peers are looked for under
	nodes   []*npmtree.Node  // that the project leads to, the project first
	reached []reach          // by node.Index
	looks   []bits           // by node.Index: what it or something below it looks for
	plain   []*instance      // by node.Index: of those that look for nothing
	made    map[string]*instance
	all     []*instance
	classes int                      // how many there are, once they are merged
	depths  map[*npmtree.Package]int // of what its peers keep from standing higher
	below   []brought                // reused
	key     []byte                   // reused
}

// reach says how the project leads to a node.
type reach uint8

const (
	notReached      reach = iota
	throughNeeds          // it is needed
	throughOptional       // only an optional peer leads there
)

// bind makes the instances of everything that the project leads to.
func bind(r *resolver, t *npmtree.Tree) *binder {
	b := &binder{
		r: r, names: map[string]int32{}, made: map[string]*instance{},
		reached: make([]reach, t.Made()), looks: make([]bits, t.Made()), plain: make([]*instance, t.Made()),
	}
	b.findReached(t)
	b.findDepths()
	b.nameLooked()
	b.findLooked()
	b.all = make([]*instance, 0, len(b.nodes)+len(b.nodes)/8)
	b.instance(t.Root, nil)
	for i := 0; i < len(b.all); i++ { // grows while it runs
		b.bindDeps(b.all[i])
	}
	return b
}

// real is the node that has a folder of its own.
func real(n *npmtree.Node) *npmtree.Node {
	if n != nil && n.Link != nil {
		return n.Link
	}
	return n
}

// findReached lists the nodes that the project leads to: first without optional peers, which use what is
// there, and then with those that npm installed something for.
func (b *binder) findReached(t *npmtree.Tree) {
	visit := func(n *npmtree.Node, how reach) {
		if n = real(n); n != nil && b.reached[n.Index] == notReached {
			b.reached[n.Index] = how
			b.nodes = append(b.nodes, n)
		}
	}
	visit(t.Root, throughNeeds)
	follow := func(from int, how reach) {
		for i := from; i < len(b.nodes); i++ {
			for k := range b.nodes[i].Edges {
				if e := &b.nodes[i].Edges[k]; !(e.Dep.Peer && e.Dep.Optional) {
					visit(e.To, how)
				}
			}
		}
	}
	follow(0, throughNeeds)
	for from := 0; from < len(b.nodes); {
		until := len(b.nodes)
		for ; from < until; from++ {
			for k := range b.nodes[from].Edges {
				if e := &b.nodes[from].Edges[k]; e.Dep.Peer && e.Dep.Optional && !e.Dep.Silent && e.Fits() {
					visit(e.To, throughOptional)
				}
			}
		}
		follow(until, throughOptional)
	}
}

// findDepths finds how deep the packages stand that their peers keep from standing higher: a layout that
// is made from the lockfile could not know.
func (b *binder) findDepths() {
	b.depths = map[*npmtree.Package]int{}
	for _, n := range b.nodes {
		if n.Barred && n.Depth() > 1 {
			b.depths[n.Package] = n.Depth()
		}
	}
	for _, n := range b.nodes {
		if depth := b.depths[n.Package]; depth > n.Depth() {
			b.depths[n.Package] = n.Depth()
		}
	}
	maps.DeleteFunc(b.depths, func(_ *npmtree.Package, depth int) bool { return depth < 2 })
}

// nameLooked numbers the names that peers are looked for under.
func (b *binder) nameLooked() {
	for _, n := range b.nodes {
		for k := range n.Edges {
			d := n.Edges[k].Dep
			if _, known := b.names[d.Name]; d.Peer && !known {
				b.names[d.Name] = int32(len(b.names))
			}
		}
	}
}

// findLooked computes the fixed point of: a node looks for its peers, for what those look for, and for
// what its dependencies look for and it does not bring itself. Whoever leads to a node is looked at
// again when that looks for more.
func (b *binder) findLooked() {
	from := make([][]*npmtree.Edge, len(b.looks)) // by node.Index: what leads there
	byName := map[string][]*npmtree.Edge{}        // the peers of a package, wherever they are
	var todo []*npmtree.Node
	for _, n := range b.nodes {
		b.looks[n.Index] = newBits(len(b.names))
		peers := false
		for k := range n.Edges {
			e := &n.Edges[k]
			switch {
			case e.Dep.Peer:
				peers = true
				b.looks[n.Index].add(b.names[e.Dep.Name])
				name := b.r.needs[e.Dep.Index].pkg
				byName[name] = append(byName[name], e)
			case e.To != nil:
				to := real(e.To).Index
				from[to] = append(from[to], e)
			}
		}
		if peers {
			todo = append(todo, n)
		}
	}
	waiting := make([]bool, len(b.looks))
	again := func(n *npmtree.Node) {
		if !waiting[n.Index] {
			waiting[n.Index] = true
			todo = append(todo, n)
		}
	}
	own := newBits(len(b.names))
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		waiting[n.Index] = false
		looks := b.looks[n.Index]
		for _, e := range from[n.Index] {
			b.bringsItself(e.From, own)
			if b.looks[e.From.Index].join(looks, own) {
				again(e.From)
			}
		}
		for _, e := range byName[n.Package.Name] {
			if b.looks[e.From.Index].join(looks, nil) {
				again(e.From)
			}
		}
	}
}

// bringsItself notes the names that n brings for what is below it.
func (b *binder) bringsItself(n *npmtree.Node, own bits) {
	own.clear()
	for k := range n.Edges {
		e := &n.Edges[k]
		if e.Dep.Peer || e.To == nil {
			continue
		}
		if number, ok := b.names[e.Dep.Name]; ok {
			own.add(number)
		}
	}
}

// instance returns the instance of n in the surroundings around.
func (b *binder) instance(n *npmtree.Node, around []brought) *instance {
	n = real(n)
	looks := b.looks[n.Index]
	count := 0
	b.key = binary.AppendUvarint(b.key[:0], uint64(n.Index))
	for _, x := range around {
		if looks.has(x.name) {
			count++
			b.key = binary.AppendUvarint(b.key, uint64(x.name))
			b.key = binary.AppendUvarint(b.key, uint64(x.node.Index))
		}
	}
	if count == 0 && b.plain[n.Index] != nil {
		return b.plain[n.Index]
	}
	if count > 0 {
		if inst := b.made[string(b.key)]; inst != nil {
			return inst
		}
	}
	inst := &instance{node: n}
	if count == 0 {
		b.plain[n.Index] = inst
	} else {
		inst.around = make([]brought, 0, count)
		for _, x := range around {
			if looks.has(x.name) {
				inst.around = append(inst.around, x)
			}
		}
		b.made[string(b.key)] = inst
	}
	b.all = append(b.all, inst)
	return inst
}

// find returns what the surroundings bring for a name; nil for nothing.
func (i *instance) find(name int32) *npmtree.Node {
	at, ok := slices.BinarySearchFunc(i.around, name, func(x brought, name int32) int { return int(x.name - name) })
	if !ok {
		return nil
	}
	return i.around[at].node
}

// bindDeps finds the instances of inst's dependencies and peers.
func (b *binder) bindDeps(inst *instance) {
	n := inst.node
	inst.deps = make([]*instance, len(n.Edges))
	below := append(b.below[:0], inst.around...)
	for k := range n.Edges {
		e := &n.Edges[k]
		number, looked := b.names[e.Dep.Name]
		if !looked {
			continue
		}
		if x := b.bring(inst, e); x != nil {
			below = put(below, brought{number, x})
		}
	}
	b.below = below
	for k := range n.Edges {
		e := &n.Edges[k]
		x := b.bring(inst, e)
		switch {
		case x == nil:
		case e.Dep.Peer && n.Parent != nil: // it stands beside n
			inst.deps[k] = b.instance(x, inst.around)
		default:
			inst.deps[k] = b.instance(x, below)
		}
	}
}

// bring finds what an edge of inst leads to. A peer is what the surroundings bring, or, where that does not
// satisfy or is nothing, what is seen from where the node stands: npm's projects rely on that, for
// optional peers too, as long as the version satisfies. What is named without being asked for is not
// taken from there.
func (b *binder) bring(inst *instance, e *npmtree.Edge) *npmtree.Node {
	if !e.Dep.Peer {
		return real(e.To)
	}
	x := inst.find(b.names[e.Dep.Name])
	need := b.r.needs[e.Dep.Index]
	if x != nil && need.fitsPackage(x.Package) {
		return x
	}
	seen := real(e.To)
	if seen != nil && e.Dep.Optional && (e.Dep.Silent || need.unbound || !need.fitsPackage(seen.Package)) {
		seen = nil
	}
	if seen != nil && (x == nil || need.fitsPackage(seen.Package)) {
		return seen
	}
	return x
}

// put adds x to a list that is sorted by name, instead of what stands there under the name.
func put(list []brought, x brought) []brought {
	at, ok := slices.BinarySearchFunc(list, x.name, func(y brought, name int32) int { return int(y.name - name) })
	if ok {
		list[at] = x
		return list
	}
	return slices.Insert(list, at, x)
}

// bits is a set of small numbers.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (b bits) add(i int32)      { b[i/64] |= 1 << (i % 64) }
func (b bits) has(i int32) bool { return b[i/64]&(1<<(i%64)) != 0 }
func (b bits) clear()           { clear(b) }

// join adds what is in o and not in but, which may be nil, and says whether there was any.
func (b bits) join(o, but bits) bool {
	changed := false
	for i := range b {
		add := o[i] &^ b[i]
		if but != nil {
			add &^= but[i]
		}
		if add != 0 {
			b[i] |= add
			changed = true
		}
	}
	return changed
}

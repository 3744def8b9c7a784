package npmtree

// verdict says what would happen if a candidate were placed below a node.
type verdict int

const (
	unknown  verdict = iota
	conflict         // it cannot stand there
	free             // nothing of its name stands there
	keep             // what stands there will do
	replace          // it would take the place of what stands there
)

// check finds out whether a candidate may stand below target, and with it, at or above target, the
// peers of its set. It changes nothing.
type check struct {
	t      *Tree
	dep    *candidate
	target *Node
	edge   *Edge  // what is to be met; nil where that is a peer of a candidate:
	peer   need   // then this
	parent *check // whose peer this is
	dedupe bool   // an older version that suits all may take the place of a newer one

	current *Node // what stands there
	self    verdict
	verdict verdict
	peers   verdict // of the peers; unknown until they were looked at
}

// run finds the verdict, with peers, and self, without them.
func (c *check) run() *check {
	c.current = c.target.children.get(c.dep.label)
	c.verdict = c.decide()
	if c.self == unknown {
		c.self = c.verdict
	}
	return c
}

func (c *check) name() label {
	if c.edge != nil {
		return c.edge.Dep.label
	}
	return c.peer.dep.label
}

func (c *check) isPeer() bool { return c.edge == nil || c.edge.Dep.Peer }

// accepts says whether n is what is to be met.
func (c *check) accepts(n *Node) bool { return c.acceptsPackage(n.Package, n.Name) }

func (c *check) acceptsPackage(p *Package, name string) bool {
	if c.edge != nil {
		return c.t.suits(c.edge, p, name)
	}
	return name == c.peer.dep.Name && c.t.fits(c.peer.from, c.peer.dep, p)
}

// entry is the edge for which all of this is done.
func (c *check) entry() *Edge {
	for c.parent != nil {
		c = c.parent
	}
	return c.edge
}

// lowest is the lowest node below which what is to be met may be placed.
func (c *check) lowest() *Node {
	if c.parent != nil {
		return lowest(c.parent.lowest(), c.name())
	}
	return lowest(c.edge.From, c.name())
}

// lowest is from, or the first above it that does not expect name of its own surroundings.
func lowest(from *Node, name label) *Node {
	for n := from; ; n = n.Parent {
		if n.isRoot() {
			return n
		}
		if e := n.edge(name); e == nil || !e.Dep.Peer {
			return n
		}
	}
}

func (c *check) decide() verdict {
	e := c.target.edge(c.name())
	switch {
	case e != nil && e.Dep.Peer && !c.target.isRoot():
		return conflict
	case c.current == nil && e != nil && e != c.edge && !c.t.suits(e, c.dep.pkg, c.dep.name):
		return conflict
	case c.target.bundles(c.dep.label), c.t.labels.shared[c.dep.label] && c.target.needsRival(c.name(), c.dep.label):
		return conflict
	case c.current == nil:
		return c.intoNothing()
	}
	return c.ontoCurrent()
}

// needsRival says whether n needs something under a name that differs from this one in capitals alone.
func (n *Node) needsRival(name, folded label) bool {
	for i := range n.Edges {
		if d := n.Edges[i].Dep; d.folded == folded && d.label != name && !d.Silent {
			return true
		}
	}
	return false
}

// intoNothing: the place is free, but something below may look past it to one of that name above.
func (c *check) intoNothing() verdict {
	if c.target != c.entry().From {
		if above := c.target.find(c.dep.label); above != nil && c.inTheWay(above) {
			return conflict
		}
	}
	return c.withPeers(free)
}

// inTheWay says whether something at or below the target uses what is above, and could not use the
// candidate.
func (c *check) inTheWay(above *Node) bool {
	t := c.t
	if c.target.below > len(above.in) {
		for _, e := range above.in {
			if e.ok && e.From.under(c.target) && !t.suits(e, c.dep.pkg, c.dep.name) {
				return true
			}
		}
		return false
	}
	found := false
	t.eachEdge(c.target, c.dep.label, func(e *Edge) {
		found = found || e.To == above && e.ok && !t.suits(e, c.dep.pkg, c.dep.name)
	})
	return found
}

// ontoCurrent: something of that name stands there.
func (c *check) ontoCurrent() verdict {
	cur, dep := c.current, c.dep
	if cur.Package == dep.pkg && cur.Name == dep.name && (c.accepts(cur) || !c.acceptsPackage(dep.pkg, dep.name)) {
		return keep
	}
	newer := compare(dep.pkg, cur.Package) >= 0
	if newer && c.canReplace(cur) {
		if v := c.withPeers(replace); v != conflict {
			return v
		}
	}
	if c.accepts(cur) {
		return keep
	}
	if c.dedupe && !newer && c.canReplace(cur) {
		if v := c.withPeers(replace); v != conflict {
			return v
		}
	}
	switch {
	case c.target != c.lowest():
		return conflict
	case c.edge != nil && !c.edge.Dep.Peer && c.target == c.edge.From:
		return c.withPeers(replace) // what it needs itself has precedence over what was put there for others
	case c.parent == nil && !c.isPeer():
		return conflict
	case c.canDisplace():
		return c.withPeers(replace)
	}
	return conflict
}

func (c *check) canReplace(n *Node) bool {
	return n.Name == c.dep.name && c.t.replaceable(n, c.dep.pkg, nil)
}

// canDisplace says whether current, a peer of others, can make way: because what brings those others
// can use the new set as well, or can have its peers nested.
func (c *check) canDisplace() bool {
	can := true
	for _, entry := range c.t.entries(c.current) {
		if entry.edge == c.edge && c.edge != nil || entry.edge == c.entry() {
			continue
		}
		head := entry.edge.To
		if own := c.dep.set.get(head.label); own != nil {
			if c.t.replaceable(head, own.pkg, c.dep.set) && head.Name == own.name {
				continue
			}
		} else if c.canClobber(head) {
			continue
		}
		for _, p := range entry.peers {
			if deep := lowest(entry.edge.From, p.plain); deep == c.target || c.target.under(deep) {
				can = false
				break
			}
		}
	}
	return can
}

// canClobber says whether all peers that head leads to and that are in the new set are satisfied by it.
func (c *check) canClobber(head *Node) bool {
	walk := []*Node{head}
	for i := 0; i < len(walk); i++ {
		for k := range walk[i].Edges {
			e := &walk[i].Edges[k]
			if !e.Dep.Peer || !e.ok {
				continue
			}
			own := c.dep.set.get(e.Dep.folded)
			switch {
			case own != nil && !c.t.suits(e, own.pkg, own.name):
				return false
			case own == nil && e.To != nil && !containsNode(walk, e.To):
				walk = append(walk, e.To)
			}
		}
	}
	return true
}

func containsNode(list []*Node, n *Node) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// withPeers is v, unless a peer of the candidate cannot be where it has to.
func (c *check) withPeers(v verdict) verdict {
	c.self = v
	if c.peers != unknown {
		return c.peers
	}
	c.peers = v
	for _, d := range c.dep.pkg.peers {
		peer := c.dep.set.get(d.folded)
		if peer == nil || c.goesThrough(peer) {
			continue
		}
		if c.t.checks++; c.t.checks > maxChecks {
			break // sets of dozens that all expect each other have more paths than anybody can wait for
		}
		sub := c.t.slab.check()
		*sub = check{t: c.t, dep: peer, target: lowest(c.target, d.label), peer: need{c.dep.pkg, d}, parent: c, dedupe: true}
		if sub.run().verdict == conflict {
			c.peers = conflict
		}
	}
	return c.peers
}

// goesThrough says whether x is what is being placed, or one of the peers on the way to this check.
func (c *check) goesThrough(x *candidate) bool {
	for ; ; c = c.parent {
		if c.dep == x {
			return true
		}
		if c.edge != nil { // here a placement begins
			return false
		}
	}
}

// maxChecks bounds the checks of one placement; real ones need a few hundred at most.
const maxChecks = 20_000

// entry is an edge through which a set of peers is needed by something that is not of the set.
type entry struct {
	edge  *Edge
	peers []*Node
}

// entries finds through which edges the peers that n belongs to are needed.
func (t *Tree) entries(n *Node) []entry {
	union := []*Node{n}
	for i := 0; i < len(union); i++ {
		u := union[i]
		for k := range u.Edges {
			if e := &u.Edges[k]; e.ok && e.Dep.Peer && e.To != nil && !containsNode(union, e.To) {
				union = append(union, e.To)
			}
		}
		for _, e := range u.in {
			if e.ok && e.Dep.Peer && !containsNode(union, e.From) {
				union = append(union, e.From)
			}
		}
	}
	var out []entry
	for _, u := range union {
		for _, e := range u.in {
			if !e.ok || e.Dep.Peer && !e.From.isRoot() {
				continue
			}
			if peers := peersFrom(u); containsNode(peers, n) {
				out = append(out, entry{e, peers})
			}
		}
	}
	return out
}

// peersFrom returns n, its peers, and theirs.
func peersFrom(n *Node) []*Node {
	list := []*Node{n}
	for i := 0; i < len(list); i++ {
		for k := range list[i].Edges {
			if e := &list[i].Edges[k]; e.ok && e.Dep.Peer && e.To != nil && !containsNode(list, e.To) {
				list = append(list, e.To)
			}
		}
	}
	return list
}

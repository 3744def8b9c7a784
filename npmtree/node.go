package npmtree

// Node is a package at a place.
type Node struct {
	Package *Package
	Name    string // under which it stands there
	Parent  *Node  // nil for the project
	// Link is the place above of the same package that this one is a link to: packages that need each
	// other in several versions would be nested without end otherwise. nil for a folder of its own.
	Link *Node
	// Barred says that its peers, or its package's Depth, keep it from standing higher.
	Barred bool
	// By is the place whose dependency brought it; nil for the project.
	By *Node
	// Edges are what it needs, in the order of its package's Deps; a link has none.
	Edges []Edge
	// Index numbers the nodes in the order in which they were placed, the project being 0.
	Index int

	label    label // folded
	plain    label
	depth    int
	key      string // its path, as npm sorts paths
	children children
	in       []*Edge
	among    int  // where it is among the nodes of its name
	set      *set // the peers that were last looked for together
	mark     int
	below    int  // how many nodes there are below it
	seen     bool // its dependencies were looked at
	queued   bool
	gone     bool
}

// Edge is a dependency of a node.
type Edge struct {
	From *Node
	Dep  *Dep
	To   *Node // nil where nothing is there
	// Conflict says that To is not what was asked for, and that nothing better could be placed.
	Conflict bool

	ok      bool // To fits, or is rightly missing
	leftOut bool // the rules have nothing for it
	tries   int8
	among   int32 // where it is among the edges of its name
	inAt    int32 // where it is in To.in
}

// Path is where the node stands: "node_modules/a/node_modules/b", and "" for the project.
func (n *Node) Path() string {
	if n.Parent == nil {
		return ""
	}
	if n.Parent.Parent == nil {
		return "node_modules/" + n.Name
	}
	return n.Parent.Path() + "/node_modules/" + n.Name
}

// Depth is 1 for what stands at the top, and 0 for the project.
func (n *Node) Depth() int { return n.depth }

// Fits says whether what is there is what was asked for. An optional peer fits if nothing is there.
func (e *Edge) Fits() bool { return e.ok }

func (n *Node) isRoot() bool { return n.Parent == nil }

// under says whether n is at or below a.
func (n *Node) under(a *Node) bool {
	for n != nil && n.depth > a.depth {
		n = n.Parent
	}
	return n == a
}

// find looks a folded name up as Node.js does from n: nil for nothing, and for what is among the files
// of a package on the way.
func (n *Node) find(name label) *Node {
	for ; n != nil; n = n.Parent {
		if c := n.children.get(name); c != nil {
			return c
		}
		if n.bundles(name) {
			return nil
		}
	}
	return nil
}

// bundles says whether the place below n is taken by n's own files.
func (n *Node) bundles(name label) bool {
	for _, b := range n.Package.bundled {
		if b == name {
			return !n.isRoot()
		}
	}
	return false
}

// edge returns what n needs under a name that is not folded.
func (n *Node) edge(name label) *Edge {
	if n.Link != nil {
		return nil
	}
	if n.Package.byName != nil {
		d := n.Package.byName[name]
		if d == nil {
			return nil
		}
		for i := range n.Edges {
			if n.Edges[i].Dep == d {
				return &n.Edges[i]
			}
		}
		return nil
	}
	for i := range n.Edges {
		if n.Edges[i].Dep.label == name && !n.Edges[i].Dep.Silent {
			return &n.Edges[i]
		}
	}
	return nil
}

// children are the nodes below one, by folded name.
type children struct {
	list  []*Node
	index map[label]*Node // of many
}

func (c *children) get(name label) *Node {
	if c.index != nil {
		return c.index[name]
	}
	for _, n := range c.list {
		if n.label == name {
			return n
		}
	}
	return nil
}

func (c *children) add(n *Node) {
	c.list = append(c.list, n)
	if c.index != nil {
		c.index[n.label] = n
	} else if len(c.list) > manyDeps {
		c.index = make(map[label]*Node, 2*len(c.list))
		for _, n := range c.list {
			c.index[n.label] = n
		}
	}
}

func (c *children) remove(n *Node) {
	for i, have := range c.list {
		if have == n {
			c.list = append(c.list[:i], c.list[i+1:]...)
			break
		}
	}
	if c.index[n.label] == n {
		delete(c.index, n.label)
	}
}

// newNode makes a node of p that stands nowhere yet.
func (t *Tree) newNode(p *Package, name string, by *Node) *Node {
	t.meet(p)
	n := t.slab.node()
	n.Package, n.Name, n.By, n.Index = p, name, by, t.made
	n.plain, n.label = t.label(name)
	t.made++
	n.Edges = t.slab.edges(len(p.Deps))
	for i := range n.Edges {
		n.Edges[i] = Edge{From: n, Dep: &p.Deps[i], among: -1, inAt: -1}
	}
	return n
}

// attach puts n below parent, where nothing of its name stands.
func (t *Tree) attach(parent, n *Node) {
	n.Parent, n.depth = parent, parent.depth+1
	n.key = t.labels.primary(n.plain)
	if !parent.isRoot() {
		n.key = parent.key + t.labels.slash + n.key
	}
	parent.children.add(n)
	t.register(n)
	t.eachEdge(parent, n.label, func(e *Edge) {
		if e.To == nil || e.To.depth < n.depth {
			t.reload(e)
		}
	})
}

// eachEdge calls f for the edges of a folded name at or below a node.
func (t *Tree) eachEdge(at *Node, name label, f func(*Edge)) {
	if at.below > len(t.edges[name]) {
		for _, e := range t.edges[name] {
			if e.From.under(at) {
				f(e)
			}
		}
		return
	}
	for i := range at.Edges {
		if e := &at.Edges[i]; e.Dep.folded == name && !e.Dep.Silent {
			f(e)
		}
	}
	for _, c := range at.children.list {
		t.eachEdge(c, name, f)
	}
}

// named appends the nodes of a folded name below at to list.
func (t *Tree) named(list []*Node, at *Node, name label) []*Node {
	if at.below > len(t.nodes[name]) {
		for _, n := range t.nodes[name] {
			if n != at && n.under(at) {
				list = append(list, n)
			}
		}
		return list
	}
	for _, c := range at.children.list {
		if c.label == name {
			list = append(list, c)
		}
		list = t.named(list, c, name)
	}
	return list
}

// count adds to the number of nodes below n and above.
func (n *Node) count(more int) {
	for ; n != nil; n = n.Parent {
		n.below += more
	}
}

// register makes n and its edges findable by name.
func (t *Tree) register(n *Node) {
	n.among = len(t.nodes[n.label])
	t.nodes[n.label] = append(t.nodes[n.label], n)
	t.count++
	n.Parent.count(1)
	for i := range n.Edges {
		e := &n.Edges[i]
		if e.Dep.Silent {
			continue
		}
		e.among = int32(len(t.edges[e.Dep.folded]))
		t.edges[e.Dep.folded] = append(t.edges[e.Dep.folded], e)
		t.reload(e)
	}
}

// unregister is the opposite of register.
func (t *Tree) unregister(n *Node) {
	n.gone = true
	list := t.nodes[n.label]
	last := list[len(list)-1]
	list[n.among], last.among = last, n.among
	t.nodes[n.label] = list[:len(list)-1]
	t.count--
	n.Parent.count(-1)
	for i := range n.Edges {
		e := &n.Edges[i]
		if e.Dep.Silent {
			continue
		}
		t.setTo(e, nil)
		list := t.edges[e.Dep.folded]
		last := list[len(list)-1]
		list[e.among], last.among = last, e.among
		t.edges[e.Dep.folded] = list[:len(list)-1]
	}
}

// remove takes n and everything below it out of the tree.
func (t *Tree) remove(n *Node) {
	if n.gone || n.isRoot() {
		return
	}
	n.Parent.children.remove(n)
	n.leave()
	t.drop(n)
}

// leave marks n and everything below it, so that nothing of it is found any more.
func (n *Node) leave() {
	n.gone = true
	for _, c := range n.children.list {
		c.leave()
	}
}

func (t *Tree) drop(n *Node) {
	for _, c := range n.children.list {
		t.drop(c)
	}
	t.unregister(n)
	for len(n.in) > 0 {
		e := n.in[len(n.in)-1]
		t.setTo(e, nil)
		if !e.From.gone {
			t.reload(e)
		}
	}
}

// replace puts n where old stands. What is nested in old stays.
func (t *Tree) replace(old, n *Node) {
	parent := old.Parent
	n.Parent, n.depth, n.key = parent, old.depth, old.key
	parent.children.remove(old)
	t.unregister(old)
	n.children, old.children = old.children, children{}
	n.below = old.below
	for _, c := range n.children.list {
		c.Parent = n
	}
	parent.children.add(n)
	in := append([]*Edge(nil), old.in...)
	t.register(n)
	for _, e := range in {
		t.reload(e)
	}
}

// reload looks e's name up anew.
func (t *Tree) reload(e *Edge) {
	to := e.From.find(e.Dep.folded)
	t.setTo(e, to)
	e.ok = t.check(e)
}

// check says whether e leads where it should.
func (t *Tree) check(e *Edge) bool {
	switch {
	case e.To == nil:
		return e.Dep.Optional
	case e.Dep.Peer && e.To.Parent == e.From && !e.From.isRoot():
		return false // a peer has to stand beside or above
	}
	return t.suits(e, e.To.Package, e.To.Name)
}

// suits says whether p, under a name, is what e asks for.
func (t *Tree) suits(e *Edge, p *Package, name string) bool {
	return name == e.Dep.Name && t.fits(e.From.Package, e.Dep, p)
}

func (t *Tree) setTo(e *Edge, to *Node) {
	if e.To == to {
		return
	}
	if old := e.To; old != nil {
		last := old.in[len(old.in)-1]
		old.in[e.inAt], last.inAt = last, e.inAt
		old.in = old.in[:len(old.in)-1]
	}
	e.To, e.inAt = to, -1
	if to != nil {
		e.inAt = int32(len(to.in))
		to.in = append(to.in, e)
	}
}

package npmtree

// placement puts a candidate into the tree, and after it the peers of its set that are not there yet.
type placement struct {
	t      *Tree
	dep    *candidate
	edge   *Edge
	parent *placement

	chosen   *check // the place that was chosen; nil for none
	placed   *Node  // what was put there; nil for nothing
	barred   bool   // the peers keep it from the top
	low      bool   // it has to stand as low as can be
	children []*placement
	again    []*Node // whose dependencies have to be looked at again
}

// place puts what n's edge is to be met with where npm would: as high as it can stand.
func (t *Tree) place(dep *candidate, e *Edge, parent *placement) (*placement, error) {
	p := &placement{t: t, dep: dep, edge: e, parent: parent}
	if e.To != nil && e.ok {
		return p, nil
	}
	if parent == nil {
		t.checks = 0
		t.slab.forget()
	}
	if t.hopeless(e) {
		e.Conflict = true
		return p, nil
	}
	if p.chosen = p.choose(); p.chosen == nil {
		e.Conflict = true
		return p, nil
	}
	return p, p.carryOut()
}

const (
	// maxTries bounds how often a peer of one node is placed, only to be lost again; maxLost how much
	// more often a peer of a package is placed than the package is there. npm has no such bounds: there,
	// peers that cannot agree can displace each other for ever.
	maxTries = 20
	maxLost  = 30
)

// hopeless counts how often e was tried, and says whether that was often enough. Only peers are ever
// given up: what a package needs of its own can always stand below it.
func (t *Tree) hopeless(e *Edge) bool {
	if !e.Dep.Peer {
		return false
	}
	e.tries++
	e.Dep.tries++
	return e.tries > maxTries || e.Dep.tries > maxLost+2*len(t.nodes[e.From.label])
}

// start is the lowest node below which the candidate may be placed.
func (p *placement) start() *Node {
	if p.parent != nil {
		return lowest(p.parent.start(), p.edge.Dep.label)
	}
	return lowest(p.edge.From, p.edge.Dep.label)
}

// choose goes up from the lowest place and returns the highest that has nothing in the way below it.
// Where no place will do for the peers too, one that does for the candidate alone is taken.
func (p *placement) choose() *check {
	var parent *check
	if p.parent != nil {
		parent = p.parent.chosen
	}
	var best, alone *check
	for target := p.start(); target != nil; target = target.Parent {
		if e := target.edge(p.edge.Dep.label); e != nil && e.Dep.Peer && !target.isRoot() {
			continue
		}
		if best != nil && target.depth+1 < p.dep.pkg.Depth {
			p.barred = true
			break
		}
		c := p.t.slab.check()
		*c = check{t: p.t, dep: p.dep, target: target, edge: p.edge, parent: parent, dedupe: p.edge.Dep.Peer}
		c.run()
		if c.self != conflict {
			alone = c
		}
		if c.verdict == conflict {
			p.barred = c.self != conflict
			break
		}
		best = c
	}
	if best == nil {
		return alone
	}
	return best
}

func (p *placement) carryOut() error {
	t, target, e := p.t, p.chosen.target, p.edge
	v := p.chosen.verdict
	if v == conflict {
		v = p.chosen.self
	}
	if v == keep {
		if e.Dep.Peer && !e.ok {
			e.Conflict = true
		}
		t.dedupe(target)
		return p.uncover()
	}
	if err := t.room(p.dep.name); err != nil {
		return err
	}
	for up := target; !up.isRoot(); up = up.Parent {
		if up.Package == p.dep.pkg && up.Name == p.dep.name && up.Link == nil {
			p.placed = t.link(target, up, e.From)
			return nil
		}
	}
	p.placed = t.newNode(p.dep.pkg, p.dep.name, e.From)
	p.placed.Barred = p.barred
	if old := target.children.get(p.dep.label); old != nil {
		p.replace(old)
	} else {
		t.attach(target, p.placed)
	}
	t.rules.Placed(p.placed)
	if e.Dep.Peer && !t.suits(e, p.placed.Package, p.placed.Name) {
		e.Conflict = true
	}
	p.tidy(target)
	if p.placed.gone {
		return nil
	}
	return p.placePeers()
}

// uncover replaces what hides the node that was kept from the one that needs it: something that stands
// between them for others.
func (p *placement) uncover() error {
	t, e := p.t, p.edge
	if e.ok || e.Dep.Peer || p.low {
		return nil
	}
	p.low = true
	c := t.slab.check()
	*c = check{t: t, dep: p.dep, target: p.start(), edge: e}
	if c.run(); c.self == conflict {
		e.Conflict = true
		return nil
	}
	p.chosen = c
	return p.carryOut()
}

// link puts a link to up, which is above, below target.
func (t *Tree) link(target, up, by *Node) *Node {
	n := t.newNode(up.Package, up.Name, by)
	n.Link, n.Edges = up, nil
	if old := target.children.get(n.label); old != nil {
		t.remove(old)
	}
	t.attach(target, n)
	t.rules.Placed(n)
	return n
}

// tidy removes what the new node made superfluous.
func (p *placement) tidy(target *Node) {
	t, e := p.t, p.edge
	if e.ok && e.To != nil && e.To != p.placed {
		t.dedupeHere(e.To)
	}
	if len(t.nodes[p.placed.label]) == 1 {
		return
	}
	t.found = t.named(t.found[:0], target, p.placed.label)
	for _, n := range t.found {
		if n.gone {
			continue
		}
		t.dedupeHere(n)
		if n.gone {
			continue
		}
		for _, c := range t.byName(n) {
			if !c.gone {
				t.dedupeHere(c)
			}
		}
	}
}

// placePeers places the peers of the set that the new node does not see yet.
func (p *placement) placePeers() error {
	for i := range p.placed.Edges {
		e := &p.placed.Edges[i]
		if e.ok || !e.Dep.Peer || e.Conflict {
			continue
		}
		peer := p.dep.set.get(e.Dep.folded)
		if peer == nil || !p.t.suits(e, peer.pkg, peer.name) {
			continue
		}
		child, err := p.t.place(peer, e, p)
		p.children = append(p.children, child)
		if err != nil {
			return err
		}
	}
	return nil
}

// replace puts the new node where old stands, and removes what only old needed and the peers that cannot
// stay beside the new one.
func (p *placement) replace(old *Node) {
	t, n := p.t, p.placed
	var orphans []*Node
	for i := range old.Edges {
		if e := &old.Edges[i]; e.To != nil && n.Package.dep(e.Dep.label) == nil {
			to := e.To
			orphans = append(orphans, t.gather([]*Node{to}, func(e *Edge) bool { return e.To != to })...)
		}
	}
	displaced := p.displaced(old)
	t.replace(old, n)
	p.prune(orphans)
	for _, d := range displaced {
		for _, e := range d.in {
			p.again = append(p.again, e.From)
		}
		t.remove(d)
	}
}

// displaced finds the peers beside old that do not accept the new node and that can be nested below
// what brought them.
func (p *placement) displaced(old *Node) []*Node {
	t, parent := p.t, old.Parent
	var out []*Node
	for _, e := range old.in {
		if t.suits(e, p.dep.pkg, p.dep.name) || !e.Dep.Peer || e.From.Parent != parent || e.Conflict {
			continue
		}
		for _, entry := range t.entries(e.From) {
			head := entry.edge.To
			if !entry.edge.From.isRoot() {
				out = append(out, t.gather([]*Node{head}, func(e *Edge) bool { return e.To != head && !e.Conflict })...)
			} else {
				e.Conflict = true
			}
		}
	}
	return out
}

// prune removes what the new node does not want where it is, and orphans that nothing else needs.
func (p *placement) prune(orphans []*Node) {
	t, n := p.t, p.placed
	var unfit []*Node
	add := func(x *Node) {
		if x != n && !x.gone && !containsNode(unfit, x) {
			unfit = append(unfit, x)
		}
	}
	for i := range n.Edges {
		if e := &n.Edges[i]; e.To != nil && !e.ok {
			add(e.To)
		}
	}
	for _, o := range orphans {
		if o.gone {
			continue
		}
		for _, x := range t.exclusive(o) {
			add(x)
		}
	}
	t.removeAll(t.gather(unfit, func(e *Edge) bool { return e.From != n && e.To != n && e.ok }))
}

package npmtree

import (
	"cmp"
	"slices"
)

// gather returns from and all that only they lead to, along the edges that count.
func (t *Tree) gather(from []*Node, counts func(*Edge) bool) []*Node {
	t.marks++
	in := t.marks
	var all []*Node
	take := func(n *Node) {
		if n.mark != in {
			n.mark = in
			all = append(all, n)
		}
	}
	for _, n := range from {
		take(n)
	}
	for i := 0; i < len(all); i++ { // grows while it runs
		for k := range all[i].Edges {
			if e := &all[i].Edges[k]; e.To != nil && counts(e) {
				take(e.To)
			}
		}
	}
	neededElsewhere := func(n *Node) bool {
		return slices.ContainsFunc(n.in, func(e *Edge) bool { return e.From.mark != in && counts(e) })
	}
	for again := true; again; {
		again = false
		kept := all[:0]
		for _, n := range all {
			if neededElsewhere(n) {
				n.mark, again = 0, true
			} else {
				kept = append(kept, n)
			}
		}
		all = kept
	}
	return all
}

// exclusive returns n and what only n leads to.
func (t *Tree) exclusive(n *Node) []*Node {
	return t.gather([]*Node{n}, func(e *Edge) bool { return e.To != n && e.ok })
}

// neededAround says that the project, or something that nothing needs, leads to x without passing
// n: then x is not among what only n leads to. It mostly takes a few steps to find that out.
func (t *Tree) neededAround(n, x *Node) bool {
	t.marks++
	seen := t.marks
	x.mark = seen
	todo := append(t.todo[:0], x)
	defer func() { t.todo = todo[:0] }()
	for len(todo) > 0 {
		y := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if y == n {
			continue
		}
		needed := false
		for _, e := range y.in {
			if e.ok {
				needed = true
				if e.From.isRoot() {
					return true
				}
				if e.From.mark != seen {
					e.From.mark = seen
					todo = append(todo, e.From)
				}
			}
		}
		if !needed {
			return true
		}
	}
	return false
}

func (t *Tree) removeAll(nodes []*Node) {
	for _, n := range nodes {
		t.remove(n)
	}
}

// replaceable says whether all that depends on what is at n could do with p instead. What only n
// leads to does not count, nor do peers beside n that are to be replaced with it: those in with.
func (t *Tree) replaceable(n *Node, p *Package, with *set) bool {
	if !sameOrigin(n.Package, p) {
		return false
	}
	var own []*Node
	for _, e := range n.in {
		if t.suits(e, p, n.Name) {
			continue
		}
		if e.Dep.Peer && e.From.Parent == n.Parent && e.From.Parent != nil && with.get(e.From.label) != nil {
			continue
		}
		if t.neededAround(n, e.From) {
			return false
		}
		if own == nil {
			own = t.exclusive(n)
		}
		if !slices.Contains(own, e.From) {
			return false
		}
	}
	return true
}

// superfluous says whether n can go because what is visible above it will do for all, and is not an
// older version.
func (t *Tree) superfluous(n *Node) bool {
	if n.Parent == nil || n.Parent.isRoot() {
		return false
	}
	if len(n.in) == 0 {
		return true
	}
	above := n.Parent.Parent.find(n.label)
	switch {
	case above == nil:
		return false
	case above.Package == n.Package && above.Name == n.Name:
		return true
	}
	return above.Name == n.Name && t.replaceable(n, above.Package, nil) &&
		compare(above.Package, n.Package) >= 0
}

// dedupe removes n, with what only it needs, if it is superfluous; else it tries what is below.
func (t *Tree) dedupe(n *Node) {
	if t.dedupeHere(n); n.gone {
		return
	}
	for _, c := range t.byName(n) {
		if !c.gone {
			t.dedupe(c)
		}
	}
}

// dedupeHere is dedupe for n alone.
func (t *Tree) dedupeHere(n *Node) {
	if !t.superfluous(n) {
		return
	}
	var needed []*Node
	for i := range n.Edges {
		if e := &n.Edges[i]; e.To != nil && e.ok {
			needed = append(needed, e.To)
		}
	}
	t.remove(n) // first: what stands above is needed for it from now on, and may be what only n led to
	needed = slices.DeleteFunc(needed, func(x *Node) bool { return x.gone })
	t.removeAll(t.gather(needed, func(e *Edge) bool { return e.ok }))
}

// byName returns the nodes below n in npm's order.
func (t *Tree) byName(n *Node) []*Node {
	if len(n.children.list) == 0 {
		return nil
	}
	list := slices.Clone(n.children.list)
	slices.SortFunc(list, func(a, b *Node) int { return cmp.Compare(t.labels.keys[a.plain], t.labels.keys[b.plain]) })
	return list
}

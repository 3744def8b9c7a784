package npmtree

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"

	"github.com/pantry-go/pantry"
)

// Rules say what fits and what to take. They are asked by the goroutine that builds.
type Rules interface {
	// Fits says whether p is what d asks for, d being a dependency of from. It depends on nothing else,
	// so that the answer may be remembered.
	Fits(from *Package, d *Dep, p *Package) bool
	// Choose returns the package to take for d, a dependency of from, that nothing in the tree meets;
	// nil if there is none and d can do without. by is the node that the work is done for: from's, or
	// one whose dependency from may become. An error ends the building.
	Choose(by *Node, from *Package, d *Dep) (*Package, error)
	// Placed is called when a node was placed. It may be removed again later.
	Placed(n *Node)
}

// Tree is a node_modules that is being built.
type Tree struct {
	// Root is the project.
	Root *Node

	rules  Rules
	labels labels
	nodes  [][]*Node // in the tree, by folded name
	edges  [][]*Edge // of nodes in the tree, by folded name
	count  int
	made   int
	marks  int
	todo   []*Node // reused
	found  []*Node // reused
	slab   slab
	checks int
	loads  int
	queue  queue
	ending bool // what is Due is to be placed
}

const (
	// maxNodes bounds a tree: the largest real projects have some ten thousand packages.
	maxNodes = 100_000
	// maxRounds bounds how often each node is looked at again on average. Real trees need one or two
	// rounds for a node; packages could be published that displace each other for ever.
	maxRounds = 50
)

// Build builds the tree of a project.
func Build(project *Package, rules Rules) (*Tree, error) {
	return build(&Tree{rules: rules}, project)
}

func build(t *Tree, project *Package) (*Tree, error) {
	t.Root = t.newNode(project, project.Name, nil)
	t.register(t.Root)
	t.push(t.Root)
	for rounds := 0; ; rounds++ {
		n := t.pop()
		if n == nil { // as a rule that is the end
			t.ending = true
			t.pushUnmet()
			n = t.pop()
		}
		if n == nil {
			t.lookAround(t.Root)
			return t, nil
		}
		if rounds > maxRounds*(t.count+100) {
			return nil, fmt.Errorf("packages displace each other without end, %s@%s among them: %w", n.Package.Name, n.Package.Version, pantry.ErrPolicy)
		}
		if err := t.settle(n); err != nil {
			return nil, err
		}
	}
}

// pushUnmet has the nodes looked at again that something is due to that is not there, and those that
// lost what they had: npm does not notice that when what displaced it was displaced in turn. Nodes that
// nothing leads to any more do not count.
func (t *Tree) pushUnmet() {
	t.marks++
	t.Root.mark = t.marks
	todo := append(t.todo[:0], t.Root)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		again := false
		for i := range n.Edges {
			e := &n.Edges[i]
			again = again || t.unmet(e) && !n.bundles(e.Dep.folded)
			if to := e.To; to != nil && to.mark != t.marks {
				to.mark = t.marks
				todo = append(todo, to)
			}
		}
		if again {
			t.pushAgain(n)
		}
	}
	t.todo = todo
}

// lookAround finds what silent peers see, and forgets what is only called nearly the same.
func (t *Tree) lookAround(n *Node) {
	for i := range n.Edges {
		e := &n.Edges[i]
		if e.Dep.Silent {
			e.To, e.ok = n.find(e.Dep.folded), true
		}
		if e.To != nil && e.To.Name != e.Dep.Name {
			e.To = nil
		}
	}
	for _, c := range n.children.list {
		t.lookAround(c)
	}
}

// room makes sure that the tree does not grow without end.
func (t *Tree) room(name string) error {
	if t.count < maxNodes && t.made < 10*maxNodes {
		return nil
	}
	return fmt.Errorf("node_modules would hold more than %d folders, %s among them: %w", maxNodes, name, pantry.ErrPolicy)
}

// task is an edge that is not met, and what is to meet it.
type task struct {
	edge *Edge
	dep  *candidate
	key  string
}

// settle meets all dependencies of n that are not met.
func (t *Tree) settle(n *Node) error {
	tasks, err := t.tasks(n)
	if err != nil {
		return err
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return cmp.Compare(a.key, b.key) })
	for _, k := range tasks {
		if n.gone { // what it needed displaced it
			return nil
		}
		p, err := t.place(k.dep, k.edge, nil)
		if err != nil {
			return err
		}
		t.follow(p)
	}
	return nil
}

// tasks chooses for each unmet dependency of n what is to meet it. Nothing is placed meanwhile.
func (t *Tree) tasks(n *Node) ([]task, error) {
	var out []task
	for i := range n.Edges {
		e := &n.Edges[i]
		if !t.unmet(e) || n.bundles(e.Dep.folded) {
			continue
		}
		dep, err := t.candidateOf(n, e)
		if err != nil {
			return nil, err
		}
		if dep == nil {
			e.leftOut = true
			continue
		}
		out = append(out, task{e, dep, t.labels.keys[e.Dep.label]})
	}
	return out, nil
}

// unmet says whether something has to be done about e.
func (t *Tree) unmet(e *Edge) bool {
	switch {
	case e.leftOut || e.Conflict:
		return false
	case e.To == nil:
		return !e.Dep.optionalPeer() || e.Dep.Due && t.ending
	}
	return !e.ok
}

// candidateOf finds what is to meet an edge of n: a member of the set that was made for the edge
// before, if it fits, else one of a new set.
func (t *Tree) candidateOf(n *Node, e *Edge) (*candidate, error) {
	if c := n.set.get(e.Dep.folded); c != nil && t.suits(e, c.pkg, c.name) {
		return c, nil
	}
	if e.Dep.optionalPeer() {
		if x := t.existing(n, e); x != nil {
			s := &set{source: x.Parent.Package, by: n, home: x.Parent}
			return s.get(x.label), nil
		}
	}
	s := n.set
	if s == nil || !e.Dep.Peer {
		s = &set{source: n.Package, by: n}
	}
	c, err := t.candidateFor(s, need{n.Package, e.Dep})
	n.set = s
	return c, err
}

// existing looks for a node that meets an optional peer of n, the shallowest first.
func (t *Tree) existing(n *Node, e *Edge) *Node {
	from := n.Parent
	if from == nil {
		from = n
	}
	var best *Node
	for _, x := range t.nodes[e.Dep.folded] {
		if x == from || !x.under(from) || !t.suits(e, x.Package, x.Name) {
			continue
		}
		if best == nil || x.depth < best.depth || x.depth == best.depth && x.Index < best.Index {
			best = x
		}
	}
	return best
}

// follow puts into the queue what has to be looked at after a placement: what was placed, and what
// lost what it had.
func (t *Tree) follow(p *placement) {
	if p.placed == nil {
		return
	}
	for _, e := range p.placed.in {
		if e != p.edge && !e.ok && !e.Conflict {
			t.pushAgain(e.From)
		}
	}
	t.push(p.placed)
	for _, n := range p.again {
		t.pushAgain(n)
	}
	for _, child := range p.children {
		t.follow(child)
	}
}

func (t *Tree) pushAgain(n *Node) {
	n.seen = false
	t.push(n)
}

func (t *Tree) push(n *Node) {
	if n.queued || len(n.Edges) == 0 {
		return
	}
	n.queued = true
	heap.Push(&t.queue, n)
}

// pop returns the next node to look at; nil when all were.
func (t *Tree) pop() *Node {
	for t.queue.Len() > 0 {
		n := heap.Pop(&t.queue).(*Node)
		n.queued = false
		if !n.seen && !n.gone && n.Link == nil {
			n.seen = true
			return n
		}
	}
	return nil
}

// queue hands out nodes by depth, then by path.
type queue []*Node

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	switch {
	case q[i].depth != q[j].depth:
		return q[i].depth < q[j].depth
	case q[i].key != q[j].key:
		return q[i].key < q[j].key
	}
	return q[i].Index < q[j].Index
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*Node)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

// Made is how many nodes were made, the project and those that were removed again included: no Index
// is as high.
func (t *Tree) Made() int { return t.made }

// Walk calls f for every node but the project, parents before children.
func (t *Tree) Walk(f func(*Node)) {
	var walk func(*Node)
	walk = func(n *Node) {
		for _, c := range n.children.list {
			f(c)
			walk(c)
		}
	}
	walk(t.Root)
}

package link

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// graph is what is to be laid out of a lockfile, by number.
type graph struct {
	nodes []node
	index map[lockfile.ID]int32
}

type node struct {
	id       lockfile.ID
	pkg      *lockfile.Package
	digests  []integrity.Digest // the strongest, in order
	programs []string
	edges    []edge // in the order of their names
	self     []byte // what it is, without what it leads to
}

type edge struct {
	name string
	to   int32
}

// newGraph numbers the wanted packages in the order of their IDs.
func newGraph(l *lockfile.Lock, wanted map[lockfile.ID]bool) (*graph, error) {
	g := &graph{nodes: make([]node, 0, len(wanted)), index: make(map[lockfile.ID]int32, len(wanted))}
	edges := 0
	for i, id := range slices.Sorted(maps.Keys(wanted)) {
		p := l.Packages[id]
		edges += len(p.Dependencies)
		g.nodes = append(g.nodes, node{id: id, pkg: p})
		g.index[id] = int32(i)
	}
	all := make([]edge, 0, edges) // one allocation for all of them
	for i := range g.nodes {
		n := &g.nodes[i]
		if err := checkName(n.pkg.Name); err != nil {
			return nil, err
		}
		n.digests, n.programs = strongest(n.pkg.Integrity), programsOf(n.pkg)
		start := len(all)
		var err error
		if all, err = g.appendEdges(all, n.pkg); err != nil {
			return nil, err
		}
		n.edges = all[start:len(all):len(all)]
	}
	g.describe()
	return g, nil
}

// describe writes down what each package is.
func (g *graph) describe() {
	all := make([]byte, 0, 200*len(g.nodes))
	for i := range g.nodes {
		start := len(all)
		all = g.nodes[i].appendSelf(all)
		g.nodes[i].self = all[start:len(all):len(all)]
	}
}

// appendEdges adds what p has links to.
func (g *graph) appendEdges(all []edge, p *lockfile.Package) ([]edge, error) {
	start := len(all)
	for name, d := range p.Dependencies {
		to, wanted := g.index[d.ID]
		if !wanted || slices.Contains(p.Bundled, name) {
			continue
		}
		if name != g.nodes[to].pkg.Name { // which is checked anyway
			if err := checkName(name); err != nil {
				return nil, err
			}
		}
		all = append(all, edge{name, to})
	}
	slices.SortFunc(all[start:], func(a, b edge) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// strongest returns the strongest digests of a set, in order.
func strongest(s integrity.Set) []integrity.Digest {
	if len(s) < 2 {
		return s
	}
	out := s.Strongest()
	slices.SortFunc(out, func(a, b integrity.Digest) int { return cmp.Compare(a.Hex(), b.Hex()) })
	return slices.Compact(out)
}

// packages gives every package its key, and names the packages it leads to by theirs.
func (g *graph) packages() []IsolatedPackage {
	class, members := g.classes()
	keys := g.keys(class, members)
	out := make([]IsolatedPackage, len(g.nodes))
	count := 0
	for i := range g.nodes {
		count += len(g.nodes[i].edges)
	}
	all := make([]store.Target, 0, count)
	for i := range g.nodes {
		n := &g.nodes[i]
		start := len(all)
		for _, e := range n.edges {
			to := g.nodes[e.to].pkg
			if class[e.to] == class[i] && e.name == to.Name {
				continue // it finds itself
			}
			all = append(all, store.Target{Name: e.name, Key: keys[class[e.to]], Package: to.Name})
		}
		out[i] = IsolatedPackage{
			ID: n.id, Key: keys[class[i]], Name: n.pkg.Name, Programs: n.programs,
			Links: all[start:len(all):len(all)],
		}
	}
	return out
}

// classes numbers the packages so that those that no path along links can tell apart have one
// number, and returns one package of each number. It splits by what the packages are, and then by
// the numbers of what they lead to, until nothing is split any more.
func (g *graph) classes() (class []int32, members []int32) {
	class = make([]int32, len(g.nodes))
	size := make([]int32, 0, len(g.nodes))
	first := make(map[string]int32, len(g.nodes))
	for i := range g.nodes {
		c, known := first[string(g.nodes[i].self)]
		if !known {
			c = int32(len(size))
			first[string(g.nodes[i].self)] = c
			size = append(size, 0)
		}
		class[i] = c
		size[c]++
	}
	for more := len(size) < len(g.nodes); more; {
		class, size, more = g.split(class, size)
	}
	members = make([]int32, len(size))
	for i, c := range class {
		members[c] = int32(i)
	}
	return class, members
}

// appendSelf appends what a package is without what it leads to.
func (n *node) appendSelf(b []byte) []byte {
	b = appendText(b, n.pkg.Name)
	b = binary.AppendUvarint(b, uint64(len(n.digests)))
	for _, d := range n.digests {
		b = append(b, byte(d.Algorithm()))
		b = append(b, d.Bytes()...)
	}
	b = binary.AppendUvarint(b, uint64(len(n.programs)))
	for _, p := range n.programs {
		b = appendText(b, p)
	}
	b = binary.AppendUvarint(b, uint64(len(n.edges)))
	for _, e := range n.edges {
		b = appendText(b, e.name)
	}
	return b
}

// appendText appends a text so that nothing that follows can be taken for a part of it.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// split divides classes by those that their members lead to, and says whether it divided any. Most
// classes have one member, and are not looked at.
func (g *graph) split(class, size []int32) (nextClass, nextSize []int32, more bool) {
	nextClass = slices.Clone(class)
	seen, whole := map[string]int32{}, make([]bool, len(size))
	var buf []byte
	for i := range g.nodes {
		c := class[i]
		if size[c] == 1 {
			continue
		}
		buf = binary.LittleEndian.AppendUint32(buf[:0], uint32(c))
		for _, e := range g.nodes[i].edges {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(class[e.to]))
		}
		to, known := seen[string(buf)]
		switch {
		case known:
		case !whole[c]: // the first keeps the number
			whole[c], to = true, c
			seen[string(buf)] = to
		default:
			to = int32(len(size))
			size = append(size, 0)
			seen[string(buf)] = to
			more = true
		}
		nextClass[i] = to
	}
	nextSize = make([]int32, len(size))
	for _, c := range nextClass {
		nextSize[c]++
	}
	return nextClass, nextSize, more
}

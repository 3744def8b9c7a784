package resolve

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

// node is one package version in the graph, before peers are bound. The root project is a node too.
type node struct {
	index    int
	registry string
	name     string
	version  string
	// scope holds the ancestors that nested overrides speak of: with others, the same version
	// may need other things.
	scope       string
	scopeChain  []manifest.NodeRef
	unconfirmed string

	meta   *pantry.Metadata  // newly resolved
	locked *lockfile.Package // or taken from the old lockfile
	old    *lockfile.Package // its entry there, however it was resolved

	edges []*edge
	peers []peer
	in    []*edge
	// provides holds the peers that were installed for the sake of what n depends on.
	provides map[string]*provision

	top      bool // stands at the top of node_modules in npm's layout
	depth    int  // there: 1 at the top
	path     string
	parent   *node // the first that needed it
	queued   bool
	replaced *node
	dropped  bool // nothing leads to it any more: what needed it was replaced
}

// provision is a peer that was installed for others, and for whom: when none of them is left, it
// does not count.
type provision struct {
	node *node
	to   []*node
}

// provided returns what n provides under a name; nil for nothing.
func (n *node) provided(name string) *node {
	p := n.provides[name]
	if p == nil || !slices.ContainsFunc(p.to, func(to *node) bool { return to.replaced == nil && !to.dropped }) {
		return nil
	}
	return p.node.final()
}

// provide has n provide x as a peer of to.
func (n *node) provide(name string, x, to *node) {
	if n.provides == nil {
		n.provides = map[string]*provision{}
	}
	if have := n.provided(name); have != nil {
		n.provides[name].to = append(n.provides[name].to, to)
		return
	}
	n.provides[name] = &provision{node: x, to: []*node{to}}
}

// edge is a dependency that its owner brings along.
type edge struct {
	from     *node
	name     string // under which the owner requires it
	value    string // as the manifest has it
	spec     manifest.Spec
	wish     wish
	optional bool
	kind     lockfile.Kind // of a wish of the project
	err      error         // the value cannot be understood, or nothing answers for it
	to       *node
}

// peer is a dependency that the surroundings must bring.
type peer struct {
	name     string
	value    string
	spec     manifest.Spec
	wish     wish
	optional bool
}

// needs is what a package's metadata asks for.
type needs struct {
	edges []*edge
	peers []peer
}

func noRegistry(string) bool { return false }

// needsOf reads the dependencies of a package; its bundled ones are inside it already. Only a
// project may name registries: what is published may not.
func needsOf(m *pantry.Metadata) needs {
	var n needs
	bundled := map[string]bool{}
	for _, b := range m.BundledDependencies {
		bundled[b] = true
	}
	add := func(deps map[string]string, optional bool) {
		for name, value := range deps {
			if !bundled[name] {
				n.edges = append(n.edges, newEdge(name, value, optional, noRegistry))
			}
		}
	}
	add(m.Dependencies, false)
	add(m.OptionalDependencies, true)
	own := func(name string) bool {
		return slices.ContainsFunc(n.edges, func(e *edge) bool { return e.name == name })
	}
	addPeer := func(name, value string, optional bool) {
		if p, ok := newPeer(name, value, optional); ok && !bundled[name] && !own(name) {
			n.peers = append(n.peers, p)
		}
	}
	for name, value := range m.PeerDependencies {
		addPeer(name, value, slices.Contains(m.OptionalPeers, name))
	}
	for _, name := range m.OptionalPeers {
		if _, ok := m.PeerDependencies[name]; !ok {
			addPeer(name, "*", true)
		}
	}
	n.sort()
	return n
}

// needsOfLocked reads them from an entry of the old lockfile.
func needsOfLocked(p *lockfile.Package) needs {
	var n needs
	for name, d := range p.Dependencies {
		if d.Peer {
			if pr, ok := newPeer(name, d.Spec, d.Optional); ok {
				n.peers = append(n.peers, pr)
			}
			continue
		}
		n.edges = append(n.edges, newEdge(name, d.Spec, d.Optional, noRegistry))
	}
	n.sort()
	return n
}

func (n *needs) sort() {
	slices.SortFunc(n.edges, func(a, b *edge) int { return cmp.Compare(manifest.CollationKey(a.name), manifest.CollationKey(b.name)) })
	slices.SortFunc(n.peers, func(a, b peer) int { return cmp.Compare(manifest.CollationKey(a.name), manifest.CollationKey(b.name)) })
}

func newEdge(name, value string, optional bool, isRegistry func(string) bool) *edge {
	e := &edge{name: name, value: value, optional: optional}
	e.spec, e.err = manifest.ParseDependency(name, value, isRegistry)
	switch {
	case e.err != nil:
	case !e.spec.FromRegistry():
		err := fmt.Errorf("tarballs and folders can't be installed in this version: %w", pantry.ErrUnsupported)
		e.err = pantry.WithHint(err, "publish it to a registry of your own and depend on that")
	default:
		e.wish = parseWish(e.spec.Range)
	}
	return e
}

// newPeer leaves out a peer whose value is not a registry's: it can be provided, not fetched.
func newPeer(name, value string, optional bool) (peer, bool) {
	spec, err := manifest.ParseDependency(name, value, noRegistry)
	if err != nil || !spec.FromRegistry() {
		return peer{}, false
	}
	return peer{name: name, value: value, spec: spec, wish: parseWish(spec.Range), optional: optional}, true
}

// final follows replacements.
func (n *node) final() *node {
	for n != nil && n.replaced != nil {
		n = n.replaced
	}
	return n
}

func (n *node) isRoot() bool { return n.parent == nil && n.depth == 0 }

func (n *node) edge(name string) *edge {
	for _, e := range n.edges {
		if e.name == name {
			return e
		}
	}
	return nil
}

func (n *node) peer(name string) (peer, bool) {
	for _, p := range n.peers {
		if p.name == name {
			return p, true
		}
	}
	return peer{}, false
}

// fits says whether n is what spec and wish ask for.
func (n *node) fits(spec manifest.Spec, w wish) bool {
	return n.name == spec.Package &&
		(spec.Registry == "" || spec.Registry == n.registry) &&
		(w.match(n.version) || w.any())
}

// fits says whether n can be the peer. A tag is satisfied by any version, as in npm: it says what to
// install when there is none.
func (p peer) fits(n *node) bool {
	return n.fits(p.spec, p.wish) || p.wish.isTag && n.name == p.spec.Package
}

// queue hands out nodes in the order in which npm builds its tree: by depth in node_modules, then
// by path.
type queue struct{ items nodeHeap }

func (q *queue) push(n *node) {
	if !n.queued {
		n.queued = true
		heap.Push(&q.items, queued{manifest.CollationKey(n.path), n})
	}
}

func (q *queue) pop() *node {
	for q.items.Len() > 0 {
		if n := heap.Pop(&q.items).(queued).node; n.replaced == nil {
			return n
		}
	}
	return nil
}

type queued struct {
	key  string
	node *node
}

type nodeHeap []queued

func (h nodeHeap) Len() int { return len(h) }
func (h nodeHeap) Less(i, j int) bool {
	if a, b := h[i].node.depth, h[j].node.depth; a != b {
		return a < b
	}
	if h[i].key != h[j].key {
		return h[i].key < h[j].key
	}
	return h[i].node.index < h[j].node.index
}
func (h nodeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *nodeHeap) Push(x any)   { *h = append(*h, x.(queued)) }
func (h *nodeHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

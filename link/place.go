package link

import (
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

// place is a package in the tree that is being planned, or the root.
type place struct {
	id       lockfile.ID
	name     string
	path     string
	key      string // of the path, for the order of work
	depth    int    // 0 for the root
	parent   *place
	children map[string]*place
	resolved map[string]*place // what its dependencies were found to be
	direct   bool
	link     *place // where the package really is
}

// add makes a place below p.
func (p *place) add(name string, id lockfile.ID) *place {
	path := modules + "/" + name
	if p.parent != nil {
		path = p.path + "/" + path
	}
	c := &place{
		id: id, name: name, path: path, key: manifest.CollationKey(path), depth: p.depth + 1,
		parent: p, resolved: map[string]*place{},
	}
	if p.children == nil {
		p.children = map[string]*place{}
	}
	p.children[name] = c
	return c
}

// free says whether nothing stands below p under the name.
func (p *place) free(name string) bool { return p.children[name] == nil }

// shadows says whether something at or below p already uses a name that stands above p: a package
// put below p under that name would take its place.
func (p *place) shadows(name string) bool { return p.shadowsAbove(name, p.depth) }

func (p *place) shadowsAbove(name string, depth int) bool {
	if used := p.resolved[name]; used != nil && used.depth <= depth {
		return true
	}
	for _, c := range p.children {
		if c.shadowsAbove(name, depth) {
			return true
		}
	}
	return false
}

// placeHeap hands out places by depth, then by path.
type placeHeap []*place

func (h placeHeap) Len() int { return len(h) }
func (h placeHeap) Less(i, j int) bool {
	if h[i].depth != h[j].depth {
		return h[i].depth < h[j].depth
	}
	return h[i].key < h[j].key
}
func (h placeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *placeHeap) Push(x any)   { *h = append(*h, x.(*place)) }
func (h *placeHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

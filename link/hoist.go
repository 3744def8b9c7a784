package link

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

// HoistOptions chooses what of a lockfile is laid out.
type HoistOptions struct {
	// Platform leaves out optional packages that do not run there. The zero Platform leaves out none.
	Platform lockfile.Platform
	// Omit leaves out what only these kinds of wishes lead to.
	Omit map[lockfile.Kind]bool
}

// Tree is a node_modules as it should be.
type Tree struct {
	// Placements in the order of their paths, so that a package comes before what is nested in it.
	Placements []Placement
	// Skipped holds the optional packages that do not run on the platform, or that need one that
	// does not.
	Skipped []lockfile.ID
}

// Placement puts a package at a path.
type Placement struct {
	// Path is relative to the project and slash-separated: "node_modules/a/node_modules/b".
	Path string
	// Name is the last part of Path: the name under which the package is required.
	Name string
	ID   lockfile.ID
	// Direct says that the project itself depends on it.
	Direct bool
	// Link is the path of a placement of the same package, above this one, that this one is a
	// symbolic link to; "" for a folder of its own. Packages that need each other in several
	// versions would be nested without end otherwise.
	Link string
}

// maxPlacements bounds a tree: the largest real projects have some ten thousand packages, but a
// lockfile can be made that has ever more copies of few.
const maxPlacements = 200_000

// Hoist lays a lockfile's packages out as npm does: everything as high as it can stand, a version
// that is in nobody's way at the top, the others below who needs them. Whatever a package depends on,
// peers too, is what Node.js finds for it.
//
// A package that does not run on the platform, and one that cannot do without such a package, is left
// out where it is optional; where it is not, that is an error that matches pantry.ErrPolicy. The
// result depends on the lockfile and the options alone.
func Hoist(l *lockfile.Lock, o HoistOptions) (*Tree, error) {
	if err := checkIDs(l); err != nil {
		return nil, err
	}
	l = merged(l)
	wanted, skipped, err := choose(l, o)
	if err != nil {
		return nil, err
	}
	h := &hoister{lock: l, omit: o.Omit, wanted: wanted, rivals: rivals(l), root: &place{}}
	if err := h.plantRoot(); err != nil {
		return nil, err
	}
	for h.queue.Len() > 0 {
		p := heap.Pop(&h.queue).(*place)
		if err := h.plantEdges(p, func(lockfile.Dependency) bool { return true }); err != nil {
			return nil, err
		}
	}
	return &Tree{Placements: h.placements(), Skipped: skipped}, nil
}

type hoister struct {
	lock   *lockfile.Lock
	omit   map[lockfile.Kind]bool
	wanted map[lockfile.ID]bool
	rivals map[string][]string
	root   *place
	queue  placeHeap
	count  int
}

// rivals finds the names that are the same on a file system that does not tell capitals from small
// letters ("JSONStream", "jsonstream"): they may not stand in one folder.
func rivals(l *lockfile.Lock) map[string][]string {
	byFold := map[string][]string{}
	add := func(name string) {
		fold := strings.ToLower(name)
		if !slices.Contains(byFold[fold], name) {
			byFold[fold] = append(byFold[fold], name)
		}
	}
	for _, p := range l.Projects {
		for name := range p.Dependencies {
			add(name)
		}
	}
	for _, p := range l.Packages {
		for name := range p.Dependencies {
			add(name)
		}
	}
	out := map[string][]string{}
	for _, names := range byFold {
		for _, name := range names {
			if len(names) > 1 {
				out[name] = names
			}
		}
	}
	return out
}

// plantRoot puts the project's own dependencies at the top, where nothing may displace them.
func (h *hoister) plantRoot() error {
	project := h.lock.Projects["."]
	if project == nil {
		return nil
	}
	for _, name := range collated(project.Dependencies) {
		w := project.Dependencies[name]
		if !h.wanted[w.ID] || h.omit[w.Kind] || !installs(h.lock, name, w.ID) {
			continue
		}
		p, err := h.put(h.root, name, w.ID)
		if err != nil {
			return err
		}
		p.direct = true
	}
	for _, name := range collated(h.root.children) {
		if err := h.plantPeers(h.root.children[name]); err != nil {
			return err
		}
	}
	return nil
}

// installs says whether a wish stands in node_modules: a tool ("github:cli/cli") does not.
func installs(l *lockfile.Lock, name string, id lockfile.ID) bool {
	return !strings.Contains(name, ":") && l.Packages[id].Tool == nil
}

// checkName makes sure that a name, which a registry may have given, stays in node_modules.
func checkName(name string) error {
	err := lockfile.CheckName(name)
	if err == nil && strings.Contains(name, ":") {
		err = errors.New("it holds a colon")
	}
	if err != nil {
		return fmt.Errorf("%q cannot be a folder in node_modules: %w: %w", name, err, pantry.ErrPolicy)
	}
	return nil
}

// plantPeers finds a place for the peers of the package at p at once, before something else takes
// the places they need.
func (h *hoister) plantPeers(p *place) error {
	return h.plantEdges(p, func(d lockfile.Dependency) bool { return d.Peer })
}

func (h *hoister) plantEdges(p *place, take func(lockfile.Dependency) bool) error {
	if p.link != nil {
		return nil // what it needs is seen from where it really is
	}
	deps := h.lock.Packages[p.id].Dependencies
	for _, name := range collated(deps) {
		d := deps[name]
		if p.resolved[name] != nil || !take(d) || !h.wanted[d.ID] {
			continue
		}
		if err := h.plantEdge(p, name, d); err != nil {
			return err
		}
	}
	return nil
}

func (h *hoister) plantEdge(p *place, name string, d lockfile.Dependency) error {
	if found, blocked := h.lookup(p, name, d.ID); found != nil && !blocked {
		p.resolved[name] = found
		return nil
	}
	placed, err := h.put(h.highest(p, name, d), name, d.ID)
	if err != nil {
		return err
	}
	p.resolved[name] = placed
	return h.plantPeers(placed)
}

// highest returns the highest place below which name can stand as d.ID for p: from p itself
// (from beside p for a peer) upward, as long as nothing is in the way.
func (h *hoister) highest(p *place, name string, d lockfile.Dependency) *place {
	target, from := p, p
	if d.Peer {
		from = p.parent
	}
	for at := from; at != nil && h.canStand(at, name, d.ID); at = at.parent {
		target = at
	}
	return target
}

// canStand says whether name may stand directly below at as id.
func (h *hoister) canStand(at *place, name string, id lockfile.ID) bool {
	if !at.free(name) || at.parent != nil && (h.claims(at, name, id) || at.shadows(name)) {
		return false
	}
	for _, rival := range h.rivals[name] {
		if rival != name && (at.children[rival] != nil || at.parent != nil && at.shadows(rival)) {
			return false
		}
	}
	for peer, d := range h.lock.Packages[id].Dependencies {
		if !d.Peer || !h.wanted[d.ID] {
			continue
		}
		if _, blocked := h.lookup(at, peer, d.ID); blocked {
			return false
		}
	}
	return true
}

// claims says whether the place directly below at is kept for something else: the package at it
// needs another package of that name, or has one in its own files.
func (h *hoister) claims(at *place, name string, id lockfile.ID) bool {
	p := h.lock.Packages[at.id]
	d, own := p.Dependencies[name]
	return own && d.ID != id && h.wanted[d.ID] || slices.Contains(p.Bundled, name)
}

// lookup finds name as Node.js would from p: below p, then below its parents. blocked says that it
// is, or will be, something else than id.
func (h *hoister) lookup(p *place, name string, id lockfile.ID) (found *place, blocked bool) {
	for at := p; at != nil; at = at.parent {
		if c := at.children[name]; c != nil {
			return c, c.id != id
		}
		if at.parent != nil && h.claims(at, name, id) {
			return nil, true
		}
	}
	return nil, false
}

// put places a package below at: as a link where it stands above already.
func (h *hoister) put(at *place, name string, id lockfile.ID) (*place, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if h.count++; h.count > maxPlacements {
		return nil, fmt.Errorf("node_modules would hold more than %d folders: %w", maxPlacements, pantry.ErrPolicy)
	}
	p := at.add(name, id)
	for above := at; above.parent != nil; above = above.parent {
		if above.id == id {
			p.link = above
			return p, nil
		}
	}
	heap.Push(&h.queue, p)
	return p, nil
}

func (h *hoister) placements() []Placement {
	out := make([]Placement, 0, h.count)
	var walk func(*place)
	walk = func(p *place) {
		for _, c := range p.children {
			pl := Placement{Path: c.path, Name: c.name, ID: c.id, Direct: c.direct}
			if c.link != nil {
				pl.Link = c.link.path
			}
			out = append(out, pl)
			walk(c)
		}
	}
	walk(h.root)
	slices.SortFunc(out, func(a, b Placement) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// collated returns a map's names in the order in which npm looks at them.
func collated[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(manifest.CollationKey(a), manifest.CollationKey(b)) })
	return names
}

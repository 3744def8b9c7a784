package link

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/npmtree"
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

// Hoist lays a lockfile's packages out as npm does: everything as high as it can stand, a version
// that is in nobody's way at the top, the others below who needs them. Every package finds the
// dependencies that are locked for it. Packages that differ in their peers alone share one folder where
// they can, as with npm: there a peer is what the surroundings bring, if its version satisfies.
//
// The places are those of all packages of the lockfile: what the options leave out leaves a gap and
// moves nothing. A package that does not run on the platform, and one that cannot do without such a
// package, is left out where it is optional; where it is not, that is an error that matches
// pantry.ErrPolicy. The result depends on the lockfile and the options alone.
func Hoist(l *lockfile.Lock, o HoistOptions) (*Tree, error) {
	if err := checkIDs(l); err != nil {
		return nil, err
	}
	built, known, err := npmtree.BuildLocked(l, func(name string) bool {
		return !installs(l, name, l.Projects["."].Dependencies[name].ID)
	})
	if err != nil {
		return nil, err
	}
	c := newChooser(l, o, known.Only)
	_, skipped, err := c.choose()
	if err != nil {
		return nil, err
	}
	h := &hoisted{lock: l, known: known, chooser: c}
	placements, err := h.placements(built)
	if err != nil {
		return nil, err
	}
	return &Tree{Placements: placements, Skipped: skipped}, nil
}

// hoisted is a tree of all packages, of which some are laid out.
type hoisted struct {
	lock    *lockfile.Lock
	known   *npmtree.Lock
	chooser *chooser
}

func (h *hoisted) placements(t *npmtree.Tree) ([]Placement, error) {
	kept := h.kept(t)
	out := make([]Placement, 0, len(kept))
	var bad error
	t.Walk(func(n *npmtree.Node) {
		direct, ok := kept[n]
		if !ok || bad != nil {
			return
		}
		bad = checkName(n.Name)
		p := Placement{Path: n.Path(), Name: n.Name, ID: h.id(n), Direct: direct}
		if n.Link != nil {
			p.Link = n.Link.Path()
		}
		out = append(out, p)
	})
	slices.SortFunc(out, func(a, b Placement) int { return cmp.Compare(a.Path, b.Path) })
	return out, bad
}

func (h *hoisted) id(n *npmtree.Node) lockfile.ID { return h.known.IDs[n.Package.Index] }

// kept finds the nodes that the project leads to without what is left out, and whether the project
// itself needs them. An optional peer keeps what is there for nothing else.
func (h *hoisted) kept(t *npmtree.Tree) map[*npmtree.Node]bool {
	needed := reach(t, func(e *npmtree.Edge) bool { return !(e.Dep.Peer && e.Dep.Optional) })
	project, omit := h.lock.Projects["."], h.chooser.omit
	kept := reach(t, func(e *npmtree.Edge) bool {
		switch {
		case !h.fit(e.To):
			return false
		case e.From == t.Root:
			return !omit[project.Dependencies[e.Dep.Name].Kind]
		case e.Dep.Peer && e.Dep.Optional:
			_, elsewhere := needed[e.To]
			return !elsewhere && e.Fits() && !omit[lockfile.Peer]
		}
		return !h.chooser.omitted(h.lock.Packages[h.id(e.From)].Dependencies[e.Dep.Name])
	})
	for i := range t.Root.Edges {
		if to := t.Root.Edges[i].To; to != nil && !omit[project.Dependencies[t.Root.Edges[i].Dep.Name].Kind] {
			if _, ok := kept[to]; ok {
				kept[to] = true
			}
		}
	}
	return kept
}

// reach finds the nodes that the project leads to along the edges that follow accepts.
func reach(t *npmtree.Tree, follow func(*npmtree.Edge) bool) map[*npmtree.Node]bool {
	reached := make(map[*npmtree.Node]bool, t.Made())
	todo := []*npmtree.Node{t.Root}
	visit := func(n *npmtree.Node) {
		if _, ok := reached[n]; !ok {
			reached[n] = false
			todo = append(todo, n)
		}
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if n.Link != nil {
			visit(n.Link)
		}
		for i := range n.Edges {
			if e := &n.Edges[i]; e.To != nil && e.To != t.Root && follow(e) {
				visit(e.To)
			}
		}
	}
	return reached
}

func (h *hoisted) fit(n *npmtree.Node) bool {
	_, bad := h.chooser.unfit[h.id(n)]
	return !bad
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

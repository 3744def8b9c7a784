package npmtree_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/npmtree"
	"github.com/pantry-go/pantry/semver"
)

var errGone = errors.New("nobody has it")

// world is Rules with a few packages, written as text: one version per line, the project's as ".",
//
//	name@version dep@range ... ?optional@range ... ^peer@range ... ~optional-peer@range ... %silent@
//
// and !name for a bundled one, depth=N for the least depth. The highest version that satisfies is taken.
type world struct {
	project  *npmtree.Package
	versions map[string][]*npmtree.Package // ascending
	ranges   []string                      // by Dep.Index
	placed   []string
}

func newWorld(t testing.TB, text string) *world {
	t.Helper()
	w := &world{project: &npmtree.Package{}, versions: map[string][]*npmtree.Package{}}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		p := w.project
		if fields[0] != "." {
			p = &npmtree.Package{Registry: "npm"}
			p.Name, p.Version = cut(fields[0])
			w.versions[p.Name] = append(w.versions[p.Name], p)
		}
		for _, f := range fields[1:] {
			w.need(t, p, f)
		}
	}
	for _, list := range w.versions {
		slices.SortFunc(list, func(a, b *npmtree.Package) int {
			va, _ := semver.ParseLoose(a.Version)
			vb, _ := semver.ParseLoose(b.Version)
			return semver.Compare(va, vb)
		})
	}
	return w
}

func (w *world) need(t testing.TB, p *npmtree.Package, f string) {
	t.Helper()
	if n, err := fmt.Sscanf(f, "depth=%d", &p.Depth); n == 1 && err == nil {
		return
	}
	if name, ok := strings.CutPrefix(f, "!"); ok {
		p.Bundled = append(p.Bundled, name)
		return
	}
	kind := f[0]
	name, rng := cut(strings.TrimLeft(f, "?^~%"))
	p.Deps = append(p.Deps, npmtree.Dep{
		Name: name, Index: len(w.ranges), Peer: strings.IndexByte("^~%", kind) >= 0,
		Optional: strings.IndexByte("?~%", kind) >= 0, Silent: kind == '%',
	})
	w.ranges = append(w.ranges, rng)
}

// cut splits name@rest at the first "@" after the first byte; "_" stands for a space.
func cut(s string) (name, rest string) {
	i := strings.IndexByte(s[1:], '@') + 1
	return s[:i], strings.ReplaceAll(s[i+1:], "_", " ")
}

func (w *world) Fits(_ *npmtree.Package, d *npmtree.Dep, p *npmtree.Package) bool {
	return p.Name == d.Name && (w.ranges[d.Index] == "*" || semver.Satisfies(p.Version, w.ranges[d.Index]))
}

func (w *world) Choose(_ *npmtree.Node, from *npmtree.Package, d *npmtree.Dep) (*npmtree.Package, error) {
	for _, p := range slices.Backward(w.versions[d.Name]) {
		if w.Fits(from, d, p) {
			return p, nil
		}
	}
	if d.Optional {
		return nil, nil
	}
	return nil, fmt.Errorf("%s@%s: %w", d.Name, w.ranges[d.Index], errGone)
}

func (w *world) Placed(n *npmtree.Node) { w.placed = append(w.placed, n.Path()) }

// build builds the project's tree.
func (w *world) build(t testing.TB) *npmtree.Tree {
	t.Helper()
	tree, err := npmtree.Build(w.project, w)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// outline writes a tree as lines "path version", without the node_modules in paths.
func outline(t *npmtree.Tree) string {
	var lines []string
	t.Walk(func(n *npmtree.Node) {
		line := strings.TrimPrefix(strings.ReplaceAll("/"+n.Path(), "/node_modules/", " "), " ") + " " + n.Package.Version
		if n.Link != nil {
			line += " -> " + strings.ReplaceAll(n.Link.Path(), "node_modules/", "")
		}
		lines = append(lines, line)
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

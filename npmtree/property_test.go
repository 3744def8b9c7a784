package npmtree_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/npmtree"
)

// drawWorld makes packages with random versions, dependencies and peers. Every range has a version.
func drawWorld(t *rapid.T) string {
	names := []string{"a", "b", "c", "d", "e", "f"}
	versions := []string{"1.0.0", "1.1.0", "2.0.0", "2.1.0"}
	ranges := []string{"*", "^1.0.0", "^2.0.0", "1.0.0", "1.x_||_2.x", ">=1.1.0"}
	kinds := []string{"", "", "", "", "?", "^", "^", "~", "~", "%"}
	needs := func(label string, most int, kinds []string) string {
		text := ""
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, most, rapid.ID[string]).Draw(t, label) {
			text += " " + rapid.SampledFrom(kinds).Draw(t, "kind") + name + "@" + rapid.SampledFrom(ranges).Draw(t, "range")
		}
		return text
	}
	text := "." + needs("project", 4, []string{"", "", "?"}) + "\n"
	for _, name := range names {
		for _, v := range versions {
			text += name + "@" + v + needs(name+v, 3, kinds)
			if rapid.IntRange(0, 19).Draw(t, "bundles") == 0 {
				text += " !" + rapid.SampledFrom(names).Draw(t, "bundled")
			}
			text += "\n"
		}
	}
	return text
}

// checkMet checks that every dependency that is no peer is met, by what Node.js finds.
func checkMet(t interface{ Errorf(string, ...any) }, tree *npmtree.Tree) {
	at := map[string]*npmtree.Node{}
	tree.Walk(func(n *npmtree.Node) { at[n.Path()] = n })
	seen := map[*npmtree.Node]bool{tree.Root: true}
	todo := []*npmtree.Node{tree.Root}
	for len(todo) > 0 { // what nothing leads to does not count
		n := todo[0]
		todo = todo[1:]
		for i := range n.Edges {
			e := &n.Edges[i]
			bundled := slices.Contains(n.Package.Bundled, e.Dep.Name) && n != tree.Root
			if !e.Dep.Peer && !bundled && (e.To == nil && !e.Dep.Optional || e.To != nil && !e.Fits()) {
				t.Errorf("%s needs %s, and gets %v", n.Path(), e.Dep.Name, e.To)
			}
			if e.To == nil {
				continue
			}
			if found := lookup(at, n.Path(), e.Dep.Name); found != e.To {
				t.Errorf("%s: %s is said to be %s, and is %v", n.Path(), e.Dep.Name, e.To.Path(), found)
			}
			if !seen[e.To] {
				seen[e.To] = true
				todo = append(todo, e.To)
			}
		}
	}
}

func lookup(at map[string]*npmtree.Node, path, name string) *npmtree.Node {
	for n := at[path]; n != nil; n = n.Parent {
		if n.Parent == nil {
			break
		}
		if found := at[n.Path()+"/node_modules/"+name]; found != nil {
			return found
		}
		if slices.Contains(n.Package.Bundled, name) {
			return nil
		}
	}
	return at["node_modules/"+name]
}

// TestProperties: whatever the packages are, building ends, every dependency is met, edges lead where
// Node.js looks, and two trees of the same packages are the same.
func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawWorld(t)
		var trees [2]string
		for i := range trees {
			w := &quiet{t: t}
			w.world = newWorld(w, text)
			tree, err := npmtree.Build(w.project, w)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			checkMet(t, tree)
			trees[i] = outline(tree)
		}
		if trees[0] != trees[1] {
			t.Fatalf("two trees:\n%s\n\n%s", trees[0], trees[1])
		}
	})
}

// quiet lets a rapid.T stand for a testing.TB.
type quiet struct {
	testing.TB
	*world
	t *rapid.T
}

func (q *quiet) Helper() {}

func (q *quiet) Fatal(args ...any) { q.t.Fatal(fmt.Sprint(args...)) }

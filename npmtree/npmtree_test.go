package npmtree_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/npmtree"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ world, want string }{
		"nothing": {".", ""},
		"what is visible will do": {`
			. a@1.0.0 c@1.0.0
			a@1.0.0 c@^1.0.0
			c@1.0.0
			c@1.5.0`, `
			a 1.0.0
			c 1.0.0`},
		"what is visible in between will do too": {`
			. a@1.0.0 c@2.0.0
			a@1.0.0 b@1.0.0 c@1.0.0
			b@1.0.0 d@1.0.0 e@1.0.0
			d@1.0.0 c@>=1.0.0
			e@1.0.0 c@^1.0.0
			c@1.0.0
			c@1.1.0
			c@2.0.0`, `
			a 1.0.0
			a c 1.0.0
			b 1.0.0
			c 2.0.0
			d 1.0.0
			e 1.0.0
			e c 1.1.0`},
		"a newer version takes the top where all can do with it": {`
			. a@1.0.0 b@1.0.0 z@1.0.0
			a@1.0.0 c@1.0.0_-_1.1.0
			b@1.0.0 c@^1.0.0
			z@1.0.0 c@1.0.0
			c@1.0.0
			c@1.1.0
			c@1.2.0`, `
			a 1.0.0
			b 1.0.0
			c 1.1.0
			z 1.0.0
			z c 1.0.0`},
		"an older one does not, nor one that somebody cannot use": {`
			. a@1.0.0 b@1.0.0
			a@1.0.0 c@1.1.0
			b@1.0.0 c@1.2.0
			c@1.1.0
			c@1.2.0`, `
			a 1.0.0
			b 1.0.0
			b c 1.2.0
			c 1.1.0`},
		"what was replaced takes along what it alone needed": {`
			. a@1.0.0 b@1.0.0
			a@1.0.0 c@1.0.0_||_>1.1.0
			b@1.0.0 c@>=1.0.0
			c@1.0.0 old@1.0.0
			c@1.2.0
			old@1.0.0`, `
			a 1.0.0
			b 1.0.0
			c 1.2.0`},
		"a peer that nobody brings": {`
			. ui@1.0.0
			ui@1.0.0 ^react@^18.0.0
			react@18.0.0
			react@19.0.0`, `
			react 18.0.0
			ui 1.0.0`},
		"peers that agree": {`
			. a@1.0.0 b@1.0.0
			a@1.0.0 ^react@>=17.0.0
			b@1.0.0 ^react@^18.0.0
			react@17.0.0
			react@18.0.0
			react@19.0.0`, `
			a 1.0.0
			b 1.0.0
			react 18.0.0`},
		"a peer that the project has otherwise is nested with who needs it": {`
			. a@1.0.0 react@19.0.0
			a@1.0.0 ui@1.0.0
			ui@1.0.0 ^react@18.0.0
			react@18.0.0
			react@19.0.0`, `
			a 1.0.0
			a react 18.0.0
			a ui 1.0.0
			react 19.0.0`},
		"a peer goes before what others need": {`
			. a@1.0.0 z@1.0.0
			a@1.0.0 p@1.0.0
			z@1.0.0 ^p@2.0.0
			p@1.0.0
			p@2.0.0`, `
			a 1.0.0
			a p 1.0.0
			p 2.0.0
			z 1.0.0`},
		"peers that cannot be met are left as they are": {`
			. a@1.0.0 react@19.0.0
			a@1.0.0 ^react@18.0.0
			react@18.0.0
			react@19.0.0`, `
			a 1.0.0
			react 19.0.0`},
		"what is chosen for one dependency serves the next": {`
			. ui@1.0.0 react@*
			ui@1.0.0 ^react@^18.0.0
			react@18.0.0
			react@19.0.0`, `
			react 18.0.0
			ui 1.0.0`},
		"an optional peer is not installed": {`
			. a@1.0.0
			a@1.0.0 ~ts@*
			ts@1.0.0`, `
			a 1.0.0`},
		"but keeps a package from the top where it could not stand": {`
			. a@1.0.0 react@18.0.0
			a@1.0.0 b@1.0.0
			b@1.0.0 ~native@*
			native@1.0.0 ^react@19.0.0
			react@18.0.0
			react@19.0.0`, `
			a 1.0.0
			a b 1.0.0
			react 18.0.0`},
		"and gets its own where what is there does not satisfy it": {`
			. v@1.0.0
			v@1.0.0 x@1.0.0 ~yaml@^2.0.0
			x@1.0.0 yaml@^1.0.0
			yaml@1.0.0
			yaml@2.0.0`, `
			v 1.0.0
			x 1.0.0
			x yaml 1.0.0
			yaml 2.0.0`},
		"a silent peer is in nobody's way": {`
			. v@1.0.0
			v@1.0.0 x@1.0.0 %yaml@^2.0.0
			x@1.0.0 yaml@^1.0.0
			yaml@1.0.0
			yaml@2.0.0`, `
			v 1.0.0
			x 1.0.0
			yaml 1.0.0`},
		"not over the files of a package": {`
			. a@1.0.0
			a@1.0.0 !c b@1.0.0 d@1.0.0
			b@1.0.0 c@1.0.0
			d@1.0.0 c@2.0.0
			c@1.0.0
			c@2.0.0`, `
			a 1.0.0
			b 1.0.0
			c 1.0.0
			d 1.0.0
			d c 2.0.0`},
		"capitals are not told apart": {`
			. a@1.0.0
			a@1.0.0 JSONStream@1.0.0 b@1.0.0
			b@1.0.0 jsonstream@1.0.0
			JSONStream@1.0.0
			jsonstream@1.0.0`, `
			JSONStream 1.0.0
			a 1.0.0
			b 1.0.0
			b jsonstream 1.0.0`},
		"unless there is no other way": {`
			. JSONStream@1.0.0 jsonstream@1.0.0
			JSONStream@1.0.0
			jsonstream@1.0.0`, `
			JSONStream 1.0.0
			jsonstream 1.0.0`},
		"versions in a circle": {`
			. a@1.0.0
			a@1.0.0 b@1.0.0
			b@1.0.0 a@2.0.0
			a@2.0.0 b@2.0.0
			b@2.0.0 a@1.0.0`, `
			a 1.0.0
			b 1.0.0
			b a 2.0.0
			b b 2.0.0
			b b a 1.0.0
			b b b 1.0.0 -> b`},
		"as deep as it has to be": {`
			. a@1.0.0
			a@1.0.0 b@1.0.0 c@1.0.0
			b@1.0.0 depth=2
			c@1.0.0 b@1.0.0`, `
			a 1.0.0
			a b 1.0.0
			c 1.0.0
			c b 1.0.0`},
		"the project's own stands at the top however deep it should be": {`
			. b@1.0.0
			b@1.0.0 depth=3`, `
			b 1.0.0`},
		"what hides the right version is replaced": {`
			. b@1.0.0 e@1.0.0
			b@1.0.0
			b@2.1.0
			a@1.1.0 b@^2.0.0 e@>=1.1.0
			a@2.1.0 c@^2.0.0 e@^1.0.0 b@1.0.0
			c@2.1.0 e@^1.0.0
			e@1.0.0 a@^2.0.0 b@1.0.0
			e@1.1.0 b@*`, `
			a 2.1.0
			b 1.0.0
			c 2.1.0
			e 1.0.0`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := outline(newWorld(t, tt.world).build(t))
			if d := cmp.Diff(strings.TrimSpace(strings.ReplaceAll(tt.want, "\t", "")), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Peers that displace each other, and packages that are superfluous because of what only they need, end:
// npm tries for ever.
func TestBuildEnds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ world, want string }{
		"peers of two that need each other": {`
			. b@^2.0.0 f@^1.0.0
			a@1.0.0 b@1.0.0
			a@2.1.0
			b@1.0.0
			b@2.0.0 e@^2.0.0
			c@1.0.0
			c@1.1.0 b@>=1.0.0 d@>=1.0.0 ~a@^1.0.0
			d@1.0.0 a@1.0.0 c@1.0.0
			e@2.1.0 c@^1.0.0 ~a@^2.0.0
			f@1.1.0`, "b 2.0.0"},
		"a package that the one above it would replace": {`
			. e@1.1.0
			e@1.1.0 a@1.0.0_||_^2.0.0 x@1.0.0
			x@1.0.0 f@1.0.0
			f@1.0.0 d@2.0.0
			d@2.0.0 a@^2.0.0
			a@1.0.0 f@1.0.0
			a@2.1.0`, "a 2.1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.world)
			tree := w.build(t)
			if got := outline(tree); !strings.Contains("\n"+got+"\n", "\n"+tt.want+"\n") {
				t.Errorf("got\n%s", got)
			}
			checkMet(t, tree)
		})
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, err := npmtree.Build(newWorld(t, ". a@1.0.0\na@1.0.0 gone@1.0.0").project, newWorld(t, ". a@1.0.0\na@1.0.0 gone@1.0.0"))
	if !errors.Is(err, errGone) {
		t.Errorf("got %v", err)
	}
	w := newWorld(t, ". a@1.0.0\na@1.0.0 ^gone@1.0.0")
	if _, err := npmtree.Build(w.project, w); !errors.Is(err, errGone) {
		t.Errorf("a peer: got %v", err)
	}
	// what only an optional peer would need is not missed
	w = newWorld(t, ". a@1.0.0\na@1.0.0 ~b@1.0.0\nb@1.0.0 ^gone@1.0.0")
	if _, err := npmtree.Build(w.project, w); err != nil {
		t.Errorf("an optional peer's peer: %v", err)
	}
	// packages that need each other in ever other versions have no end
	var many strings.Builder
	many.WriteString(". p0@1.0.0\n")
	const names, versions = 12, 4
	for i := range names {
		for v := range versions {
			fmt.Fprintf(&many, "p%d@%d.0.0", i, v+1)
			for k := range names {
				fmt.Fprintf(&many, " p%d@%d.0.0", k, (i*7+v*5+k*3+i*k)%versions+1)
			}
			many.WriteString("\n")
		}
	}
	w = newWorld(t, many.String())
	if _, err := npmtree.Build(w.project, w); !errors.Is(err, pantry.ErrPolicy) {
		t.Errorf("without end: %v", err)
	}
}

// The project is node 0, and nodes know who brought them.
func TestNodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, ". a@1.0.0\na@1.0.0 b@1.0.0 ?gone@1.0.0 ^c@1.0.0\nb@1.0.0\nc@1.0.0\nc@2.0.0")
	tree := w.build(t)
	if tree.Root.Index != 0 || tree.Root.Path() != "" || tree.Root.Depth() != 0 {
		t.Errorf("root is %d at %q", tree.Root.Index, tree.Root.Path())
	}
	a := tree.Root.Edges[0].To
	if a.By != tree.Root || a.Depth() != 1 || a.Package.Semver().Major != 1 {
		t.Errorf("a is brought by %v", a.By)
	}
	for _, e := range a.Edges {
		switch e.Dep.Name {
		case "gone":
			if e.To != nil || !e.Fits() {
				t.Error("there is something for gone")
			}
		default:
			if e.To == nil || e.To.By != a || !e.Fits() || e.Conflict || e.To.Index >= tree.Made() {
				t.Errorf("%s leads to %v", e.Dep.Name, e.To)
			}
		}
	}
	if got := strings.Join(w.placed, " "); got != "node_modules/a node_modules/c node_modules/b" {
		t.Errorf("placed %s", got)
	}
}

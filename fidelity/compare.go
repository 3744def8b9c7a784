package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// difference is a path at which the trees differ; "" stands for nothing there.
type difference struct{ path, npm, pantry string }

func (d difference) String() string {
	return fmt.Sprintf("%s: npm %s, Pantry %s", d.path, cmp.Or(d.npm, "nothing"), cmp.Or(d.pantry, "nothing"))
}

// compareTrees lists the paths at which two trees differ, in order.
func compareTrees(npm, pantry tree) []difference {
	var out []difference
	for path, p := range npm {
		if q := pantry[path]; q.pkg != p.pkg || q.link != p.link {
			out = append(out, difference{path, p.pkg, q.pkg})
		}
	}
	for path, q := range pantry {
		if _, ok := npm[path]; !ok {
			out = append(out, difference{path, "", q.pkg})
		}
	}
	slices.SortFunc(out, func(a, b difference) int { return cmp.Compare(a.path, b.path) })
	return out
}

// reason is why Pantry gives a package another dependency than npm's tree.
type reason int

const (
	unexplained reason = iota
	perContext
	onlyNamed
)

// binding is a dependency that a package of Pantry's graph gets and that npm's tree gives to none of its
// copies, or the other way round.
type binding struct {
	pkg, name   string
	npm, pantry []string // what either gives
	why         reason
}

func (b binding) String() string {
	list := func(pkgs []string) string { return cmp.Or(strings.Join(pkgs, ", "), "nothing") }
	return fmt.Sprintf("%s: %s is %s with npm, %s with Pantry", b.pkg, b.name, list(b.npm), list(b.pantry))
}

// compareGraphs lists the dependencies that differ, of packages that are in both graphs.
func compareGraphs(npm, pantry graph, kinds kinds) []binding {
	var out []binding
	for _, pkg := range slices.Sorted(maps.Keys(npm)) {
		if pantry[pkg] == nil {
			continue
		}
		names := map[string]bool{}
		for _, deps := range []graph{npm, pantry} {
			for name := range deps[pkg] {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			a, b := npm[pkg][name], pantry[pkg][name]
			if maps.Equal(a, b) {
				continue
			}
			out = append(out, binding{
				pkg: pkg, name: name, why: explain(kinds, pkg, name, a, b),
				npm: slices.Sorted(maps.Keys(a)), pantry: slices.Sorted(maps.Keys(b)),
			})
		}
	}
	return out
}

// explain finds the reason of a difference: only peers have one.
func explain(kinds kinds, pkg, name string, npm, pantry map[string]bool) reason {
	d := kinds[[2]string{pkg, name}]
	switch {
	case !d.Peer:
		return unexplained
	case d.Optional && d.Spec == "":
		return onlyNamed
	case len(npm) > 0 && len(pantry) > 0:
		return perContext
	}
	return unexplained
}

// without lists what a has and b has not.
func without(a, b graph) []string {
	var out []string
	for pkg := range a {
		if b[pkg] == nil {
			out = append(out, pkg)
		}
	}
	slices.Sort(out)
	return out
}

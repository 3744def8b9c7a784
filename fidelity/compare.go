package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// difference is a path at which the trees differ; "" stands for nothing there.
type difference struct{ path, npm, pantry string }

func (d difference) String() string {
	return fmt.Sprintf("%s: npm %s, pantry %s", d.path, cmp.Or(d.npm, "-"), cmp.Or(d.pantry, "-"))
}

// compareTrees lists the paths at which two trees differ, in order.
func compareTrees(npm, pantry tree) []difference {
	var out []difference
	for path, p := range npm {
		if q := pantry[path]; q.pkg != p.pkg {
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

// dependentDifference is a package that sees other dependencies with Pantry than with npm.
type dependentDifference struct {
	pkg         string
	npm, pantry []string // what only one of them gives it, as "name=package"
}

func (d dependentDifference) String() string {
	return fmt.Sprintf("%s: npm %v, pantry %v", d.pkg, d.npm, d.pantry)
}

// compareGraphs lists the packages of which no copy of npm's sees what a package of Pantry's graph
// sees, or the other way round: edges are compared, each for itself.
func compareGraphs(npm, pantry graph) []dependentDifference {
	var out []dependentDifference
	for _, pkg := range slices.Sorted(maps.Keys(npm)) {
		if pantry[pkg] == nil {
			continue
		}
		a, b := edges(npm[pkg]), edges(pantry[pkg])
		d := dependentDifference{pkg, without(a, b), without(b, a)}
		if len(d.npm)+len(d.pantry) > 0 {
			out = append(out, d)
		}
	}
	return out
}

func edges(variants map[string]map[string]string) map[string]bool {
	out := map[string]bool{}
	for _, deps := range variants {
		for name, to := range deps {
			out[name+"="+to] = true
		}
	}
	return out
}

// without lists what a has and b has not.
func without(a, b map[string]bool) []string {
	var out []string
	for x := range a {
		if !b[x] {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out
}

package tree

import (
	"path/filepath"
	"slices"
	"strings"
)

// Tree is what a project can load.
type Tree struct {
	// Packages says which packages there are, one line each, sorted. Hoisted: "path name@version", the path from
	// the project's folder. Otherwise "name@version: " and what it loads, since paths mean nothing there.
	Packages []string
	// Versions is each name@version once, sorted.
	Versions []string
	Files    int   // in all packages
	Bytes    int64 // in all files
}

// tree sums up what was reached.
func (in *inspector) tree() *Tree {
	t := &Tree{}
	for dir, p := range in.reached {
		t.Versions = append(t.Versions, p.String())
		if in.Layout == Hoisted {
			rel, err := filepath.Rel(in.project, dir)
			if err != nil {
				rel = dir
			}
			t.Packages = append(t.Packages, filepath.ToSlash(rel)+" "+p.String())
			continue
		}
		slices.Sort(p.resolved)
		t.Packages = append(t.Packages, p.String()+": "+strings.Join(p.resolved, " "))
	}
	slices.Sort(t.Packages)
	slices.Sort(t.Versions)
	t.Versions = slices.Compact(t.Versions)
	return t
}

// Diff lists what sorted list got lacks of want ("- line") and has more ("+ line").
func Diff(want, got []string) []string {
	var out []string
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(got) == 0 || len(want) > 0 && want[0] < got[0]:
			out = append(out, "- "+want[0])
			want = want[1:]
		case len(want) == 0 || got[0] < want[0]:
			out = append(out, "+ "+got[0])
			got = got[1:]
		default:
			want, got = want[1:], got[1:]
		}
	}
	return out
}

package lockfile

import (
	"cmp"
	"slices"
)

// Dependent is what requires a package: a project, or another package.
type Dependent struct {
	Project string // folder of the project; "" when a package requires it
	ID      ID     // the package; "" when a project requires it
	Name    string // the name it is required under
	Spec    string // what was wished
	Kind    Kind   // of a project's wish; for a package Prod, Optional or Peer
}

// Dependents lists what requires id directly: projects by folder, then packages by ID, each in the
// order of the names they use.
func (l *Lock) Dependents(id ID) []Dependent {
	var out []Dependent
	for dir, p := range l.Projects {
		for name, w := range p.Dependencies {
			if w.ID == id {
				out = append(out, Dependent{Project: dir, Name: name, Spec: w.Spec, Kind: w.Kind})
			}
		}
	}
	for from, p := range l.Packages {
		for name, d := range p.Dependencies {
			if d.ID == id {
				out = append(out, Dependent{ID: from, Name: name, Spec: d.Spec, Kind: d.kind()})
			}
		}
	}
	slices.SortFunc(out, func(a, b Dependent) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Project, b.Project), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (d Dependency) kind() Kind {
	switch {
	case d.Peer:
		return Peer
	case d.Optional:
		return Optional
	}
	return Prod
}

// Roots lists the packages that projects wish for, of the given kinds or, without any, of all:
// sorted, each once.
func (l *Lock) Roots(kinds ...Kind) []ID {
	var out []ID
	for _, p := range l.Projects {
		for _, w := range p.Dependencies {
			if w.ID != "" && (len(kinds) == 0 || slices.Contains(kinds, w.Kind)) {
				out = append(out, w.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Reachable returns the packages that from leads to, from itself included, along the edges that
// follow accepts; nil accepts all.
func (l *Lock) Reachable(from []ID, follow func(ID, Dependency) bool) map[ID]bool {
	seen := make(map[ID]bool, len(from))
	todo := slices.Clone(from)
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		p := l.Packages[id]
		if p == nil || seen[id] {
			continue
		}
		seen[id] = true
		for _, d := range p.Dependencies {
			if !seen[d.ID] && (follow == nil || follow(id, d)) {
				todo = append(todo, d.ID)
			}
		}
	}
	return seen
}

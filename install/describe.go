package install

import (
	"cmp"
	"slices"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

// describe fills the report. A package that is there several times, with other peers, is one.
func (r *run) describe(l *lockfile.Lock, plan *plan, tools []fetchedTool) {
	now := installed(l, plan)
	for _, tool := range tools {
		now[keyOf(tool.pkg)] = tool.pkg
	}
	r.report.Packages, r.report.Skipped = len(now), len(plan.skipped)
	was, locked := map[versionKey]*lockfile.Package{}, versions(l)
	if r.old != nil {
		was = versions(r.old)
	}
	for key, p := range now {
		if was[key] == nil {
			r.report.Added = append(r.report.Added, change(p))
		}
		r.count(p)
	}
	for key, p := range was {
		if locked[key] == nil {
			r.report.Removed = append(r.report.Removed, change(p))
		}
	}
	r.describeDirect(l)
	r.sortReport()
}

// count adds a package that is laid out to the report.
func (r *run) count(p *lockfile.Package) {
	if p.HasInstallScript {
		r.report.Scripts = append(r.report.Scripts, change(p))
	}
	share := r.report.Registries[p.Registry]
	share.Packages++
	if res, ok := r.fetches.done(p); ok && !res.FromStore {
		share.Downloaded++
		share.Bytes += res.Bytes
	}
	r.report.Registries[p.Registry] = share
}

func (r *run) sortReport() {
	for _, list := range [][]Change{r.report.Added, r.report.Removed, r.report.Scripts, r.report.Direct} {
		slices.SortFunc(list, func(a, b Change) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Registry, b.Registry))
		})
	}
}

// describeDirect tells which of the project's own dependencies are new or have another version.
func (r *run) describeDirect(l *lockfile.Lock) {
	var had map[string]lockfile.Wish
	if r.old != nil && r.old.Projects["."] != nil {
		had = r.old.Projects["."].Dependencies
	}
	for name, w := range l.Projects["."].Dependencies {
		p := l.Packages[w.ID]
		if p == nil || had[name].ID == w.ID && had[name].Spec == w.Spec {
			continue
		}
		c := change(p)
		c.Name, c.Spec = name, w.Spec
		if before := r.old; before != nil && before.Packages[had[name].ID] != nil && had[name].ID != w.ID {
			c.Was = before.Packages[had[name].ID].Version
		}
		r.report.Direct = append(r.report.Direct, c)
	}
}

// installed returns the packages that are laid out.
func installed(l *lockfile.Lock, plan *plan) map[versionKey]*lockfile.Package {
	out := make(map[versionKey]*lockfile.Package, len(l.Packages))
	for id := range plan.packages() {
		p := l.Packages[id]
		out[keyOf(p)] = p
	}
	return out
}

// versions returns the packages of a lockfile.
func versions(l *lockfile.Lock) map[versionKey]*lockfile.Package {
	out := make(map[versionKey]*lockfile.Package, len(l.Packages))
	for _, p := range l.Packages {
		out[keyOf(p)] = p
	}
	return out
}

func change(p *lockfile.Package) Change {
	return Change{Name: p.Name, Version: p.Version, Registry: p.Registry}
}

// warnDecision passes on what the registries warned of.
func (r *run) warnDecision(d registry.Decision) {
	if d.Stale != "" {
		r.warn("registry", "", d.Stale) // once for all packages
	}
	for _, w := range d.Warnings {
		r.warn("registry", d.Name, w)
	}
}

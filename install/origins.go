package install

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

// Approval is an origin that was approved.
type Approval struct {
	Name string `json:"name"`
	// Was and Registry are the registry before and now. They are the same where there was nothing to
	// approve, or where an origin was confirmed.
	Was      string `json:"was"`
	Registry string `json:"registry"`
	Version  string `json:"version"`
	// Confirmed says that the origin was in doubt: the lockfile says no more that another registry was
	// unavailable when it was chosen.
	Confirmed bool `json:"confirmed"`
}

// Approve accepts that packages of the lockfile come from another registry from now on: the one that
// answers for them. Of a package whose origin nobody has confirmed the one that is locked is accepted, and
// no registry is asked. Only the lockfile is changed.
func Approve(ctx context.Context, o Options, names []string) ([]Approval, error) {
	o.LockOnly, o.Frozen, o.FrozenIfLocked = true, false, false
	var out []Approval
	_, err := start(ctx, o, func(r *run) error {
		var err error
		out, err = r.approve(ctx, names)
		return err
	})
	if err != nil {
		return nil, err
	}
	l, err := lockfile.Read(filepath.Join(o.Dir, lockfile.Name))
	if err != nil {
		return nil, err
	}
	for i := range out {
		for _, p := range originsOf(l, out[i].Name) {
			out[i].Registry, out[i].Version = p.Registry, p.Version
			if p.Registry != out[i].Was {
				break
			}
		}
	}
	return out, nil
}

// originsOf are the packages of a name, in the order of their registries and versions.
func originsOf(l *lockfile.Lock, name string) []*lockfile.Package {
	var out []*lockfile.Package
	if l != nil {
		for _, p := range l.Packages {
			if p.Name == name && p.Tool == nil {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b *lockfile.Package) int {
		return cmp.Or(cmp.Compare(a.Registry, b.Registry), cmp.Compare(a.Version, b.Version))
	})
	return out
}

// approve confirms what is in doubt, and has the other packages asked for again.
func (r *run) approve(ctx context.Context, names []string) ([]Approval, error) {
	r.approved = map[string]bool{}
	var out []Approval
	for _, name := range names {
		packages := originsOf(r.old, name)
		if len(packages) == 0 {
			err := fmt.Errorf("%s is not in %s: %w", name, lockfile.Name, pantry.ErrNotFound)
			return nil, pantry.WithHint(err, "pantry origins list shows what is")
		}
		a := Approval{Name: name, Was: packages[0].Registry}
		for _, p := range packages {
			if p.Unconfirmed != "" {
				p.Unconfirmed, a.Confirmed = "", true
				r.pinned = true // the lockfile is to be written
			}
		}
		if !a.Confirmed {
			changes, err := r.originChanges(ctx, name, packages)
			if err != nil {
				return nil, err
			}
			if changes {
				r.approved[name], r.refresh[name] = true, true
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// originChanges says whether another registry than those of the locked packages answers for a name.
func (r *run) originChanges(ctx context.Context, name string, locked []*lockfile.Package) (bool, error) {
	_, d, err := r.Registries.Find(ctx, registry.Request{Name: name, Registry: r.Registry, NPMStyle: true})
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(locked, func(p *lockfile.Package) bool { return p.Registry == d.Registry }), nil
}

// urlOf is a registry's URL as messages show it; "" where none has the name.
func (r *run) urlOf(name string) string {
	e, ok := r.Registries.Get(name)
	if !ok || e.Err() != nil { // it is opened, so that variables in its URL are expanded
		return ""
	}
	return e.URL()
}

// lookBack returns what looks at every answer of a registry, and warns where it lacks a version that was
// locked from the same registry: it has taken that back, or shows an old state of things.
func (r *run) lookBack() func(name, registry string, p pantry.Package) {
	type key struct{ name, registry string }
	locked := sync.OnceValue(func() map[key][]string { // often nobody is asked
		all := map[key][]string{}
		if r.old != nil {
			for _, p := range r.old.Packages {
				if p.Tool == nil {
					k := key{p.Name, p.Registry}
					all[k] = append(all[k], p.Version)
				}
			}
		}
		return all
	})
	return func(name, reg string, p pantry.Package) {
		for _, version := range locked()[key{name, reg}] {
			if !slices.Contains(p.Versions(), version) {
				r.warn("registry", name, fmt.Sprintf("registry %s does not have %s@%s any more, which is locked from it", reg, name, version))
			}
		}
	}
}

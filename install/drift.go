package install

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
)

// drift tells in which ways a lockfile is not what the manifest says. A nil lockfile is that of a
// project without dependencies.
func drift(m *manifest.Manifest, l *lockfile.Lock) []string {
	wishes := resolve.Wishes(m)
	locked := map[string]lockfile.Wish{}
	var overrides map[string]string
	if l != nil {
		overrides = l.Overrides
		if p := l.Projects["."]; p != nil {
			locked = p.Dependencies
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(wishes)) {
		w, l := wishes[name], locked[name]
		switch {
		case l.Spec == "" && l.Kind == "":
			out = append(out, fmt.Sprintf("%s@%s is not in %s", name, w.Spec, lockfile.Name))
		case l.Spec != w.Spec:
			out = append(out, fmt.Sprintf("%s is %q in %s and %q in the manifest", name, l.Spec, lockfile.Name, w.Spec))
		case l.Kind != w.Kind:
			out = append(out, fmt.Sprintf("%s is a %s dependency in %s and a %s dependency in the manifest", name, l.Kind, lockfile.Name, w.Kind))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(locked)) {
		if _, ok := wishes[name]; !ok {
			out = append(out, fmt.Sprintf("%s is in %s and not in the manifest", name, lockfile.Name))
		}
	}
	if !maps.Equal(m.Overrides.Strings(), overrides) {
		out = append(out, "the overrides have changed")
	}
	return out
}

// checkFrozen says why a lockfile may not be installed as it is.
func (r *run) checkFrozen(drift []string) error {
	hint := "run pantry install without --frozen-lockfile and commit " + lockfile.Name
	switch {
	case r.old == nil && len(resolve.Wishes(r.project.Manifest())) > 0:
		err := fmt.Errorf("there is no %s, and --frozen-lockfile installs only what is locked: %w", lockfile.Name, pantry.ErrPolicy)
		return pantry.WithHint(err, "%s", hint)
	case r.edited:
		return fmt.Errorf("--frozen-lockfile does not go with a change of dependencies: %w", pantry.ErrConfig)
	case len(drift) > 0:
		err := fmt.Errorf("%s does not fit the manifest: %s: %w", lockfile.Name, strings.Join(drift, "; "), pantry.ErrPolicy)
		return pantry.WithHint(err, "%s", hint)
	}
	if ids := unconfirmed(r.old); len(ids) > 0 {
		p := r.old.Packages[ids[0]]
		err := fmt.Errorf("%s@%s was taken from registry %q while %q was unavailable, and nobody has confirmed that (%d such packages): %w",
			p.Name, p.Version, p.Registry, p.Unconfirmed, len(ids), pantry.ErrPolicy)
		return pantry.WithHint(err, "run pantry install while %q is there, or accept it with pantry origins approve %s", p.Unconfirmed, p.Name)
	}
	return nil
}

// unconfirmed lists the packages whose origin is not confirmed.
func unconfirmed(l *lockfile.Lock) []lockfile.ID {
	if l == nil {
		return nil
	}
	var ids []lockfile.ID
	for id, p := range l.Packages {
		if p.Unconfirmed != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

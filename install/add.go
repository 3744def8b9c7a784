package install

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/semver"
)

// addition is a wish that is being added: its final text is known once it is resolved.
type addition struct {
	spec manifest.Spec
	kind lockfile.Kind
	pin  bool // written as the caret range, or the exact version, of what was chosen
	Addition
}

// add puts specs into the manifest, as they will be resolved.
func (r *run) add(specs []manifest.Spec, a Addition) error {
	for _, spec := range specs {
		if !spec.FromRegistry() {
			err := fmt.Errorf("%s: tarballs and folders can't be installed in this version: %w", spec.Raw, pantry.ErrUnsupported)
			return pantry.WithHint(err, "publish it to a registry of your own and install it from there")
		}
		kind := a.Kind
		if kind == "" {
			kind = r.kindOf(spec.Name)
		}
		add := addition{spec: spec, kind: kind, Addition: a}
		if spec.Range == "" {
			spec.Range = "*"
		}
		add.pin = spec.Range == "*" || !isRange(spec.Range)
		r.refresh[spec.Package] = true
		if err := r.project.Set(kind, spec.Name, spec.Value()); err != nil {
			return err
		}
		r.adding = append(r.adding, add)
		r.edited = true
	}
	return nil
}

// isRange says that a wish is neither a version nor a tag.
func isRange(wanted string) bool {
	if _, err := semver.ParseLoose(wanted); err == nil {
		return false
	}
	_, err := semver.ParseRange(wanted)
	return err == nil
}

// kindOf returns where the manifest has name already; else it is an ordinary dependency.
func (r *run) kindOf(name string) lockfile.Kind {
	m := r.project.Manifest()
	if _, ok := m.DevDependencies[name]; ok {
		return lockfile.Dev
	}
	if _, ok := m.OptionalDependencies[name]; ok {
		return lockfile.Optional
	}
	return lockfile.Prod
}

func (r *run) remove(names []string) error {
	var missing []string
	for _, name := range names {
		if !r.project.Remove(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("%s: no dependency %s: %w", r.project.Manifest().File, strings.Join(missing, ", "), pantry.ErrConfig)
	}
	r.edited = len(names) > 0
	return nil
}

// settleAdditions gives what was added its final text, in the manifest and in the lockfile.
func (r *run) settleAdditions(l *lockfile.Lock) error {
	for _, a := range r.adding {
		w := l.Projects["."].Dependencies[a.spec.Name]
		if !a.pin || w.ID == "" {
			continue
		}
		spec := a.spec
		spec.Range = "^" + l.Packages[w.ID].Version
		if a.Exact {
			spec.Range = l.Packages[w.ID].Version
		}
		w.Spec = spec.Value()
		l.Projects["."].Dependencies[a.spec.Name] = w
		if err := r.project.Set(a.kind, a.spec.Name, w.Spec); err != nil {
			return err
		}
	}
	return nil
}

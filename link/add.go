package link

import (
	"context"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// Adding packages to a node_modules that is as its lockfile says costs as much as the packages that are
// added: the record of what is there says where they can stand, and what is there is not looked at.

// AddHoisted puts the packages of a part of a lockfile into a hoisted node_modules: those of o.Lock, which
// has the wishes that are new, that the node_modules has not. o.Tree is not needed. What was laid
// out before stays as it is; the caller knows that all of it is in place.
//
// The error matches [ErrNoLayout], and nothing was changed, where it is not certain that the outcome
// is that of [Apply] with the whole lockfile: then that is to be done.
func AddHoisted(ctx context.Context, o ApplyOptions, platform lockfile.Platform) (Report, *Tree, error) {
	root := filepath.Join(o.Dir, modules)
	previous, err := readLayout(root)
	if err != nil {
		return Report{}, nil, err
	}
	wanted, skipped, err := choose(o.Lock, HoistOptions{Platform: platform})
	if err != nil {
		return Report{}, nil, err
	}
	if len(skipped) > 0 {
		return Report{}, nil, ErrNoLayout
	}
	s := &seating{lock: o.Lock, wanted: wanted, previous: previous, tree: &Tree{}, taken: map[string]lockfile.ID{}}
	if err := s.seat(); err != nil {
		return Report{}, nil, err
	}
	if o.Workers <= 0 {
		o.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	o.Tree = s.tree
	a := &applier{ApplyOptions: o, root: root, nested: nestedNames(o.Tree)}
	if err := a.addTo(ctx, previous); err != nil {
		return Report{}, nil, err
	}
	a.report.Files = a.files.Load()
	return a.report, o.Tree, nil
}

// seating finds places for packages beside those that have theirs.
type seating struct {
	lock     *lockfile.Lock
	wanted   map[lockfile.ID]bool
	previous *layout
	tree     *Tree
	taken    map[string]lockfile.ID // places of new packages
}

func (s *seating) seat() error {
	deps := s.lock.Projects["."].Dependencies
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		if err := s.put("", name, deps[name].ID, true); err != nil {
			return err
		}
	}
	for i := 0; i < len(s.tree.Placements); i++ { // grows while it runs
		p := s.tree.Placements[i]
		needs := s.lock.Packages[p.ID].Dependencies
		for _, name := range slices.Sorted(maps.Keys(needs)) {
			if err := s.put(p.Path+"/", name, needs[name].ID, false); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(s.tree.Placements, func(a, b Placement) int { return strings.Compare(a.Path, b.Path) })
	return nil
}

// put finds a place for a package that the one at parent ("" for the project) requires under a name: at the
// top if there is nothing, else below parent. What was there before is only seen from the top.
func (s *seating) put(parent, name string, id lockfile.ID, direct bool) error {
	if id == "" {
		return nil
	}
	if !s.wanted[id] {
		return ErrNoLayout
	}
	at := modules + "/" + name
	switch {
	case s.holds(at, id):
		if direct {
			return ErrNoLayout // it is the project's own now, which matters for commands
		}
		return nil
	case s.isTaken(at):
		if at = parent + modules + "/" + name; parent == "" || strings.Count(parent, modules+"/") > 1 || s.isTaken(at) {
			return ErrNoLayout
		}
	}
	s.taken[at] = id
	s.tree.Placements = append(s.tree.Placements, Placement{Path: at, Name: name, ID: id, Direct: direct})
	return checkName(name)
}

func (s *seating) isTaken(at string) bool {
	_, before := s.previous.packages[at]
	_, now := s.taken[at]
	return before || now
}

// holds says whether a package stands at a place.
func (s *seating) holds(at string, id lockfile.ID) bool {
	if now, ok := s.taken[at]; ok {
		return now == id
	}
	return s.previous.packages[at] == recordOf(id, s.lock.Packages[id])
}

// addTo puts the packages of the tree beside those that were recorded before.
func (a *applier) addTo(ctx context.Context, previous *layout) error {
	next := a.layout()
	p := plan{unit: map[string]string{}, kept: len(previous.packages)}
	for _, pl := range a.Tree.Placements {
		unit := p.unit[parentOf(pl.Path)]
		if unit == "" {
			unit = pl.Path
		}
		p.unit[pl.Path] = unit
		p.changed = append(p.changed, pl)
	}
	for key, text := range previous.bins {
		if now, ok := next.bins[key]; ok && now != text {
			return ErrNoLayout // whose command it is depends on who else brings it
		}
	}
	made := maps.Clone(next.bins)
	maps.Copy(next.packages, previous.packages)
	maps.Copy(next.bins, previous.bins)
	return a.carryOut(ctx, p, previous, next, made)
}

// AddIsolated puts the packages of a part of a lockfile into an isolated node_modules whose packages are all
// in the store: o.Isolated is what [Isolate] made of the part, which has the wishes that are new. What was
// laid out before stays as it is; the caller knows that all of it is in place, and o.InProject and
// o.Copies are not used.
//
// The error matches [ErrNoLayout], and nothing was changed, where that cannot be done.
func AddIsolated(ctx context.Context, o ApplyIsolatedOptions) (Report, error) {
	o.InProject, o.Copies = false, nil
	if o.Workers <= 0 {
		o.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	previous, err := readIsolated(filepath.Join(o.Dir, modules))
	if err != nil {
		return Report{}, err
	}
	if len(previous.entries) > 0 {
		return Report{}, ErrNoLayout
	}
	units, err := planUnits(&o)
	if err != nil {
		return Report{}, err
	}
	next := units.layout(o.Isolated)
	for at, text := range previous.links {
		if _, twice := next.links[at]; twice || text == "" {
			return Report{}, ErrNoLayout
		}
		next.links[at] = text
	}
	for key, text := range previous.bins {
		if _, twice := next.bins[key]; twice || text == "" {
			return Report{}, ErrNoLayout
		}
		next.bins[key] = text
	}
	next.uses = slices.Compact(slices.Sorted(slices.Values(slices.Concat(previous.uses, next.uses))))
	m := &maker{ApplyIsolatedOptions: o, units: units}
	a := newIsolator(o.Dir, next, m.prepare)
	a.Begin, a.Force, a.total = o.Begin, o.Force, len(units.all)
	if err := a.run(ctx); err != nil {
		return Report{}, err
	}
	a.report.Files = m.files.Load()
	return a.report, nil
}

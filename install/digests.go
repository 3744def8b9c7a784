package install

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

// lockedDigests returns what the lockfile so far says a version's bytes hash to; nil where it does not
// have the version.
func (r *run) lockedDigests(p *lockfile.Package) integrity.Set {
	if r.old == nil {
		return nil
	}
	if r.digests == nil {
		r.digests = map[versionKey]integrity.Set{}
		for _, old := range r.old.Packages {
			r.digests[keyOf(old)] = old.Integrity
		}
	}
	return r.digests[keyOf(p)]
}

// keepDigests gives the versions that were locked before the digests they had, whatever the registry
// announces now: a version has the same bytes for ever. One for which the registry announces other
// bytes is an error.
func (r *run) keepDigests(l *lockfile.Lock) error {
	for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
		p := l.Packages[id]
		locked := r.lockedDigests(p)
		if len(locked) == 0 {
			continue
		}
		if contradict(locked, p.Integrity) {
			err := fmt.Errorf("the registry announces %s, and %s has %s: %w", p.Integrity, lockfile.Name, locked, pantry.ErrIntegrity)
			err = &pantry.Error{Op: "install", Ref: pantry.Ref{Registry: p.Registry, Name: p.Name, Version: p.Version}, Err: err}
			return pantry.WithHint(err, "a published version never changes: ask whoever runs registry %q; to accept the new bytes, take the package out of %s",
				p.Registry, lockfile.Name)
		}
		p.Integrity = slices.Clone(locked)
	}
	return nil
}

// contradict says whether two sets have digests of one algorithm, and none in common.
func contradict(a, b integrity.Set) bool {
	comparable := false
	for _, x := range a.Strongest() {
		for _, y := range b {
			if x == y {
				return false
			}
			comparable = comparable || x.Algorithm() == y.Algorithm()
		}
	}
	return comparable
}

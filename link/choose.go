package link

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/npmtree"
)

// choose finds the packages that are to be laid out, and those that are left out for the platform's
// sake.
func choose(l *lockfile.Lock, o HoistOptions) (wanted map[lockfile.ID]bool, skipped []lockfile.ID, err error) {
	return newChooser(l, o, npmtree.OnlyOptionalPeers(l)).choose()
}

func (c *chooser) choose() (wanted map[lockfile.ID]bool, skipped []lockfile.ID, err error) {
	l := c.lock
	wanted = make(map[lockfile.ID]bool, len(l.Packages))
	var todo []lockfile.ID
	if p := l.Projects["."]; p != nil {
		for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
			w := p.Dependencies[name]
			if w.ID == "" || c.omit[w.Kind] || !installs(l, name, w.ID) {
				continue
			}
			optional := w.Kind == lockfile.Optional
			if c.fit(w.ID, optional) {
				todo = append(todo, w.ID)
			} else if !optional {
				return nil, nil, c.refuse(w.ID)
			}
		}
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !wanted[id] {
			wanted[id] = true
			todo = c.needs(todo, l.Packages[id])
		}
	}
	return wanted, slices.Sorted(maps.Keys(c.skipped)), nil
}

// checkIDs makes sure that no edge leads nowhere.
func checkIDs(l *lockfile.Lock) error {
	missing := func(id lockfile.ID) error {
		if id == "" || l.Packages[id] != nil {
			return nil
		}
		return fmt.Errorf("the lockfile has no package %s: %w", id, pantry.ErrConfig)
	}
	for _, p := range l.Projects {
		for _, w := range p.Dependencies {
			if err := missing(w.ID); err != nil {
				return err
			}
		}
	}
	for _, p := range l.Packages {
		for _, d := range p.Dependencies {
			if err := missing(d.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

type chooser struct {
	lock     *lockfile.Lock
	omit     map[lockfile.Kind]bool
	platform lockfile.Platform
	unfit    map[lockfile.ID]lockfile.ID
	alone    map[lockfile.ID]bool // only an optional peer leads there
	skipped  map[lockfile.ID]bool
}

func newChooser(l *lockfile.Lock, o HoistOptions, alone map[lockfile.ID]bool) *chooser {
	return &chooser{
		lock: l, omit: o.Omit, platform: o.Platform,
		unfit: unfit(l, o.Platform), alone: alone, skipped: map[lockfile.ID]bool{},
	}
}

// fit says whether a package can be laid out. What is not and is optional is noted down.
func (c *chooser) fit(id lockfile.ID, optional bool) bool {
	if _, bad := c.unfit[id]; !bad {
		return true
	}
	if optional {
		c.skipped[id] = true
	}
	return false
}

// refuse is the error of a package that is not fit and that the project cannot do without.
func (c *chooser) refuse(id lockfile.ID) error {
	p := c.lock.Packages[c.unfit[id]]
	needed := ""
	if c.unfit[id] != id {
		by := c.lock.Packages[id]
		needed = fmt.Sprintf(", and %s@%s needs it", by.Name, by.Version)
	}
	err := &pantry.Error{Op: "install", Ref: pantry.Ref{Registry: p.Registry, Name: p.Name, Version: p.Version},
		Err: fmt.Errorf("it does not run on %s%s (it is for os %q, cpu %q, libc %q): %w",
			strings.TrimSpace(c.platform.OS+" "+c.platform.CPU+" "+c.platform.Libc), needed, p.OS, p.CPU, p.Libc, pantry.ErrPolicy)}
	return pantry.WithHint(err, "make it an optional dependency, or install on a platform it supports")
}

// needs adds what a package brings along to todo. What it requires is fit, or it would not be.
func (c *chooser) needs(todo []lockfile.ID, p *lockfile.Package) []lockfile.ID {
	for _, d := range p.Dependencies {
		if d.ID == "" || c.omitted(d) {
			continue
		}
		if c.fit(d.ID, d.Optional) {
			todo = append(todo, d.ID)
		}
	}
	return todo
}

// omitted says whether an edge brings nothing along: its kind is left out, or it is an optional peer,
// which is used where something else brings it, if anything else does.
func (c *chooser) omitted(d lockfile.Dependency) bool {
	if d.Peer {
		return d.Optional && !c.alone[d.ID] || c.omit[lockfile.Peer]
	}
	return d.Optional && c.omit[lockfile.Optional]
}

// unfit maps the packages that cannot be installed on the platform to the one that does not run
// there: themselves, or one that they cannot do without.
func unfit(l *lockfile.Lock, pl lockfile.Platform) map[lockfile.ID]lockfile.ID {
	culprit := map[lockfile.ID]lockfile.ID{}
	if pl == (lockfile.Platform{}) {
		return culprit
	}
	for id, p := range l.Packages {
		if !p.Supports(pl) {
			culprit[id] = id
		}
	}
	if !needsAny(l, culprit) { // as a rule: a build for a platform is an optional dependency
		return culprit
	}
	needed := map[lockfile.ID][]lockfile.ID{}
	for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
		for _, d := range l.Packages[id].Dependencies {
			if d.ID != "" && !d.Optional {
				needed[d.ID] = append(needed[d.ID], id)
			}
		}
	}
	for todo := slices.Sorted(maps.Keys(culprit)); len(todo) > 0; {
		id := todo[0]
		todo = todo[1:]
		for _, by := range needed[id] {
			if _, known := culprit[by]; !known {
				culprit[by] = culprit[id]
				todo = append(todo, by)
			}
		}
	}
	return culprit
}

// needsAny says whether a package cannot do without one of those.
func needsAny(l *lockfile.Lock, those map[lockfile.ID]lockfile.ID) bool {
	if len(those) == 0 {
		return false
	}
	for _, p := range l.Packages {
		for _, d := range p.Dependencies {
			if _, ok := those[d.ID]; ok && !d.Optional {
				return true
			}
		}
	}
	return false
}

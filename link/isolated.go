package link

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// LinkedStore is what isolated layouts need of the store; [store.Store] is one. Its methods are called
// from several goroutines.
type LinkedStore interface {
	// LinkedDir is where the files of a linked package are, or would be. It is absolute.
	LinkedDir(key, name string) string
	// HasLinked says whether a linked package is complete.
	HasLinked(key string) bool
	// PutLinked makes a linked package, if it is not there. What it leads to need not be there.
	PutLinked(store.Linked) error
}

// ApplyIsolatedOptions says what to lay out where. Dir, Lock, Isolated, Store and Entry are required.
type ApplyIsolatedOptions struct {
	// Dir is the project's folder.
	Dir  string
	Lock *lockfile.Lock
	// Isolated is what Isolate made of Lock.
	Isolated *Isolated
	Store    LinkedStore
	// InProject lays packages out in node_modules/.pantry, for programs that refuse files outside of
	// the project. Otherwise they stay in the store, and node_modules has links to it.
	InProject bool
	// Entry returns the files of a package. It may wait until they have been fetched; it is called
	// from many goroutines. Packages that are in place, in the store or in the project, are not asked
	// for.
	Entry func(ctx context.Context, id lockfile.ID) (*store.Entry, error)
	// Begin is called once everything is there, just before the first thing in the project changes,
	// and not at all if nothing is to change; nil does nothing. An error of it ends ApplyIsolated.
	Begin func() error
	// Method is how files get into the project; "" is Auto.
	Method Method
	// Force asks for every package again, and lays out again what is in the project.
	Force bool
	// Copies says which packages get files of their own in the project, which they may change; nil
	// means none. See ApplyIsolated.
	Copies func(id lockfile.ID) bool
	// Workers is how many packages are laid out at once; 0 means twice the number of CPUs.
	Workers int
}

// ApplyIsolated makes Dir's node_modules what Isolated says. Every package stands alone:
//
//	node_modules/NAME                          a link to each package the project itself depends on
//	node_modules/.bin/COMMAND                  a link to each command of those
//	node_modules/.pantry/ENTRY/node_modules/   in the project: a package, and links to what it needs
//	node_modules/.pantry/node_modules/NAME     in the project: a link to each other package
//
// If they are in the store, links lead to its linked packages, which are made as soon as their files are
// there. If they are in the project, an ENTRY is NAME@VERSION-KEY (with the first digits of the key);
// it is made aside of hard links to the store, put in place in one step, never changed, and removed
// when no link leads to it any more. The last folder is where Node.js looks when a package requires
// something that it does not declare: of every name it has the highest version. In the store there is
// no such thing.
//
// A package that Copies chooses stands in the project, as copies that it may change, and stays as it
// is until its key changes, or what it needs stands elsewhere. Every package that leads to such a one
// stands in the project too, as hard links: in the store it would find the package of the store.
// Nothing else moves. So a package is either in the project for everybody or in the store for
// everybody, and no program loads it twice.
//
// What holds of [Apply] when it fails, is interrupted, or finds something else in node_modules, holds
// here. A hoisted node_modules is replaced whole.
//
// Only one Apply, of whatever kind, may run on a folder at a time: the caller holds a lock.
func ApplyIsolated(ctx context.Context, o ApplyIsolatedOptions) (Report, error) {
	if o.Workers <= 0 {
		o.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	units, err := planUnits(&o)
	if err != nil {
		return Report{}, err
	}
	m := &maker{ApplyIsolatedOptions: o, units: units}
	a := newIsolator(o.Dir, units.layout(o.Isolated), m.prepare)
	a.Begin, a.Force, a.total = o.Begin, o.Force, len(units.all)
	a.folders = units.folders()
	if err := a.run(ctx); err != nil {
		return Report{}, err
	}
	a.report.Files = m.files.Load()
	return a.report, nil
}

// refOf names a package in messages.
func refOf(p *lockfile.Package) pantry.Ref {
	return pantry.Ref{Registry: p.Registry, Name: p.Name, Version: p.Version}
}

// unpinnedError is the error of a package that has no key.
func unpinnedError(id lockfile.ID) error {
	return fmt.Errorf("the digest of %s, or of a package it needs, is not in the lockfile: %w", id, pantry.ErrConfig)
}

// entriesOf is the folder of entries in the node_modules at root.
func entriesOf(root string) string { return filepath.Join(root, private) }

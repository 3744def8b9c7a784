package link

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
)

// isolator makes a node_modules what an isolatedLayout says.
type isolator struct {
	applier // what is as with a hoisted layout
	next    *isolatedLayout
	// folders are where the packages of entries have their files, from node_modules.
	folders map[string]string
	// prepare gets everything that is not in the project, and lays entries out in the folders of dirs. It
	// returns the number of packages for which something was done.
	prepare prepareFunc
	made    int // packages for which something was done
	total   int // packages
}

// prepareFunc takes the folders in which entries are to be made, by their names.
type prepareFunc func(ctx context.Context, dirs map[string]string) (int, error)

func newIsolator(dir string, next *isolatedLayout, prepare prepareFunc) *isolator {
	a := &isolator{next: next, prepare: prepare}
	a.Dir, a.root = dir, filepath.Join(dir, modules)
	return a
}

func (a *isolator) run(ctx context.Context) error {
	a.clearStale()
	switch st, err := os.Lstat(a.root); {
	case errors.Is(err, fs.ErrNotExist):
		if a.next.empty() {
			return nil // nothing to lay out, nothing to take away
		}
		return a.build(ctx)
	case err != nil:
		return fmt.Errorf("look at node_modules: %w", err)
	case !st.IsDir():
		return a.noFolder(st.Mode())
	}
	previous, err := readIsolated(a.root)
	if err == nil {
		return a.update(ctx, previous)
	}
	err = a.build(ctx)
	if errors.Is(err, syscall.EBUSY) { // a file system is mounted there, as containers do
		a.report = Report{}
		return a.update(ctx, isolatedStrangers(a.root))
	}
	return err
}

// build makes the whole node_modules aside and renames it into place.
func (a *isolator) build(ctx context.Context) error {
	stage, err := os.MkdirTemp(a.Dir, stagePrefix)
	if err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	defer removeTree(stage)
	if err := os.Mkdir(entriesOf(stage), 0o755); err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	dirs := make(map[string]string, len(a.next.entries))
	for name := range a.next.entries {
		dirs[name] = filepath.Join(entriesOf(stage), name)
	}
	if a.made, err = a.prepare(ctx, dirs); err != nil {
		return err
	}
	if err := a.fill(stage); err != nil {
		return err
	}
	if err := a.begin(ctx); err != nil {
		return err
	}
	a.report.Linked, a.report.Fresh = a.total, true
	return swapIn(stage, a.root) // what was there is removed with stage
}

// fill puts everything but entries into a new node_modules.
func (a *isolator) fill(stage string) error {
	w, err := openLinks(stage)
	if err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	defer w.close()
	for _, at := range slices.Sorted(maps.Keys(a.next.links)) {
		if err := w.link(placedLink{at, a.next.links[at]}); err != nil {
			return fmt.Errorf("lay out node_modules: %w", err)
		}
	}
	if err := makeBins(stage, a.next.bins); err != nil {
		return err
	}
	if err := a.next.write(stage); err != nil {
		return err
	}
	if err := os.Chmod(stage, 0o755); err != nil { // MkdirTemp makes it private
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	return nil
}

// update changes a node_modules that Pantry made.
func (a *isolator) update(ctx context.Context, previous *isolatedLayout) error {
	p := a.plan(previous)
	work := ""
	if !p.empty() {
		if err := makeFolder(entriesOf(a.root)); err != nil {
			return err
		}
		var err error
		if work, err = os.MkdirTemp(entriesOf(a.root), workPrefix); err != nil {
			return fmt.Errorf("lay out node_modules: %w", err)
		}
		defer removeTree(work)
		for i, name := range slices.Sorted(maps.Keys(p.entries)) {
			p.entries[name] = filepath.Join(work, fmt.Sprintf("new-%d", i))
		}
	}
	made, err := a.prepare(ctx, p.entries)
	if err != nil {
		return err
	}
	a.made = max(a.made, made)
	a.count(p)
	if p.empty() {
		return a.mendBins(previous)
	}
	if err := a.begin(ctx); err != nil {
		return err
	}
	// From here on the record must not say more than is true, whenever this is interrupted.
	if err := previous.during(a.next).write(a.root); err != nil {
		return err
	}
	if err := a.change(p, previous, work); err != nil {
		return err
	}
	return a.next.write(a.root)
}

// mendBins puts commands in place that somebody took away, or that are others now.
func (a *isolator) mendBins(previous *isolatedLayout) error {
	a.removeBins(previous.bins, a.next.bins)
	if err := makeBins(a.root, a.next.bins); err != nil || previous.equal(a.next) {
		return err
	}
	return a.next.write(a.root)
}

// change puts entries in place, then makes links lead to them, then takes away what no link leads to.
func (a *isolator) change(p *isolatedPlan, previous *isolatedLayout, work string) error {
	for _, name := range p.inOrder(previous) {
		if err := putEntry(p.entries[name], filepath.Join(entriesOf(a.root), name)); err != nil {
			return err
		}
	}
	a.removeBins(previous.bins, a.next.bins)
	for i, at := range p.gone {
		if err := discard(a.path(modules+"/"+at), filepath.Join(work, fmt.Sprintf("gone-%d", i))); err != nil {
			return err
		}
		a.removeEmptyParents(modules + "/" + at)
	}
	for i, at := range p.links {
		if err := a.makeFolders(path.Dir(modules + "/" + at)); err != nil {
			return err
		}
		if err := putLink(a.next.links[at], a.path(modules+"/"+at), filepath.Join(work, fmt.Sprintf("link-%d", i))); err != nil {
			return err
		}
	}
	if err := makeBins(a.root, a.next.bins); err != nil {
		return err
	}
	for i, name := range p.old {
		if err := discard(filepath.Join(entriesOf(a.root), name), filepath.Join(work, fmt.Sprintf("old-%d", i))); err != nil {
			return err
		}
	}
	return nil
}

// putEntry puts a folder in place, as a rule where nothing is.
func putEntry(staged, dst string) error {
	if os.Rename(staged, dst) == nil {
		return nil
	}
	return swapIn(staged, dst)
}

// putLink makes a link at dst, in place of whatever is there, by way of tmp.
func putLink(text, dst, tmp string) error {
	err := os.Symlink(text, dst)
	if errors.Is(err, fs.ErrExist) {
		if err = os.Symlink(text, tmp); err == nil {
			return swapIn(tmp, dst)
		}
	}
	if err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	return nil
}

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
	"strings"

	"golang.org/x/sync/errgroup"
)

// plan is what is to be done to a node_modules that Pantry made.
type plan struct {
	// changed are the packages to lay out. A package stands in for what is nested in it: that is
	// laid out with it, and comes into place with it.
	changed []Placement
	// unit maps the path of each changed package to the one that it comes into place with.
	unit map[string]string
	kept int
	gone []string // recorded paths to take away, without those below another
	// removed counts what is taken away, with what is below.
	removed int
}

// update changes a node_modules that Pantry made.
func (a *applier) update(ctx context.Context, previous *layout) error {
	next := a.layout()
	return a.carryOut(ctx, a.plan(previous, next), previous, next, next.bins)
}

// carryOut does what is planned, and makes the commands of bins.
func (a *applier) carryOut(ctx context.Context, p plan, previous, next *layout, bins map[binKey]string) error {
	if err := a.await(ctx, p.changed); err != nil {
		return err
	}
	a.report.Linked, a.report.Kept, a.report.Removed = len(p.changed), p.kept, p.removed
	if len(p.changed)+len(p.gone) == 0 {
		return a.mend(previous, next)
	}
	if err := makeFolder(filepath.Join(a.root, private)); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Join(a.root, private), workPrefix)
	if err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	defer removeTree(work)
	staged, err := a.stage(ctx, p, work)
	if err != nil {
		return err
	}
	if err := a.begin(ctx); err != nil {
		return err
	}
	// From here on the record must not say more than is true, whenever this is interrupted.
	if err := previous.during(p, next).write(a.root); err != nil {
		return err
	}
	if err := a.change(p, previous, next, bins, staged, work); err != nil {
		return err
	}
	maps.DeleteFunc(next.bins, func(key binKey, _ string) bool { // without a program, as was found
		_, had := previous.bins[key]
		_, made := bins[key]
		return !had && !made
	})
	return next.write(a.root)
}

// await asks for the files of all packages at once: they may have to be fetched.
func (a *applier) await(ctx context.Context, changed []Placement) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range changed {
		if p.Link == "" {
			g.Go(func() error {
				_, err := a.Entry(ctx, p.ID)
				return err
			})
		}
	}
	return g.Wait()
}

// mend puts commands in place that somebody took away.
func (a *applier) mend(previous, next *layout) error {
	a.removeBins(previous.bins, next.bins)
	if err := makeBins(a.root, next.bins); err != nil || maps.Equal(previous.bins, next.bins) {
		return err
	}
	return next.write(a.root)
}

// plan finds out what is not on disk as it should be. Only what the record says of a package, and
// that it is a folder with a package.json, is looked at.
func (a *applier) plan(previous, next *layout) plan {
	p := plan{unit: map[string]string{}}
	seen := newFolders(a.Dir)
	for _, pl := range a.Tree.Placements { // a package comes before what is nested in it
		unit, whole := p.unit[parentOf(pl.Path)]
		if !whole {
			if !a.Force && previous.packages[pl.Path] == next.packages[pl.Path] && seen.has(pl) {
				p.kept++
				continue
			}
			unit = pl.Path
		}
		p.unit[pl.Path] = unit
		p.changed = append(p.changed, pl)
	}
	taken := map[string]bool{}
	for _, at := range slices.Sorted(maps.Keys(previous.packages)) {
		if _, stays := next.packages[at]; stays {
			continue
		}
		parent := parentOf(at)
		if taken[parent] || p.unit[parent] != "" {
			taken[at] = true // goes with what it is nested in
			continue
		}
		if seen.isReal(path.Dir(at)) {
			taken[at] = true
			p.gone = append(p.gone, at)
		}
	}
	p.removed = len(taken)
	return p
}

// parentOf is the path of the package that a recorded path is nested in; "" at the top.
func parentOf(p string) string {
	i := strings.LastIndex(p, "/"+modules+"/")
	return p[:max(i, 0)]
}

// stage lays the changed packages out below work, and returns where, by the path of their unit.
func (a *applier) stage(ctx context.Context, p plan, work string) (map[string]string, error) {
	staged := map[string]string{}
	for _, pl := range p.changed {
		if p.unit[pl.Path] == pl.Path {
			staged[pl.Path] = filepath.Join(work, fmt.Sprintf("new-%d", len(staged)))
		}
	}
	err := a.parallel(ctx, p.changed, func(ctx context.Context, pl Placement) error {
		unit := p.unit[pl.Path]
		return a.place(ctx, pl, filepath.Join(staged[unit], filepath.FromSlash(strings.TrimPrefix(pl.Path, unit))))
	})
	return staged, err
}

// change takes away what is gone and puts the staged packages in place, each in one step.
func (a *applier) change(p plan, previous, next *layout, bins map[binKey]string, staged map[string]string, work string) error {
	a.removeBins(previous.bins, next.bins)
	for i, at := range p.gone {
		if err := discard(a.path(at), filepath.Join(work, fmt.Sprintf("gone-%d", i))); err != nil {
			return err
		}
		a.removeEmptyParents(at)
	}
	for _, at := range slices.Sorted(maps.Keys(staged)) {
		if err := a.makeFolders(path.Dir(at)); err != nil {
			return err
		}
		if err := swapIn(staged[at], a.path(at)); err != nil {
			return err
		}
	}
	return makeBins(a.root, bins)
}

func (a *applier) path(p string) string { return filepath.Join(a.Dir, filepath.FromSlash(p)) }

// removeEmptyParents removes the scope folder and the nested node_modules that path stood in, if
// nothing else does. A folder that is not empty stays: that is what os.Remove refuses.
func (a *applier) removeEmptyParents(p string) {
	for dir := path.Dir(p); dir != modules; dir = path.Dir(dir) {
		base := path.Base(dir)
		if base != modules && !strings.HasPrefix(base, "@") || os.Remove(a.path(dir)) != nil {
			return
		}
	}
}

// folders remembers which paths of a project are folders, and no symbolic links, all the way: what
// is behind a link is not ours.
type folders struct {
	dir  string
	real map[string]bool
}

func newFolders(dir string) folders { return folders{dir, map[string]bool{modules: true}} }

func (f folders) isReal(p string) bool {
	real, known := f.real[p]
	if !known {
		if real = f.isReal(path.Dir(p)); real {
			st, err := os.Lstat(filepath.Join(f.dir, filepath.FromSlash(p)))
			real = err == nil && st.IsDir()
		}
		f.real[p] = real
	}
	return real
}

// has says whether something like p is where it should be.
func (f folders) has(p Placement) bool {
	full := filepath.Join(f.dir, filepath.FromSlash(p.Path))
	if p.Link != "" {
		text, err := os.Readlink(full)
		return err == nil && filepath.ToSlash(text) == p.linkText() && f.isReal(path.Dir(p.Path))
	}
	if !f.isReal(p.Path) {
		return false
	}
	st, err := os.Lstat(filepath.Join(full, "package.json"))
	return err == nil && st.Mode().IsRegular()
}

// makeFolders makes the folders from node_modules to p that are not there.
func (a *applier) makeFolders(p string) error {
	if p == modules {
		return nil
	}
	if err := a.makeFolders(path.Dir(p)); err != nil {
		return err
	}
	return makeFolder(a.path(p))
}

// makeFolder makes a folder, in place of a link or a file.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		if st, statErr := os.Lstat(dir); statErr == nil && st.IsDir() {
			return nil
		}
		if err = os.Remove(dir); err == nil {
			err = os.Mkdir(dir, 0o755)
		}
	}
	if err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	return nil
}

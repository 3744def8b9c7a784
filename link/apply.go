package link

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// modules is the folder that Node.js looks for.
const modules = "node_modules"

// private is Pantry's own folder in node_modules: records, and what is being built or thrown away.
const private = ".pantry"

// ApplyOptions says what to lay out where. Dir, Lock, Tree and Entry are required.
type ApplyOptions struct {
	// Dir is the project's folder.
	Dir  string
	Lock *lockfile.Lock
	// Tree is what Hoist made of Lock.
	Tree *Tree
	// Entry returns the files of a package. It may wait until they have been fetched; it is called
	// from several goroutines. Every package of the tree that is not in place yet is asked for.
	Entry func(ctx context.Context, id lockfile.ID) (*store.Entry, error)
	// Begin is called once everything is there, just before the first thing in the project changes,
	// and not at all if nothing is to change; nil does nothing. An error of it ends Apply.
	Begin func() error
	// Method is how files get into the project; "" is Auto.
	Method Method
	// Copies says which packages get files of their own whatever Method says, since they write into
	// themselves; nil means none.
	Copies func(id lockfile.ID) bool
	// Force lays out again what the record says is in place.
	Force bool
	// Workers is how many packages are laid out at once; 0 means twice the number of CPUs, since
	// the work is waiting for the file system as much as computing.
	Workers int
}

// Report tells what Apply did.
type Report struct {
	Linked  int // packages put in place
	Kept    int // packages that were in place
	Removed int // packages taken away
	Files   int64
	Fresh   bool // node_modules was built whole
}

// Apply makes Dir's node_modules what Tree says. Before anything in the project is changed, every
// package that is needed has been got from Entry and is laid out aside, so that what fails until
// then, or when ctx ends, changes nothing.
//
// What stands in node_modules under other names than packages and commands have is left alone, but
// a node_modules that Pantry did not make is replaced whole. One that is a symbolic link or no
// folder is an error that matches pantry.ErrConfig.
//
// Only one Apply may run on a folder at a time: the caller holds a lock.
func Apply(ctx context.Context, o ApplyOptions) (Report, error) {
	if o.Workers <= 0 {
		o.Workers = 2 * runtime.GOMAXPROCS(0)
	}
	a := &applier{ApplyOptions: o, root: filepath.Join(o.Dir, modules), nested: nestedNames(o.Tree)}
	if err := a.run(ctx); err != nil {
		return Report{}, err
	}
	a.report.Files = a.files.Load()
	return a.report, nil
}

type applier struct {
	ApplyOptions
	root   string              // the project's node_modules
	nested map[string][]string // names of the packages directly below a placement, by its path
	report Report
	files  atomic.Int64
}

// nestedNames lists, for each placement, what stands in its own node_modules.
func nestedNames(t *Tree) map[string][]string {
	nested := map[string][]string{}
	for _, p := range t.Placements {
		if parent := parentOf(p.Path); parent != "" {
			nested[parent] = append(nested[parent], p.Name)
		}
	}
	return nested
}

func (a *applier) run(ctx context.Context) error {
	a.clearStale()
	switch st, err := os.Lstat(a.root); {
	case errors.Is(err, fs.ErrNotExist):
		if len(a.Tree.Placements) == 0 {
			return nil // nothing to lay out, nothing to take away
		}
		return a.build(ctx)
	case err != nil:
		return fmt.Errorf("look at node_modules: %w", err)
	case !st.IsDir():
		return a.noFolder(st.Mode())
	}
	previous, err := readLayout(a.root)
	if err == nil {
		return a.update(ctx, previous)
	}
	err = a.build(ctx)
	if errors.Is(err, syscall.EBUSY) { // a file system is mounted there, as containers do
		a.report = Report{}
		return a.update(ctx, strangers(a.root))
	}
	return err
}

func (a *applier) noFolder(mode fs.FileMode) error {
	what := "not a folder"
	if mode&fs.ModeSymlink != 0 {
		what = "a symbolic link"
	}
	err := fmt.Errorf("%s is %s, and packages are laid out in a folder of the project: %w", a.root, what, pantry.ErrConfig)
	return pantry.WithHint(err, "move it away and run this again")
}

// build makes the whole node_modules aside and renames it into place.
func (a *applier) build(ctx context.Context) error {
	stage, err := os.MkdirTemp(a.Dir, stagePrefix)
	if err != nil {
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	defer removeTree(stage)
	if err := a.parallel(ctx, a.Tree.Placements, func(ctx context.Context, p Placement) error {
		return a.place(ctx, p, filepath.Join(stage, strings.TrimPrefix(p.Path, modules+"/")))
	}); err != nil {
		return err
	}
	next := a.layout()
	if err := makeBins(stage, next.bins); err != nil {
		return err
	}
	if err := next.write(stage); err != nil {
		return err
	}
	if err := os.Chmod(stage, 0o755); err != nil { // MkdirTemp makes it private
		return fmt.Errorf("lay out node_modules: %w", err)
	}
	if err := a.begin(ctx); err != nil {
		return err
	}
	a.report.Linked, a.report.Fresh = len(a.Tree.Placements), true
	return swapIn(stage, a.root) // what was there is removed with stage
}

// begin says that the first change comes now.
func (a *applier) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil || a.Begin == nil {
		return err
	}
	return a.Begin()
}

// place lays the files of one package out at dst, which nothing else reads yet.
func (a *applier) place(ctx context.Context, p Placement, dst string) error {
	if p.Link != "" {
		return a.placeLink(p, dst)
	}
	entry, err := a.Entry(ctx, p.ID)
	if err != nil {
		return err
	}
	pkg := a.Lock.Packages[p.ID]
	files := a
	if a.Copies != nil && a.Copies(p.ID) {
		files = &applier{ApplyOptions: ApplyOptions{Method: Copy}}
	}
	n, err := files.linkEntry(entry, dst, pkg.Bin, a.nested[p.Path])
	a.files.Add(n)
	if err != nil {
		return &pantry.Error{Op: "lay out", Ref: pantry.Ref{Registry: pkg.Registry, Name: pkg.Name, Version: pkg.Version}, Err: err}
	}
	return nil
}

func (a *applier) placeLink(p Placement, dst string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return fmt.Errorf("lay out %s: %w", p.Path, err)
	}
	if err := os.Symlink(p.linkText(), dst); err != nil {
		return fmt.Errorf("lay out %s: %w", p.Path, err)
	}
	return nil
}

// linkText is what the symbolic link at p says: Link is above it.
func (p Placement) linkText() string {
	up := strings.Count(strings.TrimPrefix(path.Dir(p.Path), p.Link), "/")
	return strings.TrimSuffix(strings.Repeat("../", up), "/")
}

func (a *applier) parallel(ctx context.Context, ps []Placement, f func(context.Context, Placement) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(a.Workers)
	for _, p := range ps {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return f(ctx, p)
		})
	}
	return g.Wait()
}

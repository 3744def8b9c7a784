package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/store"
)

// UpToDate says whether an install has nothing to do, and reports so: the last one ended well and had
// the same files, configuration and options. It changes nothing, takes no lock and sends no request.
// [Install] looks too.
func UpToDate(o Options) (*Report, bool) {
	r, err := newRun(o)
	if err != nil || o.Force || o.LockOnly {
		return nil, false
	}
	if r.prints, err = takePrints(r.Dir); err != nil || !r.upToDate() {
		return nil, false
	}
	r.finish()
	return r.report, true
}

// Install makes the project's node_modules what its manifest and lockfile say, and the lockfile
// what the manifest says.
func Install(ctx context.Context, o Options) (*Report, error) {
	return start(ctx, o, nil)
}

// Add adds wishes to the manifest, or changes those that are there, and installs.
func Add(ctx context.Context, o Options, specs []manifest.Spec, a Addition) (*Report, error) {
	return start(ctx, o, func(r *run) error { return r.add(specs, a) })
}

// Remove takes wishes out of the manifest, and installs. A name that is not there is an error, and
// nothing is changed.
func Remove(ctx context.Context, o Options, names []string) (*Report, error) {
	return start(ctx, o, func(r *run) error { return r.remove(names) })
}

// run is one install.
type run struct {
	Options
	started  time.Time
	project  *manifest.Project
	lockPath string
	old      *lockfile.Lock // nil when there is none
	oldText  []byte         // of old
	asBefore bool           // node_modules is what old and the manifest said before it was edited
	newOnes  []lockfile.ID  // the packages that the lockfile has besides those of old, where nothing else differs
	edited   bool           // the manifest is to be saved
	pinned   bool           // packages got the SHA-512 of what was downloaded
	adding   []addition
	refresh  map[string]bool
	approved map[string]bool              // packages that may come from another registry; nil where nobody approves
	prints   prints                       // of the project's files as they were read
	digests  map[versionKey]integrity.Set // of old; made when first needed
	text     func() ([]byte, error)       // of the lockfile to be written; nil if it is as it was
	last     state                        // of the last install, where it is needed
	fetches  *fetches
	store    *store.Store
	// generation of the store from before anything was looked up in it; "" where it is not needed.
	generation string
	report     *Report

	warnings sync.Mutex // guards report.Warnings
}

// start does one install, after edit has changed the manifest; nil changes nothing.
func start(ctx context.Context, o Options, edit func(*run) error) (*Report, error) {
	r, err := newRun(o)
	if err != nil {
		return nil, err
	}
	unlock, err := lockProject(ctx, r.Dir, r.StoreDir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if r.prints, err = takePrints(r.Dir); err != nil {
		return nil, err
	}
	if edit == nil && !r.Force && !r.LockOnly && r.upToDate() { // before anything is read that takes longer
		r.finish()
		return r.report, nil
	}
	if r.store, err = store.Open(r.StoreDir); err != nil {
		return nil, err
	}
	defer func() { _ = r.store.Close() }()
	release, err := r.store.Use(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	if edit == nil {
		if done, err := r.fromStamp(ctx); done || err != nil {
			r.finish()
			return r.report, err
		}
	}
	if r.last, _ = r.readState(); r.Force {
		r.last = state{}
	}
	r.asBefore = edit != nil && r.matches(r.last)
	if err := r.read(); err != nil {
		return nil, err
	}
	if edit != nil {
		if err := edit(r); err != nil {
			return nil, err
		}
	}
	if err := r.do(ctx); err != nil {
		return nil, err
	}
	r.finish()
	return r.report, nil
}

func newRun(o Options) (*run, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Events == nil {
		o.Events = func(Event) {}
	}
	if o.Platform == (lockfile.Platform{}) {
		o.Platform = lockfile.Current()
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	r := &run{
		Options: o, started: o.Now(), lockPath: filepath.Join(dir, lockfile.Name),
		refresh: map[string]bool{},
		report:  &Report{Registries: map[string]RegistryShare{}, Added: []Change{}, Removed: []Change{}, Direct: []Change{}},
	}
	return r, nil
}

// read reads the manifest and the lockfile.
func (r *run) read() error {
	var err error
	if r.project, err = manifest.ReadProject(r.Dir); err != nil {
		return err
	}
	r.old, r.oldText, err = lockfile.ReadText(r.lockPath)
	if errors.Is(err, fs.ErrNotExist) {
		if r.FrozenIfLocked && !r.Frozen && len(resolve.Wishes(r.project.Manifest())) > 0 {
			r.warn("unlocked", "", "there is no "+lockfile.Name+": what is installed is the newest that fits; commit "+
				lockfile.Name+" to have CI install what was tested")
		}
		return nil
	}
	r.Frozen = r.Frozen || r.FrozenIfLocked
	if err == nil && r.old.Projects["."] == nil {
		r.old.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	}
	return err
}

// do resolves, fetches, lays out and writes down.
func (r *run) do(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.clearStale()
	r.fetches = r.newFetches(ctx)
	defer r.fetches.wait()
	defer cancel()
	lock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	if done, err := r.addQuickly(ctx, lock, r.newOnes); done || err != nil {
		return err
	}
	weak := hasWeak(lock)
	if !weak {
		r.formatLock(lock) // while it is laid out
	}
	help := r.readAhead(lock)
	p, err := r.plan(lock)
	if err != nil {
		return err
	}
	help()
	if !r.LockOnly {
		if r.generation, err = r.store.Generation(); err != nil {
			return err
		}
	}
	if err := r.pin(ctx, lock, p); err != nil {
		return err
	}
	if weak {
		r.formatLock(lock)
	}
	if p.Linker == Hoisted {
		p.encoded = onTheSide(func() []byte { return link.EncodeTree(lock, p.tree) })
	}
	var tools []fetchedTool
	if !r.LockOnly {
		if tools, err = r.fetchTools(ctx, lock); err != nil {
			return err
		}
		if err := r.layOut(ctx, lock, p); err != nil {
			return err
		}
		if err := r.dropState(); err != nil {
			return err
		}
		if err := r.linkTools(lock, tools); err != nil {
			return err
		}
	}
	if err := r.writeDown(lock); err != nil {
		return err
	}
	r.describe(lock, p, tools)
	if r.LockOnly {
		return nil
	}
	if err := r.remember(); err != nil {
		return err
	}
	return r.writeState(lock, p)
}

// remember tells the store who uses it, so that what the project needs is not pruned.
func (r *run) remember() error {
	if err := r.store.Remember(r.Dir); err != nil && !cannotWrite(err) {
		return err
	}
	return nil
}

// lock returns the lockfile to install: the old one where it says what the manifest says, else a
// newly resolved one.
func (r *run) lock(ctx context.Context) (*lockfile.Lock, error) {
	m := r.project.Manifest()
	if len(m.Unsupported) > 0 {
		return nil, fmt.Errorf("%s: %s: %w", m.File, m.Unsupported[0], pantry.ErrUnsupported)
	}
	drift := drift(m, r.old)
	if r.Frozen {
		if err := r.checkFrozen(drift); err != nil {
			return nil, err
		}
		return r.locked(), nil
	}
	if r.approved != nil && len(r.approved) == 0 { // there is nobody to ask
		return r.locked(), nil
	}
	if len(drift) == 0 && !r.edited && r.approved == nil && (r.Offline || len(unconfirmed(r.old)) == 0) {
		return r.locked(), nil
	}
	packages, tools := r.splitTools(m)
	ctx = pantry.WithAsking(ctx, r.asking())
	wished := func(name string) bool { return r.refresh[name] }
	res, err := resolve.Resolve(ctx, packages, source{r.Registries, r.Registry, wished, r.warnDecision, r.lookBack()}, resolve.Options{
		Old:           r.old,
		Refresh:       wished,
		IsRegistry:    r.isRegistry,
		NodeVersion:   r.NodeVersion,
		Chosen:        r.fetches.chosen,
		ApproveOrigin: func(name string) bool { return r.approved[name] },
		RegistryURL:   r.urlOf,
	})
	if err != nil {
		return nil, err
	}
	for _, w := range res.Warnings {
		r.resolutionWarning(w)
	}
	if err := r.resolveTools(ctx, tools, res.Lock); err != nil {
		return nil, err
	}
	if r.newOnes = res.Added; r.newOnes == nil { // else no version is there that was
		if err := r.keepDigests(res.Lock); err != nil {
			return nil, err
		}
	}
	r.makePortable(res.Lock)
	return res.Lock, r.settleAdditions(res.Lock)
}

// locked is the old lockfile; an empty one where there is none.
func (r *run) locked() *lockfile.Lock {
	if r.old != nil {
		return r.old
	}
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	return l
}

// formatLock makes the text of a lockfile that is to be written, on the side: r.text waits for it. The
// lockfile must not be changed any more.
func (r *run) formatLock(lock *lockfile.Lock) {
	if r.Frozen || lock == r.old && !r.pinned {
		return
	}
	type result struct {
		text []byte
		err  error
	}
	wait := onTheSide(func() (r result) {
		r.text, r.err = lock.Text()
		return r
	})
	r.text = func() ([]byte, error) {
		made := wait()
		return made.text, made.err
	}
}

// onTheSide begins to make something, and returns what waits for it.
func onTheSide[T any](work func() T) (wait func() T) {
	var made T
	done := make(chan struct{})
	go func() {
		defer close(done)
		made = work()
	}()
	return func() T {
		<-done
		return made
	}
}

// hasWeak says whether a package has no SHA-512 yet.
func hasWeak(l *lockfile.Lock) bool {
	for _, p := range l.Packages {
		if _, ok := p.Integrity.Find(integrity.SHA512); !ok && p.Tool == nil {
			return true
		}
	}
	return false
}

// writeDown writes the lockfile, and the manifest if it changed.
func (r *run) writeDown(lock *lockfile.Lock) error {
	if r.text != nil && (r.old != nil || len(lock.Projects["."].Dependencies)+len(lock.Packages) > 0) {
		text, err := r.text()
		if err == nil {
			err = lockfile.WriteText(r.lockPath, text)
		}
		if err != nil {
			return err
		}
	}
	if r.edited {
		return r.project.Save()
	}
	return nil
}

func (r *run) finish() {
	slices.SortStableFunc(r.report.Warnings, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Message, b.Message))
	})
	r.report.Duration = r.Now().Sub(r.started)
	r.report.Seconds = r.report.Duration.Seconds()
}

// resolutionWarning passes a warning on. That an optional dependency is nowhere is an everyday thing:
// packages name more platforms than they are built for.
func (r *run) resolutionWarning(w resolve.Warning) {
	if w.Code == resolve.OptionalMissing {
		r.report.LeftOut++
		r.Events(Event{Type: EventLeftOut, Name: w.Package, Message: w.Message})
		return
	}
	r.warn(w.Code, w.Package, w.Message)
}

func (r *run) warn(code, name, message string) {
	e := Event{Type: EventWarning, Code: code, Name: name, Message: message}
	r.warnings.Lock()
	known := slices.Contains(r.report.Warnings, e)
	if !known {
		r.report.Warnings = append(r.report.Warnings, e)
	}
	r.warnings.Unlock()
	if !known {
		r.Events(e)
	}
}

func (r *run) isRegistry(prefix string) bool {
	if _, ok := r.Registries.Get(prefix); ok {
		return true
	}
	_, ok := r.Registries.ByType(prefix)
	return ok
}

package install

import (
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/fetch"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// fetches brings packages into the store, each once, as soon as it is known to be needed.
type fetches struct {
	ctx     context.Context
	run     *run
	fetcher *fetch.Fetcher
	group   sync.WaitGroup
	mu      sync.Mutex
	byKey   map[versionKey]*fetching
	// lazy leaves alone what the store has, and what was locked, until somebody asks: in an isolated layout,
	// and where most of node_modules is in place, hardly anybody does.
	lazy bool
}

type versionKey struct{ registry, name, version string }

func keyOf(p *lockfile.Package) versionKey { return versionKey{p.Registry, p.Name, p.Version} }

type fetching struct {
	done   chan struct{}
	result fetch.Result
	err    error
}

func (r *run) newFetches(ctx context.Context) *fetches {
	f := &fetches{ctx: ctx, run: r, byKey: map[versionKey]*fetching{}}
	l, _ := chooseLinker(r.Options)
	f.lazy = l == Isolated || !r.Force && link.LaidOut(r.Dir) == link.HoistedLayout
	f.fetcher = fetch.New(fetch.Options{
		Store: r.store, Open: f.open, Offline: r.Offline, Concurrency: r.Concurrency, AllowMissingIntegrity: r.AllowMissingIntegrity,
	})
	return f
}

// open asks the registry for an artifact, and before that for its place if need be.
func (f *fetches) open(ctx context.Context, name string, a pantry.Artifact) (io.ReadCloser, error) {
	ref := pantry.Ref{Registry: name, Name: a.Name, Version: a.Version}
	entry, ok := f.run.Registries.Get(name)
	if !ok {
		return nil, unknownRegistry(ref)
	}
	if a.URL == "" {
		var err error
		if a.URL, err = f.locate(ctx, entry, a); err != nil {
			return nil, err
		}
	}
	return f.run.Registries.Open(ctx, name, a)
}

// chosen starts to fetch a package while resolution goes on. It is the resolver's callback.
func (f *fetches) chosen(p *lockfile.Package, m *pantry.Metadata) {
	f.run.Events(Event{Type: EventResolved, Registry: p.Registry, Name: p.Name, Version: p.Version})
	if f.run.LockOnly || len(f.run.Omit) > 0 || !p.Supports(f.run.Platform) {
		return // it may not be needed
	}
	if m != nil {
		a := m.Artifact
		if locked := f.run.lockedDigests(p); len(locked) > 0 {
			a.Integrity = locked
		}
		if !f.lazy || !f.run.store.Has(a.Integrity) {
			f.startArtifact(p, a)
		}
		return
	}
	if !f.lazy {
		f.start(p)
	}
}

// start fetches a package of a lockfile.
func (f *fetches) start(p *lockfile.Package) *fetching {
	if p.Tool != nil {
		return f.startTool(p)
	}
	a, err := f.run.artifact(p)
	if err != nil {
		return failedFetch(err)
	}
	return f.startArtifact(p, a)
}

func failedFetch(err error) *fetching {
	failed := &fetching{done: make(chan struct{}), err: err}
	close(failed.done)
	return failed
}

func (f *fetches) startArtifact(p *lockfile.Package, a pantry.Artifact) *fetching {
	a.Name, a.Version = p.Name, p.Version
	return f.once(p, func(ctx context.Context) (fetch.Result, error) {
		return f.fetcher.Fetch(ctx, fetch.Request{Registry: p.Registry, Artifact: a})
	})
}

// once does a fetch of a package unless it is under way or done.
func (f *fetches) once(p *lockfile.Package, do func(context.Context) (fetch.Result, error)) *fetching {
	key := keyOf(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if have := f.byKey[key]; have != nil {
		return have
	}
	ing := &fetching{done: make(chan struct{})}
	f.byKey[key] = ing
	f.group.Add(1)
	go func() {
		defer f.group.Done()
		defer close(ing.done)
		ing.result, ing.err = do(f.ctx)
		if ing.err == nil {
			f.tell(p, ing.result)
		}
	}()
	return ing
}

func (f *fetches) tell(p *lockfile.Package, res fetch.Result) {
	e := Event{Type: EventFetched, Registry: p.Registry, Name: p.Name, Version: p.Version, Bytes: res.Bytes}
	if res.FromStore {
		e.Type = EventStored
	}
	f.run.Events(e)
}

// wait returns when nothing is being fetched any more.
func (f *fetches) wait() {
	f.group.Wait()
	f.fetcher.Wait()
}

// get waits for a package.
func (f *fetches) get(ctx context.Context, p *lockfile.Package) (fetch.Result, error) {
	ing := f.start(p)
	select {
	case <-ing.done:
		return ing.result, ing.err
	case <-ctx.Done():
		return fetch.Result{}, ctx.Err()
	}
}

// done returns a finished fetch of a package.
func (f *fetches) done(p *lockfile.Package) (fetch.Result, bool) {
	f.mu.Lock()
	ing := f.byKey[keyOf(p)]
	f.mu.Unlock()
	if ing == nil {
		return fetch.Result{}, false
	}
	select {
	case <-ing.done:
		return ing.result, ing.err == nil
	default:
		return fetch.Result{}, false
	}
}

// entry gives package link the files of a lockfile's packages.
func (f *fetches) entry(l *lockfile.Lock) func(context.Context, lockfile.ID) (*store.Entry, error) {
	return func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
		res, err := f.get(ctx, l.Packages[id])
		return res.Entry, err
	}
}

// pin waits for the packages whose digest is not a SHA-512 yet and pins them by it, so that the
// lockfile can be written. The others begin to be fetched.
func (r *run) pin(ctx context.Context, l *lockfile.Lock, p *plan) error {
	if r.LockOnly {
		return nil
	}
	var weak []*lockfile.Package
	for id := range p.packages() {
		pkg := l.Packages[id]
		if _, ok := pkg.Integrity.Find(integrity.SHA512); !ok {
			weak = append(weak, pkg)
		}
	}
	r.startFetches(l, p)
	for _, pkg := range weak {
		res, err := r.fetches.get(ctx, pkg)
		if err != nil {
			return err
		}
		pkg.Integrity = slices.Clone(res.Integrity)
		r.pinned = true
	}
	if len(weak) > 0 && p.isolated != nil {
		return r.place(p, l) // the keys depend on the digests
	}
	return nil
}

// readAhead reads from the store what a hoisted layout of a lockfile will most likely need, while it is
// still being decided where everything stands. What returns helps until all is read. A store that
// lacks the first packages is taken for one that lacks most.
func (r *run) readAhead(l *lockfile.Lock) (help func()) {
	if r.fetches.lazy || r.LockOnly || len(r.Omit) > 0 {
		return func() {}
	}
	const sample = 8
	var all []*lockfile.Package
	have := 0
	for _, p := range l.Packages {
		if p.Tool != nil || !p.Supports(r.Platform) {
			continue
		}
		all = append(all, p)
		if len(all) <= sample && r.store.Has(p.Integrity) {
			have++
		}
		if len(all) == sample && have < sample/2 {
			return func() {}
		}
	}
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < len(all) && r.fetches.ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			r.fetches.take(all[i])
		}
	}
	r.fetches.group.Go(work)
	return work
}

// take notes a package that the store has as fetched.
func (f *fetches) take(p *lockfile.Package) {
	f.mu.Lock()
	have := f.byKey[keyOf(p)]
	f.mu.Unlock()
	if have != nil {
		return
	}
	a, err := f.run.artifact(p)
	if err != nil {
		return // whoever needs it is told
	}
	a.Name, a.Version = p.Name, p.Version
	res, ok, err := f.fetcher.Stored(fetch.Request{Registry: p.Registry, Artifact: a})
	if !ok || err != nil {
		return
	}
	taken := &fetching{done: make(chan struct{}), result: res}
	close(taken.done)
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := keyOf(p); f.byKey[key] == nil {
		f.byKey[key] = taken
		f.tell(p, res)
	}
}

// startFetches begins to fetch what is laid out, unless that is asked for as it is needed, all at once.
func (r *run) startFetches(l *lockfile.Lock, p *plan) {
	if r.fetches.lazy {
		return
	}
	for id := range p.packages() {
		r.fetches.start(l.Packages[id])
	}
}

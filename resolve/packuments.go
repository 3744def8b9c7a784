package resolve

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/pantry-go/pantry"
)

// packuments asks the source for each name once and far ahead: when a package arrives, the version
// that will most likely be chosen is looked into, and what it needs is asked for at once. What was
// guessed wrongly costs a request, never a different result.
type packuments struct {
	ctx    context.Context
	src    Source
	node   func() *engine
	wishes sync.Map // by text, *wish
	names  sync.Map // whether they are good
	group  sync.WaitGroup

	mu     sync.Mutex // guards the following
	byName map[pkgKey]*future
	looked map[question]depth

	releases sync.Map // by release3, *release

	old atomic.Pointer[oldLock] // what it covers need not be asked for ahead; nil is nothing
	own map[string]*wish        // what the project itself wishes for, by package
}

// pkgKey is a package of a registry; "" stands for whichever has it.
type pkgKey struct{ registry, name string }

// question asks for a version of a package. There is one *wish for each text.
type question struct {
	pkgKey
	wish *wish
}

// depth says how much is asked for ahead.
type depth uint8

const (
	shallow   depth = iota // the package, nothing of what it needs
	withPeers              // and its peers: it may be looked at, but hardly be installed
	withAll                // and all it needs
)

type future struct {
	asked  *wish // what was asked for
	done   chan struct{}
	answer Answer
	err    error
}

func newPackuments(ctx context.Context, src Source, node func() string) *packuments {
	return &packuments{
		ctx: ctx, src: src,
		node:   sync.OnceValue(func() *engine { return newEngine(node()) }),
		byName: map[pkgKey]*future{},
		looked: map[question]depth{},
		own:    map[string]*wish{},
	}
}

// wait returns when no question is under way any more.
func (p *packuments) wait() { p.group.Wait() }

// start asks for q's package unless that was done before.
func (p *packuments) start(q question) *future {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.startLocked(q)
}

func (p *packuments) startLocked(q question) *future {
	f := p.byName[q.pkgKey]
	if f != nil {
		return f
	}
	f = &future{asked: q.wish, done: make(chan struct{})}
	p.byName[q.pkgKey] = f
	p.group.Add(1)
	go func() {
		defer p.group.Done()
		defer close(f.done)
		f.answer, f.err = p.ask(p.ctx, q)
	}()
	return f
}

func (p *packuments) ask(ctx context.Context, q question) (Answer, error) {
	return p.src.Package(ctx, Want{
		Name: q.name, Registry: q.registry, Range: q.wish.raw,
		Accept: func(pkg pantry.Package) bool { return has(pkg, *q.wish) },
	})
}

// wish is parseWish that remembers: a few thousand ranges are asked for again and again.
func (p *packuments) wish(raw string) *wish {
	if w, ok := p.wishes.Load(raw); ok {
		return w.(*wish)
	}
	w := parseWish(raw)
	known, _ := p.wishes.LoadOrStore(raw, &w)
	return known.(*wish)
}

// choose waits for q's package and picks a version. If what is at hand has none for it, the source
// is asked once more: it knows whether another registry may be.
func (p *packuments) choose(ctx context.Context, q question) (Answer, string, error) {
	f := p.start(q)
	select {
	case <-f.done:
	case <-ctx.Done():
		return Answer{}, "", ctx.Err()
	}
	if f.err != nil && (f.asked == q.wish || !errors.Is(f.err, pantry.ErrVersionNotFound)) {
		return Answer{}, "", f.err
	}
	if f.err == nil {
		if version, err := pick(f.answer.Package, *q.wish, p.node()); err == nil {
			return f.answer, version, nil
		}
	}
	// That nothing satisfies one wish says nothing about another: one that was asked ahead may be overridden.
	answer, askErr := p.ask(ctx, q)
	if askErr != nil {
		return Answer{}, "", askErr
	}
	version, err := pick(answer.Package, *q.wish, p.node())
	return answer, version, err
}

// ahead asks for q's package and, when it is there, for what the likely version needs.
func (p *packuments) ahead(q question, d depth) {
	if old := p.old.Load(); old != nil && old.covers(q.name) {
		return
	}
	p.mu.Lock()
	before, asked := p.looked[q]
	if asked && before >= d {
		p.mu.Unlock()
		return
	}
	p.looked[q] = d
	f := p.startLocked(q)
	if d > shallow {
		p.group.Add(1)
	}
	p.mu.Unlock()
	if d > shallow {
		go p.lookInto(f, q, d)
	}
}

func (p *packuments) lookInto(f *future, q question, d depth) {
	defer p.group.Done()
	select {
	case <-f.done:
	case <-p.ctx.Done():
		return
	}
	if f.err != nil {
		return
	}
	version, err := pick(f.answer.Package, *q.wish, p.node())
	if err != nil {
		return
	}
	if rel, err := p.release(f.answer, version); err == nil {
		for i := range rel.needs {
			p.aheadFor(&rel.needs[i], d)
		}
	}
}

// aheadFor asks for what a package needs that is itself looked into as deep as d.
func (p *packuments) aheadFor(n *need, d depth) {
	switch {
	case n.err != nil || n.silent() || d < withAll && !n.peer:
		return
	case d == withAll && n.peer && n.optional:
		d = withPeers
	}
	if own := p.own[n.pkg]; own != nil && own != n.wish { // the project's version will do, as a rule
		if d = shallow; n.peer {
			d = withPeers
		}
	}
	p.ahead(n.question(), d)
}

package resolve

import (
	"context"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
)

// packuments asks the source for each name once and far ahead: when a package arrives, the version
// that will most likely be chosen is looked into, and its dependencies are asked for at once.
// What was guessed wrongly costs a request, never a different result.
type packuments struct {
	ctx         context.Context
	src         Source
	node        func() string
	group       sync.WaitGroup
	mu          sync.Mutex
	byName      map[pkgKey]*future
	guessed     map[guess]bool
	skipGuesses func(name string) bool // names that need no asking ahead
}

type pkgKey struct{ registry, name string }

type guess struct {
	key pkgKey
	raw string
}

type future struct {
	done   chan struct{}
	answer Answer
	err    error
}

func newPackuments(ctx context.Context, src Source, node func() string) *packuments {
	return &packuments{
		ctx: ctx, src: src, node: node,
		byName:  map[pkgKey]*future{},
		guessed: map[guess]bool{},
	}
}

// wait returns when no question is under way any more.
func (p *packuments) wait() { p.group.Wait() }

// start asks for spec's package unless that was done before.
func (p *packuments) start(spec manifest.Spec) *future {
	key := pkgKey{spec.Registry, spec.Package}
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.byName[key]
	if f != nil {
		return f
	}
	f = &future{done: make(chan struct{})}
	p.byName[key] = f
	p.group.Add(1)
	go func() {
		defer p.group.Done()
		defer close(f.done)
		f.answer, f.err = p.ask(p.ctx, spec)
	}()
	return f
}

func (p *packuments) ask(ctx context.Context, spec manifest.Spec) (Answer, error) {
	w := parseWish(spec.Range)
	return p.src.Package(ctx, Want{
		Name: spec.Package, Registry: spec.Registry, Range: spec.Range,
		Accept: func(pkg pantry.Package) bool {
			_, err := pick(pkg, w, "")
			return err == nil
		},
	})
}

// choose waits for spec's package and picks a version. If what is at hand has none for it, the
// source is asked once more: it knows whether another registry may be.
func (p *packuments) choose(ctx context.Context, spec manifest.Spec) (Answer, string, error) {
	f := p.start(spec)
	select {
	case <-f.done:
	case <-ctx.Done():
		return Answer{}, "", ctx.Err()
	}
	if f.err != nil {
		return Answer{}, "", f.err
	}
	w := parseWish(spec.Range)
	version, err := pick(f.answer.Package, w, p.node())
	if err == nil {
		return f.answer, version, nil
	}
	answer, askErr := p.ask(ctx, spec)
	if askErr != nil {
		return Answer{}, "", askErr
	}
	version, err = pick(answer.Package, w, p.node())
	return answer, version, err
}

// ahead asks for spec's package and, when it is there, for what the likely version needs.
func (p *packuments) ahead(spec manifest.Spec) {
	if p.skipGuesses != nil && p.skipGuesses(spec.Package) {
		return
	}
	g := guess{pkgKey{spec.Registry, spec.Package}, spec.Range}
	p.mu.Lock()
	seen := p.guessed[g]
	p.guessed[g] = true
	p.mu.Unlock()
	if seen {
		return
	}
	f := p.start(spec)
	p.group.Add(1)
	go func() {
		defer p.group.Done()
		select {
		case <-f.done:
		case <-p.ctx.Done():
			return
		}
		if f.err != nil {
			return
		}
		version, err := pick(f.answer.Package, parseWish(spec.Range), p.node())
		if err != nil {
			return
		}
		if m, err := f.answer.Package.Metadata(version); err == nil {
			p.aheadOf(m)
		}
	}()
}

// aheadOf asks for everything m needs.
func (p *packuments) aheadOf(m *pantry.Metadata) {
	needs := needsOf(m)
	for _, e := range needs.edges {
		if e.err == nil {
			p.ahead(e.spec)
		}
	}
	for _, peer := range needs.peers {
		if !peer.optional {
			p.ahead(peer.spec)
		}
	}
}

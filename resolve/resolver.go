package resolve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

// resolver holds one resolution. Only the packuments are shared among goroutines; all choices are
// made by the goroutine that called Resolve.
type resolver struct {
	ctx        context.Context
	opts       Options
	manifest   *manifest.Manifest
	packuments *packuments
	old        *oldLock

	root  *node
	nodes []*node
	byKey map[nodeKey]*node
	// tops holds the package that stands at the top of node_modules under a name.
	tops map[string]*node
	// peerRanges holds what was asked of peers that were installed at the top.
	peerRanges map[string][]peer
	queue      queue
	warnings   []Warning
	nested     map[string]bool // names that a nested override starts from
}

type nodeKey struct{ registry, name, version, scope string }

func newResolver(ctx context.Context, root *manifest.Manifest, src Source, o Options) *resolver {
	nodeVersion := func() string { return "" }
	if o.NodeVersion != nil {
		nodeVersion = sync.OnceValue(o.NodeVersion)
	}
	if o.IsRegistry == nil {
		o.IsRegistry = noRegistry
	}
	r := &resolver{
		ctx: ctx, opts: o, manifest: root,
		packuments: newPackuments(ctx, src, nodeVersion),
		old:        newOldLock(o.Old, o.Refresh),
		byKey:      map[nodeKey]*node{},
		tops:       map[string]*node{},
		peerRanges: map[string][]peer{},
		nested:     map[string]bool{},
	}
	for _, ov := range root.Overrides {
		for _, s := range ov.Path[:max(0, len(ov.Path)-1)] {
			r.nested[s.Name] = true
		}
	}
	r.packuments.skipGuesses = r.old.covers
	return r
}

// Wishes lists what a manifest wishes for, by the name it is installed under, without resolved IDs.
// Of a name that stands in several parts, optional wins over prod, and prod over dev and peer, as in
// npm. A peer of the project itself is installed unless it is optional.
func Wishes(m *manifest.Manifest) map[string]lockfile.Wish {
	wishes := map[string]lockfile.Wish{}
	add := func(deps map[string]string, kind lockfile.Kind) {
		for name, spec := range deps {
			if _, taken := wishes[name]; !taken {
				wishes[name] = lockfile.Wish{Kind: kind, Spec: spec}
			}
		}
	}
	add(m.OptionalDependencies, lockfile.Optional)
	add(m.Dependencies, lockfile.Prod)
	add(m.DevDependencies, lockfile.Dev)
	for name, spec := range m.PeerDependencies {
		if !slices.Contains(m.OptionalPeers, name) {
			add(map[string]string{name: spec}, lockfile.Peer)
		}
	}
	return wishes
}

// plantRoot makes the root node of the project's wishes and puts it first in the queue.
func (r *resolver) plantRoot() error {
	r.root = &node{name: r.manifest.Name, version: r.manifest.Version}
	r.nodes = append(r.nodes, r.root)
	for name, w := range Wishes(r.manifest) {
		e := newEdge(name, w.Spec, w.Kind == lockfile.Optional, r.opts.IsRegistry)
		if e.err != nil {
			return fmt.Errorf("%s: %w", r.manifest.File, e.err)
		}
		e.from, e.kind = r.root, w.Kind
		r.root.edges = append(r.root.edges, e)
	}
	n := needs{edges: r.root.edges}
	n.sort()
	r.applyOverrides(r.root)
	r.askAhead(r.root)
	r.queue.push(r.root)
	return nil
}

// askAhead has the packages asked for that n's edges will need.
func (r *resolver) askAhead(n *node) {
	for _, e := range n.edges {
		if e.err == nil && !confirmed(r.old.target(n, e)) {
			r.packuments.ahead(e.spec)
		}
	}
}

// work expands nodes until none is left.
func (r *resolver) work() error {
	for n := r.queue.pop(); n != nil; n = r.queue.pop() {
		if len(r.nodes) > maxPackages {
			return fmt.Errorf("more than %d packages: %w", maxPackages, pantry.ErrPolicy)
		}
		if err := r.expand(n); err != nil {
			return err
		}
	}
	return nil
}

// expand decides all edges of n.
func (r *resolver) expand(n *node) error {
	for _, e := range n.edges {
		if err := r.decide(n, e); err != nil {
			return err
		}
	}
	return nil
}

// applyOverrides changes what n's edges ask for as the project's overrides say.
func (r *resolver) applyOverrides(n *node) {
	if len(r.manifest.Overrides) == 0 {
		return
	}
	for _, e := range n.edges {
		value, ok := r.manifest.Overrides.Match(n.scopeChain, e.name, e.value)
		if !ok {
			continue
		}
		o := newEdge(e.name, value, e.optional, r.opts.IsRegistry)
		e.spec, e.wish, e.err = o.spec, o.wish, o.err
	}
}

// decide binds one edge.
func (r *resolver) decide(n *node, e *edge) error {
	if e.to != nil || r.old.leftOut(n, e) {
		return nil
	}
	target, err := r.target(n, e)
	if err != nil {
		return r.failed(n, e, err)
	}
	e.to = target
	target.in = append(target.in, e)
	return r.bringPeers(n, target)
}

// failed drops an optional dependency that cannot be had; any other failure ends the resolution.
func (r *resolver) failed(n *node, e *edge, err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	soft := errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrUnsupported)
	if e.optional && soft {
		e.err = err
		r.warn(OptionalMissing, e.name, "optional dependency %s@%s%s was left out: %v", e.name, e.value, neededBy(n), err)
		return nil
	}
	return fmt.Errorf("%s@%s%s: %w", e.name, e.value, neededBy(n), err)
}

func neededBy(n *node) string {
	if n.isRoot() {
		return ""
	}
	var chain []string
	for ; n != nil && !n.isRoot(); n = n.parent {
		chain = append(chain, n.name+"@"+n.version)
	}
	slices.Reverse(chain)
	return " (needed by " + strings.Join(chain, " > ") + ")"
}

// target finds the node for e: what was locked, what stands at the top and will do, or the version
// that a fresh look picks.
func (r *resolver) target(n *node, e *edge) (*node, error) {
	if e.err != nil {
		return nil, e.err
	}
	locked := r.old.target(n, e)
	if confirmed(locked) {
		return r.plantLocked(n, e.name, locked), nil
	}
	if top := r.tops[e.name].final(); top != nil && top.fits(e.spec, e.wish) && top.scope == r.scopeOf(n, top.name, top.version) {
		return top, nil
	}
	return r.pickFresh(n, e.name, e.spec, e.wish, locked)
}

// confirmed says whether p is a locked package whose origin is beyond doubt.
func confirmed(p *lockfile.Package) bool { return p != nil && p.Unconfirmed == "" }

// pickFresh picks a version for spec and plants it below n: that of locked, which may be nil, if the
// same registry answers and has it.
func (r *resolver) pickFresh(n *node, name string, spec manifest.Spec, w wish, locked *lockfile.Package) (*node, error) {
	answer, version, err := r.packuments.choose(r.ctx, spec)
	if err != nil {
		return nil, err
	}
	if locked != nil && locked.Registry == answer.Registry && slices.Contains(answer.Package.Versions(), locked.Version) {
		version = locked.Version
	}
	m, err := answer.Package.Metadata(version)
	if err != nil {
		return nil, err
	}
	if err := r.checkOrigin(spec, answer, m); err != nil {
		return nil, err
	}
	fresh := &node{
		registry: answer.Registry, name: m.Name, version: m.Version,
		meta: m, unconfirmed: answer.Unconfirmed,
	}
	fresh.old = r.old.entry(fresh)
	return r.plant(n, name, fresh, func() needs { return needsOf(m) }), nil
}

// checkOrigin refuses a package whose registry would change unnoticed.
func (r *resolver) checkOrigin(spec manifest.Spec, a Answer, m *pantry.Metadata) error {
	was := r.old.origins[spec.Package]
	if len(was) == 0 || was[a.Registry] || spec.Registry != "" {
		return nil
	}
	if r.opts.ApproveOrigin != nil && r.opts.ApproveOrigin(spec.Package) {
		return nil
	}
	from := strings.Join(slices.Sorted(maps.Keys(was)), ", ")
	err := fmt.Errorf("the origin of %s would change: it is locked from registry %q, and registry %q answers for it now with %s: %w",
		spec.Package, from, a.Registry, m.Version, pantry.ErrPolicy)
	return pantry.WithHint(err, "if that is right, name the registry: pantry install %s:%s", a.Registry, spec.Package)
}

// plantLocked takes a package over from the old lockfile.
func (r *resolver) plantLocked(n *node, name string, p *lockfile.Package) *node {
	fresh := &node{
		registry: p.Registry, name: p.Name, version: p.Version,
		locked: p, old: p, unconfirmed: p.Unconfirmed,
	}
	return r.plant(n, name, fresh, func() needs { return needsOfLocked(p) })
}

// plant adds fresh to the graph as a dependency of n, unless it is there.
func (r *resolver) plant(n *node, name string, fresh *node, read func() needs) *node {
	fresh.scopeChain = r.scopeChain(n, fresh.name, fresh.version)
	fresh.scope = chainString(fresh.scopeChain)
	key := nodeKey{fresh.registry, fresh.name, fresh.version, fresh.scope}
	if have := r.byKey[key]; have != nil {
		if r.tops[name] == nil {
			r.tops[name] = have
		}
		return have
	}
	r.byKey[key] = fresh
	fresh.index = len(r.nodes)
	r.nodes = append(r.nodes, fresh)
	fresh.parent = n
	ns := read()
	fresh.edges, fresh.peers = ns.edges, ns.peers
	for _, e := range fresh.edges {
		e.from = fresh
	}
	r.applyOverrides(fresh)
	r.place(n, name, fresh)
	r.announce(fresh)
	r.askAhead(fresh)
	r.queue.push(fresh)
	return fresh
}

// place gives the node its depth and path in npm's layout: the top if nothing else stands there, or
// if what stands there can be replaced by it; else below n.
func (r *resolver) place(n *node, name string, fresh *node) {
	top := r.tops[name].final()
	switch {
	case top == nil:
		fresh.top, fresh.depth, fresh.path = true, 1, "node_modules/"+name
		r.tops[name] = fresh
	case r.canReplace(top, fresh):
		r.replace(top, fresh)
		fresh.top, fresh.depth, fresh.path = true, 1, "node_modules/"+name
		r.tops[name] = fresh
	default:
		fresh.depth, fresh.path = n.depth+1, n.path+"/node_modules/"+name
	}
}

// canReplace says whether everything that uses old can use the newer fresh as well.
func (r *resolver) canReplace(old, fresh *node) bool {
	if old.locked != nil || old.name != fresh.name || old.registry != fresh.registry || old.scope != fresh.scope ||
		len(old.in) == 0 || !newer(fresh.version, old.version) {
		return false
	}
	for _, e := range old.in {
		if !fresh.fits(e.spec, e.wish) {
			return false
		}
	}
	for _, p := range r.peerRanges[old.name] {
		if !p.fits(fresh) {
			return false
		}
	}
	return true
}

func (r *resolver) replace(old, fresh *node) {
	for _, e := range old.in {
		e.to = fresh
	}
	fresh.in = append(fresh.in, old.in...)
	old.in = nil
	old.replaced = fresh
	delete(r.byKey, nodeKey{old.registry, old.name, old.version, old.scope}) // it may be needed again
}

// announce tells the caller that the package is chosen.
func (r *resolver) announce(n *node) {
	if r.opts.Chosen != nil {
		r.opts.Chosen(lockPackage(n), n.meta)
	}
}

func (r *resolver) warn(code, name, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{Code: code, Package: name, Message: fmt.Sprintf(format, args...)})
}

// scopeChain extends n's chain by the child if an override starts from it.
func (r *resolver) scopeChain(n *node, name, version string) []manifest.NodeRef {
	if !r.nested[name] {
		return n.scopeChain
	}
	ref := manifest.NodeRef{Name: name, Version: version}
	if slices.Contains(n.scopeChain, ref) { // a cycle
		return n.scopeChain
	}
	return append(slices.Clip(n.scopeChain), ref)
}

func (r *resolver) scopeOf(n *node, name, version string) string {
	return chainString(r.scopeChain(n, name, version))
}

func chainString(chain []manifest.NodeRef) string {
	parts := make([]string, len(chain))
	for i, c := range chain {
		parts[i] = c.Name + "@" + c.Version
	}
	return strings.Join(parts, ">")
}

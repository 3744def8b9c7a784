package resolve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/npmtree"
)

// resolver holds one resolution: the rules by which the tree is built. Only the packuments are shared
// among goroutines; all choices are made by the goroutine that called Resolve.
type resolver struct {
	ctx        context.Context
	opts       Options
	manifest   *manifest.Manifest
	packuments *packuments
	old        *oldLock

	packages []*pkg             // by npmtree.Package.Index; the project first
	needs    []*need            // by npmtree.Dep.Index
	taken    []*npmtree.Package // for each of them, once it was chosen
	refused  map[int]error      // why they cannot be had
	byKey    map[packageKey]*pkg
	byClass  []*pkg // of the old lockfile, where no override changes them
	warnings []Warning
	nested   map[string]bool // names that a nested override starts from
}

// packageKey tells packages apart. The class is that of the old lockfile, or -1.
type packageKey struct {
	registry, name, version, scope string
	class                          int
}

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
		byKey:      map[packageKey]*pkg{},
		refused:    map[int]error{},
		nested:     map[string]bool{},
	}
	for _, ov := range root.Overrides {
		for _, s := range ov.Path[:max(0, len(ov.Path)-1)] {
			r.nested[s.Name] = true
		}
	}
	for name, w := range Wishes(root) { // before anything is asked for ahead, which looks at them
		if n := r.packuments.newNeed(name, w.Spec, false, o.IsRegistry); n.err == nil {
			r.packuments.own[n.pkg] = n.wish
		}
	}
	return r
}

// setOld reads the lockfile so far.
func (r *resolver) setOld(old *lockfile.Lock) {
	r.old = newOldLock(old, r.opts.Refresh)
	r.byClass = make([]*pkg, len(r.old.classes.First))
	r.packuments.old.Store(r.old)
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

// project makes the package of the project's own wishes.
func (r *resolver) project() (*pkg, error) {
	var needs []need
	for name, w := range Wishes(r.manifest) {
		n := r.packuments.newNeed(name, w.Spec, w.Kind == lockfile.Optional, r.opts.IsRegistry)
		if n.err != nil {
			return nil, fmt.Errorf("%s: %w", r.manifest.File, n.err)
		}
		n.kind = w.Kind // a peer of the project is installed like any other
		needs = append(needs, n)
	}
	p := &pkg{Package: &npmtree.Package{Name: r.manifest.Name, Version: r.manifest.Version}, class: -1}
	r.add(p, needs)
	return p, nil
}

// add makes p known, with what it needs.
func (r *resolver) add(p *pkg, needs []need) {
	p.Index = len(r.packages)
	r.packages = append(r.packages, p)
	r.setNeeds(p, needs)
}

// setNeeds makes known what p needs. The needs are not changed.
func (r *resolver) setNeeds(p *pkg, needs []need) {
	p.Deps = make([]npmtree.Dep, len(needs))
	for i := range needs {
		n := r.overridden(p, &needs[i])
		p.Deps[i] = npmtree.Dep{
			Name: n.name, Peer: n.peer, Optional: n.optional, Dev: n.kind == lockfile.Dev, Silent: n.silent(), Due: n.due,
			Index: len(r.needs), Locked: r.lockedFor(p, n),
		}
		r.needs = append(r.needs, n)
		r.taken = append(r.taken, nil)
	}
}

// overridden returns n as the project's overrides would have it.
func (r *resolver) overridden(p *pkg, n *need) *need {
	if len(r.manifest.Overrides) == 0 {
		return n
	}
	value, ok := r.manifest.Overrides.Match(p.chain, n.name, n.value)
	if !ok {
		return n
	}
	o := r.packuments.newNeed(n.name, value, n.optional, r.opts.IsRegistry)
	o.value, o.overridden, o.peer, o.kind, o.due, o.unbound = n.value, true, n.peer, n.kind, n.due, n.unbound
	return &o
}

// Fits implements [npmtree.Rules]: what is locked is wanted as it is locked.
func (r *resolver) Fits(from *npmtree.Package, d *npmtree.Dep, p *npmtree.Package) bool {
	if p == d.Locked {
		return true
	}
	if d.Locked != nil && !d.Peer {
		return false
	}
	if !r.needs[d.Index].fitsPackage(p) {
		return false
	}
	return len(r.nested) == 0 || p.Scope == chainString(r.chain(r.packages[from.Index], p.Name, p.Version))
}

// Choose implements [npmtree.Rules]: what was locked, or the version that a fresh look picks.
func (r *resolver) Choose(by *npmtree.Node, from *npmtree.Package, d *npmtree.Dep) (*npmtree.Package, error) {
	if d.Locked != nil {
		return r.read(r.packages[d.Locked.Index]).Package, nil
	}
	if p := r.taken[d.Index]; p != nil {
		return p, nil
	}
	n := r.needs[d.Index]
	if n.unbound && n.optional {
		return nil, nil
	}
	err := r.refused[d.Index]
	var p *pkg
	if err == nil {
		p, err = r.pickFresh(r.packages[from.Index], n)
	}
	if err != nil {
		r.refused[d.Index] = err
		return nil, r.failed(by, from, d, err)
	}
	r.taken[d.Index] = p.Package
	return p.Package, nil
}

// Placed implements [npmtree.Rules]: what was placed is announced, and what it needs asked for.
func (r *resolver) Placed(n *npmtree.Node) {
	p := r.packages[n.Package.Index]
	if p.announced {
		return
	}
	p.announced = true
	if r.opts.Chosen != nil {
		r.opts.Chosen(lockPackage(p), p.meta)
	}
	r.askAhead(p)
}

// askAhead has the packages asked for that p needs.
func (r *resolver) askAhead(p *pkg) {
	for i := range p.Deps {
		d := &p.Deps[i]
		if n := r.needs[d.Index]; d.Locked == nil && !n.unbound {
			r.packuments.aheadFor(n, withAll)
		}
	}
}

// failed drops an optional dependency that cannot be had; any other failure ends the resolution.
func (r *resolver) failed(by *npmtree.Node, from *npmtree.Package, d *npmtree.Dep, err error) error {
	n := r.needs[d.Index]
	soft := errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrUnsupported)
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case d.Peer && d.Optional:
		return nil // it was only asked for to see whether it would be in the way
	case d.Optional && soft:
		r.warn(OptionalMissing, n.name, "optional dependency %s@%s%s was left out: %v", n.name, n.value, neededBy(by), err)
		return nil
	case d.Peer && from.Index != 0:
		return fmt.Errorf("peer dependency %s@%s of %s@%s: %w", n.name, n.value, from.Name, from.Version, err)
	}
	return fmt.Errorf("%s@%s%s: %w", n.name, n.value, neededBy(by), err)
}

func neededBy(n *npmtree.Node) string {
	var chain []string
	for ; n != nil && n.Parent != nil; n = n.By {
		chain = append(chain, n.Package.Name+"@"+n.Package.Version)
	}
	if len(chain) == 0 {
		return ""
	}
	slices.Reverse(chain)
	return " (needed by " + strings.Join(chain, " > ") + ")"
}

// pickFresh picks a version for what from needs: one whose origin was not confirmed stays if the same
// registry answers and has it.
func (r *resolver) pickFresh(from *pkg, n *need) (*pkg, error) {
	if n.err != nil {
		return nil, n.err
	}
	if len(r.packages) > maxPackages {
		return nil, fmt.Errorf("more than %d packages: %w", maxPackages, pantry.ErrPolicy)
	}
	answer, version, err := r.packuments.choose(r.ctx, n.question())
	if err != nil {
		return nil, err
	}
	if locked, _ := r.old.target(from, n); locked != nil && locked.Registry == answer.Registry {
		if _, ok := arrange(answer.Package).Place(locked.Version); ok {
			version = locked.Version
		}
	}
	rel, err := r.packuments.release(answer, version)
	if err != nil {
		return nil, err
	}
	if err := r.checkOrigin(n, answer, rel.meta); err != nil {
		return nil, err
	}
	return r.fresh(from, answer, rel), nil
}

// fresh returns the package of a version that was picked for from.
func (r *resolver) fresh(from *pkg, a Answer, rel *release) *pkg {
	m := rel.meta
	if class := r.old.classOf(a.Registry, m.Name, m.Version); class >= 0 {
		locked := r.old.entry(class)
		p := r.read(r.lockedPackage(class, from, locked))
		if p.meta == nil && (r.old.refresh(m.Name) || !confirmed(locked)) {
			p.meta, p.unconfirmed = m, a.Unconfirmed
		}
		return p
	}
	chain := r.chain(from, m.Name, m.Version)
	key := packageKey{a.Registry, m.Name, m.Version, chainString(chain), -1}
	if p := r.byKey[key]; p != nil {
		return p
	}
	p := &pkg{
		Package: &npmtree.Package{Registry: a.Registry, Name: m.Name, Version: m.Version, Scope: key.scope, Bundled: m.BundledDependencies},
		class:   -1, chain: chain, meta: m, unconfirmed: a.Unconfirmed,
	}
	r.byKey[key] = p
	r.add(p, rel.needs)
	return p
}

// checkOrigin refuses a package whose registry would change unnoticed.
func (r *resolver) checkOrigin(n *need, a Answer, m *pantry.Metadata) error {
	was := r.old.origins[n.pkg]
	if len(was) == 0 || slices.Contains(was, a.Registry) || n.registry != "" {
		return nil
	}
	if r.opts.ApproveOrigin != nil && r.opts.ApproveOrigin(n.pkg) {
		return nil
	}
	err := &OriginError{Name: n.pkg, Locked: slices.Sorted(slices.Values(was)), Registry: a.Registry, Version: m.Version}
	if r.opts.RegistryURL != nil {
		err.URLs = map[string]string{}
		for _, name := range append(slices.Clone(err.Locked), err.Registry) {
			err.URLs[name] = r.opts.RegistryURL(name)
		}
	}
	return err
}

func (r *resolver) warn(code, name, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{Code: code, Package: name, Message: fmt.Sprintf(format, args...)})
}

// chain extends from's chain by the child if an override starts from it.
func (r *resolver) chain(from *pkg, name, version string) []manifest.NodeRef {
	if !r.nested[name] {
		return from.chain
	}
	ref := manifest.NodeRef{Name: name, Version: version}
	if slices.Contains(from.chain, ref) { // a cycle
		return from.chain
	}
	return append(slices.Clip(from.chain), ref)
}

func chainString(chain []manifest.NodeRef) string {
	if len(chain) == 0 {
		return ""
	}
	parts := make([]string, len(chain))
	for i, c := range chain {
		parts[i] = c.Name + "@" + c.Version
	}
	return strings.Join(parts, ">")
}

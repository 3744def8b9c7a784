package pkgx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

const (
	// maxDetail is the longest that one version's metadata may take. Package.Metadata has no
	// context of its own, so something has to end it; the transport's waits are shorter.
	maxDetail = 2 * time.Minute
	// maxOthers is the longest that is waited for what other platforms have.
	maxOthers = 15 * time.Second
	// maxRequests bounds the requests that one question sends at the same time.
	maxRequests = 8
)

// Metadata returns one version of a project: exact, as versions.txt of the registry's platform
// spells it, or with "" or "latest" the newest. name is as in Package.
func (r *Registry) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	p, err := r.read(ctx, name)
	if err != nil {
		return nil, r.readError(name, version, err)
	}
	v, ok := has(p.versions, version)
	if version == "" || version == latest {
		v, ok = p.versions[len(p.versions)-1], true
	}
	if !ok {
		return nil, r.readError(name, version, pantry.ErrVersionNotFound)
	}
	m, err := p.load(ctx, v)
	if err != nil {
		return nil, r.readError(name, version, err)
	}
	return m, nil
}

const latest = "latest"

// Package returns the versions of a project for the registry's platform. name is the project's,
// or one that it goes by: a program, or its name for people. The only tag is latest.
func (r *Registry) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, err := r.read(ctx, name)
	if err != nil {
		return nil, r.readError(name, "", err)
	}
	return p, nil
}

func (r *Registry) readError(name, version string, err error) error {
	return &pantry.Error{
		Op: opRead, Ref: pantry.Ref{Registry: r.name, Name: line(name), Version: line(version)},
		URL: transport.RedactURL(r.base), Err: err,
	}
}

// project finds the recipe that goes by a name.
func (r *Registry) project(ctx context.Context, name string, t target) (*recipe, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	x, err := r.index.get(ctx)
	if err != nil {
		return nil, err
	}
	return x.find(name, t, nil)
}

func (r *Registry) read(ctx context.Context, name string) (*packageInfo, error) {
	t, err := r.target()
	if err != nil {
		return nil, err
	}
	recipe, err := r.project(ctx, name, t)
	if err != nil {
		return nil, err
	}
	versions, err := r.inventory(ctx, recipe.project, t)
	switch {
	case errors.Is(err, errNoBottles):
		return nil, recipe.notBuilt(t)
	case err != nil:
		return nil, err
	}
	return r.newPackage(ctx, recipe, t, versions), nil
}

// notBuilt is the error of a project that has a recipe and no bottle.
func (r *recipe) notBuilt(t target) error {
	err := fmt.Errorf("%w: the registry has no bottle of %s for %s", pantry.ErrVersionNotFound, r.project, t)
	if r.platforms == nil || r.builtFor(t) {
		return err
	}
	var names []string
	for _, c := range r.platforms {
		names = append(names, strings.Trim(c.os+"/"+c.arch, "/"))
	}
	return pantry.WithHint(err, "it is built for %s", strings.Join(names, ", "))
}

// packageInfo is what the registry knows about one project on one platform.
type packageInfo struct {
	registry *Registry
	recipe   *recipe
	target   target
	versions []version // ascending, one at least
	texts    []string
	tags     map[string]string
	details  map[string]*detail // one for each version; the map does not change

	// ctx has the values, but not the end, of the context that the package was read with: a
	// package outlives the call that returned it.
	ctx func() (context.Context, context.CancelFunc)

	mu     sync.Mutex // held while the others are asked for
	others map[target][]version
}

// detail is one version's metadata, or that it is not yet known.
type detail struct {
	mu   sync.Mutex // held while it is asked for
	meta *pantry.Metadata
}

func (r *Registry) newPackage(ctx context.Context, recipe *recipe, t target, versions []version) *packageInfo {
	base := context.WithoutCancel(ctx)
	p := &packageInfo{
		registry: r, recipe: recipe, target: t, versions: versions, texts: raws(versions),
		tags:    map[string]string{latest: versions[len(versions)-1].raw},
		details: make(map[string]*detail, len(versions)),
		ctx: func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(base, maxDetail)
		},
	}
	for _, v := range versions {
		p.details[v.raw] = new(detail)
	}
	return p
}

func (p *packageInfo) Name() string            { return p.recipe.project }
func (p *packageInfo) Versions() []string      { return p.texts }
func (p *packageInfo) Tags() map[string]string { return p.tags }

// Metadata asks the registry at the first call for a version, and remembers the answer. Callers
// that ask for the same version at the same time share one round of requests.
func (p *packageInfo) Metadata(version string) (*pantry.Metadata, error) {
	d := p.details[version]
	if d == nil {
		return nil, p.registry.readError(p.Name(), version, pantry.ErrVersionNotFound)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.meta == nil {
		ctx, cancel := p.ctx()
		defer cancel()
		v, _ := has(p.versions, version)
		m, err := p.load(ctx, v)
		if err != nil {
			return nil, p.registry.readError(p.Name(), version, err) // it may be better the next time
		}
		d.meta = m
	}
	return clone(d.meta), nil
}

// load finds the bottles of a version: that of the package's own platform, without which there is
// nothing to say, and those of others as far as they can be had.
func (p *packageInfo) load(ctx context.Context, v version) (*pantry.Metadata, error) {
	g, inner := errgroup.WithContext(ctx)
	var own pantry.Build
	g.Go(func() (err error) {
		own, err = p.registry.build(inner, p.Name(), p.target, v)
		return err
	})
	var others []pantry.Build
	g.Go(func() error {
		ctx, cancel := context.WithTimeout(inner, maxOthers)
		defer cancel()
		others = p.otherBuilds(ctx, v)
		return nil
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	builds := append(others, own)
	slices.SortFunc(builds, func(a, b pantry.Build) int {
		return strings.Compare(a.Platform.String(), b.Platform.String())
	})
	m := p.recipe.describe(p.target, v)
	m.Artifact, m.Registry = own.Artifact, p.registry.name
	m.Artifact.Integrity = slices.Clone(own.Artifact.Integrity)
	m.Tool = p.recipe.tool(p.target, v, builds)
	return m, nil
}

// describe is what the recipe says of a version.
func (r *recipe) describe(t target, v version) *pantry.Metadata {
	return &pantry.Metadata{
		Name: r.project, Version: v.raw, Description: cmp.Or(r.description, r.display), License: r.license,
		Repository: r.repository, Deprecated: r.deprecated, Dependencies: texts(on(r.needs, t)),
	}
}

// otherBuilds finds the bottles for other platforms. One that cannot be had is left out: it is
// not what was asked for.
func (p *packageInfo) otherBuilds(ctx context.Context, v version) []pantry.Build {
	var mu sync.Mutex
	var builds []pantry.Build
	var g errgroup.Group
	g.SetLimit(maxRequests)
	for t, versions := range p.otherVersions(ctx) {
		if _, ok := has(versions, v.raw); !ok {
			continue
		}
		g.Go(func() error {
			if b, err := p.registry.build(ctx, p.Name(), t, v); err == nil {
				mu.Lock()
				defer mu.Unlock()
				builds = append(builds, b)
			}
			return nil
		})
	}
	_ = g.Wait()
	return builds
}

// otherVersions asks once for the versions on the other platforms that the recipe is for. An
// answer that failed is asked for again by the next version.
func (p *packageInfo) otherVersions(ctx context.Context) map[target][]version {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.others != nil {
		return p.others
	}
	var mu sync.Mutex
	found, whole := make(map[target][]version), true
	var g errgroup.Group
	g.SetLimit(maxRequests)
	for _, t := range p.registry.others {
		if t == p.target || !p.recipe.builtFor(t) {
			continue
		}
		g.Go(func() error {
			versions, err := p.registry.inventory(ctx, p.Name(), t)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				found[t] = versions
			} else if !errors.Is(err, errNoBottles) {
				whole = false
			}
			return nil
		})
	}
	_ = g.Wait()
	if whole {
		p.others = found
	}
	return found
}

// clone copies m with what it points to, so that a caller may change its copy.
func clone(m *pantry.Metadata) *pantry.Metadata {
	c := *m
	c.Dependencies = maps.Clone(c.Dependencies)
	c.Artifact.Integrity = slices.Clone(c.Artifact.Integrity)
	tool := *m.Tool
	tool.Builds = slices.Clone(tool.Builds)
	for i := range tool.Builds {
		a := &tool.Builds[i].Artifact
		a.Integrity = slices.Clone(a.Integrity)
	}
	tool.Provides = slices.Clone(tool.Provides)
	tool.Env, tool.Companions = maps.Clone(tool.Env), maps.Clone(tool.Companions)
	c.Tool = &tool
	return &c
}

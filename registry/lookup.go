package registry

import (
	"context"

	"github.com/pantry-go/pantry"
)

// Request is a question for a package.
type Request struct {
	// Name is the package's.
	Name string
	// Version is an exact version or a tag; "" means the registry's latest for Lookup, and any
	// for Find.
	Version string
	// Registry restricts the question to the registry of this name, or where none has it, to
	// those of this type. Claims are obeyed all the same: a claimed name is refused to others.
	Registry string
	// NPMStyle restricts the question to registries whose packages have npm's dependencies.
	NPMStyle bool
	// Accept says whether a package satisfies; nil accepts every one that has Version. A
	// registry whose package is not accepted counts as one that has the name, but no version
	// that satisfies.
	Accept func(pantry.Package) bool
	// Wanted is how the wish reads, for messages: a range, say. "" means Version.
	Wanted string
}

// Metadata asks for one version: an exact one, a tag, or "" for the latest.
func (m *Manager) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, Decision, error) {
	return m.Lookup(ctx, Request{Name: name, Version: version})
}

// Lookup asks the registries in order for one version's metadata. Its error is a *LookupError.
func (m *Manager) Lookup(ctx context.Context, r Request) (*pantry.Metadata, Decision, error) {
	ask := func(ctx context.Context, e *Entry, reg pantry.Registry) (*pantry.Metadata, error) {
		md, err := metadataOf(ctx, reg, r)
		if err == nil && md == nil {
			err = errNothing
		}
		if err != nil {
			return nil, err
		}
		return e.label(md), nil
	}
	md, d, err := walk(ctx, m, r, ask)
	if err == nil {
		d.Version = md.Version
	}
	return md, d, err
}

func metadataOf(ctx context.Context, reg pantry.Registry, r Request) (*pantry.Metadata, error) {
	if r.Accept == nil {
		return reg.Metadata(ctx, r.Name, r.Version)
	}
	p, err := packageOf(ctx, reg, r)
	if err != nil {
		return nil, err
	}
	v := r.Version
	if v == "" {
		v = "latest"
	}
	if tagged, ok := p.Tags()[v]; ok {
		v = tagged
	}
	return p.Metadata(v)
}

// Find asks the registries in order for a package that r accepts. Its error is a *LookupError.
func (m *Manager) Find(ctx context.Context, r Request) (pantry.Package, Decision, error) {
	ask := func(ctx context.Context, _ *Entry, reg pantry.Registry) (pantry.Package, error) {
		return packageOf(ctx, reg, r)
	}
	return walk(ctx, m, r, ask)
}

func packageOf(ctx context.Context, reg pantry.Registry, r Request) (pantry.Package, error) {
	p, err := reg.Package(ctx, r.Name)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, errNothing
	case !r.accepts(p):
		return nil, pantry.ErrVersionNotFound
	}
	return p, nil
}

// accepts says whether p has what is asked for.
func (r Request) accepts(p pantry.Package) bool {
	return (r.Accept == nil || r.Accept(p)) && (r.Version == "" || holds(p, r.Version))
}

// holds says whether a package has a version, or a tag of that name.
func holds(p pantry.Package, version string) bool {
	if _, ok := p.Tags()[version]; ok {
		return true
	}
	for _, v := range p.Versions() {
		if v == version {
			return true
		}
	}
	return false
}

// Versions returns the versions of a package in ascending order.
func (m *Manager) Versions(ctx context.Context, name string) ([]string, Decision, error) {
	p, d, err := m.Find(ctx, Request{Name: name})
	if err != nil {
		return nil, d, err
	}
	return p.Versions(), d, nil
}

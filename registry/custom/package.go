package custom

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// maxDetail is the longest that one version's metadata may take. Package.Metadata has no context
// of its own, so something has to end it; the transport's waits are shorter.
const maxDetail = 2 * time.Minute

// packageInfo is what the registry knows about one name.
type packageInfo struct {
	registry *Registry
	name     string
	versions []string
	tags     map[string]string
	details  map[string]*detail // one for each version; the map does not change

	// fetch asks for a version with the values, but not the end, of the context that the
	// package was read with: a package outlives the call that returned it.
	fetch func(version string) (*pantry.Metadata, error)
}

// detail is one version's metadata, or that it is not yet known.
type detail struct {
	mu   sync.Mutex // held while it is asked for
	meta *pantry.Metadata
	err  error // of a document that is here but cannot be used
}

func (r *Registry) newPackage(ctx context.Context, d *packageDoc, at *url.URL, listed []string) *packageInfo {
	versions := []string{d.Version}
	for _, v := range listed {
		if usableVersion(v) {
			versions = append(versions, v)
		}
	}
	slices.Sort(versions)
	versions = slices.Compact(versions)
	semver.Sort(versions)

	p := &packageInfo{
		registry: r, name: d.Name, versions: versions,
		tags:    map[string]string{"latest": d.Version},
		details: make(map[string]*detail, len(versions)),
	}
	for _, v := range versions {
		p.details[v] = new(detail)
	}
	for tag, v := range d.Tags {
		if p.details[v] != nil && tag == line(tag) {
			p.tags[tag] = v
		}
	}
	first := p.details[d.Version]
	first.meta, first.err = r.metadata(&d.versionDoc, at)
	base := context.WithoutCancel(ctx)
	p.fetch = func(version string) (*pantry.Metadata, error) {
		ctx, cancel := context.WithTimeout(base, maxDetail)
		defer cancel()
		return r.exact(ctx, d.Name, version, true)
	}
	return p
}

func (p *packageInfo) Name() string            { return p.name }
func (p *packageInfo) Versions() []string      { return p.versions }
func (p *packageInfo) Tags() map[string]string { return p.tags }

// Metadata asks the registry at the first call for a version, and remembers the answer. Callers
// that ask for the same version at the same time share one request.
func (p *packageInfo) Metadata(version string) (*pantry.Metadata, error) {
	d := p.details[version]
	if d == nil {
		return nil, p.registry.readError(p.name, version, pantry.ErrVersionNotFound)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, p.registry.readError(p.name, version, d.err)
	}
	if d.meta == nil {
		m, err := p.fetch(version)
		if err != nil {
			return nil, p.registry.readError(p.name, version, err) // it may be better the next time
		}
		d.meta = m
	}
	return clone(d.meta), nil
}

// clone copies m with what it points to, so that a caller may change its copy.
func clone(m *pantry.Metadata) *pantry.Metadata {
	c := *m
	for _, s := range []*[]string{&c.Keywords, &c.OptionalPeers, &c.BundledDependencies, &c.OS, &c.CPU, &c.Libc} {
		*s = slices.Clone(*s)
	}
	for _, t := range []*map[string]string{
		&c.Dependencies, &c.DevDependencies, &c.OptionalDependencies, &c.PeerDependencies, &c.Bin, &c.Engines,
	} {
		*t = maps.Clone(*t)
	}
	c.Artifact.Integrity = slices.Clone(c.Artifact.Integrity)
	return &c
}

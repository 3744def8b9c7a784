package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/semver"
)

// The paths at which [Bundle.Handler] serves.
const (
	NPMPath  = "/npm"
	RESTPath = "/rest"
)

// Handler serves the packages for node_modules that a bundle holds, of all its registries as if they
// were one: by npm's protocol at [NPMPath], and by the REST convention at [RESTPath]. base is the
// URL that clients reach the handler by, without a path. Nothing can be published to it.
func (b *Bundle) Handler(base string) http.Handler {
	packages := b.Packages()
	forNPM := http.StripPrefix(NPMPath, npm.Handler(packages, npm.HandlerOptions{BaseURL: base + NPMPath}))
	forREST := http.StripPrefix(RESTPath, custom.Handler(packages, custom.HandlerOptions{BaseURL: base + RESTPath}))
	// By hand, since a ServeMux cleans paths, and in both protocols an escaped slash means something.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, NPMPath+"/"):
			forNPM.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, RESTPath+"/"):
			forREST.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// Packages is what the bundle holds for node_modules, of all its registries as if they were one.
func (b *Bundle) Packages() pantry.Registry {
	u := &union{}
	for _, r := range b.Index.Registries {
		if r.NPMStyle {
			u.parts = append(u.parts, b.readers[r.Name])
		}
	}
	return u
}

// union is several registries as one. Where two have a name, it has the versions of both; of a
// version that both have, that of the first.
type union struct{ parts []*directory.Reader }

var (
	_ pantry.Searcher = (*union)(nil)
	_ pantry.Lister   = (*union)(nil)
	_ pantry.Attester = (*union)(nil)
	_ pantry.Pinger   = (*union)(nil)
)

func (u *union) Ping(ctx context.Context) error { return ctx.Err() }

func (u *union) Package(ctx context.Context, name string) (pantry.Package, error) {
	var found []pantry.Package
	for _, r := range u.parts {
		p, err := r.Package(ctx, name)
		switch {
		case err == nil:
			found = append(found, p)
		case !errors.Is(err, pantry.ErrNotFound):
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, &pantry.Error{Op: "read metadata", Ref: pantry.Ref{Registry: "bundle", Name: name}, Err: pantry.ErrNotFound}
	case 1:
		return found[0], nil
	}
	return merge(found), nil
}

func (u *union) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	p, err := u.Package(ctx, name)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = "latest"
	}
	if v, ok := p.Tags()[version]; ok && !slices.Contains(p.Versions(), version) {
		version = v
	}
	return p.Metadata(version)
}

func (u *union) Open(ctx context.Context, a pantry.Artifact) (body io.ReadCloser, err error) {
	err = fmt.Errorf("%s@%s: %w", a.Name, a.Version, pantry.ErrNotFound)
	for _, r := range u.parts {
		if body, err = r.Open(ctx, a); err == nil || !errors.Is(err, pantry.ErrNotFound) {
			return body, err
		}
	}
	return nil, err
}

func (u *union) Attestations(ctx context.Context, name, version string) (doc []byte, err error) {
	err = fmt.Errorf("%s@%s: %w", name, version, pantry.ErrNotFound)
	for _, r := range u.parts {
		if doc, err = r.Attestations(ctx, name, version); err == nil || !errors.Is(err, pantry.ErrNotFound) {
			return doc, err
		}
	}
	return nil, err
}

func (u *union) List(ctx context.Context) ([]string, error) {
	var all []string
	for _, r := range u.parts {
		names, err := r.List(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func (u *union) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	var all []pantry.Metadata
	for _, r := range u.parts {
		found, err := r.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			if !slices.ContainsFunc(all, func(have pantry.Metadata) bool { return have.Name == m.Name }) {
				all = append(all, m)
			}
		}
	}
	if q.Limit <= 0 {
		q.Limit = 20 // as pantry.Query says
	}
	return all[:min(len(all), q.Limit)], nil
}

// merged is one name at several registries.
type merged struct {
	parts    []pantry.Package
	versions []string
}

var _ pantry.Documented = (*merged)(nil)

func merge(parts []pantry.Package) *merged {
	m := &merged{parts: parts}
	for _, p := range parts {
		m.versions = append(m.versions, p.Versions()...)
	}
	slices.Sort(m.versions)
	m.versions = slices.Compact(m.versions)
	semver.Sort(m.versions)
	return m
}

func (m *merged) Name() string            { return m.parts[0].Name() }
func (m *merged) Versions() []string      { return slices.Clone(m.versions) }
func (m *merged) Tags() map[string]string { return m.parts[0].Tags() }

// of is the part that has a version; the first where none has.
func (m *merged) of(version string) pantry.Package {
	i := slices.IndexFunc(m.parts, func(p pantry.Package) bool { return slices.Contains(p.Versions(), version) })
	return m.parts[max(i, 0)]
}

func (m *merged) Metadata(version string) (*pantry.Metadata, error) {
	return m.of(version).Metadata(version)
}

func (m *merged) Manifest(version string) []byte {
	d, ok := m.of(version).(pantry.Documented)
	if !ok {
		return nil
	}
	return d.Manifest(version)
}

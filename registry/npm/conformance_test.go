package npm_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

func protocol(wrap func(*npm.Registry) pantry.Registry, full bool) registrytest.Protocol {
	const most = 1 << 20
	return registrytest.Protocol{
		Handler: func(r pantry.Registry) http.Handler { return npm.Handler(r, npm.HandlerOptions{}) },
		Client: func(t *testing.T, c *transport.Client) pantry.Registry {
			t.Helper()
			r, err := npm.New(npm.Options{Name: "test", Client: c, FullMetadata: full, MaxDocument: most, CacheDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			return wrap(r)
		},
		MaxAnswer: most,
	}
}

func TestConformance(t *testing.T) {
	t.Run("Run", func(t *testing.T) {
		// Full documents, since the abbreviated ones leave out what is for people only.
		registrytest.Run(t, protocol(func(r *npm.Registry) pantry.Registry { return undated{r} }, true).Factory())
	})
	t.Run("Faults", func(t *testing.T) {
		registrytest.RunFaults(t, protocol(func(r *npm.Registry) pantry.Registry { return r }, false))
	})
	t.Run("FaultsWhenInstalling", func(t *testing.T) {
		registrytest.RunFaults(t, protocol(func(r *npm.Registry) pantry.Registry { return installing{r} }, false))
	})
}

// installing asks as an install does.
type installing struct{ *npm.Registry }

func (i installing) Package(ctx context.Context, name string) (pantry.Package, error) {
	return i.Registry.Package(pantry.WithAsking(ctx, pantry.AskAgain), name)
}

// undated hides when versions were published: packuments tell, documents of one version do not,
// and the suite wants both to say the same.
type undated struct{ *npm.Registry }

func (u undated) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, err := u.Registry.Package(ctx, name)
	if err != nil {
		return nil, err
	}
	return undatedPackage{p}, nil
}

type undatedPackage struct{ pantry.Package }

func (p undatedPackage) Metadata(version string) (*pantry.Metadata, error) {
	m, err := p.Package.Metadata(version)
	if err != nil {
		return nil, err
	}
	hidden := *m
	hidden.Published = time.Time{}
	return &hidden, nil
}

// TestAbbreviatedAgrees: the abbreviated document says the same of everything an install needs.
func TestAbbreviatedAgrees(t *testing.T) {
	t.Parallel()
	all := registrytest.Pkg{
		Name: "@s/all", Version: "1.2.3", Description: "d", Homepage: "https://example.com", License: "MIT", Author: "Ada", Keywords: []string{"k"},
		Dependencies: map[string]string{"a": "1"}, DevDependencies: map[string]string{"b": "1"}, OptionalDependencies: map[string]string{"c": "1"},
		PeerDependencies: map[string]string{"d": "1"}, OptionalPeers: []string{"d", "e"}, BundledDependencies: []string{"a"},
		Bin: map[string]string{"all": "x.js"}, Engines: map[string]string{"node": "20"}, OS: []string{"linux"}, CPU: []string{"x64"}, Libc: []string{"musl"},
		Scripts: map[string]string{"install": "x"}, Deprecated: "gone", Published: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	r, w := over(t, registrytest.NewMemory("memory", all))
	p, err := r.Package(t.Context(), all.Name)
	if err != nil {
		t.Fatal(err)
	}
	short, err := p.Metadata(all.Version)
	if err != nil {
		t.Fatal(err)
	}
	long, err := r.Metadata(t.Context(), all.Name, all.Version)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.requests()) != 2 || long.Description != "d" || short.Description != "" {
		t.Errorf("these are not the two forms: %q", w.requests())
	}
	if diff := cmp.Diff(long, short, cmpopts.EquateComparable(integrity.Digest{}),
		cmpopts.IgnoreFields(pantry.Metadata{}, "Description", "Homepage", "License", "Author", "Keywords")); diff != "" {
		t.Errorf("- full, + abbreviated:\n%s", diff)
	}
}

package registry_test

import (
	"context"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// BenchmarkFind is the manager's own part of a question: two registries that could answer, one that
// claims other names, and two that are not asked.
func BenchmarkFind(b *testing.B) {
	m := registry.NewManager(registry.Options{})
	one, two := 1, 2
	github, pkgx := registry.GitHub(), registry.Pkgx()
	github.ClaimsOnly, pkgx.ClaimsOnly = true, true
	if err := m.Load([]registry.Config{github, pkgx}, ""); err != nil {
		b.Fatal(err)
	}
	pkg, err := registrytest.NewMemory("memory", registrytest.Pkg{Name: "@scope/name", Version: "1.0.0"}).Package(b.Context(), "@scope/name")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []registry.Config{
		{Name: "acme", Type: "npm", Priority: &one, Packages: []string{"@acme/*"}, URL: "https://acme.example.com"},
		{Name: "npm", Type: "npm", Priority: &two, URL: "https://registry.example.com"},
	} {
		if err := m.AddRegistry(c, ready{pkg: pkg}); err != nil {
			b.Fatal(err)
		}
	}
	request := registry.Request{Name: "@scope/name", NPMStyle: true, Wanted: "^1.0.0", Accept: func(pantry.Package) bool { return true }}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := m.Find(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}

// ready is a registry that has its one answer ready.
type ready struct {
	pantry.Registry
	pkg pantry.Package
}

func (r ready) Package(context.Context, string) (pantry.Package, error) { return r.pkg, nil }

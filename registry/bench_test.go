package registry_test

import (
	"context"
	"fmt"
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

// BenchmarkClaims matches a name with ten thousand claims.
func BenchmarkClaims(b *testing.B) {
	m := registry.NewManager(registry.Options{})
	c := registry.Config{Name: "acme", Type: "npm", URL: "https://registry.example.com"}
	for i := range 5000 {
		c.Packages = append(c.Packages, fmt.Sprintf("@team-%d/*", i), fmt.Sprintf("tool-%d-*", i))
	}
	if err := m.Add(c); err != nil {
		b.Fatal(err)
	}
	e, _ := m.Get("acme")
	for name, want := range map[string]bool{"@team-4711/button": true, "tool-123-x": true, "@angular/core": false, "lodash": false} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := e.Claims(name); ok != want {
					b.Fatal(ok)
				}
			}
		})
	}
}

// ready is a registry that has its one answer ready.
type ready struct {
	pantry.Registry
	pkg pantry.Package
}

func (r ready) Package(context.Context, string) (pantry.Package, error) { return r.pkg, nil }

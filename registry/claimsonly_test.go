package registry_test

import (
	"slices"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// TestClaimsOnly: such a registry answers for names it claims, and by its own name, and is passed
// over, silently, for everything else.
func TestClaimsOnly(t *testing.T) {
	t.Parallel()
	pkgs := []registrytest.Pkg{{Name: "@acme/tool", Version: "1.0.0"}, {Name: "other", Version: "1.0.0"}}
	m := registry.NewManager(registry.Options{})
	one, two := 1, 2
	scoped := registry.Config{Name: "scoped", Type: "npm", Priority: &one, Packages: []string{"@acme/*"}, ClaimsOnly: true}
	for _, c := range []registry.Config{scoped, {Name: "public", Type: "npm", Priority: &two}} {
		if err := m.AddRegistry(c, registrytest.NewMemory(c.Name, pkgs...)); err != nil {
			t.Fatal(err)
		}
	}
	if e, _ := m.Default(); e.Name() != "public" {
		t.Errorf("the default is %s", e.Name())
	}
	for _, c := range []struct {
		request registry.Request
		want    string
	}{
		{registry.Request{Name: "other"}, "public"},
		{registry.Request{Name: "@acme/tool"}, "scoped"},
		{registry.Request{Name: "other", Registry: "scoped"}, "scoped"},
	} {
		_, d, err := m.Lookup(t.Context(), c.request)
		if err != nil || d.Registry != c.want || len(d.Warnings) > 0 {
			t.Errorf("%+v: answered by %q, warnings %q, %v", c.request, d.Registry, d.Warnings, err)
		}
	}
	for text, want := range map[string]bool{"other": false, "@acme": true} {
		res, err := m.Search(t.Context(), pantry.Query{Text: text}, registry.SearchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		asked := slices.ContainsFunc(res.Results, func(h registry.SearchHit) bool { return h.Registry == "scoped" })
		if asked != want {
			t.Errorf("search for %q asks the registry: %v", text, asked)
		}
	}
}

package registry_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// TestAllTypes: a manager over a registry of each type asks in order those that can hold a name, and its
// decision is what they saw.
func TestAllTypes(t *testing.T) {
	t.Parallel()
	heard := map[string]*registrytest.Scripted{
		"acme": registrytest.NewScripted(custom.Handler(registrytest.NewMemory("acme", registrytest.Pkg{Name: "@acme/ui", Version: "1.0.0"}), custom.HandlerOptions{})),
		"npm":  registrytest.NewScripted(npm.Handler(registrytest.NewMemory("npm", registrytest.Pkg{Name: "left-pad", Version: "1.3.0"}), npm.HandlerOptions{})),
		"github": registrytest.NewScripted(githubtest.New(githubtest.Options{}, githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{
			{Tag: "v1.0.0", Assets: []githubtest.Asset{{Name: "tool_linux_amd64.tar.gz", Data: githubtest.TarGz(map[string]string{"tool": "#!/bin/sh\n"})}}},
		}})),
		"pkgx": registrytest.NewScripted(pkgxtest.New(pkgxtest.Samples()...)),
	}
	m := registry.NewManager(registry.Options{Getenv: noEnv})
	for i, name := range []string{"acme", "npm", "github", "pkgx"} {
		srv := httptest.NewServer(heard[name])
		t.Cleanup(srv.Close)
		typ := name
		if name == "acme" {
			typ = "custom"
		}
		c := registry.Config{Name: name, Type: typ, URL: srv.URL, Priority: ptr(10 * (i + 1)), Retries: ptr(0)}
		if name == "acme" {
			c.Packages = []string{"@acme/*"}
		}
		must(t, m.Add(c))
	}
	for _, tt := range []struct {
		name, from string
		asked      []string
		err        error
	}{
		{"@acme/ui", "acme", []string{"acme"}, nil},
		{"left-pad", "npm", []string{"acme", "npm"}, nil},
		{"acme/tool", "github", []string{"github"}, nil}, // nobody before it can hold the name
		{"hello.example", "pkgx", []string{"acme", "npm", "pkgx"}, nil},
		{"@acme/gone", "", []string{"acme"}, pantry.ErrNotFound},
		{"nowhere", "", []string{"acme", "npm", "pkgx"}, pantry.ErrNotFound},
	} {
		for _, s := range heard {
			s.Reset()
		}
		_, d, err := m.Find(context.Background(), registry.Request{Name: tt.name})
		if !errors.Is(err, tt.err) || d.Registry != tt.from {
			t.Errorf("%s: answered by %q, %v", tt.name, d.Registry, err)
		}
		var asked []string
		for _, at := range d.Attempts {
			if at.Asked != (len(heard[at.Registry].Requests()) > 0) {
				// what pkgx says of its names it says once, for all of them
				if at.Registry != "pkgx" {
					t.Errorf("%s: the decision says that %s was asked: %t", tt.name, at.Registry, at.Asked)
				}
			}
			if at.Asked {
				asked = append(asked, at.Registry)
			}
		}
		if !slices.Equal(asked, tt.asked) {
			t.Errorf("%s: asked %v, want %v", tt.name, asked, tt.asked)
		}
	}
}

package origins_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/origins"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// manager has the private registry acme before the public npm.
func manager(t *testing.T, private, public string, claims ...string) (m *registry.Manager, npm *registrytest.Memory) {
	t.Helper()
	first, second := 10, 20
	m = registry.NewManager(registry.Options{})
	memory := func(name, text string) *registrytest.Memory {
		var pkgs []registrytest.Pkg
		for _, id := range strings.Fields(text) {
			id, content, _ := strings.Cut(id, "=")
			i := strings.LastIndex(id, "@")
			pkgs = append(pkgs, registrytest.Pkg{Name: id[:i], Version: id[i+1:], Files: map[string]string{"index.js": content}})
		}
		return registrytest.NewMemory(name, pkgs...)
	}
	npm = memory("npm", public)
	for _, err := range []error{
		m.AddRegistry(registry.Config{Name: "acme", Type: "npm", URL: "https://acme.example", Priority: &first, Packages: claims}, memory("acme", private)),
		m.AddRegistry(registry.Config{Name: "npm", Type: "npm", Priority: &second}, npm),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return m, npm
}

func TestAudit(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 30 {
		many = append(many, fmt.Sprintf("acme:many%d@1.0.0", i))
	}
	for _, tt := range []struct {
		name, private, public string
		claims                []string
		locked                []string
		wished                []string
		offline               bool
		want                  []string
	}{
		{name: "nothing"},
		{name: "public ones", public: "a@1.0.0", locked: []string{"npm:a@1.0.0"}, wished: []string{"a"}},
		{name: "a scope", private: "@x/a@1.0.0 @x/b@1.0.0", locked: []string{"acme:@x/a@1.0.0", "acme:@x/b@1.0.0"}, want: []string{"unclaimed-scope @x acme npm"}},
		{name: "a claimed scope", private: "@x/a@1.0.0", public: "@x/a@9.0.0", claims: []string{"@x/*"}, locked: []string{"acme:@x/a@1.0.0"}},
		{name: "a name", private: "a@1.0.0", locked: []string{"acme:a@1.0.0"}, want: []string{"unclaimed-name a acme npm"}},
		{name: "many names", locked: many, want: []string{"unclaimed-name 30 names acme npm"}},
		{name: "a mirror", private: "a@1.0.0=x a@2.0.0=x", public: "a@1.0.0=x a@2.0.0=x a@3.0.0=x", locked: []string{"acme:a@1.0.0"}},
		{name: "both", private: "a@1.0.0=x a@2.0.0=x", public: "a@1.0.0=y", locked: []string{"acme:a@1.0.0"}, want: []string{"held-by-both a acme npm 2.0.0 1.0.0"}},
		{name: "higher", private: "a@1.0.0=x", public: "a@99.0.0=y", locked: []string{"acme:a@1.0.0"}, want: []string{"public-higher a acme npm 1.0.0 99.0.0"}},
		{name: "a higher prerelease", private: "a@1.0.0=x", public: "a@0.1.0=y a@9.0.0-rc.1=y", locked: []string{"acme:a@1.0.0"}, want: []string{"held-by-both a acme npm 1.0.0 0.1.0"}},
		{name: "locked from the public one", private: "a@1.0.0=x", public: "a@2.0.0=y", locked: []string{"npm:a@2.0.0"}, want: []string{"public-higher a acme npm 1.0.0 2.0.0"}},
		{name: "offline", offline: true, private: "a@1.0.0=x", public: "a@99.0.0=y", locked: []string{"acme:a@1.0.0"}, want: []string{"unclaimed-name a acme npm"}},
		{name: "nobody has it", wished: []string{"typo"}, want: []string{"unregistered typo  npm"}},
		{name: "not installed yet", public: "a@1.0.0", wished: []string{"a"}},
		{name: "in doubt", public: "a@1.0.0", locked: []string{"npm:a@1.0.0!acme"}, want: []string{"unconfirmed a acme npm"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, _ := manager(t, tt.private, tt.public, tt.claims...)
			l := lockfile.New()
			for _, id := range tt.locked {
				id, unconfirmed, _ := strings.Cut(id, "!")
				reg, rest, _ := strings.Cut(id, ":")
				i := strings.LastIndex(rest, "@")
				l.Packages[lockfile.ID(id)] = &lockfile.Package{Registry: reg, Name: rest[:i], Version: rest[i+1:], Unconfirmed: unconfirmed}
			}
			r, err := origins.Audit(t.Context(), origins.Options{Lock: l, Wished: tt.wished, Registries: m, Offline: tt.offline})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, strings.TrimSpace(fmt.Sprint(f.Code, " ", f.Name, " ", f.Registry, " ", f.Public, " ", f.Version, " ", f.PublicVersion)))
				if f.Message == "" || f.Advice == "" {
					t.Errorf("%+v", f)
				}
			}
			if !slices.Equal(got, tt.want) || len(r.Failed) > 0 {
				t.Errorf("got %q, want %q; failed %v", got, tt.want, r.Failed)
			}
		})
	}
}

// With one registry alone there is nobody to confuse it with.
func TestAlone(t *testing.T) {
	t.Parallel()
	m, _ := manager(t, "a@1.0.0", "")
	if err := m.SetEnabled("npm", false); err != nil {
		t.Fatal(err)
	}
	l := lockfile.New()
	l.Packages["acme:a@1.0.0"] = &lockfile.Package{Registry: "acme", Name: "a", Version: "1.0.0"}
	r, err := origins.Audit(t.Context(), origins.Options{Lock: l, Wished: []string{"typo"}, Registries: m})
	if err != nil || len(r.Findings)+r.Asked > 0 || r.Checked != 2 {
		t.Errorf("got %+v, %v", r, err)
	}
}

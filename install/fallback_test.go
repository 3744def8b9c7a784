package install_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

const (
	private = "ui@1.0.0 c@^1.0.0 @s/d@1\n@acme/w@1.0.0 c@^1.0.0"
	public  = basic + "\nc@1.1.0\nboth@1.0.0"
)

var modes = []registry.Fallback{registry.Failover, registry.Always, registry.NotFoundOnly, registry.Never}

// trouble is what a private registry may answer, by the classes of the table in package registry.
var trouble = map[string]struct {
	make  func(*site)
	match error // of the error where nobody else is asked
	next  string
}{
	// next has a letter for each mode: n goes on to the next, w goes on with a warning, s stops
	"name not found":           {func(*site) {}, pantry.ErrNotFound, "nnns"},
	"gone":                     {answer(registrytest.Status(410)), pantry.ErrNotFound, "nnns"},
	"401 without a credential": {answer(registrytest.Status(401)), pantry.ErrDenied, "nnss"},
	"403 without a credential": {answer(registrytest.Status(403)), pantry.ErrDenied, "nnss"},
	"401 with a credential":    {withCredential(registrytest.Status(401)), pantry.ErrDenied, "swss"},
	"403 with a credential":    {withCredential(registrytest.Status(403)), pantry.ErrDenied, "swss"},
	"stopped":                  {func(s *site) { s.Server.Close() }, pantry.ErrUnavailable, "uuss"},
	"500":                      {answer(registrytest.Status(500)), pantry.ErrUnavailable, "uuss"},
	"503":                      {answer(registrytest.Status(503)), pantry.ErrUnavailable, "uuss"},
	"connection broken":        {answer(registrytest.Abort()), pantry.ErrUnavailable, "uuss"},
	"killed within the metadata": {func(s *site) {
		s.Memory.Add(registrytest.Pkg{Name: "c", Version: "1.0.0"})
		answer(registrytest.CutShort(5))(s)
	}, pantry.ErrUnavailable, "uuss"},
	"HTML":        {answer(registrytest.HTML()), pantry.ErrInvalid, "uuss"},
	"garbage":     {answer(registrytest.Garbage()), pantry.ErrInvalid, "uuss"},
	"wrong shape": {answer(registrytest.JSON(`"c"`)), pantry.ErrInvalid, "uuss"},
}

func answer(f registrytest.Fault) func(*site) {
	return func(s *site) { s.Set(registrytest.Rule{Fault: f}) }
}

func withCredential(f registrytest.Fault) func(*site) {
	return func(s *site) {
		token := registry.Value{Raw: pantry.NewSecret("s3cret"), Source: "pantry.json:5:7 auth.token"}
		s.Config.Auth = &registry.Auth{Type: "bearer", Token: token}
		answer(f)(s)
	}
}

// TestTrouble puts a private registry in trouble before a public one. What happens to a public package
// is what the table says for each mode; where an install fails nothing is changed.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for name, tt := range trouble {
		for i, mode := range modes {
			t.Run(fmt.Sprintf("%s, %s", name, mode), func(t *testing.T) {
				t.Parallel()
				acme, npm := newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public)
				tt.make(acme)
				p := newPlace(t)
				p.registries(mode, acme, npm)
				p.wishes("c@^1.0.0")
				before := p.files(false)
				r, err := p.install()
				step := tt.next[i]
				if step == 's' {
					if !errors.Is(err, tt.match) || !strings.Contains(err.Error(), "c") || !strings.Contains(err.Error(), "acme") {
						t.Errorf("got %v, want %v", err, tt.match)
					}
					if strings.Contains(name, "with a credential") && !strings.Contains(err.Error(), "pantry.json:5:7") {
						t.Errorf("%v does not name the credential's source", err)
					}
					if slices.Contains(npm.asked(), "c") && mode != registry.Failover { // there it asks who else has the name
						t.Errorf("npm was asked %v", npm.asked())
					}
					p.same(before, false)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				p.wantTree("c 1.1.0")
				want := ""
				if step == 'u' {
					want = "acme"
				}
				if got := p.lock().Packages["npm:c@1.1.0"].Unconfirmed; got != want {
					t.Errorf("unconfirmed: %q, want %q", got, want)
				}
				if warned := len(r.Warnings) > 0; warned != (step != 'n') {
					t.Errorf("warnings: %v", r.Warnings)
				}
				for _, w := range r.Warnings {
					if !strings.Contains(w.Message, "acme") || w.Name != "c" || strings.Contains(w.Message, "s3cret") {
						t.Errorf("warning %+v", w)
					}
				}
			})
		}
	}
}

// TestTroubleWithPrivate: what only the private registry has cannot be installed while it is in
// trouble, in any mode, and fails without a change. What it depends on does not matter then.
func TestTroubleWithPrivate(t *testing.T) {
	t.Parallel()
	for name, tt := range trouble {
		if strings.Contains(name, "not found") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acme, npm := newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public)
			tt.make(acme)
			p := newPlace(t)
			p.wishes("ui@1 c@1")
			before := p.files(false)
			for _, mode := range modes {
				p.registries(mode, acme, npm)
				if r, err := p.install(); err == nil || !strings.Contains(err.Error(), "acme") {
					t.Errorf("%s: got %v, %v", mode, r, err)
				}
				p.same(before, false)
			}
		})
	}
}

// A private package brings public ones, each from its registry, and a private registry is never asked
// for an artifact that is not its own.
func TestPrivateNeedsPublic(t *testing.T) {
	t.Parallel()
	acme, npm := newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public)
	p := newPlace(t, acme, npm)
	p.wishes("ui@1")
	r := p.must()
	p.wantTree("@s/d 1.0.0, a 1.1.0, b 1.2.0, c 1.1.0, ui 1.0.0")
	if r.Registries["acme"].Packages != 1 || r.Registries["npm"].Packages != 4 || len(r.Warnings) > 0 {
		t.Errorf("got %+v", r)
	}

	acme.Server.Close()
	p.remove("node_modules")
	npm.Reset()
	p.must(frozen) // all is in the store
	if npm.Count() > 0 {
		t.Errorf("npm was asked %v", npm.Requests())
	}
	p.remove("node_modules", "../store")
	before := p.files(false)
	for _, mode := range modes {
		p.registries(mode, acme, npm)
		_, err := p.install(frozen)
		if !errors.Is(err, pantry.ErrUnavailable) || !strings.Contains(err.Error(), "ui@1.0.0") || !strings.Contains(err.Error(), `"acme"`) {
			t.Errorf("%s: got %v", mode, err)
		}
		p.same(before, false)
	}
	if slices.Contains(npm.asked(), "ui") {
		t.Errorf("npm was asked %v", npm.asked())
	}
}

// A body that breaks off is asked for again, and an artifact is never taken from another registry.
func TestBrokenArtifacts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault registrytest.Fault
		times int // 0: always
		err   error
	}{
		"breaks off once":   {registrytest.CutShort(50), 1, nil},
		"breaks off always": {registrytest.CutShort(50), 0, pantry.ErrUnavailable},
		"wrong once":        {registrytest.Tampered(), 1, nil},
		"wrong always":      {registrytest.Tampered(), 0, pantry.ErrIntegrity},
		"too short":         {registrytest.Truncated(50), 0, pantry.ErrIntegrity},
		"HTML":              {registrytest.HTML(), 0, pantry.ErrIntegrity},
		"not there":         {registrytest.Status(404), 0, pantry.ErrNotFound},
		"denied":            {registrytest.Status(403), 0, pantry.ErrDenied},
		"error":             {registrytest.Status(500), 0, pantry.ErrUnavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acme, npm := newSite(t, "custom", "acme", 10, "both@1.0.0"), newSite(t, "npm", "npm", 20, public)
			acme.Set(registrytest.Rule{Path: "/packages/both/1.0.0/tarball", Times: tt.times, Fault: tt.fault})
			p := newPlace(t, acme, npm)
			p.wishes("both@1 c@1")
			before := p.files(false)
			_, err := p.install()
			if !errors.Is(err, tt.err) || err == nil != (tt.err == nil) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if slices.Contains(npm.asked(), "both") {
				t.Errorf("npm was asked %v", npm.asked())
			}
			if err == nil {
				p.wantTree("both 1.0.0, c 1.1.0")
				return
			}
			if !strings.Contains(err.Error(), "both@1.0.0") || !strings.Contains(err.Error(), `"acme"`) {
				t.Errorf("got %v", err)
			}
			p.same(before, false)
		})
	}
}

// An origin that could not be confirmed is confirmed by the next install when the registry is back, in
// the version that was taken, and refused if the registry has the name.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	down := registrytest.Rule{Fault: registrytest.Status(503)}
	setup := func(t *testing.T) (p *place, acme, npm *site) {
		acme, npm = newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public)
		acme.Set(down)
		p = newPlace(t, acme, npm)
		p.wishes("c@^1.0.0 b@^1.0.0")
		p.must()
		if got := p.lock().Packages["npm:c@1.1.0"].Unconfirmed; got != "acme" {
			t.Fatalf("unconfirmed: %q", got)
		}
		return p, acme, npm
	}
	t.Run("still down", func(t *testing.T) {
		t.Parallel()
		p, _, npm := setup(t)
		npm.Memory.Add(packages(t, "c@1.2.0")...) // is no reason for a change
		if r := p.must(); r.UpToDate || len(r.Warnings) != 2 {
			t.Errorf("got %+v", r)
		}
		p.wantTree("b 1.2.0, c 1.1.0")
		if got := p.lock().Packages["npm:c@1.1.0"].Unconfirmed; got != "acme" {
			t.Errorf("unconfirmed: %q", got)
		}
		if _, err := p.install(frozen); !errors.Is(err, pantry.ErrPolicy) {
			t.Errorf("frozen: %v", err)
		}
	})
	t.Run("back", func(t *testing.T) {
		t.Parallel()
		p, acme, npm := setup(t)
		npm.Memory.Add(packages(t, "c@1.2.0")...)
		acme.Set()
		r := p.must()
		if len(r.Warnings) > 0 || len(r.Added)+len(r.Removed)+len(r.Direct) > 0 {
			t.Errorf("got %+v", r)
		}
		p.wantTree("b 1.2.0, c 1.1.0")
		for id, pkg := range p.lock().Packages {
			if pkg.Unconfirmed != "" {
				t.Errorf("%s is unconfirmed", id)
			}
		}
		p.must(frozen)
		if !p.must().UpToDate {
			t.Error("not up to date")
		}
	})
	t.Run("back, with the name", func(t *testing.T) {
		t.Parallel()
		p, acme, _ := setup(t)
		acme.Memory.Add(packages(t, "c@1.0.5")...)
		acme.Set()
		r := p.must()
		if got := changes(r.Direct); got != "c 1.0.5 acme ^1.0.0 was 1.1.0" {
			t.Errorf("got %s", got)
		}
		p.wantTree("b 1.2.0, c 1.0.5")
		p.must(frozen)
	})
	t.Run("below others", func(t *testing.T) {
		t.Parallel()
		p, acme, npm := setup(t)
		npm.Memory.Add(packages(t, "top@1.0.0 c@^1.0.0 ^peer@1 inner@1\ninner@1.0.0 c@^1.0.0\npeer@1.0.0")...)
		p.wishes("top@1")
		p.must()
		npm.Memory.Add(packages(t, "c@1.2.0\npeer@1.1.0\ninner@1.1.0")...)
		p.must()
		p.wantTree("c 1.1.0, inner 1.0.0, peer 1.0.0, top 1.0.0")
		acme.Set()
		p.must()
		p.wantTree("c 1.1.0, inner 1.0.0, peer 1.0.0, top 1.0.0")
		p.must(frozen)
	})
	t.Run("gone from the configuration", func(t *testing.T) {
		t.Parallel()
		p, _, npm := setup(t)
		p.registries(registry.Failover, npm)
		if r := p.must(); len(r.Warnings) > 0 {
			t.Errorf("got %+v", r)
		}
		p.must(frozen)
	})
}

// A package stays with the registry that the lockfile has it from.
func TestOriginIsSticky(t *testing.T) {
	t.Parallel()
	acme, npm := newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public)
	p := newPlace(t, acme, npm)
	p.wishes("c@^1.0.0")
	p.must()
	acme.Memory.Add(packages(t, "c@1.5.0")...)
	acme.Reset()
	p.remove("node_modules", "../store")
	p.must() // the lockfile says all
	if acme.Count() > 0 {
		t.Errorf("acme was asked %v", acme.Requests())
	}
	before := p.files(false)
	for _, spec := range []string{"c", "c@1.5.0"} {
		_, err := p.add(install.Addition{}, spec)
		if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(err.Error(), `from registry "npm"`) || !strings.Contains(err.Error(), `registry "acme" answers`) {
			t.Errorf("%s: got %v", spec, err)
		}
		p.same(before, false)
	}
	p.ok(p.add(install.Addition{}, "acme:c"))
	p.wantTree("c 1.5.0")

}

// While the registry of a locked package is away, another one does not take its place.
func TestOriginAway(t *testing.T) {
	t.Parallel()
	acme, npm := newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public+"\nui@9.0.0")
	p := newPlace(t, acme, npm)
	p.wishes("ui@*")
	p.must()
	acme.Server.Close()
	before := p.files(false)
	for _, mode := range modes {
		p.registries(mode, acme, npm)
		_, err := p.add(install.Addition{}, "ui")
		want := pantry.ErrPolicy
		if mode == registry.NotFoundOnly || mode == registry.Never {
			want = pantry.ErrUnavailable
		}
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "acme") {
			t.Errorf("%s: got %v", mode, err)
		}
		p.same(before, false)
	}
}

// A claimed name is spoken to the registry that claims it and to nobody else, whatever happens.
func TestClaims(t *testing.T) {
	t.Parallel()
	for name, tt := range trouble {
		for _, mode := range modes {
			t.Run(fmt.Sprintf("%s, %s", name, mode), func(t *testing.T) {
				t.Parallel()
				acme, npm := newSite(t, "custom", "acme", 10, ""), newSite(t, "npm", "npm", 20, public+"\n@acme/w@9.0.0\n@acme/inner@9.0.0")
				acme.Config.Packages = []string{"@acme/*"}
				tt.make(acme)
				p := newPlace(t)
				p.registries(mode, acme, npm)
				p.wishes("@acme/w@* c@1")
				before := p.files(false)
				if r, err := p.install(); err == nil {
					t.Errorf("got %+v", r)
				}
				p.same(before, false)
				if slices.ContainsFunc(npm.asked(), func(s string) bool { return strings.HasPrefix(s, "@acme/") }) {
					t.Errorf("npm was asked %v", npm.asked())
				}
			})
		}
	}
	t.Run("all well", func(t *testing.T) {
		t.Parallel()
		acme := newSite(t, "custom", "acme", 10, "@acme/w@1.0.0 @acme/inner@* c@1 ?@acme/not@1\n@acme/inner@1.0.0")
		npm := newSite(t, "npm", "npm", 20, public+"\n@acme/w@9.0.0\n@acme/inner@9.0.0\n@acme/not@1.0.0")
		acme.Config.Packages = []string{"@acme/*"}
		p := newPlace(t, acme, npm)
		p.wishes("@acme/w@*")
		p.must()
		p.wantTree("@acme/inner 1.0.0, @acme/w 1.0.0, c 1.1.0")
		if got := npm.asked(); !slices.Equal(got, []string{"c"}) {
			t.Errorf("npm was asked %v", got)
		}
	})
}

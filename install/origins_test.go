package install_test

import (
	"errors"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// What is approved changes its registry, and nothing else is looked at again.
func TestApprove(t *testing.T) {
	t.Parallel()
	acme, npm := newSite(t, "custom", "acme", 10, private), newSite(t, "npm", "npm", 20, public)
	p := newPlace(t, acme, npm)
	p.wishes("a@^1.0.0 c@^1.0.0")
	p.must()
	acme.Memory.Add(packages(t, "c@1.5.0\nb@1.3.0")...)
	npm.Memory.Add(packages(t, "a@1.9.0")...)
	got, err := install.Approve(t.Context(), p.opts(), []string{"c"})
	if err != nil || len(got) != 1 || got[0] != (install.Approval{Name: "c", Was: "npm", Registry: "acme", Version: "1.5.0"}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	l := p.lock()
	for _, id := range []string{"acme:c@1.5.0", "npm:a@1.1.0", "npm:b@1.2.0"} {
		found := false
		for have := range l.Packages {
			found = found || string(have) == id
		}
		if !found {
			t.Errorf("%s is not locked", id)
		}
	}
	p.wantTree("a 1.1.0, b 1.2.0, c 1.1.0") // until the next install
	p.must(frozen)
	p.wantTree("a 1.1.0, b 1.2.0, c 1.5.0")

	// Where the registry is the same the lockfile stays, also when there are newer versions.
	locked := p.read("pantry.lock")
	got, err = install.Approve(t.Context(), p.opts(), []string{"a"})
	if err != nil || got[0].Registry != "npm" || got[0].Was != "npm" || p.read("pantry.lock") != locked {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err = install.Approve(t.Context(), p.opts(), []string{"a", "nothing"}); !errors.Is(err, pantry.ErrNotFound) || p.read("pantry.lock") != locked {
		t.Errorf("got %v", err)
	}
	acme.Set(registrytest.Rule{Fault: registrytest.Status(503)})
	if _, err = install.Approve(t.Context(), p.opts(), []string{"nothing"}); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// An origin in doubt is accepted as it is locked, without a request, whatever the manifest says.
func TestApproveUnconfirmed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.wishes("a@^1.0.0")
	p.must()
	unconfirm(p)
	p.wishes("a@^1.0.0 c@1")
	s.Reset()
	got, err := install.Approve(t.Context(), p.opts(), []string{"a"})
	if err != nil || !got[0].Confirmed || got[0].Registry != "npm" || s.Count() > 0 {
		t.Errorf("got %+v, %v after %v", got, err, s.Requests())
	}
	for id, pkg := range p.lock().Packages {
		if pkg.Unconfirmed != "" {
			t.Errorf("%s is unconfirmed", id)
		}
	}
}

// A version that is locked from a registry, and that it does not have any more, is warned of.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, public)
	p := newPlace(t, s)
	p.wishes("a@^1.0.0 c@^1.0.0")
	p.must()
	s.Memory.Remove("c", "1.1.0")
	s.Memory.Add(packages(t, "c@1.0.5")...)
	if r := p.must(); len(r.Warnings) > 0 { // nobody was asked
		t.Errorf("got %+v", r.Warnings)
	}
	r, err := p.add(install.Addition{}, "c@^1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	want := `registry npm does not have c@1.1.0 any more, which is locked from it`
	if len(r.Warnings) == 0 || r.Warnings[0].Message != want || r.Warnings[0].Name != "c" {
		t.Errorf("got %+v", r.Warnings)
	}
}

package install_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// The digests in the lockfile decide, whatever a registry announces or sends later.
func TestDigestsAreKept(t *testing.T) {
	t.Parallel()
	other := packages(t, "b@1.2.0")[0]
	other.Files["index.js"] = "evil"
	weak := packages(t, "b@1.2.0 bin:b=cli.js sha1")[0]
	tests := map[string]struct {
		serve registrytest.Pkg   // b@1.2.0, from now on
		how   func(*place) error // from an installed project whose store is gone
		err   error
	}{
		"other bytes":                   {other, func(p *place) error { _, err := p.install(frozen); return err }, pantry.ErrIntegrity},
		"other bytes, not frozen":       {other, func(p *place) error { _, err := p.install(); return err }, pantry.ErrIntegrity},
		"other bytes, wished for again": {other, func(p *place) error { _, err := p.add(install.Addition{}, "b@1.2.0"); return err }, pantry.ErrIntegrity},
		"other bytes, lock only": {other, func(p *place) error {
			p.options = append(p.options, lockOnly)
			_, err := p.add(install.Addition{}, "b@1.2.0")
			return err
		}, pantry.ErrIntegrity},
		"a weaker digest": {weak, func(p *place) error { _, err := p.add(install.Addition{}, "b@1.2.0"); return err }, nil},
		"a weaker digest, lock only": {weak, func(p *place) error {
			p.options = append(p.options, lockOnly)
			_, err := p.add(install.Addition{}, "b@1.2.0")
			return err
		}, nil},
		"a weaker digest, other bytes":      {weak, func(p *place) error { _, err := p.add(install.Addition{}, "b@1.2.0"); return err }, pantry.ErrIntegrity},
		"no digest any more, but the bytes": {packages(t, "b@1.2.0 bin:b=cli.js nodigest")[0], func(p *place) error { _, err := p.add(install.Addition{}, "b@1.2.0"); return err }, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			p := newPlace(t, s)
			p.wishes("a@^1.0.0")
			p.must()
			sum := p.lock().Packages["npm:b@1.2.0"].Integrity.String()
			s.Memory.Add(tt.serve)
			s.Config.AllowMissingChecksum = true
			p.registries("", s)
			if name == "a weaker digest, other bytes" {
				s.Set(registrytest.Rule{Path: "/b/-/*", Fault: registrytest.Body(200, "", string(registrytest.Tarball(other)))})
			}
			p.remove("node_modules", "../store")
			before := p.files(false)
			err := tt.how(p)
			if !errors.Is(err, tt.err) || err == nil != (tt.err == nil) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), "b@1.2.0") || !strings.Contains(err.Error(), `"npm"`) || pantry.Hint(err) == "" {
					t.Errorf("got %q, hint %q", err, pantry.Hint(err))
				}
				p.same(before, false)
				return
			}
			if got := p.lock().Packages["npm:b@1.2.0"].Integrity.String(); got != sum {
				t.Errorf("locked %s, was %s", got, sum)
			}
		})
	}
}

// Whatever digest a registry gives, the lockfile has a SHA-512 afterwards.
func TestWeakAndMissingDigests(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{"a@1.0.0 sha1": nil, "a@1.0.0 nodigest": pantry.ErrPolicy} {
		s := newSite(t, "npm", "npm", 20, text)
		p := newPlace(t, s)
		p.wishes("a@1")
		before := p.files(false)
		if _, err := p.install(); !errors.Is(err, want) || err == nil != (want == nil) {
			t.Errorf("%s: got %v, want %v", text, err, want)
		} else if err != nil {
			if !strings.Contains(err.Error(), "a@1.0.0") || !strings.Contains(pantry.Hint(err), "allowMissingChecksum") {
				t.Errorf("got %q, hint %q", err, pantry.Hint(err))
			}
			p.same(before, false)
		}
		s.Config.AllowMissingChecksum = true
		p.registries("", s)
		p.options = append(p.options, func(o *install.Options) { o.AllowMissingIntegrity = func(name string) bool { return name == "npm" } })
		p.remove("node_modules", "pantry.lock")
		p.must(lockOnly) // with what the registry gives
		p.must()
		d, ok := p.lock().Packages["npm:a@1.0.0"].Integrity.Find(integrity.SHA512)
		if want := integrity.Sum(integrity.SHA512, registrytest.Tarball(packages(t, text)[0])); !ok || d != want {
			t.Errorf("%s: locked %s, want %s", text, d, want)
		}
		p.wantTree("a 1.0.0")
		p.remove("node_modules", "../store")
		p.options = nil
		p.must(frozen) // now it can be verified
	}
}

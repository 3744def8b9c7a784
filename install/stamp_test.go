package install_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/install"
)

// TestStoreLostOne: what was remembered of an install does not keep a package from being fetched again that
// the store has lost.
func TestStoreLostOne(t *testing.T) {
	t.Parallel()
	forEachLayout(t, func(t *testing.T, l install.Layout) {
		s := newSite(t, "npm", "npm", 10, "a@1.0.0 b@^1\nb@1.0.0 bin:b=b.js")
		p := newPlace(t, s)
		p.options = append(p.options, inLayout(l))
		p.wishes("a@^1")
		p.must()
		want := p.comparable()
		p.remove("node_modules")
		s.Reset()
		p.must()
		p.equal(want)
		if s.Count() > 0 {
			t.Errorf("asked although all is there: %v", s.Requests())
		}

		p.remove("node_modules")
		entries, err := filepath.Glob(filepath.Join(p.store, "*", "*", "*", "node_modules", "b", "b.js"))
		if err != nil || len(entries) == 0 {
			t.Fatalf("%v: no entry in the store", err)
		}
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Dir(filepath.Dir(filepath.Dir(e)))); err != nil {
				t.Fatal(err)
			}
		}
		if l.Linker == install.Isolated && l.Store == install.OnMachine {
			return // who removes files of the store by hand is told by store verify
		}
		p.must()
		p.equal(want)
		if s.Count() == 0 {
			t.Error("nothing was fetched")
		}
	})
}

// equal fails unless the project is what it was when want was taken.
func (p *place) equal(want map[string]string) {
	p.t.Helper()
	if d := cmp.Diff(want, p.comparable()); d != "" {
		p.t.Errorf("- was, + is:\n%s", d)
	}
}

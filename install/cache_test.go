package install_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/registry"
)

// TestCache: what installs without a lockfile take from what registries said before, and whom they
// ask, when everything has a newer version by now.
func TestCache(t *testing.T) {
	t.Parallel()
	const newer = `
		a@1.2.0 b@^1.0.0
		b@1.3.0`
	asking := func(a pantry.Asking) func(*place) {
		return func(p *place) { p.options = append(p.options, func(o *install.Options) { o.Asking = a }) }
	}
	noNetwork := func(p *place) { p.options = append(p.options, offline) }
	later := func(p *place) { p.cached(p.manager.All()[0].Config(), time.Hour) }
	for name, c := range map[string]struct {
		change func(*place)
		add    string
		tree   string
		asked  string
		err    error
	}{
		"soon":                   {tree: "a 1.1.0, b 1.2.0"},
		"later":                  {change: later, tree: "a 1.2.0, b 1.3.0", asked: "a b"},
		"refresh":                {change: asking(pantry.AskAgain), tree: "a 1.2.0, b 1.3.0", asked: "a b"},
		"prefer offline":         {change: func(p *place) { later(p); asking(pantry.AskIfMissing)(p) }, tree: "a 1.1.0, b 1.2.0"},
		"prefer offline, a new":  {change: func(p *place) { p.wishes("a@^1 c@1"); asking(pantry.AskIfMissing)(p) }, tree: "a 1.1.0, b 1.2.0, c 1.0.0", asked: "c"},
		"offline":                {change: func(p *place) { later(p); noNetwork(p) }, tree: "a 1.1.0, b 1.2.0"},
		"offline, a new":         {change: func(p *place) { p.wishes("a@^1 c@1"); noNetwork(p) }, err: pantry.ErrUnavailable},
		"offline, a new version": {change: func(p *place) { p.wishes("a@1.2.0"); noNetwork(p) }, err: pantry.ErrVersionNotFound},
		"a new version":          {change: func(p *place) { p.wishes("a@1.2.0") }, tree: "a 1.2.0, b 1.2.0", asked: "a"},
		"add by name":            {add: "a@^1", tree: "a 1.2.0, b 1.2.0", asked: "a"},
		"add another":            {add: "c@1", tree: "a 1.1.0, b 1.2.0, c 1.0.0", asked: "c"},
		"add, prefer offline":    {change: asking(pantry.AskIfMissing), add: "a@^1", tree: "a 1.1.0, b 1.2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			p := newPlace(t, s)
			p.cached(s.Config, 0)
			p.wishes("a@^1.0.0")
			p.must()
			p.remove("node_modules", "pantry.lock")
			p.wishes("a@^1.0.0")
			s.Memory.Add(packages(t, newer)...)
			s.Reset()
			if c.change != nil {
				c.change(p)
			}
			var err error
			if c.add != "" {
				_, err = p.add(install.Addition{}, c.add)
			} else {
				_, err = p.install()
			}
			if asked := strings.Join(s.asked(), " "); asked != c.asked {
				t.Errorf("asked for %q, want %q", asked, c.asked)
			}
			if !errors.Is(err, c.err) || err == nil != (c.err == nil) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			if err != nil {
				if !strings.Contains(pantry.Hint(err), "--offline") {
					t.Errorf("hint %q", pantry.Hint(err))
				}
				return
			}
			p.wantTree(c.tree)
		})
	}
}

// cached makes a registry that of the next installs, with a cache and a clock that is ahead.
func (p *place) cached(c registry.Config, ahead time.Duration) {
	p.t.Helper()
	m := registry.NewManager(registry.Options{
		CacheDir: filepath.Join(filepath.Dir(p.dir), "cache"),
		Now:      func() time.Time { return time.Now().Add(ahead) },
	})
	if err := m.Load([]registry.Config{c}, ""); err != nil {
		p.t.Fatal(err)
	}
	p.manager = m
}

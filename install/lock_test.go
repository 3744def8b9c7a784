package install_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func frozen(o *install.Options)   { o.Frozen = true }
func offline(o *install.Options)  { o.Offline = true }
func lockOnly(o *install.Options) { o.LockOnly = true }

func TestFrozen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		then string // wishes; "" for the same
		more func(*place)
		err  error
		text string
	}{
		"same":             {},
		"spec":             {then: "a@^1.0.0 D:c@1", err: pantry.ErrPolicy, text: `a is "1" in pantry.lock and "^1.0.0" in the manifest`},
		"new":              {then: "a@1 D:c@1 b@2", err: pantry.ErrPolicy, text: "b@2 is not in pantry.lock"},
		"gone":             {then: "a@1", err: pantry.ErrPolicy, text: "c is in pantry.lock and not in the manifest"},
		"kind":             {then: "D:a@1 D:c@1", err: pantry.ErrPolicy, text: "a is a prod dependency in pantry.lock and a dev dependency in the manifest"},
		"overrides":        {more: func(p *place) { p.write("pantry.json", `{"overrides":{"b":"1.0.0"}}`) }, err: pantry.ErrPolicy, text: "overrides"},
		"no lockfile":      {more: func(p *place) { p.remove("pantry.lock") }, err: pantry.ErrPolicy, text: "there is no pantry.lock"},
		"nothing wished":   {then: " ", more: func(p *place) { p.remove("pantry.lock") }},
		"damaged lockfile": {more: func(p *place) { p.write("pantry.lock", "what\n") }, err: pantry.ErrConfig, text: "pantry.lock:1"},
		"conflict in it":   {more: func(p *place) { p.write("pantry.lock", "<<<<<<< ours\n") }, err: pantry.ErrConfig, text: "pantry.lock:1"},
		"empty lockfile": {then: " ", more: func(p *place) {
			p.write("pantry.lock", "# pantry.lock, version 1. Made by \"pantry install\"; do not edit by hand.\n")
		}},
		"store is gone":      {more: func(p *place) { p.remove("../store", "node_modules") }},
		"unconfirmed origin": {more: unconfirm, err: pantry.ErrPolicy, text: `a@1.1.0 was taken from registry "npm" while "acme" was unavailable`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
			p.wishes("a@1 D:c@1")
			p.must()
			if tt.then != "" {
				p.wishes(tt.then)
			}
			if tt.more != nil {
				tt.more(p)
			}
			before := p.files(false)
			_, err := p.install(frozen)
			if !errors.Is(err, tt.err) || err == nil != (tt.err == nil) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), tt.text) || tt.err == pantry.ErrPolicy && pantry.Hint(err) == "" {
				t.Errorf("got %q, hint %q", err, pantry.Hint(err))
			}
			p.same(before, false)
		})
	}
}

// unconfirm makes the lockfile say that a was taken from a registry that was second choice.
func unconfirm(p *place) {
	l := p.lock()
	for _, pkg := range l.Packages {
		if pkg.Name == "a" {
			pkg.Unconfirmed = "acme"
		}
	}
	if err := l.Write(p.dir + "/pantry.lock"); err != nil {
		p.t.Fatal(err)
	}
}

func TestFrozenDoesNotAdd(t *testing.T) {
	t.Parallel()
	p := newPlace(t, newSite(t, "npm", "npm", 20, basic))
	p.wishes("a@1")
	p.must()
	p.options = append(p.options, frozen)
	before := p.files(true)
	if _, err := p.add(install.Addition{}, "c"); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("got %v", err)
	}
	if _, err := install.Remove(t.Context(), p.opts(), []string{"a"}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("got %v", err)
	}
	p.same(before, true)
}

func TestOffline(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*place)
		add    string
		err    error
		text   string
		tree   string
	}{
		"everything there":   {change: func(p *place) { p.remove("node_modules") }, tree: "a 1.1.0, b 1.2.0"},
		"up to date":         {tree: "a 1.1.0, b 1.2.0"},
		"no lockfile":        {change: func(p *place) { p.remove("pantry.lock", "node_modules") }, err: pantry.ErrUnavailable, text: "a"},
		"a wish is gone":     {change: func(p *place) { p.wishes("b@1") }, err: pantry.ErrUnavailable, text: "b"},
		"wishes what it has": {change: func(p *place) { p.wishes("a@1") }, tree: "a 1.1.0, b 1.2.0"},
		"a wish more":        {change: func(p *place) { p.wishes("a@^1 c@1") }, err: pantry.ErrUnavailable, text: "c"},
		"not in the store":   {change: func(p *place) { p.remove("node_modules", "../store") }, err: pantry.ErrUnavailable, text: "not in the store"},
		"unconfirmed origin": {change: func(p *place) { unconfirm(p); p.remove("node_modules") }, tree: "a 1.1.0, b 1.2.0"},
		"add":                {add: "c@1", err: pantry.ErrUnavailable, text: "c"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			p := newPlace(t, s)
			p.wishes("a@^1.0.0")
			p.must()
			s.Reset()
			if tt.change != nil {
				tt.change(p)
			}
			before := p.files(false)
			p.options = append(p.options, offline)
			var err error
			if tt.add != "" {
				_, err = p.add(install.Addition{}, tt.add)
			} else {
				_, err = p.install()
			}
			if s.Count() > 0 {
				t.Errorf("asked: %v", s.Requests())
			}
			if !errors.Is(err, tt.err) || err == nil != (tt.err == nil) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), tt.text) || !strings.Contains(pantry.Hint(err), "--offline") {
					t.Errorf("got %q, hint %q", err, pantry.Hint(err))
				}
				p.same(before, false)
				return
			}
			p.wantTree(tt.tree)
		})
	}
}

func TestLockOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.wishes("a@^1.0.0")
	r := p.must(lockOnly)
	if p.tree() != "" || len(p.lock().Packages) != 2 || r.Packages != 2 || r.Linked != 0 {
		t.Errorf("got %+v", r)
	}
	for _, r := range s.Requests() {
		if strings.Contains(r.Path, "/-/") {
			t.Errorf("an artifact was fetched: %s", r.Path)
		}
	}
	locked := p.read("pantry.lock")
	p.must(frozen)
	if p.read("pantry.lock") != locked {
		t.Error("the lockfile changed")
	}
	p.options = append(p.options, lockOnly)
	p.ok(p.add(install.Addition{}, "c"))
	p.wantTree("a 1.1.0, b 1.2.0")
	if !strings.Contains(p.read("package.json"), `"c"`) || len(p.lock().Packages) != 3 {
		t.Error("not written down")
	}
	p.options = nil
	if r := p.must(); r.UpToDate || r.Linked != 1 {
		t.Errorf("got %+v", r)
	}
}

// urls returns what the lockfile says of where packages are.
func (p *place) urls() map[string]string {
	out := map[string]string{}
	for _, pkg := range p.lock().Packages {
		out[pkg.Name] = pkg.URL
	}
	return out
}

// A lockfile holds no host: what follows from the convention is left out, what is elsewhere below the
// registry is relative, and for the rest the registry is asked again. All can be fetched by it.
func TestURLs(t *testing.T) {
	t.Parallel()
	elsewhere := newSite(t, "npm", "elsewhere", 0, basic)
	tests := map[string]struct {
		fault registrytest.Fault
		at    func(*site, http.Handler) http.Handler
		want  string
	}{
		"conventional": {nil, nil, ""},
		"below the registry": {registrytest.Replace("/b/-/b-1.2.0.tgz", "/files/b.tgz"), func(_ *site, h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/files/b.tgz" {
					r.URL.Path = "/b/-/b-1.2.0.tgz"
				}
				h.ServeHTTP(w, r)
			})
		}, "files/b.tgz"},
		"on another host": {nil, nil, "-"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			if tt.at != nil {
				s.SetHandler(tt.at(s, npm.Handler(s.Memory, npm.HandlerOptions{})))
			}
			if name == "on another host" {
				tt.fault = registrytest.Replace(s.Server.URL+"/b/-/", elsewhere.Server.URL+"/b/-/")
			}
			if tt.fault != nil {
				s.Set(registrytest.Rule{Path: "/b", Fault: tt.fault}, registrytest.Rule{Path: "/b/1.2.0", Fault: tt.fault})
			}
			p := newPlace(t, s)
			p.wishes("a@^1.0.0")
			p.must()
			if got := p.urls(); got["b"] != tt.want || got["a"] != "" {
				t.Errorf("got %q", got)
			}
			if text := p.read("pantry.lock"); strings.Contains(text, "127.0.0.1") || strings.Contains(text, "://") {
				t.Errorf("a host in the lockfile:\n%s", text)
			}
			p.remove("node_modules", "../store")
			p.must(frozen)
			p.wantTree("a 1.1.0, b 1.2.0")
		})
	}
}

// The same lockfile serves where the registry has another address.
func TestRegistryMoves(t *testing.T) {
	t.Parallel()
	old, moved := newSite(t, "npm", "npm", 20, basic), newSite(t, "npm", "npm", 20, basic)
	moved.SetHandler(http.StripPrefix("/mirror/npm", npm.Handler(moved.Memory, npm.HandlerOptions{BaseURL: moved.Server.URL + "/mirror/npm"})))
	moved.Config.URL += "/mirror/npm/"
	p := newPlace(t, old)
	p.wishes("@s/d@1")
	p.must()
	old.Server.Close()
	p.registries("", moved)
	p.remove("node_modules", "../store")
	p.must(frozen)
	p.wantTree("@s/d 1.0.0, a 1.1.0, b 1.2.0")
}

// What a lockfile says of where a package is never leads away from its registry, and nobody is asked.
func TestPoisonedLockfile(t *testing.T) {
	t.Parallel()
	evil := registrytest.NewScripted(nil)
	srv := httptest.NewServer(evil)
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	tests := map[string]struct {
		poison func(*lockfile.Package)
		err    error
	}{
		"absolute":         {func(p *lockfile.Package) { p.URL = srv.URL + "/b.tgz" }, pantry.ErrPolicy},
		"without scheme":   {func(p *lockfile.Package) { p.URL = "//" + host + "/b.tgz" }, pantry.ErrPolicy},
		"from the root":    {func(p *lockfile.Package) { p.URL = "/b.tgz" }, pantry.ErrPolicy},
		"file":             {func(p *lockfile.Package) { p.URL = "file:///etc/passwd" }, pantry.ErrPolicy},
		"upward":           {func(p *lockfile.Package) { p.URL = "../../@" + host + "/b.tgz" }, pantry.ErrNotFound},
		"like a host":      {func(p *lockfile.Package) { p.URL = "@registry.example.com/b.tgz" }, pantry.ErrNotFound},
		"unknown registry": {func(p *lockfile.Package) { p.Registry = "evil" }, pantry.ErrConfig},
		"another version":  {func(p *lockfile.Package) { p.Version = "1.0.0" }, pantry.ErrIntegrity},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			p := newPlace(t, s)
			p.wishes("a@^1.0.0")
			p.must()
			l := p.lock()
			b := l.Packages["npm:b@1.2.0"]
			tt.poison(b)
			rename(l, "npm:b@1.2.0", lockfile.MakeID(b.Registry, b.Name, b.Version))
			if err := l.Write(p.dir + "/pantry.lock"); err != nil {
				t.Fatal(err)
			}
			p.remove("node_modules", "../store")
			before := p.files(false)
			for _, edit := range []func(*install.Options){frozen, func(*install.Options) {}} {
				if _, err := p.install(edit); !errors.Is(err, tt.err) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				p.same(before, false)
			}
		})
	}
	t.Cleanup(func() {
		if evil.Count() > 0 {
			t.Errorf("asked: %v", evil.Requests())
		}
	})
}

// rename gives a package another ID wherever it is named.
func rename(l *lockfile.Lock, from, to lockfile.ID) {
	p := l.Packages[from]
	delete(l.Packages, from)
	l.Packages[to] = p
	for _, p := range l.Packages {
		for name, d := range p.Dependencies {
			if d.ID == from {
				d.ID = to
				p.Dependencies[name] = d
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic)
	p := newPlace(t, s)
	p.write("package.json", `{"dependencies":{"a":"^1.0.0","@s/d":"1"},"overrides":{"b":"1.0.0"}}`)
	p.must()
	p.wantTree("@s/d 1.0.0, a 1.1.0, b 1.0.0")
	if got := p.lock().Overrides; !maps.Equal(got, map[string]string{"b": "1.0.0"}) {
		t.Errorf("locked %v", got)
	}
	p.must(frozen)
	p.write("package.json", `{"dependencies":{"a":"^1.0.0","@s/d":"1"}}`)
	p.must()
	if got := p.lock().Overrides; len(got) > 0 {
		t.Errorf("locked %v", got)
	}
	p.must(frozen)
}

// bundled packages come with the artifact and are not asked for.
func TestBundled(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, "a@1.0.0 !inside@1 b@1\nb@1.0.0 inside@2\ninside@2.0.0\ninside@3.0.0")
	p := newPlace(t, s)
	p.wishes("a@1 inside@3")
	p.must()
	p.wantTree("a 1.0.0, a inside 0.0.1, b 1.0.0, b inside 2.0.0, inside 3.0.0")
	p.must(frozen, func(o *install.Options) { o.Force = true })
}

func TestOmitAndPlatform(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, `
		a@1.0.0 ?win@1 ?lin@1
		win@1.0.0 os:win32 deep@1
		lin@1.0.0 os:linux
		deep@1.0.0
		dev@1.0.0 both@1
		both@1.0.0
		must@1.0.0 os:win32`)
	p := newPlace(t, s)
	p.wishes("a@1 both@1 D:dev@1")
	if r := p.must(); r.Skipped != 1 {
		t.Errorf("got %+v", r)
	}
	p.wantTree("a 1.0.0, both 1.0.0, dev 1.0.0, lin 1.0.0")
	locked := slices.Sorted(maps.Keys(p.lock().Packages))
	if len(locked) != 6 {
		t.Errorf("the lockfile is not for all platforms: %v", locked)
	}
	for _, r := range s.Requests() {
		if strings.Contains(r.Path, "/win/-/") {
			t.Errorf("%s was fetched", r.Path)
		}
	}
	p.must(func(o *install.Options) { o.Omit = map[lockfile.Kind]bool{lockfile.Dev: true} })
	p.wantTree("a 1.0.0, both 1.0.0, lin 1.0.0")
	p.must(func(o *install.Options) { o.Platform.OS = "win32" }, frozen)
	p.wantTree("a 1.0.0, both 1.0.0, deep 1.0.0, dev 1.0.0, win 1.0.0")
	if got := slices.Sorted(maps.Keys(p.lock().Packages)); !slices.Equal(got, locked) {
		t.Errorf("the lockfile changed: %v", got)
	}
	before := p.files(false)
	if _, err := p.add(install.Addition{}, "must"); !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(err.Error(), "must@1.0.0") {
		t.Errorf("got %v", err)
	}
	p.same(before, false)
}

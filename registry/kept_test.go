package registry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// teller is a registry of the REST convention that tells everybody who they are: nobody may be told who
// somebody else is.
type teller struct {
	*httptest.Server
	asked atomic.Int64
	down  atomic.Bool
}

func newTeller(t testing.TB, control string) *teller {
	s := &teller{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		name := strings.TrimPrefix(r.URL.Path, "/packages/")
		who := r.Header.Get("Authorization") + r.Header.Get("X-Api-Key") + r.Header.Get("X-Team")
		if control != "" {
			w.Header().Set("Cache-Control", control)
		}
		switch {
		case s.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case strings.HasPrefix(name, "missing"):
			w.WriteHeader(http.StatusNotFound)
		default:
			fmt.Fprintf(w, `{"name": %q, "version": "1.0.0", "versions": ["1.0.0"], "tags": {"latest": "1.0.0"}, "description": %q, "checksum": "sha256:%064d"}`, name, who, 1)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// person is somebody who asks a registry, with secrets of her own.
type person struct {
	auth    *registry.Auth
	headers map[string]registry.Value
	is      string // what the teller says
}

func people() []person {
	value := func(s string) registry.Value { return registry.Value{Raw: pantry.NewSecret(s), Literal: true} }
	return []person{
		{},
		{auth: &registry.Auth{Type: "bearer", Token: value("tok3n-ann")}, is: "Bearer tok3n-ann"},
		{auth: &registry.Auth{Type: "bearer", Token: value("tok3n-bob")}, is: "Bearer tok3n-bob"},
		{auth: &registry.Auth{Type: "basic", Username: value("ann"), Password: value("tok3n-ann")}, is: "Basic YW5uOnRvazNuLWFubg=="},
		{auth: &registry.Auth{Type: "custom", Name: "X-Api-Key", Value: value("tok3n-key")}, is: "tok3n-key"},
		{headers: map[string]registry.Value{"X-Team": value("tok3n-web")}, is: "tok3n-web"},
	}
}

func (p person) manager(t interface{ Fatal(...any) }, s *teller, dir string, now func() time.Time) *registry.Manager {
	m := registry.NewManager(registry.Options{CacheDir: dir, Now: now})
	err := m.Add(registry.Config{Name: "r", Type: "custom", URL: s.URL, Auth: p.auth, Headers: p.headers, Retries: ptr(0)})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestIdentitiesApart: whoever asks whatever and however, in one folder, is told what she would be told
// without a cache; and no secret is in the folder.
func TestIdentitiesApart(t *testing.T) {
	t.Parallel()
	s, dir := newTeller(t, ""), t.TempDir()
	all := people()
	rapid.Check(t, func(t *rapid.T) {
		p := all[rapid.IntRange(0, len(all)-1).Draw(t, "who")]
		name := rapid.SampledFrom([]string{"a", "b", "missing"}).Draw(t, "name")
		how := pantry.Asking(rapid.IntRange(int(pantry.AskAlways), int(pantry.AskNobody)).Draw(t, "asking"))
		m := p.manager(t, s, dir, nil)
		md, _, err := m.Lookup(pantry.WithAsking(context.Background(), how), registry.Request{Name: name})
		switch {
		case errors.Is(err, pantry.ErrUnavailable) && how == pantry.AskNobody:
		case name == "missing" && !errors.Is(err, pantry.ErrNotFound), name != "missing" && err != nil:
			t.Fatalf("%s: %v", name, err)
		case err == nil && md.Description != p.is:
			t.Fatalf("%q is told %q", p.is, md.Description)
		}
	})
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "tok3n") {
			return err
		}
		data, err := os.ReadFile(path)
		// What the registry says may be there; what was sent may not.
		data = data[:bytes.IndexByte(append(data, '{'), '{')]
		for _, secret := range []string{"tok3n", "YW5u"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestCacheStates: where answers come from, as decisions tell it, and what is said when something old has
// to do.
func TestCacheStates(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		control string
		config  *registry.Cache
		pkg     string
		how     pantry.Asking
		after   time.Duration
		down    bool
		outcome registry.Outcome
		cache   pantry.CacheState
		asked   int64
	}{
		"soon":                   {"", nil, "a", pantry.AskIfStale, time.Minute, false, registry.Found, pantry.CacheFresh, 0},
		"later":                  {"", nil, "a", pantry.AskIfStale, time.Hour, false, registry.Found, pantry.CacheNetwork, 1},
		"asked now":              {"", nil, "a", pantry.AskAlways, 0, false, registry.Found, pantry.CacheNetwork, 1},
		"as it says":             {"max-age=7200", nil, "a", pantry.AskIfStale, time.Hour, false, registry.Found, pantry.CacheFresh, 0},
		"as configured":          {"max-age=1", &registry.Cache{TTL: ptr(2 * time.Hour)}, "a", pantry.AskIfStale, time.Hour, false, registry.Found, pantry.CacheFresh, 0},
		"configured: never":      {"", &registry.Cache{TTL: ptr(time.Duration(0))}, "a", pantry.AskIfStale, 0, false, registry.Found, pantry.CacheNetwork, 1},
		"down":                   {"", nil, "a", pantry.AskIfStale, time.Hour, true, registry.Found, pantry.CacheStale, 1},
		"down for long":          {"", nil, "a", pantry.AskIfStale, 8 * day, true, registry.Unavailable, "", 1},
		"down, and asked now":    {"", nil, "a", pantry.AskAgain, 0, true, registry.Unavailable, "", 1},
		"down, configured":       {"", &registry.Cache{StaleIfError: ptr(time.Minute)}, "a", pantry.AskIfStale, time.Hour, true, registry.Unavailable, "", 1},
		"down, must-revalidate":  {"must-revalidate", nil, "a", pantry.AskIfStale, time.Hour, true, registry.Unavailable, "", 1},
		"offline":                {"", nil, "a", pantry.AskNobody, 8 * day, true, registry.Found, pantry.CacheStale, 0},
		"prefer offline":         {"", nil, "a", pantry.AskIfMissing, 8 * day, true, registry.Found, pantry.CacheStale, 0},
		"none, soon, once more":  {"", nil, "missing", pantry.AskIfStale, 0, false, registry.NameNotFound, pantry.CacheNetwork, 1},
		"none, offline":          {"", nil, "missing", pantry.AskNobody, day, true, registry.NameNotFound, pantry.CacheStale, 0},
		"none, down: who knows?": {"", nil, "missing", pantry.AskIfStale, time.Hour, true, registry.Unavailable, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newTeller(t, c.control), t.TempDir()
			now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
			ask := func(how pantry.Asking) (registry.Decision, error) {
				m := registry.NewManager(registry.Options{CacheDir: dir, Now: func() time.Time { return now }})
				must(t, m.Add(registry.Config{Name: "r", Type: "custom", URL: s.URL, Retries: ptr(0), Cache: c.config}))
				_, d, err := m.Lookup(pantry.WithAsking(t.Context(), how), registry.Request{Name: c.pkg})
				return d, err
			}
			_, _ = ask(pantry.AskIfStale)
			now = now.Add(c.after)
			s.down.Store(c.down)
			before := s.asked.Load()
			d, err := ask(c.how)
			a := d.Attempts[0]
			if a.Outcome != c.outcome || a.Cache != c.cache || s.asked.Load()-before != c.asked {
				t.Errorf("%s, %q after %d requests, %v", a.Outcome, a.Cache, s.asked.Load()-before, err)
			}
			wantStale := c.cache == pantry.CacheStale && c.how == pantry.AskIfStale
			if wantStale != strings.Contains(d.Stale, "registry r cannot be asked, so what it said before is used: it answered 503 Service Unavailable") || !wantStale && d.Stale != "" {
				t.Errorf("stale: %q", d.Stale)
			}
		})
	}
}

// TestSomebodyElse: a name that a private registry does not have is not asked of it for every install,
// and is seen as soon as nobody else has it.
func TestSomebodyElse(t *testing.T) {
	t.Parallel()
	private, public := newSite(t, "private"), newSite(t, "public", lodash)
	dir := t.TempDir()
	find := func(name string) (registry.Decision, error) {
		m := registry.NewManager(registry.Options{CacheDir: dir})
		must(t, m.Add(registry.Config{Name: "private", Type: "npm", URL: private.URL, Priority: ptr(1)}))
		must(t, m.Add(registry.Config{Name: "public", Type: "npm", URL: public.URL, Priority: ptr(2)}))
		_, d, err := m.Find(pantry.WithAsking(t.Context(), pantry.AskIfStale), registry.Request{Name: name})
		return d, err
	}
	for i := range 2 {
		before := private.Count()
		d, err := find("lodash")
		if err != nil || d.Registry != "public" || d.Unconfirmed != "" || i > 0 != (private.Count() == before) {
			t.Errorf("%d: %s, %v, %d requests to the private one", i, d.Registry, err, private.Count()-before)
		}
	}
	if _, err := find("own"); !errors.Is(err, pantry.ErrNotFound) {
		t.Fatal(err)
	}
	own := lodash
	own.Name = "own"
	private.Memory.Add(own)
	if d, err := find("own"); err != nil || d.Registry != "private" {
		t.Errorf("just published: %v, %v", d.Registry, err)
	}
}

// TestRefreshInBackground: what may be used while it is asked about again is used, and is another one
// the next time.
func TestRefreshInBackground(t *testing.T) {
	t.Parallel()
	var edition atomic.Int64
	asked := make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=0, stale-while-revalidate=3600")
		fmt.Fprintf(w, `{"name": "a", "version": "1.0.%d", "checksum": "sha256:%064d"}`, edition.Add(1), 1)
		asked <- struct{}{}
	}))
	defer s.Close()
	dir := t.TempDir()
	ask := func() (string, pantry.CacheState) {
		m := registry.NewManager(registry.Options{CacheDir: dir})
		must(t, m.Add(registry.Config{Name: "r", Type: "custom", URL: s.URL}))
		md, d, err := m.Lookup(pantry.WithAsking(t.Context(), pantry.AskIfStale), registry.Request{Name: "a"})
		must(t, err)
		m.Wait()
		return md.Version, d.Attempts[0].Cache
	}
	if v, c := ask(); v != "1.0.1" || c != pantry.CacheNetwork {
		t.Errorf("%s, %s", v, c)
	}
	<-asked
	for _, want := range []string{"1.0.1", "1.0.2", "1.0.3"} {
		if v, c := ask(); v != want || c != pantry.CacheStale {
			t.Errorf("%s, %s, want %s", v, c, want)
		}
		<-asked
	}
}

// TestLoginIsNotKept: a registry's answers with a token in them are in no cache.
func TestLoginIsNotKept(t *testing.T) {
	t.Parallel()
	const token = "tok3n-of-the-login"
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		switch r.URL.Path {
		case "/-/v1/login":
			fmt.Fprintf(w, `{"loginUrl": "%s/page", "doneUrl": "%[1]s/done"}`, s.URL)
		case "/done":
			fmt.Fprintf(w, `{"token": %q}`, token)
		case "/-/whoami":
			fmt.Fprint(w, `{"username": "`+token+`"}`)
		default:
			fmt.Fprint(w, `{"name": "a", "dist-tags": {}, "versions": {"1.0.0": {"name": "a", "version": "1.0.0"}}}`)
		}
	}))
	defer s.Close()
	dir := t.TempDir()
	m := registry.NewManager(registry.Options{CacheDir: dir})
	must(t, m.Add(registry.Config{Name: "r", Type: "npm", URL: s.URL}))
	e, _ := m.Get("r")
	type loginer interface {
		LoginWeb(context.Context, func(string) error) (pantry.Secret, error)
		Whoami(context.Context) (string, error)
	}
	r, ok := pantry.As[loginer](e)
	if !ok {
		t.Fatal("there is no login")
	}
	got, err := r.LoginWeb(t.Context(), func(string) error { return nil })
	if err != nil || got.Reveal() != token {
		t.Fatal(err)
	}
	if _, err := r.Whoami(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Package(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	kept := 0
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(token)) {
			t.Errorf("the token is in %s", path)
		}
		if bytes.Contains(data, []byte("dist-tags")) {
			kept++
		}
		return err
	}))
	if kept != 1 {
		t.Errorf("%d packuments are kept", kept)
	}
}

// TestPingAsks: whether a registry is there is never answered by a cache.
func TestPingAsks(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"npm", "custom", "github", "pkgx"} {
		s := newTeller(t, "max-age=3600")
		m := registry.NewManager(registry.Options{CacheDir: t.TempDir()})
		must(t, m.Add(registry.Config{Name: "r", Type: typ, URL: s.URL, Retries: ptr(0)}))
		e, _ := m.Get("r")
		p, ok := pantry.As[pantry.Pinger](e)
		if !ok {
			t.Fatal(typ)
		}
		ctx := pantry.WithAsking(t.Context(), pantry.AskIfMissing)
		for range 2 {
			before := s.asked.Load()
			if _ = p.Ping(ctx); s.asked.Load() == before {
				t.Errorf("%s: a cache was asked", typ)
			}
			s.down.Store(true)
		}
		if err := p.Ping(ctx); !errors.Is(err, pantry.ErrUnavailable) {
			t.Errorf("%s: %v", typ, err)
		}
	}
}

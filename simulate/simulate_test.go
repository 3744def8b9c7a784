package simulate_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/simulate"
	"github.com/pantry-go/pantry/transport"
)

// silent fails a test in which somebody is asked.
type silent struct{ t *testing.T }

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.t.Errorf("asked: %s", r.URL)
	return nil, errors.New("nobody is there")
}

func manager(t *testing.T, entries ...registry.Config) *registry.Manager {
	t.Helper()
	m := registry.NewManager(registry.Options{
		Getenv:    func(string) (string, bool) { return "", false },
		Transport: func(_ registry.Config, o *transport.Options) { o.Base = silent{t} },
	})
	if err := m.Load(entries, ""); err != nil {
		t.Fatal(err)
	}
	return m
}

func entry(name string, priority int, packages ...string) registry.Config {
	return registry.Config{Name: name, Type: "npm", URL: "https://" + name + ".example", Priority: &priority, Packages: packages}
}

// locked makes a lockfile of "registry:name", with "?" in front for an optional one.
func locked(ids ...string) *lockfile.Lock {
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	for _, id := range ids {
		id, optional := strings.CutPrefix(id, "?")
		reg, name, _ := strings.Cut(id, ":")
		p := &lockfile.Package{Registry: reg, Name: name, Version: "1.0.0", Optional: optional}
		if optional && name == "win" {
			p.OS = []string{"win32"}
		}
		l.Packages[lockfile.MakeID(reg, name, "1.0.0")] = p
	}
	return l
}

func TestRun(t *testing.T) {
	t.Parallel()
	mirrored := entry("acme", 10, "@acme/*")
	mirrored.ClaimsOnly = true
	mirrored.Mirrors = []registry.Mirror{{URL: "https://eu.acme.example/npm"}}
	mirrored.Auth = &registry.Auth{Type: registry.AuthBearer, Token: registry.Value{Raw: pantry.NewSecret("s3cret"), Source: "pantry.json:1"}}
	npm, off := entry("npm", 20), entry("off", 30)
	off.Disabled = true
	never := entry("acme", 10)
	never.Fallback = registry.Never
	usual := []registry.Config{mirrored, npm, off}
	lock := locked("acme:@acme/ui", "npm:pad")
	for _, tt := range []struct {
		name         string
		entries      []registry.Config
		lock         *lockfile.Lock
		wishes       string
		down, revoke []string
		want         []string
		err          error
	}{
		{name: "all well", lock: lock, want: []string{"@acme/ui registry https://acme.example", "pad registry https://npm.example", "2 2 0 0"}},
		{name: "a host is down, and a mirror is there", lock: lock, down: []string{"acme.example"}, want: []string{"@acme/ui mirror https://eu.acme.example/npm", "pad registry https://npm.example", "2 2 0 0"}},
		{name: "both are down", lock: lock, down: []string{"acme.example", "https://EU.acme.example"}, err: pantry.ErrUnavailable,
			want: []string{"@acme/ui fails: it is not in the store, and registry acme would not give it: registry acme is down", "pad registry https://npm.example", "2 1 0 1"}},
		{name: "by name", lock: lock, down: []string{"acme"}, err: pantry.ErrUnavailable, want: []string{"@acme/ui fails", "pad registry", "2 1 0 1"}},
		{name: "a credential is refused", lock: lock, revoke: []string{"acme"}, err: pantry.ErrDenied, want: []string{"@acme/ui fails: it is not in the store, and registry acme would not give it: registry acme refuses the credential of pantry.json:1", "pad registry", "2 1 0 1"}},
		{name: "one that has none", lock: lock, revoke: []string{"npm"}, want: []string{"@acme/ui registry", "pad registry", "2 2 0 0", "note registry npm has no credential"}},
		{name: "another registry has claimed it", lock: locked("npm:@acme/ui"), err: pantry.ErrPolicy, want: []string{`@acme/ui fails: it is not in the store, and registry npm would not give it: @acme/ui: "@acme/ui" belongs to registry "acme"`, "1 0 0 1"}},
		{name: "a disabled registry", lock: locked("off:pad"), err: pantry.ErrConfig, want: []string{"pad fails", "1 0 0 1"}},
		{name: "an unknown registry", lock: locked("gone:pad"), err: pantry.ErrConfig, want: []string{`pad fails: no registry is named "gone"`, "1 0 0 1"}},
		{name: "optional ones", lock: locked("?npm:win", "?npm:fast"), down: []string{"npm"}, want: []string{"fast fails", "win fails: it is for other platforms", "2 0 2 0"}},
		{name: "no lockfile", wishes: "pad@1 @acme/w@^2", down: []string{"npm"}, err: pantry.ErrUnavailable,
			want: []string{"0 0 0 1", "wish @acme/w@^2 acme", "wish pad@1  registry npm is down"}},
		{name: "the first is down", entries: []registry.Config{entry("acme", 10), npm}, wishes: "pad@1", down: []string{"acme"}, want: []string{"0 0 0 0", "wish pad@1 npm unconfirmed acme"}},
		{name: "the first is down and stops", entries: []registry.Config{never, npm}, wishes: "pad@1", down: []string{"acme"}, err: pantry.ErrUnavailable, want: []string{"0 0 0 1", "wish pad@1  registry acme is down"}},
		{name: "another name and registry", wishes: "x@npm:pad@1 y@file:../y", want: []string{"0 0 0 0", "wish x@npm:pad@1 npm", "wish y@file:../y  it is not of a registry"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := simulate.Options{Lock: tt.lock, Down: tt.down, Revoked: tt.revoke, Wishes: map[string]lockfile.Wish{}, Platform: lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"}}
			if o.Lock == nil {
				o.Lock = locked()
			}
			if tt.entries == nil {
				tt.entries = usual
			}
			o.Registries = manager(t, tt.entries...)
			for _, w := range strings.Fields(tt.wishes) {
				i := strings.Index(w[1:], "@") + 1
				o.Wishes[w[:i]] = lockfile.Wish{Spec: w[i+1:], Kind: lockfile.Prod}
			}
			r, err := simulate.Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range r.Packages {
				if p.From == "" {
					got = append(got, p.Name+" fails: "+p.Reason)
				} else {
					got = append(got, fmt.Sprint(p.Name, " ", p.From, " ", p.URL))
				}
			}
			slices.Sort(got)
			s := r.Summary
			got = append(got, fmt.Sprint(s.Packages, s.Store+s.Network, s.LeftOut, s.Failed))
			for _, w := range r.Wishes {
				line := fmt.Sprintf("wish %s@%s %s %s", w.Name, w.Spec, w.Registry, w.Reason)
				if w.Unconfirmed != "" {
					line = fmt.Sprintf("wish %s@%s %s unconfirmed %s", w.Name, w.Spec, w.Registry, w.Unconfirmed)
				}
				got = append(got, line)
			}
			for _, n := range r.Notes {
				got = append(got, "note "+n)
			}
			if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if err := r.Err(); !errors.Is(err, tt.err) || err == nil != (tt.err == nil) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
		})
	}
}

func TestUnknownNames(t *testing.T) {
	t.Parallel()
	for _, o := range []simulate.Options{{Down: []string{"acne"}}, {Down: []string{"other.example"}}, {Revoked: []string{"acme.example"}}} {
		o.Lock, o.Registries = locked(), manager(t, entry("acme", 1))
		if _, err := simulate.Run(t.Context(), o); !errors.Is(err, pantry.ErrConfig) || !strings.Contains(pantry.Hint(err), "acme") {
			t.Errorf("got %v", err)
		}
	}
}

package registry_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// place is a source of credentials for tests; a secret of "" is none.
type place struct {
	name   string
	secret string
	err    error
	warn   string

	mu    sync.Mutex
	asked int
}

func (p *place) Find(_ context.Context, u *url.URL) (credential.Found, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.err != nil {
		return credential.Found{}, p.err
	}
	if p.secret == "" {
		return credential.Found{}, credential.ErrNone
	}
	return credential.Found{Secret: pantry.NewSecret(p.secret), Source: p.name, Warning: p.warn}, nil
}

// told collects what a manager warns of.
type told struct {
	mu  sync.Mutex
	all []string
}

func (w *told) warn(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, s)
}

func TestCredentialOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, "acme", lodash)
	open := registry.Kinds()[0].Open
	literal := func(v string) registry.Value {
		return registry.Value{Raw: pantry.NewSecret(v), Literal: true, Source: "pantry.json:1 auth"}
	}
	// All places have one at first; each case takes away one more.
	for i, want := range []string{
		"pantry.json:1 auth", "credential helper docker-credential-pass", ".npmrc:1", "the variable ACME_TOKEN", "a login", "~/.netrc:1", "acme print token", "",
	} {
		has := func(n int) bool { return i <= n }
		var ran []string
		o := oneTry(&registry.Options{
			Kinds: []registry.Kind{{Type: "npm", DefaultURL: s.URL, TokenVariables: []string{"ACME_TOKEN"}, TokenCommand: []string{"acme", "print", "token"}, Open: open}},
			Getenv: func(name string) (string, bool) {
				return "variable", name == "ACME_TOKEN" && has(3)
			},
			Run: func(_ context.Context, _ []byte, program string, _ ...string) ([]byte, error) {
				ran = append(ran, program)
				switch {
				case program == "acme" && has(6):
					return []byte("command\n"), nil
				case program == "docker-credential-pass" && has(1):
					return []byte(`{"Secret": "helper"}`), nil
				case program == "docker-credential-pass":
					return []byte("credentials not found in native keychain"), errors.New("exit status 1")
				}
				return nil, errors.New("exit status 1")
			},
		})
		sources := []*place{{name: "a login"}, {name: "~/.netrc:1"}}
		for n, p := range sources {
			if has(4 + n) {
				p.secret = "found"
			}
			o.Credentials = append(o.Credentials, p)
		}
		c := registry.Config{Name: "acme", Type: "npm", URL: s.URL, CredentialHelper: "pass"}
		if has(0) {
			c.Auth, c.CredentialHelper = &registry.Auth{Type: "bearer", Token: literal("own")}, ""
		}
		if has(2) {
			token := literal("npmrc")
			token.Source = ".npmrc:1"
			c.Credentials = []registry.Credential{{Scope: s.URL + "/", Auth: registry.Auth{Type: "bearer", Token: token}}}
		}
		m := registry.NewManager(*o)
		must(t, m.Add(c))
		if len(ran) > 0 || sources[0].asked > 0 {
			t.Error("somebody was asked before the registry was needed")
		}
		for range 2 {
			_, d, err := m.Metadata(t.Context(), "lodash", "4.17.21")
			if err != nil || d.Attempts[0].Credential != want {
				t.Errorf("%d: credential of %q, %v, want %q", i, d.Attempts[0].Credential, err, want)
			}
		}
		if len(ran) > 2 || len(slices.Compact(slices.Sorted(slices.Values(ran)))) != len(ran) || sources[0].asked > 1 || sources[1].asked > 1 {
			t.Errorf("%d: asked again: %v, %d, %d", i, ran, sources[0].asked, sources[1].asked)
		}
		// Elsewhere the well-known registry's variables and programs have nothing to say.
		c.URL, c.CredentialHelper, c.Auth, c.Credentials = s.URL+"/elsewhere", "", nil, nil
		o.Credentials, ran = nil, nil
		elsewhere := registry.NewManager(*o)
		must(t, elsewhere.Add(c))
		_, d, _ := elsewhere.Metadata(t.Context(), "lodash", "4.17.21")
		if d.Attempts[0].Credential != "" || len(ran) > 0 {
			t.Errorf("%d: elsewhere: credential of %q, ran %v", i, d.Attempts[0].Credential, ran)
		}
	}
}

// A place that fails is told by name, once, and the registry is asked all the same.
func TestPlaceThatFails(t *testing.T) {
	t.Parallel()
	s, private := newSite(t, "acme", lodash), newSite(t, "private", lodash)
	private.Set(registrytest.Rule{Fault: registrytest.RequireHeader("Authorization", "Bearer no")})
	var w told
	broken := &place{err: errors.New("the keychain\x1b[31m is locked")}
	o := oneTry(&registry.Options{Getenv: noEnv, Credentials: []credential.Source{broken}, Warn: w.warn})
	m := registry.NewManager(*o)
	must(t, m.Add(registry.Config{Name: "acme", Type: "npm", URL: s.URL}))
	must(t, m.Add(registry.Config{Name: "private", Type: "npm", URL: private.URL, Packages: []string{"@private/*"}}))
	for range 2 {
		_, d, err := m.Metadata(t.Context(), "lodash", "4.17.21")
		if err != nil || d.Attempts[0].CredentialNote != "the keychain[31m is locked" {
			t.Errorf("got %+v, %v", d.Attempts[0], err)
		}
	}
	if _, _, err := m.Metadata(t.Context(), "@private/x", ""); !errors.Is(err, pantry.ErrDenied) || !strings.Contains(err.Error(), "no credential was found: the keychain[31m is locked") {
		t.Errorf("got %v", err)
	}
	if want := `[registry "acme": no credential was found: the keychain[31m is locked registry "private": no credential was found: the keychain[31m is locked]`; fmt.Sprint(w.all) != want {
		t.Errorf("told %q", w.all)
	}
	// The next place is asked, and what is wrong with it is told once for all registries.
	w = told{}
	o.Credentials = append(o.Credentials, &place{name: "second", secret: "x", warn: "others may read it"})
	m = registry.NewManager(*o)
	must(t, m.Add(registry.Config{Name: "acme", Type: "npm", URL: s.URL}))
	if _, d, err := m.Metadata(t.Context(), "lodash", "4.17.21"); err != nil || d.Attempts[0].Credential != "second" {
		t.Errorf("got %+v, %v", d.Attempts[0], err)
	}
	if len(w.all) != 2 || w.all[1] != "others may read it" {
		t.Errorf("told %q", w.all)
	}
}

// What may not be looked for is not.
func TestNoLookup(t *testing.T) {
	t.Parallel()
	s := newSite(t, "acme", lodash)
	p := &place{name: "a login", secret: "s3cret"}
	run := func(context.Context, []byte, string, ...string) ([]byte, error) { panic("a program was run") }
	m := registry.NewManager(*oneTry(&registry.Options{Getenv: noEnv, Credentials: []credential.Source{p}, Run: run}))
	must(t, m.Add(registry.Config{Name: "acme", Type: "npm", URL: s.URL, CredentialHelper: "pass", NoLookup: "the project says so"}))
	_, d, err := m.Metadata(t.Context(), "lodash", "4.17.21")
	if err != nil || p.asked != 0 || d.Attempts[0].CredentialNote != "none was looked for: the project says so" {
		t.Errorf("got %+v, %v, asked %d times", d.Attempts[0], err, p.asked)
	}
}

func idToken(aud string) string {
	claims, _ := json.Marshal(map[string]any{"aud": aud, "exp": time.Now().Add(time.Hour).Unix()})
	return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
}

// publication is a package to publish.
func publication(name string) pantry.Publication {
	p := registrytest.Pkg{Name: name, Version: "1.0.0"}
	return pantry.Publication{
		Metadata: pantry.Metadata{Name: name, Version: "1.0.0"}, Manifest: registrytest.Manifest(p),
		Tarball: bytes.NewReader(registrytest.Tarball(p)),
	}
}

// with answers below a path, and leaves the rest to next.
func with(path string, status int, answer string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, path) {
			next.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answer))
	})
}

// The identity of a CI job publishes at npm's registries without being configured, and reads nothing.
func TestTrustedPublishing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		auth     *registry.Auth
		env      bool
		exchange int // status
		npmrc    bool
		want     string // Authorization of the PUT
		warned   bool
		err      error
	}{
		"in CI":                         {env: true, exchange: 201, want: "Bearer npm_made"},
		"before .npmrc":                 {env: true, exchange: 201, npmrc: true, want: "Bearer npm_made"},
		"no trusted publisher":          {env: true, exchange: 404, npmrc: true, want: "Bearer npmrc", warned: true},
		"no trusted publisher, nothing": {env: true, exchange: 404, want: "", warned: true},
		"the endpoint is down":          {env: true, exchange: 503, npmrc: true, want: "Bearer npmrc", warned: true},
		"not in CI":                     {npmrc: true, want: "Bearer npmrc"},
		"asked for":                     {auth: &registry.Auth{Type: "oidc"}, env: true, exchange: 201, want: "Bearer npm_made"},
		"asked for, and refused":        {auth: &registry.Auth{Type: "oidc"}, env: true, exchange: 404, npmrc: true, want: "none", err: pantry.ErrDenied},
		"asked for, and not in CI":      {auth: &registry.Auth{Type: "oidc"}, want: "none", err: pantry.ErrConfig},
		"auth says something else":      {auth: &registry.Auth{Type: "bearer", Token: registry.Value{Raw: pantry.NewSecret("own"), Literal: true}}, env: true, exchange: 201, want: "Bearer own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "acme", lodash)
			s.SetHandler(with("/-/npm/v1/oidc/", tt.exchange, `{"token": "npm_made", "message": "no"}`, npm.Handler(s.Memory, npm.HandlerOptions{})))
			u, _ := url.Parse(s.URL)
			var w told
			m := registry.NewManager(*oneTry(&registry.Options{Warn: w.warn, Getenv: func(name string) (string, bool) {
				return idToken("npm:" + u.Hostname()), tt.env && name == "NPM_ID_TOKEN"
			}}))
			c := registry.Config{Name: "acme", Type: "npm", URL: s.URL, Auth: tt.auth}
			if tt.npmrc {
				c.Credentials = []registry.Credential{{Scope: s.URL + "/", Auth: registry.Auth{Type: "bearer", Token: registry.Value{Raw: pantry.NewSecret("npmrc"), Literal: true}}}}
			}
			must(t, m.Add(c))
			e, _ := m.Get("acme")
			err := e.Err()
			if p, ok := pantry.As[pantry.Publisher](e); ok && err == nil {
				err = p.Publish(t.Context(), publication("@acme/ui"))
			}
			if !errors.Is(err, tt.err) || err != nil && strings.Contains(err.Error()+fmt.Sprint(w.all), idToken("npm:" + u.Hostname())[:20]) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			sent := "none"
			for _, r := range s.Requests() {
				h := r.Header.Get("Authorization")
				switch {
				case r.Method == http.MethodPut:
					sent = h
				case r.Method == http.MethodGet && strings.Contains(h, "npm_made"):
					t.Errorf("%s %s was sent %s", r.Method, r.Path, h)
				}
			}
			if sent != tt.want || (len(w.all) > 0) != tt.warned {
				t.Errorf("published with %q, want %q; told %q", sent, tt.want, w.all)
			}
		})
	}
}

// A custom registry is read with what it gave for the identity.
func TestIdentityOfReaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, "acme", lodash)
	s.SetHandler(with("/-/oidc/exchange", http.StatusCreated, `{"token": "pty_made"}`, custom.Handler(s.Memory, custom.HandlerOptions{})))
	s.Add(registrytest.Rule{Path: "/packages/**", Fault: registrytest.RequireHeader("Authorization", "Bearer pty_made")})
	u, _ := url.Parse(s.URL)
	m := registry.NewManager(*oneTry(&registry.Options{Getenv: func(name string) (string, bool) {
		return idToken("pantry:" + u.Host), name == "PANTRY_ID_TOKEN"
	}}))
	must(t, m.Add(registry.Config{Name: "acme", Type: "custom", URL: s.URL, Auth: &registry.Auth{Type: "oidc"}}))
	for range 2 {
		_, d, err := m.Metadata(t.Context(), "lodash", "4.17.21")
		if err != nil || d.Attempts[0].Credential != "identity of the CI job (the variable PANTRY_ID_TOKEN)" {
			t.Fatalf("got %+v, %v", d.Attempts[0], err)
		}
	}
	exchanges := 0
	for _, r := range s.Requests() {
		if r.Method == http.MethodPost {
			exchanges++
		}
	}
	if exchanges != 1 {
		t.Errorf("exchanged %d times", exchanges)
	}
	m = registry.NewManager(registry.Options{Getenv: noEnv})
	must(t, m.Add(registry.Config{Name: "gh", Type: "github", Auth: &registry.Auth{Type: "oidc"}}))
	e, _ := m.Get("gh")
	if err := e.Err(); !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), "take no identity") {
		t.Errorf("at GitHub: got %v", err)
	}
}

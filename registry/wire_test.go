package registry_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// site is an npm registry on this machine that can be made to misbehave.
type site struct {
	*registrytest.Scripted
	URL    string
	Memory *registrytest.Memory
}

func newSite(t testing.TB, name string, pkgs ...registrytest.Pkg) site {
	t.Helper()
	mem := registrytest.NewMemory(name, pkgs...)
	s := registrytest.NewScripted(npm.Handler(mem, npm.HandlerOptions{}))
	srv := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); srv.Close() })
	return site{s, srv.URL, mem}
}

// oneTry keeps tests of failing registries short.
func oneTry(o *registry.Options) *registry.Options {
	o.Transport = func(_ registry.Config, t *transport.Options) {
		t.Retries = ptr(0)
		t.Timeout = 200 * time.Millisecond
	}
	return o
}

var lodash = registrytest.Pkg{Name: "lodash", Version: "4.17.21", Description: "Lodash modular utilities."}

func env(vars map[string]string) func(string) (string, bool) {
	return func(n string) (string, bool) { v, ok := vars[n]; return v, ok }
}

// Every kind of authentication puts the documented bytes on the wire, and the decision names where
// they came from, never what they are.
func TestCredentialsOnTheWire(t *testing.T) {
	t.Parallel()
	vars := env(map[string]string{"TOKEN": "s3cret", "USER": "user", "EMPTY": "", "LINES": "a\nb", "B64": "cGFzcw=="})
	at := func(s, field string) registry.Value {
		return registry.Value{Raw: pantry.NewSecret(s), Source: "pantry.json:7:9 " + field}
	}
	type auth = registry.Auth
	tests := map[string]struct {
		auth    *auth
		more    []registry.Credential // Scope is below the site
		headers map[string]registry.Value
		header  string // of the request
		want    string
		source  string // in the decision
		err     string
	}{
		"none":                        {header: "Authorization"},
		"bearer":                      {auth: &auth{Type: "bearer", Token: at("s3cret", "auth.token")}, header: "Authorization", want: "Bearer s3cret", source: "pantry.json:7:9 auth.token"},
		"bearer, variable":            {auth: &auth{Type: "bearer", Token: at("${TOKEN}", "auth.token")}, header: "Authorization", want: "Bearer s3cret", source: "pantry.json:7:9 auth.token (${TOKEN})"},
		"bearer, default":             {auth: &auth{Type: "bearer", Token: at("${NONE:-s3cret}", "auth.token")}, header: "Authorization", want: "Bearer s3cret", source: "pantry.json:7:9 auth.token (${NONE})"},
		"bearer, default for nothing": {auth: &auth{Type: "bearer", Token: at("${EMPTY:-s3cret}", "auth.token")}, header: "Authorization", want: "Bearer s3cret", source: "pantry.json:7:9 auth.token (${EMPTY})"},
		"oidc":                        {auth: &auth{Type: "oidc", Token: at("s3cret", "auth.token")}, header: "Authorization", want: "Bearer s3cret", source: "pantry.json:7:9 auth.token"},
		"basic":                       {auth: &auth{Type: "basic", Username: at("${USER}", "auth.username"), Password: at("pass", "auth.password")}, header: "Authorization", want: "Basic dXNlcjpwYXNz", source: "pantry.json:7:9 auth.password"},
		"no user":                     {auth: &auth{Type: "basic", Password: at("pass", "auth.password")}, header: "Authorization", want: "Basic " + base64.StdEncoding.EncodeToString([]byte(":pass")), source: "pantry.json:7:9 auth.password"},
		"custom":                      {auth: &auth{Type: "custom", Name: "X-API-Key", Value: at("s3cret", "auth.value")}, header: "X-API-Key", want: "s3cret", source: "pantry.json:7:9 auth.value"},
		"headers":                     {headers: map[string]registry.Value{"X-Team": at("web-${USER}", "headers.X-Team")}, header: "X-Team", want: "web-user"},

		".npmrc token":    {more: []registry.Credential{{Auth: auth{Type: "bearer", Token: at("s3cret", "_authToken")}}}, header: "Authorization", want: "Bearer s3cret", source: "pantry.json:7:9 _authToken"},
		".npmrc _auth":    {more: []registry.Credential{{Auth: auth{Type: "encoded", Token: at("dXNlcjpwYXNz", "_auth")}}}, header: "Authorization", want: "Basic dXNlcjpwYXNz", source: "pantry.json:7:9 _auth"},
		".npmrc password": {more: []registry.Credential{{EncodedPassword: true, Auth: auth{Type: "basic", Username: at("user", "username"), Password: at("${B64}", "_password")}}}, header: "Authorization", want: "Basic dXNlcjpwYXNz", source: "pantry.json:7:9 _password (${B64})"},
		"own before .npmrc": {auth: &auth{Type: "bearer", Token: at("own", "auth.token")},
			more:   []registry.Credential{{Auth: auth{Type: "bearer", Token: at("other", "_authToken")}}},
			header: "Authorization", want: "Bearer own", source: "pantry.json:7:9 auth.token"},
		"longest path": {more: []registry.Credential{
			{Scope: "/", Auth: auth{Type: "bearer", Token: at("short", "short")}},
			{Scope: "/npm/", Auth: auth{Type: "bearer", Token: at("long", "long")}},
			{Scope: "/npm-other/", Auth: auth{Type: "bearer", Token: at("other", "other")}}},
			header: "Authorization", want: "Bearer long", source: "pantry.json:7:9 long"},

		"unset":          {auth: &auth{Type: "bearer", Token: at("${NOT_SET}", "auth.token")}, err: `pantry.json:7:9 auth.token: registry "acme": variable NOT_SET is not set`},
		"unset header":   {headers: map[string]registry.Value{"X-Team": at("${NOT_SET}", "h")}, err: "variable NOT_SET is not set"},
		"set to nothing": {auth: &auth{Type: "bearer", Token: at("${EMPTY}", "auth.token")}, err: "its variable is set to nothing: pantry.json:7:9 auth.token (${EMPTY})"},
		"line break":     {auth: &auth{Type: "bearer", Token: at("${LINES}", "auth.token")}, err: "line break"},
		"not closed":     {auth: &auth{Type: "bearer", Token: at("${TOKEN", "auth.token")}, err: "${ without }"},
		"no variable":    {auth: &auth{Type: "bearer", Token: at("${s3cret!}", "auth.token")}, err: "holds no name of a variable"},
		"no identity":    {auth: &auth{Type: "oidc"}, err: "asks the CI system for an identity, and there is none here"},
		"bad _auth":      {more: []registry.Credential{{Auth: auth{Type: "encoded", Token: at("%%", "_auth")}}}, err: "not base64"},
		"bad password":   {more: []registry.Credential{{EncodedPassword: true, Auth: auth{Type: "basic", Username: at("u", "username"), Password: at("%%", "_password")}}}, err: "not base64"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "acme", lodash)
			s.SetHandler(http.StripPrefix("/npm", npm.Handler(s.Memory, npm.HandlerOptions{BaseURL: s.URL + "/npm"})))
			for i, c := range tt.more {
				if c.Scope == "" {
					c.Scope = "/npm/"
				}
				tt.more[i].Scope = s.URL + c.Scope
			}
			m := registry.NewManager(*oneTry(&registry.Options{Getenv: vars}))
			must(t, m.Add(registry.Config{
				Name: "acme", Type: "npm", URL: s.URL + "/npm/", Auth: tt.auth, Credentials: tt.more, Headers: tt.headers, Source: "pantry.json:5:3",
			}))
			md, d, err := m.Metadata(context.Background(), "lodash", "4.17.21")
			said, _ := json.Marshal(d)
			for _, hidden := range []string{"s3cret", "pass\"", "dXNlcjpwYXNz"} {
				if strings.Contains(string(said)+fmt.Sprint(err)+pantry.Hint(err)+fmt.Sprintf("%+v", d), hidden) {
					t.Errorf("%q is told: %s %v", hidden, said, err)
				}
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !errors.Is(err, pantry.ErrConfig) {
					t.Errorf("got %v, want an ErrConfig with %q", err, tt.err)
				}
				if s.Count() != 0 {
					t.Errorf("%d requests were sent", s.Count())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if md.Description != lodash.Description || md.Registry != "acme" {
				t.Errorf("got %+v", md)
			}
			for _, r := range s.Requests() {
				if got := r.Header.Get(tt.header); got != tt.want {
					t.Errorf("%s: %q, want %q", tt.header, got, tt.want)
				}
			}
			if got := d.Attempts[0].Credential; got != tt.source {
				t.Errorf("source %q, want %q", got, tt.source)
			}
		})
	}
}

// The classes of real answers.
func TestOutcomesOnTheWire(t *testing.T) {
	t.Parallel()
	token := &registry.Auth{Type: "bearer", Token: registry.Value{Raw: pantry.NewSecret("s3cret"), Source: "here"}}
	tests := map[string]struct {
		fault   registrytest.Fault
		auth    *registry.Auth
		version string
		want    registry.Outcome
		status  int
	}{
		"found":               {want: registry.Found},
		"no version":          {version: "9.9.9", want: registry.VersionNotFound},
		"404":                 {fault: registrytest.Status(404), want: registry.NameNotFound, status: 404},
		"410":                 {fault: registrytest.Status(410), want: registry.NameNotFound, status: 410},
		"401":                 {fault: registrytest.Status(401), want: registry.DeniedAnonymous, status: 401},
		"403 with credential": {fault: registrytest.Status(403), auth: token, want: registry.DeniedCred, status: 403},
		"429":                 {fault: registrytest.Status(429), want: registry.Unavailable, status: 429},
		"500":                 {fault: registrytest.Status(500), want: registry.Unavailable, status: 500},
		"503":                 {fault: registrytest.Status(503), want: registry.Unavailable, status: 503},
		"405":                 {fault: registrytest.Status(405), want: registry.Invalid, status: 405},
		"html":                {fault: registrytest.HTML(), want: registry.Invalid},
		"garbage":             {fault: registrytest.Garbage(), want: registry.Invalid},
		"reset":               {fault: registrytest.Abort(), want: registry.Unavailable},
		"silence":             {fault: registrytest.Hang(), want: registry.Unavailable},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "acme", lodash)
			if tt.fault != nil {
				s.Set(registrytest.Rule{Fault: tt.fault})
			}
			if tt.version == "" {
				tt.version = "4.17.21"
			}
			m := registry.NewManager(*oneTry(&registry.Options{}))
			must(t, m.Add(registry.Config{Name: "acme", Type: "npm", URL: s.URL, Auth: tt.auth}))
			_, d, err := m.Metadata(context.Background(), "lodash", tt.version)
			a := d.Attempts[0]
			if a.Outcome != tt.want || a.Status != tt.status || !a.Asked || a.URL != s.URL {
				t.Errorf("got %+v (%v), want %s %d", a, err, tt.want, tt.status)
			}
			if tt.want == registry.DeniedCred && (a.Credential != "here" || !strings.Contains(err.Error(), "credential of here")) {
				t.Errorf("the source is not told: %+v, %v", a, err)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	s := newSite(t, "second", lodash)
	m := registry.NewManager(*oneTry(&registry.Options{}))
	must(t, m.Add(registry.Config{Name: "first", Type: "npm", URL: srv.URL, Priority: ptr(1)}))
	_, d, err := m.Metadata(context.Background(), "lodash", "")
	if !errors.Is(err, pantry.ErrUnavailable) || d.Attempts[0].Outcome != registry.Unavailable {
		t.Errorf("got %v, %+v", err, d.Attempts)
	}
	must(t, m.Add(registry.Config{Name: "second", Type: "npm", URL: s.URL, Priority: ptr(2)}))
	md, d, err := m.Metadata(context.Background(), "lodash", "")
	if err != nil || md.Registry != "second" || d.Unconfirmed != "first" || len(d.Warnings) != 1 || !strings.Contains(d.Warnings[0], "registry first: unavailable") {
		t.Errorf("got %v, %v, %+v", md, err, d)
	}
}

// A private registry that answers from elsewhere without its credential is denied with it: it is
// not one that anybody may replace.
func TestDeniedBehindARedirect(t *testing.T) {
	t.Parallel()
	elsewhere := newSite(t, "elsewhere")
	elsewhere.Set(registrytest.Rule{Fault: registrytest.Status(401)})
	s, second := newSite(t, "acme", lodash), newSite(t, "second", lodash)
	s.Set(registrytest.Rule{Fault: registrytest.Redirect(302, elsewhere.URL)})
	m := registry.NewManager(*oneTry(&registry.Options{}))
	must(t, m.Add(registry.Config{Name: "acme", Type: "npm", URL: s.URL, Auth: &registry.Auth{Type: "bearer", Token: secret("s3cret")}}))
	must(t, m.Add(registry.Config{Name: "second", Type: "npm", URL: second.URL}))
	_, d, err := m.Metadata(context.Background(), "lodash", "")
	if !errors.Is(err, pantry.ErrDenied) || d.Attempts[0].Outcome != registry.DeniedCred || second.Count() != 0 {
		t.Errorf("got %v, %+v", err, d.Attempts)
	}
	for _, r := range elsewhere.Requests() {
		if r.Header.Get("Authorization") != "" {
			t.Error("the credential went elsewhere")
		}
	}
}

func TestDownloadOverHTTP(t *testing.T) {
	t.Parallel()
	first, second := newSite(t, "first", lodash), newSite(t, "second", lodash)
	m := registry.NewManager(*oneTry(&registry.Options{}))
	must(t, m.Add(registry.Config{Name: "first", Type: "npm", URL: first.URL, Priority: ptr(1), Fallback: registry.Always}))
	must(t, m.Add(registry.Config{Name: "second", Type: "npm", URL: second.URL, Priority: ptr(2)}))
	tarball := "/lodash/-/*"
	var w bytes.Buffer
	md, d, err := m.Download(context.Background(), registry.Request{Name: "lodash"}, &w)
	if err != nil || md.Version != "4.17.21" || d.Registry != "first" || !bytes.Equal(w.Bytes(), registrytest.Tarball(lodash)) {
		t.Fatalf("got %v, %+v, %v", md, d, err)
	}
	second.Reset()
	for name, tt := range map[string]struct {
		fault   registrytest.Fault
		match   error
		outcome registry.Outcome
	}{
		"tampered":  {registrytest.Tampered(), pantry.ErrIntegrity, registry.Integrity},
		"cut short": {registrytest.CutShort(20), pantry.ErrUnavailable, registry.Unavailable},
		"gone":      {registrytest.Status(404), pantry.ErrNotFound, registry.NameNotFound},
		"down":      {registrytest.Status(503), pantry.ErrUnavailable, registry.Unavailable},
		"html":      {registrytest.HTML(), pantry.ErrIntegrity, registry.Integrity},
	} {
		first.Set(registrytest.Rule{Path: tarball, Fault: tt.fault})
		md, d, err := m.Download(context.Background(), registry.Request{Name: "lodash"}, &bytes.Buffer{})
		if !errors.Is(err, tt.match) || md != nil || d.Registry != "" || d.Attempts[0].Outcome != tt.outcome {
			t.Errorf("%s: got %v, %+v", name, err, d.Attempts[0])
		}
	}
	if second.Count() != 0 {
		t.Errorf("the second registry was asked %v", second.Requests())
	}
}

func TestObserveSeesRequests(t *testing.T) {
	t.Parallel()
	s := newSite(t, "acme", lodash)
	var (
		seen    []transport.Exchange
		bodies  []transport.Transfer
		decided []string
	)
	m := registry.NewManager(registry.Options{
		Observe:     func(e transport.Exchange) { seen = append(seen, e) },
		ObserveBody: func(b transport.Transfer) { bodies = append(bodies, b) },
		ObserveDecision: func(d registry.Decision) {
			decided = append(decided, d.Name+" "+string(d.Attempts[0].Outcome))
		},
		UserAgent: "test/1",
	})
	must(t, m.Add(registry.Config{Name: "acme", Type: "npm", URL: s.URL}))
	if _, _, err := m.Metadata(context.Background(), "lodash", ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Versions(context.Background(), "nothing"); err == nil {
		t.Fatal("nothing was found")
	}
	if len(seen) < 2 || seen[0].Registry != "acme" || seen[0].Status != 200 || seen[len(seen)-1].Status != 404 {
		t.Errorf("seen %+v", seen)
	}
	if len(bodies) != len(seen) || bodies[0].Registry != "acme" || bodies[0].Bytes <= 0 {
		t.Errorf("bodies %+v", bodies)
	}
	if want := []string{"lodash found", "nothing name-not-found"}; !slices.Equal(decided, want) {
		t.Errorf("decided %q, want %q", decided, want)
	}
	if ua := s.Requests()[0].Header.Get("User-Agent"); ua != "test/1" {
		t.Errorf("user agent %q", ua)
	}
}

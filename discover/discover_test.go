package discover_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/discover"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

func number(n int) *int { return &n }

// What a handler says is what somebody who asks it hears.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(discover.Handler([]discover.Registry{
		{Name: "acme", Type: "npm", URL: "/npm/", Priority: number(5), Packages: []string{"@acme/*"}, Mirrors: []string{"https://eu.acme.example/npm"}, Auth: "bearer"},
		{Name: "rest", Type: "custom", URL: "https://rest.acme.example"},
	}))
	defer srv.Close()
	a, err := discover.Ask(t.Context(), strings.TrimPrefix(srv.URL, "http://"), discover.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.URL != srv.URL+discover.WellKnown || a.Via != "well-known" || len(a.Proposals) != 2 {
		t.Fatalf("got %+v", a)
	}
	acme, rest := a.Proposals[0], a.Proposals[1]
	want := registry.Config{
		Name: "acme", Type: "npm", URL: srv.URL + "/npm/", Priority: number(5), Packages: []string{"@acme/*"},
		Mirrors: []registry.Mirror{{URL: "https://eu.acme.example/npm"}},
	}
	if d := cmp.Diff(want, acme.Entry, cmp.Comparer(func(a, b pantry.Secret) bool { return a == b })); d != "" {
		t.Error(d)
	}
	if !strings.Contains(acme.Credential, "bearer") || len(acme.Notes) != 1 || !strings.Contains(acme.Notes[0], "eu.acme.example is on another host") {
		t.Errorf("credential %q, notes %q", acme.Credential, acme.Notes)
	}
	if len(rest.Notes) != 1 || !strings.Contains(rest.Notes[0], "on another host") {
		t.Errorf("notes %q", rest.Notes)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	h := discover.Handler(nil)
	for _, tt := range []struct {
		method, path string
		code         int
		body         bool
	}{
		{"GET", discover.WellKnown, 200, true},
		{"HEAD", discover.WellKnown, 200, false},
		{"POST", discover.WellKnown, 405, true},
		{"GET", "/", 404, true},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.code || w.Body.Len() > 0 != tt.body {
			t.Errorf("%s %s: %d with %d bytes", tt.method, tt.path, w.Code, w.Body.Len())
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", discover.WellKnown, nil))
	if got := strings.Join(strings.Fields(w.Body.String()), ""); got != `{"version":1,"registries":[]}` {
		t.Errorf("without registries: %s", got)
	}
}

// Nothing that only the owner may know is described.
func TestDescribe(t *testing.T) {
	t.Parallel()
	secret := registry.Value{Raw: pantry.NewSecret("s3cret")}
	r, ok := discover.Describe(registry.Config{
		Name: "acme", Type: "npm", URL: "https://acme.example", Auth: &registry.Auth{Type: "bearer", Token: secret},
		Headers: map[string]registry.Value{"X-Key": secret}, Proxy: "http://u:s3cret@proxy", Mirrors: []registry.Mirror{{URL: "https://u:s3cret@m.example"}, {URL: "https://m.example"}},
	})
	b, _ := json.Marshal(r)
	if !ok || strings.Contains(string(b), "s3cret") || !strings.Contains(string(b), `"auth":"bearer"`) || len(r.Mirrors) != 1 {
		t.Errorf("%t, %s", ok, b)
	}
	for _, u := range []string{"", "https://u:p@acme.example", "https://acme.example?token=x", "${ACME_URL}"} {
		if _, ok := discover.Describe(registry.Config{URL: u}); ok {
			t.Errorf("%q may be said to anybody", u)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	at, _ := url.Parse("https://acme.example" + discover.WellKnown)
	for _, tt := range []struct{ name, doc, want string }{
		{"no JSON", `<html>`, "error: not a registry answer: the document is no JSON"},
		{"another shape", `{"version":1,"registries":{}}`, "error: not a registry answer: the document is no JSON of the expected shape"},
		{"no version", `{"registries":[]}`, "version 0"},
		{"a later version", `{"version":2}`, "version 2"},
		{"none", `{"version":1}`, ""},
		{"keys of later", `{"version":1,"more":{},"registries":[{"name":"a","type":"npm","url":"/x","color":"red"}]}`, "a npm https://acme.example/x"},
		{"too many", `{"version":1,"registries":[` + strings.Repeat(`{},`, discover.MaxRegistries) + `{}]}`, "101 registries"},
		{"too large", `{"version":1,"x":"` + strings.Repeat("x", discover.MaxDocument) + `"}`, "larger than"},
		{"a definition", `{"version":1,"registries":[{"name":"a","type":"adapter","adapter":"../x.json","url":"https://acme.example/"}]}`, "unsupported: its adapter is no name of one that is built in"},
		{"no URL", `{"version":1,"registries":[{"name":"a","type":"npm"}]}`, "unsupported: it has no URL"},
		{"a password", `{"version":1,"registries":[{"name":"a","type":"npm","url":"https://u:p4ss@acme.example/"}]}`, "a npm https://acme.example/ unsupported: a URL of it holds a user name"},
		{"a variable", `{"version":1,"registries":[{"name":"a","type":"npm","url":"https://acme.example/${HOME}"}]}`, "unsupported: it would read variables"},
		{"a variable in a pattern", `{"version":1,"registries":[{"name":"a","type":"npm","url":"/","packages":["@${HOME}/*"]}]}`, "unsupported: it would read variables"},
	} {
		ps, err := discover.Parse([]byte(tt.doc), at)
		var got strings.Builder
		if err != nil {
			fmt.Fprintf(&got, "error: %v", err)
			if !errors.Is(err, pantry.ErrInvalid) {
				t.Errorf("%s: the error %v is none of an answer", tt.name, err)
			}
		}
		for _, p := range ps {
			fmt.Fprintf(&got, "%s %s %s %s: %s", p.Entry.Name, p.Entry.Type, p.Entry.URL, p.State, p.Reason)
		}
		if !strings.Contains(got.String(), tt.want) || tt.want == "" && got.Len() > 0 || strings.Contains(got.String(), "p4ss") {
			t.Errorf("%s: got %q, want %q", tt.name, got.String(), tt.want)
		}
	}
}

// wire answers for hosts by their name.
type wire map[string]http.Handler

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	h := w[r.URL.Scheme+"://"+r.URL.Host]
	if h == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// records answers for SRV records.
type records map[string][]*net.SRV

func (r records) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if s, ok := r["_"+service+"._"+proto+"."+name]; ok {
		return "", s, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	doc := func(name string) http.Handler {
		return discover.Handler([]discover.Registry{{Name: name, Type: "npm", URL: "/npm/"}})
	}
	asked := ""
	w := wire{
		"https://acme.example":          http.NotFoundHandler(),
		"https://packages.acme.example": doc("packages"),
		"https://eu.acme.example:8443":  doc("eu"),
		"https://own.example":           doc("own"),
		"https://web.example":           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("<html>")) }),
		"https://html.example":          http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("<html>")) }),
		"https://moved.example":         http.RedirectHandler("https://own.example"+discover.WellKnown, http.StatusFound),
		"http://plain.example":          doc("plain"),
		"https://none.example":          http.NotFoundHandler(),
		"https://huge.example": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte(" "), discover.MaxDocument+1))
		}),
		"https://denied.example": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.Header.Get("Authorization")
			w.WriteHeader(401)
		}),
	}
	dns := records{
		"_pantry._tcp.acme.example": {{Target: "down.acme.example.", Port: 443}, {Target: "packages.acme.example.", Port: 443}, {Target: "eu.acme.example.", Port: 8443}},
		"_pantry._tcp.gone.example": {{Target: "eu.acme.example.", Port: 8443}},
		"_pantry._tcp.none.example": {{Target: ".", Port: 0}},
		"_pantry._tcp.own.example":  {{Target: "eu.acme.example.", Port: 8443}},
		"_pantry._tcp.web.example":  {{Target: "eu.acme.example.", Port: 8443}},
	}
	o := discover.Options{Resolver: dns, Transport: func(o *transport.Options) {
		o.Base = w
		none := 0
		o.Retries = &none
	}}
	for _, tt := range []struct {
		host     string
		insecure bool
		want     string
		is       error
	}{
		{"own.example", false, "well-known https://own.example/.well-known/pantry.json own []", nil},
		{"https://own.example/", false, "well-known https://own.example/.well-known/pantry.json own []", nil},
		{"acme.example", false, "dns https://packages.acme.example/.well-known/pantry.json packages [acme.example leads to this document on packages.acme.example]", nil},
		{"gone.example", false, "dns https://eu.acme.example:8443/.well-known/pantry.json eu [gone.example leads to this document on eu.acme.example]", nil},
		{"moved.example", false, "well-known https://own.example/.well-known/pantry.json own [moved.example leads to this document on own.example]", nil},
		{"http://plain.example", true, "well-known http://plain.example/.well-known/pantry.json plain []", nil},
		{"http://plain.example", false, "plain http", pantry.ErrConfig},
		{"none.example", false, "ask none.example for its registries", pantry.ErrNotFound},
		{"web.example", false, "dns https://eu.acme.example:8443/.well-known/pantry.json eu [web.example leads to this document on eu.acme.example]", nil},
		{"html.example", false, "the document is no JSON", pantry.ErrInvalid},
		{"huge.example", false, "ask huge.example", pantry.ErrInvalid},
		{"denied.example", false, "ask denied.example", pantry.ErrDenied},
		{"down.example", false, "ask down.example", pantry.ErrUnavailable},
		{"", false, "is no host", pantry.ErrConfig},
		{"own.example/path", false, "without a path", pantry.ErrConfig},
		{"https://u:p4ss@own.example", false, "without user name", pantry.ErrConfig},
		{"ftp://own.example", false, "expected https://", pantry.ErrConfig},
		{"bad host", false, "is no host", pantry.ErrConfig},
	} {
		o.Insecure = tt.insecure
		a, err := discover.Ask(t.Context(), tt.host, o)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(a.Via, " ", a.URL, " ", a.Proposals[0].Entry.Name, " ", a.Proposals[0].Notes)
		}
		if !strings.Contains(got, tt.want) || !errors.Is(err, tt.is) || strings.Contains(got, "p4ss") {
			t.Errorf("%q: got %q (%v), want %q (%v)", tt.host, got, err, tt.want, tt.is)
		}
	}
	if asked != "" {
		t.Errorf("a credential was sent: %q", asked)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	builtIn := func(name string) bool { return name == "npm" || name == "github" || name == "pkgx" }
	configured := []registry.Config{
		registry.Pkgx(), registry.NPM(), registry.GitHub(),
		{Name: "acme", Type: "custom", URL: "https://acme.example/rest", Packages: []string{"@acme/*"}, Source: "pantry.json:3:5"},
		{Name: "old", Type: "npm", URL: "https://old.example", Disabled: true, Packages: []string{"@old/*"}},
	}
	npm := func(name, url string, packages ...string) discover.Proposal {
		return discover.Proposal{Entry: registry.Config{Name: name, Type: "npm", URL: url, Packages: packages}, From: "x:1"}
	}
	early := npm("early", "https://early.example")
	early.Entry.Priority = number(1)
	rest := npm("again", "https://ACME.example:443/rest/", "@acme/ui")
	rest.Entry.Type = "custom"
	unsupported := discover.Proposal{State: discover.Unsupported, Reason: "as it was"}
	for _, tt := range []struct {
		name string
		in   []discover.Proposal
		want []string // state, name, reason and notes have this
	}{
		{"new", []discover.Proposal{npm("beta", "https://beta.example", "@beta/*")}, []string{"new beta  []"}},
		{"known, spelled otherwise", []discover.Proposal{rest}, []string{"known again registry acme has this URL"}},
		{"the URL of another type", []discover.Proposal{npm("x", "https://acme.example/rest")}, []string{"new x  []"}},
		{"known, with more claims", []discover.Proposal{npm("types", registry.NPM().URL, "@types/*")}, []string{"new types  [registry npm has the same URL, and does not claim @types/*]"}},
		{"a name that is taken", []discover.Proposal{npm("ACME", "https://other.example")}, []string{"conflict ACME the name is taken by registry acme (pantry.json:3:5)"}},
		{"the built-in npm", []discover.Proposal{npm("npm", "https://own.example"), npm("npm", "https://second.example")},
			[]string{"new npm  [it takes the place of the built-in registry npm]", "conflict npm the name is taken by registry npm (proposed by x:1)"}},
		{"a built-in name for another type", []discover.Proposal{npm("github", "https://own.example")}, []string{"unsupported github"}},
		{"claims that are taken", []discover.Proposal{npm("evil", "https://evil.example", "@*/*")}, []string{"conflict evil it claims @*/*, and registry acme (pantry.json:3:5) claims @acme/*"}},
		{"claims of a disabled one", []discover.Proposal{npm("o", "https://o.example", "@old/x")}, []string{"conflict o it claims @old/x"}},
		{"two of one name", []discover.Proposal{npm("b", "https://b1.example"), npm("b", "https://b2.example")}, []string{"new b ", "new b-2 "}},
		{"two of one URL", []discover.Proposal{npm("b", "https://b1.example"), npm("c", "https://b1.example/")}, []string{"new b ", "known c registry b has this URL"}},
		{"asked before others", []discover.Proposal{early}, []string{"new early  [names that nobody claims are asked of it before pkgx, npm, github, acme]"}},
		{"everything", []discover.Proposal{{Entry: registry.Config{Name: "e", Type: "npm", URL: "https://e.example", Packages: []string{"*"}}}},
			[]string{"new e  [it claims every name without a scope: nobody else would be asked for one]"}},
		{"several mistakes", []discover.Proposal{npm("a b", "ftp://h.example")}, []string{`unsupported a b registry "a b": name: a name is letters, digits, '.', '_' and '-', and begins with a letter or digit; registry "a b": url`}},
		{"plain http", []discover.Proposal{npm("h", "http://h.example")}, []string{"unsupported h"}},
		{"a bad name", []discover.Proposal{npm("a\x1bb", "https://h.example")}, []string{"unsupported"}},
		{"unsupported before", []discover.Proposal{unsupported}, []string{"unsupported  as it was"}},
	} {
		discover.Judge(tt.in, configured, builtIn)
		for i, p := range tt.in {
			got := fmt.Sprintf("%s %s %s %s", p.State, p.Entry.Name, p.Reason, p.Notes)
			if !strings.HasPrefix(got, tt.want[i]) || strings.ContainsRune(p.Reason, '\x1b') {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want[i])
			}
		}
	}
}

// FuzzParse: whatever a host answers, reading it ends, and what is proposed as usable brings neither
// credentials nor variables along.
func FuzzParse(f *testing.F) {
	f.Add(`{"version":1,"registries":[{"name":"a","type":"npm","url":"/x","packages":["@a/*"],"mirrors":["//m"],"priority":1}]}`)
	f.Add(`{"version":1,"registries":[{"name":"a","type":"adapter","adapter":"pypi","url":"https://u:p@h/?q#f"}]}`)
	f.Add(`{"version":1,"registries":[{"url":"//u@h"},{"url":"${X}"},{"url":":"}]}`)
	at, _ := url.Parse("https://acme.example" + discover.WellKnown)
	f.Fuzz(func(t *testing.T, doc string) {
		ps, err := discover.Parse([]byte(doc), at)
		if err != nil {
			return
		}
		discover.Judge(ps, []registry.Config{registry.NPM()}, func(name string) bool { return name == "npm" })
		for _, p := range ps {
			if p.State != discover.New {
				continue
			}
			u, err := url.Parse(p.Entry.URL)
			if err != nil || u.User != nil || p.Entry.Auth != nil || strings.Contains(p.Entry.URL, "${") {
				t.Errorf("proposed: %q", p.Entry.URL)
			}
			if err := registry.NewManager(registry.Options{}).Add(p.Entry); err != nil {
				t.Errorf("new, and cannot be added: %v", err)
			}
		}
	})
}

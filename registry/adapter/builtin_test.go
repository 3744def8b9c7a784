package adapter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/registry/adapter/adaptertest"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

type packages = []adaptertest.Package

// connect makes a client of a handler by a definition that is built in.
func connect(t *testing.T, definition string, h http.Handler, change ...func(*adapter.Options)) (*adapter.Registry, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return connectURL(t, definition, srv.URL, change...), srv.URL
}

func connectURL(t *testing.T, definition, url string, change ...func(*adapter.Options)) *adapter.Registry {
	t.Helper()
	c, err := transport.New(transport.Options{Registry: "test", URL: url, Retries: new(int), Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	d, err := adapter.Load(definition)
	if err != nil {
		t.Fatal(err)
	}
	o := adapter.Options{Name: "test", Client: c, Definition: d}
	for _, f := range change {
		f(&o)
	}
	r, err := adapter.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func unverified(o *adapter.Options) { o.AllowMissingChecksum = true }

// read downloads an artifact and checks it against its digest.
func read(ctx context.Context, r pantry.Registry, a pantry.Artifact) ([]byte, error) {
	body, err := r.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(integrity.NewReader(body, a.Integrity))
}

// story is what an ecosystem's server holds, and what is to be read of it.
type story struct {
	definition string
	serve      func(...adaptertest.Package) http.Handler
	packages   packages
	change     []func(*adapter.Options)
	name       string
	versions   string // of name, in order
	latest     string
	want       pantry.Metadata // of the latest; its artifact's URL below the server's
	// constraints and what of the versions they pick
	picks map[string]string
	// spellings of versions that are there
	spelled map[string]string
	missing []string // names of packages that are not there, or cannot be
	search  map[string]string
}

func stories() map[string]story {
	python := packages{
		{Name: "requests", Version: "2.9.0"}, {Name: "requests", Version: "2.10.0rc1", Prerelease: true},
		{Name: "requests", Version: "2.10.0", Description: "HTTP for humans", License: "Apache-2.0",
			Dependencies: map[string]string{"urllib3": " (<3,>=1.21.1)", "Charset_Normalizer": "[x]<4,>=2", "idna": ""}},
		{Name: "requests", Version: "2.11.0", Withdrawn: true},
		{Name: "sources-only", Version: "1.0.post1"},
	}
	rust := packages{
		{Name: "Serde_json", Version: "1.0.0"}, {Name: "Serde_json", Version: "1.0.10"}, {Name: "Serde_json", Version: "1.0.9", Description: "JSON",
			License: "MIT OR Apache-2.0", Dependencies: map[string]string{"itoa": "^1.0"}},
		{Name: "Serde_json", Version: "1.1.0", Withdrawn: true}, {Name: "Serde_json", Version: "2.0.0-alpha.1", Prerelease: true},
		{Name: "a", Version: "0.1.0", Description: "JSON too"}, {Name: "abc", Version: "0.1.0"},
	}
	ruby := packages{
		{Name: "rack", Version: "2.2.9"}, {Name: "rack", Version: "2.2.10", Description: "Web server interface", License: "MIT",
			Dependencies: map[string]string{"webrick": "~> 1.8"}},
		{Name: "rack", Version: "2.2.10", Platform: "java"}, {Name: "rack", Version: "3.0.0.rc1", Prerelease: true},
		{Name: "native", Version: "1.0", Platform: "x86_64-linux"},
		{Name: "find-1", Version: "1", Description: "findme"}, {Name: "find-2", Version: "1", Description: "findme"}, {Name: "find-3", Version: "1", Description: "findme"},
	}
	modules := packages{
		{Name: "example.com/Acme/tool", Version: "v1.9.0"}, {Name: "example.com/Acme/tool", Version: "v2.0.0+incompatible"},
		{Name: "example.com/Acme/tool", Version: "v1.11.0-rc.1", Prerelease: true},
		{Name: "example.com/Acme/tool", Version: "v1.10.0", Dependencies: map[string]string{"golang.org/x/mod": "v0.4.2", "example.com/x/v2": "v2.0.0+incompatible"}},
		{Name: "example.com/untagged", Version: "v0.0.0-20240102030405-abcdefabcdef"},
	}
	at := adaptertest.Published()
	return map[string]story{
		"pypi": {
			definition: "pypi", serve: adaptertest.PyPI, packages: python,
			name: "requests", versions: "2.9.0 2.10.0rc1 2.10.0 2.11.0", latest: "2.10.0",
			want: pantry.Metadata{
				Description: "HTTP for humans", License: "Apache-2.0", Homepage: "https://requests.example.com", Repository: "https://example.com/requests",
				Author: "Ada <ada@example.com>", Keywords: []string{"http", "web"}, Published: at, Engines: map[string]string{"python": ">=3.8"},
				Dependencies: map[string]string{"urllib3": "<3,>=1.21.1", "charset-normalizer": "<4,>=2", "idna": "*"},
				Artifact:     pantry.Artifact{URL: "/packages/requests-2.10.0-py3-none-any.whl", File: "requests-2.10.0-py3-none-any.whl"},
			},
			picks:   map[string]string{">=2,<3": "2.10.0", "~=2.9.0": "2.9.0", "==2.10.0rc1": "2.10.0rc1", "2.11": "2.11.0", "<2.10": "2.9.0"},
			spelled: map[string]string{"2.10": "2.10.0", "2.10.0-RC1": "2.10.0rc1", "2.9": "2.9.0"},
			missing: []string{"Requests", "re_quests", "re..quests", "none", "a/b", "-x"},
			search:  map[string]string{"requests": "requests", "sources-only": "sources-only", "Sources.Only": "", "what else": "", "none": ""},
		},
		"crates": {
			definition: "crates", serve: func(p ...adaptertest.Package) http.Handler { return adaptertest.Crates("", p...) }, packages: rust,
			name: "Serde_json", versions: "1.0.0 1.0.9 1.0.10 1.1.0 2.0.0-alpha.1", latest: "1.0.10",
			want: pantry.Metadata{
				Repository: "https://example.com/Serde_json", Author: "Ada", Published: at, Engines: map[string]string{"rust": "1.70"},
				Dependencies: map[string]string{"real-name": "^1"}, DevDependencies: map[string]string{"tester": "^0.3"},
				Artifact: pantry.Artifact{URL: "/crates/Serde_json/1.0.10/download", File: "Serde_json-1.0.10.crate"},
			},
			picks:   map[string]string{"1": "1.0.10", "=1.0.9": "1.0.9", "~1.0.0": "1.0.10", "1.1.0": "1.1.0", "2.0.0-alpha": "2.0.0-alpha.1"},
			missing: []string{"serde_json", "none", "1a", "a.b", "ab"},
			search:  map[string]string{"JSON": "Serde_json a", "none": ""},
		},
		"rubygems": {
			definition: "rubygems", serve: adaptertest.RubyGems, packages: ruby,
			name: "rack", versions: "2.2.9 2.2.10 3.0.0.rc1", latest: "2.2.10",
			want: pantry.Metadata{
				Description: "Web server interface", License: "MIT", Homepage: "https://rack.example.com", Repository: "https://example.com/rack",
				Author: "Ada", Published: at, Engines: map[string]string{"ruby": ">= 2.7"},
				Dependencies: map[string]string{"webrick": "~> 1.8"}, DevDependencies: map[string]string{"rspec": "~> 3.0"},
				Artifact: pantry.Artifact{URL: "/gems/rack-2.2.10.gem", File: "rack-2.2.10.gem"},
			},
			picks:   map[string]string{"~> 2.2": "2.2.10", ">= 2, < 2.2.10": "2.2.9", ">= 3.0.0.a": "3.0.0.rc1"},
			spelled: map[string]string{"2.2.9.0": "2.2.9"},
			missing: []string{"none", "123", "a/b", "a b"},
			search:  map[string]string{"findme": "find-1 find-2 find-3", "rack": "rack"},
		},
		"go": {
			definition: "go", serve: adaptertest.GoProxy, packages: modules, change: []func(*adapter.Options){unverified},
			name: "example.com/Acme/tool", versions: "v1.9.0 v1.10.0 v1.11.0-rc.1 v2.0.0+incompatible", latest: "v1.10.0",
			want: pantry.Metadata{
				Repository: "https://example.com/origin", Published: at, Engines: map[string]string{"go": "1.21.0"},
				Dependencies: map[string]string{"golang.org/x/mod": "v0.4.2", "example.com/x/v2": "v2.0.0+incompatible", "example.com/single": "v1.0.0"},
				Artifact:     pantry.Artifact{URL: "/example.com/!acme/tool/@v/v1.10.0.zip", File: "tool@v1.10.0.zip"},
			},
			picks:   map[string]string{"v1": "v1.10.0", "<v1.10.0": "v1.9.0", ">=v1.11.0-rc.1": "v2.0.0+incompatible", "v1.11": "v1.11.0-rc.1"},
			missing: []string{"example.com/acme/tool", "nodots", "example.com/../x", "example.com//x", "Example.com/x", "example.com/none"},
			search:  map[string]string{"example.com/untagged": "example.com/untagged", "tool": ""},
		},
	}
}

func TestBuiltIn(t *testing.T) {
	t.Parallel()
	for _, name := range adapter.BuiltIns() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ok := stories()[name]
			if !ok {
				t.Fatal("there is no story about it")
			}
			r, url := connect(t, s.definition, s.serve(s.packages...), s.change...)
			s.reads(t, r, url)
			s.picksVersions(t, r)
			s.misses(t, r)
			s.searches(t, r)
			if err := r.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v", err)
			}
		})
	}
}

func (s story) reads(t *testing.T, r *adapter.Registry, url string) {
	t.Helper()
	p, err := r.Package(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Versions(), " "); got != s.versions {
		t.Errorf("versions = %s, want %s", got, s.versions)
	}
	if p.Tags()["latest"] != s.latest {
		t.Errorf("latest = %s, want %s", p.Tags()["latest"], s.latest)
	}
	want := s.want
	want.Name, want.Version, want.Registry = s.name, s.latest, "test"
	want.Artifact.Name, want.Artifact.Version, want.Artifact.URL = s.name, s.latest, url+want.Artifact.URL
	for _, ask := range []string{"", "latest", s.latest} {
		got, err := r.Metadata(t.Context(), s.name, ask)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pantry.Artifact{}, "Integrity", "Size")); diff != "" {
			t.Errorf("metadata of %q (- wanted, + got):\n%s", ask, diff)
		}
	}
	for _, v := range p.Versions() {
		m, err := p.Metadata(v)
		if err != nil {
			t.Errorf("metadata of %s: %v", v, err)
			continue
		}
		data, err := read(t.Context(), r, m.Artifact)
		if err != nil || len(data) == 0 || m.Artifact.Size != 0 && m.Artifact.Size != int64(len(data)) {
			t.Errorf("artifact of %s: %d bytes of %d, %v", v, len(data), m.Artifact.Size, err)
		}
		if len(m.Artifact.Integrity) == 0 && s.definition != "go" {
			t.Errorf("%s has no digest", v)
		}
		bare, err := read(t.Context(), r, pantry.Artifact{Name: s.name, Version: v, Integrity: m.Artifact.Integrity})
		if err != nil || !bytes.Equal(bare, data) {
			t.Errorf("artifact of %s without its URL: %d bytes, %v", v, len(bare), err)
		}
	}
}

func (s story) picksVersions(t *testing.T, r *adapter.Registry) {
	t.Helper()
	p, err := r.Package(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"99.0.0", "v99.0.0", "", "../x"} {
		if _, err := p.Metadata(v); !errors.Is(err, pantry.ErrVersionNotFound) {
			t.Errorf("the package's metadata of %q: %v", v, err)
		}
	}
	picker := p.(pantry.VersionPicker)
	for constraint, want := range s.picks {
		got, err := picker.Satisfying(constraint)
		if err != nil || len(got) == 0 || got[len(got)-1] != want {
			t.Errorf("those that satisfy %s = %q, %v; want %s at the end", constraint, got, err, want)
		}
	}
	if _, err := picker.Satisfying("!!"); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a constraint that is none: %v", err)
	}
	for ask, want := range s.spelled {
		if m, err := r.Metadata(t.Context(), s.name, ask); err != nil || m.Version != want {
			t.Errorf("Metadata(%s) = %v, %v; want %s", ask, m, err, want)
		}
	}
}

func (s story) misses(t *testing.T, r *adapter.Registry) {
	t.Helper()
	for _, name := range s.missing {
		_, err := r.Metadata(t.Context(), name, "")
		if !errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrVersionNotFound) {
			t.Errorf("Metadata(%q): %v; want it to match %q", name, err, pantry.ErrNotFound)
		}
	}
	for _, v := range []string{"99.0.0", "v99.0.0", "nope", "../x", ">=1"} {
		if _, err := r.Metadata(t.Context(), s.name, v); !errors.Is(err, pantry.ErrVersionNotFound) {
			t.Errorf("Metadata(%s, %q): %v; want it to match %q", s.name, v, err, pantry.ErrVersionNotFound)
		}
	}
}

func (s story) searches(t *testing.T, r *adapter.Registry) {
	t.Helper()
	for text, want := range s.search {
		found, err := r.Search(t.Context(), pantry.Query{Text: text})
		var names []string
		for _, m := range found {
			names = append(names, m.Name)
		}
		if err != nil || strings.Join(names, " ") != want {
			t.Errorf("Search(%q) = %q, %v; want %s", text, names, err, want)
		}
	}
}

// TestArtifactChoice: which of several files is taken.
func TestArtifactChoice(t *testing.T) {
	t.Parallel()
	all := stories()
	for _, c := range []struct{ story, name, version, file string }{
		{"pypi", "sources-only", "1.0.post1", "sources_only-1.0.post1.tar.gz"},
		{"rubygems", "native", "1.0", "native-1.0-x86_64-linux.gem"},
		{"go", "example.com/untagged", "", "untagged@v0.0.0-20240102030405-abcdefabcdef.zip"},
		{"go", "example.com/untagged", "v0.0.0-20240102030405-abcdefabcdef", "untagged@v0.0.0-20240102030405-abcdefabcdef.zip"},
		{"crates", "a", "0.1.0", "a-0.1.0.crate"}, {"crates", "abc", "0.1.0", "abc-0.1.0.crate"},
	} {
		s := all[c.story]
		r, _ := connect(t, s.definition, s.serve(s.packages...), s.change...)
		m, err := r.Metadata(t.Context(), c.name, c.version)
		if err != nil || m.Artifact.File != c.file {
			t.Errorf("%s %s: %v, %v; want the file %s", c.story, c.name, m, err, c.file)
			continue
		}
		if _, err := read(t.Context(), r, m.Artifact); err != nil {
			t.Error(err)
		}
	}
	// Cargo's markers in the URL of downloads.
	r, url := connect(t, "crates", adaptertest.Crates("/files/{lowerprefix}/{crate}/{version}.crate", packages{{Name: "Abcdef", Version: "1.0.0"}}...))
	m, err := r.Metadata(t.Context(), "Abcdef", "")
	if err != nil || m.Artifact.URL != url+"/files/ab/cd/Abcdef/1.0.0.crate" {
		t.Fatalf("%v, %v", m, err)
	}
	if _, err := read(t.Context(), r, m.Artifact); err != nil {
		t.Error(err)
	}
}

// TestWithoutDigest: a Go proxy gives no digest of its files, so they are taken only where that is
// allowed.
func TestWithoutDigest(t *testing.T) {
	t.Parallel()
	s := stories()["go"]
	r, _ := connect(t, "go", s.serve(s.packages...))
	_, err := r.Metadata(t.Context(), s.name, "")
	if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(pantry.Hint(err), "allowMissingChecksum") {
		t.Errorf("%v, hint %q", err, pantry.Hint(err))
	}
	if p, err := r.Package(t.Context(), s.name); err != nil || len(p.Versions()) != 4 {
		t.Errorf("Package = %v, %v: the list needs no digest", p, err)
	}
}

// TestWithdrawn: a version that was yanked says so, and is not chosen unless it is asked for.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ story, version, message string }{{"pypi", "2.11.0", "broken"}, {"crates", "1.1.0", "yanked"}} {
		s := stories()[c.story]
		r, _ := connect(t, s.definition, s.serve(s.packages...))
		m, err := r.Metadata(t.Context(), s.name, c.version)
		if err != nil || m.Deprecated != c.message {
			t.Errorf("%s: %v, %v; want it to say %s", c.story, m, err, c.message)
		}
	}
}

// TestPartsThatFail: what is decoration may be missing; what decides may not.
func TestPartsThatFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story, path string
		status      int
		want        error // nil: the version is read all the same
	}{
		{"pypi", "/pypi/", 404, nil}, {"pypi", "/pypi/", 500, pantry.ErrUnavailable}, {"pypi", "/simple/", 503, pantry.ErrUnavailable},
		{"pypi", "/simple/", 403, pantry.ErrDenied},
		{"crates", "/api/", 404, nil}, {"crates", "/api/", 500, nil}, {"crates", "/api/", 429, nil},
		{"crates", "/config.json", 404, pantry.ErrInvalid}, {"crates", "/se/", 500, pantry.ErrUnavailable},
		{"rubygems", "/api/v2/", 404, nil}, {"rubygems", "/api/v2/", 502, pantry.ErrUnavailable},
		{"go", "/@latest", 404, nil}, {"go", ".mod", 410, nil}, {"go", ".info", 404, pantry.ErrVersionNotFound},
	} {
		s := stories()[c.story]
		good := s.serve(s.packages...)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, c.path) {
				w.WriteHeader(c.status)
				return
			}
			good.ServeHTTP(w, r)
		})
		r, _ := connect(t, s.definition, h, s.change...)
		version, _, _ := strings.Cut(s.versions, " ")
		m, err := r.Metadata(t.Context(), s.name, version)
		switch {
		case c.want == nil && (err != nil || m.Version != version):
			t.Errorf("%s with %d for %s: %v", c.story, c.status, c.path, err)
		case c.want != nil && !errors.Is(err, c.want):
			t.Errorf("%s with %d for %s: %v; want it to match %q", c.story, c.status, c.path, err, c.want)
		}
	}
}

// TestWrongAnswers: what is no answer of the protocol, or about something else.
func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		story, path, body string
	}{
		{"pypi", "/simple/", "<html>Please sign in</html>"}, {"pypi", "/simple/", `{"name": "other", "versions": ["1"], "files": []}`},
		{"pypi", "/simple/", `[]`}, {"pypi", "/simple/", `{"name": "requests", "versions": 5}`}, {"pypi", "/simple/", `{"name": "requests", "versions": [1]}`},
		{"pypi", "/pypi/", `{"info": {"name": "other", "version": "2.9.0"}}`}, {"pypi", "/pypi/", `{"info": {"name": "requests", "version": "9"}}`},
		{"crates", "/se/", `{"name": "Serde_json"`}, {"crates", "/se/", `{"name": "other", "vers": "1.0.0"}`}, {"crates", "/se/", `<p>`},
		{"crates", "/config.json", `[`}, {"rubygems", "/api/v1/versions", `{"gems": 1}`}, {"rubygems", "/api/v1/versions", `null`},
		{"go", "/@v/list", `<!DOCTYPE html>`}, {"go", "/@latest", `no JSON`}, {"go", ".info", `{"Version": "v9.9.9"}`},
	} {
		s := stories()[c.story]
		good := s.serve(s.packages...)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, c.path) {
				_, _ = io.WriteString(w, c.body)
				return
			}
			good.ServeHTTP(w, r)
		})
		r, _ := connect(t, s.definition, h, s.change...)
		version, _, _ := strings.Cut(s.versions, " ")
		_, err := r.Metadata(t.Context(), s.name, version)
		if !errors.Is(err, pantry.ErrInvalid) || errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("%s with %s for %s: %v; want it to match %q", c.story, c.body, c.path, err, pantry.ErrInvalid)
		}
	}
}

// TestWrongBytes: the digest of the ecosystem is what the bytes are checked against.
func TestWrongBytes(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"pypi", "crates", "rubygems"} {
		s := stories()[name]
		good := s.serve(s.packages...)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/packages/") || strings.HasPrefix(r.URL.Path, "/crates/") || strings.HasPrefix(r.URL.Path, "/gems/") {
				_, _ = io.WriteString(w, "other bytes")
				return
			}
			good.ServeHTTP(w, r)
		})
		r, _ := connect(t, s.definition, h)
		m, err := r.Metadata(t.Context(), s.name, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := read(t.Context(), r, m.Artifact); !errors.Is(err, pantry.ErrIntegrity) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCredentialsStay: a credential goes to the registry's own origin, and not to others that an
// answer leads to.
func TestCredentialsStay(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-the-test"
	s := stories()["crates"]
	elsewhere := registrytest.NewScripted(s.serve(s.packages...))
	other := httptest.NewServer(elsewhere)
	t.Cleanup(other.Close)
	var seen []string
	home := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if r.URL.Path == "/config.json" {
			_, _ = io.WriteString(w, `{"dl": "`+other.URL+`/crates", "api": "`+other.URL+`"}`)
			return
		}
		s.serve(s.packages...).ServeHTTP(w, r)
	})
	srv := httptest.NewServer(home)
	t.Cleanup(srv.Close)
	c, err := transport.New(transport.Options{URL: srv.URL, Env: func(string) string { return "" },
		Credentials: []transport.Credential{transport.Bearer(pantry.NewSecret(secret), "the test")}})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := adapter.BuiltIn("crates")
	r, err := adapter.New(adapter.Options{Name: "test", Client: c, Definition: d})
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Metadata(t.Context(), s.name, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(t.Context(), r, m.Artifact); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(seen, "Bearer "+secret) {
		t.Errorf("the registry itself got %q", seen)
	}
	if got := elsewhere.Requests(); len(got) < 2 {
		t.Errorf("only %d requests went elsewhere", len(got))
	} else {
		for _, q := range got {
			if strings.Contains(q.Header.Get("Authorization"), secret) {
				t.Errorf("%s at another origin got the credential", q.Path)
			}
		}
	}
}

// TestLive reads from the module proxy that this machine uses. It runs when TEST_LIVE is 1.
func TestLive(t *testing.T) {
	if os.Getenv("TEST_LIVE") != "1" {
		t.Skip("set TEST_LIVE=1 to ask the module proxy of `go env GOPROXY`")
	}
	out, err := exec.Command("go", "env", "GOPROXY").Output()
	url := adapter.FirstURL(string(out))
	if err != nil || url == "" {
		t.Skipf("go env GOPROXY names no proxy: %v", err)
	}
	r := connectURL(t, "go", url, unverified)
	for _, name := range []string{"golang.org/x/mod", "github.com/BurntSushi/toml"} {
		m, err := r.Metadata(t.Context(), name, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, err := read(t.Context(), r, m.Artifact)
		if err != nil || !bytes.HasPrefix(data, []byte("PK")) {
			t.Errorf("%s@%s: %d bytes, %v", name, m.Version, len(data), err)
		}
		t.Logf("%s@%s of %s, %d bytes", name, m.Version, m.Published, len(data))
	}
	// Some proxies forbid what they do not know.
	if _, err := r.Metadata(t.Context(), "golang.org/x/pantry-has-no-such-module", ""); !errors.Is(err, pantry.ErrNotFound) && !errors.Is(err, pantry.ErrDenied) {
		t.Errorf("a module that nobody has: %v", err)
	}
}

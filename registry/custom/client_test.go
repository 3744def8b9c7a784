package custom_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func publication(name, version string) pantry.Publication {
	p := registrytest.Pkg{Name: name, Version: version}
	return pantry.Publication{
		Metadata: pantry.Metadata{Name: name, Version: version}, Manifest: registrytest.Manifest(p),
		Tarball: bytes.NewReader(registrytest.Tarball(p)),
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := custom.New(custom.Options{Name: "acme"}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("without a client: %v", err)
	}
}

// TestShapes: what servers write instead of what the convention says.
func TestShapes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want pantry.Metadata
	}{
		"npm objects": {
			`"repository":{"type":"git","url":"git+https://example.com/a.git"},"license":{"type":"MIT","url":"u"},"author":{"name":"Ada","email":"a@b"},"homepage":"h"`,
			pantry.Metadata{Repository: "https://example.com/a.git", License: "MIT", Author: "Ada", Homepage: "h"},
		},
		"strings": {
			`"repository":"acme/ui","license":"ISC","author":"Ada <a@b>","bin":"./cli.js","os":"linux","keywords":"one"`,
			pantry.Metadata{Repository: "https://github.com/acme/ui", License: "ISC", Author: "Ada <a@b>",
				Bin: map[string]string{"ui": "./cli.js"}, OS: []string{"linux"}, Keywords: []string{"one"}},
		},
		"arrays": {
			`"repository":[{"url":"https://example.com/b"}],"license":[{"type":"MIT"},{"type":"X"}],"dependencies":[],"engines":["node"],"bin":[],"keywords":["a",1,"b"]`,
			pantry.Metadata{Repository: "https://example.com/b", License: "MIT", Keywords: []string{"a", "b"}},
		},
		"nulls": {
			`"description":null,"repository":null,"dependencies":null,"bin":null,"os":null,"deprecated":null,"tarballUrl":null,"size":null,"platforms":null,"peerDependenciesMeta":null`,
			pantry.Metadata{},
		},
		"wrong kinds": {
			`"description":5,"homepage":{},"license":true,"author":[],"keywords":{},"os":5,"size":"big","publishedAt":"yesterday","deprecated":false,"yanked":"no","hasInstallScript":1,"peerDependenciesMeta":[],"bundleDependencies":{}`,
			pantry.Metadata{},
		},
		"optional in both": {
			`"dependencies":{"a":"1","b":"2"},"optionalDependencies":{"b":"2"},"peerDependencies":{"p":"*"},"peerDependenciesMeta":{"p":{"optional":true},"q":{"optional":true},"r":{}}`,
			pantry.Metadata{Dependencies: map[string]string{"a": "1"}, OptionalDependencies: map[string]string{"b": "2"},
				PeerDependencies: map[string]string{"p": "*"}, OptionalPeers: []string{"p", "q"}},
		},
		"bundled all": {
			`"dependencies":{"b":"1","a":"2"},"bundledDependencies":true`,
			pantry.Metadata{Dependencies: map[string]string{"a": "2", "b": "1"}, BundledDependencies: []string{"a", "b"}},
		},
		"bundled twice": {
			`"bundledDependencies":["a"],"bundleDependencies":["a","b"]`, pantry.Metadata{BundledDependencies: []string{"a", "b"}},
		},
		"scripts":           {`"scripts":{"postinstall":"x"}`, pantry.Metadata{HasInstallScript: true}},
		"deprecated true":   {`"deprecated":true`, pantry.Metadata{Deprecated: "deprecated"}},
		"deprecated":        {`"deprecated":"old"`, pantry.Metadata{Deprecated: "old"}},
		"yanked":            {`"yanked":true`, pantry.Metadata{Deprecated: "yanked"}},
		"published":         {`"publishedAt":"2024-02-03T04:05:06Z"`, pantry.Metadata{Published: time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)}},
		"control character": {`"description":"a\u001b[31mb\u202ec\nd"`, pantry.Metadata{Description: "a[31mbc d"}},
		"unknown members":   {`"x":1,"downloads":{"a":[1,2]},"readme":"#"`, pantry.Metadata{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, url := connect(t, pages{
				"/packages/@acme/ui/1.0.0": `{"name":"@acme/ui","version":"1.0.0","checksum":"SHA",` + c.body + `}`,
			})
			got, err := r.Metadata(t.Context(), "@acme/ui", "1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			c.want.Name, c.want.Version, c.want.Registry = "@acme/ui", "1.0.0", "acme"
			c.want.Artifact = pantry.Artifact{Name: "@acme/ui", Version: "1.0.0", URL: url + "/packages/@acme/ui/1.0.0/tarball"}
			if diff := cmp.Diff(&c.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(pantry.Artifact{}, "Integrity")); diff != "" {
				t.Errorf("metadata (- wanted, + got):\n%s", diff)
			}
		})
	}
}

func TestRefusedAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"other name":          {`{"name":"b","version":"1.0.0","checksum":"SHA"}`, pantry.ErrInvalid},
		"other version":       {`{"name":"a","version":"1.0.1","checksum":"SHA"}`, pantry.ErrInvalid},
		"no version":          {`{"name":"a","checksum":"SHA"}`, pantry.ErrInvalid},
		"file URL":            {`{"name":"a","version":"1.0.0","checksum":"SHA","tarballUrl":"file:///etc/passwd"}`, pantry.ErrInvalid},
		"user information":    {`{"name":"a","version":"1.0.0","checksum":"SHA","tarballUrl":"http://u:p@example.com/x"}`, pantry.ErrInvalid},
		"no host":             {`{"name":"a","version":"1.0.0","checksum":"SHA","tarballUrl":"http:///x"}`, pantry.ErrInvalid},
		"no URL":              {`{"name":"a","version":"1.0.0","checksum":"SHA","tarballUrl":"http://[::1"}`, pantry.ErrInvalid},
		"digests disagree":    {`{"name":"a","version":"1.0.0","checksum":"SHA","integrity":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}`, pantry.ErrInvalid},
		"dependency no text":  {`{"name":"a","version":"1.0.0","checksum":"SHA","dependencies":{"x":5}}`, pantry.ErrInvalid},
		"dependencies text":   {`{"name":"a","version":"1.0.0","checksum":"SHA","dependencies":"x"}`, pantry.ErrInvalid},
		"checksum a number":   {`{"name":"a","version":"1.0.0","checksum":5}`, pantry.ErrInvalid},
		"malformed beside ok": {`{"name":"a","version":"1.0.0","checksum":"sha256:abc","integrity":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}`, pantry.ErrPolicy},
		"platforms only":      {`{"name":"a","version":"1.0.0","platforms":[{"os":"linux","arch":"x64","tarballUrl":"x","checksum":"SHA"}]}`, pantry.ErrUnsupported},
	} {
		r, _ := connect(t, pages{"/packages/a/1.0.0": c.body})
		_, err := r.Metadata(t.Context(), "a", "1.0.0")
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want it to match %q", name, err, c.want)
		} else if !strings.Contains(err.Error(), `a@1.0.0 at registry "acme"`) {
			t.Errorf("%s: the message does not say about what: %v", name, err)
		}
	}
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	data := []byte("data")
	s1, s256, s512 := integrity.Sum(integrity.SHA1, data), integrity.Sum(integrity.SHA256, data), integrity.Sum(integrity.SHA512, data)
	for members, want := range map[string]integrity.Set{
		`"checksum":"sha256:` + s256.Hex() + `"`:                                      {s256},
		`"checksum":"sha256:` + strings.ToUpper(s256.Hex()) + `"`:                     {s256},
		`"checksum":"sha1:` + s1.Hex() + `"`:                                          {s1},
		`"checksum":"` + s512.String() + `"`:                                          {s512},
		`"checksum":"sha256:` + s256.Hex() + ` sha512:` + s512.Hex() + `"`:            {s256, s512},
		`"checksum":"sha256:` + s256.Hex() + `","integrity":"` + s512.String() + `"`:  {s256, s512},
		`"checksum":"sha256:` + s256.Hex() + `","integrity":"` + s256.String() + `"`:  {s256},
		`"integrity":"` + s512.String() + `"`:                                         {s512},
		`"checksum":"","integrity":"` + s256.String() + ` ` + s512.String() + `?opt"`: {s256, s512},
	} {
		r, _ := connect(t, pages{"/packages/a/1.0.0": `{"name":"a","version":"1.0.0",` + members + `}`})
		m, err := r.Metadata(t.Context(), "a", "1.0.0")
		if err != nil {
			t.Errorf("%s: %v", members, err)
			continue
		}
		if !slices.Equal(m.Artifact.Integrity, want) {
			t.Errorf("%s: integrity = %v, want %v", members, m.Artifact.Integrity, want)
		}
	}
}

func TestTarballURL(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`"tarball"`:                     "BASE/packages/a/tarball", // relative to the answer's URL
		`"1.0.0/tarball"`:               "BASE/packages/a/1.0.0/tarball",
		`"/files/a.tgz"`:                "BASE/files/a.tgz",
		`"//cdn.example.com/a"`:         "http://cdn.example.com/a",
		`"https://cdn.example.com/a#x"`: "https://cdn.example.com/a",
		`""`:                            "BASE/packages/a/1.0.0/tarball",
	} {
		r, url := connect(t, pages{"/packages/a/1.0.0": `{"name":"a","version":"1.0.0","checksum":"SHA","tarballUrl":` + given + `}`})
		m, err := r.Metadata(t.Context(), "a", "1.0.0")
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		if want = strings.Replace(want, "BASE", url, 1); m.Artifact.URL != want {
			t.Errorf("%s: URL = %s, want %s", given, m.Artifact.URL, want)
		}
	}
}

// TestTags: the three ways in which a server can know what a tag is.
func TestTags(t *testing.T) {
	t.Parallel()
	const v1, v2 = `{"name":"a","version":"1.0.0","checksum":"SHA"}`, `{"name":"a","version":"2.0.0","checksum":"SHA"}`
	listed, _ := connect(t, pages{
		"/packages/a":         `{"name":"a","version":"1.0.0","checksum":"SHA","tags":{"latest":"1.0.0","next":"2.0.0","gone":"3.0.0"}}`,
		"/packages/a/2.0.0":   v2,
		"/packages/a/nightly": `{"name":"a","version":"nightly","checksum":"SHA"}`,
	})
	resolving, _ := connect(t, pages{"/packages/a": v1, "/packages/a/next?resolve=1": v2})
	for _, c := range []struct {
		r         *custom.Registry
		ask, want string
		err       error
	}{
		{listed, "next", "2.0.0", nil}, {listed, "latest", "1.0.0", nil}, {listed, "", "1.0.0", nil},
		{listed, "nightly", "nightly", nil}, {listed, "gone", "", pantry.ErrVersionNotFound},
		{listed, "unknown", "", pantry.ErrVersionNotFound}, {listed, "versions", "", pantry.ErrVersionNotFound},
		{resolving, "next", "2.0.0", nil}, {resolving, "latest", "1.0.0", nil},
		{resolving, "unknown", "", pantry.ErrVersionNotFound},
	} {
		m, err := c.r.Metadata(t.Context(), "a", c.ask)
		if c.err != nil {
			if !errors.Is(err, c.err) {
				t.Errorf("%s: %v, %v; want %q", c.ask, m, err, c.err)
			}
			continue
		}
		if err != nil || m.Version != c.want {
			t.Errorf("%s: %v, %v; want %s", c.ask, m, err, c.want)
		}
	}
}

func TestVersionLists(t *testing.T) {
	t.Parallel()
	const pkg = `{"name":"a","version":"1.0.0","checksum":"SHA"}`
	for list, c := range map[string]struct {
		want []string
		err  error
	}{
		`{"versions":["2.0.0","1.10.0","1.9.0","1.0.0"]}`:                      {[]string{"1.0.0", "1.9.0", "1.10.0", "2.0.0"}, nil},
		`{"versions":["1.0.0","1.0.0"]}`:                                       {[]string{"1.0.0"}, nil},
		`{"versions":["2.0.0"]}`:                                               {[]string{"1.0.0", "2.0.0"}, nil}, // the default one is known
		`{"versions":["2.0.0","","..","a/b","x\u0000","a b","tarball","%2e"]}`: {[]string{"1.0.0", "2.0.0"}, nil},
		`{"versions":[]}`:                                                      {nil, pantry.ErrNotFound},
		`{"versions":null}`:                                                    {nil, pantry.ErrInvalid},
		`{"versions":{"1.0.0":{}}}`:                                            {nil, pantry.ErrInvalid},
		`{"versions":[1,2]}`:                                                   {nil, pantry.ErrInvalid},
		`[]`:                                                                   {nil, pantry.ErrInvalid},
	} {
		r, _ := connect(t, pages{"/packages/a": pkg, "/packages/a/versions": list})
		p, err := r.Package(t.Context(), "a")
		if c.err != nil {
			if !errors.Is(err, c.err) {
				t.Errorf("%s: %v, %v; want %q", list, p, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(p.Versions(), c.want) {
			t.Errorf("%s: %v, %v; want %q", list, p, err, c.want)
		}
	}
	none, _ := connect(t, pages{"/packages/a": pkg})
	if p, err := none.Package(t.Context(), "a"); err != nil || !slices.Equal(p.Versions(), []string{"1.0.0"}) {
		t.Errorf("without a list: %v, %v", p, err)
	}
	// Of a server that gives tags and versions with the package, nothing more is asked.
	counted := registrytest.NewScripted(custom.Handler(samples(), custom.HandlerOptions{}))
	full, _ := connect(t, counted)
	p, err := full.Package(t.Context(), "left-pad")
	if err != nil || counted.Count() != 1 || len(p.Versions()) != 4 {
		t.Errorf("Package = %v, %v after %d requests, want 1", p, err, counted.Count())
	}
}

// TestPackageDetails: a version is asked for once, whoever asks, and again only after a failure.
func TestPackageDetails(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(custom.Handler(samples(), custom.HandlerOptions{}))
	r, _ := connect(t, s)
	p, err := r.Package(t.Context(), "left-pad")
	if err != nil {
		t.Fatal(err)
	}
	s.Reset()
	s.Set(registrytest.Rule{Times: 1, Fault: registrytest.Status(500)})
	if _, err := p.Metadata("1.0.0"); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("a failing server: %v", err)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			m, err := p.Metadata("1.0.0")
			if err != nil || m.Version != "1.0.0" {
				t.Errorf("Metadata = %v, %v", m, err)
			}
		})
	}
	wg.Wait()
	if _, err := p.Metadata("1.5.0"); err != nil { // the default one came with the package
		t.Error(err)
	}
	if n := s.Count(); n != 2 {
		t.Errorf("%d requests, want the one that failed and one more", n)
	}
}

func TestRequestPaths(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(nil)
	r, url := connect(t, s)
	ctx := t.Context()
	for name, call := range map[string]func(){
		"/packages/@s/n":          func() { _, _ = r.Package(ctx, "@s/n") },
		"/packages/@s/n/1.0.0":    func() { _, _ = r.Metadata(ctx, "@s/n", "1.0.0") },
		"/packages/a/1.0.0+b.1":   func() { _, _ = r.Metadata(ctx, "a", "1.0.0+b.1") },
		"/packages/%C3%BC%3Cx%3E": func() { _, _ = r.Package(ctx, "ü<x>") },
		"/packages/a%3Bb=1%2Cc":   func() { _, _ = r.Package(ctx, "a;b=1,c") },
		"/search":                 func() { _, _ = r.Search(ctx, pantry.Query{Text: "a&b=c #%2f+", Limit: 7}) },
		"/-/ping":                 func() { _ = r.Ping(ctx) },
	} {
		s.Reset()
		call()
		got := s.Requests()
		if len(got) == 0 || got[0].Path != name {
			t.Fatalf("asked %+v, want %s", got, name)
		}
		if name == "/search" && got[0].Query != "limit=7&q=a%26b%3Dc+%23%252f%2B" {
			t.Errorf("query = %s", got[0].Query)
		}
	}
	s.Reset()
	for _, name := range []string{"", "a/b", "@s", "@/n", "@s/", "a\\b", "..", "@../n", "@s/..", "a\x00", "a b", "a%2fb", "@s/n/x", "a?b", strings.Repeat("n", 215)} {
		if r.CheckName(name) == nil {
			t.Errorf("CheckName(%q) = nil", name)
		}
		if _, err := r.Metadata(ctx, name, "1.0.0"); !errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("Metadata(%q): %v", name, err)
		}
		if got := r.ArtifactURL(name, "1.0.0"); got != "" {
			t.Errorf("ArtifactURL(%q) = %s", name, got)
		}
	}
	if s.Count() != 0 {
		t.Errorf("names that no registry can hold were asked for: %+v", s.Requests())
	}
	if got, want := r.ArtifactURL("@s/n", "1.0.0"), url+"/packages/@s/n/1.0.0/tarball"; got != want {
		t.Errorf("ArtifactURL = %s, want %s", got, want)
	}
	if _, err := r.Open(ctx, pantry.Artifact{Name: "@s/n", Version: "1.0.0"}); !errors.Is(err, pantry.ErrNotFound) || s.Count() != 1 {
		t.Errorf("Open without a URL: %v after %d requests", err, s.Count())
	}
}

func TestSearchResults(t *testing.T) {
	t.Parallel()
	var results []string
	for i := range 30 {
		results = append(results, fmt.Sprintf(`{"name":"n%d","version":"1.0.%d"}`, i, i))
	}
	r, _ := connect(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		fmt.Fprintf(w, `{"results":[{"name":"../x","version":"1"},{"name":"y"},%s],"total":99}`, strings.Join(results, ","))
	}))
	if got, err := r.Search(t.Context(), pantry.Query{Text: "x", Limit: 5}); err != nil || len(got) != 5 || got[0].Name != "n0" {
		t.Errorf("search = %v, %v; want five of those with a name and version", got, err)
	}
	if got, err := r.Search(t.Context(), pantry.Query{Text: "x"}); err != nil || len(got) != 20 {
		t.Errorf("search = %d, %v; want 20", len(got), err)
	}
}

// TestOpenStatus: where nothing verifies the bytes, the status is all there is.
func TestOpenStatus(t *testing.T) {
	t.Parallel()
	r, url := connect(t, route{"/x": says(204, "", ""), "/y": says(203, "application/gzip", "other")}, unverified)
	for _, path := range []string{"/x", "/y"} {
		_, err := r.Open(t.Context(), pantry.Artifact{Name: "a", Version: "1.0.0", URL: url + path})
		if !errors.Is(err, pantry.ErrInvalid) {
			t.Errorf("%s: %v; want it to match %q", path, err, pantry.ErrInvalid)
		}
	}
}

package githubtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry/registry/github/githubtest"
)

// ask sends GET to h with headers, given as names and values in turn.
func ask(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("User-Agent", "test")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func server() *githubtest.Server {
	s := githubtest.New(githubtest.Options{Web: "http://web.example", Storage: "http://storage.example"}, githubtest.Samples()...)
	s.Put(githubtest.Repo{Name: "acme/secret", Private: true, Releases: []githubtest.Release{{Tag: "v1"}, {Tag: "v2", Draft: true}}})
	s.AddToken("all", githubtest.Token{Login: "a", Private: true, Push: true, Packages: true})
	s.AddToken("some", githubtest.Token{Login: "b"})
	s.PutPackage(githubtest.Package{Owner: "acme", Name: "ui"})
	return s
}

func TestAPI(t *testing.T) {
	t.Parallel()
	const all, some = "Bearer all", "token some"
	h := server()
	for _, c := range []struct {
		target, auth string
		status       int
		says         string
	}{
		{"/repos/acme/tool", "", 200, `"full_name":"acme/tool"`}, {"/repos/ACME/Tool", "", 200, `"full_name":"acme/tool"`},
		{"/repos/acme/tool/", "", 404, "Not Found"}, {"/repos/acme/none", "", 404, "Not Found"}, {"/nothing", "", 404, "Not Found"},
		{"/repos/acme/secret", "", 404, "Not Found"}, {"/repos/acme/secret", some, 404, "Not Found"}, {"/repos/acme/secret", all, 200, `"private":true`},
		{"/repos/acme/tool", "Bearer wrong", 401, "Bad credentials"}, {"/repos/acme/tool", "Basic YTpi", 401, "Bad credentials"},
		{"/repos/acme/tool/releases/latest", "", 200, `"tag_name":"v1.2.0"`}, {"/repos/acme/library/releases/latest", "", 404, "Not Found"},
		{"/repos/acme/tool/releases/tags/v1.1.0", "", 200, `"tag_name":"v1.1.0"`}, {"/repos/acme/mono/releases/tags/api%2Fv0.1.0", "", 200, `"tag_name":"api/v0.1.0"`},
		{"/repos/acme/mono/releases/tags/api/v0.1.0", "", 404, "Not Found"}, {"/repos/acme/library/releases/tags/v0.1.0", "", 404, "Not Found"},
		{"/repos/acme/secret/releases/tags/v2", all, 404, "Not Found"}, {"/repos/acme/secret/releases", all, 200, `"draft":true`},
		{"/repos/acme/library/tags", "", 200, `"name":"v0.2.0"`}, {"/repos/acme/library/releases", "", 200, `[]`},
		{"/search/repositories?q=", "", 422, "Validation Failed"}, {"/search/repositories?q=programs+in:name", "", 200, `"total_count":1`},
		{"/orgs/acme/packages?package_type=npm", "", 401, "Requires authentication"}, {"/orgs/acme/packages?package_type=npm", some, 403, "read:packages"},
		{"/orgs/acme/packages", all, 400, "package_type"}, {"/orgs/acme/packages?package_type=npm", all, 200, `"name":"ui"`},
		{"/orgs/acme/packages?package_type=maven", all, 200, `[]`}, {"/orgs/none/packages?package_type=npm", all, 404, "Not Found"},
		{"/rate_limit", "", 200, `"core":{"limit":60`}, {"/rate_limit", all, 200, `"core":{"limit":5000`},
	} {
		w := ask(h, "http://api.example"+c.target)
		if c.auth != "" {
			w = ask(h, "http://api.example"+c.target, "Authorization", c.auth)
		}
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s as %q: %d %.200s; want %d %s", c.target, c.auth, w.Code, w.Body, c.status, c.says)
		}
	}
	if w := ask(h, "/repos/acme/tool", "User-Agent", ""); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "User-Agent") {
		t.Errorf("without a User-Agent: %d %s", w.Code, w.Body)
	}
	if w := ask(h, "/repos/acme/tool", "X-GitHub-Api-Version", "1999-01-01"); w.Code != http.StatusBadRequest {
		t.Errorf("another version of the API: %d", w.Code)
	}
	r := httptest.NewRequest(http.MethodPost, "/repos/acme/tool/releases", nil)
	r.Header.Set("User-Agent", "test")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusNotFound {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := githubtest.New(githubtest.Options{Anonymous: 2, Now: func() time.Time { return now }}, githubtest.Samples()...)
	s.AddToken("x", githubtest.Token{})
	w := ask(s, "/repos/acme/tool")
	tag := w.Header().Get("ETag")
	if w.Header().Get("X-RateLimit-Remaining") != "1" || w.Header().Get("X-RateLimit-Reset") != "1767229200" || !strings.HasPrefix(tag, "W/") {
		t.Errorf("%v", w.Header())
	}
	if w = ask(s, "/repos/acme/tool", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 || w.Header().Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("304 counts without a token: %d %v", w.Code, w.Header())
	}
	if w = ask(s, "/repos/acme/tool"); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "API rate limit exceeded") {
		t.Errorf("over the limit: %d %s", w.Code, w.Body)
	}
	if w = ask(s, "/rate_limit"); w.Code != http.StatusOK {
		t.Errorf("the rate limit itself: %d", w.Code)
	}
	if w = ask(s, "/repos/acme/tool", "Authorization", "Bearer x", "If-None-Match", tag); w.Code != http.StatusOK || w.Header().Get("ETag") == tag {
		t.Errorf("the tag of another caller: %d", w.Code)
	}
	left := w.Header().Get("X-RateLimit-Remaining")
	if w = ask(s, "/repos/acme/tool", "Authorization", "Bearer x", "If-None-Match", w.Header().Get("ETag")); w.Code != 304 || w.Header().Get("X-RateLimit-Remaining") != left {
		t.Errorf("304 with a token: %d, %s left of %s", w.Code, w.Header().Get("X-RateLimit-Remaining"), left)
	}
	now = now.Add(time.Hour)
	if w = ask(s, "/repos/acme/tool"); w.Code != http.StatusOK {
		t.Errorf("after the reset: %d", w.Code)
	}
	s.Refuse(1, "7")
	if w = ask(s, "/repos/acme/tool"); w.Code != http.StatusForbidden || w.Header().Get("Retry-After") != "7" || !strings.Contains(w.Body.String(), "secondary rate limit") {
		t.Errorf("refused: %d %v", w.Code, w.Header())
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	r := githubtest.Repo{Name: "a/b"}
	for range 70 {
		r.Releases = append(r.Releases, githubtest.Release{Tag: "x"})
	}
	s := githubtest.New(githubtest.Options{}, r)
	for target, want := range map[string][2]any{
		"/repos/a/b/releases":                     {30, `<http://api.example/repositories/1001/releases?page=2>; rel="next", <http://api.example/repositories/1001/releases?page=3>; rel="last"`},
		"/repos/a/b/releases?page=3":              {10, `<http://api.example/repositories/1001/releases?page=2>; rel="prev", <http://api.example/repositories/1001/releases?page=1>; rel="first"`},
		"/repositories/1001/releases?per_page=99": {70, ""}, "/repos/a/b/releases?per_page=1000": {70, ""}, "/repos/a/b/releases?page=9": {0, `<http://api.example/repositories/1001/releases?page=8>; rel="prev", <http://api.example/repositories/1001/releases?page=1>; rel="first"`},
	} {
		w := ask(s, "http://api.example"+target)
		var page []any
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page) != want[0] || w.Header().Get("Link") != want[1] {
			t.Errorf("%s: %d, %s, %v", target, len(page), w.Header().Get("Link"), err)
		}
	}
}

// TestWeb: the addresses for browsers.
func TestWeb(t *testing.T) {
	t.Parallel()
	s := server()
	s.Put(githubtest.Repo{Name: "acme/before", Releases: []githubtest.Release{{Tag: "v1", Assets: []githubtest.Asset{{Name: "f", Data: []byte("data")}}}}})
	s.Rename("acme/before", "acme/after")
	for target, want := range map[string]string{
		"/acme/tool/releases/latest":                                        "302 http://web.example/acme/tool/releases/tag/v1.2.0",
		"/acme/tool/releases/latest/download/tool_1.2.0_linux_amd64.tar.gz": "302 http://web.example/acme/tool/releases/download/v1.2.0/tool_1.2.0_linux_amd64.tar.gz",
		"/acme/tool/releases/download/v1.2.0/none":                          "404 ", "/acme/tool/releases/download/v9/none": "404 ", "/acme/secret/releases/download/v1/x": "404 ",
		"/acme/before/releases/download/v1/f": "301 http://web.example/acme/after/releases/download/v1/f", "/acme/library/releases/latest": "302 http://web.example/acme/library/releases",
		"/acme/tool/releases/tag/v1.2.0": "200 ", "/acme": "404 ",
	} {
		w := ask(s.Web(), target)
		if got := w.Result().Status[:3] + " " + w.Header().Get("Location"); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	to := ask(s.Web(), "/acme/after/releases/download/v1/f").Header().Get("Location")
	if w := ask(s.Storage(), to); w.Body.String() != "data" {
		t.Errorf("%s: %d %s", to, w.Code, w.Body)
	}
	if w := ask(s, "/repos/acme/before"); w.Code != http.StatusMovedPermanently || !strings.Contains(w.Header().Get("Location"), "/repositories/") {
		t.Errorf("renamed: %d %v", w.Code, w.Header())
	}
	if n := len(s.Requests()); n == 0 || s.Requests()[n-1].At != "api" {
		t.Errorf("%d requests", n)
	}
	if s.Forget(); len(s.Requests()) != 0 {
		t.Error("requests are not forgotten")
	}
}

// TestOneOrigin: as a plain handler, all is on the host that was asked.
func TestOneOrigin(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(githubtest.New(githubtest.Options{}, githubtest.Samples()...))
	t.Cleanup(srv.Close)
	var d struct {
		TarballURL string `json:"tarball_url"`
		Assets     []struct {
			Name, URL string
			Browser   string `json:"browser_download_url"`
		}
	}
	get := func(u, accept string) []byte {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, u, nil)
		req.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", u, resp.Status, err)
		}
		return data
	}
	if err := json.Unmarshal(get(srv.URL+"/repos/acme/single/releases/latest", "*/*"), &d); err != nil {
		t.Fatal(err)
	}
	const want = "#!/bin/sh\necho single 1.0.0\n"
	if a := d.Assets[0]; string(get(a.Browser, "*/*")) != want || string(get(a.URL, "application/octet-stream")) != want || !json.Valid(get(a.URL, "application/json")) {
		t.Errorf("%+v", a)
	}
	if data := get(strings.Replace(d.TarballURL, "single", "library", 1), "*/*"); len(data) == 0 {
		t.Error("no source archive")
	}
}

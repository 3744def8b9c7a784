package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/httpcache"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/transport"
)

// TestToken: with a token the API is asked for bytes, those of private repositories too, and the
// token goes there and nowhere else.
func TestToken(t *testing.T) {
	t.Parallel()
	private := tool("v1.0.0", "sub/v2.0.0")
	private.Private = true
	s := start(t, private)
	if _, err := connect(t, s).Metadata(t.Context(), "acme/tool", "1.0.0"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("a private repository without a token: %v", err)
	}
	r := connect(t, s, withToken)
	m, err := r.Metadata(t.Context(), "acme/tool", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	if got, err := read(t.Context(), r, m.Artifact); err != nil || got != "tool of v1.0.0" {
		t.Fatalf("%q, %v", got, err)
	}
	if got := asked(s); len(got) != 2 || !strings.HasSuffix(got[0], " 302") || !strings.HasPrefix(got[1], "storage:/asset/") {
		t.Errorf("asked for\n%s", paths(s))
	}
	// From a lockfile the address is known and the asset's number is not.
	for _, tag := range []string{"v1.0.0", "sub/v2.0.0"} {
		locked := m.Artifact
		locked.URL = strings.Replace(locked.URL, "v1.0.0", tag, 1)
		locked.Integrity = sri("tool of " + tag)
		if got, err := read(t.Context(), connect(t, s, withToken), locked); err != nil || got != "tool of "+tag {
			t.Errorf("%s from a lockfile: %q, %v", tag, got, err)
		}
	}
	for _, q := range s.Requests() {
		a := q.Header.Get("Authorization")
		if q.At == "api" && a != "Bearer "+token || q.At != "api" && a != "" {
			t.Errorf("%s %s %s: Authorization %q", q.At, q.Method, q.Path, a)
		}
		for name, values := range q.Header {
			if q.At != "api" && strings.Contains(strings.Join(values, " "), token) {
				t.Errorf("%s %s: the token is in %s", q.At, q.Path, name)
			}
		}
	}
}

// TestUploadedAnew: an asset that got another number is found again.
func TestUploadedAnew(t *testing.T) {
	t.Parallel()
	private := tool("v1.0.0")
	private.Private = true
	s := start(t, private)
	r := connect(t, s, withToken)
	m, err := r.Metadata(t.Context(), "acme/tool", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	s.Put(private)
	if got, err := read(t.Context(), r, m.Artifact); err != nil || got != "tool of v1.0.0" {
		t.Errorf("%q, %v", got, err)
	}
	private.Releases = nil
	s.Put(private)
	if _, err := read(t.Context(), r, m.Artifact); !errors.Is(err, pantry.ErrNotFound) || !strings.Contains(err.Error(), `download acme/tool@1.0.0 at registry "gh"`) {
		t.Errorf("an asset that is gone: %v", err)
	}
}

// TestAnonymousDownload: without a token, bytes cost no request to the API.
func TestAnonymousDownload(t *testing.T) {
	t.Parallel()
	s := start(t, tool("v1.0.0"))
	r := connect(t, s)
	m, err := r.Metadata(t.Context(), "acme/tool", "")
	if err != nil {
		t.Fatal(err)
	}
	s.Forget()
	if _, err := read(t.Context(), r, m.Artifact); err != nil {
		t.Fatal(err)
	}
	if got := asked(s); len(got) != 2 || got[0] != "web:/acme/tool/releases/download/v1.0.0/tool-linux-amd64 302" {
		t.Errorf("asked for\n%s", paths(s))
	}
	for _, q := range s.Requests() {
		if q.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("%s: Accept-Encoding %q", q.Path, q.Header.Get("Accept-Encoding"))
		}
	}
	if _, err := r.Open(t.Context(), pantry.Artifact{Name: "acme/tool", Version: "1.0.0"}); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("without an address: %v", err)
	}
}

// TestHeaders: what every request to the API says.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, tool("v1.0.0"))
	r := connect(t, s, func(_ *github.Options, o *transport.Options) { o.UserAgent = "pantry/test" })
	if _, err := r.Package(t.Context(), "acme/tool"); err != nil {
		t.Fatal(err)
	}
	for _, q := range s.Requests() {
		if q.Header.Get("Accept") != "application/vnd.github+json" || q.Header.Get("X-GitHub-Api-Version") != "2022-11-28" || q.Header.Get("User-Agent") != "pantry/test" {
			t.Errorf("%s: %v", q.Path, q.Header)
		}
	}
	if q := s.Requests()[0]; q.Query != "per_page=100" {
		t.Errorf("query %q", q.Query)
	}
}

// TestConditional: a question that was answered before is asked again for nothing.
func TestConditional(t *testing.T) {
	t.Parallel()
	s := start(t, tool("v1.0.0", "v1.1.0"))
	folder := httpcache.NewFolder(t.TempDir(), httpcache.FolderOptions{})
	r := connect(t, s, withToken, func(_ *github.Options, o *transport.Options) {
		o.Cache = func(next http.RoundTripper, c *transport.Client) http.RoundTripper {
			return folder.Layer(next, httpcache.Options{Registry: c.BaseURL(), Identity: c.Identity})
		}
	})
	ask := func() string {
		t.Helper()
		s.Forget()
		p, err := r.Package(t.Context(), "acme/tool")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Metadata(p.Tags()["latest"]); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(p.Versions(), " ", strings.Join(asked(s), " "))
	}
	const again = " /repos/acme/tool/releases 304 /repos/acme/tool/releases/latest 304 /repos/acme/tool 304"
	if got := ask(); strings.Contains(got, "304") {
		t.Errorf("the first time: %s", got)
	}
	s.SetRemaining(token, "core", 1, 1<<40)
	if got := ask(); got != "[1.0.0 1.1.0]"+again {
		t.Errorf("the second time: %s", got)
	}
	s.SetRemaining(token, "core", 100, 1<<40)
	s.Put(tool("v1.0.0", "v1.1.0", "v1.2.0"))
	if got := ask(); got != "[1.0.0 1.1.0 1.2.0] /repos/acme/tool/releases /repos/acme/tool/releases/latest /repos/acme/tool 304" {
		t.Errorf("after a release: %s", got)
	}
}

func TestSplitDownload(t *testing.T) {
	t.Parallel()
	for u, want := range map[string]string{
		"https://github.com/o/r/releases/download/v1/f":               "o/r v1 f",
		"https://ghe.example.com/x/o/r/releases/download/a/b/v1/f%20": "o/r a/b/v1 f ",
		"https://github.com/o/r/releases/download/v1/":                "  ", "https://github.com/o/r/archive/v1.tar.gz": "  ", "https://github.com/r/releases/download/v1/f": "  ",
		"https://github.com/o/r/releases/download/f": "  ", "https://github.com/o/../releases/download/v1/f": "  ", "https://github.com/o/r/releases/download/../f": "  ", "://": "  ",
	} {
		repo, tag, file := github.SplitDownload(u)
		if got := repo + " " + tag + " " + file; got != want {
			t.Errorf("%s: %q, want %q", u, got, want)
		}
	}
}

func TestLRU(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprint(github.Kept(2, "a", "b", "c")); got != "[b c]" {
		t.Errorf("kept %s", got)
	}
	if got := fmt.Sprint(github.Kept(2, "a", "b", "a")); got != "[a b a]" {
		t.Errorf("kept %s", got)
	}
	if got := fmt.Sprint(github.Kept(0, "a")); got != "[]" {
		t.Errorf("kept %s", got)
	}
}

// TestStorageRefusesCredentials: the server of the tests would have seen a token that went along.
func TestStorageRefusesCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, tool("v1.0.0"))
	m, err := connect(t, s).Metadata(t.Context(), "acme/tool", "")
	if err != nil {
		t.Fatal(err)
	}
	req := httptest.NewRequest(http.MethodGet, m.Artifact.URL, nil)
	w := httptest.NewRecorder()
	s.Web().ServeHTTP(w, req)
	to := w.Header().Get("Location")
	for credential, want := range map[string]int{"": http.StatusOK, "Bearer " + token: http.StatusBadRequest} {
		req := httptest.NewRequest(http.MethodGet, to, nil)
		if credential != "" {
			req.Header.Set("Authorization", credential)
		}
		w := httptest.NewRecorder()
		s.Storage().ServeHTTP(w, req)
		if w.Code != want {
			t.Errorf("with %q: %d, want %d", credential, w.Code, want)
		}
	}
	req = httptest.NewRequest(http.MethodGet, to+"0", nil)
	w = httptest.NewRecorder()
	if s.Storage().ServeHTTP(w, req); w.Code != http.StatusForbidden {
		t.Errorf("with another signature: %d", w.Code)
	}
	req = httptest.NewRequest(http.MethodGet, to, nil)
	req.Header.Set("Range", "bytes=5-6")
	w = httptest.NewRecorder()
	if s.Storage().ServeHTTP(w, req); w.Code != http.StatusPartialContent || w.Body.String() != "of" {
		t.Errorf("a range: %d %q", w.Code, w.Body)
	}
}

package custom_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func filesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// TestPaths: one name in all its spellings, and what is refused.
func TestPaths(t *testing.T) {
	t.Parallel()
	h := custom.Handler(samples(), custom.HandlerOptions{})
	for target, want := range map[string]string{
		"/packages/left-pad":                             "left-pad@1.5.0",
		"/packages/left-pad/1.0.0":                       "left-pad@1.0.0",
		"/packages/left%2Dpad/1%2E0%2E0":                 "left-pad@1.0.0",
		"/packages/@acme/ui":                             "@acme/ui@1.0.0",
		"/packages/@acme/ui/1.0.0":                       "@acme/ui@1.0.0",
		"/packages/@acme%2Fui":                           "@acme/ui@1.0.0",
		"/packages/@acme%2fui/1.0.0":                     "@acme/ui@1.0.0",
		"/packages/%40acme%2Fui/1.0.0":                   "@acme/ui@1.0.0",
		"/packages/%40acme/ui/1.0.0":                     "@acme/ui@1.0.0",
		"/packages/left-pad/next?resolve=1":              "left-pad@2.0.0-rc.1",
		"/packages/left-pad/latest?resolve=1":            "left-pad@1.5.0",
		"/packages/left-pad/1.0.0?resolve=1":             "left-pad@1.0.0",
		"/packages/left-pad/%5E1.0.0?resolve=1":          "left-pad@1.5.0", // latest satisfies it
		"/packages/left-pad/%3E1.5%20%3C2?resolve=1":     "left-pad@1.10.0",
		"/packages/left-pad/next":                        "404 version_not_found",
		"/packages/left-pad/latest":                      "404 version_not_found",
		"/packages/left-pad/%5E1.0.0":                    "404 version_not_found",
		"/packages/left-pad/9.9.9":                       "404 version_not_found",
		"/packages/left-pad/9.9.9?resolve=1":             "404 version_not_found",
		"/packages/left-pad/9.9.9/tarball":               "404 version_not_found",
		"/packages/missing":                              "404 package_not_found",
		"/packages/missing/1.0.0":                        "404 package_not_found",
		"/packages/missing/1.0.0?resolve=1":              "404 package_not_found",
		"/packages/missing/versions":                     "404 package_not_found",
		"/packages/missing/tags":                         "404 package_not_found",
		"/packages/missing/1.0.0/tarball":                "404 package_not_found",
		"/packages/":                                     "400 bad_name",
		"/packages/@acme":                                "400 bad_name",
		"/packages/@acme/":                               "400 bad_name",
		"/packages/..":                                   "400 bad_name",
		"/packages/%2e%2e/x":                             "400 bad_name",
		"/packages/@acme/..":                             "400 bad_name",
		"/packages/@acme%2F..":                           "400 bad_name",
		"/packages/acme%2Fui":                            "400 bad_name",
		"/packages/a%5Cb":                                "400 bad_name",
		"/packages/a%00b":                                "400 bad_name",
		"/packages/a%0Ab":                                "400 bad_name",
		"/packages/a%252Fb":                              "400 bad_name", // decoded once only
		"/packages/@a%2Fb%2Fc":                           "400 bad_name",
		"/packages/@acme%2Fui%2F1.0.0":                   "400 bad_name",
		"/packages/left-pad/..":                          "400 bad_version",
		"/packages/left-pad/%2e%2e%2f1.0.0":              "400 bad_version",
		"/packages/left-pad/1.0.0%00":                    "400 bad_version",
		"/packages/left-pad/" + strings.Repeat("1", 300): "400 bad_version",
		"/packages/left-pad/":                            "400 bad_version",
		"/packages/left-pad/tarball":                     "404 not_found",
		"/packages/left-pad/1.0.0/readme":                "404 not_found",
		"/packages/left-pad/1.0.0/tarball/x":             "404 not_found",
		"/":                                              "404 not_found",
		"/other":                                         "404 not_found",
		"/-/whoami":                                      "404 not_found",
		"/search":                                        "400 bad_query",
		"/search?q=%20":                                  "400 bad_query",
		"/search?q=a&limit=x":                            "400 bad_query",
		"/packages":                                      "405 method_not_allowed",
	} {
		w, doc := ask(t, h, http.MethodGet, target)
		got := fmt.Sprint(doc["name"], "@", doc["version"])
		if w.Code != http.StatusOK {
			got = fmt.Sprint(w.Code, " ", doc["code"])
			if w.Header().Get("Content-Type") != "application/problem+json" || doc["status"] != float64(w.Code) || doc["error"] == "" || doc["title"] == nil {
				t.Errorf("%s: no problem document: %q %v", target, w.Header().Get("Content-Type"), doc)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	m := samples()
	h := custom.Handler(m, custom.HandlerOptions{BaseURL: "https://packages.example.com/base/"})
	_, doc := ask(t, h, http.MethodGet, "/packages/@acme%2Fui")
	if doc["tarballUrl"] != "https://packages.example.com/base/packages/@acme/ui/1.0.0/tarball" || doc["description"] != "buttons" ||
		fmt.Sprint(doc["versions"]) != "[1.0.0]" || fmt.Sprint(doc["tags"]) != "map[latest:1.0.0]" ||
		!strings.HasPrefix(fmt.Sprint(doc["checksum"]), "sha512:") {
		t.Errorf("package = %v", doc)
	}
	if _, doc = ask(t, h, http.MethodGet, "/packages/left-pad/versions"); fmt.Sprint(doc["versions"]) != "[1.0.0 1.5.0 1.10.0 2.0.0-rc.1]" {
		t.Errorf("versions = %v", doc)
	}
	if _, doc = ask(t, h, http.MethodGet, "/packages/left-pad/tags"); fmt.Sprint(doc["tags"]) != "map[latest:1.5.0 next:2.0.0-rc.1]" {
		t.Errorf("tags = %v", doc)
	}
	if _, doc = ask(t, h, http.MethodGet, "/search?q=pad&limit=1000"); len(doc["results"].([]any)) != 1 {
		t.Errorf("search = %v", doc)
	}
	if w, doc := ask(t, h, http.MethodGet, "/search?q=nothing-is-so"); w.Code != 200 || doc["results"] == nil {
		t.Errorf("search without results = %d %v", w.Code, doc)
	}
	_, doc = ask(t, h, http.MethodGet, "/-/info")
	if doc["protocol"] != "pantry/1" || fmt.Sprint(doc["features"]) != "[publish search tags]" {
		t.Errorf("info = %v", doc)
	}
	if w, _ := ask(t, h, http.MethodGet, "/-/ping"); w.Code != 200 || w.Body.String() != "{}\n" {
		t.Errorf("ping = %d %q", w.Code, w.Body)
	}
	w, _ := ask(t, h, http.MethodGet, "/packages/left-pad/next?resolve=1")
	if got := w.Header().Get("Content-Location"); got != "https://packages.example.com/base/packages/left-pad/2.0.0-rc.1" {
		t.Errorf("Content-Location = %q", got)
	}
	for _, host := range []string{"a b", "x/y", "u@h", ""} {
		r := httptest.NewRequest(http.MethodGet, "/packages/left-pad", nil)
		r.Host = host
		if w, doc := send(t, custom.Handler(m, custom.HandlerOptions{}), r); w.Code != http.StatusBadRequest {
			t.Errorf("Host %q: %d %v", host, w.Code, doc)
		}
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	m := samples()
	h := custom.Handler(m, custom.HandlerOptions{})
	tarball := registrytest.Tarball(registrytest.Pkg{Name: "left-pad", Version: "1.0.0"})
	for _, target := range []string{"/packages/left-pad", "/packages/left-pad/1.0.0", "/packages/left-pad/versions", "/search?q=pad", "/packages/left-pad/1.0.0/tarball"} {
		w, _ := ask(t, h, http.MethodGet, target)
		tag := w.Header().Get("ETag")
		if w.Code != 200 || tag == "" || strings.HasPrefix(tag, "W/") || !strings.Contains(w.Header().Get("Cache-Control"), "public") {
			t.Errorf("%s: %d %v", target, w.Code, w.Header())
		}
		for _, wish := range []string{tag, `"x", W/` + tag, "*"} {
			if w, _ := ask(t, h, http.MethodGet, target, "If-None-Match", wish); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
				t.Errorf("%s with If-None-Match %s: %d, %d bytes", target, wish, w.Code, w.Body.Len())
			}
		}
		if w, _ := ask(t, h, http.MethodGet, target, "If-None-Match", `"other"`); w.Code != 200 {
			t.Errorf("%s with another tag: %d", target, w.Code)
		}
		head, _ := ask(t, h, http.MethodHead, target)
		if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("ETag") != tag || head.Header().Get("Content-Length") != fmt.Sprint(w.Body.Len()) {
			t.Errorf("HEAD %s: %d, %d bytes, %v", target, head.Code, head.Body.Len(), head.Header())
		}
		if w, _ := ask(t, h, http.MethodGet, target, "Authorization", "Bearer x"); w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s with a credential: Cache-Control %q", target, w.Header().Get("Cache-Control"))
		}
	}
	w, _ := ask(t, h, http.MethodGet, "/packages/left-pad/1.0.0/tarball", "Range", "bytes=5-9")
	if w.Code != http.StatusPartialContent || w.Body.String() != string(tarball[5:10]) {
		t.Errorf("range of a tarball: %d %q", w.Code, w.Body)
	}
	if w, _ := ask(t, h, http.MethodGet, "/packages/left-pad", "Range", "bytes=0-1"); w.Code != 200 {
		t.Errorf("range of a document: %d", w.Code)
	}
	if w, _ := ask(t, h, http.MethodHead, "/packages/missing"); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD of a missing package: %d, %d bytes", w.Code, w.Body.Len())
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	h := custom.Handler(samples(), custom.HandlerOptions{})
	for target, allow := range map[string]string{
		"/packages": "POST", "/publish": "POST", "/packages/left-pad": "GET, HEAD", "/packages/left-pad/1.0.0": "GET, HEAD",
		"/packages/left-pad/versions": "GET, HEAD", "/packages/left-pad/tags/x": "DELETE, PUT", "/search?q=x": "GET, HEAD",
	} {
		if w, _ := ask(t, h, http.MethodPatch, target); w.Code != 405 || w.Header().Get("Allow") != allow {
			t.Errorf("PATCH %s: %d, Allow %q, want %q", target, w.Code, w.Header().Get("Allow"), allow)
		}
	}
}

func TestTagRequests(t *testing.T) {
	t.Parallel()
	h := custom.Handler(samples(), custom.HandlerOptions{})
	for _, c := range []struct {
		method, target, body string
		status               int
		code                 string
	}{
		{"PUT", "/packages/left-pad/tags/beta", `{"version":"1.0.0"}`, 200, ""},
		{"PUT", "/packages/@acme%2Fui/tags/beta", `{"version":"1.0.0"}`, 200, ""},
		{"PUT", "/packages/left-pad/tags/beta", `{"version":"9.9.9"}`, 404, "version_not_found"},
		{"PUT", "/packages/missing/tags/beta", `{"version":"1.0.0"}`, 404, "package_not_found"},
		{"PUT", "/packages/left-pad/tags/1.x", `{"version":"1.0.0"}`, 400, "bad_tag"},
		{"PUT", "/packages/left-pad/tags/beta", `{}`, 400, "bad_json"},
		{"PUT", "/packages/left-pad/tags/beta", `"1.0.0"`, 400, "bad_json"},
		{"PUT", "/packages/left-pad/tags/beta", strings.Repeat(" ", 10_000), 413, "too_large"},
		{"DELETE", "/packages/left-pad/tags/next", "", 204, ""},
		{"DELETE", "/packages/left-pad/tags/next", "", 404, "tag_not_found"},
		{"DELETE", "/packages/left-pad/tags/latest", "", 409, "tag_locked"},
	} {
		w, doc := send(t, h, httptest.NewRequest(c.method, "http://registry.example.com"+c.target, strings.NewReader(c.body)))
		code, _ := doc["code"].(string)
		if w.Code != c.status || code != c.code {
			t.Errorf("%s %s %.20s: %d %s, want %d %s", c.method, c.target, c.body, w.Code, code, c.status, c.code)
		}
	}
}

// broken is a registry that gives err, or bytes that are not what its metadata says.
type broken struct {
	*registrytest.Memory
	err error
}

func (b broken) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Memory.Metadata(ctx, name, version)
}

func (b broken) Package(ctx context.Context, name string) (pantry.Package, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Memory.Package(ctx, name)
}

func (b broken) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	body, err := b.Memory.Open(ctx, a)
	return struct{ io.ReadCloser }{body}, err // cannot be sought
}

// TestFailures: what a registry's errors become, and that nothing of them leaks.
func TestFailures(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]string{
		pantry.ErrNotFound:           "404 package_not_found",
		pantry.ErrVersionNotFound:    "404 version_not_found",
		pantry.ErrDenied:             "403 forbidden",
		pantry.ErrUnavailable:        "503 unavailable",
		context.DeadlineExceeded:     "503 unavailable",
		pantry.ErrInvalid:            "502 bad_upstream",
		pantry.ErrIntegrity:          "502 bad_upstream",
		pantry.ErrUnsupported:        "501 unsupported",
		pantry.ErrPolicy:             "403 forbidden",
		errors.New("/secret/path x"): "500 internal",
	} {
		h := custom.Handler(broken{samples(), fmt.Errorf("at host.internal: %w", err)}, custom.HandlerOptions{})
		for _, target := range []string{"/packages/left-pad", "/packages/left-pad/1.0.0", "/packages/left-pad/versions", "/packages/left-pad/1.0.0/tarball"} {
			w, doc := ask(t, h, http.MethodGet, target)
			if got := fmt.Sprint(w.Code, " ", doc["code"]); got != want {
				t.Errorf("%v at %s: %s, want %s", err, target, got, want)
			}
			if w.Code != 403 && strings.Contains(w.Body.String(), "internal:") || strings.Contains(w.Body.String(), "/secret") {
				t.Errorf("%v at %s: %s", err, target, w.Body)
			}
			if (w.Header().Get("Retry-After") != "") != (w.Code == 503) {
				t.Errorf("%v: Retry-After %q", err, w.Header().Get("Retry-After"))
			}
		}
	}
}

// TestStreamedTarball: bytes that turn out to be wrong are not passed off as whole.
func TestStreamedTarball(t *testing.T) {
	t.Parallel()
	wrong := integrity.Set{integrity.Sum(integrity.SHA512, []byte("else"))}
	m := registrytest.NewMemory("memory",
		registrytest.Pkg{Name: "right", Version: "1.0.0"},
		registrytest.Pkg{Name: "wrong", Version: "1.0.0", Integrity: wrong, Files: map[string]string{"x": strings.Repeat("x", 1<<20)}},
	)
	srv := httptest.NewServer(custom.Handler(broken{m, nil}, custom.HandlerOptions{}))
	t.Cleanup(srv.Close)
	get := func(name string, headers ...string) (*http.Response, []byte, error) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/packages/"+name+"/1.0.0/tarball", nil)
		for i := 0; i+1 < len(headers); i += 2 {
			req.Header.Set(headers[i], headers[i+1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, nil, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, body, err
	}
	resp, body, err := get("right")
	if err != nil || !slices.Equal(body, registrytest.Tarball(registrytest.Pkg{Name: "right", Version: "1.0.0"})) {
		t.Fatalf("right: %d bytes, %v", len(body), err)
	}
	if again, _, err := get("right", "If-None-Match", resp.Header.Get("ETag")); err != nil || again.StatusCode != http.StatusNotModified {
		t.Errorf("If-None-Match: %v, %v", again, err)
	}
	if whole, body, err := get("right", "Range", "bytes=0-1"); err != nil || whole.StatusCode != 200 || len(body) < 10 {
		t.Errorf("a range of what cannot be sought: %v, %d bytes, %v", whole.Status, len(body), err)
	}
	if _, body, err := get("wrong"); err == nil {
		t.Errorf("wrong bytes were sent as whole: %d of them", len(body))
	}
}

// readOnly hides what else a Memory can do.
type readOnly struct{ pantry.Registry }

func TestReadOnly(t *testing.T) {
	t.Parallel()
	h := custom.Handler(readOnly{samples()}, custom.HandlerOptions{})
	for method, target := range map[string]string{"POST": "/packages", "PUT": "/packages/left-pad/tags/x", "GET": "/search?q=x", "DELETE": "/packages/left-pad/tags/x"} {
		r := httptest.NewRequest(method, "http://registry.example.com"+target, strings.NewReader(`{"version":"1.0.0"}`))
		if w, doc := send(t, h, r); w.Code != http.StatusNotImplemented || doc["code"] != "unsupported" {
			t.Errorf("%s %s: %d %v", method, target, w.Code, doc)
		}
	}
	r, _ := connect(t, h)
	if err := r.Publish(t.Context(), publication("a", "1.0.0")); !errors.Is(err, pantry.ErrUnsupported) {
		t.Errorf("publish: %v", err)
	}
	if _, err := r.Search(t.Context(), pantry.Query{Text: "x"}); !errors.Is(err, pantry.ErrUnsupported) {
		t.Errorf("search: %v", err)
	}
}

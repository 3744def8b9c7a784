package npm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func memory() *registrytest.Memory {
	at := func(month time.Month) time.Time { return time.Date(2024, month, 3, 4, 5, 6, 7e6, time.UTC) }
	return registrytest.NewMemory("memory",
		registrytest.Pkg{Name: "@s/pad", Version: "1.0.0", Description: "old", Published: at(2), Dependencies: map[string]string{"a": "1"}, Deprecated: "no more"},
		registrytest.Pkg{Name: "@s/pad", Version: "1.1.0", Description: "new", License: "MIT", Published: at(3), Scripts: map[string]string{"install": "x"}},
		registrytest.Pkg{Name: "-", Version: "1.0.0"},
		registrytest.Pkg{Name: "plain", Version: "1.0.0"},
	)
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	return ask(h, http.MethodGet, target, header...)
}

func ask(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h := npm.Handler(memory(), npm.HandlerOptions{})
	for _, c := range []struct {
		path   string
		status int
	}{
		{"/@s%2fpad", 200}, {"/@s%2Fpad", 200}, {"/%40s%2fpad", 200}, {"/@s/pad", 200}, {"/%40s/pad", 200},
		{"/@s%2fpad/1.0.0", 200}, {"/@s/pad/latest", 200}, {"/@s/pad/1%2e0.0", 200},
		{"/@s/pad/-/pad-1.0.0.tgz", 200}, {"/@s%2fpad/-/pad-1.1.0.tgz", 200}, {"/plain/-/plain-1.0.0.tgz", 200}, {"/plain", 200},
		{"/-/ping", 200}, {"/-/all", 200}, {"/-/ping?write=true", 200}, {"/-/v1/search?text=pad", 200}, {"/-", 200},
		{"/-/package/@s%2fpad/dist-tags", 200}, {"/-/package/@s/pad/dist-tags", 200}, {"/-/package/plain/dist-tags", 200},

		{"/", 404}, {"/missing", 404}, {"/@s", 404}, {"/@s/missing", 404}, {"/@s%252fpad", 404}, {"/plain/", 404}, {"//plain", 404},
		{"/plain/9.9.9", 404}, {"/plain/^1.0.0", 404}, {"/plain/-/other-1.0.0.tgz", 404}, {"/plain/-/plain-latest.tgz", 404},
		{"/plain/-/plain-9.9.9.tgz", 404}, {"/plain/-/plain-1.0.0.zip", 404}, {"/plain/-/plain-.tgz", 404}, {"/plain/-", 404},
		{"/@s/pad/-/@s/pad-1.0.0.tgz", 404}, {"/plain/tarball/1.0.0", 404}, {"/a/b/c/d", 404},
		{"/..%2fplain", 404}, {"/%2e%2e/plain", 404}, {"/plain/..%2f..", 404}, {"/plain%2f1.0.0", 404}, {"/plain/%00", 404}, {"/plain%5c1.0.0", 404},
		{"/@s%2f..%2fplain", 404}, {"/@s%2fpad%2f1.0.0", 404}, {"/@..%2fpad", 404}, {"/%1b%5b2J", 404},
		{"/-/whoami", 404}, {"/-/v1/login", 404}, {"/-/package/plain", 404}, {"/-/package/missing/dist-tags", 404}, {"/-/npm/v1/attestations/plain@1.0.0", 404},
		{"/-/v1/search", 400}, {"/-/v1/search?text=+", 400},
	} {
		rec := get(h, c.path)
		if rec.Code != c.status {
			t.Errorf("GET %s: %d %s", c.path, rec.Code, rec.Body)
		}
		if length := rec.Header().Get("Content-Length"); length != strconv.Itoa(rec.Body.Len()) {
			t.Errorf("GET %s: content length %q of %d", c.path, length, rec.Body.Len())
		}
		var problem struct{ Error string }
		if c.status >= 400 && (json.Unmarshal(rec.Body.Bytes(), &problem) != nil || problem.Error == "") {
			t.Errorf("GET %s: body %q", c.path, rec.Body)
		}
	}
	for _, c := range []struct{ method, path, allow string }{
		{"POST", "/plain", "GET, HEAD, PUT"}, {"DELETE", "/plain/1.0.0", "GET, HEAD, PUT"}, {"PUT", "/plain/-/plain-1.0.0.tgz", "GET, HEAD"},
		{"PATCH", "/-/ping", "GET, HEAD"}, {"GET", "/-/package/plain/dist-tags/latest", "PUT, POST, DELETE"},
	} {
		if rec := ask(h, c.method, c.path); rec.Code != 405 || rec.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.path, rec.Code, rec.Header().Get("Allow"))
		}
	}
}

// TestPackumentForms: the full document and the one for installs, as npm's clients know them.
func TestPackumentForms(t *testing.T) {
	t.Parallel()
	h := npm.Handler(memory(), npm.HandlerOptions{BaseURL: "https://npm.example.com/base/"})
	type doc = map[string]any
	dist := func(v string) doc {
		m, err := memory().Metadata(t.Context(), "@s/pad", v)
		if err != nil {
			t.Fatal(err)
		}
		return doc{"integrity": m.Artifact.Integrity.String(), "tarball": "https://npm.example.com/base/@s/pad/-/pad-" + v + ".tgz"}
	}
	tags := doc{"latest": "1.1.0"}
	abbreviated := doc{
		"name": "@s/pad", "dist-tags": tags, "modified": "2024-03-03T04:05:06.007Z", "versions": doc{
			"1.0.0": doc{"name": "@s/pad", "version": "1.0.0", "dependencies": doc{"a": "1"}, "deprecated": "no more", "dist": dist("1.0.0")},
			"1.1.0": doc{"name": "@s/pad", "version": "1.1.0", "hasInstallScript": true, "dist": dist("1.1.0")},
		},
	}
	full := doc{
		"_id": "@s/pad", "name": "@s/pad", "description": "new", "dist-tags": tags,
		"time": doc{"created": "2024-02-03T04:05:06.007Z", "modified": "2024-03-03T04:05:06.007Z", "1.0.0": "2024-02-03T04:05:06.007Z", "1.1.0": "2024-03-03T04:05:06.007Z"},
		"versions": doc{
			"1.0.0": doc{"_id": "@s/pad@1.0.0", "name": "@s/pad", "version": "1.0.0", "description": "old", "dependencies": doc{"a": "1"}, "deprecated": "no more", "dist": dist("1.0.0")},
			"1.1.0": doc{"_id": "@s/pad@1.1.0", "name": "@s/pad", "version": "1.1.0", "description": "new", "license": "MIT", "hasInstallScript": true, "dist": dist("1.1.0")},
		},
	}
	const corgi = "application/vnd.npm.install-v1+json"
	for accept, want := range map[string]doc{
		corgi + "; q=1.0, application/json; q=0.8, */*": abbreviated, corgi: abbreviated, corgi + ", application/json": abbreviated,
		"application/json": full, "": full, "*/*": full, "application/json, " + corgi + "; q=0.5": full, corgi + "; q=0": full, corgi + ";q=x": full,
	} {
		rec := get(h, "/@s%2fpad", "Accept", accept)
		var got doc
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Accept %q (- want, + got):\n%s", accept, diff)
		}
		contentType := "application/json"
		if want["_id"] == nil {
			contentType = corgi
		}
		if rec.Header().Get("Content-Type") != contentType || rec.Header().Get("Vary") != "Accept" {
			t.Errorf("Accept %q: header %v", accept, rec.Header())
		}
		tag := rec.Header().Get("ETag")
		for given, status := range map[string]int{tag: 304, `"x", W/` + tag: 304, "*": 304, `"x"`: 200, "": 200} {
			if again := get(h, "/@s%2fpad", "Accept", accept, "If-None-Match", given); again.Code != status || again.Header().Get("ETag") != tag {
				t.Errorf("If-None-Match %s: %d", given, again.Code)
			} else if status == 304 && again.Body.Len() != 0 {
				t.Errorf("If-None-Match %s: a body", given)
			}
		}
	}
}

// TestBase: tarballs are where the client found the handler, unless that was configured.
func TestBase(t *testing.T) {
	t.Parallel()
	tarball := func(h http.Handler, r *http.Request) (int, string) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		var doc struct{ Dist struct{ Tarball string } }
		_ = json.Unmarshal(rec.Body.Bytes(), &doc)
		return rec.Code, doc.Dist.Tarball
	}
	h := npm.Handler(memory(), npm.HandlerOptions{})
	r := httptest.NewRequest("GET", "/plain/1.0.0", nil)
	r.Host = "localhost:4873"
	r.Header.Set("X-Forwarded-Host", "evil.example.net")
	r.Header.Set("X-Forwarded-Proto", "https")
	if _, got := tarball(h, r); got != "http://localhost:4873/plain/-/plain-1.0.0.tgz" {
		t.Errorf("got %q", got)
	}
	if _, got := tarball(h, httptest.NewRequest("GET", "https://npm.example.com/plain/1.0.0", nil)); got != "https://npm.example.com/plain/-/plain-1.0.0.tgz" {
		t.Errorf("over TLS: got %q", got)
	}
	for _, host := range []string{"", "a/b", "user@host", "a b", "x?y"} {
		r.Host = host
		if status, got := tarball(h, r); status != 400 {
			t.Errorf("host %q: %d, %q", host, status, got)
		}
	}
}

func TestHead(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(npm.Handler(memory(), npm.HandlerOptions{}))
	t.Cleanup(srv.Close)
	for _, path := range []string{"/plain", "/plain/1.0.0", "/plain/-/plain-1.0.0.tgz", "/-/ping"} {
		head, err := http.Head(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = head.Body.Close()
		_ = got.Body.Close()
		if head.StatusCode != 200 || head.Header.Get("ETag") != got.Header.Get("ETag") || head.Header.Get("Content-Type") != got.Header.Get("Content-Type") {
			t.Errorf("%s: %d %v, GET has %v", path, head.StatusCode, head.Header, got.Header)
		}
	}
}

func TestTarballHeaders(t *testing.T) {
	t.Parallel()
	h := npm.Handler(memory(), npm.HandlerOptions{})
	rec := get(h, "/plain/-/plain-1.0.0.tgz")
	if rec.Header().Get("Content-Type") != "application/octet-stream" || !strings.Contains(rec.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("header %v", rec.Header())
	}
	if !bytes.Equal(rec.Body.Bytes(), registrytest.Tarball(registrytest.Pkg{Name: "plain", Version: "1.0.0"})) {
		t.Error("other bytes")
	}
	if again := get(h, "/plain/-/plain-1.0.0.tgz", "If-None-Match", rec.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("If-None-Match: %d", again.Code)
	}
}

// TestTarballWrong: bytes that aren't those of the digest never arrive whole.
func TestTarballWrong(t *testing.T) {
	t.Parallel()
	small := memory()
	meta, err := small.Metadata(t.Context(), "plain", "")
	if err != nil {
		t.Fatal(err)
	}
	small.Add(
		registrytest.Pkg{Name: "small", Version: "1.0.0", Integrity: meta.Artifact.Integrity},
		registrytest.Pkg{Name: "large", Version: "1.0.0", Integrity: meta.Artifact.Integrity, Archive: bytes.Repeat([]byte("x"), 3<<20)},
	)
	var failed []error
	srv := httptest.NewUnstartedServer(npm.Handler(small, npm.HandlerOptions{Failed: func(_ *http.Request, err error) { failed = append(failed, err) }}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	resp, err := http.Get(srv.URL + "/small/-/small-1.0.0.tgz")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 502 || resp.Header.Get("ETag") != "" {
		t.Errorf("small: %d %v", resp.StatusCode, resp.Header)
	}
	if resp, err = http.Get(srv.URL + "/large/-/large-1.0.0.tgz"); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil {
		t.Errorf("large: %d bytes arrived, as if they were all", n)
	}
	srv.Close()
	if len(failed) != 2 || !errors.Is(failed[0], pantry.ErrIntegrity) || !errors.Is(failed[1], pantry.ErrIntegrity) {
		t.Errorf("reported %v", failed)
	}
}

// broken is a registry that fails in one way.
type broken struct{ err error }

func (b broken) Metadata(context.Context, string, string) (*pantry.Metadata, error) {
	return nil, b.err
}
func (b broken) Package(context.Context, string) (pantry.Package, error)         { return nil, b.err }
func (b broken) Open(context.Context, pantry.Artifact) (io.ReadCloser, error)    { return nil, b.err }
func (b broken) Search(context.Context, pantry.Query) ([]pantry.Metadata, error) { return nil, b.err }
func (b broken) Publish(context.Context, pantry.Publication) error               { return b.err }
func (b broken) SetTag(context.Context, string, string, string) error            { return b.err }
func (b broken) DeleteTag(context.Context, string, string) error                 { return b.err }
func (b broken) Ping(context.Context) error                                      { return b.err }

// TestFailures: trouble behind the handler keeps its class, and tells nothing else.
func TestFailures(t *testing.T) {
	t.Parallel()
	secret := &pantry.Error{Op: "read metadata", Ref: pantry.Ref{Registry: "internal-name", Name: "pad"}, URL: "http://10.0.0.1/"}
	for want, status := range map[error]int{
		pantry.ErrNotFound: 404, pantry.ErrVersionNotFound: 404, pantry.ErrDenied: 403, pantry.ErrPolicy: 403, pantry.ErrExists: 409,
		pantry.ErrUnsupported: 501, pantry.ErrUnavailable: 503, pantry.ErrInvalid: 502, pantry.ErrIntegrity: 502, io.ErrUnexpectedEOF: 500,
	} {
		failing := *secret
		failing.Err = want
		h := npm.Handler(broken{&failing}, npm.HandlerOptions{})
		raw, _ := json.Marshal(body(registrytest.Pkg{Name: "pad", Version: "1.0.0"}))
		tag := httptest.NewRequest(http.MethodPut, "/-/package/pad/dist-tags/beta", strings.NewReader(`"1.0.0"`))
		tagged := httptest.NewRecorder()
		h.ServeHTTP(tagged, tag)
		for what, rec := range map[string]*httptest.ResponseRecorder{
			"packument": get(h, "/pad"), "version": get(h, "/pad/1.0.0"), "tarball": get(h, "/pad/-/pad-1.0.0.tgz"), "search": get(h, "/-/v1/search?text=x"),
			"tags": get(h, "/-/package/pad/dist-tags"), "ping": get(h, "/-/ping"), "publish": put(h, "/pad", raw), "set tag": tagged,
			"delete tag": ask(h, http.MethodDelete, "/-/package/pad/dist-tags/beta"),
		} {
			if rec.Code != status {
				t.Errorf("%v for %s: %d %s", want, what, rec.Code, rec.Body)
			}
			if s := rec.Body.String(); strings.Contains(s, "internal-name") || strings.Contains(s, "10.0.0.1") {
				t.Errorf("%v for %s: %s", want, what, s)
			}
		}
	}
}

// TestPartlyBroken: a version that cannot be described does not take the others with it.
func TestPartlyBroken(t *testing.T) {
	t.Parallel()
	r, _ := client(t, documents{"/pad": `{"dist-tags":{"latest":"2.0.0","old":"1.0.0"},"versions":{"1.0.0":{` + someSHA + `},"2.0.0":{"dist":5}}}`, "/bad": `{"versions":{"1.0.0":{}}}`})
	var failed []error
	h := npm.Handler(r, npm.HandlerOptions{Failed: func(_ *http.Request, err error) { failed = append(failed, err) }})
	var doc struct {
		Tags     map[string]string `json:"dist-tags"`
		Versions map[string]any
	}
	rec := get(h, "/pad")
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Versions) != 1 || doc.Versions["1.0.0"] == nil || len(doc.Tags) != 1 || doc.Tags["old"] != "1.0.0" || len(failed) != 1 {
		t.Errorf("got %+v, reported %v", doc, failed)
	}
	if rec := get(h, "/bad"); rec.Code != 502 {
		t.Errorf("no version can be described: %d %s", rec.Code, rec.Body)
	}
}

func TestTagHandlers(t *testing.T) {
	t.Parallel()
	m := memory()
	h := npm.Handler(m, npm.HandlerOptions{})
	do := func(method, path, body string) int {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(method, path, strings.NewReader(body)))
		return rec.Code
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"PUT", "/-/package/@s%2fpad/dist-tags/beta", `"1.0.0"`, 201}, {"POST", "/-/package/@s/pad/dist-tags/gamma", `"1.1.0"`, 201},
		{"PUT", "/@s%2fpad/yarn", `"1.0.0"`, 201}, {"DELETE", "/-/package/@s%2fpad/dist-tags/gamma", "", 200},
		{"DELETE", "/-/package/@s%2fpad/dist-tags/gamma", "", 404}, {"DELETE", "/-/package/@s%2fpad/dist-tags/latest", "", 400},
		{"PUT", "/-/package/@s%2fpad/dist-tags/beta", `"9.9.9"`, 404}, {"PUT", "/-/package/missing/dist-tags/beta", `"1.0.0"`, 404},
		{"PUT", "/-/package/@s%2fpad/dist-tags/1.x", `"1.0.0"`, 400}, {"PUT", "/-/package/@s%2fpad/dist-tags/beta", `1.0.0`, 400},
		{"PUT", "/-/package/@s%2fpad/dist-tags/beta", `{"version":"1.0.0"}`, 400}, {"PUT", "/-/package/@s%2fpad/dist-tags/beta", `"../1"`, 400},
		{"PUT", "/-/package/@s%2fpad/dist-tags/beta", `"` + strings.Repeat("1", 5000) + `"`, 400},
	} {
		if got := do(c.method, c.path, c.body); got != c.status {
			t.Errorf("%s %s %.40s: %d, want %d", c.method, c.path, c.body, got, c.status)
		}
	}
	p, err := m.Package(t.Context(), "@s/pad")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"latest": "1.1.0", "beta": "1.0.0", "yarn": "1.0.0"}
	if diff := cmp.Diff(want, p.Tags()); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
}

func TestSearchPages(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory")
	for i := range 30 {
		m.Add(registrytest.Pkg{Name: "many-" + strconv.Itoa(100+i), Version: "1.0.0"})
	}
	h := npm.Handler(m, npm.HandlerOptions{})
	for query, want := range map[string][2]string{
		"size=2": {"many-100", "many-101"}, "size=2&from=3": {"many-103", "many-104"}, "size=1&from=29": {"many-129", "many-129"},
		"from=100": {}, "size=0": {}, "size=-1&from=-1": {"many-100", "many-119"}, "size=99999999999999999999": {"many-100", "many-119"},
	} {
		var doc struct {
			Objects []struct{ Package struct{ Name string } }
		}
		rec := get(h, "/-/v1/search?text=many&"+query)
		if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil || doc.Objects == nil {
			t.Fatal(query, rec.Code, rec.Body)
		}
		var names []string
		for _, o := range doc.Objects {
			names = append(names, o.Package.Name)
		}
		if want[0] == "" && len(names) > 0 || want[0] != "" && (len(names) == 0 || names[0] != want[0] || names[len(names)-1] != want[1]) || !slices.IsSorted(names) {
			t.Errorf("%s: %q", query, names)
		}
	}
}

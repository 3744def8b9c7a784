package npm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// publication makes what is published of p from its tarball, with nothing said beside it.
func publication(p registrytest.Pkg, tag string) pantry.Publication {
	return pantry.Publication{
		Metadata: pantry.Metadata{Name: p.Name, Version: p.Version},
		Manifest: registrytest.Manifest(p), Tarball: bytes.NewReader(registrytest.Tarball(p)), Tag: tag,
	}
}

// over is a client of a handler over m, in one process.
func over(t *testing.T, m pantry.Registry) (*npm.Registry, *wire) {
	t.Helper()
	return client(t, http.StripPrefix("/npm", npm.Handler(m, npm.HandlerOptions{BaseURL: baseURL})))
}

func TestPublishRoundTrip(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory")
	r, w := over(t, m)
	p := registrytest.Pkg{
		Name: "@s/pad", Version: "1.0.0-rc.1", Description: "pads <&>", Files: map[string]string{"binding.gyp": "{}"},
		Dependencies: map[string]string{"a": "^1"},
	}
	pub := publication(p, "beta")
	for range 2 { // the same bytes again are no error
		if err := r.Publish(t.Context(), pub); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.requests()[0]; got != "PUT /@s%2fpad" {
		t.Errorf("request %q", got)
	}
	got, err := r.Metadata(t.Context(), "@s/pad", "beta")
	if err != nil {
		t.Fatal(err)
	}
	if got.Description != p.Description || got.Dependencies["a"] != "^1" || !got.HasInstallScript {
		t.Errorf("got %+v", got)
	}
	body, err := r.Open(t.Context(), got.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if b, err := io.ReadAll(integrity.NewReader(body, got.Artifact.Integrity)); err != nil || !bytes.Equal(b, registrytest.Tarball(p)) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	p.Description = "other bytes"
	if err := r.Publish(t.Context(), publication(p, "")); !errors.Is(err, pantry.ErrExists) {
		t.Errorf("other bytes: %v", err)
	}
	plain := publication(registrytest.Pkg{Name: "plain", Version: "1.0.0"}, "")
	plain.Manifest = nil
	if err := r.Publish(t.Context(), plain); err != nil {
		t.Errorf("without a manifest: %v", err)
	}
}

// TestPublishRefusedHere: what contradicts itself isn't sent.
func TestPublishRefusedHere(t *testing.T) {
	t.Parallel()
	r, w := over(t, registrytest.NewMemory("memory"))
	for name, c := range map[string]struct {
		change func(*pantry.Publication)
		want   error
	}{
		"name":           {func(p *pantry.Publication) { p.Metadata.Name = "../pad" }, pantry.ErrConfig},
		"version":        {func(p *pantry.Publication) { p.Metadata.Version = "1.0" }, pantry.ErrConfig},
		"no tarball":     {func(p *pantry.Publication) { p.Tarball = nil }, pantry.ErrConfig},
		"tag":            {func(p *pantry.Publication) { p.Tag = "1.x" }, pantry.ErrConfig},
		"manifest":       {func(p *pantry.Publication) { p.Manifest = []byte(`{"name":"pad"`) }, pantry.ErrConfig},
		"manifest array": {func(p *pantry.Publication) { p.Manifest = []byte(`[]`) }, pantry.ErrConfig},
		"other manifest": {func(p *pantry.Publication) { p.Manifest = []byte(`{"name":"pad","version":"2.0.0"}`) }, pantry.ErrConfig},
		"other integrity": {func(p *pantry.Publication) {
			p.Metadata.Artifact.Integrity = integrity.Set{integrity.Sum(integrity.SHA256, nil)}
		}, pantry.ErrIntegrity},
	} {
		p := publication(registrytest.Pkg{Name: "pad", Version: "1.0.0"}, "")
		c.change(&p)
		if err := r.Publish(t.Context(), p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := w.requests(); len(got) != 0 {
		t.Errorf("it was sent: %q", got)
	}
}

// TestPublishAnswers: what registries say to a publication, and what it means.
func TestPublishAnswers(t *testing.T) {
	t.Parallel()
	p := registrytest.Pkg{Name: "pad", Version: "1.0.0"}
	for name, c := range map[string]struct {
		there  string // the packument that the registry has
		status int
		body   string
		want   error
	}{
		"created":               {``, 201, `{"ok":"created new package","success":true}`, nil},
		"done":                  {``, 201, `{"success":true}`, nil},
		"nothing":               {``, 200, ``, pantry.ErrInvalid},
		"no words":              {``, 201, `{}`, pantry.ErrInvalid},
		"no words, there":       {`{"versions":{"1.0.0":` + distOf(p) + `}}`, 201, `{}`, nil},
		"no words, other":       {`{"versions":{"1.0.0":{` + someSHA + `}}}`, 201, `{}`, pantry.ErrExists},
		"page":                  {``, 200, `<html>sign in</html>`, pantry.ErrInvalid},
		"no success":            {``, 200, `{"success":false,"error":"no"}`, pantry.ErrInvalid},
		"not ok":                {``, 200, `{"ok":false}`, pantry.ErrInvalid},
		"forbidden":             {``, 403, `{"error":"no"}`, pantry.ErrDenied},
		"forbidden, other":      {`{"versions":{"0.9.0":{` + someSHA + `}}}`, 403, `{}`, pantry.ErrDenied},
		"forbidden, there":      {`{"versions":{"1.0.0":{` + someSHA + `}}}`, 403, `"You cannot publish over it"`, pantry.ErrExists},
		"forbidden, same":       {`{"versions":{"1.0.0":` + distOf(p) + `}}`, 403, `{}`, nil},
		"conflict":              {``, 409, `{}`, pantry.ErrExists},
		"conflict, there":       {`{"versions":{"1.0.0":{` + someSHA + `}}}`, 409, `{}`, pantry.ErrExists},
		"conflict, same":        {`{"versions":{"1.0.0":` + distOf(p) + `}}`, 409, `{}`, nil},
		"conflict, no digest":   {`{"versions":{"1.0.0":{}}}`, 409, `{}`, pantry.ErrExists},
		"unauthorized":          {``, 401, `{}`, pantry.ErrDenied},
		"does not take any":     {``, 405, ``, pantry.ErrUnsupported},
		"refused as it is":      {``, 422, `{}`, pantry.ErrInvalid},
		"temporarily not there": {``, 503, ``, pantry.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch {
				case req.Method == http.MethodPut:
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
				case c.there != "":
					_, _ = io.WriteString(w, c.there)
				default:
					w.WriteHeader(http.StatusNotFound)
				}
			}))
			err := r.Publish(t.Context(), publication(p, ""))
			if c.want == nil && err != nil || !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			for _, other := range []error{pantry.ErrDenied, pantry.ErrExists, pantry.ErrInvalid} {
				if other != c.want && errors.Is(err, other) {
					t.Errorf("%v matches %v too", err, other)
				}
			}
		})
	}
}

func distOf(p registrytest.Pkg) string {
	return fmt.Sprintf(`{"dist":{"integrity":"%s"}}`, integrity.Sum(integrity.SHA512, registrytest.Tarball(p)))
}

// body is a publication on the wire, to be changed by a test.
func body(p registrytest.Pkg) map[string]any {
	tarball := registrytest.Tarball(p)
	var manifest map[string]any
	if err := json.Unmarshal(registrytest.Manifest(p), &manifest); err != nil {
		panic(err)
	}
	manifest["dist"] = map[string]any{
		"integrity": integrity.Sum(integrity.SHA512, tarball).String(), "shasum": integrity.Sum(integrity.SHA1, tarball).Hex(),
		"tarball": "http://localhost/" + p.Name + "/-/" + p.Name + "-" + p.Version + ".tgz",
	}
	return map[string]any{
		"_id": p.Name, "name": p.Name, "access": nil, "dist-tags": map[string]any{"latest": p.Version},
		"versions": map[string]any{p.Version: manifest},
		"_attachments": map[string]any{p.Name + "-" + p.Version + ".tgz": map[string]any{
			"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(tarball), "length": len(tarball),
		}},
	}
}

// dig returns the object at a path of keys.
func dig(doc map[string]any, path ...string) map[string]any {
	for _, key := range path {
		doc = doc[key].(map[string]any)
	}
	return doc
}

func put(h http.Handler, path string, body []byte) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPut, path, bytes.NewReader(body)))
	return rec
}

func TestReceive(t *testing.T) {
	t.Parallel()
	const key = "@s/pad-1.0.0.tgz" // as npm names it
	type doc = map[string]any
	for name, c := range map[string]struct {
		change func(doc)
		status int
		text   string
	}{
		"as npm sends it": {func(doc) {}, 201, `"success":true`},
		"plain file name": {func(d doc) {
			a := dig(d, "_attachments")
			a["pad-1.0.0.tgz"] = a[key]
			delete(a, key)
		}, 201, ""},
		"with provenance": {func(d doc) {
			dig(d, "_attachments")["@s/pad-1.0.0.sigstore"] = doc{"content_type": "application/vnd.dev.sigstore.bundle.v0.3+json", "data": "{}", "length": 2}
		}, 201, ""},
		"without digests": {func(d doc) { delete(dig(d, "versions", "1.0.0"), "dist") }, 201, ""},
		"without a tag":   {func(d doc) { delete(d, "dist-tags") }, 201, ""},
		"two tags":        {func(d doc) { d["dist-tags"] = doc{"beta": "1.0.0", "gamma": "1.0.0", "old": "0.1.0"} }, 201, ""},
		"whole document":  {func(d doc) { dig(d, "versions")["0.1.0"] = doc{"name": "@s/pad", "version": "0.1.0"} }, 201, ""},
		"wrong shasum":    {func(d doc) { dig(d, "versions", "1.0.0", "dist")["shasum"] = shasum }, 422, "does not match"},
		"wrong integrity": {func(d doc) { dig(d, "versions", "1.0.0", "dist")["integrity"] = sri }, 422, "does not match"},
		"bad integrity":   {func(d doc) { dig(d, "versions", "1.0.0", "dist")["integrity"] = "sha512-x" }, 400, "malformed digest"},
		"wrong length":    {func(d doc) { dig(d, "_attachments", key)["length"] = 5 }, 422, "bytes, not 5"},
		"no data":         {func(d doc) { delete(dig(d, "_attachments", key), "data") }, 400, "base64"},
		"not base64":      {func(d doc) { dig(d, "_attachments", key)["data"] = "!" }, 400, "base64"},
		"no tarball": {func(d doc) {
			a := dig(d, "_attachments", key)
			a["data"], a["length"] = base64.StdEncoding.EncodeToString([]byte("no")), 2
			delete(dig(d, "versions", "1.0.0"), "dist")
		}, 422, "cannot be unpacked"},
		"other name":           {func(d doc) { d["name"] = "@s/other" }, 400, "@s/other"},
		"name in version":      {func(d doc) { dig(d, "versions", "1.0.0")["name"] = "@s/other\u001b" }, 400, "@s/other"},
		"version in version":   {func(d doc) { dig(d, "versions", "1.0.0")["version"] = "2.0.0" }, 400, "2.0.0"},
		"no versions":          {func(d doc) { delete(d, "versions") }, 400, "not described"},
		"versions array":       {func(d doc) { d["versions"] = []any{} }, 400, "not a publication"},
		"no attachments":       {func(d doc) { delete(d, "_attachments") }, 501, "no tarball"},
		"attachments empty":    {func(d doc) { d["_attachments"] = doc{} }, 501, "no tarball"},
		"two tarballs":         {func(d doc) { a := dig(d, "_attachments"); a["@s/pad-2.0.0.tgz"] = a[key] }, 400, "two tarballs"},
		"tag that is a range":  {func(d doc) { d["dist-tags"] = doc{"1.x": "1.0.0"} }, 400, "1.x"},
		"dependencies garbled": {func(d doc) { dig(d, "versions", "1.0.0")["dependencies"] = 5 }, 400, "dependencies is a number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := registrytest.NewMemory("memory")
			d := body(registrytest.Pkg{Name: "@s/pad", Version: "1.0.0"})
			c.change(d)
			raw, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			rec := put(npm.Handler(m, npm.HandlerOptions{}), "/@s%2fpad", raw)
			if rec.Code != c.status || !strings.Contains(rec.Body.String(), c.text) {
				t.Errorf("%d %s", rec.Code, rec.Body)
			}
			if strings.ContainsRune(rec.Body.String(), '\x1b') || strings.Contains(rec.Body.String(), `\u001b`) {
				t.Errorf("control characters in %s", rec.Body)
			}
			got, err := m.Metadata(t.Context(), "@s/pad", "1.0.0")
			if (c.status == 201) != (err == nil) {
				t.Errorf("the registry has %v, %v", got, err)
			}
			if c.status != 201 {
				return
			}
			p, err := m.Package(t.Context(), "@s/pad")
			if err != nil || p.Tags()["latest"] != "1.0.0" {
				t.Error(p, err)
			}
			if name == "two tags" && (p.Tags()["beta"] != "1.0.0" || p.Tags()["gamma"] != "1.0.0" || p.Tags()["old"] != "") {
				t.Errorf("tags %v", p.Tags())
			}
		})
	}
}

// TestReceiveConfusion: what the tarball says is what is published, whatever is said beside it.
func TestReceiveConfusion(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory")
	h := npm.Handler(m, npm.HandlerOptions{})
	d := body(registrytest.Pkg{Name: "pad", Version: "1.0.0", Dependencies: map[string]string{"evil": "1"}, Scripts: map[string]string{"install": "x"}})
	v := dig(d, "versions", "1.0.0")
	delete(v, "scripts")
	v["dependencies"] = map[string]any{"harmless": "1"}
	raw, _ := json.Marshal(d)
	if rec := put(h, "/pad", raw); rec.Code != 201 {
		t.Fatal(rec.Code, rec.Body)
	}
	got, err := m.Metadata(t.Context(), "pad", "")
	if err != nil || got.Dependencies["evil"] != "1" || len(got.Dependencies) != 1 || !got.HasInstallScript {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, inside := range map[string]string{
		"other name": `{"name":"other","version":"2.0.0"}`, "other version": `{"name":"pad","version":"3.0.0"}`, "garbage": `{"name":`, "array": `[]`,
		"garbled": `{"name":"pad","version":"2.0.0","dependencies":5}`,
	} {
		d := body(registrytest.Pkg{Name: "pad", Version: "2.0.0"})
		tarball := registrytest.Tarball(registrytest.Pkg{Name: "pad", Version: "2.0.0", Files: map[string]string{"package.json": inside}})
		dig(d, "_attachments")["pad-2.0.0.tgz"] = map[string]any{"data": base64.StdEncoding.EncodeToString(tarball), "length": len(tarball)}
		delete(dig(d, "versions", "2.0.0"), "dist")
		raw, _ := json.Marshal(d)
		if rec := put(h, "/pad", raw); rec.Code != 422 || !strings.Contains(rec.Body.String(), "package.json in the tarball") {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestReceiveBounds(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory", registrytest.Pkg{Name: "OldName", Version: "1.0.0"})
	h := npm.Handler(m, npm.HandlerOptions{MaxBody: 4096})
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"too large": {"/pad", `{"x":"` + strings.Repeat("x", 5000) + `"}`, 413},
		"not JSON":  {"/pad", `{`, 400},
		"an array":  {"/pad", `[]`, 400},
		"nothing":   {"/pad", ``, 400},
		"nested":    {"/pad", strings.Repeat(`[`, 4000), 400},
	} {
		if rec := put(h, c.path, []byte(c.body)); rec.Code != c.status {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	// A length that is not said is counted.
	req := httptest.NewRequest(http.MethodPut, "/pad", io.MultiReader(strings.NewReader(strings.Repeat(" ", 5000))))
	req.ContentLength = -1
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if rec.Code != 413 {
		t.Errorf("unknown length: %d", rec.Code)
	}
	// Capitals are of the past: a name that is there may go on, a new one may not begin.
	for name, status := range map[string]int{"OldName": 201, "NewName": 400, "-dash": 400, "it's": 400} {
		raw, _ := json.Marshal(body(registrytest.Pkg{Name: name, Version: "2.0.0"}))
		if rec := put(h, "/"+name, raw); rec.Code != status {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// readOnly hides what a registry can do besides reading.
type readOnly struct{ r pantry.Registry }

func (r readOnly) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	return r.r.Metadata(ctx, name, version)
}
func (r readOnly) Package(ctx context.Context, name string) (pantry.Package, error) {
	return r.r.Package(ctx, name)
}
func (r readOnly) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	return r.r.Open(ctx, a)
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	r, _ := over(t, readOnly{registrytest.NewMemory("memory", registrytest.Pkg{Name: "pad", Version: "1.0.0"})})
	ctx := t.Context()
	_, searched := r.Search(ctx, pantry.Query{Text: "pad"})
	for what, err := range map[string]error{
		"publish": r.Publish(ctx, publication(registrytest.Pkg{Name: "pad", Version: "2.0.0"}, "")),
		"set tag": r.SetTag(ctx, "pad", "beta", "1.0.0"), "delete tag": r.DeleteTag(ctx, "pad", "beta"), "search": searched,
	} {
		if !errors.Is(err, pantry.ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := r.Ping(ctx); err != nil {
		t.Error(err)
	}
}

func FuzzReceive(f *testing.F) {
	raw, err := json.Marshal(body(registrytest.Pkg{Name: "pad", Version: "1.0.0"}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"name":"pad","versions":{},"_attachments":{"pad-1.0.0.tgz":{}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := registrytest.NewMemory("memory")
		rec := put(npm.Handler(m, npm.HandlerOptions{}), "/pad", raw)
		if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		if (rec.Code == 201) != (len(m.Names()) == 1) {
			t.Errorf("%d, and there is %q", rec.Code, m.Names())
		}
	})
}

package custom_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// route is a server with one answer per path.
type route map[string]http.HandlerFunc

func (m route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if h := m[r.URL.Path]; h != nil {
		h(w, r)
		return
	}
	http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
}

func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestPublishAnswers: what counts as published.
func TestPublishAnswers(t *testing.T) {
	t.Parallel()
	const html = "<!DOCTYPE html><h1>Packages</h1>"
	done := says(201, "application/json", `{"success":true,"message":"Published a@1.0.0"}`)
	for name, c := range map[string]struct {
		server  route
		want    error
		mention string
	}{
		"201":                  {route{"/packages": done}, nil, ""},
		"201, no words":        {route{"/packages": says(201, "application/json", `{}`)}, pantry.ErrInvalid, "nothing that says"},
		"201, half a word":     {route{"/packages": says(201, "application/json", `{"name":"a"}`)}, pantry.ErrInvalid, "nothing that says"},
		"200 with success":     {route{"/packages": says(200, "application/json", `{"success":true}`)}, nil, ""},
		"200 with the version": {route{"/packages": says(200, "application/json", `{"name":"a","version":"1.0.0"}`)}, nil, ""},
		"200, no words":        {route{"/packages": says(200, "application/json", `{}`)}, pantry.ErrInvalid, "/packages"},
		"201, a page":          {route{"/packages": says(201, "text/html", html)}, pantry.ErrInvalid, "/packages"},
		"200, a page":          {route{"/packages": says(200, "text/html", html)}, pantry.ErrInvalid, "/packages"},
		"202":                  {route{"/packages": says(202, "application/json", `{"success":true}`)}, pantry.ErrInvalid, "202"},
		"204":                  {route{"/packages": says(204, "", "")}, pantry.ErrInvalid, "/packages"},
		"no success":           {route{"/packages": says(200, "application/json", `{"success":false,"error":"quota"}`)}, pantry.ErrInvalid, "quota"},
		"an error":             {route{"/packages": says(201, "application/json", `{"error":"quota"}`)}, pantry.ErrInvalid, "quota"},
		"another version":      {route{"/packages": says(201, "application/json", `{"success":true,"name":"a","version":"1.0.1"}`)}, pantry.ErrInvalid, "1.0.1"},
		"only the alias":       {route{"/publish": done}, nil, ""},
		"405 and the alias":    {route{"/packages": says(405, "text/plain", "no"), "/publish": done}, nil, ""},
		"page and the alias":   {route{"/packages": says(200, "text/html", html), "/publish": done}, nil, ""},
		"pages everywhere":     {route{"/packages": says(200, "text/html", html), "/publish": says(200, "text/html", html)}, pantry.ErrInvalid, "/packages"},
		"alias denies":         {route{"/publish": says(401, "application/json", `{"error":"who?"}`)}, pantry.ErrDenied, "/publish"},
		"neither":              {route{}, pantry.ErrUnsupported, "takes no packages"},
		"taken":                {route{"/packages": says(409, "application/json", `{"error":"Version already exists"}`)}, pantry.ErrExists, "409"},
	} {
		r, _ := connect(t, c.server)
		err := r.Publish(t.Context(), publication("a", "1.0.0"))
		if !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v; want %v", name, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), c.mention) {
			t.Errorf("%s: the message lacks %q: %v", name, c.mention, err)
		}
		if errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("%s: it is no package that was not found: %v", name, err)
		}
	}
}

// TestPublishAgain: a server that calls the same bytes a conflict is asked what it has.
func TestPublishAgain(t *testing.T) {
	t.Parallel()
	p := publication("a", "1.0.0")
	tarball, _ := io.ReadAll(p.Tarball)
	for checksum, want := range map[string]error{
		"sha256:" + integrity.Sum(integrity.SHA256, tarball).Hex(): nil,
		"sha1:" + integrity.Sum(integrity.SHA1, tarball).Hex():     nil,
		goodChecksum: pantry.ErrExists,
	} {
		r, _ := connect(t, route{
			"/packages":         says(409, "application/json", `{"error":"Version already exists"}`),
			"/packages/a/1.0.0": says(200, "application/json", `{"name":"a","version":"1.0.0","checksum":"`+checksum+`"}`),
		})
		if err := r.Publish(t.Context(), p); !errors.Is(err, want) || (want == nil) != (err == nil) {
			t.Errorf("%s: %v; want %v", checksum, err, want)
		}
	}
}

// TestPublishForm: the parts, their order, and unknown members of the manifest.
func TestPublishForm(t *testing.T) {
	t.Parallel()
	p := publication("@acme/ui", "1.0.0")
	p.Manifest = []byte(`{"name":"@acme/ui","version":"1.0.0","exports":{".":"./x.js"},"repository":{"url":"old"},"scripts":{"postinstall":"x"}}`)
	p.Metadata.Repository = "https://example.com/ui"
	p.Tag = "beta"
	tarball, _ := io.ReadAll(p.Tarball)
	var order []string
	content := make(map[string][]byte)
	r, _ := connect(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		form, err := req.MultipartReader()
		if err != nil || req.ContentLength <= 0 {
			t.Errorf("%v, length %d", err, req.ContentLength)
			return
		}
		for {
			part, err := form.NextPart()
			if err != nil {
				break
			}
			order = append(order, part.FormName()+" "+part.FileName()+" "+part.Header.Get("Content-Type"))
			content[part.FormName()], _ = io.ReadAll(part)
		}
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"success":true}`)
	}))
	if err := r.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	want := []string{"metadata  application/json", "tag  text/plain; charset=utf-8", "tarball package.tgz application/gzip"}
	if !slices.Equal(order, want) || string(content["tag"]) != "beta" || !bytes.Equal(content["tarball"], tarball) {
		t.Errorf("parts = %q, tag %q, %d bytes", order, content["tag"], len(content["tarball"]))
	}
	var doc map[string]any
	if err := json.Unmarshal(content["metadata"], &doc); err != nil {
		t.Fatal(err)
	}
	if doc["repository"] != "https://example.com/ui" || doc["exports"] == nil ||
		doc["checksum"] != "sha256:"+integrity.Sum(integrity.SHA256, tarball).Hex() ||
		doc["integrity"] != integrity.Sum(integrity.SHA512, tarball).String() || doc["size"] != float64(len(tarball)) {
		t.Errorf("metadata = %v", doc)
	}
	p.Manifest = []byte(`[]`)
	if err := r.Publish(t.Context(), p); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a manifest that is no object: %v", err)
	}
	for _, bad := range []pantry.Publication{
		{Metadata: p.Metadata}, publication("a/b", "1.0.0"), publication("a", "versions"), publication("a", ""),
	} {
		if err := r.Publish(t.Context(), bad); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("publish of %+v: %v", bad.Metadata, err)
		}
	}
}

// TestPublishRedirected: the body is sent again from its beginning.
func TestPublishRedirected(t *testing.T) {
	t.Parallel()
	m := samples()
	good := custom.Handler(m, custom.HandlerOptions{TempDir: t.TempDir()})
	r, _ := connect(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("again") == "" && req.Method == http.MethodPost {
			http.Redirect(w, req, "/packages?again=1", http.StatusTemporaryRedirect)
			return
		}
		good.ServeHTTP(w, req)
	}))
	if err := r.Publish(t.Context(), publication("fresh", "1.0.0")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Metadata(t.Context(), "fresh", "1.0.0"); err != nil {
		t.Error(err)
	}
}

// formOf makes a multipart request; the parts are names and contents in turn.
func formOf(target string, parts ...string) *http.Request {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		part, _ := w.CreateFormField(parts[i])
		_, _ = io.WriteString(part, parts[i+1])
	}
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, "http://registry.example.com"+target, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

func jsonOf(target, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://registry.example.com"+target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	return r
}

func gzipped(r *http.Request) *http.Request {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = io.Copy(zw, r.Body)
	_ = zw.Close()
	r.Body, r.ContentLength = io.NopCloser(&b), int64(b.Len())
	r.Header.Set("Content-Encoding", "gzip")
	return r
}

func gzipBroken() *http.Request {
	r := jsonOf("/packages", "{}")
	r.Header.Set("Content-Encoding", "gzip")
	return r
}

func TestHandlerPublish(t *testing.T) {
	t.Parallel()
	pack := func(p registrytest.Pkg) string { return string(registrytest.Tarball(p)) }
	fresh := registrytest.Pkg{Name: "fresh", Version: "1.0.0", Dependencies: map[string]string{"a": "1"}, Bin: map[string]string{"f": "f.js"}}
	tarball := pack(fresh)
	sum := integrity.Sum(integrity.SHA256, []byte(tarball)).Hex()
	inline, _ := json.Marshal(map[string]any{"metadata": map[string]string{"name": "fresh", "version": "1.0.0"}, "tarball": []byte(tarball), "tag": "beta"})
	const id = `{"name":"fresh","version":"1.0.0"`
	for name, c := range map[string]struct {
		request *http.Request
		status  int
		code    string
	}{
		"form":             {formOf("/packages", "metadata", id+`}`, "tarball", tarball), 201, ""},
		"alias":            {formOf("/publish", "metadata", id+`}`, "tarball", tarball), 201, ""},
		"tarball first":    {formOf("/packages", "tarball", tarball, "other", "x", "metadata", id+`,"checksum":"sha256:`+sum+`"}`), 201, ""},
		"json":             {jsonOf("/packages", string(inline)), 201, ""},
		"json, gzip":       {gzipped(jsonOf("/packages", string(inline))), 201, ""},
		"json bomb":        {gzipped(jsonOf("/packages", strings.Repeat(" ", 1<<20))), 413, "too_large"},
		"gzip broken":      {gzipBroken(), 400, "bad_form"},
		"dry run":          {formOf("/packages?dry-run=1", "metadata", id+`}`, "tarball", tarball), 200, ""},
		"same bytes":       {formOf("/packages", "metadata", `{"name":"left-pad","version":"1.0.0"}`, "tarball", pack(registrytest.Pkg{Name: "left-pad", Version: "1.0.0"})), 200, ""},
		"other bytes":      {formOf("/packages", "metadata", `{"name":"left-pad","version":"1.0.0"}`, "tarball", pack(registrytest.Pkg{Name: "left-pad", Version: "1.0.0", License: "MIT"})), 409, "version_exists"},
		"no metadata":      {formOf("/packages", "tarball", tarball), 400, "bad_form"},
		"no tarball":       {formOf("/packages", "metadata", id+`}`), 400, "bad_form"},
		"two tarballs":     {formOf("/packages", "metadata", id+`}`, "tarball", tarball, "tarball", tarball), 400, "bad_form"},
		"metadata no JSON": {formOf("/packages", "metadata", `null`, "tarball", tarball), 400, "bad_json"},
		"bad name":         {formOf("/packages", "metadata", `{"name":"../x","version":"1.0.0"}`, "tarball", tarball), 400, "bad_name"},
		"capitals":         {formOf("/packages", "metadata", `{"name":"Fresh","version":"1.0.0"}`, "tarball", pack(registrytest.Pkg{Name: "Fresh", Version: "1.0.0"})), 400, "bad_name"},
		"bad version":      {formOf("/packages", "metadata", `{"name":"fresh","version":"1.0"}`, "tarball", tarball), 400, "bad_version"},
		"bad tag":          {formOf("/packages", "metadata", id+`}`, "tarball", tarball, "tag", "^1"), 400, "bad_tag"},
		"wrong checksum":   {formOf("/packages", "metadata", id+`,"checksum":"`+goodChecksum+`"}`, "tarball", tarball), 422, "checksum_mismatch"},
		"placeholder":      {formOf("/packages", "metadata", id+`,"checksum":"sha256:abc123..."}`, "tarball", tarball), 422, "checksum_mismatch"},
		"other name":       {formOf("/packages", "metadata", `{"name":"stale","version":"1.0.0"}`, "tarball", tarball), 422, "manifest_mismatch"},
		"other version":    {formOf("/packages", "metadata", `{"name":"fresh","version":"1.0.1"}`, "tarball", tarball), 422, "manifest_mismatch"},
		"confusion":        {formOf("/packages", "metadata", id+`,"dependencies":{"b":"1"}}`, "tarball", tarball), 422, "manifest_mismatch"},
		"no archive":       {formOf("/packages", "metadata", id+`}`, "tarball", "plain text"), 422, "bad_archive"},
		"empty archive":    {formOf("/packages", "metadata", id+`}`, "tarball", ""), 422, "bad_archive"},
		"too large":        {formOf("/packages", "metadata", id+`}`, "tarball", strings.Repeat("x", 5000)), 413, "too_large"},
		"metadata large":   {formOf("/packages", "metadata", id+strings.Repeat(" ", 3000)+`}`, "tarball", tarball), 413, "too_large"},
		"json large":       {jsonOf("/packages", strings.Repeat(" ", 9000)), 413, "too_large"},
		"json broken":      {jsonOf("/packages", `{"tarball":"%%"}`), 400, "bad_json"},
		"json empty":       {jsonOf("/packages", `{}`), 400, "bad_form"},
		"many parts":       {formOf("/packages", slices.Repeat([]string{"x", "y"}, 20)...), 400, "bad_form"},
		"other type":       {httptest.NewRequest(http.MethodPost, "http://registry.example.com/packages", strings.NewReader("x")), 415, "unsupported_media_type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, dir := samples(), t.TempDir()
			h := custom.Handler(m, custom.HandlerOptions{TempDir: dir, MaxTarball: 4000, MaxMetadata: 2000, MaxJSON: 8000})
			w, doc := send(t, h, c.request)
			if w.Code != c.status {
				t.Fatalf("status = %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if code, _ := doc["code"].(string); code != c.code {
				t.Errorf("code = %q, want %q: %s", code, c.code, w.Body)
			}
			if left, _ := filesIn(dir); len(left) > 0 {
				t.Errorf("files were left behind: %q", left)
			}
			meta, err := m.Metadata(t.Context(), "fresh", "")
			if c.status != 201 {
				if err == nil {
					t.Error("it was published")
				}
				return
			}
			if err != nil || meta.Dependencies["a"] != "1" || meta.Bin["f"] != "f.js" {
				t.Errorf("what was published is not what the tarball says: %+v, %v", meta, err)
			}
			if doc["success"] != true || doc["name"] != "fresh" || doc["message"] != "Published fresh@1.0.0" ||
				w.Header().Get("Location") != "http://registry.example.com/packages/fresh/1.0.0" {
				t.Errorf("answer = %v, Location %q", doc, w.Header().Get("Location"))
			}
		})
	}
}

func TestHandlerPublishCapitals(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("memory", registrytest.Pkg{Name: "JSONStream", Version: "1.0.0"})
	r, _ := connect(t, custom.Handler(m, custom.HandlerOptions{TempDir: t.TempDir()}))
	if err := r.Publish(t.Context(), publication("JSONStream", "1.0.1")); err != nil {
		t.Errorf("a new version of an old name: %v", err)
	}
}

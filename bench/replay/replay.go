// Package replay is a caching npm registry for benchmarks: what was asked once is served from memory
// or disk ever after, so that clients are compared and not networks.
//
// It makes abbreviated packuments itself and compresses documents beforehand, as the public
// registry does, whatever its upstream sends.
package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Registry serves an upstream's packages. Its zero fields must be set before use.
type Registry struct {
	Upstream string // base URL
	Dir      string // where answers are kept
	Base     string // this server's own base URL, for dist.tarball

	misses atomic.Int64
	docs   sync.Map // path and form -> *document
	files  sync.Map // path -> *document
	group  sync.Map // path -> *sync.Mutex
}

// document is an answer that is ready to be sent.
type document struct {
	body  []byte
	gzip  bool
	ctype string
	etag  string
}

// Misses is how many requests had to be sent upstream.
func (r *Registry) Misses() int64 { return r.misses.Load() }

// corgi is the media type of abbreviated packuments.
const corgi = "application/vnd.npm.install-v1+json"

// ServeHTTP answers GET for packuments and tarballs; everything else is not found.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := req.URL.EscapedPath()
	if req.Method != http.MethodGet && req.Method != http.MethodHead || strings.HasPrefix(path, "/-/") {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "{}")
		return
	}
	var d *document
	var err error
	if strings.Contains(path, "/-/") {
		d, err = r.tarball(req.Context(), path)
	} else {
		d, err = r.packument(req.Context(), path, strings.Contains(req.Header.Get("Accept"), corgi))
	}
	if err != nil {
		status := http.StatusBadGateway
		if errors.Is(err, os.ErrNotExist) {
			status = http.StatusNotFound
		}
		http.Error(w, `{"error":"`+http.StatusText(status)+`"}`, status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", d.ctype)
	h.Set("ETag", d.etag)
	h.Set("Cache-Control", "public, max-age=300")
	if req.Header.Get("If-None-Match") == d.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if d.gzip {
		h.Set("Content-Encoding", "gzip")
		h.Set("Vary", "Accept-Encoding, Accept")
	}
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	_, _ = w.Write(d.body)
}

func (r *Registry) lock(key string) func() {
	m, _ := r.group.LoadOrStore(key, &sync.Mutex{})
	m.(*sync.Mutex).Lock()
	return m.(*sync.Mutex).Unlock
}

func (r *Registry) tarball(ctx context.Context, path string) (*document, error) {
	if d, ok := r.files.Load(path); ok {
		return d.(*document), nil
	}
	defer r.lock(path)()
	data, err := r.fetch(ctx, path)
	if err != nil {
		return nil, err
	}
	d := newDocument(data, "application/octet-stream", false)
	r.files.Store(path, d)
	return d, nil
}

func (r *Registry) packument(ctx context.Context, path string, abbreviated bool) (*document, error) {
	key := fmt.Sprintf("%s %t", path, abbreviated)
	if d, ok := r.docs.Load(key); ok {
		return d.(*document), nil
	}
	defer r.lock(key)()
	data, err := r.fetch(ctx, path)
	if err != nil {
		return nil, err
	}
	body, err := r.rewrite(data, abbreviated)
	if err != nil {
		return nil, err
	}
	ctype := "application/json"
	if abbreviated {
		ctype = corgi
	}
	d := newDocument(body, ctype, true)
	r.docs.Store(key, d)
	return d, nil
}

func newDocument(body []byte, ctype string, compress bool) *document {
	sum := sha256.Sum256(body)
	d := &document{body: body, ctype: ctype, etag: `"` + hex.EncodeToString(sum[:12]) + `"`, gzip: compress}
	if compress {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close()
		d.body = b.Bytes()
	}
	return d
}

// abbreviatedFields are the fields of a version in an abbreviated packument.
var abbreviatedFields = []string{"name", "version", "deprecated", "dependencies", "optionalDependencies",
	"devDependencies", "bundleDependencies", "bundledDependencies", "peerDependencies", "peerDependenciesMeta",
	"bin", "directories", "dist", "engines", "os", "cpu", "libc", "funding"}

// rewrite points the tarballs here and, for the abbreviated form, drops what that does not have.
func (r *Registry) rewrite(data []byte, abbreviated bool) ([]byte, error) {
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	var versions map[string]map[string]json.RawMessage
	if err := json.Unmarshal(doc["versions"], &versions); err != nil {
		return nil, err
	}
	for v, m := range versions {
		if abbreviated {
			m = abbreviate(m)
		}
		var dist map[string]json.RawMessage
		var tarball string
		if json.Unmarshal(m["dist"], &dist) == nil && json.Unmarshal(dist["tarball"], &tarball) == nil {
			if i := strings.Index(tarball, "/-/"); i >= 0 {
				name, _ := json.Marshal(r.Base + "/" + nameOf(doc) + tarball[i:])
				dist["tarball"] = name
				m["dist"], _ = json.Marshal(dist)
			}
		}
		versions[v] = m
	}
	doc["versions"], _ = json.Marshal(versions)
	if abbreviated {
		doc = map[string]json.RawMessage{
			"name": doc["name"], "dist-tags": doc["dist-tags"], "versions": doc["versions"],
			"modified": json.RawMessage(`"2026-01-01T00:00:00.000Z"`),
		}
	}
	return json.Marshal(doc)
}

func nameOf(doc map[string]json.RawMessage) string {
	var name string
	_ = json.Unmarshal(doc["name"], &name)
	return name
}

func abbreviate(m map[string]json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	for _, f := range abbreviatedFields {
		if v, ok := m[f]; ok {
			out[f] = v
		}
	}
	var scripts map[string]string
	if json.Unmarshal(m["scripts"], &scripts) == nil && (scripts["preinstall"] != "" || scripts["install"] != "" || scripts["postinstall"] != "") {
		out["hasInstallScript"] = json.RawMessage("true")
	}
	return out
}

// fetch returns the upstream's answer to path, from disk if it was asked before.
func (r *Registry) fetch(ctx context.Context, path string) ([]byte, error) {
	sum := sha256.Sum256([]byte(path))
	file := filepath.Join(r.Dir, hex.EncodeToString(sum[:]))
	if data, err := os.ReadFile(file); err == nil {
		return data, nil
	}
	r.misses.Add(1)
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, r.Upstream+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return nil, os.ErrNotExist
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("upstream answered %s", resp.Status)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	tmp := file + ".tmp" + strconv.FormatInt(r.misses.Load(), 10)
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return nil, err
	}
	return data, os.Rename(tmp, file)
}

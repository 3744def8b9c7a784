// Package replay is a caching npm registry for benchmarks: what was asked once is served from memory
// or disk ever after, so that clients are compared and not networks.
//
// It makes abbreviated packuments itself, and compresses each document once, before it is sent, as the
// public registry does, whatever its upstream sends. It counts what it is asked, so that a benchmark can
// tell whether a client did what it was meant to do, and whether a time includes a wait for the upstream.
package replay

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Registry serves an upstream's packages. Its exported fields must be set before use; then it is safe for
// concurrent use.
type Registry struct {
	Upstream string        // base URL without a slash at its end; "": what is not in Dir is not found
	Dir      string        // where answers are kept
	Base     string        // this server's own base URL without a slash at its end, for dist.tarball
	Latency  time.Duration // added to every answer; default none
	Client   *http.Client  // asks the upstream; nil is http.DefaultClient

	counts counters
	docs   sync.Map // name and form -> *document
	locks  sync.Map // what is being made -> *sync.Mutex
	temps  atomic.Int64
}

// Counts is what a registry was asked since it was made, in requests.
type Counts struct {
	Packuments  int64 // packuments, those answered with "not modified" included
	NotModified int64
	Tarballs    int64
	Other       int64 // everything that is neither, such as an audit
	Bytes       int64 // sent as bodies, compressed as they were
	Upstream    int64 // requests that had to be sent on
	Made        int64 // documents that were compressed for the first time
}

// Sub is what was counted since before.
func (c Counts) Sub(before Counts) Counts {
	return Counts{
		c.Packuments - before.Packuments, c.NotModified - before.NotModified, c.Tarballs - before.Tarballs,
		c.Other - before.Other, c.Bytes - before.Bytes, c.Upstream - before.Upstream, c.Made - before.Made,
	}
}

// Ready reports whether every answer was there before it was asked for: only then do times compare.
func (c Counts) Ready() bool { return c.Upstream == 0 && c.Made == 0 }

type counters struct {
	packuments, notModified, tarballs, other, bytes, upstream, made atomic.Int64
}

// Counts returns what was counted so far.
func (r *Registry) Counts() Counts {
	c := &r.counts
	return Counts{
		c.packuments.Load(), c.notModified.Load(), c.tarballs.Load(), c.other.Load(), c.bytes.Load(),
		c.upstream.Load(), c.made.Load(),
	}
}

// document is a packument that is ready to be sent.
type document struct {
	gzip  []byte
	ctype string
	etag  string
}

// corgi is the media type of abbreviated packuments.
const corgi = "application/vnd.npm.install-v1+json"

// empty is the path of registries that have nothing.
const empty = "-empty/"

// ServeHTTP answers GET and HEAD for packuments and tarballs; below "/-empty/" there are none. Anything else gets an empty object, which
// every client takes for "nothing to report".
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.Latency > 0 {
		time.Sleep(r.Latency)
	}
	path := strings.TrimPrefix(req.URL.Path, "/")
	switch {
	case strings.HasPrefix(path, empty):
		r.counts.other.Add(1)
		fail(w, fs.ErrNotExist)
	case req.Method != http.MethodGet && req.Method != http.MethodHead || path == "" || strings.HasPrefix(path, "-/"):
		r.counts.other.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	case strings.Contains(path, "/-/"):
		r.counts.tarballs.Add(1)
		r.serveTarball(w, req, path)
	default:
		r.counts.packuments.Add(1)
		r.servePackument(w, req, path)
	}
}

func (r *Registry) serveTarball(w http.ResponseWriter, req *http.Request, path string) {
	f, err := r.openTarball(req.Context(), path)
	if err != nil {
		fail(w, err)
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", "public, immutable, max-age=31557600")
	h.Set("Content-Length", strconv.FormatInt(st.Size(), 10))
	r.counts.bytes.Add(st.Size())
	if req.Method == http.MethodGet {
		_, _ = io.Copy(w, f) // sendfile
	}
}

func (r *Registry) servePackument(w http.ResponseWriter, req *http.Request, name string) {
	d, err := r.document(req.Context(), name, strings.Contains(req.Header.Get("Accept"), corgi))
	if err != nil {
		fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", d.ctype)
	h.Set("ETag", d.etag)
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Vary", "Accept-Encoding, Accept")
	if strings.TrimPrefix(req.Header.Get("If-None-Match"), "W/") == d.etag {
		r.counts.notModified.Add(1)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := d.gzip
	if strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
	} else if body, err = gunzip(body); err != nil {
		fail(w, err)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	r.counts.bytes.Add(int64(len(body)))
	if req.Method == http.MethodGet {
		_, _ = w.Write(body)
	}
}

func fail(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	if errors.Is(err, fs.ErrNotExist) {
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"error":"`+http.StatusText(status)+`"}`)
}

func gunzip(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, maxAnswer))
}

// lock makes the caller the only one who makes what key names, until the function returned is called.
func (r *Registry) lock(key string) func() {
	m, _ := r.locks.LoadOrStore(key, &sync.Mutex{})
	mu := m.(*sync.Mutex)
	mu.Lock()
	return mu.Unlock
}

// save writes a file whole.
func (r *Registry) save(file string, data []byte) error {
	tmp := file + ".tmp" + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(r.temps.Add(1), 10)
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

package npm_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/transport"
)

const baseURL = "https://registry.example.com/npm"

// wire is the network: it hands each request to a handler and keeps it for the test to look at.
type wire struct {
	handler http.Handler
	mu      sync.Mutex
	seen    []*http.Request
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen = append(w.seen, r)
	w.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.Host = r.URL.Host
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, in)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

// requests are method and path, as sent, of what was asked so far.
func (w *wire) requests() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, r := range w.seen {
		out = append(out, r.Method+" "+strings.TrimPrefix(r.URL.EscapedPath(), "/npm"))
	}
	return out
}

// client returns a registry called "test" at baseURL that is h.
func client(t *testing.T, h http.Handler, change ...func(*npm.Options)) (*npm.Registry, *wire) {
	t.Helper()
	w := &wire{handler: h}
	c, err := transport.New(transport.Options{Registry: "test", URL: baseURL, Base: w, Retries: new(int)})
	if err != nil {
		t.Fatal(err)
	}
	o := npm.Options{Name: "test", Client: c}
	for _, f := range change {
		f(&o)
	}
	r, err := npm.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

// documents answers escaped paths below the base with JSON texts, and everything else with 404.
type documents map[string]string

func (d documents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := d[strings.TrimPrefix(r.URL.EscapedPath(), "/npm")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(body))
}

const (
	shasum  = "5b8a3a7765dfe001261dde915589e782f8c94d1e"
	sri     = "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA=="
	someSHA = `"dist":{"shasum":"` + shasum + `"}`
)

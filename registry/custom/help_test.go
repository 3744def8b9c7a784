package custom_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// connect serves h and returns a client called "acme" of it, which does not retry.
func connect(t *testing.T, h http.Handler, change ...func(*custom.Options)) (*custom.Registry, string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := transport.New(transport.Options{Registry: "acme", URL: srv.URL, Retries: new(int)})
	if err != nil {
		t.Fatal(err)
	}
	o := custom.Options{Name: "acme", Client: c}
	for _, f := range change {
		f(&o)
	}
	r, err := custom.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r, srv.URL
}

func unverified(o *custom.Options) { o.AllowMissingChecksum = true }

// pages answers fixed JSON by path and query; everything else is 404.
type pages map[string]string

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := p[r.URL.RequestURI()]
	if !ok {
		http.Error(w, `{"error":"Package not found"}`, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, strings.ReplaceAll(body, "SHA", goodChecksum))
}

const goodChecksum = "sha256:" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func samples() *registrytest.Memory {
	return registrytest.NewMemory("memory",
		registrytest.Pkg{Name: "left-pad", Version: "1.0.0"},
		registrytest.Pkg{Name: "left-pad", Version: "1.5.0", Tags: []string{"latest"}},
		registrytest.Pkg{Name: "left-pad", Version: "2.0.0-rc.1", Tags: []string{"next"}},
		registrytest.Pkg{Name: "left-pad", Version: "1.10.0"},
		registrytest.Pkg{Name: "@acme/ui", Version: "1.0.0", Description: "buttons"},
	)
}

// ask sends a request to h with a path as it is, and returns the response and its JSON.
func ask(t *testing.T, h http.Handler, method, target string, headers ...string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, "http://registry.example.com"+target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(t, h, r)
}

func send(t *testing.T, h http.Handler, r *http.Request) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var doc map[string]any
	if strings.Contains(w.Header().Get("Content-Type"), "json") && w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatalf("%s %s: %v in %q", r.Method, r.URL, err, w.Body)
		}
	}
	return w, doc
}

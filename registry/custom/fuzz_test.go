package custom_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/transport"
)

// answers gives the same body to every request, without a network.
type answers string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.WriteString(string(a))
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// FuzzAnswer: whatever a server says, what the client makes of it is about what was asked for.
func FuzzAnswer(f *testing.F) {
	f.Add(`{"name":"@s/n","version":"1.0.0","checksum":"` + goodChecksum + `","dependencies":{"a":"1"},"bin":"x"}`)
	f.Add(`{"name":"@s/n","version":"1.0.0","integrity":"sha512-","versions":["1.0.0","2"],"tags":{"latest":"2"}}`)
	f.Add(`{"name":"@s/n","version":"1.0.0","license":{"type":1},"author":["x"],"platforms":[{}],"bundleDependencies":true}`)
	f.Add(`{"results":[{"name":"a","version":"1"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		c, err := transport.New(transport.Options{URL: "http://127.0.0.1:1", Base: answers(body), Retries: new(int)})
		if err != nil {
			t.Fatal(err)
		}
		r, err := custom.New(custom.Options{Name: "acme", Client: c, AllowMissingChecksum: true})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := r.Metadata(t.Context(), "@s/n", "1.0.0"); err == nil {
			if m.Name != "@s/n" || m.Version != "1.0.0" {
				t.Errorf("metadata of %s@%s", m.Name, m.Version)
			}
			if u, err := url.Parse(m.Artifact.URL); err != nil || u.Host == "" || u.User != nil || !strings.HasPrefix(u.Scheme, "http") {
				t.Errorf("artifact URL %q", m.Artifact.URL)
			}
		}
		p, err := r.Package(t.Context(), "@s/n")
		if err != nil {
			return
		}
		for _, v := range p.Versions() {
			if m, err := p.Metadata(v); err == nil && m.Version != v {
				t.Errorf("metadata of %q is of %q", v, m.Version)
			}
		}
		for tag, v := range p.Tags() {
			if tag == "" && v == "" {
				t.Error("a tag that is nothing")
			}
		}
	})
}

// FuzzPath: no path makes the handler panic, or ask its registry for a name that is none.
func FuzzPath(f *testing.F) {
	for _, p := range []string{"/packages/a", "/packages/@s%2Fn/1.0.0/tarball", "/packages/%2e%2e", "/search?q=a", "/packages/@s/n/tags/x", "//", "/packages/a/%5E1?resolve=1"} {
		f.Add(p)
	}
	h := custom.Handler(samples(), custom.HandlerOptions{})
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "http://registry.example.com/", nil)
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%q: %d %s", target, w.Code, w.Body)
		}
		if w.Code == 200 && strings.Contains(u.EscapedPath(), "..") && strings.HasPrefix(u.Path, "/packages/") && !strings.Contains(target, "resolve") {
			t.Errorf("%q was found", target)
		}
	})
}

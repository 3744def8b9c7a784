package transport_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
	"pgregory.net/rapid"
)

// TestNoCredentialLeavesForMirrors: whatever mirrors there are, whoever redirects where, wherever
// tarballs are and whatever fails, a credential, a configured header and a header of the request reach
// the origin that they are for, and no other.
func TestNoCredentialLeavesForMirrors(t *testing.T) {
	t.Parallel()
	// Origins that differ in scheme, host or port.
	origins := []string{
		"https://own.example", "https://m1.example", "https://m2.example", "https://own.example:8443",
		"https://cdn.example", "https://m1.example:444", "http://localhost:1234", "https://sub.own.example",
	}
	paths := []string{"/npm/x", "/npm/@s%2fx/-/x.tgz", "/a/x", "/x.tgz", "/npm/../x", "/npmx", "/"}
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{hosts: answers{}}
		draw := func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, name) }
		target := func() string {
			return origins[draw("origin", len(origins))] + paths[draw("path", len(paths))]
		}
		// Every host answers by a script of its own; redirects end, since scripts do.
		for _, o := range origins {
			u, _ := url.Parse(o)
			var script []func(*http.Request) (*http.Response, error)
			for range draw("length", 6) {
				switch draw("answer", 5) {
				case 0:
					script = append(script, says([]int{301, 302, 307, 308}[draw("kind", 4)], "", "Location", target()))
				case 1:
					script = append(script, says([]int{401, 404, 429, 503}[draw("status", 4)], ""))
				case 2:
					script = append(script, refuses)
				default:
					script = append(script, says(200, "ok"))
				}
			}
			w.hosts[u.Host] = func(r *http.Request) (*http.Response, error) {
				if len(script) == 0 {
					return reply(r, 200, "ok"), nil
				}
				next := script[0]
				script = script[1:]
				return next(r)
			}
		}
		o := transport.Options{
			Registry: "acme", URL: "https://own.example/npm", Base: w,
			Balance: []transport.Balance{transport.Failover, transport.RoundRobin, transport.Weighted, transport.Latency}[draw("balance", 4)],
			Rand:    func() float64 { return rapid.Float64Range(0, 0.999).Draw(rt, "random") },
			Headers: map[string]string{"X-Own": "secret of https://own.example"},
		}
		own := transport.Bearer(secret("own"), "own")
		o.Credentials = append(o.Credentials, own)
		tokens := map[string]string{"Bearer own": "https://own.example"}
		for i, at := range origins[1:] {
			if draw("mirror", 2) == 0 {
				o.Mirrors = append(o.Mirrors, transport.Mirror{URL: at + []string{"", "/a", "/npm/"}[draw("base", 3)]})
			}
			if draw("credential", 3) == 0 {
				c := transport.Bearer(secret(fmt.Sprint("of", i)), "test")
				c.Scope, _ = url.Parse(at)
				o.Credentials = append(o.Credentials, c)
				tokens[fmt.Sprint("Bearer of", i)] = at
			}
		}
		c := newClient(t, o)
		for range 1 + draw("requests", 5) {
			ctx := t.Context()
			switch draw("mark", 3) {
			case 0:
				ctx = transport.ForArtifact(ctx, known)
			case 1:
				ctx = transport.ForArtifact(ctx, pantry.Artifact{})
			}
			u := target()
			method := []string{"GET", "GET", "GET", "HEAD", "PUT", "DELETE"}[draw("method", 6)]
			req, err := http.NewRequestWithContext(ctx, method, u, nil)
			if err != nil {
				continue
			}
			if strings.HasPrefix(u, "https://own.example/") {
				req.Header.Set("Npm-Otp", "secret of https://own.example")
			}
			before := len(w.seen)
			if resp, err := c.Do(req); err == nil {
				_ = resp.Body.Close()
			}
			for _, sent := range w.seen[before:] {
				at := sent.URL.Scheme + "://" + sent.URL.Host
				for _, name := range []string{"X-Own", "Npm-Otp"} {
					if v := sent.Header.Get(name); v != "" && v != "secret of "+at {
						rt.Fatalf("%s of %s was sent to %s", name, v, sent.URL)
					}
				}
				if v := sent.Header.Get("Authorization"); v != "" && tokens[v] != at {
					rt.Fatalf("%q, which is for %s, was sent to %s", v, tokens[v], sent.URL)
				}
				if method != "GET" && method != "HEAD" && at != u[:strings.Index(u[8:], "/")+8] {
					rt.Fatalf("a %s of %s was sent to %s", method, u, sent.URL)
				}
			}
		}
	})
}

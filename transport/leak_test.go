package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

const leakSecret = "S3cr3t0fTheRegistry"

// wiretap records all requests of all servers of a test.
type wiretap struct {
	mu   sync.Mutex
	seen []string // "HOST PATH HEADERS"
}

// ServeHTTP redirects /to?u=URL&s=STATUS and answers anything else.
func (w *wiretap) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.seen = append(w.seen, fmt.Sprint(r.Host, " ", r.URL.Path, " ", r.Header))
	w.mu.Unlock()
	if r.URL.Path == "/to" {
		status := 302
		_, _ = fmt.Sscan(r.URL.Query().Get("s"), &status)
		rw.Header().Set("Location", r.URL.Query().Get("u"))
		rw.WriteHeader(status)
		return
	}
	_, _ = rw.Write([]byte("ok"))
}

// to is a URL at base that redirects to target.
func to(base, target string, status int) string {
	return fmt.Sprintf("%s/to?s=%d&u=%s", base, status, url.QueryEscape(target))
}

// leaks says which requests beyond the own host carried the secret, and whether one to it did.
func (w *wiretap) leaks(own string) (leaked []string, shown int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.seen {
		if !strings.Contains(s, leakSecret) && !strings.Contains(s, "dXNlcjpTM2NyM3QwZlRoZVJlZ2lzdHJ5") {
			continue
		}
		if strings.HasPrefix(s, own+" ") {
			shown++
		} else {
			leaked = append(leaked, s)
		}
	}
	return leaked, shown
}

func TestNoCredentialLeaves(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name string
		set  func(*transport.Options)
		h    http.Header
	}{
		{"bearer", func(o *transport.Options) {
			o.Credentials = []transport.Credential{transport.Bearer(secret(leakSecret), "t")}
		}, nil},
		{"basic", func(o *transport.Options) {
			o.Credentials = []transport.Credential{transport.Basic("user", secret(leakSecret), "t")}
		}, nil},
		{"header", func(o *transport.Options) {
			o.Credentials = []transport.Credential{customHeader(t, "X-API-Key", leakSecret)}
		}, nil},
		{"cookie", func(o *transport.Options) {
			o.Credentials = []transport.Credential{customHeader(t, "Cookie", "session="+leakSecret)}
		}, nil},
		{"configured header", func(o *transport.Options) { o.Headers = map[string]string{"X-Team-Key": leakSecret} }, nil},
		{"user information", func(o *transport.Options) { o.URL = strings.Replace(o.URL, "//", "//user:"+leakSecret+"@", 1) }, nil},
		{"header of the request", func(*transport.Options) {}, http.Header{"Npm-Otp": {leakSecret}}},
	}
	// own and other differ in the port; local is own by another name.
	routes := []struct {
		name  string
		start func(own, other, local, secure string) string
		shown int // how many requests to own carry the secret
		fails bool
	}{
		{"none", func(own, _, _, _ string) string { return own + "/x" }, 1, false},
		{"own origin", func(own, _, _, _ string) string { return to(own, own+"/x", 302) }, 2, false},
		{"other port 301", func(own, other, _, _ string) string { return to(own, other+"/x", 301) }, 1, false},
		{"other port 302", func(own, other, _, _ string) string { return to(own, other+"/x", 302) }, 1, false},
		{"other port 303", func(own, other, _, _ string) string { return to(own, other+"/x", 303) }, 1, false},
		{"other port 307", func(own, other, _, _ string) string { return to(own, other+"/x", 307) }, 1, false},
		{"other port 308", func(own, other, _, _ string) string { return to(own, other+"/x", 308) }, 1, false},
		{"other port, protocol relative", func(own, other, _, _ string) string {
			return to(own, strings.TrimPrefix(other, "http:")+"/x", 302)
		}, 1, false},
		{"other name", func(own, _, local, _ string) string { return to(own, local+"/x", 302) }, 1, false},
		{"https", func(own, _, _, secure string) string { return to(own, secure+"/x", 302) }, 1, false},
		{"away and on", func(own, other, local, _ string) string {
			return to(own, to(other, local+"/x", 302), 302)
		}, 1, false},
		{"away and back", func(own, other, _, _ string) string {
			return to(own, to(other, own+"/x", 302), 302)
		}, 2, false},
		{"away, back and away", func(own, other, _, _ string) string {
			return to(own, to(other, to(own, other+"/x", 302), 302), 302)
		}, 2, false},
		{"user information in the target", func(own, other, _, _ string) string {
			return to(own, strings.Replace(other, "//", "//"+strings.TrimPrefix(own, "http://")+"@", 1)+"/x", 302)
		}, 1, true},
		{"artifact elsewhere", func(_, other, _, _ string) string { return other + "/x.tgz" }, 0, false},
		{"artifact under another name", func(_, _, local, _ string) string { return local + "/x.tgz" }, 0, false},
		{"artifact elsewhere that comes here", func(own, other, _, _ string) string { return to(other, own+"/x.tgz", 302) }, 1, false},
	}
	for _, kind := range kinds {
		for _, route := range routes {
			t.Run(kind.name+"/"+route.name, func(t *testing.T) {
				t.Parallel()
				tap := new(wiretap)
				own, other := serve(t, tap.ServeHTTP), serve(t, tap.ServeHTTP)
				var secure string
				var ca []byte
				if route.name == "https" {
					var s *httptest.Server
					s, ca = serveTLS(t, tap.ServeHTTP)
					secure = s.URL
				}
				host := strings.TrimPrefix(own.URL, "http://")
				o := transport.Options{URL: own.URL, CA: ca}
				kind.set(&o)
				c := newClient(t, o)
				start := route.start(own.URL, other.URL, strings.Replace(own.URL, "127.0.0.1", "localhost", 1), secure)
				perRequest := kind.h != nil
				if perRequest && !strings.HasPrefix(start, own.URL) {
					t.Skip("the caller itself sends it there")
				}
				resp, err := c.Get(t.Context(), start, kind.h)
				if (err != nil) != route.fails {
					t.Fatalf("got %v", err)
				}
				if err == nil {
					_ = resp.Body.Close()
					if strings.Contains(fmt.Sprint(resp.Request.Header), leakSecret) && !perRequest {
						t.Error("the response's request holds the credential")
					}
				} else if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), leakSecret) {
					t.Errorf("the error shows the secret: %v", err)
				}
				leaked, shown := tap.leaks(host)
				if len(leaked) > 0 {
					t.Errorf("the secret went to %q", leaked)
				}
				want := route.shown
				if perRequest {
					want = min(want, 1) // is not added again
					if route.name == "own origin" {
						want = 2
					}
				}
				if shown != want {
					t.Errorf("%d requests to the own origin had the secret, want %d", shown, want)
				}
			})
		}
	}
}

func TestNoDowngrade(t *testing.T) {
	t.Parallel()
	tap := new(wiretap)
	secure, ca := serveTLS(t, tap.ServeHTTP)
	other := serve(t, tap.ServeHTTP)
	for _, insecure := range []bool{false, true} {
		c := newClient(t, transport.Options{
			URL: secure.URL, CA: ca, Insecure: insecure,
			Credentials: []transport.Credential{transport.Bearer(secret(leakSecret), "t")},
		})
		_, err := get(t, c, to(secure.URL, other.URL+"/x", 302))
		if !errors.Is(err, pantry.ErrInvalid) {
			t.Errorf("got %v", err)
		}
		mustContain(t, fmt.Sprint(err), other.URL, secure.URL, "refused")
	}
	for _, s := range tap.seen {
		if strings.HasPrefix(s, strings.TrimPrefix(other.URL, "http://")) {
			t.Errorf("asked %s", s)
		}
	}
}

// A client certificate is a credential too.
func TestClientCertificateStays(t *testing.T) {
	t.Parallel()
	certFile, keyFile := keyPair(t)
	shown := func(name string, list *[]string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			*list = append(*list, fmt.Sprint(name, len(r.TLS.PeerCertificates)))
			if u := r.URL.Query().Get("u"); u != "" {
				http.Redirect(w, r, u, http.StatusFound)
			}
		}
	}
	var seen []string
	start := func(name string) (*httptest.Server, []byte) {
		s := httptest.NewUnstartedServer(shown(name, &seen))
		s.TLS = requestCert()
		s.StartTLS()
		t.Cleanup(s.Close)
		return s, certPEM(s)
	}
	own, ca := start("own ")
	other, _ := start("other ")
	c := newClient(t, transport.Options{URL: own.URL, CA: ca, CertFile: certFile, KeyFile: keyFile})
	if _, err := get(t, c, own.URL+"/?u="+url.QueryEscape(other.URL)); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(seen); got != "[own 1 other 0]" {
		t.Errorf("got %s", got)
	}
}

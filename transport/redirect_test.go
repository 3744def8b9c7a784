package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	tap := new(wiretap)
	s := serve(t, tap.ServeHTTP)
	tests := []struct {
		name, location string
		want           error
		parts          []string
	}{
		{"relative", "x", nil, nil},
		{"rooted", "/x", nil, nil},
		{"absolute", s.URL + "/x#fragment", nil, nil},
		{"none", "", pantry.ErrInvalid, []string{"without a Location"}},
		{"file", "file:///etc/passwd", pantry.ErrInvalid, []string{"file:///etc/passwd", "neither http nor https"}},
		{"javascript", "javascript:alert(1)", pantry.ErrInvalid, []string{"neither http nor https"}},
		{"no host", "http:///x", pantry.ErrInvalid, []string{"no host"}},
		{"port", "http://127.0.0.1:99999/x", pantry.ErrInvalid, []string{"port"}},
		{"malformed", "http://[::1", pantry.ErrInvalid, []string{"malformed URL"}},
		{"userinfo", "https://evil:sesame@h.example/x?k=sesame", pantry.ErrInvalid, []string{"https://h.example/x?k=[redacted]", "user information"}},
		{"plain", "http://h.example/x", pantry.ErrConfig, []string{"plain http to h.example is refused"}},
		{"private address", "http://10.0.0.1/x", pantry.ErrConfig, []string{"10.0.0.1"}},
		{"short form of loopback", "http://127.1/x", pantry.ErrConfig, []string{"127.1"}},
	}
	c := newClient(t, transport.Options{URL: s.URL})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := to(s.URL, tt.location, 302)
			data, err := get(t, c, start)
			if tt.want == nil {
				if err != nil || string(data) != "ok" {
					t.Errorf("got %q, %v", data, err)
				}
				return
			}
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v", err)
			}
			mustContain(t, err.Error(), append(tt.parts, s.URL)...)
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("%q shows a password", err)
			}
			if tt.want == pantry.ErrConfig {
				mustContain(t, pantry.Hint(err), `"insecure": true`)
			}
		})
	}
}

func TestRedirectLoop(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if r.URL.Path == "/ends" && n > 10 {
			return
		}
		http.Redirect(w, r, fmt.Sprintf("%s?n=%d", r.URL.Path, n), http.StatusFound)
	})
	c := newClient(t, transport.Options{URL: s.URL})
	if _, err := get(t, c, s.URL+"/ends"); err != nil {
		t.Errorf("10 redirects: %v", err)
	}
	asked.Store(0)
	_, err := get(t, c, s.URL+"/loop")
	if !errors.Is(err, pantry.ErrInvalid) || asked.Load() != 11 {
		t.Fatalf("asked %d times, got %v", asked.Load(), err)
	}
	mustContain(t, err.Error(), s.URL+"/loop?n=[redacted]", "(redirected from "+s.URL+"/loop)", "more than 10 times")
}

// A write goes on only where the method stays and the origin too.
func TestRedirectedWrites(t *testing.T) {
	t.Parallel()
	type seen struct{ method, path, body string }
	var got []seen
	handler := func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got = append(got, seen{r.Method, r.URL.Path, string(data)})
		if u := r.URL.Query().Get("u"); u != "" {
			var status int
			_, _ = fmt.Sscan(r.URL.Query().Get("s"), &status)
			w.Header().Set("Location", u)
			w.WriteHeader(status)
		}
	}
	own, other := serve(t, handler), serve(t, handler)
	c := newClient(t, transport.Options{URL: own.URL})
	tests := []struct {
		name, method, target string
		status               int
		body                 io.Reader
		follows              bool
	}{
		{"301", "PUT", own.URL, 301, strings.NewReader("b"), false},
		{"302", "PUT", own.URL, 302, strings.NewReader("b"), false},
		{"303", "POST", own.URL, 303, strings.NewReader("b"), false},
		{"307", "PUT", own.URL, 307, strings.NewReader("b"), true},
		{"308", "POST", own.URL, 308, strings.NewReader("b"), true},
		{"308 delete", "DELETE", own.URL, 308, nil, true},
		{"307 elsewhere", "PUT", other.URL, 307, strings.NewReader("b"), false},
		{"307 delete elsewhere", "DELETE", other.URL, 307, nil, false},
		{"307 cannot be read again", "PUT", own.URL, 307, io.MultiReader(strings.NewReader("b")), false},
		{"HEAD", "HEAD", other.URL, 302, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got = nil
			req, err := http.NewRequestWithContext(t.Context(), tt.method, to(own.URL, tt.target+"/x", tt.status), tt.body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(req)
			if tt.follows {
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				if resp.Request.URL.String() != tt.target+"/x" {
					t.Errorf("the response is from %s", resp.Request.URL)
				}
				if len(got) != 2 || got[1].method != tt.method || got[1].body != got[0].body {
					t.Errorf("got %v", got)
				}
				return
			}
			if !errors.Is(err, pantry.ErrInvalid) || len(got) != 1 {
				t.Fatalf("asked %v, got %v", got, err)
			}
			mustContain(t, err.Error(), tt.target+"/x", "not followed")
			mustContain(t, pantry.Hint(err), "url")
		})
	}
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	tests := []struct {
		url string
		ok  bool
	}{
		{"http://r.example", false},
		{"http://192.168.0.1", false},
		{"http://0.0.0.0", false},
		{"http://localhost.example", false},
		{"http://a.localhost", false},
		{"HTTP://R.EXAMPLE", false},
		{"http://localhost", true},
		{"http://LOCALHOST:4873", true},
		{"http://127.0.0.1:4873/base", true},
		{"http://127.9.9.9", true},
		{"http://[::1]", true},
		{"http://[::ffff:127.0.0.1]", true},
		{"https://r.example", true},
		{"HTTPS://r.example", true},
	}
	for _, tt := range tests {
		_, err := transport.New(transport.Options{URL: tt.url, Registry: "acme"})
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.url, err)
		}
		if err != nil {
			checkConfigError(t, err)
			mustContain(t, pantry.Hint(err), `"insecure": true`)
		}
		if _, err := transport.New(transport.Options{URL: tt.url, Insecure: true}); err != nil {
			t.Errorf("%s: %v", tt.url, err)
		}
		// The same rule for what is asked later.
		asked := false
		base := roundTrip(func(*http.Request) (*http.Response, error) {
			asked = true
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, nil
		})
		c := newClient(t, transport.Options{URL: "https://r.example", Base: base})
		_, err = get(t, c, tt.url+"/x.tgz")
		if (err == nil) != tt.ok || asked != tt.ok {
			t.Errorf("artifact at %s: asked %v, %v", tt.url, asked, err)
		}
		if err != nil {
			checkConfigError(t, err)
			mustContain(t, pantry.Hint(err), `"insecure": true`)
		}
	}
}

func TestBadURLs(t *testing.T) {
	t.Parallel()
	for _, u := range []string{
		"", "r.example", "/path", "ftp://sesame@r.example", "https://", "https:sesame@r.example", "https://u:sesame@r.example:port/",
		"https://r.example:0", "https://r.example:70000", "ht tp://sesame", "https://u:ses%zzame@h/", "\x00",
	} {
		_, err := transport.New(transport.Options{URL: u})
		checkConfigError(t, err, "sesame", "ses%")
	}
	c := newClient(t, transport.Options{URL: "https://r.example"})
	for _, u := range []string{
		"", "x.tgz", "ftp://r.example/x", "file:///x", "https://", "https://u:sesame@r.example/x", "https://u:sesame@r.example:port/",
		"https:sesame", "https://r.example:0/x", "https://r.example\n/",
	} {
		_, err := c.Get(t.Context(), u, nil)
		if !errors.Is(err, pantry.ErrInvalid) {
			t.Errorf("%q: %v", u, err)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), "sesame") {
			t.Errorf("%q shows the secret", err)
		}
	}
	if _, err := c.Do(&http.Request{Method: "GET"}); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("no URL: %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]transport.Options{
		"timeout":    {Timeout: -1},
		"connect":    {Connect: -1},
		"idleBody":   {IdleBody: -1},
		"total":      {Total: -1},
		"retries":    {Retries: ptr(-1)},
		"from 0":     {Retries: ptr(11)},
		"maxConns":   {MaxConns: -1},
		"minRate":    {MinRate: -1},
		"user agent": {UserAgent: "a\nb"},
	} {
		o.URL, o.Registry = "https://r.example", "acme"
		_, err := transport.New(o)
		checkConfigError(t, err)
		mustContain(t, err.Error(), name, `"acme"`)
	}
}

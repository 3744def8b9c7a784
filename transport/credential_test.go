package transport_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

var quiet = log.New(io.Discard, "", 0)

func customHeader(t testing.TB, name, value string) transport.Credential {
	t.Helper()
	c, err := transport.Header(name, secret(value), "test")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCredentialBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		cred         transport.Credential
		header, want string
	}{
		{"bearer", transport.Bearer(secret("TOKEN"), "test"), "Authorization", "Bearer TOKEN"},
		{"basic", transport.Basic("user", secret("pass"), "test"), "Authorization", "Basic dXNlcjpwYXNz"},
		{"basic without password", transport.Basic("user", secret(""), "test"), "Authorization", "Basic dXNlcjo="},
		{"basic without user", transport.Basic("", secret("pass"), "test"), "Authorization", "Basic OnBhc3M="},
		{"basic with colons in the password", transport.Basic("u", secret("a:b"), "test"), "Authorization", "Basic dTphOmI="},
		{"basic in UTF-8", transport.Basic("ü", secret("ß"), "test"), "Authorization", "Basic w7w6w58="},
		{"header", customHeader(t, "X-API-Key", "a b=c"), "X-Api-Key", "a b=c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got http.Header
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
			c := newClient(t, transport.Options{URL: s.URL, Credentials: []transport.Credential{tt.cred}})
			if _, err := get(t, c, s.URL+"/x"); err != nil {
				t.Fatal(err)
			}
			if v := got[tt.header]; len(v) != 1 || v[0] != tt.want {
				t.Errorf("got %q", v)
			}
		})
	}
}

func TestCredentialInURL(t *testing.T) {
	t.Parallel()
	var got http.Header
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	c := newClient(t, transport.Options{URL: strings.Replace(s.URL, "//", "//user:pass@", 1) + "/base/?q=1#f"})
	if c.BaseURL() != s.URL+"/base" {
		t.Errorf("base is %s", c.BaseURL())
	}
	if _, err := get(t, c, c.BaseURL()+"/x"); err != nil {
		t.Fatal(err)
	}
	if v := got.Get("Authorization"); v != "Basic dXNlcjpwYXNz" {
		t.Errorf("got %q", v)
	}
}

func TestClientHidesSecrets(t *testing.T) {
	t.Parallel()
	c := newClient(t, transport.Options{
		Registry: "acme", URL: "https://r.example/", Headers: map[string]string{"X": leakSecret}, Proxy: "http://u:" + leakSecret + "@p",
		Credentials: []transport.Credential{transport.Bearer(secret(leakSecret), "t")},
	})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, c); got != "transport.Client(acme https://r.example)" {
			t.Errorf("%s gives %s", verb, got)
		}
	}
}

func TestInvalidCredentials(t *testing.T) {
	t.Parallel()
	const bad = "s3cr3t-value"
	headers := []struct{ name, header, value string }{
		{"empty name", "", bad},
		{"space in name", "X Key", bad},
		{"line break in name", "X\r\nY", bad},
		{"colon in name", "X:", bad},
		{"host", "host", bad},
		{"length", "Content-Length", bad},
		{"framing", "transfer-encoding", bad},
		{"proxy", "Proxy-Authorization", bad},
		{"coding", "Accept-Encoding", bad},
		{"empty value", "X-Key", ""},
		{"LF", "X-Key", bad + "\nX: y"},
		{"CR", "X-Key", bad + "\rX: y"},
		{"NUL", "X-Key", bad + "\x00"},
		{"trailing space", "X-Key", bad + " "},
	}
	for _, tt := range headers {
		t.Run("header/"+tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := transport.Header(tt.header, secret(tt.value), "file:1")
			checkConfigError(t, err, bad)
			mustContain(t, err.Error(), "file:1")
			if tt.value == "" {
				return
			}
			_, err = transport.New(transport.Options{URL: "https://r.example", Headers: map[string]string{tt.header: tt.value}})
			checkConfigError(t, err, bad)
		})
	}
	others := map[string]transport.Credential{
		"bearer empty":      transport.Bearer(secret(""), "file:1"),
		"bearer space":      transport.Bearer(secret("Bearer "+bad), "file:1"),
		"bearer LF":         transport.Bearer(secret(bad+"\n"), "file:1"),
		"bearer CR":         transport.Bearer(secret(bad+"\rX: y"), "file:1"),
		"bearer NUL":        transport.Bearer(secret(bad+"\x00"), "file:1"),
		"basic empty":       transport.Basic("", secret(""), "file:1"),
		"basic colon":       transport.Basic("a:b", secret(bad), "file:1"),
		"basic LF":          transport.Basic("a", secret(bad+"\n"), "file:1"),
		"literal":           {Header: "X-Key", Value: secret(bad + "\n"), Source: "file:1"},
		"scope not a URL":   {Header: "X-Key", Value: secret(bad), Source: "file:1", Scope: &url.URL{Path: "x"}},
		"scope scheme":      {Header: "X-Key", Value: secret(bad), Source: "file:1", Scope: &url.URL{Scheme: "ftp", Host: "h"}},
		"header name alone": {Value: secret(bad), Source: "file:1"},
	}
	for name, cred := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := transport.New(transport.Options{Registry: "acme", URL: "https://r.example", Credentials: []transport.Credential{cred}})
			checkConfigError(t, err, bad)
			mustContain(t, err.Error(), "file:1", `"acme"`)
		})
	}
}

func checkConfigError(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if !errors.Is(err, pantry.ErrConfig) {
		t.Fatalf("got %v, want a configuration error", err)
	}
	for _, s := range secrets {
		if strings.Contains(err.Error()+pantry.Hint(err), s) {
			t.Errorf("%q shows the secret", err)
		}
	}
}

func TestCredentialScope(t *testing.T) {
	t.Parallel()
	scope := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	creds := []transport.Credential{
		{Header: "Authorization", Value: secret("npm"), Scope: scope("https://h.example/npm/")},
		{Header: "Authorization", Value: secret("private"), Scope: scope("https://h.example/npm/private")},
		{Header: "Authorization", Value: secret("port"), Scope: scope("https://h.example:8443")},
		{Header: "Authorization", Value: secret("six"), Scope: scope("https://[2001:db8::1]/")},
		{Header: "Authorization", Value: secret("base")}, // https://base.example
	}
	tests := []struct{ url, want string }{
		{"https://h.example/npm", "npm"},
		{"https://h.example/npm/x", "npm"},
		{"https://h.example:443/npm/x", "npm"},
		{"https://H.EXAMPLE/npm/x", "npm"},
		{"https://h.example/npm/@s%2fx", "npm"},
		{"https://h.example/npm/private", "private"},
		{"https://h.example/npm/private/x", "private"},
		{"https://h.example/npm/privateer", "npm"},
		{"https://h.example/npmx", ""},
		{"https://h.example/", ""},
		{"https://h.example/NPM/x", ""},
		{"https://h.example/npm/../x", ""},
		{"https://h.example/npm/%2e%2e/x", ""},
		{"https://h.example/npm%2fx", ""},
		{"https://h.example/npm/..%2fx", ""},
		{`https://h.example/npm/..%5cx`, ""},
		{"https://h.example/npm/private/../x", "npm"},
		{"https://h.example:8443/npm/x", "port"},
		{"https://h.example:8444/npm/x", ""},
		{"http://h.example/npm/x", ""},
		{"http://h.example:443/npm/x", ""},
		{"https://a.h.example/npm/x", ""},
		{"https://h.example./npm/x", ""},
		{"https://h.example.evil.example/npm/x", ""},
		{"https://[2001:DB8:0:0::1]/x", "six"},
		{"https://[2001:db8::2]/x", ""},
		{"https://base.example/any", "base"},
		{"https://base.example", "base"},
	}
	var got string
	c := newClient(t, transport.Options{
		URL: "https://base.example/sub", Insecure: true, Credentials: creds,
		Base: roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.Header.Get("Authorization")
			return &http.Response{StatusCode: 204, Body: http.NoBody, Header: http.Header{}}, nil
		}),
	})
	for _, tt := range tests {
		got = "unasked"
		if _, err := get(t, c, tt.url); err != nil {
			t.Errorf("%s: %v", tt.url, err)
		} else if got != tt.want {
			t.Errorf("%s got the credential %q, want %q", tt.url, got, tt.want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

package transport_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/transport"
)

// exchange makes one request and returns what the observer was told of it.
func exchange(t *testing.T, o transport.Options, path string) transport.Exchange {
	t.Helper()
	var got []transport.Exchange
	o.Observe = func(e transport.Exchange) { got = append(got, e) }
	o.Retries = ptr(0)
	c := newClient(t, o)
	_, _ = get(t, c, o.URL+path)
	if len(got) != 1 {
		t.Fatalf("%d exchanges: %+v", len(got), got)
	}
	return got[0]
}

func TestObserveQuota(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		headers map[string]string
		want    *transport.Quota
	}{
		"none": {nil, nil},
		"GitHub's": {
			map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "1795000000", "X-RateLimit-Resource": "core"},
			&transport.Quota{Resource: "core", Limit: 60, Remaining: 59, Reset: time.Unix(1795000000, 0)},
		},
		"none left":       {map[string]string{"X-RateLimit-Remaining": "0"}, &transport.Quota{}},
		"no number":       {map[string]string{"X-RateLimit-Remaining": "many"}, nil},
		"negative":        {map[string]string{"X-RateLimit-Remaining": "-1"}, nil},
		"a year too far":  {map[string]string{"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": "999999999999999"}, &transport.Quota{Remaining: 1}},
		"a name to clean": {map[string]string{"X-RateLimit-Remaining": "1", "X-RateLimit-Resource": "a\u202eb the-token"}, &transport.Quota{Remaining: 1, Resource: "ab [redacted]"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range tt.headers {
					w.Header().Set(k, v)
				}
			})
			e := exchange(t, transport.Options{
				URL: s.URL, Credentials: []transport.Credential{transport.Bearer(secret("the-token"), "file:1")},
			}, "/")
			if diff := cmp.Diff(tt.want, e.Quota); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestObserveDate(t *testing.T) {
	t.Parallel()
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	tests := map[string]struct {
		date, age string
		want      bool
	}{
		"told":            {date, "", true},
		"fresh":           {date, "0", true},
		"kept on its way": {date, "7", false},
		"garbage":         {"soon", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", tt.date)
				if tt.age != "" {
					w.Header().Set("Age", tt.age)
				}
			})
			e := exchange(t, transport.Options{URL: s.URL}, "/")
			if got := !e.Date.IsZero(); got != tt.want {
				t.Errorf("date %v", e.Date)
			}
		})
	}
}

func TestObserveExpiry(t *testing.T) {
	t.Parallel()
	token := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
	}
	tests := map[string]struct {
		token string
		want  int64
	}{
		"JSON Web Token": {token(`{"exp":1795000000}`), 1795000000},
		"of a fraction":  {token(`{"exp":1795000000.5}`), 1795000000},
		"without an end": {token(`{"sub":"x"}`), 0},
		"wrong type":     {token(`{"exp":"1795000000"}`), 0},
		"beyond time":    {token(`{"exp":1e300}`), 0},
		"opaque":         {"abc.def.ghi", 0},
		"no parts":       {"abcdef", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, ca := serveTLS(t, func(http.ResponseWriter, *http.Request) {})
			e := exchange(t, transport.Options{
				URL: s.URL, CA: ca, Credentials: []transport.Credential{transport.Bearer(secret(tt.token), "file:1")},
			}, "/")
			var want time.Time
			if tt.want != 0 {
				want = time.Unix(tt.want, 0)
			}
			if !e.CredentialExpires.Equal(want) {
				t.Errorf("the credential expires %v, want %v", e.CredentialExpires, want)
			}
			if !e.CertificateExpires.Equal(s.Certificate().NotAfter) {
				t.Errorf("the certificate expires %v", e.CertificateExpires)
			}
		})
	}
}

func TestObserveFailures(t *testing.T) {
	t.Parallel()
	untrusted, _ := serveTLS(t, func(http.ResponseWriter, *http.Request) {})
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	closing := raw(t, func(c net.Conn) { _ = c.Close() })
	tests := map[string]struct {
		o    transport.Options
		want transport.FailureKind
	}{
		"refused":     {transport.Options{URL: "http://127.0.0.1:1"}, transport.FailureNetwork},
		"closed":      {transport.Options{URL: "http://" + closing}, transport.FailureNetwork},
		"silent":      {transport.Options{URL: silent.URL, Timeout: time.Millisecond}, transport.FailureTimeout},
		"certificate": {transport.Options{URL: untrusted.URL}, transport.FailureTLS},
		"name": {transport.Options{URL: "https://nowhere.invalid", Base: roundTrip(func(*http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Name: "nowhere.invalid", IsNotFound: true}
		})}, transport.FailureDNS},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if e := exchange(t, tt.o, "/"); e.Failure != tt.want || e.Err == nil {
				t.Errorf("got %q of %v, want %q", e.Failure, e.Err, tt.want)
			}
		})
	}
}

func TestObserveBody(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/whole", http.StatusFound)
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "0123456789")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, "0123456789")
		}
	})
	tests := map[string]struct {
		path string
		read int64 // bytes; -1: all
		want []string
	}{
		"whole":      {"/whole", -1, []string{"10 bytes"}},
		"redirected": {"/redirect", -1, []string{"* bytes", "10 bytes"}},
		"no body":    {"/none", -1, nil},
		"broken off": {"/short", -1, []string{"10 bytes network"}},
		"left":       {"/whole", 4, []string{"4 bytes"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			c := newClient(t, transport.Options{Registry: "acme", URL: s.URL, ObserveBody: func(b transport.Transfer) {
				if b.Registry != "acme" || b.Origin != s.URL || b.Duration < 0 {
					t.Errorf("got %+v", b)
				}
				line := fmt.Sprintf("%d bytes", b.Bytes)
				if b.Failure != "" {
					line += " " + string(b.Failure)
				}
				if len(got) < len(tt.want)-1 {
					line = "* bytes" // of a page that net/http writes
				}
				got = append(got, line)
			}})
			resp, err := c.Get(t.Context(), s.URL+tt.path, http.Header{"Accept-Encoding": {"identity"}})
			if err != nil {
				t.Fatal(err)
			}
			body := io.Reader(resp.Body)
			if tt.read >= 0 {
				body = io.LimitReader(body, tt.read)
			}
			if _, err := io.Copy(io.Discard, body); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Error(err)
			}
			_ = resp.Body.Close()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

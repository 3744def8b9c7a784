package transport_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

func TestStatuses(t *testing.T) {
	t.Parallel()
	sentinels := []error{
		pantry.ErrNotFound, pantry.ErrDenied, pantry.ErrUnavailable, pantry.ErrInvalid, pantry.ErrUnsupported, pantry.ErrExists,
	}
	tests := map[int]error{
		400: pantry.ErrInvalid, 401: pantry.ErrDenied, 402: pantry.ErrDenied, 403: pantry.ErrDenied, 404: pantry.ErrNotFound,
		405: pantry.ErrUnsupported, 406: pantry.ErrInvalid, 408: pantry.ErrUnavailable, 409: pantry.ErrExists, 410: pantry.ErrNotFound,
		418: pantry.ErrInvalid, 429: pantry.ErrUnavailable, 500: pantry.ErrUnavailable, 501: pantry.ErrUnsupported,
		502: pantry.ErrUnavailable, 503: pantry.ErrUnavailable, 504: pantry.ErrUnavailable, 520: pantry.ErrUnavailable, 599: pantry.ErrUnavailable,
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
	})
	c := newClient(t, transport.Options{URL: s.URL, Retries: ptr(0)})
	for status, want := range tests {
		_, err := get(t, c, fmt.Sprintf("%s/%d", s.URL, status))
		var e *transport.Error
		if !errors.As(err, &e) || e.Status != status || e.Method != "GET" || e.Attempts != 1 {
			t.Errorf("%d: got %#v", status, err)
		}
		for _, sentinel := range sentinels {
			if errors.Is(err, sentinel) != (sentinel == want) {
				t.Errorf("%d matches %v: %v", status, sentinel, errors.Is(err, sentinel))
			}
		}
	}
	_, err := get(t, c, s.URL+"/404")
	if want := "GET " + s.URL + "/404: 404 Not Found"; err.Error() != want {
		t.Errorf("got %s, want %s", err, want)
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) })
	c := newClient(t, transport.Options{URL: s.URL})
	resp, err := c.Get(t.Context(), s.URL, http.Header{"If-None-Match": {`"x"`}})
	if err != nil || resp.StatusCode != 304 {
		t.Fatalf("got %v", err)
	}
	_ = resp.Body.Close()
}

func TestDetail(t *testing.T) {
	t.Parallel()
	const token = "s3cr3t-token/+"
	b64 := base64.StdEncoding.EncodeToString([]byte(token))
	tests := []struct{ name, body, want string }{
		{"error", `{"error":"no such package"}`, "no such package"},
		{"message", `{"message":"Not Found","documentation_url":"https://d.example"}`, "Not Found"},
		{"message before error", `{"error":"Not Found","message":"package x is gone"}`, "package x is gone"},
		{"reason", `{"error":"not_found","reason":"no such document"}`, "not_found: no such document"},
		{"detail", `{"title":"Gone","detail":"it was unpublished","status":404}`, "it was unpublished"},
		{"title", `{"title":"Gone"}`, "Gone"},
		{"not successful", `{"success":false,"error":"nope"}`, "nope"},
		{"nested", `{"error":{"code":7,"message":"deep"}}`, "deep"},
		{"list", `{"errors":[{"status":404,"message":"first"},{"message":"second"}]}`, "first"},
		{"string", `"bare words"`, "bare words"},
		{"null", `null`, ""},
		{"number", `404`, ""},
		{"array", `["x"]`, ""},
		{"other types", `{"error":true,"message":["x"],"detail":{},"title":5}`, ""},
		{"HTML", `<html><body>Not Found</body></html>`, ""},
		{"text", `not found`, ""},
		{"empty", ``, ""},
		{"too long to be read", `{"error":"` + strings.Repeat("x", 20000) + `"}`, ""},
		{"controls", `{"error":"a\u001b[31mred\u0000\u009b2J\r\n b\u202ec\u2066d\u200be\u2028f"}`, "a[31mred2J bcde f"},
		{"not UTF-8", "{\"error\":\"a\xff\xfeb\"}", "ab"},
		{"token", `{"error":"bad token ` + token + `!"}`, "bad token [redacted]!"},
		{"header", `{"error":"got Bearer ` + token + `"}`, "got [redacted]"},
		{"token as base64", `{"error":"got ` + b64 + `"}`, "got [redacted]"},
		{"token escaped", `{"error":"got ` + url.QueryEscape(token) + `"}`, "got [redacted]"},
		{"token with an invisible character", `{"error":"got s3cr3t\u200b-token/+"}`, "got [redacted]"},
		{"configured header", `{"error":"got team-key-value"}`, "got [redacted]"},
		{"password", `{"error":"got pässwörd"}`, "got [redacted]"},
		{"pair", `{"error":"got user:pässwörd"}`, "got [redacted]"},
		{"proxy", `{"error":"got proxy-password"}`, "got [redacted]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(404)
				_, _ = w.Write([]byte(tt.body))
			})
			elsewhere := &url.URL{Scheme: "https", Host: "h.example"}
			basic := transport.Basic("user", secret("pässwörd"), "t")
			basic.Scope = elsewhere
			c := newClient(t, transport.Options{
				URL: s.URL, Headers: map[string]string{"X-Team": "team-key-value"}, Proxy: "http://u:proxy-password@p.example",
				Credentials: []transport.Credential{transport.Bearer(secret(token), "t"), basic},
			})
			_, err := get(t, c, s.URL+"/p")
			var e *transport.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Detail != tt.want {
				t.Errorf("got %q, want %q", e.Detail, tt.want)
			}
			want := "GET " + s.URL + "/p: 404 Not Found"
			if tt.want != "" {
				want += ": " + tt.want
			}
			if err.Error() != want {
				t.Errorf("got %s", err)
			}
		})
	}
	t.Run("long", func(t *testing.T) {
		t.Parallel()
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			_, _ = fmt.Fprintf(w, `{"error":"%s%s"}`, strings.Repeat("ä", 126), token)
		})
		c := newClient(t, transport.Options{URL: s.URL, Credentials: []transport.Credential{transport.Bearer(secret(token), "t")}})
		_, err := get(t, c, s.URL)
		var e *transport.Error
		if !errors.As(err, &e) || len(e.Detail) > 256 || !utf8.ValidString(e.Detail) || strings.Contains(e.Detail, "s3") {
			t.Errorf("got %v", err)
		}
	})
}

func TestHints(t *testing.T) {
	t.Parallel()
	elsewhere := transport.Bearer(secret("token"), "file:2")
	elsewhere.Scope = &url.URL{Scheme: "https", Host: "h.example:8443"}
	below := func(u string) transport.Credential {
		c := transport.Bearer(secret("token"), "file:3")
		c.Scope, _ = url.Parse(u + "/private")
		return c
	}
	for _, status := range []int{401, 403} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		tests := []struct {
			creds  []transport.Credential
			hint   string
			source string
		}{
			{nil, `configure "auth" for registry "acme"`, ""},
			{[]transport.Credential{transport.Bearer(secret("token"), "file:1")}, "file:1", "file:1"},
			{[]transport.Credential{elsewhere}, "file:2 was not sent, since it is for https://h.example:8443 and this is " + s.URL, ""},
			{[]transport.Credential{below(s.URL)}, "file:3 was not sent, since it is for paths below /private/", ""},
		}
		for _, tt := range tests {
			_, err := get(t, newClient(t, transport.Options{Registry: "acme", URL: s.URL, Credentials: tt.creds}), s.URL)
			if !errors.Is(err, pantry.ErrDenied) {
				t.Fatalf("got %v", err)
			}
			mustContain(t, pantry.Hint(err), tt.hint)
			if source, ok := pantry.CredentialSent(err); source != tt.source || ok != (tt.source != "") {
				t.Errorf("sent %q, want %q", source, tt.source)
			}
			if all := fmt.Sprintf("%v %+v %#v %s", err, err, err, pantry.Hint(err)); strings.Contains(all, "token") && strings.Contains(all, "Bearer") {
				t.Errorf("shows the credential: %s", all)
			}
		}
	}
}

func TestDNS(t *testing.T) {
	t.Parallel()
	c := newClient(t, transport.Options{URL: "https://registry.invalid"})
	_, err := get(t, c, "https://registry.invalid/x") // RFC 6761: never resolves
	if !errors.Is(err, pantry.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	mustContain(t, err.Error(), "registry.invalid", "DNS")
	mustContain(t, pantry.Hint(err), "spelling", "VPN")
}

func TestRedactURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"https://h.example/p", "https://h.example/p"},
		{"https://u:p@h.example/p", "https://h.example/p"},
		{"https://token@h.example/p", "https://h.example/p"},
		{"https://h.example/@s%2fp", "https://h.example/@s%2fp"},
		{"https://h.example/p?a=1&b=&c&a=2", "https://h.example/p?a=[redacted]&b=[redacted]&[redacted]&a=[redacted]"},
		{"https://h.example/p?", "https://h.example/p"},
		{"https://h.example/p#token", "https://h.example/p"},
		{"https:u:p@h.example", "https:[redacted]"},
		{"https://u:p@h.example:x/p", "(malformed URL)"},
		{"https://u:p%zz@h.example/p", "(malformed URL)"},
		{"//u:p@h.example/p", "//h.example/p"},
		{"/p?x=1", "/p?x=[redacted]"},
		{"", ""},
		{"https://h.example/\x1b", "(malformed URL)"},
		{"https://h.example/\u202e", "https://h.example/%E2%80%AE"},
		{"https://h.example/?\u202e=1", "https://h.example/?=[redacted]"},
	}
	for _, tt := range tests {
		if got := transport.RedactURL(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := transport.RedactURL("https://h.example/" + strings.Repeat("x", 1<<20)); len(got) > 1<<10 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	n := 0
	own := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			w.WriteHeader(503)
			return
		}
		http.Redirect(w, r, r.URL.Query().Get("u"), http.StatusFound)
	})
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	var got []transport.Exchange
	c := newClient(t, transport.Options{
		Registry: "acme", URL: own.URL, Retries: ptr(1),
		Credentials: []transport.Credential{transport.Bearer(secret("the-token"), "file:1")},
		Observe:     func(e transport.Exchange) { got = append(got, e) },
	})
	if _, err := get(t, c, own.URL+"/a?u="+url.QueryEscape(other.URL+"/b?k=the-token")); err != nil {
		t.Fatal(err)
	}
	_, err := get(t, c, "http://127.0.0.1:1/the-token")
	var f *transport.Error
	if !errors.As(err, &f) {
		t.Fatalf("got %v", err)
	}
	const refused = "127.0.0.1:1 refused the connection"
	want := []transport.Exchange{
		{Method: "GET", Origin: own.URL, URL: own.URL + "/a?u=[redacted]", Status: 503, Attempt: 1, Credential: "file:1"},
		{Method: "GET", Origin: own.URL, URL: own.URL + "/a?u=[redacted]", Status: 302, Attempt: 2, Credential: "file:1", Bytes: -2},
		{Method: "GET", Origin: other.URL, URL: other.URL + "/b?k=[redacted]", Status: 200, Attempt: 1, Bytes: 5},
		{Method: "GET", Origin: "http://127.0.0.1:1", URL: "http://127.0.0.1:1/[redacted]", Attempt: 1, Bytes: -1, Err: errors.New(refused), Failure: transport.FailureNetwork},
		{Method: "GET", Origin: "http://127.0.0.1:1", URL: "http://127.0.0.1:1/[redacted]", Attempt: 2, Bytes: -1, Err: errors.New(refused), Failure: transport.FailureNetwork},
	}
	for i, e := range got {
		if e.Registry != "acme" || e.Duration <= 0 || e.Duration > time.Minute || e.Start.IsZero() || e.Status > 0 == e.Date.IsZero() {
			t.Errorf("got %+v", e)
		}
		if i < len(want) && want[i].Bytes == -2 {
			want[i].Bytes = e.Bytes // of a page that net/http writes
		}
	}
	sameText := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	if diff := cmp.Diff(want, got, sameText, cmpopts.IgnoreFields(transport.Exchange{}, "Registry", "Duration", "Start", "Date")); diff != "" {
		t.Error(diff)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "exchanges", got, "error", err)
	if strings.Contains(log.String(), "the-token") {
		t.Errorf("the log shows the token: %s", &log)
	}
}

func TestStack(t *testing.T) {
	t.Parallel()
	var order []string
	layer := func(name string) transport.Layer {
		return func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				order = append(order, name)
				return next.RoundTrip(r)
			})
		}
	}
	base := roundTrip(func(*http.Request) (*http.Response, error) { return nil, nil })
	_, _ = transport.Stack(base, layer("outer"), layer("inner")).RoundTrip(nil)
	if got := strings.Join(order, " "); got != "outer inner" {
		t.Errorf("got %s", got)
	}
}

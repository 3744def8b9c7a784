package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// tokens gives token-1, token-2 and so on, or what next says.
type tokens struct {
	mu    sync.Mutex
	given int
	next  func(ctx context.Context, n int) (pantry.Secret, error)
}

func (s *tokens) get(ctx context.Context) (pantry.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given++
	if s.next != nil {
		return s.next(ctx, s.given)
	}
	return secret(fmt.Sprintf("token-%d", s.given)), nil
}

// A token that is asked for before each request goes to the origin of the registry and to nobody else,
// and is in no error.
func TestTokenOfEachRequest(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	note := func(where string, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, where+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	}
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) { note("other", r) })
	own := serve(t, func(w http.ResponseWriter, r *http.Request) {
		note("own", r)
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusFound)
		case "/denied":
			w.WriteHeader(http.StatusForbidden)
			_, _ = fmt.Fprintf(w, `{"error": "not with %s"}`, r.Header.Get("Authorization"))
		}
	})
	src := &tokens{}
	c := newClient(t, transport.Options{URL: own.URL, Credentials: []transport.Credential{{Token: src.get, Source: "the test"}}})
	for _, u := range []string{own.URL + "/a", own.URL + "/away", other.URL + "/b"} {
		if _, err := get(t, c, u); err != nil {
			t.Fatal(err)
		}
	}
	_, err := get(t, c, own.URL+"/denied")
	if source, ok := pantry.CredentialSent(err); !ok || source != "the test" || !errors.Is(err, pantry.ErrDenied) {
		t.Errorf("refused: got %v, sent by %q", err, source)
	}
	if strings.Contains(err.Error(), "token-") || !strings.Contains(err.Error(), "not with Bearer [redacted]") {
		t.Errorf("the error tells the token: %v", err)
	}
	want := "[own /a Bearer token-1 own /away Bearer token-2 other /x  other /b  own /denied Bearer token-3]"
	if got := fmt.Sprint(seen); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	a, b := newClient(t, transport.Options{URL: own.URL, Credentials: []transport.Credential{{Token: src.get, Source: "the test"}}}), c
	if a.Anonymous() || a.Identity(own.URL, nil) == "" || a.Identity(own.URL, nil) == b.Identity(own.URL, nil) {
		t.Error("what one token got to see could be shown to another")
	}
}

func TestTokenThatIsNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		token string
		err   error
		want  string // of the error
	}{
		"nothing":         {"", nil, ""},
		"a failure":       {"", pantry.WithHint(fmt.Errorf("the CI system is down: %w", pantry.ErrUnavailable), "try again"), "no token from the test: the CI system is down"},
		"a line break":    {"s3cret\nX: y", nil, "no token from the test"},
		"more than one":   {"s3cret s3cret", nil, "contains a space"},
		"its own context": {"", context.Canceled, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := 0
			srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				requests++
				if h := r.Header.Get("Authorization"); h != "" {
					t.Errorf("sent %q", h)
				}
			})
			src := &tokens{next: func(context.Context, int) (pantry.Secret, error) { return secret(tt.token), tt.err }}
			c := newClient(t, transport.Options{URL: srv.URL, Credentials: []transport.Credential{{Token: src.get, Source: "the test"}}})
			_, err := get(t, c, srv.URL)
			if tt.want == "" {
				if err != nil || requests != 1 {
					t.Errorf("got %v after %d requests", err, requests)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") || requests != 0 || src.given != 1 {
				t.Errorf("got %v after %d requests and %d questions, want %q", err, requests, src.given, tt.want)
			}
			if tt.err != nil && (!errors.Is(err, tt.err) || pantry.Hint(err) != pantry.Hint(tt.err)) {
				t.Errorf("got %v (%s)", err, pantry.Hint(err))
			}
		})
	}
}

// The credential for changes of packages is for those alone, and comes before the others.
func TestPackageCredential(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	answer := func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.Header.Get("Authorization"))
	}
	own, other := serve(t, answer), serve(t, answer)
	src := &tokens{next: func(ctx context.Context, _ int) (pantry.Secret, error) {
		if transport.PackageOf(ctx) == "unknown" {
			return pantry.Secret{}, nil
		}
		return secret("for-" + transport.PackageOf(ctx)), nil
	}}
	c := newClient(t, transport.Options{
		URL: own.URL, Credentials: []transport.Credential{transport.Bearer(secret("always"), "a")},
		PackageCredential: &transport.Credential{Token: src.get, Source: "the CI job"},
	})
	put := func(base, name string) {
		t.Helper()
		req, err := http.NewRequestWithContext(transport.ForPackage(t.Context(), name), http.MethodPut, base+"/"+name, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	put(own.URL, "a")
	put(own.URL, "unknown")
	put(other.URL, "a")
	if _, err := get(t, c, own.URL+"/a"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(seen, "; "); got != "PUT Bearer for-a; PUT Bearer always; PUT ; GET Bearer always" {
		t.Errorf("got %s", got)
	}
	reading := newClient(t, transport.Options{URL: own.URL, PackageCredential: &transport.Credential{Token: src.get}})
	if !reading.Anonymous() {
		t.Error("who reads without a credential is somebody")
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error": "what is %s?"}`, r.URL.Path)
	})
	c := newClient(t, transport.Options{URL: srv.URL})
	c.Hide(secret("s3cret"))
	c.Hide(secret("s3cret"))
	c.Hide(pantry.Secret{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { c.Hide(secret(fmt.Sprintf("an0ther-%d", i))) })
	}
	if _, err := get(t, c, srv.URL+"/token/s3cret"); err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "what is /token/[redacted]?") {
		t.Errorf("got %v", err)
	}
	wg.Wait()
}

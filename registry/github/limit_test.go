package github_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/transport"
)

// limitedServer is one with a clock that the client shares, unless it has one of its own.
func limitedServer(t *testing.T) (*githubtest.Server, *clock, func(*github.Options, *transport.Options)) {
	t.Helper()
	c := newClock()
	s := githubtest.Start(t, githubtest.Options{Now: c.Now}, tool("v1.0.0"))
	s.AddToken(token, githubtest.Token{Login: "test"})
	return s, c, func(o *github.Options, _ *transport.Options) { o.Now, o.Sleep = c.Now, c.Sleep }
}

func TestLimitSoonOver(t *testing.T) {
	t.Parallel()
	s, c, with := limitedServer(t)
	r := connect(t, s, with)
	s.SetRemaining("", "core", 0, 40*time.Second)
	if _, err := r.Metadata(t.Context(), "acme/tool", ""); err != nil {
		t.Fatal(err)
	}
	if len(c.slept) != 1 || c.slept[0] != 41*time.Second {
		t.Errorf("slept %v", c.slept)
	}
}

func TestLimitNotSoonOver(t *testing.T) {
	t.Parallel()
	s, c, with := limitedServer(t)
	r := connect(t, s, with)
	s.SetRemaining("", "core", 0, 23*time.Minute)
	for range 2 {
		_, err := r.Metadata(t.Context(), "acme/tool", "")
		var e *github.LimitError
		if !errors.As(err, &e) || !errors.Is(err, pantry.ErrUnavailable) || errors.Is(err, pantry.ErrDenied) {
			t.Fatal(err)
		}
		if e.Limit != 60 || e.Resource != "core" || e.Secondary || e.Wait != 23*time.Minute || !e.Reset.Equal(c.now.Add(23*time.Minute)) {
			t.Errorf("%+v", e)
		}
		if !strings.Contains(err.Error(), "the rate limit is exceeded (60 requests an hour); it ends at 03:27:05 UTC, in 23m0s") || !strings.Contains(pantry.Hint(err), "configure a token") {
			t.Errorf("%v (%s)", err, pantry.Hint(err))
		}
		var status *transport.Error
		if !errors.As(err, &status) || status.Status != http.StatusForbidden {
			t.Errorf("the exchange is not told: %v", err)
		}
	}
	if n := len(s.Requests()); n != 1 || len(c.slept) != 0 {
		t.Errorf("%d requests although the limit was known, slept %v", n, c.slept)
	}
	if err := r.Ping(t.Context()); err != nil {
		t.Errorf("what costs nothing is refused: %v", err)
	}
	c.now = c.now.Add(24 * time.Minute)
	if _, err := r.Metadata(t.Context(), "acme/tool", ""); err != nil {
		t.Errorf("after the reset: %v", err)
	}
}

// TestLimitWithToken: the one who has a token is not told to get one.
func TestLimitWithToken(t *testing.T) {
	t.Parallel()
	s, _, with := limitedServer(t)
	r := connect(t, s, with, withToken)
	s.SetRemaining(token, "core", 0, 10*time.Minute)
	_, err := r.Package(t.Context(), "acme/tool")
	if !errors.Is(err, pantry.ErrUnavailable) || pantry.Hint(err) != "try again in 10m0s" {
		t.Errorf("%v (%s)", err, pantry.Hint(err))
	}
	s.SetRemaining(token, "search", 0, 30*time.Second)
	if _, err := r.Search(t.Context(), pantry.Query{Text: "tool"}); err != nil {
		t.Errorf("searches have a limit of their own, which is soon over: %v", err)
	}
}

// TestWrongClock: how long to wait is told by the server's clock.
func TestWrongClock(t *testing.T) {
	t.Parallel()
	s, c, _ := limitedServer(t)
	mine := &clock{now: c.now.Add(-5 * time.Hour)}
	r := connect(t, s, func(o *github.Options, _ *transport.Options) {
		o.Now = mine.Now
		o.Sleep = func(ctx context.Context, d time.Duration) error { c.now = c.now.Add(d); return mine.Sleep(ctx, d) }
	})
	s.SetRemaining("", "core", 0, 20*time.Second)
	if _, err := r.Metadata(t.Context(), "acme/tool", ""); err != nil || len(mine.slept) != 1 || mine.slept[0] != 21*time.Second {
		t.Errorf("slept %v, %v", mine.slept, err)
	}
}

func TestSecondaryLimit(t *testing.T) {
	t.Parallel()
	s, c, with := limitedServer(t)
	s.Refuse(1, "30")
	if _, err := connect(t, s, with).Metadata(t.Context(), "acme/tool", ""); err != nil || len(c.slept) != 1 || c.slept[0] != 31*time.Second {
		t.Errorf("slept %v, %v", c.slept, err)
	}
	for _, after := range []string{"", "3600", "soon"} {
		s.Refuse(1, after)
		_, err := connect(t, s, with).Metadata(t.Context(), "acme/tool", "")
		var e *github.LimitError
		if !errors.As(err, &e) || !e.Secondary || errors.Is(err, pantry.ErrDenied) || !strings.Contains(err.Error(), "too many requests at once") || pantry.Hint(err) == "" {
			t.Errorf("Retry-After %q: %v (%s)", after, err, pantry.Hint(err))
		}
	}
	s.Refuse(10, "1")
	if _, err := connect(t, s, with).Metadata(t.Context(), "acme/tool", ""); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("a limit without end: %v", err)
	}
}

// TestForbidden: what is a refusal, and what a limit.
func TestForbidden(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		status  int
		headers map[string]string
		body    string
		want    error
	}{
		"permission":           {403, map[string]string{"X-RateLimit-Remaining": "4999"}, `{"message":"Resource not accessible by personal access token"}`, pantry.ErrDenied},
		"no marks":             {403, nil, `{"message":"Forbidden"}`, pantry.ErrDenied},
		"no JSON":              {403, nil, "Forbidden by a proxy", pantry.ErrDenied},
		"single sign-on":       {403, map[string]string{"X-GitHub-SSO": "required; url=https://example.com/sso", "X-RateLimit-Remaining": "4999"}, `{"message":"Resource protected by organization SAML enforcement."}`, pantry.ErrDenied},
		"primary":              {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, `{}`, pantry.ErrUnavailable},
		"primary, 429":         {429, map[string]string{"X-RateLimit-Remaining": "0"}, `{}`, pantry.ErrUnavailable},
		"secondary, by words":  {403, map[string]string{"X-RateLimit-Remaining": "100"}, `{"message":"You have exceeded a secondary rate limit."}`, pantry.ErrUnavailable},
		"secondary, by header": {403, map[string]string{"Retry-After": "3600"}, `{}`, pantry.ErrUnavailable},
		"429":                  {429, nil, ``, pantry.ErrUnavailable},
		"odd reset":            {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "tomorrow"}, ``, pantry.ErrUnavailable},
		"reset in the past":    {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "-5"}, ``, pantry.ErrUnavailable},
		"bad credentials":      {401, nil, `{"message":"Bad credentials"}`, pantry.ErrDenied},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range c.headers {
				w.Header().Set(k, v)
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		t.Cleanup(srv.Close)
		clk := newClock()
		r := connect(t, &githubtest.Server{URL: srv.URL}, withToken, func(o *github.Options, _ *transport.Options) { o.Now, o.Sleep = clk.Now, clk.Sleep })
		_, err := r.Metadata(t.Context(), "acme/tool", "")
		for _, class := range []error{pantry.ErrDenied, pantry.ErrUnavailable} {
			if errors.Is(err, class) != (class == c.want) {
				t.Errorf("%s: %v; matches %q: %t", what, err, class, errors.Is(err, class))
			}
		}
		if source, _ := pantry.CredentialSent(err); c.want == pantry.ErrDenied && source != tokenSource {
			t.Errorf("%s: the credential is from %q", what, source)
		}
	}
}

// TestLimitCancelled: nobody is kept waiting who does not want to.
func TestLimitCancelled(t *testing.T) {
	t.Parallel()
	s, c, _ := limitedServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	r := connect(t, s, func(o *github.Options, _ *transport.Options) {
		o.Now = c.Now
		o.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	})
	s.SetRemaining("", "core", 0, 10*time.Second)
	if _, err := r.Metadata(ctx, "acme/tool", ""); !errors.Is(err, context.Canceled) || errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("cancelled: %v", err)
	}
	soon, stop := context.WithTimeout(t.Context(), time.Minute/10)
	defer stop()
	patient := connect(t, s, func(o *github.Options, _ *transport.Options) { o.Now, o.Sleep = c.Now, c.Sleep })
	if _, err := patient.Metadata(soon, "acme/tool", ""); !errors.Is(err, pantry.ErrUnavailable) || len(c.slept) != 0 {
		t.Errorf("with a deadline before the reset: %v, slept %v", err, c.slept)
	}
}

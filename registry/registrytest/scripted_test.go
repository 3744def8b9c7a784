package registrytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry/registry/registrytest"
)

func serve(t *testing.T) (*registrytest.Scripted, func(path string) (int, string, error)) {
	t.Helper()
	s := registrytest.NewScripted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "good answer for %s", r.URL.EscapedPath())
	}))
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	return s, func(path string) (int, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
}

func TestScriptedRules(t *testing.T) {
	t.Parallel()
	s, get := serve(t)
	s.Set(
		registrytest.Rule{Path: "/a", Skip: 1, Times: 2, Fault: registrytest.Status(503, "Retry-After", "1")},
		registrytest.Rule{Path: "/b/**", Method: "PUT", Fault: registrytest.Status(500)},
		registrytest.Rule{Path: "/b/**", Fault: registrytest.HTML()},
		registrytest.Rule{Path: "/@s%2f*", Fault: registrytest.Status(410)},
		registrytest.Rule{Path: "/x", Fault: registrytest.Rewrite("x", "other%2fname")},
	)
	for i, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/a", 200, "good answer for /a"}, {"/a", 503, ""}, {"/a", 503, ""}, {"/a", 200, "good"},
		{"/b", 200, "good"}, {"/b/c/d", 200, "sign in"}, {"/@s%2fn", 410, ""}, {"/@s/n", 200, "good"},
		{"/x", 200, "good answer for /other%2fname"},
	} {
		status, body, err := get(c.path)
		if err != nil || status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%d: %s = %d %q %v, want %d %q", i, c.path, status, body, err, c.status, c.body)
		}
	}
	if got := s.Requests(); len(got) != 9 || got[6].Path != "/@s%2fn" || got[0].Method != "GET" {
		t.Errorf("requests = %+v", got)
	}
	s.Add(registrytest.Rule{Path: "/b/**"}) // an exception
	if _, body, _ := get("/b/c"); !strings.HasPrefix(body, "good") {
		t.Errorf("a rule without a fault let %q through", body)
	}
	s.Set()
	s.Reset()
	if status, _, _ := get("/b/c"); status != 200 || s.Count() != 1 {
		t.Errorf("without rules: %d, %d requests", status, s.Count())
	}
}

func TestScriptedFaults(t *testing.T) {
	t.Parallel()
	s, get := serve(t)
	const good = "good answer for /p"
	for name, c := range map[string]struct {
		fault registrytest.Fault
		body  string
		fails bool
	}{
		"truncated": {registrytest.Truncated(4), "good", false},
		"tampered":  {registrytest.Tampered(), good[:len(good)-1] + "q", false},
		"replaced":  {registrytest.Replace("good", "bad"), "bad answer for /p", false},
		"cut short": {registrytest.CutShort(4), "good", true},
		"aborted":   {registrytest.Abort(), "", true},
		"trickle":   {registrytest.Trickle(3, time.Microsecond), good, false},
		"slow":      {registrytest.Slow(time.Microsecond), good, false},
		"denied":    {registrytest.RequireHeader("X-Key", "1"), "X-Key is required\n", false},
		"nested":    {registrytest.Nested(3), "[[[", false},
	} {
		s.Set(registrytest.Rule{Fault: c.fault})
		_, body, err := get("/p")
		if body != c.body || (err != nil) != c.fails {
			t.Errorf("%s: %q, %v; want %q, fails %t", name, body, err, c.body, c.fails)
		}
	}
	s.Set(registrytest.Rule{Fault: registrytest.Endless(3<<20, true, nil)})
	if _, body, err := get("/p"); err != nil || len(body) != 3<<20 || strings.TrimSpace(body) != "" {
		t.Errorf("endless: %d bytes, %v", len(body), err)
	}
}

func TestScriptedHangs(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(nil)
	srv := httptest.NewServer(s)
	defer srv.Close() // would not return if something still hung
	s.Set(registrytest.Rule{Fault: registrytest.Hang()})

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL, nil)
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hanging request: %v", err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if resp, err := http.Get(srv.URL); err == nil {
				resp.Body.Close()
				t.Error("a hanging request was answered")
			}
		})
	}
	s.Close()
	s.Close()
	wg.Wait()
}

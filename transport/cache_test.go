package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/httpcache"
	"github.com/pantry-go/pantry/transport"
)

// caching makes options with a cache in a folder.
func caching(t testing.TB, url, dir string) transport.Options {
	t.Helper()
	f := httpcache.NewFolder(dir, httpcache.FolderOptions{})
	return transport.Options{
		Registry: "test", URL: url, Retries: ptr(0),
		Cache: func(next http.RoundTripper, c *transport.Client) http.RoundTripper {
			return f.Layer(next, httpcache.Options{Registry: c.BaseURL(), Identity: c.Identity})
		},
	}
}

func how(a pantry.Asking) context.Context {
	return pantry.WithAsking(context.Background(), a)
}

// TestCache: which requests a cache is for, and what comes out of it.
func TestCache(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/packed", http.StatusMovedPermanently)
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(zip(t, []byte("what was packed")))
		case "/none":
			http.NotFound(w, r)
		default:
			_, _ = w.Write([]byte("plain"))
		}
	})
	c := newClient(t, caching(t, s.URL, t.TempDir()))
	all := func(ctx context.Context, path string, header ...string) (string, int64, error) {
		t.Helper()
		h := http.Header{}
		if len(header) > 0 {
			h.Set(header[0], header[1])
		}
		before := asked.Load()
		resp, data, err := c.GetAll(ctx, s.URL+path, h, 1<<20)
		if err != nil {
			return "", asked.Load() - before, err
		}
		return fmt.Sprint(resp.Request.URL.Path, " ", string(data)), asked.Load() - before, nil
	}
	for _, tt := range []struct {
		path, want    string
		first, second int64
	}{
		{"/plain", "/plain plain", 1, 0},
		{"/packed", "/packed what was packed", 1, 0},
		{"/moved", "/packed what was packed", 1, 0}, // the second hop is known
	} {
		for _, want := range []int64{tt.first, tt.second} {
			if got, n, err := all(how(pantry.AskIfStale), tt.path); err != nil || got != tt.want || n != want {
				t.Errorf("%s: %q after %d requests, %v, want %q after %d", tt.path, got, n, err, tt.want, want)
			}
		}
		if got, n, err := all(how(pantry.AskNobody), tt.path); err != nil || got != tt.want || n != 0 {
			t.Errorf("%s offline: %q after %d requests, %v", tt.path, got, n, err)
		}
		if _, n, err := all(transport.Uncached(how(pantry.AskIfStale)), tt.path); err != nil || n == 0 {
			t.Errorf("%s, past the cache: %d requests, %v", tt.path, n, err)
		}
	}
	for _, want := range []int64{1, 0} {
		if _, n, err := all(how(pantry.AskIfStale), "/none"); !errors.Is(err, pantry.ErrNotFound) || n != want {
			t.Errorf("none: %d requests, %v, want %d", n, err, want)
		}
	}
	// An artifact is not read whole, and has a store of its own.
	for range 2 {
		before := asked.Load()
		resp, err := c.Get(how(pantry.AskIfStale), s.URL+"/plain", nil)
		if err != nil || asked.Load() == before {
			t.Fatal("an artifact from the cache", err)
		}
		_, _ = transport.ReadAll(resp.Body, resp.ContentLength, 100)
		_ = resp.Body.Close()
	}
	if _, err := c.Get(how(pantry.AskNobody), s.URL+"/plain", nil); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("offline: %v", err)
	}
	if _, _, err := all(how(pantry.AskNobody), "/never"); !errors.Is(err, pantry.ErrUnavailable) || !strings.Contains(err.Error(), "not in the cache") {
		t.Errorf("offline: %v", err)
	}
	// A change makes void what was kept.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if _, n, err := all(how(pantry.AskIfStale), "/packed"); err != nil || n != 1 {
		t.Errorf("after a change: %d requests, %v", n, err)
	}
}

// TestStaleAfterTotal: what is kept stands in when the time for an answer is over, and not when the
// asker's own is.
func TestStaleAfterTotal(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	var first atomic.Bool
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if first.Swap(true) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
			return
		}
		w.Header().Set("Cache-Control", "max-age=0")
		_, _ = w.Write([]byte("kept"))
	})
	defer close(hang)
	o := caching(t, s.URL, t.TempDir())
	c := newClient(t, o)
	o.Total = time.Millisecond
	hasty := newClient(t, o)
	if _, _, err := c.GetAll(how(pantry.AskIfStale), s.URL, nil, 100); err != nil {
		t.Fatal(err)
	}
	var trace pantry.CacheTrace
	_, data, err := hasty.GetAll(pantry.WithCacheTrace(how(pantry.AskIfStale), &trace), s.URL, nil, 100)
	if err != nil || string(data) != "kept" || !errors.Is(trace.Failure(), pantry.ErrUnavailable) {
		t.Errorf("got %q, %v, %v", data, err, trace.Failure())
	}
	ctx, cancel := context.WithTimeout(how(pantry.AskIfStale), time.Millisecond)
	defer cancel()
	if _, _, err := c.GetAll(ctx, s.URL, nil, 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestRefuse: nothing is sent, what is kept is given.
func TestRefuse(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); _, _ = w.Write([]byte("kept")) })
	c := newClient(t, caching(t, s.URL, t.TempDir()))
	if _, _, err := c.GetAll(how(pantry.AskIfStale), s.URL+"/a", nil, 100); err != nil {
		t.Fatal(err)
	}
	why := fmt.Errorf("%w: it is down since noon", pantry.ErrUnavailable)
	ctx := transport.Refuse(how(pantry.AskIfStale), why)
	if _, data, err := c.GetAll(ctx, s.URL+"/a", nil, 100); err != nil || string(data) != "kept" {
		t.Errorf("got %q, %v", data, err)
	}
	for _, ctx := range []context.Context{ctx, transport.Uncached(ctx)} {
		if _, _, err := c.GetAll(ctx, s.URL+"/b", nil, 100); !errors.Is(err, why) || !strings.Contains(err.Error(), "down since noon") {
			t.Errorf("got %v", err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// BenchmarkCached is what a small answer costs that nobody is asked for, whole: its file is found by whom
// the server would take the sender for, read, checked, and made a response.
func BenchmarkCached(b *testing.B) {
	body := strings.Repeat(`{"name":"x"}`, 100)
	s := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"1"`)
		_, _ = w.Write([]byte(body))
	})
	o := caching(b, s.URL, b.TempDir())
	o.Credentials = []transport.Credential{transport.Bearer(secret("token"), "t")}
	c := newClient(b, o)
	ctx := how(pantry.AskIfStale)
	b.ReportAllocs()
	for b.Loop() {
		if _, data, err := c.GetAll(ctx, s.URL+"/x", http.Header{"Accept": {"application/json"}}, 1<<20); err != nil || len(data) != len(body) {
			b.Fatal(err)
		}
	}
}

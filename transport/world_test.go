package transport_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pantry-go/pantry/transport"
)

// world is a network in memory: what each host answers. It records who was asked for what.
type world struct {
	hosts map[string]func(*http.Request) (*http.Response, error)

	mu   sync.Mutex
	seen []*http.Request
}

func (w *world) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.seen = append(w.seen, req)
	w.mu.Unlock()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	answer := w.hosts[req.URL.Host]
	if answer == nil {
		return nil, syscall.ECONNREFUSED
	}
	return answer(req)
}

// asked lists "HOST PATH" of all requests, and forgets them.
func (w *world) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, r := range w.seen {
		all = append(all, r.URL.Host+" "+r.URL.RequestURI())
	}
	w.seen = nil
	return all
}

// says is a host that answers everything alike; pairs are headers.
func says(status int, body string, pairs ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) { return reply(req, status, body, pairs...), nil }
}

func reply(req *http.Request, status int, body string, pairs ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return &http.Response{
		StatusCode: status, Header: h, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

func refuses(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

// clock is one that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// mirrored is a client of https://own.example/npm with mirrors at https://m1.example/a/b,
// https://m2.example and so on.
func mirrored(t testing.TB, w *world, n int, change func(*transport.Options)) *transport.Client {
	t.Helper()
	o := transport.Options{Registry: "acme", URL: "https://own.example/npm", Base: w, Rand: func() float64 { return 0 }}
	for i := 1; i <= n; i++ {
		m := transport.Mirror{URL: fmt.Sprintf("https://m%d.example", i)}
		if i == 1 {
			m.URL += "/a/b/"
		}
		o.Mirrors = append(o.Mirrors, m)
	}
	if change != nil {
		change(&o)
	}
	return newClient(t, o)
}

const ownURL = "https://own.example/npm"

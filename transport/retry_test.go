package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// failing answers status to the first n requests, with headers, and 200 to others.
func failing(n int, status int, header ...string) (http.HandlerFunc, *atomic.Int32) {
	asked := new(atomic.Int32)
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if int(asked.Add(1)) > n {
			_, _ = io.WriteString(w, "ok")
			return
		}
		for i := 0; i < len(header); i += 2 {
			w.Header()[header[i]] = []string{header[i+1]} // as it is, Date included
		}
		w.WriteHeader(status)
	}, asked
}

func TestRetriedStatuses(t *testing.T) {
	t.Parallel()
	retried := map[int]bool{408: true, 429: true, 500: true, 502: true, 503: true, 504: true}
	for _, status := range []int{400, 401, 403, 404, 408, 409, 410, 418, 429, 451, 500, 501, 502, 503, 504, 505, 507} {
		h, asked := failing(1, status)
		slept := new(pauses)
		s := serve(t, h)
		c := newClient(t, transport.Options{URL: s.URL, Sleep: slept.sleep, Rand: func() float64 { return 1 }})
		data, err := get(t, c, s.URL)
		if ok := err == nil && string(data) == "ok"; ok != retried[status] {
			t.Errorf("%d: %v", status, err)
		}
		if want := map[bool]int32{true: 2, false: 1}[retried[status]]; asked.Load() != want {
			t.Errorf("%d was asked %d times, want %d", status, asked.Load(), want)
		}
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		retries *int
		rand    float64
		want    []time.Duration
	}{
		{"none", ptr(0), 1, nil},
		{"default", nil, 1, []time.Duration{200 * time.Millisecond, 400 * time.Millisecond}},
		{"half", nil, 0.5, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond}},
		{"least", nil, 0, []time.Duration{0, 0}},
		{"capped", ptr(8), 1, []time.Duration{
			200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond,
			3200 * time.Millisecond, 5 * time.Second, 5 * time.Second, 5 * time.Second,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, asked := failing(99, 503)
			s, slept := serve(t, h), new(pauses)
			c := newClient(t, transport.Options{URL: s.URL, Retries: tt.retries, Sleep: slept.sleep, Rand: func() float64 { return tt.rand }})
			_, err := get(t, c, s.URL)
			var e *transport.Error
			if !errors.As(err, &e) || !errors.Is(err, pantry.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
			if n := len(tt.want) + 1; e.Attempts != n || int(asked.Load()) != n {
				t.Errorf("%d attempts, %d requests, want %d", e.Attempts, asked.Load(), n)
			}
			if diff := cmp.Diff(tt.want, slept.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	const backoff = 200 * time.Millisecond
	tests := []struct {
		name, value string
		date        string        // of the server
		want        time.Duration // 0: no other attempt
		message     string
	}{
		{"seconds", "7", "", 7 * time.Second, ""},
		{"zero", "0", "", backoff, ""},
		{"most", "30", "", 30 * time.Second, ""},
		{"more", "31", "", 0, "wait 31s"},
		{"a day", "86400", "", 0, "wait 24h0m0s"},
		{"absurd", "99999999999999999999999999", "", 0, "wait more than a year"},
		{"overflow", "9223372037", "", 0, "wait more than a year"},
		{"negative", "-5", "", backoff, ""},
		{"words", "soon", "", backoff, ""},
		{"fraction", "1.5", "", backoff, ""},
		{"date", at(9 * time.Second), "", 9 * time.Second, ""},
		{"date gone by", at(-time.Hour), "", backoff, ""},
		{"date far away", at(2 * time.Hour), "", 0, "wait 2h0m0s"},
		{"date by the server's clock", at(time.Hour + 9*time.Second), at(time.Hour), 9 * time.Second, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			date := tt.date
			if date == "" {
				date = "none"
			}
			h, asked := failing(1, 429, "Retry-After", tt.value, "Date", date)
			s, slept := serve(t, h), new(pauses)
			c := newClient(t, transport.Options{
				URL: s.URL, Sleep: slept.sleep, Rand: func() float64 { return 1 }, Now: func() time.Time { return now },
			})
			_, err := get(t, c, s.URL)
			if tt.want == 0 {
				if !errors.Is(err, pantry.ErrUnavailable) || asked.Load() != 1 {
					t.Fatalf("asked %d times, got %v", asked.Load(), err)
				}
				mustContain(t, err.Error(), tt.message)
				mustContain(t, pantry.Hint(err), "try again in")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]time.Duration{tt.want}, slept.all()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A pause that does not fit into the time of the request is not begun.
func TestRetryWithinTotal(t *testing.T) {
	t.Parallel()
	h, asked := failing(1, 503, "Retry-After", "20")
	s, slept := serve(t, h), new(pauses)
	c := newClient(t, transport.Options{URL: s.URL, Sleep: slept.sleep, Timeout: time.Second, Total: 10 * time.Second})
	if _, err := get(t, c, s.URL); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	c = newClient(t, transport.Options{URL: s.URL, Sleep: slept.sleep})
	asked.Store(0)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Get(ctx, s.URL, nil); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if len(slept.all()) > 0 {
		t.Errorf("slept %v", slept.all())
	}
}

func TestRetriedMethods(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method string
		marked bool
		body   io.Reader
		want   int32
	}{
		{"GET", false, nil, 2},
		{"HEAD", false, nil, 2},
		{"PUT", false, nil, 1},
		{"PUT", true, nil, 2},
		{"PUT", true, strings.NewReader("content"), 2},
		{"PUT", true, io.MultiReader(strings.NewReader("content")), 1}, // cannot be read again
		{"DELETE", false, nil, 1},
		{"DELETE", true, nil, 2},
		{"POST", false, nil, 1},
		{"POST", true, strings.NewReader("content"), 1},
		{"PATCH", true, nil, 1},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.method, tt.marked, tt.body != nil), func(t *testing.T) {
			t.Parallel()
			var bodies []string
			n := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				data, _ := io.ReadAll(r.Body)
				bodies = append(bodies, string(data))
				if n++; n == 1 {
					w.WriteHeader(503)
				}
			})
			ctx := t.Context()
			if tt.marked {
				ctx = transport.Repeatable(ctx)
			}
			req, err := http.NewRequestWithContext(ctx, tt.method, s.URL, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := newClient(t, transport.Options{URL: s.URL}).Do(req)
			if (err == nil) != (tt.want == 2) {
				t.Errorf("got %v", err)
			}
			if err == nil {
				_ = resp.Body.Close()
			}
			if len(bodies) != int(tt.want) {
				t.Errorf("asked %d times, want %d", len(bodies), tt.want)
			}
			if tt.body != nil && bodies[len(bodies)-1] != "content" {
				t.Errorf("bodies are %q", bodies)
			}
		})
	}
}

// A connection that breaks is tried again; one that is refused, too.
func TestRetriedNetworkErrors(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	addr := raw(t, func(conn net.Conn) {
		if asked.Add(1) < 3 {
			return
		}
		_, _ = conn.Read(make([]byte, 1<<10))
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	})
	data, err := get(t, newClient(t, transport.Options{URL: "http://" + addr}), "http://"+addr)
	if err != nil || string(data) != "ok" {
		t.Errorf("got %q, %v", data, err)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = l.Addr().String()
	_ = l.Close()
	_, err = get(t, newClient(t, transport.Options{URL: "http://" + addr}), "http://"+addr)
	if !errors.Is(err, pantry.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if want := "GET http://" + addr + ": " + addr + " refused the connection (3 attempts)"; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestCanceledWhileSleeping(t *testing.T) {
	t.Parallel()
	h, asked := failing(9, 503)
	s := serve(t, h)
	ctx, cancel := context.WithCancelCause(t.Context())
	c := newClient(t, transport.Options{URL: s.URL, Sleep: func(ctx context.Context, _ time.Duration) error {
		cancel(errors.New("no longer wanted"))
		return ctx.Err()
	}})
	_, err := c.Get(ctx, s.URL, nil)
	checkCanceled(t, err)
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func checkCanceled(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	for _, s := range []error{
		pantry.ErrNotFound, pantry.ErrDenied, pantry.ErrUnavailable, pantry.ErrInvalid, pantry.ErrUnsupported,
		pantry.ErrExists, pantry.ErrConfig, context.DeadlineExceeded, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, s) {
			t.Errorf("%v matches %v", err, s)
		}
	}
}

// The cause of a caller's cancellation may be the failure of another request of the same group.
func TestCanceledByAnotherFailure(t *testing.T) {
	t.Parallel()
	h, _ := failing(9, 404)
	s := serve(t, h)
	c := newClient(t, transport.Options{URL: s.URL, Retries: ptr(0)})
	_, other := get(t, c, "http://127.0.0.1:1/") // unavailable
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(other)
	_, err := c.Get(ctx, s.URL, nil)
	checkCanceled(t, err)
}

func TestGetAll(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	addr := raw(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 1<<10))
		body := "whole"
		if asked.Add(1) < 3 {
			body = "wh"
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\nConnection: close\r\n\r\n"+body)
	})
	c := newClient(t, transport.Options{URL: "http://" + addr})
	resp, data, err := c.GetAll(t.Context(), "http://"+addr, nil, 100)
	if err != nil || string(data) != "whole" || resp.Header.Get("X-Y") != "z" {
		t.Fatalf("got %q, %v", data, err)
	}
	asked.Store(-1)
	if _, _, err = c.GetAll(t.Context(), "http://"+addr, nil, 100); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
	asked.Store(2)
	if _, _, err = c.GetAll(t.Context(), "http://"+addr, nil, 4); !errors.Is(err, pantry.ErrInvalid) || asked.Load() != 3 {
		t.Errorf("got %v after %d", err, asked.Load())
	}
}

// Sending takes its time, but not without an end.
func TestUpload(t *testing.T) {
	t.Parallel()
	addr := raw(t, func(conn net.Conn) { // takes the header and no more
		buf := make([]byte, 1)
		for seen := ""; !strings.HasSuffix(seen, "\r\n\r\n"); seen += string(buf) {
			if _, err := conn.Read(buf); err != nil {
				return
			}
		}
		<-t.Context().Done()
	})
	c := newClient(t, transport.Options{URL: "http://" + addr, IdleBody: 50 * time.Millisecond})
	req, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+addr, bytes.NewReader(make([]byte, 64<<20)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Do(req)
	if !errors.Is(err, pantry.ErrUnavailable) || errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	mustContain(t, err.Error(), "the server took nothing more for 50ms")

	// An upload may take longer than Total, if it moves.
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	c = newClient(t, transport.Options{URL: s.URL, Timeout: time.Minute, Total: 200 * time.Millisecond})
	req, err = http.NewRequestWithContext(t.Context(), "PUT", s.URL, &ticking{n: 30, every: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// ticking is a reader that gives a byte now and then.
type ticking struct {
	n     int
	every time.Duration
}

func (r *ticking) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	r.n--
	<-time.After(r.every)
	p[0] = 'x'
	return 1, nil
}

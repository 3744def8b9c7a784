package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
	"pgregory.net/rapid"
)

// single is a client without mirrors and retries whose one host answers what *next does.
func single(t testing.TB, now *clock, next *func(*http.Request) (*http.Response, error)) (*transport.Client, *world) {
	w := &world{hosts: map[string]func(*http.Request) (*http.Response, error){
		"own.example": func(r *http.Request) (*http.Response, error) { return (*next)(r) },
	}}
	return mirrored(t, w, 0, func(o *transport.Options) { o.Retries, o.Now = ptr(0), now.Now }), w
}

// stateOf is the one origin's state.
func stateOf(t testing.TB, c *transport.Client) transport.OriginState {
	t.Helper()
	s := c.State()
	if len(s) != 1 {
		t.Fatalf("states %+v", s)
	}
	return s[0]
}

func TestBreaker(t *testing.T) {
	t.Parallel()
	now, next := newClock(), says(503, "")
	c, w := single(t, now, &next)
	ask := func() error { _, err := get(t, c, ownURL+"/x"); return err }

	// A burst of failures is no reason: retries outlast it.
	for range 40 {
		_ = ask()
	}
	if s := stateOf(t, c); s.State != transport.BreakerClosed || s.Failures != 40 || len(w.asked()) != 40 {
		t.Fatalf("after a burst: %+v", s)
	}
	// Failures that go on are.
	now.add(2 * time.Second)
	_ = ask()
	opened := now.Now()
	s := stateOf(t, c)
	if s.State != transport.BreakerOpen || !s.Since.Equal(opened) || !s.NextTry.Equal(opened.Add(time.Second)) || s.Origin != "https://own.example" ||
		s.LastError != "503 Service Unavailable" || !s.LastFailure.Equal(opened) {
		t.Fatalf("after 2 s: %+v", s)
	}
	w.asked()
	err := ask()
	var e *transport.Error
	if !errors.Is(err, pantry.ErrUnavailable) || !errors.As(err, &e) || e.Attempts != 1 || len(w.asked()) != 0 {
		t.Fatalf("an open breaker: %v", err)
	}
	mustContain(t, err.Error(), "own.example is not asked since "+opened.Format(time.TimeOnly), "41 requests failed one after the other",
		"503 Service Unavailable", "asked again in 1s")
	mustContain(t, pantry.Hint(err), "try again in 1s")

	// One request finds out; each failure doubles the pause, up to a minute.
	for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		now.add(pause*time.Second - 1)
		if _ = ask(); len(w.asked()) != 0 {
			t.Fatalf("asked before %ds were over", pause)
		}
		now.add(1)
		if _ = ask(); len(w.asked()) != 1 {
			t.Fatalf("not asked after %ds", pause)
		}
	}
	// It is back.
	now.add(time.Minute)
	next = says(200, "ok")
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	if s := stateOf(t, c); s.State != transport.BreakerClosed || s.Failures != 0 || !s.NextTry.IsZero() {
		t.Errorf("after an answer: %+v", s)
	}
	// And the pauses begin anew.
	next = refuses
	for range 5 {
		_ = ask()
		now.add(time.Second)
	}
	if s := stateOf(t, c); s.State != transport.BreakerOpen || s.NextTry.Sub(s.Since) != time.Second || !strings.Contains(s.LastError, "refused the connection") {
		t.Errorf("the second time: %+v", s)
	}
}

// What is an answer, whatever it says, is no failure.
func TestNoFailures(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204, 400, 401, 403, 404, 409, 410, 501} {
		now, next := newClock(), says(status, "x")
		c, _ := single(t, now, &next)
		for range 10 {
			_, _ = get(t, c, ownURL)
			now.add(time.Second)
		}
		if s := stateOf(t, c); s.State != transport.BreakerClosed || s.Failures != 0 {
			t.Errorf("%d: %+v", status, s)
		}
	}
	// Nor is a caller that does not wait.
	now, next := newClock(), func(r *http.Request) (*http.Response, error) { return nil, r.Context().Err() }
	c, _ := single(t, now, &next)
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		next = func(r *http.Request) (*http.Response, error) { cancel(); return nil, r.Context().Err() }
		if _, err := c.Get(ctx, ownURL, nil); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		now.add(time.Second)
	}
	if s := stateOf(t, c); s.Failures != 0 {
		t.Errorf("canceled: %+v", s)
	}
}

// A probe that its caller gives up decides nothing.
func TestProbeGivenUp(t *testing.T) {
	t.Parallel()
	now, next := newClock(), refuses
	c, w := single(t, now, &next)
	for range 5 {
		_, _ = get(t, c, ownURL)
		now.add(time.Second)
	}
	now.add(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	next = func(r *http.Request) (*http.Response, error) {
		// While it is under way nobody else is sent.
		w.asked()
		_, err := get(t, c, ownURL+"/other")
		if err == nil || len(w.asked()) != 0 || stateOf(t, c).State != transport.BreakerHalfOpen {
			t.Errorf("beside the probe: %v", err)
		} else {
			mustContain(t, err.Error(), "under way decides")
		}
		cancel()
		return nil, r.Context().Err()
	}
	_, _ = c.Get(ctx, ownURL, nil)
	next = says(200, "ok")
	if _, err := get(t, c, ownURL); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestBreakerRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"20": 20 * time.Second, "86400": 10 * time.Minute, "0": time.Second, "x": time.Second} {
		now, next := newClock(), says(429, "", "Retry-After", value)
		c, _ := single(t, now, &next)
		for range 5 {
			_, _ = get(t, c, ownURL)
			now.add(time.Second)
		}
		if s := stateOf(t, c); s.State != transport.BreakerOpen || s.NextTry.Sub(s.Since) != want {
			t.Errorf("%s: %v, %+v", value, s.NextTry.Sub(s.Since), s)
		}
	}
}

// breaking is a body that breaks off.
type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
func (breaking) Close() error { return nil }

// A server that begins well and always breaks off is one that fails.
func TestBodiesCount(t *testing.T) {
	t.Parallel()
	now := newClock()
	next := func(r *http.Request) (*http.Response, error) {
		resp := reply(r, 200, "hello")
		resp.Body = breaking{strings.NewReader("he")}
		return resp, nil
	}
	c, _ := single(t, now, &next)
	for range 5 {
		if _, err := get(t, c, ownURL); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		now.add(time.Second)
	}
	s := stateOf(t, c)
	if s.State != transport.BreakerOpen {
		t.Errorf("%+v", s)
	}
	mustContain(t, s.LastError, "broke off after 2 of 5 bytes")
}

// TestBreakerModel compares with a model: times of failures since the last answer, and nothing else.
func TestBreakerModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		now, next := newClock(), says(200, "ok")
		c, w := single(t, now, &next)
		var (
			streak   []time.Time
			openings int
			until    time.Time // of an open breaker
			outcomes []time.Time
			failed   []time.Time
		)
		count := func(all []time.Time) (n int, first time.Time) {
			slice := int64(5 * time.Second)
			for _, at := range all {
				if at.UnixNano()/slice > now.Now().UnixNano()/slice-6 {
					if n == 0 {
						first = at
					}
					n++
				}
			}
			return n, first
		}
		for range rapid.IntRange(1, 60).Draw(rt, "requests") {
			now.add(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "pause")) * time.Millisecond)
			good := rapid.IntRange(0, 9).Draw(rt, "outcome") == 0
			next = says(503, "")
			if good {
				next = says(200, "ok")
			}
			w.asked()
			_, err := get(t, c, ownURL)
			open := !until.IsZero()
			if sent := len(w.asked()) == 1; sent != (!open || !now.Now().Before(until)) {
				rt.Fatalf("sent %v, though open until %v at %v", sent, until, now.Now())
			} else if !sent {
				if !errors.Is(err, pantry.ErrUnavailable) {
					rt.Fatalf("refused with %v", err)
				}
				continue
			}
			if good {
				if open {
					outcomes, failed = nil, nil
				}
				outcomes = append(outcomes, now.Now())
				streak, openings, until = nil, 0, time.Time{}
				continue
			}
			streak = append(streak, now.Now())
			outcomes, failed = append(outcomes, now.Now()), append(failed, now.Now())
			all, _ := count(outcomes)
			bad, trouble := count(failed)
			long := len(streak) >= 5 && now.Now().Sub(streak[0]) >= 2*time.Second
			often := all >= 20 && 4*bad >= 3*all && now.Now().Sub(trouble) >= 2*time.Second
			if open || long || often {
				until = now.Now().Add(min(time.Second<<min(openings, 6), time.Minute))
				openings++
			}
			if s := stateOf(t, c); (s.State == transport.BreakerOpen) != !until.IsZero() || s.Failures != len(streak) {
				rt.Fatalf("%+v, until %v, streak %d", s, until, len(streak))
			}
		}
	})
}

func TestRetryBudget(t *testing.T) {
	t.Parallel()
	now, slept := newClock(), new(pauses)
	w := &world{hosts: map[string]func(*http.Request) (*http.Response, error){"own.example": says(503, "")}}
	c := mirrored(t, w, 0, func(o *transport.Options) { o.Now, o.Sleep = now.Now, slept.sleep })
	const requests = 100
	var last error
	for range requests {
		_, last = get(t, c, ownURL)
	}
	if n := len(w.asked()); n != requests+10+requests/5 {
		t.Errorf("%d requests were sent for %d", n, requests)
	}
	mustContain(t, last.Error(), "503 Service Unavailable, and not asked again, since too many requests fail")
	// The window slides.
	now.add(time.Minute)
	w.hosts["own.example"] = says(200, "ok")
	_, _ = get(t, c, ownURL)
	w.hosts["own.example"] = says(503, "")
	_, _ = get(t, c, ownURL)
	if n := len(w.asked()); n != 4 {
		t.Errorf("%d requests after a pause", n)
	}
}

// TestObserveBreaker: an observer is told of each opening, and of nothing else.
func TestObserveBreaker(t *testing.T) {
	t.Parallel()
	now, next := newClock(), says(503, "")
	w := &world{hosts: map[string]func(*http.Request) (*http.Response, error){
		"own.example": func(r *http.Request) (*http.Response, error) { return next(r) },
	}}
	var told []transport.BreakerOpening
	c := mirrored(t, w, 0, func(o *transport.Options) {
		o.Registry, o.Retries, o.Now = "acme", ptr(0), now.Now
		o.ObserveBreaker = func(b transport.BreakerOpening) { told = append(told, b) }
	})
	ask := func(pause time.Duration) int {
		now.add(pause)
		_, _ = get(t, c, ownURL+"/x")
		return len(told)
	}
	for range 10 {
		if ask(0) != 0 {
			t.Fatalf("a burst: %+v", told)
		}
	}
	if ask(2*time.Second) != 1 || ask(0) != 1 {
		t.Fatalf("failures that go on: %+v", told)
	}
	if ask(time.Minute) != 2 {
		t.Fatalf("a probe that fails: %+v", told)
	}
	next = says(200, "x")
	if ask(time.Minute) != 2 {
		t.Fatalf("a probe that succeeds: %+v", told)
	}
	for _, b := range told {
		if b.Registry != "acme" || b.Origin != "https://own.example" || b.State != transport.BreakerOpen || !b.LastFailure.Equal(b.Since) {
			t.Errorf("told %+v", b)
		}
	}
}

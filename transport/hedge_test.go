package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
	"pgregory.net/rapid"
)

// waits stands for the timers of a client: each wait ends when the test fires it, or its context does.
type waits struct {
	mu   sync.Mutex
	list []chan struct{}
	took []time.Duration
	more chan struct{} // gets a value for each new wait
}

func newWaits() *waits { return &waits{more: make(chan struct{}, 1000)} }

func (w *waits) sleep(ctx context.Context, d time.Duration) error {
	fired := make(chan struct{})
	w.mu.Lock()
	w.list, w.took = append(w.list, fired), append(w.took, d)
	w.mu.Unlock()
	w.more <- struct{}{}
	select {
	case <-fired:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fire ends the latest wait.
func (w *waits) fire() {
	<-w.more
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.list[len(w.list)-1])
}

// begun waits until n waits have begun.
func (w *waits) begun(n int) {
	for range n {
		<-w.more
	}
}

// hedged is a client whose registry answers in 10 ms by its clock, and that has asked for n artifacts.
func hedged(t *testing.T, w *world, timers *waits, n int) *transport.Client {
	now := newClock()
	quick := func(r *http.Request) (*http.Response, error) {
		now.add(10 * time.Millisecond)
		return reply(r, 200, "quick"), nil
	}
	w.hosts["own.example"] = quick
	c := mirrored(t, w, 2, func(o *transport.Options) {
		o.Now, o.Sleep, o.Retries = now.Now, timers.sleep, ptr(0)
	})
	for range n {
		if got, err := artifact(t.Context(), c); err != nil || got != "quick" {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	timers.begun(max(n-20, 0)) // from the time on that times are known
	w.asked()
	return c
}

func artifact(ctx context.Context, c *transport.Client) (string, error) {
	resp, err := c.Get(transport.ForArtifact(ctx, known), ownURL+"/x.tgz", nil)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return string(data), err
}

// enough is how many artifacts it takes until times are known and one request may be sent twice.
const enough = 40

func TestHedge(t *testing.T) {
	t.Parallel()
	w, timers := &world{hosts: answers{"m1.example": says(200, "m1")}}, newWaits()
	c := hedged(t, w, timers, enough)
	canceled := make(chan error, 1)
	w.hosts["own.example"] = func(r *http.Request) (*http.Response, error) {
		timers.fire()
		<-r.Context().Done()
		canceled <- context.Cause(r.Context())
		return nil, r.Context().Err()
	}
	got, err := artifact(t.Context(), c)
	if err != nil || got != "m1" {
		t.Fatalf("got %q, %v", got, err)
	}
	if cause := <-canceled; !errors.Is(cause, context.Canceled) {
		t.Errorf("the slower one ended by %v", cause)
	}
	if last := timers.took[len(timers.took)-1]; last != 10*time.Millisecond {
		t.Errorf("waited %v", last)
	}
	for _, s := range c.State() {
		if s.Failures != 0 {
			t.Errorf("to be slower is no failure: %+v", s)
		}
	}
}

// The second answer is as good as none where the first comes after all, or when it fails.
func TestHedgeOutcomes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		own, m1, m2 func(*http.Request) (*http.Response, error)
		late        bool // own answers once the mirror has
		want        string
		err         error
	}{
		"the mirror refuses":            {own: says(200, "own"), m1: refuses, late: true, want: "own"},
		"the mirror does not have it":   {own: says(200, "own"), m1: says(404, ""), late: true, want: "own"},
		"both fail":                     {own: says(503, ""), m1: refuses, m2: says(200, "m2"), late: true, want: "m2"},
		"all fail":                      {own: says(503, ""), m1: refuses, m2: says(404, ""), late: true, err: pantry.ErrUnavailable},
		"the registry does not have it": {own: says(404, ""), m1: says(404, ""), late: true, err: pantry.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, timers := &world{hosts: answers{}}, newWaits()
			c := hedged(t, w, timers, enough)
			first := make(chan struct{})
			w.hosts["own.example"] = func(r *http.Request) (*http.Response, error) { <-first; return tt.own(r) }
			w.hosts["m1.example"] = func(r *http.Request) (*http.Response, error) { defer close(first); return tt.m1(r) }
			w.hosts["m2.example"] = tt.m2
			go timers.fire()
			got, err := artifact(t.Context(), c)
			if got != tt.want || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// What is not verified, or is asked for before times are known, is never sent twice.
func TestNoHedge(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before int
		ctx    func(context.Context) context.Context
	}{
		"times are not known": {5, func(ctx context.Context) context.Context { return transport.ForArtifact(ctx, known) }},
		"metadata":            {enough, func(ctx context.Context) context.Context { return ctx }},
		"without a digest":    {enough, func(ctx context.Context) context.Context { return transport.ForArtifact(ctx, unknown) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, timers := &world{hosts: answers{}}, newWaits()
			c := hedged(t, w, timers, tt.before)
			before := len(timers.took)
			resp, err := c.Get(tt.ctx(t.Context()), ownURL+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if len(timers.took) != before || len(w.asked()) != 1 {
				t.Error("waited to send it twice")
			}
		})
	}
}

// TestHedgeBudget: whatever comes, at most one request of twenty is sent twice.
func TestHedgeBudget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{hosts: answers{}}
		now := newClock()
		var slow atomic.Bool
		own := func(r *http.Request) (*http.Response, error) {
			if slow.Load() && strings.HasSuffix(r.URL.Path, ".tgz") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			now.add(time.Millisecond)
			return reply(r, 200, "own"), nil
		}
		second := 0
		w.hosts["own.example"] = own
		w.hosts["m1.example"] = func(r *http.Request) (*http.Response, error) {
			second++
			return reply(r, 200, "m1"), nil
		}
		allowed := 0
		c := mirrored(t, w, 1, func(o *transport.Options) {
			o.Now = now.Now
			o.Sleep = func(ctx context.Context, _ time.Duration) error {
				if slow.Load() {
					return nil // at once
				}
				<-ctx.Done()
				return ctx.Err()
			}
		})
		requests, hedges := 0, 0
		for range rapid.IntRange(1, 300).Draw(rt, "requests") {
			allowed++
			// Without the second request a slow one would wait for ever.
			mayHedge := requests >= 20 && allowed-20*hedges >= 20
			slow.Store(rapid.IntRange(0, 4).Draw(rt, "slow") == 0 && mayHedge)
			if _, err := artifact(t.Context(), c); err != nil {
				rt.Fatal(err)
			}
			requests++
			if slow.Load() {
				hedges++
			}
			allowed = min(allowed, 20*hedges+100)
			if second != hedges || 20*second > requests {
				rt.Fatalf("%d of %d requests were sent twice, want %d", second, requests, hedges)
			}
		}
	})
}

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// pinged is a fake that can be pinged.
type pinged struct {
	*fake
	mu   sync.Mutex
	err  error
	hang bool
	n    int
}

func (p *pinged) Ping(ctx context.Context) error {
	p.mu.Lock()
	p.n++
	err, hang := p.err, p.hang
	p.mu.Unlock()
	if hang {
		<-ctx.Done()
		return fmt.Errorf("%w: %w", pantry.ErrUnavailable, ctx.Err())
	}
	return err
}

func (p *pinged) answer(err error, hang bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.hang = err, hang
}

func (p *pinged) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.n
}

// watched makes a manager of two registries, of which the first is checked every half minute.
func watched(t *testing.T, mode registry.Fallback) (*registry.Manager, *pinged, *journal) {
	t.Helper()
	j := &journal{}
	p := &pinged{fake: &fake{name: "acme", journal: j}}
	m := registry.NewManager(registry.Options{Getenv: noEnv})
	must(t, m.AddRegistry(registry.Config{
		Name: "acme", Priority: ptr(1), Fallback: mode, HealthCheck: &registry.HealthCheck{Interval: 30 * time.Second},
	}, p))
	must(t, m.AddRegistry(registry.Config{Name: "npm", Type: "npm"}, &fake{name: "npm", journal: j}))
	return m, p, j
}

var errAway = fmt.Errorf("the host does not answer: %w", pantry.ErrUnavailable)

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, p, j := watched(t, "")
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { m.Watch(ctx) })
		acme, _ := m.Get("acme")
		pass := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		asked := func() string {
			j.take()
			_, d, err := m.Metadata(ctx, "left-pad", "")
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, c := range j.take() {
				names = append(names, c.registry)
			}
			if len(d.Warnings) > 0 {
				names = append(names, "warning")
			}
			return strings.Join(names, " ")
		}

		pass(time.Second)
		if h := acme.Health(); p.count() != 1 || h.Down || h.Checked.IsZero() || h.Err != nil {
			t.Fatalf("after %d checks: %+v", p.count(), h)
		}
		p.answer(errAway, false)
		pass(30 * time.Second)
		if h := acme.Health(); h.Down || h.Err == nil || asked() != "acme" {
			t.Fatalf("after one failed check: %+v", h)
		}
		pass(30 * time.Second)
		if h := acme.Health(); !h.Down || h.Checked.Sub(h.Since) != 30*time.Second {
			t.Fatalf("after two failed checks: %+v", h)
		}
		if got := asked(); got != "npm warning" {
			t.Fatalf("asked %s", got)
		}
		_, d, _ := m.Metadata(ctx, "left-pad", "")
		if a := d.Attempts[0]; a.Outcome != registry.Unavailable || !strings.Contains(a.Error, "the host does not answer") || d.Unconfirmed != "acme" {
			t.Errorf("decided %+v", d)
		}
		res, err := m.Search(ctx, pantry.Query{Text: "pad"}, registry.SearchOptions{})
		if err != nil || len(res.Failed) != 1 || res.Failed[0].Outcome != registry.Unavailable {
			t.Errorf("searched %+v, %v", res, err)
		}
		p.answer(fmt.Errorf("no credential: %w", pantry.ErrDenied), false) // who says so is there
		pass(30 * time.Second)
		if h := acme.Health(); h.Down || asked() != "acme" {
			t.Fatalf("after it came back: %+v", h)
		}

		p.answer(nil, true) // a check that hangs is given up, and none runs beside it
		before := p.count()
		pass(2 * time.Minute)
		if h := acme.Health(); !h.Down || h.Latency != 10*time.Second || p.count() > before+4 {
			t.Fatalf("after %d checks that hang: %+v", p.count()-before, h)
		}

		must(t, m.SetEnabled("acme", false))
		synctest.Wait()
		before = p.count()
		pass(time.Hour)
		if h := acme.Health(); p.count() != before || h.Down || !h.Checked.IsZero() {
			t.Fatalf("a disabled registry was checked, or is down still: %+v", h)
		}
		p.answer(nil, false)
		must(t, m.SetEnabled("acme", true))
		synctest.Wait()
		if acme, _ = m.Get("acme"); p.count() != before+1 || acme.Health().Checked.IsZero() {
			t.Fatal("an enabled registry was not checked at once")
		}
		cancel()
		wg.Wait()
		if h := acme.Health(); !h.Checked.IsZero() {
			t.Errorf("after the end: %+v", h)
		}
	})
}

// TestWatchModes: that a registry is down means what its fallback says of an unavailable one.
func TestWatchModes(t *testing.T) {
	t.Parallel()
	for mode, next := range map[registry.Fallback]bool{
		registry.Failover: true, registry.Always: true, registry.NotFoundOnly: false, registry.Never: false,
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, p, j := watched(t, mode)
				p.answer(errAway, false)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go m.Watch(ctx)
				time.Sleep(time.Minute)
				synctest.Wait()
				_, _, err := m.Metadata(ctx, "left-pad", "")
				if calls := j.take(); (len(calls) == 1) != next {
					t.Errorf("asked %v", calls)
				}
				if next != (err == nil) || !next && !errors.Is(err, pantry.ErrUnavailable) {
					t.Errorf("got %v", err)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// TestWatchNobody: there is nothing to do where nothing is to be checked.
func TestWatchNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := registry.NewManager(registry.Options{Getenv: noEnv})
		must(t, m.AddRegistry(registry.Config{Name: "acme", HealthCheck: &registry.HealthCheck{Interval: time.Second}}, readOnly{&fake{name: "acme", journal: &journal{}}}))
		must(t, m.Add(registry.Config{Name: "broken", Type: "npm", URL: "https://${NOT_SET}", HealthCheck: &registry.HealthCheck{Interval: time.Second}}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		m.Watch(ctx)
		for _, e := range m.All() {
			if h := e.Health(); h.Down || !h.Checked.IsZero() {
				t.Errorf("%s: %+v", e.Name(), h)
			}
		}
	})
}

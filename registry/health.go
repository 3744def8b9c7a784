package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
)

const (
	// downAfter is the number of checks in a row that must fail before a registry is not asked any
	// more: one lost connection is no reason.
	downAfter = 2
	// checkTime bounds one check, as a registry that takes longer is of no use to who waits.
	checkTime = 10 * time.Second
	// minInterval is the shortest time between two checks, whatever is configured.
	minInterval = time.Second
)

// Health is what the checks of [Manager.Watch] found of a registry.
type Health struct {
	// Down says that its last checks failed: questions for packages pass over it, as unavailable.
	Down bool
	// Since is when the first of these checks, or the first one that succeeded after failures, ended.
	Since time.Time
	// Checked is when the last check ended; zero where there was none.
	Checked time.Time
	// Latency is how long the last check took.
	Latency time.Duration
	// Err is why the last check failed; nil where it did not.
	Err error
}

// health is shared by the entries that differ in being enabled.
type health struct {
	mu     sync.Mutex
	h      Health
	failed int // checks in a row
}

func (k *health) get() Health {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.h
}

// note adds the result of a check.
func (k *health) note(at time.Time, took time.Duration, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if (err == nil) != (k.failed == 0) || k.h.Checked.IsZero() {
		k.h.Since = at
	}
	if err == nil {
		k.failed = 0
	} else {
		k.failed++
	}
	k.h.Checked, k.h.Latency, k.h.Err, k.h.Down = at, took, err, k.failed >= downAfter
}

// forget leaves nothing known: nobody checks any more.
func (k *health) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.h, k.failed = Health{}, 0
}

// Health is what Watch found of the registry: the zero Health where it does not run, or does not
// check this one.
func (e *Entry) Health() Health { return e.health.get() }

// down is the error of a registry that is not asked because its checks fail; nil where it is asked.
func (e *Entry) down() error {
	h := e.Health()
	if !h.Down {
		return nil
	}
	why := h.Err
	var asked *pantry.Error
	if errors.As(why, &asked) {
		why = asked.Err
	}
	return &refusal{
		kind: pantry.ErrUnavailable,
		msg: fmt.Sprintf("not asked, as its health checks fail since %s, the last one with: %s",
			h.Since.Format(time.TimeOnly), printable(why.Error())),
		hint: pantry.Hint(h.Err),
	}
}

// Watch asks every enabled registry that has a healthCheck whether it is there, once in its interval
// (at least a second), until ctx ends. It is for programs that run for long. While it runs, a registry
// whose last two checks found it unavailable is not asked for packages: it counts as unavailable, with
// all that its fallback says of that, until a check succeeds. A registry that gives any other answer, a
// refusal or a web page, is there. One that cannot be pinged, or not be opened, is not checked.
//
// Registries that are added, enabled or removed meanwhile are seen at once; all are checked again then.
func (m *Manager) Watch(ctx context.Context) {
	for ctx.Err() == nil {
		s := m.state.Load()
		round, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		for _, e := range enabled(s.entries) {
			if c := e.config.HealthCheck; c != nil && c.Interval > 0 {
				wg.Go(func() { e.watch(round, max(c.Interval, minInterval)) })
			}
		}
		select {
		case <-ctx.Done():
		case <-s.replaced:
		}
		cancel()
		wg.Wait()
	}
}

// watch checks one registry until ctx ends.
func (e *Entry) watch(ctx context.Context, interval time.Duration) {
	defer e.health.forget()
	if e.Err() != nil {
		return // whoever asks it is told
	}
	p, ok := pantry.As[pantry.Pinger](e)
	if !ok {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		e.check(ctx, p, interval)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (e *Entry) check(ctx context.Context, p pantry.Pinger, interval time.Duration) {
	limited, cancel := context.WithTimeout(ctx, max(min(interval, checkTime), minInterval))
	defer cancel()
	start := e.m.o.Now()
	err := p.Ping(limited)
	if ctx.Err() != nil {
		return
	}
	if classify(ctx, err) != Unavailable {
		err = nil // it is there, whatever it says to this question
	}
	now := e.m.o.Now()
	e.health.note(now, now.Sub(start), err)
}

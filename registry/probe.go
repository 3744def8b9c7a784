package registry

import (
	"context"
	"time"
)

// probeTime bounds how long registries are waited for that are asked only so that an error can say
// who else has a package: a person waits for that error.
const probeTime = 2 * time.Second

// mayProbe says whether others may be asked who has what the owner of the name does not: only in
// the mode in which the search would have gone on had the owner not known the name.
func (w *walker[T]) mayProbe(ctx context.Context) bool {
	if w.last < 0 || ctx.Err() != nil || w.plan.claimed() {
		return false
	}
	a := w.d.Attempts[w.last]
	return a.Outcome == VersionNotFound && a.Mode == Failover
}

// probe asks the registries behind the one that stopped, all at once.
func (w *walker[T]) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	type result struct {
		at int
		a  Attempt
	}
	results := make(chan result, len(w.plan.candidates)) // room for all: none waits for a reader
	running := 0
	for i := w.last + 1; i < len(w.plan.candidates); i++ {
		c := w.plan.candidates[i]
		if c.skip != "" {
			continue
		}
		reg, a, _ := w.approach(ctx, c.entry)
		a.Probe = a.Outcome != PassedOver || reg != nil
		if reg == nil {
			w.d.Attempts[i] = a
			continue
		}
		w.d.Attempts[i] = a
		w.d.Attempts[i].Asked, w.d.Attempts[i].Outcome, w.d.Attempts[i].Error = true, Unavailable, "no answer in time"
		running++
		go func() {
			_, _, got, _ := w.try(ctx, c.entry, reg, a)
			results <- result{i, got}
		}()
	}
	for ; running > 0; running-- {
		select {
		case r := <-results:
			w.d.Attempts[r.at] = r.a
		case <-ctx.Done():
			return
		}
	}
}

package transport

import (
	"context"
	"slices"
	"time"
)

const (
	// hedgeShare bounds the requests that are sent twice: one of hedgeShare, 5 %.
	hedgeShare = 20
	// hedgeBurst bounds how many may be saved up.
	hedgeBurst = 5
	// hedgeSamples are the times of which the 95th percentile is taken, hedgeLeast how many there
	// must be: below, it would be the slowest of all.
	hedgeSamples = 100
	hedgeLeast   = 20
)

// hedging knows when a second request is worth it. It is guarded by places.mu.
type hedging struct {
	times  [hedgeSamples]time.Duration // to the first byte
	n      int                         // of all there were
	credit int                         // in hedgeShare-ths of a request
}

func (h *hedging) sample(took time.Duration) {
	h.times[h.n%hedgeSamples] = took
	h.n++
}

// patience is how long a first byte takes at most, in all but one case of twenty; ok is false where
// that is not known.
func (h *hedging) patience() (d time.Duration, ok bool) {
	if h.n < hedgeLeast {
		return 0, false
	}
	times := slices.Clone(h.times[:min(h.n, hedgeSamples)])
	slices.Sort(times)
	return times[len(times)*95/100], true
}

// request counts a request that could be sent twice.
func (m *places) request() (patience time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hedge.credit = min(m.hedge.credit+1, hedgeBurst*hedgeShare)
	return m.hedge.patience()
}

// spend takes what a second request costs, or says that there is not enough.
func (m *places) spend() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hedge.credit < hedgeShare {
		return false
	}
	m.hedge.credit -= hedgeShare
	return true
}

// errLost is the end of a request that another one was quicker than.
var errLost = newFailure(context.Canceled, "another mirror was quicker")

// race asks the first place, and the second too where the first takes longer than patience and the
// budget allows it. It returns when an answer settles the matter, which is the last one then and
// the other request is cancelled; or when all that were asked have answered.
func (c *Client) race(k *call, patience time.Duration, order []*place, ask func(*place, *call) answer, settles func(answer) bool) []answer {
	answers := make(chan answer, 2) // room for both: none waits for a reader
	var forks []*call
	start := func(p *place) {
		f := k.fork()
		forks = append(forks, f)
		go func() { answers <- ask(p, f) }()
	}
	start(order[0])
	waiting, stop := context.WithCancel(k.ctx)
	defer stop()
	late := make(chan struct{}, 1)
	go func() {
		if c.o.Sleep(waiting, patience) == nil {
			late <- struct{}{}
		}
	}()
	release := func() {}
	var got []answer
	for {
		select {
		case <-late:
			if !c.spare() {
				continue
			}
			release = func() { <-c.slots }
			start(order[1])
		case a := <-answers:
			stop()
			got = append(got, a)
			pending := len(forks) - len(got)
			switch {
			case pending == 0:
				release()
				return got
			case settles(a):
				for _, f := range forks {
					if f != a.call {
						f.cancel(errLost)
					}
				}
				go func() {
					(<-answers).discard()
					release()
				}()
				return got
			}
		}
	}
}

// spare takes one of the client's slots and what a second request costs, if there is both. Nobody
// waits for a slot here.
func (c *Client) spare() bool {
	select {
	case c.slots <- struct{}{}:
	default:
		return false
	}
	if !c.places.spend() {
		<-c.slots
		return false
	}
	return true
}

package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
)

// A breaker keeps requests from an origin that fails, so that who asks a registry that is down is
// told at once instead of after every timeout there is. It is ours rather than a library's: those
// that there are open on a number of failures alone, which a burst of parallel requests reaches in
// an instant that a retry would have outlasted, and none knows Retry-After or a body that breaks off.

const (
	// openStreak failures one after the other, over at least openAfter, open a breaker.
	openStreak = 5
	// openAfter is what all attempts of one request take together when the answer is quick: trouble
	// that is shorter is the affair of retries.
	openAfter = 2 * time.Second
	// openWindow and openShare: it also opens when, of at least openRequests in openWindow, three
	// quarters failed. With half of them failing, three attempts still bring seven of eight through.
	openWindow   = 30 * time.Second
	openRequests = 20
	// firstOpen is how long a breaker stays open. It doubles with each probe that fails, up to
	// lastOpen; up to a quarter is added, so that clients do not come back together.
	firstOpen = time.Second
	lastOpen  = time.Minute
	// maxOpenAsked bounds what a Retry-After makes of it: a header that is wrong must not keep a
	// registry out for a day.
	maxOpenAsked = 10 * time.Minute
	// maxOrigins bounds the origins that a client keeps a breaker for: artifacts may be anywhere.
	maxOrigins = 256
)

// BreakerState says whether an origin is asked.
type BreakerState string

// The states of a breaker.
const (
	// BreakerClosed: requests are sent.
	BreakerClosed BreakerState = "closed"
	// BreakerOpen: none is sent before OriginState.NextTry.
	BreakerOpen BreakerState = "open"
	// BreakerHalfOpen: one request is under way that decides.
	BreakerHalfOpen BreakerState = "half-open"
)

// OriginState is what a client knows of one origin that it asked.
type OriginState struct {
	// Origin is scheme://host, with the port where it is not the scheme's own.
	Origin string
	State  BreakerState
	// Since is when State began; zero for an origin that never failed for long.
	Since time.Time
	// Failures is the number of requests that failed one after the other, up to now.
	Failures int
	// LastError is the last failure in words, without secrets; "" where there was none since the
	// client was made. LastFailure is when it was.
	LastError   string
	LastFailure time.Time
	// NextTry is when a request will be sent again; zero where nothing is in the way.
	NextTry time.Time
}

// State lists the origins that were asked, in the order of their names: that of the registry, of its
// mirrors, and others that redirects and artifacts led to.
func (c *Client) State() []OriginState {
	c.breakers.mu.Lock()
	all := make([]*breaker, 0, len(c.breakers.by))
	for _, b := range c.breakers.by {
		all = append(all, b)
	}
	c.breakers.mu.Unlock()
	states := make([]OriginState, len(all))
	for i, b := range all {
		states[i] = b.snapshot()
	}
	slices.SortFunc(states, func(a, b OriginState) int { return strings.Compare(a.Origin, b.Origin) })
	return states
}

// breakers has one for each origin.
type breakers struct {
	mu sync.Mutex
	by map[origin]*breaker
}

// of returns the breaker of an origin; nil where there are too many.
func (s *breakers) of(o origin, random func() float64) *breaker {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.by[o]
	if b == nil && len(s.by) < maxOrigins {
		if s.by == nil {
			s.by = map[origin]*breaker{}
		}
		b = &breaker{origin: o, random: random, state: BreakerClosed, tally: tally{window: openWindow}}
		s.by[o] = b
	}
	return b
}

// breaker is that of one origin. A nil one is always closed.
type breaker struct {
	origin origin
	random func() float64

	mu        sync.Mutex
	state     BreakerState
	since     time.Time
	openings  int       // since the last whole answer
	until     time.Time // open: when the next request may be sent
	notBefore time.Time // as a Retry-After said
	streak    int       // failures since the last whole answer
	from      time.Time // first of the streak
	tally     tally     // of answers and failures
	trouble   time.Time // first failure of the tally
	last      string    // last failure
	lastAt    time.Time
}

// admit says whether a request may be sent; a failure says why not. Who was admitted has to report
// with answered, failed or gone, and with probe where the request is the one that decides.
func (b *breaker) admit(now time.Time) (probe bool, f *failure) {
	if b == nil {
		return false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.state == BreakerClosed:
		return false, nil
	case b.state == BreakerOpen && !now.Before(b.until):
		b.state, b.since = BreakerHalfOpen, now
		return true, nil
	}
	when, hint := "a request that is under way decides whether it is asked again", ""
	if b.state == BreakerOpen {
		wait := max(b.until.Sub(now), time.Second).Round(time.Second)
		when, hint = fmt.Sprintf("it is asked again in %v", wait), fmt.Sprintf("try again in %v", wait)
	}
	f = expired("%s is not asked since %s, as %d requests failed one after the other, the last one with: %s; %s",
		b.origin.address(), b.since.Format(time.TimeOnly), b.streak, b.last, when)
	f.hint = hint
	return false, f
}

// answered counts a request that got the header of an answer. whole says that there is no more to
// come; else whole or failed follows.
func (b *breaker) answered(now time.Time, whole bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != BreakerClosed {
		b.state, b.since = BreakerClosed, now
		b.tally.forget()
	}
	b.tally.add(now, 0)
	if whole {
		b.streak, b.openings, b.notBefore = 0, 0, time.Time{}
	}
}

// whole ends the streak: an answer came to its end.
func (b *breaker) whole() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streak, b.openings, b.notBefore = 0, 0, time.Time{}
}

// failed counts a failure, and tells the observer if that opened the breaker. after is the pause that
// the server asked for.
func (c *Client) failed(b *breaker, why string, after time.Duration, probe bool) {
	if b == nil || !b.failed(c.o.Now(), why, after, probe) || c.o.ObserveBreaker == nil {
		return
	}
	c.o.ObserveBreaker(BreakerOpening{Registry: c.o.Registry, OriginState: b.snapshot()})
}

// failed counts a failure, and says whether that opened the breaker.
func (b *breaker) failed(now time.Time, why string, after time.Duration, probe bool) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streak == 0 {
		b.from = now
	}
	if b.tally.sums(now)[1] == 0 {
		b.trouble = now
	}
	b.streak++
	b.tally.add(now, 1)
	b.last, b.lastAt = bound(why, maxDetail), now
	if at := now.Add(min(after, maxOpenAsked)); after > 0 && at.After(b.notBefore) {
		b.notBefore = at
	}
	switch {
	case probe && b.state == BreakerHalfOpen:
		b.open(now)
		return true
	case b.state == BreakerClosed:
		sums := b.tally.sums(now)
		total := sums[0] + sums[1]
		if b.streak >= openStreak && now.Sub(b.from) >= openAfter ||
			total >= openRequests && 4*sums[1] >= 3*total && now.Sub(b.trouble) >= openAfter {
			b.open(now)
			return true
		}
	}
	return false
}

func (b *breaker) open(now time.Time) {
	pause := lastOpen
	if b.openings < 6 {
		pause = min(firstOpen<<b.openings, lastOpen)
	}
	pause += time.Duration(b.random() * float64(pause/4))
	b.openings++
	b.state, b.since, b.until = BreakerOpen, now, now.Add(pause)
	if b.notBefore.After(b.until) {
		b.until = b.notBefore
	}
}

// gone says that nobody will know what became of a request: its caller did not wait. Another one
// may decide.
func (b *breaker) gone(probe bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if probe && b.state == BreakerHalfOpen {
		b.state = BreakerOpen // and until has passed
	}
}

func (b *breaker) snapshot() OriginState {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := OriginState{
		Origin: b.origin.String(), State: b.state, Since: b.since, Failures: b.streak,
		LastError: b.last, LastFailure: b.lastAt,
	}
	if b.state == BreakerOpen {
		s.NextTry = b.until
	}
	return s
}

// breakOff is the layer: it asks the breaker of the origin that is really asked.
func (c *Client) breakOff(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		o, err := originOf(req.URL)
		if err != nil {
			return nil, invalid("cannot be asked: %v", err)
		}
		b := c.breakers.of(o, c.o.Rand)
		call.breaker = nil
		probe, f := b.admit(c.o.Now())
		if f != nil {
			return nil, f
		}
		resp, err := next.RoundTrip(req)
		switch {
		case err != nil && forgone(err):
			b.gone(probe)
		case err != nil && errors.Is(err, pantry.ErrUnavailable):
			c.failed(b, err.Error(), 0, probe)
		case err != nil:
			b.gone(probe)
		case sentinel(resp.StatusCode) == pantry.ErrUnavailable:
			after, _ := c.asked(resp)
			c.failed(b, strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))), after, probe)
		default:
			more := (resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent) && resp.ContentLength != 0
			b.answered(c.o.Now(), !more)
			call.breaker = b
		}
		return resp, err
	})
}

// forgone says that a request ended because nobody waited for it any more.
func forgone(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

package stats

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// Recorder counts what it is told. Its methods are those that registry.Options ask for; they are
// safe for concurrent use and take well under a microsecond. The zero value is ready.
type Recorder struct {
	mu         sync.Mutex
	since      time.Time
	registries map[string]*recorded
}

// recorded is a registry with its origins at hand.
type recorded struct {
	Registry
	origins map[string]*Origin
}

// registry is the entry of a name; the lock is held.
func (r *Recorder) registry(name string, at time.Time) *recorded {
	if r.registries == nil {
		r.registries = make(map[string]*recorded)
		r.since = at
	}
	reg := r.registries[name]
	if reg == nil {
		reg = &recorded{Registry: Registry{Name: name}, origins: make(map[string]*Origin)}
		r.registries[name] = reg
	}
	reg.Last = later(reg.Last, at)
	return reg
}

// origin is the entry of an origin; the lock is held. Of a registry that leads to ever more hosts the
// later ones are counted as one, "other".
func (r *Recorder) origin(name, origin string, at time.Time) *Origin {
	reg := r.registry(name, at)
	o := reg.origins[origin]
	if o == nil && len(reg.origins) >= maxOrigins-1 {
		origin = "other"
		o = reg.origins[origin]
	}
	if o == nil {
		o = &Origin{Origin: origin}
		reg.origins[origin] = o
	}
	return o
}

// Exchange counts a request: registry.Options.Observe.
func (r *Recorder) Exchange(e transport.Exchange) {
	end := e.Start.Add(e.Duration)
	class := ClassOf(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.origin(e.Registry, e.Origin, end)
	o.Requests++
	if e.Failure == transport.FailureCanceled {
		o.Canceled++
		return
	}
	event := Event{At: end, Class: class}
	if e.Status != 0 {
		event.Latency = e.Duration
		o.Latency.Add(e.Duration)
	}
	o.fail(class)
	if len(o.Recent) == MaxRecent {
		copy(o.Recent, o.Recent[1:])
		o.Recent = o.Recent[:MaxRecent-1]
	}
	o.Recent = append(o.Recent, event)
	if !e.CertificateExpires.IsZero() {
		o.CertificateExpires = e.CertificateExpires
	}
	if e.Credential != "" && e.Status != 0 && (class == OK || class == Denied) {
		o.Credential = &Credential{At: end, Refused: class == Denied, Expires: e.CredentialExpires}
	}
	if !e.Date.IsZero() {
		o.Clock = &Clock{At: end, Skew: skew(e)}
	}
	if q := e.Quota; q != nil {
		o.setQuota(Quota{At: end, Resource: q.Resource, Limit: q.Limit, Remaining: q.Remaining, Reset: q.Reset})
	}
}

// skew is how far the server's clock is ahead of ours. The header of the answer was written between
// the request and its arrival, and its Date has its fraction of a second cut off.
func skew(e transport.Exchange) time.Duration {
	middle := e.Start.Add(e.Duration / 2)
	return e.Date.Add(time.Second / 2).Sub(middle).Round(time.Millisecond)
}

func (o *Origin) fail(c Class) {
	if c == OK {
		return
	}
	if o.Failures == nil {
		o.Failures = make(map[Class]int64)
	}
	o.Failures[c]++
}

// Transfer counts the body of an answer: registry.Options.ObserveBody.
func (r *Recorder) Transfer(t transport.Transfer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.origin(t.Registry, t.Origin, time.Now())
	o.Bytes += t.Bytes
	switch t.Failure {
	case "", transport.FailureCanceled:
		return
	}
	o.fail(Class(t.Failure))
	if n := len(o.Recent); n > 0 && o.Recent[n-1].Class == OK {
		o.Recent[n-1].Class = Class(t.Failure) // the one whose body it was, or one beside it
	}
}

// Decision counts how a question was answered: registry.Options.ObserveDecision.
func (r *Recorder) Decision(d registry.Decision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for i, a := range d.Attempts {
		if !a.Asked || a.Probe {
			continue
		}
		reg := r.registry(a.Registry, now)
		reg.Lookups++
		if a.Cache != "" {
			if reg.Cache == nil {
				reg.Cache = map[string]int64{}
			}
			reg.Cache[string(a.Cache)]++
		}
		switch {
		case a.Outcome == registry.Found:
			reg.Found++
		case a.Outcome != registry.NameNotFound && wentOn(d.Attempts[i+1:]):
			reg.Fallbacks++
		}
	}
}

// wentOn says whether another registry was asked.
func wentOn(rest []registry.Attempt) bool {
	return slices.ContainsFunc(rest, func(a registry.Attempt) bool { return a.Asked && !a.Probe })
}

// Breaker counts that the breaker of an origin opened: registry.Options.ObserveBreaker.
func (r *Recorder) Breaker(b transport.BreakerOpening) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.origin(b.Registry, b.Origin, b.LastFailure)
	o.Opened++
	o.LastOpened = later(o.LastOpened, b.LastFailure)
}

// Stats returns what was counted so far.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{}
	for name, reg := range r.registries {
		one := Registry{Name: name}
		from := reg.Registry
		for _, o := range reg.origins {
			from.Origins = append(from.Origins, *o)
		}
		one.add(&from)
		s.Merge(Stats{Since: r.since, Registries: []Registry{one}})
	}
	return s
}

// ClassOf is the class of an exchange that was not given up.
func ClassOf(e transport.Exchange) Class {
	switch s := e.Status; {
	case s == 0 && e.Failure == "":
		return Network
	case s == 0:
		return Class(e.Failure)
	case s == http.StatusTooManyRequests, s == http.StatusForbidden && e.Quota != nil && e.Quota.Remaining == 0:
		return RateLimited
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusPaymentRequired:
		return Denied
	case s < 400, s == http.StatusNotFound, s == http.StatusGone, s == http.StatusConflict,
		s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		return OK
	case s == http.StatusRequestTimeout:
		return Timeout
	case s >= 500, s == http.StatusProxyAuthRequired:
		return ServerError
	}
	return Rejected
}

// Package stats counts what was asked of registries and what came of it: requests, failures by kind,
// latencies, bytes, use of caches, fallbacks, limits. It says from that how a registry is ([Health]).
//
// A [Recorder] counts in one process; a [File] adds up what the processes of one user counted. Counts
// are of registries and of the origins (scheme, host, port) that were asked for them, never of
// packages: no name of a package, no URL and no text of an error is in them, so that the file of one
// user tells nothing of what is in another's registry.
//
// Everything is kept as sums and a fixed number of last events. The road not taken is a log of
// requests, which tells more and has to be bounded, pruned and read.
package stats

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Stats are the counts since a moment. The zero value is empty.
type Stats struct {
	// Since is when counting began: the first event, or the last reset. Zero: nothing was counted.
	Since time.Time `json:"since,omitzero"`
	// Registries are the counts by registry, in the order of their names.
	Registries []Registry `json:"registries"`
}

// Registry is what was counted for one configured registry.
type Registry struct {
	Name string `json:"name"`
	// Last is when anything was counted.
	Last time.Time `json:"last,omitzero"`
	// Lookups are questions for a package that it was asked, Found those that it answered with one.
	Lookups int64 `json:"lookups,omitempty"`
	Found   int64 `json:"found,omitempty"`
	// Fallbacks are lookups that went past it: it came first, gave no usable answer, and another
	// registry was asked.
	Fallbacks int64 `json:"fallbacks,omitempty"`
	// Cache counts lookups by where the answer came from: fresh, stale, revalidated or network.
	Cache map[string]int64 `json:"cache,omitempty"`
	// Origins are the counts by who was asked: the registry's own host, its mirrors, the hosts that
	// artifacts come from. In the order of their names.
	Origins []Origin `json:"origins,omitempty"`
}

// Origin is what was counted for one origin of a registry.
type Origin struct {
	// Origin is scheme://host, with the port if it is not the scheme's own.
	Origin string `json:"origin"`
	// Requests were sent, retries and redirects among them.
	Requests int64 `json:"requests"`
	// Failures are those that got no usable answer, by class.
	Failures map[Class]int64 `json:"failures,omitempty"`
	// Canceled are those that the asker gave up: neither successes nor failures.
	Canceled int64 `json:"canceled,omitempty"`
	// Bytes of bodies came off the wire.
	Bytes int64 `json:"bytes,omitempty"`
	// Latency is the time from a request to the header of its answer, of those that have one.
	Latency Histogram `json:"latency,omitzero"`
	// Recent are the last exchanges, oldest first, at most MaxRecent.
	Recent []Event `json:"recent,omitempty"`
	// Opened is how often the breaker of this origin opened, and LastOpened when it last did.
	Opened     int64     `json:"opened,omitempty"`
	LastOpened time.Time `json:"lastOpened,omitzero"`
	// Credential is what became of the credential that was last sent; nil where none was.
	Credential *Credential `json:"credential,omitempty"`
	// CertificateExpires is when the server's certificate ends; zero where none was seen.
	CertificateExpires time.Time `json:"certificateExpires,omitzero"`
	// Clock is what was last seen of the server's clock; nil where nothing was.
	Clock *Clock `json:"clock,omitempty"`
	// Quotas are limits on requests as the server last told them, by name.
	Quotas []Quota `json:"quotas,omitempty"`
}

// Class is the kind of an answer. The values are stable.
type Class string

// The classes. The last four are those of transport.FailureKind.
const (
	OK          Class = ""             // an answer of the protocol: 1xx to 3xx, and 404, 405, 409, 410, 501: the registry works
	Denied      Class = "denied"       // 401, 402, 403
	RateLimited Class = "rate-limited" // 429, and 403 with nothing left of a limit
	ServerError Class = "server-error" // 5xx
	Rejected    Class = "rejected"     // any other 4xx
	DNS         Class = "dns"
	Timeout     Class = "timeout"
	TLS         Class = "tls"
	Network     Class = "network" // refused, reset, unreachable, broken off
)

// down says whether an answer of the class speaks against the registry's being there.
func (c Class) down() bool {
	switch c {
	case OK, Denied, Rejected:
		return false
	}
	return true
}

// Event is one exchange.
type Event struct {
	At      time.Time     `json:"at"`
	Class   Class         `json:"class,omitempty"`
	Latency time.Duration `json:"ns,omitempty"` // 0: no answer
}

// Credential is what became of a credential.
type Credential struct {
	At      time.Time `json:"at"`
	Refused bool      `json:"refused,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // zero: it does not say
}

// Clock is the difference of a server's clock from this machine's.
type Clock struct {
	At   time.Time     `json:"at"`
	Skew time.Duration `json:"ns"` // the server's minus ours; exact to about a second
}

// Quota is a limit on requests.
type Quota struct {
	At        time.Time `json:"at"`
	Resource  string    `json:"resource,omitempty"`
	Limit     int64     `json:"limit,omitempty"`
	Remaining int64     `json:"remaining"`
	Reset     time.Time `json:"reset,omitzero"`
}

// Bounds of what is kept.
const (
	MaxRecent     = 20  // events of an origin: enough for a p95, and some 1 kB of the file
	maxRegistries = 100 // no team has as many; those that were not asked for longest are dropped
	maxOrigins    = 12  // of a registry: itself, some mirrors, the hosts of its artifacts
	maxQuotas     = 8   // of an origin; GitHub has about as many kinds that Pantry never uses
)

// Registry returns the counts of a registry; zeros where it has none.
func (s *Stats) Registry(name string) Registry {
	if i, ok := s.find(name); ok {
		return s.Registries[i]
	}
	return Registry{Name: name}
}

func (s *Stats) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.Registries, name, func(r Registry, name string) int {
		return strings.Compare(r.Name, name)
	})
}

// Origin returns the counts of an origin; zeros where it has none.
func (r *Registry) Origin(origin string) Origin {
	for _, o := range r.Origins {
		if o.Origin == origin {
			return o
		}
	}
	return Origin{Origin: origin}
}

// Total is the sum over the registry's origins: requests, failures, bytes, latencies, breaker and
// quotas.
func (r *Registry) Total() Origin {
	var t Origin
	for i := range r.Origins {
		t.add(&r.Origins[i])
	}
	return t
}

// Failed is the number of requests that got no usable answer.
func (o *Origin) Failed() int64 {
	n := int64(0)
	for _, c := range o.Failures {
		n += c
	}
	return n
}

// Succeeded is the number of requests that got an answer of the protocol.
func (o *Origin) Succeeded() int64 { return max(o.Requests-o.Failed()-o.Canceled, 0) }

// Success is the share of requests that succeeded, those that were given up not counted, from 0 to
// 1; ok is false where there are none.
func (o *Origin) Success() (share float64, ok bool) {
	n := o.Requests - o.Canceled
	if n <= 0 {
		return 0, false
	}
	return float64(o.Succeeded()) / float64(n), true
}

// CacheShare is the share of lookups that were answered from a cache without the registry's content
// being sent again, from 0 to 1; ok is false where nothing is known.
func (r *Registry) CacheShare() (share float64, ok bool) {
	kept := r.Cache["fresh"] + r.Cache["stale"] + r.Cache["revalidated"]
	all := kept + r.Cache["network"]
	if all == 0 {
		return 0, false
	}
	return float64(kept) / float64(all), true
}

// Merge adds what other counted. s keeps nothing of other's memory.
func (s *Stats) Merge(other Stats) {
	if s.Since.IsZero() || !other.Since.IsZero() && other.Since.Before(s.Since) {
		s.Since = other.Since
	}
	for i := range other.Registries {
		from := &other.Registries[i]
		at, ok := s.find(from.Name)
		if !ok {
			s.Registries = slices.Insert(s.Registries, at, Registry{Name: from.Name})
		}
		s.Registries[at].add(from)
	}
	s.Registries = bounded(s.Registries, maxRegistries, func(r *Registry) time.Time { return r.Last })
}

func (r *Registry) add(from *Registry) {
	r.Last = later(r.Last, from.Last)
	r.Lookups += from.Lookups
	r.Found += from.Found
	r.Fallbacks += from.Fallbacks
	addCounts(&r.Cache, from.Cache)
	for i := range from.Origins {
		o := &from.Origins[i]
		at, ok := slices.BinarySearchFunc(r.Origins, o.Origin, func(a Origin, name string) int {
			return strings.Compare(a.Origin, name)
		})
		if !ok {
			r.Origins = slices.Insert(r.Origins, at, Origin{Origin: o.Origin})
		}
		r.Origins[at].add(o)
	}
	r.Origins = bounded(r.Origins, maxOrigins, (*Origin).last)
}

// bounded leaves out what was not asked for longest.
func bounded[T any](all []T, most int, last func(*T) time.Time) []T {
	for len(all) > most {
		oldest := 0
		for i := range all {
			if last(&all[i]).Before(last(&all[oldest])) {
				oldest = i
			}
		}
		all = slices.Delete(all, oldest, oldest+1)
	}
	return all
}

// last is when the origin was last asked.
func (o *Origin) last() time.Time {
	if len(o.Recent) == 0 {
		return time.Time{}
	}
	return o.Recent[len(o.Recent)-1].At
}

func (o *Origin) add(from *Origin) {
	o.Requests += from.Requests
	addCounts(&o.Failures, from.Failures)
	o.Canceled += from.Canceled
	o.Bytes += from.Bytes
	o.Latency.Merge(&from.Latency)
	o.Recent = append(slices.Clip(o.Recent), from.Recent...)
	slices.SortStableFunc(o.Recent, func(a, b Event) int { return a.At.Compare(b.At) })
	o.Recent = o.Recent[max(len(o.Recent)-MaxRecent, 0):]
	o.Opened += from.Opened
	o.LastOpened = later(o.LastOpened, from.LastOpened)
	if c := from.Credential; c != nil && (o.Credential == nil || !c.At.Before(o.Credential.At)) {
		o.Credential = new(*c)
	}
	if c := from.Clock; c != nil && (o.Clock == nil || !c.At.Before(o.Clock.At)) {
		o.Clock = new(*c)
	}
	if !from.CertificateExpires.IsZero() {
		o.CertificateExpires = from.CertificateExpires
	}
	for _, q := range from.Quotas {
		o.setQuota(q)
	}
}

// setQuota notes the newest word on a limit. Of too many limits the oldest goes.
func (o *Origin) setQuota(q Quota) {
	for i := range o.Quotas {
		if o.Quotas[i].Resource == q.Resource {
			if !q.At.Before(o.Quotas[i].At) {
				o.Quotas[i] = q
			}
			return
		}
	}
	o.Quotas = append(slices.Clip(o.Quotas), q)
	if len(o.Quotas) > maxQuotas {
		o.Quotas = o.Quotas[1:]
	}
}

func addCounts[K comparable](to *map[K]int64, from map[K]int64) {
	if *to == nil {
		*to = maps.Clone(from)
		return
	}
	for k, n := range from {
		(*to)[k] += n
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

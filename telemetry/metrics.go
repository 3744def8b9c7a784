package telemetry

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/pantry-go/pantry/stats"
)

type metric struct {
	Name      string     `json:"name"`
	Unit      string     `json:"unit"`
	Sum       *sum       `json:"sum,omitempty"`
	Gauge     *gauge     `json:"gauge,omitempty"`
	Histogram *histogram `json:"histogram,omitempty"`
}

type sum struct {
	Temporality int     `json:"aggregationTemporality"`
	Monotonic   bool    `json:"isMonotonic"`
	Points      []point `json:"dataPoints"`
}

type gauge struct {
	Points []point `json:"dataPoints"`
}

type histogram struct {
	Temporality int     `json:"aggregationTemporality"`
	Points      []point `json:"dataPoints"`
}

type point struct {
	Attributes []attribute `json:"attributes"`
	Start      string      `json:"startTimeUnixNano,omitempty"`
	Time       string      `json:"timeUnixNano"`
	Int        string      `json:"asInt,omitempty"`

	// Of a histogram.
	Count   string    `json:"count,omitempty"`
	Sum     *float64  `json:"sum,omitempty"`
	Buckets []string  `json:"bucketCounts,omitempty"`
	Bounds  []float64 `json:"explicitBounds,omitempty"`
}

const (
	temporalityDelta      = 1
	temporalityCumulative = 2
)

// meter collects metrics in the order in which they are first named.
type meter struct {
	all         []*metric
	temporality int
	start, end  string
}

func (m *meter) metric(name, unit string) *metric {
	for _, one := range m.all {
		if one.Name == name {
			return one
		}
	}
	one := &metric{Name: name, Unit: unit}
	m.all = append(m.all, one)
	return one
}

// count adds to a counter; nothing for 0.
func (m *meter) count(name, unit string, n int64, attrs ...Attr) {
	if n == 0 {
		return
	}
	one := m.metric(name, unit)
	if one.Sum == nil {
		one.Sum = &sum{Temporality: m.temporality, Monotonic: true}
	}
	one.Sum.Points = append(one.Sum.Points, point{
		Attributes: attributes(attrs), Start: m.start, Time: m.end, Int: strconv.FormatInt(n, 10),
	})
}

func (m *meter) gauge(name, unit string, n int64, attrs ...Attr) {
	one := m.metric(name, unit)
	if one.Gauge == nil {
		one.Gauge = &gauge{}
	}
	one.Gauge.Points = append(one.Gauge.Points, point{Attributes: attributes(attrs), Time: m.end, Int: strconv.FormatInt(n, 10)})
}

// bounds of the histograms that are sent, in microseconds: powers of two from 1 ms to 67 s, which are
// borders of stats.Histogram too.
const (
	firstBound = 1 << 10
	lastBound  = 1 << 26
)

func (m *meter) durations(name string, h *stats.Histogram, attrs ...Attr) {
	if h.Count() == 0 {
		return
	}
	one := m.metric(name, "s")
	if one.Histogram == nil {
		one.Histogram = &histogram{Temporality: m.temporality}
	}
	p := point{
		Attributes: attributes(attrs), Start: m.start, Time: m.end,
		Count: strconv.FormatInt(h.Count(), 10), Sum: new(h.Sum().Seconds()),
	}
	for us := int64(firstBound); us <= lastBound; us *= 2 {
		p.Bounds = append(p.Bounds, (time.Duration(us) * time.Microsecond).Seconds())
	}
	counts := make([]int64, len(p.Bounds)+1)
	h.Buckets(func(upTo time.Duration, n int64) {
		at, _ := slices.BinarySearch(p.Bounds, upTo.Seconds())
		counts[at] += n
	})
	for _, n := range counts {
		p.Buckets = append(p.Buckets, strconv.FormatInt(n, 10))
	}
	one.Histogram.Points = append(one.Histogram.Points, p)
}

// measurements are the metrics of the command and of each registry that it asked.
func (s *Session) measurements(command string, exit int, end time.Time, counts stats.Stats) []*metric {
	m := &meter{temporality: temporalityDelta, start: nanos(s.start), end: nanos(end)}
	if s.o.cumulative {
		m.temporality = temporalityCumulative
	}
	var took stats.Histogram
	took.Add(end.Sub(s.start))
	m.durations("pantry.command.duration", &took, Attr{"pantry.command", command}, Attr{"process.exit.code", exit})
	for i := range counts.Registries {
		r := &counts.Registries[i]
		name := Attr{"pantry.registry", r.Name}
		m.count("pantry.lookups", "{lookup}", r.Lookups, name)
		m.count("pantry.fallbacks", "{lookup}", r.Fallbacks, name)
		for _, state := range slices.Sorted(maps.Keys(r.Cache)) {
			m.count("pantry.cache.lookups", "{lookup}", r.Cache[state], name, Attr{"pantry.cache", state})
		}
		for j := range r.Origins {
			m.origin(name, &r.Origins[j])
		}
	}
	return m.all
}

func (m *meter) origin(name Attr, o *stats.Origin) {
	of := append([]Attr{name}, server(o.Origin)...)
	with := func(more Attr) []Attr { return append(slices.Clip(of), more) }
	m.count("pantry.requests", "{request}", o.Succeeded(), with(Attr{"pantry.result", "ok"})...)
	for _, class := range slices.Sorted(maps.Keys(o.Failures)) {
		m.count("pantry.requests", "{request}", o.Failures[class], with(Attr{"pantry.result", string(class)})...)
	}
	m.count("pantry.requests", "{request}", o.Canceled, with(Attr{"pantry.result", "canceled"})...)
	m.durations("pantry.request.duration", &o.Latency, of...)
	m.count("pantry.received", "By", o.Bytes, of...)
	m.count("pantry.breaker.opened", "{opening}", o.Opened, of...)
	for _, q := range o.Quotas {
		m.gauge("pantry.quota.remaining", "{request}", q.Remaining, with(Attr{"pantry.quota", q.Resource})...)
	}
}

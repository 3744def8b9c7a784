package stats_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/stats"
	"github.com/pantry-go/pantry/transport"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// exchange is an answer with a status, or a failure.
func exchange(status int, kind transport.FailureKind) transport.Exchange {
	return transport.Exchange{
		Registry: "acme", Origin: "https://acme.example", Status: status, Failure: kind,
		Start: noon, Duration: 10 * time.Millisecond,
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		e    transport.Exchange
		want stats.Class
	}{
		{exchange(200, ""), stats.OK},
		{exchange(302, ""), stats.OK},
		{exchange(304, ""), stats.OK},
		{exchange(404, ""), stats.OK},
		{exchange(410, ""), stats.OK},
		{exchange(409, ""), stats.OK},
		{exchange(405, ""), stats.OK},
		{exchange(501, ""), stats.OK},
		{exchange(400, ""), stats.Rejected},
		{exchange(401, ""), stats.Denied},
		{exchange(403, ""), stats.Denied},
		{exchange(407, ""), stats.ServerError},
		{exchange(408, ""), stats.Timeout},
		{exchange(429, ""), stats.RateLimited},
		{exchange(500, ""), stats.ServerError},
		{exchange(503, ""), stats.ServerError},
		{exchange(0, transport.FailureDNS), stats.DNS},
		{exchange(0, transport.FailureTLS), stats.TLS},
		{exchange(0, transport.FailureTimeout), stats.Timeout},
		{exchange(0, transport.FailureNetwork), stats.Network},
		{exchange(0, ""), stats.Network},
	}
	limited := exchange(403, "")
	limited.Quota = &transport.Quota{Resource: "core", Limit: 60}
	left := exchange(403, "")
	left.Quota = &transport.Quota{Resource: "core", Limit: 60, Remaining: 1}
	tests = append(tests, []struct {
		e    transport.Exchange
		want stats.Class
	}{{limited, stats.RateLimited}, {left, stats.Denied}}...)
	for _, tt := range tests {
		if got := stats.ClassOf(tt.e); got != tt.want {
			t.Errorf("%d %q: got %q, want %q", tt.e.Status, tt.e.Failure, got, tt.want)
		}
	}
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	var r stats.Recorder
	tell := func(change func(*transport.Exchange)) {
		e := exchange(200, "")
		change(&e)
		r.Exchange(e)
	}
	tell(func(e *transport.Exchange) {
		e.Credential, e.CredentialExpires = "file:1", noon.Add(time.Hour)
		e.CertificateExpires = noon.Add(24 * time.Hour)
		e.Date = noon.Add(-time.Minute)
		e.Quota = &transport.Quota{Resource: "core", Limit: 60, Remaining: 59, Reset: noon.Add(time.Hour)}
	})
	tell(func(e *transport.Exchange) { e.Status = 503 })
	tell(func(e *transport.Exchange) { e.Status, e.Failure = 0, transport.FailureCanceled })
	tell(func(e *transport.Exchange) { e.Status, e.Credential = 401, "file:1" })
	tell(func(e *transport.Exchange) { e.Origin = "https://cdn.example" })
	r.Transfer(transport.Transfer{Registry: "acme", Origin: "https://cdn.example", Bytes: 1000})
	r.Transfer(transport.Transfer{Registry: "acme", Origin: "https://cdn.example", Bytes: 7, Failure: transport.FailureNetwork})
	r.Breaker(transport.BreakerOpening{Registry: "acme", OriginState: transport.OriginState{Origin: "https://acme.example", LastFailure: noon}})
	r.Decision(registry.Decision{Attempts: []registry.Attempt{
		{Registry: "acme", Asked: true, Outcome: registry.Unavailable},
		{Registry: "npm", Asked: true, Outcome: registry.NameNotFound},
		{Registry: "other", Asked: true, Outcome: registry.Found},
		{Registry: "last", Outcome: registry.PassedOver},
	}})

	got := r.Stats()
	if !got.Since.Equal(noon.Add(10 * time.Millisecond)) {
		t.Errorf("since %v", got.Since)
	}
	var names []string
	for _, reg := range got.Registries {
		names = append(names, fmt.Sprintf("%s %d/%d %d", reg.Name, reg.Found, reg.Lookups, reg.Fallbacks))
	}
	if want := []string{"acme 0/1 1", "npm 0/1 0", "other 1/1 0"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	acme := got.Registry("acme")
	at := noon.Add(10 * time.Millisecond)
	want := stats.Origin{
		Origin: "https://acme.example", Requests: 4, Canceled: 1,
		Failures: map[stats.Class]int64{stats.ServerError: 1, stats.Denied: 1},
		Opened:   1, LastOpened: noon,
		Credential:         &stats.Credential{At: at, Refused: true},
		CertificateExpires: noon.Add(24 * time.Hour),
		Clock:              &stats.Clock{At: at, Skew: -time.Minute + 495*time.Millisecond},
		Quotas:             []stats.Quota{{At: at, Resource: "core", Limit: 60, Remaining: 59, Reset: noon.Add(time.Hour)}},
	}
	own := acme.Origin("https://acme.example")
	if diff := cmp.Diff(want, own, cmpopts.IgnoreFields(stats.Origin{}, "Latency", "Recent")); diff != "" {
		t.Error(diff)
	}
	if share, ok := own.Success(); !ok || math.Abs(share-1.0/3) > 1e-9 {
		t.Errorf("success %v %v", share, ok)
	}
	cdn := acme.Origin("https://cdn.example")
	if cdn.Bytes != 1007 || cdn.Failures[stats.Network] != 1 || cdn.Succeeded() != 0 {
		t.Errorf("got %+v", cdn)
	}
	total := acme.Total()
	if total.Requests != 5 || total.Bytes != 1007 || total.Opened != 1 || total.Latency.Count() != 4 {
		t.Errorf("got %+v", total)
	}
}

// TestRecorderBounds: a registry that leads to ever more hosts does not fill the memory.
func TestRecorderBounds(t *testing.T) {
	t.Parallel()
	var r stats.Recorder
	for i := range 1000 {
		e := exchange(200, "")
		e.Origin = fmt.Sprintf("https://h%d.example", i)
		r.Exchange(e)
	}
	s := r.Stats()
	acme := s.Registry("acme")
	if n := len(acme.Origins); n > 12 {
		t.Errorf("%d origins", n)
	}
	if total := acme.Total(); total.Requests != 1000 {
		t.Errorf("%d requests", total.Requests)
	}
	var all stats.Stats
	for i := range 1000 {
		all.Merge(stats.Stats{Registries: []stats.Registry{{Name: fmt.Sprint(i), Last: noon.Add(time.Duration(i))}}})
	}
	if n := len(all.Registries); n != 100 || all.Registry("999").Last.IsZero() || !all.Registry("0").Last.IsZero() {
		t.Errorf("%d registries, among them not the last one", n)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	const ok, server, dns, denied = stats.OK, stats.ServerError, stats.DNS, stats.Denied
	many := slices.Repeat([]stats.Class{ok}, 15)
	tests := map[string]struct {
		recent []stats.Class // a minute apart, the last a minute ago
		ago    time.Duration // how much longer ago
		want   stats.State
		kind   stats.Class
	}{
		"nothing":                   {nil, 0, stats.Unknown, ""},
		"answers":                   {[]stats.Class{ok, ok}, 0, stats.Up, ""},
		"refusals":                  {[]stats.Class{denied, denied, denied}, 0, stats.Up, ""},
		"long ago":                  {[]stats.Class{dns, dns, dns}, time.Hour, stats.Unknown, ""},
		"one failure and no answer": {[]stats.Class{dns}, 0, stats.Down, dns},
		"one failure after answers": {[]stats.Class{ok, ok, ok, server}, 0, stats.Degraded, server},
		"three failures in a row":   {[]stats.Class{ok, ok, server, dns, dns}, 0, stats.Down, dns},
		"came back":                 {[]stats.Class{server, server, server, ok}, 0, stats.Degraded, server},
		"one failure of many":       {append(slices.Clone(many[1:]), server, ok)[:15], 0, stats.Up, server},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := stats.Origin{}
			for i, c := range tt.recent {
				at := noon.Add(-tt.ago - time.Duration(len(tt.recent)-i)*time.Second)
				e := stats.Event{At: at, Class: c}
				if c == ok {
					e.Latency = time.Duration(i+1) * time.Millisecond
				}
				o.Recent = append(o.Recent, e)
			}
			h := o.Health(noon)
			if h.State != tt.want || h.Failure != tt.kind {
				t.Errorf("got %+v, want %s %s", h, tt.want, tt.kind)
			}
			if (h.State == stats.Down) == h.Since.IsZero() || (len(tt.recent) > 0) == h.Checked.IsZero() {
				t.Errorf("got %+v", h)
			}
			if h.P50 > h.P95 || name == "answers" && (h.P50 != 2*time.Millisecond || h.P95 != 2*time.Millisecond) {
				t.Errorf("latencies %v %v", h.P50, h.P95)
			}
		})
	}
}

// TestHistogram: a quantile is near the true one, whatever was counted and in how many parts.
func TestHistogram(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		us := rapid.SliceOfN(rapid.Int64Range(16, 100_000_000), 1, 200).Draw(t, "microseconds")
		var parts [2]stats.Histogram
		for i, n := range us {
			parts[i%2].Add(time.Duration(n) * time.Microsecond)
		}
		h := parts[0]
		h.Merge(&parts[1])
		slices.Sort(us)
		for _, q := range []float64{0.5, 0.95, 1} {
			truth := float64(us[max(int(math.Ceil(q*float64(len(us))))-1, 0)])
			got := float64(h.Quantile(q).Microseconds())
			if math.Abs(got-truth) > 0.15*truth+1 {
				t.Errorf("quantile %v: got %v, want %v", q, got, truth)
			}
		}
		n := int64(0)
		last := time.Duration(0)
		h.Buckets(func(upTo time.Duration, count int64) {
			if upTo <= last {
				t.Errorf("bucket %v after %v", upTo, last)
			}
			n, last = n+count, upTo
		})
		if n != int64(len(us)) || h.Count() != n {
			t.Errorf("%d counted of %d", n, len(us))
		}
	})
	var h stats.Histogram
	for _, d := range []time.Duration{-time.Second, 0, time.Hour} {
		h.Add(d)
	}
	if h.Count() != 3 || h.Quantile(0) > time.Millisecond || h.Quantile(1) < time.Minute {
		t.Errorf("extremes: %v %v", h.Quantile(0), h.Quantile(1))
	}
	if d := new(stats.Histogram).Quantile(0.5); d != 0 {
		t.Errorf("of nothing: %v", d)
	}
}

// anyStats draws counts.
func anyStats(t *rapid.T) stats.Stats {
	var r stats.Recorder
	for range rapid.IntRange(0, 30).Draw(t, "events") {
		e := exchange(rapid.SampledFrom([]int{0, 200, 401, 503}).Draw(t, "status"), "")
		if e.Status == 0 {
			e.Failure = rapid.SampledFrom([]transport.FailureKind{transport.FailureDNS, transport.FailureCanceled}).Draw(t, "failure")
		}
		e.Registry = rapid.SampledFrom([]string{"acme", "npm"}).Draw(t, "registry")
		e.Origin = rapid.SampledFrom([]string{"https://a.example", "https://b.example"}).Draw(t, "origin")
		e.Start = noon.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "second")) * time.Second)
		r.Exchange(e)
		r.Transfer(transport.Transfer{Registry: e.Registry, Origin: e.Origin, Bytes: 10})
	}
	return r.Stats()
}

// TestMerge: the order in which processes add their counts does not matter for sums, and nothing is
// lost.
func TestMerge(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyStats(t), anyStats(t)
		var ab, ba stats.Stats
		ab.Merge(a)
		ab.Merge(b)
		ba.Merge(b)
		ba.Merge(a)
		histogram := cmp.Comparer(func(a, b stats.Histogram) bool { return a == b })
		if diff := cmp.Diff(ab, ba, histogram, cmpopts.IgnoreFields(stats.Origin{}, "Recent", "Credential", "CertificateExpires")); diff != "" {
			t.Fatal(diff)
		}
		var n [3]int64
		for i, s := range []stats.Stats{a, b, ab} {
			for _, reg := range s.Registries {
				total := reg.Total()
				n[i] += total.Requests + total.Failed() + total.Canceled + total.Bytes + total.Latency.Count()
				if total.Succeeded()+total.Failed()+total.Canceled != total.Requests {
					t.Fatalf("%+v does not add up", total)
				}
			}
		}
		if n[0]+n[1] != n[2] {
			t.Fatalf("%d and %d make %d", n[0], n[1], n[2])
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	var r stats.Recorder
	e := exchange(200, "")
	e.Date, e.Credential = noon, "file:1"
	b.ReportAllocs()
	for b.Loop() {
		r.Exchange(e)
	}
}

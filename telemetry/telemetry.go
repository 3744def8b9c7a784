// Package telemetry sends what one command did to an OpenTelemetry collector: a trace of the command,
// the questions it put to registries and its requests, and metrics of each registry.
//
// It sends nothing unless the usual variables (OTEL_EXPORTER_OTLP_ENDPOINT and others: [FromEnv]) ask
// for it, and then once, when the command ends, within a bounded time. What fails is lost: no command
// fails or waits long for its telemetry. No credential is in it, and no URL that has secrets. Names of
// packages are in traces, and not in metrics.
//
// It writes OTLP over HTTP in JSON by itself. The SDK of OpenTelemetry with its exporter would add some
// 9 MB to the program, for batches, retries and propagation that a command which ends in a second has
// no use for.
package telemetry

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// maxSpans bounds what is kept of one command: as many as an install of two thousand packages has.
// Further ones are counted, and told by the command's span.
const maxSpans = 5000

// Session collects the telemetry of one command. Its methods are safe for concurrent use.
type Session struct {
	o       Options
	trace   string // id, 32 hex digits
	root    string // id of the command's span, 16 hex digits
	start   time.Time
	sampled bool

	mu      sync.Mutex
	spans   []span
	dropped int64
}

// Start begins the telemetry of a command. It sends nothing.
func Start(o Options) *Session {
	s := &Session{o: o, trace: o.parent.trace, root: newID(8), start: time.Now()}
	if s.trace == "" {
		s.trace = newID(16)
	}
	s.sampled = o.traces.url != "" && o.sampler.takes(o.parent, s.trace)
	return s
}

// newID is a random id of n bytes, which is not all zeros.
func newID(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.IntN(255) + 1)
	}
	return hex.EncodeToString(b)
}

// TraceParent is the W3C header that makes what a server does for this command a part of its trace.
func (s *Session) TraceParent() string {
	flags := "00"
	if s.sampled {
		flags = "01"
	}
	return "00-" + s.trace + "-" + s.root + "-" + flags
}

// Attr says something of a span. Value is a string, an int, an int64, a float64 or a bool.
type Attr struct {
	Key   string
	Value any
}

// Span adds a part of the command. failure is what went wrong, in a word; "" for nothing.
func (s *Session) Span(name string, start, end time.Time, failure string, attrs ...Attr) {
	s.add(span{name: name, kind: kindInternal, start: start, end: end, failure: failure, attrs: attrs})
}

func (s *Session) add(one span) {
	if !s.sampled {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.spans) >= maxSpans {
		s.dropped++
		return
	}
	one.id, one.parent = newID(8), s.root
	s.spans = append(s.spans, one)
}

// Exchange adds a request: registry.Options.Observe.
func (s *Session) Exchange(e transport.Exchange) {
	if !s.sampled {
		return
	}
	one := span{
		name: e.Method, kind: kindClient, start: e.Start, end: e.Start.Add(e.Duration),
		attrs: []Attr{{"http.request.method", e.Method}, {"url.full", e.URL}, {"pantry.registry", e.Registry}},
	}
	one.attrs = append(one.attrs, server(e.Origin)...)
	if e.Attempt > 1 {
		one.attrs = append(one.attrs, Attr{"http.request.resend_count", e.Attempt - 1})
	}
	switch {
	case e.Status == 0:
		one.failure = string(e.Failure)
	case e.Status >= 400:
		one.failure = strconv.Itoa(e.Status)
	}
	if e.Status != 0 {
		one.attrs = append(one.attrs, Attr{"http.response.status_code", e.Status})
	}
	s.add(one)
}

// server are the attributes of who was asked.
func server(origin string) []Attr {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return nil
	}
	attrs := []Attr{{"server.address", u.Hostname()}}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, Attr{"server.port", n})
	}
	return attrs
}

// Decision adds a question for a package: registry.Options.ObserveDecision.
func (s *Session) Decision(d registry.Decision) {
	if !s.sampled {
		return
	}
	end := time.Now()
	attrs := []Attr{{"pantry.package", d.Name}, {"pantry.wanted", d.Wanted}}
	failure := ""
	if d.Registry != "" {
		attrs = append(attrs, Attr{"pantry.registry", d.Registry})
	} else {
		failure = "unanswered"
	}
	var asked []string
	for _, a := range d.Asked() {
		asked = append(asked, a.Registry+": "+string(a.Outcome))
	}
	attrs = append(attrs, Attr{"pantry.asked", strings.Join(asked, ", ")})
	s.Span("lookup", end.Add(-d.Duration), end, failure, attrs...)
}

// rootSpan is the command's own.
func (s *Session) rootSpan(command string, exit int, end time.Time) span {
	one := span{
		name: "pantry " + command, kind: kindInternal, id: s.root, parent: s.o.parent.span, start: s.start, end: end,
		attrs: []Attr{{"pantry.command", command}, {"process.exit.code", exit}},
	}
	if s.dropped > 0 {
		one.attrs = append(one.attrs, Attr{"pantry.spans.dropped", s.dropped})
	}
	if exit != 0 {
		one.failure = fmt.Sprintf("exit code %d", exit)
	}
	return one
}

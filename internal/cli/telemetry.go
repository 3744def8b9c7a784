package cli

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/telemetry"
	"github.com/pantry-go/pantry/transport"
)

// startTelemetry begins to collect where a variable of OpenTelemetry asks for it.
func (a *app) startTelemetry() {
	if !slices.ContainsFunc(a.Environ, func(kv string) bool { return strings.HasPrefix(kv, "OTEL_") }) {
		return
	}
	o, ok, err := telemetry.FromEnv(a.getenv)
	if err != nil {
		a.unsent = err // told when it is known whether anybody wants to hear it
	}
	if ok {
		o.Version = programVersion()
		a.session = telemetry.Start(o)
	}
}

// endTelemetry sends what was collected. Whatever comes of it, the command is done.
func (a *app) endTelemetry(c *cobra.Command, exit int) {
	if a.session != nil {
		command := strings.TrimSpace(strings.TrimPrefix(c.CommandPath(), "pantry"))
		a.unsent = a.session.End(context.Background(), command, exit, a.recorder.Stats())
	}
	if a.unsent != nil && a.flags.verbose {
		a.warnf("no telemetry was sent: %s", clean(a.unsent.Error()))
	}
}

// tracing adds to o what the telemetry wants to know, and sends the trace's id to the registries that
// are to get it.
func (a *app) tracing(o registry.Options) registry.Options {
	if a.session == nil {
		return o
	}
	o.Observe = both(o.Observe, a.session.Exchange)
	o.ObserveDecision = both(o.ObserveDecision, a.session.Decision)
	before := o.Transport
	o.Transport = func(c registry.Config, t *transport.Options) {
		if before != nil {
			before(c, t)
		}
		if !c.TraceContext {
			return
		}
		if t.Headers == nil {
			t.Headers = map[string]string{}
		}
		t.Headers["Traceparent"] = a.session.TraceParent()
	}
	return o
}

// phases are the parts of an install as its events tell them: they overlap, since packages are
// fetched while others are chosen.
type phases struct {
	session *telemetry.Session
	mu      sync.Mutex
	start   time.Time
	parts   map[install.EventType]*phase
}

type phase struct {
	name       string
	start, end time.Time
	n          int
	bytes      int64
}

func newPhases(s *telemetry.Session) *phases {
	return &phases{session: s, start: time.Now(), parts: map[install.EventType]*phase{}}
}

func (p *phases) event(e install.Event) {
	name := ""
	switch e.Type {
	case install.EventResolved:
		name = "resolve"
	case install.EventFetched:
		name = "fetch"
	case install.EventLinking:
		name = "link"
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.parts[e.Type]
	if part == nil {
		part = &phase{name: name, start: time.Now()}
		if e.Type != install.EventLinking {
			part.start = p.start // an event is the end of what it tells
		}
		p.parts[e.Type] = part
	}
	part.end = time.Now()
	part.n++
	part.bytes += e.Bytes
}

// stop ends the phases; linking goes on to the end.
func (p *phases) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for typ, part := range p.parts {
		attrs := []telemetry.Attr{{Key: "pantry.packages", Value: part.n}}
		switch typ {
		case install.EventLinking:
			part.end, attrs = time.Now(), nil
		case install.EventFetched:
			attrs = append(attrs, telemetry.Attr{Key: "pantry.bytes", Value: part.bytes})
		}
		p.session.Span(part.name, part.start, part.end, "", attrs...)
	}
}

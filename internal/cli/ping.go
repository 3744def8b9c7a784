package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// pingTime bounds how long a registry is waited for: a person waits, and a registry that takes
// longer is not in working order.
const pingTime = 10 * time.Second

func (a *app) registryPingCommand() *cobra.Command {
	var all bool
	var every time.Duration
	c := &cobra.Command{
		Use:   "ping [NAME]",
		Short: "Ask a registry whether it is there",
		Long: `Ping asks the default registry, the one that is named, or with --all every enabled one that is
asked for names without a prefix, and prints how long the answer took, whether a credential was
sent and accepted, how long the server's certificate holds, and what is wrong with its clock.
With --watch it asks again and again until it is interrupted.`,
		Args: names(0, 1, "at most one name"),
		RunE: func(c *cobra.Command, args []string) error {
			name := a.flags.registry
			if len(args) > 0 {
				name = args[0]
			}
			if all && name != "" {
				return usagef("--all asks every registry: leave out %q", name)
			}
			if c.Flags().Changed("watch") {
				if every != 0 && every < minWatch {
					return usagef("--watch=%v: at least %v", every, minWatch)
				}
				return a.watch(c.Context(), name, all, every)
			}
			return a.ping(c.Context(), name, all)
		},
	}
	f := c.Flags()
	f.BoolVar(&all, "all", false, "ask every enabled registry")
	f.DurationVar(&every, "watch", 0, "ask again every `INTERVAL` until interrupted; without one, as healthCheck says, or every 5s")
	f.Lookup("watch").NoOptDefVal = "0s"
	return c
}

// pong is what a registry said to a ping.
type pong struct {
	Registry string    `json:"registry"`
	Type     string    `json:"type"`
	URL      string    `json:"url"`
	At       time.Time `json:"at"`
	OK       bool      `json:"ok"`
	Millis   int64     `json:"latencyMs"`
	// Credential is the source of the credential that was sent; "" when none was.
	Credential string    `json:"credential,omitempty"`
	Code       string    `json:"code,omitempty"` // of the error, as in the errors of --json
	Error      string    `json:"error,omitempty"`
	Health     healthRow `json:"health"`

	latency time.Duration
	err     error
}

// pinger asks registries, and remembers what was seen on the wire.
type pinger struct {
	a       *app
	entries []*registry.Entry

	mu   sync.Mutex
	last map[string]transport.Exchange // by registry: the last one of which most is known
}

func (p *pinger) observe(e transport.Exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last[e.Registry] = e
}

func (a *app) newPinger(name string, all bool) (*pinger, error) {
	p := &pinger{a: a, last: map[string]transport.Exchange{}}
	m, err := a.asking(registry.Options{Observe: p.observe})
	if err != nil {
		return nil, err
	}
	a.routes = m
	p.entries, err = a.toPing(m, name, all)
	return p, err
}

// ping asks all at once.
func (p *pinger) ping(ctx context.Context) ([]pong, error) {
	pongs := make([]pong, len(p.entries))
	var wg sync.WaitGroup
	for i, e := range p.entries {
		wg.Go(func() { pongs[i] = ping(ctx, e) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, _ := p.a.statistics() // what cannot be read is not there
	now := time.Now()
	for i := range pongs {
		one := &pongs[i]
		one.At = now
		one.Credential = p.last[one.Registry].Credential
		one.Health = newHealth(s.Registry(one.Registry), one.URL, now)
	}
	return pongs, nil
}

func (a *app) ping(ctx context.Context, name string, all bool) error {
	p, err := a.newPinger(name, all)
	if err != nil {
		return err
	}
	pongs, err := p.ping(ctx)
	if err != nil {
		return err
	}
	if a.flags.json {
		err = a.printJSON(pongs)
	} else {
		err = printPongs(a.Stdout, pongs)
	}
	if err != nil {
		return err
	}
	return pingError(pongs)
}

func (a *app) toPing(m *registry.Manager, name string, all bool) ([]*registry.Entry, error) {
	if name != "" {
		e, err := a.known(name)
		return []*registry.Entry{e}, err
	}
	if !all {
		e, ok := m.Default()
		if !ok {
			err := fmt.Errorf("every registry is disabled: %w", pantry.ErrConfig)
			return nil, pantry.WithHint(err, "enable one: pantry registry enable NAME")
		}
		return []*registry.Entry{e}, nil
	}
	var entries []*registry.Entry
	for _, e := range m.All() {
		c := e.Config()
		// One that is built in, and asked only where it is named, is of no concern to most.
		byNameOnly := c.ClaimsOnly && len(c.Packages) == 0
		if e.Enabled() && !byNameOnly {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func ping(ctx context.Context, e *registry.Entry) pong {
	p := pong{Registry: e.Name(), Type: e.Type()}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	if p.err = e.Err(); p.err == nil {
		r, ok := pantry.As[pantry.Pinger](e)
		if !ok {
			p.err = fmt.Errorf("registries of type %s have nothing to ask: %w", e.Type(), pantry.ErrUnsupported)
		} else {
			start := time.Now()
			p.err = r.Ping(ctx)
			p.latency = time.Since(start)
		}
	}
	p.URL, p.OK, p.Millis = e.URL(), p.err == nil, p.latency.Milliseconds()
	if p.err != nil {
		_, p.Code = classify(p.err)
		p.Error = clean(p.err.Error())
	}
	return p
}

func printPongs(to io.Writer, pongs []pong) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, p := range pongs {
		state := "ok"
		if !p.OK {
			state = p.Code
		}
		remarks := append([]string{p.credential()}, p.Health.remarks(p.At)...)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Registry, state, duration(p.latency), p.Health.usual(), p.URL, strings.Join(remarks, "; "))
	}
	return w.Flush()
}

// usual is how long answers take.
func (h healthRow) usual() string {
	if h.Latencies.P50 == nil {
		return "-"
	}
	return millis(h.Latencies.P50) + "/" + millis(h.Latencies.P95)
}

// credential says what became of the one that was sent.
func (p pong) credential() string {
	switch {
	case p.Credential == "":
		return "no credential"
	case p.OK:
		return "credential accepted: " + p.Credential
	case !errors.Is(p.err, pantry.ErrDenied):
		return "credential sent: " + p.Credential
	case p.Health.Credential.State == credentialExpired:
		return "credential expired: " + p.Credential
	}
	return "credential refused: " + p.Credential
}

// pingError is the error of those that failed: their own, where it is one for all that were asked.
func pingError(pongs []pong) error {
	var failed []error
	codes := map[string]bool{}
	for _, p := range pongs {
		if p.err != nil {
			failed = append(failed, p.err)
			codes[p.Code] = true
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(failed) == 1 && len(pongs) == 1:
		return failed[0]
	case len(failed) == len(pongs) && len(codes) == 1:
		return fmt.Errorf("no registry answered: %w", errors.Join(failed...))
	}
	// Not %w: they failed in different ways, or others answered, so that no one class is right.
	return fmt.Errorf("%d of %d registries failed:\n%v", len(failed), len(pongs), errors.Join(failed...))
}

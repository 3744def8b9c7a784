package cli

import (
	"context"
	"errors"
	"fmt"
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
	c := &cobra.Command{
		Use:   "ping [NAME]",
		Short: "Ask a registry whether it is there",
		Long: `Ping asks the default registry, the one that is named, or with --all every enabled one that is
asked for names without a prefix, and prints how long the answer took and whether a credential
was sent and accepted.`,
		Args: names(0, 1, "at most one name"),
		RunE: func(c *cobra.Command, args []string) error {
			name := a.flags.registry
			if len(args) > 0 {
				name = args[0]
			}
			if all && name != "" {
				return usagef("--all asks every registry: leave out %q", name)
			}
			return a.ping(c.Context(), name, all)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "ask every enabled registry")
	return c
}

// pong is what a registry said to a ping.
type pong struct {
	Registry string `json:"registry"`
	Type     string `json:"type"`
	URL      string `json:"url"`
	OK       bool   `json:"ok"`
	Millis   int64  `json:"latencyMs"`
	// Credential is the source of the credential that was sent; "" when none was.
	Credential string `json:"credential,omitempty"`
	Code       string `json:"code,omitempty"` // of the error, as in the errors of --json
	Error      string `json:"error,omitempty"`

	latency time.Duration
	err     error
}

// senders remembers which credential was sent to each registry.
type senders struct {
	mu     sync.Mutex
	source map[string]string
}

func (s *senders) observe(e transport.Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Credential != "" {
		s.source[e.Registry] = e.Credential
	}
}

func (a *app) ping(ctx context.Context, name string, all bool) error {
	sent := &senders{source: map[string]string{}}
	m, err := a.asking(registry.Options{Observe: sent.observe})
	if err != nil {
		return err
	}
	a.routes = m
	entries, err := a.toPing(m, name, all)
	if err != nil {
		return err
	}
	pongs := make([]pong, len(entries))
	var wg sync.WaitGroup
	for i, e := range entries {
		wg.Go(func() { pongs[i] = ping(ctx, e) })
	}
	wg.Wait()
	for i := range pongs {
		pongs[i].Credential = sent.source[pongs[i].Registry]
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.flags.json {
		err = a.printJSON(pongs)
	} else {
		err = a.printPongs(pongs)
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

func (a *app) printPongs(pongs []pong) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, p := range pongs {
		state, credential := "ok", "no credential"
		switch {
		case !p.OK:
			state = p.Code
		case p.Credential != "":
			credential = "credential accepted: " + p.Credential
		}
		if !p.OK && p.Credential != "" {
			credential = "credential sent: " + p.Credential
			if errors.Is(p.err, pantry.ErrDenied) {
				credential = "credential refused: " + p.Credential
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", p.Registry, state, duration(p.latency), p.URL, credential)
	}
	return w.Flush()
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

package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/discover"
	"github.com/pantry-go/pantry/discover/foreign"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// proposalFlags are those of the commands that propose registries.
type proposalFlags struct {
	yes, check, user bool
	only             []string
}

func (f *proposalFlags) define(c *cobra.Command) {
	fl := c.Flags()
	fl.BoolVarP(&f.yes, "yes", "y", false, "add what can be added, without asking")
	fl.BoolVar(&f.check, "check", false, "ask each registry, without a credential, whether it is there")
	fl.StringSliceVar(&f.only, "only", nil, "the `NAME`s to add, of those that are proposed")
	fl.BoolVar(&f.user, "user", false, "change the user's configuration")
}

// findings is what was found, and where was looked.
type findings struct {
	Proposals []discover.Proposal
	Secrets   []foreign.Secret
	read      []string
}

// proposalRow is a proposal as it is printed.
type proposalRow struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Adapter    string         `json:"adapter,omitempty"`
	URL        string         `json:"url"`
	Priority   *int           `json:"priority,omitempty"`
	Packages   []string       `json:"packages"`
	Mirrors    []string       `json:"mirrors,omitempty"`
	From       string         `json:"from"`
	Tool       string         `json:"tool"`
	Credential string         `json:"credential,omitempty"` // where it comes from, never its value
	State      discover.State `json:"state"`
	Reason     string         `json:"reason,omitempty"`
	Notes      []string       `json:"notes"`
}

// propose shows what was found, asks about what is new, and adds what is agreed to.
func (a *app) propose(ctx context.Context, found findings, f proposalFlags) error {
	c, err := a.settings()
	if err != nil {
		return err
	}
	path, err := a.configFile(f.user)
	if err != nil {
		return err
	}
	configured := c.WithoutNpmrc()
	builtIn := func(name string) bool {
		return slices.ContainsFunc(configured, func(c registry.Config) bool { return c.Name == name && config.IsBuiltIn(c) })
	}
	all := found.Proposals
	discover.Judge(all, configured, builtIn)
	for i := range all {
		a.openable(&all[i])
	}
	if err := checkOnly(all, f.only); err != nil {
		return err
	}
	if f.check {
		if c.Offline {
			return fmt.Errorf("%w: registries can't be asked, since pantry is offline", pantry.ErrUnavailable)
		}
		a.checkAlive(ctx, all)
	}
	rows := make([]proposalRow, len(all))
	for i, p := range all {
		rows[i] = rowOf(p)
	}
	if !a.flags.json {
		if err := a.printProposals(rows, found); err != nil {
			return err
		}
	}
	accepted, err := a.agreed(ctx, all, f, path)
	if err != nil {
		return err
	}
	if err := a.addAll(path, accepted); err != nil {
		return err
	}
	return a.printAdded(rows, found, accepted, path)
}

// openable refuses what this version can configure and not ask.
func (a *app) openable(p *discover.Proposal) {
	if p.State != discover.New {
		return
	}
	_, err := a.alone(*p)
	if errors.Is(err, pantry.ErrUnsupported) {
		p.State, p.Reason = discover.Unsupported, clean(err.Error())
	}
}

// alone opens the registry of a proposal, without any credential: whoever proposed it has not been
// agreed to.
func (a *app) alone(p discover.Proposal) (*registry.Entry, error) {
	entry := p.Entry
	entry.Auth, entry.Headers, entry.Credentials = nil, nil, nil
	entry.CredentialHelper, entry.NoLookup = "", "a proposal"
	m := registry.NewManager(registry.Options{
		Getenv: a.getenv, UserAgent: "pantry/" + programVersion(),
		Kinds: withoutTokens(registry.Kinds()),
	})
	if err := m.Add(entry); err != nil {
		return nil, err
	}
	e, _ := m.Get(entry.Name)
	return e, e.Err()
}

// withoutTokens is registry types that find no credential by themselves.
func withoutTokens(kinds []registry.Kind) []registry.Kind {
	for i := range kinds {
		kinds[i].TokenVariables, kinds[i].TokenCommand = nil, nil
	}
	return kinds
}

// checkOnly finds names of --only that nothing has.
func checkOnly(all []discover.Proposal, only []string) error {
	for _, name := range only {
		if !slices.ContainsFunc(all, func(p discover.Proposal) bool { return p.Entry.Name == name }) {
			return usagef("--only %s: no registry of this name was found", name)
		}
	}
	return nil
}

// checkAlive asks each registry that could be added whether it is there.
func (a *app) checkAlive(ctx context.Context, all []discover.Proposal) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8) // at one time: a file may name many
	for i := range all {
		p := &all[i]
		if p.State != discover.New {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			e, err := a.alone(*p)
			if err == nil {
				err = ping(ctx, e).err
			}
			switch {
			case err == nil, errors.Is(err, pantry.ErrUnsupported):
			case errors.Is(err, pantry.ErrDenied):
				p.Note("it is there, and wants a credential")
			default:
				p.State, p.Reason = discover.Dead, clean(err.Error())
			}
		})
	}
	wg.Wait()
}

func rowOf(p discover.Proposal) proposalRow {
	e := p.Entry
	r := proposalRow{
		Name: clean(e.Name), Type: clean(e.Type), Adapter: clean(e.Adapter), URL: shownURL(e.URL), Priority: e.Priority,
		Packages: []string{}, From: clean(p.From), Tool: p.Tool, Credential: clean(p.Credential),
		State: p.State, Reason: clean(p.Reason), Notes: []string{},
	}
	for _, pattern := range e.Packages {
		r.Packages = append(r.Packages, clean(pattern))
	}
	for _, m := range e.Mirrors {
		r.Mirrors = append(r.Mirrors, shownURL(m.URL))
	}
	for _, n := range p.Notes {
		r.Notes = append(r.Notes, clean(n))
	}
	return r
}

// shownURL is a URL without what may be secret in it. One with variables is shown as it is: they are
// not expanded.
func shownURL(u string) string {
	if strings.Contains(u, "${") {
		return clean(u)
	}
	return transport.RedactURL(u)
}

func (a *app) printProposals(rows []proposalRow, found findings) error {
	if len(rows) > 0 {
		w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tTYPE\tURL\tCLAIMS\tFROM\tSTATE")
		for _, r := range rows {
			typ := r.Type
			if r.Adapter != "" {
				typ += " " + r.Adapter
			}
			claims := strings.Join(r.Packages, ", ")
			if claims == "" {
				claims = "-"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, typ, r.URL, claims, r.From, r.State)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, r := range rows {
		said := r.Notes
		if r.Credential != "" {
			said = append([]string{"credential: " + r.Credential}, said...)
		}
		if r.Reason != "" {
			said = append([]string{r.Reason}, said...)
		}
		for _, s := range said {
			if _, err := fmt.Fprintf(a.Stdout, "%s: %s\n", r.Name, s); err != nil {
				return err
			}
		}
	}
	for _, s := range found.Secrets {
		a.warnf("%s:%d: a secret stands there as plain text: %s = %s", s.File, s.Line, clean(s.What), s.Masked)
	}
	return nil
}

// agreed are the proposals that are new and that the user says yes to. Nobody to ask means no.
func (a *app) agreed(ctx context.Context, all []discover.Proposal, f proposalFlags, path string) ([]discover.Proposal, error) {
	var out []discover.Proposal
	for _, p := range all {
		if p.State != discover.New || len(f.only) > 0 && !slices.Contains(f.only, p.Entry.Name) {
			continue
		}
		yes := f.yes
		if !yes {
			var err error
			yes, err = a.confirm(ctx, fmt.Sprintf("add %s (%s) to %s?", p.Entry.Name, shownURL(p.Entry.URL), a.shownConfig(path)))
			if err != nil {
				return nil, err
			}
		}
		if yes {
			out = append(out, p)
		}
	}
	return out, ctx.Err()
}

// confirm asks a person; where there is nobody to ask, or with --json, the answer is no.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	if !a.Interactive || a.flags.json {
		return false, nil
	}
	fmt.Fprintf(a.Stderr, "pantry: %s [y/N] ", question)
	answer, err := a.readLine(ctx)
	if err != nil {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// addAll writes all entries at once, or none.
func (a *app) addAll(path string, accepted []discover.Proposal) error {
	if len(accepted) == 0 {
		return nil
	}
	_, err := a.edit(path, func(e *config.Editor) error {
		for _, p := range accepted {
			if err := e.AddRegistry(p.Entry); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (a *app) printAdded(rows []proposalRow, found findings, accepted []discover.Proposal, path string) error {
	added := []string{}
	for _, p := range accepted {
		added = append(added, p.Entry.Name)
	}
	if a.flags.json {
		doc := struct {
			Read      []string         `json:"read"`
			Proposals []proposalRow    `json:"proposals"`
			Secrets   []foreign.Secret `json:"secrets"`
			Added     []string         `json:"added"`
			File      string           `json:"file"`
		}{found.read, rows, found.Secrets, added, a.shownConfig(path)}
		if doc.Read == nil {
			doc.Read = []string{}
		}
		if doc.Secrets == nil {
			doc.Secrets = []foreign.Secret{}
		}
		return a.printJSON(doc)
	}
	fresh := 0
	for _, r := range rows {
		if r.State == discover.New {
			fresh++
		}
	}
	switch {
	case a.flags.quiet:
		return nil
	case len(rows) == 0 && len(found.read) == 0:
		_, err := fmt.Fprintln(a.Stdout, "no configuration of another tool was found")
		return err
	case len(rows) == 0:
		_, err := fmt.Fprintf(a.Stdout, "no registries in %s\n", strings.Join(found.read, ", "))
		return err
	case len(added) > 0:
		_, err := fmt.Fprintf(a.Stdout, "added %s to %s\n", strings.Join(added, ", "), a.shownConfig(path))
		return err
	case fresh > 0 && !a.Interactive:
		_, err := fmt.Fprintln(a.Stdout, "nothing was added: --yes adds what is new")
		return err
	}
	_, err := fmt.Fprintln(a.Stdout, "nothing was added")
	return err
}

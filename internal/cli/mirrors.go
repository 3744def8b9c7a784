package cli

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// mirrorRow is a mirror as registry list prints it.
type mirrorRow struct {
	URL    string  `json:"url"`
	Weight int     `json:"weight"`
	Out    *outRow `json:"out,omitempty"` // why it is not asked
}

type outRow struct {
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}

// mirrorRows lists the mirrors of a registry: as they are, or as they are configured where the
// registry cannot be opened.
func mirrorRows(e *registry.Entry) []mirrorRow {
	var rows []mirrorRow
	states, err := e.Mirrors()
	if err != nil {
		for _, m := range e.Config().Mirrors {
			shown := m.URL
			if !strings.Contains(shown, "${") {
				shown = transport.RedactURL(shown)
			}
			rows = append(rows, mirrorRow{URL: clean(shown), Weight: cmp.Or(m.Weight, 1)})
		}
		return rows
	}
	for _, s := range states {
		row := mirrorRow{URL: s.URL, Weight: s.Weight}
		if s.Out != nil {
			row.Out = &outRow{s.Out.Since, clean(s.Out.Reason)}
		}
		rows = append(rows, row)
	}
	return rows
}

// printMirrors prints the mirrors of those registries that have any.
func (a *app) printMirrors(rows []registryRow) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	head := "\nMIRROR OF\tURL\tWEIGHT\tSTATE\n"
	for _, r := range rows {
		for _, m := range r.Mirrors {
			state := "asked"
			if m.Out != nil {
				state = fmt.Sprintf("out since %s: %s", m.Out.Since.Local().Format(time.DateTime), m.Out.Reason)
			}
			fmt.Fprintf(w, "%s%s\t%s\t%d\t%s\n", head, r.Name, m.URL, m.Weight, state)
			head = ""
		}
	}
	return w.Flush()
}

func (a *app) registryTrustCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "trust NAME [MIRROR]",
		Short: "Have mirrors asked again that served wrong bytes",
		Long: `A mirror that served other bytes than those that were published is not asked any more, by any
command, until it is trusted again: all mirrors of the registry, or the one with the URL.`,
		Example: `  pantry registry trust acme
  pantry registry trust acme https://eu.acme.example`,
		Args: names(1, 2, "the name of a registry, and perhaps the URL of a mirror"),
		RunE: func(_ *cobra.Command, args []string) error {
			mirror := ""
			if len(args) > 1 {
				mirror = args[1]
			}
			return a.registryTrust(args[0], mirror)
		},
	}
}

func (a *app) registryTrust(name, mirror string) error {
	e, err := a.known(name)
	if err != nil {
		return err
	}
	again, err := e.Trust(mirror)
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(struct {
			Registry string   `json:"registry"`
			Trusted  []string `json:"trusted"`
		}{name, append([]string{}, again...)})
	}
	if a.flags.quiet {
		return nil
	}
	if len(again) == 0 {
		_, err = fmt.Fprintf(a.Stdout, "no mirror of registry %s was out\n", name)
	}
	for _, url := range again {
		if _, err = fmt.Fprintf(a.Stdout, "mirror %s of registry %s is asked again\n", url, name); err != nil {
			break
		}
	}
	return err
}

// distrusts remembers which mirrors turned out to serve wrong bytes, to be told of when the command
// is done: they are found by goroutines that must not write to the terminal.
type distrusts struct {
	mu   sync.Mutex
	list []string
}

func (d *distrusts) add(name, mirror string, why transport.Distrust) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, fmt.Sprintf("mirror %s of registry %s served wrong bytes and is not asked any more: %s\nif it was put right: pantry registry trust %s",
		clean(mirror), name, clean(why.Reason), name))
}

func (d *distrusts) tell(a *app) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.list {
		a.warnf("%s", s)
	}
	d.list = nil
}

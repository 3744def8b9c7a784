package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) originsCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "origins",
		Short: "List and approve which registries the project's packages are from",
		Long: `The lockfile fixes the registry of a package. That another one answers for it later is an
error, until the change is approved.`,
	}, a.originsListCommand(), a.originsApproveCommand())
}

func (a *app) originsListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list [NAME...]",
		Aliases: []string{"ls"},
		Short:   "List the registry of every locked package",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(_ *cobra.Command, args []string) error { return a.originsList(args) },
	}
}

// originRow is where the versions of a package are from.
type originRow struct {
	Name     string   `json:"name"`
	Registry string   `json:"registry"`
	Versions []string `json:"versions"`
	// Configured says that there is a registry of that name.
	Configured bool   `json:"configured"`
	URL        string `json:"url,omitempty"`
	// Pattern is the claim that the name matches, and Claimants are the registries that have it.
	Pattern   string   `json:"pattern,omitempty"`
	Claimants []string `json:"claimants,omitempty"`
	// Unconfirmed is the registry that was unavailable when this one was chosen.
	Unconfirmed string `json:"unconfirmed,omitempty"`
}

func (a *app) originsList(only []string) error {
	l, _, err := a.readLock()
	if err != nil {
		return err
	}
	m, err := a.manager()
	if err != nil {
		return err
	}
	rows := originRows(l, m)
	if len(only) > 0 {
		rows = slices.DeleteFunc(rows, func(r originRow) bool { return !slices.Contains(only, r.Name) })
	}
	if a.flags.json {
		return a.printJSON(rows)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.Registry, strings.Join(r.Versions, ", "), r.remark())
	}
	return w.Flush()
}

// originRows lists the packages of a lockfile by name and registry.
func originRows(l *lockfile.Lock, m *registry.Manager) []originRow {
	rows := []originRow{}
	index := map[[2]string]int{}
	for _, p := range l.Packages {
		key := [2]string{p.Name, p.Registry}
		i, ok := index[key]
		if !ok {
			i = len(rows)
			index[key] = i
			r := originRow{Name: p.Name, Registry: p.Registry}
			if e, ok := m.Get(p.Registry); ok {
				r.Configured, r.URL = true, e.URL()
			}
			for _, e := range m.All() {
				if pattern, ok := e.Claims(p.Name); ok {
					r.Pattern = cmp.Or(r.Pattern, pattern)
					r.Claimants = append(r.Claimants, e.Name())
				}
			}
			rows = append(rows, r)
		}
		rows[i].Versions = append(rows[i].Versions, p.Version)
		rows[i].Unconfirmed = cmp.Or(rows[i].Unconfirmed, p.Unconfirmed)
	}
	for i := range rows {
		slices.Sort(rows[i].Versions)
		rows[i].Versions = slices.Compact(rows[i].Versions)
	}
	slices.SortFunc(rows, func(a, b originRow) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Registry, b.Registry))
	})
	return rows
}

func (r originRow) remark() string {
	switch {
	case r.Unconfirmed != "":
		return "not confirmed: " + r.Unconfirmed + " was unavailable"
	case !r.Configured:
		return "no registry has this name"
	case len(r.Claimants) > 0 && !slices.Contains(r.Claimants, r.Registry):
		return fmt.Sprintf("claimed by %s (%s)", strings.Join(r.Claimants, ", "), r.Pattern)
	case r.Pattern != "":
		return "claimed (" + r.Pattern + ")"
	}
	return ""
}

func (a *app) originsApproveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "approve NAME...",
		Short: "Accept that packages come from another registry than before",
		Long: `Approve asks which registry answers for a package now, and changes pantry.lock to have it from
there. Of a package whose origin is not confirmed, since a registry was unavailable when it was
locked, the one that is locked is accepted. Nothing is installed: pantry install does that.`,
		Args: names(1, -1, "the names of packages"),
		RunE: func(c *cobra.Command, args []string) error { return a.originsApprove(c.Context(), args) },
	}
}

func (a *app) originsApprove(ctx context.Context, names []string) error {
	o, err := a.installOptions(installFlags{method: "auto"})
	if err != nil {
		return err
	}
	p := a.newProgress()
	o.Events = p.event
	approvals, err := install.Approve(ctx, o, names)
	p.stop()
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(approvals)
	}
	for _, v := range approvals {
		what := fmt.Sprintf("%s is from %s, as before: nothing to approve", v.Name, v.Was)
		switch {
		case v.Confirmed:
			what = fmt.Sprintf("%s@%s from %s is confirmed", v.Name, v.Version, v.Registry)
		case v.Registry != v.Was:
			what = fmt.Sprintf("%s is from %s now (%s), and was from %s", v.Name, v.Registry, v.Version, v.Was)
		}
		if _, err := fmt.Fprintln(a.Stdout, what); err != nil {
			return err
		}
	}
	return nil
}

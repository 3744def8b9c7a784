package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/semver"
)

func (a *app) versionsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "versions NAME[@RANGE]",
		Short: "List the versions of a package",
		Long: `Versions prints the versions of a package in ascending order, one a line: those of the
registry that answers for the name. With a range it prints those that satisfy it, with a
tag the one that has it.`,
		Args: names(1, 1, "one package"),
		RunE: func(c *cobra.Command, args []string) error { return a.versions(c.Context(), args[0]) },
	}
	a.ageFlags(c)
	return c
}

func (a *app) versions(ctx context.Context, arg string) error {
	ctx, m, err := a.questions(ctx, registry.Options{})
	if err != nil {
		return err
	}
	w, err := a.wish(m, arg)
	if err != nil {
		return err
	}
	f, err := w.find(ctx, m)
	if err != nil {
		return err
	}
	a.warn(f.decision)
	list := f.pkg.Versions()
	if w.wanted != "" {
		if list, err = satisfying(f.pkg, w.wanted, f.version); err != nil {
			return err
		}
	}
	if a.flags.json {
		return a.printJSON(list)
	}
	for _, v := range list {
		if _, err := fmt.Fprintln(a.Stdout, clean(v)); err != nil {
			return err
		}
	}
	return nil
}

// satisfying keeps the versions of a range, and the one that was picked for it, which a tag or a
// package of prereleases may have besides.
func satisfying(p pantry.Package, wanted, picked string) ([]string, error) {
	if other, ok := p.(pantry.VersionPicker); ok {
		return other.Satisfying(wanted)
	}
	var out []string
	for _, v := range p.Versions() {
		if v == picked || semver.Satisfies(v, wanted) {
			out = append(out, v)
		}
	}
	return out, nil
}

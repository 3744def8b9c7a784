package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/semver"
)

func (a *app) deprecateCommand() *cobra.Command {
	var otp string
	c := &cobra.Command{
		Use:   "deprecate NAME[@RANGE] MESSAGE",
		Short: "Warn of versions of a package",
		Long: `Deprecate makes MESSAGE what whoever installs one of the versions is told. They stay where they are.
An empty MESSAGE takes the warning back.`,
		Example: `  pantry deprecate ui@"<1.2.3" "does not work on Fridays: use 1.2.3"
  pantry deprecate ui ""`,
		Args: names(2, 2, "versions and a message"),
		RunE: func(c *cobra.Command, args []string) error { return a.deprecate(c.Context(), args[0], args[1], otp) },
	}
	otpFlag(c, &otp)
	return c
}

func (a *app) deprecate(ctx context.Context, arg, message, otp string) error {
	s, err := manifest.ParseSpec(arg, nil)
	if err != nil {
		return err
	}
	if s.Type != manifest.VersionSpec && s.Type != manifest.RangeSpec {
		return usagef("%q: expected NAME or NAME@RANGE", arg)
	}
	var versions []string
	err = a.atHome(ctx, s.Package, otp, func(ctx context.Context, m *registry.Manager, at string) error {
		pkg, _, err := m.Find(ctx, registry.Request{Name: s.Package, Registry: at})
		if err != nil {
			return err
		}
		if versions, err = within(pkg, s.Range); err != nil {
			return err
		}
		return m.Deprecate(ctx, at, s.Package, versions, message)
	})
	if err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(map[string]any{"name": s.Package, "versions": versions, "deprecated": message})
	}
	what := "deprecated"
	if message == "" {
		what = "no longer deprecated"
	}
	_, err = fmt.Fprintf(a.Stdout, "%s %s: %s\n", clean(s.Package), clean(strings.Join(versions, " ")), what)
	return err
}

// within are the versions of a package that a range holds, prereleases too.
func within(pkg pantry.Package, rng string) ([]string, error) {
	r, err := semver.ParseRangeIncludePrerelease(rng)
	if err != nil {
		return nil, usagef("%q is no range: %w", rng, err)
	}
	var out []string
	for _, v := range pkg.Versions() {
		if parsed, err := semver.Parse(v); err == nil && r.Match(parsed) || rng == "*" {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no version that satisfies %q: %w", clean(pkg.Name()), rng, pantry.ErrVersionNotFound)
	}
	return out, nil
}

func (a *app) unpublishCommand() *cobra.Command {
	var otp string
	var force bool
	c := &cobra.Command{
		Use:   "unpublish NAME@VERSION",
		Short: "Remove a version of a package from its registry",
		Long: `Unpublish removes a version, or with --force the whole package NAME. What depends on it can't be installed
any more, and registries do not take the same version again: deprecate is kinder.`,
		Args: names(1, 1, "one version"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.unpublish(c.Context(), args[0], otp, force)
		},
	}
	c.Flags().BoolVar(&force, "force", false, "remove all versions")
	otpFlag(c, &otp)
	return c
}

func (a *app) unpublish(ctx context.Context, arg, otp string, force bool) error {
	s, err := manifest.ParseSpec(arg, nil)
	if err != nil {
		return err
	}
	version := s.Range
	switch {
	case s.Type == manifest.RangeSpec && s.Range == "*" && force:
		version = ""
	case s.Type == manifest.RangeSpec && s.Range == "*":
		return usagef("%q would remove all versions: name one, or add --force", arg)
	case s.Type != manifest.VersionSpec:
		return usagef("%q: expected NAME@VERSION with a version such as 1.2.3", arg)
	}
	err = a.atHome(ctx, s.Package, otp, func(ctx context.Context, m *registry.Manager, at string) error {
		return m.Unpublish(ctx, at, s.Package, version)
	})
	if err == nil && !a.flags.json {
		_, err = fmt.Fprintf(a.Stdout, "- %s\n", pantry.Ref{Name: clean(s.Package), Version: clean(version)})
	}
	return err
}

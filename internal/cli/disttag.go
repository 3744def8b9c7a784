package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/publish"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) distTagCommand() *cobra.Command {
	c := group(&cobra.Command{
		Use:     "dist-tag",
		Aliases: []string{"dist-tags"},
		Short:   "Show and change the tags of a package",
	}, a.distTagListCommand(), a.distTagAddCommand(), a.distTagRemoveCommand())
	return c
}

func (a *app) distTagListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list [NAME]",
		Aliases: []string{"ls"},
		Short:   "List the tags of a package",
		Args:    atMostOne,
		RunE:    func(c *cobra.Command, args []string) error { return a.distTagList(c.Context(), args) },
	}
}

func (a *app) distTagAddCommand() *cobra.Command {
	var otp string
	c := &cobra.Command{
		Use:   "add NAME@VERSION [TAG]",
		Short: "Point a tag to a version",
		Long:  `Add points TAG (default latest) to a version that is there.`,
		Args:  names(1, 2, "a version and a tag"),
		RunE: func(c *cobra.Command, args []string) error {
			name, version, err := exactVersion(args[0])
			if err != nil {
				return err
			}
			tag := "latest"
			if len(args) > 1 {
				tag = args[1]
			}
			err = a.atHome(c.Context(), name, otp, func(ctx context.Context, m *registry.Manager, at string) error {
				return m.SetTag(ctx, at, name, tag, version)
			})
			if err == nil && !a.flags.json {
				_, err = fmt.Fprintf(a.Stdout, "+%s: %s@%s\n", clean(tag), clean(name), clean(version))
			}
			return err
		},
	}
	otpFlag(c, &otp)
	return c
}

func (a *app) distTagRemoveCommand() *cobra.Command {
	var otp string
	c := &cobra.Command{
		Use:     "remove NAME TAG",
		Aliases: []string{"rm"},
		Short:   "Remove a tag",
		Args:    names(2, 2, "a name and a tag"),
		RunE: func(c *cobra.Command, args []string) error {
			err := a.atHome(c.Context(), args[0], otp, func(ctx context.Context, m *registry.Manager, at string) error {
				return m.DeleteTag(ctx, at, args[0], args[1])
			})
			if err == nil && !a.flags.json {
				_, err = fmt.Fprintf(a.Stdout, "-%s: %s\n", clean(args[1]), clean(args[0]))
			}
			return err
		},
	}
	otpFlag(c, &otp)
	return c
}

func otpFlag(c *cobra.Command, otp *string) {
	c.Flags().StringVar(otp, "otp", "", "one-time `CODE` of two-factor authentication")
}

// exactVersion reads NAME@VERSION.
func exactVersion(arg string) (name, version string, err error) {
	s, err := manifest.ParseSpec(arg, nil)
	if err != nil {
		return "", "", err
	}
	if s.Type != manifest.VersionSpec {
		return "", "", usagef("%q: expected NAME@VERSION with a version such as 1.2.3", arg)
	}
	return s.Package, s.Range, nil
}

// atHome changes something about a package at the registry that it belongs to, with a one-time password
// where that registry wants one.
func (a *app) atHome(ctx context.Context, name, otp string, do func(ctx context.Context, m *registry.Manager, at string) error) error {
	m, err := a.asking(registry.Options{Observe: a.notices()})
	if err != nil {
		return err
	}
	e, err := publish.Home(m, name, a.flags.registry)
	if err != nil {
		return err
	}
	if otp != "" {
		ctx = pantry.WithOTP(ctx, pantry.NewSecret(otp))
	}
	return publish.WithOTP(ctx, e.Name(), a.askOTP, func(ctx context.Context) error { return do(ctx, m, e.Name()) })
}

func (a *app) distTagList(ctx context.Context, args []string) error {
	m, err := a.asking(registry.Options{})
	if err != nil {
		return err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	} else {
		p, err := manifest.ReadProject(a.dir())
		if err != nil {
			return err
		}
		if name = p.Manifest().Name; name == "" {
			return usagef("there is no package here: name one")
		}
	}
	pkg, d, err := m.Find(ctx, registry.Request{Name: name, Registry: a.flags.registry})
	if err != nil {
		return err
	}
	a.warn(d)
	if a.flags.json {
		return a.printJSON(pkg.Tags())
	}
	for _, tag := range slices.Sorted(maps.Keys(pkg.Tags())) {
		if _, err := fmt.Fprintf(a.Stdout, "%s: %s\n", clean(tag), clean(pkg.Tags()[tag])); err != nil {
			return err
		}
	}
	return nil
}

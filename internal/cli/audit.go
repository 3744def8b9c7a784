package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/origins"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/resolve"
)

func (a *app) auditCommand() *cobra.Command {
	var byOrigin bool
	c := &cobra.Command{
		Use:   "audit",
		Short: "Look for packages that could come from somewhere else than they should",
		Long: `Audit --origins looks for dependency confusion: names of the project that a private and a public
registry both could answer for. Names that a registry claims are safe, and nobody is asked for them.
With --offline nobody is asked at all. Findings exit with code 4.`,
		Args: names(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error {
			if !byOrigin {
				return usagef("audit looks at origins only in this version: say --origins")
			}
			return a.auditOrigins(c.Context())
		},
	}
	c.Flags().BoolVar(&byOrigin, "origins", false, "look at where packages are from")
	return c
}

func (a *app) auditOrigins(ctx context.Context) error {
	p, err := manifest.ReadProject(a.dir())
	if err != nil {
		return err
	}
	l, err := lockfile.Read(filepath.Join(a.dir(), lockfile.Name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	c, err := a.settings()
	if err != nil {
		return err
	}
	managerOf := a.asking
	if c.Offline {
		managerOf = a.newManager
	}
	m, err := managerOf(registry.Options{})
	if err != nil {
		return err
	}
	o := origins.Options{Lock: l, Registries: m, Offline: c.Offline}
	for name, w := range resolve.Wishes(p.Manifest()) {
		spec, err := manifest.ParseSpec(name+"@"+w.Spec, isRegistry(m))
		if err == nil && spec.FromRegistry() && spec.Registry == "" {
			o.Wished = append(o.Wished, spec.Package)
		}
	}
	r, err := origins.Audit(ctx, o)
	if err != nil {
		return err
	}
	if a.flags.json {
		err = a.printJSON(r)
	} else {
		err = a.printAudit(r)
	}
	if err != nil {
		return err
	}
	if n := len(r.Findings); n > 0 {
		return fmt.Errorf("%s about where packages are from: %w", count(n, "finding"), pantry.ErrPolicy)
	}
	if len(r.Failed) > 0 {
		return fmt.Errorf("nothing was found, but not everybody answered: %w", r.Failed[0].Err)
	}
	return nil
}

func (a *app) printAudit(r *origins.Result) error {
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(a.Stdout, "%s: %s\n  %s\n", f.Code, clean(f.Message), clean(f.Advice)); err != nil {
			return err
		}
	}
	for _, f := range r.Failed {
		a.warnf("registry %s was asked for %s: %s", f.Registry, f.Name, clean(f.Error))
	}
	_, err := fmt.Fprintf(a.Stdout, "%s, %d claimed, %d asked about: %s\n",
		count(r.Checked, "name"), r.Claimed, r.Asked, count(len(r.Findings), "finding"))
	return err
}

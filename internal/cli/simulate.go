package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/simulate"
	"github.com/pantry-go/pantry/store"
)

// simulateFlags are those of simulate.
type simulateFlags struct {
	down, revoke []string
	cold         bool
	policy       string
}

func (a *app) simulateCommand() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Tell what would still install if registries were down",
		Long: `Simulate tells, for every package of the lockfile, where an install would get it from if things
were otherwise than they are: the store, its registry, a mirror, or nowhere. Of what the manifest
wishes and the lockfile does not have it tells who would be asked. It sends no request and changes
nothing. When something would not install the exit code is that of the install.`,
		Example: `  pantry simulate --down acme
  pantry simulate --cold-cache --down npm,eu.acme.example
  pantry simulate --revoke acme --policy strict.json`,
		Args: names(0, 0, "no argument"),
		RunE: func(c *cobra.Command, _ []string) error { return a.simulate(c.Context(), f) },
	}
	fl := c.Flags()
	fl.StringSliceVar(&f.down, "down", nil, "the registry `NAME`, or a host, does not answer")
	fl.StringSliceVar(&f.revoke, "revoke", nil, "the registry `NAME` refuses its credential")
	fl.BoolVar(&f.cold, "cold-cache", false, "nothing is in store and cache, as on a new machine")
	fl.StringVar(&f.policy, "policy", "", "the pantry.json in `FILE` stands instead of the project's")
	return c
}

func (a *app) simulate(ctx context.Context, f simulateFlags) error {
	c, err := a.simulatedSettings(f.policy)
	if err != nil {
		return err
	}
	m, err := c.Manager(registry.Options{UserAgent: "pantry/" + programVersion()})
	if err != nil {
		return err
	}
	p, err := manifest.ReadProject(a.dir())
	if err != nil {
		return err
	}
	l, err := lockfile.Read(filepath.Join(a.dir(), lockfile.Name))
	if errors.Is(err, fs.ErrNotExist) {
		l, err = lockfile.New(), nil
	}
	if err != nil {
		return err
	}
	o := simulate.Options{
		Lock: l, Wishes: resolve.Wishes(p.Manifest()), Registries: m, Down: f.down, Revoked: f.revoke,
		Platform: lockfile.Current(),
	}
	o.Tools = pantry.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH, Libc: o.Platform.Libc}
	if !f.cold {
		s, err := store.Open(c.StoreDir)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		o.Store = s
	}
	r, err := simulate.Run(ctx, o)
	if err != nil {
		return err
	}
	if a.flags.json {
		err = a.printJSON(struct {
			OK bool `json:"ok"`
			*simulate.Result
		}{r.Err() == nil, r})
	} else {
		err = a.printSimulation(r)
	}
	if err != nil {
		return err
	}
	return r.Err()
}

// simulatedSettings is the configuration, with the file of a policy in place of the project's.
func (a *app) simulatedSettings(policy string) (*config.Config, error) {
	if policy == "" {
		return a.settings()
	}
	path := policy
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.dir(), path)
	}
	if _, err := config.Validate(path, a.configOptions()); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s can't be read: %w", pantry.ErrConfig, policy, cause(err))
	}
	o := a.configOptions()
	o.Replace = map[string][]byte{config.ProjectFile(a.dir()): data}
	return config.Load(o)
}

func (a *app) printSimulation(r *simulate.Result) error {
	s := r.Summary
	fmt.Fprintf(a.Stdout, "%s locked: %d from the store, %d from the network, %d left out, %d would fail\n",
		count(s.Packages, "package"), s.Store, s.Network, s.LeftOut, s.Failed)
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, p := range r.Packages {
		switch {
		case p.From == "" && (!p.Optional || a.flags.verbose):
			fmt.Fprintf(w, "%s@%s\t%s\t%s\n", p.Name, p.Version, failing(p.Optional), clean(p.Reason))
		case p.From != "" && a.flags.verbose:
			fmt.Fprintf(w, "%s@%s\t%s\t%s\n", p.Name, p.Version, p.From, p.URL)
		}
	}
	for _, wish := range r.Wishes {
		said := "would be asked of " + wish.Registry
		switch {
		case wish.Reason != "":
			said = clean(wish.Reason)
		case wish.Unconfirmed != "":
			said += ", not confirmed: " + wish.Unconfirmed + " would have the first word"
		}
		if wish.Kept != "" {
			said += fmt.Sprintf("; what %s said before is kept, for --prefer-offline", wish.Kept)
		}
		fmt.Fprintf(w, "%s@%s\tnot locked\t%s\n", clean(wish.Name), clean(wish.Spec), said)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, note := range r.Notes {
		if _, err := fmt.Fprintln(a.Stdout, note); err != nil {
			return err
		}
	}
	return nil
}

func failing(optional bool) string {
	if optional {
		return "left out"
	}
	return "fails"
}

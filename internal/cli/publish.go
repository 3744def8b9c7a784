package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/pack"
	"github.com/pantry-go/pantry/publish"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

func (a *app) publishCommand() *cobra.Command {
	var o publishOptions
	c := &cobra.Command{
		Use:   "publish [DIR|TARBALL]",
		Short: "Publish a package to a registry or several",
		Long: `Publish packs a package, shows what is in it, and gives it to a registry: the one named, else
that of publishConfig.registry in package.json, else the one that claims the name, else the default one. A name
that a registry claims goes to no other. With --to the same bytes go to several registries; what one of them has
already is left as it is, so that the same command finishes what was broken off. No version is ever overwritten.`,
		Example: `  pantry publish --dry-run
  pantry publish --registry acme --tag next
  pantry publish ui-1.2.0.tgz --to acme,eu`,
		Args: atMostOne,
		RunE: func(c *cobra.Command, args []string) error { return a.publish(c.Context(), args, o) },
	}
	f := c.Flags()
	f.StringSliceVar(&o.to, "to", nil, "publish to these registries, `NAME,NAME`")
	f.StringVar(&o.tag, "tag", "", "point `TAG` to the version (default latest)")
	f.StringVar(&o.access, "access", "", "who may read a new package: public or restricted")
	f.StringVar(&o.otp, "otp", "", "one-time `CODE` of two-factor authentication")
	f.BoolVar(&o.provenance, "provenance", false, "not in this version")
	o.flags(c)
	return c
}

type publishOptions struct {
	packOptions
	to               []string
	tag, access, otp string
	provenance       bool
}

// published is what --json prints.
type published struct {
	packed
	Tag     string           `json:"tag"`
	Access  string           `json:"access,omitempty"`
	DryRun  bool             `json:"dryRun,omitempty"`
	Results []publish.Result `json:"results"`
}

func (a *app) publish(ctx context.Context, args []string, o publishOptions) error {
	if err := o.check(a.flags.registry); err != nil {
		return err
	}
	m, err := a.asking(registry.Options{Observe: a.notices()})
	if err != nil {
		return err
	}
	path := a.packageDir(args)
	life := lifecycle{a, path, "publish", o.ignoreScripts || isTarball(path)}
	p, err := a.toPublish(ctx, life, path, o)
	if err != nil {
		return err
	}
	a.preview(p)
	run := publish.Options{
		Registries: m, To: o.to, Tag: o.tag, Access: o.access, DryRun: o.dryRun, OTP: a.askOTP,
	}
	run.Report = func(r publish.Result) { a.reportPublished(p, r, run.TagOf(p)) }
	if a.flags.registry != "" {
		run.To = []string{a.flags.registry}
	}
	if o.otp != "" {
		ctx = pantry.WithOTP(ctx, pantry.NewSecret(o.otp))
	}
	results, err := publish.Run(ctx, p, run)
	if a.flags.json && results != nil {
		d := published{packed: describePacked(p), Tag: run.TagOf(p), Access: run.AccessOf(p), DryRun: o.dryRun, Results: results}
		err = errors.Join(err, a.printJSON(d))
	}
	if err != nil || o.dryRun {
		return err
	}
	return life.run(ctx, "publish", "postpublish")
}

func (o *publishOptions) check(only string) error {
	switch {
	case o.provenance:
		err := fmt.Errorf("provenance is not in this version: %w", pantry.ErrUnsupported)
		return pantry.WithHint(err, "publish without --provenance")
	case only != "" && len(o.to) > 0:
		return usagef("--registry and --to both say where to publish")
	case o.otp != "" && len(o.to) > 1:
		return usagef("a one-time code is for one registry: publish to each of %v by itself, or be asked for the code", o.to)
	case o.access != "" && o.access != "public" && o.access != "restricted":
		return usagef("--access %q: expected public or restricted", o.access)
	}
	return nil
}

// toPublish reads a tarball, or packs a folder.
func (a *app) toPublish(ctx context.Context, life lifecycle, path string, o publishOptions) (*pack.Package, error) {
	if isTarball(path) {
		return pack.Tarball(ctx, path, pack.Options{AllowSecrets: o.allowSecrets})
	}
	if err := life.run(ctx, "prepublishOnly"); err != nil {
		return nil, err
	}
	return life.pack(ctx, o.packOptions)
}

func (a *app) reportPublished(p *pack.Package, r publish.Result, tag string) {
	if a.flags.json {
		return
	}
	id := clean(p.Name) + "@" + clean(p.Version)
	switch r.Status {
	case publish.Published:
		fmt.Fprintf(a.Stdout, "+ %s at %s\n", id, r.Registry)
	case publish.There:
		fmt.Fprintf(a.Stdout, "= %s at %s: already there, same bytes\n", id, r.Registry)
	case publish.Planned:
		fmt.Fprintf(a.Stdout, "  %s would go to %s (%s) as %s\n", id, r.Registry, r.URL, clean(tag))
	case publish.Failed:
		fmt.Fprintf(a.Stdout, "- %s not at %s\n", id, r.Registry)
	}
}

// notices shows what registries have to say to whoever uses them, each once.
func (a *app) notices() func(transport.Exchange) {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(e transport.Exchange) {
		if e.Notice == "" || a.flags.quiet || a.flags.json {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !seen[e.Notice] {
			seen[e.Notice] = true
			fmt.Fprintf(a.Stderr, "pantry: registry %s says: %s\n", e.Registry, clean(e.Notice))
		}
	}
}

// maxCode bounds a one-time password that is typed, in bytes.
const maxCode = 200

// askOTP asks the person at the terminal for a one-time password, or to visit a page. Without a terminal it
// has none.
func (a *app) askOTP(ctx context.Context, name string, wanted *pantry.OTPError) (pantry.Secret, error) {
	stdin, ok := a.Stdin.(*os.File)
	if !ok || !a.Terminal || !term.IsTerminal(int(stdin.Fd())) {
		return pantry.Secret{}, nil
	}
	if wanted.Wait != nil {
		fmt.Fprintf(a.Stderr, "pantry: registry %s wants to know that it is you. Open this page in a browser:\n  %s\n", name, clean(wanted.AuthURL))
		return wanted.Wait(ctx)
	}
	fmt.Fprintf(a.Stderr, "pantry: one-time password for registry %s: ", name)
	return readCode(ctx, stdin)
}

// readCode reads a line, unless ctx ends before.
func readCode(ctx context.Context, r io.Reader) (pantry.Secret, error) {
	type answer struct {
		line string
		err  error
	}
	typed := make(chan answer, 1)
	go func() { // ends with the process, since reading a terminal cannot be broken off
		s := bufio.NewScanner(io.LimitReader(r, maxCode))
		s.Scan()
		typed <- answer{s.Text(), s.Err()}
	}()
	select {
	case <-ctx.Done():
		return pantry.Secret{}, ctx.Err()
	case t := <-typed:
		return pantry.NewSecret(clean(t.line)), t.err
	}
}

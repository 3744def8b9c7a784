package cli

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
)

// installFlags are the flags of install and remove.
type installFlags struct {
	frozen                           *bool // nil: as configured
	lockOnly, force                  bool
	dev, optional, peer, exact, prod bool
	omit                             []string // nil: as configured
	method                           string
}

func (a *app) installCommand() *cobra.Command {
	var f installFlags
	var frozen bool
	c := &cobra.Command{
		Use:     "install [SPEC...]",
		Aliases: []string{"i", "add", "ci"},
		Short:   "Install the project's packages, or add some",
		Long: `Install makes node_modules what package.json, pantry.json and pantry.lock say.

With SPECs it adds them to the project first. A SPEC is NAME, NAME@RANGE, NAME@TAG,
REGISTRY:NAME[@RANGE], ALIAS@npm:NAME[@RANGE] or a package URL (pkg:npm/NAME@VERSION).

github:OWNER/REPO (or OWNER/REPO) and pkgx:PROJECT are tools: their programs are linked
into .pantry/bin. With -g everything is installed for the user rather than a project; see pantry env -g.

In CI (the variable CI is set) --frozen-lockfile is the default where there is
a pantry.lock. Scripts of dependencies are not run.`,
		Example: `  pantry install
  pantry install lodash@^4.17.21 --save-dev
  pantry install acme:@acme/ui`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case c.CalledAs() == "ci":
				frozen = true
				f.frozen = &frozen
			case c.Flags().Changed("frozen-lockfile") || len(args) > 0:
				f.frozen = &frozen
			}
			return a.install(c.Context(), args, f)
		},
	}
	a.globalFlag(c)
	fl := c.Flags()
	fl.BoolVar(&frozen, "frozen-lockfile", false, "install exactly what the lockfile says; fail if the manifest says otherwise")
	fl.BoolVar(&f.lockOnly, "lockfile-only", false, "write the lockfile and install nothing")
	fl.BoolVar(&f.force, "force", false, "lay out everything again")
	fl.BoolVarP(&f.dev, "save-dev", "D", false, "add to devDependencies")
	fl.BoolVarP(&f.optional, "save-optional", "O", false, "add to optionalDependencies")
	fl.BoolVar(&f.peer, "save-peer", false, "add to peerDependencies")
	fl.BoolVarP(&f.prod, "save-prod", "P", false, "add to dependencies")
	fl.BoolVarP(&f.exact, "save-exact", "E", false, "write the exact version")
	fl.StringSliceVar(&f.omit, "omit", nil, "leave out `KIND`: dev, optional or peer")
	fl.StringVar(&a.flags.linker, "linker", "", "layout of node_modules: hoisted or isolated")
	fl.StringVar(&f.method, "copy-method", "auto", "how files come from the store: auto, hardlink or copy")
	a.ageFlags(c)
	c.MarkFlagsMutuallyExclusive("save-dev", "save-optional", "save-peer", "save-prod")
	return c
}

func (a *app) removeCommand() *cobra.Command {
	var f installFlags
	c := &cobra.Command{
		Use:     "remove NAME...",
		Aliases: []string{"rm", "uninstall", "un"},
		Short:   "Remove packages from the project",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, names []string) error {
			f.frozen = new(bool)
			return a.installing(c.Context(), f, func(ctx context.Context, o install.Options) (*install.Report, error) {
				return install.Remove(ctx, o, names)
			})
		},
	}
	a.globalFlag(c)
	c.Flags().BoolVar(&f.lockOnly, "lockfile-only", false, "write the lockfile and change nothing in node_modules")
	return c
}

func (a *app) install(ctx context.Context, args []string, f installFlags) error {
	if len(args) == 0 {
		o, err := a.installOptions(f)
		if err != nil {
			return err
		}
		if report, ok := install.UpToDate(o); ok {
			return a.printInstalled(report)
		}
		return a.installing(a.interruptible(ctx), f, install.Install)
	}
	ctx = a.interruptible(ctx)
	m, err := a.manager()
	if err != nil {
		return err
	}
	specs := make([]manifest.Spec, len(args))
	for i, arg := range args {
		if specs[i], err = parseSpec(arg, m); err != nil {
			return err
		}
	}
	add := install.Addition{Kind: f.kind(), Exact: f.exact}
	return a.installing(ctx, f, func(ctx context.Context, o install.Options) (*install.Report, error) {
		return install.Add(ctx, o, specs, add)
	})
}

// ownerRepo is a name that no npm-style registry can hold, and GitHub can.
var ownerRepo = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+(@.*)?$`)
})

// parseSpec reads what a user wants. "owner/repo" is GitHub's if there is a registry for it.
func parseSpec(arg string, m *registry.Manager) (manifest.Spec, error) {
	if ownerRepo().MatchString(arg) {
		if e, ok := m.ByType("github"); ok {
			arg = e.Name() + ":" + arg
		}
	}
	return manifest.ParseSpec(arg, isRegistry(m))
}

func (f installFlags) kind() lockfile.Kind {
	switch {
	case f.dev:
		return lockfile.Dev
	case f.optional:
		return lockfile.Optional
	case f.peer:
		return lockfile.Peer
	case f.prod:
		return lockfile.Prod
	}
	return ""
}

// installName is the name of the command that handles signals only when there is something to do.
const installName = "install"

// installing runs an install with progress and prints its report.
func (a *app) installing(ctx context.Context, f installFlags, do func(context.Context, install.Options) (*install.Report, error)) error {
	o, err := a.installOptions(f)
	if err != nil {
		return err
	}
	p := a.newProgress()
	o.Events = p.event
	if a.session != nil {
		parts := newPhases(a.session)
		defer parts.stop()
		o.Events = both(o.Events, parts.event)
	}
	report, err := do(ctx, o)
	p.stop()
	if err != nil {
		return err
	}
	return a.printInstalled(report)
}

// printInstalled prints the report of an install.
func (a *app) printInstalled(report *install.Report) error {
	if a.flags.json {
		return a.printLine(struct {
			Event string `json:"event"`
			*install.Report
		}{"summary", report})
	}
	if !a.flags.quiet {
		a.printReport(report)
	}
	return nil
}

func (a *app) installOptions(f installFlags) (install.Options, error) {
	method := link.Method(f.method)
	switch method {
	case "", link.Auto, link.Hardlink, link.Copy:
	default:
		return install.Options{}, usagef("--copy-method %s: expected auto, hardlink or copy", f.method)
	}
	o, err := a.installBase()
	if err != nil {
		return install.Options{}, err
	}
	kinds := f.omit
	if kinds == nil {
		kinds = a.config.Omit
	}
	if o.Omit, err = omitKinds(kinds); err != nil {
		return install.Options{}, err
	}
	if f.frozen != nil {
		o.Frozen, o.FrozenIfLocked = *f.frozen, false
	}
	o.Asking = a.howOld(false, pantry.AskIfStale) // offline is an option of its own
	o.LockOnly, o.Force, o.Method = f.lockOnly, f.force, method
	return o, nil
}

// printReport tells a person what was done.
func (a *app) printReport(r *install.Report) {
	w := a.Stdout
	for _, c := range r.Direct {
		was := ""
		if c.Was != "" && c.Was != c.Version {
			was = " (was " + c.Was + ")"
		}
		fmt.Fprintf(w, "+ %s@%s%s  from %s\n", c.Name, c.Version, was, c.Registry)
	}
	if r.UpToDate {
		fmt.Fprintf(w, "up to date, %s (%s)\n", count(r.Packages, "package"), duration(r.Duration))
		return
	}
	var parts []string
	if n := len(r.Added); n > 0 {
		parts = append(parts, fmt.Sprintf("added %d", n))
	}
	if n := len(r.Removed); n > 0 {
		parts = append(parts, fmt.Sprintf("removed %d", n))
	}
	parts = append(parts, count(r.Packages, "package")+" in all", fmt.Sprintf("laid out %d", r.Linked))
	fmt.Fprintf(w, "%s in %s\n", strings.Join(parts, ", "), duration(r.Duration))
	for _, name := range slices.Sorted(maps.Keys(r.Registries)) {
		share := r.Registries[name]
		line := fmt.Sprintf("  from %s: %s", name, count(share.Packages, "package"))
		if share.Downloaded > 0 {
			line += fmt.Sprintf(", %d downloaded (%s)", share.Downloaded, size(share.Bytes))
		} else {
			line += ", all from the store"
		}
		fmt.Fprintln(w, line)
	}
	if r.LeftOut > 0 {
		fmt.Fprintf(w, "  left out: %s that no registry has (--verbose names them)\n", optionals(r.LeftOut))
	}
	if n := len(r.Scripts); n > 0 {
		names := make([]string, 0, n)
		for _, c := range r.Scripts {
			names = append(names, c.Name)
		}
		fmt.Fprintf(w, "  install scripts not run: %s\n", strings.Join(slices.Compact(names), ", "))
	}
}

func optionals(n int) string {
	if n == 1 {
		return "1 optional dependency"
	}
	return fmt.Sprintf("%d optional dependencies", n)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

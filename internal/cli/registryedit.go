package cli

import (
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

// additionFlags are those of registry add.
type additionFlags struct {
	typ, tokenEnv     string
	adapter           string
	priority          int
	packages          []string
	makeDefault, user bool
}

func (a *app) registryAddCommand() *cobra.Command {
	var f additionFlags
	c := &cobra.Command{
		Use:   "add NAME [URL]",
		Short: "Add a registry to pantry.json",
		Long: `Add writes an entry to the project's pantry.json, or with --user to the user's. Comments and
order of the file are kept. The URL can be left out for types that have a well-known one.`,
		Example: `  pantry registry add acme https://packages.acme.example --type custom --priority 10 \
    --packages '@acme/*' --token-env ACME_TOKEN`,
		Args: names(1, 2, "a name and a URL"),
		RunE: func(c *cobra.Command, args []string) error {
			entry, err := f.entry(args, c.Flags().Changed("priority"))
			if err != nil {
				return err
			}
			return a.registryAdd(entry, f)
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.typ, "type", "", "npm, custom (the REST convention) or adapter (default npm, or the type NAME is a preset of)")
	fl.StringVar(&f.adapter, "adapter", "", "read it by the `DEFINITION` crates, go, pypi or rubygems, or a file (type adapter)")
	fl.IntVar(&f.priority, "priority", registry.DefaultPriority, "a registry with a lower `N` is asked first")
	fl.StringSliceVar(&f.packages, "packages", nil, "names it claims, such as '@acme/*': nobody else is asked for them")
	fl.StringVar(&f.tokenEnv, "token-env", "", "send the token in the environment variable `VAR`")
	fl.BoolVar(&f.makeDefault, "default", false, "make it the default registry")
	fl.BoolVar(&f.user, "user", false, "change the user's configuration")
	return c
}

// variable is the name of an environment variable as ${VAR} can hold it.
var variable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`) })

func (f additionFlags) entry(args []string, priority bool) (registry.Config, error) {
	c := registry.Config{Name: args[0], Type: f.typ, Adapter: f.adapter, Packages: f.packages}
	if c.Type == "" && c.Adapter != "" {
		c.Type = "adapter"
	}
	if len(args) > 1 {
		c.URL = args[1]
	}
	if c.Type == "" {
		c.Type = "npm"
		for _, preset := range []registry.Config{registry.NPM(), registry.GitHub(), registry.Pkgx()} {
			if preset.Name == c.Name {
				c.Type = preset.Type
			}
		}
		if c.URL == "" && c.Type != c.Name {
			return c, usagef("expected a URL for registry %s", c.Name)
		}
	}
	if priority {
		c.Priority = &f.priority
	}
	if f.tokenEnv != "" {
		if !variable().MatchString(f.tokenEnv) {
			return c, usagef("--token-env takes the name of a variable, and never a token")
		}
		c.Auth = &registry.Auth{Type: registry.AuthBearer, Token: registry.Value{Raw: pantry.NewSecret("${" + f.tokenEnv + "}")}}
	}
	return c, nil
}

func (a *app) registryAdd(entry registry.Config, f additionFlags) error {
	if f.user && registry.DefinitionPath(entry.Adapter) { // the file that it will stand in is elsewhere
		entry.Adapter = a.absolute(entry.Adapter)
	}
	path, err := a.configFile(f.user)
	if err != nil {
		return err
	}
	c, err := a.edit(path, func(e *config.Editor) error {
		if err := e.AddRegistry(entry); err != nil || !f.makeDefault {
			return exists(err, entry.Name)
		}
		return e.SetDefault(entry.Name)
	})
	if err != nil {
		return err
	}
	for _, key := range []string{"url", "type"} {
		a.checkEffect(c, path, "registries."+entry.Name+"."+key)
	}
	if f.makeDefault {
		a.checkEffect(c, path, "defaultRegistry")
	}
	return a.done("added", "registry %s to %s", entry.Name, path)
}

func exists(err error, name string) error {
	if errors.Is(err, pantry.ErrExists) {
		return pantry.WithHint(err, "change it with pantry config set registries.%s.KEY VALUE", name)
	}
	return err
}

// done tells what was changed in which file.
func (a *app) done(what, format, name, path string) error {
	shown := a.shownConfig(path)
	if a.flags.json {
		return a.printJSON(struct {
			Action   string `json:"action"`
			Registry string `json:"registry"`
			File     string `json:"file"`
		}{what, name, shown})
	}
	if a.flags.quiet {
		return nil
	}
	_, err := fmt.Fprintf(a.Stdout, what+" "+format+"\n", name, shown)
	return err
}

func (a *app) registryRemoveCommand() *cobra.Command {
	var user bool
	c := &cobra.Command{
		Use:     "remove NAME",
		Aliases: []string{"rm"},
		Short:   "Remove a registry from the file that adds it",
		Args:    names(1, 1, "the name of a registry"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.registryRemove(args[0], user) },
	}
	c.Flags().BoolVar(&user, "user", false, "change the user's configuration")
	return c
}

func (a *app) registryRemove(name string, user bool) error {
	path, err := a.fileOf(name, user)
	if err != nil {
		return err
	}
	c, err := a.edit(path, func(e *config.Editor) error { return a.explained(name, e.RemoveRegistry(name)) })
	if err != nil {
		return err
	}
	for _, r := range c.Registries {
		if r.Name == name {
			a.warnf("registry %s is still there, as %s has it", name, r.Source)
		}
	}
	return a.done("removed", "registry %s from %s", name, path)
}

// explained makes the most of the error of an editor that does not have a registry in its file:
// the name may be none, or another file's.
func (a *app) explained(name string, err error) error {
	if err == nil {
		return nil
	}
	e, unknown := a.known(name)
	if unknown != nil {
		return unknown
	}
	return elsewhere(err, e)
}

func (a *app) registryEnableCommand(verb string, enabled bool) *cobra.Command {
	var user bool
	c := &cobra.Command{
		Use:   verb + " NAME",
		Short: "Have a registry asked again",
		Long: `The change is made in the file that has the registry. For a built-in registry an entry is
added to the project's pantry.json.`,
		Args: names(1, 1, "the name of a registry"),
		RunE: func(_ *cobra.Command, args []string) error { return a.registryEnable(args[0], enabled, user) },
	}
	if !enabled {
		c.Short = "Have a registry not asked"
		c.Long += " A disabled registry keeps its claims: names that it alone claims\nare asked of nobody."
	}
	c.Flags().BoolVar(&user, "user", false, "change the user's configuration")
	return c
}

func (a *app) registryEnable(name string, enabled, user bool) error {
	e, err := a.known(name)
	if err != nil {
		return err
	}
	what := "enabled"
	if !enabled {
		what = "disabled"
	}
	path, err := a.fileOf(name, user)
	if err != nil {
		return err
	}
	c, err := a.edit(path, func(ed *config.Editor) error { return elsewhere(ed.SetEnabled(name, enabled), e) })
	if err != nil {
		return err
	}
	a.checkEffect(c, path, "registries."+name+".enabled")
	return a.done(what, "registry %s in %s", name, path)
}

func (a *app) registryDefaultCommand() *cobra.Command {
	var user bool
	c := &cobra.Command{
		Use:   "default [NAME]",
		Short: "Show or set the default registry",
		Long: `The default registry is the one that commands such as publish use when none is named. Where
none is set it is the first that is enabled.`,
		Args: names(0, 1, "at most one name"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.showDefault()
			}
			return a.setDefault(args[0], user)
		},
	}
	c.Flags().BoolVar(&user, "user", false, "change the user's configuration")
	return c
}

func (a *app) showDefault() error {
	m, err := a.manager()
	if err != nil {
		return err
	}
	name := ""
	if e, ok := m.Default(); ok {
		name = e.Name()
	}
	if a.flags.json {
		return a.printJSON(map[string]string{"default": name})
	}
	_, err = fmt.Fprintln(a.Stdout, name)
	return err
}

func (a *app) setDefault(name string, user bool) error {
	if _, err := a.known(name); err != nil {
		return err
	}
	path, err := a.fileOf(name, user)
	if err != nil {
		return err
	}
	c, err := a.edit(path, func(e *config.Editor) error { return e.SetDefault(name) })
	if err != nil {
		return err
	}
	a.checkEffect(c, path, "defaultRegistry")
	return a.done("default", "registry is %s, by %s", name, path)
}

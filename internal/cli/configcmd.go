package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) configCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "config",
		Short: "Show, check and change the configuration",
	},
		a.configShowCommand(), a.configGetCommand(), a.configSetCommand(),
		a.configValidateCommand(), a.configSchemaCommand(),
	)
}

func (a *app) configShowCommand() *cobra.Command {
	var origin bool
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the effective value of every key",
		Long: `Show prints what all files, variables and flags together come to, with --origin also where
each value is from. Secrets are masked.`,
		Args: names(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			c, err := a.settings()
			if err != nil {
				return err
			}
			if a.flags.json {
				return a.printJSON(c.Show())
			}
			return a.printRows(c.Show(), origin)
		},
	}
	c.Flags().BoolVar(&origin, "origin", false, "print where each value is from")
	return c
}

func (a *app) printRows(rows []config.Row, origin bool) error {
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		if origin {
			fmt.Fprintf(w, "%s\t%s\t%s\n", r.Key, clean(r.Value), r.Origin)
		} else {
			fmt.Fprintf(w, "%s\t%s\n", r.Key, clean(r.Value))
		}
	}
	return w.Flush()
}

func (a *app) configGetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "get KEY",
		Short: "Print the effective value of a key",
		Long: `Get prints one value, or for a key that stands for several ("registries.acme") all of them.
Secrets are masked.`,
		Example: `  pantry config get fallback
  pantry config get registries.acme.url`,
		Args: names(1, 1, "one key"),
		RunE: func(_ *cobra.Command, args []string) error { return a.configGet(args[0]) },
	}
}

func (a *app) configGet(key string) error {
	c, err := a.settings()
	if err != nil {
		return err
	}
	var below []config.Row
	for _, r := range c.Show() {
		if r.Key == key {
			if a.flags.json {
				return a.printJSON(r)
			}
			_, err := fmt.Fprintln(a.Stdout, clean(r.Value))
			return err
		}
		if rest, ok := strings.CutPrefix(r.Key, key); ok && (rest[0] == '.' || rest[0] == '[') {
			below = append(below, r)
		}
	}
	switch {
	case below == nil:
		return a.noKey(key)
	case a.flags.json:
		return a.printJSON(below)
	}
	return a.printRows(below, false)
}

// noKey says why there is no value of a key: it has none, or there is no such key.
func (a *app) noKey(key string) error {
	if rest, ok := strings.CutPrefix(key, "registries."); ok {
		m, err := a.manager()
		if err != nil {
			return err
		}
		for _, e := range m.All() {
			if strings.HasPrefix(rest, e.Name()+".") {
				return fmt.Errorf("%s is not set: %w", key, pantry.ErrConfig)
			}
		}
		name, _, _ := strings.Cut(rest, ".")
		return m.SetDefault(name) // which knows what name may have been meant
	}
	e, err := config.Edit(config.ProjectFile(a.dir()))
	if err != nil {
		return err
	}
	if err := e.Set(key, ""); err != nil { // which knows what key may have been meant
		return err
	}
	return fmt.Errorf("%s is not set: %w", key, pantry.ErrConfig)
}

func (a *app) configSetCommand() *cobra.Command {
	var user bool
	c := &cobra.Command{
		Use:   "set KEY VALUE",
		Short: "Set a key in pantry.json",
		Long: `Set writes a setting, or a plain key of a registry, to the project's pantry.json, or with
--user to the user's. Comments and order of the file are kept. What would make the
configuration wrong is refused. "set defaultRegistry ''" removes that setting.`,
		Example: `  pantry config set fallback not-found
  pantry config set registries.acme.timeout 10s`,
		Args: names(2, 2, "a key and a value"),
		RunE: func(_ *cobra.Command, args []string) error { return a.configSet(args[0], args[1], user) },
	}
	c.Flags().BoolVar(&user, "user", false, "change the user's configuration")
	return c
}

func (a *app) configSet(key, value string, user bool) error {
	path, err := a.configFile(user)
	if err != nil {
		return err
	}
	name := ""
	if rest, ok := strings.CutPrefix(key, "registries."); ok {
		name = rest[:max(0, strings.LastIndexByte(rest, '.'))]
		if path, err = a.fileOf(name, user); err != nil {
			return err
		}
	}
	c, err := a.edit(path, func(e *config.Editor) error {
		err := e.Set(key, value)
		if err != nil && name != "" && pantry.Hint(err) == "" && !slices.Contains(e.Registries(), name) {
			return a.explained(name, err)
		}
		return err
	})
	if err != nil {
		return err
	}
	a.checkEffect(c, path, key)
	if a.flags.json {
		return a.printJSON(map[string]string{"action": "set", "key": key, "file": a.shownConfig(path)})
	}
	if !a.flags.quiet {
		_, err = fmt.Fprintf(a.Stdout, "set %s in %s\n", key, a.shownConfig(path))
	}
	return err
}

func (a *app) configSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of pantry.json",
		Args:  names(0, 0, "no argument"),
		RunE: func(*cobra.Command, []string) error {
			_, err := a.Stdout.Write(config.Schema())
			return err
		},
	}
}

func (a *app) configValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate [FILE]",
		Short: "Check the configuration, or one file of it",
		Long: `Validate reports every mistake with its file, line and column, and remarks on what is allowed
and unwise. Without FILE it checks everything that counts here: all files, variables and
flags together.`,
		Args: names(0, 1, "at most one file"),
		RunE: func(_ *cobra.Command, args []string) error { return a.configValidate(args) },
	}
}

// verdict is what validate says about a configuration.
type verdict struct {
	OK       bool             `json:"ok"`
	Files    []string         `json:"files"`
	Problems []config.Problem `json:"problems"`
	Warnings []config.Problem `json:"warnings"`
}

func (a *app) configValidate(args []string) error {
	c, err := a.validated(args)
	v := verdict{OK: err == nil, Files: args, Problems: []config.Problem{}, Warnings: []config.Problem{}}
	if c != nil {
		v.Files = c.Files
		v.Warnings = append(v.Warnings, c.Warnings...)
		v.Warnings = append(v.Warnings, withoutEffect(c)...)
	}
	if v.Files == nil {
		v.Files = []string{}
	}
	var mistakes config.Problems
	if errors.As(err, &mistakes) {
		v.Problems = mistakes
		err = pantry.WithHint(err, "pantry config schema prints what a file may hold")
	}
	if a.flags.json {
		if perr := a.printJSON(v); perr != nil {
			return perr
		}
		return err
	}
	if err != nil {
		return err
	}
	for _, w := range v.Warnings {
		a.warnf("%s", w.Error())
	}
	what := strings.Join(v.Files, ", ")
	if what == "" {
		what = "nothing is configured"
	}
	_, err = fmt.Fprintf(a.Stdout, "ok: %s\n", what)
	return err
}

// validated reads one file, or everything.
func (a *app) validated(args []string) (*config.Config, error) {
	if len(args) > 0 {
		path := args[0]
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.dir(), path)
		}
		return config.Validate(path, a.configOptions())
	}
	c, err := config.Load(a.configOptions())
	if err != nil {
		return nil, err
	}
	c.Warnings = append(c.Warnings, c.Remarks()...)
	return c, nil
}

// withoutEffect are the warnings of the registries themselves: keys that this version passes over.
func withoutEffect(c *config.Config) []config.Problem {
	m, err := c.Manager(registry.Options{})
	if err != nil {
		return []config.Problem{{Message: err.Error()}}
	}
	var out []config.Problem
	for _, w := range m.Warnings() {
		out = append(out, config.Problem{Message: w})
	}
	return out
}

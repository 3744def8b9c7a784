package cli

import (
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) completionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that completes commands in a shell",
		Long: `Completion prints a script for bash, zsh, fish or powershell. It completes commands, flags,
the names of registries and the project's own dependencies.`,
		Example: `  source <(pantry completion bash)
  pantry completion zsh > "${fpath[1]}/_pantry"
  pantry completion fish > ~/.config/fish/completions/pantry.fish`,
		Args:      names(1, 1, "a shell: bash, zsh, fish or powershell"),
		ValidArgs: shells,
		RunE: func(c *cobra.Command, args []string) error {
			root := c.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.Stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.Stdout)
			case "fish":
				return root.GenFishCompletion(a.Stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(a.Stdout)
			}
			return usagef("shell %q: expected bash, zsh, fish or powershell", args[0])
		},
	}
}

// completer suggests the words that may follow args.
type completer = func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// withCompletion makes the shell complete what only the project and its configuration know.
func (a *app) withCompletion(root *cobra.Command) {
	flags := map[string]completer{
		"registry": anyOf(a.registryNames),
		"fallback": anyOf(func() []string {
			return []string{string(registry.Failover), string(registry.Always), string(registry.NotFoundOnly), string(registry.Never)}
		}),
	}
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		_ = root.RegisterFlagCompletionFunc(name, flags[name]) // fails for a flag that is not there only
	}
	for _, path := range [][]string{
		{"registry", "remove"}, {"registry", "enable"}, {"registry", "disable"}, {"registry", "default"}, {"registry", "ping"},
	} {
		find(root, path).ValidArgsFunction = firstOf(a.registryNames)
	}
	find(root, []string{"remove"}).ValidArgsFunction = anyOf(a.dependencyNames)
	find(root, []string{"origins", "approve"}).ValidArgsFunction = anyOf(a.dependencyNames)
	find(root, []string{"origins", "list"}).ValidArgsFunction = anyOf(a.dependencyNames)
	find(root, []string{"why"}).ValidArgsFunction = firstOf(a.dependencyNames)
	find(root, []string{"config", "get"}).ValidArgsFunction = firstOf(a.configKeys)
	find(root, []string{"config", "set"}).ValidArgsFunction = firstOf(a.configKeys)
	for _, name := range []string{"info", "versions", "search", "download", "explain", "list"} {
		find(root, []string{name}).ValidArgsFunction = cobra.NoFileCompletions
	}
}

// find is the command of a path below root.
func find(root *cobra.Command, path []string) *cobra.Command {
	c, _, err := root.Find(path)
	if err != nil {
		return &cobra.Command{}
	}
	return c
}

// anyOf completes every argument from a list, without those that are there already.
func anyOf(list func() []string) completer {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		words := slices.DeleteFunc(list(), func(s string) bool { return slices.Contains(args, s) })
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// firstOf completes the first argument from a list, and no other.
func firstOf(list func() []string) completer {
	return func(c *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return anyOf(list)(c, args, toComplete)
	}
}

// What is suggested comes from files that may be wrong; then nothing is suggested, without a word.

func (a *app) registryNames() []string {
	c, err := config.Load(a.configOptions())
	if err != nil {
		return nil
	}
	var names []string
	for _, r := range c.Registries {
		names = append(names, r.Name)
	}
	return names
}

func (a *app) dependencyNames() []string {
	p, err := manifest.ReadProject(a.dir())
	if err != nil {
		return nil
	}
	m := p.Manifest()
	all := map[string]bool{}
	for _, deps := range []map[string]string{m.Dependencies, m.DevDependencies, m.OptionalDependencies, m.PeerDependencies} {
		for name := range deps {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (a *app) configKeys() []string {
	c, err := config.Load(a.configOptions())
	if err != nil {
		return nil
	}
	var keys []string
	for _, row := range c.Show() {
		keys = append(keys, row.Key)
	}
	return keys
}

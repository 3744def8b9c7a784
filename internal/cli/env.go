package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
)

func (a *app) envCommand() *cobra.Command {
	var shell string
	c := &cobra.Command{
		Use:   "env",
		Short: "Print the environment that puts the project's programs on PATH",
		Long: `Env prints what puts the programs of the project's packages and tools in front of PATH, in the
words of a shell:

  eval "$(pantry env)"                 sh, bash, zsh
  pantry env --shell fish | source     fish
  pantry env --shell powershell | Out-String | Invoke-Expression
  pantry env --shell github >> "$GITHUB_PATH"`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.env(shell) },
	}
	a.globalFlag(c)
	c.Flags().StringVar(&shell, "shell", "sh", "sh, fish, powershell or github (a line for each folder, for GITHUB_PATH)")
	return c
}

func (a *app) env(shell string) error {
	dirs := a.programDirs()
	if a.flags.json {
		return a.printJSON(map[string][]string{"PATH": dirs})
	}
	switch shell {
	case "sh", "bash", "zsh":
		fmt.Fprintf(a.Stdout, "export PATH=%s:\"$PATH\"\n", quoteArg(strings.Join(dirs, ":")))
	case "fish":
		for i := len(dirs) - 1; i >= 0; i-- {
			fmt.Fprintf(a.Stdout, "set -gx PATH %s $PATH\n", quoteArg(dirs[i]))
		}
	case "powershell", "pwsh":
		sep := string(os.PathListSeparator)
		fmt.Fprintf(a.Stdout, "$env:PATH = '%s' + $env:PATH\n", strings.ReplaceAll(strings.Join(dirs, sep)+sep, "'", "''"))
	case "github":
		for i := len(dirs) - 1; i >= 0; i-- { // the last line is the first on PATH
			fmt.Fprintln(a.Stdout, dirs[i])
		}
	default:
		return pantry.WithHint(usagef("--shell %s is not known", shell), "use sh, fish, powershell or github")
	}
	return nil
}

package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// commands lists all commands.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.installCommand(), a.removeCommand(), a.listCommand(), a.whyCommand(),
		a.execCommand(), a.runCommand(), a.envCommand(),
		a.infoCommand(), a.versionsCommand(), a.searchCommand(), a.downloadCommand(), a.explainCommand(),
		a.registryCommand(), a.configCommand(),
		a.completionCommand(), a.versionCommand(),
	}
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Version string `json:"version"`
				Go      string `json:"go"`
				OS      string `json:"os"`
				Arch    string `json:"arch"`
			}{programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH}
			if a.flags.json {
				return a.printJSON(v)
			}
			_, err := fmt.Fprintln(a.Stdout, "pantry", v.Version)
			return err
		},
	}
}

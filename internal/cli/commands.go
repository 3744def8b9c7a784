package cli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

// maker makes a command that goes by some names, the aliases included.
type maker struct {
	names string // separated by blanks
	make  func() *cobra.Command
}

// makers lists all commands.
func (a *app) makers() []maker {
	return []maker{
		{"install i add ci", a.installCommand}, {"remove rm uninstall un", a.removeCommand},
		{"list ls", a.listCommand}, {"why", a.whyCommand},
		{"exec", a.execCommand}, {"run", a.runCommand}, {"env", a.envCommand},
		{"info view show", a.infoCommand}, {"versions", a.versionsCommand}, {"search find", a.searchCommand},
		{"download", a.downloadCommand}, {"explain", a.explainCommand},
		{"origins", a.originsCommand}, {"simulate", a.simulateCommand}, {"audit", a.auditCommand},
		{"pack", a.packCommand}, {"publish", a.publishCommand}, {"dist-tag dist-tags", a.distTagCommand},
		{"deprecate", a.deprecateCommand}, {"unpublish", a.unpublishCommand},
		{"registry registries", a.registryCommand}, {"config", a.configCommand}, {"stats", a.statsCommand},
		{"adapter adapters", a.adapterCommand},
		{"mirror", a.mirrorCommand}, {"bundle", a.bundleCommand},
		{"doctor", a.doctorCommand}, {"store", a.storeCommand}, {"cache", a.cacheCommand},
		{"completion", a.completionCommand}, {"version", a.versionCommand},
	}
}

// command makes the one command that the first argument names; nil if it names none. All of them take
// a quarter of a millisecond to make, as long as everything else an install with nothing to do needs.
func (a *app) command(args []string) *cobra.Command {
	if len(args) == 0 {
		return nil
	}
	for _, m := range a.makers() {
		for name := range strings.FieldsSeq(m.names) {
			if name == args[0] {
				return m.make()
			}
		}
	}
	return nil
}

// commands makes all commands.
func (a *app) commands() []*cobra.Command {
	var all []*cobra.Command
	for _, m := range a.makers() {
		all = append(all, m.make())
	}
	return all
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

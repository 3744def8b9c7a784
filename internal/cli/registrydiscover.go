package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/discover"
)

func (a *app) registryDiscoverCommand() *cobra.Command {
	var f proposalFlags
	var insecure bool
	c := &cobra.Command{
		Use:   "discover [HOST]",
		Short: "Find registries, and add those that are agreed to",
		Long: `Discover asks a host which registries it has, by the document at HOST/.well-known/pantry.json or
a DNS record that leads to one, shows what it would add to pantry.json, and adds what is agreed to.
Without HOST it reads the files of other tools, as registry import does.`,
		Example: `  pantry registry discover packages.acme.example
  pantry registry discover packages.acme.example --check --yes`,
		Args: names(0, 1, "at most one host"),
		RunE: func(c *cobra.Command, args []string) error {
			find := func() (findings, error) { return a.foreign(nil, "", f.user) }
			if len(args) > 0 {
				find = func() (findings, error) { return a.askHost(c.Context(), args[0], insecure) }
			}
			found, err := find()
			if err != nil {
				return err
			}
			return a.propose(c.Context(), found, f)
		},
	}
	f.define(c)
	c.Flags().BoolVar(&insecure, "insecure", false, "allow http://HOST, whose answer others can change")
	return c
}

func (a *app) askHost(ctx context.Context, host string, insecure bool) (findings, error) {
	c, err := a.settings()
	if err != nil {
		return findings{}, err
	}
	if c.Offline {
		return findings{}, fmt.Errorf("%w: a host can't be asked, since pantry is offline", pantry.ErrUnavailable)
	}
	answer, err := discover.Ask(ctx, host, discover.Options{UserAgent: "pantry/" + programVersion(), Insecure: insecure})
	return findings{Proposals: answer.Proposals, read: []string{answer.URL}}, err
}

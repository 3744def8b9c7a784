package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

func (a *app) registryLogoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "logout [NAME|URL]",
		Short: "Forget the token of a login",
		Long: `Logout removes the token of a login from where it is kept. One that the registry made for the
login is revoked there, too; one that was given with --token-stdin stays good.`,
		Args: names(0, 1, "at most one registry"),
		RunE: func(c *cobra.Command, args []string) error { return a.registryLogout(c.Context(), args) },
	}
}

func (a *app) registryLogout(ctx context.Context, args []string) error {
	t, err := a.loginTarget(args)
	if err != nil {
		return err
	}
	logins, err := a.logins()
	if err != nil {
		return err
	}
	login, err := logins.Get(t.url)
	if errors.Is(err, credential.ErrNone) {
		err = fmt.Errorf("there is no login to %s", clean(t.key))
		if all, listErr := logins.List(); listErr == nil && len(all) > 0 {
			var urls []string
			for _, l := range all {
				urls = append(urls, clean(l.URL))
			}
			err = pantry.WithHint(err, "there are logins to %s", strings.Join(urls, ", "))
		}
	}
	if err != nil {
		return err
	}
	revoked := false
	if login.Made && !a.config.Offline {
		if found, err := logins.Find(ctx, t.url); err == nil {
			revoked = a.takeBack(ctx, t, found.Secret)
		} else {
			a.warnf("the token can't be revoked: %s", clean(err.Error()))
		}
	}
	if err := logins.Remove(ctx, t.url); err != nil {
		return err
	}
	if a.flags.json {
		return a.printJSON(struct {
			Registry string `json:"registry"`
			URL      string `json:"url"`
			Username string `json:"username"`
			Revoked  bool   `json:"revoked"`
		}{t.given.Name, t.key, login.Username, revoked})
	}
	after := "; the token itself is still good"
	if revoked {
		after = "; the token was revoked"
	}
	_, err = fmt.Fprintf(a.Stdout, "logged out of %s%s\n", clean(t.key), after)
	return err
}

func (a *app) registryWhoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami [NAME]",
		Short: "Print whom a registry takes you for",
		Long: `Whoami asks the default registry, or the one that is named, whose credential it was sent, and
prints the name. Where the credential came from is told with --verbose and --json.`,
		Args: names(0, 1, "at most one name"),
		RunE: func(c *cobra.Command, args []string) error {
			name := a.flags.registry
			if len(args) > 0 {
				name = args[0]
			}
			return a.registryWhoami(c.Context(), name)
		},
	}
}

func (a *app) registryWhoami(ctx context.Context, name string) error {
	var sent atomic.Pointer[string] // where the credential came from
	m, err := a.asking(registry.Options{Observe: func(e transport.Exchange) { sent.Store(&e.Credential) }})
	if err != nil {
		return err
	}
	a.routes = m
	entries, err := a.toPing(m, name, false)
	if err != nil {
		return err
	}
	e := entries[0]
	if err := e.Err(); err != nil {
		return err
	}
	r, ok := pantry.As[pantry.Identifier](e)
	if !ok {
		return fmt.Errorf("registries of type %s have no users: %w", e.Type(), pantry.ErrUnsupported)
	}
	user, err := r.Whoami(ctx)
	if err != nil {
		if _, sent := pantry.CredentialSent(err); errors.Is(err, pantry.ErrDenied) && !sent {
			err = pantry.WithHint(fmt.Errorf("nobody is logged in to registry %s: %w", e.Name(), err), "log in: pantry registry login %s", e.Name())
		}
		return err
	}
	source := ""
	if s := sent.Load(); s != nil {
		source = *s
	}
	if a.flags.json {
		return a.printJSON(session{Registry: e.Name(), URL: e.URL(), Username: user, Credential: source})
	}
	if a.flags.verbose {
		fmt.Fprintf(a.Stderr, "pantry: credential: %s\n", source)
	}
	_, err = fmt.Fprintln(a.Stdout, clean(user))
	return err
}

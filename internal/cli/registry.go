package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/stats"
)

func (a *app) registryCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "registry",
		Aliases: []string{"registries"},
		Short:   "List and change the registries",
	},
		a.registryListCommand(), a.registryAddCommand(), a.registryRemoveCommand(),
		a.registryEnableCommand("enable", true), a.registryEnableCommand("disable", false),
		a.registryDefaultCommand(), a.registryPingCommand(), a.registryTrustCommand(),
		a.registryDiscoverCommand(), a.registryImportCommand(),
		a.registryLoginCommand(), a.registryLogoutCommand(), a.registryWhoamiCommand(),
	)
}

func (a *app) registryListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the registries in the order they are asked",
		Args:    names(0, 0, "no argument"),
		RunE:    func(*cobra.Command, []string) error { return a.registryList() },
	}
}

// registryRow is a registry as registry list prints it.
type registryRow struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	URL      string            `json:"url"`
	Priority int               `json:"priority"`
	Enabled  bool              `json:"enabled"`
	Default  bool              `json:"default"`
	Packages []string          `json:"packages"`   // the names it claims
	ByName   bool              `json:"byNameOnly"` // asked for claimed names, and where it is named
	Fallback registry.Fallback `json:"fallback"`
	Auth     string            `json:"auth"` // the kind of credential, never its value; "none" for none
	Source   string            `json:"source"`
	Health   healthRow         `json:"health"`
	Mirrors  []mirrorRow       `json:"mirrors,omitempty"`
}

func (a *app) registryList() error {
	m, err := a.manager()
	if err != nil {
		return err
	}
	def, _ := m.Default()
	counted, err := a.statistics()
	if err != nil {
		a.warnf("%v", err)
	}
	now := time.Now()
	rows := []registryRow{}
	for _, e := range m.All() {
		c := e.Config()
		row := registryRow{
			Name: e.Name(), Type: e.Type(), URL: e.URL(), Priority: e.Priority(), Enabled: e.Enabled(),
			Default:  def != nil && def.Name() == e.Name(),
			Packages: append([]string{}, c.Packages...), ByName: c.ClaimsOnly,
			Fallback: cmp.Or(c.Fallback, a.config.Fallback), Auth: authKind(c, e.URL()), Source: c.Source,
			Health: newHealth(counted.Registry(e.Name()), e.URL(), now),
		}
		row.Mirrors = mirrorRows(e)
		rows = append(rows, row)
	}
	if a.flags.json {
		return a.printJSON(rows)
	}
	w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTYPE\tPRIORITY\tENABLED\tDEFAULT\tASKED FOR\tURL\tSTATE\tP50/P95\tAUTH\tREMARKS\tSOURCE")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.Type, r.Priority,
			yesNo(r.Enabled), yesNo(r.Default), r.askedFor(), r.URL, r.state(now), r.Health.usual(), r.auth(), strings.Join(r.Health.remarks(now), "; "), r.Source)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return a.printMirrors(rows)
}

// askedFor says which names the registry is asked for.
func (r registryRow) askedFor() string {
	switch {
	case len(r.Packages) > 0 && r.ByName:
		return strings.Join(r.Packages, ", ") + " only"
	case len(r.Packages) > 0:
		return strings.Join(r.Packages, ", ") + ", and names nobody claims"
	case r.ByName:
		return r.Name + ":… only"
	}
	return "all names"
}

// state is how the registry is, with what is wrong.
func (r registryRow) state(now time.Time) string {
	h := &r.Health
	if h.State != stats.Down {
		return string(h.State)
	}
	return "down for " + span(now.Sub(h.Since)) + " (" + clean(string(h.Failure)) + ")"
}

// auth is the kind of credential, with what became of it.
func (r registryRow) auth() string {
	switch c := r.Health.Credential; c.State {
	case credentialRefused, credentialExpired:
		return r.Auth + " (" + c.State + ")"
	}
	return r.Auth
}

// authKind is the kind of credential that goes to a registry's own URL.
func authKind(c registry.Config, at string) string {
	kind := "none"
	if c.Auth != nil {
		kind = c.Auth.Type
	} else {
		longest := -1
		for _, cr := range c.Credentials {
			if covers(cr.Scope, at) && len(cr.Scope) > longest {
				kind, longest = cr.Auth.Type, len(cr.Scope)
			}
		}
	}
	if kind == registry.AuthEncoded {
		kind = registry.AuthBasic
	}
	return kind
}

// covers says whether a credential for scope goes along with a request to a URL.
func covers(scope, at string) bool {
	s, err1 := url.Parse(scope)
	u, err2 := url.Parse(at)
	return err1 == nil && err2 == nil && s.Scheme == u.Scheme && strings.EqualFold(s.Host, u.Host) &&
		strings.HasPrefix(strings.TrimSuffix(u.Path, "/")+"/", strings.TrimSuffix(s.Path, "/")+"/")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

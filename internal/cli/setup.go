package cli

import (
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry"
)

// version of the program, where the build does not know one.
const version = "0.1.0-dev"

// programVersion is the module's version if the program was installed from one.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return version
}

// settings reads the configuration, once, and shows its warnings.
func (a *app) settings() (*config.Config, error) {
	if a.config != nil {
		return a.config, nil
	}
	c, err := config.Load(a.configOptions())
	if err != nil {
		return nil, err
	}
	for _, w := range c.Warnings {
		a.warnf("%s", w.Error())
	}
	a.config = c
	return c, nil
}

func (a *app) configOptions() config.Options {
	flags := map[string]string{}
	if a.flags.fallback != "" {
		flags["fallback"] = a.flags.fallback
	}
	if a.flags.storeDir != "" {
		flags["storeDir"] = a.flags.storeDir
	}
	if a.flags.linker != "" {
		flags["linker"] = a.flags.linker
	}
	if a.flags.offline {
		flags["offline"] = "true"
	}
	return config.Options{
		Dir: a.dir(), Env: a.getenv, Environ: func() []string { return a.Environ },
		Flags: flags, GitTracked: config.GitTracks,
	}
}

// manager makes the registries, once.
func (a *app) manager() (*registry.Manager, error) {
	if a.routes != nil {
		return a.routes, nil
	}
	m, err := a.newManager(registry.Options{})
	if err != nil {
		return nil, err
	}
	a.routes = m
	return m, nil
}

// newManager makes the configured registries; o may ask for more than the configuration does.
func (a *app) newManager(o registry.Options) (*registry.Manager, error) {
	c, err := a.settings()
	if err != nil {
		return nil, err
	}
	o.UserAgent = "pantry/" + programVersion()
	o.Run, o.Credentials, o.Warn = a.runHelper, a.credentialSources(), a.credentialWarning()
	o.Distrusted = a.out.add
	m, err := c.Manager(a.tracing(a.counting(o)))
	if err != nil {
		return nil, err
	}
	for _, w := range m.Warnings() {
		a.warnf("%s", w)
	}
	return m, nil
}

// installBase fills the options that configuration decides.
func (a *app) installBase() (install.Options, error) {
	m, err := a.manager()
	if err != nil {
		return install.Options{}, err
	}
	c := a.config
	copies, err := matcher(c.PrivateCopies)
	if err != nil {
		return install.Options{}, err
	}
	missing := map[string]bool{}
	for _, r := range c.Registries {
		missing[r.Name] = r.AllowMissingChecksum
	}
	return install.Options{
		Dir: a.dir(), Registries: m, StoreDir: c.StoreDir, Offline: c.Offline,
		Concurrency:           c.Concurrency,
		Registry:              a.flags.registry,
		Frozen:                c.FrozenLockfile && !c.FrozenByCI(),
		FrozenIfLocked:        c.FrozenByCI(),
		Linker:                install.Linker(c.Linker),
		IsolatedStore:         install.IsolatedStore(c.IsolatedStore),
		Copies:                copies,
		Settings:              routing(c),
		NodeVersion:           nodeVersion,
		AllowMissingIntegrity: func(name string) bool { return missing[name] },
	}, nil
}

// routing is a fingerprint of what decides where packages come from.
func routing(c *config.Config) string {
	var b strings.Builder
	for _, r := range c.Registries {
		priority := registry.DefaultPriority
		if r.Priority != nil {
			priority = *r.Priority
		}
		fmt.Fprintf(&b, "%s %s %s %d %t %s %q %s %q\n", r.Name, r.Type, r.URL, priority, r.Disabled, r.Fallback, r.Packages, r.Adapter, r.Command)
	}
	fmt.Fprintf(&b, "%s %s %s %q", c.Fallback, c.Linker, c.IsolatedStore, c.PrivateCopies)
	return b.String()
}

// matcher makes one of patterns for names of packages; nil if there are none.
func matcher(patterns []string) (func(name string) bool, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	for _, p := range patterns {
		if _, err := path.Match(p, ""); err != nil {
			return nil, fmt.Errorf("privateCopies: %q is no pattern: %w", p, pantry.ErrConfig)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok })
	}, nil
}

// omitKinds checks the kinds that are to be left out.
func omitKinds(kinds []string) (map[lockfile.Kind]bool, error) {
	omit := map[lockfile.Kind]bool{}
	for _, kind := range kinds {
		switch k := lockfile.Kind(kind); k {
		case lockfile.Dev, lockfile.Optional, lockfile.Peer:
			omit[k] = true
		default:
			return nil, usagef("omit %q: expected dev, optional or peer", kind)
		}
	}
	return omit, nil
}

package config

import (
	"fmt"

	"github.com/pantry-go/pantry/registry"
)

// The names of a configuration file. Both in one folder are a mistake.
const (
	FileName        = "pantry.json"
	FileNameComment = "pantry.jsonc"
)

// Options says where to look. The zero value reads the user's configuration and the environment
// of the process, and no project.
type Options struct {
	// Dir is the project's folder; "" reads no project.
	Dir string
	// Home is the user's home folder. "" means that of the environment.
	Home string
	// ConfigDir is the folder of the user's pantry.json. "" means pantry in $XDG_CONFIG_HOME, by
	// default ~/.config (on Windows %AppData%).
	ConfigDir string
	// Env looks up variables. nil means os.LookupEnv.
	Env func(string) (string, bool)
	// Environ lists the environment as "NAME=value". nil means os.Environ where Env is nil too,
	// and nothing elsewhere.
	Environ func() []string
	// Flags are settings given on the command line, by their key ("storeDir").
	Flags map[string]string
	// GitTracked says whether git tracks a file, which is asked for a project's file that holds a
	// secret. nil means that no file is tracked. See [GitTracks].
	GitTracked func(path string) bool
	// Replace holds contents that stand for those of the files at these paths, to see what a
	// change would lead to before it is written. See [Editor.Bytes].
	Replace map[string][]byte
}

// Config is the effective configuration. It must not be changed; it is safe for concurrent reading.
type Config struct {
	Settings
	// Registries are the entries in their order: those of the project's file, then the user's,
	// then what .npmrc files add and what is built in. Disabled ones are there too.
	Registries []registry.Config
	// Warnings are remarks the user should see. None holds a secret.
	Warnings []Problem
	// Files are the files that were read, as messages name them, in the order of their layers.
	Files []string
	// ProjectFile is the path of the project's pantry.json or pantry.jsonc; "" when there is none.
	ProjectFile string

	list   []*merged // what Registries were made of, in the same order
	given  map[string]origin
	getenv func(string) (string, bool)
}

// Format prints a summary whatever the verb, so that no part of a configuration is printed by
// accident: a proxy's URL may hold a password.
func (c *Config) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "configuration with %d registries from %d files", len(c.Registries), len(c.Files))
}

// Load reads the configuration. The error is [Problems] with every mistake that was found; it
// matches [pantry.ErrConfig].
func Load(o Options) (*Config, error) {
	l := newLoader(o)
	l.list = presets()
	l.userFile()
	l.npmFiles()
	l.projectFile()
	l.settingsFrom(l.environmentSettings())
	l.settingsFrom(l.flagSettings())
	return l.finish()
}

// Validate reads one pantry.json alone, over what is built in: what `pantry config validate`
// checks. Warnings hold also remarks on what is allowed and unwise.
func Validate(path string, o Options) (*Config, error) {
	l := newLoader(o)
	l.list = presets()
	if d := l.read(path, l.display(path), levelProject); d != nil {
		l.document(d, path)
	} else if len(l.problems) == 0 {
		l.report(Problem{File: l.display(path), Message: "there is no such file"})
	}
	c, err := l.finish()
	if c != nil {
		c.Warnings = append(c.Warnings, c.Remarks()...)
	}
	return c, err
}

// FrozenByCI says that FrozenLockfile is true by default because the variable CI is set, which asks for
// it only where there is a lockfile.
func (c *Config) FrozenByCI() bool {
	return c.FrozenLockfile && c.given["frozenLockfile"].level == levelBuiltIn
}

// Manager makes a manager of the configured registries. Its zero options are filled from the
// configuration.
func (c *Config) Manager(o registry.Options) (*registry.Manager, error) {
	if o.Fallback == "" {
		o.Fallback = c.Fallback
	}
	if o.Getenv == nil {
		o.Getenv = c.getenv
	}
	if o.CacheDir == "" {
		o.CacheDir = c.CacheDir
	}
	m := registry.NewManager(o)
	if err := m.Load(c.Registries, c.DefaultRegistry); err != nil {
		return nil, err
	}
	return m, nil
}

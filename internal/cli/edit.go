package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

// edit changes a configuration file, unless what comes of it could not be loaded. It returns the
// configuration as it is afterwards.
func (a *app) edit(path string, change func(*config.Editor) error) (*config.Config, error) {
	e, err := config.Edit(path)
	if err != nil {
		return nil, err
	}
	if err := change(e); err != nil {
		return nil, err
	}
	o := a.configOptions()
	o.Replace = map[string][]byte{path: e.Bytes()}
	c, err := config.Load(o)
	if err != nil {
		return nil, fmt.Errorf("%s is left as it was, because afterwards there would be %w", a.shownConfig(path), err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%s can't be written: %w", a.shownConfig(path), cause(err))
	}
	return c, e.Save()
}

// userFile is the user's configuration file.
func (a *app) userFile() (string, error) {
	path := config.UserFile(a.configOptions())
	if path == "" {
		return "", fmt.Errorf("there is no folder for the user's configuration: set HOME or XDG_CONFIG_HOME: %w", pantry.ErrConfig)
	}
	return path, nil
}

// configFile is the file that a setting goes to.
func (a *app) configFile(user bool) (string, error) {
	if user {
		return a.userFile()
	}
	return config.ProjectFile(a.dir()), nil
}

// fileOf is the file in which to change a registry: the one that has it, the project's before the
// user's. A built-in registry is changed in the project's; user says that it has to be the user's.
func (a *app) fileOf(name string, user bool) (string, error) {
	project := config.ProjectFile(a.dir())
	mine, err := a.userFile()
	if err != nil {
		if user {
			return "", err
		}
		mine = ""
	}
	for _, path := range []string{project, mine} {
		if path == "" || user && path != mine {
			continue
		}
		has, err := hasEntry(path, name)
		if has || err != nil {
			return path, err
		}
	}
	if user {
		return mine, nil
	}
	return project, nil
}

func hasEntry(path, name string) (bool, error) {
	e, err := config.Edit(path)
	if err != nil {
		return false, err
	}
	return slices.Contains(e.Registries(), name), nil
}

// known finds a configured registry, and is an error that names the ones there are.
func (a *app) known(name string) (*registry.Entry, error) {
	m, err := a.manager()
	if err != nil {
		return nil, err
	}
	if e, ok := m.Get(name); ok {
		return e, nil
	}
	return nil, m.SetDefault(name) // which knows what name may have been meant
}

// elsewhere explains why the editor knows no registry of a name that is configured.
func elsewhere(err error, e *registry.Entry) error {
	source := e.Config().Source
	if !errors.Is(err, pantry.ErrConfig) || pantry.Hint(err) != "" || source == "" {
		return err
	}
	return pantry.WithHint(err, "it comes from %s: change it there", source)
}

// checkEffect warns when a key that was just set in a file has another value in the end, because
// something stronger sets it too.
func (a *app) checkEffect(c *config.Config, path, key string) {
	for _, row := range c.Show() {
		if row.Key == key && !strings.HasPrefix(row.Origin, a.shownConfig(path)+":") {
			a.warnf("%s is still %s: %s sets it, and wins over %s", key, row.Value, row.Origin, a.shownConfig(path))
		}
	}
}

// shownConfig is a configuration file as messages name it.
func (a *app) shownConfig(path string) string { return config.Shown(a.configOptions(), path) }

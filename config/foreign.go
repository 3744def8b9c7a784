package config

import "github.com/pantry-go/pantry/registry"

// NpmrcLine is one assignment of an .npmrc file.
type NpmrcLine struct {
	Key, Value string // variables not expanded
	Line       int    // from 1
}

// NpmrcLines reads an .npmrc file as npm does: what is no assignment is skipped. Lines beyond the bound
// on their number are left out.
func NpmrcLines(data []byte) []NpmrcLine {
	var out []NpmrcLine
	for _, l := range parseNpmrc(newSource("", "", levelProjectNpmrc, data)) {
		out = append(out, NpmrcLine{l.key, l.value, l.at.line})
	}
	return out
}

// WithoutNpmrc is the registries as they would be if there were no .npmrc files and no npm_config_*
// variables: what these add is left out, and what they change is as it is built in.
func (c *Config) WithoutNpmrc() []registry.Config {
	var out []registry.Config
	for i, m := range c.list {
		switch m.given[""].level {
		case levelUserNpmrc, levelProjectNpmrc, levelNpmEnv:
			for _, preset := range presets() {
				if preset.Name == m.Name {
					out = append(out, preset.config())
				}
			}
		default:
			out = append(out, c.Registries[i])
		}
	}
	return out
}

// IsBuiltIn says whether a registry is as nobody configured it.
func IsBuiltIn(c registry.Config) bool { return c.Source == builtIn }

package foreign

import (
	"strings"
)

// Environ reads the variables in which pip, uv, yarn and cargo look for registries. environ has them as
// "NAME=value". Those of npm are read by Pantry itself.
func Environ(environ []string) Result {
	r := &reader{o: Options{Getenv: func(string) (string, bool) { return "", false }}}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if value == "" {
			continue
		}
		r.file = "$" + name
		switch {
		case name == "PIP_INDEX_URL" || name == "PIP_EXTRA_INDEX_URL":
			r.tool = "pip"
			for _, u := range strings.Fields(value) {
				r.add(pypi("", u, 0))
			}
		case name == "UV_DEFAULT_INDEX" || name == "UV_INDEX" || name == "UV_INDEX_URL" || name == "UV_EXTRA_INDEX_URL":
			r.tool = "uv"
			for _, one := range strings.Fields(value) {
				index, u, named := strings.Cut(one, "=")
				if !named || strings.ContainsAny(index, ":/") {
					index, u = "", one
				}
				r.add(pypi(index, u, 0))
			}
		case name == "YARN_NPM_REGISTRY_SERVER":
			r.tool = "yarn"
			r.add(found{url: value}.npmDefault())
		case strings.HasPrefix(name, "CARGO_REGISTRIES_") && strings.HasSuffix(name, "_INDEX"):
			r.tool = "cargo"
			short := strings.TrimSuffix(strings.TrimPrefix(name, "CARGO_REGISTRIES_"), "_INDEX")
			r.add(crates(strings.ReplaceAll(strings.ToLower(short), "_", "-"), value, 0))
		}
	}
	return r.result
}

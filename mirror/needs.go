package mirror

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// needs are the dependencies of what is at the target.
func (j *job) needs() []Item {
	var out []Item
	for _, v := range slices.Sorted(maps.Keys(j.good)) {
		m := j.good[v]
		if m.Tool != nil {
			for _, name := range slices.Sorted(maps.Keys(m.Dependencies)) {
				out = append(out, Item{Name: name, Versions: m.Dependencies[name], Pick: true})
			}
			continue
		}
		for _, deps := range []map[string]string{m.Dependencies, m.OptionalDependencies, m.PeerDependencies} {
			for _, name := range slices.Sorted(maps.Keys(deps)) {
				if slices.Contains(m.OptionalPeers, name) {
					continue
				}
				if it, ok := dependency(name, deps[name]); ok {
					out = append(out, it)
				} else {
					j.left(name, "", fmt.Sprintf("%s@%s wants it as %q, which is in no registry", j.name, v, deps[name]))
				}
			}
		}
	}
	return out
}

// dependency reads a dependency of package.json.
func dependency(name, spec string) (Item, bool) {
	if alias, ok := strings.CutPrefix(spec, "npm:"); ok {
		name, spec = alias, ""
		if at := strings.LastIndexByte(alias, '@'); at > 0 {
			name, spec = alias[:at], alias[at+1:]
		}
	}
	if strings.ContainsAny(spec, ":/") {
		return Item{}, false
	}
	if spec == "" {
		spec = "*"
	}
	return Item{Name: name, Versions: spec, Pick: true}, true
}

package manifest

import (
	"fmt"
	"strings"

	"github.com/tailscale/hujson"
)

// workspaces reads the patterns: an array, or yarn's and bun's object around one.
func (r *reading) workspaces() error {
	v := find(r.doc.root, "workspaces")
	if v == nil {
		return nil
	}
	list := v
	if o, ok := v.Value.(*hujson.Object); ok {
		for _, name := range []string{"catalog", "catalogs"} {
			if find(o, name) != nil {
				r.lacks("workspaces: it holds a %s", name)
			}
		}
		if list = find(o, "packages"); list == nil {
			return nil
		}
	}
	a, ok := list.Value.(*hujson.Array)
	if ok {
		r.manifest.Workspaces, ok = stringsOf(a)
	}
	if !ok {
		return r.doc.errorf(list.StartOffset, "the workspaces are not a list of strings")
	}
	if len(a.Elements) > 0 {
		r.lacks("the project has workspaces (%s)", clip(strings.Join(r.manifest.Workspaces, ", ")))
	}
	return nil
}

// foreignFields notes what other package managers read from package.json and what would change
// the packages that are installed.
func (r *reading) foreignFields() error {
	for _, name := range []string{"catalog", "catalogs", "patchedDependencies"} {
		if holdsSomething(find(r.doc.root, name)) {
			r.lacks("%q holds something", name)
		}
	}
	v := find(r.doc.root, "pnpm")
	if v == nil {
		return nil
	}
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return nil
	}
	for _, name := range []string{"overrides", "packageExtensions", "patchedDependencies"} {
		if holdsSomething(find(o, name)) {
			r.lacks("%q holds something", "pnpm."+name)
		}
	}
	return nil
}

func holdsSomething(v *hujson.Value) bool {
	if v == nil {
		return false
	}
	o, ok := v.Value.(*hujson.Object)
	return ok && len(o.Members) > 0
}

func (r *reading) lacks(format string, args ...any) {
	r.manifest.Unsupported = append(r.manifest.Unsupported, fmt.Sprintf(format, args...))
}

// unsupportedWishes notes the wishes that need another package manager. An optional one can be
// left out, so it is for those who resolve it.
func unsupportedWishes(m *Manifest) []string {
	var out []string
	for _, s := range []struct {
		section string
		wishes  map[string]string
	}{{"dependencies", m.Dependencies}, {"devDependencies", m.DevDependencies}} {
		for _, name := range sortedKeys(s.wishes) {
			value := s.wishes[name]
			if protocol, _, ok := strings.Cut(value, ":"); ok && isForeignProtocol(protocol) {
				out = append(out, fmt.Sprintf("%s: %s is wished for as %q, which uses the %s: protocol", s.section, name, shown(value), protocol))
			}
		}
	}
	return out
}

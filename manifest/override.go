package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// maxOverrides bounds the entries of "overrides" and "resolutions" together.
const maxOverrides = 10_000

// Selector names packages: all versions, or those of a range.
type Selector struct {
	Name  string
	Range string // "" means any
}

// String is name or name@range.
func (s Selector) String() string {
	if s.Range == "" {
		return s.Name
	}
	return s.Name + "@" + s.Range
}

// Override changes what is wished for, wherever it is wished for.
type Override struct {
	// Path ends in the package whose wishes change; those before it narrow where: each stands
	// somewhere above the next.
	Path []Selector
	// Spec is what is wished for instead; "$name" of the text is resolved already.
	Spec string
	// Resolution says that it comes from yarn's "resolutions", which, unlike npm's overrides,
	// may change what the project itself depends on.
	Resolution bool
}

// Selector is Path in one string: "foo@^1 > bar".
func (o Override) Selector() string {
	parts := make([]string, len(o.Path))
	for i, s := range o.Path {
		parts[i] = s.String()
	}
	return strings.Join(parts, " > ")
}

// Overrides are the overrides of a project, in the order of the file. No two have the same
// selector.
type Overrides []Override

// Strings maps selectors to specs, as a lockfile keeps them. It is nil where there are none.
func (o Overrides) Strings() map[string]string {
	if len(o) == 0 {
		return nil
	}
	out := make(map[string]string, len(o))
	for _, x := range o {
		out[x.Selector()] = x.Spec
	}
	return out
}

// rawOverride is an override as it was read, with "$name" in it still.
type rawOverride struct {
	Override
	doc *document
	at  int
}

func (r *reading) readOverrides() error {
	o, err := r.object("overrides")
	if err != nil || o == nil {
		return err
	}
	return r.nested(o, nil)
}

// nested reads one level of npm's overrides.
func (r *reading) nested(o *hujson.Object, path []Selector) error {
	for _, m := range members(o) {
		at := path
		if m.name != "." || len(path) == 0 {
			sel, err := parseSelector(m.name)
			if err != nil {
				return r.doc.errorf(m.at, "overrides: %w", err)
			}
			at = append(path[:len(path):len(path)], sel)
		}
		if s, ok := stringOf(m.value); ok {
			if err := r.override(at, s, m.value.StartOffset, false); err != nil {
				return err
			}
			continue
		}
		child, ok := m.value.Value.(*hujson.Object)
		if !ok || m.name == "." {
			return r.doc.errorf(m.value.StartOffset, "overrides: %q is not a string", m.name)
		}
		if err := r.nested(child, at); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) override(path []Selector, spec string, at int, resolution bool) error {
	spec = strings.TrimSpace(spec)
	if err := checkValue(spec); err != nil {
		return r.doc.errorf(at, "override of %q: %w", path[len(path)-1].Name, err)
	}
	if spec == "" {
		spec = "*"
	}
	if len(r.overrides) == maxOverrides {
		return r.doc.errorf(at, "more than %d overrides", maxOverrides)
	}
	o := Override{Path: path, Spec: spec, Resolution: resolution}
	r.overrides = append(r.overrides, rawOverride{o, r.doc, at})
	return nil
}

// parseSelector reads name[@range].
func parseSelector(s string) (Selector, error) {
	name, rng := cutVersion(s)
	if err := CheckName(name); err != nil {
		return Selector{}, err
	}
	rng = strings.TrimSpace(rng)
	if len(rng) > maxSpec {
		return Selector{}, errTooLong
	}
	if rng == "*" || rng == "" {
		return Selector{Name: name}, nil
	}
	if _, err := semver.ParseRange(rng); err != nil {
		return Selector{}, fmt.Errorf("selector %q: %q is not a range", clip(s), clip(rng))
	}
	return Selector{name, rng}, nil
}

// readResolutions reads yarn's resolutions: "name", "parent/name" and either with "**/".
func (r *reading) readResolutions() error {
	o, err := r.object("resolutions")
	if err != nil || o == nil {
		return err
	}
	for _, m := range members(o) {
		spec, ok := stringOf(m.value)
		if !ok {
			return r.doc.errorf(m.value.StartOffset, "resolutions: %q is not a string", m.name)
		}
		path, err := parsePattern(m.name)
		if err != nil {
			r.lacks("resolutions: %q: %v", clip(m.name), err)
			continue
		}
		if err := r.override(path, unprefixed(spec), m.value.StartOffset, true); err != nil {
			return err
		}
	}
	return nil
}

func parsePattern(pattern string) ([]Selector, error) {
	var path []Selector
	parts := strings.Split(pattern, "/")
	for i := 0; i < len(parts); i++ {
		part := parts[i]
		if part == "**" {
			continue
		}
		if strings.HasPrefix(part, "@") && i+1 < len(parts) {
			i++
			part += "/" + parts[i]
		}
		name, rng := cutVersion(part)
		if strings.Contains(name, "*") {
			return nil, errors.New("it is a pattern of names")
		}
		if rng != "" {
			name += "@" + unprefixed(rng)
		}
		sel, err := parseSelector(name)
		if err != nil {
			return nil, err
		}
		path = append(path, sel)
	}
	if len(path) == 0 {
		return nil, errors.New("it names no package")
	}
	return path, nil
}

// unprefixed drops the "npm:" that newer yarn writes before a plain range.
func unprefixed(spec string) string {
	if rest, ok := strings.CutPrefix(spec, "npm:"); ok {
		if _, err := semver.ParseRange(rest); err == nil {
			return rest
		}
	}
	return spec
}

// settleOverrides resolves references, and refuses overrides that contradict each other or what
// the project itself wishes for. Of an override and a resolution of the same packages the override
// stands.
func (m *Manifest) settleOverrides(raw []rawOverride) error {
	index := map[string]int{}
	var at []rawOverride
	for _, x := range raw {
		spec, err := m.reference(x.Spec)
		if err != nil {
			return x.doc.error(x.at, err)
		}
		x.Spec = spec
		key := x.Selector()
		i, dup := index[key]
		switch {
		case !dup:
			index[key] = len(at)
			at = append(at, x)
		case at[i].doc != x.doc && at[i].Spec != x.Spec:
			return x.doc.errorf(x.at, "override of %s: %q here and %q in %s", key, shown(x.Spec), shown(at[i].Spec), PackageJSON)
		case x.doc == at[i].doc && !x.Resolution:
			at[i] = x // JSON's last one
		}
	}
	for _, x := range at {
		m.Overrides = append(m.Overrides, x.Override)
	}
	return m.checkDirect(at)
}

// reference resolves "$name" to what the project wishes for under name, in npm's order.
func (m *Manifest) reference(spec string) (string, error) {
	name, ok := strings.CutPrefix(spec, "$")
	if !ok {
		return spec, nil
	}
	for _, deps := range m.byPrecedence() {
		if s, ok := deps[name]; ok {
			return s, nil
		}
	}
	return "", fmt.Errorf("override %q refers to %q, which is no dependency of the project", spec, name)
}

// byPrecedence lists the sections in the order in which npm looks a reference up.
func (m *Manifest) byPrecedence() []map[string]string {
	return []map[string]string{m.DevDependencies, m.OptionalDependencies, m.Dependencies, m.PeerDependencies}
}

// checkDirect refuses an override that changes a wish of the project itself: it would say two
// things of one package (npm's EOVERRIDE).
func (m *Manifest) checkDirect(raw []rawOverride) error {
	only := make(Overrides, 0, len(raw))
	var where []rawOverride
	for _, x := range raw {
		if !x.Resolution {
			only = append(only, x.Override)
			where = append(where, x)
		}
	}
	if len(only) == 0 {
		return nil
	}
	checked := map[string]bool{}
	for _, deps := range m.byPrecedence() {
		for _, name := range sortedKeys(deps) {
			i, spec := only.match(nil, name, deps[name])
			if checked[name] || spec == "" || spec == deps[name] {
				checked[name] = true
				continue
			}
			x := where[i]
			err := fmt.Errorf("override of %s: %q contradicts the project's own dependency %s@%s", x.Selector(), shown(spec), name, shown(deps[name]))
			return x.doc.error(x.at, pantry.WithHint(err, `write the same in both places, or "$%s" as the override`, name))
		}
	}
	return nil
}

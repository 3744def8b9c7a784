package manifest

import (
	"slices"

	"github.com/pantry-go/pantry/semver"
)

// NodeRef is a package on the way from the project to who wishes.
type NodeRef struct {
	Name    string
	Version string
}

// Match returns what is wished for instead of spec, by a package under name; ok is false when no
// override says otherwise. path leads from the project, which is not in it, to the package that
// wishes, which is its last; it is empty for the project itself.
//
// The rules are npm's: what is nested under an ancestor goes before what is not, the nearest
// ancestor before those above it, and within one level the first entry of the file. A selector
// with a range takes part where the range and the wish have versions in common. An entry
// "foo@2": {"bar": …} without a "." pins foo itself to its own range, 2.
func (o Overrides) Match(path []NodeRef, name, spec string) (newSpec string, ok bool) {
	_, newSpec = o.match(path, name, spec)
	return newSpec, newSpec != ""
}

// match also returns the index of the override.
func (o Overrides) match(path []NodeRef, name, spec string) (int, string) {
	if !o.mentions(name) {
		return -1, ""
	}
	var within []Selector
	for _, node := range path {
		if r, ok := o.find(within, node.Name, func(r rule) bool { return r.holds(node.Version) }); ok {
			within = r.path
		}
	}
	w := classify(name, spec)
	r, ok := o.find(within, name, func(r rule) bool { return w.meets(r.last().Range) })
	if !ok || r.value == "*" {
		return -1, ""
	}
	return r.index, r.value
}

// mentions is what keeps matching cheap: most names are in no override.
func (o Overrides) mentions(name string) bool {
	for i := range o {
		for _, s := range o[i].Path {
			if s.Name == name {
				return true
			}
		}
	}
	return false
}

// rule is one place in the tree that npm's overrides are: an override, or the ancestor of one.
type rule struct {
	path  []Selector
	value string // what is wished for at this place; "*" for anything
	index int    // of the override; for an ancestor, of the first one below
}

func (r rule) last() Selector { return r.path[len(r.path)-1] }

// holds says whether a package of that version is what the rule is about.
func (r rule) holds(version string) bool {
	rng := r.last().Range
	return rng == "" || semver.Satisfies(version, rng) || semver.Satisfies(version, r.value)
}

// find returns the first rule for name that is accepted, looking from within outwards: at each
// level the children, then the level itself. A rule hides those further out with its selector.
func (o Overrides) find(within []Selector, name string, accept func(rule) bool) (rule, bool) {
	var seen []Selector
	try := func(path []Selector) (rule, bool) {
		sel := path[len(path)-1]
		if sel.Name != name || slices.Contains(seen, sel) {
			return rule{}, false
		}
		seen = append(seen, sel)
		r := o.rule(path)
		return r, accept(r)
	}
	for n := len(within); n >= 0; n-- {
		level := within[:n]
		for i := range o {
			if p := o[i].Path; len(p) > n && slices.Equal(p[:n], level) {
				if r, ok := try(p[:n+1]); ok {
					return r, true
				}
			}
		}
		if n > 0 {
			if r, ok := try(level); ok {
				return r, true
			}
		}
	}
	return rule{}, false
}

// rule returns the place at path.
func (o Overrides) rule(path []Selector) rule {
	r := rule{path: path, value: path[len(path)-1].Range, index: -1}
	for i := range o {
		p := o[i].Path
		if len(p) < len(path) || !slices.Equal(p[:len(path)], path) {
			continue
		}
		if len(p) == len(path) {
			r.value, r.index = o[i].Spec, i
			break
		}
		if r.index < 0 {
			r.index = i
		}
	}
	if r.value == "" {
		r.value = "*"
	}
	return r
}

// wanted is a wish, seen as selectors with a range see it.
type wanted struct {
	rng   semver.Range
	known bool // rng is what is wished for
	never bool // a repository, which has no range
}

func classify(name, spec string) wanted {
	s, err := ParseDependency(name, spec, func(string) bool { return true })
	switch {
	case s.Type == GitSpec:
		return wanted{never: true}
	case err != nil || s.Type != RangeSpec && s.Type != VersionSpec:
		return wanted{}
	}
	rng, err := semver.ParseRange(s.Range)
	return wanted{rng: rng, known: err == nil}
}

// meets says whether a selector's range takes part in the wish. Tags, folders and tarballs cannot
// be compared, and are taken to.
func (w wanted) meets(selector string) bool {
	if selector == "" {
		return true
	}
	if w.never || !w.known {
		return !w.never
	}
	rng, err := semver.ParseRange(selector)
	return err == nil && w.rng.Intersects(rng)
}

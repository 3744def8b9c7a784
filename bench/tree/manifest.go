package tree

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// Manifest is what the registry says of a package's version, or a project of itself.
type Manifest struct {
	Name                 string            `json:"name,omitempty"`
	Version              string            `json:"version,omitempty"`
	Dependencies         map[string]string `json:"dependencies,omitempty"`
	DevDependencies      map[string]string `json:"devDependencies,omitempty"` // counts for a project only
	OptionalDependencies map[string]string `json:"optionalDependencies,omitempty"`
	PeerDependencies     map[string]string `json:"peerDependencies,omitempty"`
	PeerDependenciesMeta map[string]struct {
		Optional bool `json:"optional"`
	} `json:"peerDependenciesMeta,omitempty"`
	Bin  json.RawMessage `json:"bin,omitempty"`
	OS   Words           `json:"os,omitempty"`
	CPU  Words           `json:"cpu,omitempty"`
	Libc Words           `json:"libc,omitempty"`
}

// Words is a list that may be written as one word.
type Words []string

// UnmarshalJSON reads a list or one word; anything else is an empty list.
func (w *Words) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*w = Words{one}
		return nil
	}
	var list []string
	_ = json.Unmarshal(data, &list)
	*w = list
	return nil
}

// allow reports whether a list lets a value pass: it is named, or not named and nothing else is asked for.
func (w Words) allow(value string) bool {
	wanted := false
	for _, word := range w {
		if refused, ok := strings.CutPrefix(word, "!"); ok {
			if refused == value {
				return false
			}
			continue
		}
		wanted = wanted || word != "any"
	}
	return !wanted || slices.Contains(w, value)
}

// RunsOn reports whether a version is made for a platform.
func (m *Manifest) RunsOn(p lockfile.Platform) bool {
	return m.OS.allow(p.OS) && m.CPU.allow(p.CPU) && (p.Libc == "" || m.Libc.allow(p.Libc))
}

// Programs returns the names of the commands a package has.
func (m *Manifest) Programs() []string {
	var one string
	if json.Unmarshal(m.Bin, &one) == nil && one != "" {
		return []string{m.Name[strings.LastIndexByte(m.Name, '/')+1:]}
	}
	var many map[string]string
	if json.Unmarshal(m.Bin, &many) != nil {
		return nil
	}
	var names []string
	for name := range many {
		names = append(names, name[strings.LastIndexByte(name, '/')+1:])
	}
	slices.Sort(names)
	return names
}

// wish is one dependency.
type wish struct {
	as       string // the name it is loaded under
	name     string // the package's own
	rng      string
	optional bool // may be missing where it does not run
	peer     bool // may be of another version
	may      bool // an optional peer: may be missing everywhere
}

// wishes returns what must be loadable from a package, sorted by name. An optional dependency hides one of the same
// name that is not, and a peer gives way to both.
func (m *Manifest) wishes(project bool) []wish {
	all := map[string]wish{}
	for name, rng := range m.PeerDependencies {
		w := newWish(name, rng)
		w.peer, w.may = true, m.PeerDependenciesMeta[name].Optional
		all[name] = w
	}
	for name := range m.PeerDependenciesMeta { // may name peers without a range
		if _, ok := all[name]; !ok && m.PeerDependenciesMeta[name].Optional {
			all[name] = wish{as: name, name: name, rng: "*", peer: true, may: true}
		}
	}
	if project {
		for name, rng := range m.DevDependencies {
			all[name] = newWish(name, rng)
		}
	}
	for name, rng := range m.Dependencies {
		all[name] = newWish(name, rng)
	}
	for name, rng := range m.OptionalDependencies {
		w := newWish(name, rng)
		w.optional = true
		all[name] = w
	}
	out := make([]wish, 0, len(all))
	for _, w := range all {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b wish) int { return strings.Compare(a.as, b.as) })
	return out
}

func newWish(name, rng string) wish {
	w := wish{as: name, name: name, rng: rng}
	if target, ok := strings.CutPrefix(rng, "npm:"); ok {
		w.name, w.rng = target, "*"
		if at := strings.LastIndexByte(target, '@'); at > 0 {
			w.name, w.rng = target[:at], target[at+1:]
		}
	}
	return w
}

package bundle

import (
	"cmp"
	"maps"
	"slices"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/semver"
)

// Change is a package that two bundles differ in.
type Change struct {
	Registry string `json:"registry"`
	Name     string `json:"name"`
	// Before and After are its versions in each, ascending; none where it is not there.
	Before []string `json:"before"`
	After  []string `json:"after"`
	// Bytes are versions that both have, with other bytes.
	Bytes []string `json:"bytes,omitempty"`
}

// Diff lists the packages in which b differs from a, by registry and name.
func Diff(a, b *Bundle) []Change { return diffLocks(a.Lock, b.Lock) }

func diffLocks(a, b *lockfile.Lock) []Change {
	type key struct{ registry, name string }
	changes := map[key]*Change{}
	at := func(p *lockfile.Package) *Change {
		k := key{p.Registry, p.Name}
		if changes[k] == nil {
			changes[k] = &Change{Registry: p.Registry, Name: p.Name, Before: []string{}, After: []string{}}
		}
		return changes[k]
	}
	before, after := versionsOf(a), versionsOf(b)
	for _, p := range before {
		c := at(p)
		c.Before = append(c.Before, p.Version)
	}
	for id, p := range after {
		c := at(p)
		c.After = append(c.After, p.Version)
		if old := before[id]; old != nil && !sameContent(old, p) {
			c.Bytes = append(c.Bytes, p.Version)
		}
	}
	var out []Change
	for _, k := range slices.SortedFunc(maps.Keys(changes), func(x, y key) int {
		return cmp.Or(cmp.Compare(x.registry, y.registry), cmp.Compare(x.name, y.name))
	}) {
		c := changes[k]
		for _, list := range [][]string{c.Before, c.After, c.Bytes} {
			slices.Sort(list)
			semver.Sort(list)
		}
		if !slices.Equal(c.Before, c.After) || len(c.Bytes) > 0 {
			out = append(out, *c)
		}
	}
	return out
}

func sameContent(a, b *lockfile.Package) bool {
	if a.Tool == nil || b.Tool == nil {
		same, known := a.Integrity.Same(b.Integrity)
		return (a.Tool == nil) == (b.Tool == nil) && (same || !known)
	}
	for _, x := range a.Tool.Builds {
		for _, y := range b.Tool.Builds {
			if same, known := x.Integrity.Same(y.Integrity); x.Platform == y.Platform && known && !same {
				return false
			}
		}
	}
	return true
}

package link

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// merged returns a lockfile in which the instances of one package that can stand for each other in a
// hoisted layout are one: those that differ in optional peers alone. Two copies of one version for
// the sake of a peer that need not be there would be of no use to anybody, and npm makes one. What is
// one now has no such peers. A lockfile without such instances is returned as it is.
func merged(l *lockfile.Lock) *lockfile.Lock {
	if !hasInstances(l) {
		return l
	}
	ids := slices.Sorted(maps.Keys(l.Packages))
	class := map[lockfile.ID]int{}
	classes := classify(ids, class, func(id lockfile.ID) string { return packageKey(l.Packages[id]) })
	for {
		next := map[lockfile.ID]int{}
		n := classify(ids, next, func(id lockfile.ID) string { return signature(l, id, class) })
		if n == classes {
			break
		}
		class, classes = next, n
	}
	first, size := map[int]lockfile.ID{}, map[int]int{}
	for _, id := range ids {
		if _, ok := first[class[id]]; !ok {
			first[class[id]] = id
		}
		size[class[id]]++
	}
	stands := map[lockfile.ID]lockfile.ID{}
	for _, id := range ids {
		stands[id] = first[class[id]]
	}
	m := lockfile.New()
	for dir, project := range l.Projects {
		m.Projects[dir] = &lockfile.Project{Dependencies: maps.Clone(project.Dependencies)}
		for name, w := range project.Dependencies {
			w.ID = stands[w.ID]
			m.Projects[dir].Dependencies[name] = w
		}
	}
	for c, id := range first {
		p := *l.Packages[id]
		p.Dependencies = map[string]lockfile.Dependency{}
		for name, d := range l.Packages[id].Dependencies {
			if d.ID != "" && !(size[c] > 1 && d.Peer && d.Optional) {
				d.ID = stands[d.ID]
				p.Dependencies[name] = d
			}
		}
		m.Packages[id] = &p
	}
	return m
}

// hasInstances says whether a package is there more than once.
func hasInstances(l *lockfile.Lock) bool {
	seen := make(map[string]bool, len(l.Packages))
	for _, p := range l.Packages {
		key := packageKey(p)
		if seen[key] {
			return true
		}
		seen[key] = true
	}
	return false
}

func packageKey(p *lockfile.Package) string { return p.Registry + "\x00" + p.Name + "\x00" + p.Version }

// classify numbers the keys of ids in order and returns how many there are.
func classify(ids []lockfile.ID, into map[lockfile.ID]int, key func(lockfile.ID) string) int {
	numbers := map[string]int{}
	for _, id := range ids {
		k := key(id)
		n, ok := numbers[k]
		if !ok {
			n = len(numbers)
			numbers[k] = n
		}
		into[id] = n
	}
	return len(numbers)
}

// signature is id's class with those of what it requires, optional peers aside.
func signature(l *lockfile.Lock, id lockfile.ID, class map[lockfile.ID]int) string {
	deps := l.Packages[id].Dependencies
	names := slices.Sorted(maps.Keys(deps))
	var b strings.Builder
	b.WriteString(strconv.Itoa(class[id]))
	for _, name := range names {
		if d := deps[name]; d.ID != "" && !(d.Peer && d.Optional) {
			b.WriteString(" " + name + "=" + strconv.Itoa(class[d.ID]))
		}
	}
	return b.String()
}

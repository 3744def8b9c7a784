package npmtree

import (
	"hash/maphash"
	"maps"
	"slices"

	"github.com/pantry-go/pantry/lockfile"
)

// Classes are sets of a lockfile's packages that are one version of one package and lead to the same
// dependencies; their peers may differ.
type Classes struct {
	Of    map[lockfile.ID]int // by number, from 0
	First []lockfile.ID       // of each class, in the order of IDs

	first map[lockfile.ID]int // of the versions that are there under longer IDs only
}

// FirstOf returns the first class of a version, which is given by the ID that it would have were it
// there once; -1 where there is none.
func (c *Classes) FirstOf(version lockfile.ID) int {
	if class, ok := c.Of[version]; ok {
		return class
	}
	if class, ok := c.first[version]; ok {
		return class
	}
	return -1
}

// Classify puts the packages of a lockfile into classes, numbered in the order of their first IDs.
func Classify(l *lockfile.Lock) *Classes {
	ids := make([]lockfile.ID, 0, len(l.Packages))
	for id := range l.Packages {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	c := classify(l, ids)
	out := &Classes{Of: c.of, First: make([]lockfile.ID, 0, c.next), first: map[lockfile.ID]int{}}
	number := make([]int, c.next)
	for _, id := range ids {
		class := c.of[id]
		if number[class] == 0 {
			out.First = append(out.First, id)
			number[class] = len(out.First)
		}
		c.of[id] = number[class] - 1
	}
	for id := range c.versions {
		out.first[id] = c.of[c.versions[id]]
	}
	return out
}

type classes struct {
	of       map[lockfile.ID]int
	versions map[lockfile.ID]lockfile.ID // the first ID of those that are longer than need be
	next     int
}

// plainID is the part of an ID that names the version.
func plainID(id lockfile.ID, p *lockfile.Package) lockfile.ID {
	return id[:min(len(id), len(p.Registry)+1+len(p.Name)+1+len(p.Version))]
}

// classify begins with one class for each version, and splits those whose members lead to different
// classes until none is left.
func classify(l *lockfile.Lock, ids []lockfile.ID) *classes {
	c := &classes{of: make(map[lockfile.ID]int, len(ids)), versions: map[lockfile.ID]lockfile.ID{}}
	members := map[int][]lockfile.ID{} // of classes with several
	var first []lockfile.ID
	for _, id := range ids {
		class, ok := len(first), false
		plain := plainID(id, l.Packages[id])
		if len(plain) < len(id) {
			if class, ok = c.of[plain]; !ok {
				if known, longer := c.versions[plain]; longer {
					class, ok = c.of[known], true
				} else {
					class, c.versions[plain] = len(first), id
				}
			}
		}
		if c.of[id] = class; !ok {
			first = append(first, id)
		} else if members[class] = append(members[class], id); len(members[class]) == 1 {
			members[class] = []lockfile.ID{first[class], id}
		}
	}
	c.next = len(first)
	shared := slices.Sorted(maps.Keys(members))
	seed := maphash.MakeSeed()
	for split := true; split; {
		split = false
		var still []int
		for _, class := range shared {
			for i, part := range c.split(l, seed, members[class]) {
				to := class
				if i > 0 {
					to, split = c.next, true
					c.next++
				}
				members[to] = part
				for _, id := range part {
					c.of[id] = to
				}
				if len(part) > 1 {
					still = append(still, to)
				}
			}
		}
		shared = still
	}
	return c
}

// split groups the members of a class by what they lead to.
func (c *classes) split(l *lockfile.Lock, seed maphash.Seed, members []lockfile.ID) [][]lockfile.ID {
	var parts [][]lockfile.ID
	var marks []uint64
	for _, id := range members {
		mark := c.mark(l.Packages[id], seed)
		at := slices.Index(marks, mark)
		if at < 0 {
			at = len(marks)
			marks = append(marks, mark)
			parts = append(parts, nil)
		}
		parts[at] = append(parts[at], id)
	}
	return parts
}

// mark is a number for what p leads to, the same for the same: a sum, since the order of a map is none.
// The seed is drawn anew each time, so that nobody can make a lockfile in which two have one mark.
func (c *classes) mark(p *lockfile.Package, seed maphash.Seed) uint64 {
	var sum uint64
	for name, d := range p.Dependencies {
		class, ok := c.of[d.ID]
		if d.Peer || !ok {
			continue
		}
		sum += maphash.Comparable(seed, struct {
			name  string
			class int
		}{name, class})
	}
	return sum
}

// OnlyOptionalPeers finds the packages of a lockfile that nothing but optional peers leads to; nil for
// none. There are such where the version that something else needs does not satisfy an optional peer:
// npm then gives the peer one of its own.
func OnlyOptionalPeers(l *lockfile.Lock) map[lockfile.ID]bool {
	seen := make(map[lockfile.ID]bool, len(l.Packages))
	todo := l.Roots()
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		p := l.Packages[id]
		if p == nil || seen[id] {
			continue
		}
		seen[id] = true
		for _, d := range p.Dependencies {
			if !(d.Peer && d.Optional) && d.ID != "" && !seen[d.ID] {
				todo = append(todo, d.ID)
			}
		}
	}
	if len(seen) == len(l.Packages) {
		return nil
	}
	only := map[lockfile.ID]bool{}
	for id := range l.Packages {
		if !seen[id] {
			only[id] = true
		}
	}
	return only
}

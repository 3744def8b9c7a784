package registry

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// rankOffset is the constant of reciprocal rank fusion: a result at rank r of a list is worth
// 1/(rankOffset+r). 60 is the value of the paper that introduced it (Cormack, Clarke and
// Büttcher, SIGIR 2009); registries' own scores cannot be compared with each other.
const rankOffset = 60

// merged is one package on its way to becoming a SearchHit.
type merged struct {
	hit   SearchHit
	score float64
	exact bool
	first int // of the lists it is in
}

// merge makes one ranking of several registries' lists, which are in the order of priority. A
// package whose name is the text comes first.
func merge(lists []searched, q pantry.Query) []SearchHit {
	text := strings.TrimSpace(q.Text)
	byName := map[string]*merged{}
	var all []*merged
	for i, l := range lists {
		for rank, h := range l.hits {
			key := searchKey(l.entry, h.Name)
			g := byName[key]
			if g == nil {
				g = &merged{hit: SearchHit{Metadata: *l.entry.label(&h)}, exact: strings.EqualFold(h.Name, text), first: i}
				byName[key] = g
				all = append(all, g)
			} else if g.hit.Registry == l.entry.Name() || slices.Contains(g.hit.AlsoIn, l.entry.Name()) {
				continue // a registry that names a package twice
			} else {
				g.hit.AlsoIn = append(g.hit.AlsoIn, l.entry.Name())
			}
			g.score += 1 / float64(rankOffset+rank+1)
		}
	}
	slices.SortStableFunc(all, func(a, b *merged) int {
		if a.exact != b.exact {
			return cmp.Compare(b2i(b.exact), b2i(a.exact))
		}
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.first, b.first))
	})
	hits := make([]SearchHit, 0, min(len(all), q.Limit))
	for _, g := range all[:min(len(all), q.Limit)] {
		hits = append(hits, g.hit)
	}
	return hits
}

// searchKey says which results are the same package: npm-style registries share their names,
// those of other types are names of other things.
func searchKey(e *Entry, name string) string {
	if e.NPMStyle() {
		return "/" + name
	}
	return e.Type() + "/" + name
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

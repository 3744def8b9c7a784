package link_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/pantry-go/pantry/link"
)

func TestReadStanding(t *testing.T) {
	t.Parallel()
	const lock = ". a@1 b@1\na@1 x@1\nb@1 y@1"
	tests := map[string]struct {
		do      func(*project)
		want    link.Standing
		uses    []string // packages
		missing bool
	}{
		"nothing":    {func(*project) {}, link.Standing{}, nil, true},
		"npm's":      {func(p *project) { p.write("node_modules/a/index.js", "") }, link.Standing{}, nil, true},
		"damaged":    {func(p *project) { p.apply(lock); p.write("node_modules/.pantry/layout", "pantry") }, link.Standing{}, nil, true},
		"hoisted":    {func(p *project) { p.apply(lock) }, link.Standing{}, nil, false},
		"store":      {func(p *project) { p.applyIsolated(lock) }, link.Standing{Isolated: true}, []string{"npm:a@1", "npm:b@1"}, false},
		"in project": {func(p *project) { p.applyIsolated(lock, inProject) }, link.Standing{Isolated: true, Entries: 4}, nil, false},
		"copied": {func(p *project) { p.applyIsolated(lock, copies("npm:b@1")) },
			link.Standing{Isolated: true, Entries: 1}, []string{"npm:a@1", "npm:y@1"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			tt.do(p)
			got, err := link.ReadStanding(p.dir)
			if errors.Is(err, link.ErrNoLayout) != tt.missing || err == nil == tt.missing {
				t.Errorf("got %v", err)
			}
			var keys []string
			for _, pkg := range p.isolated(lockOf(t, lock)).Isolated.Packages {
				if slices.Contains(tt.uses, string(pkg.ID)) {
					keys = append(keys, pkg.Key)
				}
			}
			slices.Sort(keys)
			if got.Isolated != tt.want.Isolated || got.Entries != tt.want.Entries || !slices.Equal(got.Keys, keys) {
				t.Errorf("got %+v, want %+v and the keys %v", got, tt.want, keys)
			}
		})
	}
}

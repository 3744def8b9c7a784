package pkgx

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
)

// Search looks through the names of projects, of their programs, and for people. Each word has to
// be in one of them; case does not count. Projects without bottles for the registry's platform are
// left out; for each of the others its list of versions is asked for, since the recipes hold none.
func (r *Registry) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	found, err := r.search(ctx, q)
	if err != nil {
		return nil, &pantry.Error{Op: opSearch, Ref: pantry.Ref{Registry: r.name}, Err: err}
	}
	return found, nil
}

func (r *Registry) search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	const (
		defaultLimit = 20 // as pantry.Query says
		mostRounds   = 3  // of candidates that may all turn out to have no bottles
	)
	t, err := r.target()
	if err != nil {
		return nil, err
	}
	x, err := r.index.get(ctx)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	candidates := x.rank(q.Text)
	found := make([]pantry.Metadata, 0, min(limit, len(candidates)))
	for range mostRounds {
		n := min(limit-len(found), len(candidates))
		if n == 0 {
			break
		}
		more, err := r.newest(ctx, candidates[:n], t)
		if err != nil {
			return nil, err
		}
		found, candidates = append(found, more...), candidates[n:]
	}
	return found, nil
}

// newest describes the newest version of each recipe that has one, in their order. It fails when
// none could be asked for.
func (r *Registry) newest(ctx context.Context, recipes []*recipe, t target) ([]pantry.Metadata, error) {
	newest := make([]version, len(recipes))
	failures := make([]error, len(recipes))
	var g errgroup.Group
	g.SetLimit(maxRequests)
	for i, c := range recipes {
		g.Go(func() error {
			versions, err := r.inventory(ctx, c.project, t)
			if err != nil {
				failures[i] = err
				return nil
			}
			newest[i] = versions[len(versions)-1]
			return nil
		})
	}
	_ = g.Wait()
	var found []pantry.Metadata
	var failed error
	answered := false
	for i, c := range recipes {
		switch {
		case failures[i] == nil:
			m := c.describe(t, newest[i])
			m.Registry, m.Artifact.Name, m.Artifact.Version = r.name, m.Name, m.Version
			found, answered = append(found, *m), true
		case errors.Is(failures[i], errNoBottles):
			answered = true
		default:
			failed = cmp.Or(failed, failures[i])
		}
	}
	if !answered && failed != nil || ctx.Err() != nil {
		return nil, cmp.Or(failed, ctx.Err())
	}
	return found, nil
}

// rank lists the recipes that a text may mean, the likeliest first.
func (x *index) rank(text string) []*recipe {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return nil
	}
	type hit struct {
		recipe *recipe
		score  int // lower is better
	}
	var hits []hit
	for _, r := range x.recipes {
		total := 0
		for _, w := range words {
			s := r.score(w)
			if s == noHit {
				total = noHit
				break
			}
			total += s
		}
		if strings.ToLower(r.display) == strings.Join(words, " ") {
			total = 0
		}
		if total < noHit {
			hits = append(hits, hit{r, total})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.score, b.score) })
	recipes := make([]*recipe, len(hits))
	for i, h := range hits {
		recipes[i] = h.recipe
	}
	return recipes
}

// noHit is the score of a word that is nowhere; a query has far fewer words.
const noHit = 1 << 20

// score tells where a word in lower case is found, the best place first.
func (r *recipe) score(word string) int {
	project, display := strings.ToLower(r.project), strings.ToLower(r.display)
	best := noHit
	switch {
	case project == word || display == word:
		return 0
	case strings.HasPrefix(project, word+".") || strings.HasSuffix(project, "/"+word):
		best = 2
	case strings.HasPrefix(project, word) || strings.HasPrefix(display, word):
		best = 4
	case strings.Contains(project, word) || strings.Contains(display, word):
		best = 6
	}
	for _, p := range r.programs {
		switch name := strings.ToLower(p.name()); {
		case name == word:
			return min(best, 1)
		case strings.HasPrefix(name, word):
			best = min(best, 3)
		case strings.Contains(name, word):
			best = min(best, 5)
		}
	}
	return best
}

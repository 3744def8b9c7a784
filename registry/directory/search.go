package directory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// defaultResults is what a query without a limit gets, as pantry.Query says.
const defaultResults = 20

// Search finds packages whose name, description or keywords contain the text, in any case: those of
// that name first, then those whose names begin with it or contain it. It reads the latest version
// of every package.
func (r *Reader) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	names, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	type hit struct {
		rank int
		meta *pantry.Metadata
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	var hits []hit
	for _, name := range names {
		m, err := r.Metadata(ctx, name, "")
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			continue // whoever asks for it is told
		}
		if rank, ok := match(m, text); ok {
			hits = append(hits, hit{rank, m})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	hits = hits[:min(len(hits), cmp.Or(max(q.Limit, 0), defaultResults))]
	found := make([]pantry.Metadata, len(hits))
	for i, h := range hits {
		found[i] = *h.meta
	}
	return found, nil
}

func match(m *pantry.Metadata, text string) (rank int, ok bool) {
	name := strings.ToLower(m.Name)
	switch {
	case name == text:
		return 0, true
	case strings.HasPrefix(name, text):
		return 1, true
	case strings.Contains(name, text):
		return 2, true
	case strings.Contains(strings.ToLower(m.Description), text),
		slices.ContainsFunc(m.Keywords, func(k string) bool { return strings.Contains(strings.ToLower(k), text) }):
		return 3, true
	}
	return 0, false
}

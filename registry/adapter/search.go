package adapter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
)

const (
	defaultLimit = 20   // as pantry.Query says
	maxResults   = 1000 // of one search
)

// Search asks the registry's search. Of a registry without one, whose definition says so, it finds
// the package whose name the text is.
func (r *Registry) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit = min(q.Limit, maxResults)
	found, err := r.find(ctx, q)
	if err != nil {
		return nil, &pantry.Error{Op: opSearch, Ref: pantry.Ref{Registry: r.name}, URL: r.base, Err: err}
	}
	return found, nil
}

func (r *Registry) find(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	switch {
	case r.def.search.exact:
		return r.exact(ctx, q)
	case r.def.search.request == nil:
		return nil, fmt.Errorf("%w: registries of %s have no search", pantry.ErrUnsupported, r.def.ecosystem)
	}
	values, err := r.values(ctx)
	if err != nil {
		return nil, err
	}
	values["query"], values["limit"] = q.Text, strconv.Itoa(q.Limit)
	var found []pantry.Metadata
	seen := map[string]bool{}
	for page := range r.def.search.pages {
		values["page"] = strconv.Itoa(page + 1)
		before := len(seen)
		if err := r.searchPage(ctx, values, func(m pantry.Metadata) {
			if !seen[m.Name] && len(found) < q.Limit {
				found = append(found, m)
			}
			seen[m.Name] = true
		}); err != nil {
			return nil, err
		}
		if len(found) >= q.Limit || len(seen) == before {
			break
		}
	}
	return found, nil
}

func (r *Registry) searchPage(ctx context.Context, values map[string]any, add func(pantry.Metadata)) error {
	doc, _, err := r.ask(ctx, r.def.search.request, values)
	if err != nil {
		return err
	}
	page := maps.Clone(values)
	page["doc"] = doc
	v, err := r.def.search.results.eval(page)
	if err != nil {
		return err
	}
	results, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%w: the answer has no list of results", pantry.ErrInvalid)
	}
	for _, v := range results[:min(len(results), maxResults)] {
		rec, _ := v.(map[string]any)
		m, err := record(rec).metadata()
		if err != nil || m.Version != "" && !usableVersion(m.Version) {
			continue
		}
		if m.Name = r.def.normalize(m.Name); r.CheckName(m.Name) != nil {
			continue
		}
		m.Registry = r.name
		m.Artifact = pantry.Artifact{Name: m.Name, Version: m.Version}
		add(*m)
	}
	return nil
}

// exact finds the one package that the text names, in its normal form: what another spelling stands
// for may be claimed by a registry that nobody looked for under that spelling.
func (r *Registry) exact(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	name := strings.TrimSpace(q.Text)
	if r.CheckName(name) != nil {
		return nil, nil
	}
	m, err := r.lookup(ctx, name, "")
	switch {
	case errors.Is(err, pantry.ErrNotFound):
		return nil, nil
	case errors.Is(err, pantry.ErrPolicy): // found, though it could not be downloaded
		return []pantry.Metadata{{Name: name, Registry: r.name, Artifact: pantry.Artifact{Name: name}}}, nil
	case err != nil:
		return nil, err
	}
	return []pantry.Metadata{*m}, nil
}

package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
)

// DefaultSearchTime is how long Search waits for the slowest registry: people wait for it, and
// the others' results are there already.
const DefaultSearchTime = 10 * time.Second

// defaultSearchLimit is pantry.Query's.
const defaultSearchLimit = 20

// SearchOptions of one search. The zero value is useful.
type SearchOptions struct {
	// Deadline bounds the whole search. 0 means DefaultSearchTime.
	Deadline time.Duration
	// Registry restricts the search to the registry of this name, or of this type.
	Registry string
}

// SearchResult is what the registries found, merged.
type SearchResult struct {
	// Results are in the order of their rank, at most as many as the query asks for.
	Results []SearchHit `json:"results"`
	// Failed lists registries that gave no results because something went wrong.
	Failed []SearchFailure `json:"failed"`
	// NotAsked lists enabled registries that were not sent the text, and why.
	NotAsked []SearchSkip `json:"notAsked,omitempty"`
}

// SearchHit is one package found, as its registry of highest priority describes it.
type SearchHit struct {
	pantry.Metadata
	// AlsoIn names registries that have a package of the same name.
	AlsoIn []string `json:"alsoIn,omitempty"`
}

// SearchFailure is a registry that failed.
type SearchFailure struct {
	Registry string  `json:"registry"`
	Outcome  Outcome `json:"outcome"`
	Error    string  `json:"error"`
	Err      error   `json:"-"`
}

// SearchSkip is a registry that was not asked.
type SearchSkip struct {
	Registry string `json:"registry"`
	Reason   string `json:"reason"`
}

// Search asks all enabled registries at once and merges what they find. A registry that fails is
// listed and spoils nothing; the error is for a search that nobody answered (it matches what all
// of them failed with, or pantry.ErrUnsupported), for a mistake in o, and for an ended ctx. What was found is returned with it.
//
// A text that is, or holds, a claimed name or scope is sent to the registries that claim it only.
// Results for a name are taken from registries that may have it: a stranger's package of a claimed
// name is not shown.
func (m *Manager) Search(ctx context.Context, q pantry.Query, o SearchOptions) (SearchResult, error) {
	res := SearchResult{Results: []SearchHit{}, Failed: []SearchFailure{}}
	s := m.state.Load()
	wanted, err := s.restriction(o.Registry)
	if err != nil {
		return res, err
	}
	if q.Limit <= 0 {
		q.Limit = defaultSearchLimit
	}
	if o.Deadline <= 0 {
		o.Deadline = DefaultSearchTime
	}
	var asked []*Entry
	for _, e := range enabled(s.entries) {
		if !wanted(e) || e.reserved(o.Registry) && !s.tellsOwn(e, q.Text) {
			continue
		}
		if owner := s.tellsClaimed(e, q.Text); owner != nil {
			res.NotAsked = append(res.NotAsked, SearchSkip{e.Name(), "the text names packages of registry " + owner.Name()})
			continue
		}
		asked = append(asked, e)
	}
	if len(asked) == 0 && len(res.NotAsked) == 0 {
		return res, s.nobody(Request{}, plan{}, wanted)
	}
	answers := m.searchAll(ctx, asked, q, o.Deadline)
	answered := res.collect(s, answers, q)
	if err := ctx.Err(); err != nil {
		return res, err
	}
	if answered == 0 && len(res.Failed) > 0 {
		return res, res.failure()
	}
	if answered == 0 && len(asked) > 0 {
		return res, &refusal{kind: pantry.ErrUnsupported, msg: "no registry that was asked can be searched"}
	}
	return res, nil
}

// tellsClaimed returns a registry that claims what e would learn from the text, or nil.
func (s *state) tellsClaimed(e *Entry, text string) *Entry {
	for _, word := range searchWords(text) {
		var owner *Entry
		mine := false
		for _, c := range s.entries {
			if !slices.ContainsFunc(c.claims.patterns, func(p pattern) bool { return p.match(word) || p.scope(word) }) {
				continue
			}
			mine = mine || c.Name() == e.Name()
			if owner == nil {
				owner = c
			}
		}
		if owner != nil && !mine {
			return owner
		}
	}
	return nil
}

// tellsOwn says whether the text holds a name or scope that e claims.
func (s *state) tellsOwn(e *Entry, text string) bool {
	for _, word := range searchWords(text) {
		if slices.ContainsFunc(e.claims.patterns, func(p pattern) bool { return p.match(word) || p.scope(word) }) {
			return true
		}
	}
	return false
}

// searchWords are the names and scopes that a search text may tell: its words, also behind a
// qualifier ("keywords:x"), with npm's "scope:acme" read as the scope @acme, and without a version.
func searchWords(text string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool {
		return r <= ' ' || strings.ContainsRune(`"'`+"`,;()[]{}", r)
	}) {
		out = append(out, w)
		if key, value, ok := strings.Cut(w, ":"); ok {
			if strings.EqualFold(key, "scope") {
				value = "@" + strings.TrimPrefix(value, "@")
			}
			out = append(out, value)
		}
	}
	for _, w := range out {
		w = strings.Trim(w, "+-/*!?.") // punctuation, and npm's -word for words that must not occur
		out = append(out, w)
		if at := strings.LastIndexByte(w, '@'); at > 0 {
			out = append(out, w[:at])
		}
	}
	return out
}

// searched is one registry's answer.
type searched struct {
	entry *Entry
	hits  []pantry.Metadata
	err   error
	skip  string
}

// searchAll asks the entries at once and returns what each had to say by the deadline, in their
// order. It does not wait for a registry that ignores its context.
func (m *Manager) searchAll(ctx context.Context, entries []*Entry, q pantry.Query, deadline time.Duration) []searched {
	limited, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	type result struct {
		at int
		s  searched
	}
	results := make(chan result, len(entries)) // room for all: none waits for a reader
	out := make([]searched, len(entries))
	for i, e := range entries {
		out[i] = searched{entry: e, err: fmt.Errorf("%w: no answer within %v", pantry.ErrUnavailable, deadline)}
		go func() { results <- result{i, searchOne(limited, e, q)} }()
	}
	take := func(r result) {
		if limited.Err() == nil || !errors.Is(r.s.err, limited.Err()) { // out has better words
			out[r.at] = r.s
		}
	}
	for range entries {
		select {
		case r := <-results:
			take(r)
		case <-limited.Done():
			for len(results) > 0 {
				take(<-results)
			}
			return out
		}
	}
	return out
}

func searchOne(ctx context.Context, e *Entry, q pantry.Query) searched {
	s := searched{entry: e}
	o, err := e.opener.get()
	if err != nil {
		s.err = err
		return s
	}
	r, ok := pantry.As[pantry.Searcher](o.registry)
	if !ok {
		s.skip = "it cannot be searched"
		return s
	}
	if s.err = e.down(); s.err != nil {
		return s
	}
	s.hits, s.err = r.Search(ctx, q)
	if errors.Is(s.err, pantry.ErrUnsupported) {
		s.skip, s.err = "it cannot be searched", nil
	}
	if len(s.hits) > q.Limit {
		s.hits = s.hits[:q.Limit]
	}
	return s
}

// collect sorts answers into results, failures and registries that cannot be searched, and returns
// how many gave results.
func (res *SearchResult) collect(s *state, answers []searched, q pantry.Query) int {
	var lists []searched
	for _, a := range answers {
		switch {
		case a.skip != "":
			res.NotAsked = append(res.NotAsked, SearchSkip{a.entry.Name(), a.skip})
		case a.err != nil:
			res.Failed = append(res.Failed, SearchFailure{
				Registry: a.entry.Name(), Outcome: classify(context.Background(), a.err),
				Error: printable(a.err.Error()), Err: a.err,
			})
		default:
			a.hits = slices.DeleteFunc(slices.Clone(a.hits), func(h pantry.Metadata) bool {
				return checkPackageName(h.Name) != nil || s.mayHear(a.entry, h.Name) != nil
			})
			lists = append(lists, a)
		}
	}
	res.Results = merge(lists, q)
	return len(lists)
}

// failure is the error of a search that nobody answered: what all failed with, if that is one thing.
func (res *SearchResult) failure() error {
	kind := ErrIncomplete
	first := res.Failed[0]
	if !slices.ContainsFunc(res.Failed, func(f SearchFailure) bool { return f.Outcome != first.Outcome }) {
		kind = matching(first.Outcome, first.Err)
	}
	parts := make([]string, len(res.Failed))
	for i, f := range res.Failed {
		parts[i] = f.Registry + ": " + f.Error
	}
	return &refusal{kind, "no registry answered the search: " + strings.Join(parts, "; "), pantry.Hint(first.Err)}
}

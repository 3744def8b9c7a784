package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

func (a *app) searchCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "search QUERY",
		Aliases: []string{"find"},
		Short:   "Search all registries at once",
		Long: `Search asks every enabled registry, merges what they find and says which registry each
package is in. A registry that fails is reported and spoils nothing. A query that names a
claimed package or scope goes to the registries that claim it only.`,
		Args: names(1, -1, "something to search for"),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 {
				return usagef("--limit %d: expected a number from 1", limit)
			}
			return a.search(c.Context(), pantry.Query{Text: strings.Join(args, " "), Limit: limit})
		},
	}
	a.ageFlags(c)
	c.Flags().IntVar(&limit, "limit", 20, "print at most `N` results")
	return c
}

// hit is one result as --json prints it: a search tells nothing of artifacts.
type hit struct {
	registry.SearchHit
	Artifact *struct{} `json:"artifact,omitempty"` // hides Metadata's
}

func (a *app) search(ctx context.Context, q pantry.Query) error {
	if strings.TrimSpace(q.Text) == "" {
		return usagef("expected something to search for")
	}
	ctx, m, err := a.questions(ctx, registry.Options{})
	if err != nil {
		return err
	}
	res, err := m.Search(ctx, q, registry.SearchOptions{Registry: a.flags.registry})
	if err != nil {
		return whenOffline(ctx, err)
	}
	if a.flags.json {
		hits := make([]hit, len(res.Results))
		for i, h := range res.Results {
			hits[i].SearchHit = h
		}
		return a.printJSON(struct {
			Results  []hit                    `json:"results"`
			Failed   []registry.SearchFailure `json:"failed"`
			NotAsked []registry.SearchSkip    `json:"notAsked,omitempty"`
		}{hits, res.Failed, res.NotAsked})
	}
	var b strings.Builder
	for _, h := range res.Results {
		fmt.Fprintln(&b, describeHit(h))
		if h.Description != "" {
			fmt.Fprintf(&b, "  %s\n", clean(h.Description))
		}
	}
	a.tellSearch(res)
	_, err = io.WriteString(a.Stdout, b.String())
	return err
}

func describeHit(h registry.SearchHit) string {
	s := fmt.Sprintf("%s@%s  %s", clean(h.Name), clean(h.Version), h.Registry)
	if len(h.AlsoIn) > 0 {
		s += ", also in " + strings.Join(h.AlsoIn, ", ")
	}
	if h.Deprecated != "" {
		s += "  deprecated"
	}
	return s
}

// tellSearch says what the results do not: who failed, who was not asked, and that there are none.
func (a *app) tellSearch(res registry.SearchResult) {
	for _, f := range res.Failed {
		a.warnf("registry %s gave no results: %s", f.Registry, f.Error)
	}
	if a.flags.verbose || len(res.Results) == 0 {
		for _, s := range res.NotAsked {
			a.warnf("registry %s was not asked: %s", s.Registry, s.Reason)
		}
	}
	if len(res.Results) == 0 && !a.flags.quiet {
		fmt.Fprintln(a.Stderr, "pantry: nothing found")
	}
}

package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Search searches the repositories, in GitHub's order. Results have no version, since that would
// cost a request for each.
func (r *Registry) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	const defaultLimit = 20 // as pantry.Query says
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	if strings.TrimSpace(q.Text) == "" {
		return nil, ctx.Err() // GitHub refuses an empty query
	}
	values := url.Values{"q": {q.Text}, "per_page": {strconv.Itoa(min(limit, perPage))}}
	u := r.base + "/search/repositories?" + values.Encode()
	var found []pantry.Metadata
	for range r.maxPages {
		var doc struct {
			Items *[]searchDoc `json:"items"`
		}
		a, err := r.get(ctx, u, &doc, '{')
		if err == nil && doc.Items == nil {
			err = fmt.Errorf("%w: the answer has no \"items\"", pantry.ErrInvalid)
		}
		if err != nil {
			return nil, &pantry.Error{Op: opSearch, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: refusedQuery(err)}
		}
		for _, d := range *doc.Items {
			if len(found) == limit {
				return found, nil
			}
			if m, ok := d.metadata(r.name); ok {
				found = append(found, m)
			}
		}
		if u = a.next; u == "" || len(found) >= limit {
			break
		}
	}
	return found, nil
}

// searchDoc is a repository in the results of a search.
type searchDoc struct {
	repoDoc
	Archived bool `json:"archived"`
}

func (d *searchDoc) metadata(registry string) (pantry.Metadata, bool) {
	if checkRepo(d.FullName) != nil {
		return pantry.Metadata{}, false
	}
	m := pantry.Metadata{
		Name: d.FullName, Description: line(d.Description), Homepage: webAddress(d.Homepage),
		Repository: webAddress(d.HTMLURL), License: d.license(), Author: line(d.Owner.Login), Keywords: d.keywords(),
		Registry: registry, Artifact: pantry.Artifact{Name: d.FullName},
	}
	if d.Archived {
		m.Deprecated = "the repository is archived"
	}
	return m, true
}

// refusedQuery names what 422 means for a search: a query that GitHub's grammar does not hold.
func refusedQuery(err error) error {
	var t *transport.Error
	if errors.As(err, &t) && t.Status == http.StatusUnprocessableEntity {
		exchange := *t
		exchange.Err = pantry.ErrUnsupported
		return fmt.Errorf("GitHub cannot search for that: %w", &exchange)
	}
	return err
}

// Packages lists the npm packages of an organisation or user in GitHub Packages, as far as the
// token may see them. It needs a classic token with the scope read:packages, or the GITHUB_TOKEN of
// GitHub Actions.
func (r *Registry) Packages(ctx context.Context, owner string) ([]pantry.Metadata, error) {
	fail := func(u string, err error) error {
		return &pantry.Error{Op: opList, Ref: pantry.Ref{Registry: r.name, Name: "@" + clip(line(owner))}, URL: transport.RedactURL(u), Err: needsToken(err)}
	}
	if !isOwner(owner) {
		return nil, fail("", fmt.Errorf("%w: %s cannot be the owner of packages", pantry.ErrNotFound, quote(owner)))
	}
	u := r.base + "/orgs/" + url.PathEscape(owner) + "/packages"
	found, err := r.listPackages(ctx, u, owner)
	if errors.Is(err, pantry.ErrNotFound) {
		u = r.base + "/users/" + url.PathEscape(owner) + "/packages"
		found, err = r.listPackages(ctx, u, owner)
	}
	if err != nil {
		return nil, fail(u, err)
	}
	return found, nil
}

func (r *Registry) listPackages(ctx context.Context, u, owner string) ([]pantry.Metadata, error) {
	var found []pantry.Metadata
	u += "?package_type=npm&per_page=" + strconv.Itoa(perPage)
	for range r.maxPages {
		var page []json.RawMessage
		a, err := r.get(ctx, u, &page, '[')
		if err != nil {
			return nil, err
		}
		for _, raw := range page {
			var d struct {
				Name        string  `json:"name"`
				Description string  `json:"description"`
				Repository  repoDoc `json:"repository"`
			}
			if err := json.Unmarshal(raw, &d); err != nil {
				return nil, fmt.Errorf("%w: the list of packages has something else in it", pantry.ErrInvalid)
			}
			name := "@" + strings.ToLower(owner) + "/" + d.Name
			if !isRepo(d.Name) {
				continue
			}
			found = append(found, pantry.Metadata{
				Name: name, Description: line(d.Repository.Description), Repository: webAddress(d.Repository.HTMLURL),
				Registry: r.name, Artifact: pantry.Artifact{Name: name},
			})
		}
		if u = a.next; u == "" {
			break
		}
	}
	return found, nil
}

package npm

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
)

// The numbers of results that registries answer with unasked, and at most.
const (
	defaultResults = 20
	maxResults     = 250
)

// Search asks the registry's search. The results have what the registry tells there, which is
// neither dependencies nor artifacts. A registry without a search is [pantry.ErrUnsupported].
func (r *Registry) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	ref := pantry.Ref{Registry: r.origin.registry}
	if strings.TrimSpace(q.Text) == "" {
		return nil, &pantry.Error{Op: opSearch, Ref: ref, Err: fmt.Errorf("%w: nothing to search for", pantry.ErrConfig)}
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultResults
	}
	params := url.Values{"text": {q.Text}, "size": {strconv.Itoa(min(limit, maxResults))}}
	u := r.url("/-/v1/search?" + params.Encode())
	data, err := r.get(ctx, u, typeJSON, maxAnswer)
	var results []pantry.Metadata
	if err == nil {
		results, err = r.readResults(data)
	}
	if errors.Is(err, pantry.ErrNotFound) {
		err = fmt.Errorf("%w: the registry has no search", pantry.ErrUnsupported)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opSearch, Ref: ref, URL: r.url("/-/v1/search"), Err: err}
	}
	return results[:min(limit, len(results))], nil
}

// readResults reads no more than it needs, since the other members change their types over time.
// A result without a usable name or version is left out.
func (r *Registry) readResults(data []byte) ([]pantry.Metadata, error) {
	v, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	objects := v.member("objects")
	if objects.kind() != '[' {
		return nil, fmt.Errorf("%w: objects is %s, not an array", pantry.ErrInvalid, objects.describe())
	}
	var results []pantry.Metadata
	err = objects.array(func(object value) error {
		p := object.member("package")
		name, _ := p.member("name").text()
		version, _ := p.member("version").text()
		if checkName(name) != nil || !usableVersion(version) {
			return nil
		}
		links := p.member("links")
		results = append(results, pantry.Metadata{
			Name: name, Version: version, Registry: r.origin.registry,
			Description: line(p.member("description")),
			Keywords:    keywords(p.member("keywords")),
			License:     license(p.member("license")),
			Author:      person(p.member("author")),
			Homepage:    line(links.member("homepage")),
			Repository:  repositoryURL(links.member("repository")),
			Published:   parseTime(line(p.member("date"))),
		})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	return results, nil
}

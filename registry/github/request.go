package github

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

const (
	mediaJSON = "application/vnd.github+json"
	// apiVersion is the version of the REST API that is spoken here. The newer one of 2026-03
	// changes nothing that is read here, and older servers do not have it.
	apiVersion = "2022-11-28"
	// maxTurns bounds how often one question is asked again after waiting for a limit to end.
	maxTurns = 2
)

// answer is what the API says to a GET.
type answer struct {
	body  []byte
	next  string // the address of the next page, "" for none
	moved bool   // it came from another path than was asked, since a repository was renamed
	at    *url.URL
	kind  string // Content-Type
}

// ask sends GET to the API. Where the client has a cache, an answer that was had before is asked about
// rather than asked for again, which costs nothing of the rate limit for those who have a token.
func (r *Registry) ask(ctx context.Context, u string) (*answer, error) {
	for turn := 0; ; turn++ {
		if e := r.limits.check(r.resourceOf(u), r.now()); e != nil {
			again, err := r.again(ctx, e, turn)
			if !again {
				return nil, err
			}
		}
		a, err := r.exchange(ctx, u)
		if err == nil {
			return a, nil
		}
		e := r.limited(u, err)
		if e == nil {
			return nil, err
		}
		again, err := r.again(ctx, e, turn)
		if !again {
			return nil, err
		}
	}
}

// again waits for a limit to end. It returns the error to give up with.
func (r *Registry) again(ctx context.Context, e *LimitError, turn int) (bool, error) {
	if turn >= maxTurns {
		return false, e
	}
	again, err := r.wait(ctx, e)
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return false, err
	case !again:
		return false, e
	}
	return true, nil
}

// exchange is one request and its answer.
func (r *Registry) exchange(ctx context.Context, u string) (*answer, error) {
	h := http.Header{"Accept": {mediaJSON}, "X-Github-Api-Version": {apiVersion}}
	resp, body, err := r.client.GetAll(ctx, u, h, r.limit)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answered %d", pantry.ErrInvalid, transport.RedactURL(u), resp.StatusCode)
	}
	at := resp.Request.URL
	a := &answer{body: body, at: at, kind: resp.Header.Get("Content-Type"), next: nextPage(resp.Header.Get("Link"), at)}
	if from, err := url.Parse(u); err == nil {
		a.moved = from.EscapedPath() != at.EscapedPath() || from.Host != at.Host
	}
	return a, nil
}

// nextPage reads rel="next" of a Link header (RFC 8288). The address is taken as it is, and only
// if it is of the origin that answered.
func nextPage(link string, at *url.URL) string {
	const maxLinks = 16
	for range maxLinks {
		start, end := strings.IndexByte(link, '<'), strings.IndexByte(link, '>')
		if start < 0 || end < start {
			return ""
		}
		target, rest := link[start+1:end], link[end+1:]
		params, more, _ := strings.Cut(rest, "<")
		link = "<" + more
		for p := range strings.FieldsFuncSeq(params, func(r rune) bool { return r == ';' || r == ',' }) {
			name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "rel") || !strings.EqualFold(strings.Trim(strings.TrimSpace(value), `"`), "next") {
				continue
			}
			u, err := at.Parse(target)
			if err != nil || u.Scheme != at.Scheme || u.Host != at.Host || u.User != nil {
				return ""
			}
			return u.String()
		}
		if more == "" {
			return ""
		}
	}
	return ""
}

// get reads the JSON at u into doc, which must be what JSON has there: an object or an array.
func (r *Registry) get(ctx context.Context, u string, doc any, first byte) (*answer, error) {
	a, err := r.ask(ctx, u)
	if err != nil {
		return nil, err
	}
	return a, decode(a, doc, first)
}

func decode(a *answer, doc any, first byte) error {
	where := transport.RedactURL(a.at.String())
	if kindOf(a.body) != first {
		return pantry.WithHint(fmt.Errorf("%w: %s answered %s", pantry.ErrInvalid, where, shape(a)),
			"check that the URL of the registry is that of GitHub's API, which is https://HOST/api/v3 for GitHub Enterprise Server")
	}
	err := json.Unmarshal(a.body, doc)
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &typ):
		return fmt.Errorf("%w: %s answered with %s in the place of %s", pantry.ErrInvalid, where, quote(typ.Value), quote(typ.Field))
	}
	return fmt.Errorf("%w: %s answered %s", pantry.ErrInvalid, where, shape(a))
}

// kindOf is the first byte of a JSON text, 0 for none.
func kindOf(body []byte) byte {
	for _, b := range body {
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b
	}
	return 0
}

// shape says what stands in the place of what was expected.
func shape(a *answer) string {
	media, _, _ := strings.Cut(a.kind, ";")
	media = cmp.Or(clip(line(media)), "no content type")
	switch k := kindOf(a.body); {
	case k == 0:
		return "nothing"
	case k == '<':
		return "a page (" + media + ") in place of JSON"
	case json.Valid(a.body):
		return "JSON of another kind than the API's"
	}
	return "something (" + media + ") that is no JSON"
}

// moment is a time of the API. What cannot be read is no time.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			m.Time = t
		}
	}
	return nil
}

package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// mirror is the layer that sends a request to one of the registry's places, and to the next one where
// that fails. What a mirror does not have, or does not give, counts for nothing: it may lag behind,
// and only the registry itself says what it has and who may see it. So an answer that is no success
// is always the registry's own; where that cannot be reached, the request has failed, whatever
// mirrors said.
//
// Only GET and HEAD go to mirrors, and only the first hop of a request does.
func (c *Client) mirror(next http.RoundTripper) http.RoundTripper {
	if c.places == nil {
		return next
	}
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		if call.hop > 0 {
			return next.RoundTrip(req)
		}
		call.place, call.at = nil, nil
		rest, ok := c.mirrored(req)
		if !ok {
			return next.RoundTrip(req)
		}
		call.rest = rest
		return c.askAround(next, req, call)
	})
}

// mirrored says whether a request may go to mirrors, and what it asks for below their URLs. An
// artifact's URL may have been given a query that is meant for the registry alone.
func (c *Client) mirrored(req *http.Request) (rest string, ok bool) {
	kind := artifactOf(req.Context())
	if req.Method != http.MethodGet && req.Method != http.MethodHead || req.Body != nil && req.Body != http.NoBody ||
		kind == atSource || kind == verified && req.URL.RawQuery != "" {
		return "", false
	}
	rest, at := c.places.locate(req.URL)
	return rest, at != nil
}

// errNoPlace: every place was tried before.
var errNoPlace = expired("there is no other mirror to ask")

// askAround asks the places in their order.
func (c *Client) askAround(next http.RoundTripper, req *http.Request, call *call) (*http.Response, error) {
	order := c.places.order(call.rest, call.tried, c.o.Now(), c.o.Rand)
	call.refusals = nil
	var own answer
	var err error = errNoPlace
	for i := 0; i < len(order) && call.ctx.Err() == nil; {
		answers := c.askNext(next, req, call, order[i:])
		i += len(answers)
		for _, a := range answers {
			switch {
			case settles(req, a):
				own.discard()
				return call.take(req, a)
			case a.from.own:
				own = a
				continue
			case a.err != nil:
				err = a.err
			case !failed(req, a.resp): // it says no, and it is the registry's word that counts now
				ownNext(order[i:])
			}
			call.refusals = append(call.refusals, refusal(a))
			a.discard()
		}
	}
	if own.from == nil {
		return nil, err
	}
	return call.take(req, own)
}

// askNext asks the first place, and the second too where that is worth it.
func (c *Client) askNext(next http.RoundTripper, req *http.Request, k *call, order []*place) []answer {
	ask := func(p *place, k *call) answer { return c.askPlace(next, req, p, k) }
	if artifactOf(req.Context()) == verified && len(order) > 1 {
		if patience, ok := c.places.request(); ok {
			return c.race(k, patience, order, ask, func(a answer) bool { return settles(req, a) })
		}
	}
	return []answer{ask(order[0], k)}
}

// askPlace sends the request to one place.
func (c *Client) askPlace(next http.RoundTripper, req *http.Request, p *place, k *call) answer {
	start := c.o.Now()
	resp, err := next.RoundTrip(p.request(req, k.ctx, callOf(req.Context()).rest))
	a := answer{p, k, resp, err}
	now := c.o.Now()
	switch {
	case err != nil && forgone(err): // says nothing about the place
	case err != nil || failed(req, resp):
		c.places.failing(p, now)
	default:
		c.places.answered(p, now.Sub(start), now, artifactOf(req.Context()) == verified)
	}
	return a
}

// answer is what a place said.
type answer struct {
	from *place
	call *call // that it was asked with
	resp *http.Response
	err  error
}

// settles says that nobody else need be asked: a place has it, or the registry itself has spoken,
// or the caller wants it no more.
func settles(req *http.Request, a answer) bool {
	switch {
	case a.err != nil:
		return forgone(a.err) || a.from.own && !errors.Is(a.err, pantry.ErrUnavailable) && !errors.Is(a.err, pantry.ErrInvalid)
	case failed(req, a.resp):
		return false
	}
	return a.from.own || a.resp.StatusCode < 400
}

// failed says that a place is of no use at present: it is unavailable, or what it says is no answer.
func failed(req *http.Request, resp *http.Response) bool {
	return sentinel(resp.StatusCode) == pantry.ErrUnavailable || misfit(req, resp)
}

// misfit says that an answer is none: a part or word of a copy that was not asked for, or a page for
// people where a document was, as the log-in pages of networks are.
func misfit(req *http.Request, resp *http.Response) bool {
	if resp.StatusCode >= 400 {
		return false
	}
	if err := expected(resp, req); err != nil && err != errStatus {
		return true
	}
	return resp.StatusCode == http.StatusOK && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") &&
		strings.Contains(req.Header.Get("Accept"), "json")
}

func (a answer) discard() {
	if a.resp != nil {
		_ = a.resp.Body.Close()
	}
}

// refusal says in a few words why a mirror was of no use.
func refusal(a answer) string {
	why := ""
	switch {
	case a.err != nil:
		why = a.err.Error()
	case a.resp.StatusCode < 400:
		why = "no answer of a registry"
	default:
		why = strings.TrimSpace(fmt.Sprintf("%d %s", a.resp.StatusCode, http.StatusText(a.resp.StatusCode)))
	}
	return a.from.origin.address() + " (" + bound(why, 100) + ")"
}

// ownNext moves the registry's own place to the front.
func ownNext(order []*place) {
	if i := slices.IndexFunc(order, func(p *place) bool { return p.own }); i > 0 {
		p := order[i]
		copy(order[1:i+1], order[:i])
		order[0] = p
	}
}

// take makes an answer that of the call.
func (k *call) take(req *http.Request, a answer) (*http.Response, error) {
	k.place, k.at = a.from, a.from.request(req, k.ctx, k.rest)
	k.credential, k.breaker = a.call.credential, a.call.breaker
	return a.resp, a.err
}

// fork is a call for one of several requests that are sent at once.
func (k *call) fork() *call {
	f := &call{
		client: k.client, parent: k.parent, deadline: k.deadline, inflate: k.inflate, attempt: k.attempt, rest: k.rest,
	}
	ctx, cancel := context.WithCancelCause(k.ctx)
	f.ctx, f.cancel = context.WithValue(ctx, callKey{}, f), cancel
	return f
}

// elsewhere says whether a request should begin again at another place, since the redirects of one
// came to nothing.
func (c *Client) elsewhere(call *call, t trip) bool {
	p := t.place
	if p == nil || call.hop == 0 || t.success() || call.ctx.Err() != nil || t.err != nil && forgone(t.err) ||
		p.own && t.err == nil && sentinel(t.resp.StatusCode) != pantry.ErrUnavailable {
		return false
	}
	c.places.failing(p, c.o.Now())
	call.tried = append(call.tried, p)
	return true
}

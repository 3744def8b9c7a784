package transport

import (
	"context"
	"net/http"

	"github.com/pantry-go/pantry"
)

// wholeKey marks requests whose answers are read whole, into memory: artifacts are not, and have a
// store of their own.
type wholeKey struct{}

type uncachedKey struct{}

// Uncached returns a context whose requests pass Options.Cache by: for what is kept elsewhere, for what
// must not be kept as it holds a secret, and for questions that are about now, as whether a registry is
// there.
func Uncached(ctx context.Context) context.Context {
	return context.WithValue(ctx, uncachedKey{}, true)
}

type refusedKey struct{}

// Refuse returns a context in which no request is sent: those that Options.Cache has no answer to fail
// with err, which should match pantry.ErrUnavailable.
func Refuse(ctx context.Context, err error) context.Context {
	return context.WithValue(ctx, refusedKey{}, err)
}

// cache is Options.Cache for the requests that it is for, and refuses others to who is offline.
func (c *Client) cache(next http.RoundTripper) http.RoundTripper {
	online := next
	next = roundTripper(func(req *http.Request) (*http.Response, error) {
		if err, _ := req.Context().Value(refusedKey{}).(error); err != nil {
			return nil, &failure{phrase: err.Error(), hint: pantry.Hint(err), kinds: []error{err}}
		}
		if pantry.AskingOf(req.Context()) != pantry.AskNobody {
			return online.RoundTrip(req)
		}
		if cached(req) && c.o.Cache != nil {
			return nil, expired("it is not in the cache, and no request is sent when offline")
		}
		return nil, expired("no request is sent when offline")
	})
	if c.o.Cache == nil {
		return next
	}
	cache := c.o.Cache(next, c)
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if !cached(req) {
			return next.RoundTrip(req)
		}
		return cache.RoundTrip(req)
	})
}

// cached says whether a request goes through the cache. One with a credential of its own does only if it
// changes something.
func cached(req *http.Request) bool {
	ctx := req.Context()
	if ctx.Value(uncachedKey{}) != nil {
		return false
	}
	return req.Method != http.MethodGet || ctx.Value(wholeKey{}) != nil && PackageOf(ctx) == ""
}

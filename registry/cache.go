package registry

import (
	"context"
	"net/http"
	"time"

	"github.com/pantry-go/pantry/httpcache"
	"github.com/pantry-go/pantry/transport"
)

// maxRefreshed bounds an answer that is asked for again in the background, in bytes.
const maxRefreshed = 64 << 20

// cacheFor is the cache of one entry's answers.
func (m *Manager) cacheFor(c Config) func(http.RoundTripper, *transport.Client) http.RoundTripper {
	return func(next http.RoundTripper, client *transport.Client) http.RoundTripper {
		return m.kept.Layer(next, httpcache.Options{
			Registry: client.BaseURL(), Identity: client.Identity,
			TTL: c.ttl(), StaleIfError: c.staleIfError(),
			Refresh: func(ctx context.Context, u string, h http.Header) {
				_, _, _ = client.GetAll(ctx, u, h, maxRefreshed) // who needs it asks once more
			},
		})
	}
}

// Wait waits until nothing is asked for in the background any more, which happens where an answer says
// that it may be used meanwhile. Who does not wait before the end has it asked for again the next time.
func (m *Manager) Wait() {
	if m.kept != nil {
		m.kept.Wait()
	}
}

// ttl is how long an entry's answers hold, in the place of what they say; nil means what they say.
func (c Config) ttl() *time.Duration {
	if c.Cache == nil {
		return nil
	}
	return c.Cache.TTL
}

// staleIfError is for how long an entry's answers may stand in for it; nil means what they say.
func (c Config) staleIfError() *time.Duration {
	if c.Cache == nil {
		return nil
	}
	return c.Cache.StaleIfError
}

// Package transport carries requests to one registry.
//
// A [Client] is built once per configured registry. It is a stack of [Layer] values around an
// http.Transport, one concern each, and promises that
//
//   - a credential is added on each hop anew, and only where scheme, host, port and path are those
//     it was configured for, so that neither a redirect nor an artifact's URL carries it elsewhere;
//   - every wait and every size has a bound: connecting, the TLS handshake, the first byte, silence
//     and trickling within a body, the header, the whole of all attempts;
//   - a body that is cut short ends in an error, never in a plain io.EOF;
//   - status codes become the sentinels of package pantry here and nowhere else, and no secret is
//     in any error or [Exchange].
//
// http.Client is not used, since its redirects take headers such as X-API-Key along to anyone, and
// Authorization to other ports of the same host and from https to http; they also turn a redirected
// PUT into a GET, which would make a publish that did nothing look like one that succeeded.
// Compression is undone here rather than in http.Transport, so that the guard against trickling
// counts bytes on the wire: one byte a second can inflate to a kilobyte.
package transport

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
)

// Layer wraps a RoundTripper with one concern.
type Layer func(http.RoundTripper) http.RoundTripper

// Stack puts layers around base, outermost first.
func Stack(base http.RoundTripper, layers ...Layer) http.RoundTripper {
	for i := len(layers) - 1; i >= 0; i-- {
		base = layers[i](base)
	}
	return base
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Client sends requests to one registry. Safe for concurrent use.
type Client struct {
	o           Options // with defaults filled in
	base        *url.URL
	origin      origin
	credentials []scoped // longest scope first
	forPackage  *scoped  // nil: none
	headers     []header
	proxy       proxies
	secrets     *scrubber
	places      *places // nil: there are no mirrors
	breakers    breakers
	budget      budget
	wires       []*http.Transport
	shown       []byte // the client certificate, in DER
	stack       http.RoundTripper
	slots       chan struct{}
	inflaters   sync.Pool // of *gunzip.Reader
}

// New checks the options and returns a client. It opens no connection; CAFile, CertFile and KeyFile
// are read. A mistake is an error that matches pantry.ErrConfig.
func New(o Options) (*Client, error) {
	c := &Client{o: o}
	for _, step := range []func() error{
		c.setDefaults, c.setURL, c.setCredentials, c.setHeaders, c.setProxy, c.setMirrors,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	base := o.Base
	if base == nil {
		var err error
		if base, err = c.newBase(); err != nil {
			return nil, err
		}
	}
	c.budget.tally.window = budgetWindow
	c.secrets = c.scrubber()
	c.slots = make(chan struct{}, c.o.MaxConns)
	c.stack = c.build(base)
	return c, nil
}

// build is the one place where the layers are put in order. That order is Cache, Retry, Mirrors,
// Breaker, Limit, Auth, Observe, and then the wire:
//
//   - Cache is outermost, since what it has needs none of the others;
//   - Retry is outside of Mirrors and Breaker, so that each attempt may go to another place by the
//     one and is counted by the other;
//   - Breaker is inside of Mirrors, since every mirror has one of its own;
//   - Limit stands for slots, which [Client.Do] takes before all this: waiting for one must not use
//     up the time that an exchange has;
//   - Auth is inside of whatever may change the URL, so that it judges the origin really asked;
//   - Observe is innermost and sees each exchange as it is on the wire.
//
// Redirects are followed around the whole stack, one pass through it per hop.
func (c *Client) build(base http.RoundTripper) http.RoundTripper {
	return Stack(base, c.cache, c.retry, c.mirror, c.breakOff, c.authorize, c.observe)
}

// BaseURL is the registry's URL without a trailing slash, credentials or query.
func (c *Client) BaseURL() string { return strings.TrimRight(c.base.String(), "/") }

// Format writes the registry's name and URL whatever the verb, since a client holds secrets.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "transport.Client(%s %s)", c.o.Registry, c.BaseURL())
}

// CloseIdleConnections closes the connections that wait for another request. The client stays
// usable.
func (c *Client) CloseIdleConnections() {
	for _, t := range c.wires {
		t.CloseIdleConnections()
	}
}

// Get sends GET with headers. The body of the response is bounded in time by Options.IdleBody and
// Options.RateWindow, and fails when it is shorter than its announced length. It is decompressed
// unless h has an Accept-Encoding of its own; "identity" is right for artifacts.
func (c *Client) Get(ctx context.Context, url string, h http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		// The text of err would hold the URL as it was given.
		return nil, &Error{Method: http.MethodGet, URL: c.redact(url), Err: invalid("malformed URL")}
	}
	for k, v := range h {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	return c.Do(req)
}

// GetAll is Get and ReadAll in one, and asks again, as often as Options.Retries says and until
// Options.Total is over, when a body breaks off. It is what Options.Cache is used for, unless ctx says
// [Uncached]. The body of the response is closed.
func (c *Client) GetAll(ctx context.Context, url string, h http.Header, limit int64) (*http.Response, []byte, error) {
	ctx = context.WithValue(ctx, wholeKey{}, true)
	start := time.Now()
	for attempt := 1; ; attempt++ {
		resp, err := c.Get(ctx, url, h)
		if err != nil {
			return nil, nil, err
		}
		data, err := ReadAll(resp.Body, resp.ContentLength, limit)
		_ = resp.Body.Close()
		if err == nil {
			return resp, data, nil
		}
		if attempt > *c.o.Retries || !transient(err) || time.Since(start) > c.o.Total || !c.budget.take(c.o.Now()) {
			return nil, nil, err
		}
		if c.o.Sleep(ctx, c.backoff(attempt)) != nil {
			return nil, nil, err
		}
	}
}

// Do sends a request, follows redirects, and retries what may be retried. A context that says
// pantry.AskNobody gets pantry.ErrUnavailable, unless Options.Cache has the answer, and nothing is sent. Any status but 2xx (and
// 304, if the request was conditional) is an *Error with its body closed. The URL may be of another
// origin than the registry's; no credential goes there then.
//
// The response's Request is that of the last hop, without credentials. Its body must be closed.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	if req.URL == nil {
		return nil, &Error{Method: req.Method, Err: invalid("the request has no URL")}
	}
	select {
	case c.slots <- struct{}{}:
	case <-req.Context().Done():
		return nil, c.fail(req, req, nil, canceled(req.Context().Err()))
	}
	call := newCall(req, c)
	resp, last, err := c.follow(call.request(req), call)
	if err != nil {
		call.end()
		return nil, c.fail(req, last, call, err)
	}
	c.guard(resp, call)
	if err := c.inflate(resp, last); err != nil {
		_ = resp.Body.Close()
		return nil, c.fail(req, last, call, err)
	}
	if err := expected(resp, last); err != nil {
		if err == errStatus {
			err = c.statusError(req, resp, call) // reads the body, within the call's time
		} else {
			err = c.fail(req, last, call, err)
		}
		_ = resp.Body.Close()
		return nil, err
	}
	call.answered()
	return resp, nil
}

// expected says whether a response is one of those that Do returns.
func expected(resp *http.Response, req *http.Request) error {
	h := req.Header
	switch s := resp.StatusCode; {
	case s == http.StatusNotModified && h.Get("If-None-Match") == "" && h.Get("If-Modified-Since") == "":
		return invalid("304 Not Modified, although nothing was said to be known")
	case s == http.StatusPartialContent && h.Get("Range") == "":
		return invalid("206 Partial Content, although the whole was asked for")
	case s == http.StatusNotModified, s >= 200 && s < 300:
		return nil
	}
	return errStatus
}

// ReadAll reads a whole body of at most limit bytes (after decompression) into memory.
// contentLength is what was announced, or -1. More than limit bytes are an error that matches
// pantry.ErrInvalid; an error of r is returned as it is.
func ReadAll(r io.Reader, contentLength, limit int64) ([]byte, error) {
	limit = min(max(limit, 0), math.MaxInt-1) // so that one more is still a number
	if contentLength > limit {
		return nil, tooLarge(limit)
	}
	if z, ok := r.(*inflated); ok && z.short() {
		return z.all(limit)
	}
	if contentLength >= 0 {
		return readKnown(r, contentLength, limit)
	}
	return readUnknown(r, limit)
}

func tooLarge(limit int64) error {
	return fmt.Errorf("%w: the answer is larger than %d bytes", pantry.ErrInvalid, limit)
}

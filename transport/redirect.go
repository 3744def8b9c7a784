package transport

import (
	"io"
	"net/http"
	"net/url"

	"github.com/pantry-go/pantry"
)

// maxRedirects is the number of hops after the first request, as browsers and net/http have it.
const maxRedirects = 10

// maxDiscard is how much of a redirect's body is read to keep its connection, in bytes.
const maxDiscard = 4 << 10

// travels names the headers of a request that go along to another origin: those that shape the
// answer and say nothing about who asks.
var travels = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "User-Agent", "Range", "If-Range",
	"If-None-Match", "If-Modified-Since", "Cache-Control",
}

// follow sends req through the stack and follows redirects. Where those of one of the registry's
// places come to nothing it begins again at another one. It returns the request of the last hop too,
// whatever comes.
func (c *Client) follow(req *http.Request, call *call) (*http.Response, *http.Request, error) {
	if f := c.allowed(req.URL); f != nil {
		return nil, req, f
	}
	best := c.hops(req, call)
	for t := best; c.elsewhere(call, t); {
		t = c.hops(req, call)
		if t.place != nil && (t.place.own || !best.place.own || t.success()) {
			best.discard()
			best = t
		} else {
			t.discard()
		}
	}
	call.place, call.credential, call.breaker = best.place, best.credential, best.breaker
	return best.resp, best.req, best.err
}

// trip is a request with its redirects.
type trip struct {
	resp       *http.Response
	req        *http.Request // of the last hop
	err        error
	place      *place // that answered the first hop, of a registry with mirrors
	credential string
	breaker    *breaker
}

func (t trip) success() bool { return t.err == nil && t.resp.StatusCode < 400 }

func (t trip) discard() {
	if t.resp != nil {
		_ = t.resp.Body.Close()
	}
}

// hops sends req through the stack and follows redirects.
func (c *Client) hops(req *http.Request, call *call) trip {
	end := func(resp *http.Response, req *http.Request, err error) trip {
		return trip{resp, req, err, call.place, call.credential, call.breaker}
	}
	call.place, call.at = nil, nil // a cache may answer
	for call.hop = 0; ; call.hop++ {
		resp, err := c.stack.RoundTrip(req)
		if call.hop == 0 && call.at != nil {
			req = call.at
		}
		if err != nil {
			return end(nil, req, err)
		}
		switch resp.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
			http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		default:
			resp.Request = req // that of the wire has the credential
			return end(resp, req, nil)
		}
		next, f := c.redirect(req, resp)
		discard(resp)
		if f == nil && call.hop == maxRedirects {
			f = invalid("redirected more than %d times, at last to %s", maxRedirects, c.redact(next.URL.String()))
		}
		if f != nil {
			return end(nil, req, f)
		}
		req = next
	}
}

// discard closes a redirect. A short body is read, which keeps the connection.
func discard(resp *http.Response) {
	if resp.ContentLength >= 0 && resp.ContentLength <= maxDiscard {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDiscard)
	}
	_ = resp.Body.Close()
}

// allowed says whether a URL may be asked at all.
func (c *Client) allowed(u *url.URL) *failure {
	o, err := originOf(u)
	if err != nil {
		return invalid("cannot be asked: %v", err)
	}
	if u.User != nil {
		return invalid("cannot be asked: the URL has user information in it")
	}
	return c.plain(o)
}

// plain refuses http to other machines.
func (c *Client) plain(o origin) *failure {
	if o.scheme != "http" || o.loopback() || c.o.Insecure {
		return nil
	}
	f := newFailure(pantry.ErrConfig, "plain http to %s is refused", o.address())
	f.hint = `use https, or set "insecure": true for this registry`
	return f
}

// redirect makes the request of the next hop.
func (c *Client) redirect(req *http.Request, resp *http.Response) (*http.Request, *failure) {
	location := resp.Header.Get("Location")
	if location == "" {
		return nil, invalid("%d %s without a Location", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	u, err := req.URL.Parse(location)
	if err != nil {
		return nil, invalid("redirects to a malformed URL")
	}
	u.Fragment, u.RawFragment = "", ""
	shown := c.redact(u.String())
	if u.User != nil {
		return nil, invalid("redirects to %s with user information, which is refused", shown)
	}
	from, _ := originOf(req.URL)
	to, err := originOf(u)
	if err != nil {
		return nil, invalid("redirects to %s: %v", shown, err)
	}
	if from.scheme == "https" && to.scheme == "http" {
		return nil, invalid("redirects from https to %s, which is refused", shown)
	}
	if f := c.plain(to); f != nil {
		f.phrase = "redirects to " + shown + ": " + f.phrase
		return nil, f
	}
	next := req.Clone(req.Context())
	next.URL = u
	if from != to {
		next.Header = traveling(req.Header)
	}
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return next, nil
	}
	return c.resend(next, resp.StatusCode, from == to, shown)
}

// resend readies a request that changes something for its next hop. It goes on only where the
// status keeps the method, and never to another origin, which would get the body.
func (c *Client) resend(next *http.Request, status int, own bool, shown string) (*http.Request, *failure) {
	keeps := status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
	if keeps && own {
		r, err := rewoundOnce(next)
		if err == nil {
			return r, nil
		}
	}
	f := invalid("redirects a %s to %s, which is not followed", next.Method, shown)
	f.hint = "set the url of this registry to the address it redirects to"
	return nil, f
}

func rewoundOnce(req *http.Request) (*http.Request, error) {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return nil, http.ErrNotSupported
	}
	return rewound(req)
}

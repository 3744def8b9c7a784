package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Exchange is what an observer is told about one request on the wire, as soon as the header of the
// response is there, or the failure. A redirect and a retry are exchanges of their own.
type Exchange struct {
	Registry    string // Options.Registry
	Method, URL string // URL redacted
	Origin      string // who was asked: scheme://host, with the port if it is not the scheme's own
	Start       time.Time
	Status      int // 0: no answer
	Attempt     int // from 1
	Duration    time.Duration
	Bytes       int64       // announced length of the body; -1: unknown
	Err         error       // what Error.Err would be, without secrets
	Failure     FailureKind // of Err; "" for an answer of any status
	Credential  string      // source of the credential that was sent, "" for none
	// CredentialExpires is when that credential says that it ends, as a JSON Web Token does; zero
	// where it does not say.
	CredentialExpires time.Time
	// CertificateExpires is when the server's own certificate ends; zero without TLS.
	CertificateExpires time.Time
	// Date is the server's clock, to the second, when it answered; zero where it did not tell, and
	// where the answer had been kept on its way (Age), so that the clock may be another's.
	Date time.Time
	// Notice is what a registry tells whoever uses it (npm-notice), on one clean line.
	Notice string
	Quota  *Quota // what the server said is left of a limit on requests; nil if it said nothing
}

// Transfer is what an observer is told when the body of an answer has ended or was closed.
type Transfer struct {
	Registry, Origin string        // as in the Exchange
	Bytes            int64         // on the wire, without the header
	Duration         time.Duration // from the header on, pauses of the reader included
	Failure          FailureKind   // why it broke off; "" where it did not, or was not read to its end
}

// BreakerOpening is what an observer is told when the breaker of an origin has opened: first, and
// again after a probe that failed.
type BreakerOpening struct {
	Registry string // Options.Registry
	OriginState
}

// FailureKind says in a word why there was no answer. The values are stable.
type FailureKind string

// The kinds of failures.
const (
	FailureDNS      FailureKind = "dns"      // the host's name is not known, or could not be looked up
	FailureTimeout  FailureKind = "timeout"  // a wait ended
	FailureTLS      FailureKind = "tls"      // the certificate or the handshake is wrong
	FailureNetwork  FailureKind = "network"  // refused, reset, unreachable, broken off
	FailureCanceled FailureKind = "canceled" // the asker did not want it any more
)

// Quota is what a server says about its limit on requests, in GitHub's words (X-RateLimit-*).
type Quota struct {
	Resource         string    // the limit's name, cleaned; "" where there is but one
	Limit, Remaining int64     // requests
	Reset            time.Time // when Remaining is Limit again
}

// observe is next to the wire. It gives failures their names.
func (c *Client) observe(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		start := time.Now()
		resp, err := next.RoundTrip(req)
		kind := FailureKind("")
		if err != nil {
			kind = c.kindOf(req, err)
			err, resp = c.failure(req, err), nil
		} else if resp.Body == nil { // only another base than net/http's
			resp.Body = http.NoBody
		}
		if c.o.Observe == nil && c.o.ObserveBody == nil {
			return resp, err
		}
		from, _ := originOf(req.URL)
		if c.o.Observe != nil {
			e := Exchange{
				Registry: c.o.Registry, Method: req.Method, URL: c.redact(req.URL.String()), Origin: from.String(),
				Attempt: call.attempt, Start: start, Duration: time.Since(start), Bytes: -1,
				Credential: call.credential, Err: err, Failure: kind,
			}
			if s := c.credentialFor(req.URL); s != nil && call.credential == s.source && call.credential != "" {
				e.CredentialExpires = s.expires
			}
			if err == nil {
				c.answer(&e, resp)
			}
			c.o.Observe(e)
		}
		if c.o.ObserveBody != nil && err == nil && resp.Body != http.NoBody {
			resp.Body = &counted{ReadCloser: resp.Body, c: c, req: req, origin: from.String(), start: time.Now()}
		}
		return resp, err
	})
}

// maxNotice bounds what a registry has to say, in bytes: some lines of a terminal.
const maxNotice = 400

// answer adds what a response tells.
func (c *Client) answer(e *Exchange, resp *http.Response) {
	e.Status, e.Bytes = resp.StatusCode, resp.ContentLength
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		e.CertificateExpires = resp.TLS.PeerCertificates[0].NotAfter
	}
	if age := resp.Header.Get("Age"); age == "" || age == "0" {
		e.Date, _ = http.ParseTime(resp.Header.Get("Date")) // zero with an error
	}
	e.Notice = bound(c.secrets.Replace(clean(resp.Header.Get("Npm-Notice"))), maxNotice)
	e.Quota = c.quota(resp.Header)
}

// quota reads the headers of a limit; nil where they are not there, or no numbers.
func (c *Client) quota(h http.Header) *Quota {
	left := h.Get("X-Ratelimit-Remaining")
	if left == "" {
		return nil
	}
	n, err := strconv.ParseInt(left, 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	q := &Quota{Remaining: n, Resource: bound(c.secrets.Replace(clean(h.Get("X-Ratelimit-Resource"))), maxResource)}
	q.Limit, _ = strconv.ParseInt(h.Get("X-Ratelimit-Limit"), 10, 64)
	if reset, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil && reset > 0 && reset < maxUnix {
		q.Reset = time.Unix(reset, 0)
	}
	return q
}

const (
	maxResource = 64           // bytes of a limit's name; GitHub's longest has 27
	maxUnix     = 253402300799 // the last second of the year 9999, beyond which JSON knows no time
)

// kindOf says what sort of failure the error of an exchange is.
func (c *Client) kindOf(req *http.Request, err error) FailureKind {
	call := callOf(req.Context())
	var dns *net.DNSError
	var ours *failure
	o, _ := originOf(req.URL)
	switch cause := context.Cause(call.ctx); {
	case errors.Is(call.parent.Err(), context.DeadlineExceeded):
		return FailureTimeout
	case call.parent.Err() != nil:
		return FailureCanceled
	case errors.Is(cause, context.Canceled):
		return FailureCanceled
	case cause != nil && errors.As(cause, &ours), isTimeout(err):
		return FailureTimeout
	case errors.Is(err, context.Canceled):
		return FailureCanceled
	case errors.As(err, &dns):
		return FailureDNS
	case c.tlsFailure(o.address(), err) != nil:
		return FailureTLS
	}
	return FailureNetwork
}

// counted is a body as it comes off the wire, and tells how much of it came.
type counted struct {
	io.ReadCloser
	c      *Client
	req    *http.Request
	origin string
	start  time.Time

	mu    sync.Mutex // Close may be called while Read runs
	n     int64
	ended bool
}

func (b *counted) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	b.n += int64(n)
	b.mu.Unlock()
	switch {
	case err == io.EOF:
		b.end("")
	case err != nil:
		b.end(b.c.kindOf(b.req, err))
	}
	return n, err
}

func (b *counted) Close() error {
	b.end("")
	return b.ReadCloser.Close()
}

// end tells the observer, once.
func (b *counted) end(kind FailureKind) {
	b.mu.Lock()
	ended, n := b.ended, b.n
	b.ended = true
	b.mu.Unlock()
	if !ended {
		b.c.o.ObserveBody(Transfer{
			Registry: b.c.o.Registry, Origin: b.origin, Bytes: n, Duration: time.Since(b.start), Failure: kind,
		})
	}
}

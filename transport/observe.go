package transport

import (
	"net/http"
	"time"
)

// Exchange is what an observer is told about one request on the wire, as soon as the header of the
// response is there, or the failure. A redirect and a retry are exchanges of their own.
type Exchange struct {
	Registry    string // Options.Registry
	Method, URL string // URL redacted
	Status      int    // 0: no answer
	Attempt     int    // from 1
	Duration    time.Duration
	Bytes       int64  // announced length of the body; -1: unknown
	Err         error  // what Error.Err would be, without secrets
	Credential  string // source of the credential that was sent, "" for none
}

// observe is next to the wire. It gives failures their names.
func (c *Client) observe(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		start := time.Now()
		resp, err := next.RoundTrip(req)
		if err != nil {
			err, resp = c.failure(req, err), nil
		} else if resp.Body == nil { // only another base than net/http's
			resp.Body = http.NoBody
		}
		if c.o.Observe == nil {
			return resp, err
		}
		e := Exchange{
			Registry: c.o.Registry, Method: req.Method, URL: c.redact(req.URL.String()),
			Attempt: call.attempt, Duration: time.Since(start), Bytes: -1, Credential: call.credential, Err: err,
		}
		if err == nil {
			e.Status, e.Bytes = resp.StatusCode, resp.ContentLength
		}
		c.o.Observe(e)
		return resp, err
	})
}

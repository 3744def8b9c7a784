package transport

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// firstPause doubles with each attempt up to lastPause; what is slept is a random part of it
	// ("full jitter"), so that clients that failed together do not come back together.
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
	// maxRetryAfter is the longest pause a server may ask for; a longer one fails at once.
	maxRetryAfter = 30 * time.Second
)

type repeatableKey struct{}

// Repeatable marks requests made with the context as safe to send again when their outcome is not
// known: a PUT or DELETE whose effect is the same the second time. GET and HEAD need no mark, and
// POST is never sent again. A body is sent again only if the request has GetBody.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

func repeatable(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodPut, http.MethodDelete:
		return req.Context().Value(repeatableKey{}) != nil &&
			(req.Body == nil || req.Body == http.NoBody || req.GetBody != nil)
	}
	return false
}

func transientStatus(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// retry sends a request again after failures that may pass.
func (c *Client) retry(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		call := callOf(req.Context())
		attempts := 1
		if repeatable(req) {
			attempts += *c.o.Retries
		}
		c.budget.request(c.o.Now())
		for call.attempt = 1; ; call.attempt++ {
			resp, err := next.RoundTrip(req)
			pause, again := c.pause(call, resp, err)
			if call.attempt >= attempts || !again {
				return resp, err
			}
			if !c.budget.take(c.o.Now()) {
				call.exhausted = true
				return resp, err
			}
			if resp != nil {
				// Unread: another connection may lead to a machine that is better off.
				_ = resp.Body.Close()
			}
			if req, err = rewound(req); err != nil {
				return nil, newFailure(nil, "the body of the request cannot be read again: %v", err)
			}
			if call.deadline.IsZero() { // has a body: the time that it left off with is not meant for a pause
				call.rearm(pause+c.o.Total, expired("no answer within %v", pause+c.o.Total))
			}
			if err := c.o.Sleep(req.Context(), pause); err != nil {
				return nil, c.failure(req, err)
			}
		}
	})
}

// pause says how long to wait before the next attempt, or that there should be none.
func (c *Client) pause(call *call, resp *http.Response, err error) (time.Duration, bool) {
	if err != nil && !transient(err) {
		return 0, false
	}
	pause := c.backoff(call.attempt)
	if resp != nil {
		if !transientStatus(resp.StatusCode) {
			return 0, false
		}
		if asked, ok := c.asked(resp); ok {
			if asked > maxRetryAfter {
				return 0, false
			}
			pause = max(pause, asked)
		}
	}
	return pause, call.left(pause)
}

// backoff is the pause after the given attempt, counted from 1.
func (c *Client) backoff(attempt int) time.Duration {
	pause := lastPause
	if shift := attempt - 1; shift < 16 {
		pause = min(firstPause<<shift, lastPause)
	}
	return time.Duration(c.o.Rand() * float64(pause))
}

// rewound is req with its body at the beginning.
func rewound(req *http.Request) (*http.Request, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	r := req.WithContext(req.Context())
	r.Body = body
	return r, nil
}

// asked is the pause that a response asks for. A date is measured from the server's own clock
// where it gives one, so that a wrong clock here does no harm.
func (c *Client) asked(resp *http.Response) (time.Duration, bool) {
	now, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		now = c.o.Now()
	}
	return retryAfter(resp.Header.Get("Retry-After"), now)
}

// retryAfter reads a Retry-After header (RFC 9110 §10.2.3): seconds or a date. What is neither,
// negative numbers included, is not ok; a date gone by is 0; a number too large for a Duration is
// the largest Duration.
func retryAfter(value string, now time.Time) (d time.Duration, ok bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if strings.Trim(value, "0123456789") == "" {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n > int64(math.MaxInt64/time.Second) {
			return math.MaxInt64, true
		}
		return time.Duration(n) * time.Second, true
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(t.Sub(now), 0), true
}

// spell writes a pause for a message.
func spell(d time.Duration) string {
	const year = 365 * 24 * time.Hour
	if d > year {
		return "more than a year"
	}
	return d.Round(time.Second).String()
}

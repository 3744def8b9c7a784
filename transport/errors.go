package transport

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
)

// Error is a failed exchange. errors.Is matches the sentinel of package pantry that the status or
// the failure stands for: 404, 410 ErrNotFound; 401, 403, 402 ErrDenied; 409 ErrExists; 405, 501
// ErrUnsupported; 407 (from a proxy), 408, 429, 5xx and every network failure ErrUnavailable; other
// statuses and undecodable answers ErrInvalid; plain http where it is not allowed ErrConfig. A
// cancelled context matches context.Canceled and nothing else; one whose deadline has passed
// matches context.DeadlineExceeded and ErrUnavailable, which waits of this package that ended do
// not. A body that was cut short matches io.ErrUnexpectedEOF too.
type Error struct {
	Method, URL string // of the last hop; URL redacted
	Status      int    // 0: no answer
	Detail      string // what the server said, at most 256 bytes, control characters removed, credentials redacted
	Attempts    int    // at the last hop
	Err         error  // the sentinel, or a failure that matches it and says more

	credential string
	asked      string // URL that redirects began at, "" if there were none
	note       string
	mirrors    []string    // of no use either
	header     http.Header // what is kept of the answer's
	challenge  []byte
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Method + " " + e.URL)
	if e.asked != "" {
		b.WriteString(" (redirected from " + e.asked + ")")
	}
	b.WriteString(": " + e.what())
	if e.note != "" {
		b.WriteString(", " + e.note)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (%d attempts)", e.Attempts)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if n := len(e.mirrors); n > 0 {
		b.WriteString("; no help from its mirrors " + strings.Join(e.mirrors[:min(n, shownMirrors)], ", "))
		if n > shownMirrors {
			fmt.Fprintf(&b, " and %d more", n-shownMirrors)
		}
	}
	return b.String()
}

func (e *Error) what() string {
	var f *failure
	if e.Status == 0 || errors.As(e.Err, &f) {
		if e.Err == nil {
			return "failed"
		}
		return e.Err.Error()
	}
	if text := http.StatusText(e.Status); text != "" {
		return strconv.Itoa(e.Status) + " " + text
	}
	return "status " + strconv.Itoa(e.Status)
}

func (e *Error) Unwrap() error { return e.Err }

// CredentialSource is where the credential came from that was sent; "" when none was.
func (e *Error) CredentialSource() string { return e.credential }

// sentinel is the meaning of a status that is no success.
func sentinel(status int) error {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return pantry.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusPaymentRequired:
		return pantry.ErrDenied
	case http.StatusConflict:
		return pantry.ErrExists
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return pantry.ErrUnsupported
	case http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return pantry.ErrUnavailable
	}
	if status >= 500 && status <= 599 {
		return pantry.ErrUnavailable
	}
	return pantry.ErrInvalid
}

// failure is why there is no answer, in words. It reads well after "METHOD URL: ".
type failure struct {
	phrase, hint string
	kinds        []error // what it matches: sentinels, causes
	again        bool    // may pass when asked again
}

func (f *failure) Error() string   { return f.phrase }
func (f *failure) Unwrap() []error { return f.kinds }

// newFailure makes a failure that may pass if kind is ErrUnavailable.
func newFailure(kind error, format string, args ...any) *failure {
	f := &failure{phrase: fmt.Sprintf(format, args...), again: kind == pantry.ErrUnavailable}
	if kind != nil {
		f.kinds = []error{kind}
	}
	return f
}

func unavailable(format string, args ...any) *failure {
	return newFailure(pantry.ErrUnavailable, format, args...)
}

func invalid(format string, args ...any) *failure {
	return newFailure(pantry.ErrInvalid, format, args...)
}

// errStatus stands for an answer whose status is an error.
var errStatus = errors.New("status")

// config is a mistake in the registry's configuration.
func (c *Client) config(format string, args ...any) error {
	msg := fmt.Sprintf(format, args...)
	if c.o.Registry == "" {
		return fmt.Errorf("%w: %s", pantry.ErrConfig, msg)
	}
	return fmt.Errorf("%w: registry %q: %s", pantry.ErrConfig, c.o.Registry, msg)
}

// fail makes the error of a call without an answer. call may be nil.
func (c *Client) fail(first, last *http.Request, call *call, err error) error {
	var f *failure
	if !errors.As(err, &f) {
		f = c.failure(last, err)
	}
	e := &Error{Method: last.Method, URL: c.redact(last.URL.String()), Err: f}
	if call != nil {
		e.Attempts = call.attempt
		e.told(call)
	}
	e.redirected(c, first)
	return withHint(e, f.hint)
}

// shownMirrors is how many mirrors an error names.
const shownMirrors = 3

// told takes over what a call that could not reach the registry has to say about why.
func (e *Error) told(call *call) {
	if !errors.Is(e.Err, pantry.ErrUnavailable) {
		return
	}
	e.mirrors = call.refusals
	if call.exhausted {
		e.note = "and not asked again, since too many requests fail"
	}
}

func (e *Error) redirected(c *Client, first *http.Request) {
	if asked := c.redact(first.URL.String()); asked != e.URL {
		e.asked = asked
	}
}

func withHint(err error, hint string) error {
	if hint == "" {
		return err
	}
	return pantry.WithHint(err, "%s", hint)
}

// statusError makes the error of an answer whose status is no success, and reads its body.
func (c *Client) statusError(first *http.Request, resp *http.Response, call *call) error {
	req := resp.Request
	e := &Error{
		Method: req.Method, URL: c.redact(req.URL.String()), Status: resp.StatusCode,
		Attempts: call.attempt, Err: sentinel(resp.StatusCode), credential: call.credential, header: c.keep(resp.Header),
	}
	if resp.StatusCode >= 400 {
		data, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came before an error will do
		e.Detail = c.detail(data)
		if resp.StatusCode == http.StatusUnauthorized {
			e.challenge = data
		}
	}
	e.told(call)
	e.redirected(c, first)
	hint := ""
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		hint = c.deniedHint(req, call)
	case http.StatusProxyAuthRequired:
		if p := c.proxy.of(req.URL); p != "" {
			e.note = "by the proxy " + p
		}
		hint = c.proxy.hint()
	default:
		asked, ok := c.asked(resp)
		if ok && asked > 0 && transientStatus(resp.StatusCode) {
			e.note = "and the server asks to wait " + spell(asked)
			hint = "try again in " + spell(asked)
		}
	}
	return withHint(e, hint)
}

// deniedHint says what to do about a 401 or 403.
func (c *Client) deniedHint(req *http.Request, call *call) string {
	name := "this registry"
	if c.o.Registry != "" {
		name = fmt.Sprintf("registry %q", c.o.Registry)
	}
	if call.credential != "" {
		return "check the credential from " + call.credential + ": it may be wrong, expired or without the right to do this"
	}
	if len(c.credentials) > 0 {
		s := c.credentials[0]
		if o, err := originOf(req.URL); err == nil && s.origin != o {
			return fmt.Sprintf("the credential from %s was not sent, since it is for %s and this is %s", s.source, s.origin, o)
		}
		return fmt.Sprintf("the credential from %s was not sent, since it is for paths below %s/", s.source, s.path)
	}
	return `configure "auth" for ` + name
}

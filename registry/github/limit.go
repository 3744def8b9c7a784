package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// defaultMaxWait is what GitHub asks to wait at least after its secondary limit
// (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api).
const defaultMaxWait = time.Minute

// LimitError is the refusal of a request because there were too many. It matches
// pantry.ErrUnavailable.
type LimitError struct {
	// Resource is what is limited, in GitHub's words: "core" or "search"; "" where it is not the
	// API that refused.
	Resource string
	// Limit is the number of requests in the time that ended; 0 means not said.
	Limit int
	// Reset is when requests are taken again, by the clock of this machine; zero means not said.
	Reset time.Time
	// Wait is how long that was when the answer came.
	Wait time.Duration
	// Secondary says that it is not the number of requests in an hour, but their rate.
	Secondary bool

	hint string
	err  error // the exchange, which matches pantry.ErrUnavailable alone
}

func (e *LimitError) Error() string {
	var b strings.Builder
	b.WriteString("the rate limit is exceeded")
	switch {
	case e.Secondary:
		b.WriteString(" (too many requests at once)")
	case e.Limit > 0:
		fmt.Fprintf(&b, " (%d requests", e.Limit)
		if e.Resource == resourceSearch {
			b.WriteString(" a minute)")
		} else {
			b.WriteString(" an hour)")
		}
	}
	if !e.Reset.IsZero() {
		fmt.Fprintf(&b, "; it ends at %s, in %s", e.Reset.UTC().Format("15:04:05 MST"), e.Wait.Round(time.Second))
	}
	if e.err != nil {
		b.WriteString(": " + e.err.Error())
	}
	return b.String()
}

// Unwrap returns the failed exchange.
func (e *LimitError) Unwrap() error { return e.err }

// Is matches pantry.ErrUnavailable.
func (e *LimitError) Is(target error) bool { return target == pantry.ErrUnavailable }

// Hint is the next step.
func (e *LimitError) Hint() string { return e.hint }

// limits remembers which resources take no requests until when, so that a refused client does not
// go on asking, for which GitHub bans.
type limits struct {
	mu      sync.Mutex
	blocked map[string]*LimitError
}

// check returns the error of a resource that is known to be exhausted.
func (l *limits) check(resource string, now time.Time) *LimitError {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.blocked[resource]
	if e == nil || !now.Before(e.Reset) {
		delete(l.blocked, resource)
		return nil
	}
	again := *e
	again.Wait = e.Reset.Sub(now)
	return &again
}

func (l *limits) block(e *LimitError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.blocked == nil {
		l.blocked = make(map[string]*LimitError)
	}
	l.blocked[e.Resource] = e
}

// The limits that requests count against, in GitHub's words.
const (
	resourceCore   = "core"
	resourceSearch = "search"
)

// resourceOf is the limit that a request counts against, "" for none.
func (r *Registry) resourceOf(u string) string {
	below, ok := strings.CutPrefix(u, r.base+"/")
	switch {
	case !ok, below == "rate_limit":
		return ""
	case strings.HasPrefix(below, "search/"):
		return resourceSearch
	}
	return resourceCore
}

// limited reads a refusal. 403 is a matter of permission unless the headers, or if there are none
// the words, say that it is one of number.
func (r *Registry) limited(u string, err error) *LimitError {
	var t *transport.Error
	if !errors.As(err, &t) || t.Status != http.StatusForbidden && t.Status != http.StatusTooManyRequests {
		return nil
	}
	primary := t.Header("X-RateLimit-Remaining") == "0"
	said := strings.Contains(strings.ToLower(t.Detail), "rate limit")
	retry := t.Header("Retry-After")
	if !primary && !said && retry == "" && t.Status == http.StatusForbidden {
		return nil
	}
	if t.Header("X-GitHub-SSO") != "" && !primary {
		return nil
	}
	e := &LimitError{Resource: r.resourceOf(u), Secondary: !primary}
	e.Limit, _ = strconv.Atoi(t.Header("X-RateLimit-Limit"))
	now := r.now()
	server, derr := http.ParseTime(t.Header("Date"))
	if derr != nil {
		server = now
	}
	if wait, ok := pauseOf(retry, t.Header("X-RateLimit-Reset"), primary, server); ok {
		// The server's clock says how long, so that a wrong one here does no harm.
		e.Wait, e.Reset = wait, now.Add(wait)
	}
	exchange := *t
	exchange.Err, exchange.Detail = pantry.ErrUnavailable, ""
	e.err = &exchange
	e.hint = r.limitHint(u, e)
	if primary && e.Wait > 0 && e.Resource != "" {
		r.limits.block(e)
	}
	return e
}

// pauseOf is how long an answer asks to wait: Retry-After in seconds, else until the reset, which
// is a time in seconds since 1970.
func pauseOf(retry, reset string, primary bool, now time.Time) (time.Duration, bool) {
	const longest = 24 * time.Hour // GitHub's windows are an hour; what is longer is a mistake
	if n, err := strconv.ParseInt(retry, 10, 64); err == nil && n >= 0 {
		return min(time.Duration(min(n, int64(longest/time.Second)))*time.Second, longest), true
	}
	if n, err := strconv.ParseInt(reset, 10, 64); err == nil && primary {
		return min(max(time.Unix(n, 0).Sub(now), 0), longest), true
	}
	return 0, false
}

func (r *Registry) limitHint(u string, e *LimitError) string {
	if _, sent := r.client.CredentialFor(u); sent || e.Secondary {
		if e.Reset.IsZero() {
			return "try again in a minute"
		}
		return "try again in " + e.Wait.Round(time.Second).String()
	}
	return fmt.Sprintf("configure a token as \"auth\" of registry %q: GitHub takes 60 requests an hour without one, and 5000 with one", r.name)
}

// wait sleeps until a limit ends, if that is soon enough. It returns whether to ask again.
func (r *Registry) wait(ctx context.Context, e *LimitError) (bool, error) {
	if e.Reset.IsZero() || e.Wait > r.maxWait {
		return false, nil
	}
	pause := e.Wait + time.Second // the reset is given in whole seconds
	if end, ok := ctx.Deadline(); ok && time.Until(end) < pause {
		return false, nil
	}
	if err := r.sleep(ctx, pause); err != nil {
		return false, err
	}
	return true, nil
}

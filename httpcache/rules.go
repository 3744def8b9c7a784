package httpcache

import (
	"context"
	"errors"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
)

// Bounds of how long an answer holds.
const (
	// DefaultTTL is how long an answer holds that does not say: as long as the public npm registry
	// says that its packuments do.
	DefaultTTL = 5 * time.Minute
	// NegativeTTL is the longest that a 404 or 410 holds, whatever it says: somebody may be waiting
	// for what has just been published.
	NegativeTTL = time.Minute
	// MaxTTL is the longest that any answer holds, whatever it says: what a registry tells of its
	// packages is no file that never changes.
	MaxTTL = 24 * time.Hour
	// DefaultStaleIfError is for how long after that an answer may stand in for a registry that
	// fails, where neither the answer nor the configuration says: a long weekend and its repairs.
	DefaultStaleIfError = 7 * 24 * time.Hour

	// heuristicShare of the time for which something has not changed is how long it is likely not to
	// change (RFC 9111 §4.2.2).
	heuristicShare = 10
	// skew is by how much an answer may lie in the future: clocks are set, but not by much. What
	// lies further ahead is asked about again.
	skew = time.Minute
)

// control is what Cache-Control says (RFC 9111 §5.2, RFC 5861, RFC 8246). s-maxage and other words for
// shared caches are not read: this one is private.
type control struct {
	noStore, noCache, mustRevalidate bool
	maxAge, whileRevalidate, ifError seconds
}

// seconds is the argument of a directive.
type seconds struct {
	d    time.Duration
	said bool
}

// set reads an argument. What is no number counts as 0, and of two the smaller: so that a registry is
// rather asked once too often.
func (s *seconds) set(arg string) {
	d := parseSeconds(arg)
	if !s.said || d < s.d {
		*s = seconds{d, true}
	}
}

// parseSeconds reads a number of seconds; one that is too large for use is a century.
func parseSeconds(s string) time.Duration {
	const most = 100 * 365 * 24 * 60 * 60
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(n, most)) * time.Second
}

func readControl(h http.Header) control {
	var c control
	for _, line := range h["Cache-Control"] {
		for line != "" {
			var name, arg string
			name, arg, line = directive(line)
			switch strings.ToLower(name) {
			case "no-store":
				c.noStore = true
			case "no-cache": // also where it names headers: the whole is asked about then
				c.noCache = true
			case "must-revalidate":
				c.mustRevalidate = true
			case "max-age":
				c.maxAge.set(arg)
			case "stale-while-revalidate":
				c.whileRevalidate.set(arg)
			case "stale-if-error":
				c.ifError.set(arg)
			}
		}
	}
	return c
}

// directive cuts the first directive off a line. A comma within quotes does not end it.
func directive(line string) (name, arg, rest string) {
	quoted, end := false, len(line)
	for i := 0; i < len(line) && end == len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			end = i
		}
	}
	rest = line[min(end+1, len(line)):]
	name, arg, _ = strings.Cut(line[:end], "=")
	return strings.TrimSpace(name), strings.Trim(strings.TrimSpace(arg), `"`), rest
}

// negative says that an answer is that there is nothing.
func negative(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// storable says whether an answer may be kept (RFC 9111 §3). Of the statuses that may be kept without
// being told how long, those are that say something about a package.
func storable(status int, h http.Header) bool {
	c := readControl(h)
	if c.noStore || varies(h, "*") || h.Get("Content-Range") != "" {
		return false
	}
	switch status {
	case http.StatusOK:
		// A page in the place of a registry's answer is a proxy's that wants a login.
		return !strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "text/html")
	case http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusNotFound, http.StatusGone:
		return true
	case http.StatusFound, http.StatusTemporaryRedirect:
		return c.maxAge.said || h.Get("Expires") != ""
	}
	return false
}

// life is for how long an answer holds from when it was made (RFC 9111 §4.2.1, §4.2.2). A configured
// TTL stands in the place of what the answer says.
func (e *entry) life(ttl *time.Duration) time.Duration {
	c := readControl(e.header)
	most := MaxTTL
	if negative(e.status) {
		most = NegativeTTL
	}
	switch {
	case ttl != nil:
		return min(*ttl, most)
	case c.noCache:
		return 0
	case c.maxAge.said:
		return min(c.maxAge.d, most)
	}
	made, err := http.ParseTime(e.header.Get("Date"))
	if err != nil {
		made = e.received
	}
	if said := e.header.Get("Expires"); said != "" {
		until, err := http.ParseTime(said)
		if err != nil { // "0" is usual for: at once
			return 0
		}
		return min(max(until.Sub(made), 0), most)
	}
	if changed, err := http.ParseTime(e.header.Get("Last-Modified")); err == nil {
		return min(max(made.Sub(changed)/heuristicShare, 0), DefaultTTL, most)
	}
	return min(DefaultTTL, most)
}

// age is how old an answer is (RFC 9111 §4.2.3), never less than nothing. Its Date is not compared with
// our clock: where one of them is wrong, everything would be stale, and caches on the way say Age.
func (e *entry) age(now time.Time) time.Duration {
	age := max(e.received.Sub(e.asked), 0) + max(now.Sub(e.received), 0)
	if said := strings.TrimSpace(e.header.Get("Age")); said != "" {
		age += parseSeconds(said)
	}
	return age
}

// fresh says that an answer may be used without asking.
func (e *entry) fresh(now time.Time, ttl *time.Duration) bool {
	return !e.received.After(now.Add(skew)) && e.age(now) < e.life(ttl)
}

// staleFor says whether an answer has not been stale for longer than d.
func (e *entry) staleFor(now time.Time, ttl *time.Duration, d time.Duration) bool {
	return e.age(now)-e.life(ttl) < d
}

// whileRevalidate is how long an answer may be used after its life, while it is asked about again.
func (e *entry) whileRevalidate() time.Duration {
	c := readControl(e.header)
	if c.noCache || c.mustRevalidate {
		return 0
	}
	return c.whileRevalidate.d
}

// ifError is how long an answer may be used after its life when the registry fails. What is
// configured stands in the place of what the answer says.
func (e *entry) ifError(configured *time.Duration) time.Duration {
	c := readControl(e.header)
	switch {
	case configured != nil:
		return *configured
	case c.noCache, c.mustRevalidate:
		return 0
	case c.ifError.said:
		return c.ifError.d
	}
	return DefaultStaleIfError
}

// failed says that an answer is the word of a server in trouble rather than of a registry. A 403 is
// where it tells of a limit to the rate of requests, as GitHub's does.
func failed(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusForbidden:
		return resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Ratelimit-Remaining") == "0"
	}
	return false
}

// unreachable says that err is a registry that could not be reached, and not a caller whose time is
// over.
func unreachable(err error) bool {
	return errors.Is(err, pantry.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// varies says whether an answer depends on a header of the request; "*" is on more than is in it.
func varies(h http.Header, name string) bool {
	for _, line := range h["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(field), name) {
				return true
			}
		}
	}
	return false
}

// selecting are the headers of a request that an answer's Vary names, with their values.
func selecting(answer, request http.Header) http.Header {
	out := http.Header{}
	for _, line := range answer["Vary"] {
		for field := range strings.SplitSeq(line, ",") {
			if field = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(field)); field != "" {
				out[field] = []string{joined(request, field)}
			}
		}
	}
	return out
}

// answers says whether an answer is one to a request with these headers (RFC 9111 §4.1).
func (e *entry) answers(request http.Header) bool {
	for field, values := range e.vary {
		if joined(request, field) != values[0] {
			return false
		}
	}
	return true
}

// joined is a header's value on one line, blanks around commas removed.
func joined(h http.Header, field string) string {
	parts := strings.Split(strings.Join(h[field], ","), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ",")
}

// passing are headers of one hop or of one exchange, which are not kept: of the connection (RFC 9110
// §7.6.1), for the one that asked, or news of the day.
func passing() []string {
	return []string{
		"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Set-Cookie", "Set-Cookie2", "Www-Authenticate",
		"Authentication-Info", "Npm-Notice", "X-Ratelimit-Remaining", "X-Ratelimit-Used", "X-Ratelimit-Reset",
	}
}

// keepable is a copy of a header without what is not kept.
func keepable(h http.Header) http.Header {
	out := h.Clone()
	for _, line := range h["Connection"] {
		for field := range strings.SplitSeq(line, ",") {
			out.Del(strings.TrimSpace(field))
		}
	}
	for _, field := range passing() {
		delete(out, field)
	}
	return out
}

// confirmed is an entry's header after the registry said that nothing has changed (RFC 9111 §3.2): with
// what it says now, but for what describes the body.
func (e *entry) confirmed(now http.Header) http.Header {
	out := e.header.Clone()
	delete(out, "Age")
	for field, values := range keepable(now) {
		switch field {
		case "Content-Length", "Content-Encoding", "Content-Type", "Content-Range":
		default:
			out[field] = values
		}
	}
	return out
}

// sameTag says whether word that nothing has changed can be about e: a registry that names another tag
// than was asked about has something else in mind.
func (e *entry) sameTag(now http.Header) bool {
	tag := now.Get("Etag")
	return tag == "" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(e.header.Get("Etag"), "W/")
}

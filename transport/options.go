package transport

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"golang.org/x/net/http/httpguts"
)

// Options of a Client. The zero value of each field means its default.
type Options struct {
	// Registry is the configured name, for errors and observers.
	Registry string
	// URL is the registry's base URL, http or https. Required. User information in it becomes a
	// Basic credential, where Credentials are empty; a query is dropped.
	URL string
	// Credentials are sent to the origin and path each is for. Where several match a URL, the one
	// with the longest path is sent, alone.
	Credentials []Credential
	// PackageCredential comes before Credentials in requests to the registry's own origin that change
	// a package (see ForPackage). Its Token is required; where that gives none, Credentials are used.
	PackageCredential *Credential
	// Headers are sent to the registry's own origin only. Their values are treated as secrets.
	// They do not replace a header that a request has already, but for User-Agent.
	Headers map[string]string
	// Mirrors are other places with the same content, which may be asked instead of URL: for what is
	// below it, with GET and HEAD. Neither Headers nor Credentials without a Scope go to another
	// origin, mirrors included.
	Mirrors []Mirror
	// Balance says in which order URL and Mirrors are asked. Default Failover.
	Balance Balance
	// Distrusted is told when a mirror is out, since it served wrong bytes where another place served
	// the right ones, or Distrust says so. It may be called by several goroutines at once.
	Distrusted func(mirror string, why Distrust)
	// UserAgent is sent to everyone. Default "pantry".
	UserAgent string

	// Timeout is the longest wait for the header of a response, from the end of the request.
	// Default 30 s.
	Timeout time.Duration
	// Connect is the longest wait for a connection, name lookup included, and again for its TLS
	// handshake. Default 5 s.
	Connect time.Duration
	// IdleBody is the longest silence within a body. Default 15 s.
	IdleBody time.Duration
	// MinRate is how many bytes on the wire must come in RateWindow of waiting for a body. Time in
	// which the reader does not read is not counted. Default 1024 bytes.
	MinRate int64
	// RateWindow belongs to MinRate. Default 30 s.
	RateWindow time.Duration
	// Total bounds a request up to the header of its last response: all attempts, pauses and
	// redirects, and the body of an error. A request with a body has Total anew when its body
	// is sent; while it is sent, IdleBody bounds the wait for each piece. Waiting for one of MaxConns is not
	// counted. Default 45 s, or Timeout and 15 s where that is more.
	Total time.Duration
	// Retries is the number of attempts after the first. Default 2; at most 10. All requests of a
	// client together are sent again at most ten times, and one time for every five requests, in
	// half a minute.
	Retries *int
	// MaxConns bounds the exchanges of this client that go on at the same time, bodies being read
	// included, and its connections per host. Default 64.
	MaxConns int
	// HTTP2 says whether https servers are offered HTTP/2. Default true. HTTP/1.1 uses up to
	// MaxConns connections where HTTP/2 uses one, which is faster on lines that lose packets.
	HTTP2 *bool

	// Proxy is an http, https, socks5 or socks5h URL. "" means HTTP_PROXY, HTTPS_PROXY and
	// NO_PROXY of the environment. Loopback is never reached through a proxy.
	Proxy string
	// NoProxy lists hosts that are reached directly, in the form of NO_PROXY. With Proxy, it
	// stands instead of the environment's NO_PROXY, else beside it.
	NoProxy string
	// Env reads the environment for proxies. Default os.Getenv.
	Env func(string) string

	// CAFile and CA are PEM certificates that are trusted besides those of the system.
	CAFile string
	CA     []byte
	// CertFile and KeyFile are a client certificate in PEM. It is shown to the registry's own
	// origin only.
	CertFile, KeyFile string
	// Insecure allows plain http to hosts that are not loopback. It never allows a redirect from
	// https to http.
	Insecure bool

	// Cache wraps what answers requests in a cache, for [Client.GetAll]; others pass it only to tell
	// that they change something. What it gives is not observed. nil is none.
	Cache func(next http.RoundTripper, c *Client) http.RoundTripper
	// Observe is told about each exchange on the wire. It is called from the goroutine of the
	// request, so several calls may run at once.
	Observe func(Exchange)
	// ObserveBody is told when the body of an answer has ended, from the goroutine that reads or
	// closes it. A body that nobody reads to its end or closes is not told.
	ObserveBody func(Transfer)
	// ObserveBreaker is told when the breaker of an origin has opened, by the goroutine whose
	// request was the last that failed.
	ObserveBreaker func(BreakerOpening)
	// Dial makes connections, of "tcp" to "HOST:PORT", for tests; it ends by itself when Connect is
	// over. Default a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Base is the wire, for tests. Default an http.Transport of the client's own.
	Base http.RoundTripper
	// Sleep waits between attempts, and returns early with an error when ctx ends. Default a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Rand gives numbers in [0, 1) for the jitter of pauses. Default math/rand/v2.
	Rand func() float64
	// Now is the clock for Retry-After dates and for certificates. Default time.Now.
	Now func() time.Time
}

// Defaults. Those of connecting and of bodies are several times what a slow but working line
// needs; the reader of a message on a terminal should have it within a minute.
const (
	defaultTimeout    = 30 * time.Second
	defaultConnect    = 5 * time.Second
	defaultIdleBody   = 15 * time.Second
	defaultMinRate    = 1 << 10
	defaultRateWindow = 30 * time.Second
	defaultTotal      = 45 * time.Second
	totalBeyond       = 15 * time.Second // of Total over a long Timeout
	defaultRetries    = 2                // as npm's fetch-retries
	maxRetries        = 10
	defaultMaxConns   = 64
	defaultUserAgent  = "pantry"
)

func (c *Client) setDefaults() error {
	o := &c.o
	for name, d := range map[string]time.Duration{
		"timeout": o.Timeout, "connect": o.Connect, "idleBody": o.IdleBody, "rateWindow": o.RateWindow, "total": o.Total,
	} {
		if d < 0 {
			return c.config("%s is negative: %v", name, d)
		}
	}
	if o.MinRate < 0 || o.MaxConns < 0 {
		return c.config("minRate and maxConns cannot be negative")
	}
	setDefault(&o.Timeout, defaultTimeout)
	setDefault(&o.Connect, defaultConnect)
	setDefault(&o.IdleBody, defaultIdleBody)
	setDefault(&o.MinRate, defaultMinRate)
	setDefault(&o.RateWindow, defaultRateWindow)
	setDefault(&o.Total, max(defaultTotal, o.Timeout+totalBeyond))
	setDefault(&o.MaxConns, defaultMaxConns)
	setDefault(&o.UserAgent, defaultUserAgent)
	retries := defaultRetries
	if o.Retries != nil {
		retries = *o.Retries
	}
	if retries < 0 || retries > maxRetries {
		return c.config("retries is %d, but must be from 0 to %d", retries, maxRetries)
	}
	o.Retries = &retries
	if !httpguts.ValidHeaderFieldValue(o.UserAgent) {
		return c.config("the user agent has a control character")
	}
	c.setFuncs()
	return nil
}

func (c *Client) setFuncs() {
	o := &c.o
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// setURL reads the base URL. No message of it shows the URL as it was given.
func (c *Client) setURL() error {
	if c.o.URL == "" {
		return c.config("url is missing")
	}
	u, err := url.Parse(c.o.URL)
	if err != nil || u.Opaque != "" {
		return pantry.WithHint(c.config("url is malformed"), "write it as https://HOST/PATH")
	}
	if u.User != nil && len(c.o.Credentials) == 0 {
		password, _ := u.User.Password()
		c.o.Credentials = []Credential{Basic(u.User.Username(), pantry.NewSecret(password), "user information in the url")}
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	u.Scheme = strings.ToLower(u.Scheme)
	if c.origin, err = originOf(u); err != nil {
		return pantry.WithHint(c.config("url %s: %v", RedactURL(u.String()), err), "write it as https://HOST/PATH")
	}
	if f := c.plain(c.origin); f != nil {
		return pantry.WithHint(c.config("url: %s", f.phrase), "%s", f.hint)
	}
	c.base, c.o.URL = u, ""
	return nil
}

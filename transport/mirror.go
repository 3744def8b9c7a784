package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
)

// Mirror is another place that has the content of a registry.
type Mirror struct {
	// URL is what stands for the registry's URL there: http or https.
	URL string
	// Weight is the mirror's part of the requests where they are balanced by weight; the registry's
	// own URL has 1. 0 means 1.
	Weight int
	// Out says that the mirror served wrong bytes before, and is not to be asked; nil means it is.
	Out *Distrust
}

// Distrust is why, and since when, a mirror is not asked.
type Distrust struct {
	Since  time.Time
	Reason string // what was wrong, in one line
}

// MirrorState is what a client knows of a mirror.
type MirrorState struct {
	URL    string // redacted
	Weight int
	// Latency is the moving average of the time to the first byte; 0 while there is none.
	Latency time.Duration
	// Out is why the mirror is not asked; nil where it is.
	Out *Distrust
}

// MaxWeight is the largest weight of a mirror.
const MaxWeight = 1000

const (
	// maxMirrors bounds what one request may come to when all fail.
	maxMirrors = 100
	// failurePause is how long a place stands behind the others after it failed: about as long as
	// it takes to restart a server.
	failurePause = 10 * time.Second
	// maxDoubts bounds the paths of which it is remembered who served what for them.
	maxDoubts = 10_000
)

type artifactKey struct{}

// The values of artifactKey.
const (
	fromAnywhere = iota
	verified     // the bytes will be compared with a digest
	atSource     // they cannot be
)

// ForArtifact marks requests made with the context as being for the bytes of a. Where their digest
// is known they may be asked for at two mirrors at once. Where it is not they come from the
// registry's own URL: nobody would notice that a mirror's are others.
func ForArtifact(ctx context.Context, a pantry.Artifact) context.Context {
	kind := atSource
	if len(a.Integrity) > 0 {
		kind = verified
	}
	return context.WithValue(ctx, artifactKey{}, kind)
}

func artifactOf(ctx context.Context) int {
	kind, _ := ctx.Value(artifactKey{}).(int)
	return kind
}

// place is one of the URLs at which a registry's content is: its own or a mirror's.
type place struct {
	url    *url.URL
	origin origin
	path   string // of url, escaped, without a slash at its end
	weight int
	own    bool

	// Guarded by places.mu.
	latency  time.Duration // moving average
	measured time.Time
	failed   time.Time // the last failure, if nothing came since
	out      *Distrust
	told     bool // of out
}

// places are those of one registry, its own first.
type places struct {
	all     []*place
	balance Balance

	mu     sync.Mutex
	turn   int
	doubts map[string][]*place // by path: who served wrong bytes for it
	hedge  hedging
}

// setMirrors reads Options.Mirrors.
func (c *Client) setMirrors() error {
	if len(c.o.Mirrors) == 0 {
		return nil
	}
	if len(c.o.Mirrors) > maxMirrors {
		return c.config("there are more than %d mirrors", maxMirrors)
	}
	switch c.o.Balance {
	case "":
		c.o.Balance = Failover
	case Failover, RoundRobin, Weighted, Latency:
	default:
		return c.config("balance is none of failover, round-robin, weighted and latency")
	}
	m := &places{balance: c.o.Balance, doubts: map[string][]*place{}}
	m.all = append(m.all, &place{url: c.base, origin: c.origin, path: strings.TrimRight(c.base.EscapedPath(), "/"), weight: 1, own: true})
	for i, given := range c.o.Mirrors {
		p, err := c.newPlace(given)
		if err != nil {
			return c.config("mirrors[%d]: %v", i, err)
		}
		if slices.ContainsFunc(m.all, func(o *place) bool { return o.origin == p.origin && o.path == p.path }) {
			return c.config("mirrors[%d]: %s is there twice", i, RedactURL(p.url.String()))
		}
		m.all = append(m.all, p)
	}
	c.places = m
	return nil
}

// newPlace reads a mirror. No message shows the URL as it was given.
func (c *Client) newPlace(m Mirror) (*place, error) {
	u, err := url.Parse(m.URL)
	switch {
	case err != nil || u.Opaque != "":
		return nil, fmt.Errorf("the URL is malformed")
	case u.User != nil:
		return nil, fmt.Errorf("the URL has user information in it")
	case m.Weight < 0 || m.Weight > MaxWeight:
		return nil, fmt.Errorf("the weight is %d, but must be from 1 to %d", m.Weight, MaxWeight)
	}
	u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = "", false, "", ""
	u.Scheme = strings.ToLower(u.Scheme)
	o, err := originOf(u)
	if err != nil {
		return nil, err
	}
	if f := c.plain(o); f != nil {
		return nil, f
	}
	p := &place{url: u, origin: o, path: strings.TrimRight(u.EscapedPath(), "/"), weight: max(m.Weight, 1)}
	if m.Out != nil {
		out := *m.Out
		p.out = &out
	}
	return p, nil
}

// below is the escaped path of u below a place, "" or beginning with a slash.
func (p *place) below(u *url.URL, o origin) (rest string, ok bool) {
	if o != p.origin {
		return "", false
	}
	rest, ok = strings.CutPrefix(u.EscapedPath(), p.path)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// at is the URL of what is at rest below the place.
func (p *place) at(rest string, query string) *url.URL {
	u := &url.URL{Scheme: p.url.Scheme, Host: p.url.Host, RawPath: p.path + rest, RawQuery: query}
	u.Path, _ = url.PathUnescape(u.RawPath) // rest and path were escaped paths of URLs
	return u
}

// locate finds what u is below one of the places: the one with the longest path. A path that leads
// up again is below none.
func (m *places) locate(u *url.URL) (rest string, at *place) {
	o, err := originOf(u)
	if err != nil || u.User != nil || dotted(u.Path) {
		return "", nil
	}
	for _, p := range m.all {
		if r, below := p.below(u, o); below && (at == nil || len(p.path) > len(at.path)) {
			rest, at = r, p
		}
	}
	return rest, at
}

// dotted says whether a server may read a path as one that leads elsewhere.
func dotted(path string) bool {
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// Canonical is the URL at the registry itself of what u is at one of its mirrors; any other URL is
// returned as it is. A mirror's documents may name the mirror.
func (c *Client) Canonical(u string) string {
	if c.places == nil {
		return u
	}
	parsed, err := url.Parse(u)
	if err != nil {
		return u
	}
	own := c.places.all[0]
	rest, at := c.places.locate(parsed)
	if at == nil || at.own {
		return u
	}
	return own.at(rest, parsed.RawQuery).String()
}

// Mirrors lists the mirrors in the order they were given.
func (c *Client) Mirrors() []MirrorState {
	if c.places == nil {
		return nil
	}
	m := c.places
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []MirrorState
	for _, p := range m.all[1:] {
		s := MirrorState{URL: c.redact(p.shown()), Weight: p.weight, Latency: p.latency}
		if p.out != nil {
			out := *p.out
			s.Out = &out
		}
		all = append(all, s)
	}
	return all
}

// mirrorAt is the mirror at or above a URL; nil where there is none.
func (c *Client) mirrorAt(u string) *place {
	parsed, err := url.Parse(u)
	if c.places == nil || err != nil {
		return nil
	}
	_, at := c.places.locate(parsed)
	if at == nil || at.own {
		return nil
	}
	return at
}

// request is req, in another context, as it is sent to the place.
func (p *place) request(req *http.Request, ctx context.Context, rest string) *http.Request {
	r := req.WithContext(ctx)
	r.URL = p.at(rest, req.URL.RawQuery)
	if !p.own {
		r.Header = traveling(req.Header)
	}
	return r
}

// traveling is what of a header may go to another origin.
func traveling(h http.Header) http.Header {
	out := http.Header{}
	for _, name := range travels {
		if v := h[name]; v != nil {
			out[name] = v
		}
	}
	return out
}

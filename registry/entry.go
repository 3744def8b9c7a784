package registry

import (
	"context"

	"io"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Entry is one registry of a manager, as it was when it was asked for: enabling or disabling it
// later makes a new Entry. Its registry is opened once, when it is first needed: variables are
// expanded then, and that is when their errors come. Safe for concurrent use.
//
// An Entry is that registry alone: nobody else is asked when it fails, and it answers when it is
// disabled too. It refuses names that other registries of the manager claim.
type Entry struct {
	m      *Manager
	config Config
	kind   Kind
	claims *claimIndex
	shown  string  // URL of what was configured, for messages
	opener *opener // shared by the entries that differ in being enabled
	health *health // shared likewise

	wellKnown func() string // in place of shown, where finding it takes a while; nil otherwise
}

// opener opens an entry's registry once.
type opener struct {
	once sync.Once
	done atomic.Bool
	open func() (opened, error)
	o    opened
	err  error
}

func (p *opener) get() (opened, error) {
	p.once.Do(func() {
		if p.o, p.err = p.open(); p.err == nil {
			p.o.shown = bareURL(p.o.url)
		}
		p.done.Store(true)
	})
	return p.o, p.err
}

// opened is what opening an entry gives.
type opened struct {
	registry   pantry.Registry
	url        string
	shown      string // url for messages
	credential string // source of the credential that requests carry; "" for none
	note       string // what kept one from being found
	kept       bool   // answers are kept
	clients    []*transport.Client
}

var _ pantry.Registry = (*Entry)(nil)
var _ pantry.Unwrapper = (*Entry)(nil)

// newEntry makes an entry over a given registry, or over one that is opened when it is needed.
func (m *Manager) newEntry(c Config, patterns []pattern, given pantry.Registry) *Entry {
	kind, _ := findKind(m.o.Kinds, c.Type)
	open := func() (opened, error) { return m.open(c, kind, given) }
	raw := c.URL
	if raw == "" {
		raw = kind.DefaultURL
	}
	e := &Entry{
		m: m, config: c, kind: kind, claims: newClaimIndex(patterns), shown: bareURL(raw), opener: &opener{open: open}, health: &health{},
	}
	if raw == "" && kind.OwnURL != nil {
		e.wellKnown = sync.OnceValue(func() string { return bareURL(kind.OwnURL(c)) })
	}
	return e
}

// with returns the entry with another setting of enabled, sharing what is open.
func (e *Entry) with(enabled bool) *Entry {
	n := *e
	n.config.Disabled = !enabled
	return &n
}

func (m *Manager) open(c Config, kind Kind, given pantry.Registry) (opened, error) {
	if err := unbuilt(c); err != nil {
		return opened{}, err
	}
	if given != nil {
		return opened{registry: given, url: c.URL}, nil
	}
	var o opened
	client := func() (*transport.Client, error) {
		cn, err := m.connect(c, kind)
		if err == nil {
			o.url, o.credential, o.note, o.kept = cn.client.BaseURL(), cn.credential, cn.note, m.kept != nil
			o.clients = append(o.clients, cn.client)
		}
		return cn.client, err
	}
	clientAt := func(url string) (*transport.Client, error) {
		at, same := c, kind
		at.URL, at.Mirrors = url, nil // they have the content of the entry's URL
		if c.URL == "" || c.URL == kind.DefaultURL {
			same.DefaultURL = url // of the same well-known service
		}
		cn, err := m.connect(at, same)
		if err == nil && o.url == "" { // there is no other
			o.url, o.credential, o.note = cn.client.BaseURL(), cn.credential, cn.note
		}
		if err == nil {
			o.clients = append(o.clients, cn.client)
		}
		return cn.client, err
	}
	r, err := kind.Open(OpenOptions{
		Name: c.Name, Client: client, ClientAt: clientAt, AllowMissingChecksum: c.AllowMissingChecksum,
		Expand: func(text, field string) (string, error) {
			x := m.expander(c)
			s := x.text(text, field)
			return s, x.err()
		},
		Auth:     func() (map[string]pantry.Secret, error) { return m.expandAuth(c) },
		CacheDir: m.o.CacheDir, Now: m.o.Now, Getenv: m.o.Getenv, Run: m.o.Run, Config: c,
	})
	if err != nil {
		return opened{}, err
	}
	o.registry = r
	return o, nil
}

// Name is the configured name.
func (e *Entry) Name() string { return e.config.Name }

// Type is the registry's type.
func (e *Entry) Type() string { return e.config.Type }

// Priority is the configured priority, or DefaultPriority.
func (e *Entry) Priority() int {
	if e.config.Priority == nil {
		return DefaultPriority
	}
	return *e.config.Priority
}

// Enabled says whether the manager asks the registry.
func (e *Entry) Enabled() bool { return !e.config.Disabled }

// Config is the entry as it was added. What it refers to must not be changed.
func (e *Entry) Config() Config { return e.config }

// reserved says whether a question that is restricted to wanted ("" for none) passes over the
// registry unless it claims the name.
func (e *Entry) reserved(wanted string) bool { return e.config.ClaimsOnly && wanted == "" }

// NPMStyle says whether the registry's packages have npm's dependencies.
func (e *Entry) NPMStyle() bool { return e.kind.NPMStyle }

// URL is the registry's URL without user information and query, for messages. Variables in it are
// expanded once the registry was opened.
func (e *Entry) URL() string {
	if e.opener.done.Load() {
		if o, err := e.opener.get(); err == nil && o.url != "" {
			return o.shown
		}
	}
	if e.wellKnown != nil {
		return e.wellKnown()
	}
	return e.shown
}

// bareURL removes what may be secret from a URL, whatever shape the rest has.
func bareURL(raw string) string {
	if hasVariable(raw) {
		return printable(raw)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return printable(u.String())
}

// Claims says whether the registry claims a name, and by which pattern.
func (e *Entry) Claims(name string) (pattern string, ok bool) {
	p, ok := e.claims.match(name)
	return p.raw, ok
}

// Allow says why the registry must not be asked for a name, or told it, nor given a package of that
// name: it is none, or other registries claim it. Who asks what Unwrap returned has to ask this
// first.
func (e *Entry) Allow(name string) error {
	if err := checkPackageName(name); err != nil {
		return err
	}
	return e.m.state.Load().mayHear(e, name)
}

// mode is the entry's fallback; def is the manager's.
func (e *Entry) mode(def Fallback) Fallback {
	if e.config.Fallback != "" {
		return e.config.Fallback
	}
	return def
}

// Unwrap opens the registry and returns it, so that pantry.As finds what it can do; nil when it
// cannot be opened. What is asked of it directly is not checked against other registries' claims:
// the Manager has methods for every question that tells a name.
func (e *Entry) Unwrap() pantry.Registry {
	o, err := e.opener.get()
	if err != nil {
		return nil
	}
	return o.registry
}

// Err is the error of opening the registry, which this does if it was not done before.
func (e *Entry) Err() error {
	_, err := e.opener.get()
	return err
}

// guarded opens the registry for a question about name.
func (e *Entry) guarded(name string) (pantry.Registry, error) {
	if err := checkPackageName(name); err != nil {
		return nil, err
	}
	if err := e.m.state.Load().mayHear(e, name); err != nil {
		return nil, err
	}
	o, err := e.opener.get()
	return o.registry, err
}

// Metadata asks this registry alone.
func (e *Entry) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	r, err := e.guarded(name)
	if err != nil {
		return nil, err
	}
	m, err := r.Metadata(ctx, name, version)
	if err == nil && m == nil {
		err = errNothing
	}
	if err != nil {
		return nil, err
	}
	return e.label(m), nil
}

// Package asks this registry alone.
func (e *Entry) Package(ctx context.Context, name string) (pantry.Package, error) {
	r, err := e.guarded(name)
	if err != nil {
		return nil, err
	}
	p, err := r.Package(ctx, name)
	if err == nil && p == nil {
		err = errNothing
	}
	return p, err
}

// Open opens an artifact, whose Name must be set: a name that another registry claims is refused.
func (e *Entry) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	r, err := e.guarded(a.Name)
	if err != nil {
		return nil, err
	}
	return r.Open(ctx, a)
}

// errNothing is the error of a registry that returns neither an answer nor an error.
var errNothing = &refusal{kind: pantry.ErrInvalid, msg: "the registry gave no answer and no error"}

// label returns metadata that names this entry. The registry's own value is not changed: it may be
// shared.
func (e *Entry) label(m *pantry.Metadata) *pantry.Metadata {
	n := *m
	n.Registry = e.Name()
	if n.Artifact.Name == "" {
		n.Artifact.Name, n.Artifact.Version = n.Name, n.Version
	}
	return &n
}

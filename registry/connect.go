package registry

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// connection is an entry's way to one URL.
type connection struct {
	client *transport.Client
	// credential is the source of the credential that goes to that URL, "" for none; note says what kept
	// one from being found.
	credential, note string
}

// connect makes the HTTP client of an entry: variables are expanded, files are read, a credential is
// looked for; no request is sent to the registry.
func (m *Manager) connect(c Config, kind Kind) (connection, error) {
	o, found, err := m.clientOptions(c, kind)
	if err != nil {
		return connection{}, err
	}
	m.addMirrors(&o, c)
	if m.o.Transport != nil {
		m.o.Transport(c, &o)
	}
	if found.identity != nil {
		if err := m.withIdentity(&o, c, found); err != nil {
			return connection{}, err
		}
	}
	client, err := transport.New(o)
	if err != nil {
		return connection{}, clientError(c, err)
	}
	return connection{client, credentialFor(o.Credentials, o.URL), found.note()}, nil
}

func clientError(c Config, err error) error {
	if errors.Is(err, pantry.ErrConfig) {
		return err
	}
	return &ConfigError{Source: c.Source, Registry: c.Name, Problem: printable(err.Error()), Err: err}
}

func (m *Manager) clientOptions(c Config, kind Kind) (transport.Options, findings, error) {
	x := m.expander(c)
	o := transport.Options{
		Registry:  c.Name,
		URL:       m.baseURL(x, c, kind),
		UserAgent: m.o.UserAgent,
		Timeout:   c.Timeout,
		Retries:   c.Retries,
		MaxConns:  c.MaxConns,
		Proxy:     x.text(c.Proxy, "proxy"),
		NoProxy:   x.text(c.NoProxy, "noProxy"),
		Env:       m.env,
		CAFile:    x.text(c.CAFile, "caFile"),
		CertFile:  x.text(c.CertFile, "certFile"),
		KeyFile:   x.text(c.KeyFile, "keyFile"),
		CA:        c.CA,
		Insecure:  c.Insecure,
		Mirrors:   x.mirrors(c.Mirrors),
		Balance:   transport.Balance(c.Balance),
		Observe:   m.o.Observe,

		ObserveBody: m.o.ObserveBody, ObserveBreaker: m.o.ObserveBreaker,
	}
	if m.kept != nil {
		o.Cache = m.cacheFor(c)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		secret, _ := x.header(c.Headers[name], "headers."+name)
		if o.Headers == nil {
			o.Headers = make(map[string]string, len(c.Headers))
		}
		o.Headers[name] = secret.Reveal()
	}
	if c.Auth != nil && !asksIdentity(c.Auth) {
		o.Credentials = x.credential(o.Credentials, *c.Auth, "auth", nil, false)
	}
	var scoped []transport.Credential
	for _, cr := range c.Credentials {
		scoped = x.scoped(scoped, cr)
	}
	if err := x.err(); err != nil {
		return o, findings{}, err
	}
	found, err := m.find(c, kind, o.URL, scoped)
	o.Credentials = append(o.Credentials, found.credentials...)
	if base, err := url.Parse(o.URL); err == nil && len(o.Credentials) == 1 && len(scoped) > 0 {
		// What the entry says itself also wins below its URL, where the one with the longest path does.
		own := o.Credentials[0]
		own.Scope = base
		o.Credentials = append(o.Credentials, own)
	}
	o.Credentials = append(o.Credentials, scoped...)
	return o, found, err
}

// env is a variable for proxies, "" when it is not set.
func (m *Manager) env(name string) string {
	if v, ok := m.o.Getenv(name); ok {
		return v
	}
	return ""
}

func (m *Manager) expander(c Config) *expander {
	return &expander{registry: c.Name, source: c.Source, getenv: m.o.Getenv}
}

// baseURL expands and checks the URL of an entry, once more where it has variables.
func (m *Manager) baseURL(x *expander, c Config, kind Kind) string {
	raw := c.URL
	if raw == "" {
		raw = kind.DefaultURL
	}
	before := len(x.errs)
	s := x.text(raw, "url")
	if len(x.errs) == before {
		if problem, hint := checkURL(s, c.Insecure); problem != "" {
			x.fail("", "url", problem, hint)
		}
	}
	return s
}

// credential adds what a makes, for scope; nil is the entry's own URL.
func (x *expander) credential(to []transport.Credential, a Auth, field string, scope *url.URL, encoded bool) []transport.Credential {
	before := len(x.errs)
	var c transport.Credential
	switch a.Type {
	case AuthBearer, AuthOIDC:
		token, source := x.header(a.Token, field+".token")
		c = transport.Bearer(token, source)
	case AuthBasic:
		c = x.basic(a, field, encoded)
	case AuthEncoded:
		c = x.encoded(a, field)
	case AuthCustom:
		name := x.text(a.Name, field+".name")
		value, source := x.header(a.Value, field+".value")
		if len(x.errs) > before {
			return to
		}
		var err error
		if c, err = transport.Header(name, value, source); err != nil {
			x.fail(a.Value.Source, field, printable(err.Error()), "")
		}
	default: // validated before: an entry that was never added
		x.fail("", field+".type", "unknown type "+quote(a.Type), "")
	}
	if len(x.errs) > before {
		return to
	}
	c.Scope = scope
	return append(to, c)
}

func (x *expander) basic(a Auth, field string, encoded bool) transport.Credential {
	before := len(x.errs)
	user, source := x.optional(a.Username, field+".username")
	password, passwordSource := x.optional(a.Password, field+".password")
	if passwordSource != "" {
		source = passwordSource
	}
	if len(x.errs) > before {
		return transport.Credential{}
	}
	if strings.Contains(user.Reveal(), ":") {
		x.fail(a.Username.Source, field+".username", "the name holds a colon, which basic authentication cannot say", "")
	}
	if encoded {
		b, err := decodeBase64(password.Reveal())
		if err != nil {
			x.fail(a.Password.Source, field+".password", "the value is not base64", "")
		}
		password = pantry.NewSecret(string(b))
	}
	return transport.Basic(user.Reveal(), password, source)
}

// optional is header for a value that may be left out: some registries take a token as the
// password of nobody, or as the name without a password.
func (x *expander) optional(v Value, field string) (pantry.Secret, string) {
	if v.Raw.IsZero() {
		return pantry.Secret{}, ""
	}
	return x.header(v, field)
}

// encoded is base64 of "username:password", as .npmrc's _auth.
func (x *expander) encoded(a Auth, field string) transport.Credential {
	before := len(x.errs)
	v, source := x.header(a.Token, field+".token")
	if len(x.errs) > before {
		return transport.Credential{}
	}
	b, err := decodeBase64(v.Reveal())
	user, password, ok := strings.Cut(string(b), ":")
	if err != nil || !ok {
		x.fail(a.Token.Source, field+".token", "the value is not base64 of \"username:password\"", "")
	}
	return transport.Basic(user, pantry.NewSecret(password), source)
}

// decodeBase64 takes padding or none: both are found in .npmrc files.
func decodeBase64(s string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(s), "="))
}

// scoped adds a credential of another URL than the entry's.
func (x *expander) scoped(to []transport.Credential, c Credential) []transport.Credential {
	field := "credential for " + printable(transport.RedactURL(c.Scope))
	before := len(x.errs)
	scope := x.text(c.Scope, field)
	if len(x.errs) > before {
		return to
	}
	u, err := url.Parse(scope)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		x.fail(c.Source, field, "not a http or https URL", "")
		return to
	}
	was := x.source
	if c.Source != "" {
		x.source = c.Source
	}
	defer func() { x.source = was }()
	return x.credential(to, c.Auth, field, u, c.EncodedPassword)
}

// credentialFor is the source of the credential that requests below base carry: the one with the
// longest matching path, the first of several.
func credentialFor(cs []transport.Credential, base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	source, longest := "", -1
	for _, c := range cs {
		n := 0
		if c.Scope != nil {
			path := strings.TrimSuffix(c.Scope.Path, "/")
			if !sameOrigin(c.Scope, u) || !strings.HasPrefix(strings.TrimSuffix(u.Path, "/")+"/", path+"/") {
				continue
			}
			n = len(path)
		}
		if n > longest {
			source, longest = c.Source, n
		}
	}
	return source
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

package transport

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"golang.org/x/net/http/httpguts"
)

// Credential is a header that proves who asks, bound to one origin.
type Credential struct {
	// Header is "Authorization" or the name of a custom header. "" means no credential.
	Header string
	// Value is the whole header value, "Bearer x".
	Value pantry.Secret
	// Source says where it came from, for messages: "pantry.json:12 registries[0].auth.token (${ACME_TOKEN})".
	Source string
	// Scope is the URL the credential is for: its origin (scheme, host, port) and path prefix,
	// which ends where a segment of a path does. nil means the origin of Options.URL.
	Scope *url.URL
	// Token gives the token of a header "Authorization: Bearer TOKEN", in place of Header and Value.
	// It is asked before each request that the credential is for and keeps what it can; an empty one
	// means that this request goes without. Its error ends the request.
	Token func(context.Context) (pantry.Secret, error)

	err error // of a constructor, told by New
}

// Bearer makes the header "Authorization: Bearer TOKEN" (RFC 6750). A token that cannot be sent (empty, with
// a space or a control character) makes [New] fail.
func Bearer(token pantry.Secret, source string) Credential {
	c := Credential{Header: "Authorization", Value: pantry.NewSecret("Bearer " + token.Reveal()), Source: source}
	switch t := token.Reveal(); {
	case t == "":
		c.err = errors.New("the token is empty")
	case strings.ContainsAny(t, " \t"):
		c.err = errors.New("the token contains a space")
	}
	return c
}

// Basic makes the header "Authorization: Basic BASE64(USERNAME:PASSWORD)" (RFC 7617). A pair that
// cannot be sent (empty, a colon in the user name, a control character) makes [New] fail.
func Basic(username string, password pantry.Secret, source string) Credential {
	pair := username + ":" + password.Reveal()
	c := Credential{
		Header: "Authorization",
		Value:  pantry.NewSecret("Basic " + base64.StdEncoding.EncodeToString([]byte(pair))),
		Source: source,
	}
	switch {
	case pair == ":":
		c.err = errors.New("user name and password are empty")
	case strings.Contains(username, ":"):
		c.err = errors.New("the user name contains a colon")
	case strings.ContainsFunc(pair, func(r rune) bool { return r < ' ' || r == 0x7f }):
		c.err = errors.New("the user name or password contains a control character")
	}
	return c
}

// Header makes the header "NAME: VALUE", such as X-API-Key. A name or value that is no header's,
// or a name that belongs to the protocol itself, is an error that matches pantry.ErrConfig.
func Header(name string, value pantry.Secret, source string) (Credential, error) {
	c := Credential{Header: name, Value: value, Source: source}
	if err := c.check(); err != nil {
		return Credential{}, fmt.Errorf("%w: %s: %w", pantry.ErrConfig, source, err)
	}
	return c, nil
}

func (c *Credential) check() error {
	if c.err != nil {
		return c.err
	}
	if c.Value.IsZero() {
		return errors.New("the value is empty")
	}
	return checkHeader(c.Header, c.Value.Reveal())
}

// reserved headers frame a message or belong to one hop of it (RFC 9110 §7.6.1), speak to a proxy,
// or would change how a body is to be read.
var reserved = []string{
	"Host", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Accept-Encoding", "Connection",
	"Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "Te", "Trailer",
	"Upgrade", "Expect", "Range",
}

// checkHeader never shows the value.
func checkHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return fmt.Errorf("%q is not a valid header name", bound(clean(name), 64))
	case slices.Contains(reserved, textproto.CanonicalMIMEHeaderKey(name)):
		return fmt.Errorf("the header %s cannot be set", name)
	case !httpguts.ValidHeaderFieldValue(value):
		return fmt.Errorf("the value of the header %s contains a control character or line break", name)
	case strings.Trim(value, " \t") != value:
		return fmt.Errorf("the value of the header %s begins or ends with a space", name)
	}
	return nil
}

// scoped is a credential ready for use.
type scoped struct {
	name, value, source string
	token               func(context.Context) (pantry.Secret, error) // nil: value
	mark                string                                       // stands for what token gives, of which nothing is known yet
	origin              origin
	path                string    // "" or "/a/b", escaped
	expires             time.Time // zero: not known
}

type header struct{ name, value string }

func (c *Client) setCredentials() error {
	if p := c.o.PackageCredential; p != nil {
		c.forPackage = &scoped{name: "Authorization", token: p.Token, source: p.Source, origin: c.origin}
	}
	for i := range c.o.Credentials {
		cred := &c.o.Credentials[i]
		if cred.Header == "" && cred.Value.IsZero() && cred.Token == nil && cred.err == nil {
			continue
		}
		s := scoped{
			name: textproto.CanonicalMIMEHeaderKey(cred.Header), value: cred.Value.Reveal(), token: cred.Token,
			source: cred.Source, origin: c.origin, expires: expiry(cred.Value.Reveal()),
		}
		var err error
		if cred.Token != nil {
			s.name, s.mark = "Authorization", rand.Text()
		} else {
			err = cred.check()
		}
		if err == nil && cred.Scope != nil {
			s.path = strings.TrimRight(cred.Scope.EscapedPath(), "/")
			s.origin, err = originOf(cred.Scope)
		}
		if err != nil {
			return c.config("credential from %s: %v", cred.Source, err)
		}
		c.credentials = append(c.credentials, s)
	}
	slices.SortStableFunc(c.credentials, func(a, b scoped) int { return len(b.path) - len(a.path) })
	return nil
}

// maxToken bounds the token that is looked into, in bytes. Those of CI systems have some 2 kB.
const maxToken = 16 << 10

// expiry is when a credential that is a JSON Web Token (RFC 7519) says that it ends; zero for any
// other. The token is not verified: that is for the server to do.
func expiry(value string) time.Time {
	token := value
	if _, rest, ok := strings.Cut(value, " "); ok {
		token = rest
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxToken {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Expires <= 0 || claims.Expires >= maxUnix {
		return time.Time{}
	}
	return time.Unix(int64(claims.Expires), 0)
}

func (c *Client) setHeaders() error {
	for name, value := range c.o.Headers {
		if err := checkHeader(name, value); err != nil {
			return c.config("headers: %v", err)
		}
		c.headers = append(c.headers, header{textproto.CanonicalMIMEHeaderKey(name), value})
	}
	slices.SortFunc(c.headers, func(a, b header) int { return strings.Compare(a.name, b.name) })
	return nil
}

// credentialFor returns the credential that u may have, or nil.
func (c *Client) credentialFor(u *url.URL) *scoped {
	o, err := originOf(u)
	if err != nil {
		return nil
	}
	for i := range c.credentials {
		if s := &c.credentials[i]; s.origin == o && s.covers(u) {
			return s
		}
	}
	return nil
}

// covers says whether u's path is in the scope, both as it is spelled and as a server may read it:
// escaped slashes, backslashes and dot segments must not lead out of the scope.
func (s *scoped) covers(u *url.URL) bool {
	if s.path == "" {
		return true
	}
	scope, err := url.PathUnescape(s.path)
	if err != nil {
		return false
	}
	read := path.Clean(strings.ReplaceAll(u.Path, `\`, "/"))
	return within(s.path, u.EscapedPath()) && within(path.Clean(scope), read)
}

func within(prefix, p string) bool {
	rest, ok := strings.CutPrefix(p, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

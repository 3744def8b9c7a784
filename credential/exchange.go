package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Protocol is how a registry exchanges the token of a CI system for one of its own.
type Protocol string

// The protocols.
const (
	// NPM is npm's trusted publishing: a token is for changes of one package.
	NPM Protocol = "npm"
	// REST is that of the REST convention: POST /-/oidc/exchange. A registry that has no such
	// endpoint gets the token of the CI system itself.
	REST Protocol = "custom"
)

const (
	// early is how long before its end a token is renewed: longer than clocks differ, and than a
	// request takes to arrive.
	early = 30 * time.Second
	// unstated is how long a token is used that does not say when it ends. Those of npm's
	// trusted publishing are good for an hour.
	unstated = 5 * time.Minute
	// maxHeld bounds the tokens that are held, one for each package that is changed.
	maxHeld = 10_000
)

// Exchange gets tokens of one registry for the identity of a CI job. They are held in memory for as long
// as they are good. Safe for concurrent use.
type Exchange struct {
	// Client asks the registry, without credentials of its own.
	Client   *transport.Client
	Identity *Identity
	Protocol Protocol
	// Now is the clock. nil means time.Now.
	Now func() time.Time

	mu   sync.Mutex
	held map[string]held // by package, "" for none
}

type held struct {
	token pantry.Secret
	until time.Time
}

// Source says where the tokens come from, for messages.
func (x *Exchange) Source() string { return "identity of the CI job (" + x.Identity.System + ")" }

// Token is a [transport.Credential]'s: the token for a request, for the package that ctx says it
// changes (see [transport.ForPackage]). The protocol NPM has none where ctx names no package.
func (x *Exchange) Token(ctx context.Context) (pantry.Secret, error) {
	name := transport.PackageOf(ctx)
	if x.Protocol == NPM && name == "" {
		return pantry.Secret{}, nil
	}
	x.mu.Lock() // while it is asked for, too: whoever needs one now needs the same
	defer x.mu.Unlock()
	now := time.Now
	if x.Now != nil {
		now = x.Now
	}
	if h, ok := x.held[name]; ok && now().Before(h.until) {
		return h.token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*LookupTime) // two questions
	defer cancel()
	token, until, err := x.get(ctx, name)
	if err != nil {
		return pantry.Secret{}, err
	}
	if until.IsZero() {
		until = now().Add(unstated)
	}
	if x.held == nil || len(x.held) >= maxHeld {
		x.held = map[string]held{}
	}
	x.held[name] = held{token, until.Add(-early)}
	return token, nil
}

func (x *Exchange) get(ctx context.Context, name string) (pantry.Secret, time.Time, error) {
	base, err := url.Parse(x.Client.BaseURL())
	if err != nil {
		return pantry.Secret{}, time.Time{}, err
	}
	// npm's own client names the host without its port, others with it.
	prefix := map[Protocol]string{NPM: "npm:", REST: "pantry:"}[x.Protocol]
	id, ends, err := x.Identity.Token(ctx, prefix+base.Hostname(), prefix+base.Host)
	if err != nil {
		return pantry.Secret{}, time.Time{}, fmt.Errorf("%s gave no identity: %w", x.Identity.System, err)
	}
	x.Client.Hide(id)
	token, until, err := x.swap(ctx, name, id)
	switch {
	case err == nil:
		return token, until, nil
	case x.Protocol == REST && missing(err):
		return id, ends, nil
	case errors.Is(err, pantry.ErrNotFound) && name != "":
		err = fmt.Errorf("%w: the registry knows no trusted publisher of %s that this job is", pantry.ErrDenied, clean(name))
		return token, until, pantry.WithHint(err, "name this repository and workflow as a trusted publisher of %s at the registry", clean(name))
	}
	return token, until, fmt.Errorf("the registry gave no token for the identity of %s: %w", x.Identity.System, err)
}

// missing says that there is no such endpoint.
func missing(err error) bool {
	return errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrUnsupported)
}

// swap sends the exchange.
func (x *Exchange) swap(ctx context.Context, name string, id pantry.Secret) (pantry.Secret, time.Time, error) {
	u := x.Client.BaseURL() + "/-/oidc/exchange"
	var body []byte
	if x.Protocol == NPM {
		u = x.Client.BaseURL() + "/-/npm/v1/oidc/token/exchange/package/" + strings.ReplaceAll(url.PathEscape(name), "%2F", "%2f")
	} else {
		body, _ = json.Marshal(map[string]string{"token": id.Reveal(), "package": name}) // strings always encode
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u, bytes.NewReader(body))
	if err != nil {
		return pantry.Secret{}, time.Time{}, err
	}
	req.Header.Set("Accept", "application/json")
	if x.Protocol == NPM {
		req.Header.Set("Authorization", "Bearer "+id.Reveal())
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := x.Client.Do(req)
	if err != nil {
		return pantry.Secret{}, time.Time{}, err
	}
	defer resp.Body.Close()
	data, err := transport.ReadAll(resp.Body, resp.ContentLength, maxIDToken)
	if err != nil {
		return pantry.Secret{}, time.Time{}, err
	}
	var answer struct {
		Token            string
		Expires, Created json.RawMessage // a date, at npm's
		ExpiresAt        json.RawMessage
	}
	if json.Unmarshal(data, &answer) != nil || !isToken(answer.Token) {
		return pantry.Secret{}, time.Time{}, fmt.Errorf("%w: the answer holds no token", pantry.ErrInvalid)
	}
	until := dateOf(answer.ExpiresAt)
	if until.IsZero() {
		until = dateOf(answer.Expires)
	}
	if c, err := claimsOf(answer.Token); err == nil && until.IsZero() {
		until = c.expires()
	}
	return pantry.NewSecret(answer.Token), until, nil
}

// dateOf reads a date of RFC 3339; the zero time for anything else.
func dateOf(raw json.RawMessage) time.Time {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

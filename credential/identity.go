package credential

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Identity is the identity that a CI system gives the running job: a token of OpenID Connect that says
// which job of which repository it is, and for whom it was made.
type Identity struct {
	// System is the CI system, for messages.
	System string
	// Bound says that its tokens are made for one registry, so that none else has a use for them.
	Bound bool
	token func(ctx context.Context, audience string) (string, error)
}

// Environment is what an Identity is looked for in.
type Environment struct {
	Getenv func(string) string
	Run    Runner // nil runs nothing
	// Client makes a client for the CI system's own service; nil means one with the proxies of Getenv.
	Client func(transport.Options) (*transport.Client, error)
}

// Names of the variables that hold a token which was made for a registry beforehand. npm reads
// the first one too.
const (
	NPMIDToken = "NPM_ID_TOKEN"
	IDToken    = "PANTRY_ID_TOKEN"
)

const maxIDToken = 64 << 10 // bytes of a token, and of the answer that holds it

// DetectIdentity says which CI system runs this program and gives jobs an identity. variables are names
// of variables that may hold a token already, the first first. ok is false where there is no such system:
// no request is sent to find out.
func DetectIdentity(env Environment, variables ...string) (id *Identity, ok bool) {
	get := env.Getenv
	for _, name := range variables {
		if get(name) != "" {
			return &Identity{"the variable " + name, true, fixed(get(name))}, true
		}
	}
	switch {
	case get("ACTIONS_ID_TOKEN_REQUEST_URL") != "" && get("ACTIONS_ID_TOKEN_REQUEST_TOKEN") != "":
		return &Identity{"GitHub Actions", true, func(ctx context.Context, audience string) (string, error) {
			return gitHubToken(ctx, env, audience)
		}}, true
	case get("CIRCLE_OIDC_TOKEN_V2") != "":
		return &Identity{"CircleCI", false, fixed(get("CIRCLE_OIDC_TOKEN_V2"))}, true
	case get("BUILDKITE") == "true" && env.Run != nil:
		return &Identity{"Buildkite", true, func(ctx context.Context, audience string) (string, error) {
			out, err := env.Run(ctx, nil, "buildkite-agent", "oidc", "request-token", "--audience", audience)
			if err != nil {
				return "", errors.New("buildkite-agent oidc request-token failed")
			}
			return string(out), nil
		}}, true
	}
	return nil, false
}

// WhyNoIdentity says what to do where a CI system could give an identity and does not; "" where no CI
// system is known.
func WhyNoIdentity(get func(string) string) string {
	switch {
	case get("GITHUB_ACTIONS") == "true":
		return "give the job of GitHub Actions the permission id-token: write"
	case get("GITLAB_CI") == "true":
		return "give the job of GitLab an id_tokens entry " + IDToken + " with the registry's audience"
	case get("CIRCLECI") == "true":
		return "give the job of CircleCI a context, without which it gets no CIRCLE_OIDC_TOKEN_V2"
	}
	return ""
}

func fixed(token string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return token, nil }
}

// gitHubToken asks the service of GitHub Actions.
func gitHubToken(ctx context.Context, env Environment, audience string) (string, error) {
	u, err := url.Parse(env.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"))
	if err != nil || u.User != nil {
		return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	q := u.Query()
	q.Set("audience", audience)
	u.RawQuery = q.Encode()
	o := transport.Options{
		Registry: "GitHub Actions", URL: u.String(), Env: env.Getenv, Timeout: LookupTime,
		Credentials: []transport.Credential{transport.Bearer(pantry.NewSecret(env.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")), "ACTIONS_ID_TOKEN_REQUEST_TOKEN")},
	}
	newClient := env.Client
	if newClient == nil {
		newClient = transport.New
	}
	client, err := newClient(o)
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	_, data, err := client.GetAll(ctx, u.String(), http.Header{"Accept": {"application/json"}}, maxIDToken)
	if err != nil {
		return "", err
	}
	var answer struct{ Value string }
	if json.Unmarshal(data, &answer) != nil || answer.Value == "" {
		return "", fmt.Errorf("%w: the answer of GitHub Actions holds no token", pantry.ErrInvalid)
	}
	return answer.Value, nil
}

// Token asks for a token for audience. accepted are further audiences that it may be made for. One that
// was made for another registry is an error, so that it reaches nobody whom it was not made for.
func (id *Identity) Token(ctx context.Context, audience string, accepted ...string) (pantry.Secret, time.Time, error) {
	raw, err := id.token(ctx, audience)
	if err != nil {
		return pantry.Secret{}, time.Time{}, err
	}
	raw = strings.TrimSpace(raw)
	c, err := claimsOf(raw)
	if err != nil {
		return pantry.Secret{}, time.Time{}, err
	}
	accepted = append(accepted, audience)
	for _, aud := range c.Audience {
		// What names a registry is for that one. Other audiences are a CI system's own, as CircleCI's
		// organisation, and say nothing.
		names := strings.HasPrefix(aud, "npm:") || strings.HasPrefix(aud, "pantry:") || strings.Contains(aud, "://")
		if names && !slices.Contains(accepted, aud) {
			err := fmt.Errorf("the token of %s is for %s", id.System, clean(aud))
			return pantry.Secret{}, time.Time{}, pantry.WithHint(err, "ask for one whose audience is %s", audience)
		}
	}
	return pantry.NewSecret(raw), c.expires(), nil
}

// claims are what is read of a token of OpenID Connect. It is not verified here: that is the affair of
// who gets it.
type claims struct {
	Audience audience `json:"aud"`
	Expires  float64  `json:"exp"` // seconds since 1970
}

// audience is a string or an array of strings.
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*[]string)(a))
	}
	var one string
	err := json.Unmarshal(data, &one)
	*a = audience{one}
	return err
}

// expires is the zero time where the token does not say.
func (c claims) expires() time.Time {
	if c.Expires <= 0 || c.Expires > 1e11 { // the year 5138
		return time.Time{}
	}
	return time.Unix(int64(c.Expires), 0)
}

// claimsOf reads the claims of a token. The error holds nothing of it.
func claimsOf(token string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(token) > maxIDToken || len(parts) != 3 || !isToken(token) {
		return c, fmt.Errorf("%w: what the CI system gave is no token of OpenID Connect", pantry.ErrInvalid)
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil || json.Unmarshal(data, &c) != nil {
		return claims{}, fmt.Errorf("%w: the claims of the CI system's token can't be read", pantry.ErrInvalid)
	}
	return c, nil
}

// clean makes text from outside fit for a message.
func clean(s string) string {
	const longest = 128
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), longest)]
}

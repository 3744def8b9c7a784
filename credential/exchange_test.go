package credential_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/transport"
)

// jwt makes a token of OpenID Connect with a signature that is none.
func jwt(aud any, expires time.Time) string {
	part := func(v any) string {
		data, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(data)
	}
	return part(map[string]string{"alg": "RS256"}) + "." + part(map[string]any{"aud": aud, "exp": expires.Unix()}) + ".c2ln"
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// server answers as fn does, and remembers what it was sent.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // "METHOD PATH?QUERY Authorization body"
}

func newServer(t *testing.T, fn func(r *http.Request, body string) (int, string)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.seen = append(s.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+string(data)))
		s.mu.Unlock()
		status, answer := fn(r, string(data))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

func detect(t *testing.T, env map[string]string, run credential.Runner, variables ...string) *credential.Identity {
	t.Helper()
	id, ok := credential.DetectIdentity(credential.Environment{Getenv: func(k string) string { return env[k] }, Run: run}, variables...)
	if !ok {
		t.Fatalf("no identity in %v", env)
	}
	return id
}

func newExchange(t *testing.T, base string, p credential.Protocol, id *credential.Identity, now func() time.Time) *credential.Exchange {
	t.Helper()
	retries := 0
	c, err := transport.New(transport.Options{Registry: "acme", URL: base, Retries: &retries})
	if err != nil {
		t.Fatal(err)
	}
	return &credential.Exchange{Client: c, Identity: id, Protocol: p, Now: now}
}

func TestIdentityOfGitHubActions(t *testing.T) {
	t.Parallel()
	ci := newServer(t, func(r *http.Request, _ string) (int, string) {
		return 200, fmt.Sprintf(`{"count": 1, "value": %q}`, jwt(r.URL.Query().Get("audience"), noon))
	})
	id := detect(t, map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": ci.URL + "/token?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "r3quest"}, nil)
	token, until, err := id.Token(t.Context(), "npm:r.example")
	if err != nil || token.Reveal() != jwt("npm:r.example", noon) || !until.Equal(noon) {
		t.Errorf("got %s until %v, %v", token.Reveal(), until, err)
	}
	if got := fmt.Sprint(ci.requests()); got != "[GET /token?api-version=2&audience=npm%3Ar.example Bearer r3quest]" {
		t.Errorf("asked %s", got)
	}
	for name, answer := range map[string]string{"no token": `{}`, "no JSON": `<html>`, "no JWT": `{"value": "s3cret"}`, "bad claims": `{"value": "a.s3cret.c"}`} {
		broken := newServer(t, func(*http.Request, string) (int, string) { return 200, answer })
		id := detect(t, map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": broken.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}, nil)
		if _, _, err := id.Token(t.Context(), "npm:r.example"); !errors.Is(err, pantry.ErrInvalid) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestIdentityOfOtherSystems(t *testing.T) {
	t.Parallel()
	run := func(_ context.Context, _ []byte, program string, args ...string) ([]byte, error) {
		if program+" "+strings.Join(args, " ") != "buildkite-agent oidc request-token --audience pantry:r.example" {
			return nil, errors.New("no such thing")
		}
		return []byte(jwt("pantry:r.example", noon) + "\n"), nil
	}
	for name, tt := range map[string]struct {
		env       map[string]string
		variables []string
		system    string
		err       string
	}{
		"a variable":            {map[string]string{"PANTRY_ID_TOKEN": jwt("pantry:r.example", noon), "CIRCLE_OIDC_TOKEN_V2": "x"}, []string{"PANTRY_ID_TOKEN"}, "the variable PANTRY_ID_TOKEN", ""},
		"several audiences":     {map[string]string{"PANTRY_ID_TOKEN": jwt([]string{"pantry:r.example"}, noon)}, []string{"PANTRY_ID_TOKEN"}, "the variable PANTRY_ID_TOKEN", ""},
		"for another registry":  {map[string]string{"PANTRY_ID_TOKEN": jwt("pantry:other.example", noon)}, []string{"PANTRY_ID_TOKEN"}, "the variable PANTRY_ID_TOKEN", "is for pantry:other.example"},
		"for two, one of them":  {map[string]string{"PANTRY_ID_TOKEN": jwt([]string{"pantry:r.example", "https://evil.example"}, noon)}, []string{"PANTRY_ID_TOKEN"}, "the variable PANTRY_ID_TOKEN", "is for https://evil.example"},
		"CircleCI":              {map[string]string{"CIRCLE_OIDC_TOKEN_V2": jwt("org-1", noon)}, nil, "CircleCI", ""},
		"Buildkite":             {map[string]string{"BUILDKITE": "true"}, nil, "Buildkite", ""},
		"a variable of another": {map[string]string{"NPM_ID_TOKEN": "x", "BUILDKITE": "true"}, []string{"PANTRY_ID_TOKEN"}, "Buildkite", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := detect(t, tt.env, run, tt.variables...)
			token, _, err := id.Token(t.Context(), "pantry:r.example")
			if id.System != tt.system || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || err == nil && token.IsZero() {
				t.Errorf("%s gave %v, want %q", id.System, err, tt.err)
			}
		})
	}
	if id, ok := credential.DetectIdentity(credential.Environment{Getenv: func(string) string { return "" }}); ok {
		t.Errorf("nowhere: got %s", id.System)
	}
}

func TestExchangeOfNPM(t *testing.T) {
	t.Parallel()
	now := noon
	made := 0
	srv := newServer(t, func(r *http.Request, _ string) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/unknown") {
			return 404, `{"message": "not found"}`
		}
		made++
		return 201, fmt.Sprintf(`{"token": "npm_%d", "token_type": "oidc", "created": %q, "expires": %q}`,
			made, now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	})
	u, _ := url.Parse(srv.URL)
	own := jwt("npm:"+u.Hostname(), noon.Add(time.Hour))
	x := newExchange(t, srv.URL, credential.NPM, detect(t, map[string]string{"NPM_ID_TOKEN": own}, nil, "NPM_ID_TOKEN"), func() time.Time { return now })

	if token, err := x.Token(t.Context()); err != nil || !token.IsZero() || len(srv.requests()) != 0 {
		t.Errorf("for no package: got %v, %v, %v", token.Reveal(), err, srv.requests())
	}
	get := func(name string) string {
		t.Helper()
		token, err := x.Token(transport.ForPackage(t.Context(), name))
		if err != nil {
			t.Fatal(err)
		}
		return token.Reveal()
	}
	if got := get("@acme/ui") + get("@acme/ui") + get("left-pad"); got != "npm_1npm_1npm_2" {
		t.Errorf("got %s", got)
	}
	now = now.Add(59*time.Minute + 45*time.Second)
	if got := get("@acme/ui"); got != "npm_3" {
		t.Errorf("at its end: got %s", got)
	}
	if got, want := srv.requests()[0], "POST /-/npm/v1/oidc/token/exchange/package/@acme%2fui Bearer "+own; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	_, err := x.Token(transport.ForPackage(t.Context(), "unknown"))
	if !errors.Is(err, pantry.ErrDenied) || !strings.Contains(err.Error(), "no trusted publisher of unknown") || pantry.Hint(err) == "" {
		t.Errorf("unknown: got %v", err)
	}
	// One that was made for another registry does not leave.
	before := len(srv.requests())
	x = newExchange(t, srv.URL, credential.NPM, detect(t, map[string]string{"NPM_ID_TOKEN": jwt("npm:other.example", noon)}, nil, "NPM_ID_TOKEN"), nil)
	if _, err := x.Token(transport.ForPackage(t.Context(), "a")); err == nil || len(srv.requests()) != before {
		t.Errorf("for another registry: got %v, %v", err, srv.requests()[before:])
	}
}

func TestExchangeOfREST(t *testing.T) {
	t.Parallel()
	ends := noon.Add(10 * time.Minute)
	for name, tt := range map[string]struct {
		status int
		answer string
		want   string // "own" for the CI system's token
		err    error
		hold   time.Duration // until when the same token is given
	}{
		"a token with a date":        {201, `{"token": "pty_1", "expiresAt": "2026-11-24T12:15:00Z"}`, "pty_1", nil, 14 * time.Minute},
		"a token without":            {201, `{"token": "pty_1"}`, "pty_1", nil, 4 * time.Minute},
		"a token that tells":         {201, fmt.Sprintf(`{"token": %q}`, jwt("x", noon.Add(8*time.Minute))), jwt("x", noon.Add(8*time.Minute)), nil, 7 * time.Minute},
		"no such endpoint":           {404, `{}`, "own", nil, 9 * time.Minute},
		"not such a method":          {405, `{}`, "own", nil, 9 * time.Minute},
		"refused":                    {403, `{"error": "ECHO"}`, "", pantry.ErrDenied, 0},
		"down":                       {503, `{}`, "", pantry.ErrUnavailable, 0},
		"a page":                     {200, `<html>`, "", pantry.ErrInvalid, 0},
		"a token that can't be sent": {200, `{"token": "a b"}`, "", pantry.ErrInvalid, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var own string
			srv := newServer(t, func(*http.Request, string) (int, string) {
				return tt.status, strings.ReplaceAll(tt.answer, "ECHO", own)
			})
			u, _ := url.Parse(srv.URL)
			own = jwt("pantry:"+u.Host, ends) // with its port
			now := noon
			x := newExchange(t, srv.URL+"/base", credential.REST, detect(t, map[string]string{"PANTRY_ID_TOKEN": own}, nil, "PANTRY_ID_TOKEN"), func() time.Time { return now })
			token, err := x.Token(t.Context())
			want := strings.ReplaceAll(tt.want, "own", own)
			if token.Reveal() != want || !errors.Is(err, tt.err) {
				t.Fatalf("got %q, %v, want %q, %v", token.Reveal(), err, want, tt.err)
			}
			if err != nil {
				if strings.Contains(err.Error(), own) {
					t.Errorf("the error tells the token: %v", err)
				}
				return
			}
			if got := srv.requests()[0]; got != fmt.Sprintf(`POST /base/-/oidc/exchange  {"package":"","token":%q}`, own) {
				t.Errorf("asked %s", got)
			}
			now = noon.Add(tt.hold)
			if _, err := x.Token(t.Context()); err != nil || len(srv.requests()) != 1 {
				t.Errorf("after %v it was asked for again: %v, %v", tt.hold, err, srv.requests())
			}
			now = noon.Add(tt.hold + time.Minute)
			if _, err := x.Token(t.Context()); err != nil || len(srv.requests()) != 2 {
				t.Errorf("after a minute more it was not asked for again: %v", err)
			}
		})
	}
}

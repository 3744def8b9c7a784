package registry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// maze is some servers that send whoever asks anywhere: by redirects of every kind, by addresses of
// tarballs, and by what they say in errors. Each remembers what it was sent.
type maze struct {
	servers []*httptest.Server

	mu    sync.Mutex
	plan  func(server int, path string) step
	heard []string // all that the servers were sent, each: "SERVER what"
}

// step is what a server does with a request.
type step struct {
	to     int // server it leads to
	status int // of a redirect; 0 answers, 1 refuses and repeats what it was sent
}

func newMaze(t *testing.T, n int) *maze {
	m := &maze{}
	for i := range n {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(i, w, r) }))
		t.Cleanup(srv.Close)
		m.servers = append(m.servers, srv)
	}
	return m
}

func (m *maze) serve(i int, w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	m.heard = append(m.heard, fmt.Sprint(i, " ", r.Method, " ", r.URL, " ", r.Header, " ", string(body)))
	do := m.plan(i, r.URL.Path)
	m.mu.Unlock()
	next := m.servers[do.to].URL
	switch {
	case do.status >= 300:
		http.Redirect(w, r, next+r.URL.Path+"x", do.status)
	case do.status == 1:
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"error": "not with %v %s"}`, r.Header, r.URL)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{
			"name": "a", "version": "1.0.0", "dist-tags": map[string]string{"latest": "1.0.0"}, "token": "made-by-" + fmt.Sprint(i),
			"tarballUrl": next + "/a.tgz", "checksum": "sha256:" + strings.Repeat("0", 64),
			"dist": map[string]any{"tarball": next + "/a.tgz", "shasum": strings.Repeat("0", 40)},
			"versions": map[string]any{"1.0.0": map[string]any{"name": "a", "version": "1.0.0",
				"dist": map[string]any{"tarball": next + "/a.tgz", "shasum": strings.Repeat("0", 40)}}},
		})
	}
}

// keyed is a source that has a secret for each of some registries, and counts on being asked for no
// other's URL than that which needs it.
type keyed map[string]string

func (k keyed) Find(_ context.Context, u *url.URL) (credential.Found, error) {
	if s := k[credential.Key(u)]; s != "" {
		return credential.Found{Secret: pantry.NewSecret(s), Source: "keyed"}, nil
	}
	return credential.Found{}, credential.ErrNone
}

// TestNoCredentialStrays: whatever the sources of credentials, the redirects and the addresses of
// tarballs, no server is sent a secret of another one's, and none is in an error, a decision or what
// observers are told.
func TestNoCredentialStrays(t *testing.T) {
	t.Parallel()
	m := newMaze(t, 4)
	sources := []string{"none", "bearer", "basic", "header", "npmrc", "helper", "login", "identity"}
	sent := map[string]int{} // how often each kind of credential reached its own server
	const enough = 60        // of the many rounds that other properties here need: these are over sockets
	rounds, strayed := 0, false
	published := publication("a")
	rapid.Check(t, func(rt *rapid.T) {
		if rounds++; rounds > enough && !strayed {
			return
		}
		secret := func(i int) string { return fmt.Sprintf("S3cret0f%dEnd", i) }
		id := func(i int) string { return idToken("pantry:" + strings.TrimPrefix(m.servers[i].URL, "http://")) }
		kind := make([]string, len(m.servers))
		steps := map[string]step{}
		draws := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{
				to:     rapid.IntRange(0, len(m.servers)-1).Draw(rt, "to"),
				status: rapid.SampledFrom([]int{0, 0, 0, 1, 301, 302, 303, 307, 308}).Draw(rt, "status"),
			}
		}), 16, 16).Draw(rt, "steps")
		m.mu.Lock() // after the draws, which may end the round
		m.heard = nil
		m.plan = func(i int, path string) step {
			key := fmt.Sprint(i, path)
			if _, ok := steps[key]; !ok {
				steps[key] = draws[len(steps)%len(draws)]
			}
			return steps[key]
		}
		m.mu.Unlock()

		logins := keyed{}
		var watched []string
		var watching sync.Mutex
		o := oneTry(&registry.Options{
			Credentials: []credential.Source{logins},
			Observe: func(e transport.Exchange) {
				watching.Lock()
				defer watching.Unlock()
				watched = append(watched, fmt.Sprintf("%+v", e))
			},
			Run: func(_ context.Context, input []byte, _ string, _ ...string) ([]byte, error) {
				for i, s := range m.servers {
					if strings.TrimSpace(string(input)) == s.URL {
						return json.Marshal(map[string]string{"ServerURL": s.URL, "Username": "<token>", "Secret": secret(i)})
					}
				}
				return []byte("credentials not found in native keychain"), io.EOF
			},
		})
		identity := rapid.IntRange(0, len(m.servers)-1).Draw(rt, "identity") // who the CI job's token is for
		o.Getenv = func(name string) (string, bool) { return id(identity), name == "PANTRY_ID_TOKEN" }
		manager := registry.NewManager(*o)
		for i, s := range m.servers {
			literal := registry.Value{Raw: pantry.NewSecret(secret(i)), Literal: true}
			c := registry.Config{Name: fmt.Sprint("r", i), Type: rapid.SampledFrom([]string{"npm", "custom"}).Draw(rt, "type"), URL: s.URL, NoLookup: "not of this kind"}
			kind[i] = rapid.SampledFrom(sources).Draw(rt, "source")
			switch kind[i] {
			case "bearer":
				c.Auth = &registry.Auth{Type: "bearer", Token: literal}
			case "basic":
				c.Auth = &registry.Auth{Type: "basic", Username: registry.Value{Raw: pantry.NewSecret("jo"), Literal: true}, Password: literal}
			case "header":
				c.Auth = &registry.Auth{Type: "custom", Name: "X-API-Key", Value: literal}
			case "npmrc": // which gives every registry the credentials of every place
				for j, other := range m.servers {
					c.Credentials = append(c.Credentials, registry.Credential{Scope: other.URL + "/", Auth: registry.Auth{
						Type: "bearer", Token: registry.Value{Raw: pantry.NewSecret(secret(j)), Literal: true}}})
				}
			case "helper":
				c.CredentialHelper, c.NoLookup = "pass", ""
			case "login":
				c.NoLookup = ""
				logins[s.URL] = secret(i)
			case "identity":
				c.Type, c.Auth = "custom", &registry.Auth{Type: "oidc"}
			}
			must(t, manager.Add(c))
		}
		var said []string
		for i := range m.servers {
			e, _ := manager.Get(fmt.Sprint("r", i))
			md, d, err := manager.Find(t.Context(), registry.Request{Name: "a", Registry: e.Name()})
			text, _ := json.Marshal(d)
			said = append(said, string(text), fmt.Sprint(err), pantry.Hint(err))
			if err == nil {
				if one, err := md.Metadata("1.0.0"); err == nil {
					one.Artifact.Name = "a"
					body, err := e.Open(t.Context(), one.Artifact)
					said = append(said, fmt.Sprint(err))
					if err == nil {
						_, _ = io.Copy(io.Discard, body)
						_ = body.Close()
					}
				}
			}
			if p, ok := pantry.As[pantry.Publisher](e); ok {
				said = append(said, fmt.Sprint(p.Publish(t.Context(), published)))
			}
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		for j := range m.servers {
			forms := []string{secret(j), transportBasic(secret(j)), fmt.Sprint("made-by-", j), id(j)[4:44]} // the whole of its audience, port included
			for _, form := range forms {
				for _, line := range m.heard {
					own := strings.HasPrefix(line, fmt.Sprint(j, " "))
					if !strings.Contains(line, form) {
						continue
					}
					if !own {
						strayed = true
						rt.Fatalf("the credential of server %d (%s) went astray: %s", j, kind[j], line)
					}
					sent[kind[j]]++
				}
				watching.Lock()
				for _, line := range append(said, watched...) {
					if strings.Contains(line, form) {
						strayed = true
						rt.Fatalf("the credential of server %d (%s) is told: %s", j, kind[j], line)
					}
				}
				watching.Unlock()
			}
		}
	})
	for _, s := range sources[1:] {
		if sent[s] == 0 {
			t.Errorf("no credential of the kind %s was sent at all", s)
		}
	}
}

// transportBasic is what a name and a password look like on the wire.
func transportBasic(password string) string {
	return strings.TrimPrefix(transport.Basic("jo", pantry.NewSecret(password), "").Value.Reveal(), "Basic ")
}

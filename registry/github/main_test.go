package github_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	token       = "ghp_t0kenOfTheTest"
	tokenSource = "the configuration of the test"
)

var linux = pantry.Platform{OS: "linux", Arch: "amd64", Libc: "glibc"}

// connect returns a client called "gh" of s, without a token and for linux, which does not retry.
func connect(t *testing.T, s *githubtest.Server, change ...func(*github.Options, *transport.Options)) *github.Registry {
	t.Helper()
	o := github.Options{Name: "gh", Platform: linux}
	to := transport.Options{Registry: "gh", URL: s.URL, Retries: new(int), Env: func(string) string { return "" }}
	for _, f := range change {
		f(&o, &to)
	}
	c, err := transport.New(to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	o.Client = c
	r, err := github.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// withToken gives the client a token that may see everything.
func withToken(_ *github.Options, o *transport.Options) {
	o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret(token), tokenSource)}
}

func unverified(o *github.Options, _ *transport.Options) { o.AllowMissingChecksum = true }

// start serves repos on three origins, and knows the token.
func start(t *testing.T, repos ...githubtest.Repo) *githubtest.Server {
	t.Helper()
	s := githubtest.Start(t, githubtest.Options{Anonymous: 1 << 16}, repos...)
	s.AddToken(token, githubtest.Token{Login: "test", Private: true, Packages: true})
	return s
}

// tool is a repository called acme/tool with one asset for linux in each release.
func tool(tags ...string) githubtest.Repo {
	r := githubtest.Repo{Name: "acme/tool", Description: "a tool"}
	for _, tag := range tags {
		r.Releases = append(r.Releases, release1(tag))
	}
	return r
}

func release1(tag string) githubtest.Release {
	return githubtest.Release{Tag: tag, Assets: []githubtest.Asset{{Name: "tool-linux-amd64", Data: []byte("tool of " + tag)}}}
}

// asked are the requests to the API so far, as paths with their status where that is not 200.
func asked(s *githubtest.Server) []string {
	var all []string
	for _, r := range s.Requests() {
		p := r.Path
		if r.At != "api" {
			p = r.At + ":" + p
		}
		if r.Status != http.StatusOK {
			p += fmt.Sprint(" ", r.Status)
		}
		all = append(all, p)
	}
	return all
}

func paths(s *githubtest.Server) string { return strings.Join(asked(s), "\n") }

// read opens a and reads it to its end, checked against its integrity.
func read(ctx context.Context, r pantry.Registry, a pantry.Artifact) (string, error) {
	body, err := r.Open(ctx, a)
	if err != nil {
		return "", err
	}
	defer body.Close()
	data, err := io.ReadAll(integrity.NewReader(body, a.Integrity))
	return string(data), err
}

// clock is a time that only sleeping moves.
type clock struct {
	now   time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.slept = append(c.slept, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

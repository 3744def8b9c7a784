package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/transport"
)

// A token of the environment goes to GitHub itself, and not to a GitHub that a project names.
func TestTokenOfTheEnvironment(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) { return "s3cret", name == "GH_TOKEN" }
	var seen []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte("{}"))
	}))
	defer srv.Close()
	for _, tt := range []struct{ name, url, want string }{
		{"the well-known URL", "", "the variable GH_TOKEN"},
		{"another", srv.URL, ""},
	} {
		var credentials []transport.Credential
		m := registry.NewManager(registry.Options{Getenv: env, Transport: func(_ registry.Config, o *transport.Options) { credentials = o.Credentials }})
		must(t, m.Add(registry.Config{Name: "github", Type: "github", URL: tt.url}))
		e, _ := m.Get("github")
		must(t, e.Err())
		got := ""
		for _, c := range credentials {
			got = c.Source
		}
		if got != tt.want {
			t.Errorf("%s: credential of %q, want %q", tt.name, got, tt.want)
		}
		if tt.url == "" {
			continue
		}
		if p, ok := pantry.As[pantry.Pinger](e); ok {
			_ = p.Ping(t.Context())
		}
		for _, header := range seen {
			if header != "" {
				t.Errorf("%s: sent %q", tt.name, header)
			}
		}
		if len(seen) == 0 {
			t.Error("nothing was sent")
		}
	}
}

// Without a variable the command is asked, for GitHub itself only.
func TestTokenOfACommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, printed, want string }{
		{"", "s3cret\n", "gh auth token"},
		{"", "", ""},
		{"", "two words\n", ""},
		{"https://github.example.com", "s3cret\n", ""},
	} {
		var credentials []transport.Credential
		m := registry.NewManager(registry.Options{
			Getenv:    noEnv,
			Run:       func(context.Context, []byte, string, ...string) ([]byte, error) { return []byte(tt.printed), nil },
			Transport: func(_ registry.Config, o *transport.Options) { credentials = o.Credentials },
		})
		must(t, m.Add(registry.Config{Name: "github", Type: "github", URL: tt.url}))
		e, _ := m.Get("github")
		must(t, e.Err())
		got := ""
		for _, c := range credentials {
			got = c.Source
		}
		if got != tt.want {
			t.Errorf("%q at %q: credential of %q, want %q", tt.printed, tt.url, got, tt.want)
		}
	}
}

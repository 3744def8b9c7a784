package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

func TestErrorHeader(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-of-the-test"
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "0")
		w.Header().Set("Retry-After", "99999")
		w.Header().Set("X-GitHub-SSO", "required; url=https://example.com/"+secret)
		w.Header().Set("Set-Cookie", "a=b")
		w.WriteHeader(http.StatusForbidden)
	})
	c := newClient(t, transport.Options{URL: s.URL, Retries: ptr(0), Credentials: []transport.Credential{
		transport.Bearer(pantry.NewSecret(secret), "the test"),
	}})
	_, err := get(t, c, s.URL)
	var e *transport.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"x-ratelimit-remaining": "0", "Retry-After": "99999", "X-RateLimit-Reset": "", "Set-Cookie": "", "Content-Type": "",
		"X-GitHub-SSO": "required; url=https://example.com/[redacted]",
	} {
		if got := e.Header(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if strings.Contains(fmt.Sprintf("%#v", *e), secret) {
		t.Error("the credential is in the error")
	}
	if got := new(transport.Error).Header("Retry-After"); got != "" {
		t.Errorf("of an error without an answer: %q", got)
	}
}

func TestCredentialFor(t *testing.T) {
	t.Parallel()
	scope, _ := url.Parse("https://registry.example.com/a")
	cred := transport.Bearer(pantry.NewSecret("x"), "the test")
	cred.Scope = scope
	c := newClient(t, transport.Options{URL: "https://registry.example.com", Credentials: []transport.Credential{cred}})
	for u, want := range map[string]bool{
		"https://registry.example.com/a/b": true, "https://registry.example.com/b": false,
		"https://registry.example.com:444/a": false, "https://cdn.example.com/a": false, "http://[::1": false, "": false,
	} {
		source, ok := c.CredentialFor(u)
		if ok != want || (source == "the test") != want {
			t.Errorf("%s: %q, %t", u, source, ok)
		}
	}
}

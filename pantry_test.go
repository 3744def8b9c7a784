package pantry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
)

// A secret shows in no way of printing or encoding, alone or within something else.
func TestSecret(t *testing.T) {
	t.Parallel()
	const value = "npm_abcdefgh"
	s := pantry.NewSecret(value)
	type holder struct {
		Token pantry.Secret
		inner pantry.Secret
	}
	h := holder{s, s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10s"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", s, h, &h)
	}
	fmt.Fprintln(&out, s, []pantry.Secret{s}, map[string]pantry.Secret{"k": s}, errors.New(s.String()))
	data, err := json.Marshal(map[string]any{"a": s, "b": h, "c": &s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(data)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "token", s, "holder", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "token", s)
	for _, form := range []string{value, fmt.Sprintf("%x", value)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows in\n%s", out.String())
		}
	}
	if s.Reveal() != value || s.IsZero() || !(pantry.Secret{}).IsZero() || (pantry.Secret{}).String() != "" {
		t.Error("the value is not kept, or the zero secret is not empty")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	if !errors.Is(pantry.ErrVersionNotFound, pantry.ErrNotFound) || errors.Is(pantry.ErrNotFound, pantry.ErrVersionNotFound) {
		t.Error("a missing version is a thing not found, and not the other way round")
	}
	ref := pantry.Ref{Registry: "acme", Name: "@acme/ui", Version: "1.0.0"}
	err := error(&pantry.Error{Op: "download", Ref: ref, Err: pantry.ErrIntegrity})
	if got, want := err.Error(), `download @acme/ui@1.0.0 at registry "acme": integrity check failed`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if ref.String() != "acme:@acme/ui@1.0.0" || (pantry.Ref{Name: "a"}).String() != "a" {
		t.Errorf("got %s", ref)
	}
	hinted := fmt.Errorf("install: %w", pantry.WithHint(err, "ask %s", "acme"))
	var e *pantry.Error
	if !errors.Is(hinted, pantry.ErrIntegrity) || !errors.As(hinted, &e) || pantry.Hint(hinted) != "ask acme" || strings.Contains(hinted.Error(), "ask") {
		t.Errorf("got %v, hint %q", hinted, pantry.Hint(hinted))
	}
	if pantry.Hint(err) != "" || pantry.Hint(nil) != "" || pantry.WithHint(nil, "x") != nil {
		t.Error("a hint out of nothing")
	}
	if _, ok := pantry.CredentialSent(hinted); ok {
		t.Error("a credential out of nothing")
	}
	if source, ok := pantry.CredentialSent(fmt.Errorf("x: %w", denied("pantry.json:3"))); !ok || source != "pantry.json:3" {
		t.Errorf("got %q, %t", source, ok)
	}
}

type denied string

func (d denied) Error() string            { return "denied" }
func (d denied) CredentialSource() string { return string(d) }

type bare struct{}

func (bare) Metadata(context.Context, string, string) (*pantry.Metadata, error) {
	return nil, pantry.ErrNotFound
}
func (bare) Package(context.Context, string) (pantry.Package, error) { return nil, pantry.ErrNotFound }
func (bare) Open(context.Context, pantry.Artifact) (io.ReadCloser, error) {
	return nil, pantry.ErrNotFound
}

type pinging struct{ bare }

func (pinging) Ping(context.Context) error { return nil }

type wrapped struct {
	bare
	inner pantry.Registry
}

func (w wrapped) Unwrap() pantry.Registry { return w.inner }

func TestAs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		r    pantry.Registry
		want bool
	}{
		"itself":         {pinging{}, true},
		"within":         {wrapped{inner: wrapped{inner: pinging{}}}, true},
		"not there":      {wrapped{inner: bare{}}, false},
		"nothing":        {nil, false},
		"around nothing": {wrapped{}, false},
		"no wrapping":    {bare{}, false},
	} {
		if _, ok := pantry.As[pantry.Pinger](tt.r); ok != tt.want {
			t.Errorf("%s: got %t", name, ok)
		}
	}
}

func TestPlatform(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]pantry.Platform{
		"linux/amd64/musl": {OS: "linux", Arch: "amd64", Libc: "musl"},
		"darwin/arm64":     {OS: "darwin", Arch: "arm64"},
	} {
		if p.String() != want {
			t.Errorf("got %s, want %s", p, want)
		}
	}
}

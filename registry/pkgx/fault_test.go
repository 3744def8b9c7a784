package pkgx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

const token, tokenSource = "s3cr3t-t0ken-of-the-test", "the configuration of the test"

func withToken(_ *pkgx.Options, o *transport.Options) {
	o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret(token), tokenSource)}
}

// reads are the ways to ask about hello.example.
var reads = map[string]func(context.Context, *pkgx.Registry) error{
	"version": func(ctx context.Context, r *pkgx.Registry) error {
		_, err := r.Metadata(ctx, "hello.example", "1.0.0")
		return err
	},
	"latest": func(ctx context.Context, r *pkgx.Registry) error { _, err := r.Metadata(ctx, "hello", ""); return err },
	"package": func(ctx context.Context, r *pkgx.Registry) error {
		_, err := r.Package(ctx, "hello.example")
		return err
	},
	"resolve": func(ctx context.Context, r *pkgx.Registry) error {
		_, err := r.Resolve(ctx, map[string]string{"hello.example": "1"})
		return err
	},
}

func wantOnly(t *testing.T, what string, err, want error) {
	t.Helper()
	for _, s := range []error{
		pantry.ErrNotFound, pantry.ErrVersionNotFound, pantry.ErrDenied, pantry.ErrUnavailable, pantry.ErrInvalid,
		pantry.ErrUnsupported, pantry.ErrIntegrity, pantry.ErrPolicy, pantry.ErrConfig,
	} {
		should := s == want || want == pantry.ErrVersionNotFound && s == pantry.ErrNotFound
		if errors.Is(err, s) != should {
			t.Errorf("%s: %v; want it to match %q alone", what, err, want)
		}
	}
}

// part is one of the files that a question needs, and the questions that need it.
type part struct{ path, questions string }

func parts() []part {
	return []part{
		{"/pantry.*", "version latest package resolve"},
		{"/hello.example/linux/x86-64/versions.txt", "version latest package resolve"},
		{"/hello.example/linux/x86-64/*.sha256sum", "version latest"},
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	anonymous, _ := connect(t, s, alone)
	known := clientOf(t, s, withToken)
	for _, p := range parts() {
		for _, c := range []struct {
			status int
			want   error
		}{
			{401, pantry.ErrDenied}, {403, pantry.ErrDenied}, {404, pantry.ErrNotFound}, {410, pantry.ErrNotFound},
			{429, pantry.ErrUnavailable}, {500, pantry.ErrUnavailable}, {503, pantry.ErrUnavailable},
			{418, pantry.ErrInvalid}, {204, pantry.ErrInvalid}, {206, pantry.ErrInvalid}, {304, pantry.ErrInvalid},
		} {
			want := c.want
			if missing := c.status == 403 || c.status == 404 || c.status == 410; missing && p.path != "/pantry.*" {
				want = pantry.ErrVersionNotFound // the recipes know the project
				if strings.HasSuffix(p.path, "sum") {
					want = pantry.ErrPolicy
				}
			}
			for name, read := range reads {
				if !strings.Contains(p.questions, name) {
					continue
				}
				for _, r := range []*pkgx.Registry{anonymous, known} {
					s.Set(registrytest.Rule{Path: p.path, Fault: registrytest.Status(c.status)})
					err := read(t.Context(), pkgx.Fresh(r))
					wantOnly(t, fmt.Sprintf("%d for %s of %s", c.status, p.path, name), err, want)
					source, sent := pantry.CredentialSent(err)
					if want == pantry.ErrDenied && sent != (r == known) || sent && source != tokenSource {
						t.Errorf("%d for %s: credential %q, %t", c.status, p.path, source, sent)
					}
				}
			}
		}
	}
}

// clientOf is another client of s.
func clientOf(t *testing.T, s *registrytest.Scripted, change ...func(*pkgx.Options, *transport.Options)) *pkgx.Registry {
	t.Helper()
	r, _ := connect(t, http.HandlerFunc(s.ServeHTTP), append(change, alone)...)
	return r
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s, alone)
	echo := "\x1b[31mred\x07 \x00\u202e"
	for name, f := range map[string]struct {
		fault registrytest.Fault
		want  error
	}{
		"HTML": {registrytest.HTML(), pantry.ErrInvalid}, "garbage": {registrytest.Garbage(), pantry.ErrInvalid},
		"controls": {registrytest.Body(200, "text/plain", echo), pantry.ErrInvalid}, "JSON": {registrytest.JSON("{}"), pantry.ErrInvalid},
		"nested": {registrytest.Nested(10_000), pantry.ErrInvalid}, "broken": {registrytest.Abort(), pantry.ErrUnavailable},
		"cut short": {registrytest.CutShort(3), pantry.ErrUnavailable},
	} {
		for _, p := range parts() {
			want := f.want
			if strings.HasSuffix(p.path, "sum") && want == pantry.ErrInvalid {
				want = pantry.ErrPolicy
			}
			for question, read := range reads {
				if !strings.Contains(p.questions, question) {
					continue
				}
				s.Set(registrytest.Rule{Path: p.path, Fault: f.fault})
				err := read(t.Context(), pkgx.Fresh(r))
				what := name + " for " + p.path + " of " + question
				wantOnly(t, what, err, want)
				if err == nil {
					continue
				}
				text := err.Error()
				if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' }) || len(text) > 2000 {
					t.Errorf("%s: a message that is not fit to be shown: %q", what, text)
				}
				if !strings.Contains(text, "tools") || !strings.Contains(text, "hello") && question != "resolve" {
					t.Errorf("%s: %q does not name package and registry", what, text)
				}
			}
		}
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s, alone, func(_ *pkgx.Options, o *transport.Options) {
		o.Timeout, o.IdleBody = 50*time.Millisecond, 50*time.Millisecond
	})
	patient := clientOf(t, s)
	for _, p := range parts() {
		for question, read := range reads {
			if !strings.Contains(p.questions, question) {
				continue
			}
			s.Set(registrytest.Rule{Path: p.path, Fault: registrytest.Hang()})
			wantOnly(t, "no answer for "+p.path+" of "+question, read(t.Context(), pkgx.Fresh(r)), pantry.ErrUnavailable)

			ctx, cancel := context.WithCancel(t.Context())
			s.Set(registrytest.Rule{Path: p.path, Fault: registrytest.Answer(func(_ http.ResponseWriter, r *http.Request) {
				cancel() // the user gives up while the server thinks
				<-r.Context().Done()
			})})
			err := read(ctx, pkgx.Fresh(patient))
			wantOnly(t, "given up at "+p.path+" of "+question, err, context.Canceled)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("given up at %s of %s: %v", p.path, question, err)
			}
			cancel()
		}
	}
}

// TestRedirect: files may come from another origin, but no credential goes there.
func TestRedirect(t *testing.T) {
	t.Parallel()
	s, elsewhere := registrytest.NewScripted(samples()), registrytest.NewScripted(samples())
	srv := httptest.NewServer(elsewhere)
	t.Cleanup(srv.Close)
	r, _ := connect(t, s, alone, withToken)
	s.Set(registrytest.Rule{Fault: registrytest.Redirect(302, srv.URL)})
	m, err := r.Metadata(t.Context(), "hello", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Open(t.Context(), m.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	_ = body.Close()
	if elsewhere.Count() < 4 {
		t.Errorf("%d requests elsewhere", elsewhere.Count())
	}
	for _, q := range elsewhere.Requests() {
		if strings.Contains(fmt.Sprint(q.Header), token) {
			t.Errorf("%s: the credential went to another origin", q.Path)
		}
	}
	for _, q := range s.Requests() {
		if q.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s: no credential at the registry itself", q.Path)
		}
	}
}

// TestEndless: an answer without an end is not read to it.
func TestEndless(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s, alone)
	r.Limit(1<<20, 1<<20, 1<<16, 100, 1<<16, 1<<10)
	const most = 1 << 30
	for _, p := range parts() {
		for _, zipped := range []bool{false, true} {
			sent := make(chan int64, 8)
			s.Set(registrytest.Rule{Path: p.path, Fault: registrytest.Endless(most, zipped, func(n int64) { sent <- n })})
			_, err := pkgx.Fresh(r).Metadata(t.Context(), "hello.example", "1.0.0")
			wantOnly(t, fmt.Sprintf("endless %s (zipped %t)", p.path, zipped), err, pantry.ErrInvalid)
			if n := <-sent; n == most && !zipped {
				t.Errorf("%s: all of it was read", p.path)
			}
		}
	}
}

package npm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// TestOTP: a refusal that wants a one-time password is told from others, and the password goes along when
// it is there.
func TestOTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header, body string
		wanted, page bool
	}{
		"header":         {"OTP", `{}`, true, false},
		"among others":   {"Basic, otp", ``, true, false},
		"words":          {"", `You must provide a one-time pass.`, true, false},
		"bearer":         {"Bearer", `{"error":"you must provide a one-time pass"}`, false, false},
		"address":        {"ipaddress", `{}`, false, false},
		"nothing":        {"", `{}`, false, false},
		"page":           {"OTP", `{"authUrl":"https://www.example.com/auth","doneUrl":"BASE/done"}`, true, true},
		"page elsewhere": {"OTP", `{"authUrl":"https://www.example.com/auth","doneUrl":"http://127.0.0.1:1/done"}`, true, false},
		"no page":        {"OTP", `{"authUrl":"javascript:alert(1)","doneUrl":"BASE/done"}`, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			polls := 0
			r, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				switch {
				case req.URL.Path == "/done":
					if polls++; polls < 2 {
						w.Header().Set("Retry-After", "0")
						w.WriteHeader(http.StatusAccepted)
						_, _ = io.WriteString(w, `{}`)
						return
					}
					_, _ = io.WriteString(w, `{"token":"from the page"}`)
				case req.Header.Get("Npm-Otp") == "123456" || req.Header.Get("Npm-Otp") == "from the page":
					_, _ = io.WriteString(w, `{"ok":true}`)
				case c.header != "":
					w.Header().Set("WWW-Authenticate", c.header)
					fallthrough
				default:
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = fmt.Fprint(w, strings.ReplaceAll(c.body, "BASE", strings.TrimSuffix(baseURL, "/npm")))
				}
			}))
			p := publication(registrytest.Pkg{Name: "pad", Version: "1.0.0"}, "")
			err := r.Publish(t.Context(), p)
			var otp *pantry.OTPError
			if !errors.Is(err, pantry.ErrDenied) || errors.As(err, &otp) != c.wanted {
				t.Fatalf("got %v", err)
			}
			if !c.wanted {
				return
			}
			if (otp.AuthURL != "") != c.page || (otp.Wait != nil) != c.page || !strings.Contains(pantry.Hint(err), "--otp") {
				t.Errorf("page %q", otp.AuthURL)
			}
			code := pantry.NewSecret("123456")
			if c.page {
				if code, err = otp.Wait(t.Context()); err != nil || polls != 2 {
					t.Fatalf("after %d questions: %v", polls, err)
				}
			}
			ctx := pantry.WithOTP(t.Context(), code)
			if err := r.Publish(ctx, p); err != nil {
				t.Error(err)
			}
			if err := r.SetTag(ctx, "pad", "next", "1.0.0"); err != nil {
				t.Error(err)
			}
			if c.page {
				polls = -1_000_000
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := otp.Wait(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled: %v", err)
				}
			}
		})
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, access, want string }{
		{"@s/pad", "restricted", `"access":"restricted"`},
		{"@s/pad", "public", `"access":"public"`},
		{"pad", "public", `"access":"public"`},
		{"pad", "restricted", ""},
		{"@s/pad", "secret", ""},
	} {
		sent := ""
		r, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			sent = string(body)
			_, _ = io.WriteString(w, `{"ok":true}`)
		}))
		p := publication(registrytest.Pkg{Name: c.name, Version: "1.0.0"}, "")
		p.Access = c.access
		err := r.Publish(t.Context(), p)
		if c.want == "" && (!errors.Is(err, pantry.ErrConfig) || sent != "") || c.want != "" && (err != nil || !strings.Contains(sent, c.want)) {
			t.Errorf("%s %s: %v, sent %.300s", c.name, c.access, err, sent)
		}
	}
}

// TestReadme: what registries show of a package is sent along.
func TestReadme(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"markdown first": {map[string]string{"README": "a", "Readme.md": "b\xff", "readme.txt": "c", "docs/readme.md": "d"}, `"readme":"b","readmeFilename":"Readme.md"`},
		"plain":          {map[string]string{"README": "a"}, `"readme":"a","readmeFilename":"README"`},
		"large":          {map[string]string{"README": strings.Repeat("x", 70_000)}, `"readme":"` + strings.Repeat("x", 64<<10) + `"`},
		"elsewhere":      {map[string]string{"docs/README.md": "a"}, ""},
	} {
		sent := ""
		r, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			body, _ := io.ReadAll(req.Body)
			sent = string(body)
			_, _ = io.WriteString(w, `{"ok":true}`)
		}))
		if err := r.Publish(t.Context(), publication(registrytest.Pkg{Name: "pad", Version: "1.0.0", Files: c.files}, "")); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sent, c.want) || c.want == "" && strings.Contains(sent, `"readme"`) {
			t.Errorf("%s: sent %.500s", name, sent)
		}
	}
}

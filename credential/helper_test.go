package credential_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
)

func TestHelper(t *testing.T) {
	t.Parallel()
	failed := errors.New("exit status 1")
	for name, tt := range map[string]struct {
		printed string
		err     error
		want    string // "user:secret"
		none    bool
		says    string
	}{
		"name and password":   {printed: `{"ServerURL":"https://r.example:8443/npm","Username":"jo","Secret":"s3cret"}`, want: "jo:s3cret"},
		"token":               {printed: `{"ServerURL":"r.example:8443","Username":"<token>","Secret":"s3cret"}`, want: ":s3cret"},
		"no server":           {printed: `{"Username":"","Secret":"s3cret"}`, want: ":s3cret"},
		"host alone":          {printed: `{"ServerURL":"R.example/v1","Username":"jo","Secret":"s3cret"}`, want: "jo:s3cret"},
		"nothing":             {printed: "credentials not found in native keychain\n", err: failed, none: true},
		"an empty secret":     {printed: `{"Username":"jo","Secret":""}`, none: true},
		"another server":      {printed: `{"ServerURL":"https://evil.example","Username":"jo","Secret":"s3cret"}`, says: "answered for another server"},
		"another port":        {printed: `{"ServerURL":"https://r.example","Username":"jo","Secret":"s3cret"}`, says: "answered for another server"},
		"another scheme":      {printed: `{"ServerURL":"http://r.example:8443","Username":"jo","Secret":"s3cret"}`, says: "answered for another server"},
		"not there":           {err: &exec.Error{Name: "x", Err: exec.ErrNotFound}, says: "docker-credential-pass is not on PATH"},
		"a failure":           {printed: "s3cret: no such thing", err: failed, says: "docker-credential-pass failed"},
		"no JSON":             {printed: "s3cret", says: "printed no JSON object"},
		"a token with a line": {printed: `{"Username":"<token>","Secret":"s3cret\nX: y"}`, says: "can't be sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked string
			h, err := credential.NewHelper("pass", func(_ context.Context, input []byte, program string, args ...string) ([]byte, error) {
				asked = program + " " + strings.Join(args, " ") + " < " + string(input)
				return []byte(tt.printed), tt.err
			})
			if err != nil {
				t.Fatal(err)
			}
			f, err := h.Find(t.Context(), parse(t, "https://r.example:8443/npm/"))
			if asked != "docker-credential-pass get < https://r.example:8443/npm\n" {
				t.Errorf("ran %q", asked)
			}
			switch {
			case tt.want != "":
				if err != nil || f.Username+":"+f.Secret.Reveal() != tt.want || f.Source != "credential helper docker-credential-pass" {
					t.Errorf("got %+v, %v, want %s", f, err, tt.want)
				}
			case errors.Is(err, credential.ErrNone) != tt.none, !tt.none && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("got %v, want %q", err, tt.says)
			case strings.Contains(err.Error(), "s3cret"):
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
	for _, name := range []string{"", "a/b", "../x", `a\b`, "a b", "docker-credential-pass", strings.Repeat("a", 65), "a;b"} {
		if _, err := credential.NewHelper(name, nil); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

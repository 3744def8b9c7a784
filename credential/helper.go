package credential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"

	"github.com/pantry-go/pantry"
)

// helperPrefix begins the names of credential helper programs.
const helperPrefix = "docker-credential-"

// helperNone is what a helper prints, by its protocol, when it has nothing.
const helperNone = "credentials not found in native keychain"

// helperToken is the user name, by the same protocol, that says that the secret is a token.
const helperToken = "<token>"

// maxHelperName bounds the name of a helper.
const maxHelperName = 64

// Helper is a credential helper program: docker's protocol, in which "docker-credential-NAME get" reads
// the URL of a server from its input and prints {"ServerURL", "Username", "Secret"}.
type Helper struct {
	name string
	run  Runner
}

// NewHelper returns the helper docker-credential-NAME, which run finds on PATH. A name that could lead
// elsewhere is an error that matches [pantry.ErrConfig].
func NewHelper(name string, run Runner) (*Helper, error) {
	if err := CheckHelperName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	return &Helper{name: name, run: run}, nil
}

// CheckHelperName says what is wrong with the name of a helper.
func CheckHelperName(name string) error {
	switch {
	case name == "":
		return errors.New("a credential helper needs a name")
	case strings.HasPrefix(name, helperPrefix):
		return fmt.Errorf("the name of a credential helper is what follows %s", helperPrefix)
	case len(name) > maxHelperName:
		return fmt.Errorf("the name of a credential helper has at most %d characters", maxHelperName)
	case strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	}):
		return errors.New("the name of a credential helper is letters, digits, '.', '_' and '-'")
	}
	return nil
}

// Program is the name of the program.
func (h *Helper) Program() string { return helperPrefix + h.name }

// Find runs the program. It is told the registry's URL without a trailing slash. What it prints in
// case of a failure is not repeated, since it may be anything.
func (h *Helper) Find(ctx context.Context, u *url.URL) (Found, error) {
	out, err := h.run(ctx, []byte(Key(u)+"\n"), h.Program(), "get")
	switch {
	case string(bytes.TrimSpace(out)) == helperNone:
		return Found{}, ErrNone
	case errors.Is(err, exec.ErrNotFound):
		return Found{}, fmt.Errorf("the credential helper %s is not on PATH", h.Program())
	case ctx.Err() != nil:
		return Found{}, fmt.Errorf("the credential helper %s gave no answer in time", h.Program())
	case err != nil:
		return Found{}, fmt.Errorf("the credential helper %s failed", h.Program())
	}
	var answer struct{ ServerURL, Username, Secret string }
	if json.Unmarshal(out, &answer) != nil {
		return Found{}, fmt.Errorf("the credential helper %s printed no JSON object of its protocol", h.Program())
	}
	if answer.Secret == "" {
		return Found{}, ErrNone
	}
	if s := answer.ServerURL; s != "" && !sameHost(s, u) {
		return Found{}, fmt.Errorf("the credential helper %s answered for another server", h.Program())
	}
	f := Found{Username: answer.Username, Secret: pantry.NewSecret(answer.Secret), Source: "credential helper " + h.Program()}
	if f.Username == helperToken {
		f.Username = ""
	}
	if f.Username == "" && !isToken(answer.Secret) {
		return Found{}, fmt.Errorf("the credential helper %s printed a token that can't be sent", h.Program())
	}
	return f, nil
}

// sameHost says whether the server that a helper names is that of u. Helpers name it as it was stored,
// which may be the host alone.
func sameHost(server string, u *url.URL) bool {
	if !strings.Contains(server, "://") {
		host, _, _ := strings.Cut(server, "/")
		return strings.EqualFold(host, u.Host) || strings.EqualFold(host, u.Hostname())
	}
	s, err := url.Parse(server)
	return err == nil && origin(s) == origin(u)
}

// origin is scheme, host and port in one spelling.
func origin(u *url.URL) string { return Key(&url.URL{Scheme: u.Scheme, Host: u.Host}) }

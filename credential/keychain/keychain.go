// Package keychain is the operating system's keychain: Keychain on macOS, the Credential Manager on
// Windows, and the Secret Service (GNOME Keyring, KWallet, KeePassXC) elsewhere. It is apart from
// package credential because of what it needs; nothing happens until it is asked.
package keychain

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/zalando/go-keyring"

	"github.com/pantry-go/pantry/credential"
)

// service is the name under which entries are kept, beside that of the registry. user is the same for
// all: a registry has one login.
const (
	service = "pantry:"
	user    = "token"
)

// Keychain is the keychain of the user who runs the program.
type Keychain struct{}

// Get returns the secret that is kept under a name.
func (Keychain) Get(name string) (string, error) {
	secret, err := keyring.Get(service+name, user)
	return secret, convert(err)
}

// Set keeps a secret under a name.
func (Keychain) Set(name, secret string) error {
	return convert(keyring.Set(service+name, user, secret))
}

// Delete forgets a secret.
func (Keychain) Delete(name string) error {
	err := convert(keyring.Delete(service+name, user))
	if errors.Is(err, credential.ErrNone) {
		return nil
	}
	return err
}

// convert gives the library's errors their meaning. What else goes wrong is that there is no service
// to talk to, or that it does not talk to us.
func convert(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return credential.ErrNone
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return errors.New("the token is too long for the keychain")
	}
	what := "the keychain"
	if runtime.GOOS != "darwin" && runtime.GOOS != "windows" {
		what = "the Secret Service (D-Bus)"
	}
	return fmt.Errorf("%w: %s: %w", credential.ErrNoKeychain, what, err)
}

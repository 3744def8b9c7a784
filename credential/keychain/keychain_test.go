package keychain_test

import (
	"errors"
	"testing"

	"github.com/zalando/go-keyring"

	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/credential/keychain"
)

// TestKeychain runs over the library's keychain in memory: one of a person is none of a test's. The two
// share one state, so that neither is parallel.
func TestKeychain(t *testing.T) {
	keyring.MockInit()
	var v credential.Vault = keychain.Keychain{}
	if _, err := v.Get("https://r.example"); !errors.Is(err, credential.ErrNone) {
		t.Errorf("nothing: got %v", err)
	}
	if err := v.Delete("https://r.example"); err != nil {
		t.Errorf("nothing to delete: got %v", err)
	}
	for _, secret := range []string{"first", "second"} {
		if err := v.Set("https://r.example", secret); err != nil {
			t.Fatal(err)
		}
		if got, err := v.Get("https://r.example"); got != secret || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := v.Get("https://r.example/npm"); !errors.Is(err, credential.ErrNone) {
		t.Errorf("another URL: got %v", err)
	}
	if err := v.Delete("https://r.example"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Get("https://r.example"); !errors.Is(err, credential.ErrNone) {
		t.Errorf("deleted: got %v", err)
	}
}

func TestNoKeychain(t *testing.T) {
	broken := errors.New("nobody answers")
	keyring.MockInitWithError(broken)
	v := keychain.Keychain{}
	_, err := v.Get("https://r.example")
	for _, err := range []error{err, v.Set("https://r.example", "x"), v.Delete("https://r.example")} {
		if !errors.Is(err, credential.ErrNoKeychain) || !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
}

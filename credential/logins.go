package credential

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/wholefile"
)

// Vault keeps secrets by a name: the operating system's keychain. Its methods may take as long as they
// like; [Logins] does not wait for them longer than [LookupTime].
type Vault interface {
	// Get returns a secret, or an error that matches [ErrNone].
	Get(name string) (string, error)
	Set(name, secret string) error
	// Delete removes a secret; that there is none is no error.
	Delete(name string) error
}

// Storage is where the token of a login is kept.
type Storage string

// The places.
const (
	InKeychain Storage = "keychain"
	InFile     Storage = "file" // of mode 0600, unencrypted: only where the user asks for it
)

// Login is what is remembered of a login beside its token.
type Login struct {
	URL      string  `json:"url"` // see [Key]
	Username string  `json:"username,omitempty"`
	Storage  Storage `json:"storage"`
	// Made says that the registry made the token for this login, so that the logout takes it back.
	Made bool `json:"made,omitempty"`
}

// ErrNoKeychain: this machine has no keychain that answers.
var ErrNoKeychain = errors.New("no keychain is available")

// Names of files in the folder of [Logins].
const (
	loginsFile = "logins.json" // who is logged in where: no secrets
	tokensFile = "tokens.json" // tokens, where the user wants them in a file
	lockFile   = "logins.lock" // held while either is changed
	maxLogins  = 1 << 20       // bytes of either file
	lockTime   = 10 * time.Second
)

// Logins are the tokens that `pantry registry login` stored. The keychain is asked only for registries
// that loginsFile names, so that who never logged in never waits for one. As a [Source] it is safe for
// concurrent use, by several processes too.
type Logins struct {
	dir   string
	vault Vault
}

// NewLogins keeps its files in dir, which need not be there. vault is the keychain; nil means that there
// is none.
func NewLogins(dir string, vault Vault) *Logins { return &Logins{dir: dir, vault: vault} }

// document is loginsFile.
type document struct {
	Version int     `json:"version"` // 1
	Logins  []Login `json:"logins"`
}

// List returns the logins, by URL.
func (l *Logins) List() ([]Login, error) {
	var d document
	if err := l.load(loginsFile, &d); err != nil {
		return nil, err
	}
	if d.Version > 1 {
		return nil, fmt.Errorf("%s was written by a newer version of pantry", l.path(loginsFile))
	}
	slices.SortFunc(d.Logins, func(a, b Login) int { return cmp.Compare(a.URL, b.URL) })
	return d.Logins, nil
}

// Get returns the login for a registry, or an error that matches [ErrNone].
func (l *Logins) Get(u *url.URL) (Login, error) {
	all, err := l.List()
	if err != nil {
		return Login{}, err
	}
	for _, login := range all {
		if login.URL == Key(u) {
			return login, nil
		}
	}
	return Login{}, ErrNone
}

// Find returns the token for the registry at u.
func (l *Logins) Find(ctx context.Context, u *url.URL) (Found, error) {
	login, err := l.Get(u)
	if err != nil {
		return Found{}, err
	}
	f := Found{}
	var token string
	switch login.Storage {
	case InKeychain:
		f.Source = "keychain (pantry registry login)"
		err = l.bounded(ctx, func() (err error) { token, err = l.vault.Get(login.URL); return err })
	case InFile:
		f.Source = "pantry registry login, in " + l.path(tokensFile)
		token, f.Warning, err = l.fromFile(login.URL)
	default:
		err = fmt.Errorf("%s names a storage that this version does not know", l.path(loginsFile))
	}
	switch {
	case errors.Is(err, ErrNone):
		return Found{}, fmt.Errorf("the token of the login to %s is gone: pantry registry login %[1]s", login.URL)
	case err != nil:
		return Found{}, err
	case !isToken(token):
		return Found{}, fmt.Errorf("the token of the login to %s can't be sent: pantry registry login %[1]s", login.URL)
	}
	f.Secret = pantry.NewSecret(token)
	return f, nil
}

// bounded runs a question to the keychain, which cannot be interrupted.
func (l *Logins) bounded(ctx context.Context, ask func() error) error {
	if l.vault == nil {
		return ErrNoKeychain
	}
	ctx, cancel := context.WithTimeout(ctx, LookupTime)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- ask() }() // it may outlive the call: no keychain takes a context
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: it gave no answer within %v", ErrNoKeychain, LookupTime)
	}
}

// Available says whether there is a keychain, by asking it for something that is not there.
func (l *Logins) Available(ctx context.Context) error {
	err := l.bounded(ctx, func() error { _, err := l.vault.Get("availability"); return err })
	if errors.Is(err, ErrNone) {
		return nil
	}
	return err
}

// Store keeps the token of a login, in the place that login names, and replaces what was kept for that
// URL. An error that matches [ErrNoKeychain] says that there is no keychain to keep it in.
func (l *Logins) Store(ctx context.Context, login Login, token pantry.Secret) error {
	return l.change(ctx, func(d *document, tokens map[string]string) error {
		if login.Storage == InKeychain {
			if err := l.bounded(ctx, func() error { return l.vault.Set(login.URL, token.Reveal()) }); err != nil {
				return err
			}
			delete(tokens, login.URL)
		} else {
			tokens[login.URL] = token.Reveal()
		}
		d.Logins = append(slices.DeleteFunc(d.Logins, func(o Login) bool { return o.URL == login.URL }), login)
		return nil
	})
}

// Remove forgets the login to a registry and its token. An error that matches [ErrNone] says that there
// is none.
func (l *Logins) Remove(ctx context.Context, u *url.URL) error {
	key := Key(u)
	return l.change(ctx, func(d *document, tokens map[string]string) error {
		i := slices.IndexFunc(d.Logins, func(o Login) bool { return o.URL == key })
		if i < 0 {
			return ErrNone
		}
		if d.Logins[i].Storage == InKeychain {
			if err := l.bounded(ctx, func() error { return l.vault.Delete(key) }); err != nil {
				return err
			}
		}
		delete(tokens, key)
		d.Logins = slices.Delete(d.Logins, i, i+1)
		return nil
	})
}

// change edits both files under the lock. The file of tokens is written first, so that a login that
// is listed has its token; one that is empty is removed.
func (l *Logins) change(ctx context.Context, edit func(*document, map[string]string) error) error {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("%s can't be made: %w", l.dir, cause(err))
	}
	lock := flock.New(l.path(lockFile))
	locking, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	if _, err := lock.TryLockContext(locking, 50*time.Millisecond); err != nil {
		return fmt.Errorf("%s can't be locked: %w", l.path(lockFile), cause(err))
	}
	defer func() { _ = lock.Unlock() }()
	d := document{Version: 1}
	tokens := map[string]string{}
	if err := errors.Join(l.load(loginsFile, &d), l.load(tokensFile, &tokens)); err != nil {
		return err
	}
	if d.Version > 1 {
		return fmt.Errorf("%s was written by a newer version of pantry", l.path(loginsFile))
	}
	before := len(tokens)
	if err := edit(&d, tokens); err != nil {
		return err
	}
	if len(tokens) == 0 {
		if err := os.Remove(l.path(tokensFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s can't be removed: %w", l.path(tokensFile), cause(err))
		}
	} else if before > 0 || len(tokens) > 0 {
		if err := l.save(tokensFile, tokens); err != nil {
			return err
		}
	}
	return l.save(loginsFile, d)
}

func (l *Logins) fromFile(key string) (token, warning string, err error) {
	var tokens map[string]string
	if err := l.load(tokensFile, &tokens); err != nil {
		return "", "", err
	}
	if tokens[key] == "" {
		return "", "", ErrNone
	}
	if st, err := os.Stat(l.path(tokensFile)); err == nil && readable(st) {
		warning = l.path(tokensFile) + " holds tokens and others may read it: chmod 600 it"
	}
	return tokens[key], warning, nil
}

func (l *Logins) path(name string) string { return filepath.Join(l.dir, name) }

// load reads a file into what v points to, which stays as it is where there is no file.
func (l *Logins) load(name string, v any) error {
	f, err := os.Open(l.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s can't be read: %w", l.path(name), cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLogins+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s can't be read: %w", l.path(name), cause(err))
	case len(data) > maxLogins:
		return fmt.Errorf("%s has more than %d bytes", l.path(name), maxLogins)
	case json.Unmarshal(data, v) != nil: // whose text could hold what stands in the file
		return fmt.Errorf("%s is no JSON of pantry's: repair or remove it, and log in again", l.path(name))
	}
	return nil
}

func (l *Logins) save(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = wholefile.Write(l.path(name), append(data, '\n'), 0o600)
	}
	if err == nil {
		err = os.Chmod(l.path(name), 0o600) // of a file that was there
	}
	if err != nil {
		return fmt.Errorf("%s can't be written: %w", l.path(name), cause(err))
	}
	return nil
}

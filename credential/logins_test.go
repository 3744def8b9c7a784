package credential_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
)

// vault is a keychain in memory; it counts how often it was asked.
type vault struct {
	mu     sync.Mutex
	kept   map[string]string
	asked  int
	broken error
}

func (v *vault) Get(name string) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	if v.broken != nil {
		return "", v.broken
	}
	if s, ok := v.kept[name]; ok {
		return s, nil
	}
	return "", credential.ErrNone
}

func (v *vault) Set(name, secret string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.broken != nil {
		return v.broken
	}
	if v.kept == nil {
		v.kept = map[string]string{}
	}
	v.kept[name] = secret
	return nil
}

func (v *vault) Delete(name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.kept, name)
	return v.broken
}

func TestLogins(t *testing.T) {
	t.Parallel()
	for _, storage := range []credential.Storage{credential.InKeychain, credential.InFile} {
		t.Run(string(storage), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "config", "pantry")
			v := &vault{}
			l := credential.NewLogins(dir, v)
			at, other := parse(t, "https://R.example/npm/"), parse(t, "https://r.example")

			if _, err := l.Find(t.Context(), at); !errors.Is(err, credential.ErrNone) || v.asked != 0 {
				t.Errorf("without a login: got %v, and the keychain was asked %d times", err, v.asked)
			}
			if err := l.Remove(t.Context(), at); !errors.Is(err, credential.ErrNone) {
				t.Errorf("nothing to remove: got %v", err)
			}
			login := credential.Login{URL: credential.Key(at), Username: "jo", Storage: storage, Made: true}
			for _, token := range []string{"first", "s3cret"} {
				if err := l.Store(t.Context(), login, pantry.NewSecret(token)); err != nil {
					t.Fatal(err)
				}
			}
			f, err := credential.NewLogins(dir, v).Find(t.Context(), parse(t, "https://r.example:443/npm"))
			if err != nil || f.Secret.Reveal() != "s3cret" || f.Username != "" || f.Source == "" || f.Warning != "" {
				t.Errorf("got %+v (%s), %v", f, f.Secret.Reveal(), err)
			}
			asked := v.asked
			if _, err := l.Find(t.Context(), other); !errors.Is(err, credential.ErrNone) || v.asked != asked {
				t.Errorf("another path: got %v, and the keychain was asked", err)
			}
			if all, err := l.List(); err != nil || len(all) != 1 || all[0] != login {
				t.Errorf("got %+v, %v", all, err)
			}
			holds := filesWith(t, dir, "s3cret")
			if want := map[credential.Storage]string{credential.InFile: "tokens.json"}[storage]; holds != want {
				t.Errorf("the token is in %q, want %q", holds, want)
			}
			if err := l.Remove(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Find(t.Context(), at); !errors.Is(err, credential.ErrNone) || len(v.kept) != 0 || filesWith(t, dir, "s3cret") != "" {
				t.Errorf("after the logout: got %v, %v", err, v.kept)
			}
		})
	}
}

// filesWith names the files of a folder that hold a text, and fails for one that others may read.
func filesWith(t *testing.T, dir, text string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), text) {
			found = append(found, e.Name())
			if st, _ := e.Info(); runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", e.Name(), st.Mode())
			}
		}
	}
	return strings.Join(found, " ")
}

func TestLoginsThatMove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v := &vault{}
	l := credential.NewLogins(dir, v)
	at := parse(t, "https://r.example")
	store := func(s credential.Storage) {
		t.Helper()
		if err := l.Store(t.Context(), credential.Login{URL: credential.Key(at), Storage: s}, pantry.NewSecret("s3cret-"+string(s))); err != nil {
			t.Fatal(err)
		}
	}
	store(credential.InFile)
	if err := os.Chmod(filepath.Join(dir, "tokens.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := l.Find(t.Context(), at); err != nil || (f.Warning == "") != (runtime.GOOS == "windows") {
		t.Errorf("a file that others may read: got %+v, %v", f, err)
	}
	store(credential.InKeychain)
	if holds := filesWith(t, dir, "s3cret"); holds != "" {
		t.Errorf("the token of the file stayed in %s", holds)
	}
	if f, err := l.Find(t.Context(), at); err != nil || f.Secret.Reveal() != "s3cret-keychain" {
		t.Errorf("got %+v, %v", f, err)
	}
	v.kept = nil
	if _, err := l.Find(t.Context(), at); err == nil || errors.Is(err, credential.ErrNone) || !strings.Contains(err.Error(), "pantry registry login https://r.example") {
		t.Errorf("a token that is gone from the keychain: got %v", err)
	}
}

func TestLoginsWithoutKeychain(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]credential.Vault{
		"none": nil, "broken": &vault{broken: fmt.Errorf("%w: no bus", credential.ErrNoKeychain)},
	} {
		l := credential.NewLogins(t.TempDir(), v)
		err := l.Store(t.Context(), credential.Login{URL: "https://r.example", Storage: credential.InKeychain}, pantry.NewSecret("x"))
		if !errors.Is(err, credential.ErrNoKeychain) || !errors.Is(l.Available(t.Context()), credential.ErrNoKeychain) {
			t.Errorf("%s: got %v", name, err)
		}
		if all, err := l.List(); err != nil || len(all) != 0 {
			t.Errorf("%s: a login that was not kept is listed: %v, %v", name, all, err)
		}
	}
	if err := credential.NewLogins(t.TempDir(), &vault{}).Available(t.Context()); err != nil {
		t.Errorf("there is a keychain: got %v", err)
	}
}

// Files that are none of pantry's are told without what stands in them, and stay.
func TestLoginsOfStrangeFiles(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ file, text, says string }{
		"no JSON":  {"logins.json", `{"s3cret`, "is no JSON of pantry's"},
		"newer":    {"logins.json", `{"version": 2}`, "newer version"},
		"too long": {"logins.json", strings.Repeat(" ", 1<<20+1), "more than"},
		"tokens":   {"tokens.json", `["s3cret"]`, "is no JSON of pantry's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			l := credential.NewLogins(dir, &vault{})
			err := l.Store(t.Context(), credential.Login{URL: "https://r.example", Storage: credential.InFile}, pantry.NewSecret("x"))
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %q", err, tt.says)
			}
			if data, _ := os.ReadFile(filepath.Join(dir, tt.file)); string(data) != tt.text {
				t.Errorf("%s was changed to %q", tt.file, data)
			}
		})
	}
}

// Several processes may log in at once.
func TestLoginsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	const n = 8
	for i := range n {
		wg.Go(func() {
			l := credential.NewLogins(dir, nil)
			login := credential.Login{URL: fmt.Sprintf("https://r%d.example", i), Storage: credential.InFile}
			if err := l.Store(t.Context(), login, pantry.NewSecret("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if all, err := credential.NewLogins(dir, nil).List(); err != nil || len(all) != n {
		t.Errorf("%d logins, %v", len(all), err)
	}
}

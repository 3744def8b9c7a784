package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pantry-go/pantry/credential"
)

// users stands before a site: it knows people and tokens, and lets nobody else read packages.
type users struct {
	next http.Handler
	url  string

	mu        sync.Mutex
	passwords map[string]string
	tokens    map[string]string // of token: user
	web       string            // who logs in with a browser; "" where there are no pages
	polls     int               // questions before they are done
	made      int
}

// guard has a registry let in only the users "NAME=PASSWORD" (for logins) and "TOKEN@NAME" (tokens that
// are there already); with "web=NAME" somebody logs in with a browser, who needs a moment.
func guard(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 2, "registry-users NAME USER=PASSWORD|TOKEN@USER|web=USER...")
	s := siteOf(ts, args[0])
	u := &users{passwords: map[string]string{}, tokens: map[string]string{}, url: "http://" + s.address}
	for _, arg := range args[1:] {
		if token, user, ok := strings.Cut(arg, "@"); ok {
			u.tokens[token] = user
			continue
		}
		name, password, _ := strings.Cut(arg, "=")
		if name == "web" {
			u.web = password
			continue
		}
		u.passwords[name] = password
	}
	u.next = s.handler
	s.scripted.SetHandler(u)
}

func (u *users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	answer := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	path := r.URL.Path
	user := u.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	switch {
	case path == "/-/v1/login" && u.web != "":
		u.polls = 1
		answer(200, map[string]string{"loginUrl": u.url + "/login/once-1", "doneUrl": u.url + "/-/v1/done"})
	case path == "/-/v1/done" && u.polls > 0:
		u.polls--
		w.Header().Set("Retry-After", "0")
		answer(202, struct{}{})
	case path == "/-/v1/done":
		answer(200, map[string]string{"token": u.mint(u.web)})
	case r.Method == http.MethodPut && strings.HasPrefix(path, "/-/user/org.couchdb.user:"):
		var p struct{ Name, Password string }
		_ = json.NewDecoder(r.Body).Decode(&p)
		if u.passwords[p.Name] == "" || u.passwords[p.Name] != p.Password {
			answer(401, map[string]string{"error": "no such user, or not " + p.Password})
			return
		}
		answer(201, map[string]string{"ok": "true", "token": u.mint(p.Name)})
	case user == "" && path != "/-/ping":
		answer(401, map[string]string{"error": "log in first, " + r.Header.Get("Authorization")})
	case path == "/-/whoami":
		answer(200, map[string]string{"username": user})
	case r.Method == http.MethodDelete && strings.HasPrefix(path, "/-/user/token/"):
		delete(u.tokens, strings.TrimPrefix(path, "/-/user/token/"))
		answer(200, map[string]bool{"ok": true})
	default:
		u.next.ServeHTTP(w, r)
	}
}

func (u *users) mint(user string) string {
	u.made++
	token := fmt.Sprintf("s3cret-made-%d", u.made)
	u.tokens[token] = user
	return token
}

// testKeychain is a keychain in a folder; "" is a machine without one.
type testKeychain string

func (k testKeychain) path(name string) (string, error) {
	if k == "" {
		return "", fmt.Errorf("%w: nobody answers on the bus", credential.ErrNoKeychain)
	}
	return filepath.Join(string(k), strings.NewReplacer("/", "_", ":", "_").Replace(name)), nil
}

func (k testKeychain) Get(name string) (string, error) {
	path, err := k.path(name)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", credential.ErrNone
	}
	return string(data), err
}

func (k testKeychain) Set(name, secret string) error {
	path, err := k.path(name)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(secret), 0o600)
}

func (k testKeychain) Delete(name string) error {
	path, err := k.path(name)
	if err == nil {
		_ = os.Remove(path)
	}
	return err
}

// noSecret fails if a text stands in any file of the home folder or of the project, but for what a script
// types.
func noSecret(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, args, 1, "no-secret TEXT...")
	for _, root := range []string{ts.Getenv("HOME"), ts.Getenv("WORK")} {
		ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == "typed" {
				return fs.SkipDir
			}
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, secret := range args {
				if strings.Contains(string(data), secret) {
					ts.Fatalf("%s holds %q", path, secret)
				}
			}
			return nil
		}))
	}
}

package cli

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/credential/keychain"
)

// credentialSources are where credentials are looked for that the configuration does not hold, in
// order. None of them is looked at before it is asked.
func (a *app) credentialSources() []credential.Source {
	sources := []credential.Source{}
	if logins, err := a.logins(); err == nil {
		sources = append(sources, logins)
	}
	home, _ := a.getenv("HOME")
	if home == "" {
		home, _ = a.getenv("USERPROFILE")
	}
	switch path, _ := a.getenv("NETRC"); {
	case path != "":
		sources = append(sources, credential.NewNetrc(path, path))
	case home != "":
		sources = append(sources, credential.NewNetrc(filepath.Join(home, ".netrc"), "~/.netrc"))
	}
	return sources
}

// logins are those of the user, beside the user's configuration.
func (a *app) logins() (*credential.Logins, error) {
	file, err := a.userFile()
	if err != nil {
		return nil, err
	}
	vault := a.Keychain
	if vault == nil {
		vault = keychain.Keychain{}
	}
	return credential.NewLogins(filepath.Dir(file), vault), nil
}

// credentialWarning tells what is wrong with the places of credentials; registries are opened by
// several goroutines.
func (a *app) credentialWarning() func(string) {
	var mu sync.Mutex
	return func(message string) {
		mu.Lock()
		defer mu.Unlock()
		a.warnf("%s", message)
	}
}

// maxHelped bounds what is kept of what a program prints that holds a credential, in bytes.
const maxHelped = 64 << 10

// runHelper runs a program that holds a credential and returns what it printed. What it says to
// people is not shown: it may be anything.
func (a *app) runHelper(ctx context.Context, input []byte, program string, args ...string) ([]byte, error) {
	path, _ := a.getenv("PATH")
	found, err := lookPath(program, path, "")
	if err != nil {
		return nil, &exec.Error{Name: program, Err: exec.ErrNotFound}
	}
	ctx, cancel := context.WithTimeout(ctx, credential.LookupTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, found, args...)
	cmd.Env, cmd.Stdin = a.Environ, bytes.NewReader(input)
	cmd.WaitDelay = credential.LookupTime // where a child of it keeps the output open
	var out limited
	cmd.Stdout = &out
	err = cmd.Run()
	return out.Bytes(), err
}

// limited keeps the first maxHelped bytes.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	_, _ = l.Buffer.Write(p[:min(len(p), max(maxHelped-l.Len(), 0))])
	return len(p), nil
}

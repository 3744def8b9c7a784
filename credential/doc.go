// Package credential finds credentials where people and CI systems keep them: what
// `pantry registry login` stored, .netrc, credential helper programs, and the identity that a CI
// system gives a job.
//
// A [Source] is asked for the URL of one registry, and what it gives is for the origin (scheme, host,
// port) of that URL. None is asked before its registry is needed, each answers within [LookupTime], and
// one that has nothing says [ErrNone], so that it can be told from one that failed. Secrets are held in
// memory; only [Logins] keeps them, where the user chose.
//
// The order of sources is the affair of who asks: see package registry.
package credential

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// ErrNone: the source has nothing for this registry.
var ErrNone = errors.New("no credential")

// LookupTime bounds one question to one source. A keychain that has to be unlocked by a person, or a
// program that waits for one, takes longer and is passed over: an install must not hang on it.
const LookupTime = 5 * time.Second

// Found is a credential.
type Found struct {
	// Username is of a name and a password; "" means that Secret is a token.
	Username string
	Secret   pantry.Secret
	// Source says where it came from, for messages: "~/.netrc:3".
	Source string
	// Warning is what the user should know about the source; "" for nothing.
	Warning string
}

// Credential makes the header of it, for the origin of the registry.
func (f Found) Credential() transport.Credential {
	if f.Username == "" {
		return transport.Bearer(f.Secret, f.Source)
	}
	return transport.Basic(f.Username, f.Secret, f.Source)
}

// Source is a place where credentials are kept. It is safe for concurrent use.
type Source interface {
	// Find returns the credential for the registry at u. An error that matches [ErrNone] says that
	// there is none; any other, that the source failed.
	Find(ctx context.Context, u *url.URL) (Found, error)
}

// Runner runs a program with an input and returns what it printed, of which it may cut off what is
// beyond some 64 KiB. With an error it returns what was printed before.
type Runner func(ctx context.Context, input []byte, program string, args ...string) ([]byte, error)

// Key is the spelling of a registry's URL under which its credential is kept: without user
// information, query and trailing slash, scheme and host in lower case, the port where it is not the
// scheme's own.
func Key(u *url.URL) string {
	k := url.URL{Scheme: strings.ToLower(u.Scheme), Host: strings.ToLower(u.Host), Path: strings.TrimRight(u.Path, "/")}
	if (k.Scheme == "https" && u.Port() == "443") || (k.Scheme == "http" && u.Port() == "80") {
		k.Host = strings.TrimSuffix(k.Host, ":"+u.Port())
	}
	return k.String()
}

// isToken says that s can be sent as a token.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

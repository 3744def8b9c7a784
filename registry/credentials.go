package registry

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/transport"
)

// findings are what was found for an entry that gives no credential itself.
type findings struct {
	credentials []transport.Credential
	// identity is the CI job's. required says that the entry asks for it; otherwise it is for
	// publishing alone, and other credentials stand in for it.
	identity *credential.Identity
	required bool
	notes    []string // what failed
}

func (f findings) note() string { return strings.Join(f.notes, "; ") }

// asksIdentity says that a wants the CI system to be asked.
func asksIdentity(a *Auth) bool { return a.Type == AuthOIDC && a.Token.Raw.IsZero() }

// find looks for the credential of an entry, at base, in this order, where the first that has one ends
// the search:
//
//  1. "auth" of the entry, which is not found here
//  2. "credentialHelper" of the entry
//  3. .npmrc: one of scoped
//  4. the variables of the registry's kind, at its well-known URL
//  5. Options.Credentials: the logins, .netrc
//  6. the command of the kind (gh auth token), at its well-known URL
//
// The identity of a CI job goes before 2 to 6, for changes of packages, at registries that speak npm's
// protocol: that is what npm does. Elsewhere it is used where "auth" asks for it.
func (m *Manager) find(c Config, kind Kind, base string, scoped []transport.Credential) (findings, error) {
	var f findings
	if c.Auth != nil && !asksIdentity(c.Auth) {
		return f, nil
	}
	var err error
	if f.identity, f.required, err = m.identity(c); err != nil || f.required {
		return f, err
	}
	if c.NoLookup != "" {
		f.notes = append(f.notes, "none was looked for: "+printable(c.NoLookup))
		f.identity = nil
		return f, nil
	}
	u, parseErr := url.Parse(base)
	if parseErr != nil {
		return f, nil // which transport.New refuses
	}
	if c.CredentialHelper != "" {
		if err := m.askHelper(&f, c, u); err != nil || len(f.credentials) > 0 {
			return f, err
		}
	}
	if credentialFor(scoped, base) != "" {
		return f, nil
	}
	known := c.URL == "" || c.URL == kind.DefaultURL
	for _, ask := range []func() (transport.Credential, bool){
		func() (transport.Credential, bool) { return m.fromVariables(kind, known) },
		func() (transport.Credential, bool) { return m.fromSources(&f, c, u) },
		func() (transport.Credential, bool) { return m.fromCommand(kind, known) },
	} {
		if found, ok := ask(); ok {
			f.credentials = append(f.credentials, found)
			break
		}
	}
	return f, nil
}

// askHelper asks the entry's own program. The entry wants it, so that one that fails is an error.
func (m *Manager) askHelper(f *findings, c Config, u *url.URL) error {
	fail := func(problem string, err error) error {
		return &ConfigError{
			Source: c.Source, Registry: c.Name, Field: "credentialHelper", Problem: printable(problem), Err: err,
			Next: "install and set up the helper, or remove \"credentialHelper\"",
		}
	}
	if m.o.Run == nil {
		return fail("no program is run here", pantry.ErrUnsupported)
	}
	h, err := credential.NewHelper(c.CredentialHelper, m.o.Run)
	if err != nil {
		return fail(err.Error(), err)
	}
	found, err := ask(h, u)
	switch {
	case errors.Is(err, credential.ErrNone):
		f.notes = append(f.notes, "the credential helper "+h.Program()+" has nothing for "+printable(credential.Key(u)))
		return nil
	case err != nil:
		return fail(err.Error(), err)
	}
	f.credentials = []transport.Credential{found.Credential()}
	return nil
}

// ask asks a source within its time.
func ask(s credential.Source, u *url.URL) (credential.Found, error) {
	ctx, cancel := context.WithTimeout(context.Background(), credential.LookupTime)
	defer cancel()
	return s.Find(ctx, u)
}

// fromVariables is the credential that the environment holds for a kind's well-known registry.
func (m *Manager) fromVariables(kind Kind, known bool) (transport.Credential, bool) {
	if !known {
		return transport.Credential{}, false
	}
	for _, name := range kind.TokenVariables {
		if token := m.env(name); token != "" {
			return transport.Bearer(pantry.NewSecret(token), "the variable "+name), true
		}
	}
	return transport.Credential{}, false
}

// fromSources asks the sources. One that fails is told, and the next one asked.
func (m *Manager) fromSources(f *findings, c Config, u *url.URL) (transport.Credential, bool) {
	for _, s := range m.o.Credentials {
		found, err := ask(s, u)
		switch {
		case errors.Is(err, credential.ErrNone):
			continue
		case err != nil:
			f.notes = append(f.notes, printable(err.Error()))
			m.warn("registry " + quote(c.Name) + ": no credential was found: " + printable(err.Error()))
			continue
		case found.Warning != "":
			m.warn(printable(found.Warning))
		}
		return found.Credential(), true
	}
	return transport.Credential{}, false
}

// fromCommand runs the program that holds the token of a kind's well-known registry.
func (m *Manager) fromCommand(kind Kind, known bool) (transport.Credential, bool) {
	if !known || len(kind.TokenCommand) == 0 || m.o.Run == nil {
		return transport.Credential{}, false
	}
	ctx, cancel := context.WithTimeout(context.Background(), credential.LookupTime)
	defer cancel()
	out, err := m.o.Run(ctx, nil, kind.TokenCommand[0], kind.TokenCommand[1:]...)
	token := strings.TrimSpace(string(out))
	if err != nil || token == "" || strings.ContainsAny(token, " \r\n") {
		return transport.Credential{}, false // not installed, or not logged in: not many are
	}
	return transport.Bearer(pantry.NewSecret(token), strings.Join(kind.TokenCommand, " ")), true
}

// warn tells a message once.
func (m *Manager) warn(message string) {
	if _, told := m.warned.LoadOrStore(message, true); !told && m.o.Warn != nil {
		m.o.Warn(message)
	}
}

// identity is that of the CI job, where the entry has a use for it. required says that the entry asks
// for it.
func (m *Manager) identity(c Config) (id *credential.Identity, required bool, err error) {
	required = c.Auth != nil
	if c.Type != "npm" && c.Type != "custom" {
		if required {
			return nil, true, &ConfigError{
				Source: c.Source, Registry: c.Name, Field: "auth.token", Err: pantry.ErrUnsupported,
				Problem: "registries of type " + c.Type + " take no identity of a CI job",
				Next:    "give the token: \"token\": \"${NAME}\"",
			}
		}
		return nil, false, nil
	}
	if !required && c.Type != "npm" {
		return nil, false, nil
	}
	variables := []string{credential.IDToken}
	if c.Type == "npm" {
		variables = []string{credential.NPMIDToken, credential.IDToken}
	}
	id, ok := credential.DetectIdentity(credential.Environment{Getenv: m.env, Run: m.o.Run}, variables...)
	switch {
	case ok && (required || id.Bound):
		return id, required, nil
	case !required:
		return nil, false, nil
	}
	next := credential.WhyNoIdentity(m.env)
	if next == "" {
		next = "give the token: \"token\": \"${NAME}\", or run in GitHub Actions, GitLab, CircleCI or Buildkite"
	}
	return nil, true, &ConfigError{
		Source: c.Source, Registry: c.Name, Field: "auth.token", Next: next,
		Problem: "oidc without a token asks the CI system for an identity, and there is none here",
	}
}

// withIdentity gives a client the tokens that the registry exchanges for the identity of the CI job.
func (m *Manager) withIdentity(o *transport.Options, c Config, f findings) error {
	bare := *o
	bare.Credentials, bare.PackageCredential, bare.Cache = nil, nil, nil // no token is to be kept
	client, err := transport.New(bare)
	if err != nil {
		return clientError(c, err)
	}
	x := &credential.Exchange{Client: client, Identity: f.identity, Protocol: credential.Protocol(c.Type), Now: m.o.Now}
	made := transport.Credential{Token: x.Token, Source: x.Source()}
	if c.Type != "npm" {
		o.Credentials = slices.Insert(o.Credentials, 0, made)
		return nil
	}
	if !f.required {
		made.Token = func(ctx context.Context) (pantry.Secret, error) {
			token, err := x.Token(ctx)
			if err != nil && ctx.Err() == nil {
				m.warn("registry " + quote(c.Name) + ": published without the " + x.Source() + ": " + printable(err.Error()))
				return pantry.Secret{}, nil
			}
			return token, err
		}
	}
	o.PackageCredential = &made
	return nil
}

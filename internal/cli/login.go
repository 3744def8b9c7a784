package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/registry"
)

// loginFlags are those of registry login.
type loginFlags struct {
	username, authType string
	tokenStdin         bool
	insecureStorage    bool
}

// The values of --auth-type.
const (
	loginWeb    = "web"
	loginLegacy = "legacy"
	loginToken  = "token"
)

func (a *app) registryLoginCommand() *cobra.Command {
	var f loginFlags
	c := &cobra.Command{
		Use:   "login [NAME|URL]",
		Short: "Log in to a registry and keep the token",
		Long: `Login gets a token for a registry and keeps it in the operating system's keychain, after the
registry has said whose it is. A registry that speaks npm's protocol is logged in to with a page
in the browser, or with a name and a password where it has none. Others take a token that was
made before: it is asked for, or read with --token-stdin. No secret is taken from the command line.`,
		Example: `  pantry registry login npm
  pantry registry login https://npm.acme.example --auth-type legacy --username jo
  gh auth token | pantry registry login github --token-stdin`,
		Args: names(0, 1, "at most one registry"),
		RunE: func(c *cobra.Command, args []string) error { return a.registryLogin(c.Context(), args, f) },
	}
	fl := c.Flags()
	fl.StringVar(&f.authType, "auth-type", "", "how to log in: web, legacy (name and password) or token")
	fl.StringVar(&f.username, "username", "", "log in as `USER`, with a password")
	fl.BoolVar(&f.tokenStdin, "token-stdin", false, "read the token from standard input")
	fl.BoolVar(&f.insecureStorage, "insecure-storage", false, "keep the token in a file that only you can read, not in the keychain")
	return c
}

// loginTarget is the registry that a login is for.
type loginTarget struct {
	config registry.Config // its way, without any credential
	given  registry.Config // as configured; zero where it is not
	url    *url.URL
	key    string
}

// loginTarget finds the registry that args name: a configured one by its name or URL, or one at a URL
// that nobody configured, which is taken for one of npm's protocol.
func (a *app) loginTarget(args []string) (loginTarget, error) {
	m, err := a.manager()
	if err != nil {
		return loginTarget{}, err
	}
	name := a.flags.registry
	if len(args) > 0 {
		if name = args[0]; a.flags.registry != "" && a.flags.registry != name {
			return loginTarget{}, usagef("%q and --registry %s name two registries", name, a.flags.registry)
		}
	}
	var t loginTarget
	switch {
	case strings.Contains(name, "://"):
		if t.given, err = configuredAt(m, name); err != nil {
			return t, err
		}
		t.config = t.given
		if t.given.Name == "" {
			t.config = registry.Config{Name: "login", Type: "npm", URL: name}
		}
	case name == "":
		e, ok := m.Default()
		if !ok {
			return t, pantry.WithHint(fmt.Errorf("every registry is disabled: %w", pantry.ErrConfig), "name the registry")
		}
		t.given = e.Config()
		t.config = t.given
	default:
		e, err := a.known(name)
		if err != nil {
			return t, err
		}
		t.given = e.Config()
		t.config = t.given
	}
	return t, a.bare(&t)
}

// configuredAt is the configured registry at a URL, the zero Config for none.
func configuredAt(m *registry.Manager, raw string) (registry.Config, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		// It is not repeated: it may hold a password.
		return registry.Config{}, usagef("expected the name of a registry or its URL, such as https://npm.acme.example, without user name and password")
	}
	for _, e := range m.All() {
		if at, err := url.Parse(e.URL()); err == nil && credential.Key(at) == credential.Key(u) {
			return e.Config(), nil
		}
	}
	return registry.Config{}, nil
}

// bare takes the credentials out of the target's way, and expands its URL.
func (a *app) bare(t *loginTarget) error {
	c := &t.config
	c.Auth, c.Credentials, c.CredentialHelper, c.NoLookup = nil, nil, "", "a login"
	c.Disabled, c.Priority, c.Packages, c.ClaimsOnly, c.Signatures, c.MinimumReleaseAge = false, nil, nil, false, "", 0
	e, err := a.apart(*c)
	if err != nil {
		return err
	}
	if t.url, err = url.Parse(e.URL()); err != nil || t.url.Host == "" {
		return fmt.Errorf("registry %s has no URL that a login can be for: %w", c.Name, pantry.ErrConfig)
	}
	t.key = credential.Key(t.url)
	return nil
}

// apart opens a registry away from all others and from every place where credentials are kept.
func (a *app) apart(c registry.Config) (*registry.Entry, error) {
	o := registry.Options{UserAgent: "pantry/" + programVersion(), Getenv: a.getenv}
	if a.flags.verbose && !a.flags.json {
		o.Observe = tellRequests(a.Stderr, nil)
	}
	m := registry.NewManager(o)
	if err := m.Add(c); err != nil {
		return nil, err
	}
	e, _ := m.Get(c.Name)
	return e, e.Err()
}

// with is the target's registry, asked with a token.
func (a *app) with(t loginTarget, token pantry.Secret) (*registry.Entry, error) {
	c := t.config
	c.Auth = &registry.Auth{Type: registry.AuthBearer, Token: registry.Value{Raw: token, Literal: true, Source: "the login"}}
	return a.apart(c)
}

// session is what registry login and whoami print.
type session struct {
	Registry string `json:"registry"`
	URL      string `json:"url"`
	Username string `json:"username"`
	// Storage and Verified are of login, Credential is of whoami.
	Storage    credential.Storage `json:"storage,omitempty"`
	Verified   *bool              `json:"verified,omitempty"`
	Credential string             `json:"credential,omitempty"`
}

func (a *app) registryLogin(ctx context.Context, args []string, f loginFlags) error {
	if _, err := a.asking(registry.Options{}); err != nil { // offline, a mistake in the configuration
		return err
	}
	t, err := a.loginTarget(args)
	if err != nil {
		return err
	}
	logins, err := a.logins()
	if err == nil {
		err = t.loggable(f)
	}
	if err != nil {
		return err
	}
	storage := credential.InFile
	if !f.insecureStorage {
		storage = credential.InKeychain
		if err := logins.Available(ctx); err != nil { // before a token is made that could not be kept
			return noKeychain(err)
		}
	}
	if !a.flags.quiet {
		fmt.Fprintf(a.Stderr, "pantry: logging in to %s\n", clean(t.key))
	}
	token, made, err := a.obtain(ctx, t, f)
	if err != nil {
		return err
	}
	user, verified, err := a.verify(ctx, t, token)
	if err != nil {
		return err
	}
	err = logins.Store(ctx, credential.Login{URL: t.key, Username: user, Storage: storage, Made: made}, token)
	if err != nil {
		if made {
			a.takeBack(ctx, t, token)
		}
		return noKeychain(err)
	}
	if kind := authKind(t.given, t.key); t.given.Name != "" && (kind != "none" || t.given.CredentialHelper != "") {
		a.warnf("the configuration has another credential for registry %s, which comes before this login", t.given.Name)
	}
	s := session{Registry: t.given.Name, URL: t.key, Username: user, Storage: storage, Verified: &verified}
	if a.flags.json {
		return a.printJSON(s)
	}
	as := ""
	if user != "" {
		as = " as " + clean(user)
	}
	_, err = fmt.Fprintf(a.Stdout, "logged in to %s%s; the token is in %s\n", clean(t.key), as, place(storage))
	return err
}

func place(s credential.Storage) string {
	if s == credential.InFile {
		return "a file that only you can read"
	}
	return "the keychain"
}

// noKeychain says what to do where there is no keychain.
func noKeychain(err error) error {
	if !errors.Is(err, credential.ErrNoKeychain) {
		return err
	}
	err = fmt.Errorf("the token can't be kept: %s: %w", clean(err.Error()), pantry.ErrUnsupported)
	return pantry.WithHint(err, "--insecure-storage keeps it unencrypted in a file that only you can read; in CI give it as a variable: \"auth\": {\"type\": \"bearer\", \"token\": \"${NAME}\"}")
}

// loggable says why there can be no login, or none as the flags want it.
func (t loginTarget) loggable(f loginFlags) error {
	switch {
	case t.config.Type == "pkgx":
		return fmt.Errorf("registry %s is of type pkgx, which has no logins: %w", t.given.Name, pantry.ErrUnsupported)
	case t.given.NoLookup != "":
		err := fmt.Errorf("a login to registry %s would not be used: %s: %w", t.given.Name, t.given.NoLookup, pantry.ErrConfig)
		return pantry.WithHint(err, "log in from another folder, by URL, or change the project's configuration")
	case f.authType != "" && f.authType != loginWeb && f.authType != loginLegacy && f.authType != loginToken:
		return usagef("--auth-type %q: expected web, legacy or token", f.authType)
	case f.tokenStdin && (f.authType != "" && f.authType != loginToken || f.username != ""):
		return usagef("--token-stdin gives a token: leave out --username and --auth-type")
	case f.username != "" && f.authType != "" && f.authType != loginLegacy:
		return usagef("--username is for --auth-type legacy")
	case t.config.Type != "npm" && (f.authType == loginWeb || f.authType == loginLegacy || f.username != ""):
		return usagef("registries of type %s take a token: use --token-stdin", t.config.Type)
	}
	return nil
}

// obtain gets a token. made says that the registry made it for this login.
func (a *app) obtain(ctx context.Context, t loginTarget, f loginFlags) (token pantry.Secret, made bool, err error) {
	how := f.authType
	switch {
	case f.tokenStdin || t.config.Type != "npm":
		how = loginToken
	case f.username != "":
		how = loginLegacy
	}
	if how == loginToken {
		token, err = a.givenToken(ctx, f)
		return token, false, err
	}
	e, err := a.apart(t.config)
	if err != nil {
		return token, false, err
	}
	if how != loginLegacy {
		r, _ := pantry.As[pantry.WebLogin](e)
		token, err = r.LoginWeb(ctx, a.visit)
		if err == nil || how == loginWeb || !errors.Is(err, pantry.ErrUnsupported) {
			return token, err == nil, err
		}
		if !a.flags.quiet {
			fmt.Fprintln(a.Stderr, "pantry: the registry has no login with a browser; asking for a name and a password")
		}
	}
	token, err = a.withPassword(ctx, e, f.username)
	return token, err == nil, err
}

func (a *app) withPassword(ctx context.Context, e *registry.Entry, username string) (pantry.Secret, error) {
	r, _ := pantry.As[pantry.PasswordLogin](e)
	var err error
	if username == "" {
		if username, err = a.prompt(ctx, "user name"); err != nil {
			return pantry.Secret{}, err
		}
	}
	password, err := a.promptSecret(ctx, "password")
	if err != nil {
		return pantry.Secret{}, err
	}
	return r.LoginPassword(ctx, username, password, pantry.Secret{})
}

// verify asks the registry whose token it is. verified is false where the registry cannot tell.
func (a *app) verify(ctx context.Context, t loginTarget, token pantry.Secret) (user string, verified bool, err error) {
	e, err := a.with(t, token)
	if err != nil {
		return "", false, err
	}
	r, ok := pantry.As[pantry.Identifier](e)
	if ok {
		user, err = r.Whoami(ctx)
	}
	switch {
	case ok && err == nil:
		return user, true, nil
	case !ok, errors.Is(err, pantry.ErrNotFound), errors.Is(err, pantry.ErrUnsupported):
		a.warnf("the registry can't say whose token this is, so it was not checked")
		return "", false, nil
	case errors.Is(err, pantry.ErrDenied):
		return "", false, pantry.WithHint(fmt.Errorf("the token was not kept: %w", err), "check that it is whole, has not expired, and is for %s", t.key)
	}
	return "", false, fmt.Errorf("the token was not kept, since it could not be checked: %w", err)
}

// takeBack has the registry revoke a token, and tells what came of it.
func (a *app) takeBack(ctx context.Context, t loginTarget, token pantry.Secret) bool {
	e, err := a.with(t, token)
	if err == nil {
		r, ok := pantry.As[pantry.TokenRevoker](e)
		if !ok {
			return false
		}
		err = r.RevokeToken(ctx, token)
	}
	if err != nil {
		a.warnf("the registry did not take the token back, so it may still be good: %s", clean(err.Error()))
	}
	return err == nil
}

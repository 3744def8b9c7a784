package registry

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/credential"
	"github.com/pantry-go/pantry/transport"
)

// maxName bounds a registry's name, which stands in every line of a lockfile.
const maxName = 64

// reserved are prefixes that a package spec reads as something else than a registry.
func reserved() []string {
	return []string{
		"file", "http", "https", "git", "ssh", "link", "portal", "patch", "workspace", "catalog",
		"pkg", "gitlab", "bitbucket", "gist", "sourcehut",
	}
}

// checker collects the mistakes of one entry.
type checker struct {
	c    Config
	errs []error
}

func (k *checker) fail(field, problem, hint string) {
	k.errs = append(k.errs, &ConfigError{
		Source: k.c.Source, Registry: k.c.Name, Field: field, Problem: problem, Next: hint,
	})
}

// checkConfig returns every mistake that can be seen in one entry alone, without expanding
// variables. opened says that the registry is there already, so that it needs no URL.
func checkConfig(c Config, kinds []Kind, opened bool) []error {
	k := &checker{c: c}
	k.name(kinds)
	k.typ(kinds, opened)
	k.urls()
	k.mirrors()
	k.auth()
	k.headers()
	k.choice("fallback", string(c.Fallback), string(Failover), string(Always), string(NotFoundOnly), string(Never))
	k.choice("balance", c.Balance, "failover", "round-robin", "weighted", "latency")
	k.choice("signatures", c.Signatures, "verify", "require", "off")
	k.numbers()
	k.assets()
	if !opened {
		k.adapter()
	}
	return k.errs
}

func (k *checker) assets() {
	if len(k.c.Assets) > 0 && k.c.Type != "github" {
		k.fail("assets", "patterns for assets are for registries of the type github", "")
	}
	for _, repo := range slices.Sorted(maps.Keys(k.c.Assets)) {
		if _, err := path.Match(k.c.Assets[repo], ""); err != nil || k.c.Assets[repo] == "" {
			k.fail("assets."+repo, quote(k.c.Assets[repo])+" is no pattern", "write it like \"tool-*-linux-amd64.tar.gz\"")
		}
	}
}

func (k *checker) name(kinds []Kind) {
	name := k.c.Name
	switch {
	case name == "":
		k.fail("name", "a registry needs a name", "")
	case len(name) > maxName:
		k.fail("name", fmt.Sprintf("a name has at most %d characters", maxName), "")
	case !isName(name):
		k.fail("name", "a name is letters, digits, '.', '_' and '-', and begins with a letter or digit", "")
	case slices.Contains(reserved(), strings.ToLower(name)):
		k.fail("name", quote(name+":")+" in front of a package means something else, so a registry cannot have this name", "")
	default:
		if other, ok := findKind(kinds, strings.ToLower(name)); ok && other.Type != k.c.Type && k.c.Type != "" {
			k.fail("name", "a registry named like the type "+other.Type+" has to be of that type", "")
		}
	}
}

func isName(s string) bool {
	for i, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case i > 0 && (r == '.' || r == '_' || r == '-'):
		default:
			return false
		}
	}
	return s != ""
}

func (k *checker) typ(kinds []Kind, opened bool) {
	types := typesOf(kinds)
	kind, ok := findKind(kinds, k.c.Type)
	switch {
	case k.c.Type == "":
		k.fail("type", "a registry needs a type, one of "+strings.Join(types, ", "), "")
	case !ok:
		k.fail("type", "unknown type "+quote(k.c.Type)+didYouMean(k.c.Type, types), "known types: "+strings.Join(types, ", "))
	case k.c.URL == "" && kind.DefaultURL == "" && kind.OwnURL == nil && !opened:
		k.fail("url", "a registry of type "+k.c.Type+" needs a URL", "")
	}
}

func (k *checker) urls() {
	if k.c.Type == folderType && k.c.URL != "" && !hasVariable(k.c.URL) {
		if problem, hint := checkFolder(k.c.URL); problem != "" {
			k.fail("url", problem, hint)
		}
	} else if k.c.URL != "" && !hasVariable(k.c.URL) {
		if problem, hint := checkURL(k.c.URL, k.c.Insecure); problem != "" {
			k.fail("url", problem, hint)
		}
	} else if i := strings.Index(k.c.URL, "://"); i >= 0 {
		authority, _, _ := strings.Cut(k.c.URL[i+3:], "/")
		if strings.Contains(authority, "@") {
			k.fail("url", userinfoProblem, userinfoHint)
		}
	}
}

func (k *checker) mirrors() {
	seen := map[string]bool{strings.TrimRight(k.c.URL, "/"): true}
	for i, m := range k.c.Mirrors {
		field := fmt.Sprintf("mirrors[%d]", i)
		bare := strings.TrimRight(m.URL, "/")
		switch {
		case m.URL == "":
			k.fail(field, "a mirror needs a URL", "")
		case seen[bare]:
			k.fail(field, "the same URL is there twice", "")
		case m.Weight < 0 || m.Weight > transport.MaxWeight:
			k.fail(field, fmt.Sprintf("a weight is from 1 to %d", transport.MaxWeight), "")
		}
		seen[bare] = true
		if m.URL == "" || hasVariable(m.URL) {
			continue
		}
		if problem, hint := checkURL(m.URL, k.c.Insecure); problem != "" {
			k.fail(field, problem, hint)
		}
	}
}

const (
	userinfoProblem = "a URL must not hold a user name or password"
	userinfoHint    = `put it in "auth": {"type": "basic", "username": …, "password": "${…}"}`
)

// checkURL says what is wrong with the URL of a registry, or "". It never quotes the URL: it may
// hold a password.
func checkURL(raw string, insecure bool) (problem, hint string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "not a URL", "expected https://host/path"
	case u.User != nil:
		return userinfoProblem, userinfoHint
	case u.Scheme != "https" && u.Scheme != "http":
		return "a registry's URL begins with https:// or http://", ""
	case u.Host == "" || u.Hostname() == "":
		return "the URL has no host", "expected https://host/path"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "a registry's URL has no query and no fragment", ""
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		return "plain http to " + quote(u.Host) + " can be read and changed by others",
			`use https, or set "insecure": true on this registry`
	}
	return "", ""
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func (k *checker) auth() {
	a := k.c.Auth
	if helper := k.c.CredentialHelper; helper != "" {
		if err := credential.CheckHelperName(helper); err != nil {
			k.fail("credentialHelper", err.Error(), "\"credentialHelper\": \"pass\" runs docker-credential-pass")
		}
		if a != nil {
			k.fail("credentialHelper", "a registry has either auth or a credential helper", "remove one of them")
		}
	}
	if a == nil {
		return
	}
	missing := func(field string, v Value) {
		if v.Raw.IsZero() {
			k.fail("auth."+field, "auth of type "+a.Type+" needs it", "")
		}
	}
	switch a.Type {
	case AuthBearer:
		missing("token", a.Token)
	case AuthBasic:
		if a.Username.Raw.IsZero() && a.Password.Raw.IsZero() {
			k.fail("auth", "auth of type basic needs username and password", "")
		}
	case AuthCustom:
		missing("value", a.Value)
		if !hasVariable(a.Name) {
			k.headerName("auth.name", a.Name)
		}
	case AuthOIDC: // the token may be left out
	case "":
		k.fail("auth.type", "auth needs a type: bearer, basic, oidc or custom", "")
	default:
		types := []string{AuthBearer, AuthBasic, AuthOIDC, AuthCustom}
		k.fail("auth.type", "unknown type "+quote(a.Type)+didYouMean(a.Type, types), "known types: "+strings.Join(types, ", "))
	}
}

func (k *checker) headers() {
	for _, name := range slices.Sorted(maps.Keys(k.c.Headers)) {
		if strings.EqualFold(name, "Authorization") {
			k.fail("headers."+name, "credentials do not belong in headers", `put it in "auth"`)
			continue
		}
		k.headerName("headers."+name, name)
	}
}

// headerName refuses what is no header name (RFC 9110, section 5.6.2) and headers that describe
// the message or the connection, which are the client's to set.
func (k *checker) headerName(field, name string) {
	const marks = "!#$%&'*+-.^_`|~"
	token := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(marks, r))
	})
	switch lower := strings.ToLower(name); {
	case !token:
		k.fail(field, quote(name)+" is not a header name", "")
	case slices.Contains([]string{
		"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "proxy-authorization",
	}, lower):
		k.fail(field, "the header "+name+" cannot be set", "")
	}
}

func (k *checker) choice(field, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		k.fail(field, "unknown value "+quote(value)+didYouMean(value, allowed), "expected one of "+strings.Join(allowed, ", "))
	}
}

func (k *checker) numbers() {
	negative := func(field string, n int64) {
		if n < 0 {
			k.fail(field, "must not be negative", "")
		}
	}
	negative("timeout", int64(k.c.Timeout))
	negative("minimumReleaseAge", int64(k.c.MinimumReleaseAge))
	if k.c.Retries != nil {
		negative("retries", int64(*k.c.Retries))
	}
	if c := k.c.Cache; c != nil && c.TTL != nil {
		negative("cache.ttl", int64(*c.TTL))
	}
	if c := k.c.Cache; c != nil && c.StaleIfError != nil {
		negative("cache.staleIfError", int64(*c.StaleIfError))
	}
	if k.c.HealthCheck != nil {
		negative("healthCheck.interval", int64(k.c.HealthCheck.Interval))
	}
}

// unbuilt refuses keys that would make answers safer and are not in this version.
func unbuilt(c Config) error {
	refuse := func(field, why string) error {
		return &ConfigError{
			Source: c.Source, Registry: c.Name, Field: field, Err: pantry.ErrUnsupported,
			Problem: why + ", which isn't available in this version",
			Next:    "remove the key to use the registry without it",
		}
	}
	switch {
	case c.Signatures == "require":
		return refuse("signatures", `"require" asks for every signature to be checked`)
	case c.MinimumReleaseAge > 0:
		return refuse("minimumReleaseAge", "it asks for new versions to be held back")
	}
	return nil
}

// withoutEffect names the keys that are set and have no effect in this version.
func withoutEffect(c Config) []string {
	var keys []string
	add := func(set bool, key string) {
		if set {
			keys = append(keys, key)
		}
	}
	add(c.Signatures == "verify", "signatures")
	return keys
}

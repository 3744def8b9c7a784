package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// merged is one registry as the layers read so far make it.
type merged struct {
	entry
	// given holds the origin of each value, by its path within the entry ("url", "auth.token");
	// "" is the entry itself. A key is there exactly when a layer set it.
	given map[string]origin
	// bad holds the paths that a mistake was reported for.
	bad map[string]bool
	// claimsOnly: see registry.Config.
	claimsOnly  bool
	exposed     string // why the user's own credentials could be read by others
	credentials []credential
	maxConns    int
	ca          []byte
}

// builtIn is the origin of what nobody configured.
const builtIn = "built-in"

// presets are the registries that are there without being configured. Those that package registry
// cannot open yet are there for names with their prefix, and are not searched for others.
func presets() []*merged {
	var out []*merged
	for _, c := range []registry.Config{registry.NPM(), registry.GitHub(), registry.Pkgx()} {
		m := &merged{
			entry:      entry{Name: c.Name, Type: c.Type, URL: c.URL, Priority: *c.Priority},
			given:      map[string]origin{},
			bad:        map[string]bool{},
			claimsOnly: c.Type != "npm",
		}
		for _, key := range []string{"", "name", "type", "url", "priority"} {
			m.given[key] = origin{level: levelBuiltIn, name: builtIn, path: join("registry "+quoted(c.Name), key)}
		}
		out = append(out, m)
	}
	return out
}

// entries are the registries of a document.
func (d *document) entries() []*merged {
	var out []*merged
	byLabel := map[string]*merged{}
	for i, e := range d.file.Registries {
		label := "registries[" + strconv.Itoa(i) + "]"
		m := &merged{entry: e, given: map[string]origin{}, bad: map[string]bool{}}
		if e.Name == "" || d.bad[label+".name"] {
			m.Name = "registries-" + strconv.Itoa(i) // for the time of checking: loading fails
			m.bad["type"] = true                     // with its own name it may need none
		}
		byLabel[label] = m
		out = append(out, m)
	}
	for path, at := range d.offsets {
		label, key := splitPath(path)
		if m := byLabel[label]; m != nil {
			o := d.at(at)
			o.path = path
			m.given[key] = o
		}
	}
	for path := range d.bad {
		label, key := splitPath(path)
		if m := byLabel[label]; m != nil {
			m.bad[key] = true
		}
	}
	return out
}

// splitPath splits "registries[0].auth.token" into "registries[0]" and "auth.token".
func splitPath(path string) (label, key string) {
	i := strings.IndexByte(path, ']')
	if i < 0 {
		return "", ""
	}
	return path[:i+1], strings.TrimPrefix(path[i+1:], ".")
}

// merge puts an entry of a later layer over m, key by key. An entry that gives its type is
// complete: what is built in does not show through it. It returns what the user should know.
func (m *merged) merge(over *merged) []Problem {
	if _, complete := over.given["type"]; complete {
		for key, o := range m.given {
			if o.level == levelBuiltIn {
				m.unset(key)
			}
		}
		m.claimsOnly = false
	}
	warnings := append(m.leaveSecrets(over), m.leaveMirrors(over)...)
	if at, ok := m.given["command"]; ok && slices.Equal(m.Command, over.Command) {
		over.given["command"] = at // the user's own choice stays that
	}
	m.given[""] = over.given[""]
	for key := range over.bad {
		m.bad[key] = true
	}
	for _, f := range fieldsOf(entryType) {
		if _, ok := over.given[f.key]; !ok {
			continue
		}
		m.unset(f.key)
		m.field(f).Set(over.field(f))
		for key, o := range over.given {
			if key == f.key || under(key, f.key) {
				m.given[key] = o
			}
		}
	}
	return warnings
}

func (m *merged) field(f field) reflect.Value {
	return reflect.ValueOf(&m.entry).Elem().FieldByIndex(f.index)
}

// unset removes a key and what is below it.
func (m *merged) unset(key string) {
	f, ok := findField(fieldsOf(entryType), key)
	if !ok {
		return
	}
	m.field(f).SetZero()
	for k := range m.given {
		if k == key || under(k, key) {
			delete(m.given, k)
		}
	}
}

// under says whether path k is below key: "auth.token" below "auth", "mirrors[0]" below "mirrors".
func under(k, key string) bool {
	rest, ok := strings.CutPrefix(k, key)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// secretKeys hold what must not reach another party.
var secretKeys = []string{"auth", "headers", "certFile", "keyFile"}

// leaveSecrets drops the credentials from m where over leads the registry to another origin: they
// were given for the old one.
func (m *merged) leaveSecrets(over *merged) []Problem {
	at, given := over.given["url"]
	if _, ok := over.given["adapter"]; ok && !given && m.URL == "" && over.Adapter != m.Adapter {
		at = over.given["adapter"] // another definition, with another URL
	} else if !given || sameOrigin(m.effectiveURL(), over.effectiveURL()) {
		return nil
	}
	left := m.dropSecrets(func(key string, _ origin) bool { _, own := over.given[key]; return !own })
	return leftBehind(left, at, "the credentials of registry %s were given for another URL and aren't used for this one: %s", m.Name)
}

// leaveMirrors drops the mirrors from m where over leads the registry to another URL, whose content they
// do not have: they must not be asked for it.
func (m *merged) leaveMirrors(over *merged) []Problem {
	at, given := over.given["url"]
	mirrors, ok := m.given["mirrors"]
	if _, own := over.given["mirrors"]; !given || !ok || own || sameURL(m.effectiveURL(), over.effectiveURL()) {
		return nil
	}
	m.unset("mirrors")
	return leftBehind([]string{mirrors.String()}, at, "the mirrors of registry %s are of another URL and aren't used for this one: %s", m.Name)
}

// leaveRoute drops the user's own credentials where the project has chosen a proxy that can read
// along: because the project also says whom to trust, or because nothing is encrypted.
func (m *merged) leaveRoute() []Problem {
	at := m.given["proxy"]
	trusts := m.given["caFile"].byProject() || m.given["ca"].byProject()
	if !at.byProject() || !trusts && strings.HasPrefix(m.effectiveURL(), "https:") {
		return nil
	}
	m.exposed = "the project's proxy (" + at.String() + ") could read them"
	left := m.dropSecrets(func(_ string, o origin) bool { return o.byUser() })
	m.credentials = slices.DeleteFunc(m.credentials, func(c credential) bool {
		if c.at.byUser() {
			left = append(left, c.at.String())
		}
		return c.at.byUser()
	})
	return leftBehind(left, at, "the project's proxy could read what is sent to registry %s, so the user's own credentials aren't used: %s", m.Name)
}

// dropSecrets unsets the secrets that drop chooses, and lists where they were given.
func (m *merged) dropSecrets(drop func(key string, o origin) bool) []string {
	var left []string
	for _, key := range secretKeys {
		if o, ok := m.given[key]; ok && drop(key, o) {
			left = append(left, fmt.Sprintf("%s (%s)", key, o))
			m.unset(key)
		}
	}
	return left
}

func leftBehind(left []string, at origin, format, name string) []Problem {
	if left == nil {
		return nil
	}
	return []Problem{at.say(format, quoted(name), strings.Join(left, ", "))}
}

// effectiveURL is the URL, or the type's well-known one.
func (m *merged) effectiveURL() string {
	if m.URL != "" {
		return m.URL
	}
	for _, k := range registry.Kinds() {
		if k.Type == m.Type {
			return k.DefaultURL
		}
	}
	return ""
}

// sameOrigin says whether two URLs have scheme, host and port in common. URLs with variables have
// it only if they are written alike.
func sameOrigin(a, b string) bool {
	if hasVariable(a) || hasVariable(b) {
		return a == b
	}
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && u.Scheme == v.Scheme && strings.EqualFold(u.Hostname(), v.Hostname()) && portOf(u) == portOf(v)
}

func portOf(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

func mirrorsOf(list []mirror) []registry.Mirror {
	var out []registry.Mirror
	for _, m := range list {
		out = append(out, registry.Mirror(m))
	}
	return out
}

// config is the entry as package registry takes it.
func (m *merged) config() registry.Config {
	e := &m.entry
	c := registry.Config{
		Name: e.Name, Type: e.Type, URL: e.URL, CredentialHelper: e.CredentialHelper, NoLookup: m.noLookup(),
		Packages: e.Packages, Mirrors: mirrorsOf(e.Mirrors), Balance: e.Balance, Timeout: e.Timeout,
		Proxy: e.Proxy, NoProxy: e.NoProxy, CAFile: e.CAFile, CertFile: e.CertFile, KeyFile: e.KeyFile,
		Fallback: registry.Fallback(e.Fallback), MinimumReleaseAge: e.MinimumReleaseAge, Signatures: e.Signatures,
		Insecure: e.Insecure, AllowMissingChecksum: e.AllowMissingChecksum, Assets: e.Assets, TraceContext: e.TraceContext,
		Adapter: e.Adapter, Command: e.Command, Unapproved: m.given["command"].byProject(),
		ClaimsOnly: m.claimsOnly, MaxConns: m.maxConns, CA: m.ca,
		Source: m.given[""].String(),
	}
	if m.has("priority") {
		c.Priority = &e.Priority
	}
	if m.has("retries") {
		c.Retries = &e.Retries
	}
	c.Disabled = m.has("enabled") && !e.Enabled
	if a := e.Auth; a != nil {
		c.Auth = &registry.Auth{
			Type: a.Type, Name: a.Name,
			Token: m.value(a.Token, "auth.token"), Username: m.value(a.Username, "auth.username"),
			Password: m.value(a.Password, "auth.password"), Value: m.value(a.Value, "auth.value"),
		}
	}
	for name, v := range e.Headers {
		if c.Headers == nil {
			c.Headers = make(map[string]registry.Value, len(e.Headers))
		}
		c.Headers[name] = m.value(v, "headers."+name)
	}
	for _, cr := range m.credentials {
		c.Credentials = append(c.Credentials, cr.Credential)
	}
	if e.Cache != nil {
		c.Cache = &registry.Cache{TTL: e.Cache.TTL, StaleIfError: e.Cache.StaleIfError}
	}
	if e.HealthCheck != nil {
		c.HealthCheck = &registry.HealthCheck{Interval: e.HealthCheck.Interval}
	}
	return c
}

// noLookup says why no credential is looked for where the configuration has none.
func (m *merged) noLookup() string {
	if m.exposed == "" && m.has("auth") && m.Auth == nil {
		return "auth is null (" + m.given["auth"].String() + ")"
	}
	return m.exposed
}

func (m *merged) has(key string) bool {
	_, ok := m.given[key]
	return ok && !m.bad[key]
}

func (m *merged) value(raw pantry.Secret, path string) registry.Value {
	if raw.IsZero() {
		return registry.Value{}
	}
	return registry.Value{Raw: raw, Source: m.given[path].String()}
}

// mergeEntries puts a layer's entries over those of earlier layers. Those of the later layer come
// first, in the order of their file, since among registries of one priority the order decides.
func mergeEntries(list, layer []*merged) ([]*merged, []Problem) {
	var out []*merged
	var warnings []Problem
	for _, over := range layer {
		i := slices.IndexFunc(list, func(m *merged) bool { return m.Name == over.Name })
		if i < 0 {
			out = append(out, over)
			continue
		}
		warnings = append(warnings, list[i].merge(over)...)
		out = append(out, list[i])
		list = slices.Delete(list, i, i+1)
	}
	return append(out, list...), warnings
}

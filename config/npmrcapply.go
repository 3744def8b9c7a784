package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// npmValue is the value of one key of npm's configuration.
type npmValue struct {
	key    string
	values []string // as written; several for key[]
	at     origin
	dir    string // that relative paths start from
}

// npmConfig is npm's configuration, as far as it was read: files and npm_config_* variables.
type npmConfig struct {
	getenv func(string) (string, bool)
	home   string
	keys   []string // in the order they were first seen
	values map[string]npmValue
}

// add puts a file's lines over what earlier sources said.
func (n *npmConfig) add(lines []npmrcLine, dir string) {
	fresh := map[string]bool{}
	for _, l := range lines {
		key, _ := npmExpand(l.key, n.getenv)
		value := l.value
		if l.noValue {
			value = "true"
		}
		v, seen := n.values[key]
		if !seen {
			n.keys = append(n.keys, key)
		}
		if !fresh[key] || !l.array {
			v = npmValue{key: key, at: l.at, dir: dir}
		}
		fresh[key] = true
		v.values = append(v.values, value)
		n.values[key] = v
	}
}

// environment adds npm_config_* variables, in either case.
func (n *npmConfig) environment(environ []string) {
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		const prefix = "npm_config_"
		if len(name) <= len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) || value == "" {
			continue
		}
		key := name[len(prefix):]
		if !strings.HasPrefix(key, "//") {
			key = strings.ToLower(key[:1] + strings.ReplaceAll(key[1:], "_", "-"))
		}
		n.add([]npmrcLine{{key: key, value: value, at: origin{level: levelNpmEnv, name: name, path: key}}}, "")
	}
}

// text returns the last value of a key, expanded; ok is false where the key is not set, or set to
// what npm takes for nothing.
func (n *npmConfig) text(key string) (s string, v npmValue, ok bool) {
	v, ok = n.values[key]
	if !ok {
		return "", v, false
	}
	s, _ = npmExpand(v.values[len(v.values)-1], n.getenv)
	return s, v, s != "" && s != "null" && s != "false" && s != "undefined"
}

// list returns all values of a key, those of one line separated by commas.
func (n *npmConfig) list(key string) (all []string, v npmValue, ok bool) {
	v, ok = n.values[key]
	for _, one := range v.values {
		s, _ := npmExpand(one, n.getenv)
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all, v, ok && len(all) > 0
}

// secret is a value that may be secret. Variables are expanded by npm's rules; one that is not set
// is left to fail when the registry is first needed, and its text is never sent.
func (n *npmConfig) secret(v npmValue) registry.Value {
	raw := v.values[len(v.values)-1]
	s, unset := npmExpand(raw, n.getenv)
	if len(unset) > 0 {
		return registry.Value{Raw: pantry.NewSecret("${" + unset[0] + "}"), Source: v.at.String()}
	}
	source := v.at.String()
	if s != raw {
		if name, _, length := npmVariable(raw[max(0, strings.Index(raw, "${")):]); length > 0 {
			source += " (${" + name + "})"
		}
	}
	return registry.Value{Raw: pantry.NewSecret(s), Source: source, Literal: true}
}

// registryEntry is what "registry=" says about the registry npm.
func (n *npmConfig) registryEntry(level level) (*merged, bool) {
	s, v, ok := n.text("registry")
	if !ok || v.at.level != level {
		return nil, false
	}
	given := map[string]origin{"": v.at, "name": v.at, "url": v.at}
	return &merged{entry: entry{Name: "npm", URL: s}, given: given, bad: map[string]bool{}}, true
}

// scopes are the lines "@scope:registry=URL", as entries that claim the scope and are asked for
// nothing else.
func (n *npmConfig) scopes() []*merged {
	var out []*merged
	for _, key := range n.keys {
		scope, ok := strings.CutSuffix(key, ":registry")
		if !ok || !strings.HasPrefix(scope, "@") || len(scope) == 1 {
			continue
		}
		s, v, ok := n.text(key)
		if !ok {
			continue
		}
		e := entry{Name: "npmrc-" + nameOf(scope[1:]), Type: "npm", URL: s, Packages: []string{scope + "/*"}}
		given := map[string]origin{}
		for _, k := range []string{"", "name", "type", "url", "packages", "packages[0]"} {
			given[k] = v.at
		}
		out = append(out, &merged{entry: e, given: given, bad: map[string]bool{}, claimsOnly: true})
	}
	return out
}

// nameOf makes a registry's name of a scope.
func nameOf(scope string) string {
	const longest = 56 // of the 64 a name may have, "npmrc-" and a number to tell two apart
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, scope)
	return name[:min(len(name), longest)]
}

// credential is what npm's configuration gives for one URL.
type credential struct {
	registry.Credential
	at    origin
	unset bool // it needs a variable that is not set
}

// place is what npm's configuration says about one host and path.
type place struct {
	prefix string // "//host[:port]/path/"
	keys   map[string]npmValue
}

// placeKeys are the keys that npm's configuration binds to a URL.
var placeKeys = []string{"_authToken", "_auth", "username", "_password", "certfile", "keyfile", "cafile"}

// places collects the keys "//host/path/:key", and reports credentials that are bound to no URL.
func (n *npmConfig) places(report func(Problem)) []place {
	var out []place
	for _, key := range n.keys {
		v := n.values[key]
		if !strings.HasPrefix(key, "//") {
			if key == "_authToken" || key == "_auth" || key == "_password" {
				report(v.at.problem("%s would go to every registry; bind it to one: %s:%s=…", quoted(key), n.ownPrefix(), key))
			}
			continue
		}
		i := strings.LastIndexByte(key, ':')
		if !slices.Contains(placeKeys, key[i+1:]) {
			continue
		}
		prefix, ok := normalPrefix(key[:i])
		if !ok {
			report(v.at.problem("expected //host/path/:%s=…, got no host that a URL can have", key[i+1:]))
			continue
		}
		j := slices.IndexFunc(out, func(p place) bool { return p.prefix == prefix })
		if j < 0 {
			j = len(out)
			out = append(out, place{prefix, map[string]npmValue{}})
		}
		out[j].keys[key[i+1:]] = v
	}
	return out
}

// ownPrefix is the prefix of the configured registry, for the hint.
func (n *npmConfig) ownPrefix() string {
	if s, _, ok := n.text("registry"); ok {
		if _, rest, ok := strings.Cut(s, ":"); ok {
			if p, ok := normalPrefix(rest); ok {
				return p
			}
		}
	}
	return "//registry.example.com/"
}

// normalPrefix makes one spelling of "//Host:port/path": the host in lower case, a slash at the
// end.
func normalPrefix(s string) (string, bool) {
	u, err := url.Parse("https:" + s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", false
	}
	return "//" + strings.ToLower(u.Host) + strings.TrimSuffix(u.Path, "/") + "/", true
}

// credential is the credential of a place, by npm's precedence.
func (n *npmConfig) credential(p place) (credential, bool) {
	build := func(keys []string, auth registry.Auth, encoded bool) (credential, bool) {
		c := credential{at: p.keys[keys[0]].at}
		for _, k := range keys {
			_, unset := npmExpand(p.keys[k].values[len(p.keys[k].values)-1], n.getenv)
			c.unset = c.unset || len(unset) > 0
		}
		c.Credential = registry.Credential{Scope: p.prefix, Auth: auth, EncodedPassword: encoded, Source: c.at.String()}
		return c, true
	}
	if v, ok := p.keys["_authToken"]; ok {
		return build([]string{"_authToken"}, registry.Auth{Type: registry.AuthBearer, Token: n.secret(v)}, false)
	}
	if v, ok := p.keys["_auth"]; ok {
		return build([]string{"_auth"}, registry.Auth{Type: registry.AuthEncoded, Token: n.secret(v)}, false)
	}
	user, ok1 := p.keys["username"]
	password, ok2 := p.keys["_password"]
	if ok1 && ok2 {
		auth := registry.Auth{Type: registry.AuthBasic, Username: n.secret(user), Password: n.secret(password)}
		return build([]string{"username", "_password"}, auth, true)
	}
	return credential{}, false
}

// apply gives an entry the credentials that may go to it, and what npm's configuration says for
// all registries where the entry does not say it itself.
func (n *npmConfig) apply(m *merged, places []place) {
	target := m.effectiveURL()
	if hasVariable(target) {
		target, _ = npmExpand(target, n.getenv)
	}
	u, err := url.Parse(target)
	if err != nil {
		u = &url.URL{}
	}
	for _, p := range places {
		own := strings.HasPrefix("//"+strings.ToLower(u.Host)+strings.TrimSuffix(u.Path, "/")+"/", p.prefix)
		if c, ok := n.credential(p); ok && (own || !c.unset) && m.npmStyle() {
			c.Scope = m.schemeFor(p.prefix, u) + ":" + p.prefix
			m.credentials = append(m.credentials, c)
		}
		if own {
			m.defaultPath(n, "certFile", p.keys["certfile"])
			m.defaultPath(n, "keyFile", p.keys["keyfile"])
			m.defaultPath(n, "caFile", p.keys["cafile"])
		}
	}
	n.defaults(m)
}

// npmStyle says whether the entry speaks to a registry that npm's credentials are meant for.
func (m *merged) npmStyle() bool { return m.Type == "npm" || m.Type == "custom" }

// schemeFor is https, unless the entry's own host, at u, or that of one of its mirrors is at http.
func (m *merged) schemeFor(prefix string, u *url.URL) string {
	plain := func(u *url.URL) bool {
		return u.Scheme == "http" && strings.HasPrefix(prefix, "//"+strings.ToLower(u.Host)+"/")
	}
	for _, mirror := range m.Mirrors {
		if at, err := url.Parse(mirror.URL); err == nil && plain(at) && !plain(u) {
			u = at
		}
	}
	if plain(u) {
		return "http"
	}
	return "https"
}

func (n *npmConfig) defaults(m *merged) {
	for _, key := range []string{"https-proxy", "proxy"} { // npm uses the first for everything, too
		if s, v, ok := n.text(key); ok && m.vacant("proxy") {
			m.Proxy = s
			m.given["proxy"] = v.at
		}
	}
	for _, key := range []string{"noproxy", "no-proxy"} {
		if all, v, ok := n.list(key); ok && m.vacant("noProxy") {
			m.NoProxy = strings.Join(all, ",")
			m.given["noProxy"] = v.at
		}
	}
	if _, v, ok := n.text("cafile"); ok {
		m.defaultPath(n, "caFile", v)
	}
	if _, v, ok := n.text("ca"); ok && m.vacant("ca") {
		for _, one := range v.values {
			pem, _ := npmExpand(one, n.getenv)
			m.ca = append(append(m.ca, strings.ReplaceAll(pem, `\n`, "\n")...), '\n')
		}
		m.given["ca"] = v.at
	}
	if i, v, ok := n.number("fetch-retries", 0, 20); ok && m.vacant("retries") {
		m.Retries = i
		m.given["retries"] = v.at
	}
	if ms, v, ok := n.number("fetch-timeout", 1, int(maxDuration/time.Millisecond)); ok && m.vacant("timeout") {
		m.Timeout = time.Duration(ms) * time.Millisecond
		m.given["timeout"] = v.at
	}
	if i, v, ok := n.number("maxsockets", 1, 1024); ok {
		m.maxConns = i
		m.given["maxSockets"] = v.at
	}
}

// number is a setting of npm that fits; npm too passes over one that does not.
func (n *npmConfig) number(key string, least, most int) (int, npmValue, bool) {
	s, v, ok := n.text(key)
	if !ok {
		return 0, v, false
	}
	i, err := strconv.Atoi(s)
	return min(i, most), v, err == nil && i >= least
}

func (m *merged) vacant(key string) bool {
	_, given := m.given[key]
	return !given
}

// defaultPath sets a key that is a file, where it is not set.
func (m *merged) defaultPath(n *npmConfig, key string, v npmValue) {
	if v.values == nil || !m.vacant(key) {
		return
	}
	s, unset := npmExpand(v.values[len(v.values)-1], n.getenv)
	if s == "" || len(unset) > 0 {
		return
	}
	f, _ := findField(fieldsOf(entryType), key)
	m.field(f).SetString(resolvePath(s, v.dir, n.home))
	m.given[key] = v.at
}

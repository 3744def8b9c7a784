package config_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/registry/pkg/model"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

// find returns the entry of a name.
func find(t *testing.T, c *config.Config, name string) registry.Config {
	t.Helper()
	i := slices.IndexFunc(c.Registries, func(r registry.Config) bool { return r.Name == name })
	if i < 0 {
		t.Fatalf("there is no registry %q", name)
	}
	return c.Registries[i]
}

func names(c *config.Config) []string {
	var out []string
	for _, r := range c.Registries {
		out = append(out, r.Name)
	}
	return out
}

// row returns what Show says about a key: its value and origin.
func row(t *testing.T, c *config.Config, key string) (value, origin string) {
	t.Helper()
	for _, r := range c.Show() {
		if r.Key == key {
			return r.Value, r.Origin
		}
	}
	return "", ""
}

func wantRow(t *testing.T, c *config.Config, key, value, origin string) {
	t.Helper()
	if v, o := row(t, c, key); v != value || o != origin {
		t.Errorf("%s is %q from %q, want %q from %q", key, v, o, value, origin)
	}
}

// TestNothingConfigured: npm answers unprefixed names, and the other presets are there by name.
func TestNothingConfigured(t *testing.T) {
	t.Parallel()
	c := newWorld(t, nil).mustLoad()
	if diff := cmp.Diff([]string{"npm", "github", "pkgx"}, names(c)); diff != "" {
		t.Error(diff)
	}
	npm := find(t, c, "npm")
	if npm.URL != model.RegistryURLNPM || *npm.Priority != 20 || npm.ClaimsOnly {
		t.Errorf("npm: %+v", npm)
	}
	for _, name := range []string{"github", "pkgx"} {
		if !find(t, c, name).ClaimsOnly {
			t.Errorf("%s is searched for every name", name)
		}
	}
	if len(c.Warnings) > 0 || len(c.Files) > 0 || c.Fallback != registry.Failover || c.FrozenLockfile || c.Offline {
		t.Errorf("%v %v %+v", c.Warnings, c.Files, c.Settings)
	}
	m, err := c.Manager(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := m.Default(); !ok || e.Name() != "npm" {
		t.Errorf("the default registry is %v", e)
	}
}

// TestPrivateAndPublic: a private registry beside the public one, which stays without being
// listed.
func TestPrivateAndPublic(t *testing.T) {
	t.Parallel()
	c, err := project(t, `{"registries": [{"name": "acme", "type": "custom", "url": "https://acme.example", "priority": 10}]}`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Manager(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, e := range m.All() {
		if !e.Config().ClaimsOnly {
			order = append(order, e.Name())
		}
	}
	if diff := cmp.Diff([]string{"acme", "npm"}, order); diff != "" {
		t.Error(diff)
	}
}

func TestPresets(t *testing.T) {
	t.Parallel()
	c, err := project(t, `{"registries": [
		{"name": "npm", "enabled": false},
		{"name": "github", "type": "github", "auth": {"type": "bearer", "token": "${GH}"}},
		{"name": "pkgx", "priority": 5}
	]}`)
	if err != nil {
		t.Fatal(err)
	}
	if npm := find(t, c, "npm"); !npm.Disabled || *npm.Priority != 20 || npm.Type != "npm" {
		t.Errorf("an entry without a type changes the preset: %+v", npm)
	}
	if gh := find(t, c, "github"); gh.Priority != nil || gh.ClaimsOnly || gh.URL != "" {
		t.Errorf("an entry with a type replaces the preset: %+v", gh)
	}
	if p := find(t, c, "pkgx"); *p.Priority != 5 || !p.ClaimsOnly {
		t.Errorf("pkgx: %+v", p)
	}
}

// TestEveryKey: the sample with every key reaches package registry.
func TestEveryKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"pantry.jsonc": sample})
	c := w.mustLoad()
	ten, three, ttl, week := 10, 3, 5*time.Minute, 7*24*time.Hour
	want := registry.Config{
		Name: "acme", Type: "custom", URL: "https://packages.acme.example", Priority: &ten,
		Auth:     &registry.Auth{Type: "bearer"},
		Packages: []string{"@acme/*"}, Mirrors: []registry.Mirror{{URL: "https://eu.acme.example"}}, Balance: "latency",
		Timeout: 30 * time.Second, Retries: &three, Proxy: "socks5://proxy.acme.example:1080", NoProxy: "localhost",
		Cache:    &registry.Cache{TTL: &ttl, StaleIfError: &week},
		Fallback: registry.Failover, HealthCheck: &registry.HealthCheck{Interval: 30 * time.Second}, Signatures: "verify",
		NoLookup: "the project's proxy (pantry.jsonc:20:16) could read them",
		Source:   "pantry.jsonc:3:5",
	}
	got := find(t, c, "acme")
	token, team := got.Auth.Token, got.Headers["X-Team"]
	got.Auth, got.Headers = &registry.Auth{Type: got.Auth.Type}, nil
	sameSecret := cmp.Comparer(func(a, b pantry.Secret) bool { return a == b })
	if diff := cmp.Diff(want, got, sameSecret); diff != "" {
		t.Error(diff)
	}
	if token.Raw.Reveal() != "${ACME_TOKEN}" || token.Source != "pantry.jsonc:11:18" {
		t.Errorf("token %q from %q", token.Raw.Reveal(), token.Source)
	}
	if team.Raw.Reveal() != "web" {
		t.Errorf("header %q", team.Raw.Reveal())
	}
	if c.DefaultRegistry != "acme" || c.ProjectFile != filepath.Join(w.dir, "pantry.jsonc") {
		t.Errorf("%+v %s", c.Settings, c.ProjectFile)
	}
}

// TestPrecedence: each layer wins over those before it.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	steps := []struct {
		do             func()
		offline, store string // the origins
	}{
		{func() {}, "built-in", "built-in"},
		{func() { w.write("~/.config/pantry/pantry.json", `{"offline": true, "storeDir": "s"}`) },
			"~/.config/pantry/pantry.json:1:13", "~/.config/pantry/pantry.json:1:31"},
		{func() { w.write("~/.npmrc", "offline=true") }, "~/.npmrc:1:1", "~/.config/pantry/pantry.json:1:31"},
		{func() { w.write(".npmrc", "\noffline=true") }, ".npmrc:2:1", "~/.config/pantry/pantry.json:1:31"},
		{func() { w.env["npm_config_offline"] = "true" }, "npm_config_offline", "~/.config/pantry/pantry.json:1:31"},
		{func() { w.write("pantry.json", `{"offline": true, "storeDir": "s"}`) }, "pantry.json:1:13", "pantry.json:1:31"},
		{func() { w.env["PANTRY_OFFLINE"], w.env["PANTRY_STORE_DIR"] = "1", "s" }, "PANTRY_OFFLINE", "PANTRY_STORE_DIR"},
		{func() { w.flags = map[string]string{"offline": "true", "storeDir": "/s"} }, "--offline", "--store-dir"},
	}
	for _, s := range steps {
		s.do()
		c := w.mustLoad()
		if _, origin := row(t, c, "offline"); origin != s.offline {
			t.Errorf("offline comes from %q, want %q", origin, s.offline)
		}
		if _, origin := row(t, c, "storeDir"); origin != s.store {
			t.Errorf("storeDir comes from %q, want %q", origin, s.store)
		}
	}
}

// TestMergeByName: a later entry of the same name replaces key by key.
func TestMergeByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.config/pantry/pantry.json": `{"registries": [
			{"name": "mine", "type": "npm", "url": "https://mine.example"},
			{"name": "acme", "type": "custom", "url": "https://acme.example", "priority": 5, "timeout": "1m", "packages": ["@a/*", "@b/*"]}
		]}`,
		"pantry.json": `{"registries": [
			{"name": "first", "type": "npm", "url": "https://first.example"},
			{"name": "acme", "priority": 7, "packages": ["@c/*"]}
		]}`,
	})
	c := w.mustLoad()
	if diff := cmp.Diff([]string{"first", "acme", "mine", "npm", "github", "pkgx"}, names(c)); diff != "" {
		t.Error(diff)
	}
	acme := find(t, c, "acme")
	if acme.URL != "https://acme.example" || *acme.Priority != 7 || acme.Timeout != time.Minute {
		t.Errorf("%+v", acme)
	}
	if diff := cmp.Diff([]string{"@c/*"}, acme.Packages); diff != "" {
		t.Error(diff)
	}
	wantRow(t, c, "registries.acme.url", "https://acme.example", "~/.config/pantry/pantry.json:3:46")
	wantRow(t, c, "registries.acme.priority", "7", "pantry.json:3:33")
	wantRow(t, c, "registries.acme.packages[0]", "@c/*", "pantry.json:3:49")
	wantRow(t, c, "registries.acme.packages[1]", "", "")
	wantRow(t, c, "registries.acme.enabled", "true", "built-in")
	wantRow(t, c, "registries.first.priority", "100", "built-in")
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"pantry.json": `{"registries": [
			{"name": "acme", "type": "custom", "url": "https://acme.example/p", "auth": {"type": "bearer", "token": "${PANTRY_ACME}"}}
		]}`,
		"other.json": `{"concurrency": 3}`,
	})
	for k, v := range map[string]string{
		"PANTRY_REGISTRY": "acme", "PANTRY_FALLBACK": "not-found", "PANTRY_LINKER": "isolated", "PANTRY_OFFLINE": "no",
		"PANTRY_FROZEN_LOCKFILE": "on", "PANTRY_OMIT": "dev, optional", "PANTRY_CONFIG": "other.json", "CI": "true",
		"PANTRY_CACHE_DIR": "kept", "PANTRY_ACME": "x", "PANTRY_LINKRE": "hoisted", "PANTRY_CONCURRENCY": "",
	} {
		w.env[k] = v
	}
	c := w.mustLoad()
	want := config.Settings{
		DefaultRegistry: "acme", Fallback: registry.NotFoundOnly, Linker: "isolated", StoreDir: filepath.Join(w.home, ".local/share/pantry/store"),
		CacheDir: filepath.Join(w.dir, "kept"), FrozenLockfile: true, Omit: []string{"dev", "optional"}, Concurrency: 3,
	}
	if diff := cmp.Diff(want, c.Settings); diff != "" {
		t.Error(diff)
	}
	wantWarnings(t, c, `PANTRY_LINKRE is no variable that pantry reads: did you mean "PANTRY_LINKER"?`)
}

func TestUnknownFlag(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.flags = map[string]string{"storDir": "x"}
	if _, err := w.load(); err == nil || err.Error() != `--stor-dir: there is no setting "storDir": did you mean "storeDir"?` {
		t.Errorf("got %v", err)
	}
}

func wantWarnings(t *testing.T, c *config.Config, want ...string) {
	t.Helper()
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFrozenInCI(t *testing.T) {
	t.Parallel()
	for ci, want := range map[string]bool{"": false, "0": false, "false": false, "true": true, "1": true, "woodpecker": true} {
		w := newWorld(t, nil)
		w.env["CI"] = ci
		if got := w.mustLoad().FrozenLockfile; got != want {
			t.Errorf("CI=%q: %v", ci, got)
		}
		if got := w.mustLoad().FrozenByCI(); got != want {
			t.Errorf("CI=%q: by CI: %v", ci, got)
		}
	}
	w := newWorld(t, map[string]string{"pantry.json": `{"frozenLockfile": false}`})
	w.env["CI"] = "true"
	if w.mustLoad().FrozenLockfile {
		t.Error("a file can't switch it off")
	}
}

// TestRegistryVariable: a URL is that of an entry, or becomes that of npm.
func TestRegistryVariable(t *testing.T) {
	t.Parallel()
	files := map[string]string{"pantry.json": `{"registries": [{"name": "acme", "type": "custom", "url": "https://acme.example/p"}]}`}
	w := newWorld(t, files)
	w.env["PANTRY_REGISTRY"] = "https://ACME.example:443/p/"
	if c := w.mustLoad(); c.DefaultRegistry != "acme" || find(t, c, "npm").URL != model.RegistryURLNPM {
		t.Errorf("%+v", c.Settings)
	}
	w.env["PANTRY_REGISTRY"] = "https://mirror.example/npm/"
	c := w.mustLoad()
	if c.DefaultRegistry != "npm" || find(t, c, "npm").URL != "https://mirror.example/npm/" {
		t.Errorf("%+v", c.Settings)
	}
	wantRow(t, c, "registries.npm.url", "https://mirror.example/npm/", "PANTRY_REGISTRY")
	w.env["PANTRY_REGISTRY"] = "acem"
	if _, err := w.load(); err == nil || err.Error() != `PANTRY_REGISTRY: no registry is named "acem": did you mean "acme"?` {
		t.Errorf("%v", err)
	}
	w.env["PANTRY_REGISTRY"] = "https://user:hunter2@mirror.example"
	if _, err := w.load(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

func TestConfigVariable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"~/.config/pantry/pantry.json": `{"offline": true}`, "~/mine.json": `{"linker": "hoisted"}`})
	w.env["PANTRY_CONFIG"] = "~/mine.json"
	c := w.mustLoad()
	if c.Offline || c.Linker != "hoisted" {
		t.Errorf("%+v", c.Settings)
	}
	w.env["PANTRY_CONFIG"] = "gone.json"
	if _, err := w.load(); err == nil || !strings.HasPrefix(err.Error(), "PANTRY_CONFIG: there is no file") {
		t.Errorf("%v", err)
	}
}

// TestPaths: relative paths start from the file that holds them.
func TestPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.config/pantry/pantry.json": `{"registries": [{"name": "npm", "caFile": "ca.pem"}], "storeDir": "~/store", "cacheDir": "cache"}`,
		"pantry.json":                  `{"registries": [{"name": "npm", "certFile": "certs/me.pem", "keyFile": "${KEYS}/me.key"}]}`,
	})
	c := w.mustLoad()
	npm := find(t, c, "npm")
	got := []string{npm.CAFile, npm.CertFile, npm.KeyFile, c.StoreDir, c.CacheDir}
	want := []string{
		filepath.Join(w.home, ".config/pantry/ca.pem"), filepath.Join(w.dir, "certs/me.pem"), "${KEYS}/me.key", filepath.Join(w.home, "store"),
		filepath.Join(w.home, ".config/pantry/cache"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBaseFolders: where the user's files are looked for.
func TestBaseFolders(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file := filepath.Join(root, "xdg", "pantry", "pantry.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"concurrency": 9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"XDG_CONFIG_HOME": filepath.Join(root, "xdg"), "XDG_DATA_HOME": filepath.Join(root, "data"), "XDG_CACHE_HOME": filepath.Join(root, "cache"),
	}
	c, err := config.Load(config.Options{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	if c.Concurrency != 9 || c.StoreDir != filepath.Join(root, "data", "pantry", "store") || c.CacheDir != filepath.Join(root, "cache", "pantry") {
		t.Errorf("%+v", c.Settings)
	}
	c, err = config.Load(config.Options{Env: func(string) (string, bool) { return "", false }})
	if err != nil || c.StoreDir != "" || c.CacheDir != "" {
		t.Errorf("without any environment: %v, %+v", err, c)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"pantry.json": `{"offline": 1}`,
		".npmrc":      "_auth=x",
		"docs.json": `{
  "registries": [
    {"name": "npm", "type": "npm", "url": "https://npm.example", "priority": 10},
    {"name": "public", "type": "npm", "priority": 10},
    {"name": "acme", "type": "custom", "url": "https://acme.example", "priority": 20},
    {"name": "claims", "type": "custom", "url": "https://claims.example", "priority": 20, "packages": ["@c/*"]},
  ],
}`,
	})
	c, err := config.Validate(w.path("docs.json"), w.options())
	if err != nil {
		t.Fatal(err)
	}
	wantWarnings(t, c, `docs.json:5:83: registries[2].priority: registry "acme" (priority 20) is asked after the public registry "public" `+
		`(priority 10), whose package of the same name would be taken; give it a priority from 1 to 10, or list its names in "packages"`)
	if _, err := config.Validate(w.path("pantry.json"), w.options()); err == nil {
		t.Error("a mistake is not found")
	}
	if _, err := config.Validate(w.path("gone.json"), w.options()); err == nil || err.Error() != "gone.json: there is no such file" {
		t.Errorf("%v", err)
	}
}

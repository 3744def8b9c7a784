package config_test

import (
	"errors"
	"os"
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

// credentials lists what an entry has from .npmrc files: scope, type and values.
func credentials(r registry.Config) []string {
	var out []string
	for _, c := range r.Credentials {
		parts := []string{c.Scope, c.Auth.Type}
		for _, v := range []registry.Value{c.Auth.Token, c.Auth.Username, c.Auth.Password} {
			if !v.Raw.IsZero() {
				parts = append(parts, v.Raw.Reveal())
			}
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func TestNpmrcCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		npmrc string
		env   map[string]string
		want  []string // of the registry npm
	}{
		"none":   {"registry=https://r.example/", nil, nil},
		"bearer": {"registry=https://r.example/\n//r.example/:_authToken=tok", nil, []string{"https://r.example/ bearer tok"}},
		"variable": {"registry=https://r.example/\n//r.example/:_authToken=${T}", map[string]string{"T": "tok"},
			[]string{"https://r.example/ bearer tok"}},
		"unset, own host": {"registry=https://r.example/\n//r.example/:_authToken=x${T}", nil,
			[]string{"https://r.example/ bearer ${T}"}}, // an error when it is used; never sent
		"unset, optional":     {"registry=https://r.example/\n//r.example/:_authToken=x${T?}", nil, []string{"https://r.example/ bearer x"}},
		"unset, default":      {"registry=https://r.example/\n//r.example/:_authToken=${T:-d}", nil, []string{"https://r.example/ bearer d"}},
		"unset, another host": {"registry=https://r.example/\n//other.example/:_authToken=${T}", nil, nil},
		"another host": {"registry=https://r.example/\n//cdn.example/:_authToken=tok", nil,
			[]string{"https://cdn.example/ bearer tok"}},
		"basic in one": {"registry=https://r.example/\n//r.example/:_auth=dTpw", nil, []string{"https://r.example/ encoded dTpw"}},
		"basic in two": {"registry=https://r.example/\n//r.example/:username=u\n//r.example/:_password=cA==", nil,
			[]string{"https://r.example/ basic u cA=="}},
		"name alone": {"registry=https://r.example/\n//r.example/:username=u", nil, nil},
		"precedence": {"registry=https://r.example/\n//r.example/:_auth=dTpw\n//r.example/:_authToken=tok\n//r.example/:username=u", nil,
			[]string{"https://r.example/ bearer tok"}},
		"path and port": {"registry=https://r.example:8443/a/b\n//R.example:8443/a:_authToken=tok", nil,
			[]string{"https://r.example:8443/a/ bearer tok"}},
		"loopback": {"registry=http://localhost:4873/\n//localhost:4873/:_authToken=tok", nil,
			[]string{"http://localhost:4873/ bearer tok"}},
		"host in variable": {"registry=https://r.example/\n//${H}/:_authToken=tok", map[string]string{"H": "r.example"},
			[]string{"https://r.example/ bearer tok"}},
		"last line wins": {"registry=https://r.example/\n//r.example/:_authToken=a\n//r.example/:_authToken=b", nil,
			[]string{"https://r.example/ bearer b"}},
		"other keys": {"registry=https://r.example/\n//r.example/:email=e\n//r.example/:always-auth=true\n//r.example/:x=y", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{".npmrc": c.npmrc})
			w.env = c.env
			got := find(t, w.mustLoad(), "npm")
			if diff := cmp.Diff(c.want, credentials(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNpmrcUnsetVariable: the registry can't be opened, and the error says which variable where.
func TestNpmrcUnsetVariable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{".npmrc": "registry=https://r.example/\n//r.example/:_authToken=${NPM_TOKEN}"})
	m, err := w.mustLoad().Manager(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := m.Get("npm")
	if err = e.Err(); !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), "NPM_TOKEN") || !strings.Contains(err.Error(), ".npmrc:2:1") {
		t.Errorf("got %v", err)
	}
}

// TestNpmrcLiteral: what a variable holds is sent as it is, even if it looks like a variable.
func TestNpmrcLiteral(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{".npmrc": "registry=https://r.example/\n//r.example/:_authToken=${T}"})
	w.env["T"] = "a${NOPE}b"
	c := w.mustLoad()
	if got := credentials(find(t, c, "npm")); !slices.Equal(got, []string{"https://r.example/ bearer a${NOPE}b"}) {
		t.Errorf("%q", got)
	}
	m, err := c.Manager(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := m.Get("npm"); e.Err() != nil {
		t.Error(e.Err())
	}
}

func TestNpmrcUnbound(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"_auth", "_authToken", "_password"} {
		_, err := newWorld(t, map[string]string{"~/.npmrc": "registry=https://r.example/x\n" + key + "=tok-1"}).load()
		want := `~/.npmrc:2:1: "` + key + `" would go to every registry; bind it to one: //r.example/x/:` + key + "=…"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := newWorld(t, map[string]string{".npmrc": "//u:p@h/:_authToken=tok-1"}).load()
	if err == nil || err.Error() != ".npmrc:1:1: expected //host/path/:_authToken=…, got no host that a URL can have" {
		t.Errorf("got %v", err)
	}
}

func TestNpmrcScopes(t *testing.T) {
	t.Parallel()
	type claim struct {
		Name, URL  string
		Packages   []string
		ClaimsOnly bool
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []claim // those with claims
	}{
		"new registry": {map[string]string{".npmrc": "@acme:registry=https://npm.acme.example/"},
			[]claim{{"npmrc-acme", "https://npm.acme.example/", []string{"@acme/*"}, true}}},
		"two scopes of one": {map[string]string{".npmrc": "@a:registry=https://x.example/\n@b:registry=https://x.example"},
			[]claim{{"npmrc-a", "https://x.example/", []string{"@a/*", "@b/*"}, true}}},
		"at a configured registry": {map[string]string{
			".npmrc":      "@acme:registry=https://npm.acme.example/x/",
			"pantry.json": `{"registries": [{"name": "acme", "type": "npm", "url": "https://npm.acme.example/x"}]}`},
			[]claim{{"acme", "https://npm.acme.example/x", []string{"@acme/*"}, false}}},
		"at npm": {map[string]string{".npmrc": "@types:registry=" + model.RegistryURLNPM + "/"},
			[]claim{{"npm", model.RegistryURLNPM, []string{"@types/*"}, false}}},
		"the project's file wins": {map[string]string{
			".npmrc":      "@acme:registry=https://old.example/",
			"pantry.json": `{"registries": [{"name": "acme", "type": "npm", "url": "https://new.example", "packages": ["@acme/*"]}]}`},
			[]claim{{"acme", "https://new.example", []string{"@acme/*"}, false}}},
		"the user's file gives way": {map[string]string{
			".npmrc":                       "@acme:registry=https://new.example/",
			"~/.config/pantry/pantry.json": `{"registries": [{"name": "acme", "type": "npm", "url": "https://old.example", "packages": ["@acme/*"]}]}`},
			[]claim{{"npmrc-acme", "https://new.example/", []string{"@acme/*"}, true}}},
		"project over user": {map[string]string{
			"~/.npmrc": "@acme:registry=https://old.example/", ".npmrc": "@acme:registry=https://new.example/"},
			[]claim{{"npmrc-acme", "https://new.example/", []string{"@acme/*"}, true}}},
		"names that collide": {map[string]string{".npmrc": "@a~b:registry=https://x.example/\n@a'b:registry=https://y.example"},
			[]claim{{"npmrc-a-b", "https://x.example/", []string{"@a~b/*"}, true}, {"npmrc-a-b-x", "https://y.example", []string{"@a'b/*"}, true}}},
		"nothing": {map[string]string{".npmrc": "@:registry=https://x.example/\n@a:registry=\n@b:registri=x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := newWorld(t, c.files).load()
			if err != nil {
				t.Fatal(err)
			}
			var got []claim
			for _, r := range cfg.Registries {
				if len(r.Packages) > 0 {
					got = append(got, claim{r.Name, r.URL, r.Packages, r.ClaimsOnly})
				}
			}
			slices.SortFunc(got, func(a, b claim) int { return strings.Compare(a.Name, b.Name) })
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNpmrcSettings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.npmrc": "fetch-retries=5\nfetch-timeout=60000\nmaxsockets=8\nnoproxy=a.example,b.example\ncafile=certs/ca.pem\nomit=dev\n" +
			"https-proxy=http://u:hunter2@proxy.example:3128\nproxy=http://other.example\nsave-exact=true\n[x]\ny=z",
		".npmrc": "ca[]=\"-----BEGIN 1\\n-----\"\nca[]=second\nstrict-ssl=false\nmin-release-age=3\nregistry = https://r.example/npm/\n" +
			"//r.example/:certfile=me.pem\n//r.example/:keyfile=/k/me.key\n//s.example/:certfile=not.pem\nfetch-retries=oops",
		"pantry.json": `{"registries": [{"name": "acme", "type": "custom", "url": "https://acme.example", "retries": 1, "proxy": "http://own.example"}]}`,
	})
	c := w.mustLoad()
	npm, acme := find(t, c, "npm"), find(t, c, "acme")
	if npm.URL != "https://r.example/npm/" || npm.Timeout != time.Minute || npm.MaxConns != 8 || npm.NoProxy != "a.example,b.example" {
		t.Errorf("%+v", npm)
	}
	if npm.Retries != nil {
		t.Error("a number that is none is taken")
	}
	if npm.CAFile != w.path("~/certs/ca.pem") || npm.CertFile != w.path("me.pem") || npm.KeyFile != "/k/me.key" {
		t.Errorf("%s %s %s", npm.CAFile, npm.CertFile, npm.KeyFile)
	}
	if string(npm.CA) != "-----BEGIN 1\n-----\nsecond\n" {
		t.Errorf("%q", npm.CA)
	}
	if npm.Proxy != "http://u:hunter2@proxy.example:3128" || acme.Proxy != "http://own.example" || *acme.Retries != 1 || acme.CertFile != "" {
		t.Errorf("%s %+v", npm.Proxy, acme)
	}
	if diff := cmp.Diff([]string{"dev"}, c.Omit); diff != "" {
		t.Error(diff)
	}
	wantWarnings(t, c,
		".npmrc:3:1: strict-ssl=false isn't obeyed: certificates are always checked; name the authority to trust with cafile",
		".npmrc:4:1: min-release-age isn't available in this version")
	wantRow(t, c, "registries.npm.proxy", "http://proxy.example:3128", "~/.npmrc:7:1")
	wantRow(t, c, "registries.npm.url", "https://r.example/npm/", ".npmrc:5:1")
	wantRow(t, c, "registries.npm.ca", "certificates in PEM", ".npmrc:1:1")
}

func TestNpmrcSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.npmrc": "registry=https://user.example/", "~/other": "registry=https://other.example/",
	})
	steps := []struct {
		do   func()
		want string
	}{
		{func() {}, "https://user.example/"},
		{func() { w.env["npm_config_userconfig"] = "~/other" }, "https://other.example/"},
		{func() { w.write(".npmrc", "registry=https://project.example/") }, "https://project.example/"},
		{func() { w.env["NPM_CONFIG_REGISTRY"] = "https://variable.example/" }, "https://variable.example/"},
		{func() { w.write("pantry.json", `{"registries": [{"name": "npm", "url": "https://file.example/"}]}`) }, "https://file.example/"},
	}
	for _, s := range steps {
		s.do()
		if got := find(t, w.mustLoad(), "npm").URL; got != s.want {
			t.Errorf("got %s, want %s", got, s.want)
		}
	}
}

func TestNpmrcTooLong(t *testing.T) {
	t.Parallel()
	_, err := newWorld(t, map[string]string{".npmrc": strings.Repeat("a=b\n", 501)}).load()
	if err == nil || err.Error() != ".npmrc:501:1: expected at most 500 settings in a file" {
		t.Errorf("got %v", err)
	}
}

// TestProjectCannotTakeSecrets: a project that leads the user's registry elsewhere doesn't get the
// user's credential.
func TestProjectCannotTakeSecrets(t *testing.T) {
	t.Parallel()
	user := `{"registries": [{"name": "acme", "type": "custom", "url": "https://acme.example", "auth": {"type": "bearer", "token": "${T}"}, "headers": {"X-Key": "k"}}]}`
	for name, c := range map[string]struct {
		entry, npmrc string
		kept         bool
	}{
		"nothing changed":    {`{"name": "acme", "priority": 3}`, "", true},
		"another path":       {`{"name": "acme", "url": "https://acme.example/path"}`, "", true},
		"another host":       {`{"name": "acme", "url": "https://evil.example"}`, "", false},
		"another port":       {`{"name": "acme", "url": "https://acme.example:444"}`, "", false},
		"unencrypted":        {`{"name": "acme", "url": "http://acme.example", "insecure": true}`, "", false},
		"variable":           {`{"name": "acme", "url": "https://${HOST}"}`, "", false},
		"proxy":              {`{"name": "acme", "proxy": "http://proxy.example"}`, "", true},
		"authority":          {`{"name": "acme", "caFile": "ca.pem"}`, "", true},
		"proxy and ca":       {`{"name": "acme", "proxy": "http://evil.example", "caFile": "ca.pem"}`, "", false},
		"proxy and ca npmrc": {`{"name": "acme", "caFile": "ca.pem"}`, "proxy=http://evil.example", false},
		"both npmrc":         {`{"name": "acme"}`, "proxy=http://evil.example\nca=x", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{
				"~/.config/pantry/pantry.json": user, ".npmrc": c.npmrc, "~/.npmrc": "//acme.example/:_authToken=tok",
				"pantry.json": `{"registries": [` + c.entry + `]}`,
			})
			cfg := w.mustLoad()
			acme := find(t, cfg, "acme")
			if kept := acme.Auth != nil && acme.Headers != nil; kept != c.kept {
				t.Errorf("auth and headers are kept: %v, want %v", kept, c.kept)
			}
			warned := slices.ContainsFunc(cfg.Warnings, func(p config.Problem) bool {
				return strings.Contains(p.Message, "auth (~/.config/pantry/pantry.json:1:91), headers (")
			})
			if warned == c.kept {
				t.Errorf("warnings: %v", cfg.Warnings)
			}
		})
	}
	// Nor does a variable lead a credential elsewhere.
	v := newWorld(t, map[string]string{"pantry.json": `{"registries": [{"name": "npm", "auth": {"type": "bearer", "token": "${T}"}}]}`})
	v.env["PANTRY_REGISTRY"] = "https://other.example"
	cfg := v.mustLoad()
	if find(t, cfg, "npm").Auth != nil {
		t.Error("npm's credential goes to the URL of a variable")
	}
	wantWarnings(t, cfg, `PANTRY_REGISTRY: the credentials of registry "npm" were given for another URL and aren't used for this one: auth (pantry.json:1:41)`)
	// With its own credential the project may lead its registry where it wants.
	w := newWorld(t, map[string]string{
		"~/.config/pantry/pantry.json": user,
		"pantry.json":                  `{"registries": [{"name": "acme", "url": "https://b.example", "auth": {"type": "bearer", "token": "${OWN}"}}]}`,
	})
	if got := find(t, w.mustLoad(), "acme").Auth.Token.Raw.Reveal(); got != "${OWN}" {
		t.Errorf("token %q", got)
	}
}

func TestSecretsUnderGit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"pantry.json": `{"registries": [
  {"name": "a", "type": "npm", "url": "https://a.example", "auth": {"type": "bearer", "token": "tok-1"}},
  {"name": "b", "type": "npm", "url": "https://b.example", "auth": {"type": "basic", "username": "u", "password": "${P}"}, "proxy": "http://u:tok-2@p.example"}
]}`})
	if c := w.mustLoad(); len(c.Warnings) > 0 {
		t.Errorf("without git: %v", c.Warnings)
	}
	w.gitTracked = func(path string) bool { return path == w.path("pantry.json") }
	const tail = ": the secret is written here, and git tracks this file: replace the secret, and write it as ${VARIABLE}"
	wantWarnings(t, w.mustLoad(), "pantry.json:2:96: registries[0].auth.token"+tail, "pantry.json:3:133: registries[1].proxy"+tail)
}

func TestGitTracks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"pantry.json": "{}"})
	if config.GitTracks(w.path("pantry.json")) {
		t.Error("a file outside of any repository is tracked")
	}
	if _, err := os.Stat(w.path(".git")); err == nil {
		t.Error("asking makes a repository")
	}
}

package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

func secret(s string) registry.Value { return registry.Value{Raw: pantry.NewSecret(s)} }

func good() registry.Config {
	return registry.Config{Name: "acme", Type: "custom", URL: "https://packages.acme.example", Source: "pantry.json:3:5"}
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	with := func(change func(*registry.Config)) registry.Config {
		c := good()
		change(&c)
		return c
	}
	type conf = registry.Config
	tests := map[string]struct {
		c    conf
		want string // in the message; "" for a good entry
	}{
		"good":                      {good(), ""},
		"no name":                   {with(func(c *conf) { c.Name = "" }), "name: a registry needs a name"},
		"space in name":             {with(func(c *conf) { c.Name = "my registry" }), "a name is letters, digits"},
		"name begins with dash":     {with(func(c *conf) { c.Name = "-x" }), "a name is letters, digits"},
		"colon in name":             {with(func(c *conf) { c.Name = "a:b" }), "a name is letters, digits"},
		"long name":                 {with(func(c *conf) { c.Name = strings.Repeat("a", 65) }), "at most 64"},
		"name of a spec's prefix":   {with(func(c *conf) { c.Name = "file" }), `"file:" in front of a package means something else`},
		"name of another type":      {with(func(c *conf) { c.Name = "npm" }), "named like the type npm has to be of that type"},
		"name of its type":          {with(func(c *conf) { c.Name = "custom" }), ""},
		"no type":                   {with(func(c *conf) { c.Type = "" }), "type: a registry needs a type, one of npm, custom, github, pkgx, adapter"},
		"misspelt type":             {with(func(c *conf) { c.Type = "costum" }), `unknown type "costum"; did you mean "custom"?`},
		"no url":                    {with(func(c *conf) { c.URL = "" }), "url: a registry of type custom needs a URL"},
		"well-known url":            {with(func(c *conf) { c.Type, c.URL = "npm", "" }), ""},
		"ftp":                       {with(func(c *conf) { c.URL = "ftp://x.example" }), "begins with https:// or http://"},
		"no host":                   {with(func(c *conf) { c.URL = "https:///x" }), "has no host"},
		"no url at all":             {with(func(c *conf) { c.URL = "packages.acme.example" }), "begins with https://"},
		"password in url":           {with(func(c *conf) { c.URL = "https://u:hunter2@x.example" }), "must not hold a user name or password"},
		"variable password in url":  {with(func(c *conf) { c.URL = "https://${U}:${P}@x.example/" }), "must not hold a user name or password"},
		"query in url":              {with(func(c *conf) { c.URL = "https://x.example/?token=hunter2" }), "no query"},
		"http":                      {with(func(c *conf) { c.URL = "http://x.example" }), "plain http"},
		"http to itself":            {with(func(c *conf) { c.URL = "http://127.0.0.1:4873" }), ""},
		"http to itself by name":    {with(func(c *conf) { c.URL = "http://localhost:4873" }), ""},
		"http to itself, version 6": {with(func(c *conf) { c.URL = "http://[::1]:4873" }), ""},
		"http that looks local":     {with(func(c *conf) { c.URL = "http://localhost.example" }), "plain http"},
		"insecure":                  {with(func(c *conf) { c.URL, c.Insecure = "http://x.example", true }), ""},
		"variable url":              {with(func(c *conf) { c.URL = "${HOST:-https://x.example}" }), ""},
		"mirror twice": {with(func(c *conf) {
			c.Mirrors = []registry.Mirror{{URL: "https://ok.example"}, {URL: "https://ok.example/"}}
		}), "twice"},
		"mirror that is the registry": {with(func(c *conf) { c.Mirrors = []registry.Mirror{{URL: c.URL + "/"}} }), "mirrors[0]: "},
		"mirror's weight":             {with(func(c *conf) { c.Mirrors = []registry.Mirror{{URL: "https://ok.example", Weight: 1001}} }), "1 to 1000"},
		"mirror":                      {with(func(c *conf) { c.Mirrors = []registry.Mirror{{URL: "https://ok.example"}, {URL: "nope"}} }), "mirrors[1]: "},
		"auth without type":           {with(func(c *conf) { c.Auth = &registry.Auth{} }), "auth.type: auth needs a type"},
		"misspelt auth":               {with(func(c *conf) { c.Auth = &registry.Auth{Type: "bear"} }), `did you mean "bearer"?`},
		"bearer without token":        {with(func(c *conf) { c.Auth = &registry.Auth{Type: "bearer"} }), "auth.token"},
		"basic without both":          {with(func(c *conf) { c.Auth = &registry.Auth{Type: "basic"} }), "username and password"},
		"custom without value":        {with(func(c *conf) { c.Auth = &registry.Auth{Type: "custom", Name: "X-Key"} }), "auth.value"},
		"custom with a bad name":      {with(func(c *conf) { c.Auth = &registry.Auth{Type: "custom", Name: "X Key", Value: secret("v")} }), "is not a header name"},
		"custom with the host":        {with(func(c *conf) { c.Auth = &registry.Auth{Type: "custom", Name: "Host", Value: secret("v")} }), "cannot be set"},
		"oidc without token":          {with(func(c *conf) { c.Auth = &registry.Auth{Type: "oidc"} }), ""},
		"credential in headers":       {with(func(c *conf) { c.Headers = map[string]registry.Value{"authorization": secret("v")} }), "do not belong in headers"},
		"bad header":                  {with(func(c *conf) { c.Headers = map[string]registry.Value{"X:Y": secret("v")} }), "is not a header name"},
		"misspelt fallback":           {with(func(c *conf) { c.Fallback = "notfound" }), `did you mean "not-found"?`},
		"misspelt balance":            {with(func(c *conf) { c.Balance = "round robin" }), `did you mean "round-robin"?`},
		"misspelt signatures":         {with(func(c *conf) { c.Signatures = "required" }), `did you mean "require"?`},
		"negative timeout":            {with(func(c *conf) { c.Timeout = -1 }), "timeout: must not be negative"},
		"negative retries":            {with(func(c *conf) { c.Retries = ptr(-1) }), "retries: must not be negative"},
		"negative cache":              {with(func(c *conf) { c.Cache = &registry.Cache{TTL: ptr(time.Duration(-1))} }), "cache.ttl"},
		"negative health":             {with(func(c *conf) { c.HealthCheck = &registry.HealthCheck{Interval: -1} }), "healthCheck.interval"},
		"bad pattern":                 {with(func(c *conf) { c.Packages = []string{"@acme"} }), `packages[0]: pattern "@acme" matches no name`},
		"pattern within another":      {with(func(c *conf) { c.Packages = []string{"@acme/ui", "@acme/*"} }), `packages[0]: pattern "@acme/ui" is never reached`},
		"pattern twice":               {with(func(c *conf) { c.Packages = []string{"x", "x"} }), `packages[1]: pattern "x" is never reached`},
		"pattern with unset variable": {with(func(c *conf) { c.Packages = []string{"@${TEAM}/*"} }), "packages[0]: variable TEAM is not set"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := registry.NewManager(registry.Options{Getenv: noEnv})
			err := m.Add(tt.c)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, pantry.ErrConfig) {
				t.Fatalf("got %v, want an ErrConfig with %q", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "pantry.json:3:5: ") {
				t.Errorf("%q does not begin with the place", err)
			}
			if strings.Contains(err.Error()+pantry.Hint(err), "hunter2") {
				t.Errorf("%q tells a secret", err)
			}
			if len(m.All()) != 0 {
				t.Error("it was added all the same")
			}
		})
	}
}

func noEnv(string) (string, bool) { return "", false }

func TestLoadTellsAllMistakes(t *testing.T) {
	t.Parallel()
	m := registry.NewManager(registry.Options{})
	if err := m.Add(good()); err != nil {
		t.Fatal(err)
	}
	err := m.Load([]registry.Config{
		{Name: "a", Type: "nmp", Source: "f:1"},
		{Name: "b", Type: "npm", URL: "ftp://x.example", Fallback: "sometimes", Source: "f:2"},
		{Name: "B", Type: "npm", Source: "f:3"},
	}, "c")
	for _, want := range []string{
		`f:1: registry "a": type: unknown type "nmp"; did you mean "npm"?`,
		`f:2: registry "b": url: a registry's URL begins`,
		`f:2: registry "b": fallback: unknown value "sometimes"`,
		`f:3: registry "B": name: the name is taken by the registry of f:2 ("b": names differ in more than capitals)`,
		`defaultRegistry: no registry is named "c"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in:\n%v", want, err)
		}
	}
	if got := m.All(); len(got) != 1 || got[0].Name() != "acme" {
		t.Errorf("a failed Load changed the registries: %v", got)
	}
	if err := m.Load([]registry.Config{registry.NPM(), good()}, "acme"); err != nil {
		t.Fatal(err)
	}
	if e, ok := m.Default(); !ok || e.Name() != "acme" || len(m.All()) != 2 {
		t.Errorf("default %v of %d", e, len(m.All()))
	}
}

func TestClaimsThatClash(t *testing.T) {
	t.Parallel()
	type entry struct {
		priority int
		mode     registry.Fallback
		claims   []string
	}
	tests := map[string]struct {
		entries []entry
		mode    registry.Fallback
		want    string
	}{
		"same priority, same pattern":  {[]entry{{1, "", []string{"@acme/*"}}, {1, "", []string{"@acme/*"}}}, "", `claims names that registry "r0" claims too ("@acme/*"), and both have priority 1`},
		"same priority, overlap":       {[]entry{{1, "", []string{"@a*/*"}}, {1, "", []string{"@*e/ui"}}}, "", "claims too"},
		"same priority, disjoint":      {[]entry{{1, "", []string{"@acme/*"}}, {1, "", []string{"@other/*", "acme"}}}, "", ""},
		"one behind the other":         {[]entry{{1, "", []string{"@acme/*"}}, {2, "", []string{"@acme/*"}}}, "", ""},
		"behind one that never yields": {[]entry{{1, registry.Never, []string{"@acme/*"}}, {2, "", []string{"@acme/ui"}}}, "", `is never reached: registry "r0" claims "@acme/*" before it`},
		"the same by the manager":      {[]entry{{1, "", []string{"@acme/*"}}, {2, "", []string{"@acme/ui"}}}, registry.Never, "is never reached"},
		"in the other order":           {[]entry{{2, "", []string{"@acme/ui"}}, {1, registry.Never, []string{"@acme/*"}}}, "", "is never reached"},
		"partly behind it":             {[]entry{{1, registry.Never, []string{"@acme/u*"}}, {2, "", []string{"@acme/*"}}}, "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var configs []registry.Config
			for i, e := range tt.entries {
				c := good()
				c.Name, c.Priority, c.Fallback, c.Packages = fmt.Sprintf("r%d", i), &e.priority, e.mode, e.claims
				configs = append(configs, c)
			}
			err := registry.NewManager(registry.Options{Fallback: tt.mode}).Load(configs, "")
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, pantry.ErrConfig)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPresetsAndOrder(t *testing.T) {
	t.Parallel()
	m := registry.NewManager(registry.Options{})
	later := good()
	later.Name = "later"
	for _, c := range []registry.Config{good(), registry.GitHub(), registry.NPM(), later, registry.Pkgx(),
		{Name: "mid", Type: "npm", Priority: ptr(15)}, {Name: "minus", Type: "npm", Priority: ptr(-1)}} {
		if err := m.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	var order []string
	for _, e := range m.All() {
		order = append(order, fmt.Sprintf("%s %d", e.Name(), e.Priority()))
	}
	want := []string{"minus -1", "pkgx 10", "mid 15", "npm 20", "github 30", "acme 100", "later 100"}
	if !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if e, ok := m.ByType("npm"); !ok || e.Name() != "minus" {
		t.Errorf("first npm %v", e)
	}
	if e, ok := m.Default(); !ok || e.Name() != "minus" {
		t.Errorf("default %v", e)
	}
	must(t, m.SetEnabled("minus", false))
	if e, _ := m.ByType("npm"); e.Name() != "mid" {
		t.Errorf("first enabled npm %v", e.Name())
	}
	if e, _ := m.Default(); e.Name() != "pkgx" {
		t.Errorf("default %v", e.Name())
	}
	if e, ok := m.Get("minus"); !ok || e.Enabled() {
		t.Error("minus is enabled")
	}
	must(t, m.SetDefault("later"))
	if e, _ := m.Default(); e.Name() != "later" {
		t.Errorf("default %v", e.Name())
	}
	must(t, m.Remove("later"))
	if e, _ := m.Default(); e.Name() != "pkgx" {
		t.Errorf("default %v", e.Name())
	}
	for _, err := range []error{m.SetDefault("nmp"), m.Remove("nmp"), m.SetEnabled("nmp", true)} {
		if !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), `no registry is named "nmp"; did you mean "npm"?`) {
			t.Errorf("got %v", err)
		}
	}
	for _, e := range m.All() {
		if e.Type() == "npm" && e.URL() != strings.TrimSuffix(registry.NPM().URL, "/") && e.URL() != registry.NPM().URL {
			t.Errorf("%s has the URL %s", e.Name(), e.URL())
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Keys of features that are not there are refused when the registry is needed, or reported.
func TestKeysNotBuilt(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*registry.Config){
		"signatures":        func(c *registry.Config) { c.Signatures = "require" },
		"minimumReleaseAge": func(c *registry.Config) { c.MinimumReleaseAge = time.Hour },
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			c := good()
			change(&c)
			c.Fallback = registry.Always // not even then does it go on
			m := registry.NewManager(registry.Options{})
			must(t, m.Add(c))
			j := &journal{}
			add(t, m, registry.Config{Name: "second"}, &fake{name: "second", journal: j})
			_, d, err := m.Metadata(context.Background(), "lodash", "")
			want := `pantry.json:3:5: registry "acme": ` + field + ": "
			if !errors.Is(err, pantry.ErrConfig) || !errors.Is(err, pantry.ErrUnsupported) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if calls := j.take(); len(calls) != 0 || d.Attempts[0].Outcome != registry.Failed {
				t.Errorf("asked %v, %+v", calls, d.Attempts[0])
			}
		})
	}
	t.Run("warnings", func(t *testing.T) {
		t.Parallel()
		c := good()
		c.Balance = "latency"
		c.HealthCheck, c.Cache = &registry.HealthCheck{Interval: time.Second}, &registry.Cache{TTL: ptr(time.Second)} // have an effect
		m := registry.NewManager(registry.Options{})
		must(t, m.Add(c))
		got := m.Warnings()
		for i, key := range []string{"balance: has no effect without mirrors"} {
			want := `pantry.json:3:5: registry "acme": ` + key
			if i >= len(got) || got[i] != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		must(t, m.SetEnabled("acme", false))
		if got := m.Warnings(); len(got) != 0 {
			t.Errorf("a disabled registry warns: %q", got)
		}
	})
}

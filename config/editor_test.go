package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/config"
	"github.com/pantry-go/pantry/registry"
)

func acme() registry.Config {
	ten := 10
	return registry.Config{
		Name: "acme", Type: "custom", URL: "https://acme.example", Priority: &ten,
		Auth: &registry.Auth{Type: "bearer", Token: registry.Value{Raw: pantry.NewSecret("${ACME_TOKEN}")}},
	}
}

// TestEdit: one change each, and the whole file after it.
func TestEdit(t *testing.T) {
	t.Parallel()
	add := func(e *config.Editor) error { return e.AddRegistry(acme()) }
	remove := func(names ...string) func(*config.Editor) error {
		return func(e *config.Editor) error {
			var errs error
			for _, n := range names {
				errs = errors.Join(errs, e.RemoveRegistry(n))
			}
			return errs
		}
	}
	set := func(key, value string) func(*config.Editor) error {
		return func(e *config.Editor) error { return e.Set(key, value) }
	}
	enable := func(name string, on bool) func(*config.Editor) error {
		return func(e *config.Editor) error { return e.SetEnabled(name, on) }
	}
	for name, c := range map[string]struct {
		before string
		do     func(*config.Editor) error
		after  string
	}{
		"add to nothing": {"", add, `{
  "registries": [
    {
      "name": "acme",
      "type": "custom",
      "url": "https://acme.example",
      "priority": 10,
      "auth": {"type": "bearer", "token": "${ACME_TOKEN}"}
    }
  ]
}
`},
		"add beside other keys": {"{\n\t// mine\n\t\"linker\": \"hoisted\", // flat\n\t// end\n}", add,
			"{\n\t// mine\n\t\"linker\": \"hoisted\", // flat\n\t\"registries\": [\n\t\t{\n\t\t\t\"name\": \"acme\",\n\t\t\t\"type\": \"custom\",\n\t\t\t\"url\": \"https://acme.example\"," +
				"\n\t\t\t\"priority\": 10,\n\t\t\t\"auth\": {\"type\": \"bearer\", \"token\": \"${ACME_TOKEN}\"}\n\t\t}\n\t],\n\t// end\n}"},
		"add in one-line style": {`{
  "registries": [
    // the public one
    {"name": "npm", "type": "npm"} // last
    // add yours here
  ]
}
`, add, `{
  "registries": [
    // the public one
    {"name": "npm", "type": "npm"}, // last
    {"name": "acme", "type": "custom", "url": "https://acme.example", "priority": 10, "auth": {"type": "bearer", "token": "${ACME_TOKEN}"}}
    // add yours here
  ]
}
`},
		"add after trailing comma": {`{
    "registries": [
        {
            "name": "npm",
        },
    ],
}
`, add, `{
    "registries": [
        {
            "name": "npm",
        },
        {
            "name": "acme",
            "type": "custom",
            "url": "https://acme.example",
            "priority": 10,
            "auth": {"type": "bearer", "token": "${ACME_TOKEN}"}
        },
    ],
}
`},
		"add to an empty list": {"{\n  \"registries\": [ /* none */ ]\n}\n", func(e *config.Editor) error {
			return e.AddRegistry(registry.Config{Name: "b", Type: "npm", Disabled: true, Timeout: 90 * time.Second,
				Packages: []string{"@b/*", "c"}, Headers: map[string]registry.Value{"X-B": {Raw: pantry.NewSecret("<&>")}}})
		}, `{
  "registries": [ /* none */
    {
      "name": "b",
      "type": "npm",
      "enabled": false,
      "packages": ["@b/*", "c"],
      "timeout": "90s",
      "headers": {"X-B": "<&>"}
    }
  ]
}
`},
		"add in one line": {`{"registries": [{"name": "npm"}]}`, func(e *config.Editor) error {
			return e.AddRegistry(registry.Config{Name: "b", Type: "npm"})
		}, `{"registries": [{"name": "npm"}, {"name": "b", "type": "npm"}]}`},
		"windows line ends": {"{\r\n  \"registries\": [\r\n    {\"name\": \"npm\"}\r\n  ]\r\n}\r\n", func(e *config.Editor) error {
			return e.AddRegistry(registry.Config{Name: "b", Type: "npm"})
		}, "{\r\n  \"registries\": [\r\n    {\"name\": \"npm\"},\r\n    {\"name\": \"b\", \"type\": \"npm\"}\r\n  ]\r\n}\r\n"},
		"byte order mark": {"\xef\xbb\xbf{\"linker\": \"hoisted\"}", set("linker", "isolated"), "\xef\xbb\xbf{\"linker\": \"isolated\"}"},

		"remove the middle": {`{
  "registries": [
    // one
    {"name": "a"}, // behind a
    // two
    {"name": "b"}, // behind b
    // three
    {"name": "c"} // behind c
  ]
}
`, remove("b"), `{
  "registries": [
    // one
    {"name": "a"}, // behind a
    // three
    {"name": "c"} // behind c
  ]
}
`},
		"remove the first": {`{
  "registries": [ // all
    // one
    {"name": "a"}, // behind a
    // two
    {"name": "b"} // behind b
  ]
}
`, remove("a"), `{
  "registries": [ // all
    // two
    {"name": "b"} // behind b
  ]
}
`},
		"remove the last": {`{
  "registries": [
    {"name": "a"}, // behind a
    // two
    {"name": "b"} // behind b
    // end
  ]
}
`, remove("b"), `{
  "registries": [
    {"name": "a"} // behind a
    // end
  ]
}
`},
		"remove the last with comma": {"{\"registries\": [\n  {\"name\": \"a\"},\n  {\"name\": \"b\"}, /* b */\n]}", remove("b"),
			"{\"registries\": [\n  {\"name\": \"a\"},\n]}"},
		"remove all": {"{\"registries\": [\n  {\"name\": \"a\"},\n  {\"name\": \"b\"}\n]}", remove("a", "b"), "{\"registries\": [\n]}"},
		"remove in one line": {`{"registries": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}`, remove("a", "c"),
			`{"registries": [{"name": "b"}]}`},
		"remove the default": {"{\n  \"registries\": [{\"name\": \"a\"}],\n  \"defaultRegistry\": \"a\", // mine\n  \"linker\": \"hoisted\"\n}", remove("a"),
			"{\n  \"registries\": [],\n  \"linker\": \"hoisted\"\n}"},

		"disable": {"{\"registries\": [\n  {\n    \"name\": \"a\", // x\n    \"url\": \"u\" // y\n  }\n]}", enable("a", false),
			"{\"registries\": [\n  {\n    \"name\": \"a\", // x\n    \"url\": \"u\", // y\n    \"enabled\": false\n  }\n]}"},
		"enable in place":      {`{"registries": [{"name": "a", "enabled": /* no */ false , "url": "u"}]}`, enable("a", true), `{"registries": [{"name": "a", "enabled": /* no */ true , "url": "u"}]}`},
		"disable in one line":  {`{"registries": [{"name": "a"}]}`, enable("a", false), `{"registries": [{"name": "a", "enabled": false}]}`},
		"disable what's built": {"{}", enable("npm", false), "{\n  \"registries\": [\n    {\n      \"name\": \"npm\",\n      \"enabled\": false\n    }\n  ]\n}"},
		"priority": {`{"registries": [{"name": "a", "priority": 5}]}`, func(e *config.Editor) error { return e.SetPriority("a", -1) },
			`{"registries": [{"name": "a", "priority": -1}]}`},
		"default":       {"{\n  \"registries\": []\n}", func(e *config.Editor) error { return e.SetDefault("npm") }, "{\n  \"registries\": [],\n  \"defaultRegistry\": \"npm\"\n}"},
		"no default":    {`{"defaultRegistry": "a", "offline": true}`, func(e *config.Editor) error { return e.SetDefault("") }, `{"offline": true}`},
		"set a number":  {`{}`, set("concurrency", "16"), "{\n  \"concurrency\": 16\n}"},
		"set a switch":  {`{"offline": false}`, set("offline", "yes"), `{"offline": true}`},
		"set in entry":  {`{"registries": [{"name": "a.b"}]}`, set("registries.a.b.timeout", "2m"), `{"registries": [{"name": "a.b", "timeout": "2m"}]}`},
		"line comment":  {"{\"registries\": [{\"name\": \"a\"} // x\n]}", enable("npm", false), "{\"registries\": [{\"name\": \"a\"}, // x\n    {\"name\": \"npm\", \"enabled\": false}\n]}"},
		"escaped names": {`{"registr\u0069es": [{"n\u0061me": "\u0061"}]}`, enable("a", false), `{"registr\u0069es": [{"n\u0061me": "\u0061", "enabled": false}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]string{"pantry.json": c.before})
			e, err := config.Edit(w.path("pantry.json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.do(e); err != nil {
				t.Fatal(err)
			}
			if err := e.Save(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.after, w.read("pantry.json")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	edit := func(text string) *config.Editor {
		w := newWorld(t, map[string]string{"pantry.json": text})
		e, err := config.Edit(w.path("pantry.json"))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	const a = `{"registries": [{"name": "acme"}]}`
	for name, c := range map[string]struct {
		err  error
		want error
		text string
	}{
		"add twice":       {edit(a).AddRegistry(acme()), pantry.ErrExists, `registry "acme" is in pantry.json already`},
		"add nonsense":    {edit(`{}`).AddRegistry(registry.Config{Name: "a"}), pantry.ErrConfig, "a registry needs a type"},
		"add to a string": {edit(`{"registries": "x"}`).AddRegistry(acme()), pantry.ErrConfig, "registries: expected an array, got text"},
		"remove unknown":  {edit(a).RemoveRegistry("acem"), pantry.ErrConfig, `registry "acem" isn't in pantry.json: did you mean "acme"?`},
		"remove built-in": {edit(a).RemoveRegistry("npm"), pantry.ErrConfig, `registry "npm" isn't in pantry.json`},
		"enable unknown":  {edit(a).SetEnabled("b", true), pantry.ErrConfig, `registry "b" isn't in pantry.json`},
		"set unknown":     {edit(a).Set("linkr", "hoisted"), pantry.ErrConfig, `unknown key "linkr": did you mean "linker"?`},
		"set bad value":   {edit(a).Set("linker", "flat"), pantry.ErrConfig, `linker: expected "hoisted" or "isolated", got "flat"`},
		"set the name":    {edit(a).Set("registries.acme.name", "b"), pantry.ErrConfig, `unknown key "registries.acme.name"`},
		"set an object":   {edit(a).Set("registries.acme.auth", "b"), pantry.ErrConfig, "can't be set from text; change the file"},
		"set a list":      {edit(a).Set("omit", "dev"), pantry.ErrConfig, "can't be set from text; change the file"},
		"set a number":    {edit(a).Set("concurrency", "-1"), pantry.ErrConfig, "expected a whole number from 0 to 1024"},
		"set a duration":  {edit(a).Set("registries.acme.timeout", "5"), pantry.ErrConfig, "expected a duration"},
	} {
		if !errors.Is(c.err, c.want) || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: got %v", name, c.err)
		}
	}
	if h := pantry.Hint(edit(a).RemoveRegistry("npm")); !strings.Contains(h, "registry disable npm") {
		t.Errorf("hint %q", h)
	}
	w := newWorld(t, map[string]string{"broken.json": `{"a" 1}`, "array.json": `[]`})
	for _, name := range []string{"broken.json", "array.json"} {
		if _, err := config.Edit(w.path(name)); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEditFiles: links stay links, modes stay, a new file is private, nothing is left beside it.
func TestEditFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{"real.json": "{}"})
	if runtime.GOOS == "windows" {
		t.Skip("no modes and seldom links")
	}
	if err := errors.Join(os.Symlink("real.json", w.path("pantry.json")), os.Chmod(w.path("real.json"), 0o640)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pantry.json", "new.json"} {
		e, err := config.Edit(w.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(e.SetEnabled("npm", false), e.Save()); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := os.Lstat(w.path("pantry.json")); err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is replaced: %v", err)
	}
	for name, want := range map[string]os.FileMode{"real.json": 0o640, "new.json": 0o600} {
		if st, err := os.Stat(w.path(name)); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
	left, err := filepath.Glob(filepath.Join(w.dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestStore: what a manager has become goes back into the file, and nothing else changes.
func TestStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"~/.npmrc": "@x:registry=https://x.example",
		"pantry.json": `{
  "registries": [
    // private
    {"name": "a", "type": "npm", "url": "https://a.example", "priority": 1},
    {"name": "b", "type": "npm", "url": "https://b.example"}, // goes
  ],
}
`})
	m, err := w.mustLoad().Manager(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := func(want string) {
		t.Helper()
		e, err := config.Edit(w.path("pantry.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(e.Store(m), e.Save()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, w.read("pantry.json")); diff != "" {
			t.Error(diff)
		}
	}
	store(w.read("pantry.json")) // nothing has changed
	err = errors.Join(m.Remove("b"), m.SetEnabled("a", false), m.SetEnabled("npm", false), m.Add(acme()), m.SetDefault("npmrc-x"))
	if err != nil {
		t.Fatal(err)
	}
	store(`{
  "registries": [
    // private
    {"name": "a", "type": "npm", "url": "https://a.example", "priority": 1, "enabled": false},
    {"name": "acme", "type": "custom", "url": "https://acme.example", "priority": 10, "auth": {"type": "bearer", "token": "${ACME_TOKEN}"}},
    {"name": "npm", "enabled": false},
  ],
  "defaultRegistry": "npmrc-x",
}
`)
	c := w.mustLoad()
	if !find(t, c, "a").Disabled || !find(t, c, "npm").Disabled || c.DefaultRegistry != "npmrc-x" {
		t.Errorf("%+v", c.Registries)
	}
}

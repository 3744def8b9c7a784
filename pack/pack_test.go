package pack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/pack"
)

func paths(files []pack.File) []string {
	var out []string
	for _, f := range files {
		out = append(out, f.Path)
	}
	return out
}

// TestDir: without npm at hand, the rules that most packages live by.
func TestDir(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"files":              "LICENSE COPYING README.md bin/x.js browser.js index.d.ts lib/a.js lib/b/c.js lib/x.d.ts licence.txt main.js package.json readme",
		"files negated":      "lib/b/no.js lib/x.js package.json",
		"npmignore":          "README.md keep.log package.json sub/keep.log sub/sub/x sub/test2 sub/top x.js",
		"npmignore over git": "b.js package.json",
		"links":              "dir/x package.json real.js",
		"bundle all":         "index.js node_modules/@s/c/package.json node_modules/@s/c/x.js node_modules/b/package.json package.json",
	} {
		p, err := pack.Dir(t.Context(), lay(t, fixtures[name]), pack.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wanted := strings.Fields(want)
		slices.Sort(wanted)
		if got := paths(p.Files); !slices.Equal(got, wanted) {
			t.Errorf("%s: got %q, want %q", name, minus(got, wanted), minus(wanted, got))
		}
	}
}

// TestSameBytes: the tarball depends on the files alone, unpacks to them, and is read back as it was made.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	text := tree(`{"name":"@s/a","version":"1.2.3","bin":"bin/a.js"}`, "z.js=z", "a.js=a", "bin/a.js=b", "README.md=r")
	one, two := lay(t, text), lay(t, text)
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, f := range []string{"a.js", "bin"} {
		if err := os.Chtimes(filepath.Join(two, f), old, old); err != nil {
			t.Fatal(err)
		}
	}
	a, err := pack.Dir(t.Context(), one, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := pack.Dir(t.Context(), two, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Tarball, b.Tarball) || a.Integrity.String() != b.Integrity.String() {
		t.Error("the same files give different tarballs")
	}
	if a.FileName() != "s-a-1.2.3.tgz" || a.Name != "@s/a" || a.Version != "1.2.3" {
		t.Errorf("%s of %s@%s", a.FileName(), a.Name, a.Version)
	}
	program := false
	err = archive.UnpackNPMBytes(a.Tarball, archive.SinkFunc(func(e archive.Entry, _ io.Reader) error {
		program = program || e.Path == "bin/a.js" && e.Executable
		return nil
	}), archive.Limits{})
	if err != nil || !program {
		t.Errorf("bin/a.js is no program, %v", err)
	}
	file := filepath.Join(t.TempDir(), "p.tgz")
	if err := os.WriteFile(file, a.Tarball, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := pack.Tarball(t.Context(), file, pack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Files, a.Files) || c.Unpacked != a.Unpacked || string(c.Manifest) != string(a.Manifest) || c.Integrity.String() != a.Integrity.String() {
		t.Errorf("read back: %+v", c)
	}
}

// TestWorkspace: the ignore files of the project count for its workspaces, as npm has it.
func TestWorkspace(t *testing.T) {
	t.Parallel()
	dir := lay(t, tree(`{"private":true,"workspaces":["packages/*","!packages/alone"]}`, ".gitignore=*.log", "packages/.npmignore=*.tmp",
		`packages/a/package.json={"name":"a","version":"1.0.0"}`, "packages/a/x.log", "packages/a/x.tmp", "packages/a/x.js",
		`packages/alone/package.json={"name":"alone","version":"1.0.0"}`, "packages/alone/x.log"))
	for name, want := range map[string][]string{"a": {"package.json", "x.js"}, "alone": {"package.json", "x.log"}} {
		p, err := pack.Dir(t.Context(), filepath.Join(dir, "packages", name), pack.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := paths(p.Files); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"no package.json": {"-- a --\n", "no package.json"},
		"not JSON":        {"-- package.json --\n{\n", "package.json:"},
		"byte order mark": {tree("\ufeff" + `{"name":"a","version":"1.0.0"}`), "byte order mark"},
		"no name":         {tree(`{"version":"1.0.0"}`), `"name" is missing`},
		"no version":      {tree(`{"name":"a"}`), `"version" is missing`},
		"name":            {tree(`{"name":"../a","version":"1.0.0"}`), `"name"`},
		"long name":       {tree(`{"name":"` + strings.Repeat("a", 215) + `","version":"1.0.0"}`), "214"},
		"version":         {tree(`{"name":"a","version":"1.0"}`), `"1.0" is no version`},
		"v":               {tree(`{"name":"a","version":"v1.0.0"}`), "is no version"},
		"files":           {tree(`{"name":"a","version":"1.0.0","files":"lib"}`), `"files"`},
		"pattern":         {tree(`{"name":"a","version":"1.0.0","files":["{1..99999999}"]}`), "pattern"},
		"workspace":       {tree(`{"name":"a","version":"1.0.0","dependencies":{"b":"workspace:^"}}`), "workspace:^"},
		"catalog":         {tree(`{"name":"a","version":"1.0.0","peerDependencies":{"b":"catalog:"}}`), "catalog:"},
		"bundle missing":  {tree(`{"name":"a","version":"1.0.0","dependencies":{"b":"1"},"bundleDependencies":["b"]}`), "not installed"},
		"bundle linked":   {tree(`{"name":"a","version":"1.0.0","dependencies":{"b":"1"},"bundleDependencies":["b"]}`) + "-- x/package.json --\n{}\n-- node_modules/b -> ../x --\n", "is a link"},
		"case collision":  {tree(`{"name":"a","version":"1.0.0"}`, "a.js", "A.js"), "differs"},
		"backslash":       {tree(`{"name":"a","version":"1.0.0"}`, `a\b`), "refused"},
		"large ignore":    {tree(`{"name":"a","version":"1.0.0"}`, ".npmignore="+strings.Repeat("x;", 600_000)), "more than"},
	} {
		_, err := pack.Dir(t.Context(), lay(t, c.text), pack.Options{})
		if !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a configuration error with %q", name, err, c.want)
		}
	}
	if _, err := pack.Tarball(t.Context(), filepath.Join(t.TempDir(), "none.tgz"), pack.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no tarball: %v", err)
	}
	dir := lay(t, "-- a.tgz --\nno tarball\n")
	if _, err := pack.Tarball(t.Context(), filepath.Join(dir, "a.tgz"), pack.Options{}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("no tarball: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pack.Dir(ctx, lay(t, tree(`{"name":"a","version":"1.0.0"}`)), pack.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// token makes something that looks like a token and is none, and does not stand here as one.
func token(prefix string, n int) string {
	const letters = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0fG"
	return prefix + strings.Repeat(letters, 1+n/len(letters))[:n]
}

func TestFindSecrets(t *testing.T) {
	t.Parallel()
	key := "-----BEGIN " + "RSA PRIVATE KEY-----"
	for name, c := range map[string]struct {
		file, content string
		line          int // -1: none
	}{
		"npm":               {"a.js", "x\nconst t = '" + token("npm"+"_", 36) + "'", 2},
		"github":            {"a.js", token("ghp"+"_", 36), 1},
		"github fine":       {"README.md", "\n\n" + token("github"+"_pat_", 82), 3},
		"gitlab":            {"a", token("glpat"+"-", 20), 1},
		"aws key":           {"a", "AKIA" + strings.ToUpper("iabcdefghijk2345"), 1},
		"aws secret":        {"a", "aws_secret_access_key = " + token("", 40), 1},
		"slack":             {"a", token("xoxb"+"-", 40), 1},
		"stripe":            {"a", token("sk"+"_live_", 24), 1},
		"pem":               {"certs/x.txt", "\n" + key + "\nabc", 2},
		"env":               {".env", "A=1", 0},
		"env local":         {"x/.env.local", "A=1", 0},
		"ssh":               {"keys/id_ed25519", "x", 0},
		"netrc":             {".netrc", "machine x", 0},
		"keystore":          {"release.KEYSTORE", "x", 0},
		"pantry":            {"pantry.json", "{\"registries\":[{\n\"auth\":{\"type\":\"bearer\",\n \"token\":\n\"abc\"}}]}", 4},
		"npmrc":             {"sample.npmrc", "//r.example/:_authToken=abc", 1},
		"yarnrc":            {".yarnrc.yml", "npmRegistries:\n  x:\n    npmAuthToken: abc", 3},
		"pantry variable":   {"pantry.json", `{"registries":[{"auth":{"token":"${TOKEN}"}}]}`, -1},
		"npmrc variable":    {"a.npmrc", "//r.example/:_authToken=${TOKEN}", -1},
		"other json":        {"data.json", `{"token":"abc","password":"x"}`, -1},
		"placeholder":       {"README.md", "npm_" + strings.Repeat("x", 36), -1},
		"aws documentation": {"README.md", "AKIA" + "IOSFODNN7EXAMPLE", -1},
		"short":             {"a.js", "ghp" + "_abc", -1},
		"longer word":       {"a.js", "x" + token("npm"+"_", 36), -1},
		"public key":        {"a.pem", "-----BEGIN PUBLIC KEY-----", -1},
		"env example":       {".env.example", "A=1", -1},
		"environment":       {".environment", "A=1", -1},
		"empty env":         {".env", "", -1},
		"bundled":           {"node_modules/x/test/key", key, -1},
		"integrity":         {"a.json", `"sha512-` + token("", 86) + `=="`, -1},
	} {
		found := pack.FindSecrets(c.file, []byte(c.content))
		switch {
		case c.line < 0 && len(found) > 0:
			t.Errorf("%s: found %v", name, found)
		case c.line >= 0 && (len(found) != 1 || found[0].Line != c.line || found[0].Path != c.file):
			t.Errorf("%s: found %v, want line %d", name, found, c.line)
		}
	}
}

// TestSecrets: a package with a secret is not packed unless its file is named, and the secret is not told.
func TestSecrets(t *testing.T) {
	t.Parallel()
	secret := token("npm"+"_", 36)
	dir := lay(t, tree(`{"name":"a","version":"1.0.0"}`, "lib/x.js=//;//"+secret, ".env=A"))
	p, err := pack.Dir(t.Context(), dir, pack.Options{})
	var found *pack.SecretsError
	if !errors.As(err, &found) || !errors.Is(err, pantry.ErrPolicy) || len(found.Found) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if text := err.Error() + pantry.Hint(err); strings.Contains(text, secret) || !strings.Contains(text, "lib/x.js:2") || !strings.Contains(text, "--allow-secret") {
		t.Errorf("error %s", text)
	}
	if _, err := pack.Dir(t.Context(), dir, pack.Options{AllowSecrets: []string{".env"}}); !errors.Is(err, pantry.ErrPolicy) {
		t.Errorf("one of two allowed: %v", err)
	}
	if _, err := pack.Dir(t.Context(), dir, pack.Options{AllowSecrets: []string{".env", "lib/x.js"}}); err != nil {
		t.Error(err)
	}
	if _, err := pack.Dir(t.Context(), dir, pack.Options{AllowSecrets: []string{".env", "lib/x.js", "gone"}}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func FuzzFindSecrets(f *testing.F) {
	f.Add("pantry.json", []byte(`{"token":"a"}`))
	f.Add("a.npmrc", []byte("//x/:_authToken=a"))
	f.Fuzz(func(t *testing.T, name string, content []byte) {
		for _, s := range pack.FindSecrets(name, content) {
			if s.Path != name || s.Line < 0 || s.Line > 1+bytes.Count(content, []byte("\n")) {
				t.Errorf("%+v", s)
			}
		}
	})
}

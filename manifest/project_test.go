package manifest_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
)

func splitComma(s string) []string { return strings.Split(s, ",") }

// folder writes files given as name, text pairs.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, dir string) *manifest.Project {
	t.Helper()
	p, err := manifest.ReadProject(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return string(data)
}

func set(t *testing.T, p *manifest.Project, kind lockfile.Kind, name, spec string) {
	t.Helper()
	if err := p.Set(kind, name, spec); err != nil {
		t.Fatal(err)
	}
}

func TestReadProject(t *testing.T) {
	t.Parallel()
	dir := folder(t,
		"package.json", `{"name": "app", "dependencies": {"lodash": "^4", "same": "1"}, "devDependencies": {"dev": "1", "up": "2"}, "overrides": {"x": "$cli"}}`,
		"pantry.json", `{
			"registries": [{"name": "acme", "type": "custom"},], // and so on
			"dependencies": {"acme:thing": "^1", "github:cli/cli": "^2.60.0", "pkgx:deno.land": "2", "same": "1", "up": "2", "acme:any": ""},
			"devDependencies": {"cli": "3"},
			"optionalDependencies": {"acme:@acme/opt": "4"},
			"overrides": {"y": {"z": "1"}},
		}`)
	want := &manifest.Manifest{
		File: filepath.Join(dir, "package.json"), Name: "app",
		Dependencies: map[string]string{
			"lodash": "^4", "same": "1", "up": "2", "thing": "acme:thing@^1", "any": "acme:any",
			"github:cli/cli": "^2.60.0", "deno.land": "pkgx:deno.land@2",
		},
		DevDependencies:      map[string]string{"dev": "1", "cli": "3"},
		OptionalDependencies: map[string]string{"@acme/opt": "acme:@acme/opt@4"},
		Overrides: manifest.Overrides{
			{Path: []manifest.Selector{{Name: "x"}}, Spec: "3"},
			{Path: []manifest.Selector{{Name: "y"}, {Name: "z"}}, Spec: "1"},
		},
	}
	p := open(t, dir)
	if diff := cmp.Diff(want, p.Manifest(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := p.Files(); len(got) != 2 {
		t.Errorf("Files = %v", got)
	}
	for name, value := range p.Manifest().Dependencies {
		if s, err := manifest.ParseDependency(name, value, known); err != nil || s.Name != name {
			t.Errorf("%s@%s: %+v, %v", name, value, s, err)
		}
	}
	empty := open(t, t.TempDir())
	if m := empty.Manifest(); len(m.Dependencies) != 0 || filepath.Base(m.File) != "package.json" || len(empty.Files()) != 0 {
		t.Errorf("a folder without a manifest: %+v", m)
	}
}

func TestReadProjectErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, pkg, pantry, jsonc, want string
	}{
		{"both spellings", "", "{}", "{}", "both pantry.json and pantry.jsonc"},
		{"different wishes", `{"dependencies": {"a": "1"}}`, "{\n\"dependencies\": {\"a\": \"2\"}}", "", `pantry.json:2:18: dependencies: "a" is wished for as "2" here and as "1" in package.json`},
		{"different registries", `{"devDependencies": {"a": "1"}}`, `{"dependencies": {"acme:a": "1"}}`, "", `"a" is wished for as "acme:a@1" here`},
		{"credentials", `{"dependencies": {"a": "1"}}`, `{"dependencies": {"a": "https://u:secret@h.example/a.tgz"}}`, "", `as "https://***@h.example/a.tgz" here`},
		{"one name twice", "", `{"dependencies": {"acme:a": "1", "a": "1"}}`, "", `"acme:a" and "a" would both be installed as "a"`},
		{"unsafe prefix", "", `{"dependencies": {"acme:../a": "1"}}`, "", "invalid package name"},
		{"bad prefix", "", `{"dependencies": {"../x:a/b": "1"}}`, "", "is no name of a registry"},
		{"overrides differ", `{"overrides": {"a": "1"}}`, `{"overrides": {"a": "2"}}`, "", `override of a: "2" here and "1" in package.json`},
		{"override of the other file's wish", `{"dependencies": {"a": "1"}}`, `{"overrides": {"a": "2"}}`, "", "contradicts the project's own dependency"},
		{"comments in package.json", "// x\n{}", "", "", "package.json:1:1: "},
		{"syntax in pantry.json", "", "{\n  \"dependencies\": {,}\n}", "", "pantry.json:2:20: invalid character ','"},
		{"open comment", "", "", "{} /* x", "pantry.jsonc:1:4: "},
	}
	for _, tt := range tests {
		var files []string
		for _, f := range [][2]string{{"package.json", tt.pkg}, {"pantry.json", tt.pantry}, {"pantry.jsonc", tt.jsonc}} {
			if f[1] != "" {
				files = append(files, f[0], f[1])
			}
		}
		_, err := manifest.ReadProject(folder(t, files...))
		if err == nil || !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "package.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.ReadProject(dir); err == nil {
		t.Error("a folder as package.json is accepted")
	}
}

// TestSave sets or removes ("-name") entries of dependencies and compares the whole text.
func TestSave(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, before, edits, after string }{
		{"created", "package.json", "", "a@1", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}\n"},
		{"empty object", "package.json", "{}", "a@1", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}"},
		{"empty object on two lines", "package.json", "{\n}\n", "a@1", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}\n"},
		{"new section, tabs", "package.json", "{\n\t\"name\": \"x\"\n}\n", "a@1", "{\n\t\"name\": \"x\",\n\t\"dependencies\": {\n\t\t\"a\": \"1\"\n\t}\n}\n"},
		{"new section, four spaces, CRLF", "package.json", "{\r\n    \"name\": \"x\"\r\n}\r\n", "a@1", "{\r\n    \"name\": \"x\",\r\n    \"dependencies\": {\r\n        \"a\": \"1\"\r\n    }\r\n}\r\n"},
		{"new section on one line", "package.json", `{"name":"x"}`, "a@1", `{"name":"x","dependencies":{"a":"1"}}`},
		{"new section on one line, spaces", "package.json", `{ "name": "x" }`, "a@1 b@2", `{ "name": "x", "dependencies": {"a": "1", "b": "2"} }`},
		{"in order", "package.json", "{\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"c\": \"1\"\n  }\n}\n", "b@2 d@3 @s/x@4", "{\n  \"dependencies\": {\n    \"@s/x\": \"4\",\n    \"a\": \"1\",\n    \"b\": \"2\",\n    \"c\": \"1\",\n    \"d\": \"3\"\n  }\n}\n"},
		{"npm's order", "package.json", "{\n  \"dependencies\": {\n    \"@s/b\": \"1\",\n    \"a-c\": \"1\",\n    \"ab\": \"1\",\n    \"B\": \"1\"\n  }\n}\n", "@s/a@1 a@1 a.b@1 b@1 A@1",
			"{\n  \"dependencies\": {\n    \"@s/a\": \"1\",\n    \"@s/b\": \"1\",\n    \"a\": \"1\",\n    \"A\": \"1\",\n    \"a-c\": \"1\",\n    \"a.b\": \"1\",\n    \"ab\": \"1\",\n    \"b\": \"1\",\n    \"B\": \"1\"\n  }\n}\n"},
		{"replaced", "package.json", "{\"dependencies\":{\"a\" : \"1\" , \"b\":\"2\"}}", "a@>=2", "{\"dependencies\":{\"a\" : \">=2\" , \"b\":\"2\"}}"},
		{"empty section", "package.json", "{\n  \"dependencies\": {},\n  \"x\": 1\n}\n", "a@1", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  },\n  \"x\": 1\n}\n"},
		{"array as section", "package.json", "{\n  \"dependencies\": []\n}\n", "a@1", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}\n"},
		{"moved from dev", "package.json", "{\n  \"devDependencies\": {\n    \"a\": \"1\",\n    \"b\": \"1\"\n  }\n}\n", "a@2", "{\n  \"devDependencies\": {\n    \"b\": \"1\"\n  },\n  \"dependencies\": {\n    \"a\": \"2\"\n  }\n}\n"},
		{"removed first", "package.json", "{\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"b\": \"1\"\n  }\n}\n", "-a", "{\n  \"dependencies\": {\n    \"b\": \"1\"\n  }\n}\n"},
		{"removed last", "package.json", "{\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"b\": \"1\"\n  }\n}\n", "-b", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}\n"},
		{"removed only one", "package.json", "{\n  \"name\": \"x\",\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}\n", "-a", "{\n  \"name\": \"x\"\n}\n"},
		{"removed on one line", "package.json", `{"x": 1, "dependencies": {"a": "1", "b": "2", "c": "3"}}`, "-b -c", `{"x": 1, "dependencies": {"a": "1"}}`},
		{"removed everywhere", "package.json", `{"dependencies": {"a": "1"}, "peerDependencies": {"a": "1"}, "peerDependenciesMeta": {"a": {"optional": true}, "b": {}}, "bundleDependencies": ["b", "a"], "y": 2}`, "-a",
			`{"peerDependenciesMeta": {"b": {}}, "bundleDependencies": ["b"], "y": 2}`},
		{"last of a bundle", "package.json", "{\n  \"dependencies\": { \"a\": \"1\" },\n  \"bundledDependencies\": [\n    \"a\"\n  ]\n}\n", "-a", "{\n}\n"},
		{"duplicate keys", "package.json", `{"dependencies": {"a": "1", "b": "1"}, "dependencies": {"a": "2", "a": "3"}}`, "-a b@2", `{"dependencies": {"a": "1", "b": "1"}, "dependencies": {"b": "2"}}`},
		{"escapes", "package.json", `{"dependencies": {"\u0061": "1"}, "é": "\u00e9 <&>"}`, "a@>1 <2", `{"dependencies": {"\u0061": ">1 <2"}, "é": "\u00e9 <&>"}`},
		{"byte order mark", "package.json", "\ufeff{\"dependencies\": {\"a\": \"1\"}}", "a@2", "\ufeff{\"dependencies\": {\"a\": \"2\"}}"},
		{"commas in front", "package.json", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  , \"c\": \"1\"\n  , \"d\": \"1\"\n  }\n}\n", "-c", "{\n  \"dependencies\": {\n    \"a\": \"1\"\n  , \"d\": \"1\"\n  }\n}\n"},
		{"comments", "pantry.jsonc", "// top\n{\n  // deps\n  \"dependencies\": { // open\n    // about a\n    \"a\": \"1\", // a's\n    // about c\n    \"c\": \"1\", // c's\n    /* end\n     */\n  }, // after\n}\n// tail\n", "b@2 d@3",
			"// top\n{\n  // deps\n  \"dependencies\": { // open\n    // about a\n    \"a\": \"1\", // a's\n    \"b\": \"2\",\n    // about c\n    \"c\": \"1\", // c's\n    \"d\": \"3\",\n    /* end\n     */\n  }, // after\n}\n// tail\n"},
		{"comment at the last line", "pantry.json", "{\n  \"dependencies\": {\n    \"a\": \"1\" // a's\n  }\n}\n", "b@2", "{\n  \"dependencies\": {\n    \"a\": \"1\", // a's\n    \"b\": \"2\"\n  }\n}\n"},
		{"removed with its comment", "pantry.json", "{\n  \"dependencies\": {\n    // group\n    \"a\": \"1\", // a's\n    \"b\": \"1\" /* b's */\n  }\n}\n", "-b -x", "{\n  \"dependencies\": {\n    // group\n    \"a\": \"1\" // a's\n  }\n}\n"},
		{"section with a comment stays", "pantry.json", "{\n  \"dependencies\": {\n    // group\n    \"a\": \"1\",\n  },\n}\n", "-a b@1", "{\n  \"dependencies\": {\n    // group\n    \"b\": \"1\"\n  },\n}\n"},
		{"trailing commas", "pantry.json", "{\n  \"x\": [1,],\n  \"dependencies\": {\n    \"b\": \"1\",\n  },\n}\n", "c@1 -b", "{\n  \"x\": [1,],\n  \"dependencies\": {\n    \"c\": \"1\",\n  },\n}\n"},
		{"trailing commas on one line", "pantry.json", `{"dependencies": {"b": "1",},}`, "c@1", `{"dependencies": {"b": "1", "c": "1",},}`},
		{"registry in front", "pantry.json", `{"dependencies": {"acme:a": "1", "github:cli/cli": "2"}}`, "github:cli/cli@3 a@acme:a@^2", `{"dependencies": {"acme:a": "^2", "github:cli/cli": "3"}}`},
		{"registry taken back", "pantry.json", `{"dependencies": {"acme:a": "1"}}`, "a@2", `{"dependencies": {"a": "2"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if tt.before != "" {
				dir = folder(t, tt.file, tt.before)
			}
			p := open(t, dir)
			for _, e := range splitEdits(tt.edits) {
				if name, ok := strings.CutPrefix(e, "-"); ok {
					p.Remove(name)
					continue
				}
				at := strings.IndexByte(e[1:], '@') + 1
				set(t, p, lockfile.Prod, e[:at], e[at+1:])
			}
			if err := p.Save(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.after, text(t, dir, tt.file)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(open(t, dir).Manifest(), p.Manifest(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("files: %v", entries)
			}
		})
	}
}

// TestSetThenRemove: what is taken back leaves no trace.
func TestSetThenRemove(t *testing.T) {
	t.Parallel()
	for _, before := range []string{
		"{\n  \"name\": \"x\"\n}\n", "{\r\n\t\"name\": \"x\"\r\n}", `{"name":"x"}`, `{ "name": "x" }`,
		"{\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"z\": \"1\"\n  },\n  \"scripts\": {}\n}\n",
		"{\n  \"dependencies\": {\n    \"a\": \"1\"\n  }\n}\n", "{\n  \"dependencies\": {\n    \"z\": \"1\"\n  }\n}\n",
		"{\n  \"dependencies\": { \"a\": \"1\", \"z\": \"1\" }\n}\n", `{"dependencies":{"a":"1"}}`,
		"{\n  \"devDependencies\": {\n    \"a\": \"1\"\n  },\n  \"files\": [\n    \"x\"\n  ]\n}\n",
	} {
		for _, kind := range []lockfile.Kind{lockfile.Prod, lockfile.Dev, lockfile.Optional, lockfile.Peer} {
			dir := folder(t, "package.json", before)
			p := open(t, dir)
			set(t, p, kind, "m", "1")
			if !p.Remove("m") {
				t.Fatalf("%q: nothing to remove", before)
			}
			if err := p.Save(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, text(t, dir, "package.json")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", kind, diff)
			}
		}
	}
}

// splitEdits splits at spaces, but not before "<".
func splitEdits(s string) []string {
	parts := strings.Split(s, " ")
	for i := len(parts) - 1; i > 0; i-- {
		if strings.HasPrefix(parts[i], "<") {
			parts[i-1] += " " + parts[i]
			parts = slices.Delete(parts, i, i+1)
		}
	}
	return parts
}

func TestSetKinds(t *testing.T) {
	t.Parallel()
	dir := folder(t, "package.json", `{"dependencies": {"a": "1"}, "peerDependencies": {"b": "1"}, "peerDependenciesMeta": {"b": {"optional": true}}}`)
	p := open(t, dir)
	set(t, p, lockfile.Dev, "a", "2")
	set(t, p, lockfile.Dev, "b", "2")
	m := p.Manifest()
	if len(m.Dependencies) != 0 || m.DevDependencies["a"] != "2" || m.PeerDependencies["b"] != "1" || len(m.OptionalPeers) != 1 {
		t.Errorf("dev: %+v", m)
	}
	set(t, p, lockfile.Optional, "b", "3")
	m = p.Manifest()
	if m.OptionalDependencies["b"] != "3" || len(m.PeerDependencies)+len(m.OptionalPeers) != 0 || m.DevDependencies["b"] != "" {
		t.Errorf("optional: %+v", m)
	}
	set(t, p, lockfile.Peer, "a", "*")
	if m = p.Manifest(); m.PeerDependencies["a"] != "*" || m.DevDependencies["a"] != "2" {
		t.Errorf("peer: %+v", m)
	}
	before := p.Manifest()
	for _, tt := range [][3]string{{"runtime", "a", "1"}, {"prod", "../a", "1"}, {"prod", "a", "1\x00"}, {"prod", "", "1"}, {"peer", "acme:x", "1"}, {"prod", "acme:../x", "1"}} {
		if err := p.Set(lockfile.Kind(tt[0]), tt[1], tt[2]); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("Set%v: %v", tt, err)
		}
	}
	if p.Manifest() != before {
		t.Error("a refused Set changed the manifest")
	}
}

func TestSetConflict(t *testing.T) {
	t.Parallel()
	const before = `{"dependencies": {"a": "1"}, "overrides": {"b": "2", "c": "$a"}}`
	dir := folder(t, "package.json", before)
	p := open(t, dir)
	if err := p.Set(lockfile.Prod, "b", "1"); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("an override's opposite: %v", err)
	}
	if err := p.Save(); err != nil || text(t, dir, "package.json") != before {
		t.Errorf("a refused Set was saved: %v", err)
	}
	if !p.Remove("a") || len(p.Manifest().Unsupported) != 1 || !strings.Contains(p.Manifest().Unsupported[0], `"$a"`) {
		t.Errorf("what a reference needs was removed: %q", p.Manifest().Unsupported)
	}
}

func TestWhichFile(t *testing.T) {
	t.Parallel()
	t.Run("only pantry.json", func(t *testing.T) {
		dir := folder(t, "pantry.json", "{\n  \"registries\": []\n}\n")
		p := open(t, dir)
		set(t, p, lockfile.Dev, "a", "1")
		if err := p.Save(); err != nil {
			t.Fatal(err)
		}
		if text(t, dir, "package.json") != "" || !strings.Contains(text(t, dir, "pantry.json"), `"devDependencies"`) {
			t.Errorf("pantry.json: %s", text(t, dir, "pantry.json"))
		}
	})
	t.Run("both", func(t *testing.T) {
		dir := folder(t, "package.json", `{"dependencies": {"c": "1"}}`, "pantry.json", `{"dependencies": {"b": "1"}}`)
		p := open(t, dir)
		set(t, p, lockfile.Prod, "a", "1")
		set(t, p, lockfile.Prod, "b", "2")
		set(t, p, lockfile.Prod, "c", "acme:c@1")
		set(t, p, lockfile.Prod, "acme:d", "1")
		if err := p.Save(); err != nil {
			t.Fatal(err)
		}
		if got, want := text(t, dir, "package.json"), `{"dependencies": {"a": "1"}}`; got != want {
			t.Errorf("package.json: %s", got)
		}
		if got, want := text(t, dir, "pantry.json"), `{"dependencies": {"b": "2", "c": "acme:c@1", "d": "acme:d@1"}}`; got != want {
			t.Errorf("pantry.json: %s", got)
		}
		if !p.Remove("acme:d") || !p.Remove("a") || p.Remove("nothing") {
			t.Error("Remove tells wrongly")
		}
	})
	t.Run("a registry needs pantry.json", func(t *testing.T) {
		dir := folder(t, "package.json", "{}\n")
		p := open(t, dir)
		set(t, p, lockfile.Prod, "github:cli/cli", "^2")
		if err := p.Save(); err != nil {
			t.Fatal(err)
		}
		if got := text(t, dir, "package.json"); got != "{}\n" {
			t.Errorf("package.json: %s", got)
		}
		if got := text(t, dir, "pantry.json"); !strings.Contains(got, `"github:cli/cli": "^2"`) {
			t.Errorf("pantry.json: %s", got)
		}
	})
}

func TestSaveKeepsOthersEdits(t *testing.T) {
	t.Parallel()
	dir := folder(t, "package.json", `{"dependencies": {"a": "1", "b": "1"}}`)
	p := open(t, dir)
	set(t, p, lockfile.Prod, "c", "1")
	p.Remove("a")
	path := filepath.Join(dir, "package.json")
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"name": "new", "dependencies": {"a": "1", "b": "2"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
	if got, want := text(t, dir, "package.json"), `{"name": "new", "dependencies": {"b": "2", "c": "1"}}`; got != want {
		t.Errorf("got %s", got)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("permissions: %v, %v", st.Mode(), err)
	}
	set(t, p, lockfile.Prod, "d", "1")
	if err := os.WriteFile(path, []byte(`{"name": `), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); !errors.Is(err, pantry.ErrConfig) || text(t, dir, "package.json") != `{"name": ` {
		t.Errorf("a broken file meanwhile: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); err != nil || !strings.Contains(text(t, dir, "package.json"), `"d": "1"`) {
		t.Errorf("a file that is gone: %v", err)
	}
	before, _ := os.Stat(path)
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("Save without changes wrote the file")
	}
}

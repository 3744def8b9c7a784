package manifest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
)

func parse(t *testing.T, text string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.ParsePackageJSON("package.json", []byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}

func TestParsePackageJSON(t *testing.T) {
	t.Parallel()
	type m = manifest.Manifest
	type deps = map[string]string
	tests := []struct {
		name, text string
		want       m
	}{
		{"empty", `{}`, m{}},
		{"byte order mark", "\ufeff{\"name\": \"a\"}\r\n", m{Name: "a"}},
		{"identity", `{"name": "My App", "version": "not one", "private": true}`, m{Name: "My App", Version: "not one", Private: true}},
		{"nulls", `{"name": null, "version": null, "dependencies": null, "bin": null, "overrides": null, "workspaces": null, "private": null}`, m{}},
		{"wishes", `{"dependencies": {"a": "^1", "@s/b": " 2 ", "c": ""}, "devDependencies": {"d": "latest"}, "optionalDependencies": {"e": "npm:f@1"}, "peerDependencies": {"g": ">=1 <2"}}`,
			m{Dependencies: deps{"a": "^1", "@s/b": "2", "c": ""}, DevDependencies: deps{"d": "latest"}, OptionalDependencies: deps{"e": "npm:f@1"}, PeerDependencies: deps{"g": ">=1 <2"}}},
		{"empty arrays", `{"dependencies": [], "devDependencies": [ ], "peerDependenciesMeta": [], "overrides": []}`, m{}},
		{"the last of two keys", `{"name": "x", "dependencies": {"a": "1"}, "dependencies": {"b": "1", "b": "2"}, "name": "y"}`, m{Name: "y", Dependencies: deps{"b": "2"}}},
		{"escaped keys", `{"\u0064ependencies": {"\u0061": "\u0031"}}`, m{Dependencies: deps{"a": "1"}}},
		{"optional before prod", `{"dependencies": {"a": "1", "b": "1"}, "optionalDependencies": {"a": "2"}}`, m{Dependencies: deps{"b": "1"}, OptionalDependencies: deps{"a": "2"}}},
		{"prod before dev", `{"devDependencies": {"a": "1", "b": "1"}, "dependencies": {"a": "2"}}`, m{Dependencies: deps{"a": "2"}, DevDependencies: deps{"b": "1"}}},
		{"optional before dev", `{"devDependencies": {"a": "1"}, "optionalDependencies": {"a": "2"}}`, m{OptionalDependencies: deps{"a": "2"}}},
		{"peer beside dev", `{"devDependencies": {"a": "1"}, "peerDependencies": {"a": "*"}}`, m{DevDependencies: deps{"a": "1"}, PeerDependencies: deps{"a": "*"}}},
		{"optional peers", `{"peerDependencies": {"a": "1", "b": "1"}, "peerDependenciesMeta": {"b": {"optional": true}, "a": {"optional": false}, "z": {"optional": true}, "y": 1}}`,
			m{PeerDependencies: deps{"a": "1", "b": "1"}, OptionalPeers: []string{"b", "z"}}},
		{"bundled list", `{"bundleDependencies": ["b", "@s/a", "b"]}`, m{Bundled: []string{"@s/a", "b"}}},
		{"bundled, other spelling", `{"bundledDependencies": ["a"]}`, m{Bundled: []string{"a"}}},
		{"bundled object", `{"bundleDependencies": {"a": "1"}, "bundledDependencies": ["b"]}`, m{Bundled: []string{"a"}}},
		{"bundled true", `{"bundleDependencies": true, "dependencies": {"a": "1"}, "devDependencies": {"b": "1"}}`,
			m{Dependencies: deps{"a": "1"}, DevDependencies: deps{"b": "1"}, Bundled: []string{"a"}}},
		{"bundled false", `{"bundleDependencies": false, "dependencies": {"a": "1"}}`, m{Dependencies: deps{"a": "1"}}},
		{"bin string", `{"name": "@s/a", "bin": "./cli.js"}`, m{Name: "@s/a", Bin: deps{"@s/a": "./cli.js"}}},
		{"bin string without a name", `{"bin": "cli.js"}`, m{}},
		{"bin object", `{"bin": {"x": "a", "y": 1}}`, m{Bin: deps{"x": "a"}}},
		{"scripts and engines", `{"scripts": {"build": "tsc", "odd": []}, "engines": {"node": ">=18"}}`, m{Scripts: deps{"build": "tsc"}, Engines: deps{"node": ">=18"}}},
		{"old engines", `{"engines": ["node >= 0.2"], "scripts": "x"}`, m{}},
		{"platform", `{"os": ["!win32"], "cpu": "x64", "libc": []}`, m{OS: []string{"!win32"}, CPU: []string{"x64"}}},
		{"workspaces", `{"workspaces": ["packages/*"]}`, m{Workspaces: []string{"packages/*"}, Unsupported: []string{"the project has workspaces (packages/*)"}}},
		{"workspaces object", `{"workspaces": {"packages": ["a"], "catalog": {"x": "1"}}}`,
			m{Workspaces: []string{"a"}, Unsupported: []string{"workspaces: it holds a catalog", "the project has workspaces (a)"}}},
		{"no workspaces", `{"workspaces": []}`, m{}},
		{"other tools' fields", `{"catalogs": {"a": {}}, "patchedDependencies": {}, "pnpm": {"overrides": {"a": "1"}, "onlyBuiltDependencies": ["x"]}}`,
			m{Unsupported: []string{`"catalogs" holds something`, `"pnpm.overrides" holds something`}}},
		{"other tools' protocols", `{"dependencies": {"a": "workspace:*"}, "devDependencies": {"b": "catalog:"}, "optionalDependencies": {"c": "link:../c"}}`,
			m{Dependencies: deps{"a": "workspace:*"}, DevDependencies: deps{"b": "catalog:"}, OptionalDependencies: deps{"c": "link:../c"},
				Unsupported: []string{
					`dependencies: a is wished for as "workspace:*", which uses the workspace: protocol`,
					`devDependencies: b is wished for as "catalog:", which uses the catalog: protocol`,
				}}},
		{"unknown fields", `{"exports": {"./x": [1, 2.5e3, null, {"y": true}]}, "type": "module"}`, m{}},
	}
	for _, tt := range tests {
		got := parse(t, tt.text)
		tt.want.File = "package.json"
		if diff := cmp.Diff(&tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestParsePackageJSONErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, at, want string }{
		{"empty file", "", "1:1", "unexpected end"},
		{"truncated", "{\n  \"name\": \"a\"", "2:13", "unexpected end"},
		{"not an object", `["a"]`, "1:1", "an object expected"},
		{"a string", `"a"`, "1:1", "an object expected"},
		{"comment", "{\n  // hello\n}", "2:3", "invalid character '/'"},
		{"trailing comma", "{\n  \"a\": 1,\n}", "3:1", "invalid character '}'"},
		{"two values", `{} {}`, "1:4", "invalid character '{'"},
		{"not UTF-8", "{\"a\": \"\xff\"}", "1:8", "not UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "1:1", "not UTF-8"},
		{"too deep", strings.Repeat(`{"a":`, 200), "1:641", "nested more than"},
		{"deep array", `{"a":` + strings.Repeat("[", 5_000_000), "1:133", "nested more than"},
		{"too many values", `{"a":[` + strings.Repeat("1,", 300_000) + `1]}`, "1:500002", "more than 250000 values"},
		{"name", `{"name": 1}`, "1:10", `"name" is not a string`},
		{"version", `{"version": {}}`, "1:13", `"version" is not a string`},
		{"control character in name", `{"name": "a\u001b[2J"}`, "1:10", "control character"},
		{"dependencies", `{"dependencies": "a"}`, "1:18", `"dependencies" is not an object`},
		{"dependencies in a list", `{"dependencies": ["a"]}`, "1:18", `"dependencies" is not an object`},
		{"number wished for", "{\n\t\"devDependencies\": {\n\t\t\"é\": 1}}", "3:8", `what is wished for "é" is not a string`},
		{"null wished for", `{"dependencies": {"a": null}}`, "1:24", `what is wished for "a" is not a string`},
		{"object wished for", `{"optionalDependencies": {"a": {}}}`, "1:32", `is not a string`},
		{"long wish", `{"dependencies": {"a": "` + strings.Repeat("1", 5000) + `"}}`, "1:24", "too long"},
		{"control character in a wish", `{"dependencies": {"a": "1\u0000"}}`, "1:24", "control character"},
		{"direction mark in a wish", `{"dependencies": {"a": "1\u202e"}}`, "1:24", "control character"},
		{"traversal", `{"dependencies": {"../x": "1"}}`, "1:19", `invalid package name "../x"`},
		{"hidden", `{"dependencies": {".bin": "1"}}`, "1:19", `invalid package name ".bin"`},
		{"prototype", `{"dependencies": {"__proto__": "1"}}`, "1:19", "invalid package name"},
		{"absolute", `{"dependencies": {"/etc": "1"}}`, "1:19", "invalid package name"},
		{"backslash", `{"dependencies": {"a\\b": "1"}}`, "1:19", "invalid package name"},
		{"empty name", `{"dependencies": {"": "1"}}`, "1:19", "it is empty"},
		{"registry in front", `{"dependencies": {"acme:a": "1"}}`, "1:19", "a registry can be named in pantry.json only"},
		{"peers' meta", `{"peerDependenciesMeta": {"../a": {"optional": true}}}`, "1:27", "invalid package name"},
		{"peers' meta, type", `{"peerDependenciesMeta": 1}`, "1:26", "is not an object"},
		{"bundled", `{"bundleDependencies": ["../a"]}`, "1:24", "invalid package name"},
		{"bundled, type", `{"bundleDependencies": [1]}`, "1:24", "not all strings"},
		{"os", `{"os": [1]}`, "1:8", "not a list of strings"},
		{"workspaces", `{"workspaces": "a"}`, "1:16", "not a list of strings"},
		{"overrides", `{"overrides": "a"}`, "1:15", "is not an object"},
		{"resolutions", `{"resolutions": {"a": 1}}`, "1:23", "is not a string"},
	}
	for _, tt := range tests {
		_, err := manifest.ParsePackageJSON("x/package.json", []byte(tt.text))
		checkError(t, tt.name, err, "x/package.json:"+tt.at+": ", tt.want)
	}
	if _, err := manifest.ParsePackageJSON("f", make([]byte, manifest.MaxSize+1)); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("too large a file: %v", err)
	}
}

func checkError(t *testing.T, name string, err error, at, want string) {
	t.Helper()
	var syntax *manifest.SyntaxError
	switch {
	case err == nil:
		t.Errorf("%s: no error, want %q", name, want)
	case !errors.Is(err, pantry.ErrConfig) || !errors.As(err, &syntax):
		t.Errorf("%s: %v matches neither ErrConfig nor SyntaxError", name, err)
	case !strings.HasPrefix(err.Error(), at) || !strings.Contains(err.Error(), want):
		t.Errorf("%s: error %.200q, want %q … %q", name, err.Error(), at, want)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"a", "A", "JSONStream", "a.b", "a-b_c", "a~!*'()", "1", "@s/a", "@S/A", "@s/_a", "@s/-a", "@_/a", "http", strings.Repeat("a", 214),
	} {
		if err := manifest.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", ".a", "_a", "-a", "@", "@s", "@s/", "@/a", "@s/a/b", "@s/.a", "@s/..", "a/b", "a b", " a", "a\n", "a\\b", "a:b", "a%2f", "é", "a@b", "@s/a@1",
		"node_modules", "NODE_MODULES", "favicon.ico", "@s/node_modules", "\u202ea", strings.Repeat("a", 215), "a#", "a?", "$a",
	} {
		if manifest.CheckName(name) == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestCheckTag(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"latest", "beta", "next-13", "v", "1.2.3.4", "canary.1"} {
		if err := manifest.CheckTag(tag); err != nil {
			t.Errorf("%q: %v", tag, err)
		}
	}
	for _, tag := range []string{"", "1", "v1.2.3", "1.x", "*", "x", "a b", "a/b", "é", "a\x00", strings.Repeat("a", 300)} {
		if manifest.CheckTag(tag) == nil {
			t.Errorf("%q is accepted", tag)
		}
	}
}

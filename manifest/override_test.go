package manifest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
)

func TestOverrides(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       map[string]string
	}{
		{"none", `{"overrides": {}}`, nil},
		{"plain", `{"overrides": {"foo": "1.0.0", "bar": " "}}`, map[string]string{"foo": "1.0.0", "bar": "*"}},
		{"itself and below", `{"overrides": {"foo": {".": "1.0.0", "bar": "2.0.0"}}}`, map[string]string{"foo": "1.0.0", "foo > bar": "2.0.0"}},
		{"ranges", `{"overrides": {"foo@2": "1", "@s/x@^1 || 2": {"bar@*": {"baz": "3"}}}}`, map[string]string{"foo@2": "1", "@s/x@^1 || 2 > bar > baz": "3"}},
		{"reference", `{"dependencies": {"foo": "^1.2.0"}, "overrides": {"foo": "$foo", "bar": {"x": "$foo"}}}`, map[string]string{"foo": "^1.2.0", "bar > x": "^1.2.0"}},
		{"references go to dev first", `{"dependencies": {"b": "2"}, "peerDependencies": {"a": "1", "b": "1"}, "devDependencies": {"a": "3"}, "overrides": {"x": "$a", "y": "$b"}}`,
			map[string]string{"x": "3", "y": "2"}},
		{"the last of two", `{"overrides": {"foo": "1", "foo@*": "2"}}`, map[string]string{"foo": "2"}},
		{"resolutions", `{"resolutions": {"a": "1", "**/b": "2", "c/d": "3", "@s/c/**/@s/d": "4", "e@npm:^1": "npm:1.5.0", "f@2/g": "npm:other@1"}}`,
			map[string]string{"a": "1", "b": "2", "c > d": "3", "@s/c > @s/d": "4", "e@^1": "1.5.0", "f@2 > g": "npm:other@1"}},
		{"both", `{"overrides": {"a": "1"}, "resolutions": {"a": "2", "b": "2"}}`, map[string]string{"a": "1", "b": "2"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, parse(t, tt.text).Overrides.Strings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	m := parse(t, `{"resolutions": {"packages/*": "1", "**": "1", "a@patch:x": "1"}}`)
	if len(m.Unsupported) != 3 || len(m.Overrides) != 0 {
		t.Errorf("patterns: %q, %v", m.Unsupported, m.Overrides)
	}
}

func TestOverridesErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, at, want string }{
		{"reference to nothing", `{"overrides": {"a": "$b"}}`, "1:21", `refers to "b", which is no dependency`},
		{"bad name", `{"overrides": {"../a": "1"}}`, "1:16", "invalid package name"},
		{"dot at the top", `{"overrides": {".": "1"}}`, "1:16", "invalid package name"},
		{"tag as selector", `{"overrides": {"a@latest": "1"}}`, "1:16", `"latest" is not a range`},
		{"number", `{"overrides": {"a": {"b": 1}}}`, "1:27", `"b" is not a string`},
		{"dot with children", `{"overrides": {"a": {".": {"b": "1"}}}}`, "1:27", `"." is not a string`},
		{"control character", `{"overrides": {"a": "1\u0007"}}`, "1:21", "control character"},
		{"a direct dependency", `{"dependencies": {"a": "^1"}, "overrides": {"b": "1", "a": "2"}}`, "1:60", `override of a: "2" contradicts the project's own dependency a@^1`},
		{"a direct dependency, by range", `{"devDependencies": {"a": "^1"}, "overrides": {"a@1.5.0": {"b": "1"}}}`, "1:65", `"1.5.0" contradicts the project's own dependency a@^1`},
	}
	for _, tt := range tests {
		_, err := manifest.ParsePackageJSON("f", []byte(tt.text))
		checkError(t, tt.name, err, "f:"+tt.at+": ", tt.want)
	}
	_, err := manifest.ParsePackageJSON("f", []byte(tests[7].text))
	if got := pantry.Hint(err); got != `write the same in both places, or "$a" as the override` {
		t.Errorf("hint %q", got)
	}
	for name, text := range map[string]string{
		"the same spec":                      `{"dependencies": {"a": "^1"}, "overrides": {"a": "^1"}}`,
		"a range that has nothing in common": `{"dependencies": {"a": "^1"}, "overrides": {"a@2": "2.0.1"}}`,
		"only below":                         `{"dependencies": {"a": "^1"}, "overrides": {"b": {"a": "2"}}}`,
		"a resolution":                       `{"dependencies": {"a": "^1"}, "resolutions": {"a": "2"}}`,
	} {
		if _, err := manifest.ParsePackageJSON("f", []byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	type path = []manifest.NodeRef
	ref := func(s string) path {
		var p path
		for _, x := range [][2]string{{"foo", "1.0.0"}, {"foo", "2.0.0"}, {"bar", "1.0.0"}, {"other", "1.0.0"}, {"bar", "2.0.0-rc.1"}} {
			for _, part := range splitComma(s) {
				if part == x[0]+"@"+x[1] {
					p = append(p, manifest.NodeRef{Name: x[0], Version: x[1]})
				}
			}
		}
		return p
	}
	tests := []struct {
		overrides, path, name, spec string
		want                        string // "" means none
	}{
		// A version for everybody.
		{`"foo": "1.0.0"`, "", "foo", "^2", "1.0.0"},
		{`"foo": "1.0.0"`, "other@1.0.0", "foo", "latest", "1.0.0"},
		{`"foo": "1.0.0"`, "other@1.0.0", "bar", "^2", ""},
		// A package and what is below it.
		{`"foo": {".": "1.0.0", "bar": "1.0.0"}`, "", "foo", "^2", "1.0.0"},
		{`"foo": {".": "1.0.0", "bar": "1.0.0"}`, "foo@1.0.0", "bar", "^2", "1.0.0"},
		{`"foo": {".": "1.0.0", "bar": "1.0.0"}`, "foo@1.0.0,other@1.0.0", "bar", "^2", "1.0.0"},
		{`"foo": {".": "1.0.0", "bar": "1.0.0"}`, "other@1.0.0", "bar", "^2", ""},
		{`"foo": {"bar": "1.0.0"}`, "", "foo", "^2", ""},
		// Below one version only.
		{`"foo@2.0.0": {"bar": "1.0.0"}`, "foo@2.0.0", "bar", "^2", "1.0.0"},
		{`"foo@2.0.0": {"bar": "1.0.0"}`, "foo@1.0.0", "bar", "^2", ""},
		// Any depth of nesting.
		{`"baz": {"bar": {"foo": "1.0.0"}}`, "bar@1.0.0", "foo", "^2", ""},
		{`"foo": {"bar": {"baz": "1.0.0"}}`, "foo@1.0.0,bar@1.0.0", "baz", "^2", "1.0.0"},
		{`"foo": {"bar": {"baz": "1.0.0"}}`, "foo@1.0.0,other@1.0.0", "baz", "^2", ""},
		// The nearest wins.
		{`"baz": "1", "foo": {"baz": "2"}`, "foo@1.0.0", "baz", "*", "2"},
		{`"baz": "1", "foo": {"baz": "2", "bar": {"baz": "3"}}`, "foo@1.0.0,bar@1.0.0", "baz", "*", "3"},
		{`"baz": "1", "foo": {"baz": "2"}`, "bar@1.0.0", "baz", "*", "1"},
		// Prereleases are below a plain name too.
		{`"bar": {"baz": "2"}`, "bar@2.0.0-rc.1", "baz", "*", "2"},
		// Ranges of the wish.
		{`"foo@^1": "1.9.0"`, "", "foo", "^1.2.0", "1.9.0"},
		{`"foo@^1": "1.9.0"`, "", "foo", "^2", ""},
		{`"foo@^1": "1.9.0"`, "", "foo", ">=1", "1.9.0"},
		{`"foo@^1": "1.9.0"`, "", "foo", "npm:fork@^1", "1.9.0"},
		{`"foo@^1": "1.9.0"`, "", "foo", "npm:fork@^2", ""},
		{`"foo@^1": "1.9.0"`, "", "foo", "acme:foo@^1", "1.9.0"},
		{`"foo@^1": "1.9.0"`, "", "foo", "beta", "1.9.0"},
		{`"foo@^1": "1.9.0"`, "", "foo", "file:../foo", "1.9.0"},
		{`"foo@^1": "1.9.0"`, "", "foo", "github:o/foo", ""},
		{`"foo@^1": "1", "foo": "2"`, "", "foo", "^1", "1"},
		{`"foo": "2", "foo@^1": "1"`, "", "foo", "^1", "2"},
		// An implied version, and other specs than versions.
		{`"foo@2": {"bar": "1"}`, "", "foo", "^2.1.0", "2"},
		{`"foo": "npm:fork@1"`, "", "foo", "^2", "npm:fork@1"},
		{`"foo": ""`, "", "foo", "^2", ""},
	}
	for _, tt := range tests {
		m := parse(t, `{"overrides": {`+tt.overrides+`}}`)
		got, ok := m.Overrides.Match(ref(tt.path), tt.name, tt.spec)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("{%s} at [%s], %s@%s: %q, %v; want %q", tt.overrides, tt.path, tt.name, tt.spec, got, ok, tt.want)
		}
	}
}

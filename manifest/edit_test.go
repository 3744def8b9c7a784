package manifest

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/tailscale/hujson"
	"pgregory.net/rapid"
)

// FuzzParsePackageJSON: what is accepted is JSON, and says what encoding/json reads.
func FuzzParsePackageJSON(f *testing.F) {
	for _, s := range []string{
		`{"name": "a", "name": "b", "dependencies": {"a": "^1", "\u0062": "npm:c@1"}, "optionalDependencies": {"a": " 2 "}}`,
		`{"overrides": {"a": {".": "$b", "c@^1": "2"}}, "devDependencies": {"b": "1"}, "resolutions": {"**/x/@s/y": "npm:1"}}`,
		`{"peerDependenciesMeta": {"a": {"optional": true}}, "bundleDependencies": true, "bin": "x", "workspaces": {"packages": ["a"]}}`,
		"\ufeff{}", `{"os": ["!x"], "engines": [], "pnpm": {"overrides": {"a": "1"}}}`, "{\"a\": [1, 2.5e3, null]} // x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ParsePackageJSON("f", data)
		if err != nil {
			_ = err.Error()
			return
		}
		var all map[string]any
		plain := bytes.TrimPrefix(data, []byte(bom))
		if err := json.Unmarshal(plain, &all); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		if name, _ := all["name"].(string); name != m.Name {
			t.Fatalf("name %q, want %q", m.Name, name)
		}
		optional, _ := all["optionalDependencies"].(map[string]any)
		if len(optional) != len(m.OptionalDependencies) {
			t.Fatalf("optional dependencies %v, want %v", m.OptionalDependencies, optional)
		}
		for name := range m.OptionalDependencies {
			if _, twice := m.Dependencies[name]; twice || CheckName(name) != nil {
				t.Fatalf("dependency %q", name)
			}
		}
		m.Overrides.Match([]NodeRef{{"a", "1.0.0"}, {"x", "2.0.0"}}, "c", "^1")
	})
}

// FuzzEdit: adding an entry changes nothing else, and removing it brings the text back but for white
// space.
func FuzzEdit(f *testing.F) {
	for _, s := range []string{
		"{}", "{\n}\n", `{"name":"x"}`, `{ "name": "x" }`, "{\n\t\"name\": \"x\"\n}\n", "{\r\n  \"x\": 1\r\n}\r\n",
		"{\n  \"dependencies\": {\n    \"a\": \"1\",\n    \"zz\": \"1\"\n  }\n}\n",
		"{\n  \"dependencies\": {\n    \"a\": \"1\" // a's\n  }, // x\n}\n", "{ // x\n  /* y */ \"dependencies\": { \"a\": \"1\", /* z\n */ },\n}",
		"{\n  \"dependencies\": {\n    \"a\": \"1\"\n  , \"zz\": \"1\"\n  }\n}\n", `{"dependencies":{"a":"1"},"dependencies":{},"x":[]}`,
		"{\"x\": 1 /* c */}", "{\"x\": 1, // c\n}", "{/* a */ /* b */}", "\ufeff{\"dependencies\": []}",
	} {
		f.Add([]byte(s), "new", true)
		f.Add([]byte(s), "a", false)
	}
	f.Fuzz(func(t *testing.T, data []byte, name string, comments bool) { checkEdit(t, data, name, comments) })
}

// TestEditLayouts does the same for files with odd white space, comments and commas everywhere.
func TestEditLayouts(t *testing.T) {
	t.Parallel()
	gap := rapid.SampledFrom([]string{"", "", " ", "\n", "\n  ", "\r\n\t", " // c\n", "\n  // d\n  ", "/* e */", " /* f\n */ ", "\n\n  "})
	object := func(t *rapid.T, names []string, value func(string) string) string {
		out := "{" + gap.Draw(t, "gap")
		for i, name := range names {
			if i > 0 {
				out += "," + gap.Draw(t, "gap")
			}
			out += `"` + name + `"` + gap.Draw(t, "gap") + ":" + gap.Draw(t, "gap") + value(name) + gap.Draw(t, "gap")
		}
		if len(names) > 0 && rapid.Bool().Draw(t, "trailing") {
			out += "," + gap.Draw(t, "gap")
		}
		return out + "}"
	}
	subset := func(t *rapid.T, all ...string) []string {
		return slices.DeleteFunc(all, func(string) bool { return rapid.Bool().Draw(t, "without") })
	}
	rapid.Check(t, func(t *rapid.T) {
		inner := func(string) string {
			return object(t, subset(t, "a", "c", "e"), func(string) string { return `"1"` })
		}
		text := gap.Draw(t, "gap") + object(t, subset(t, "x", "dependencies", "y", "devDependencies"), inner) + gap.Draw(t, "gap")
		checkEdit(t, []byte(text), rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "name"), true)
	})
}

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func checkEdit(t failer, data []byte, name string, comments bool) {
	t.Helper()
	s := &source{path: "f", comments: comments}
	doc, err := parseDocument("f", data, comments)
	if err != nil || CheckName(name) != nil {
		return
	}
	s.doc = doc
	if _, err := s.read(); err != nil {
		return
	}
	before := rawMembers(doc)
	had := s.holds(name)
	if err := s.change(change{"dependencies", name, "^1 <2"}); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	checkAfter(t, s, before, "added")
	r, err := s.read()
	if err == nil && !slices.ContainsFunc(r.wishes, func(w wish) bool {
		return w.section == "dependencies" && w.name == name && w.value == "^1 <2"
	}) {
		t.Fatalf("%q is not in %s", name, s.doc.data)
	}
	if !had && !slices.Equal(commentsOf(data), commentsOf(s.doc.data)) {
		t.Fatalf("comments were lost:\n%s\n%s", data, s.doc.data)
	}
	if err := s.change(change{name: name}); err != nil {
		t.Fatalf("%v in %s", err, s.doc.data)
	}
	checkAfter(t, s, before, "removed")
	if s.holds(name) {
		t.Fatalf("%q is still in %s", name, s.doc.data)
	}
	if !had && comesBack(doc) && squeeze(doc.data) != squeeze(s.doc.data) {
		t.Fatalf("before:\n%s\nafter:\n%s", doc.data, s.doc.data)
	}
}

// comesBack says whether removing what was added can restore the text: it cannot where there was an
// empty section, or an empty object around it.
func comesBack(d *document) bool {
	if len(d.root.Members) == 0 {
		return false
	}
	i := lastMember(d.root, exactly("dependencies"))
	if i < 0 {
		return true
	}
	o, ok := d.root.Members[i].Value.Value.(*hujson.Object)
	return ok && len(o.Members) > 0
}

// rawMembers lists the texts of the members that changes do not touch.
func rawMembers(d *document) []string {
	touched := []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "peerDependenciesMeta", "bundleDependencies", "bundledDependencies"}
	var out []string
	for _, m := range d.root.Members {
		lit, _ := m.Name.Value.(hujson.Literal)
		if !slices.Contains(touched, lit.String()) {
			out = append(out, string(d.data[m.Name.StartOffset:m.Value.EndOffset]))
		}
	}
	return out
}

func checkAfter(t failer, s *source, before []string, what string) {
	t.Helper()
	if after := rawMembers(s.doc); !slices.Equal(before, after) {
		t.Fatalf("%s: other members were %q, are %q", what, before, after)
	}
	if _, err := parseDocument("f", s.doc.data, s.comments); err != nil {
		t.Fatalf("%s: %v in %s", what, err, s.doc.data)
	}
}

// squeeze drops white space between tokens and comments.
func squeeze(data []byte) string {
	var out []byte
	for i := 0; i < len(data); i++ {
		end := i
		switch data[i] {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			end = skipString(data, i)
		case '/':
			end = skipComment(data, i)
		}
		out = append(out, bytes.TrimSpace(data[i:end+1])...)
		i = end
	}
	return string(out)
}

// commentsOf lists the comments of a text.
func commentsOf(data []byte) []string {
	var out []string
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipString(data, i)
		case '/':
			end := skipComment(data, i)
			out = append(out, string(data[i:min(end+1, len(data))]))
			i = end
		}
	}
	return out
}

func TestCollationKey(t *testing.T) {
	t.Parallel()
	// As Intl.Collator("en") of ICU 78 sorts them.
	want := []string{"_a", "-a", "@s-x/a", "@s.x/a", "@s/a", "a", "A", "a_b", "a-b", "a.b", "a~b", "a1", "a10", "a2", "ab", "aB", "Ab", "b", "B"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, func(a, b string) int { return bytes.Compare([]byte(CollationKey(a)), []byte(CollationKey(b))) })
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

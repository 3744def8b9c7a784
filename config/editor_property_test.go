package config

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/registry"
)

// TestEditorKeepsWhatItDoesNotChange edits files with comments and line ends anywhere: after each
// change the text says what the change was meant to do, and the comments in lines of their own in
// front of entries that stay are still there.
func TestEditorKeepsWhatItDoesNotChange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	rapid.Check(t, func(t *rapid.T) {
		extra := func(label string) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{
				" ", "\n", "\n  ", "// c, ]}\n", "/* c */", "/* a\n b */", "\r\n", "\t",
			}), 0, 3).Draw(t, label), "")
		}
		var b strings.Builder
		b.WriteString(extra("start") + "{" + extra("open") + `"registries"` + extra("colon") + ":" + extra("value") + "[" + extra("list"))
		n := rapid.IntRange(0, 4).Draw(t, "entries")
		var names []string
		for i := range n {
			name := "r" + strconv.Itoa(i)
			names = append(names, name)
			b.WriteString(extra("before") + "\n// about " + name + "\n{" + extra("in") + `"name":"` + name + `"` + extra("out"))
			if rapid.Bool().Draw(t, "more") {
				b.WriteString(`,` + extra("in") + `"enabled":true` + extra("out"))
			}
			if rapid.Bool().Draw(t, "inner comma") {
				b.WriteString("," + extra("out"))
			}
			b.WriteString("}" + extra("after"))
			if i < n-1 || rapid.Bool().Draw(t, "comma") {
				b.WriteString("," + extra("after"))
			}
		}
		b.WriteString("]" + extra("close") + "}" + extra("end"))
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := Edit(path)
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			change(t, e, &names)
			if err := e.verify(e.Bytes()); err != nil {
				t.Fatalf("%v\n%s", err, e.Bytes())
			}
			if got := e.Registries(); !slices.Equal(got, names) {
				t.Fatalf("registries %q, want %q\n%s", got, names, e.Bytes())
			}
			for _, name := range names {
				if strings.HasPrefix(name, "r") && !strings.Contains(string(e.Bytes()), "// about "+name+"\n") {
					t.Fatalf("the comment about %s is gone\n%s", name, e.Bytes())
				}
			}
		}
	})
}

func change(t *rapid.T, e *Editor, names *[]string) {
	kind := rapid.IntRange(0, 3).Draw(t, "kind")
	if len(*names) == 0 {
		kind = 0
	}
	if kind == 0 {
		name := "new"
		for i := 0; slices.Contains(*names, name); i++ {
			name = "new" + strconv.Itoa(i)
		}
		if err := e.AddRegistry(registry.Config{Name: name, Type: "npm"}); err != nil {
			t.Fatal(err)
		}
		*names = append(*names, name)
		return
	}
	i := rapid.IntRange(0, len(*names)-1).Draw(t, "which")
	name := (*names)[i]
	var err error
	switch kind {
	case 1:
		err = e.RemoveRegistry(name)
		*names = slices.Delete(*names, i, i+1)
	case 2:
		err = e.SetEnabled(name, false)
	default:
		err = e.SetPriority(name, 7)
	}
	if err != nil {
		t.Fatal(err)
	}
}

package lockfile_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/lockfile"
)

// without returns the lockfile of text without some packages and without the wishes for them.
func without(t *testing.T, text string, ids ...lockfile.ID) *lockfile.Lock {
	t.Helper()
	l, err := lockfile.Parse("pantry.lock", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		delete(l.Packages, id)
	}
	for name, w := range l.Projects["."].Dependencies {
		if slices.Contains(ids, w.ID) {
			delete(l.Projects["."].Dependencies, name)
		}
	}
	return l
}

const partText = `# pantry.lock, version 1. Made by "pantry install"; do not edit by hand.
project .
  prod b ^1 npm:b@1.0.0
  prod z * npm:z@1.0.0
  dev a ^1 npm:a@1.0.0
package npm:a@1.0.0
  dep c ^1 npm:c@1.0.0
package npm:b@1.0.0
  dep d ^1 npm:d@1.0.0
  optional-peer e ^1 ""
package npm:c@1.0.0
package npm:d@1.0.0
  deprecated "it says\npackage npm:zz@1"
package npm:z@1.0.0
`

func TestInsert(t *testing.T) {
	whole, err := lockfile.Parse("pantry.lock", []byte(partText))
	if err != nil {
		t.Fatal(err)
	}
	want := whole.Format()
	for _, added := range [][]lockfile.ID{
		{"npm:a@1.0.0"}, {"npm:z@1.0.0"}, {"npm:a@1.0.0", "npm:c@1.0.0"}, {"npm:b@1.0.0", "npm:d@1.0.0"},
		{"npm:a@1.0.0", "npm:b@1.0.0", "npm:c@1.0.0", "npm:d@1.0.0"},
	} {
		text := without(t, partText, added...).Format()
		if got, ok := whole.Insert(text, added); !ok || !bytes.Equal(got, want) {
			t.Errorf("%v: got %v\n%s", added, ok, got)
		}
	}
}

func TestInsertRefuses(t *testing.T) {
	l, err := lockfile.Parse("pantry.lock", []byte(partText))
	if err != nil {
		t.Fatal(err)
	}
	added := []lockfile.ID{"npm:a@1.0.0"}
	good := string(without(t, partText, added...).Format())
	at := strings.Index(good, "package npm:b@")
	for name, text := range map[string]string{
		"nothing":      "",
		"no packages":  good[:at],
		"another head": strings.Replace(good, "version 1", "version 2", 1),
		"cut short":    good[:len(good)-1],
		"wrong order":  good + "package npm:b@2.0.0\n",
		"quoted":       good[:at] + strings.ReplaceAll(good[at:], "package npm:b@1.0.0", `package "npm:b@1.0.0"`),
		"not in order": good,
	} {
		ids := added
		if name == "not in order" {
			ids = []lockfile.ID{"npm:c@1.0.0", "npm:a@1.0.0"}
		}
		if got, ok := l.Insert([]byte(text), ids); ok {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

func TestPart(t *testing.T) {
	l, err := lockfile.Parse("pantry.lock", []byte(partText))
	if err != nil {
		t.Fatal(err)
	}
	part := l.Part([]string{"b", "nobody"})
	want := without(t, partText, "npm:a@1.0.0", "npm:c@1.0.0", "npm:z@1.0.0").Format()
	if got := part.Format(); !bytes.Equal(got, want) {
		t.Errorf("got\n%s", got)
	}
}

package lockfile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

// FuzzParse: what is read can be written and read again, and is the same.
func FuzzParse(f *testing.F) {
	f.Add([]byte(wantText()))
	f.Add([]byte(head + "package npm:a(b@1\n  name a(b\n  version 1\n  registry npm\n"))
	f.Add([]byte(head + "project .\n  optional a \"\" \"\"\r\n\n#\npackage :a@1(\"\")\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := lockfile.Parse("f", data)
		if err != nil {
			return
		}
		text := l.Format()
		again, err := lockfile.Parse("f", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(l, again, equal); diff != "" {
			t.Fatal(diff)
		}
		if !bytes.Equal(again.Format(), text) {
			t.Fatal("not canonical")
		}
	})
}

// TestRoundTrip: Parse(Format(l)) is l for locks with any text in their fields.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.String()
	name := rapid.StringMatching(`(@[a-z]{1,3}/)?[a-z(@][a-zA-Z0-9é.(@)-]{0,5}[a-z]`)
	version := rapid.StringMatching(`[0-9]\.[0-9](@[a-z])?(\([a-z]\))?`)
	rapid.Check(t, func(t *rapid.T) {
		l := lockfile.New()
		var ids []lockfile.ID
		for range rapid.IntRange(1, 6).Draw(t, "packages") {
			p := &lockfile.Package{
				Registry:         rapid.SampledFrom([]string{"npm", "acme", ""}).Draw(t, "registry"),
				Name:             name.Draw(t, "name"),
				Version:          version.Draw(t, "version"),
				Deprecated:       text.Draw(t, "deprecated"),
				OS:               rapid.SliceOfN(text, 0, 2).Draw(t, "os"),
				Engines:          rapid.MapOfN(text, text, 0, 2).Draw(t, "engines"),
				Bin:              rapid.MapOfN(rapid.StringMatching(`[a-zé ]?[a-z]`), rapid.StringMatching(`[a-z]( [a-z])?(/[a-z])?`), 0, 2).Draw(t, "bin"),
				HasInstallScript: rapid.Bool().Draw(t, "script"),
				Nested:           rapid.SampledFrom([]int{0, 0, 2, 3, 100}).Draw(t, "nested"),
			}
			for k := range p.Bin {
				if strings.HasPrefix(k, " ") {
					delete(p.Bin, k)
				}
			}
			if rapid.Bool().Draw(t, "integrity") {
				p.Integrity = integrity.Set{sum(p.Name)}
			}
			id := lockfile.MakeID(p.Registry, p.Name, p.Version) + lockfile.ID(rapid.SampledFrom([]string{"", "(x@1)", "(a b)"}).Draw(t, "peers"))
			if l.Packages[id] == nil {
				l.Packages[id] = p
				ids = append(ids, id)
			}
		}
		l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
		for _, id := range ids {
			l.Projects["."].Dependencies[name.Draw(t, "wish")] = lockfile.Wish{
				Kind: rapid.SampledFrom([]lockfile.Kind{lockfile.Prod, lockfile.Dev, lockfile.Optional, lockfile.Peer}).Draw(t, "kind"),
				Spec: text.Draw(t, "spec"), ID: id,
			}
			l.Packages[id].Dependencies = map[string]lockfile.Dependency{name.Draw(t, "dep"): {
				ID: rapid.SampledFrom(ids).Draw(t, "to"), Spec: text.Draw(t, "spec"),
				Optional: rapid.Bool().Draw(t, "optional"), Peer: rapid.Bool().Draw(t, "peer"),
			}}
		}
		got, err := lockfile.Parse("f", l.Format())
		if err != nil {
			t.Fatalf("%v in\n%s", err, l.Format())
		}
		if diff := cmp.Diff(l, got, equal); diff != "" {
			t.Fatal(diff)
		}
	})
}

// large is a lock of n packages with three dependencies each.
func large(n int) *lockfile.Lock {
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	name := func(i int) string { return fmt.Sprintf("package-%d", i%n) }
	id := func(i int) lockfile.ID { return lockfile.MakeID("npm", name(i), "1.2.3") }
	for i := range n {
		p := &lockfile.Package{
			Registry: "npm", Name: name(i), Version: "1.2.3", Integrity: integrity.Set{sum(name(i))},
			Engines:      map[string]string{"node": ">=18"},
			Dependencies: map[string]lockfile.Dependency{},
		}
		for _, j := range []int{i + 1, i * 2, i * 3} {
			p.Dependencies[name(j)] = lockfile.Dependency{ID: id(j), Spec: "^1.2.0"}
		}
		if i%5 == 0 {
			p.Bin = map[string]string{name(i): "bin/cli.js"}
		}
		l.Packages[id(i)] = p
		if i < 40 {
			l.Projects["."].Dependencies[name(i)] = lockfile.Wish{Kind: lockfile.Prod, Spec: "^1.2.0", ID: id(i)}
		}
	}
	return l
}

func BenchmarkParse(b *testing.B) {
	data := large(2200).Format()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lockfile.Parse("f", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFormat(b *testing.B) {
	l := large(2200)
	b.ReportAllocs()
	for b.Loop() {
		l.Format()
	}
}

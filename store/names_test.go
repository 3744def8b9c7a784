package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/store"
)

// TestEntryFolder: where the files of a package are, whatever it was thought to be called before.
func TestEntryFolder(t *testing.T) {
	t.Parallel()
	befores := []string{"", "a", "@s/a", "@t/b", "../x"}
	names := []string{"as before", "", "a", "@s/a", "@s/b", "@t/b", "../x", ".hidden", "node_modules", "a/b", "@s", "@/x", "a\x00b", `a\b`, strings.Repeat("long", 100)}
	for i, before := range befores {
		for j, after := range names {
			if i > 2 && j > 4 { // the folder is that of another one
				continue
			}
			t.Run(fmt.Sprintf("%d-%d", i, j), func(t *testing.T) {
				t.Parallel()
				s := open(t)
				w, err := s.NewWriter(before)
				if err != nil {
					t.Fatal(err)
				}
				name := before
				if j > 0 {
					name = after
					w.SetPackage(name, "1.0.0")
				}
				files := map[string]string{"x": "", "bin/y": "y"}
				if err := put(w, files); err != nil {
					t.Fatal(err)
				}
				e, err := w.Commit(digest("a"))
				if err != nil {
					t.Fatal(err)
				}
				folder, valid := "package", map[string]bool{"a": true, "@s/a": true, "@s/b": true, "@t/b": true}[name]
				if valid {
					folder = "node_modules/" + name
				}
				dir := e.Dir[:len(e.Dir)-len(filepath.FromSlash(folder))]
				if want := filepath.Join(dir, filepath.FromSlash(folder)); e.Dir != want || len(filepath.Base(dir)) != 126 {
					t.Errorf("%q is in %s", name, e.Dir)
				}
				check(t, e, files)
				got, err := s.Get(digest("a"))
				if err != nil || got.Dir != e.Dir || got.Name != name {
					t.Errorf("%+v, %v", got, err)
				}
				sound(t, s) // nothing else is there
				if err := s.PutLinked(store.Linked{Key: key("a"), Entry: e}); (err == nil) != valid {
					t.Errorf("%q: %v", name, err)
				}
			})
		}
	}
}

// foldedStory is about names that differ in their capitals only.
func foldedStory(t *testing.T, s *store.Store) {
	t.Helper()
	big := addPackage(t, s, "JSONStream", map[string]string{"x": ""})
	small := addPackage(t, s, "jsonstream", map[string]string{"y": ""})
	a := addPackage(t, s, "a", sample)
	b := addPackage(t, s, "b", sample)
	sound := []store.Linked{
		{Key: key("big"), Entry: big, Links: []store.Target{target("jsonstream", "small")}},
		{Key: key("small"), Entry: small, Links: []store.Target{target("JSONStream", "big")}},
		{Key: key("a"), Entry: a, Links: []store.Target{target("JSONStream", "big")}},
		{Key: key("b"), Entry: b, Links: []store.Target{target("jsonstream", "small")}},
	}
	for _, l := range sound {
		putLinked(t, s, l)
	}
	mustLinked(t, s, sound...)
	err := s.PutLinked(store.Linked{Key: key("both"), Entry: a, Links: []store.Target{target("JSONStream", "big"), target("jsonstream", "small")}})
	if err == nil || !strings.Contains(err.Error(), "does not tell") || s.HasLinked(key("both")) {
		t.Errorf("%v", err)
	}
}

// TestFolded makes it look as if the file system did not tell capitals from small letters.
func TestFolded(t *testing.T) {
	t.Parallel()
	s := open(t)
	a := addPackage(t, s, "a", sample)
	both := store.Linked{Key: key("both"), Entry: a, Links: []store.Target{target("JSONStream", "big"), target("jsonstream", "small")}}
	there := filepath.Join(root(a), "node_modules", "jsonstream")
	if err := os.Symlink("../../../links/"+key("big")+"/node_modules/JSONStream", there); err != nil {
		t.Fatal(err)
	}
	if err := s.PutLinked(both); err == nil || !strings.Contains(err.Error(), "does not tell node_modules/jsonstream from node_modules/JSONStream") {
		t.Errorf("%v", err)
	}
	if s.HasLinked(both.Key) {
		t.Error("it is there")
	}
}

// TestLongPaths: a store deep down, files deep in it, and paths that no system takes.
func TestLongPaths(t *testing.T) {
	t.Parallel()
	seg := strings.Repeat("0123456789", 20)
	dir := filepath.Join(t.TempDir(), seg, seg, seg)
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat(seg+"/", 10) + "x"
	name := "@" + seg + "/" + seg
	e := addPackage(t, s, name, map[string]string{long: "x", "index.js": ""})
	own := store.Linked{Key: key("own"), Entry: e, Links: []store.Target{target("@"+seg+"/b", "b")}}
	home := own
	home.Key = key("home")
	for _, l := range []store.Linked{home, own} {
		putLinked(t, s, l)
		b, err := os.ReadFile(filepath.Join(s.LinkedDir(l.Key, name), filepath.FromSlash(long)))
		if err != nil || string(b) != "x" {
			t.Errorf("%q, %v", b, err)
		}
	}
	got, err := s.Get(e.Digest)
	if d := cmp.Diff(e.Files, got.Files); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	sound(t, s)
	if r := prune(t, s, store.PruneOptions{}); r.Entries != 1 || r.Linked != 2 {
		t.Errorf("%+v", r)
	}
	for _, path := range []string{strings.Repeat("x", 256), strings.Repeat(seg+"/", 25) + "x"} {
		w := newWriter(t, s)
		err := w.File(archive.Entry{Path: path, Size: 1}, strings.NewReader("x"))
		if !errors.Is(err, syscall.ENAMETOOLONG) || !strings.Contains(pantry.Hint(err), "shorter path") {
			t.Errorf("%v, hint %q", err, pantry.Hint(err))
		}
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	s := open(t)
	for path, want := range map[string]string{
		s.LinkedDir(key("a"), "@s/a"):                                   key("a"),
		"../links/" + key("a") + "/node_modules/a/index.js":             key("a"),
		"/links/x/links/" + key("a") + "/node_modules":                  key("a"),
		"/links/" + key("a") + "/links/" + key("b") + "/node_modules/b": key("b"),
		"/links/" + key("a"):                                            "",
		"/links/" + key("a") + "/node_modules2/a":                       "",
		"/links/" + key("a")[1:] + "/node_modules/a":                    "",
		"/links/" + strings.ToUpper(key("a")) + "/node_modules/a":       "",
		"links":    "",
		"/links/":  "",
		"/links//": "",
		"":         "",
	} {
		if got, ok := store.KeyOf(path); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", path, got, ok)
		}
	}
}

package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/store"
)

func generation(t testing.TB, s *store.Store) string {
	t.Helper()
	g, err := s.Generation()
	if err != nil || g == "" {
		t.Fatalf("generation %q, %v", g, err)
	}
	return g
}

func TestStamp(t *testing.T) {
	t.Parallel()
	s := open(t)
	name, record := key("project"), []byte("a\nb\n\x00")
	if _, ok := s.Stamp(name); ok {
		t.Error("there before")
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Error("reading made the store")
	}
	g := generation(t, s)
	if again := generation(t, s); again != g {
		t.Errorf("%s, then %s", g, again)
	}
	for _, data := range [][]byte{nil, record, bytes.Repeat([]byte("x"), 1<<20)} {
		if err := s.PutStamp(name, g, data); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Stamp(name); !ok || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v; want %d", len(got), ok, len(data))
		}
	}
	if _, ok := s.Stamp(key("another")); ok {
		t.Error("another one is there")
	}
	for _, bad := range []string{"", "x", "../" + name, strings.ToUpper(name), strings.Repeat("a", 129)} {
		if err := s.PutStamp(bad, g, nil); err == nil {
			t.Errorf("kept as %q", bad)
		}
		if _, ok := s.Stamp(bad); ok {
			t.Errorf("%q is there", bad)
		}
	}
	if err := s.PutStamp(name, "later", nil); err == nil {
		t.Error("kept for no generation")
	}
	if err := s.PutStamp(key("another"), "", nil); err != nil {
		t.Error(err)
	}
	if _, ok := s.Stamp(key("another")); ok {
		t.Error("kept though the store has no generation")
	}
}

// TestStampVoid: what makes a stamp void.
func TestStampVoid(t *testing.T) {
	t.Parallel()
	file := func(s *store.Store) string { return filepath.Join(s.Dir(), "v2", "stamps", key("p")) }
	for name, change := range map[string]func(t *testing.T, s *store.Store) error{
		"removed": func(_ *testing.T, s *store.Store) error { return s.Remove(digest("a")) },
		"pruned": func(t *testing.T, s *store.Store) error {
			_, err := s.Prune(t.Context(), store.PruneOptions{})
			return err
		},
		"started since":   func(_ *testing.T, s *store.Store) error { s.SetBoot(time.Now().Add(time.Minute)); return nil },
		"from the future": func(t *testing.T, s *store.Store) error { age(t, file(s), time.Now().Add(time.Hour)); return nil },
		"cut short":       func(_ *testing.T, s *store.Store) error { return os.Truncate(file(s), 60) },
		"empty":           func(_ *testing.T, s *store.Store) error { return os.Truncate(file(s), 0) },
		"a folder": func(_ *testing.T, s *store.Store) error {
			return errors.Join(os.Remove(file(s)), os.Mkdir(file(s), 0o755))
		},
		"no generation": func(_ *testing.T, s *store.Store) error { return os.Remove(filepath.Join(s.Dir(), "v2", "generation")) },
		"generation empty": func(_ *testing.T, s *store.Store) error {
			return os.Truncate(filepath.Join(s.Dir(), "v2", "generation"), 0)
		},
		"changed": func(_ *testing.T, s *store.Store) error {
			b, err := os.ReadFile(file(s))
			if err == nil {
				b[len(b)/2] ^= 1
				err = os.WriteFile(file(s), b, 0o644)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			add(t, s, digest("a"), sample)
			if err := s.PutStamp(key("p"), generation(t, s), []byte("record")); err != nil {
				t.Fatal(err)
			}
			if _, ok := s.Stamp(key("p")); !ok {
				t.Fatal("not there")
			}
			if err := change(t, s); err != nil {
				t.Fatal(err)
			}
			if got, ok := s.Stamp(key("p")); ok {
				t.Errorf("still there: %q", got)
			}
			generation(t, s) // can be had, whatever happened to it
		})
	}
}

// TestStampTooLate: something was taken out between looking and keeping.
func TestStampTooLate(t *testing.T) {
	t.Parallel()
	s := open(t)
	add(t, s, digest("a"), sample)
	g := generation(t, s)
	if err := s.Remove(digest("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.PutStamp(key("p"), g, nil); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Stamp(key("p")); ok {
		t.Error("it counts")
	}
}

// TestFirstGeneration: whoever comes first, all get the same.
func TestFirstGeneration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	got := make([]string, 16)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			s, err := store.Open(dir)
			if err == nil {
				got[i], err = s.Generation()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if slices.Sort(got); got[0] == "" || got[0] != got[len(got)-1] {
		t.Errorf("%v", got)
	}
}

func TestProjects(t *testing.T) {
	t.Parallel()
	s := open(t)
	if all, err := s.Projects(); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
	dir := t.TempDir()
	want := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b c\né"), filepath.Join(dir, "gone"), filepath.Join(dir, strings.Repeat("long/", 100))}
	for range 2 {
		for _, d := range want {
			if err := s.Remember(d); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Remember(filepath.Join(dir, "x", "..", "a") + "/"); err != nil { // the same
		t.Fatal(err)
	}
	slices.Sort(want)
	got, err := s.Projects()
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
	// Records that are files, as on systems without links, are read too; damaged ones are not passed over.
	record := filepath.Join(s.Dir(), "v2", "projects", strings.Repeat("0", 32))
	if err := os.WriteFile(record, []byte(dir+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Projects(); err != nil || len(got) != len(want)+1 || got[0] != dir {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.Truncate(record, 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Projects(); err == nil || !strings.Contains(err.Error(), record[len(s.Dir()):][4:]) || !strings.Contains(pantry.Hint(err), "remove that file") {
		t.Errorf("%v, hint %q", err, pantry.Hint(err))
	}
	if _, err := s.Prune(t.Context(), store.PruneOptions{}); err == nil {
		t.Error("pruned though a project cannot be known")
	}
}

func FuzzStamp(f *testing.F) {
	g := strings.Repeat("0123456789abcdef", 2)
	f.Add(store.FormatStamp(g, []byte("record\n")))
	f.Add(store.FormatStamp(g, nil))
	f.Add([]byte("pantry store stamp 1 \n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range [][]byte{data, store.Seal(data)} {
			g, record, ok := store.ParseStamp(b)
			if ok && !bytes.Equal(store.FormatStamp(g, record), b) {
				t.Errorf("%q is written as %q", b, store.FormatStamp(g, record))
			}
		}
		if g, record, ok := store.ParseStamp(store.FormatStamp(g, data)); !ok || !bytes.Equal(record, data) {
			t.Errorf("%q, %q, %v", g, record, ok)
		}
	})
}

func FuzzLinkText(f *testing.F) {
	f.Add("node_modules/a", store.LinkText("node_modules/a", key("a"), "@s/b"))
	f.Add("node_modules/@s/a/node_modules/@s/a", store.LinkText("node_modules/@s/a/node_modules/@s/a", key("a"), "@s/a"))
	f.Add("node_modules/a", "../../../links/"+key("a")+"/node_modules/../../x")
	f.Fuzz(func(t *testing.T, at, text string) {
		key, pkg, ok := store.ParseLinkText(at, text)
		if !ok {
			return
		}
		if again := store.LinkText(at, key, pkg); again != text {
			t.Errorf("%q is written as %q", text, again)
		}
		if !store.ValidName(pkg) || len(key) != 40 {
			t.Errorf("%q, %q", key, pkg)
		}
	})
}

func FuzzSeal(f *testing.F) {
	f.Add(key("a") + "-01234567")
	f.Add(key("a") + "-0123456")
	f.Add("../" + key("a")[3:] + "-01234567")
	f.Fuzz(func(t *testing.T, text string) {
		key, ok := store.SealedKey(text)
		if ok && (len(text) != 49 || text[:40] != key || strings.ContainsAny(text, "/.")) {
			t.Errorf("%q: %q", text, key)
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a", "@s/a", "@s", "@/a", "a/b", "../a", ".a", "node_modules", "Node_Modules", "a\\b", "c:", " a", "a ", "é", "a\nb", "@s/.", "@s/../a", "@s/a/b", "JSONStream", "-", strings.Repeat("a", 256)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !store.ValidName(name) {
			return
		}
		if path := filepath.Join("/n", name); filepath.Dir(path) != "/n" && filepath.Dir(filepath.Dir(path)) != "/n" || path != "/n/"+name {
			t.Errorf("%q is the path %q", name, path)
		}
	})
}

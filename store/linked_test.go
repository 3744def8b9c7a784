package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// key is the key of a linked package that is called so.
func key(name string) string { return integrity.Sum(integrity.SHA1, []byte(name)).Hex() }

// addPackage adds the entry of a package whose artifact depends on the name alone.
func addPackage(t testing.TB, s *store.Store, name string, files map[string]string) *store.Entry {
	t.Helper()
	e, err := writePackage(s, name, files)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func writePackage(s *store.Store, name string, files map[string]string) (*store.Entry, error) {
	w, err := s.NewWriter(name)
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	w.SetPackage(name, "1.0.0")
	if err := put(w, files); err != nil {
		return nil, err
	}
	return w.Commit(digest(name))
}

func target(name, keyOf string) store.Target {
	return store.Target{Name: name, Key: key(keyOf), Package: name}
}

func putLinked(t testing.TB, s *store.Store, l store.Linked) {
	t.Helper()
	if err := s.PutLinked(l); err != nil {
		t.Fatal(err)
	}
}

// requires finds what Node finds for a name that is required by a file in dir: real paths count.
func requires(dir, name string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	for ; filepath.Dir(dir) != dir; dir = filepath.Dir(dir) {
		if filepath.Base(dir) == "node_modules" {
			continue
		}
		found, err := filepath.EvalSymlinks(filepath.Join(dir, "node_modules", filepath.FromSlash(name)))
		if err == nil {
			return found, nil
		}
	}
	return "", fs.ErrNotExist
}

// checkLinked compares a linked package with what it should be.
func checkLinked(s *store.Store, l store.Linked) error {
	if !s.HasLinked(l.Key) {
		return fmt.Errorf("%s: not there", l.Entry)
	}
	dir := s.LinkedDir(l.Key, l.Entry.Name)
	for _, f := range l.Entry.Files {
		st, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return err
		}
		if st.Size() != f.Size {
			return fmt.Errorf("%s: %s has %d bytes", l.Entry, f.Path, st.Size())
		}
	}
	for _, p := range l.Programs {
		if st, err := os.Stat(filepath.Join(dir, p)); err != nil || st.Mode()&0o111 != 0o111 {
			return fmt.Errorf("%s: program %s: %v, %w", l.Entry, p, st, err)
		}
	}
	for _, t := range l.Links {
		want, err := filepath.EvalSymlinks(s.LinkedDir(t.Key, cmp.Or(t.Package, t.Name)))
		if err != nil {
			return err
		}
		if got, err := requires(dir, t.Name); err != nil || got != want {
			return fmt.Errorf("%s requires %s: %s, %w; want %s", l.Entry, t.Name, got, err, want)
		}
	}
	return nil
}

func mustLinked(t testing.TB, s *store.Store, all ...store.Linked) {
	t.Helper()
	for _, l := range all {
		if err := checkLinked(s, l); err != nil {
			t.Error(err)
		}
	}
}

// sound checks that the store itself finds nothing wrong.
func sound(t testing.TB, s *store.Store) store.VerifyReport {
	t.Helper()
	r, err := s.VerifyAll(t.Context(), store.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Problems {
		t.Errorf("%s: %v", p.Path, p.Err)
	}
	return r
}

// family is three packages that need each other in a circle, one of them with a scope, and one that is
// required under another name.
func family(t testing.TB, s *store.Store) []store.Linked {
	a := addPackage(t, s, "a", map[string]string{"index.js": "require('@s/b')", "cli.js": "#!/usr/bin/env node\n"})
	b := addPackage(t, s, "@s/b", map[string]string{"lib/index.js": "b", "bin/x": "x"})
	c := addPackage(t, s, "c", sample)
	return []store.Linked{
		{Key: key("a"), Entry: a, Links: []store.Target{target("@s/b", "b")}, Programs: []string{"cli.js"}},
		{Key: key("b"), Entry: b, Links: []store.Target{{Name: "@t/other", Key: key("c"), Package: "c"}, {Name: "c", Key: key("c")}, target("a", "a")}},
		{Key: key("c"), Entry: c, Links: []store.Target{target("a", "a")}, Programs: []string{"bin/cli.js"}},
	}
}

func TestLinked(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := family(t, s)
	for _, l := range all {
		if s.HasLinked(l.Key) {
			t.Errorf("%s: there before", l.Entry)
		}
		putLinked(t, s, l)
		putLinked(t, s, l) // again
	}
	mustLinked(t, s, all...)
	r := sound(t, s)
	if r.Entries != 3 || r.Linked != 3 || r.Files != 10 || r.Unfinished != 0 {
		t.Errorf("%+v", r)
	}
	for _, l := range all { // each lives in its entry
		got, err := filepath.EvalSymlinks(s.LinkedDir(l.Key, l.Entry.Name))
		if want, _ := filepath.EvalSymlinks(l.Entry.Dir); err != nil || got != want {
			t.Errorf("%s is in %s, %v", l.Entry, got, err)
		}
	}
	for _, bad := range []string{"", "x", strings.ToUpper(key("a")), "../" + key("a"), key("nobody")} {
		if s.HasLinked(bad) {
			t.Errorf("has %q", bad)
		}
	}
}

// TestLinkedTwice: the second linked package of an artifact has a folder of its own that shares the
// files.
func TestLinkedTwice(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := family(t, s)
	other := all[0]
	other.Key, other.Links = key("a, other"), []store.Target{target("c", "c")}
	all = append(all, other)
	for _, l := range all {
		putLinked(t, s, l)
	}
	mustLinked(t, s, all...)
	sound(t, s)
	if _, err := requires(s.LinkedDir(other.Key, "a"), "@s/b"); err == nil {
		t.Error("the other one finds what the first one needs")
	}
	for _, f := range []string{"index.js", "cli.js"} {
		a, errA := os.Stat(filepath.Join(s.LinkedDir(all[0].Key, "a"), f))
		b, errB := os.Stat(filepath.Join(s.LinkedDir(other.Key, "a"), f))
		if errA != nil || errB != nil || !os.SameFile(a, b) {
			t.Errorf("%s is not shared: %v, %v", f, errA, errB)
		}
	}
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	s.SetBoot(time.Now().Add(-time.Second))
	past := time.Now().Add(-time.Hour)
	for _, l := range all {
		age(t, filepath.Join(s.Dir(), "v2", "links", l.Key, "home"), past)
		if err := checkLinked(s, l); err != nil {
			t.Errorf("after the machine was started: %v", err)
		}
	}
}

// TestLinkedOwnName: a package that needs another version of itself, and has something in its place.
func TestLinkedOwnName(t *testing.T) {
	t.Parallel()
	for name, needs := range map[string]string{"a": "a", "JSONStream": "jsonstream", "@s/a": "@s/a"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			old := addPackage(t, s, needs, map[string]string{"old.js": ""})
			w := newWriter(t, s)
			w.SetPackage(name, "2.0.0")
			files := map[string]string{"new.js": "", "node_modules/" + needs + "/bundled.js": "", "node_modules/other/x.js": ""}
			if err := put(w, files); err != nil {
				t.Fatal(err)
			}
			e, err := w.Commit(digest("new"))
			if err != nil {
				t.Fatal(err)
			}
			l := store.Linked{Key: key("new"), Entry: e, Links: []store.Target{target(needs, "old")}}
			putLinked(t, s, store.Linked{Key: key("old"), Entry: old})
			putLinked(t, s, l)
			for _, f := range []string{"new.js", "node_modules/other/x.js", "node_modules/" + needs + "/old.js"} {
				if _, err := os.Stat(filepath.Join(s.LinkedDir(l.Key, name), f)); err != nil {
					t.Error(err)
				}
			}
			want, _ := filepath.EvalSymlinks(old.Dir)
			if got, err := requires(s.LinkedDir(l.Key, name), needs); err != nil || got != want {
				t.Errorf("requires %s, %v; want %s", got, err, want)
			}
			sound(t, s)
			if err := s.Verify(t.Context(), e); err != nil {
				t.Errorf("the entry was changed: %v", err)
			}
		})
	}
}

// TestDOSProgram: a program that no kernel starts is mended, in a copy.
func TestDOSProgram(t *testing.T) {
	t.Parallel()
	s := open(t)
	const bad = "#!/usr/bin/env node\r\nx\r\n"
	e := addPackage(t, s, "a", map[string]string{"cli.js": bad, "bin/b": bad, "other.js": bad})
	l := store.Linked{Key: key("a"), Entry: e, Programs: []string{"cli.js", "bin/b"}}
	putLinked(t, s, l)
	for file, want := range map[string]string{"cli.js": "#!/usr/bin/env node\nx\r\n", "bin/b": "#!/usr/bin/env node\nx\r\n", "other.js": bad} {
		path := filepath.Join(s.LinkedDir(l.Key, "a"), file)
		b, err := os.ReadFile(path)
		if err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", file, b, err)
		}
		if st, err := os.Stat(path); err != nil || (st.Mode()&0o111 == 0o111) != (file != "other.js") {
			t.Errorf("%s: %v, %v", file, st.Mode(), err)
		}
	}
	sound(t, s)
	check(t, e, map[string]string{"cli.js": bad, "bin/b": bad, "other.js": bad})
	// A mended copy that was changed is found.
	if err := os.WriteFile(filepath.Join(s.LinkedDir(l.Key, "a"), "cli.js"), []byte("#!/usr/bin/env nodE\nx\r\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := s.VerifyAll(t.Context(), store.VerifyOptions{})
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Key != l.Key {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPutLinkedRefuses(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := addPackage(t, s, "a", sample)
	tool := add(t, s, digest("tool"), sample)
	tool.Name = ""
	ok := target("b", "b")
	for name, tt := range map[string]struct {
		l    store.Linked
		want string
	}{
		"no key":         {store.Linked{Entry: e}, "no key"},
		"short key":      {store.Linked{Key: "abc", Entry: e}, "no key"},
		"key as path":    {store.Linked{Key: "../" + key("a")[3:], Entry: e}, "no key"},
		"no entry":       {store.Linked{Key: key("a")}, "needs an entry"},
		"no name":        {store.Linked{Key: key("a"), Entry: tool}, "has no name"},
		"bad name":       {store.Linked{Key: key("a"), Entry: &store.Entry{Digest: e.Digest, Name: "../x"}}, "has no name"},
		"link outside":   {store.Linked{Key: key("a"), Entry: e, Links: []store.Target{{Name: "../b", Key: key("b")}}}, "cannot be a link"},
		"link to a path": {store.Linked{Key: key("a"), Entry: e, Links: []store.Target{{Name: "b", Key: key("b"), Package: "x/../y"}}}, "cannot be a link"},
		"link to no key": {store.Linked{Key: key("a"), Entry: e, Links: []store.Target{{Name: "b"}}}, "cannot be a link"},
		"twice":          {store.Linked{Key: key("a"), Entry: e, Links: []store.Target{ok, ok}}, "two packages"},
		"gone":           {store.Linked{Key: key("a"), Entry: &store.Entry{Digest: digest("gone"), Name: "a"}}, "not in the store"},
	} {
		t.Run(name, func(t *testing.T) {
			err := s.PutLinked(tt.l)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), s.Dir()) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if name == "gone" && !errors.Is(err, store.ErrMissing) {
				t.Errorf("%v is not ErrMissing", err)
			}
			if s.HasLinked(tt.l.Key) {
				t.Error("it is there")
			}
		})
	}
	sound(t, s)
}

// TestLinkedFollowsEntry: what is done to an entry is done to what is made of it.
func TestLinkedFollowsEntry(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, s *store.Store, e *store.Entry){
		"removed": func(t *testing.T, s *store.Store, e *store.Entry) {
			if err := s.Remove(e.Digest); err != nil {
				t.Fatal(err)
			}
		},
		"replaced": func(t *testing.T, s *store.Store, e *store.Entry) {
			if err := os.Remove(index(e)); err != nil {
				t.Fatal(err)
			}
			addPackage(t, s, "a", map[string]string{"cli.js": ""})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			all := family(t, s)
			own := all[0]
			own.Key, own.Links = key("own"), nil
			for _, l := range append(all, own) {
				putLinked(t, s, l)
			}
			before, err := s.Generation()
			if err != nil {
				t.Fatal(err)
			}
			change(t, s, all[0].Entry)
			if now, err := s.Generation(); err != nil || now == before {
				t.Errorf("the generation is still %s, %v", now, err)
			}
			for _, l := range append(all, own) {
				if got, want := s.HasLinked(l.Key), l.Entry.Name != "a"; got != want {
					t.Errorf("%s: there %v, want %v", l.Entry, got, want)
				}
			}
			all[0].Entry = addPackage(t, s, "a", map[string]string{"cli.js": ""})
			own.Entry = all[0].Entry
			putLinked(t, s, own) // now this one is the first
			for _, l := range append(all, own) {
				putLinked(t, s, l)
			}
			mustLinked(t, s, append(all, own)...)
			sound(t, s)
		})
	}
}

// TestPutLinkedAtOnce: many goroutines make the same packages.
func TestPutLinkedAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := family(t, s)
	for i := range 3 {
		l := all[i]
		l.Key, l.Links = key("other "+l.Entry.Name), []store.Target{target("@s/b", "b"), target("c", "other c"), target("a", "other a")}
		all = append(all, l)
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range all {
				l := all[(i+g)%len(all)]
				if err := s.PutLinked(l); err != nil {
					t.Error(err)
				}
				if !s.HasLinked(l.Key) {
					t.Errorf("%s: not there", l.Entry)
				}
			}
		})
	}
	wg.Wait()
	mustLinked(t, s, all...)
	sound(t, s)
}

// TestStrangerInTheWay: something that is no link of the store's stands where one belongs.
func TestStrangerInTheWay(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := family(t, s)
	in := func(parts ...string) string { return filepath.Join(append([]string{root(all[0].Entry)}, parts...)...) }
	if err := errors.Join(os.Mkdir(in("node_modules", "@s"), 0o755), os.Symlink("/nowhere", in("node_modules", "@s", "b"))); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		putLinked(t, s, l)
	}
	mustLinked(t, s, all...)

	s = open(t)
	all = family(t, s)
	if err := os.MkdirAll(in("node_modules", "@s", "b", "cache"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := s.PutLinked(all[0])
	if !errors.Is(err, store.ErrDamaged) || !strings.Contains(pantry.Hint(err), "verify --repair") {
		t.Errorf("%v, hint %q", err, pantry.Hint(err))
	}
	if s.HasLinked(all[0].Key) {
		t.Error("it is there")
	}
	if _, err := s.VerifyAll(t.Context(), store.VerifyOptions{Repair: true}); err != nil {
		t.Fatal(err)
	}
	for _, l := range family(t, s) {
		putLinked(t, s, l)
	}
	mustLinked(t, s, all...)
	sound(t, s)
}

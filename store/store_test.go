package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

func open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func digest(s string) integrity.Digest { return integrity.Sum(integrity.SHA512, []byte(s)) }

// files of an artifact: path -> content, executable if the path begins with "bin/".
var sample = map[string]string{
	"package.json": `{"name":"a"}`, "bin/cli.js": "#!/usr/bin/env node\n", "lib/deep/er/x.js": "x", "lib/y.js": "yy", "empty": "",
	"a b/é": "blank",
}

func put(w *store.Writer, files map[string]string) error {
	for p, c := range files {
		e := archive.Entry{Path: p, Executable: strings.HasPrefix(p, "bin/"), Size: int64(len(c))}
		if err := w.File(e, strings.NewReader(c)); err != nil {
			return err
		}
	}
	return nil
}

func add(t testing.TB, s *store.Store, d integrity.Digest, files map[string]string, aliases ...integrity.Digest) *store.Entry {
	t.Helper()
	w, err := s.NewWriter("")
	if err != nil {
		t.Fatal(err)
	}
	w.SetPackage("a", "1.0.0")
	if err := put(w, files); err != nil {
		t.Fatal(err)
	}
	e, err := w.Commit(d, aliases...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// check compares an entry with the files it should have.
func check(t *testing.T, e *store.Entry, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for i, f := range e.Files {
		path := filepath.Join(e.Dir, filepath.FromSlash(f.Path))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Size() != f.Size || st.Mode()&0o100 != 0 != f.Executable || st.Mode()&0o6022 != 0 {
			t.Errorf("%+v: %v, %v", f, st, err)
		}
		if f.Executable != strings.HasPrefix(f.Path, "bin/") {
			t.Errorf("%s: executable %v", f.Path, f.Executable)
		}
		if i > 0 && f.Path <= e.Files[i-1].Path {
			t.Errorf("%s after %s", f.Path, e.Files[i-1].Path)
		}
		got[f.Path] = string(b)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// tmp lists what is being built.
func tmp(t *testing.T, s *store.Store) (all []string) {
	t.Helper()
	root := filepath.Join(s.Dir(), "v2", "tmp")
	err := filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err == nil && strings.Contains(p, "entry-") {
			all = append(all, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStore(t *testing.T) {
	t.Parallel()
	s := open(t)
	d, weak := digest("a"), integrity.Sum(integrity.SHA1, []byte("a"))
	for _, want := range []integrity.Digest{d, weak, {}} {
		if _, err := s.Get(want); !errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%v before: %v", want, err)
		}
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made the store: %v", err)
	}
	e := add(t, s, d, sample, weak, d, integrity.Digest{})
	check(t, e, sample)
	for _, by := range []integrity.Digest{d, weak} {
		got, err := s.Get(by)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got, cmp.Comparer(func(a, b integrity.Digest) bool { return a == b })); diff != "" {
			t.Errorf("by %v: %s", by, diff)
		}
	}
	if e.Name != "a" || e.Version != "1.0.0" || e.Digest != d {
		t.Errorf("%+v", e)
	}
	if err := s.Verify(t.Context(), e); err != nil {
		t.Error(err)
	}
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := s.Remove(d); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(weak); !errors.Is(err, store.ErrMissing) {
		t.Errorf("after Remove: %v", err)
	}
	if err := s.Remove(d); err != nil {
		t.Errorf("again: %v", err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(s.Dir(), "v2", "tmp")); err != nil || len(left) > 0 {
		t.Errorf("after Close: %v, %v", left, err)
	}
	add(t, s, d, sample) // a closed store can be used on
}

func TestEmptyEntry(t *testing.T) {
	t.Parallel()
	s := open(t)
	add(t, s, digest("none"), nil)
	e, err := s.Get(digest("none"))
	if err != nil || len(e.Files) != 0 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestNothingBeforeCommit(t *testing.T) {
	t.Parallel()
	s := open(t)
	w, err := s.NewWriter("")
	if err != nil {
		t.Fatal(err)
	}
	if err := put(w, sample); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	w.Abort()
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := w.Commit(digest("a")); err == nil {
		t.Error("committed after Abort")
	}
	if err := w.File(archive.Entry{Path: "x"}, strings.NewReader("")); err == nil {
		t.Error("wrote after Abort")
	}
	if _, err := s.Get(digest("a")); !errors.Is(err, store.ErrMissing) {
		t.Error(err)
	}
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	full := &fs.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC}
	tests := map[string]struct {
		path    string
		content io.Reader
		want    string
	}{
		"dot dot":   {"../x", nil, "no path"},
		"absolute":  {"/x", nil, "no path"},
		"empty":     {"", nil, "no path"},
		"newline":   {"a\nb", nil, "no path"},
		"C1":        {"é\u0085", nil, "no path"},
		"backslash": {`é\b`, nil, "no path"},
		"twice":     {"taken", nil, "exist"},
		"as folder": {"taken/x", nil, "mkdir taken"},
		"too short": {"a", strings.NewReader("1"), "1 bytes instead of 3"},
		"too long":  {"a", strings.NewReader("12345"), "5 bytes instead of 3"},
		"disk full": {"a", io.MultiReader(strings.NewReader("1"), failing{full}), "no space left"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			w, err := s.NewWriter("")
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort()
			if err := put(w, map[string]string{"taken": ""}); err != nil {
				t.Fatal(err)
			}
			if tt.content == nil {
				tt.content = strings.NewReader("123")
			}
			err = w.File(archive.Entry{Path: tt.path, Size: 3}, tt.content)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), s.Dir()) {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if name == "disk full" && !strings.Contains(pantry.Hint(err), "free some space") {
				t.Errorf("hint %q", pantry.Hint(err))
			}
			if _, again := w.Commit(digest("a")); again != err {
				t.Errorf("Commit after an error: %v", again)
			}
			if _, err := s.Get(digest("a")); !errors.Is(err, store.ErrMissing) {
				t.Errorf("an incomplete entry is visible: %v", err)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestCommitNeedsSHA512(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, d := range []integrity.Digest{{}, integrity.Sum(integrity.SHA256, nil)} {
		w, err := s.NewWriter("")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(d); err == nil {
			t.Errorf("committed as %v", d)
		}
		if err := s.Remove(d); err == nil {
			t.Errorf("removed %v", d)
		}
	}
}

// TestFirstWins: who comes second gets the entry of the first.
func TestFirstWins(t *testing.T) {
	t.Parallel()
	s := open(t)
	d := digest("a")
	add(t, s, d, map[string]string{"first": ""})
	e := add(t, s, d, map[string]string{"second": ""})
	check(t, e, map[string]string{"first": ""})
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// damage is ways in which an entry can be spoilt.
var damage = map[string]func(e *store.Entry) error{
	"no index":        func(e *store.Entry) error { return os.Remove(index(e)) },
	"empty index":     func(e *store.Entry) error { return os.Truncate(index(e), 0) },
	"index cut short": func(e *store.Entry) error { return os.Truncate(index(e), 150) },
	"index changed": func(e *store.Entry) error {
		b, err := os.ReadFile(index(e))
		if err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		return os.WriteFile(index(e), b, 0o644)
	},
	"index is a folder": func(e *store.Entry) error { return errors.Join(os.Remove(index(e)), os.Mkdir(index(e), 0o755)) },
	"empty folder":      func(e *store.Entry) error { return errors.Join(os.Remove(index(e)), os.RemoveAll(e.Dir)) },
	"a file": func(e *store.Entry) error {
		dir := root(e)
		return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o644))
	},
}

// root is the folder that holds an entry's index.
func root(e *store.Entry) string {
	if dir, ok := strings.CutSuffix(e.Dir, filepath.FromSlash("/node_modules/"+e.Name)); ok {
		return dir
	}
	return filepath.Dir(e.Dir)
}

func index(e *store.Entry) string { return filepath.Join(root(e), "index") }

func TestDamagedEntryIsReplaced(t *testing.T) {
	t.Parallel()
	for name, spoil := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			d := digest("a")
			if err := spoil(add(t, s, d, map[string]string{"old": ""})); err != nil {
				t.Fatal(err)
			}
			if e, err := s.Get(d); err == nil {
				t.Fatalf("still there: %+v", e)
			} else if !errors.Is(err, store.ErrMissing) {
				t.Fatal(err)
			}
			check(t, add(t, s, d, map[string]string{"new": "1"}), map[string]string{"new": "1"})
			e, err := s.Get(d)
			if err != nil {
				t.Fatal(err)
			}
			check(t, e, map[string]string{"new": "1"})
		})
	}
}

// TestMisplacedEntry: an entry under another's name is not taken for it.
func TestMisplacedEntry(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := add(t, s, digest("a"), sample), add(t, s, digest("b"), sample)
	if err := errors.Join(os.RemoveAll(root(b)), os.Rename(root(a), root(b))); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Get(digest("b")); !errors.Is(err, store.ErrDamaged) || !errors.Is(err, store.ErrMissing) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestDamagedAlias(t *testing.T) {
	t.Parallel()
	s := open(t)
	weak := integrity.Sum(integrity.SHA1, nil)
	add(t, s, digest("a"), sample, weak)
	path := filepath.Join(s.Dir(), "v2", "alias", "sha1-"+weak.Hex())
	if err := os.WriteFile(path, []byte("../../x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(weak); !errors.Is(err, store.ErrMissing) {
		t.Error(err)
	}
	add(t, s, digest("a"), sample, weak)
	if _, err := s.Get(weak); err != nil {
		t.Error(err)
	}
}

// spoilt is ways in which the files of an entry can be spoilt.
var spoilt = map[string]func(dir string) error{
	"missing":   func(dir string) error { return os.Remove(filepath.Join(dir, "lib/y.js")) },
	"too short": func(dir string) error { return os.Truncate(filepath.Join(dir, "lib/y.js"), 1) },
	"too long":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "lib/y.js"), []byte("yyy"), 0o644) },
	"a link": func(dir string) error {
		p := filepath.Join(dir, "lib/y.js")
		return errors.Join(os.Remove(p), os.Symlink("x", p))
	},
	"a folder": func(dir string) error {
		p := filepath.Join(dir, "lib/y.js")
		return errors.Join(os.Remove(p), os.Mkdir(p, 0o755))
	},
	"all": os.RemoveAll,
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, spoil := range spoilt {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			e := add(t, s, digest("a"), sample)
			if err := spoil(e.Dir); err != nil {
				t.Fatal(err)
			}
			err := s.Verify(t.Context(), e)
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), e.Dir) {
				t.Error(err)
			}
			// What was written since the machine was started is trusted...
			if _, err := s.Get(e.Digest); err != nil {
				t.Error(err)
			}
			// ...and the rest is looked at.
			s.SetBoot(time.Now().Add(time.Hour))
			if _, err := s.Get(e.Digest); !errors.Is(err, store.ErrMissing) || !errors.Is(err, store.ErrDamaged) {
				t.Error(err)
			}
			check(t, add(t, s, e.Digest, sample), sample)
		})
	}
	s := open(t)
	e := add(t, s, digest("a"), sample)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Verify(ctx, e); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestCheckedOncePerBoot: a good entry is checked at its first use after the machine was started,
// and then trusted.
func TestCheckedOncePerBoot(t *testing.T) {
	t.Parallel()
	s := open(t)
	e := add(t, s, digest("a"), sample)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(index(e), past, past); err != nil {
		t.Fatal(err)
	}
	s.SetBoot(time.Now().Add(-time.Minute))
	if _, err := s.Get(e.Digest); err != nil {
		t.Fatal(err)
	}
	if err := spoilt["missing"](e.Dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(e.Digest); err != nil {
		t.Errorf("checked again: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(""); err == nil {
		t.Error("opened no folder")
	}
	for _, path := range []string{file, filepath.Join(file, "store")} {
		if _, err := store.Open(path); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "not a") {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, part := range []string{"v2", "v2/tmp"} {
		dir := t.TempDir()
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, part)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.NewWriter(""); err == nil || !strings.Contains(err.Error(), p) || pantry.Hint(err) == "" {
			t.Errorf("%s is a file: %v, hint %q", part, err, pantry.Hint(err))
		}
	}
}

// TestWorkspaceRemoved: somebody empties the temporary folder while the store is in use.
func TestWorkspaceRemoved(t *testing.T) {
	t.Parallel()
	s := open(t)
	add(t, s, digest("a"), sample)
	if err := os.RemoveAll(filepath.Join(s.Dir(), "v2")); err != nil {
		t.Fatal(err)
	}
	check(t, add(t, s, digest("a"), sample), sample)
}

func TestGoroutines(t *testing.T) {
	t.Parallel()
	s := open(t)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 20 {
				i = (i + g) % 20
				name := fmt.Sprint("entry ", i)
				weak := integrity.Sum(integrity.SHA1, []byte(name))
				w, err := s.NewWriter("")
				if err == nil {
					err = put(w, sample)
				}
				var e *store.Entry
				if err == nil {
					e, err = w.Commit(digest(name), weak)
				}
				if err == nil {
					err = s.Verify(t.Context(), e)
				}
				if err == nil {
					_, err = s.Get(weak)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzIndex(f *testing.F) {
	full := &store.Entry{Digest: digest("a"), Name: "@s/\"a\"", Version: "1.0.0+é",
		Files: []store.File{{Path: "a b/é", Size: 1}, {Path: "bin/x", Executable: true, Size: 1 << 40}}}
	variant := &store.Entry{Digest: digest("a"), Variant: "tree strip=1", Files: []store.File{{Path: "lib/l m", Link: "../a b \"é\""}, {Path: "x"}}}
	for _, e := range []*store.Entry{full, variant, {Digest: digest("b")}} {
		b := store.FormatIndex(e)
		got, err := store.ParseIndex(b)
		if err != nil {
			f.Fatal(err)
		}
		if d := cmp.Diff(e, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b integrity.Digest) bool { return a == b })); d != "" {
			f.Fatal(d)
		}
		f.Add(b[:len(b)-len("crc32c 00000000\n")])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := store.ParseIndex(data); err == nil && len(data) == 0 {
			t.Fatal("nothing is an index")
		}
		// With the right checksum the rest is looked at.
		e, err := store.ParseIndex(store.Seal(data))
		if err != nil {
			return
		}
		again, err := store.ParseIndex(store.FormatIndex(e))
		if err != nil {
			t.Fatalf("written again it cannot be read: %v", err)
		}
		if d := cmp.Diff(e, again, cmp.Comparer(func(a, b integrity.Digest) bool { return a == b })); d != "" {
			t.Error(d)
		}
		for _, f := range e.Files {
			if !fs.ValidPath(f.Path) || f.Size < 0 || strings.ContainsAny(f.Path, "\n\\") {
				t.Errorf("bad file %+v", f)
			}
			if to := path.Join(path.Dir(f.Path), f.Link); path.IsAbs(f.Link) || to == ".." || strings.HasPrefix(to, "../") {
				t.Errorf("bad link %+v", f)
			}
		}
	})
}

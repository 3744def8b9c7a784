package store_test

import (
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

var _ archive.Rooter = (*store.Writer)(nil)

// addLinked adds an entry: "path" is a file that holds "x", "path -> target" a link.
func addLinked(t *testing.T, w *store.Writer, lines ...string) error {
	t.Helper()
	for _, l := range lines {
		p, to, link := strings.Cut(l, " -> ")
		e := archive.Entry{Path: p, Link: to, Size: 1, Executable: strings.HasPrefix(p, "bin/")}
		content := "x"
		if link {
			e.Size, content = 0, ""
		}
		if err := w.File(e, strings.NewReader(content)); err != nil {
			return err
		}
	}
	return nil
}

func newWriter(t *testing.T, s *store.Store) *store.Writer {
	t.Helper()
	w, err := s.NewWriter("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	return w
}

var linked = []string{"bin/tool", "bin/t -> tool", "lib/libx.so -> libx.so.1", "lib/libx.so.1", "lib64 -> ./lib/", "dead -> a b/\"c\""}

func TestLinks(t *testing.T) {
	t.Parallel()
	s := open(t)
	w := newWriter(t, s)
	if err := addLinked(t, w, linked...); err != nil {
		t.Fatal(err)
	}
	made, err := w.Commit(digest("a"))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Get(digest("a"))
	if err != nil {
		t.Fatal(err)
	}
	sum := crc32.Checksum([]byte("x"), crc32.MakeTable(crc32.Castagnoli))
	want := []store.File{{Path: "bin/t", Link: "tool"}, {Path: "bin/tool", Executable: true, Size: 1, CRC32C: sum}, {Path: "dead", Link: "a b/\"c\""},
		{Path: "lib/libx.so", Link: "libx.so.1"}, {Path: "lib/libx.so.1", Size: 1, CRC32C: sum}, {Path: "lib64", Link: "./lib/"}}
	if d := cmp.Diff(want, e.Files); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(made.Files, e.Files); d != "" {
		t.Errorf("Commit and Get differ: %s", d)
	}
	for _, f := range want {
		if to, err := os.Readlink(filepath.Join(e.Dir, f.Path)); f.Link != "" && to != f.Link {
			t.Errorf("%s: %q, %v", f.Path, to, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(e.Dir, "lib64", "libx.so")); err != nil || string(b) != "x" {
		t.Errorf("through the links: %q, %v", b, err)
	}
	s.SetBoot(time.Now().Add(time.Hour))
	if _, err := s.Get(digest("a")); err != nil {
		t.Errorf("after the machine was started: %v", err)
	}
}

func TestVerifyLinks(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(link string) error{
		"missing":   os.Remove,
		"elsewhere": func(l string) error { return errors.Join(os.Remove(l), os.Symlink("/etc/passwd", l)) },
		"a file":    func(l string) error { return errors.Join(os.Remove(l), os.WriteFile(l, []byte("tool"), 0o644)) },
		"a folder":  func(l string) error { return errors.Join(os.Remove(l), os.Mkdir(l, 0o755)) },
		"file is a link": func(l string) error {
			f := filepath.Join(filepath.Dir(l), "tool")
			return errors.Join(os.Rename(f, f+"2"), os.Symlink("tool2", f))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			w := newWriter(t, s)
			if err := addLinked(t, w, linked...); err != nil {
				t.Fatal(err)
			}
			e, err := w.Commit(digest("a"))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			if err := spoil(filepath.Join(e.Dir, "bin", "t")); err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(t.Context(), e); !errors.Is(err, store.ErrDamaged) {
				t.Error(err)
			}
			s.SetBoot(time.Now().Add(time.Hour))
			if _, err := s.Get(digest("a")); !errors.Is(err, store.ErrMissing) {
				t.Error(err)
			}
		})
	}
}

// TestWriterRefusesLinks: nothing is written through a link, and no link leads out.
func TestWriterRefusesLinks(t *testing.T) {
	t.Parallel()
	for name, lines := range map[string][]string{
		"file through a link":     {"d/x", "l -> d", "l/y"},
		"folder through a link":   {"d/x", "l -> d", "l/e/y"},
		"link through a link":     {"d/x", "l -> d", "l/y -> x"},
		"through a link outside":  {"l -> d/gone", "l/y"},
		"file over a link":        {"a", "l -> a", "l"},
		"file over a dead link":   {"l -> a", "l"},
		"link over a file":        {"a", "l", "l -> a"},
		"link over a folder":      {"l/a", "l -> x"},
		"absolute":                {"l -> /etc"},
		"outside":                 {"l -> ../x"},
		"outside, deeper":         {"a/l -> ../../x"},
		"outside, there and back": {"l -> a/../../x"},
		"control":                 {"l -> a\nb"},
		"backslash":               {`l -> ..\x`},
		"path":                    {"../l -> a"},
	} {
		s := open(t)
		w := newWriter(t, s)
		err := addLinked(t, w, lines...)
		if err == nil || !strings.Contains(err.Error(), s.Dir()) {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := w.Commit(digest("a")); again != err {
			t.Errorf("%s: Commit after an error: %v", name, again)
		}
		if _, err := s.Get(digest("a")); !errors.Is(err, store.ErrMissing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSetRoot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		root  string
		lines []string
		want  []string // nil: an error
	}{
		"one":          {"r", []string{"r/bin/a", "r/b", "r/l -> bin/a"}, []string{"b", "bin/a", "l"}},
		"deep":         {"r/s", []string{"r/s/a"}, []string{"a"}},
		"as package":   {"package", []string{"package/package/a"}, []string{"package/a"}},
		"as whole":     {"whole", []string{"whole/a"}, []string{"a"}},
		"nothing":      {"r", nil, nil},
		"elsewhere":    {"r", []string{"r/a", "b"}, nil},
		"similar":      {"r", []string{"r/a", "rr/b"}, nil},
		"a file":       {"r", []string{"r"}, nil},
		"outside":      {"..", []string{"a"}, nil},
		"absolute":     {"/r", []string{"r/a"}, nil},
		"link outside": {"r", []string{"r/a", "r/l -> ../r/a"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			w := newWriter(t, s)
			if err := addLinked(t, w, tt.lines...); err != nil {
				t.Fatal(err)
			}
			err := w.SetRoot(tt.root)
			e, err2 := w.Commit(digest("a"))
			if err != nil && err2 != err {
				t.Errorf("%v, then %v", err, err2)
			}
			if tt.want == nil {
				if _, err := s.Get(digest("a")); err2 == nil || !errors.Is(err, store.ErrMissing) {
					t.Errorf("%v, %v", err2, err)
				}
				if left := tmp(t, s); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				return
			}
			if err2 != nil {
				t.Fatal(err2)
			}
			var got []string
			for _, f := range e.Files {
				got = append(got, f.Path)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if err := s.Verify(t.Context(), e); err != nil {
				t.Error(err)
			}
			all, err := os.ReadDir(filepath.Dir(e.Dir))
			if err != nil || len(all) != 2 {
				t.Errorf("beside the files: %v, %v", all, err)
			}
		})
	}
}

// TestUnknownSize: the size of a file that isn't known before is that of its content.
func TestUnknownSize(t *testing.T) {
	t.Parallel()
	s := open(t)
	w := newWriter(t, s)
	if err := w.File(archive.Entry{Path: "tool", Executable: true, Size: -1}, strings.NewReader("12345")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(digest("a")); err != nil {
		t.Fatal(err)
	}
	e, err := s.Get(digest("a"))
	if err != nil || len(e.Files) != 1 || e.Files[0].Size != 5 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestVariants(t *testing.T) {
	t.Parallel()
	s := open(t)
	weak := integrity.Sum(integrity.SHA256, []byte("a"))
	ways := []string{"", "tree strip=1", "tree strip=2", "a\nb \x00\"é" + strings.Repeat("long", 1000)}
	for _, v := range ways {
		w := newWriter(t, s)
		w.SetVariant(v)
		if err := addLinked(t, w, "file", "of/"+strings.Trim(strings.Map(plain, v[:min(len(v), 20)]), "/")+"x"); err != nil {
			t.Fatal(err)
		}
		e, err := w.Commit(digest("a"), weak)
		if err != nil || e.Variant != v || e.Digest != digest("a") {
			t.Fatalf("%q: %+v, %v", v, e, err)
		}
	}
	dirs := map[string]bool{}
	for _, v := range ways {
		for _, d := range []integrity.Digest{digest("a"), weak} {
			e, err := s.GetVariant(d, v)
			if err != nil || e.Variant != v || e.Digest != digest("a") {
				t.Fatalf("%q: %+v, %v", v, e, err)
			}
			dirs[e.Dir] = true
		}
	}
	if len(dirs) != len(ways) {
		t.Errorf("%v", dirs)
	}
	if _, err := s.GetVariant(digest("a"), "other"); !errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrDamaged) {
		t.Error(err)
	}
	// An entry under the name of another variant is not taken for it.
	one, _ := s.GetVariant(digest("a"), ways[1])
	two, _ := s.GetVariant(digest("a"), ways[2])
	if err := errors.Join(os.RemoveAll(filepath.Dir(two.Dir)), os.Rename(filepath.Dir(one.Dir), filepath.Dir(two.Dir))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetVariant(digest("a"), ways[2]); !errors.Is(err, store.ErrDamaged) {
		t.Error(err)
	}
	add(t, s, digest("b"), sample)
	if err := s.Remove(digest("a")); err != nil {
		t.Fatal(err)
	}
	for _, v := range ways {
		if _, err := s.GetVariant(digest("a"), v); !errors.Is(err, store.ErrMissing) {
			t.Errorf("%q after Remove: %v", v, err)
		}
	}
	if _, err := s.Get(digest("b")); err != nil {
		t.Error(err)
	}
}

// plain makes a rune fit for a path.
func plain(r rune) rune {
	if r < ' ' || r == '"' {
		return '_'
	}
	return r
}

// TestTempDir: what is left there goes with the workspace.
func TestTempDir(t *testing.T) {
	t.Parallel()
	s := open(t)
	w := newWriter(t, s)
	f := filepath.Join(w.TempDir(), "spool")
	if err := os.WriteFile(f, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := addLinked(t, w, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(digest("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

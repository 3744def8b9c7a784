package store_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/store"
)

// readOnlyStory checks that what is in a store that cannot be written can be used, and that whatever
// would have to write says why it cannot and what to do. The ward's store is as it was left by another
// process; b is an entry of it that has no linked package.
func readOnlyStory(t *testing.T, w ward, b *store.Entry, record string) {
	t.Helper()
	s, err := store.Open(w.store.Dir())
	if err != nil {
		t.Fatal(err)
	}
	release, err := s.Use(t.Context())
	if err != nil {
		t.Errorf("Use: %v", err)
	} else {
		release()
	}
	if _, ok := s.Stamp(key("p")); !ok {
		t.Error("the stamp is not there")
	}
	for _, boot := range []time.Time{{}, time.Now().Add(time.Hour)} { // nobody can note that it was checked
		s.SetBoot(boot)
		for _, l := range w.all {
			if _, err := s.Get(l.Entry.Digest); err != nil {
				t.Error(err)
			}
			if err := s.PutLinked(l); err != nil {
				t.Errorf("it is there: %v", err)
			}
		}
		mustLinked(t, s, w.all...)
	}
	s.SetBoot(time.Time{})
	sound(t, s)
	generation(t, s)
	if st, err := s.Status(t.Context()); err != nil || st.Entries != 4 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := s.Remember(record); err != nil {
		t.Errorf("a project that is recorded: %v", err)
	}
	prune(t, s, store.PruneOptions{DryRun: true})
	for name, do := range map[string]func() error{
		"NewWriter": func() error { _, err := s.NewWriter("x"); return err },
		"PutLinked": func() error { return s.PutLinked(store.Linked{Key: key("new"), Entry: b}) },
		"own":       func() error { return s.PutLinked(store.Linked{Key: key("new a"), Entry: w.all[0].Entry}) },
		"PutStamp":  func() error { return s.PutStamp(key("q"), generation(t, s), nil) },
		"Remember":  func() error { return s.Remember(filepath.Join(record, "other")) },
		"Remove":    func() error { return s.Remove(b.Digest) },
		"Prune":     func() error { _, err := s.Prune(t.Context(), store.PruneOptions{}); return err },
	} {
		err := do()
		if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS) ||
			!strings.Contains(err.Error(), s.Dir()) || !strings.Contains(pantry.Hint(err), "make "+s.Dir()+" writable") {
			t.Errorf("%s: %v, hint %q", name, err, pantry.Hint(err))
		}
	}
	mustLinked(t, s, w.all...)
	sound(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// lend makes a store ready for readOnlyStory, which it returns the rest for.
func (w ward) lend(t *testing.T) (b *store.Entry, record string) {
	t.Helper()
	b = addPackage(t, w.store, "unlinked", sample)
	record = t.TempDir()
	release, err := w.store.Use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := errors.Join(w.store.Remember(record), w.store.PutStamp(key("p"), generation(t, w.store), nil), w.store.Close()); err != nil {
		t.Fatal(err)
	}
	return b, record
}

// TestReadOnlyFolder: the store belongs to somebody else, or its folders and files cannot be written.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		asNobody(t, "^TestReadOnlyFolder$")
		return
	}
	w := newWard(t)
	b, record := w.lend(t)
	chmodAll(t, w.store.Dir(), 0o555)
	t.Cleanup(func() { chmodAll(t, w.store.Dir(), 0o755) })
	readOnlyStory(t, w, b, record)
}

// chmodAll sets the mode of a folder and of all that is in it.
func chmodAll(t *testing.T, dir string, mode fs.FileMode) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		return os.Chmod(path, mode)
	})
	if err != nil {
		t.Error(err)
	}
}

// asNobody runs a test in a process that has no privileges: root may write everywhere.
func asNobody(t *testing.T, test string) {
	t.Helper()
	dir := t.TempDir()
	data, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "test")
	if err := errors.Join(os.WriteFile(program, data, 0o755), os.Chmod(dir, 0o777), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.v", "-test.run="+test)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = credential(65534)
	out, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Skipf("no process without privileges can be started here: %v", err)
	}
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

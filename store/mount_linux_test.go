package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/store"
)

const mountEnv = "TEST_STORE_MOUNTS"

// TestMounts runs the tests below in a process that may mount file systems that nobody else sees, where
// the system allows that.
func TestMounts(t *testing.T) {
	t.Parallel()
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("unshare is not there")
	}
	if out, err := exec.Command(unshare, "--mount", "mount", "-t", "tmpfs", "none", t.TempDir()).CombinedOutput(); err != nil {
		t.Skipf("file systems cannot be mounted: %v: %s", err, out)
	}
	cmd := exec.Command(unshare, "--mount", os.Args[0], "-test.v", "-test.run=^TestMounted")
	cmd.Env = append(os.Environ(), mountEnv+"=1")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestMountedReadOnly") {
		t.Errorf("%v\n%s", err, out)
	}
}

// mounted returns a store on a file system of its own.
func mounted(t *testing.T, options string) *store.Store {
	t.Helper()
	if os.Getenv(mountEnv) == "" {
		t.Skip("runs in a process of its own: see TestMounts")
	}
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, options); err != nil {
		if errors.Is(err, syscall.EINVAL) {
			t.Skipf("there is no tmpfs with %q here", options)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMountedReadOnly(t *testing.T) {
	s := mounted(t, "")
	w := wardIn(t, s)
	b, record := w.lend(t)
	if err := syscall.Mount("none", s.Dir(), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	readOnlyStory(t, w, b, record)
}

// TestMountedFull: a disk that is full makes errors that say so, and leaves nothing that is believed to
// be complete; with some space the same calls go through.
func TestMountedFull(t *testing.T) {
	s := mounted(t, "size=512k,nr_inodes=200")
	all := family(t, s)
	other := all[0]
	other.Key, other.Links = key("other"), []store.Target{target("c", "c")}
	all = append(all, other)
	generation(t, s)
	full := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(pantry.Hint(err), "free some space") || !strings.Contains(err.Error(), s.Dir()) {
			t.Errorf("%s: %v, hint %q", name, err, pantry.Hint(err))
		}
	}
	filler := filepath.Join(s.Dir(), "filler")
	if err := os.Mkdir(filler, 0o755); err != nil {
		t.Fatal(err)
	}
	// Whichever file is the one too many: the more there is, the further each call comes.
	for spare := range 12 {
		fill(t, filler, spare)
		complete := 0
		for _, l := range all {
			if err := s.PutLinked(l); err != nil {
				full("PutLinked", err)
			} else {
				complete++
			}
			if s.HasLinked(l.Key) {
				if _, err := os.Stat(s.LinkedDir(l.Key, l.Entry.Name)); err != nil {
					t.Error(err)
				}
			}
		}
		if spare == 0 && complete > 0 {
			t.Error("the disk is not full")
		}
		sound(t, s)
		w, err := s.NewWriter("big")
		if err == nil {
			err = put(w, sample)
		}
		if err == nil {
			_, err = w.Commit(digest("big"))
		}
		if err != nil {
			full("an entry", err)
			if _, err := s.Get(digest("big")); !errors.Is(err, store.ErrMissing) {
				t.Error(err)
			}
		}
		if w != nil {
			w.Abort()
		}
		if spare == 0 {
			full("PutStamp", s.PutStamp(key("p"), generation(t, s), nil))
			full("Remember", s.Remember("/project"))
		}
	}
	if err := os.RemoveAll(filler); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		putLinked(t, s, l)
	}
	mustLinked(t, s, all...)
	sound(t, s)
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// fill takes all inodes of a small file system but so many.
func fill(t *testing.T, dir string, spare int) {
	t.Helper()
	for i := 0; ; i++ {
		f, err := os.OpenFile(filepath.Join(dir, key(string(rune(i)))), os.O_CREATE|os.O_WRONLY, 0o644)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	all, err := os.ReadDir(dir)
	if err != nil || len(all) < spare {
		t.Fatalf("%d files, %v", len(all), err)
	}
	for _, e := range all[:spare] {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMountedFolded: on a file system that does not tell capitals from small letters, a package that
// needs two whose names differ in nothing else cannot be linked, and everything else can.
func TestMountedFolded(t *testing.T) {
	s := mounted(t, "casefold")
	if out, err := exec.Command("chattr", "+F", s.Dir()).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	foldedStory(t, s)
}

func TestMountedFullData(t *testing.T) {
	s := mounted(t, "size=64k")
	big := strings.Repeat("x", 200<<10)
	_, err := writePackage(s, "big", map[string]string{"big.js": big})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(pantry.Hint(err), "free some space") {
		t.Errorf("%v, hint %q", err, pantry.Hint(err))
	}
	if _, err := s.Get(digest("big")); !errors.Is(err, store.ErrMissing) {
		t.Error(err)
	}
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	addPackage(t, s, "small", sample)
}

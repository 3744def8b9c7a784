package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pantry-go/pantry/store"
)

// TestLinkedCheckedOncePerBoot: what was made before the machine was started is looked at once, all of
// it, and then trusted.
func TestLinkedCheckedOncePerBoot(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"file cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, "node_modules/a/index.js"), 0) },
		"file missing":   func(dir string) error { return os.Remove(filepath.Join(dir, "node_modules/a/cli.js")) },
		"need missing": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "node_modules/@s")), os.RemoveAll(filepath.Join(dir, "node_modules/c")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, which := range []string{"a", "other"} {
				w := newWard(t)
				l := w.all[i*3]
				home := w.link(which, "home")
				age(t, home, time.Now().Add(-time.Hour))
				w.store.SetBoot(time.Now().Add(-time.Minute))
				if !w.store.HasLinked(l.Key) { // it is sound, and looked at
					t.Fatalf("%s: not there", which)
				}
				if err := spoil(w.link(which, "")); err != nil {
					t.Fatal(err)
				}
				if !w.store.HasLinked(l.Key) {
					t.Errorf("%s: looked at again", which)
				}
				for _, at := range []time.Time{time.Now().Add(-time.Hour), time.Now().Add(time.Hour)} {
					age(t, home, at)
					if w.store.HasLinked(l.Key) {
						t.Errorf("%s: not looked at, made at %v", which, at)
					}
				}
				w.store.SetBoot(time.Time{})
				if err := os.Remove(index(w.all[0].Entry)); err != nil {
					t.Fatal(err)
				}
				w.install(t)
				mustLinked(t, w.store, w.all...)
			}
		})
	}
}

// TestAddedIsPassedOver: something that was added to a package does not keep it from being used after the
// machine was started; a link that was added is removed.
func TestAddedIsPassedOver(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"file":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "node_modules/a/cache"), nil, 0o644) },
		"package": func(dir string) error { return os.Mkdir(filepath.Join(dir, "node_modules/.cache"), 0o755) },
		"link":    func(dir string) error { return os.Symlink("x", filepath.Join(dir, "node_modules/x")) },
	} {
		for i, which := range []string{"a", "other"} {
			w := newWard(t)
			if err := spoil(w.link(which, "")); err != nil {
				t.Fatal(err)
			}
			age(t, w.link(which, "home"), time.Now().Add(-time.Hour))
			w.store.SetBoot(time.Now().Add(-time.Minute))
			if got := w.store.HasLinked(w.all[i*3].Key); got != (name != "link") {
				t.Errorf("%s, %s: there %v", which, name, got)
			}
			w.install(t)
			mustLinked(t, w.store, w.all...)
		}
	}
}

// TestHomeless: links in an entry where no linked package lives are taken out, and the entry stays.
func TestHomeless(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir string) error{
		"a link": func(dir string) error { return os.Symlink("../x", filepath.Join(dir, "node_modules", "x")) },
		"in a scope": func(dir string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "node_modules", "@s"), 0o755), os.Symlink("/etc", filepath.Join(dir, "node_modules", "@s", "x")))
		},
		"no seal": func(dir string) error { return os.Symlink("nonsense", filepath.Join(dir, "home")) },
		"a file":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "home"), nil, 0o644) },
	} {
		s := open(t)
		e := addPackage(t, s, "a", sample)
		if err := spoil(root(e)); err != nil {
			t.Fatal(err)
		}
		r, err := s.VerifyAll(t.Context(), store.VerifyOptions{Repair: true})
		if err != nil || len(r.Problems) != 1 || !errors.Is(r.Problems[0].Err, store.ErrDamaged) || !r.Problems[0].Repaired || r.Problems[0].Digest != e.Digest {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if _, err := s.Get(e.Digest); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		sound(t, s)
		l := store.Linked{Key: key("a"), Entry: e}
		putLinked(t, s, l)
		mustLinked(t, s, l)
	}
}

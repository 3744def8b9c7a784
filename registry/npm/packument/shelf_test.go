package packument_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry/registry/npm/packument"
)

const registryURL = "https://registry.example.com"

func shelf(t testing.TB, dir string) *packument.Shelf {
	t.Helper()
	return packument.NewFolder(dir).Shelf(registryURL, "")
}

func put(t testing.TB, s *packument.Shelf, m *model) *packument.Packument {
	t.Helper()
	p := m.build(t, &packument.Builder{})
	if err := s.Put(p); err != nil {
		t.Fatal(err)
	}
	return p
}

// files lists the files below dir that hold packuments.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sizes are numbers of versions whose files are read in one way each: at once; at once, and kept
// open; in several pieces.
var sizes = []int{1, 300, 2000}

func TestShelf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := shelf(t, dir)
	if _, ok := s.Load("a"); ok {
		t.Error("an empty shelf has something")
	}
	names := []string{"a", "A", "@s/a", "@s/A", "s/a", strings.Repeat("long", 120), "..", "con", ""}
	for i, name := range names {
		put(t, s, plainModel(name, sizes[i%len(sizes)]))
	}
	for _, s := range []*packument.Shelf{s, shelf(t, dir)} {
		for i, name := range names {
			p, ok := s.Load(name)
			if !ok {
				t.Fatalf("%q is gone", name)
			}
			plainModel(name, sizes[i%len(sizes)]).check(t, p)
		}
	}
	put(t, s, plainModel("a", 2))
	if p, ok := s.Load("a"); !ok || p.Len() != 2 {
		t.Error("it was not replaced")
	}
	s.Remove("a")
	s.Remove("a")
	if _, ok := s.Load("a"); ok {
		t.Error("it was not removed")
	}
	if _, ok := s.Load("A"); !ok {
		t.Error("another one was removed")
	}
	for _, file := range files(t, dir) {
		st, err := os.Stat(file)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, st.Mode(), err)
		}
	}
}

func TestNilShelf(t *testing.T) {
	t.Parallel()
	var s *packument.Shelf
	p := plainModel("a", 1).build(t, &packument.Builder{})
	s.Remove("a")
	if _, ok := s.Load("a"); ok || s.Put(p) != nil || s.Renew(p, time.Now(), time.Minute, false) != nil {
		t.Error("it is not empty")
	}
}

// TestInUse: what was loaded stays as it is, whatever becomes of its file.
func TestInUse(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		dir := t.TempDir()
		s := shelf(t, dir)
		m := plainModel("a", size)
		put(t, s, m)
		p, ok := s.Load("a")
		if !ok {
			t.Fatal("it is gone")
		}
		put(t, s, plainModel("a", size+1))
		m.check(t, p)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		m.check(t, p)
		if _, ok := shelf(t, dir).Load("a"); ok {
			t.Error("it is there without its folder")
		}
		put(t, s, m) // makes the folder again
		if p, ok = s.Load("a"); !ok {
			t.Fatal("it is not there in a new folder")
		}
		m.check(t, p)
	}
}

// TestManyOpen: large files are held open, and there are never too many of them.
func TestManyOpen(t *testing.T) {
	t.Parallel()
	s := shelf(t, t.TempDir())
	m := plainModel("a", 300)
	put(t, s, m)
	var all []*packument.Packument
	for range 2000 { // twice what a process may have by default
		p, ok := s.Load("a")
		if !ok {
			t.Fatalf("%d could be loaded", len(all))
		}
		all = append(all, p)
	}
	m.check(t, all[0])
	m.check(t, all[len(all)-1])
}

// TestDamagedFile: a file that is torn or damaged anywhere is not there.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		dir := t.TempDir()
		s := shelf(t, dir)
		put(t, s, plainModel("a", size))
		file := files(t, dir)[0]
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		damage := map[string][]byte{"empty": {}, "longer": append(good[:len(good):len(good)], 0), "zeros": make([]byte, len(good))}
		for _, at := range []int{0, 7, 9, 13, 40, 44, 90, 100, len(good) / 2, len(good) - 70, len(good) - 1} {
			damage[fmt.Sprint("cut at ", at)] = good[:at]
			damage[fmt.Sprint("zeros from ", at)] = append(good[:at:at], make([]byte, len(good)-at)...)
			changed := append([]byte(nil), good...)
			changed[at] ^= 1
			damage[fmt.Sprint("changed at ", at)] = changed
		}
		for name, data := range damage {
			if string(data) == string(good) {
				continue // there were zeros already
			}
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, ok := s.Load("a"); ok {
				t.Errorf("%d versions, %s: it is there", size, name)
			}
		}
		put(t, s, plainModel("a", size))
		if _, ok := s.Load("a"); !ok {
			t.Error("it cannot be replaced")
		}
	}
}

// TestOtherName: a file in another one's place is not taken for it.
func TestOtherName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := shelf(t, dir)
	put(t, s, plainModel("a", 1))
	file := files(t, dir)[0]
	put(t, s, plainModel("b", 1))
	for _, other := range files(t, dir) {
		if other != file {
			if err := os.Rename(other, file); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, ok := s.Load("a"); ok {
		t.Error("b was taken for a")
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		dir := t.TempDir()
		s := shelf(t, dir)
		m := plainModel("a", size)
		p := put(t, s, m)
		m.doc.Checked, m.doc.Life, m.doc.Strict = time.UnixMilli(2e12), time.Hour, true
		if err := s.Renew(p, m.doc.Checked, m.doc.Life, true); err != nil {
			t.Fatal(err)
		}
		loaded, ok := shelf(t, dir).Load("a")
		if !ok {
			t.Fatal("it is gone")
		}
		m.check(t, loaded)
		again := m.doc.Checked.Add(time.Hour)
		if err := s.Renew(loaded, again, time.Minute, false); err != nil {
			t.Fatal(err)
		}
		other := plainModel("a", size+1)
		put(t, s, other)
		if err := s.Renew(p, again, time.Hour, false); err != nil {
			t.Fatal(err)
		}
		if loaded, ok = s.Load("a"); !ok {
			t.Fatal("it is gone")
		}
		other.check(t, loaded) // what took its place was not confirmed
		s.Remove("a")
		if err := s.Renew(p, again, time.Hour, false); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	}
}

// TestUnusableFolder: where nothing can be written nothing is kept.
func TestUnusableFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := packument.NewFolder(file)
	s := f.Shelf(registryURL, "")
	if err := s.Put(plainModel("a", 1).build(t, &packument.Builder{})); err == nil {
		t.Error("Put has no error")
	}
	if _, err := f.Key(); err == nil {
		t.Error("Key has no error")
	}
	if _, ok := s.Load("a"); ok {
		t.Error("something is there")
	}
}

func TestShelvesAreApart(t *testing.T) {
	t.Parallel()
	f := packument.NewFolder(t.TempDir())
	shelves := []*packument.Shelf{
		f.Shelf(registryURL, ""), f.Shelf(registryURL, "x"), f.Shelf(registryURL, "y"), f.Shelf(registryURL+"/x", ""), f.Shelf("", registryURL),
	}
	for i, s := range shelves {
		put(t, s, plainModel("a", i+1))
	}
	for i, s := range shelves {
		if p, ok := s.Load("a"); !ok || p.Len() != i+1 {
			t.Errorf("shelf %d has something else", i)
		}
	}
}

// TestKey: one folder has one key, whoever makes it first.
func TestKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := make([]string, 20)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			key, err := packument.NewFolder(dir).Key()
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(key)
		})
	}
	wg.Wait()
	for _, key := range keys {
		if key != keys[0] || len(key) != 32 {
			t.Fatalf("got %q and %q", key, keys[0])
		}
	}
	other, err := packument.NewFolder(t.TempDir()).Key()
	if err != nil || string(other) == keys[0] {
		t.Errorf("two folders have one key, %v", err)
	}
	all := files(t, dir)
	if len(all) != 1 {
		t.Fatalf("left behind: %q", all)
	}
	if err := os.WriteFile(all[0], []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	mended, err := packument.NewFolder(dir).Key()
	again, errAgain := packument.NewFolder(dir).Key()
	if err != nil || errAgain != nil || len(mended) != 32 || string(again) != string(mended) {
		t.Errorf("a broken key: %q and %q, %v, %v", mended, again, err, errAgain)
	}
}

// TestLeftOver: what a process did not finish is removed when it is old.
func TestLeftOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, shelf(t, dir), plainModel("a", 1))
	tmp := filepath.Join(dir, "packuments-1", "tmp")
	for name, age := range map[string]time.Duration{"old": 2 * time.Hour, "new": time.Second} {
		file := filepath.Join(tmp, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	put(t, shelf(t, dir), plainModel("b", 1))
	entries, err := os.ReadDir(tmp)
	if err != nil || len(entries) != 1 || entries[0].Name() != "new" {
		t.Errorf("got %v, %v", entries, err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := packument.NewFolder(dir)
	if n, err := f.Prune(time.Hour, 1<<40); n.Packuments != 0 || err != nil {
		t.Errorf("nothing: %+v, %v", n, err)
	}
	key, err := f.Key()
	if err != nil {
		t.Fatal(err)
	}
	s := f.Shelf(registryURL, "")
	age := func(name string, age time.Duration) {
		t.Helper()
		before := files(t, dir)
		put(t, s, plainModel(name, 1))
		for _, file := range files(t, dir) {
			if at := time.Now().Add(-age); !slices.Contains(before, file) {
				if err := os.Chtimes(file, at, at); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	left := func() (names string) {
		for _, name := range []string{"old", "middle", "new"} {
			if _, ok := s.Load(name); ok {
				names += name + " "
			}
		}
		return names
	}
	age("old", 3*time.Hour)
	age("middle", 2*time.Hour)
	age("new", 0)
	all, err := f.Usage()
	if err != nil || all.Packuments != 3 || all.Bytes == 0 {
		t.Errorf("%+v, %v", all, err)
	}
	for _, c := range []struct {
		age  time.Duration
		most int64
		left string
	}{
		{150 * time.Minute, all.Bytes, "middle new "},
		{150 * time.Minute, all.Bytes / 2, "new "},
		{0, 0, ""},
	} {
		before, _ := f.Usage()
		removed, err := f.Prune(c.age, c.most)
		after, _ := f.Usage()
		if got := left(); got != c.left || err != nil || removed.Packuments != 1 || before.Bytes != after.Bytes+removed.Bytes {
			t.Errorf("%v, %d: left %q, %+v, %v, want %q", c.age, c.most, got, removed, err, c.left)
		}
	}
	if again, err := packument.NewFolder(dir).Key(); string(again) != string(key) || err != nil {
		t.Error("the key is another one", err)
	}
}

// TestPruneItself: what is very old goes when something is put, but not every time.
func TestPruneItself(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := time.Now().Add(-packument.KeptFor - time.Hour)
	grow := func(name string) {
		t.Helper()
		put(t, packument.NewFolder(dir).Shelf(registryURL, ""), plainModel(name, 1))
		for _, file := range files(t, dir) {
			if filepath.Base(file) == "pruned" {
				continue
			}
			if err := os.Chtimes(file, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	grow("a")
	grow("b")
	if u, err := packument.NewFolder(dir).Usage(); u.Packuments != 2 || err != nil {
		t.Errorf("it is pruned every time: %+v, %v", u, err)
	}
	markers, err := filepath.Glob(filepath.Join(dir, "*", "pruned"))
	if err != nil || len(markers) != 1 || os.Chtimes(markers[0], old, old) != nil {
		t.Fatal(markers, err)
	}
	grow("c")
	if u, err := packument.NewFolder(dir).Usage(); u.Packuments != 1 || err != nil {
		t.Errorf("it is not pruned: %+v, %v", u, err)
	}
}

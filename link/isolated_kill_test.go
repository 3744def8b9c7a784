package link_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// isolatedChild makes the test binary a process that makes one layout after the other until it is
// killed.
const isolatedChild = "TEST_LINK_ISOLATED_CHILD"

// runIsolatedChild goes through all layouts of all lockfiles, from the first that it is given on.
func runIsolatedChild(args []string) {
	dir, storeDir, locks := args[0], args[1], args[3:]
	var first int
	_, err := fmt.Sscan(args[2], &first)
	s, openErr := store.Open(storeDir)
	err = errors.Join(err, openErr)
	for i := first; err == nil; i += 3 { // three and the number of layouts have no common divisor
		var l *lockfile.Lock
		if l, err = lockfile.Read(locks[i%len(locks)]); err == nil {
			_, err = killLayouts[i%len(killLayouts)](dir, s, l, func() error {
				_, err := os.Stdout.WriteString(".")
				return err
			})
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type layOut func(dir string, s *store.Store, l *lockfile.Lock, begin func() error) (*link.ApplyIsolatedOptions, error)

// killLayouts are those that the child makes. What was made returns its options, unless it was hoisted.
var killLayouts = []layOut{
	isolatedLayout(func(*link.ApplyIsolatedOptions) {}),
	isolatedLayout(inProject),
	isolatedLayout(copies("npm:x@1")),
	isolatedLayout(inProject),
	func(dir string, s *store.Store, l *lockfile.Lock, begin func() error) (*link.ApplyIsolatedOptions, error) {
		tree, err := link.Hoist(l, link.HoistOptions{})
		if err == nil {
			_, err = link.Apply(context.Background(), link.ApplyOptions{Dir: dir, Lock: l, Tree: tree, Entry: entryOf(s, l), Begin: begin})
		}
		return nil, err
	},
}

func isolatedLayout(edit func(*link.ApplyIsolatedOptions)) layOut {
	return func(dir string, s *store.Store, l *lockfile.Lock, begin func() error) (*link.ApplyIsolatedOptions, error) {
		is, err := link.Isolate(l, link.IsolateOptions{})
		if err != nil {
			return nil, err
		}
		o := &link.ApplyIsolatedOptions{Dir: dir, Lock: l, Isolated: is, Store: s, Entry: entryOf(s, l), Begin: begin}
		edit(o)
		_, err = link.ApplyIsolated(context.Background(), *o)
		return o, err
	}
}

func entryOf(s *store.Store, l *lockfile.Lock) func(context.Context, lockfile.ID) (*store.Entry, error) {
	return func(_ context.Context, id lockfile.ID) (*store.Entry, error) {
		d, _ := l.Packages[id].Integrity.Find(integrity.SHA512)
		return s.Get(d)
	}
}

// TestIsolatedKilled kills a process that makes one layout after the other, at any moment: whatever is
// in node_modules then finds all it needs, and the next run makes of it exactly what it should, whichever
// layout that is.
func TestIsolatedKilled(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	const packages = "\na@1 x@2 b@1 bin=a:a.js bin=both:a.js\na@2 x@1 bin=a:b.js\nb@1 x@1 y@1 a@1\nx@1 z@2\nx@2 z@1 bin=x:x.js\nw@1 bin=both:w.js x@1\n" +
		"z@2 x@1\n@s/e@1 w@1\n@s/f@1 @s/e@1 z@1\n"
	var locks []*lockfile.Lock
	args := []string{p.dir, filepath.Join(filepath.Dir(p.dir), "store"), ""}
	for i, wishes := range []string{". a@1 b@1 @s/e@1 x@1", ". a@2 x@2 @s/f@1 w@1 old=b@1"} {
		l := lockOf(t, wishes+packages)
		p.shelf.fill(l)
		file := filepath.Join(filepath.Dir(p.dir), fmt.Sprint("lock", i))
		if err := l.Write(file); err != nil {
			t.Fatal(err)
		}
		locks, args = append(locks, l), append(args, file)
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills := 20
	if testing.Short() {
		kills = 8
	}
	for range kills {
		args[2] = fmt.Sprint(random.IntN(len(killLayouts) * len(locks)))
		killChild(t, isolatedChild, args, random.IntN(5), time.Duration(random.IntN(2000))*time.Microsecond)
		checkStanding(t, p, locks)
		layout := killLayouts[random.IntN(len(killLayouts))]
		o, err := layout(p.dir, p.shelf.store, locks[random.IntN(2)], nil)
		if err != nil {
			t.Fatal(err)
		}
		if o != nil {
			p.checkIsolated(t, *o)
		} else if found, _ := filepath.Glob(filepath.Join(p.dir, "node_modules/.pantry/*@*")); len(found) > 0 || len(leftovers(t, p.dir)) > 0 {
			t.Errorf("left behind: %v", found)
		}
		if t.Failed() {
			return
		}
	}
}

// checkStanding follows the links at the top of node_modules, whatever layout they are of: each leads
// to a whole package, and so do all those that it needs.
func checkStanding(t *testing.T, p *project, locks []*lockfile.Lock) {
	t.Helper()
	n := &node{limit: filepath.Dir(p.dir), real: map[string]string{}}
	seen := map[string]bool{}
	var visit func(dir string)
	visit = func(dir string) {
		id := idAt(dir)
		if seen[dir] {
			return
		}
		seen[dir] = true
		i := slices.IndexFunc(locks, func(l *lockfile.Lock) bool { return l.Packages[id] != nil })
		if i < 0 {
			t.Errorf("%q is no package, but %q", dir, id)
			return
		}
		p.checkFiles(t, dir, id, false)
		for name, d := range locks[i].Packages[id].Dependencies {
			if found := n.find(dir, name); idAt(found) != d.ID {
				t.Errorf("%s finds %q for %s", dir, found, d.ID)
			} else {
				visit(found)
			}
		}
	}
	for _, pattern := range []string{"[a-z]*", "@s/*"} {
		found, _ := filepath.Glob(filepath.Join(p.dir, "node_modules", pattern))
		for _, at := range found {
			if st, err := os.Lstat(at); err == nil && st.Mode()&fs.ModeSymlink != 0 {
				visit(n.resolve(at))
			}
		}
	}
}

package link_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// childVariable makes the test binary a process that lays two trees out in turn until it is killed.
const childVariable = "TEST_LINK_CHILD"

func TestMain(m *testing.M) {
	if dirs := os.Getenv(childVariable); dirs != "" {
		child(strings.Split(dirs, "\n"))
	}
	if args := os.Getenv(isolatedChild); args != "" {
		runIsolatedChild(strings.Split(args, "\n"))
	}
	os.Exit(m.Run())
}

// child lays out the trees of the lockfiles in turn. It tells of its first change with a byte.
func child(args []string) {
	dir, storeDir, locks := args[0], args[1], args[2:]
	s, err := store.Open(storeDir)
	for i := 0; err == nil; i++ {
		var o link.ApplyOptions
		if o, err = childOptions(dir, s, locks[i%len(locks)]); err == nil {
			_, err = link.Apply(context.Background(), o)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func childOptions(dir string, s *store.Store, lock string) (link.ApplyOptions, error) {
	l, err := lockfile.Read(lock)
	if err != nil {
		return link.ApplyOptions{}, err
	}
	tree, err := link.Hoist(l, link.HoistOptions{})
	return link.ApplyOptions{
		Dir: dir, Lock: l, Tree: tree,
		Entry: func(_ context.Context, id lockfile.ID) (*store.Entry, error) {
			d, _ := l.Packages[id].Integrity.Find(integrity.SHA512)
			return s.Get(d)
		},
		Begin: func() error {
			_, err := os.Stdout.WriteString(".")
			return err
		},
	}, err
}

// TestKilled kills a process that changes one tree into another and back, at any moment: what is there
// is whole then, and the next run makes of it exactly what it should, whichever tree that is.
func TestKilled(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	texts := []string{
		". a@1 b@1 c@1 d@1 @s/e@1 x@1\na@1 x@2 bin=a:a.js bin=both:a.js\nb@1 x@2 y@1\nx@2 z@1 bin=x:x.js\nd@1 old=y@2",
		". a@2 b@1 c@2 x@2 @s/f@1 w@1\na@2 x@1 bin=a:b.js\nb@1 x@1 y@1\nx@1 z@2\nw@1 bin=both:w.js\nz@2 x@1",
	}
	var options []link.ApplyOptions
	args := []string{p.dir, filepath.Join(filepath.Dir(p.dir), "store")}
	for i, text := range texts {
		l := lockOf(t, text)
		for id, pkg := range l.Packages {
			files := map[string]string{}
			for n := range 12 {
				files[fmt.Sprintf("lib/%d.js", n)] = fmt.Sprint(id, n)
			}
			for _, target := range pkg.Bin {
				files[target+"*"] = "#!/bin/sh\n"
			}
			if p.shelf.entries[id] == nil {
				p.shelf.put(id, files)
			}
		}
		options = append(options, p.options(l))
		file := filepath.Join(filepath.Dir(p.dir), fmt.Sprint("lock", i))
		if err := l.Write(file); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills := 20
	if testing.Short() {
		kills = 8
	}
	for range kills {
		if random.IntN(5) == 0 { // let it be built whole
			if err := os.RemoveAll(filepath.Join(p.dir, "node_modules")); err != nil {
				t.Fatal(err)
			}
		}
		killOne(t, args, random.IntN(5), time.Duration(random.IntN(2000))*time.Microsecond)
		checkWhole(t, p, options)
		o := options[random.IntN(2)]
		o.Dir = p.dir
		if _, err := link.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		p.check(o)
		checkCommands(t, p, o)
		if t.Failed() {
			return
		}
	}
}

// killOne runs a child and kills it a moment after it began to change something for the n-th time.
func killOne(t *testing.T, args []string, n int, after time.Duration) {
	t.Helper()
	killChild(t, childVariable, args, n, after)
}

// killChild does so with the child that a variable makes.
func killChild(t *testing.T, variable string, args []string, n int, after time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+strings.Join(args, "\n"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, readErr := io.ReadFull(out, make([]byte, n+1))
	timer := time.AfterFunc(after, cancel) // SIGKILL
	defer timer.Stop()
	err = cmd.Wait()
	if ctx.Err() == nil || readErr != nil {
		t.Fatalf("the child ended by itself: %v, %v: %s", err, readErr, stderr.String())
	}
}

// checkWhole checks that every package that is there has all the files of the package that one of the
// trees has there, and no others.
func checkWhole(t *testing.T, p *project, options []link.ApplyOptions) {
	t.Helper()
	got := p.files()
	var paths []string
	for _, o := range options {
		for _, pl := range o.Tree.Placements {
			paths = append(paths, pl.Path)
		}
	}
	for _, path := range paths {
		have := map[string]bool{}
		for file := range got {
			if rest, ok := strings.CutPrefix(file, path+"/"); ok && !strings.HasPrefix(rest, "node_modules/") {
				have[rest] = true
			}
		}
		if len(have) == 0 {
			continue // not there, or a link
		}
		whole := slices.ContainsFunc(options, func(o link.ApplyOptions) bool {
			i := slices.IndexFunc(o.Tree.Placements, func(pl link.Placement) bool { return pl.Path == path })
			if i < 0 {
				return false
			}
			want := map[string]bool{}
			for _, f := range p.shelf.entries[o.Tree.Placements[i].ID].Files {
				want[f.Path] = true
			}
			return maps.Equal(want, have)
		})
		if !whole {
			t.Errorf("%s is neither of its versions: %v", path, slices.Sorted(maps.Keys(have)))
		}
	}
}

// checkCommands checks that there are the commands of the tree and no others.
func checkCommands(t *testing.T, p *project, o link.ApplyOptions) {
	t.Helper()
	want := map[string]bool{}
	for _, pl := range o.Tree.Placements {
		for name := range o.Lock.Packages[pl.ID].Bin {
			want[strings.TrimSuffix(pl.Path, pl.Name)+".bin/"+name] = true
		}
	}
	got := map[string]bool{}
	for path := range p.files() {
		if strings.Contains(path, "/.bin/") {
			got[path] = true
		}
	}
	if !maps.Equal(want, got) {
		t.Errorf("commands %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

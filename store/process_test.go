package store_test

import (
	"bufio"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry/store"
)

func start(t *testing.T, dir, mode string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, childMode+"="+mode)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// finish lets children come to their end.
func finish(t *testing.T, dir string, modes ...string) {
	t.Helper()
	var wg sync.WaitGroup
	for _, mode := range modes {
		cmd, out := start(t, dir, mode)
		wg.Go(func() {
			for out.Scan() {
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v", mode, err)
			}
		})
	}
	wg.Wait()
}

// kill lets a child do so many steps and somewhat more, and kills it.
func kill(t *testing.T, dir, mode string, steps int) {
	t.Helper()
	cmd, out := start(t, dir, mode)
	for range steps {
		if !out.Scan() {
			break
		}
	}
	for range rand.IntN(200_000) { // to reach moments between two steps
		steps++
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
}

// TestProcesses: eight processes add and link the same packages.
func TestProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	finish(t, dir, make([]string, 8)...)
	s := reopen(t, dir)
	if err := complete(s); err != nil {
		t.Error(err)
	}
	if _, ok := s.Stamp(key("project")); !ok {
		t.Error("there is no stamp")
	}
	if r := sound(t, s); r.Entries != childEntries || r.Linked != 2*childEntries || r.Unfinished > 0 {
		t.Errorf("%+v", r)
	}
	checkFiles(t, s)
}

func reopen(t *testing.T, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestKilled kills installs at random moments: what is said to be complete is, and another run
// completes the rest. In the end nothing that was being built is left.
func TestKilled(t *testing.T) {
	t.Parallel()
	var dir string
	for round := range 20 {
		if round%4 == 0 {
			dir = t.TempDir()
		}
		kill(t, dir, "", rand.IntN(childEntries*9))
		afterKill(t, dir)
		if round%4 == 3 {
			finish(t, dir, "", "")
			afterKill(t, dir)
			if err := complete(reopen(t, dir)); err != nil {
				t.Error(err)
			}
		}
	}
	s := reopen(t, dir)
	add(t, s, digest("after"), sample)
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "v2", "tmp")); err != nil || len(left) > 0 {
		t.Errorf("workspaces left: %v, %v", left, err)
	}
}

// TestLinkingKilled kills processes in the middle of linking.
func TestLinkingKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 20 {
		kill(t, dir, "link", 2+rand.IntN(4))
		sound(t, reopen(t, dir))
	}
}

// afterKill checks what can be seen in a store.
func afterKill(t *testing.T, dir string) {
	t.Helper()
	s := reopen(t, dir)
	sound(t, s)
	checkFiles(t, s)
	if _, ok := s.Stamp(key("project")); ok {
		if err := complete(s); err != nil {
			t.Errorf("there is a stamp: %v", err)
		}
	}
}

// checkFiles compares every entry and linked package that can be seen with what it should be, without
// the store's own check.
func checkFiles(t *testing.T, s *store.Store) {
	t.Helper()
	for i := range childEntries {
		e, err := s.Get(digest(childName(i)))
		if errors.Is(err, store.ErrMissing) && !errors.Is(err, store.ErrDamaged) {
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		sameFiles(t, e.Dir, childFiles(i), nil)
		for way := range 2 {
			l := childLinked(i, way, e)
			if !s.HasLinked(l.Key) {
				continue
			}
			dir := s.LinkedDir(l.Key, e.Name)
			real, err := filepath.EvalSymlinks(dir)
			if err != nil {
				t.Error(err)
				continue
			}
			var nested []string
			for _, need := range l.Links {
				link := filepath.Join(strings.TrimSuffix(real, filepath.FromSlash(e.Name)), filepath.FromSlash(need.Name))
				if need.Name == e.Name {
					link = filepath.Join(real, "node_modules", filepath.FromSlash(need.Name))
					nested = append(nested, link)
				}
				to, err := os.Readlink(link)
				if want := s.LinkedDir(need.Key, need.Package); err != nil || filepath.Join(filepath.Dir(link), to) != want {
					t.Errorf("%s leads to %s, %v; want %s", link, to, err, want)
				}
			}
			sameFiles(t, real, childFiles(i), nested)
		}
	}
}

// sameFiles compares the files in a folder with what they should be; links are passed over if they are
// among those that are known.
func sameFiles(t *testing.T, dir string, want map[string]string, links []string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 && len(links) == 1 && links[0] == path {
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		b, err := os.ReadFile(path)
		if content, ok := want[filepath.ToSlash(rel)]; !ok || content != string(b) {
			t.Errorf("%s has %d bytes", path, len(b))
		}
		n++
		return err
	})
	if err != nil || n != len(want) {
		t.Errorf("%s: %d files, %v", dir, n, err)
	}
}

// TestPruneAndUsers: while others prune again and again, what a process uses stays.
func TestPruneAndUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	finish(t, dir, "users", "prune", "users", "prune", "users")
	finish(t, dir, "")
	s := reopen(t, dir)
	if err := complete(s); err != nil {
		t.Error(err)
	}
	sound(t, s)
}

// TestPruneKilled kills those who prune.
func TestPruneKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 8 {
		finish(t, dir, "")
		kill(t, dir, "prune", rand.IntN(4))
		afterKill(t, dir)
	}
	finish(t, dir, "")
	if err := complete(reopen(t, dir)); err != nil {
		t.Error(err)
	}
}

// TestRepairKilled kills those who repair: at any time what is there can be repaired, and then installed.
func TestRepairKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 8 {
		finish(t, dir, "")
		s := reopen(t, dir)
		for i := range childEntries {
			e, err := s.Get(digest(childName(i)))
			if err != nil {
				t.Fatal(err)
			}
			harm := func() error { return os.Truncate(filepath.Join(e.Dir, "cli.js"), 3) }
			if (i+round)%2 == 0 {
				harm = func() error { return os.Remove(filepath.Join(root(e), "home")) }
			}
			if err := harm(); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		kill(t, dir, "repair", 1)
		finish(t, dir, "repair")
		sound(t, reopen(t, dir))
		finish(t, dir, "")
		if err := complete(reopen(t, dir)); err != nil {
			t.Error(err)
		}
	}
}

// TestLiveWorkspaceStays: only what belongs to nobody any more is cleaned up.
func TestLiveWorkspaceStays(t *testing.T) {
	t.Parallel()
	a := open(t)
	w, err := a.NewWriter("")
	if err != nil {
		t.Fatal(err)
	}
	if err := put(w, sample); err != nil {
		t.Fatal(err)
	}
	b, err := store.Open(a.Dir())
	if err != nil {
		t.Fatal(err)
	}
	add(t, b, digest("b"), sample)
	e, err := w.Commit(digest("a"))
	if err != nil {
		t.Fatal(err)
	}
	check(t, e, sample)
}

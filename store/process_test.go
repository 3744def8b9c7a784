package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// childEnv names the store a child process of the tests writes to.
const childEnv = "TEST_STORE"

const childEntries = 20

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child adds the same entries as every other child, in an order of its own, and tells of each file.
func child(dir string) error {
	s, err := store.Open(dir)
	if err != nil {
		return err
	}
	for _, i := range rand.Perm(childEntries) {
		w, err := s.NewWriter()
		if err != nil {
			return err
		}
		for p, c := range childFiles(i) {
			if err := put(w, map[string]string{p: c}); err != nil {
				return err
			}
			fmt.Println("file")
		}
		e, err := w.Commit(digest(fmt.Sprint(i)), integrity.Sum(integrity.SHA1, fmt.Append(nil, i)))
		if err != nil {
			return err
		}
		if err := s.Verify(context.Background(), e); err != nil {
			return err
		}
		fmt.Println("entry")
	}
	return nil // without Close, as programs end
}

func childFiles(i int) map[string]string {
	m := map[string]string{}
	for j := range 6 {
		m[fmt.Sprintf("lib/%d/file%d.js", j%3, j)] = strings.Repeat(fmt.Sprint(i, j), 100*j)
	}
	return m
}

func start(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
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

func TestProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		cmd, out := start(t, dir)
		wg.Go(func() {
			for out.Scan() {
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := verifyAll(t, dir); n != childEntries {
		t.Errorf("%d entries, want %d", n, childEntries)
	}
}

// TestKilled kills processes at random moments: every entry that can be seen is complete, and
// what was being built is cleaned up by the next process that writes.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for range 6 {
		cmd, out := start(t, dir)
		for range 1 + rand.IntN(childEntries*7) {
			if !out.Scan() {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		verifyAll(t, dir)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, digest("after"), sample)
	if left := tmp(t, s); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "v1", "tmp")); err != nil || len(left) > 0 {
		t.Errorf("workspaces left: %v, %v", left, err)
	}
}

// TestLiveWorkspaceStays: only what belongs to nobody any more is cleaned up.
func TestLiveWorkspaceStays(t *testing.T) {
	t.Parallel()
	a := open(t)
	w, err := a.NewWriter()
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

// verifyAll checks every entry that can be seen in a store and returns their number.
func verifyAll(t *testing.T, dir string) (n int) {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "v1", "??", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		d, err := integrity.FromHex(integrity.SHA512, filepath.Base(filepath.Dir(p))+filepath.Base(p))
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Get(d)
		if err == nil {
			err = s.Verify(t.Context(), e)
		}
		if err != nil {
			t.Errorf("%s: %v", p, err)
		}
		count := 0
		_ = filepath.WalkDir(p, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				count++
			}
			return err
		})
		if e != nil && count != len(e.Files)+1 {
			t.Errorf("%s: %d files, the index has %d", p, count, len(e.Files))
		}
		n++
	}
	return n
}

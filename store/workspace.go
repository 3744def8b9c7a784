package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// workspace is the folder in which one Store builds entries. Its lock is held as long as the Store
// is in use: who gets the lock of another workspace knows that its owner is gone.
type workspace struct {
	dir  string
	lock *flock.Flock // nil where the file system has no locks
	next atomic.Uint64
}

const (
	lockSuffix = ".lock"
	// staleAfter is when a workspace is taken for left behind if no lock can tell: no process
	// builds that long.
	staleAfter = 24 * time.Hour
)

// workspace returns the store's workspace, and makes it when it is first needed.
func (s *Store) workspace() (*workspace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.work == nil {
		tmp := filepath.Join(s.dir, tmpName)
		if err := os.MkdirAll(tmp, 0o755); err != nil {
			return nil, s.fail("write", err)
		}
		removeStale(tmp)
		w, err := newWorkspace(tmp)
		if err != nil {
			return nil, s.fail("write", err)
		}
		s.work = w
	}
	return s.work, nil
}

// buildDir makes a new folder in the workspace. A workspace that somebody has removed is made anew.
func (s *Store) buildDir() (*workspace, string, error) {
	for again := false; ; again = true {
		w, err := s.workspace()
		if err != nil {
			return nil, "", err
		}
		dir := w.name("entry")
		err = os.Mkdir(dir, 0o755)
		if err == nil {
			return w, dir, nil
		}
		if again || !errors.Is(err, fs.ErrNotExist) {
			return nil, "", s.fail("write", err)
		}
		s.mu.Lock()
		if s.work == w {
			s.work = nil
		}
		s.mu.Unlock()
	}
}

// Close removes the store's temporary folder. Writers that are not finished fail after it. A
// process that doesn't call it leaves an empty folder, which the next one removes.
func (s *Store) Close() error {
	s.mu.Lock()
	w := s.work
	s.work = nil
	s.mu.Unlock()
	if w == nil {
		return nil
	}
	err := os.RemoveAll(w.dir)
	if w.lock != nil {
		err = errors.Join(err, removeIfThere(w.lock.Path()), w.lock.Close())
	}
	return err
}

// newWorkspace makes a workspace with a name of its own.
func newWorkspace(tmp string) (*workspace, error) {
	var last error
	for range 16 {
		dir := filepath.Join(tmp, fmt.Sprintf("%d-%08x", os.Getpid(), rand.Uint32()))
		w := &workspace{dir: dir, lock: flock.New(dir + lockSuffix)}
		switch ok, err := w.lock.TryLock(); {
		case err != nil:
			if _, statErr := os.Stat(w.lock.Path()); statErr != nil {
				return nil, err // the file cannot be made at all
			}
			w.lock = nil
		case !ok || !stillThere(w.lock):
			_ = w.lock.Close() // another process is just removing it
			continue
		}
		if last = os.Mkdir(dir, 0o755); last == nil {
			return w, nil
		}
		if !errors.Is(last, fs.ErrExist) {
			return nil, last
		}
	}
	return nil, last
}

// stillThere says that a lock's file is the one its path leads to.
func stillThere(l *flock.Flock) bool {
	mine, err := l.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(l.Path())
	return err == nil && os.SameFile(mine, there)
}

// name returns a path in the workspace that is not in use.
func (w *workspace) name(what string) string {
	return filepath.Join(w.dir, what+"-"+strconv.FormatUint(w.next.Add(1), 10))
}

// moveAside takes path, if there is something, out of the way and removes it.
func (w *workspace) moveAside(path string) error {
	aside := w.name("old")
	if err := os.Rename(path, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	_ = os.RemoveAll(aside) // or whoever finds the workspace left behind does
	return nil
}

// removeStale removes the workspaces of processes that are gone. It is best effort.
func removeStale(tmp string) {
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return
	}
	locked := map[string]bool{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), lockSuffix); ok {
			locked[name] = true
			removeIfLeft(filepath.Join(tmp, name), e)
		}
	}
	for _, e := range entries {
		if e.IsDir() && !locked[e.Name()] && old(e) {
			_ = os.RemoveAll(filepath.Join(tmp, e.Name()))
		}
	}
}

// removeIfLeft removes a workspace and its lock file, unless its owner holds the lock.
func removeIfLeft(dir string, lockFile fs.DirEntry) {
	l := flock.New(dir + lockSuffix)
	defer l.Close()
	ok, err := l.TryLock()
	if err == nil && !ok || err != nil && !old(lockFile) {
		return
	}
	if os.RemoveAll(dir) == nil {
		_ = os.Remove(l.Path())
	}
}

func old(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && time.Since(info.ModTime()) > staleAfter
}

// lockReplacing waits until no other process replaces a damaged entry. Where there are no locks it
// doesn't wait: at worst an entry is written twice.
func (s *Store) lockReplacing() (unlock func()) {
	l := flock.New(filepath.Join(s.dir, "replace"+lockSuffix))
	_ = l.Lock()
	return func() { _ = l.Close() }
}

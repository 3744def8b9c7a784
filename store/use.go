package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

const (
	useName = "lock"
	// useRetry is how often a lock that others have is asked for.
	useRetry = 50 * time.Millisecond
)

// Use keeps Prune and repairs away until release is called, which is harmless more than once. Any
// number of processes use a store at a time; one that is killed uses it no more. It waits for a Prune
// that is at work, for as long as ctx allows. In a store that cannot be written (not even the file that
// is locked), and where the file system has no locks, nobody is kept away, and that is no error. An
// install uses the store until its project is laid out, has its lockfile, and is remembered.
//
// A process must not prune or repair while it uses the store itself: it would wait for itself.
func (s *Store) Use(ctx context.Context) (release func(), err error) {
	l := flock.New(filepath.Join(s.dir, useName), flock.SetFlag(os.O_CREATE|os.O_RDONLY))
	_, err = l.TryRLockContext(ctx, useRetry)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(s.dir, 0o755); err == nil {
			_, err = l.TryRLockContext(ctx, useRetry)
		}
	}
	switch {
	case err == nil:
		return func() { _ = l.Close() }, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrPermission), isReadOnly(err), noLocks(err), isFull(err):
		return func() {}, nil
	}
	return nil, s.fail("use", err)
}

// useAlone waits until nobody uses the store. waiting is told once if that is not at once.
func (s *Store) useAlone(ctx context.Context, waiting func()) (release func(), err error) {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, s.fail("write", err)
	}
	l := flock.New(filepath.Join(s.dir, useName), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	ok, err := l.TryLock()
	if err == nil && !ok {
		if waiting != nil {
			waiting()
		}
		_, err = l.TryLockContext(ctx, useRetry)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, s.fail("lock", err)
	}
	return func() { _ = l.Close() }, nil
}

// isReadOnly says that a file system cannot be written.
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }

// isFull says that there is no space left.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// noLocks says that a file system has no locks.
func noLocks(err error) bool {
	return errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, errors.ErrUnsupported)
}

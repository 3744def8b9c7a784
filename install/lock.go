package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockRetry is how often a waiting process looks whether the project is free.
const lockRetry = 20 * time.Millisecond

// lockProject keeps other processes from changing the project until unlock is called. The lock is
// a file in the store, or where that cannot be written to in a folder of the user's for temporary
// files; it goes with the process that holds it.
func lockProject(ctx context.Context, dir, storeDir string) (unlock func(), err error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, fmt.Errorf("install in %s: %w", dir, err)
	}
	sum := sha256.Sum256([]byte(real))
	name := hex.EncodeToString(sum[:12]) + ".lock"
	own := filepath.Join(os.TempDir(), fmt.Sprintf("pantry-locks-%d", os.Getuid()))
	var l *flock.Flock
	for _, folder := range []string{filepath.Join(storeDir, "locks"), own} {
		if l, err = lockFile(ctx, folder, name); err == nil {
			return func() { _ = l.Unlock() }, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("wait for other installs in %s: %w", dir, err)
}

func lockFile(ctx context.Context, folder, name string) (*flock.Flock, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	l := flock.New(filepath.Join(folder, name))
	_, err := l.TryLockContext(ctx, lockRetry)
	return l, err
}

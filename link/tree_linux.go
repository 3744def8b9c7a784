package link

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// treeWriter links and makes folders relative to two open folders, so that the kernel does not walk
// the long way to each file again.
type treeWriter struct {
	src, dst     string
	srcFD, dstFD int
}

func newTreeWriter(src, dst string) (*treeWriter, error) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	s, err := unix.Open(src, flags, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: src, Err: err}
	}
	d, err := unix.Open(dst, flags, 0)
	if err != nil {
		_ = unix.Close(s)
		return nil, &os.PathError{Op: "open", Path: dst, Err: err}
	}
	return &treeWriter{src: src, dst: dst, srcFD: s, dstFD: d}, nil
}

func (w *treeWriter) close() {
	_ = unix.Close(w.srcFD)
	_ = unix.Close(w.dstFD)
}

func (w *treeWriter) mkdir(path string) error {
	if err := unix.Mkdirat(w.dstFD, path, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make folder %s: %w", path, err)
	}
	return nil
}

func (w *treeWriter) link(path string) error {
	if err := unix.Linkat(w.srcFD, path, w.dstFD, path, 0); err != nil {
		return fmt.Errorf("link %s: %w", path, err)
	}
	return nil
}

// exchange swaps two folders in one step.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

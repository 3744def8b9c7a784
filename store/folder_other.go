//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package store

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// folder makes files below a folder, and cannot be led out of it.
type folder struct{ root *os.Root }

func openFolder(path string) (*folder, error) {
	r, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &folder{r}, nil
}

func (f *folder) close() { _ = f.root.Close() }

func (f *folder) mkdir(path string) error { return f.root.Mkdir(path, 0o755) }

// write makes a new file and returns the number of bytes written.
func (f *folder) write(path string, mode fs.FileMode, content io.Reader) (int64, error) {
	file, err := f.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(file, content)
	return n, errors.Join(err, file.Close())
}

// symlink makes a new symbolic link.
func (f *folder) symlink(target, path string) error {
	return f.root.Symlink(filepath.FromSlash(target), path)
}

// readlink returns where a symbolic link leads.
func (f *folder) readlink(path string) (string, error) {
	to, err := f.root.Readlink(path)
	return filepath.ToSlash(to), err
}

// stat returns a file's size, and whether it is a plain file.
func (f *folder) stat(path string) (size int64, regular bool, err error) {
	st, err := f.root.Lstat(path)
	if err != nil {
		return 0, false, err
	}
	return st.Size(), st.Mode().IsRegular(), nil
}

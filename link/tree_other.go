//go:build !linux

package link

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// treeWriter links and makes folders below two folders.
type treeWriter struct{ src, dst string }

func newTreeWriter(src, dst string) (*treeWriter, error) { return &treeWriter{src, dst}, nil }

func (w *treeWriter) close() {}

func (w *treeWriter) mkdir(path string) error {
	err := os.Mkdir(filepath.Join(w.dst, filepath.FromSlash(path)), 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (w *treeWriter) link(path string) error {
	path = filepath.FromSlash(path)
	return os.Link(filepath.Join(w.src, path), filepath.Join(w.dst, path))
}

// exchange is not to be had here: two renames do.
func exchange(string, string) error { return errors.ErrUnsupported }

//go:build !linux

package link

import (
	"errors"
	"os"
	"path/filepath"
)

// treeWriter links files from one tree into another.
type treeWriter struct{ src, dst, last string }

func newTreeWriter(src, dst string) (*treeWriter, error) { return &treeWriter{src: src, dst: dst}, nil }

func (w *treeWriter) close() {}

// enter makes a folder, and those above it, in the new tree.
func (w *treeWriter) enter(dir string) error {
	if dir == "" || dir == w.last {
		return nil
	}
	w.last = dir
	return os.MkdirAll(filepath.Join(w.dst, filepath.FromSlash(dir)), 0o755)
}

func (w *treeWriter) link(path string) error {
	path = filepath.FromSlash(path)
	return os.Link(filepath.Join(w.src, path), filepath.Join(w.dst, path))
}

// exchange is not to be had here: two renames do.
func exchange(string, string) error { return errors.ErrUnsupported }

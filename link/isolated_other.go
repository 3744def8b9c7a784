//go:build !linux

package link

import (
	"os"
	"path/filepath"
)

// linkWriter makes symbolic links below a folder.
type linkWriter struct{ dir string }

func openLinks(dir string) (*linkWriter, error) { return &linkWriter{dir}, nil }

func (w *linkWriter) close() {}

// link makes a link where nothing is, and the folders above it.
func (w *linkWriter) link(l placedLink) error {
	at := filepath.Join(w.dir, filepath.FromSlash(l.path))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.Symlink(filepath.FromSlash(l.text), at)
}

// mkdir makes a folder, and those above it, unless it is there.
func (w *linkWriter) mkdir(dir string) error {
	return os.MkdirAll(filepath.Join(w.dir, filepath.FromSlash(dir)), 0o755)
}

// fileLooker looks for files below a folder.
type fileLooker struct{ dir string }

func openFiles(dir string) (*fileLooker, error) { return &fileLooker{dir}, nil }

func (l *fileLooker) close() {}

// has says whether there is a plain file at a path.
func (l *fileLooker) has(path string) bool {
	st, err := os.Lstat(filepath.Join(l.dir, filepath.FromSlash(path)))
	return err == nil && st.Mode().IsRegular()
}

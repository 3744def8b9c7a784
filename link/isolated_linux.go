package link

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// linkWriter makes symbolic links relative to an open folder, so that the kernel does not walk the long
// way to each again.
type linkWriter struct {
	dir  string
	fd   int
	made []string // folders; few
}

func openLinks(dir string) (*linkWriter, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &linkWriter{dir: dir, fd: fd}, nil
}

func (w *linkWriter) close() { _ = unix.Close(w.fd) }

// link makes a link where nothing is, and the folders above it.
func (w *linkWriter) link(l placedLink) error {
	if err := w.mkdir(path.Dir(l.path)); err != nil {
		return err
	}
	if err := unix.Symlinkat(l.text, w.fd, l.path); err != nil {
		return &os.LinkError{Op: "symlink", Old: l.text, New: filepath.Join(w.dir, l.path), Err: err}
	}
	return nil
}

// mkdir makes a folder, and those above it, unless it is there.
func (w *linkWriter) mkdir(dir string) error {
	if dir == "." || slices.Contains(w.made, dir) {
		return nil
	}
	err := unix.Mkdirat(w.fd, dir, 0o755)
	if errors.Is(err, unix.ENOENT) {
		if err := w.mkdir(path.Dir(dir)); err != nil {
			return err
		}
		err = unix.Mkdirat(w.fd, dir, 0o755)
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return &os.PathError{Op: "mkdir", Path: filepath.Join(w.dir, dir), Err: err}
	}
	w.made = append(w.made, dir)
	return nil
}

// fileLooker looks for files relative to an open folder.
type fileLooker struct{ fd int }

func openFiles(dir string) (*fileLooker, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	return &fileLooker{fd}, nil
}

func (l *fileLooker) close() { _ = unix.Close(l.fd) }

// has says whether there is a plain file at a path.
func (l *fileLooker) has(path string) bool {
	var st unix.Stat_t
	return unix.Fstatat(l.fd, path, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFREG
}

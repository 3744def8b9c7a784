//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// folder makes files relative to an open folder: the kernel does not walk the way to the store for
// each of them. Measured over os.Root it saves half the time of a small file on tmpfs, a third on
// ext4. No link can lead out of it, since the folder was made new: what links it holds were made here,
// and a Writer writes only into folders that it made itself.
type folder struct{ fd int }

func openFolder(path string) (*folder, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &folder{fd}, nil
}

func (f *folder) close() { _ = unix.Close(f.fd) }

func (f *folder) mkdir(path string) error {
	if err := retry(func() error { return unix.Mkdirat(f.fd, path, 0o755) }); err != nil {
		return &os.PathError{Op: "mkdir", Path: path, Err: err}
	}
	return nil
}

// write makes a new file and returns the number of bytes written.
func (f *folder) write(path string, mode fs.FileMode, content io.Reader) (int64, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(f.fd, path, flags, uint32(mode.Perm()))
		return err
	})
	if err != nil {
		return 0, &os.PathError{Op: "create", Path: path, Err: err}
	}
	n, err := io.Copy(rawFile{fd, path}, content)
	if closeErr := unix.Close(fd); closeErr != nil && err == nil {
		err = &os.PathError{Op: "close", Path: path, Err: closeErr}
	}
	return n, err
}

// symlink makes a new symbolic link.
func (f *folder) symlink(target, path string) error {
	if err := retry(func() error { return unix.Symlinkat(target, f.fd, path) }); err != nil {
		return &os.LinkError{Op: "symlink", Old: target, New: path, Err: err}
	}
	return nil
}

// readlink returns where a symbolic link leads.
func (f *folder) readlink(path string) (string, error) {
	var buf [4096]byte // no system has longer ones
	var n int
	err := retry(func() (err error) {
		n, err = unix.Readlinkat(f.fd, path, buf[:])
		return err
	})
	if err != nil {
		return "", &os.PathError{Op: "readlink", Path: path, Err: err}
	}
	return string(buf[:n]), nil
}

// stat returns a file's size, and whether it is a plain file.
func (f *folder) stat(path string) (size int64, regular bool, err error) {
	var st unix.Stat_t
	err = retry(func() error { return unix.Fstatat(f.fd, path, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return 0, false, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Size, st.Mode&unix.S_IFMT == unix.S_IFREG, nil
}

// rawFile writes to a descriptor without the runtime's poller, which has no use for plain files.
type rawFile struct {
	fd   int
	path string
}

func (r rawFile) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := unix.Write(r.fd, p[written:])
		if n > 0 {
			written += n
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return written, &os.PathError{Op: "write", Path: r.path, Err: err}
		}
	}
	return written, nil
}

// retry does it again when a signal interrupted it.
func retry(do func() error) error {
	for {
		if err := do(); err != unix.EINTR {
			return err
		}
	}
}

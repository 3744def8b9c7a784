//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// folder makes files relative to an open folder: the kernel does not walk the way to the store for
// each of them. Measured over os.Root it saves half the time of a small file on tmpfs, a third on
// ext4. No link can lead out of it, since the folder was made new: what links it holds were made here,
// and a Writer writes only into folders that it made itself.
type folder struct {
	fd   int
	path string // for messages
}

// openFolder opens a folder, not through a link in the last part of its path.
func openFolder(path string) (*folder, error) { return openat(unix.AT_FDCWD, path, path) }

// sub opens a folder below.
func (f *folder) sub(name string) (*folder, error) {
	return openat(f.fd, name, path.Join(f.path, name))
}

func openat(at int, name, full string) (*folder, error) {
	var fd int
	err := retry(func() (err error) {
		fd, err = unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: full, Err: err}
	}
	return &folder{fd, full}, nil
}

func (f *folder) close() { _ = unix.Close(f.fd) }

func (f *folder) mkdir(path string) error {
	return f.do("mkdir", path, func() error { return unix.Mkdirat(f.fd, path, 0o755) })
}

// do names what failed.
func (f *folder) do(op, path string, call func() error) error {
	if err := retry(call); err != nil {
		return &os.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// write makes a new file and returns the number of bytes written, and their CRC-32C.
func (f *folder) write(path string, mode fs.FileMode, content io.Reader) (n int64, sum uint32, err error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := create(f.fd, path, flags, mode)
	if err != nil {
		return 0, 0, &os.PathError{Op: "create", Path: path, Err: err}
	}
	file := &rawFile{fd: fd, path: path}
	if from, ok := content.(io.WriterTo); ok {
		n, err = from.WriteTo(file)
	} else {
		n, err = io.Copy(file, content)
	}
	if closeErr := closeFile(fd); closeErr != nil && err == nil {
		err = &os.PathError{Op: "close", Path: path, Err: closeErr}
	}
	return n, file.sum, err
}

// symlink makes a new symbolic link.
func (f *folder) symlink(target, path string) error {
	if err := retry(func() error { return unix.Symlinkat(target, f.fd, path) }); err != nil {
		return &os.LinkError{Op: "symlink", Old: target, New: path, Err: err}
	}
	return nil
}

// link makes path another name of a file in from.
func (f *folder) link(from *folder, path string) error {
	return f.do("link", path, func() error { return unix.Linkat(from.fd, path, f.fd, path, 0) })
}

// chmod changes the mode of a file.
func (f *folder) chmod(path string, mode fs.FileMode) error {
	return f.do("chmod", path, func() error { return unix.Fchmodat(f.fd, path, uint32(mode.Perm()), 0) })
}

// remove removes a file or link.
func (f *folder) remove(path string) error {
	return f.do("remove", path, func() error { return unix.Unlinkat(f.fd, path, 0) })
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

// fileID tells whether two names are of one file.
type fileID struct{ dev, ino uint64 }

// stat returns a file's size and identity, and whether it is a plain file.
func (f *folder) stat(path string) (size int64, id fileID, regular bool, err error) {
	var st unix.Stat_t
	err = retry(func() error { return unix.Fstatat(f.fd, path, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return 0, id, false, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return st.Size, fileID{uint64(st.Dev), uint64(st.Ino)}, st.Mode&unix.S_IFMT == unix.S_IFREG, nil
}

// list returns what is in a folder below; "." is the folder itself.
func (f *folder) list(name string) ([]fs.DirEntry, error) {
	sub, err := f.sub(name)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(sub.fd), sub.path)
	defer dir.Close()
	return dir.ReadDir(-1)
}

// sum reads a plain file into buf, piece by piece, and returns its size and CRC-32C; one that has not the
// size it should have is not read.
func (f *folder) sum(path string, want int64, buf []byte) (size int64, sum uint32, err error) {
	var fd int
	err = retry(func() (err error) {
		fd, err = unix.Openat(f.fd, path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return 0, 0, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := f.do("stat", path, func() error { return unix.Fstat(fd, &st) }); err != nil {
		return 0, 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, 0, fmt.Errorf("%s is not a file", path)
	}
	if st.Size != want {
		return st.Size, 0, nil
	}
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return size, sum, &os.PathError{Op: "read", Path: path, Err: err}
		case n == 0 || size > want: // it grows
			return size, sum, nil
		default:
			size += int64(n)
			sum = crc32.Update(sum, castagnoli, buf[:n])
		}
	}
}

// readWhole reads a plain file, of which it wants at most so many bytes, and when it was changed. It
// makes four system calls, half of what os.ReadFile does. What is no plain file has no bytes.
func readWhole(path string, most int64) (data []byte, changed time.Time, err error) {
	var fd int
	err = retry(func() (err error) {
		fd, err = unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, changed, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := retry(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return nil, changed, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > most {
		return nil, changed, nil
	}
	data = make([]byte, st.Size)
	n := 0
	for n < len(data) {
		m, err := unix.Read(fd, data[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, changed, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if m == 0 {
			break
		}
		n += m
	}
	return data[:n], time.Unix(st.Mtim.Unix()), nil
}

// readLink returns where a symbolic link leads, and when it was made.
func readLink(path string) (to string, made time.Time, err error) {
	var buf [256]byte // those that the store asks about are shorter
	n, err := unix.Readlink(path, buf[:])
	if err != nil {
		return "", made, &os.PathError{Op: "readlink", Path: path, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "", made, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return string(buf[:n]), time.Unix(st.Mtim.Unix()), nil
}

// rename puts one thing in the place of another. os.Rename looks first whether a folder is there.
func rename(from, to string) error {
	if err := retry(func() error { return unix.Rename(from, to) }); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// writeNew makes a new file: three system calls, half of what os.WriteFile makes.
func writeNew(path string, data []byte) error {
	at := folder{fd: unix.AT_FDCWD}
	_, _, err := at.write(path, 0o644, bytes.NewReader(data))
	return err
}

// touch sets when a file, or a link itself, was changed.
func touch(path string, t time.Time) error {
	ts, err := unix.TimeToTimespec(t)
	if err != nil {
		return err
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

// rawFile writes to a descriptor without the runtime's poller, which has no use for plain files, and
// sums up what it writes.
type rawFile struct {
	fd   int
	path string
	sum  uint32
}

func (r *rawFile) Write(p []byte) (written int, err error) {
	r.sum = crc32.Update(r.sum, castagnoli, p)
	for written < len(p) {
		n, err := writeFile(r.fd, p[written:])
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

//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package store

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// folder makes files below a folder, and cannot be led out of it.
type folder struct {
	root *os.Root
	path string
}

func openFolder(path string) (*folder, error) {
	r, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &folder{r, path}, nil
}

// sub opens a folder below.
func (f *folder) sub(name string) (*folder, error) {
	r, err := f.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &folder{r, filepath.Join(f.path, name)}, nil
}

func (f *folder) close() { _ = f.root.Close() }

func (f *folder) mkdir(path string) error { return f.root.Mkdir(path, 0o755) }

// write makes a new file and returns the number of bytes written, and their CRC-32C.
func (f *folder) write(path string, mode fs.FileMode, content io.Reader) (int64, uint32, error) {
	file, err := f.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return 0, 0, err
	}
	hash := crc32.New(castagnoli)
	n, err := io.Copy(io.MultiWriter(file, hash), content)
	return n, hash.Sum32(), errors.Join(err, file.Close())
}

// symlink makes a new symbolic link.
func (f *folder) symlink(target, path string) error {
	return f.root.Symlink(filepath.FromSlash(target), path)
}

// link makes path another name of a file in from.
func (f *folder) link(from *folder, path string) error {
	path = filepath.FromSlash(path)
	return os.Link(filepath.Join(from.path, path), filepath.Join(f.path, path))
}

// chmod changes the mode of a file.
func (f *folder) chmod(path string, mode fs.FileMode) error { return f.root.Chmod(path, mode) }

// remove removes a file or link.
func (f *folder) remove(path string) error { return f.root.Remove(path) }

// readlink returns where a symbolic link leads.
func (f *folder) readlink(path string) (string, error) {
	to, err := f.root.Readlink(path)
	return filepath.ToSlash(to), err
}

// fileID tells whether two names are of one file; here nothing does.
type fileID struct{ n uint64 }

// stat returns a file's size and identity, and whether it is a plain file.
func (f *folder) stat(path string) (size int64, id fileID, regular bool, err error) {
	st, err := f.root.Lstat(path)
	if err != nil {
		return 0, id, false, err
	}
	return st.Size(), id, st.Mode().IsRegular(), nil
}

// list returns what is in a folder below; "." is the folder itself.
func (f *folder) list(name string) ([]fs.DirEntry, error) {
	return os.ReadDir(filepath.Join(f.path, filepath.FromSlash(name)))
}

// sum reads a plain file into buf, piece by piece, and returns its size and CRC-32C; one that has not the
// size it should have is not read.
func (f *folder) sum(path string, want int64, buf []byte) (size int64, sum uint32, err error) {
	size, _, regular, err := f.stat(path)
	switch {
	case err != nil:
		return 0, 0, err
	case !regular:
		return 0, 0, fmt.Errorf("%s is not a file", path)
	case size != want:
		return size, 0, nil
	}
	file, err := f.root.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer file.Close()
	for size = 0; size <= want; {
		n, err := file.Read(buf)
		size += int64(n)
		sum = crc32.Update(sum, castagnoli, buf[:n])
		if errors.Is(err, io.EOF) {
			return size, sum, nil
		}
		if err != nil {
			return size, sum, err
		}
	}
	return size, sum, nil
}

// readWhole reads a plain file, of which it wants at most so many bytes, and when it was changed.
// What is no plain file has no bytes.
func readWhole(path string, most int64) (data []byte, changed time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, changed, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > most {
		return nil, changed, err
	}
	data = make([]byte, st.Size())
	n, err := io.ReadFull(f, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return data[:n], st.ModTime(), err
}

// readLink returns where a symbolic link leads, and when it was made.
func readLink(path string) (to string, made time.Time, err error) {
	to, err = os.Readlink(path)
	if err != nil {
		return "", made, err
	}
	st, err := os.Lstat(path)
	if err != nil {
		return "", made, err
	}
	return to, st.ModTime(), nil
}

// rename puts one thing in the place of another.
func rename(from, to string) error { return os.Rename(from, to) }

// writeNew makes a new file.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// touch sets when a file was changed.
func touch(path string, t time.Time) error { return os.Chtimes(path, t, t) }

//go:build unix

package packument

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// folderHandle is a folder that is opened once. Files are opened relative to it, which costs the
// system half of what a long path does.
type folderHandle struct{ now atomic.Pointer[openFolder] }

type openFolder struct{ fd int }

// open returns the open folder. One that is not there may be the next time.
func (h *folderHandle) open(dir string) (*openFolder, error) {
	if o := h.now.Load(); o != nil {
		return o, nil
	}
	fd, err := retried(func() (int, error) { return unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	o := &openFolder{fd}
	runtime.AddCleanup(o, func(fd int) { _ = unix.Close(fd) }, fd)
	h.now.Store(o)
	return o, nil
}

// forget has the folder opened anew, since there may be another one in its place.
func (h *folderHandle) forget() { h.now.Store(nil) }

// load reads a file of the shelf. Package os would ask the system more than what is done here, and a
// project has a thousand of these files.
func (s *Shelf) load(file string) (*Packument, error) {
	dir, err := s.handle.open(s.dir)
	if err != nil {
		return nil, err
	}
	fd, err := retried(func() (int, error) {
		return unix.Openat(dir.fd, file, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	})
	runtime.KeepAlive(dir)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: file, Err: err}
	}
	room := s.folder.rooms.Get().(*[firstRead]byte)
	p, kept, err := s.folder.loadOpen(fd, room)
	s.folder.rooms.Put(room)
	if !kept {
		_ = unix.Close(fd)
	}
	return p, err
}

// loadOpen reads an open file, and says whether what it returns keeps it open.
func (f *Folder) loadOpen(fd int, room *[firstRead]byte) (p *Packument, kept bool, err error) {
	n, err := retried(func() (int, error) { return unix.Pread(fd, room[:], 0) })
	if err != nil {
		return nil, false, err
	}
	start := room[:n]
	if n < headerSize || string(start[:len(magic)]) != magic {
		return nil, false, errDamaged
	}
	length := int64(binary.LittleEndian.Uint32(start[atLength:]))
	if length < int64(n) || length > maxFile {
		return nil, false, errDamaged
	}
	if length == int64(n) && n <= mostInMemory {
		p, err = Parse(append([]byte(nil), start...))
		return p, false, err
	}
	// The header's word alone is not enough to reserve memory.
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Size != length {
		return nil, false, errors.Join(errDamaged, err)
	}
	if f.openFiles.Add(1) > maxOpenFiles {
		f.openFiles.Add(-1)
		data, err := readAll(fd, length)
		if err == nil {
			p, err = Parse(data)
		}
		return p, false, err
	}
	if p, err = f.loadFront(fd, room, n, length); err != nil {
		f.openFiles.Add(-1)
	}
	return p, err == nil, err
}

// loadFront reads the front of a file, and the rest for its checksum only: it stays open. What is in
// an open file stays as it is, since files are replaced and never changed.
func (f *Folder) loadFront(fd int, room *[firstRead]byte, n int, length int64) (*Packument, error) {
	size, err := frontSize(room[:n])
	if err != nil {
		return nil, err
	}
	want := u32(room[:n], atSum)
	front := make([]byte, 0, size)
	var sum uint32
	for at, skip := int64(0), atCounts; ; skip = 0 {
		sum = crc32.Update(sum, castagnoli(), room[skip:n])
		front = append(front, room[:min(n, size-len(front))]...)
		if at += int64(n); at == length {
			break
		}
		n, err = retried(func() (int, error) { return unix.Pread(fd, room[:], at) })
		if err == nil && (n == 0 || at+int64(n) > length) {
			err = errDamaged
		}
		if err != nil {
			return nil, err
		}
	}
	if sum != want {
		return nil, errDamaged
	}
	b := &fileBody{fd: fd, start: int64(size)}
	p, err := open(front, b)
	if err == nil {
		runtime.AddCleanup(b, f.release, fd)
	}
	return p, err
}

// release closes a file.
func (f *Folder) release(fd int) {
	f.openFiles.Add(-1)
	_ = unix.Close(fd)
}

// fileBody is a body in an open file.
type fileBody struct {
	fd    int
	start int64
}

func (b *fileBody) read(s span) ([]byte, error) {
	if s.length > maxText {
		return nil, errDamaged
	}
	text := make([]byte, s.length)
	n, err := retried(func() (int, error) { return unix.Pread(b.fd, text, b.start+int64(s.offset)) })
	runtime.KeepAlive(b)
	return text[:max(n, 0)], err
}

func readAll(fd int, length int64) ([]byte, error) {
	data := make([]byte, length)
	for at := int64(0); at < length; {
		n, err := retried(func() (int, error) { return unix.Pread(fd, data[at:], at) })
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		at += int64(n)
	}
	return data, nil
}

// retried does a call again that a signal broke off.
func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

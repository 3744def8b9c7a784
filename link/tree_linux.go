package link

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// treeWriter links files from one tree into another, folder by folder: both folders are open, so
// that the kernel looks up nothing but the file's name. (Over paths from the root of the package it
// takes a fifth longer.)
type treeWriter struct {
	src, dst string
	name     []byte       // with a final zero, for the kernel
	open     []folderPair // the current folder, and those above it
}

// folderPair is a folder of both trees. O_PATH is enough for all that is done with it.
type folderPair struct {
	path     string // from the roots; "" is them
	src, dst int
}

const openFolder = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

func newTreeWriter(src, dst string) (*treeWriter, error) {
	w := &treeWriter{src: src, dst: dst, open: make([]folderPair, 0, 8)}
	return w, w.push(unix.AT_FDCWD, src, unix.AT_FDCWD, dst, "")
}

func (w *treeWriter) push(srcIn int, src string, dstIn int, dst, path string) error {
	s, err := unix.Openat(srcIn, src, openFolder, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Join(w.src, path), Err: err}
	}
	d, err := unix.Openat(dstIn, dst, openFolder, 0)
	if err != nil {
		_ = unix.Close(s)
		return &os.PathError{Op: "open", Path: filepath.Join(w.dst, path), Err: err}
	}
	w.open = append(w.open, folderPair{path, s, d})
	return nil
}

func (w *treeWriter) close() {
	for len(w.open) > 0 {
		w.pop()
	}
}

func (w *treeWriter) pop() {
	last := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	_ = unix.Close(last.src)
	_ = unix.Close(last.dst)
}

// enter makes dir the current folder, and makes it and those above it in the new tree. Files come in
// the order of their paths, so no folder is left and entered again.
func (w *treeWriter) enter(dir string) error {
	for !within(dir, w.open[len(w.open)-1].path) {
		w.pop()
	}
	for {
		in := w.open[len(w.open)-1]
		if in.path == dir {
			return nil
		}
		rest := strings.TrimPrefix(dir[len(in.path):], "/")
		name, _, _ := strings.Cut(rest, "/")
		path := dir[:len(dir)-len(rest)+len(name)]
		if err := unix.Mkdirat(in.dst, name, 0o755); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("make folder %s: %w", path, err)
		}
		if err := w.push(in.src, name, in.dst, name, path); err != nil {
			return err
		}
	}
}

// within says that path is root or below it.
func within(path, root string) bool {
	return root == "" || strings.HasPrefix(path, root) && (len(path) == len(root) || path[len(root)] == '/')
}

// link links a file of the current folder.
func (w *treeWriter) link(path string) error {
	in, name := w.open[len(w.open)-1], path[strings.LastIndexByte(path, '/')+1:]
	w.name = append(append(w.name[:0], name...), 0)
	at := uintptr(unsafe.Pointer(&w.name[0]))
	_, _, errno := unix.RawSyscall6(unix.SYS_LINKAT, uintptr(in.src), at, uintptr(in.dst), at, 0, 0)
	runtime.KeepAlive(w)
	if errno != 0 {
		return fmt.Errorf("link %s: %w", path, errno)
	}
	return nil
}

// exchange swaps two folders in one step.
func exchange(a, b string) error {
	return unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
}

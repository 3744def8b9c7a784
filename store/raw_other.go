//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package store

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// create makes a new file in the folder dir.
func create(dir int, path string, flags int, mode fs.FileMode) (fd int, err error) {
	err = retry(func() (err error) {
		fd, err = unix.Openat(dir, path, flags, uint32(mode.Perm()))
		return err
	})
	return fd, err
}

// writeFile writes some of p, or all.
func writeFile(fd int, p []byte) (int, error) { return unix.Write(fd, p) }

func closeFile(fd int) error { return unix.Close(fd) }

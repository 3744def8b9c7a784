package github

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/pantry-go/pantry"
)

// thisMachine is the platform that this program runs on.
func thisMachine() pantry.Platform {
	p := pantry.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	if p.OS == "linux" {
		p.Libc = libcIn(os.DirFS("/"))
	}
	return p
}

// libcIn tells the C library of a Linux system by the loader that its shell names, since both can
// be installed; without a shell, by the loaders that are there. "" means that neither is.
func libcIn(root fs.FS) string {
	if l := loaderOf(root, "bin/sh"); l != "" {
		return l
	}
	for _, l := range [][2]string{
		{glibc, "lib*/ld-linux*.so.*"}, {glibc, "lib/*-linux-gnu*/ld-linux*.so.*"}, {musl, "lib/ld-musl-*.so.*"},
	} {
		if found, _ := fs.Glob(root, l[1]); len(found) > 0 {
			return l[0]
		}
	}
	return ""
}

// loaderOf finds the path of the loader in the first page of an ELF file, where linkers put it.
func loaderOf(root fs.FS, name string) string {
	f, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	const page = 4096
	head, err := io.ReadAll(io.LimitReader(f, page))
	if err != nil || !bytes.HasPrefix(head, []byte("\x7fELF")) {
		return ""
	}
	switch {
	case bytes.Contains(head, []byte("/ld-musl-")):
		return musl
	case bytes.Contains(head, []byte("/ld-linux")), bytes.Contains(head, []byte("/ld64.so")):
		return glibc
	}
	return ""
}

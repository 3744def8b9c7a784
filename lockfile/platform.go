package lockfile

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/pantry-go/pantry"
)

// Platform is where packages are to run, in Node's words.
type Platform struct {
	OS   string // process.platform: linux, darwin, win32
	CPU  string // process.arch: x64, arm64, ia32
	Libc string // glibc or musl; "" where it is not known or the system is not Linux
}

// Current is the platform of this machine. It looks at a few files and runs nothing.
func Current() Platform {
	p := Platform{OS: nodeOS(runtime.GOOS), CPU: nodeCPU(runtime.GOARCH)}
	if p.OS == "linux" {
		p.Libc = libcOf(os.DirFS("/"))
	}
	return p
}

// PlatformOf translates Go's words for a platform.
func PlatformOf(p pantry.Platform) Platform {
	return Platform{OS: nodeOS(p.OS), CPU: nodeCPU(p.Arch), Libc: p.Libc}
}

// nodeOS gives Node's name for GOOS (https://nodejs.org/api/process.html#processplatform).
func nodeOS(goos string) string {
	switch goos {
	case "windows":
		return "win32"
	case "solaris", "illumos":
		return "sunos"
	}
	return goos
}

// nodeCPU gives Node's name for GOARCH (https://nodejs.org/api/process.html#processarch).
func nodeCPU(goarch string) string {
	switch goarch {
	case "amd64":
		return "x64"
	case "386":
		return "ia32"
	case "ppc64le":
		return "ppc64"
	case "mipsle":
		return "mipsel"
	}
	return goarch
}

// libcOf tells the C library of a Linux system. A machine may hold the loaders of both, so the
// loader that the shell asks for decides; without a shell, glibc goes first, since a musl beside
// it is there for development.
func libcOf(root fs.FS) string {
	for _, name := range []string{"bin/sh", "usr/bin/env"} {
		if libc := loaderOf(root, name); libc != "" {
			return libc
		}
	}
	for _, l := range []struct{ libc, pattern string }{
		{"glibc", "lib*/ld-linux*.so.*"},
		{"glibc", "lib*/ld64.so.*"},
		{"glibc", "lib*/*-linux-gnu*/ld-linux*.so.*"},
		{"musl", "lib/ld-musl-*"},
	} {
		if found, _ := fs.Glob(root, l.pattern); len(found) > 0 {
			return l.libc
		}
	}
	return ""
}

// loaderOf looks for the loader's path in the first page of a program, where linkers put it. ""
// means that there is no such file, or that it is linked statically.
func loaderOf(root fs.FS, name string) string {
	f, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return ""
	}
	head = head[:n]
	switch {
	case !bytes.HasPrefix(head, []byte("\x7fELF")):
		return ""
	case bytes.Contains(head, []byte("/ld-musl-")):
		return "musl"
	case bytes.Contains(head, []byte("/ld-linux")), bytes.Contains(head, []byte("/ld64.so")):
		return "glibc"
	}
	return ""
}

// Supports says whether the package may be installed on pl, by npm's rules: of os, cpu and libc
// each list that is there must hold the platform's word or, when it only excludes ("!win32"), not
// exclude it; the list "any" excludes nothing. A package that asks for a libc fits no platform
// whose libc is not known.
func (p *Package) Supports(pl Platform) bool {
	if !fits(pl.OS, p.OS) || !fits(pl.CPU, p.CPU) {
		return false
	}
	return len(p.Libc) == 0 || pl.Libc != "" && fits(pl.Libc, p.Libc)
}

func fits(word string, list []string) bool {
	if len(list) == 0 || len(list) == 1 && list[0] == "any" {
		return true
	}
	listed, excluded := false, 0
	for _, entry := range list {
		if not, ok := strings.CutPrefix(entry, "!"); ok {
			if not == word {
				return false
			}
			excluded++
		} else if entry == word {
			listed = true
		}
	}
	return listed || excluded == len(list)
}

// Package tree judges what a package manager has made: whether every package that the project needs can be
// loaded by Node's rules, in a version that was asked for, with all the files of its tarball.
//
// It shares no code with the installer that is measured: the standard library reads the tarballs, and the
// dependencies are those the registry says.
package tree

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
)

// Files is what a tarball holds: paths below the package's folder, with slashes.
type Files map[string]File

// File is one file of a tarball.
type File struct {
	Size int64
	Sum  uint32 // CRC-32C of the content
	// DOS says that the file begins with "#!" and that this line ends with a carriage return. Package
	// managers take it away from programs, so that such a file may differ on disk.
	DOS bool `json:",omitempty"`
}

// maxUnpacked bounds what is read from one tarball; the largest packages have some 300 MB.
const maxUnpacked = 4 << 30

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// ReadTarball lists the files of a gzip-compressed npm tarball. Folders and links are left out, as every
// package manager does; of two files with one name the later one counts.
func ReadTarball(r io.Reader) (Files, error) {
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	files := Files{}
	t := tar.NewReader(io.LimitReader(z, maxUnpacked))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		_, name, ok := strings.Cut(path.Clean(h.Name), "/")
		if !ok || strings.HasPrefix(name, "../") {
			return nil, fmt.Errorf("%q is not in a folder", h.Name)
		}
		if files[name], err = readFile(t); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// readFile takes the facts of a file from its content.
func readFile(r io.Reader) (File, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(1024)
	if err != nil && !errors.Is(err, io.EOF) {
		return File{}, err
	}
	line, _, _ := bytes.Cut(head, []byte("\n"))
	f := File{DOS: bytes.HasPrefix(line, []byte("#!")) && bytes.HasSuffix(line, []byte("\r"))}
	sum := crc32.New(castagnoli())
	f.Size, err = io.Copy(sum, b)
	f.Sum = sum.Sum32()
	return f, err
}

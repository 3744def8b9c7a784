package archive

import (
	"archive/tar"
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
)

// PackFile is one file to pack.
type PackFile struct {
	// Path is relative to the package, slash-separated and clean.
	Path string
	// Content is the whole file.
	Content []byte
	// Executable makes the mode 0755; else it is 0644.
	Executable bool
}

// packTime is the time of every packed file, the one that npm uses: the bytes must not depend on
// when they were packed, and zip tools refuse times before 1980.
var packTime = time.Date(1985, time.October, 26, 8, 15, 0, 0, time.UTC)

// Pack writes files as npm packs them: a gzip'd tar with everything under "package/",
// package.json first and the rest in order of the paths, without times and owners. The same
// files give the same bytes. A path that [UnpackNPM] would refuse, or the same path twice, is an
// error that matches [ErrRefused], and nothing is written then.
func Pack(w io.Writer, files []PackFile) error {
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b PackFile) int {
		if am, bm := a.Path == "package.json", b.Path == "package.json"; am != bm {
			if am {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Path, b.Path)
	})
	if err := checkPack(sorted); err != nil {
		return err
	}
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, f := range sorted {
		if err := packOne(t, f); err != nil {
			return fmt.Errorf("pack %s: %w", quote(f.Path), err)
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func packOne(t *tar.Writer, f PackFile) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "package/" + f.Path, Mode: 0o644,
		Size: int64(len(f.Content)), ModTime: packTime}
	if f.Executable {
		h.Mode = 0o755
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(f.Content)
	return err
}

func checkPack(files []PackFile) error {
	t := walker{lim: Limits{}.withDefaults()}
	t.names.init()
	defer t.names.free()
	for _, f := range files {
		name := []byte("package/" + f.Path)
		path, err := t.clean(name)
		if err != nil {
			return err
		}
		if path == "" || path != f.Path {
			return refused(f.Path, "its path is not clean")
		}
		_, again, err := t.names.file(path, name, 0, 0)
		if err != nil {
			return err
		}
		if again {
			return refused(f.Path, "another file of the same path")
		}
	}
	return nil
}

package bundle

import (
	"archive/zip"
	"context"
	"crypto/sha512"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry/directory"
)

// packed is a file that goes into the archive.
type packed struct {
	File
	crc  uint32
	disk string // where it is; "" for data
	data []byte
}

// write writes the archive.
func write(ctx context.Context, o Options, x *Index, w io.Writer) (*Result, error) {
	files, err := collect(ctx, o, x)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		x.Files = append(x.Files, f.File)
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	data, err := x.encode()
	if err != nil {
		return nil, err
	}
	index := packed{File: File{Path: indexName, Size: int64(len(data))}, crc: crc32.ChecksumIEEE(data), data: data}
	h := sha512.New()
	n := &counter{}
	z := zip.NewWriter(io.MultiWriter(w, h, n))
	for _, f := range append([]packed{index}, files...) {
		if err := f.writeTo(z); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	digest, err := integrity.New(integrity.SHA512, h.Sum(nil))
	return &Result{Files: len(files) + 1, Size: n.bytes, Digest: digest, SRI: digest.String()}, err
}

type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

// collect lists and hashes what goes into the archive, by path.
func collect(ctx context.Context, o Options, x *Index) ([]packed, error) {
	files := []packed{{
		File: File{Path: lockfile.Name, Size: int64(len(o.Lock)), Integrity: integrity.Set{integrity.Sum(integrity.SHA512, o.Lock)}},
		crc:  crc32.ChecksumIEEE(o.Lock), data: o.Lock,
	}}
	for _, r := range x.Registries {
		root := filepath.Join(o.Work, registriesDir, r.Name)
		reader, err := directory.Read(r.Name, os.DirFS(root))
		if err != nil {
			return nil, err
		}
		paths, err := reader.Paths(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			f, err := packFile(filepath.Join(root, filepath.FromSlash(p)), path.Join(registriesDir, r.Name, p))
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

func packFile(disk, name string) (packed, error) {
	f, err := os.Open(disk)
	if err != nil {
		return packed{}, err
	}
	defer f.Close()
	h, sum := sha512.New(), crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(h, sum), f)
	if err != nil {
		return packed{}, err
	}
	d, err := integrity.New(integrity.SHA512, h.Sum(nil))
	return packed{File: File{Path: name, Size: n, Integrity: integrity.Set{d}}, crc: sum.Sum32(), disk: disk}, err
}

// The date and time of every entry, as zip writes them: that which npm gives files it packs,
// 1985-10-26 08:15.
const (
	zipDate = (1985-1980)<<9 | 10<<5 | 26
	zipTime = 8<<11 | 15<<5
)

func (f packed) writeTo(z *zip.Writer) error {
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: f.Path, Method: zip.Store, CRC32: f.crc,
		//lint:ignore SA1019 CreateRaw does not look at Modified
		ModifiedDate: zipDate, ModifiedTime: zipTime,
		CompressedSize64: uint64(f.Size), UncompressedSize64: uint64(f.Size),
	})
	if err != nil {
		return err
	}
	if f.disk == "" {
		_, err = w.Write(f.data)
		return err
	}
	in, err := os.Open(f.disk)
	if err != nil {
		return err
	}
	defer in.Close()
	n, err := io.Copy(w, in)
	if err == nil && n != f.Size {
		err = fmt.Errorf("%s changed while it was packed: %w", f.Path, fs.ErrInvalid)
	}
	return err
}

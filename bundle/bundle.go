// Package bundle holds what a lockfile pins, of all registries, in one file: for places without a
// network. A bundle is a zip archive whose entries are stored as they are:
//
//	bundle.json                      the index: every other file with its size and SHA-512
//	pantry.lock                      what the bundle is of
//	registries/NAME/…                a directory of packages (package registry/directory) for each
//	                                 registry of the lockfile, with all that vouches for them
//
// The same lockfile, registries and platforms give the same bytes, so that the digest of the file
// tells whether two bundles are the same. [Open] reads the index only; [Bundle.Verify] reads all.
//
// A tar archive was not taken: in a zip any package is found without reading those before it, so
// that a bundle can be served, and installed from, as it is.
package bundle

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry/directory"
)

// The names inside a bundle.
const (
	indexName     = "bundle.json"
	registriesDir = "registries"
)

// Bundle is an open bundle. It is safe for concurrent use.
type Bundle struct {
	Index Index
	Lock  *lockfile.Lock

	path    string
	zip     *zip.ReadCloser
	readers map[string]*directory.Reader
}

// Open opens the bundle in a file. It reads the index and the lockfile, and holds the archive to
// having exactly the files that the index names, and nothing between or behind them. Errors match
// [pantry.ErrIntegrity], or are those of reading the file.
func Open(path string) (b *Bundle, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		if errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) {
			err = fmt.Errorf("%w: %s is not a bundle: %w", pantry.ErrIntegrity, path, err)
		}
		return nil, err
	}
	b = &Bundle{path: path, zip: z, readers: map[string]*directory.Reader{}}
	defer func() {
		if err != nil {
			_ = z.Close()
		}
	}()
	if err := b.open(); err != nil {
		return nil, b.wrong(err)
	}
	return b, nil
}

func (b *Bundle) open() error {
	st, err := os.Stat(b.path)
	if err != nil {
		return err
	}
	if err := checkArchive(&b.zip.Reader, st.Size()); err != nil {
		return err
	}
	data, err := b.read(indexName, maxIndex)
	if err != nil {
		return err
	}
	index, err := ParseIndex(data)
	if err != nil {
		return err
	}
	b.Index = *index
	if err := index.matches(b.zip.File); err != nil {
		return err
	}
	text, err := b.read(lockfile.Name, lockfile.MaxSize)
	if err != nil {
		return err
	}
	if b.Lock, err = lockfile.Parse(lockfile.Name, text); err != nil {
		return err
	}
	for _, r := range index.Registries {
		sub, err := fs.Sub(b.zip, registriesDir+"/"+r.Name)
		if err != nil {
			return err
		}
		if b.readers[r.Name], err = directory.Read(r.Name, sub); err != nil {
			return err
		}
	}
	return nil
}

// Close closes the file.
func (b *Bundle) Close() error { return b.zip.Close() }

// Registry is what the bundle has of one registry of the lockfile.
func (b *Bundle) Registry(name string) (*directory.Reader, bool) {
	r, ok := b.readers[name]
	return r, ok
}

// LockText is the lockfile as it is in the bundle.
func (b *Bundle) LockText() ([]byte, error) { return b.read(lockfile.Name, lockfile.MaxSize) }

// read returns a file of at most limit bytes.
func (b *Bundle) read(name string, limit int64) ([]byte, error) {
	f, err := b.zip.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", name, limit)
	}
	return data, err
}

// Sizes of the parts of a zip archive that are not content (APPNOTE.TXT of PKWARE, 4.3).
const (
	zipLocalHeader   = 30
	zipCentralHeader = 46
	zipEnd           = 22
	zip64End         = 56 + 20 // with its locator
)

// checkArchive refuses what a bundle's archive never is: compressed, encrypted or unknown entries,
// and bytes that belong to none.
func checkArchive(z *zip.Reader, size int64) error {
	files := slices.Clone(z.File)
	offsets := make(map[*zip.File]int64, len(files))
	for _, f := range files {
		off, err := f.DataOffset()
		if err != nil {
			return err
		}
		offsets[f] = off
		if f.Method != zip.Store || f.Flags != 0 || f.CompressedSize64 != f.UncompressedSize64 || !fs.ValidPath(f.Name) || f.Comment != "" {
			return fmt.Errorf("%q is not stored as a bundle stores files", f.Name)
		}
	}
	slices.SortFunc(files, func(a, b *zip.File) int { return int(min(1, max(-1, offsets[a]-offsets[b]))) })
	var end int64
	directory := int64(zipEnd + len(z.Comment))
	for _, f := range files {
		if offsets[f] != end+zipLocalHeader+int64(len(f.Name)) {
			return fmt.Errorf("there is something hidden before %q", f.Name)
		}
		end = offsets[f] + int64(f.UncompressedSize64)
		directory += zipCentralHeader + int64(len(f.Name)+len(f.Extra))
	}
	if rest := size - end; z.Comment != "" || rest != directory && rest != directory+zip64End {
		return errors.New("there is something hidden behind the files")
	}
	return nil
}

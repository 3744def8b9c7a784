// Package store keeps unpacked artifacts once per machine, by what their bytes hash to.
//
// An entry is one folder for one artifact, named after the artifact's SHA-512; or one of several, if
// the artifact can be unpacked in several ways (see [Writer.SetVariant]). It is built under a
// temporary name and renamed once, whole: an entry is complete, or it is not there. Any number of
// processes may use one store at a time.
//
//	DIR/v1/ab/cdef…/index      what is in the entry, written last
//	DIR/v1/ab/cdef…/package/   its files
//	DIR/v1/ab/cdef…-0123…/     a variant: the same artifact, unpacked in another way
//	DIR/v1/alias/sha1-0123…    the SHA-512 of an artifact that is known by a weaker digest
//	DIR/v1/tmp/PID-RANDOM/     where one process builds, while it holds PID-RANDOM.lock
//
// The index stands beside the files, never among them, and has a checksum of its own. An entry
// whose index is missing or damaged counts as absent, and the next Commit replaces it. What a
// killed process leaves in tmp is removed by the next process that writes.
//
// Files are not synced to the disk one by one, which would cost more than everything else. After a
// loss of power the files of an entry that was written in the last half minute may therefore be
// cut short. So [Store.Get] checks the sizes of the files of an entry once after the machine was
// started, where the system tells when that was; [Store.Verify] does it at any time.
//
// A store with one blob for each distinct file was not taken: it hashes and names every file,
// costs as many lookups at every install, and saves little between versions.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
)

var (
	// ErrMissing: the store does not have the entry.
	ErrMissing = errors.New("not in the store")
	// ErrDamaged: an entry is there, but not as it was written. What Get returns for such an
	// entry matches ErrMissing too.
	ErrDamaged = errors.New("store entry is damaged")
)

// Store is a folder of entries. It is safe for concurrent use, by other processes too.
type Store struct {
	dir  string // with the version of the layout
	boot time.Time

	mu   sync.Mutex
	work *workspace // made when first needed
}

const (
	// layoutVersion is part of the path: another layout would live beside this one.
	layoutVersion = "v1"

	indexName   = "index"
	packageName = "package"
	aliasName   = "alias"
	tmpName     = "tmp"
	variantMark = "-" // between the digest and the variant of a folder's name
)

// Open returns the store in dir, which need not exist: nothing is made before the first entry is.
func Open(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open the store: no folder is given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s := &Store{dir: filepath.Join(dir, layoutVersion), boot: bootTime()}
	switch st, err := os.Stat(dir); {
	case err == nil && !st.IsDir():
		return nil, s.fail("open", fmt.Errorf("%s is a file, not a folder", dir))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, s.fail("open", err)
	}
	return s, nil
}

// Dir is the folder the store was opened with.
func (s *Store) Dir() string { return filepath.Dir(s.dir) }

// Entry is one unpacked artifact. Its files must not be changed: projects have links to them.
type Entry struct {
	// Digest is the SHA-512 of the artifact.
	Digest integrity.Digest
	// Variant says in which way it was unpacked; "" is the way of npm's tarballs.
	Variant string
	// Dir is the folder that holds the files.
	Dir string
	// Name and Version are what the package.json of the artifact says; "" when nobody told.
	Name, Version string
	// Files lists them in the order of their paths. The slice must not be changed.
	Files []File
}

// File is one file of an entry, or a symbolic link if Link is set. Path is relative to Entry.Dir. A
// link leads to something within Entry.Dir, as far as its text says; it need not be there.
type File = archive.Entry

// entryDir is where an entry is. A variant's folder has a part of the SHA-256 of its text: it may have
// any length and any characters, and 128 bits are enough for nobody to find a second text.
func (s *Store) entryDir(d integrity.Digest, variant string) string {
	h := d.Hex()
	dir := filepath.Join(s.dir, h[:2], h[2:])
	if variant != "" {
		dir += variantMark + integrity.Sum(integrity.SHA256, []byte(variant)).Hex()[:32]
	}
	return dir
}

func (s *Store) aliasPath(d integrity.Digest) string {
	return filepath.Join(s.dir, aliasName, d.Algorithm().String()+"-"+d.Hex())
}

// Get returns the entry of the artifact with digest d, which may be weaker than SHA-512 if it was
// given to Commit as an alias. It reads the index and nothing else, except for the first time
// after the machine was started. An entry that isn't there is [ErrMissing].
func (s *Store) Get(d integrity.Digest) (*Entry, error) { return s.GetVariant(d, "") }

// GetVariant is [Store.Get] of the entry that was unpacked in the way that variant says.
func (s *Store) GetVariant(d integrity.Digest, variant string) (*Entry, error) {
	if d.Algorithm() != integrity.SHA512 {
		strong, err := s.resolve(d)
		if err != nil {
			return nil, err
		}
		d = strong
	}
	dir := s.entryDir(d, variant)
	data, written, err := readIndex(filepath.Join(dir, indexName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMissing
	case errors.Is(err, syscall.ENOTDIR): // a file where the entry should be
		return nil, fmt.Errorf("%w: %w: %w", ErrMissing, ErrDamaged, err)
	case err != nil:
		return nil, s.fail("read", err)
	}
	e, err := parseIndex(data)
	if err == nil && (e.Digest != d || e.Variant != variant) {
		err = errors.New("its index is that of another entry")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %s: %w", ErrMissing, ErrDamaged, dir, err)
	}
	e.Dir = filepath.Join(dir, packageName)
	if written.Before(s.boot) {
		if err := s.settle(e); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMissing, err)
		}
	}
	return e, nil
}

// settle checks an entry that was written before the machine was started, and notes that.
func (s *Store) settle(e *Entry) error {
	if err := s.Verify(context.Background(), e); err != nil {
		return err
	}
	now := time.Now()
	// In a store that can't be written it is checked again next time.
	_ = os.Chtimes(filepath.Join(filepath.Dir(e.Dir), indexName), now, now)
	return nil
}

// maxIndex bounds an index: 200 000 files with paths of 1 KiB.
const maxIndex = 256 << 20

func readIndex(path string) (data []byte, written time.Time, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, written, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxIndex {
		return nil, written, err // an empty one is damaged
	}
	data = make([]byte, st.Size())
	n, err := io.ReadFull(f, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return data[:n], st.ModTime(), err
}

// resolve follows an alias.
func (s *Store) resolve(d integrity.Digest) (integrity.Digest, error) {
	if d.IsZero() {
		return d, ErrMissing
	}
	data, err := os.ReadFile(s.aliasPath(d))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return d, ErrMissing
		}
		return d, s.fail("read", err)
	}
	strong, err := integrity.FromHex(integrity.SHA512, string(bytes.TrimSuffix(data, []byte{'\n'})))
	if err != nil {
		return d, fmt.Errorf("%w: %w: alias %s", ErrMissing, ErrDamaged, d)
	}
	return strong, nil
}

// Verify checks that every file of e is there and has the size that the index says, and that every link
// leads where the index says. Its error matches [ErrDamaged] and names the first file that is wrong, or is that of ctx.
func (s *Store) Verify(ctx context.Context, e *Entry) error {
	f, err := openFolder(e.Dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer f.close()
	for i, file := range e.Files {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if err := f.check(file); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrDamaged, e.Dir, err)
		}
	}
	return nil
}

// check says in what a file differs from what the index says.
func (f *folder) check(file File) error {
	if file.Link != "" {
		to, err := f.readlink(file.Path)
		if err == nil && to != file.Link {
			err = fmt.Errorf("%s is a link to %q instead of %q", file.Path, to, file.Link)
		}
		return err
	}
	size, regular, err := f.stat(file.Path)
	switch {
	case err != nil:
		return err
	case !regular:
		return fmt.Errorf("%s is not a file", file.Path)
	case size != file.Size:
		return fmt.Errorf("%s has %d bytes instead of %d", file.Path, size, file.Size)
	}
	return nil
}

// Remove takes the entries with the SHA-512 d, all variants of it, out of the store. One that isn't
// there is no error.
func (s *Store) Remove(d integrity.Digest) error {
	if d.Algorithm() != integrity.SHA512 {
		return s.fail("remove", fmt.Errorf("digest %q is not a sha512", d))
	}
	w, err := s.workspace()
	if err != nil {
		return err
	}
	unlock := s.lockReplacing()
	defer unlock()
	dir := s.entryDir(d, "")
	dirs := []string{dir}
	siblings, err := os.ReadDir(filepath.Dir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.fail("remove", err)
	}
	for _, sib := range siblings {
		if strings.HasPrefix(sib.Name(), filepath.Base(dir)+variantMark) {
			dirs = append(dirs, filepath.Join(filepath.Dir(dir), sib.Name()))
		}
	}
	for _, dir := range dirs {
		if err := w.moveAside(dir); err != nil {
			return s.fail("remove", err)
		}
	}
	return nil
}

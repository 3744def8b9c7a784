package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pantry-go/pantry/integrity"
)

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

// File is one file of an entry, or a symbolic link if Link is set.
type File struct {
	// Path is clean, relative to Entry.Dir, and slash-separated.
	Path string
	// Executable says that the artifact's owner, group or others may execute it; never for a link.
	Executable bool
	// Size is the number of bytes of a file; 0 for a link.
	Size int64
	// Link is where a symbolic link leads: to something within Entry.Dir, as far as its text says. It
	// need not be there.
	Link string
	// CRC32C is the CRC-32 of a file's bytes with Castagnoli's polynomial; 0 for a link.
	CRC32C uint32
}

// String is how messages name an entry.
func (e *Entry) String() string {
	if e.Name == "" {
		return e.Digest.Hex()[:16]
	}
	return fmt.Sprintf("%.100s@%.100s", clean(e.Name), clean(e.Version))
}

// root is the folder that holds an entry's index.
func (s *Store) root(e *Entry) string { return s.entryDir(e.Digest, e.Variant) }

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

// Get returns the entry of the artifact with digest d, which may be weaker than SHA-512 if it was
// given to Commit as an alias. It reads the index and nothing else, except for the first time
// after the machine was started. An entry that isn't there is [ErrMissing].
func (s *Store) Get(d integrity.Digest) (*Entry, error) { return s.GetVariant(d, "") }

// GetVariant is [Store.Get] of the entry that was unpacked in the way that variant says.
func (s *Store) GetVariant(d integrity.Digest, variant string) (*Entry, error) {
	d, err := s.Resolve(d)
	if err != nil {
		return nil, err
	}
	dir := s.entryDir(d, variant)
	e, written, err := readEntry(dir)
	switch {
	case errors.Is(err, ErrDamaged):
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMissing
	case err != nil:
		return nil, s.fail("read", err)
	case e.Digest != d || e.Variant != variant:
		return nil, fmt.Errorf("%w: %w: %s: its index is that of another entry", ErrMissing, ErrDamaged, dir)
	}
	if !s.recent(written) {
		if err := s.settle(e); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMissing, err)
		}
	}
	return e, nil
}

// maxIndex bounds an index: 200 000 files with paths of 1 KiB.
const maxIndex = 256 << 20

// readEntry reads the index of the entry in dir, and when it was written.
func readEntry(dir string) (*Entry, time.Time, error) {
	data, written, err := readWhole(filepath.Join(dir, indexName), maxIndex)
	if errors.Is(err, syscall.ENOTDIR) { // a file where the entry should be
		return nil, written, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, written, err
	}
	e, err := parseIndex(data)
	if err != nil {
		return nil, written, fmt.Errorf("%w: %s: %w", ErrDamaged, dir, err)
	}
	e.Dir = filepath.Join(dir, filepath.FromSlash(folderOf(e.Name)))
	return e, written, nil
}

// clockSlack is by how much the clocks of a file system and of this machine may differ.
const clockSlack = time.Minute

// recent says that something was written since the machine was started, so that no loss of power can
// have cut it short. A time to come says that a clock was wrong, and nothing else.
func (s *Store) recent(written time.Time) bool {
	return !written.Before(s.boot) && !written.After(time.Now().Add(clockSlack))
}

// settle checks an entry that was written before the machine was started, and notes that.
func (s *Store) settle(e *Entry) error {
	if err := s.Verify(context.Background(), e); err != nil {
		return err
	}
	// In a store that can't be written it is checked again next time.
	_ = touch(filepath.Join(s.root(e), indexName), time.Now())
	return nil
}

// Resolve returns the SHA-512 of the artifact that has the digest d, if d was given to Commit as an
// alias of it; a SHA-512 is its own. One that isn't known is [ErrMissing]. Whether the store has the
// entry is not looked at.
func (s *Store) Resolve(d integrity.Digest) (integrity.Digest, error) {
	if d.IsZero() {
		return d, ErrMissing
	}
	if d.Algorithm() == integrity.SHA512 {
		return d, nil
	}
	strong, err := readAlias(s.aliasPath(d))
	switch {
	case errors.Is(err, ErrDamaged):
		return d, fmt.Errorf("%w: %w", ErrMissing, err)
	case errors.Is(err, fs.ErrNotExist):
		return d, ErrMissing
	case err != nil:
		return d, s.fail("read", err)
	}
	return strong, nil
}

func readAlias(path string) (d integrity.Digest, err error) {
	data, _, err := readWhole(path, 1<<10)
	if err != nil {
		return d, err
	}
	d, err = integrity.FromHex(integrity.SHA512, string(bytes.TrimSuffix(data, []byte{'\n'})))
	if err != nil {
		return d, fmt.Errorf("%w: alias %s", ErrDamaged, filepath.Base(path))
	}
	return d, nil
}

func (s *Store) aliasPath(d integrity.Digest) string {
	return filepath.Join(s.dir, aliasName, d.Algorithm().String()+"-"+d.Hex())
}

// Verify checks that every file of e is there and has the size that the index says, and that every link
// leads where the index says. Its error matches [ErrDamaged] and names the first file that is wrong, or is that of ctx.
// It reads no file; [Store.VerifyAll] does.
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
		return f.checkLink(file)
	}
	size, _, regular, err := f.stat(file.Path)
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

func (f *folder) checkLink(file File) error {
	to, err := f.readlink(file.Path)
	if err == nil && to != file.Link {
		err = fmt.Errorf("%s is a link to %q instead of %q", file.Path, to, file.Link)
	}
	return err
}

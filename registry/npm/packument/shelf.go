package packument

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Shelf holds the packuments of one registry as one identity sees them. It is safe for concurrent
// use, also by several processes: of two that put the same name, one wins. A nil Shelf is empty and
// keeps nothing.
type Shelf struct {
	folder *Folder
	dir    string
	handle *folderHandle
}

// fileOf is the file of a name. Names differ in capitals, which files of some systems don't, and may
// be longer than a file's name.
func fileOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:20])
}

func (s *Shelf) path(name string) string { return filepath.Join(s.dir, fileOf(name)) }

// Load returns what is kept of a name. A file that is damaged, of another form or of another name
// is as good as none.
func (s *Shelf) Load(name string) (*Packument, bool) {
	if s == nil {
		return nil, false
	}
	p, err := s.load(fileOf(name))
	if err != nil || p.Name() != name {
		return nil, false
	}
	return p, true
}

// Put keeps p, which was built or parsed, in the place of what was there.
func (s *Shelf) Put(p *Packument) error {
	if s == nil {
		return nil
	}
	if err := s.folder.ready(); err != nil {
		return err
	}
	err := s.put(p)
	if errors.Is(err, fs.ErrNotExist) { // the first of the registry, or somebody removed the folder
		if err = os.MkdirAll(s.folder.temporary(), 0o700); err == nil {
			err = os.MkdirAll(s.dir, 0o700)
		}
		if err == nil {
			s.handle.forget()
			err = s.put(p)
		}
	}
	return err
}

// put writes a file aside and renames it.
func (s *Shelf) put(p *Packument) error {
	var unique [16]byte
	_, _ = rand.Read(unique[:]) // never fails
	aside := filepath.Join(s.folder.temporary(), hex.EncodeToString(unique[:]))
	err := writeFile(aside, p.all)
	if err == nil {
		err = os.Rename(aside, s.path(p.name))
	}
	if err != nil {
		_ = os.Remove(aside)
	}
	return err
}

func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Renew notes that the registry has confirmed p, at a time and for how long, and whether it must not be
// used later. Where p is not what is
// kept any more, nothing is changed.
func (s *Shelf) Renew(p *Packument, at time.Time, life time.Duration, strict bool) error {
	if s == nil {
		return nil
	}
	f, err := os.OpenFile(s.path(p.name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	var head [atState]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:]) != p.text[:atState] {
		return err
	}
	// What is written lies in one page of the file: whoever reads meanwhile gets the old, the new,
	// or something whose checksum is wrong, and which is not fresh therefore.
	_, err = f.WriteAt(appendState(nil, at, life, strict, p.None()), atState)
	return err
}

// Remove forgets a name.
func (s *Shelf) Remove(name string) {
	if s != nil {
		_ = os.Remove(s.path(name))
	}
}

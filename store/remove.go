package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pantry-go/pantry/integrity"
)

// Remove takes the entries with the SHA-512 d, all variants of it, out of the store, and the linked
// packages that are made of them. One that isn't there is no error. Installs that use the store are not
// waited for: see [Store.Prune].
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
	siblings, err := os.ReadDir(filepath.Dir(dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s.fail("remove", err)
	}
	for _, sib := range siblings {
		if name, _, _ := strings.Cut(sib.Name(), variantMark); name != filepath.Base(dir) {
			continue
		}
		if err := s.takeOutEntry(w, filepath.Join(filepath.Dir(dir), sib.Name())); err != nil {
			return s.fail("remove", err)
		}
	}
	return nil
}

// takeOutEntry takes an entry out of the store, after the linked packages that are made of it. The
// caller holds the lock of lockReplacing.
func (s *Store) takeOutEntry(w *workspace, dir string) error {
	keys, err := s.madeOf(dir)
	if err != nil {
		return err
	}
	return s.takeOut(w, dir, keys...)
}

// takeOut begins a new generation, and takes out linked packages and then an entry, if dir names one. The
// caller holds the lock of lockReplacing.
func (s *Store) takeOut(w *workspace, dir string, keys ...string) error {
	if err := s.nextGeneration(w); err != nil {
		return err
	}
	for _, key := range keys {
		if err := w.moveAside(filepath.Join(s.dir, linksName, key)); err != nil {
			return err
		}
	}
	if dir == "" {
		return nil
	}
	return w.moveAside(dir)
}

// madeOf finds the linked packages that live in an entry, or whose files are hard links to its files. It
// looks into those with a folder of their own only: there are few.
func (s *Store) madeOf(dir string) (keys []string, err error) {
	if text, err := os.Readlink(filepath.Join(dir, homeName)); err == nil {
		if key, ok := sealedKey(text); ok && s.leadsTo(key, dir) {
			keys = append(keys, key)
		}
	}
	links := filepath.Join(s.dir, linksName)
	all, err := os.ReadDir(links)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range all {
		if !e.IsDir() {
			continue
		}
		to, err := os.Readlink(filepath.Join(links, e.Name(), entryName))
		if err == nil && filepath.Join(links, e.Name(), to) == dir {
			keys = append(keys, e.Name())
		}
	}
	return keys, nil
}

// leadsTo says that links/KEY is a link to the entry in dir.
func (s *Store) leadsTo(key, dir string) bool {
	links := filepath.Join(s.dir, linksName)
	to, err := os.Readlink(filepath.Join(links, key))
	return err == nil && filepath.Join(links, to) == dir
}

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Target is a linked package that another one needs.
type Target struct {
	// Name is the name it is required under.
	Name string
	// Key is its key.
	Key string
	// Package is its own name, the folder in its node_modules; "" means Name.
	Package string
}

// Linked is a package together with the packages it needs, each of them exactly one. See
// [Store.PutLinked].
type Linked struct {
	// Key stands for the package's bytes and for everything it leads to: 40 hexadecimal digits in
	// lower case. Equal keys mean equal content, for ever; the store does not compute them.
	Key string
	// Entry holds its files, and is one of this store. It needs a Name that can be a folder.
	Entry *Entry
	// Links are what it needs, in any order; no two have one Name. They need not be in the store yet.
	Links []Target
	// Programs are paths of files that have to be executable. Those that the entry does not have are
	// left out.
	Programs []string
}

// HasLinked says whether the linked package with that key is there, complete, and made of an entry that
// is still there. It makes two system calls, except for the first time after the machine was started,
// when it looks at all of its files and links. What the package leads to is not looked at.
func (s *Store) HasLinked(key string) bool {
	if !validKey(key) {
		return false
	}
	// No path of ours needs cleaning.
	text, made, err := readLink(s.dir + linksHere + key + homeHere)
	if err != nil || !strings.HasPrefix(text, key) {
		return false
	}
	return s.recent(made) || s.settleLinked(key) == nil
}

const (
	linksHere = string(filepath.Separator) + linksName + string(filepath.Separator)
	homeHere  = string(filepath.Separator) + homeName
)

// settleLinked checks a linked package that was made before the machine was started, and notes that.
func (s *Store) settleLinked(key string) error {
	if err := s.checkLinked(key); err != nil {
		return err
	}
	// In a store that can't be written it is checked again next time.
	_ = touch(filepath.Join(s.dir, linksName, key, homeName), time.Now())
	return nil
}

// attempts is how often PutLinked begins anew because an entry was replaced under its hands.
const attempts = 4

var errReplaced = errors.New("its entry was replaced meanwhile")

// PutLinked makes a linked package, so that its files are in LinkedDir(l.Key, l.Entry.Name) and find
// what they need beside them. If it is there already nothing is done. It may be called for the same
// package by any number of goroutines and processes at a time; one that is killed leaves nothing that
// HasLinked says to be there.
//
// The first linked package of an entry lives in the entry itself, so that no file is written or linked
// twice; another one of the same artifact gets a folder of its own, of hard links. So does one that
// cannot live in the entry since it would change it: one that needs a package of its own name, or has a
// program whose first line ends in a carriage return, which no kernel understands (of that program it
// has a mended copy).
func (s *Store) PutLinked(l Linked) error {
	p, err := newPlan(l)
	if err != nil {
		return s.fail("write", err)
	}
	if s.HasLinked(l.Key) {
		return nil
	}
	for range attempts {
		err = s.put(p)
		if err == nil && !s.HasLinked(l.Key) {
			err = errReplaced
		}
		if !errors.Is(err, errReplaced) {
			break
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errReplaced):
		err = fmt.Errorf("%w: its files are not as they were written", ErrDamaged)
	}
	return s.fail("write", fmt.Errorf("link %s: %w", l.Entry, err))
}

// put makes a linked package in its entry, or else in a folder of its own.
func (s *Store) put(p *plan) error {
	root, err := openFolder(s.root(p.Entry))
	if errors.Is(err, fs.ErrNotExist) {
		return ErrMissing
	}
	if err != nil {
		return err
	}
	defer root.close()
	dos, err := p.dosPrograms(root)
	if err != nil {
		return err
	}
	if len(dos) == 0 && len(p.nested) == 0 {
		if done, err := s.putHome(p, root); done || err != nil {
			return err
		}
	}
	return s.putOwn(p, root, dos)
}

// putHome makes the entry the home of a linked package. It says false if it cannot be: since it is that
// of another one, or belongs to somebody else.
func (s *Store) putHome(p *plan, root *folder) (done bool, err error) {
	for _, f := range p.missingModes() {
		if err := root.chmod(p.base()+"/"+f.Path, 0o755); err != nil {
			return false, unlessDenied(err)
		}
	}
	mine, again, err := root.claim(p.seal)
	if err != nil || !mine {
		return false, unlessDenied(err)
	}
	if err := root.putLinks(p.links); err != nil {
		return false, err
	}
	if again {
		if err := root.dropLinks(p.links); err != nil {
			return false, err
		}
	}
	to, err := filepath.Rel(filepath.Join(s.dir, linksName), s.root(p.Entry))
	if err != nil {
		return false, err
	}
	place := func(dst string) error { return os.Symlink(to, dst) }
	taken, err := s.publishLinked(p.Key, place)
	if !taken {
		return true, err
	}
	if s.HasLinked(p.Key) {
		return true, nil
	}
	w, err := s.workspace()
	if err != nil {
		return false, err
	}
	unlock := s.lockReplacing()
	defer unlock()
	return true, s.makeRoom(w, p.Key, place)
}

func unlessDenied(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// claim makes the entry whose folder this is the home of a linked package, for ever; the link "home"
// has no other purpose than its text. It says whether the home is that of this package, and whether it
// was before.
func (f *folder) claim(seal string) (mine, again bool, err error) {
	if err = f.symlink(seal, homeName); err == nil || !errors.Is(err, fs.ErrExist) {
		return err == nil, false, err
	}
	text, err := f.readlink(homeName)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, false, nil // something else stands there
	}
	return text == seal, true, err
}

// dropLinks removes the links in a home that somebody else made.
func (f *folder) dropLinks(ours []placed) error {
	there, err := look(f, false)
	if err != nil {
		return err
	}
	for _, l := range there.links {
		if slices.Contains(ours, l) {
			continue
		}
		if err := f.remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// putLinks makes the links of a linked package below the folder that holds its node_modules.
func (f *folder) putLinks(links []placed) error {
	scope := ""
	for _, l := range links {
		if dir := l.path[:strings.LastIndexByte(l.path, '/')]; dir != scope && dir != modulesName {
			if err := f.mkdirAll(dir); err != nil {
				return err
			}
			scope = dir
		}
		err := f.symlink(l.to, l.path)
		if errors.Is(err, fs.ErrExist) {
			err = f.sameLink(l, links)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mkdirAll makes a folder and those above it, as far as they are not there.
func (f *folder) mkdirAll(dir string) error {
	err := f.mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.mkdirAll(dir[:max(strings.LastIndexByte(dir, '/'), 0)]); err == nil {
			err = f.mkdir(dir)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// sameLink sees to it that what stands in the place of a link is that link.
func (f *folder) sameLink(l placed, all []placed) error {
	to, err := f.readlink(l.path)
	if err == nil && to == l.to {
		return nil
	}
	for _, other := range all {
		if err == nil && other != l && to == other.to && strings.EqualFold(other.path, l.path) {
			return fmt.Errorf("the file system does not tell %s from %s", l.path, other.path)
		}
	}
	err = f.remove(l.path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err = f.symlink(l.to, l.path); errors.Is(err, fs.ErrExist) { // another process was faster
			if to, _ = f.readlink(l.path); to == l.to {
				return nil
			}
		}
	}
	if err != nil {
		return fmt.Errorf("%w: something stands in the place of a link: %w", ErrDamaged, err)
	}
	return nil
}

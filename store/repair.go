package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// repair takes out what is damaged, while nobody uses the store.
func (v *verification) repair(waiting func()) error {
	s := v.store
	w, err := s.workspace()
	if err != nil {
		return err
	}
	release, err := s.useAlone(v.ctx, waiting)
	if err != nil {
		return err
	}
	defer release()
	unlock := s.lockReplacing()
	defer unlock()
	if err := s.nextGeneration(w); err != nil {
		return err
	}
	c := &checker{store: s, buf: make([]byte, bufferSize)}
	for i := range v.report.Problems {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		p := &v.report.Problems[i]
		// Somebody may have replaced it before we were alone.
		if p.kind == ofEntry && len(v.entry(c, p.Path)) == 0 {
			p.Repaired = true
			continue
		}
		if err := s.takeOutProblem(w, p); err != nil {
			return s.fail("repair", err)
		}
		p.Repaired = true
	}
	return nil
}

func (s *Store) takeOutProblem(w *workspace, p *Problem) error {
	switch p.kind {
	case ofEntry:
		return s.takeOutEntry(w, p.Path)
	case ofLinks:
		return s.unclaim(w, p.Path)
	case ofAlias:
		return removeIfThere(p.Path)
	}
	to, err := os.Readlink(p.Path)
	if err := w.moveAside(p.Path); err != nil {
		return err
	}
	if err != nil { // it had a folder of its own
		return nil
	}
	dir := filepath.Join(filepath.Dir(p.Path), to)
	if _, ok := s.digestOf(dir); !ok {
		return nil
	}
	if text, err := os.Readlink(filepath.Join(dir, homeName)); err == nil {
		if of, ok := sealedKey(text); ok && of != p.Key && s.leadsTo(of, dir) {
			return nil // the home of another one that is sound, or has its own problem
		}
	}
	return s.unclaim(w, dir)
}

// unclaim makes an entry the home of nobody: the link in links, then those in node_modules, and the
// claim last, so that whoever is killed meanwhile leaves a claim without a linked package.
func (s *Store) unclaim(w *workspace, dir string) error {
	root, err := openFolder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.close()
	if text, err := root.readlink(homeName); err == nil {
		if key, ok := sealedKey(text); ok && s.leadsTo(key, dir) {
			if err := w.moveAside(filepath.Join(s.dir, linksName, key)); err != nil {
				return err
			}
		}
	}
	f, err := look(root, false)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, l := range f.links {
		if err := root.remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return w.moveAside(filepath.Join(dir, homeName))
}

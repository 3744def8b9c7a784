package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pantry-go/pantry/integrity"
)

// PruneOptions of [Store.Prune].
type PruneOptions struct {
	// Keep says which entries stay, by the SHA-512 of their artifact; nil means none.
	Keep func(integrity.Digest) bool
	// Roots are the keys of linked packages that are in use. They stay, and all they lead to, and the
	// entries they are made of. One that is not in the store is passed over.
	Roots []string
	// Decide, if there is one, is asked for Keep and Roots in their stead, once nobody else uses the
	// store: so that they are not older than the last install. projects are the recorded ones that are
	// still there. If it fails nothing is taken out.
	Decide func(projects []string) (keep func(integrity.Digest) bool, roots []string, err error)
	// DryRun takes nothing out.
	DryRun bool
	// Waiting is called once if Prune has to wait for installs that use the store; nil means nobody.
	Waiting func()
}

// PruneReport is what Prune took out, or would take out.
type PruneReport struct {
	Entries, Linked int
	// Files and Bytes are those of the entries. What a project has hard links to stays on the disk
	// for as long as it has.
	Files int
	Bytes int64
	// Projects are recorded projects whose folders are gone, which are recorded no more.
	Projects []string
	// KeptEntries and KeptLinked stay.
	KeptEntries, KeptLinked int
}

// Prune takes out what nobody needs: linked packages that no root leads to, entries that nobody keeps,
// what is known of entries that are gone, all stamps, and the records of projects that are gone. It
// waits until nobody uses the store (see [Store.Use]). What is still needed, and was not kept, is fetched
// again by the next install; but an isolated project that used it is broken until then.
//
// It may be killed at any moment: what is there is whole, and another Prune takes out the rest.
func (s *Store) Prune(ctx context.Context, o PruneOptions) (PruneReport, error) {
	var r PruneReport
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return r, ctx.Err()
	}
	lock := func() (func(), error) { return s.useAlone(ctx, o.Waiting) }
	if o.DryRun {
		lock = func() (func(), error) { return s.Use(ctx) }
	}
	release, err := lock()
	if err != nil {
		return r, err
	}
	defer release()
	there, lost, err := s.projectsThere()
	if err != nil {
		return r, err
	}
	if o.Decide != nil {
		if o.Keep, o.Roots, err = o.Decide(there); err != nil {
			return r, err
		}
	}
	p := &pruning{store: s, keep: o.Keep, linked: map[string]linkedPlace{}, marked: map[string]bool{}, kept: map[string]bool{}}
	if err := p.mark(ctx, o.Roots); err != nil {
		return r, err
	}
	r = p.plan()
	r.Projects = lost
	if o.DryRun {
		return r, nil
	}
	return r, p.sweep(ctx, lost)
}

// pruning is one run of Prune.
type pruning struct {
	store   *Store
	keep    func(integrity.Digest) bool
	entries []string               // folders
	linked  map[string]linkedPlace // by key
	marked  map[string]bool        // keys that stay
	kept    map[string]bool        // folders of entries that stay
}

// linkedPlace is where a linked package is.
type linkedPlace struct {
	entry string // the folder of the entry it is made of
	own   bool   // it has a folder of its own
}

// mark finds what stays.
func (p *pruning) mark(ctx context.Context, roots []string) (err error) {
	if p.entries, err = p.store.entryDirs(); err != nil {
		return err
	}
	keys, err := p.store.linkedKeys()
	if err != nil {
		return err
	}
	for _, key := range keys {
		p.linked[key] = p.store.place(key)
	}
	for todo := roots; len(todo) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		key := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		at, ok := p.linked[key]
		if !ok || p.marked[key] {
			continue
		}
		p.marked[key] = true
		p.kept[at.entry] = true
		needs, err := p.store.needs(key, at)
		if err != nil {
			return p.store.fail("read", err)
		}
		todo = append(todo[:len(todo):len(todo)], needs...)
	}
	for _, dir := range p.entries {
		if d, ok := p.store.digestOf(dir); ok && p.keep != nil && p.keep(d) {
			p.kept[dir] = true
		}
	}
	return nil
}

// place finds out where a linked package is. One that is damaged is made of "".
func (s *Store) place(key string) linkedPlace {
	links := filepath.Join(s.dir, linksName)
	if to, err := os.Readlink(filepath.Join(links, key)); err == nil {
		return linkedPlace{entry: filepath.Join(links, to)}
	}
	to, err := os.Readlink(filepath.Join(links, key, entryName))
	if err != nil {
		return linkedPlace{own: true}
	}
	return linkedPlace{entry: filepath.Join(links, key, to), own: true}
}

// needs are the keys of what a linked package leads to. What cannot be looked into leads nowhere.
func (s *Store) needs(key string, at linkedPlace) (keys []string, err error) {
	dir := at.entry
	if at.own {
		dir = filepath.Join(s.dir, linksName, key)
	}
	root, err := openFolder(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it leads nowhere
	}
	if err != nil {
		return nil, err
	}
	defer root.close()
	f, err := look(root, at.own)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, l := range f.links {
		if key, _, ok := parseLinkText(l.path, l.to); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// plan counts what goes and what stays.
func (p *pruning) plan() (r PruneReport) {
	r.KeptLinked = len(p.marked)
	r.Linked = len(p.linked) - len(p.marked)
	for _, dir := range p.entries {
		if p.kept[dir] {
			r.KeptEntries++
			continue
		}
		r.Entries++
		if e, _, err := readEntry(dir); err == nil {
			r.Files += len(e.Files)
			r.Bytes += e.size()
		}
	}
	return r
}

// sweep takes out what does not stay: linked packages first, so that none is ever without its files.
func (p *pruning) sweep(ctx context.Context, lost []string) error {
	s := p.store
	w, err := s.workspace()
	if err != nil {
		return err
	}
	unlock := s.lockReplacing()
	defer unlock()
	if err := s.nextGeneration(w); err != nil {
		return err
	}
	for key := range p.linked {
		if p.marked[key] {
			continue
		}
		if err := errors.Join(ctx.Err(), w.moveAside(filepath.Join(s.dir, linksName, key))); err != nil {
			return s.fail("prune", err)
		}
	}
	for _, dir := range p.entries {
		err := ctx.Err()
		switch {
		case err != nil:
		case !p.kept[dir]:
			err = w.moveAside(dir)
		case !p.isHome(dir):
			err = s.unclaim(w, dir)
		}
		if err != nil {
			return s.fail("prune", err)
		}
	}
	err = errors.Join(p.sweepAliases(), w.moveAside(filepath.Join(s.dir, stampsName)))
	for _, dir := range lost {
		err = errors.Join(err, removeIfThere(s.projectPath(dir)))
	}
	if err != nil {
		return s.fail("prune", err)
	}
	return nil
}

// isHome says that an entry is the home of a linked package that stays, or of none at all.
func (p *pruning) isHome(dir string) bool {
	text, err := os.Readlink(filepath.Join(dir, homeName))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	key, _ := sealedKey(text)
	at := p.linked[key]
	return p.marked[key] && !at.own && at.entry == dir
}

// sweepAliases removes the aliases of artifacts that have no entry.
func (p *pruning) sweepAliases() error {
	stays := map[integrity.Digest]bool{}
	for dir := range p.kept {
		if d, ok := p.store.digestOf(dir); ok {
			stays[d] = true
		}
	}
	dir := filepath.Join(p.store.dir, aliasName)
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, a := range all {
		path := filepath.Join(dir, a.Name())
		if d, err := readAlias(path); err == nil && stays[d] {
			continue
		}
		if err := removeIfThere(path); err != nil {
			return err
		}
	}
	return nil
}

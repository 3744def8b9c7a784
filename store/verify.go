package store

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry/integrity"
)

// VerifyOptions of [Store.VerifyAll].
type VerifyOptions struct {
	// Repair takes what is damaged out of the store; the next install fetches or makes it again.
	Repair bool
	// Progress is told how many of how many entries and linked packages were looked at. It is called
	// from several goroutines, one at a time. nil means nobody.
	Progress func(done, total int)
	// Waiting is called once if a repair has to wait for installs that use the store; nil means nobody.
	Waiting func()
}

// VerifyReport is what VerifyAll found.
type VerifyReport struct {
	Entries    int       // that were looked at
	Linked     int       // linked packages that were looked at
	Files      int       // that were read
	Bytes      int64     // that were read
	Problems   []Problem // in the order of their paths
	Unfinished int       // sound linked packages that need one that is not there: an install was interrupted
}

// Problem is one damaged thing.
type Problem struct {
	// Digest is the entry's; zero if it is something else that is damaged.
	Digest integrity.Digest
	// Key is the linked package's; "" if it is something else that is damaged.
	Key string
	// Name and Version are the package's, as far as they are known. They come from outside.
	Name, Version string
	// Path is the folder of the entry or of the linked package, or the file.
	Path string
	// Err says what is wrong, and matches ErrDamaged.
	Err error
	// Repaired says that it was taken out.
	Repaired bool

	kind kind
}

type kind int

const (
	ofEntry  kind = iota // an entry, taken out whole
	ofLinks              // links in an entry that is nobody's home
	ofLinked             // a linked package
	ofAlias
)

// VerifyAll checks every entry's files by their size and CRC-32C, that nothing was added to them, and that
// every linked package is what was made. What is damaged is a Problem of the report and no error; errors
// are those of ctx and of the file system.
//
// A linked package that needs one that is not there is not damaged: an interrupted install leaves such,
// and the next one finishes them. A repair makes sure that it looks.
//
// It uses the store as [Store.Use] says; to repair, it waits until nobody else does.
func (s *Store) VerifyAll(ctx context.Context, o VerifyOptions) (VerifyReport, error) {
	if _, err := os.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
		return VerifyReport{}, ctx.Err()
	}
	release, err := s.Use(ctx)
	if err != nil {
		return VerifyReport{}, err
	}
	v := &verification{store: s, ctx: ctx, states: map[string]linkedState{}, progress: o.Progress}
	err = v.run()
	release()
	if err != nil {
		return v.report, err
	}
	if o.Repair && (len(v.report.Problems) > 0 || v.report.Unfinished > 0) {
		err = v.repair(o.Waiting)
	}
	return v.report, err
}

// verification is one run of VerifyAll.
type verification struct {
	store    *Store
	ctx      context.Context // of this run only
	progress func(done, total int)

	mu     sync.Mutex
	report VerifyReport
	states map[string]linkedState // of linked packages, by key
	done   int
}

func (v *verification) run() error {
	entries, err := v.store.entryDirs()
	if err != nil {
		return err
	}
	links, err := v.store.linkedKeys()
	if err != nil {
		return err
	}
	total := len(entries) + len(links)
	if err := v.each(entries, total, v.entry); err != nil {
		return err
	}
	if err := v.each(links, total, v.linked); err != nil {
		return err
	}
	if err := v.aliases(); err != nil {
		return err
	}
	v.report.Entries, v.report.Linked = len(entries), len(links)
	v.needs()
	slices.SortFunc(v.report.Problems, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
	return nil
}

// each looks at many things, as many at a time as there are processors.
func (v *verification) each(what []string, total int, look func(c *checker, what string) []Problem) error {
	g, ctx := errgroup.WithContext(v.ctx)
	work := make(chan string)
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			c := &checker{store: v.store, buf: make([]byte, bufferSize)}
			for w := range work {
				v.add(look(c, w), total)
			}
			v.mu.Lock()
			defer v.mu.Unlock()
			v.report.Files += c.files
			v.report.Bytes += c.bytes
			return nil
		})
	}
	defer func() { _ = g.Wait() }()
	defer close(work)
	for _, w := range what {
		select {
		case work <- w:
		case <-ctx.Done():
			return v.ctx.Err()
		}
	}
	return nil
}

func (v *verification) add(found []Problem, total int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Problems = append(v.report.Problems, found...)
	v.done++
	if v.progress != nil {
		v.progress(v.done, total)
	}
}

// entry looks at one entry.
func (v *verification) entry(c *checker, dir string) []Problem {
	p := Problem{Path: dir, kind: ofEntry}
	p.Digest, _ = v.store.digestOf(dir)
	e, err := c.entry(dir)
	if e != nil {
		p.Name, p.Version = e.Name, e.Version
	}
	if err == nil {
		p.kind = ofLinks
		err = c.homeless(dir, e)
	}
	if err == nil {
		return nil
	}
	if _, gone := os.Lstat(dir); errors.Is(gone, fs.ErrNotExist) {
		return nil // an install has just replaced it
	}
	p.Err = err
	return []Problem{p}
}

// homeless finds links in an entry that is the home of no linked package.
func (c *checker) homeless(dir string, e *Entry) error {
	if !validName(e.Name) {
		return nil
	}
	root, err := openFolder(dir)
	if err != nil {
		return damagef("%w", err)
	}
	defer root.close()
	text, err := root.readlink(homeName)
	if _, ok := sealedKey(text); ok {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return damagef("%q in it is no seal of a linked package", homeName)
	}
	f, err := look(root, false)
	if err == nil && len(f.links) > 0 {
		err = damagef("%q does not belong to it", f.links[0].path)
	}
	return err
}

// linked looks at one linked package.
func (v *verification) linked(c *checker, key string) []Problem {
	p := Problem{Key: key, Path: filepath.Join(v.store.dir, linksName, key), kind: ofLinked}
	var st linkedState
	if validKey(key) {
		st, p.Err = c.linked(key)
	} else {
		p.Err = damagef("it does not belong there")
	}
	if p.Err == nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.states[key] = st
		return nil
	}
	p.Name = st.name
	if _, gone := os.Lstat(p.Path); errors.Is(gone, fs.ErrNotExist) {
		return nil
	}
	return []Problem{p}
}

// needs looks at what the linked packages lead to.
func (v *verification) needs() {
	for key, st := range v.states {
		for _, t := range st.needs {
			need, ok := v.states[t.Key]
			if !ok {
				v.report.Unfinished++
				break
			}
			if need.name != "" && need.name != t.Package {
				err := damagef("it leads to %q in %s, which is %q", t.Package, t.Key, need.name)
				v.report.Problems = append(v.report.Problems, Problem{Key: key, Name: st.name,
					Path: filepath.Join(v.store.dir, linksName, key), Err: err, kind: ofLinked})
				break
			}
		}
	}
}

func (v *verification) aliases() error {
	dir := filepath.Join(v.store.dir, aliasName)
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v.store.fail("read", err)
	}
	for _, a := range all {
		path := filepath.Join(dir, a.Name())
		if _, err := readAlias(path); errors.Is(err, ErrDamaged) {
			v.report.Problems = append(v.report.Problems, Problem{Path: path, Err: err, kind: ofAlias})
		}
	}
	return nil
}

// entryDirs are the folders of all entries, in order, and whatever else is among them.
func (s *Store) entryDirs() (dirs []string, err error) {
	for i := range 256 {
		shard := filepath.Join(s.dir, string([]byte{hexDigits[i>>4], hexDigits[i&15]}))
		all, err := os.ReadDir(shard)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, s.fail("read", err)
		}
		for _, e := range all {
			dirs = append(dirs, filepath.Join(shard, e.Name()))
		}
	}
	return dirs, nil
}

// linkedKeys are the keys of all linked packages, in order, and whatever else is among them.
func (s *Store) linkedKeys() (keys []string, err error) {
	all, err := os.ReadDir(filepath.Join(s.dir, linksName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, s.fail("read", err)
	}
	for _, e := range all {
		keys = append(keys, e.Name())
	}
	return keys, nil
}

package tree

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// workers is how many packages are compared at one time; the check is not timed.
const workers = 4

// direct checks the project's own node_modules: the kind of its entries, and the commands.
func (in *inspector) direct(root *instance) {
	modules := filepath.Join(in.project, "node_modules")
	outside, links := 0, 0
	for _, w := range root.manifest.wishes(true) {
		at := filepath.Join(modules, filepath.FromSlash(w.as))
		st, err := os.Lstat(at)
		if err != nil {
			continue // reported by follow, if it is an error
		}
		p := in.reached[in.folder(at)]
		if p == nil {
			continue
		}
		if st.Mode()&fs.ModeSymlink != 0 {
			links++
			if !strings.HasPrefix(p.dir, modules+string(filepath.Separator)) {
				outside++
			}
		}
		for _, name := range p.manifest.Programs() {
			if st, err := os.Stat(filepath.Join(modules, ".bin", name)); err != nil || st.Mode()&0o100 == 0 {
				in.wrong("%s has the command %s, and node_modules/.bin does not", p, name)
			}
		}
	}
	switch {
	case in.Layout == Hoisted && links > 0:
		in.wrong("%d entries of node_modules are links, which should be folders", links)
	case in.Layout != Hoisted && links == 0:
		in.wrong("no entry of node_modules is a link")
	case in.Layout == Machine && outside == 0:
		in.wrong("no entry of node_modules leads out of the project")
	case in.Layout == Project && outside > 0:
		in.wrong("%d entries of node_modules lead out of the project", outside)
	}
}

// modules checks that everything in a folder node_modules is needed: reached, or brought by a tarball.
func (in *inspector) modules(dir string, owner *instance) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // what is missing was reported when it was looked for
	}
	for _, e := range entries {
		at := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case strings.HasPrefix(e.Name(), "@") && e.IsDir():
			in.modules(at, owner)
		case !e.IsDir() && e.Type()&fs.ModeSymlink == 0:
		case in.reached[in.folder(at)] == nil && !owner.brings(at):
			in.wrong("%s is not needed", in.short(at))
		}
	}
}

// brings reports whether something in a package's folder comes from its tarball.
func (p *instance) brings(at string) bool {
	if p == nil {
		return false
	}
	rel, err := filepath.Rel(p.dir, at)
	if err != nil {
		return false
	}
	prefix := filepath.ToSlash(rel) + "/"
	for name := range p.files {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// compare checks the files of all packages.
func (in *inspector) compare(ctx context.Context, t *Tree) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for _, p := range in.reached {
		if p.files == nil {
			continue
		}
		g.Go(func() error {
			c := comparison{inspector: &inspector{Options: in.Options, project: in.project, reached: in.reached, folders: map[string]string{}}, p: p}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := c.folder(""); err != nil {
				return err
			}
			c.count()
			mu.Lock()
			defer mu.Unlock()
			t.Files += c.files
			t.Bytes += c.bytes
			in.problems = append(in.problems, c.problems...)
			return nil
		})
	}
	return g.Wait()
}

// comparison is that of one package's files with its tarball.
type comparison struct {
	*inspector
	p     *instance
	files int
	bytes int64
}

// folder compares one folder, named from the package's.
func (c *comparison) folder(rel string) error {
	dir := filepath.Join(c.p.dir, filepath.FromSlash(rel))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(rel, e.Name())
		at := filepath.Join(dir, e.Name())
		switch {
		case e.IsDir() && e.Name() == "node_modules":
			if c.p.brings(at) {
				err = c.folder(name)
			} else {
				c.inspector.modules(at, c.p)
			}
		case e.IsDir() && path.Base(rel) == "node_modules" && !c.p.brings(at), e.Type()&fs.ModeSymlink != 0:
			c.nested(at)
		case e.IsDir():
			err = c.folder(name)
		default:
			err = c.file(name, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nested is an entry among those that a tarball brought: another package, or nothing that belongs there.
func (c *comparison) nested(at string) {
	if c.reached[c.inspector.folder(at)] == nil && filepath.Base(filepath.Dir(at)) != ".bin" {
		c.wrong("%s is not needed", c.short(at))
	}
}

func (c *comparison) file(name, at string) error {
	if ignoreFile(name) {
		return nil
	}
	want, ok := c.p.files[name]
	if !ok {
		c.wrong("%s is not in the tarball of %s", c.short(at), c.p)
		return nil
	}
	st, err := os.Stat(at)
	if err != nil {
		return err
	}
	c.files++
	c.bytes += st.Size()
	if st.Size() != want.Size && !(want.DOS && st.Size() < want.Size && st.Size() > 0) {
		c.wrong("%s has %d bytes, which should be %d", c.short(at), st.Size(), want.Size)
		return nil
	}
	if !c.Contents || st.Size() != want.Size {
		return nil
	}
	sum, err := sumFile(at)
	if err == nil && sum != want.Sum {
		c.wrong("%s has other bytes than in the tarball of %s", c.short(at), c.p)
	}
	return err
}

// count reports files that are not there.
func (c *comparison) count() {
	want := 0
	for name := range c.p.files {
		if !ignoreFile(name) {
			want++
		}
	}
	if c.files < want {
		c.wrong("%s (%s) lacks %d of its %d files", c.p, c.short(c.p.dir), want-c.files, want)
	}
}

// ignoreFile reports whether a file is one that package managers rename or leave out, each in its own way.
func ignoreFile(name string) bool {
	base := path.Base(name)
	return base == ".gitignore" || base == ".npmignore"
}

func sumFile(path string) (uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	sum := crc32.New(castagnoli())
	if _, err := io.Copy(sum, f); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return sum.Sum32(), nil
}

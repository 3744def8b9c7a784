package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/integrity"
)

// checker compares what is on the disk with what the store has written down.
type checker struct {
	store *Store
	buf   []byte // to read files with; without one only sizes are compared, and what was added is passed over
	files int    // that were read
	bytes int64
}

// bufferSize is large enough for most files of packages to be read at once.
const bufferSize = 128 << 10

// damagef is what a check finds.
func damagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// digestOf is the digest in the path of an entry; ok if it is one.
func (s *Store) digestOf(dir string) (d integrity.Digest, ok bool) {
	name, variant, varied := strings.Cut(filepath.Base(dir), variantMark)
	d, err := integrity.FromHex(integrity.SHA512, filepath.Base(filepath.Dir(dir))+name)
	if err != nil || varied && (len(variant) != 32 || !isHex(variant)) {
		return d, false
	}
	return d, strings.HasPrefix(dir, s.entryDir(d, "")) // in lower case
}

// entry checks the files of an entry, and that it has no others. The entry is nil if its index cannot be
// used.
func (c *checker) entry(dir string) (*Entry, error) {
	e, _, err := readEntry(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, damagef("it has no index")
	case err != nil:
		return nil, damagef("%w", err)
	case c.store.root(e) != dir:
		return nil, damagef("its index is that of another entry")
	}
	root, err := openFolder(dir)
	if err != nil {
		return e, damagef("%w", err)
	}
	defer root.close()
	base := folderOf(e.Name)
	files, err := root.sub(base)
	if err != nil {
		return e, damagef("%w", err)
	}
	defer files.close()
	for _, f := range e.Files {
		if err := c.file(files, f); err != nil {
			return e, damagef("%w", err)
		}
	}
	if c.buf == nil {
		return e, nil
	}
	first, _, _ := strings.Cut(base, "/")
	if err := onlyHas(root, ".", indexName, homeName, first); err != nil {
		return e, err
	}
	if first == modulesName {
		if err := onlyPackage(root, e.Name, false); err != nil {
			return e, err
		}
	}
	return e, onlyFiles(files, e, nil)
}

// file checks one file of an entry.
func (c *checker) file(in *folder, f File) error {
	if f.Link != "" {
		return in.checkLink(f)
	}
	if c.buf == nil {
		return in.check(f)
	}
	size, sum, err := in.sum(f.Path, f.Size, c.buf)
	c.files++
	c.bytes += size
	switch {
	case err != nil:
		return err
	case size != f.Size:
		return fmt.Errorf("%s has %d bytes instead of %d", f.Path, size, f.Size)
	case sum != f.CRC32C:
		return fmt.Errorf("%s is not as it was written", f.Path)
	}
	return nil
}

// onlyHas checks that a folder has no others than these.
func onlyHas(in *folder, at string, names ...string) error {
	all, err := in.list(at)
	if err != nil {
		return damagef("%w", err)
	}
	for _, e := range all {
		if !slices.Contains(names, e.Name()) {
			return damagef("%q does not belong to it", path.Join(at, e.Name()))
		}
	}
	return nil
}

// onlyPackage checks that node_modules has the package's folder, and nothing else but links.
func onlyPackage(root *folder, name string, nested bool) error {
	f, err := look(root, nested)
	if err != nil {
		return damagef("%w", err)
	}
	for _, folder := range f.folders {
		if folder != name {
			f.strange = append(f.strange, modulesName+"/"+folder)
		}
	}
	if len(f.strange) > 0 {
		return damagef("%q does not belong to it", f.strange[0])
	}
	return nil
}

// onlyFiles checks that there are no files or folders but those of the index, and links that are allowed.
func onlyFiles(files *folder, e *Entry, allowed []placed) error {
	known := make(map[string]bool, 2*len(e.Files)) // and whether it is a folder
	add := func(name string) {
		known[name] = false
		for dir := path.Dir(name); dir != "." && !known[dir]; dir = path.Dir(dir) {
			known[dir] = true
		}
	}
	for _, f := range e.Files {
		add(f.Path)
	}
	for _, l := range allowed {
		add(l.path)
	}
	var walk func(dir string) error
	walk = func(dir string) error {
		all, err := files.list(dir)
		if err != nil {
			return damagef("%w", err)
		}
		for _, entry := range all {
			name := path.Join(dir, entry.Name())
			isFolder, ok := known[name]
			if !ok || isFolder != entry.IsDir() {
				return damagef("%q does not belong to it", name)
			}
			if isFolder {
				if err := walk(name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(".")
}

// linkedState is what a check learns about a linked package.
type linkedState struct {
	entry string   // the folder of the entry it lives in; "" if it has a folder of its own
	name  string   // of the package; "" if that is not clear
	needs []Target // without Name
}

// linked checks a linked package: that it is complete, has the links it was made with, and, if it has a
// folder of its own, that the files in it are those of its entry. The files of an entry that it lives
// in are looked at only if sizes are compared: else the entry is checked for itself.
func (c *checker) linked(key string) (st linkedState, err error) {
	dir := filepath.Join(c.store.dir, linksName, key)
	to, err := os.Readlink(dir)
	if err == nil {
		dir = filepath.Join(filepath.Dir(dir), to)
		if _, ok := c.store.digestOf(dir); !ok {
			return st, damagef("it leads to %q, which is no entry", to)
		}
		st.entry = dir
	}
	root, err := openFolder(dir)
	if err != nil {
		return st, damagef("%w", err)
	}
	defer root.close()
	own := st.entry == ""
	f, err := look(root, own)
	if err != nil {
		return st, damagef("%w", err)
	}
	if len(f.folders) == 1 {
		st.name = f.folders[0]
	}
	if err := c.sealed(root, key, f); err != nil {
		return st, err
	}
	for _, l := range f.links {
		key, pkg, _ := parseLinkText(l.path, l.to)
		st.needs = append(st.needs, Target{Key: key, Package: pkg})
	}
	if own {
		return st, c.own(root, f)
	}
	if c.buf == nil {
		_, err = c.entry(dir)
	}
	return st, err
}

// sealed checks that a linked package is the one it says, and has its links.
func (c *checker) sealed(root *folder, key string, f found) error {
	text, err := root.readlink(homeName)
	if err != nil {
		return damagef("%w", err)
	}
	switch of, ok := sealedKey(text); {
	case !ok:
		return damagef("%q is no seal of a linked package", text)
	case of != key:
		return damagef("it leads to the home of another linked package, %s", of)
	case text != seal(key, f.links):
		return damagef("its links are not those it was made with")
	}
	return nil
}

// own checks a linked package that has a folder of its own.
func (c *checker) own(root *folder, f found) error {
	to, err := root.readlink(entryName)
	if err != nil {
		return damagef("%w", err)
	}
	dir := filepath.Join(root.path, filepath.FromSlash(to))
	e, _, err := readEntry(dir)
	if err != nil {
		return damagef("the entry it was made of: %w", err)
	}
	src, err := openFolder(e.Dir)
	if err != nil {
		return damagef("%w", err)
	}
	defer src.close()
	files, err := root.sub(folderOf(e.Name))
	if err != nil {
		return damagef("%w", err)
	}
	defer files.close()
	var inside []placed
	var nested []string
	for _, l := range f.links {
		if at, ok := strings.CutPrefix(l.path, folderOf(e.Name)+"/"); ok {
			inside = append(inside, placed{path: at})
			nested = append(nested, strings.TrimPrefix(at, modulesName+"/"))
		}
	}
	for _, file := range e.Files {
		if displaced(file.Path, nested) {
			continue
		}
		if err := c.shared(src, files, file); err != nil {
			return damagef("%w", err)
		}
	}
	if c.buf == nil {
		return nil
	}
	if err := onlyHas(root, ".", homeName, entryName, modulesName); err != nil {
		return err
	}
	if err := onlyPackage(root, e.Name, true); err != nil {
		return err
	}
	return onlyFiles(files, e, inside)
}

// shared checks a file of a linked package with a folder of its own: it is the entry's file, or a copy of
// it, or a program whose first line was mended.
func (c *checker) shared(src, files *folder, f File) error {
	if f.Link != "" {
		return files.checkLink(f)
	}
	size, id, regular, err := files.stat(f.Path)
	if err != nil {
		return err
	}
	if !regular {
		return fmt.Errorf("%s is not a file", f.Path)
	}
	if _, its, _, err := src.stat(f.Path); err == nil && its == id && id != (fileID{}) && size == f.Size {
		return nil // looked at with the entry
	}
	if size == f.Size-1 && size < maxProgram {
		data, _, err := readWhole(filepath.Join(src.path, filepath.FromSlash(f.Path)), maxProgram)
		if err != nil {
			return err
		}
		copied, _, err := readWhole(filepath.Join(files.path, filepath.FromSlash(f.Path)), maxProgram)
		if err != nil {
			return err
		}
		if isDOSShebang(data) && string(mended(data)) == string(copied) {
			return nil
		}
	}
	return c.file(files, f)
}

// checkLinked checks a linked package by the sizes of its files.
func (s *Store) checkLinked(key string) error {
	_, err := (&checker{store: s}).linked(key)
	return err
}

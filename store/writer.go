package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
)

// Writer builds one entry. It is for one goroutine. Nothing it writes can be seen before Commit.
type Writer struct {
	store *Store
	work  *workspace
	dir   string // the temporary folder; "" once done
	files *folder
	made  map[string]struct{} // folders
	last  string              // the one used last
	root  string              // the folder that becomes the root
	entry Entry
	err   error // why there will be no entry
}

// NewWriter begins an entry. The caller ends it with Commit or Abort.
func (s *Store) NewWriter() (*Writer, error) {
	work, dir, err := s.buildDir()
	if err != nil {
		return nil, err
	}
	w := &Writer{store: s, work: work, dir: dir, made: map[string]struct{}{}}
	root := filepath.Join(dir, packageName)
	if err = os.Mkdir(root, 0o755); err == nil {
		w.files, err = openFolder(root)
	}
	if err != nil {
		w.Abort()
		return nil, s.fail("write", err)
	}
	return w, nil
}

// SetPackage notes the name and version that the package.json of the artifact says.
func (w *Writer) SetPackage(name, version string) { w.entry.Name, w.entry.Version = name, version }

// SetVariant notes in which way the artifact was unpacked, for artifacts that can be unpacked in more
// than one. Every way has an entry of its own, which [Store.GetVariant] finds by the same text.
func (w *Writer) SetVariant(variant string) { w.entry.Variant = variant }

// SetRoot makes dir, in which all files are, the root of the entry. It takes effect at Commit, which
// fails if there is a file elsewhere, or a link leads out of dir. With File it makes Writer an
// [archive.Rooter].
func (w *Writer) SetRoot(dir string) error {
	if w.err == nil && !validPath(dir) {
		w.err = w.store.fail("write", fmt.Errorf("%q is no path for a folder of a package", dir))
	}
	w.root = dir
	return w.err
}

// TempDir is a folder on the file system of the store, for files that are needed while the entry is
// being built. What is left there is removed when the store is closed, or by a later process.
func (w *Writer) TempDir() string { return w.work.dir }

// File writes one file or symbolic link: it makes Writer an [archive.Sink]. A file gets the mode 0644 or
// 0755, less the umask. Nothing is ever written through a link: a file whose path leads over one is an
// error. After an error there is nothing left but Abort.
func (w *Writer) File(e archive.Entry, content io.Reader) error {
	if w.err == nil {
		w.err = w.add(e, content)
	}
	return w.err
}

func (w *Writer) add(f File, content io.Reader) error {
	switch {
	case w.files == nil:
		return errors.New("store: the writer is used after its end")
	case !validPath(f.Path):
		return w.store.fail("write", fmt.Errorf("%q is no path for a file of a package", f.Path))
	case f.Link != "" && !validLink(f):
		return w.store.fail("write", fmt.Errorf("%q cannot be a link to %q", f.Path, f.Link))
	}
	// A folder that was not made here is an error of mkdir, be it a link or whatever.
	if i := strings.LastIndexByte(f.Path, '/'); i >= 0 && f.Path[:i] != w.last {
		if err := w.mkdir(f.Path[:i]); err != nil {
			return w.store.fail("write", err)
		}
		w.last = f.Path[:i]
	}
	if f.Link != "" {
		if err := w.files.symlink(f.Link, f.Path); err != nil {
			return w.store.fail("write", err)
		}
		w.entry.Files = append(w.entry.Files, File{Path: f.Path, Link: f.Link})
		return nil
	}
	mode := fs.FileMode(0o644)
	if f.Executable {
		mode = 0o755
	}
	n, err := w.files.write(f.Path, mode, content)
	if err == nil && n != f.Size && f.Size >= 0 {
		err = fmt.Errorf("%s: %d bytes instead of %d", f.Path, n, f.Size)
	}
	if err != nil {
		return w.store.fail("write", err)
	}
	f.Size = n
	w.entry.Files = append(w.entry.Files, f)
	return nil
}

// mkdir makes a folder and those above it, each once.
func (w *Writer) mkdir(dir string) error {
	if _, ok := w.made[dir]; ok {
		return nil
	}
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		if err := w.mkdir(dir[:i]); err != nil {
			return err
		}
	}
	if err := w.files.mkdir(dir); err != nil {
		return err
	}
	w.made[dir] = struct{}{}
	return nil
}

// Commit makes the entry visible as the artifact with the SHA-512 d, and under aliases, which are
// other digests of the same bytes. If the store has the entry by now, what was written is dropped
// and that one returned. The Writer is of no use after it.
func (w *Writer) Commit(d integrity.Digest, aliases ...integrity.Digest) (*Entry, error) {
	defer w.Abort()
	switch {
	case w.err != nil:
		return nil, w.err
	case w.files == nil:
		return nil, errors.New("store: the writer is used after its end")
	case d.Algorithm() != integrity.SHA512:
		return nil, w.store.fail("write", fmt.Errorf("digest %q is not a sha512", d))
	}
	w.files.close()
	w.files = nil
	if err := w.dropRoot(); err != nil {
		return nil, w.store.fail("write", err)
	}
	w.entry.Digest = d
	slices.SortFunc(w.entry.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	if err := os.WriteFile(filepath.Join(w.dir, indexName), formatIndex(&w.entry), 0o644); err != nil {
		return nil, w.store.fail("write", err)
	}
	e, err := w.publish()
	if err != nil {
		return nil, err
	}
	for _, weak := range aliases {
		if weak.Algorithm() != integrity.SHA512 && !weak.IsZero() {
			if err := w.store.alias(w.work, weak, d); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// dropRoot puts the folder that is to be the root in the place of the one that holds it.
func (w *Writer) dropRoot() error {
	if w.root == "" {
		return nil
	}
	for i := range w.entry.Files {
		f := &w.entry.Files[i]
		rest, ok := strings.CutPrefix(f.Path, w.root+"/")
		if !ok {
			return fmt.Errorf("%s is not in %s", f.Path, w.root)
		}
		if f.Path = rest; f.Link != "" && !validLink(*f) {
			return fmt.Errorf("%q cannot be a link to %q", f.Path, f.Link)
		}
	}
	whole, root := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, packageName)
	if err := os.Rename(root, whole); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(whole, filepath.FromSlash(w.root)), root); err != nil {
		return err
	}
	return os.RemoveAll(whole)
}

// publish renames the entry into place, unless there is one.
func (w *Writer) publish() (*Entry, error) {
	dst := w.store.entryDir(w.entry.Digest, w.entry.Variant)
	err := os.Rename(w.dir, dst)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(dst), 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			err = os.Rename(w.dir, dst)
		}
	}
	if err != nil {
		var have *Entry
		if have, err = w.replace(dst, err); have != nil || err != nil {
			return have, err
		}
	}
	w.dir = ""
	w.entry.Dir = filepath.Join(dst, packageName)
	e := w.entry
	return &e, nil
}

// replace deals with what is in the way: another process's entry is as good as ours; anything else
// is damaged and makes room. Only one process at a time does so, or one could take away what
// another has just put there.
func (w *Writer) replace(dst string, cause error) (*Entry, error) {
	if have, err := w.store.GetVariant(w.entry.Digest, w.entry.Variant); err == nil {
		return have, nil
	}
	unlock := w.store.lockReplacing()
	defer unlock()
	if have, err := w.store.GetVariant(w.entry.Digest, w.entry.Variant); err == nil {
		return have, nil
	}
	if _, err := os.Lstat(dst); err != nil {
		return nil, w.store.fail("write", cause)
	}
	err := w.work.moveAside(dst)
	if err == nil {
		err = os.Rename(w.dir, dst)
	}
	if err != nil {
		return nil, w.store.fail("write", err)
	}
	return nil, nil
}

// Abort drops what was not committed. It may be called more than once, and after Commit.
func (w *Writer) Abort() {
	if w.files != nil {
		w.files.close()
		w.files = nil
	}
	if w.dir != "" {
		_ = os.RemoveAll(w.dir)
		w.dir = ""
	}
}

// alias records that weak is a digest of the artifact whose SHA-512 is strong.
func (s *Store) alias(work *workspace, weak, strong integrity.Digest) error {
	path := s.aliasPath(weak)
	if have, err := s.resolve(weak); err == nil && have == strong {
		return nil
	}
	tmp := work.name("alias")
	err := os.WriteFile(tmp, []byte(strong.Hex()+"\n"), 0o644)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(path), 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			err = os.Rename(tmp, path)
		}
	}
	if err != nil {
		return errors.Join(s.fail("write", err), removeIfThere(tmp))
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

package store

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
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
	base  string              // the folder of the files, in dir; slash-separated
	root  string              // the folder in it that becomes the root
	entry Entry
	err   error // why there will be no entry
}

// NewWriter begins an entry. name is the name of the package that will be inside, whose files go to the
// folder node_modules/NAME of the entry; "" is for what has none, such as a tool, and a name that cannot
// be a path counts as none. The caller ends it with Commit or Abort.
func (s *Store) NewWriter(name string) (*Writer, error) {
	work, dir, err := s.buildDir()
	if err != nil {
		return nil, err
	}
	w := &Writer{store: s, work: work, dir: dir, made: map[string]struct{}{}, base: folderOf(name)}
	w.entry.Name = name
	if err = mkdirs(dir, w.base); err == nil {
		w.files, err = openFolder(filepath.Join(dir, filepath.FromSlash(w.base)))
	}
	if err != nil {
		w.Abort()
		return nil, s.fail("write", err)
	}
	return w, nil
}

// mkdirs makes the folders of a path, none of which is there, or only those of its parents.
func mkdirs(dir, path string) error {
	for i, c := range path + "/" {
		if c != '/' {
			continue
		}
		err := os.Mkdir(filepath.Join(dir, filepath.FromSlash(path[:i])), 0o755)
		if err != nil && !(i < len(path) && errors.Is(err, fs.ErrExist)) {
			return err
		}
	}
	return nil
}

// SetPackage notes the name and version that the package.json of the artifact says. If the name is
// another one than NewWriter was given, Commit moves the files.
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
		w.err = w.add(File{Path: e.Path, Executable: e.Executable, Size: e.Size, Link: e.Link}, content)
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
	n, sum, err := w.files.write(f.Path, mode, content)
	if err == nil && n != f.Size && f.Size >= 0 {
		err = fmt.Errorf("%s: %d bytes instead of %d", f.Path, n, f.Size)
	}
	if err != nil {
		return w.store.fail("write", err)
	}
	f.Size, f.CRC32C = n, sum
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
	err := w.dropRoot()
	if err == nil {
		err = w.moveBase()
	}
	if err != nil {
		return nil, w.store.fail("write", err)
	}
	w.entry.Digest = d
	slices.SortFunc(w.entry.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	if err := writeNew(filepath.Join(w.dir, indexName), formatIndex(&w.entry)); err != nil {
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
	whole, root := filepath.Join(w.dir, "whole"), filepath.Join(w.dir, filepath.FromSlash(w.base))
	if err := os.Rename(root, whole); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(whole, filepath.FromSlash(w.root)), root); err != nil {
		return err
	}
	return os.RemoveAll(whole)
}

// moveBase moves the files to the folder of the name that the artifact turned out to have.
func (w *Writer) moveBase() error {
	want := folderOf(w.entry.Name)
	if want == w.base {
		return nil
	}
	aside := filepath.Join(w.dir, "whole")
	if err := os.Rename(filepath.Join(w.dir, filepath.FromSlash(w.base)), aside); err != nil {
		return err
	}
	if first, _, _ := strings.Cut(w.base, "/"); first != w.base {
		if err := os.RemoveAll(filepath.Join(w.dir, first)); err != nil {
			return err
		}
	}
	if parent := path.Dir(want); parent != "." {
		if err := mkdirs(w.dir, parent); err != nil {
			return err
		}
	}
	w.base = want
	return os.Rename(aside, filepath.Join(w.dir, filepath.FromSlash(want)))
}

// publish renames the entry into place, unless there is one.
func (w *Writer) publish() (*Entry, error) {
	dst := w.store.entryDir(w.entry.Digest, w.entry.Variant)
	err := rename(w.dir, dst)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(dst), 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			err = rename(w.dir, dst)
		}
	}
	if err != nil {
		var have *Entry
		if have, err = w.replace(dst, err); have != nil || err != nil {
			return have, err
		}
	}
	w.dir = ""
	w.entry.Dir = filepath.Join(dst, filepath.FromSlash(w.base))
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
	err := w.store.takeOutEntry(w.work, dst)
	if err == nil {
		err = rename(w.dir, dst)
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
	if have, err := s.Resolve(weak); err == nil && have == strong {
		return nil
	}
	tmp := work.name("alias")
	err := writeNew(tmp, []byte(strong.Hex()+"\n"))
	if err == nil {
		err = rename(tmp, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.Mkdir(filepath.Dir(path), 0o755); err == nil || errors.Is(err, fs.ErrExist) {
			err = rename(tmp, path)
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

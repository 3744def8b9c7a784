package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// putOwn makes a linked package in a folder of its own: hard links to the files of its entry, copies
// where those cannot be made.
func (s *Store) putOwn(p *plan, src *folder, dos map[string]bool) error {
	work, dir, err := s.buildDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // nothing, if it got its place
	if err := s.fill(p, dos, src, dir); err != nil {
		return err
	}
	// While we have the lock nobody replaces the entry: its files may be damaged, and whoever replaces it
	// for that takes out what is made of them, as far as it can be seen.
	unlock := s.lockReplacing()
	defer unlock()
	if !src.stillAt(s.root(p.Entry)) {
		return errReplaced
	}
	place := func(dst string) error { return rename(dir, dst) }
	taken, err := s.publishLinked(p.Key, place)
	if taken {
		err = s.makeRoom(work, p.Key, place)
	}
	return err
}

// stillAt says that a folder was not replaced since it was opened.
func (f *folder) stillAt(path string) bool {
	now, err := openFolder(path)
	if err != nil {
		return false
	}
	defer now.close()
	_, a, _, errA := f.stat(".")
	_, b, _, errB := now.stat(".")
	return errA == nil && errB == nil && a == b
}

// fill makes what is in the folder of a linked package.
func (s *Store) fill(p *plan, dos map[string]bool, src *folder, dir string) error {
	base := p.base()
	if err := mkdirs(dir, base); err != nil {
		return err
	}
	root, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer root.close()
	from, err := src.sub(base)
	if err != nil {
		return err
	}
	defer from.close()
	to, err := root.sub(base)
	if err != nil {
		return err
	}
	defer to.close()
	if err := p.linkFiles(from, to, dos); err != nil {
		return err
	}
	if err := root.putLinks(p.links); err != nil {
		return err
	}
	rel, err := filepath.Rel(filepath.Join(s.dir, linksName, p.Key), s.root(p.Entry))
	if err != nil {
		return err
	}
	if err := root.symlink(filepath.ToSlash(rel), entryName); err != nil {
		return err
	}
	return root.symlink(p.seal, homeName)
}

// linkFiles fills the folder of the package.
func (p *plan) linkFiles(from, to *folder, dos map[string]bool) error {
	last := ""
	for _, f := range p.Entry.Files {
		if p.displaces(f.Path) {
			continue
		}
		if i := strings.LastIndexByte(f.Path, '/'); i >= 0 && f.Path[:i] != last {
			if err := to.mkdirAll(f.Path[:i]); err != nil {
				return err
			}
			last = f.Path[:i]
		}
		var err error
		switch {
		case f.Link != "":
			err = to.symlink(f.Link, f.Path)
		case dos[f.Path]:
			err = copyMended(from, to, f)
		default:
			if err = to.link(from, f.Path); err != nil && cannotLink(err) {
				err = copyFile(from, to, f, slices.Contains(p.Programs, f.Path))
			}
		}
		if err != nil {
			return err
		}
	}
	for _, f := range p.missingModes() {
		if dos[f.Path] || p.displaces(f.Path) {
			continue
		}
		if err := p.makeExecutable(from, to, f); err != nil {
			return err
		}
	}
	return nil
}

// makeExecutable gives a program its mode; one that belongs to somebody else is copied.
func (p *plan) makeExecutable(from, to *folder, f File) error {
	err := to.chmod(f.Path, 0o755)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := to.remove(f.Path); err != nil {
		return err
	}
	return copyFile(from, to, f, true)
}

// displaces says whether a file of the artifact stands where a link will.
func (p *plan) displaces(file string) bool { return displaced(file, p.nested) }

// displaced says whether a file of an artifact stands where one of the nested packages does.
func displaced(file string, nested []string) bool {
	rest, ok := strings.CutPrefix(file, modulesName+"/")
	return ok && slices.ContainsFunc(nested, func(name string) bool { return strings.HasPrefix(rest+"/", name+"/") })
}

// missingModes are the programs that are not executable in the entry.
func (p *plan) missingModes() (files []File) {
	for _, f := range p.programs() {
		if !f.Executable {
			files = append(files, f)
		}
	}
	return files
}

// programs are the files of the programs.
func (p *plan) programs() (files []File) {
	for _, program := range p.Programs {
		i, ok := slices.BinarySearchFunc(p.Entry.Files, program, func(f File, path string) int { return strings.Compare(f.Path, path) })
		if ok && p.Entry.Files[i].Link == "" {
			files = append(files, p.Entry.Files[i])
		}
	}
	return files
}

// maxProgram bounds the scripts that are looked into for a carriage return.
const maxProgram = 1 << 20

// dosPrograms are the programs that no kernel can start, because the line that names their interpreter
// ends in a carriage return. npm mends them too.
func (p *plan) dosPrograms(root *folder) (map[string]bool, error) {
	var dos map[string]bool
	for _, f := range p.programs() {
		if f.Size > maxProgram {
			continue
		}
		is, err := hasDOSShebang(filepath.Join(root.path, filepath.FromSlash(p.base()), filepath.FromSlash(f.Path)))
		if err != nil {
			return nil, err
		}
		if is {
			if dos == nil {
				dos = map[string]bool{}
			}
			dos[f.Path] = true
		}
	}
	return dos, nil
}

func hasDOSShebang(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var head [256]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	return isDOSShebang(head[:n]), nil
}

func isDOSShebang(head []byte) bool {
	line, _, found := bytes.Cut(head[:min(256, len(head))], []byte("\n"))
	return found && bytes.HasPrefix(line, []byte("#!")) && bytes.HasSuffix(line, []byte("\r"))
}

// mended is a program without the carriage return.
func mended(data []byte) []byte {
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	return slices.Concat(bytes.TrimSuffix(line, []byte("\r")), []byte("\n"), rest)
}

func copyMended(from, to *folder, f File) error {
	data, _, err := readWhole(filepath.Join(from.path, filepath.FromSlash(f.Path)), maxProgram)
	if err != nil {
		return err
	}
	_, _, err = to.write(f.Path, 0o755, bytes.NewReader(mended(data)))
	return err
}

// copyFile copies a file of an entry.
func copyFile(from, to *folder, f File, program bool) error {
	in, err := os.Open(filepath.Join(from.path, filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer in.Close()
	mode := fs.FileMode(0o644)
	if program || f.Executable {
		mode = 0o755
	}
	n, sum, err := to.write(f.Path, mode, in)
	if err == nil && (n != f.Size || sum != f.CRC32C) {
		err = fmt.Errorf("%s is not as it was written: %w", f.Path, ErrDamaged)
	}
	return err
}

// cannotLink says that the file system, not the file, is the reason.
func cannotLink(err error) bool {
	return errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EMLINK) || errors.Is(err, syscall.EPERM) ||
		errors.Is(err, syscall.ENOTSUP) || errors.Is(err, errors.ErrUnsupported)
}

// publishLinked makes links/KEY, by which a linked package is known to be complete. taken says that
// something is in its place.
func (s *Store) publishLinked(key string, place func(dst string) error) (taken bool, err error) {
	dst := filepath.Join(s.dir, linksName, key)
	err = place(dst)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(dst), 0o755); err == nil {
			err = place(dst)
		}
	}
	if err != nil {
		_, statErr := os.Lstat(dst)
		taken = statErr == nil
	}
	return taken, err
}

// makeRoom deals with what is in the place of links/KEY: it is complete by now, or was never. The caller
// holds the lock of lockReplacing.
func (s *Store) makeRoom(w *workspace, key string, place func(dst string) error) error {
	if s.HasLinked(key) {
		return nil
	}
	if err := s.takeOut(w, "", key); err != nil {
		return err
	}
	return place(filepath.Join(s.dir, linksName, key))
}

package link

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

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// Method is how a file gets from the store into a project.
type Method string

// The methods.
const (
	// Auto links, and copies where a link cannot be made (another file system).
	Auto Method = "auto"
	// Hardlink fails where a link cannot be made.
	Hardlink Method = "hardlink"
	// Copy gives the project files of its own.
	Copy Method = "copy"
)

// linkEntry makes dst a folder with the entry's files and returns their number. Programs of bin are
// made executable; one that was not is copied, since a link shares its mode with the store. What the
// entry has in the place of a package that is nested in it is left out.
func (a *applier) linkEntry(e *store.Entry, dst string, bin map[string]string, nested []string) (int64, error) {
	programs := map[string]bool{}
	for name, target := range bin {
		if _, target, err := lockfile.CleanBin(name, target); err == nil {
			programs[target] = true
		}
	}
	if err := os.Mkdir(dst, 0o755); err != nil { // mostly its parent is there
		if err := os.MkdirAll(dst, 0o755); err != nil {
			return 0, err
		}
	}
	w, err := newTreeWriter(e.Dir, dst)
	if err != nil {
		return 0, err
	}
	defer w.close()
	var n int64
	for _, f := range e.Files {
		if displaced(f.Path, nested) {
			continue
		}
		if err := w.enter(f.Path[:max(strings.LastIndexByte(f.Path, '/'), 0)]); err != nil {
			return n, err
		}
		if err := a.linkFile(w, f, programs[f.Path]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// displaced says whether a file of an artifact stands where one of the nested packages will.
func displaced(file string, nested []string) bool {
	rest, ok := strings.CutPrefix(file, modules+"/")
	return ok && slices.ContainsFunc(nested, func(name string) bool { return strings.HasPrefix(rest+"/", name+"/") })
}

func (a *applier) linkFile(w *treeWriter, f store.File, program bool) error {
	if program {
		if done, err := copyProgram(w, f); done || err != nil {
			return err
		}
	}
	if a.Method == Copy {
		return w.copy(f)
	}
	err := w.link(f.Path)
	if err != nil && a.Method != Hardlink && cannotLink(err) {
		return w.copy(f)
	}
	return err
}

// cannotLink says that the file system, not the file, is the reason.
func cannotLink(err error) bool {
	return errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EMLINK) || errors.Is(err, syscall.EPERM) ||
		errors.Is(err, syscall.ENOTSUP) || errors.Is(err, errors.ErrUnsupported)
}

// maxProgram bounds the scripts that are looked into for a carriage return.
const maxProgram = 1 << 20

// copyProgram copies a program that cannot be linked as it is: it is not executable, or the line
// that names its interpreter ends in a carriage return, which no kernel understands (npm mends
// both too).
func copyProgram(w *treeWriter, f store.File) (bool, error) {
	src := filepath.Join(w.src, filepath.FromSlash(f.Path))
	dos, err := hasDOSShebang(src)
	if err != nil || f.Executable && !dos {
		return false, err
	}
	f.Executable = true
	if !dos || f.Size > maxProgram {
		return true, w.copy(f)
	}
	data, err := os.ReadFile(src)
	if err != nil {
		return true, err
	}
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	fixed := append(append(bytes.TrimSuffix(line, []byte("\r")), '\n'), rest...)
	return true, os.WriteFile(filepath.Join(w.dst, filepath.FromSlash(f.Path)), fixed, 0o755)
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
	line, _, found := bytes.Cut(head[:n], []byte("\n"))
	return found && bytes.HasPrefix(line, []byte("#!")) && bytes.HasSuffix(line, []byte("\r")), nil
}

// copyFile copies one file, never over another.
func copyFile(src, dst string, mode fs.FileMode) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}

func fileMode(f store.File) fs.FileMode {
	if f.Executable {
		return 0o755
	}
	return 0o644
}

// copy copies a file of the entry.
func (w *treeWriter) copy(f store.File) error {
	path := filepath.FromSlash(f.Path)
	if err := copyFile(filepath.Join(w.src, path), filepath.Join(w.dst, path), fileMode(f)); err != nil {
		return fmt.Errorf("copy %s: %w", f.Path, err)
	}
	return nil
}

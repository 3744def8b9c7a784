package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// target is where a download goes: a file that appears whole, or a stream that gets nothing before
// all is verified. Either way the bytes wait in a temporary file.
type target struct {
	temp   *os.File
	dir    string    // of the file
	name   string    // of the file; "" is the one that commit is given
	stream io.Writer // in place of a file
	show   func(path string) string

	size  int64
	shown string // the file, for the user
	err   error  // of Reset
}

// openTarget opens what -o names: a file, a folder, "-" for standard output, "" for the project's
// folder.
func (a *app) openTarget(out string) (*target, error) {
	t := &target{dir: a.dir(), show: a.shownPath}
	path := out
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.dir, path)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // replacing the file must not replace the link
	}
	st, err := os.Stat(path)
	switch {
	case out == "-":
		t.stream = a.Stdout
	case out == "" || err == nil && st.IsDir():
		t.dir = path
	case os.IsPathSeparator(out[len(out)-1]):
		return nil, fmt.Errorf("-o %s: there is no such folder", out)
	case err == nil && !st.Mode().IsRegular(): // a device or pipe, which must stay what it is
		t.shown = out
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return nil, fmt.Errorf("-o %s: %w", out, cause(err))
		}
		t.stream = f
	default:
		t.dir, t.name = filepath.Split(path)
	}
	if t.stream != nil {
		t.temp, err = os.CreateTemp("", "pantry-download-*")
	} else {
		t.temp, err = createBeside(t.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("the download can't be written: %w", err)
	}
	return t, nil
}

// createBeside makes a temporary file in dir with the permissions of an ordinary one, which
// os.CreateTemp does not give.
func createBeside(dir string) (*os.File, error) {
	const tries = 100 // as many as os.CreateTemp would need with bad luck, and far fewer than its 10,000
	for i := 0; ; i++ {
		path := filepath.Join(dir, fmt.Sprintf(".pantry-download-%016x.tmp", rand.Uint64()))
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || i == tries {
			return f, err
		}
	}
}

// Reset drops what was written: it was wrong, and comes from elsewhere now.
func (t *target) Reset() {
	_, err := t.temp.Seek(0, io.SeekStart)
	t.err, t.size = errors.Join(t.temp.Truncate(0), err), 0
}

func (t *target) Write(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.temp.Write(p)
	t.size += int64(n)
	return n, err
}

// commit brings the bytes to their place. name is the file's where the user gave none.
func (t *target) commit(name string) error {
	if t.stream != nil {
		if _, err := t.temp.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(t.stream, t.temp)
		return err
	}
	if t.name == "" {
		t.name = name
	}
	path := filepath.Join(t.dir, t.name)
	t.shown = t.show(path)
	err := t.temp.Sync()
	if cerr := t.temp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(t.temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("%s can't be written: %w", t.shown, cause(err))
	}
	return nil
}

// abort removes what is left. After commit that is nothing, or the temporary file of a stream.
func (t *target) abort() {
	_ = t.temp.Close()
	_ = os.Remove(t.temp.Name())
	if f, ok := t.stream.(*os.File); ok && t.shown != "" {
		_ = f.Close()
	}
}

// cause is an error of the file system without its path, which the message names already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}

package lockfile

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pantry-go/pantry/wholefile"
)

// Read reads the lockfile at path. A file that is not there is an error matching
// [io/fs.ErrNotExist]; so is an empty one, which a loss of power soon after it was first written leaves
// on some file systems.
func Read(path string) (*Lock, error) {
	l, _, err := ReadText(path)
	return l, err
}

// ReadText is Read that returns the text too.
func ReadText(path string) (*Lock, []byte, error) {
	data, err := readAll(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read lockfile: %w", err)
	}
	if len(data) == 0 {
		return nil, nil, fmt.Errorf("read lockfile: %s is empty: %w", path, fs.ErrNotExist)
	}
	l, err := Parse(path, data)
	return l, data, err
}

// readAll reads a byte more than Parse accepts at most.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf bytes.Buffer
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
		buf.Grow(int(min(st.Size(), MaxSize)) + bytes.MinRead)
	}
	_, err = buf.ReadFrom(io.LimitReader(f, MaxSize+1))
	return buf.Bytes(), err
}

// Write writes the lockfile to path: [Lock.Text] and [WriteText].
func (l *Lock) Write(path string) error {
	text, err := l.Text()
	if err != nil {
		return err
	}
	return WriteText(path, text)
}

// Text is [Lock.Format]. A Lock whose text [Parse] would not read is an error.
func (l *Lock) Text() ([]byte, error) {
	text := l.Format()
	if _, err := Parse(Name, text); err != nil {
		return nil, fmt.Errorf("write lockfile: it could not be read again: %w", err)
	}
	return text, nil
}

// WriteText writes a lockfile's text to path, whole or not at all, and leaves a file alone that has the
// same content already. Where path is a symbolic link, the file it points to is replaced. It is not
// waited for the disk: see [Read] for what a loss of power can leave.
func WriteText(path string, text []byte) error {
	if old, err := readAll(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := wholefile.WriteUnsynced(path, text, 0o644); err != nil {
		return fmt.Errorf("write lockfile: %w", err)
	}
	return nil
}

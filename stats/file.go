package stats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/pantry-go/pantry/wholefile"
)

// File adds up the counts of processes. Several of them may use it at once.
type File struct{ path string }

// NewFile is the file in a folder, which need not exist.
func NewFile(dir string) *File { return &File{filepath.Join(dir, "stats.json")} }

// Path is where the file is.
func (f *File) Path() string { return f.path }

const (
	// version of the file's form. Another one is not read, and replaced.
	version = 1
	// maxFile bounds the file, in bytes: ten times what the bounds of package stats allow for an
	// unusual number of registries.
	maxFile = 4 << 20
	// lockTime is how long another process is waited for, and lockPause how often it is looked at.
	// What it does takes a fraction of a millisecond.
	lockTime  = 250 * time.Millisecond
	lockPause = time.Millisecond
)

type document struct {
	Version int `json:"version"`
	Stats
}

// ErrDamaged is matched by the error of a file that cannot be understood. Adding to it begins anew.
var ErrDamaged = errors.New("the statistics cannot be read")

// Load reads the counts. A file that is not there has none.
func (f *File) Load() (Stats, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return Stats{}, nil
	}
	if err != nil {
		return Stats{}, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return Stats{}, err
	}
	s, err := parse(data)
	if err != nil {
		return Stats{}, fmt.Errorf("%w: %s: %w", ErrDamaged, f.path, err)
	}
	return s, nil
}

func parse(data []byte) (Stats, error) {
	if len(data) > maxFile {
		return Stats{}, errors.New("it is too large")
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return Stats{}, err
	}
	if d.Version != version {
		return Stats{}, fmt.Errorf("it is of version %d", d.Version)
	}
	// What is not in order, twice there or too much is put right by adding it up.
	s := Stats{}
	s.Merge(d.Stats)
	return s, nil
}

// Add adds counts to the file. Where another process holds it for long they are lost, and the error
// says so: a command must not wait for its statistics.
func (f *File) Add(s Stats) error {
	return f.locked(func() error {
		all, err := f.Load()
		if err != nil && !errors.Is(err, ErrDamaged) {
			return err
		}
		all.Merge(s)
		data, err := json.Marshal(document{version, all})
		if err != nil {
			return err
		}
		return wholefile.WriteUnsynced(f.path, data, 0o600)
	})
}

// Reset forgets all counts.
func (f *File) Reset() error {
	err := f.locked(func() error { return os.Remove(f.path) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (f *File) locked(do func() error) error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
		return err
	}
	lock := flock.New(f.path + ".lock")
	ctx, cancel := context.WithTimeout(context.Background(), lockTime)
	defer cancel()
	ok, err := lock.TryLock()
	if err == nil && !ok {
		_, err = lock.TryLockContext(ctx, lockPause)
	}
	if err != nil {
		return fmt.Errorf("%s is in use: %w", f.path, err)
	}
	defer func() { _ = lock.Close() }()
	return do()
}

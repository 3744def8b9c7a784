package packument

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Folder is where packuments are kept, for all registries and for everybody who asks them. It is
// safe for concurrent use, also by several processes.
type Folder struct {
	dir   string
	key   func() ([]byte, error)
	ready func() error
	rooms sync.Pool // of *[firstRead]byte

	openFiles atomic.Int32
}

const (
	// firstRead is how much of a file is read at once: most files are smaller, so that opening,
	// reading and closing is all that they cost.
	firstRead = 64 << 10
	// mostInMemory is how large a file may be that is held in memory: new memory costs several times
	// what reading costs. Of a larger one, the versions are in memory and their parts and digests are
	// read when they are needed; it is held open for that.
	mostInMemory = 16 << 10
	// maxOpenFiles bounds these files; others are held in memory, however large. In a project of two
	// thousand packages some 250 are that large, and a process may have 1,024 files by default.
	maxOpenFiles = 256
)

// formFolder is the folder of this form's files: another form has another folder.
const formFolder = "packuments-1"

// abandonedAfter is when a file that somebody began to write is nobody's any more. Writing one
// takes milliseconds.
const abandonedAfter = time.Hour

// NewFolder returns the packuments in a folder. It reads and writes nothing.
func NewFolder(dir string) *Folder {
	f := &Folder{dir: filepath.Join(dir, formFolder)}
	f.key = sync.OnceValues(func() ([]byte, error) { return readKey(f.dir) })
	f.rooms.New = func() any { return new([firstRead]byte) }
	f.ready = sync.OnceValue(f.prepare)
	return f
}

// Key is a secret of the folder's own, made at random when it is first needed: hashes of credentials
// that are keyed by it cannot be compared with those of guesses by who sees only names of files.
func (f *Folder) Key() ([]byte, error) { return f.key() }

// Shelf returns the packuments of the registry at a URL, as whoever identity stands for gets to see
// them. Identity is a hash by [Folder.Key]; "" is nobody.
func (f *Folder) Shelf(url, identity string) *Shelf {
	sum := sha256.Sum256([]byte(url + "\x00" + identity))
	return &Shelf{folder: f, dir: filepath.Join(f.dir, hex.EncodeToString(sum[:16])), handle: new(folderHandle)}
}

// temporary is where files are written aside.
func (f *Folder) temporary() string { return filepath.Join(f.dir, "tmp") }

// prepare makes the folder, which is for its owner alone: packuments of private registries are in
// it. What others left unfinished is removed, and now and then what is old.
func (f *Folder) prepare() error {
	tmp := f.temporary()
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if st, err := e.Info(); err == nil && time.Since(st.ModTime()) > abandonedAfter {
			_ = os.Remove(filepath.Join(tmp, e.Name()))
		}
	}
	f.pruneSometimes()
	return nil
}

// Bounds of what is kept without being asked.
const (
	// KeptFor is how long a packument is kept that no registry has confirmed.
	KeptFor = 30 * 24 * time.Hour
	// MaxBytes is how much is kept: a project of two thousand packages has some 60 MB.
	MaxBytes = 1 << 30
	// pruneAfter is how long a folder is left alone. Looking through one of ten thousand packuments takes
	// some twenty milliseconds.
	pruneAfter = 24 * time.Hour
)

// Usage is a number of packuments and their bytes.
type Usage struct {
	Packuments int
	Bytes      int64
}

// keptFile is a packument's file.
type keptFile struct {
	path string
	size int64
	at   time.Time
}

// files are those of all packuments. What other processes take away meanwhile is not among them.
func (f *Folder) files() ([]keptFile, error) {
	var files []keptFile
	err := filepath.WalkDir(f.dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() || filepath.Dir(path) == f.dir {
			return err
		}
		if st, err := e.Info(); err == nil {
			files = append(files, keptFile{path, st.Size(), st.ModTime()})
		}
		return nil
	})
	return files, err
}

// Usage counts what is there.
func (f *Folder) Usage() (Usage, error) {
	var u Usage
	files, err := f.files()
	for _, file := range files {
		u.add(file)
	}
	return u, err
}

func (u *Usage) add(f keptFile) {
	u.Packuments++
	u.Bytes += f.size
}

// Prune removes packuments that no registry has confirmed for longer than age, and of the others the
// oldest beyond most bytes.
func (f *Folder) Prune(age time.Duration, most int64) (removed Usage, err error) {
	files, err := f.files()
	before := time.Now().Add(-age)
	slices.SortFunc(files, func(a, b keptFile) int { return b.at.Compare(a.at) })
	for _, file := range files {
		if most -= file.size; most >= 0 && !file.at.Before(before) {
			continue
		}
		if os.Remove(file.path) == nil {
			removed.add(file)
		}
	}
	return removed, err
}

// pruneSometimes prunes a folder that was not pruned for long. What goes wrong is for the next time.
func (f *Folder) pruneSometimes() {
	marker := filepath.Join(f.dir, "pruned")
	if st, err := os.Stat(marker); err == nil && time.Since(st.ModTime()).Abs() < pruneAfter {
		return
	}
	if os.WriteFile(marker, nil, 0o600) != nil {
		return
	}
	now := time.Now()
	_ = os.Chtimes(marker, now, now)
	_, _ = f.Prune(KeptFor, MaxBytes)
}

// keySize is that of the hash it is for.
const keySize = 32

// readKey reads the folder's key, and makes it where there is none.
func readKey(dir string) ([]byte, error) {
	path := filepath.Join(dir, "key")
	for range 2 {
		key, err := os.ReadFile(path)
		if err == nil && len(key) == keySize {
			return key, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := makeKey(dir, path, err == nil); err != nil {
			return nil, err
		}
	}
	return nil, errDamaged
}

// makeKey puts a new key at path. Where there is one already, which another process made in the
// meantime, it stays; a broken one is replaced.
func makeKey(dir, path string, replace bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	t, err := os.CreateTemp(dir, "key-*")
	if err != nil {
		return err
	}
	defer os.Remove(t.Name())
	_, err = t.Write(key)
	if err = errors.Join(err, t.Close()); err != nil {
		return err
	}
	if !replace {
		if err := os.Link(t.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
	}
	return os.Rename(t.Name(), path)
}

package httpcache

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pantry-go/pantry/wholefile"
)

// Bounds of what is kept.
const (
	// maxBody is the largest body that is kept, in bytes as on the wire: the document of the largest npm
	// package has 4 MB there, pkgx's recipes have 2.
	maxBody = 16 << 20
	maxFile = headSize + maxHeaders + maxBody
	// DefaultMaxBytes bounds a folder.
	DefaultMaxBytes = 512 << 20
	// DefaultMaxAge is for how long an answer is kept that no registry has confirmed.
	DefaultMaxAge = 30 * 24 * time.Hour

	// shards are folders within the folder. Each is looked through by itself, and has its part of the
	// bound, so that keeping the bound costs little at any time.
	shards = 16
	// pruneAfter is how long a shard is left alone that one process has not written much to.
	pruneAfter = time.Hour
	// pruneBytes is how much a process may write to a shard before it looks at it again.
	pruneBytes = 8 << 20
	// abandonedAfter is when a file that somebody began to write is nobody's any more.
	abandonedAfter = time.Hour
)

// formFolder is the folder of this form's files: another form has another folder.
const formFolder = "answers-1"

// Folder keeps answers of registries in files. It is safe for concurrent use, also by several
// processes.
type Folder struct {
	dir      string
	now      func() time.Time
	maxBytes int64
	secret   func() ([]byte, error)
	written  [shards]atomic.Int64 // since the shard was looked through; below 0: never yet
	running  refreshes
}

// FolderOptions of a [Folder]. The zero value is useful.
type FolderOptions struct {
	// MaxBytes bounds the files; 0 means DefaultMaxBytes.
	MaxBytes int64
	// Now is the clock that tells the age of answers. nil means time.Now.
	Now func() time.Time
}

// NewFolder returns the answers below a folder. It reads and writes nothing.
func NewFolder(dir string, o FolderOptions) *Folder {
	f := &Folder{dir: filepath.Join(dir, formFolder), now: o.Now, maxBytes: o.MaxBytes}
	if f.now == nil {
		f.now = time.Now
	}
	if f.maxBytes <= 0 {
		f.maxBytes = DefaultMaxBytes
	}
	f.secret = sync.OnceValues(func() ([]byte, error) { return secretIn(f.dir) })
	for i := range f.written {
		f.written[i].Store(-1)
	}
	return f
}

// Dir is the folder of the files.
func (f *Folder) Dir() string { return f.dir }

// key is what an answer is found by: a hash of the registry's URL, whom it took the sender for, and
// what was asked.
type key [sha256.Size]byte

func (k key) shard() int { return int(k[0]) % shards }

// file is a name that cannot be told from a guess.
func (k key) file() string { return hex.EncodeToString(k[:20]) }

func (f *Folder) shard(i int) string {
	return filepath.Join(f.dir, hex.EncodeToString([]byte{byte(i)}))
}

func (f *Folder) path(k key) string { return filepath.Join(f.shard(k.shard()), k.file()) }

// load returns what is kept of a question, or nil. A file that is damaged or of another question is as
// good as none.
func (f *Folder) load(k key) *entry {
	data, err := readFile(f.path(k))
	if err != nil {
		return nil
	}
	e, err := decode(data)
	if err != nil || e.key != k {
		return nil
	}
	return e
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxFile {
		return nil, errDamaged
	}
	data := make([]byte, st.Size())
	_, err = io.ReadFull(file, data)
	return data, err
}

// store keeps an answer in the place of what was there. A cache that cannot be written costs time only,
// so that there is no error.
func (f *Folder) store(e *entry) {
	data, ok := e.encode()
	if !ok {
		f.remove(e.key)
		return
	}
	path := f.path(e.key)
	err := wholefile.WriteUnsynced(path, data, 0o600)
	if errors.Is(err, fs.ErrNotExist) { // the first of the shard
		if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
			err = wholefile.WriteUnsynced(path, data, 0o600)
		}
	}
	if err == nil {
		f.wrote(e.key.shard(), int64(len(data)))
	}
}

func (f *Folder) remove(k key) { _ = os.Remove(f.path(k)) }

// changedFile is where it is noted that something was changed at a registry, by the file's time.
func (f *Folder) changedFile(registry string) string {
	sum := sha256.Sum256([]byte(registry))
	return filepath.Join(f.dir, "changed-"+hex.EncodeToString(sum[:20]))
}

// change notes that something was changed at a registry: nothing that came before holds.
func (f *Folder) change(registry string) {
	path, now := f.changedFile(registry), f.now()
	if os.MkdirAll(f.dir, 0o700) == nil && wholefile.WriteUnsynced(path, nil, 0o600) == nil {
		_ = os.Chtimes(path, now, now)
	}
}

// changed is when something was changed at a registry; the zero Time for never.
func (f *Folder) changed(registry string) time.Time {
	st, err := os.Stat(f.changedFile(registry))
	if err != nil {
		return time.Time{}
	}
	return st.ModTime()
}

// wrote counts what was written to a shard, and looks through it now and then.
func (f *Folder) wrote(shard int, n int64) {
	before := f.written[shard].Load()
	if before < 0 {
		f.written[shard].Store(n)
		st, err := os.Stat(f.prunedFile(shard))
		if err == nil && time.Since(st.ModTime()).Abs() < pruneAfter {
			return
		}
	} else if f.written[shard].Add(n) < pruneBytes {
		return
	}
	_, _ = f.pruneShard(shard, PruneOptions{})
}

// prunedFile has the time when a shard was looked through last.
func (f *Folder) prunedFile(shard int) string { return filepath.Join(f.shard(shard), ".pruned") }

// PruneOptions say what is removed. The zero value removes what is removed without being asked:
// answers that no registry has confirmed for DefaultMaxAge, and the oldest beyond the bound.
type PruneOptions struct {
	// Older removes what no registry has confirmed for so long; 0 means DefaultMaxAge.
	Older time.Duration
	// All removes everything.
	All bool
}

// Usage is a number of answers and their bytes.
type Usage struct {
	Answers int
	Bytes   int64
}

// Prune removes answers, and says how many. Who reads meanwhile gets them or does not.
func (f *Folder) Prune(o PruneOptions) (Usage, error) {
	var sum Usage
	var errs []error
	for i := range shards {
		u, err := f.pruneShard(i, o)
		sum.Answers += u.Answers
		sum.Bytes += u.Bytes
		errs = append(errs, err)
	}
	return sum, errors.Join(errs...)
}

// Usage counts what is there.
func (f *Folder) Usage() (Usage, error) {
	var sum Usage
	var errs []error
	for i := range shards {
		files, err := f.list(i)
		errs = append(errs, err)
		for _, file := range files {
			if !file.aside {
				sum.Answers++
				sum.Bytes += file.size
			}
		}
	}
	return sum, errors.Join(errs...)
}

// kept is a file of a shard.
type kept struct {
	path  string
	size  int64
	at    time.Time
	aside bool // begun, and not finished
}

func (f *Folder) list(shard int) ([]kept, error) {
	entries, err := os.ReadDir(f.shard(shard))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var files []kept
	for _, e := range entries {
		st, err := e.Info()
		if err != nil || !st.Mode().IsRegular() || e.Name() == ".pruned" {
			continue // another process was there first, or it is none of ours
		}
		files = append(files, kept{
			filepath.Join(f.shard(shard), e.Name()), st.Size(), st.ModTime(), strings.HasPrefix(e.Name(), "."),
		})
	}
	return files, err
}

func (f *Folder) pruneShard(shard int, o PruneOptions) (Usage, error) {
	f.written[shard].Store(0)
	files, err := f.list(shard)
	if err != nil || len(files) == 0 {
		return Usage{}, err
	}
	_ = wholefile.WriteUnsynced(f.prunedFile(shard), nil, 0o600)
	slices.SortFunc(files, func(a, b kept) int { return b.at.Compare(a.at) })
	age := cmp.Or(o.Older, DefaultMaxAge)
	var removed Usage
	var total int64
	for _, file := range files {
		old := time.Since(file.at)
		out := o.All || old > age || total+file.size > f.maxBytes/shards
		if file.aside {
			out = old > abandonedAfter
		}
		if !out {
			total += file.size
			continue
		}
		if err := os.Remove(file.path); err == nil && !file.aside {
			removed.Answers++
			removed.Bytes += file.size
		}
	}
	return removed, nil
}

// secretSize is that of the hash it is for.
const secretSize = 32

// secretIn reads a folder's own secret, and makes it where there is none: hashes that are keyed by it
// cannot be compared with those of guesses by who sees only names of files.
func secretIn(dir string) ([]byte, error) {
	path := filepath.Join(dir, "key")
	for range 2 {
		secret, err := os.ReadFile(path)
		if err == nil && len(secret) == secretSize {
			return secret, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		secret = make([]byte, secretSize)
		_, _ = rand.Read(secret) // never fails
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		// Of several that make one at once the last wins, and is what is read: those who had
		// another one keep answers that nobody finds any more.
		if err := wholefile.WriteUnsynced(path, secret, 0o600); err != nil {
			return nil, err
		}
	}
	return nil, errDamaged
}

package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// Registry is a registry in a folder that can be written to. It is safe for concurrent use, by
// several processes too.
type Registry struct {
	*Reader
	dir string
	now func() time.Time
	mu  sync.Mutex // writers of this process queue here rather than at the lock in the folder
}

var (
	_ pantry.Registry  = (*Registry)(nil)
	_ pantry.Publisher = (*Registry)(nil)
	_ pantry.Tagger    = (*Registry)(nil)
)

// Open returns the registry in dir, called name. With create a folder that is empty or not there
// becomes one. A folder that is none is an error matching [pantry.ErrConfig], and left as it is.
func Open(name, dir string, create bool) (*Registry, error) {
	if create {
		if err := makeDirectory(name, dir); err != nil {
			return nil, err
		}
	}
	reader, err := Read(name, os.DirFS(dir))
	if err != nil {
		return nil, pantry.WithHint(err, "a directory of packages is made by: pantry mirror FROM %s", name)
	}
	return &Registry{Reader: reader, dir: dir, now: time.Now}, nil
}

// Empty returns a registry that has nothing, as the one that Open would make in dir. It is for telling
// what would be done, and not to be written to.
func Empty(name, dir string) *Registry {
	return &Registry{Reader: &Reader{name: name, files: os.DirFS(dir)}, dir: dir, now: time.Now}
}

func makeDirectory(name, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, markerName)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if n := e.Name(); n != markerName && n != tempDir && n != lockName {
			return pantry.WithHint(fmt.Errorf("%w: %s is not empty and not a directory of packages", pantry.ErrConfig, name),
				"give an empty folder, or one that is not there")
		}
	}
	data, err := json.Marshal(marker{format, layoutVersion})
	if err != nil {
		return err
	}
	r := &Registry{Reader: &Reader{name: name}, dir: dir}
	done, err := r.writing(context.Background())
	if err != nil {
		return err
	}
	defer done()
	return r.write(markerName, append(data, '\n'))
}

// Clean removes what writers that were killed left behind, unless somebody writes now.
func (r *Registry) Clean() error {
	l := flock.New(r.path(lockName))
	ok, err := l.TryLock()
	if err != nil || !ok {
		return err
	}
	defer func() { _ = l.Unlock() }()
	return os.RemoveAll(r.path(tempDir))
}

// writing keeps [Registry.Clean] away until the function it returns is called.
func (r *Registry) writing(ctx context.Context) (done func(), err error) {
	l := flock.New(r.path(lockName))
	if _, err := l.TryRLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("lock %s: %w", r.name, err)
	}
	return func() { _ = l.Unlock() }, nil
}

// lockRetry is how often a lock that another process holds is tried: it is held for a few
// milliseconds.
const lockRetry = 5 * time.Millisecond

// lockPackage keeps other writers from a package.
func (r *Registry) lockPackage(ctx context.Context, name string) (unlock func(), err error) {
	dir := r.path(packagePath(name))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	r.mu.Lock()
	l := flock.New(filepath.Join(dir, lockName))
	if _, err := l.TryLockContext(ctx, lockRetry); err != nil {
		r.mu.Unlock()
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return func() {
		_ = l.Unlock()
		r.mu.Unlock()
	}, nil
}

func (r *Registry) path(name string) string { return filepath.Join(r.dir, filepath.FromSlash(name)) }

// temp makes a file for what is being written.
func (r *Registry) temp() (*os.File, error) {
	dir := r.path(tempDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(dir, fmt.Sprintf("%016x", rand.Uint64())), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
}

// place closes a file and gives it its place, when it is on the disk.
func (r *Registry) place(f *os.File, name string) error {
	path := r.path(name)
	err := errors.Join(f.Sync(), f.Close(), os.MkdirAll(filepath.Dir(path), 0o755))
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

// discard removes a file that has not got a place; what has is not touched.
func discard(f *os.File) {
	_ = f.Close()
	_ = os.Remove(f.Name())
}

func (r *Registry) write(name string, data []byte) error {
	f, err := r.temp()
	if err != nil {
		return err
	}
	defer discard(f)
	if _, err := f.Write(data); err != nil {
		return err
	}
	return r.place(f, name)
}

// MaxArtifact bounds an artifact, as registry.DefaultMaxArtifact does a download.
const MaxArtifact = 2 << 30

// PutArtifact keeps the bytes of from, which must match want. The digests returned are want with
// a SHA-512 in front where it had none. Bytes that do not match are not kept.
func (r *Registry) PutArtifact(ctx context.Context, from io.Reader, want integrity.Set) (integrity.Set, int64, error) {
	done, err := r.writing(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	f, err := r.temp()
	if err != nil {
		return nil, 0, err
	}
	defer discard(f)
	h := integrity.NewHasher(want)
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(from, MaxArtifact+1))
	switch {
	case err != nil:
		return nil, 0, err
	case n > MaxArtifact:
		return nil, 0, fmt.Errorf("%w: the artifact has more than %d bytes", pantry.ErrInvalid, int64(MaxArtifact))
	}
	if err := h.Verify(); err != nil {
		return nil, 0, err
	}
	d := h.SHA512()
	if st, err := os.Stat(r.path(ArtifactPath(d))); err != nil || st.Size() != n {
		if err := r.place(f, ArtifactPath(d)); err != nil {
			return nil, 0, err
		}
	}
	return WithSHA512(want, d), n, nil
}

// WithSHA512 is set with d in front, unless it has a SHA-512.
func WithSHA512(set integrity.Set, d integrity.Digest) integrity.Set {
	if _, ok := set.Find(integrity.SHA512); ok {
		return set
	}
	return append(integrity.Set{d}, set...)
}

// HasArtifact returns the size of the bytes of a digest; -1 if the directory has none. With verify
// they are read, and removed if they are not right.
func (r *Registry) HasArtifact(d integrity.Digest, verify bool) (size int64, err error) {
	path := r.path(ArtifactPath(d))
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if !verify {
		st, err := f.Stat()
		if err != nil {
			return -1, err
		}
		return st.Size(), nil
	}
	size, err = io.Copy(io.Discard, integrity.NewReader(f, integrity.Set{d}))
	if errors.Is(err, integrity.ErrMismatch) {
		return -1, errors.Join(f.Close(), os.Remove(path))
	}
	return size, err
}

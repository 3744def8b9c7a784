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

// Kept says what [Registry.Keep] did.
type Kept uint8

// What Keep did with a record.
const (
	Unchanged Kept = iota // it was there, the same
	Added                 // it was not there
	Updated               // its bytes were there, and something else is said about them now
)

// Keep adds a version or what is said about it. Its artifacts must be there ([Registry.PutArtifact]).
// Other bytes for a version that is there are [pantry.ErrExists]; a tool's builds for more platforms
// are added to those that are there. A manifest or attestations that are there are not lost to a
// record without.
func (r *Registry) Keep(ctx context.Context, rec *Record) (Kept, error) {
	name, version := rec.Metadata.Name, rec.Metadata.Version
	kept, err := r.keep(ctx, rec, "")
	return kept, r.fail("keep", name, version, err)
}

// keep adds a record and, where tag is set, points that and if need be latest to it.
func (r *Registry) keep(ctx context.Context, rec *Record, tag string) (Kept, error) {
	name, version := rec.Metadata.Name, rec.Metadata.Version
	if err := CheckName(name); err != nil {
		return Unchanged, fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	if err := checkVersion(version); err != nil {
		return Unchanged, err
	}
	done, err := r.writing(ctx)
	if err != nil {
		return Unchanged, err
	}
	defer done()
	unlock, err := r.lockPackage(ctx, name)
	if err != nil {
		return Unchanged, err
	}
	defer unlock()
	old, err := r.record(ctx, name, version)
	if errors.Is(err, pantry.ErrNotFound) {
		old, err = nil, nil
	}
	if err != nil {
		return Unchanged, err
	}
	if rec, err = merge(old, rec); err != nil {
		return Unchanged, err
	}
	if err := r.complete(rec); err != nil {
		return Unchanged, err
	}
	kept := Added
	data, err := rec.encode()
	if err == nil && old != nil {
		kept = Updated
		if was, err := r.read(recordPath(name, version), maxRecord); err == nil && string(was) == string(data) {
			return Unchanged, nil
		}
	}
	if err == nil {
		// What could not be read again must not be written.
		_, err = DecodeRecord(data, name, version)
	}
	if err != nil {
		return Unchanged, err
	}
	var first bool
	if tag != "" {
		have, err := r.versions(name)
		if err != nil {
			return Unchanged, err
		}
		first = len(have) == 0
	}
	if err := r.write(recordPath(name, version), data); err != nil {
		return Unchanged, err
	}
	if tag == "" || kept != Added {
		return kept, nil
	}
	return kept, r.changeTags(name, func(tags map[string]string) error {
		if first {
			tags["latest"] = version
		}
		tags[tag] = version
		return nil
	})
}

// complete says whether all bytes of a record are there.
func (r *Registry) complete(rec *Record) error {
	all := rec.Artifacts()
	if len(all) == 0 {
		return fmt.Errorf("%w: the record has no artifact", pantry.ErrConfig)
	}
	for _, a := range all {
		d, ok := a.Integrity.Find(integrity.SHA512)
		if !ok {
			return fmt.Errorf("%w: an artifact has no SHA-512", pantry.ErrConfig)
		}
		if size, err := r.HasArtifact(d, false); err != nil || size < 0 {
			return errors.Join(fmt.Errorf("%w: the bytes with digest %s are not there", pantry.ErrConfig, d), err)
		}
	}
	return nil
}

// merge is what is to be known of a version when it was old before and rec is added.
func merge(old, rec *Record) (*Record, error) {
	if old == nil {
		return rec, nil
	}
	m := *rec
	if len(m.Manifest) == 0 {
		m.Manifest = old.Manifest
	}
	if len(m.Attestations) == 0 {
		m.Attestations = old.Attestations
	}
	was, is := old.Metadata.Tool, m.Metadata.Tool
	if was == nil || is == nil {
		return &m, sameBytes(old.Metadata.Artifact, m.Metadata.Artifact)
	}
	tool := *is
	tool.Builds = nil
	for _, b := range is.Builds {
		for _, o := range was.Builds {
			if o.Platform == b.Platform && sameBytes(o.Artifact, b.Artifact) != nil {
				return nil, fmt.Errorf("%w: for %s", pantry.ErrExists, b.Platform)
			}
		}
		tool.Builds = append(tool.Builds, b)
	}
	for _, o := range was.Builds {
		if !hasPlatform(tool.Builds, o.Platform) {
			tool.Builds = append(tool.Builds, o)
		}
	}
	sortBuilds(tool.Builds)
	m.Metadata.Tool = &tool
	return &m, nil
}

// sameBytes says whether two artifacts with SHA-512 are the same.
func sameBytes(a, b pantry.Artifact) error {
	x, _ := a.Integrity.Find(integrity.SHA512)
	y, _ := b.Integrity.Find(integrity.SHA512)
	if x != y {
		return pantry.ErrExists
	}
	return nil
}

// SetTags points tags to versions; tags that are not named stay. A version that is not there is
// [pantry.ErrVersionNotFound], and nothing is changed then.
func (r *Registry) SetTags(ctx context.Context, name string, tags map[string]string) error {
	err := r.retag(ctx, name, func(have map[string]string) error {
		for tag, version := range tags {
			if _, err := fs.Stat(r.files, recordPath(name, version)); err != nil || checkVersion(version) != nil {
				return pantry.ErrVersionNotFound
			}
			if err := checkTag(tag); err != nil {
				return err
			}
			have[tag] = version
		}
		return nil
	})
	return r.fail(opTag, name, "", err)
}

func (r *Registry) retag(ctx context.Context, name string, change func(map[string]string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := CheckName(name); err != nil {
		return fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	if versions, err := r.versions(name); err != nil || len(versions) == 0 {
		return errors.Join(err, pantry.ErrNotFound)
	}
	done, err := r.writing(ctx)
	if err != nil {
		return err
	}
	defer done()
	unlock, err := r.lockPackage(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	return r.changeTags(name, change)
}

// changeTags is called with the package's lock held.
func (r *Registry) changeTags(name string, change func(map[string]string) error) error {
	tags, err := r.tags(name)
	if err != nil {
		return err
	}
	before, err := json.MarshalIndent(tags, "", "  ")
	if err == nil {
		err = change(tags)
	}
	if err != nil {
		return err
	}
	after, err := json.MarshalIndent(tags, "", "  ")
	if err != nil || string(before) == string(after) {
		return err
	}
	return r.write(tagsPath(name), append(after, '\n'))
}

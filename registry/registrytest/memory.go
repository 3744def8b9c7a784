package registrytest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// Memory is a registry in memory: it reads, searches, publishes, tags and answers pings. It is
// safe for concurrent use; a [pantry.Package] it returned does not change when the Memory does.
//
// The URLs of its artifacts are "memory:///NAME/VERSION". They name what they locate and are for
// Open only: a handler over a Memory gives its clients URLs of its own.
type Memory struct {
	name string
	now  func() time.Time

	mu       sync.RWMutex
	packages map[string]*snapshot // never changed, only replaced
}

var (
	_ pantry.Registry  = (*Memory)(nil)
	_ pantry.Searcher  = (*Memory)(nil)
	_ pantry.Publisher = (*Memory)(nil)
	_ pantry.Tagger    = (*Memory)(nil)
	_ pantry.Pinger    = (*Memory)(nil)
	_ pantry.Lister    = (*Memory)(nil)
)

// NewMemory returns a registry that is called name and holds pkgs.
func NewMemory(name string, pkgs ...Pkg) *Memory {
	m := &Memory{name: name, now: time.Now, packages: make(map[string]*snapshot)}
	m.Add(pkgs...)
	return m
}

// Name is the name given to NewMemory.
func (m *Memory) Name() string { return m.name }

// Add puts pkgs in without the checks of Publish. A version that is there already is replaced.
func (m *Memory) Add(pkgs ...Pkg) {
	drafts := make(map[string]*draft)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range pkgs {
		d := drafts[p.Name]
		if d == nil {
			d = m.draft(p.Name)
			drafts[p.Name] = d
		}
		tarball := Tarball(p)
		d.versions[p.Version] = &release{meta: p.metadata(m.name, tarball), tarball: tarball}
		for _, tag := range p.Tags {
			d.tags[tag] = p.Version
		}
	}
	for name, d := range drafts {
		m.packages[name] = d.snapshot(name)
	}
}

// Remove takes a version out, or with version "" the whole package. What is not there is not
// missed. Tags that pointed to the version are removed.
func (m *Memory) Remove(name, version string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.draft(name)
	delete(d.versions, version)
	if version == "" || len(d.versions) == 0 {
		delete(m.packages, name)
		return
	}
	maps.DeleteFunc(d.tags, func(_, v string) bool { return v == version })
	m.packages[name] = d.snapshot(name)
}

// Names lists the packages in byte order.
func (m *Memory) Names() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(maps.Keys(m.packages))
}

// List is Names for those who ask a [pantry.Lister].
func (m *Memory) List(ctx context.Context) ([]string, error) { return m.Names(), ctx.Err() }

// Metadata returns one version: exact, by tag, or with "" the one tagged latest.
func (m *Memory) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	s, err := m.find(ctx, name, version)
	if err != nil {
		return nil, err
	}
	exact := cmp.Or(version, "latest")
	if tagged, ok := s.tags[exact]; ok && s.versions[exact] == nil {
		exact = tagged
	}
	return s.Metadata(exact)
}

// Package returns everything known about name, as it is now.
func (m *Memory) Package(ctx context.Context, name string) (pantry.Package, error) {
	s, err := m.find(ctx, name, "")
	if err != nil {
		return nil, err // a nil *snapshot must not become a Package
	}
	return s, nil
}

// Open returns the tarball of a, found by its URL or, where that is not one of a Memory, by its
// name and version. What it returns is an io.Seeker too.
func (m *Memory) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	name, version, ok := cutArtifactURL(a.URL)
	if !ok {
		name, version = a.Name, a.Version
	}
	s, err := m.find(ctx, name, version)
	if err != nil {
		return nil, err
	}
	r := s.versions[version]
	if r == nil {
		return nil, s.errorf(version, pantry.ErrVersionNotFound)
	}
	return &body{ctx: ctx, bytes: bytes.NewReader(r.tarball)}, nil
}

// Ping says that the registry is there.
func (m *Memory) Ping(ctx context.Context) error { return ctx.Err() }

func (m *Memory) find(ctx context.Context, name, version string) (*snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	s := m.packages[name]
	m.mu.RUnlock()
	if s == nil {
		return nil, m.errorf("read metadata", name, version, pantry.ErrNotFound)
	}
	return s, nil
}

func (m *Memory) errorf(op, name, version string, err error) error {
	return &pantry.Error{Op: op, Ref: pantry.Ref{Registry: m.name, Name: name, Version: version}, Err: err}
}

const artifactScheme = "memory:///"

func artifactURL(name, version string) string { return artifactScheme + name + "/" + version }

func cutArtifactURL(u string) (name, version string, ok bool) {
	rest, ok := strings.CutPrefix(u, artifactScheme)
	slash := strings.LastIndexByte(rest, '/')
	if !ok || slash <= 0 {
		return "", "", false
	}
	return rest[:slash], rest[slash+1:], true
}

// release is one version; it is never changed.
type release struct {
	meta    pantry.Metadata
	tarball []byte
}

// snapshot is a pantry.Package: one name at one moment.
type snapshot struct {
	registry string
	name     string
	order    []string
	versions map[string]*release
	tags     map[string]string // with latest
	given    map[string]string // without a latest that nobody set
}

func (s *snapshot) Name() string            { return s.name }
func (s *snapshot) Versions() []string      { return slices.Clone(s.order) }
func (s *snapshot) Tags() map[string]string { return maps.Clone(s.tags) }

// Published is when version was published; zero when that is not known.
func (s *snapshot) Published(version string) time.Time {
	if r := s.versions[version]; r != nil {
		return r.meta.Published
	}
	return time.Time{}
}

func (s *snapshot) Metadata(version string) (*pantry.Metadata, error) {
	r := s.versions[version]
	if r == nil {
		return nil, s.errorf(version, pantry.ErrVersionNotFound)
	}
	meta := cloneMetadata(r.meta)
	return &meta, nil
}

func (s *snapshot) errorf(version string, err error) error {
	return &pantry.Error{
		Op: "read metadata", Ref: pantry.Ref{Registry: s.registry, Name: s.name, Version: version}, Err: err,
	}
}

// draft is a snapshot to be.
type draft struct {
	registry string
	versions map[string]*release
	tags     map[string]string
}

// draft returns a changeable copy of the package; m.mu is held.
func (m *Memory) draft(name string) *draft {
	d := &draft{registry: m.name, versions: make(map[string]*release), tags: make(map[string]string)}
	if s := m.packages[name]; s != nil {
		maps.Copy(d.versions, s.versions)
		maps.Copy(d.tags, s.given)
	}
	return d
}

func (d *draft) snapshot(name string) *snapshot {
	s := &snapshot{
		registry: d.registry, name: name, versions: d.versions, given: d.tags, tags: maps.Clone(d.tags),
		order: slices.Sorted(maps.Keys(d.versions)),
	}
	semver.Sort(s.order)
	if s.tags["latest"] == "" {
		s.tags["latest"] = highest(s.order)
	}
	return s
}

// highest is the last of the sorted versions that is no prerelease, or else the last.
func highest(versions []string) string {
	for _, v := range slices.Backward(versions) {
		if p, err := semver.ParseLoose(v); err == nil && p.Prerelease() == "" {
			return v
		}
	}
	return versions[len(versions)-1]
}

// body is the bytes of an artifact. It ends when its context does, as the body of a response
// does, and can be sought.
type body struct {
	ctx   context.Context
	bytes *bytes.Reader
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.bytes.Read(p)
}

func (b *body) Seek(offset int64, whence int) (int64, error) { return b.bytes.Seek(offset, whence) }
func (b *body) Close() error                                 { return nil }

package directory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// What was being done, in errors.
const (
	opMetadata = "read metadata"
	opDownload = "download"
	opPublish  = "publish"
	opTag      = "change tag"
	opList     = "list packages"
)

const (
	maxMarker = 64 << 10
	maxTags   = 4 << 20 // thousands of tags
)

// Reader is a registry over files of the layout. It is safe for concurrent use, also while others
// write to the same directory.
type Reader struct {
	name  string
	files fs.FS
}

var (
	_ pantry.Registry    = (*Reader)(nil)
	_ pantry.NameChecker = (*Reader)(nil)
	_ pantry.Searcher    = (*Reader)(nil)
	_ pantry.Lister      = (*Reader)(nil)
	_ pantry.Attester    = (*Reader)(nil)
	_ pantry.Pinger      = (*Reader)(nil)
)

// Read returns a registry that is called name, over files of the layout. Files that are not of it
// are an error matching [pantry.ErrConfig].
func Read(name string, files fs.FS) (*Reader, error) {
	r := &Reader{name: name, files: files}
	if err := r.checkMarker(); err != nil {
		return nil, err
	}
	return r, nil
}

// Name is the name given to Read or Open.
func (r *Reader) Name() string { return r.name }

type marker struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

const format = "pantry-directory"

func (r *Reader) checkMarker() error {
	data, err := r.read(markerName, maxMarker)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is not a directory of packages: it has no %s: %w", pantry.ErrConfig, r.name, markerName, err)
	}
	var m marker
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", pantry.ErrConfig, markerName, err)
	case m.Format != format || m.Version != layoutVersion:
		return fmt.Errorf("%w: %s says %q, version %d; this version of pantry reads %q, version %d",
			pantry.ErrConfig, markerName, m.Format, m.Version, format, layoutVersion)
	}
	return nil
}

// read returns a file of at most limit bytes.
func (r *Reader) read(name string, limit int64) ([]byte, error) {
	f, err := r.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w: %s has more than %d bytes", pantry.ErrInvalid, name, limit)
	}
	return data, err
}

// CheckName says why the directory cannot hold name, or returns nil.
func (r *Reader) CheckName(name string) error { return CheckName(name) }

func (r *Reader) fail(op, name, version string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &pantry.Error{Op: op, Ref: pantry.Ref{Registry: r.name, Name: name, Version: version}, Err: err}
}

// Ping says that the directory is there.
func (r *Reader) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return r.checkMarker()
}

// List returns the names of all packages.
func (r *Reader) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(r.files, packagesDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, r.fail(opList, "", "", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := unescape(e.Name())
		if !ok || !e.IsDir() || CheckName(name) != nil {
			continue
		}
		// One whose first version did not get there is none.
		if versions, err := r.versions(name); err != nil || len(versions) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Package lists versions and tags as they are now; what is said about a version is read when it
// is asked for.
func (r *Reader) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, err := r.load(ctx, name)
	if err != nil {
		return nil, r.fail(opMetadata, name, "", err)
	}
	return p, nil
}

func (r *Reader) load(ctx context.Context, name string) (*pkg, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := CheckName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	versions, err := r.versions(name)
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, pantry.ErrNotFound
	}
	tags, err := r.tags(name)
	if err != nil {
		return nil, err
	}
	for tag, v := range tags {
		if !slices.Contains(versions, v) {
			delete(tags, tag)
		}
	}
	if tags["latest"] == "" {
		tags["latest"] = highest(versions)
	}
	return &pkg{r: r, name: name, versions: versions, tags: tags}, nil
}

func (r *Reader) versions(name string) ([]string, error) {
	entries, err := fs.ReadDir(r.files, packagePath(name)+"/"+versionsDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, e := range entries {
		segment, ok := strings.CutSuffix(e.Name(), recordSuffix)
		if !ok || e.IsDir() {
			continue
		}
		if v, ok := unescape(segment); ok {
			versions = append(versions, v)
		}
	}
	order(versions)
	return versions, nil
}

// tags are those that were set; never nil.
func (r *Reader) tags(name string) (map[string]string, error) {
	data, err := r.read(tagsPath(name), maxTags)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	tags := map[string]string{}
	if err == nil {
		if err = json.Unmarshal(data, &tags); err != nil {
			err = fmt.Errorf("%w: %s: %w", pantry.ErrInvalid, tagsPath(name), err)
		}
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return tags, err
}

// Metadata returns one version: exact, by tag, or with "" the one tagged latest.
func (r *Reader) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	p, err := r.load(ctx, name)
	if err != nil {
		return nil, r.fail(opMetadata, name, version, err)
	}
	version = cmp.Or(version, "latest")
	if tagged, ok := p.tags[version]; ok && !slices.Contains(p.versions, version) {
		version = tagged
	}
	return p.Metadata(version)
}

// Record reads what is known of a version. A name or version that is not there is
// [pantry.ErrNotFound] or [pantry.ErrVersionNotFound].
func (r *Reader) Record(ctx context.Context, name, version string) (*Record, error) {
	rec, err := r.record(ctx, name, version)
	return rec, r.fail(opMetadata, name, version, err)
}

func (r *Reader) record(ctx context.Context, name, version string) (*Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := CheckName(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	if checkVersion(version) != nil {
		return nil, pantry.ErrVersionNotFound
	}
	data, err := r.read(recordPath(name, version), maxRecord)
	if errors.Is(err, fs.ErrNotExist) {
		if versions, err := r.versions(name); err == nil && len(versions) == 0 {
			return nil, pantry.ErrNotFound
		}
		return nil, pantry.ErrVersionNotFound
	}
	if err != nil {
		return nil, err
	}
	rec, err := DecodeRecord(data, name, version)
	if err != nil {
		return nil, err
	}
	rec.Metadata.Registry = r.name
	_ = rec.eachArtifact(func(a *pantry.Artifact) error {
		a.Name, a.Version, a.URL = name, version, artifactURL(name, version)
		return nil
	})
	return rec, nil
}

// artifactURL names what is located. It is for Open only: a handler over a directory gives its
// clients URLs of its own.
func artifactURL(name, version string) string {
	return (&url.URL{Scheme: "directory", Path: "/" + path.Join(escape(name), escape(version))}).String()
}

// ArtifactURL is the URL of a version's artifact, for those who know a version from a lockfile. It is ""
// for a name or version that there cannot be.
func (r *Reader) ArtifactURL(name, version string) string {
	if CheckName(name) != nil || checkVersion(version) != nil {
		return ""
	}
	return artifactURL(name, version)
}

// Open returns the bytes of one of a version's artifacts: the one that has one of a's digests, or
// where a has none the version's own.
func (r *Reader) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	rec, err := r.record(ctx, a.Name, a.Version)
	if err != nil {
		return nil, r.fail(opDownload, a.Name, a.Version, err)
	}
	chosen := rec.Metadata.Artifact
	for _, have := range rec.Artifacts() {
		if slices.ContainsFunc(a.Integrity, func(d integrity.Digest) bool { return slices.Contains(have.Integrity, d) }) {
			chosen = have
			break
		}
	}
	d, ok := chosen.Integrity.Find(integrity.SHA512)
	var f fs.File
	err = fs.ErrNotExist
	if ok {
		f, err = r.files.Open(ArtifactPath(d))
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: the directory has no bytes of it", pantry.ErrNotFound)
	}
	if err != nil {
		return nil, r.fail(opDownload, a.Name, a.Version, err)
	}
	return &body{ctx: ctx, File: f}, nil
}

// body ends when its context does, as the body of a response does.
type body struct {
	ctx context.Context
	fs.File
}

func (b *body) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.File.Read(p)
}

// Attestations returns what was kept of signed statements about a version.
func (r *Reader) Attestations(ctx context.Context, name, version string) ([]byte, error) {
	rec, err := r.record(ctx, name, version)
	if err == nil && len(rec.Attestations) == 0 {
		err = fmt.Errorf("%w: nothing is attested of it", pantry.ErrNotFound)
	}
	if err != nil {
		return nil, r.fail("read attestations", name, version, err)
	}
	return rec.Attestations, nil
}

package directory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

const maxManifest = 16 << 20 // package.json; real ones stay below 1 MB

// Publish adds an npm-style version. The package.json inside the tarball must have the name and
// version of p.Metadata, else the error matches [pantry.ErrConfig]. The first version of a package
// becomes its latest, whatever tag it is published with.
func (r *Registry) Publish(ctx context.Context, p pantry.Publication) error {
	return r.fail(opPublish, p.Metadata.Name, p.Metadata.Version, r.publish(ctx, p))
}

func (r *Registry) publish(ctx context.Context, p pantry.Publication) error {
	m := clone(&p.Metadata)
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := semver.Parse(m.Version); err != nil {
		return fmt.Errorf("%w: version %q: %w", pantry.ErrConfig, m.Version, err)
	}
	if p.Tag != "" {
		if err := checkTag(p.Tag); err != nil {
			return err
		}
	}
	if p.Tarball == nil {
		return fmt.Errorf("%w: no tarball", pantry.ErrConfig)
	}
	manifest, err := packedManifest(p.Tarball, m.Name, m.Version)
	if err != nil {
		return fmt.Errorf("%w: package.json in the tarball: %w", pantry.ErrConfig, err)
	}
	if _, err := p.Tarball.Seek(0, io.SeekStart); err != nil {
		return err
	}
	set, n, err := r.PutArtifact(ctx, p.Tarball, m.Artifact.Integrity)
	if err != nil {
		return err
	}
	m.Artifact = pantry.Artifact{Integrity: set, Size: n}
	if len(p.Manifest) > 0 {
		manifest = p.Manifest
	}
	if old, err := r.record(ctx, m.Name, m.Version); err == nil {
		return sameBytes(old.Metadata.Artifact, m.Artifact) // published is published: nothing of it changes
	}
	if m.Published.IsZero() {
		m.Published = r.now().UTC()
	}
	_, err = r.keep(ctx, &Record{Metadata: m, Manifest: manifest}, cmp.Or(p.Tag, "latest"))
	return err
}

// packedManifest returns the package.json of a tarball that has to be of a name and version.
func packedManifest(tarball io.ReadSeeker, name, version string) ([]byte, error) {
	if _, err := tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	manifest, err := ManifestIn(tarball)
	if err != nil {
		return nil, err
	}
	var id struct{ Name, Version string }
	if err := json.Unmarshal(manifest, &id); err != nil {
		return nil, err
	}
	if id.Name != name || id.Version != version {
		return nil, fmt.Errorf("it is of %q at version %q", id.Name, id.Version)
	}
	return manifest, nil
}

// ManifestIn returns the package.json of a tarball.
func ManifestIn(tarball io.Reader) ([]byte, error) {
	var f manifestFile
	if err := archive.UnpackNPM(tarball, &f, archive.Limits{}); err != nil {
		return nil, err
	}
	if f.data == nil {
		return nil, fmt.Errorf("there is none")
	}
	return bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf")), nil
}

type manifestFile struct{ data []byte }

func (f *manifestFile) File(e archive.Entry, content io.Reader) (err error) {
	if e.Path != "package.json" {
		return nil
	}
	if e.Size > maxManifest {
		return fmt.Errorf("package.json has more than %d bytes", maxManifest)
	}
	f.data, err = io.ReadAll(content)
	return err
}

func hasPlatform(builds []pantry.Build, p pantry.Platform) bool {
	return slices.ContainsFunc(builds, func(b pantry.Build) bool { return b.Platform == p })
}

func sortBuilds(builds []pantry.Build) {
	slices.SortFunc(builds, func(a, b pantry.Build) int { return cmp.Compare(a.Platform.String(), b.Platform.String()) })
}

// Digest is the SHA-512 of an artifact of a record, which every one has.
func Digest(a pantry.Artifact) integrity.Digest {
	d, _ := a.Integrity.Find(integrity.SHA512)
	return d
}

package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/directory"
)

// keep brings a version into a directory.
func (j *job) keep(ctx context.Context, m *pantry.Metadata) (EventType, int64, error) {
	old, err := j.keeper.Record(ctx, j.name, m.Version)
	if errors.Is(err, pantry.ErrNotFound) {
		old, err = nil, nil
	}
	if err != nil {
		return "", 0, err
	}
	meta := *m
	rec := &directory.Record{Metadata: meta, Manifest: manifestOf(j.from, m.Version)}
	var total int64
	fill := func(a *pantry.Artifact) error {
		n, err := j.fill(ctx, m, a, old)
		total += n
		return err
	}
	if m.Tool != nil {
		if err := j.builds(rec, fill); err != nil {
			return "", 0, err
		}
	} else if err := fill(&rec.Metadata.Artifact); err != nil {
		return "", 0, err
	}
	if err := j.attestations(ctx, rec); err != nil {
		return "", 0, err
	}
	if j.DryRun {
		if old == nil {
			return EventCopied, total, nil
		}
		return EventSkipped, 0, nil
	}
	kept, err := j.keeper.Keep(ctx, rec)
	did := map[directory.Kept]EventType{directory.Added: EventCopied, directory.Updated: EventUpdated, directory.Unchanged: EventSkipped}[kept]
	return did, total, err
}

// builds fills those builds of a tool that are wanted, and leaves the others out.
func (j *job) builds(rec *directory.Record, fill func(*pantry.Artifact) error) error {
	tool := *rec.Metadata.Tool
	var wanted []pantry.Build
	for _, b := range tool.Builds {
		if j.Platform != nil && !j.Platform(b.Platform) {
			continue
		}
		if err := fill(&b.Artifact); err != nil {
			return fmt.Errorf("build for %s: %w", b.Platform, err)
		}
		wanted = append(wanted, b)
	}
	if len(wanted) == 0 {
		return fmt.Errorf("%w: there is no build for a platform that is wanted", pantry.ErrVersionNotFound)
	}
	tool.Builds = wanted
	rec.Metadata.Tool = &tool
	rec.Metadata.Artifact = pantry.Artifact{} // that of this machine's platform is one of the builds, or not wanted
	return nil
}

// fill brings an artifact's bytes into the directory, unless they are there, and completes what is
// known of them. It returns how many bytes were downloaded.
func (j *job) fill(ctx context.Context, m *pantry.Metadata, a *pantry.Artifact, old *directory.Record) (int64, error) {
	want, err := j.digests(m, *a)
	if err != nil {
		return 0, err
	}
	var size int64 // that the bytes at the target have to have; 0 where that is not known
	source := *a
	source.Name, source.Version = m.Name, m.Version
	if old != nil {
		for _, have := range old.Artifacts() {
			known, err := compare(want, have.Integrity)
			if err != nil && m.Tool == nil {
				return 0, err
			}
			if known && err == nil {
				want = directory.WithSHA512(want, directory.Digest(have))
				size = have.Size
			}
		}
	}
	if d, ok := want.Find(integrity.SHA512); ok {
		n, err := j.keeper.HasArtifact(d, j.Verify && !j.DryRun)
		if err != nil {
			return 0, err
		}
		if n >= 0 && (size == 0 || size == n) {
			a.Integrity, a.Size = want, n
			return 0, nil
		}
	}
	if j.DryRun {
		return a.Size, nil
	}
	var set integrity.Set
	var n int64
	err = j.download(ctx, source, func(body io.Reader) (err error) {
		set, n, err = j.keeper.PutArtifact(ctx, body, want)
		return err
	})
	a.Integrity, a.Size = set, n
	return n, err
}

// manifestOf is what the source's registry said of a version; nil where it is not known.
func manifestOf(p pantry.Package, version string) json.RawMessage {
	if d, ok := p.(pantry.Documented); ok {
		return d.Manifest(version)
	}
	return nil
}

// proofs says what vouches for a version, by the document of its registry.
func proofs(manifest []byte) (signatures, attestations bool) {
	var m struct {
		Dist struct {
			Signatures   []json.RawMessage `json:"signatures"`
			Attestations json.RawMessage   `json:"attestations"`
		} `json:"dist"`
	}
	if json.Unmarshal(manifest, &m) != nil {
		return false, false
	}
	return len(m.Dist.Signatures) > 0, len(m.Dist.Attestations) > 0 && string(m.Dist.Attestations) != "null"
}

// attestations adds those of a version to its record.
func (j *job) attestations(ctx context.Context, rec *directory.Record) error {
	a, ok := pantry.As[pantry.Attester](j.From.Registry)
	if !ok || j.DryRun {
		return nil
	}
	_, said := proofs(rec.Manifest)
	if _, dir := pantry.As[interface {
		Record(context.Context, string, string) (*directory.Record, error)
	}](j.From.Registry); !said && !dir {
		return nil
	}
	doc, err := a.Attestations(ctx, j.name, rec.Metadata.Version)
	if errors.Is(err, pantry.ErrNotFound) {
		if said {
			j.notCarried("attestations")
		}
		return nil
	}
	rec.Attestations = doc
	return err
}

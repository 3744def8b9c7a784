package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

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

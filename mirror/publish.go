package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/semver"
)

// publish sends a version to a registry. there is what the registry has of it, which only the bytes
// can tell to be the same; nil for nothing.
func (j *job) publish(ctx context.Context, m *pantry.Metadata, want integrity.Set, there *pantry.Metadata) (EventType, int64, error) {
	f, err := os.CreateTemp(j.Temp, "pantry-mirror-*")
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var n int64
	h := integrity.NewHasher(want)
	err = j.download(ctx, m.Artifact, func(body io.Reader) (err error) {
		h = integrity.NewHasher(want)
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			err = f.Truncate(0)
		}
		if err == nil {
			n, err = io.Copy(io.MultiWriter(f, h), io.LimitReader(body, directory.MaxArtifact+1))
		}
		switch {
		case err != nil:
			return err
		case n > directory.MaxArtifact:
			return fmt.Errorf("%w: the artifact has more than %d bytes", pantry.ErrInvalid, int64(directory.MaxArtifact))
		}
		return h.Verify()
	})
	if err != nil {
		return "", 0, err
	}
	if there != nil {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return "", n, err
		}
		if _, err := io.Copy(io.Discard, integrity.NewReader(f, there.Artifact.Integrity)); err != nil {
			return "", n, fmt.Errorf("%w at the target: %w", pantry.ErrExists, err)
		}
		return EventSkipped, n, nil
	}
	p := pantry.Publication{Metadata: *m, Manifest: manifestOf(j.from, m.Version), Tarball: f, Tag: j.tagFor(m.Version)}
	p.Metadata.Artifact.Integrity = directory.WithSHA512(want, h.SHA512())
	if p.Manifest == nil {
		if p.Manifest, err = packed(f); err != nil {
			return "", n, err
		}
	}
	return EventCopied, n, j.publisher.Publish(ctx, p)
}

// packed is the package.json of a tarball.
func packed(f io.ReadSeeker) ([]byte, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return directory.ManifestIn(f)
}

// passing is the tag that versions without one are published with, since the protocol wants one. It
// is removed in the end.
const passing = "pantry-mirror"

// wantedTags are the source's tags that point to versions that are copied. Where a registry has
// nothing else, and what is latest is not copied, the highest that is becomes it, as it is in a
// directory anyway.
func (j *job) wantedTags() map[string]string {
	tags := map[string]string{}
	for tag, v := range j.from.Tags() {
		if slices.Contains(j.versions, v) && usableTag(tag) {
			tags[tag] = v
		}
	}
	if tags["latest"] == "" && j.keeper == nil && j.alone() {
		tags["latest"] = highest(j.versions)
	}
	return tags
}

// usableTag says whether registries take a tag. There are some of npm's early years that read as ranges.
func usableTag(tag string) bool {
	_, err := semver.ParseRange(tag)
	return err != nil && tag != "" && !strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == '/' || r == 0x7f })
}

// alone says that the target has no other versions than those that are copied.
func (j *job) alone() bool {
	return j.have == nil || !slices.ContainsFunc(j.have.Versions(), func(v string) bool { return !slices.Contains(j.versions, v) })
}

func highest(versions []string) string {
	for _, v := range slices.Backward(versions) {
		if p, err := semver.ParseLoose(v); err == nil && p.Prerelease() == "" {
			return v
		}
	}
	return versions[len(versions)-1]
}

func (j *job) tagFor(version string) string {
	tags := j.wantedTags()
	if tags["latest"] == version {
		return ""
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if tags[tag] == version {
			return tag
		}
	}
	if _, ok := pantry.As[pantry.Tagger](j.To.Registry); ok {
		return passing
	}
	return ""
}

// settle brings the tags to the target and finds out what it does not hold.
func (j *job) settle(ctx context.Context) error {
	tags := j.wantedTags()
	maps.DeleteFunc(tags, func(_, v string) bool { return j.good[v] == nil })
	if j.DryRun || len(j.good) == 0 {
		return nil
	}
	for tag, v := range j.from.Tags() {
		if j.good[v] != nil && !usableTag(tag) {
			j.left(j.name, v, fmt.Sprintf("the tag %q reads as a range or cannot be one", tag))
		}
	}
	now, err := j.To.Registry.Package(pantry.InFull(ctx), j.name)
	if err != nil {
		return err
	}
	if j.keeper != nil {
		// All of them, since what is latest there may be so for want of a tag.
		if err := j.keeper.SetTags(ctx, j.name, tags); err != nil {
			return err
		}
	}
	if j.keeper == nil {
		if err := j.setTags(ctx, now, tags); err != nil {
			return err
		}
		if err := j.deprecate(ctx, now); err != nil {
			return err
		}
	}
	if j.have != nil {
		maps.DeleteFunc(tags, func(tag, v string) bool { return j.have.Tags()[tag] == v })
	}
	j.run.mu.Lock()
	defer j.run.mu.Unlock()
	j.report.Tags += len(tags)
	return nil
}

func (j *job) setTags(ctx context.Context, now pantry.Package, tags map[string]string) error {
	t, ok := pantry.As[pantry.Tagger](j.To.Registry)
	if !ok {
		for tag, v := range tags {
			if now.Tags()[tag] != v {
				j.notCarried("tags")
				delete(tags, tag)
			}
		}
		return nil
	}
	for _, tag := range slices.Sorted(maps.Keys(tags)) {
		if now.Tags()[tag] == tags[tag] {
			continue
		}
		if err := t.SetTag(ctx, j.name, tag, tags[tag]); err != nil {
			return err
		}
	}
	if _, ok := now.Tags()[passing]; ok {
		return t.DeleteTag(ctx, j.name, passing)
	}
	return nil
}

// deprecate carries deprecations that the target lacks. One that the target has and the source has not
// is the target's own affair.
func (j *job) deprecate(ctx context.Context, now pantry.Package) error {
	byMessage := map[string][]string{}
	for _, v := range slices.Sorted(maps.Keys(j.good)) {
		m, err := now.Metadata(v)
		if message := j.good[v].Deprecated; err == nil && message != "" && message != m.Deprecated {
			byMessage[message] = append(byMessage[message], v)
		}
	}
	d, ok := pantry.As[pantry.Deprecator](j.To.Registry)
	for _, message := range slices.Sorted(maps.Keys(byMessage)) {
		err := pantry.ErrUnsupported
		if ok {
			err = d.Deprecate(ctx, j.name, byMessage[message], message)
		}
		if errors.Is(err, pantry.ErrUnsupported) {
			for range byMessage[message] {
				j.notCarried("deprecation")
			}
			continue
		}
		if err != nil {
			return err
		}
	}
	j.missing(now)
	return nil
}

// missing compares what was copied with what the target says of it now.
func (j *job) missing(now pantry.Package) {
	for _, v := range slices.Sorted(maps.Keys(j.good)) {
		if !j.news[v] {
			continue
		}
		m := j.good[v]
		there, err := now.Metadata(v)
		if err != nil {
			j.failed(j.name, v, fmt.Errorf("it was published, and cannot be read again: %w", err))
			continue
		}
		signed, attested := proofs(manifestOf(j.from, v))
		signedThere, attestedThere := proofs(manifestOf(now, v))
		for _, c := range []struct {
			what    string
			missing bool
		}{
			{"time", !m.Published.IsZero() && !m.Published.Equal(there.Published)},
			{"signatures", signed && !signedThere},
			{"attestations", attested && !attestedThere},
		} {
			if c.missing {
				j.notCarried(c.what)
			}
		}
	}
}

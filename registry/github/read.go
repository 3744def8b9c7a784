package github

import (
	"context"
	"errors"
	"fmt"

	"github.com/pantry-go/pantry"
)

// Metadata returns one version: by its number, by its whole tag, or with "" the latest one. A
// number is asked for as tag v1.2.3 and 1.2.3 first; only if there is neither, the list of
// releases is read.
func (r *Registry) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	if scoped(name) {
		return r.scopedMetadata(ctx, name, version)
	}
	m, err := r.lookup(ctx, name, version)
	if err != nil {
		return nil, r.readError(name, version, err)
	}
	return m, nil
}

func (r *Registry) lookup(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	if err := checkRepo(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	if version == "" || version == "latest" {
		return r.lookupLatest(ctx, name)
	}
	if !isRange(version) {
		for _, tag := range r.tagsFor(name, version) {
			d, err := r.release(ctx, name, tag)
			if errors.Is(err, pantry.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			v, err := r.versionOf(ctx, name, d.TagName)
			if err != nil {
				return nil, err
			}
			return r.detail(ctx, name, v, d)
		}
	}
	// What is missing is told apart by the list: it is not found if the repository is not.
	p, err := r.readPackage(ctx, name)
	if err != nil {
		return nil, err
	}
	v := version
	if tagged, ok := p.tags[version]; ok {
		v = tagged
	} else if text := versionText(version); text != "" {
		v = text
	}
	e := p.entries[v]
	if e == nil {
		return nil, pantry.ErrVersionNotFound
	}
	return r.detail(ctx, name, v, e.release)
}

// lookupLatest asks for the release that GitHub calls the latest. Where that is not one of the
// package's versions, the list decides.
func (r *Registry) lookupLatest(ctx context.Context, name string) (*pantry.Metadata, error) {
	if r.tagPrefix(name) == "" {
		d, err := r.release(ctx, name, "")
		if err == nil && own(parseTag(d.TagName).prefix, repoOf(name)) {
			return r.detail(ctx, name, parseTag(d.TagName).version, d)
		}
		if err != nil && !errors.Is(err, pantry.ErrNotFound) {
			return nil, err
		}
	}
	p, err := r.readPackage(ctx, name)
	if err != nil {
		return nil, err
	}
	v := p.tags["latest"]
	if v == "" {
		return nil, pantry.ErrVersionNotFound
	}
	return r.detail(ctx, name, v, p.entries[v].release)
}

// tagsFor lists the tags that a version could have, the likeliest first.
func (r *Registry) tagsFor(name, version string) []string {
	var tags []string
	add := func(tag string) {
		if usableTag(tag) {
			tags = appendNew(tags, tag)
		}
	}
	if versionText(version) == "" {
		add(version)
		return tags
	}
	if version[0] == 'v' || version[0] == 'V' {
		add(version)
		add(version[1:])
		return tags
	}
	if prefix := r.tagPrefix(name); prefix != "" {
		add(prefix + version)
		return tags
	}
	add("v" + version)
	add(version)
	return tags
}

// versionOf is the version that a tag stands for: its number where the tag's prefix is that of the
// package's versions, else its whole tag, since the number may be that of another version.
func (r *Registry) versionOf(ctx context.Context, name, tag string) (string, error) {
	t := parseTag(tag)
	wanted := r.tagPrefix(name)
	switch {
	case wanted != "" && samePrefix(t.prefix, wanted), wanted == "" && own(t.prefix, repoOf(name)):
		return t.version, nil
	case wanted != "":
		return tag, nil
	}
	p, err := r.readPackage(ctx, name)
	if err != nil {
		return "", err
	}
	if e := p.entries[t.version]; e != nil && e.release.TagName == tag {
		return t.version, nil
	}
	return tag, nil
}

func (r *Registry) detail(ctx context.Context, name, version string, d *releaseDoc) (*pantry.Metadata, error) {
	return r.metadata(ctx, name, version, d, func(ctx context.Context) (repoDoc, error) { return r.repository(ctx, name) })
}

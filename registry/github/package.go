package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// maxDetail is the longest that one version's metadata may take. Package.Metadata has no context
// of its own, so something has to end it; the transport's waits are shorter.
const maxDetail = 2 * time.Minute

// packageInfo is what is known about one repository.
type packageInfo struct {
	registry *Registry
	name     string
	versions []string
	tags     map[string]string
	entries  map[string]*entry // one for each version; the map does not change
	base     context.Context   // the values, but not the end, of the context it was read with
	about    once[repoDoc]
}

// entry is one version.
type entry struct {
	release *releaseDoc
	tag     tagName

	mu   sync.Mutex // held while the metadata is made
	meta *pantry.Metadata
	err  error // of a release that is here and cannot be used
}

// Package returns the versions of name. The metadata of one is made when it is needed, and kept.
func (r *Registry) Package(ctx context.Context, name string) (pantry.Package, error) {
	if scoped(name) {
		p, err := r.scopedPackage(ctx, name)
		return p, err
	}
	p, err := r.readPackage(ctx, name)
	if err != nil {
		return nil, r.readError(name, "", err)
	}
	return p, nil
}

func (r *Registry) readError(name, version string, err error) error {
	e := &pantry.Error{Op: opRead, Ref: pantry.Ref{Registry: r.name, Name: clip(line(name)), Version: clip(line(version))}, Err: err}
	if checkRepo(name) == nil {
		e.URL = transport.RedactURL(r.repoURL(name))
	}
	return e
}

// readPackage reads the list of releases, or of tags, and which of them is the latest.
func (r *Registry) readPackage(ctx context.Context, name string) (*packageInfo, error) {
	if err := checkRepo(name); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	all, err := r.releases(ctx, name)
	if err != nil {
		return nil, err
	}
	tagged := len(all) == 0
	if tagged {
		if all, err = r.tags(ctx, name); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		// Only a repository that is there has nothing.
		if _, err := r.repository(ctx, name); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: the repository has neither releases nor tags of versions", pantry.ErrNotFound)
	}
	latest := ""
	if !tagged && candidates(all) > 1 {
		if latest, err = r.latestTag(ctx, name); err != nil {
			return nil, err
		}
	} else if !tagged {
		latest = firstStable(all)
	}
	p := r.newPackage(ctx, name, all, latest)
	if len(p.versions) == 0 {
		return nil, fmt.Errorf("%w: no tag of the repository begins with %s", pantry.ErrNotFound, quote(r.tagPrefix(name)))
	}
	return p, nil
}

// latestTag is the tag of the release that GitHub calls the latest, "" for none.
func (r *Registry) latestTag(ctx context.Context, name string) (string, error) {
	d, err := r.release(ctx, name, "")
	switch {
	case errors.Is(err, pantry.ErrNotFound):
		return "", nil // prereleases only
	case err != nil:
		return "", err
	}
	return d.TagName, nil
}

// candidates counts the releases that GitHub could call the latest.
func candidates(all []*releaseDoc) int {
	n := 0
	for _, d := range all {
		if !d.Prerelease {
			n++
		}
	}
	return n
}

func firstStable(all []*releaseDoc) string {
	for _, d := range all {
		if !d.Prerelease {
			return d.TagName
		}
	}
	return ""
}

func (r *Registry) newPackage(ctx context.Context, name string, all []*releaseDoc, latest string) *packageInfo {
	p := &packageInfo{
		registry: r, name: name, tags: make(map[string]string), entries: make(map[string]*entry),
		base: context.WithoutCancel(ctx),
	}
	in := r.group(name, all, latest)
	for _, d := range all {
		t := parseTag(d.TagName)
		if !in(t) {
			continue
		}
		if old := p.entries[t.version]; old == nil || preferred(d.TagName, old.release.TagName) {
			p.entries[t.version] = &entry{release: d, tag: t}
		}
	}
	p.versions = slices.Sorted(maps.Keys(p.entries))
	semver.Sort(p.versions)
	for v, e := range p.entries {
		for _, alias := range []string{e.release.TagName, e.release.TagName[len(e.tag.prefix):]} {
			if isAlias(alias) {
				p.tags[alias] = v
			}
		}
	}
	if v := p.latest(latest); v != "" {
		p.tags["latest"] = v
	}
	return p
}

// isAlias says that a tag is neither a version nor a range to those who read wishes, so that it
// has to stand among the tags to be found.
func isAlias(s string) bool {
	if s == "" || s == "latest" {
		return false
	}
	if _, err := semver.ParseLoose(s); err == nil {
		return false
	}
	_, err := semver.ParseRange(s)
	return err != nil
}

// preferred says which of two tags of one version is meant by it: the one with a "v", as most
// have, else the shorter.
func preferred(tag, old string) bool {
	if v, w := strings.HasPrefix(tag, "v"), strings.HasPrefix(old, "v"); v != w {
		return v
	}
	return len(tag) < len(old)
}

// group says which tags are versions of the package.
func (r *Registry) group(name string, all []*releaseDoc, latest string) func(tagName) bool {
	repo := repoOf(name)
	if wanted := r.tagPrefix(name); wanted != "" {
		return func(t tagName) bool { return t.plain && samePrefix(t.prefix, wanted) }
	}
	for _, d := range all {
		if t := parseTag(d.TagName); t.plain && own(t.prefix, repo) {
			return func(t tagName) bool { return own(t.prefix, repo) }
		}
	}
	leader := tagName{}
	if latest != "" {
		leader = parseTag(latest)
	}
	for _, d := range all { // the newest first
		if leader.plain {
			break
		}
		leader = parseTag(d.TagName)
	}
	if !leader.plain {
		return func(tagName) bool { return true }
	}
	return func(t tagName) bool { return t.plain && t.prefix == leader.prefix }
}

// latest is the version that the tag "latest" stands for: the release that GitHub calls so, else
// the highest that is no prerelease, else the highest.
func (p *packageInfo) latest(tag string) string {
	if tag != "" {
		v := parseTag(tag).version
		if e := p.entries[v]; e != nil && e.release.TagName == tag {
			return v
		}
	}
	for _, v := range slices.Backward(p.versions) {
		if e := p.entries[v]; e.tag.plain && !e.release.Prerelease && !isPrerelease(v) {
			return v
		}
	}
	for _, v := range slices.Backward(p.versions) {
		if e := p.entries[v]; e.tag.plain || !e.release.Prerelease {
			return v
		}
	}
	if n := len(p.versions); n > 0 {
		return p.versions[n-1]
	}
	return ""
}

func isPrerelease(v string) bool {
	parsed, err := semver.ParseLoose(v)
	return err == nil && parsed.Prerelease() != ""
}

func (p *packageInfo) Name() string            { return p.name }
func (p *packageInfo) Versions() []string      { return p.versions }
func (p *packageInfo) Tags() map[string]string { return p.tags }

// Published is when a version was published; zero where that is not known.
func (p *packageInfo) Published(version string) time.Time {
	if e := p.entries[version]; e != nil {
		return e.release.PublishedAt.Time
	}
	return time.Time{}
}

// Metadata makes the metadata of a version at the first call, and remembers it. Callers that ask
// for the same version at the same time share the requests that it takes.
func (p *packageInfo) Metadata(version string) (*pantry.Metadata, error) {
	e := p.entries[version]
	if e == nil {
		return nil, p.registry.readError(p.name, version, pantry.ErrVersionNotFound)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.meta == nil && e.err == nil {
		ctx, cancel := context.WithTimeout(p.base, maxDetail)
		defer cancel()
		m, err := p.registry.metadata(ctx, p.name, version, e.release, func(ctx context.Context) (repoDoc, error) {
			return p.about.do(func() (repoDoc, error) { return p.registry.repository(ctx, p.name) })
		})
		if err != nil && errors.Is(err, pantry.ErrUnavailable) {
			return nil, p.registry.readError(p.name, version, err) // it may be better the next time
		}
		e.meta, e.err = m, err
	}
	if e.err != nil {
		return nil, p.registry.readError(p.name, version, e.err)
	}
	return clone(e.meta), nil
}

// clone copies m with what it points to, so that a caller may change its copy.
func clone(m *pantry.Metadata) *pantry.Metadata {
	c := *m
	c.Keywords = slices.Clone(c.Keywords)
	c.Artifact.Integrity = slices.Clone(c.Artifact.Integrity)
	if m.Tool != nil {
		t := *m.Tool
		t.Builds = slices.Clone(t.Builds)
		for i := range t.Builds {
			t.Builds[i].Artifact.Integrity = slices.Clone(t.Builds[i].Artifact.Integrity)
		}
		c.Tool = &t
	}
	return &c
}

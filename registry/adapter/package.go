package adapter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/scheme"
)

const (
	// maxVersions bounds the versions of one package: some bots publish ten thousand.
	maxVersions = 100_000
	// maxDetail is the longest that one version's metadata may take. Package.Metadata has no
	// context of its own, so something has to end it; the transport's waits are shorter.
	maxDetail = 2 * time.Minute
)

// packageInfo is what an adapter knows about one name.
type packageInfo struct {
	name      string
	versions  []string // ascending
	tags      map[string]string
	scheme    *scheme.Scheme
	withdrawn map[string]bool
	details   map[string]*detail // one for each version; the map does not change
	fail      func(version string, err error) error
	unlisted  bool // versions that are not in the list may be there
	// fetch asks for a version with the values, but not the end, of the context that the
	// package was read with: a package outlives the call that returned it.
	fetch func(version string) (*pantry.Metadata, error)
}

// detail is one version's metadata, or that it is not yet known.
type detail struct {
	mu   sync.Mutex // held while it is asked for
	meta *pantry.Metadata
}

// newPackage makes a package of versions in any order. Those that cannot be asked for are left out.
func newPackage(name string, versions []string, tags map[string]string, withdrawn []string, s *scheme.Scheme) (*packageInfo, error) {
	p := &packageInfo{name: name, scheme: s, tags: map[string]string{}, details: map[string]*detail{}, withdrawn: map[string]bool{}}
	for _, v := range versions {
		if usableVersion(v) && p.details[v] == nil {
			p.details[v] = new(detail)
			p.versions = append(p.versions, v)
		}
	}
	if len(p.versions) == 0 {
		return nil, fmt.Errorf("%w: the registry lists no version of it", pantry.ErrNotFound)
	}
	s.Sort(p.versions)
	for _, v := range withdrawn {
		if v, ok := p.same(v); ok {
			p.withdrawn[v] = true
		}
	}
	for tag, v := range tags {
		if v, ok := p.same(v); ok && tag == line(tag) && tag != "" {
			p.tags[tag] = v
		}
	}
	if p.tags["latest"] == "" {
		p.tags["latest"] = p.latest()
	}
	return p, nil
}

// latest is the highest version that is neither withdrawn nor a prerelease, or the best there is.
func (p *packageInfo) latest() string {
	best := func(ok func(string) bool) string {
		for _, v := range slices.Backward(p.versions) {
			if ok(v) {
				return v
			}
		}
		return ""
	}
	valid := func(v string) bool { return p.scheme.Valid(v) }
	standing := func(v string) bool { return valid(v) && !p.withdrawn[v] }
	for _, ok := range []func(string) bool{
		func(v string) bool { return standing(v) && !p.scheme.Prerelease(v) }, standing, valid,
	} {
		if v := best(ok); v != "" {
			return v
		}
	}
	return p.versions[len(p.versions)-1]
}

// same finds the listed version that v is another spelling of. Build metadata tells versions apart
// that compare as equal.
func (p *packageInfo) same(v string) (string, bool) {
	if p.details[v] != nil {
		return v, true
	}
	if !p.scheme.Valid(v) {
		return "", false
	}
	if name := p.scheme.Name(); name != "pep440" && name != "rubygems" {
		return "", false
	}
	for _, listed := range p.versions {
		if p.scheme.Compare(listed, v) == 0 {
			return listed, true
		}
	}
	return "", false
}

func (p *packageInfo) Name() string            { return p.name }
func (p *packageInfo) Versions() []string      { return p.versions }
func (p *packageInfo) Tags() map[string]string { return p.tags }

// Satisfying implements pantry.VersionPicker.
func (p *packageInfo) Satisfying(constraint string) ([]string, error) {
	if v, ok := p.tags[constraint]; ok {
		return []string{v}, nil
	}
	if v, ok := p.same(constraint); ok {
		return []string{v}, nil
	}
	if p.unlisted && p.scheme.Valid(constraint) && usableVersion(constraint) {
		if _, err := p.fetch(constraint); err == nil {
			return []string{constraint}, nil
		}
	}
	standing := slices.DeleteFunc(slices.Clone(p.versions), func(v string) bool { return p.withdrawn[v] })
	return p.scheme.Satisfying(standing, constraint)
}

// Metadata asks the registry at the first call for a version, and remembers the answer. Callers
// that ask for the same version at the same time share one request.
func (p *packageInfo) Metadata(version string) (*pantry.Metadata, error) {
	d := p.details[version]
	switch {
	case d == nil && p.unlisted && p.scheme.Valid(version) && usableVersion(version):
		d = new(detail)
	case d == nil:
		return nil, p.fail(version, pantry.ErrVersionNotFound)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.meta == nil {
		m, err := p.fetch(version)
		if err != nil {
			return nil, p.fail(version, err) // it may be better the next time
		}
		d.meta = m
	}
	return clone(d.meta), nil
}

// clone copies m with what it points to, so that a caller may change its copy.
func clone(m *pantry.Metadata) *pantry.Metadata {
	c := *m
	for _, s := range []*[]string{&c.Keywords, &c.OptionalPeers, &c.BundledDependencies, &c.OS, &c.CPU, &c.Libc} {
		*s = slices.Clone(*s)
	}
	for _, t := range []*map[string]string{
		&c.Dependencies, &c.DevDependencies, &c.OptionalDependencies, &c.PeerDependencies, &c.Bin, &c.Engines,
	} {
		*t = maps.Clone(*t)
	}
	c.Artifact.Integrity = slices.Clone(c.Artifact.Integrity)
	return &c
}

// Package returns the versions and tags of name.
func (r *Registry) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, _, err := r.readPackage(ctx, name)
	if err != nil {
		return nil, r.readError(name, "", err)
	}
	return p, nil
}

// Metadata returns one version: an exact one, one by its tag, or with "" the latest. The list of
// versions is asked for first: it tells a missing version from a missing package, and has what many
// protocols tell nowhere else.
func (r *Registry) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	m, err := r.lookup(ctx, name, version)
	if err != nil {
		return nil, r.readError(name, version, err)
	}
	return m, nil
}

func (r *Registry) lookup(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	p, read, err := r.readPackage(ctx, name)
	if err != nil {
		return nil, err
	}
	if version == "" {
		version = "latest"
	}
	if v, ok := p.tags[version]; ok {
		return read(ctx, v)
	}
	if v, ok := p.same(version); ok {
		return read(ctx, v)
	}
	if r.def.unlisted && r.def.scheme.Valid(version) && usableVersion(version) {
		return read(ctx, version)
	}
	return nil, pantry.ErrVersionNotFound
}

// reader reads one version of a package.
type reader func(ctx context.Context, version string) (*pantry.Metadata, error)

func (r *Registry) readPackage(ctx context.Context, name string) (*packageInfo, reader, error) {
	if err := r.CheckName(name); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", pantry.ErrNotFound, err)
	}
	values, err := r.values(ctx)
	if err != nil {
		return nil, nil, err
	}
	values["name"] = name
	doc, at, err := r.ask(ctx, &r.def.pkg.request, values)
	if err != nil {
		return nil, nil, err
	}
	if err := r.askAll(ctx, r.def.pkg.more, values); err != nil {
		return nil, nil, err
	}
	values["doc"] = doc
	l, err := r.list(ctx, name, values, at)
	if err != nil {
		return nil, nil, err
	}
	p, err := newPackage(name, l.versions, l.tags, l.withdrawn, r.def.scheme)
	if err != nil {
		return nil, nil, err
	}
	p.unlisted = r.def.unlisted
	delete(values, "doc")
	values["package"] = doc
	read := func(ctx context.Context, version string) (*pantry.Metadata, error) {
		return r.readVersion(ctx, values, version, l.items[version], at)
	}
	base := context.WithoutCancel(ctx)
	p.fetch = func(version string) (*pantry.Metadata, error) {
		ctx, cancel := context.WithTimeout(base, maxDetail)
		defer cancel()
		return read(ctx, version)
	}
	p.fail = func(version string, err error) error { return r.readError(name, version, err) }
	return p, read, nil
}

// listed is what an answer says about the versions of a package.
type listed struct {
	versions, withdrawn []string
	items               map[string]any // by version
	tags                map[string]string
}

// list reads the versions of all pages.
func (r *Registry) list(ctx context.Context, name string, values map[string]any, at *url.URL) (*listed, error) {
	l := &listed{items: map[string]any{}, tags: map[string]string{}}
	page := maps.Clone(values)
	for range maxPages {
		if err := l.add(&r.def.pkg, page, name, r.def.normalize); err != nil {
			return nil, err
		}
		next, err := r.def.pkg.next.eval(page)
		if err != nil {
			return nil, err
		}
		raw, _ := next.(string)
		if raw == "" {
			return l, nil
		}
		u, err := parseURL(raw, at)
		if err != nil {
			return nil, fmt.Errorf("%w: the next page's URL %s %w", pantry.ErrInvalid, quote(raw), err)
		}
		if page["doc"], at, err = r.get(ctx, u.String(), &r.def.pkg.request); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: the list of versions has more than %d pages", pantry.ErrInvalid, maxPages)
}

// add reads one page.
func (l *listed) add(p *packagePart, page map[string]any, name string, normalize func(string) string) error {
	if p.name != nil {
		v, err := p.name.eval(page)
		if err != nil {
			return err
		}
		s, ok := v.(string)
		switch {
		case ok && normalize(s) == name:
		case strings.EqualFold(s, name):
			return fmt.Errorf("%w: it is written %s there", pantry.ErrNotFound, quote(s))
		default:
			return fmt.Errorf("%w: the answer is about %s", pantry.ErrInvalid, quote(textOf(v)))
		}
	}
	v, err := p.versions.eval(page)
	if err != nil {
		return err
	}
	items, ok := v.([]any)
	if !ok {
		return fmt.Errorf("%w: the answer has no list of versions", pantry.ErrInvalid)
	}
	if len(l.versions)+len(items) > maxVersions {
		return fmt.Errorf("%w: more than %d versions", pantry.ErrInvalid, maxVersions)
	}
	for _, item := range items {
		if err := l.item(item); err != nil {
			return err
		}
	}
	return l.judge(p, page)
}

// item reads one version: its number, or an object with a member "version", and perhaps "withdrawn".
func (l *listed) item(item any) error {
	m, _ := item.(map[string]any)
	version, ok := item.(string)
	if m != nil {
		version, ok = m["version"].(string)
	}
	switch _, twice := l.items[version]; {
	case item == nil:
		return nil
	case !ok:
		return fmt.Errorf("%w: the list of versions has something that is none", pantry.ErrInvalid)
	case twice: // the first counts
		return nil
	}
	l.versions = append(l.versions, version)
	l.items[version] = item
	if gone, _ := m["withdrawn"].(bool); gone {
		l.withdrawn = append(l.withdrawn, version)
	}
	return nil
}

// judge reads what the page says about versions: which were withdrawn, and which have tags.
func (l *listed) judge(p *packagePart, page map[string]any) error {
	v, err := p.withdrawn.eval(page)
	if err != nil {
		return err
	}
	l.withdrawn = append(l.withdrawn, record{"w": v}.list("w")...)
	if v, err = p.tags.eval(page); err != nil {
		return err
	}
	tags, err := record{"tags": v}.table("tags")
	maps.Copy(l.tags, tags)
	return err
}

// readVersion reads one version. known are the values of the package's request; item is how the list
// has the version.
func (r *Registry) readVersion(ctx context.Context, known map[string]any, version string, item any, at *url.URL) (*pantry.Metadata, error) {
	values := maps.Clone(known)
	values["version"], values["item"] = version, item
	if r.def.version != nil {
		doc, where, err := r.ask(ctx, r.def.version, values)
		if err == nil {
			err = r.askAll(ctx, r.def.more, values)
		}
		switch {
		case errors.Is(err, pantry.ErrNotFound):
			return nil, fmt.Errorf("%w: %w", pantry.ErrVersionNotFound, err)
		case err != nil:
			return nil, err
		}
		values["doc"] = doc
		if where != nil {
			at = where
		}
	}
	var err error
	if values["file"], err = r.def.artifact.pick.eval(values); err != nil {
		return nil, fmt.Errorf("artifact.pick: %w", err)
	}
	rec := record{}
	for field, e := range r.def.metadata {
		if rec[field], err = e.eval(values); err != nil {
			return nil, fmt.Errorf("%s: %w", field, err)
		}
	}
	m, err := rec.metadata()
	if err != nil {
		return nil, err
	}
	if err := r.about(m, rec, values["name"].(string), version); err != nil {
		return nil, err
	}
	if m.Artifact, err = r.artifact(values, at); err != nil {
		return nil, err
	}
	m.Artifact.Name, m.Artifact.Version, m.Registry = m.Name, m.Version, r.name
	return m, nil
}

// about checks that an answer is about the version that was asked for, where the definition says
// how to tell, and names it as it was asked for.
func (r *Registry) about(m *pantry.Metadata, rec record, name, version string) error {
	if r.def.metadata["name"] != nil && rec["name"] != nil && r.def.normalize(m.Name) != name {
		return fmt.Errorf("%w: the answer is about %s", pantry.ErrInvalid, quote(m.Name))
	}
	if r.def.metadata["version"] != nil && rec["version"] != nil && m.Version != version && r.def.scheme.Compare(m.Version, version) != 0 {
		return fmt.Errorf("%w: the answer is about version %s", pantry.ErrInvalid, quote(m.Version))
	}
	m.Name, m.Version = name, version
	return nil
}

// artifact evaluates what the definition says about the bytes.
func (r *Registry) artifact(values map[string]any, at *url.URL) (pantry.Artifact, error) {
	a := r.def.artifact
	rec := record{}
	var err error
	for field, e := range map[string]*expression{"url": a.urlFrom, "digest": a.digest, "size": a.size, "file": a.file} {
		if rec[field], err = e.eval(values); err != nil {
			return pantry.Artifact{}, fmt.Errorf("artifact.%s: %w", field, err)
		}
	}
	if a.url != nil {
		if rec["url"], err = a.url.fill(values); err != nil {
			return pantry.Artifact{}, fmt.Errorf("%w: the artifact's URL: %w", pantry.ErrInvalid, err)
		}
	}
	if s, _ := rec["url"].(string); s == "" {
		return pantry.Artifact{}, fmt.Errorf("%w: the registry has no file for this version that can be downloaded", pantry.ErrUnsupported)
	}
	return rec.artifact(at, r.allowMissing, r.name)
}

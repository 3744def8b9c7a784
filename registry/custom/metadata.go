package custom

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// describes says that the document is about the version that was asked for; version "" is any.
func (d *versionDoc) describes(name, version string) error {
	switch {
	case d.Name == "":
		return fmt.Errorf("%w: the answer does not name its package", pantry.ErrInvalid)
	case d.Name != name:
		return fmt.Errorf("%w: the answer is about %s", pantry.ErrInvalid, quote(d.Name))
	case !usableVersion(d.Version):
		return fmt.Errorf("%w: the answer is for %s, which is no version", pantry.ErrInvalid, quote(d.Version))
	case version != "" && d.Version != version:
		return fmt.Errorf("%w: the answer is for version %s", pantry.ErrInvalid, quote(d.Version))
	}
	return nil
}

// metadata turns a document that came from the URL at into what the rest of Pantry works with.
func (r *Registry) metadata(d *versionDoc, at *url.URL) (*pantry.Metadata, error) {
	a, err := r.artifact(d, at)
	if err != nil {
		return nil, err
	}
	m := d.describe()
	m.Artifact, m.Registry = a, r.name
	return m, nil
}

// describe is everything but where the bytes are and what they hash to.
func (d *versionDoc) describe() *pantry.Metadata {
	m := &pantry.Metadata{
		Name: d.Name, Version: d.Version, Description: string(d.Description), Homepage: string(d.Homepage),
		Repository: repositoryURL(string(d.Repository)), License: string(d.License), Author: string(d.Author),
		Keywords: d.Keywords, Dependencies: d.Dependencies, DevDependencies: d.DevDependencies,
		OptionalDependencies: d.OptionalDependencies, PeerDependencies: d.PeerDependencies,
		OptionalPeers: d.PeerMeta.optional(), Bin: d.Bin.commands(d.Name), Engines: d.Engines,
		OS: d.OS, CPU: d.CPU, Libc: d.Libc, Deprecated: string(d.Deprecated), Published: d.PublishedAt.Time,
		HasInstallScript: bool(d.HasInstallScript) || d.installs(),
	}
	if d.Yanked && m.Deprecated == "" {
		m.Deprecated = "yanked" // what a picker of versions makes of a deprecation is what is meant
	}
	for name := range d.OptionalDependencies {
		delete(m.Dependencies, name)
	}
	for _, b := range []bundle{d.Bundle, d.Bundled} {
		inside := []string(b.names)
		if b.all {
			inside = slices.Sorted(maps.Keys(d.Dependencies))
		}
		for _, name := range inside {
			if !slices.Contains(m.BundledDependencies, name) {
				m.BundledDependencies = append(m.BundledDependencies, name)
			}
		}
	}
	return m
}

func (d *versionDoc) installs() bool {
	return d.Scripts["preinstall"] != "" || d.Scripts["install"] != "" || d.Scripts["postinstall"] != ""
}

// repositoryURL makes a URL of what npm lets people write.
func repositoryURL(s string) string {
	s = strings.TrimPrefix(s, "git+")
	if rest, ok := strings.CutPrefix(s, "github:"); ok {
		return "https://github.com/" + rest
	}
	if owner, name, ok := strings.Cut(s, "/"); ok && owner != "" && name != "" && !strings.ContainsAny(s, ":. ") && !strings.Contains(name, "/") {
		return "https://github.com/" + s
	}
	return s
}

// artifact reads where the bytes are and what they must hash to.
func (r *Registry) artifact(d *versionDoc, at *url.URL) (pantry.Artifact, error) {
	a := pantry.Artifact{Name: d.Name, Version: d.Version, Size: int64(d.Size)}
	if d.TarballURL == "" && len(d.Platforms) > 0 {
		err := fmt.Errorf("%w: the version has an artifact for each of %d platforms and none for all", pantry.ErrUnsupported, len(d.Platforms))
		return a, pantry.WithHint(err, "this version of Pantry cannot choose among them")
	}
	var err error
	if a.URL, err = r.artifactURL(d, at); err != nil {
		return a, err
	}
	a.Integrity, err = d.digests()
	if err != nil && !r.allowMissing {
		return a, r.unverifiable("%w", err)
	}
	switch {
	case disagree(a.Integrity):
		return a, fmt.Errorf("%w: the answer has two different digests of one algorithm for the tarball", pantry.ErrInvalid)
	case len(a.Integrity) == 0 && !r.allowMissing:
		return a, r.unverifiable("the answer has no checksum for the tarball")
	}
	return a, nil
}

// unverifiable refuses a version whose bytes could not be checked. It is a matter of policy and
// not an invalid answer, so that nobody goes on to another registry for the name.
func (r *Registry) unverifiable(format string, args ...any) error {
	err := fmt.Errorf("%w: "+format, append([]any{pantry.ErrPolicy}, args...)...)
	return pantry.WithHint(err, "have the registry give \"checksum\": \"sha256:\" and 64 hexadecimal digits, "+
		"or set \"allowMissingChecksum\": true for registry %q to take its tarballs unverified", r.name)
}

// artifactURL resolves tarballUrl against the URL of the answer it was in. What is at a mirror is at
// the registry too.
func (r *Registry) artifactURL(d *versionDoc, at *url.URL) (string, error) {
	if d.TarballURL == "" {
		return r.ArtifactURL(d.Name, d.Version), nil
	}
	u, err := at.Parse(d.TarballURL)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: tarballUrl %s is no URL", pantry.ErrInvalid, quote(d.TarballURL))
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", fmt.Errorf("%w: tarballUrl %s is neither http nor https", pantry.ErrInvalid, quote(d.TarballURL))
	case u.User != nil:
		return "", fmt.Errorf("%w: tarballUrl holds user information", pantry.ErrInvalid)
	}
	u.Fragment, u.RawFragment = "", ""
	return r.client.Canonical(u.String()), nil
}

// digests reads checksum and integrity together; all of them must match the bytes. Beside an error
// it returns those that could be read.
func (d *versionDoc) digests() (integrity.Set, error) {
	set, bad := integrity.ParseChecksum(d.Checksum)
	if bad != nil {
		set, bad = nil, fmt.Errorf("checksum %s: %w", quote(d.Checksum), bad)
	}
	more, err := integrity.Parse(d.Integrity)
	if err != nil {
		bad = cmp.Or(bad, fmt.Errorf("integrity %s: %w", quote(d.Integrity), err))
	}
	for _, digest := range more {
		if !slices.Contains(set, digest) {
			set = append(set, digest)
		}
	}
	return set, bad
}

// disagree says that set holds two digests of one algorithm, of which the same bytes can have one.
func disagree(set integrity.Set) bool {
	for _, d := range set {
		if one, _ := set.Find(d.Algorithm()); one != d {
			return true
		}
	}
	return false
}

// document writes m for the wire. The tarball's URL is the caller's affair.
func document(m *pantry.Metadata) versionDoc {
	d := versionDoc{
		Name: m.Name, Version: m.Version, Description: text(m.Description), Homepage: text(m.Homepage),
		Repository: repository(m.Repository), License: license(m.License), Author: person(m.Author),
		Keywords: m.Keywords, Dependencies: m.Dependencies, DevDependencies: m.DevDependencies,
		OptionalDependencies: m.OptionalDependencies, PeerDependencies: m.PeerDependencies,
		Bundle: bundle{names: m.BundledDependencies}, Bin: bin{byName: m.Bin}, Engines: m.Engines,
		OS: m.OS, CPU: m.CPU, Libc: m.Libc, Deprecated: notice(m.Deprecated),
		HasInstallScript: yes(m.HasInstallScript), Size: count(m.Artifact.Size),
		PublishedAt: moment{m.Published}, Checksum: checksum(m.Artifact.Integrity),
	}
	for _, name := range m.OptionalPeers {
		if d.PeerMeta == nil {
			d.PeerMeta = make(peerTable)
		}
		d.PeerMeta[name] = peer{Optional: true}
	}
	return d
}

// checksum writes digests as the convention does. Those of SHA-384 it knows as SRI only, like
// several of one algorithm.
func checksum(set integrity.Set) string {
	var parts []string
	for _, d := range set {
		if d.Algorithm() == integrity.SHA384 {
			parts = append(parts, d.String())
		} else {
			parts = append(parts, d.Algorithm().String()+":"+d.Hex())
		}
	}
	return strings.Join(parts, " ")
}

// result is an entry of a search.
func result(m *pantry.Metadata) resultDoc {
	d := document(m)
	return resultDoc{
		Name: d.Name, Version: d.Version, Description: d.Description, Homepage: d.Homepage, Repository: d.Repository,
		License: d.License, Author: d.Author, Keywords: d.Keywords, Deprecated: d.Deprecated,
	}
}

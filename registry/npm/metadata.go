package npm

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// origin is what the meaning of a document depends on besides the document.
type origin struct {
	registry     string              // configured name
	base         *url.URL            // the registry's URL, its path without a trailing slash
	canonical    func(string) string // makes the registry's URL of a mirror's; may be nil
	allowMissing bool                // versions without any digest are taken
}

// maxURL bounds a tarball's address.
const maxURL = 4096

var errNoDigest = fmt.Errorf("%w: the registry gives no checksum for the tarball", pantry.ErrPolicy)

// metadata turns the document of a version into what the rest of Pantry works with. The document
// has to be about the name and version that were asked for, where it says what it is about.
func (o origin) metadata(m *manifest, name, version string) (*pantry.Metadata, error) {
	if err := describes(m, name, version); err != nil {
		return nil, err
	}
	out := m.metadata()
	out.Name, out.Version, out.Registry = name, version, o.registry
	var err error
	out.Artifact, err = o.artifact(m.Dist, name, version)
	return out, err
}

// metadata is what m says for itself. Where the bytes are depends on the registry.
func (m *manifest) metadata() *pantry.Metadata {
	out := &pantry.Metadata{
		Name: m.Name, Version: m.Version,
		Description: m.Description, Homepage: m.Homepage, License: m.License, Author: m.Author,
		Keywords:     m.Keywords,
		Dependencies: m.Dependencies, DevDependencies: m.DevDependencies,
		OptionalDependencies: m.OptionalDependencies, PeerDependencies: m.PeerDependencies,
		BundledDependencies: m.Bundled,
		Bin:                 m.Bin, Engines: m.Engines, OS: m.OS, CPU: m.CPU, Libc: m.Libc,
		Deprecated: m.Deprecated, HasInstallScript: m.HasInstallScript,
	}
	if m.Repository != nil {
		out.Repository = m.Repository.URL
	}
	for peer := range m.PeerMeta {
		out.OptionalPeers = append(out.OptionalPeers, peer)
	}
	slices.Sort(out.OptionalPeers)
	return out
}

// describes says what is wrong when m is about another package or version.
func describes(m *manifest, name, version string) error {
	if m.Name != "" && m.Name != name {
		return fmt.Errorf("the description is of the package %q", brief(m.Name))
	}
	if m.Version != "" && !sameVersion(m.Version, version) {
		return fmt.Errorf("the description is of version %q", brief(m.Version))
	}
	return nil
}

// sameVersion says whether two spellings are of one version.
func sameVersion(a, b string) bool {
	if a == b {
		return true
	}
	va, errA := semver.ParseLoose(a)
	vb, errB := semver.ParseLoose(b)
	return errA == nil && errB == nil && semver.CompareBuild(va, vb) == 0
}

func (o origin) artifact(d *dist, name, version string) (pantry.Artifact, error) {
	a := pantry.Artifact{Name: name, Version: version}
	if d == nil {
		d = &dist{}
	}
	var err error
	if a.URL, err = o.artifactURL(d.Tarball, name, version); err != nil {
		return a, err
	}
	if a.Integrity, err = d.digests(); err != nil {
		// what can't be verified is refused: another registry is not asked in place of this one
		return a, fmt.Errorf("%w: %w", pantry.ErrPolicy, err)
	}
	if len(a.Integrity) == 0 && !o.allowMissing {
		return a, pantry.WithHint(errNoDigest, "to take unverified tarballs from registry %q, set \"allowMissingChecksum\" for it", o.registry)
	}
	return a, nil
}

// digests reads what the tarball must hash to. The SHA-1 counts only where nothing else is given.
// A digest that cannot be read is an error, so that nobody takes it for an absent one.
func (d *dist) digests() (integrity.Set, error) {
	if d.read != nil {
		return d.read, nil
	}
	if strings.TrimSpace(d.Integrity) != "" {
		set, err := integrity.Parse(d.Integrity)
		if err != nil {
			return nil, fmt.Errorf("dist.integrity: %w", err)
		}
		return set, nil
	}
	if d.Shasum == "" {
		return nil, nil
	}
	digest, err := integrity.FromHex(integrity.SHA1, d.Shasum)
	if err != nil {
		return nil, fmt.Errorf("dist.shasum: %w", err)
	}
	return integrity.Set{digest}, nil
}

// artifactURL reads dist.tarball; an absent one means the conventional address. Another host than
// the registry's is fine. An http address on the host of an https registry is what registries
// behind a proxy write by mistake: it is asked for at the registry's own origin, as npm's
// replace-registry-host does.
func (o origin) artifactURL(tarball, name, version string) (string, error) {
	if tarball == "" {
		return o.base.String() + artifactPath(name, version), nil
	}
	if len(tarball) > maxURL {
		return "", fmt.Errorf("dist.tarball has more than %d bytes", maxURL)
	}
	u, err := url.Parse(tarball)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("dist.tarball %q is not an http or https URL", brief(tarball))
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	if u.Scheme == "http" && o.base.Scheme == "https" &&
		strings.EqualFold(u.Hostname(), o.base.Hostname()) && (u.Port() == "" || u.Port() == "80") {
		u.Scheme, u.Host = o.base.Scheme, o.base.Host
	}
	if o.canonical != nil {
		return o.canonical(u.String()), nil
	}
	return u.String(), nil
}

// manifestOf is the way back: the document of a version whose tarball is at the given address.
func manifestOf(m *pantry.Metadata, tarball string) *manifest {
	out := &manifest{
		ID: m.Name + "@" + m.Version, Name: m.Name, Version: m.Version,
		Description: m.Description, Homepage: m.Homepage, License: m.License, Author: m.Author,
		Keywords:     m.Keywords,
		Dependencies: m.Dependencies, DevDependencies: m.DevDependencies,
		OptionalDependencies: m.OptionalDependencies, PeerDependencies: m.PeerDependencies,
		Bundled: m.BundledDependencies,
		Bin:     m.Bin, Engines: m.Engines, OS: m.OS, CPU: m.CPU, Libc: m.Libc,
		Deprecated: m.Deprecated, HasInstallScript: m.HasInstallScript,
		Dist: distOf(m.Artifact.Integrity, tarball),
	}
	if m.Repository != "" {
		out.Repository = &repository{Type: "git", URL: m.Repository}
	}
	for _, peer := range m.OptionalPeers {
		if out.PeerMeta == nil {
			out.PeerMeta = make(map[string]peerMeta)
		}
		out.PeerMeta[peer] = peerMeta{Optional: true}
	}
	return out
}

// distOf puts a SHA-1 where old clients look for it, and everything better into integrity.
func distOf(set integrity.Set, tarball string) *dist {
	d := &dist{Tarball: tarball}
	var rest integrity.Set
	for _, digest := range set {
		if digest.Algorithm() != integrity.SHA1 {
			rest = append(rest, digest)
		} else if d.Shasum == "" {
			d.Shasum = digest.Hex()
		}
	}
	d.Integrity = rest.String()
	return d
}

// formatTime is the spelling of times that registries use.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// parseTime reads RFC 3339 with any offset, with or without a fraction; zero for anything else.
func parseTime(s string) time.Time {
	if s == "" {
		return time.Time{} // most often, and an error costs more than the look
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

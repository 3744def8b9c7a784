package github

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// platforms are those whose builds are recorded, whatever this machine is, so that a lockfile
// serves a whole team. On Linux both C libraries are asked for.
var platforms = []pantry.Platform{
	{OS: "linux", Arch: "amd64", Libc: glibc}, {OS: "linux", Arch: "amd64", Libc: musl},
	{OS: "linux", Arch: "arm64", Libc: glibc}, {OS: "linux", Arch: "arm64", Libc: musl},
	{OS: "darwin", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"},
	{OS: "windows", Arch: "amd64"}, {OS: "windows", Arch: "arm64"},
}

// metadata makes the metadata of one release. about gives what is known of the repository; that it
// cannot be had is no reason to keep a version from anybody, unless nobody waits any more.
func (r *Registry) metadata(ctx context.Context, name, version string, d *releaseDoc, about func(context.Context) (repoDoc, error)) (*pantry.Metadata, error) {
	m := &pantry.Metadata{Name: name, Version: version, Registry: r.name, Published: d.PublishedAt.Time}
	assets, err := d.assets()
	if err != nil {
		return nil, err
	}
	if len(assets) == 0 {
		m.Artifact, err = r.source(name, version, d)
	} else {
		m.Artifact, m.Tool, err = r.builds(ctx, name, version, assets)
	}
	if err != nil {
		return nil, err
	}
	info, err := about(ctx)
	if errors.Is(err, context.Canceled) {
		return nil, err
	}
	if err == nil {
		m.Description, m.License, m.Keywords = line(info.Description), info.license(), info.keywords()
		m.Homepage, m.Repository, m.Author = webAddress(info.Homepage), webAddress(info.HTMLURL), line(info.Owner.Login)
	}
	return m, nil
}

// source is the archive that GitHub makes of the tag.
func (r *Registry) source(name, version string, d *releaseDoc) (pantry.Artifact, error) {
	a := pantry.Artifact{Name: name, Version: version, URL: webAddress(d.TarballURL)}
	switch {
	case a.URL == "":
		return a, fmt.Errorf("%w: the release has no assets and no source archive", pantry.ErrInvalid)
	case !r.allowMissing:
		return a, r.unverifiable("the release has no assets, and the source archive of it has no checksum that lasts")
	}
	return a, nil
}

// unverifiable refuses a version whose bytes could not be checked. It is a matter of policy and
// not an invalid answer, so that nobody goes on to another registry for the name.
func (r *Registry) unverifiable(format string, args ...any) error {
	err := fmt.Errorf("%w: "+format, append([]any{pantry.ErrPolicy}, args...)...)
	return pantry.WithHint(err, "have the release made with a checksum file beside its assets, or upload them anew for GitHub to "+
		"compute a digest, or set \"allowMissingChecksum\": true for registry %q to take its assets unverified", r.name)
}

// builds chooses an asset for each platform. That there is none for this machine is an error; that
// there is none for another one is not.
func (r *Registry) builds(ctx context.Context, name, version string, assets []assetDoc) (pantry.Artifact, *pantry.Tool, error) {
	names := make([]string, len(assets))
	byName := make(map[string]assetDoc, len(assets))
	for i, a := range assets {
		names[i], byName[a.Name] = a.Name, a
	}
	pattern, tool := r.asset(name), repoOf(name)
	mine, err := ChooseMatching(names, pattern, tool, r.platform)
	if err != nil {
		return pantry.Artifact{}, nil, err
	}
	b := &builder{registry: r, name: name, version: version, sums: newSums(r, name, assets), byName: byName}
	own, err := b.artifact(ctx, mine.Asset, true)
	if err != nil {
		return pantry.Artifact{}, nil, err
	}
	t := &pantry.Tool{}
	for _, pl := range append(slices.Clone(platforms), r.platform) {
		ch := mine
		if pl != r.platform {
			if ch, err = ChooseMatching(names, pattern, tool, pl); err != nil {
				continue
			}
		}
		a, err := b.artifact(ctx, ch.Asset, ch.Asset == mine.Asset)
		if err != nil {
			return pantry.Artifact{}, nil, err
		}
		t.Builds = addBuild(t.Builds, pantry.Build{
			Platform: pl, Artifact: a, File: ch.Asset, Strip: -1, Executable: ch.Executable, Why: ch.Why(),
		})
	}
	return own, t, nil
}

// addBuild appends b, unless it is there. One asset for both C libraries is one that does not care.
func addBuild(to []pantry.Build, b pantry.Build) []pantry.Build {
	for i := range to {
		old := &to[i]
		if old.Platform.OS != b.Platform.OS || old.Platform.Arch != b.Platform.Arch || old.File != b.File {
			continue
		}
		if old.Platform.Libc != b.Platform.Libc && b.Platform.Libc != "" {
			old.Platform.Libc = ""
		}
		return to
	}
	return append(to, b)
}

// builder makes the artifacts of one release, each once.
type builder struct {
	registry      *Registry
	name, version string
	sums          *sums
	byName        map[string]assetDoc
	made          map[string]pantry.Artifact
}

// artifact is one asset with its digest. needed says that it is the one for this machine: one that
// cannot be verified is refused then, and recorded without a digest otherwise, for whoever
// downloads it to refuse.
func (b *builder) artifact(ctx context.Context, asset string, needed bool) (pantry.Artifact, error) {
	if a, ok := b.made[asset]; ok {
		return a, nil
	}
	d := b.byName[asset]
	a := pantry.Artifact{Name: b.name, Version: b.version, URL: webAddress(d.URL), Size: max(d.Size, 0)}
	if a.URL == "" {
		return a, fmt.Errorf("%w: the asset %s has no address of the web", pantry.ErrInvalid, quote(asset))
	}
	var err error
	a.Integrity, err = b.digest(ctx, d)
	switch {
	case err != nil && errors.Is(err, integrity.ErrMalformed):
		if needed && !b.registry.allowMissing {
			return a, b.registry.unverifiable("the digest of the asset %s: %w", quote(asset), err)
		}
		a.Integrity = nil
	case err != nil:
		return a, err
	case len(a.Integrity) == 0 && needed && !b.registry.allowMissing:
		return a, b.registry.unverifiable("the release gives no checksum for the asset %s", quote(asset))
	}
	if b.made == nil {
		b.made = make(map[string]pantry.Artifact)
	}
	b.made[asset] = a
	b.registry.ids.put(a.URL, assetID{repo: b.name, id: d.ID})
	return a, nil
}

// digest is what GitHub computed at the upload, else what a file of the release says.
func (b *builder) digest(ctx context.Context, d assetDoc) (integrity.Set, error) {
	if d.Digest != "" {
		return integrity.ParseChecksum(d.Digest)
	}
	return b.sums.find(ctx, d.Name)
}

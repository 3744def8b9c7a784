package registrytest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// Bounds of what is published to a Memory.
const (
	maxTarball  = 256 << 20 // generous: the largest npm packages are some 200 MB
	maxManifest = 4 << 20   // package.json inside a tarball
	maxName     = 214       // npm's bound for new names
)

// Publish adds a version. The package.json inside the tarball must have the name and version of
// p.Metadata, else the error matches pantry.ErrConfig; bytes that do not match a given
// integrity are pantry.ErrIntegrity. The first version of a package becomes its latest, whatever
// tag it is published with.
func (m *Memory) Publish(ctx context.Context, p pantry.Publication) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := m.release(p)
	if err != nil {
		return m.errorf("publish", p.Metadata.Name, p.Metadata.Version, err)
	}
	name, version := r.meta.Name, r.meta.Version
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.draft(name)
	if old := d.versions[version]; old != nil {
		if !bytes.Equal(old.tarball, r.tarball) {
			return m.errorf("publish", name, version, pantry.ErrExists)
		}
		return nil
	}
	if len(d.versions) == 0 {
		d.tags["latest"] = version
	}
	d.versions[version] = r
	d.tags[cmp.Or(p.Tag, "latest")] = version
	m.packages[name] = d.snapshot(name)
	return nil
}

// release checks p and makes what is stored of it.
func (m *Memory) release(p pantry.Publication) (*release, error) {
	meta := cloneMetadata(p.Metadata)
	if err := checkNew(meta.Name, meta.Version, p.Tag); err != nil {
		return nil, err
	}
	if p.Tarball == nil {
		return nil, fmt.Errorf("%w: no tarball", pantry.ErrConfig)
	}
	if _, err := p.Tarball.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	tarball, err := io.ReadAll(io.LimitReader(p.Tarball, maxTarball+1))
	if err != nil {
		return nil, err
	}
	if len(tarball) > maxTarball {
		return nil, fmt.Errorf("%w: the tarball is larger than %d bytes", pantry.ErrConfig, maxTarball)
	}
	h := integrity.NewHasher(meta.Artifact.Integrity)
	_, _ = h.Write(tarball)
	if err := h.Verify(); err != nil {
		return nil, err
	}
	name, version, err := packedAs(tarball)
	if err != nil {
		return nil, fmt.Errorf("%w: package.json in the tarball: %w", pantry.ErrConfig, err)
	}
	if name != meta.Name || version != meta.Version {
		return nil, fmt.Errorf("%w: the tarball holds %q at version %q", pantry.ErrConfig, name, version)
	}
	meta.Artifact = artifact(name, version, tarball)
	meta.Registry = m.name
	if meta.Published.IsZero() {
		meta.Published = m.now().UTC()
	}
	return &release{meta: meta, tarball: tarball}, nil
}

func checkNew(name, version, tag string) error {
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("%w: a name has 1 to %d bytes", pantry.ErrConfig, maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '\\' || unicode.IsControl(r) }):
		return fmt.Errorf("%w: the name %q holds a character that names cannot have", pantry.ErrConfig, name)
	}
	segments := strings.Split(name, "/")
	if scoped := strings.HasPrefix(name, "@"); scoped != (len(segments) == 2) || len(segments) > 2 {
		return fmt.Errorf("%w: the name %q is neither NAME nor @SCOPE/NAME", pantry.ErrConfig, name)
	}
	for _, s := range segments {
		if s = strings.TrimPrefix(s, "@"); s == "" || s[0] == '.' {
			return fmt.Errorf("%w: the name %q has a part that is empty or begins with a dot", pantry.ErrConfig, name)
		}
	}
	if _, err := semver.Parse(version); err != nil {
		return fmt.Errorf("%w: version %q: %w", pantry.ErrConfig, version, err)
	}
	if tag == "" {
		return nil
	}
	return checkTag(tag)
}

// checkTag refuses what could be taken for a version or range.
func checkTag(tag string) error {
	if tag == "" || strings.ContainsFunc(tag, func(r rune) bool { return r <= ' ' || r == '/' || unicode.IsControl(r) }) {
		return fmt.Errorf("%w: %q is no tag", pantry.ErrConfig, tag)
	}
	if _, err := semver.ParseRange(tag); err == nil {
		return fmt.Errorf("%w: the tag %q reads as a version range", pantry.ErrConfig, tag)
	}
	return nil
}

// packedAs returns name and version of the package.json in the root folder of tarball.
func packedAs(tarball []byte) (name, version string, err error) {
	zr, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		return "", "", err
	}
	tr := tar.NewReader(io.LimitReader(zr, 2*maxTarball))
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return "", "", errors.New("there is none")
		}
		if err != nil {
			return "", "", err
		}
		_, file, _ := strings.Cut(strings.TrimPrefix(h.Name, "./"), "/")
		if file != "package.json" || h.Typeflag != tar.TypeReg {
			continue
		}
		b, err := io.ReadAll(io.LimitReader(tr, maxManifest))
		if err != nil {
			return "", "", err
		}
		var id struct{ Name, Version string }
		if err := json.Unmarshal(b, &id); err != nil {
			return "", "", err
		}
		return id.Name, id.Version, nil
	}
}

// SetTag points tag to version.
func (m *Memory) SetTag(ctx context.Context, name, tag, version string) error {
	if err := checkTag(tag); err != nil {
		return m.errorf("set tag", name, version, err)
	}
	return m.retag(ctx, "set tag", name, version, func(d *draft) error {
		if d.versions[version] == nil {
			return pantry.ErrVersionNotFound
		}
		d.tags[tag] = version
		return nil
	})
}

// DeleteTag removes tag. The tag latest cannot be removed: pantry.ErrPolicy.
func (m *Memory) DeleteTag(ctx context.Context, name, tag string) error {
	return m.retag(ctx, "delete tag", name, "", func(d *draft) error {
		if tag == "latest" {
			return fmt.Errorf("%w: the tag latest stays", pantry.ErrPolicy)
		}
		if _, ok := d.tags[tag]; !ok {
			return fmt.Errorf("tag %q: %w", tag, pantry.ErrNotFound)
		}
		delete(d.tags, tag)
		return nil
	})
}

func (m *Memory) retag(ctx context.Context, op, name, version string, change func(*draft) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.packages[name] == nil {
		return m.errorf(op, name, "", pantry.ErrNotFound)
	}
	d := m.draft(name)
	if err := change(d); err != nil {
		return m.errorf(op, name, version, err)
	}
	m.packages[name] = d.snapshot(name)
	return nil
}

// Search finds packages whose name, description or keywords contain the text, in any case. Those
// whose name is the text come first, then those whose name begins with it, then those whose name
// contains it, then the rest; each group in byte order.
func (m *Memory) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type hit struct {
		rank int
		meta *pantry.Metadata
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	var hits []hit
	m.mu.RLock()
	for _, s := range m.packages {
		meta := &s.versions[s.tags["latest"]].meta
		if rank, ok := match(meta, text); ok {
			hits = append(hits, hit{rank, meta})
		}
	}
	m.mu.RUnlock()
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.meta.Name, b.meta.Name))
	})
	const defaultLimit = 20 // as pantry.Query says
	hits = hits[:min(len(hits), cmp.Or(max(q.Limit, 0), defaultLimit))]
	found := make([]pantry.Metadata, len(hits))
	for i, h := range hits {
		found[i] = cloneMetadata(*h.meta)
	}
	return found, nil
}

func match(m *pantry.Metadata, text string) (rank int, ok bool) {
	name := strings.ToLower(m.Name)
	switch {
	case name == text:
		return 0, true
	case strings.HasPrefix(name, text):
		return 1, true
	case strings.Contains(name, text):
		return 2, true
	case strings.Contains(strings.ToLower(m.Description), text):
		return 3, true
	}
	for _, k := range m.Keywords {
		if strings.Contains(strings.ToLower(k), text) {
			return 3, true
		}
	}
	return 0, false
}

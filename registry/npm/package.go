package npm

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// document is a packument that was scanned. It keeps the text and decodes a version from it when
// asked.
type document struct {
	origin origin
	name   string
	data   []byte
	index  *index
	sorted func() []string
	times  func() map[string]string
}

var _ pantry.Package = (*document)(nil)

// newDocument scans data, which must be the packument of name.
func newDocument(o origin, name string, data []byte) (*document, error) {
	x, err := scan(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	if err := x.check(name, len(x.versions)); err != nil {
		return nil, err
	}
	return &document{
		origin: o, name: name, data: data, index: x,
		sorted: sync.OnceValue(x.sorted),
		times:  sync.OnceValue(func() map[string]string { return texts(x.time) }),
	}, nil
}

func (x *index) sorted() []string {
	versions := make([]string, len(x.versions))
	for i, e := range x.versions {
		versions[i] = e.version
	}
	semver.Sort(versions)
	return versions
}

func (d *document) Name() string            { return d.name }
func (d *document) Versions() []string      { return d.sorted() }
func (d *document) Tags() map[string]string { return d.index.tags }

// Published is when a version was published; zero where the document does not say, as the
// abbreviated one never does.
func (d *document) Published(version string) time.Time { return parseTime(d.times()[version]) }

func (d *document) Metadata(version string) (*pantry.Metadata, error) {
	ref := pantry.Ref{Registry: d.origin.registry, Name: d.name, Version: version}
	n, ok := d.index.byVersion[version]
	if !ok {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, Err: pantry.ErrVersionNotFound}
	}
	e := d.index.versions[n]
	m, err := d.origin.decode(value(d.data[e.offset:e.offset+e.length]), d.name, version)
	if err != nil {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, Err: err}
	}
	m.Published = d.Published(version)
	return m, nil
}

// decode reads the document of one version; version "" means whichever it is of.
func (o origin) decode(v value, name, version string) (*pantry.Metadata, error) {
	m, err := decodeManifest(v)
	if err == nil && version == "" {
		if version = m.Version; !usableVersion(version) {
			err = errors.New("the description has no usable version")
		}
	}
	var out *pantry.Metadata
	if err == nil {
		out, err = o.metadata(m, name, version)
	}
	if err != nil {
		return nil, invalid(err)
	}
	return out, nil
}

// invalid is the error of a document that can't be read.
func invalid(err error) error {
	if errors.Is(err, pantry.ErrInvalid) {
		return err
	}
	return fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
}

package directory

import (
	"context"
	"slices"
	"time"

	"github.com/pantry-go/pantry"
)

// pkg is a pantry.Package.
type pkg struct {
	r        *Reader
	name     string
	versions []string
	tags     map[string]string
}

var _ pantry.Documented = (*pkg)(nil)

func (p *pkg) Name() string            { return p.name }
func (p *pkg) Versions() []string      { return slices.Clone(p.versions) }
func (p *pkg) Tags() map[string]string { return p.tags }

func (p *pkg) record(version string) (*Record, error) {
	if !slices.Contains(p.versions, version) {
		return nil, pantry.ErrVersionNotFound
	}
	return p.r.record(context.Background(), p.name, version) // a package outlives the question for it
}

func (p *pkg) Metadata(version string) (*pantry.Metadata, error) {
	rec, err := p.record(version)
	if err != nil {
		return nil, p.r.fail(opMetadata, p.name, version, err)
	}
	return &rec.Metadata, nil
}

// Manifest is what the registry that the version is from said of it.
func (p *pkg) Manifest(version string) []byte {
	rec, err := p.record(version)
	if err != nil {
		return nil
	}
	return rec.Manifest
}

// Published is when a version was published; zero when that is not known.
func (p *pkg) Published(version string) time.Time {
	rec, err := p.record(version)
	if err != nil {
		return time.Time{}
	}
	return rec.Metadata.Published
}

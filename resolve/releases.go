package resolve

import (
	"sync"

	"github.com/pantry-go/pantry"
)

// release is a version of a package, with what it needs.
type release struct {
	once  sync.Once
	meta  *pantry.Metadata
	needs []need // not to be changed
	err   error
}

// release3 names a version of a package of a registry.
type release3 struct{ registry, name, version string }

// release returns a version of a package. It is read once, however often it is asked for.
func (p *packuments) release(a Answer, version string) (*release, error) {
	key := release3{a.Registry, a.Package.Name(), version}
	known, ok := p.releases.Load(key)
	if !ok {
		known, _ = p.releases.LoadOrStore(key, &release{})
	}
	r := known.(*release)
	r.once.Do(func() {
		if r.meta, r.err = a.Package.Metadata(version); r.err == nil {
			r.needs = p.needsOf(r.meta)
		}
	})
	return r, r.err
}

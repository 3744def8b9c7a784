package npm

import (
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/npm/packument"
)

// lean is a packument of which there is what an install needs. It decodes a version when asked.
type lean struct {
	*packument.Packument
	origin *origin

	mu     sync.Mutex // guards the following
	sorted []string
	tags   map[string]string
	recent [recentVersions]decoded // the versions that were decoded last
	next   int
}

// recentVersions is how many decoded versions are remembered: who picks one looks at it several
// times, and at few others.
const recentVersions = 2

type decoded struct {
	meta  *pantry.Metadata
	place int
}

var _ pantry.Package = (*lean)(nil)

func newLean(o *origin, p *packument.Packument) *lean {
	return &lean{Packument: p, origin: o}
}

func (l *lean) Versions() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sorted == nil {
		l.sorted = make([]string, l.Len())
		for i := range l.sorted {
			l.sorted[i] = l.Spelling(i)
		}
	}
	return l.sorted
}

func (l *lean) Tags() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tags == nil {
		l.tags = l.Packument.Tags()
	}
	return l.tags
}

// Metadata decodes a version. What it returns is shared.
func (l *lean) Metadata(version string) (*pantry.Metadata, error) {
	ref := pantry.Ref{Registry: l.origin.registry, Name: l.Name(), Version: version}
	i, ok := l.Place(version)
	if !ok {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, Err: pantry.ErrVersionNotFound}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.recent {
		if d.meta != nil && d.place == i {
			return d.meta, nil
		}
	}
	m, err := l.decode(i, version)
	if err != nil {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, Err: err}
	}
	l.recent[l.next] = decoded{m, i}
	l.next = (l.next + 1) % recentVersions
	return m, nil
}

// decoding is the memory that decoding a version takes besides what it results in.
type decoding struct {
	manifest manifest
	dist     dist
}

// decodings are kept from one version to the next.
var decodings = sync.OnceValue(func() *sync.Pool {
	return &sync.Pool{New: func() any { return new(decoding) }}
})

func (l *lean) decode(i int, version string) (*pantry.Metadata, error) {
	room := decodings().Get().(*decoding)
	defer decodings().Put(room)
	room.dist = dist{Tarball: l.UsualTarball(i)}
	room.manifest = manifest{Name: l.Name(), Version: version, Dist: &room.dist}
	d := manifestDecoder{m: &room.manifest, scripted: l.HasScript(i)}
	var whole value
	err := l.Parts(i, func(p packument.Part, text []byte) error {
		switch p {
		case packument.Whole:
			whole = text
			return nil
		case packument.Tarball:
			room.dist.Tarball = string(text)
			return nil
		}
		return d.member(memberOf(p), text)
	})
	var out *pantry.Metadata
	switch {
	case err != nil:
	case whole != nil:
		out, err = l.origin.decode(whole, l.Name(), version)
	default:
		d.finish()
		out, err = l.locate(i, room)
	}
	if err != nil {
		return nil, invalid(err)
	}
	out.Published = parseTime(l.Published(i))
	return out, nil
}

// locate adds where the tarball is and what it must hash to.
func (l *lean) locate(i int, room *decoding) (*pantry.Metadata, error) {
	digest, err := l.Digest(i)
	if err != nil {
		return nil, err
	}
	if !digest.IsZero() {
		room.dist.read = integrity.Set{digest}
	}
	return l.origin.metadata(&room.manifest, room.manifest.Name, room.manifest.Version)
}

// memberOf is the member that a part is.
func memberOf(p packument.Part) string {
	switch p {
	case packument.Dependencies:
		return "dependencies"
	case packument.OptionalDependencies:
		return "optionalDependencies"
	case packument.PeerDependencies:
		return "peerDependencies"
	case packument.PeerMeta:
		return "peerDependenciesMeta"
	case packument.Bundled:
		return "bundleDependencies"
	case packument.Bin:
		return "bin"
	case packument.Engines:
		return "engines"
	case packument.OS:
		return "os"
	case packument.CPU:
		return "cpu"
	case packument.Libc:
		return "libc"
	case packument.Deprecated:
		return "deprecated"
	}
	return ""
}

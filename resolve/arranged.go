package resolve

import (
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// arranged is a package whose versions are known by their place in Versions, as values: none has to
// be parsed, spelled out or decoded to find the one that is wanted among thousands.
type arranged interface {
	pantry.Package
	// Len is the number of versions.
	Len() int
	// Version is the one at a place; the zero Version where it is none.
	Version(i int) semver.Version
	// Spelling is the same as Versions has it.
	Spelling(i int) string
	// Place is where a version is that is spelled so.
	Place(version string) (i int, ok bool)
	// Tagged is where the version is that a tag names.
	Tagged(tag string) (i int, ok bool)
	// MayBeDeprecated and MayNameEngines are false where decoding the version would tell nothing
	// about deprecation, or engines.
	MayBeDeprecated(i int) bool
	MayNameEngines(i int) bool
}

// arrange returns p itself where it is arranged, and else what does it the long way.
func arrange(p pantry.Package) arranged {
	if a, ok := p.(arranged); ok {
		return a
	}
	return listed{p, p.Versions()}
}

// listed is a package that lists its versions and no more.
type listed struct {
	pantry.Package
	versions []string
}

func (l listed) Len() int                 { return len(l.versions) }
func (l listed) Spelling(i int) string    { return l.versions[i] }
func (l listed) MayBeDeprecated(int) bool { return true }
func (l listed) MayNameEngines(int) bool  { return true }

func (l listed) Version(i int) semver.Version {
	v, err := semver.ParseLoose(l.versions[i])
	if err != nil {
		return semver.Version{}
	}
	return v
}

func (l listed) Place(version string) (int, bool) {
	i := slices.Index(l.versions, version)
	return i, i >= 0
}

func (l listed) Tagged(tag string) (int, bool) {
	version, ok := l.Tags()[tag]
	if !ok {
		return 0, false
	}
	return l.Place(version)
}

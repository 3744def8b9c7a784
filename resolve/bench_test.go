package resolve_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/semver"
)

// catalog is a Source of many packages, in the shape in which a registry's answers are kept: their
// versions are read already, so that a benchmark measures what resolution itself does.
type catalog map[string]*shelf

func (c catalog) Package(_ context.Context, w resolve.Want) (resolve.Answer, error) {
	s := c[w.Name]
	if s == nil {
		return resolve.Answer{}, fmt.Errorf("%s: %w", w.Name, pantry.ErrNotFound)
	}
	return resolve.Answer{Package: s, Registry: "npm"}, nil
}

// shelf is one package.
type shelf struct {
	name     string
	texts    []string
	versions []semver.Version
	meta     []*pantry.Metadata
}

func (s *shelf) Name() string                 { return s.name }
func (s *shelf) Versions() []string           { return s.texts }
func (s *shelf) Tags() map[string]string      { return map[string]string{"latest": s.texts[len(s.texts)-1]} }
func (s *shelf) Len() int                     { return len(s.texts) }
func (s *shelf) Version(i int) semver.Version { return s.versions[i] }
func (s *shelf) Spelling(i int) string        { return s.texts[i] }
func (s *shelf) MayBeDeprecated(int) bool     { return false }
func (s *shelf) MayNameEngines(int) bool      { return false }

func (s *shelf) Place(version string) (int, bool) {
	for i, text := range s.texts {
		if text == version {
			return i, true
		}
	}
	return 0, false
}

func (s *shelf) Tagged(tag string) (int, bool) { return len(s.texts) - 1, tag == "latest" }

func (s *shelf) Metadata(version string) (*pantry.Metadata, error) {
	i, ok := s.Place(version)
	if !ok {
		return nil, pantry.ErrVersionNotFound
	}
	return s.meta[i], nil
}

// newCatalog makes packages "p0" to "pN" of three majors with ten versions each. A package needs a
// few of those with higher numbers, mostly by their latest major, and some expect a peer: about the
// shape of what npm's packages need.
func newCatalog(names int) catalog {
	random := rand.New(rand.NewPCG(1, uint64(names)))
	c := catalog{}
	for i := range names {
		s := &shelf{name: fmt.Sprint("p", i)}
		for v := range 30 {
			text := fmt.Sprintf("%d.%d.0", 1+v/10, v%10)
			version, _ := semver.Parse(text)
			m := &pantry.Metadata{
				Name: s.name, Version: text, Dependencies: map[string]string{}, PeerDependencies: map[string]string{},
				Artifact: pantry.Artifact{Name: s.name, Version: text},
			}
			for range random.IntN(6) {
				if left := names - i - 1; left > 0 {
					major := 3
					if random.IntN(14) == 0 {
						major = 2
					}
					m.Dependencies[fmt.Sprint("p", i+1+random.IntN(left))] = fmt.Sprintf("^%d.%d.0", major, random.IntN(3))
				}
			}
			if i%12 == 5 {
				m.PeerDependencies[fmt.Sprint("p", i%10)] = "*"
			}
			s.texts, s.versions, s.meta = append(s.texts, text), append(s.versions, version), append(s.meta, m)
		}
		c[s.name] = s
	}
	return c
}

// wishes makes a project of so many packages.
func wishes(n int) *manifest.Manifest {
	m := project("")
	for i := range n {
		m.Dependencies[fmt.Sprint("p", i)] = "^3.0.0"
	}
	return m
}

// sizes are about those of a small application and of a large one.
var sizes = []struct {
	name          string
	names, wishes int
}{{"400", 640, 50}, {"2200", 3700, 160}}

func resolved(b *testing.B, m *manifest.Manifest, c catalog, o resolve.Options) *lockfile.Lock {
	b.Helper()
	res, err := resolve.Resolve(context.Background(), m, c, o)
	if err != nil {
		b.Fatal(err)
	}
	return res.Lock
}

// BenchmarkResolve resolves afresh, with all answers at hand.
func BenchmarkResolve(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			c, m := newCatalog(size.names), wishes(size.wishes)
			packages := len(resolved(b, m, c, resolve.Options{}).Packages)
			b.ReportAllocs()
			for b.Loop() {
				resolved(b, m, c, resolve.Options{})
			}
			b.ReportMetric(float64(packages), "packages")
		})
	}
}

// BenchmarkAdd adds a package to what is locked.
func BenchmarkAdd(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			c, m := newCatalog(size.names), wishes(size.wishes)
			old := resolved(b, m, c, resolve.Options{})
			m.Dependencies[fmt.Sprint("p", size.wishes)] = "^3.0.0"
			b.ReportAllocs()
			for b.Loop() {
				resolved(b, m, c, resolve.Options{Old: old})
			}
			b.ReportMetric(float64(len(old.Packages)), "packages")
		})
	}
}

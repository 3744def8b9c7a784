package resolve_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/semver"
)

var names = []string{"a", "b", "c", "d", "e", "f"}

// drawWorld makes packages with random versions, dependencies and peers. Every range has a version.
func drawWorld(t *rapid.T) *world {
	w := &world{pkgs: map[string]*pkg{}}
	versions := []string{"1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0-beta.1"}
	ranges := []string{"*", "^1", "^2", "1.0.0", "1.x || 2.x", ">=1.1", "latest"}
	for _, name := range names {
		for _, v := range versions {
			m := &pantry.Metadata{
				Name: name, Version: v, Dependencies: map[string]string{},
				OptionalDependencies: map[string]string{}, PeerDependencies: map[string]string{},
			}
			for _, dep := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID[string]).Draw(t, name+v) {
				if dep == name {
					continue
				}
				rng := rapid.SampledFrom(ranges).Draw(t, "range")
				switch rapid.IntRange(0, 9).Draw(t, "kind") {
				case 0:
					m.OptionalDependencies[dep] = rng
				case 1, 2:
					m.PeerDependencies[dep] = rng
				case 3:
					m.PeerDependencies[dep] = rng
					m.OptionalPeers = append(m.OptionalPeers, dep)
				default:
					m.Dependencies[dep] = rng
				}
			}
			w.pkg(name).versions[v] = m
		}
		w.pkg(name).tags["latest"] = rapid.SampledFrom(versions[:4]).Draw(t, "latest")
	}
	return w
}

func drawProject(t *rapid.T) *manifest.Manifest {
	m := project("")
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 4, rapid.ID[string]).Draw(t, "wishes") {
		rng := rapid.SampledFrom([]string{"*", "^1", "^2", "1.0.0"}).Draw(t, "range")
		if rapid.Bool().Draw(t, "dev") {
			m.DevDependencies[name] = rng
		} else {
			m.Dependencies[name] = rng
		}
	}
	return m
}

// TestProperties: whatever the packages are, every dependency is there in a version that satisfies,
// the result does not depend on when answers arrive, and resolving again from the lockfile changes
// nothing and asks nobody.
func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, m := drawWorld(t), drawProject(t)
		first, err := resolve.Resolve(context.Background(), m, w, resolve.Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkGraph(t, w, first.Lock)

		n := 0
		w.delay = func(string) { // other goroutines overtake
			w.mu.Lock()
			n++
			yields := n * 7 % 5
			w.mu.Unlock()
			for range yields {
				runtime.Gosched()
			}
		}
		second, err := resolve.Resolve(context.Background(), m, w, resolve.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := string(first.Lock.Format()), string(second.Lock.Format()); a != b {
			t.Fatalf("two results:\n%s\n%s", a, b)
		}

		if len(first.Warnings) > 0 || strings.Contains(string(first.Lock.Format()), "(") {
			return // peers that conflict or differ are bound anew each time
		}
		parsed, err := lockfile.Parse("pantry.lock", first.Lock.Format())
		if err != nil {
			t.Fatal(err)
		}
		w.seen = nil
		again, err := resolve.Resolve(context.Background(), m, w, resolve.Options{Old: parsed})
		if err != nil {
			t.Fatal(err)
		}
		// which peers are seen from where may differ; which packages there are may not
		if a, b := packages(first.Lock), packages(again.Lock); !maps.Equal(a, b) {
			t.Fatalf("the lockfile does not hold:\n%s\n%s", edges(first.Lock), edges(again.Lock))
		}
		if len(w.seen) > 0 {
			t.Fatalf("asked for %v although all is locked", w.seen)
		}
	})
}

func packages(l *lockfile.Lock) map[lockfile.ID]bool {
	out := map[lockfile.ID]bool{}
	for _, p := range l.Packages {
		out[lockfile.MakeID(p.Registry, p.Name, p.Version)] = true
	}
	return out
}

// checkGraph checks a lockfile against the packages it was made from.
func checkGraph(t *rapid.T, w *world, l *lockfile.Lock) {
	for id, p := range l.Packages {
		m := w.pkgs[p.Name].versions[p.Version]
		for name, rng := range m.Dependencies {
			d, ok := p.Dependencies[name]
			if !ok || d.Peer || l.Packages[d.ID] == nil {
				t.Fatalf("%s has no dependency %s", id, name)
			}
			if err := satisfies(w, l.Packages[d.ID], name, rng); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
		for name := range m.PeerDependencies {
			_, own := m.Dependencies[name]
			_, ownOptional := m.OptionalDependencies[name]
			d := p.Dependencies[name]
			if !own && !ownOptional && d.ID == "" && !slices.Contains(m.OptionalPeers, name) {
				t.Fatalf("%s has no peer %s\n%s", id, name, edges(l))
			}
		}
	}
}

func satisfies(w *world, p *lockfile.Package, name, rng string) error {
	if p.Name != name {
		return fmt.Errorf("%s is %s", name, p.Name)
	}
	if v := w.pkgs[name].tags[rng]; v == p.Version {
		return nil
	}
	if rng == "*" || semver.Satisfies(p.Version, rng) {
		return nil
	}
	return fmt.Errorf("%s@%s does not satisfy %q", p.Name, p.Version, rng)
}

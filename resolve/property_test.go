package resolve_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
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
	noPeers := rapid.Bool().Draw(t, "no peers")
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
				kind := rapid.IntRange(0, 9).Draw(t, "kind")
				if noPeers && kind > 0 {
					kind = 4
				}
				switch kind {
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
		checkGraph(t, w, first)

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

		parsed, err := lockfile.Parse("pantry.lock", first.Lock.Format())
		if err != nil {
			t.Fatal(err)
		}
		w.seen = nil
		again, err := resolve.Resolve(context.Background(), m, w, resolve.Options{Old: parsed})
		if err != nil {
			t.Fatal(err)
		}
		checkGraph(t, w, again)
		if hasPeers(w) { // which of several that will do are seen, and so needed, may differ
			return
		}
		if a, b := string(first.Lock.Format()), string(again.Lock.Format()); a != b {
			t.Fatalf("the lockfile does not hold:\n%s\n%s", a, b)
		}
		if len(w.seen) > 0 {
			t.Fatalf("asked for %v although all is locked", w.seen)
		}
	})
}

func hasPeers(w *world) bool {
	for _, p := range w.pkgs {
		for _, m := range p.versions {
			if len(m.PeerDependencies) > 0 {
				return true
			}
		}
	}
	return false
}

// checkGraph checks a lockfile against the packages it was made from.
func checkGraph(t *rapid.T, w *world, res *resolve.Result) {
	l, missing := res.Lock, map[string]bool{}
	for _, warning := range res.Warnings {
		missing[warning.Package] = missing[warning.Package] || warning.Code == resolve.PeerMissing
	}
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
			if !own && !ownOptional && d.ID == "" && !slices.Contains(m.OptionalPeers, name) && !missing[p.Name] {
				t.Fatalf("%s has no peer %s\n%s", id, name, edges(l))
			}
		}
	}
}

func satisfies(w *world, p *lockfile.Package, name, rng string) error {
	if p.Name != name {
		return fmt.Errorf("%s is %s", name, p.Name)
	}
	if _, tag := w.pkgs[name].tags[rng]; tag {
		return nil // as in npm: it says what to take where there is nothing
	}
	if rng == "*" || semver.Satisfies(p.Version, rng) {
		return nil
	}
	return fmt.Errorf("%s@%s does not satisfy %q", p.Name, p.Version, rng)
}

package link_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// drawInstances is a lockfile in which some packages are there twice, with other dependencies.
func drawInstances(t *rapid.T) *lockfile.Lock {
	l := drawLock(t)
	ids := slices.Sorted(maps.Keys(l.Packages))
	for _, id := range ids {
		if rapid.IntRange(0, 3).Draw(t, "twice") > 0 {
			continue
		}
		p := *l.Packages[id]
		p.Dependencies = maps.Clone(p.Dependencies)
		for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
			d := p.Dependencies[name]
			d.ID = rapid.SampledFrom(ids).Draw(t, "other")
			p.Dependencies[name] = d
		}
		l.Packages[id+"(other)"] = &p
		by := l.Packages[rapid.SampledFrom(ids).Draw(t, "by")]
		if !slices.Contains(by.Bundled, p.Name) {
			by.Dependencies[p.Name] = lockfile.Dependency{ID: id + "(other)", Spec: "*"}
		}
	}
	for id, p := range l.Packages { // by the version, since that has the same files in all lockfiles
		if !strings.Contains(string(id), "@1.") {
			p.Bin = map[string]string{"run": "bin/run.js", p.Name: "bin/it.js"}
		}
	}
	return l
}

// TestIsolatedProperties: whatever the graph is, wherever packages stand, and whatever was in
// node_modules before, every package finds exactly what the lockfile says, and each in one place.
func TestIsolatedProperties(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	shelf := newShelf(t, filepath.Join(base, "store"))
	count, start := 0, time.Now()
	rapid.Check(t, func(t *rapid.T) {
		if count++; count > 20 && time.Since(start) > 3*time.Second {
			return // enough, on a slow disk
		}
		p := &project{t: shelf.t, dir: filepath.Join(base, fmt.Sprint("project", count)), shelf: shelf}
		if err := os.Mkdir(p.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(p.dir)
		for range rapid.IntRange(1, 3).Draw(t, "steps") {
			p.step(t, drawInstances(t), drawOmit(t))
		}
	})
}

// step lays l out in one way or another.
func (p *project) step(t *rapid.T, l *lockfile.Lock, omit map[lockfile.Kind]bool) {
	p.shelf.fill(l)
	is, err := link.Isolate(l, link.IsolateOptions{Platform: here, Omit: omit})
	if errors.Is(err, pantry.ErrPolicy) {
		return // the project needs something that does not run here
	}
	if err != nil {
		t.Fatal(err)
	}
	ids := slices.Sorted(maps.Keys(keysOf(is)))
	copied := map[lockfile.ID]bool{}
	if len(ids) > 0 && rapid.Bool().Draw(t, "some are copied") {
		for range rapid.IntRange(1, 2).Draw(t, "copies") {
			copied[rapid.SampledFrom(ids).Draw(t, "copied")] = true
		}
	}
	o := link.ApplyIsolatedOptions{
		Dir: p.dir, Lock: l, Isolated: is, Store: p.shelf.store, Entry: p.shelf.entry,
		InProject: rapid.Bool().Draw(t, "in the project"), Copies: func(id lockfile.ID) bool { return copied[id] },
	}
	if _, err := link.ApplyIsolated(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	p.checkIsolated(t, o)
}

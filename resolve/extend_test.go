package resolve_test

import (
	"context"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/resolve"
)

// TestExtend: what is added to a lockfile without building the tree leaves what is locked as it is, and is
// what a whole resolution holds to.
func TestExtend(t *testing.T) {
	t.Parallel()
	quick, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w, m := drawWorld(t), drawProject(t)
		before, err := resolve.ResolveWhole(context.Background(), m, w, resolve.Options{})
		if err != nil {
			t.Fatal(err)
		}
		old, err := lockfile.Parse("pantry.lock", before.Lock.Format())
		if err != nil {
			t.Fatal(err)
		}
		same, err := resolve.ResolveWhole(context.Background(), m, w, resolve.Options{Old: old})
		if err != nil {
			t.Fatal(err)
		}
		if string(same.Lock.Format()) != string(before.Lock.Format()) {
			return // what is locked does not hold by itself: see TestProperties
		}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 2, rapid.ID[string]).Draw(t, "added") {
			if m.Dependencies[name] != "" || m.DevDependencies[name] != "" {
				continue
			}
			rng := rapid.SampledFrom([]string{"*", "^1", "^2", "1.0.0"}).Draw(t, "range")
			switch rapid.SampledFrom([]lockfile.Kind{lockfile.Prod, lockfile.Dev, lockfile.Optional}).Draw(t, "kind") {
			case lockfile.Prod:
				m.Dependencies[name] = rng
			case lockfile.Dev:
				m.DevDependencies[name] = rng
			default:
				m.OptionalDependencies[name] = rng
			}
		}
		all++
		got, ok := resolve.ResolveQuickly(context.Background(), m, w, resolve.Options{Old: old})
		if !ok {
			return
		}
		quick++
		got.Warnings = before.Warnings // of what is missing in any case
		checkGraph(t, w, got)
		for id, p := range old.Packages {
			now := got.Lock.Packages[id]
			if now == nil || !maps.Equal(now.Dependencies, p.Dependencies) || now.Dev && !p.Dev || now.Optional && !p.Optional {
				t.Fatalf("%s was %+v and is %+v", id, p, now)
			}
		}
		text := string(got.Lock.Format())
		parsed, err := lockfile.Parse("pantry.lock", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		want, err := resolve.ResolveWhole(context.Background(), m, w, resolve.Options{Old: parsed})
		if err != nil {
			t.Fatal(err)
		}
		if whole := string(want.Lock.Format()); text != whole {
			t.Fatalf("quickly:\n%s\nwhole:\n%s\nbefore:\n%s", text, whole, before.Lock.Format())
		}
	})
	t.Logf("%d of %d without the tree", quick, all)
}

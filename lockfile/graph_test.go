package lockfile_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/lockfile"
)

func TestDependents(t *testing.T) {
	t.Parallel()
	got := full().Dependents("npm:react@18.3.1")
	want := []lockfile.Dependent{
		{Project: ".", Name: "react", Spec: "^18", Kind: lockfile.Peer},
		{ID: "npm:vite@8.0.0(react@18.3.1)", Name: "react", Spec: ">= 17", Kind: lockfile.Peer},
		{ID: "npm:vite@8.0.0(react@18.3.1)", Name: "sass", Spec: "*", Kind: lockfile.Peer},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = full().Dependents("npm:esbuild@0.27.1")
	if len(got) != 1 || got[0].Kind != lockfile.Optional {
		t.Errorf("Dependents of esbuild: %+v", got)
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	l := full()
	l.Packages["npm:react@18.3.1"].Dependencies = map[string]lockfile.Dependency{
		"vite": {ID: "npm:vite@8.0.0(react@18.3.1)"}, // a cycle
	}
	keys := func(m map[lockfile.ID]bool) []lockfile.ID { return slices.Sorted(maps.Keys(m)) }
	dev := l.Roots(lockfile.Dev)
	if diff := cmp.Diff([]lockfile.ID{"github:cli/cli@cli@v2(x)"}, keys(l.Reachable(dev, nil))); diff != "" {
		t.Error(diff)
	}
	all := l.Reachable(l.Roots(), nil)
	if len(all) != len(l.Packages) {
		t.Errorf("reachable: %v", keys(all))
	}
	some := l.Reachable(l.Roots(lockfile.Prod), func(_ lockfile.ID, d lockfile.Dependency) bool { return !d.Optional && !d.Peer })
	want := []lockfile.ID{"acme:@acme/thing@1.5.0", "npm:vite@8.0.0(react@18.3.1)"}
	if diff := cmp.Diff(want, keys(some)); diff != "" {
		t.Error(diff)
	}
	if got := l.Reachable([]lockfile.ID{"npm:none@1"}, nil); len(got) != 0 {
		t.Errorf("from nowhere: %v", got)
	}
}

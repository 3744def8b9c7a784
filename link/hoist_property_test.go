package link_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

var here = lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"}

// drawLock makes any graph: several versions of few names that need each other in circles, under
// aliases, as peers, optionally, with files of their own, and some that do not run here.
func drawLock(t *rapid.T) *lockfile.Lock {
	names := []string{"a", "b", "c", "@s/d", "B"}
	var ids []lockfile.ID
	l := lockfile.New()
	for _, name := range names {
		for v := range rapid.IntRange(1, 3).Draw(t, "versions") {
			version := fmt.Sprintf("%d.0.0", v+1)
			id := lockfile.MakeID("npm", name, version)
			ids = append(ids, id)
			l.Packages[id] = &lockfile.Package{Registry: "npm", Name: name, Version: version, Dependencies: map[string]lockfile.Dependency{}}
		}
	}
	anyID := rapid.SampledFrom(ids)
	for _, id := range ids {
		p := l.Packages[id]
		for range rapid.IntRange(0, 4).Draw(t, "edges") {
			to := anyID.Draw(t, "to")
			name := l.Packages[to].Name
			if rapid.IntRange(0, 7).Draw(t, "alias") == 0 {
				name = rapid.SampledFrom(names).Draw(t, "as")
			}
			d := lockfile.Dependency{ID: to, Spec: rapid.SampledFrom([]string{"*", "^1", ">=2", l.Packages[to].Version, "latest"}).Draw(t, "spec")}
			if name != l.Packages[to].Name {
				d.Spec = "npm:" + l.Packages[to].Name
			}
			switch rapid.IntRange(0, 7).Draw(t, "kind") {
			case 0:
				d.Optional = true
			case 1, 2:
				d.Peer = true
			case 3:
				d.Peer, d.Optional = true, true
			case 4:
				d.ID, d.Optional = "", true
			}
			p.Dependencies[name] = d
		}
		if rapid.IntRange(0, 9).Draw(t, "bundle") == 0 {
			if name := rapid.SampledFrom(names).Draw(t, "bundled"); p.Dependencies[name].ID == "" {
				delete(p.Dependencies, name)
				p.Bundled = []string{name}
			}
		}
		if rapid.IntRange(0, 14).Draw(t, "foreign") == 0 {
			p.OS = []string{"win32"}
		}
	}
	root := &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	for range rapid.IntRange(1, 4).Draw(t, "wishes") {
		to := anyID.Draw(t, "wish")
		kind := rapid.SampledFrom([]lockfile.Kind{lockfile.Prod, lockfile.Prod, lockfile.Dev, lockfile.Optional, lockfile.Peer}).Draw(t, "of kind")
		root.Dependencies[l.Packages[to].Name] = lockfile.Wish{Kind: kind, Spec: "*", ID: to}
	}
	l.Projects["."] = root
	return l
}

func drawOmit(t *rapid.T) map[lockfile.Kind]bool {
	omit := map[lockfile.Kind]bool{}
	for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]lockfile.Kind{lockfile.Dev, lockfile.Optional, lockfile.Peer}), 0, 2, rapid.ID[lockfile.Kind]).Draw(t, "omit") {
		omit[k] = true
	}
	return omit
}

// expected says, by the words of the documentation and in no clever way, which packages are to be
// laid out; ok is false where the project needs one that does not run.
func expected(l *lockfile.Lock, omit map[lockfile.Kind]bool) (want map[lockfile.ID]bool, ok bool) {
	unfit := map[lockfile.ID]bool{}
	for range len(l.Packages) + 1 {
		for id, p := range l.Packages {
			unfit[id] = unfit[id] || !p.Supports(here)
			for _, d := range p.Dependencies {
				unfit[id] = unfit[id] || unfit[d.ID] && !d.Optional
			}
		}
	}
	want = map[lockfile.ID]bool{}
	for _, w := range l.Projects["."].Dependencies {
		switch {
		case omit[w.Kind]:
		case !unfit[w.ID]:
			want[w.ID] = true
		case w.Kind != lockfile.Optional:
			return nil, false
		}
	}
	for range len(l.Packages) + 1 {
		for _, id := range slices.Collect(maps.Keys(want)) {
			for _, d := range l.Packages[id].Dependencies {
				brings := !d.Peer && !(d.Optional && omit[lockfile.Optional]) || d.Peer && !d.Optional && !omit[lockfile.Peer]
				if d.ID != "" && brings && !unfit[d.ID] {
					want[d.ID] = true
				}
			}
		}
	}
	return want, true
}

// resolves finds name from the package at path as Node.js does. bundled is true where the first that
// is found is among the files of a package.
func resolves(l *lockfile.Lock, at map[string]link.Placement, path, name string) (found link.Placement, bundled bool) {
	if p := at[path]; p.Link != "" {
		path = p.Link // Node.js looks from where a file really is
	}
	for {
		prefix := path + "/"
		if path == "" {
			prefix = ""
		}
		if p, ok := at[prefix+"node_modules/"+name]; ok {
			return p, false
		}
		if path == "" {
			return link.Placement{}, false
		}
		if slices.Contains(l.Packages[at[path].ID].Bundled, name) {
			return link.Placement{}, true
		}
		path = strings.TrimSuffix(path[:strings.LastIndex(path, "node_modules/")], "/")
	}
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkTree checks everything that must hold of any tree.
func checkTree(t failer, l *lockfile.Lock, tree *link.Tree, omit map[lockfile.Kind]bool, want map[lockfile.ID]bool) {
	t.Helper()
	at := map[string]link.Placement{}
	for i, p := range tree.Placements {
		if _, twice := at[p.Path]; twice || i > 0 && tree.Placements[i-1].Path >= p.Path {
			t.Errorf("%s stands there twice, or out of order", p.Path)
		}
		at[p.Path] = p
		if !strings.HasSuffix("/"+p.Path, "/node_modules/"+p.Name) {
			t.Errorf("%s is not the path of %s", p.Path, p.Name)
		}
	}
	for name, w := range l.Projects["."].Dependencies {
		if omit[w.Kind] || !want[w.ID] {
			continue
		}
		if p := at["node_modules/"+name]; p.ID != w.ID || !p.Direct {
			t.Errorf("%s of the project is %+v, not %s", name, p, w.ID)
		}
	}
	for _, p := range tree.Placements {
		if up := at[p.Link]; p.Link != "" && (up.ID != p.ID || up.Link != "" || !strings.HasPrefix(p.Path, p.Link+"/")) {
			t.Errorf("%s is a link to %s, which is %+v", p.Path, p.Link, up)
		}
		for name, d := range l.Packages[p.ID].Dependencies {
			if d.Peer || d.Optional && omit[lockfile.Optional] || !want[d.ID] {
				continue // a peer is what is there
			}
			if got, bundled := resolves(l, at, p.Path, name); got.ID != d.ID || bundled {
				t.Errorf("%s (%s) finds %s as %q at %q, want %s", p.Path, p.ID, name, got.ID, got.Path, d.ID)
			}
		}
	}
	if left := unused(l, at, omit); len(left) > 0 {
		t.Errorf("nobody finds %v", left)
	}
}

// unused lists the placements that Node.js finds for nobody, starting from the project.
func unused(l *lockfile.Lock, at map[string]link.Placement, omit map[lockfile.Kind]bool) []string {
	used := map[string]bool{}
	var todo []string
	use := func(from, name string) {
		if p, bundled := resolves(l, at, from, name); !bundled && p.Path != "" && !used[p.Path] {
			used[p.Path] = true
			todo = append(todo, p.Path)
		}
	}
	for name, w := range l.Projects["."].Dependencies {
		if !omit[w.Kind] {
			use("", name)
		}
	}
	for len(todo) > 0 {
		path := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if up := at[path].Link; up != "" {
			used[up] = true
			path = up
		}
		for name := range l.Packages[at[path].ID].Dependencies {
			use(path, name)
		}
	}
	var left []string
	for path := range at {
		if !used[path] {
			left = append(left, path)
		}
	}
	return left
}

// TestHoistProperties: whatever the graph is, every package finds exactly the dependencies that the
// lockfile says, peers aside, and nothing is there that nobody finds.
func TestHoistProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l, omit := drawLock(t), drawOmit(t)
		o := link.HoistOptions{Platform: here, Omit: omit}
		tree, err := link.Hoist(l, o)
		want, ok := expected(l, omit)
		if !ok {
			if err == nil {
				t.Fatal("a package that does not run is installed")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkTree(t, l, tree, omit, want)
		again, err := link.Hoist(l, o)
		if err != nil || !slices.Equal(tree.Placements, again.Placements) || !slices.Equal(tree.Skipped, again.Skipped) {
			t.Fatalf("two trees of one lockfile:\n%v\n%v %v", tree, again, err)
		}
	})
}

// TestHoistMerges: instances of one package that differ in peers alone may become one, and for all
// that every package finds the versions that the lockfile says.
func TestHoistMerges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLock(t)
		for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
			p := *l.Packages[id]
			if !rapid.Bool().Draw(t, "twice") {
				continue
			}
			p.Dependencies = maps.Clone(p.Dependencies)
			for name, d := range p.Dependencies {
				if d.Peer && d.Optional && rapid.Bool().Draw(t, "bound") {
					d.ID = ""
					p.Dependencies[name] = d
				}
			}
			l.Packages[id+"(other)"] = &p
		}
		for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
			p := l.Packages[id]
			for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
				if d := p.Dependencies[name]; l.Packages[d.ID+"(other)"] != nil && rapid.Bool().Draw(t, "to the other") {
					d.ID += "(other)"
					p.Dependencies[name] = d
				}
			}
		}
		tree, err := link.Hoist(l, link.HoistOptions{})
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]link.Placement{}
		for _, p := range tree.Placements {
			at[p.Path] = p
		}
		version := func(id lockfile.ID) string {
			if l.Packages[id] == nil {
				return "nothing"
			}
			return l.Packages[id].Name + "@" + l.Packages[id].Version
		}
		for _, p := range tree.Placements {
			for name, d := range l.Packages[p.ID].Dependencies {
				if d.ID == "" || d.Peer {
					continue
				}
				if got, _ := resolves(l, at, p.Path, name); version(got.ID) != version(d.ID) {
					t.Fatalf("%s (%s) finds %s as %q, want %s", p.Path, p.ID, name, got.ID, d.ID)
				}
			}
		}
	})
}

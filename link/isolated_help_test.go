package link_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// isolated returns options that lay l out.
func (p *project) isolated(l *lockfile.Lock) link.ApplyIsolatedOptions {
	p.t.Helper()
	p.shelf.fill(l)
	return link.ApplyIsolatedOptions{
		Dir: p.dir, Lock: l, Isolated: isolate(p.t, l, link.IsolateOptions{}), Store: p.shelf.store, Entry: p.shelf.entry,
	}
}

func inProject(o *link.ApplyIsolatedOptions) { o.InProject = true }

// copies chooses packages by their IDs.
func copies(ids ...lockfile.ID) func(*link.ApplyIsolatedOptions) {
	return func(o *link.ApplyIsolatedOptions) {
		o.Copies = func(id lockfile.ID) bool { return slices.Contains(ids, id) }
	}
}

// applyIsolated lays a lockfile out and checks that everything is as it should be.
func (p *project) applyIsolated(text string, edit ...func(*link.ApplyIsolatedOptions)) link.Report {
	p.t.Helper()
	o := p.isolated(lockOf(p.t, text))
	for _, f := range edit {
		f(&o)
	}
	r, err := link.ApplyIsolated(context.Background(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.checkIsolated(p.t, o)
	return r
}

// node finds packages on the disk as Node.js does.
type node struct {
	limit string // folder above which nothing is looked for
	real  map[string]string
}

// find returns the real folder of the package that is required from dir as name; "" if there is none.
func (n *node) find(dir, name string) string {
	for at := dir; len(at) >= len(n.limit); at = filepath.Dir(at) {
		if filepath.Base(at) == "node_modules" {
			continue
		}
		if real := n.resolve(filepath.Join(at, "node_modules", name)); real != "" {
			return real
		}
	}
	return ""
}

func (n *node) resolve(path string) string {
	real, known := n.real[path]
	if !known {
		real, _ = filepath.EvalSymlinks(path)
		n.real[path] = real
	}
	return real
}

// idAt returns what the package.json in dir says that it is.
func idAt(dir string) lockfile.ID {
	data, _ := os.ReadFile(filepath.Join(dir, "package.json"))
	var m struct {
		ID lockfile.ID `json:"_id"`
	}
	_ = json.Unmarshal(data, &m)
	return m.ID
}

// checkIsolated follows every link from the project on, as Node.js would: what is found must be what
// the lockfile says, with the files it should have, and every package must be found in one place only.
func (p *project) checkIsolated(t failer, o link.ApplyIsolatedOptions, strangers ...string) {
	t.Helper()
	n := &node{limit: filepath.Dir(p.dir), real: map[string]string{}}
	of := map[lockfile.ID]*link.IsolatedPackage{}
	for i := range o.Isolated.Packages {
		of[o.Isolated.Packages[i].ID] = &o.Isolated.Packages[i]
	}
	place, keyAt := map[string]string{}, map[string]string{}
	var visit func(dir string, id lockfile.ID, from string)
	seen := map[string]bool{}
	visit = func(dir string, id lockfile.ID, from string) {
		version, _, _ := strings.Cut(string(id), "(")
		if string(idAt(dir)) != version {
			t.Errorf("%s finds %q in %q, not %s", from, idAt(dir), dir, id)
			return
		}
		key := of[id].Key
		if place[key] == "" && keyAt[dir] == "" {
			place[key], keyAt[dir] = dir, key
			p.checkFiles(t, dir, id, o.Copies != nil && o.Copies(id))
		}
		if place[key] != dir || keyAt[dir] != key {
			t.Errorf("%s finds %s in %s, but it is in %s; there is %s", from, id, dir, place[key], keyAt[dir])
		}
		if seen[dir+string(id)] {
			return
		}
		seen[dir+string(id)] = true
		for name, d := range o.Lock.Packages[id].Dependencies {
			found := n.find(dir, name)
			switch {
			case slices.Contains(o.Lock.Packages[id].Bundled, name):
			case of[d.ID] != nil:
				visit(found, d.ID, fmt.Sprint(id, " as ", name))
			case found != "" && name != o.Lock.Packages[id].Name && strings.HasPrefix(dir, o.Store.LinkedDir("", "")):
				t.Errorf("%s finds %s, which is not there for it: %s", id, name, found)
			}
		}
	}
	for _, d := range o.Isolated.Direct {
		visit(n.find(p.dir, d.Name), o.Lock.Projects["."].Dependencies[d.Name].ID, "the project as "+d.Name)
	}
	p.checkTop(t, o, strangers)
	if left := leftovers(p.t, p.dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// checkFiles compares the files of a package with those it should have; modified ones only in their names.
func (p *project) checkFiles(t failer, dir string, id lockfile.ID, modified bool) {
	t.Helper()
	want := map[string]string{}
	for _, f := range p.shelf.entries[id].Files {
		data, err := os.ReadFile(filepath.Join(p.shelf.entries[id].Dir, f.Path))
		if err != nil {
			t.Errorf("%v", err)
		}
		want[f.Path] = string(data)
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		data, readErr := os.ReadFile(path)
		switch {
		case err != nil || readErr != nil && d.Type().IsRegular():
			t.Errorf("%v %v", err, readErr)
		case !d.Type().IsRegular() || modified && want[rel] == "":
		case !modified && want[rel] != string(data):
			t.Errorf("%s of %s is %q, not %q", rel, id, data, want[rel])
		}
		delete(want, rel)
		return nil
	})
	for rel := range want {
		t.Errorf("%s of %s is missing in %s", rel, id, dir)
	}
}

// checkTop checks that there is nothing in node_modules but what belongs there.
func (p *project) checkTop(t failer, o link.ApplyIsolatedOptions, strangers []string) {
	t.Helper()
	want := map[string]bool{}
	for _, d := range o.Isolated.Direct {
		want[d.Name] = true
	}
	for _, b := range o.Isolated.Bins {
		want[".bin/"+b.Name] = true
	}
	for _, s := range strangers {
		want[s] = true
	}
	got := map[string]bool{}
	root := filepath.Join(p.dir, "node_modules")
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "@") || e.Name() == ".bin" {
			inside, _ := os.ReadDir(filepath.Join(root, e.Name()))
			for _, e2 := range inside {
				got[e.Name()+"/"+e2.Name()] = true
			}
			if len(inside) > 0 {
				continue
			}
		}
		if e.Name() != ".pantry" {
			got[e.Name()] = true
		}
	}
	if !maps.Equal(want, got) {
		t.Errorf("node_modules has %v, not %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	for _, b := range o.Isolated.Bins {
		if st, err := os.Stat(filepath.Join(root, ".bin", b.Name)); err != nil || st.Mode()&0o111 != 0o111 {
			t.Errorf("%s cannot be run: %v, %v", b.Name, st, err)
		}
	}
	p.checkEntries(t, o)
}

// checkEntries checks that .pantry has a folder for every package that is in the project, and nothing
// else.
func (p *project) checkEntries(t failer, o link.ApplyIsolatedOptions) {
	t.Helper()
	versions := map[string]int{}
	leads := map[lockfile.ID]bool{}
	for again := true; again; { // what leads to a copied one
		again = false
		for _, pkg := range o.Isolated.Packages {
			is := o.InProject || o.Copies != nil && o.Copies(pkg.ID) || slices.ContainsFunc(o.Isolated.Packages, func(to link.IsolatedPackage) bool {
				return leads[to.ID] && (to.Key == pkg.Key || slices.ContainsFunc(pkg.Links, func(l store.Target) bool { return l.Key == to.Key }))
			})
			again = again || is && !leads[pkg.ID]
			leads[pkg.ID] = leads[pkg.ID] || is
		}
	}
	keys := map[string]bool{}
	for _, pkg := range o.Isolated.Packages {
		if leads[pkg.ID] && !keys[pkg.Key] {
			keys[pkg.Key] = true
			versions[strings.ReplaceAll(pkg.Name+"@"+o.Lock.Packages[pkg.ID].Version, "/", "+")]++
		}
	}
	entries, _ := os.ReadDir(filepath.Join(p.dir, "node_modules/.pantry"))
	for _, e := range entries {
		if name := strings.TrimPrefix(e.Name(), "+"); e.IsDir() && name != "node_modules" {
			versions[name[:strings.LastIndexByte(name, '-')]]--
		}
	}
	for name, n := range versions {
		if n != 0 {
			t.Errorf("there are %d too few folders of %s", n, name)
		}
	}
}

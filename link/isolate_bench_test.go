package link_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// largeLock is a lockfile of n packages as a large project has it: 40 direct dependencies, three
// dependencies for each package, some of them in circles, peers that make several instances of one
// package, commands, and builds for other platforms.
func largeLock(n int) *lockfile.Lock {
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	name := func(i int) string {
		if i%4 == 0 {
			return fmt.Sprintf("@scope-%d/package-%d", i%7, i)
		}
		return fmt.Sprintf("package-%d", i)
	}
	id := func(i int) lockfile.ID { return lockfile.MakeID("npm", name(i), "1.2.3") }
	for i := range n {
		p := &lockfile.Package{
			Registry: "npm", Name: name(i), Version: "1.2.3", Integrity: digestOf(name(i)),
			Engines: map[string]string{"node": ">=18"}, Dependencies: map[string]lockfile.Dependency{},
		}
		for k, j := range []int{i + 1, i + i%13 + 2, i + i%101 + 3} {
			if j < n && (i+k)%5 > 0 {
				p.Dependencies[name(j)] = lockfile.Dependency{ID: id(j), Spec: "^1.2.0"}
			}
		}
		if i%50 == 20 { // a circle of a few
			p.Dependencies[name(i-i%4-3)] = lockfile.Dependency{ID: id(i - i%4 - 3), Spec: "*", Peer: true}
		}
		if i%5 == 0 {
			p.Bin = map[string]string{fmt.Sprintf("package-%d", i): "bin/cli.js"}
		}
		if i%60 == 50 {
			p.OS = []string{"win32"}
		}
		l.Packages[id(i)] = p
		if i < 40 {
			l.Projects["."].Dependencies[name(i)] = lockfile.Wish{Kind: lockfile.Prod, Spec: "^1.2.0", ID: id(i)}
		}
	}
	addInstances(l, n/40, id, name)
	for _, p := range l.Packages {
		for as, d := range p.Dependencies {
			d.Optional = l.Packages[d.ID].OS != nil
			p.Dependencies[as] = d
		}
	}
	return l
}

// addInstances makes second instances of some packages, with another peer.
func addInstances(l *lockfile.Lock, count int, id func(int) lockfile.ID, name func(int) string) {
	for k := range count {
		i := 5 + 30*k
		p := l.Packages[id(i)]
		if p == nil || l.Packages[id(2*i)] == nil {
			return
		}
		twin := *p
		twin.Dependencies = map[string]lockfile.Dependency{name(2 * i): {ID: id(2 * i), Spec: "*", Peer: true}}
		l.Packages[id(i)+"(peer@2)"] = &twin
		d := l.Packages[id(i-3)].Dependencies
		d["twin"] = lockfile.Dependency{ID: id(i) + "(peer@2)", Spec: "*"}
	}
}

func BenchmarkIsolate(b *testing.B) {
	l := largeLock(2200)
	is := isolate(b, l, link.IsolateOptions{Platform: here})
	b.ReportAllocs()
	for b.Loop() {
		isolate(b, l, link.IsolateOptions{Platform: here})
	}
	b.ReportMetric(float64(len(is.Packages)), "packages")
}

func BenchmarkHoist(b *testing.B) {
	l := largeLock(2200)
	b.ReportAllocs()
	for b.Loop() {
		hoist(b, l, link.HoistOptions{Platform: here})
	}
}

// benchFiles are those of a package.
func benchFiles(id lockfile.ID) map[string]string {
	files := map[string]string{"bin/cli.js*": "#!/usr/bin/env node\n"}
	for i := range 14 {
		files[fmt.Sprintf("lib/%d/%d.js", i%3, i)] = fmt.Sprint("// ", id, i)
	}
	return files
}

// benchProject is a project whose store has all files of a large lockfile.
func benchProject(b *testing.B) (*project, *lockfile.Lock) {
	p, l := newProject(b), largeLock(2000)
	for id := range l.Packages {
		if p.shelf.entries[id] == nil {
			p.shelf.put(id, benchFiles(id))
		}
	}
	p.shelf.fill(l)
	return p, l
}

// remove deletes node_modules without being measured.
func (p *project) remove(b *testing.B) {
	b.StopTimer()
	if err := os.RemoveAll(filepath.Join(p.dir, "node_modules")); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}

// BenchmarkLayOut lays out some 2,000 packages of 16 files each: afresh, and where they are in place.
func BenchmarkLayOut(b *testing.B) {
	p, l := benchProject(b)
	o := p.isolated(l)
	inside := o
	inside.InProject = true
	top := o.Isolated.Top()
	hoisted := p.options(l)
	ways := []struct {
		name string
		do   func() error
	}{
		{"store", func() error { _, err := link.ApplyIsolated(b.Context(), o); return err }},
		{"top", func() error {
			_, err := link.ApplyTop(b.Context(), link.ApplyTopOptions{Dir: p.dir, Top: top, Store: p.shelf.store})
			return err
		}},
		{"project", func() error { _, err := link.ApplyIsolated(b.Context(), inside); return err }},
		{"hoisted", func() error { _, err := link.Apply(b.Context(), hoisted); return err }},
	}
	if err := ways[0].do(); err != nil { // makes the linked packages
		b.Fatal(err)
	}
	for _, way := range ways {
		for _, fresh := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/fresh=%t", way.name, fresh), func(b *testing.B) {
				b.ReportAllocs()
				p.remove(b)
				if err := way.do(); err != nil {
					b.Fatal(err)
				}
				for b.ResetTimer(); b.Loop(); {
					if fresh {
						p.remove(b)
					}
					if err := way.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkLinked makes the linked packages of a lockfile whose files are in the store.
func BenchmarkLinked(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		p, l := benchProject(b)
		o := p.isolated(l)
		b.StartTimer()
		if _, err := link.ApplyIsolated(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTop(b *testing.B) {
	data := isolate(b, largeLock(2200), link.IsolateOptions{}).Top().Encode()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := link.ParseTop(data); err != nil {
			b.Fatal(err)
		}
	}
}

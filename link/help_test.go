package link_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// lockOf reads a lockfile from lines "PACKAGE NEED...", the project's first, as ".". A need is
// [AS=]NAME@VERSION with a prefix for its kind: ? optional, ^ peer, ~ optional peer; of the project D:
// dev, ?: optional, ^: peer. Beside needs a line may have os=OS, bundle=NAME and bin=COMMAND:PATH.
// Packages without needs have no line.
func lockOf(t testing.TB, text string) *lockfile.Lock {
	t.Helper()
	l := lockfile.New()
	l.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{}}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if fields[0] == "." {
			for _, f := range fields[1:] {
				name, w := wishOf(l, f)
				l.Projects["."].Dependencies[name] = w
			}
			continue
		}
		p := l.Packages[packageOf(l, fields[0])]
		for _, f := range fields[1:] {
			key, value, _ := strings.Cut(f, "=")
			switch key {
			case "os":
				p.OS = []string{value}
			case "bundle":
				p.Bundled = append(p.Bundled, value)
			case "bin":
				name, target, _ := strings.Cut(value, ":")
				if p.Bin == nil {
					p.Bin = map[string]string{}
				}
				p.Bin[name] = target
			default:
				d := lockfile.Dependency{Spec: "*", Optional: f[0] == '?' || f[0] == '~', Peer: f[0] == '^' || f[0] == '~'}
				name, id := needOf(l, strings.TrimLeft(f, "?^~"))
				d.ID = id
				p.Dependencies[name] = d
			}
		}
	}
	return l
}

func wishOf(l *lockfile.Lock, f string) (string, lockfile.Wish) {
	w := lockfile.Wish{Kind: lockfile.Prod, Spec: "*"}
	if kind, rest, ok := strings.Cut(f, ":"); ok && len(kind) == 1 {
		w.Kind = map[string]lockfile.Kind{"D": lockfile.Dev, "?": lockfile.Optional, "^": lockfile.Peer}[kind]
		f = rest
	}
	name, id := needOf(l, f)
	w.ID = id
	return name, w
}

// needOf reads [AS=]NAME@VERSION.
func needOf(l *lockfile.Lock, f string) (name string, id lockfile.ID) {
	name, of, aliased := strings.Cut(f, "=")
	if !aliased {
		of = f
	}
	id = packageOf(l, of)
	if !aliased {
		name = l.Packages[id].Name
	}
	return name, id
}

// packageOf returns the ID of NAME@VERSION or NAME@VERSION(PEERS), and sees to it that the lockfile has
// it.
func packageOf(l *lockfile.Lock, s string) lockfile.ID {
	s, peers, _ := strings.Cut(s, "(")
	at := strings.LastIndexByte(s, '@')
	name, version := s[:at], s[at+1:]
	id := lockfile.MakeID("npm", name, version)
	if peers != "" {
		id += lockfile.ID("(" + peers)
	}
	if l.Packages[id] == nil {
		l.Packages[id] = &lockfile.Package{Registry: "npm", Name: name, Version: version, Dependencies: map[string]lockfile.Dependency{}}
	}
	return id
}

// hoist returns the tree of a lockfile.
func hoist(t testing.TB, l *lockfile.Lock, o link.HoistOptions) *link.Tree {
	t.Helper()
	tree, err := link.Hoist(l, o)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// shelf is a store whose packages are made up by the test.
type shelf struct {
	t       testing.TB
	store   *store.Store
	entries map[lockfile.ID]*store.Entry
}

func newShelf(t testing.TB, dir string) *shelf {
	t.Helper()
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &shelf{t: t, store: s, entries: map[lockfile.ID]*store.Entry{}}
}

// put stores the files of a package; a name that ends in "*" is executable. A package.json is added,
// which is the same for all instances of a package.
func (s *shelf) put(id lockfile.ID, files map[string]string) {
	s.t.Helper()
	version, _, _ := strings.Cut(string(id), "(")
	_, name, _ := strings.Cut(version, ":")
	w, err := s.store.NewWriter(name[:strings.LastIndexByte(name, '@')])
	if err != nil {
		s.t.Fatal(err)
	}
	files = maps.Clone(files)
	if files == nil {
		files = map[string]string{}
	}
	files["package.json"] = fmt.Sprintf("{%q: %q}\n", "_id", version)
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path, executable := strings.CutSuffix(name, "*")
		content := files[name]
		fmt.Fprintf(&all, "%s %d %s", name, len(content), content)
		e := archive.Entry{Path: path, Executable: executable, Size: int64(len(content))}
		if err := w.File(e, strings.NewReader(content)); err != nil {
			s.t.Fatal(err)
		}
	}
	entry, err := w.Commit(integrity.Sum(integrity.SHA512, []byte(all.String())))
	if err != nil {
		s.t.Fatal(err)
	}
	s.entries[id] = entry
}

// fill stores every package of a lockfile that has no files yet: one of its own, one two folders down,
// and its commands.
func (s *shelf) fill(l *lockfile.Lock) {
	s.t.Helper()
	for id, p := range l.Packages {
		if s.entries[id] == nil {
			version, _, _ := strings.Cut(string(id), "(")
			files := map[string]string{"index.js": "// " + version, "lib/deep/" + strings.ReplaceAll(p.Version, "/", "") + ".js": "1"}
			for _, target := range p.Bin {
				files[target+"*"] = "#!/usr/bin/env node\n"
			}
			s.put(id, files)
		}
		p.Integrity = integrity.Set{s.entries[id].Digest}
	}
}

func (s *shelf) entry(_ context.Context, id lockfile.ID) (*store.Entry, error) {
	if e := s.entries[id]; e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("nobody made %s", id)
}

// project is a folder that trees are laid out in.
type project struct {
	t     testing.TB
	dir   string
	shelf *shelf
}

func newProject(t testing.TB) *project {
	t.Helper()
	dir := t.TempDir()
	p := &project{t: t, dir: filepath.Join(dir, "project"), shelf: newShelf(t, filepath.Join(dir, "store"))}
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *project) options(l *lockfile.Lock) link.ApplyOptions {
	p.t.Helper()
	p.shelf.fill(l)
	return link.ApplyOptions{Dir: p.dir, Lock: l, Tree: hoist(p.t, l, link.HoistOptions{}), Entry: p.shelf.entry}
}

// apply lays a lockfile out and checks that everything is as it should be.
func (p *project) apply(text string, edit ...func(*link.ApplyOptions)) link.Report {
	p.t.Helper()
	o := p.options(lockOf(p.t, text))
	for _, f := range edit {
		f(&o)
	}
	r, err := link.Apply(context.Background(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.check(o)
	return r
}

// check compares node_modules with the tree, file by file.
func (p *project) check(o link.ApplyOptions, strangers ...string) {
	p.t.Helper()
	want := map[string]string{}
	for _, pl := range o.Tree.Placements {
		if pl.Link != "" {
			want[pl.Path] = "link"
			continue
		}
		for _, f := range p.shelf.entries[pl.ID].Files {
			content, err := os.ReadFile(filepath.Join(p.shelf.entries[pl.ID].Dir, f.Path))
			if err != nil {
				p.t.Fatal(err)
			}
			if _, nested := want[pl.Path+"/"+f.Path]; !nested {
				want[pl.Path+"/"+f.Path] = string(content)
			}
		}
	}
	got := p.files()
	maps.DeleteFunc(got, func(path, _ string) bool {
		return strings.HasPrefix(path, "node_modules/.pantry/") || slices.Contains(strangers, path) || strings.Contains(path, "/.bin/")
	})
	diff(p.t, want, got)
	if left := leftovers(p.t, p.dir); len(left) > 0 {
		p.t.Errorf("left behind: %v", left)
	}
}

// files returns the content of every file below the project; links are "link".
func (p *project) files() map[string]string {
	p.t.Helper()
	return files(p.t, p.dir, "node_modules")
}

func files(t testing.TB, dir, below string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(filepath.Join(dir, below), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.Type()&fs.ModeSymlink != 0 {
			got[rel] = "link"
			return nil
		}
		data, err := os.ReadFile(path)
		got[rel] = string(data)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return got
}

// leftovers lists what Apply should have removed.
func leftovers(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{".node_modules-*", "node_modules/.pantry/work*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	return out
}

func diff(t testing.TB, want, got map[string]string) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if have, ok := got[path]; !ok {
			t.Errorf("%s is missing", path)
		} else if have != want[path] {
			t.Errorf("%s is %q, not %q", path, have, want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[path]; !ok {
			t.Errorf("%s should not be there", path)
		}
	}
}

// write makes a file in the project, and the folders above it.
func (p *project) write(path, content string) {
	p.t.Helper()
	full := filepath.Join(p.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) read(path string) string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, path))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data)
}

func (p *project) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(p.dir, path))
	return err == nil
}

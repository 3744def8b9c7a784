package link_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/link"
)

// layouts are the two places where packages of an isolated layout stand.
var layouts = map[string]func(*link.ApplyIsolatedOptions){
	"in the store":   func(*link.ApplyIsolatedOptions) {},
	"in the project": inProject,
}

const someLock = `
	. a@1 b@1 @s/c@1 old=x@1
	a@1 x@1 b@1 bin=a:a.js
	b@1 x@2 a@1 ^@s/c@1 bin=b:bin/b.js
	@s/c@1 @s/d@1 self=@s/c@1 @s/c=@s/c@2
	x@2 y@1
	y@1 x@2 ?z@1`

func TestIsolatedFresh(t *testing.T) {
	t.Parallel()
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			if r := p.applyIsolated(someLock, layout); r.Linked != 9 || !r.Fresh || r.Kept != 0 || r.Removed != 0 {
				t.Errorf("got %+v", r)
			}
			if st, err := os.Stat(filepath.Join(p.dir, "node_modules")); err != nil || st.Mode().Perm() != 0o755 {
				t.Errorf("got %v, %v", st, err)
			}
			nothing := func(o *link.ApplyIsolatedOptions) {
				o.Begin = func() error { return errors.New("something is changed") }
			}
			if r := p.applyIsolated(someLock, layout, nothing); r != (link.Report{Kept: 9}) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestIsolatedNothing(t *testing.T) {
	t.Parallel()
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.applyIsolated("", layout)
			if p.exists("node_modules") {
				t.Error("an empty node_modules was made")
			}
			p.applyIsolated(someLock, layout)
			p.applyIsolated("", layout)
			if got := p.files(); len(got) != 1 {
				t.Errorf("left: %v", got)
			}
		})
	}
}

// Each step is a lockfile, from whose layout the next one is made.
func TestIsolatedUpdate(t *testing.T) {
	t.Parallel()
	type step struct {
		lock    string
		store   link.Report
		project link.Report
	}
	tests := map[string][]step{
		"add": {
			{". a@1", link.Report{Linked: 1, Fresh: true}, link.Report{Linked: 1, Files: 3, Fresh: true}},
			{". a@1 b@1", link.Report{Linked: 1, Kept: 1}, link.Report{Linked: 1, Kept: 1, Files: 3}}},
		"change": {
			{". a@1 b@1", link.Report{Linked: 2, Fresh: true}, link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". a@2 b@1", link.Report{Linked: 1, Kept: 1}, link.Report{Linked: 1, Kept: 1, Removed: 1, Files: 3}}},
		"remove": {
			{". a@1 @s/b@1", link.Report{Linked: 2, Fresh: true}, link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". a@1", link.Report{Kept: 1, Removed: 1}, link.Report{Kept: 1, Removed: 1}}},
		"change below": {
			{". a@1 b@1\na@1 x@1", link.Report{Linked: 3, Fresh: true}, link.Report{Linked: 3, Files: 9, Fresh: true}},
			{". a@1 b@1\na@1 x@2", link.Report{Linked: 2, Kept: 1}, link.Report{Linked: 2, Kept: 1, Removed: 2, Files: 6}}},
		"alias": {
			{". a@1", link.Report{Linked: 1, Fresh: true}, link.Report{Linked: 1, Files: 3, Fresh: true}},
			{". b=a@1", link.Report{Linked: 1, Removed: 1}, link.Report{Linked: 1, Removed: 1}}},
		"becomes direct": {
			{". a@1\na@1 x@1", link.Report{Linked: 2, Fresh: true}, link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". a@1 x@1\na@1 x@1", link.Report{Linked: 1, Kept: 1}, link.Report{Linked: 1, Kept: 1}}},
	}
	for name, steps := range tests {
		for where, layout := range layouts {
			t.Run(name+" "+where, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				for i, s := range steps {
					want := s.store
					if where == "in the project" {
						want = s.project
					}
					if got := p.applyIsolated(s.lock, layout); got != want {
						t.Errorf("step %d: got %+v, want %+v", i, got, want)
					}
				}
			})
		}
	}
}

// Whatever layout was there, the next one is exactly as if nothing had been.
func TestSwitchLayouts(t *testing.T) {
	t.Parallel()
	const other = ". a@2 @s/c@1\na@2 x@1 bin=a:a.js"
	all := map[string]func(*project, string){
		"hoisted": func(p *project, lock string) {
			p.apply(lock)
			entries, err := os.ReadDir(filepath.Join(p.dir, "node_modules/.pantry"))
			if err != nil || len(entries) != 1 {
				p.t.Errorf("left: %v, %v", entries, err)
			}
		},
		"in the store":   func(p *project, lock string) { p.applyIsolated(lock) },
		"in the project": func(p *project, lock string) { p.applyIsolated(lock, inProject) },
		"copied":         func(p *project, lock string) { p.applyIsolated(lock, copies("npm:x@1")) },
	}
	for from, first := range all {
		for to, second := range all {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				first(p, someLock)
				second(p, other)
				first(p, other)
				second(p, someLock)
			})
		}
	}
}

// A hoisted node_modules is replaced whole, and so is an isolated one by a hoisted one; between the
// isolated ones only links change.
func TestSwitchLayoutsStrangers(t *testing.T) {
	t.Parallel()
	for from, first := range map[string]func(*project){
		"hoisted": func(p *project) { p.apply(". a@1") }, "isolated": func(p *project) { p.applyIsolated(". a@1") },
	} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			first(p)
			p.write("node_modules/mine/index.js", "mine")
			o := p.isolated(lockOf(t, ". a@2"))
			o.InProject = true
			r, err := link.ApplyIsolated(t.Context(), o)
			if stays := from == "isolated"; err != nil || r.Fresh == stays || p.exists("node_modules/mine") != stays {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

// What Pantry did not lay out and nothing wants the place of stays.
func TestIsolatedOthersStay(t *testing.T) {
	t.Parallel()
	for name, layout := range layouts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.applyIsolated(". a@1 @s/b@1\na@1 bin=a:a.js", layout)
			mine := map[string]string{
				".cache": "node_modules/.cache/babel/x.json", ".modules.yaml": "node_modules/.modules.yaml", "mine": "node_modules/mine/index.js",
				"@s/mine": "node_modules/@s/mine/index.js", ".bin/mine": "node_modules/.bin/mine",
			}
			for _, path := range mine {
				p.write(path, "mine")
			}
			for _, lock := range []string{". a@2 @s/b@1", ". a@2", ". c@1", ""} {
				o := p.isolated(lockOf(t, lock))
				layout(&o)
				if _, err := link.ApplyIsolated(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				strangers := make([]string, 0, len(mine))
				for name, path := range mine {
					if strangers = append(strangers, name); p.read(path) != "mine" {
						t.Errorf("%s was changed", path)
					}
				}
				p.checkIsolated(t, o, strangers...)
			}
		})
	}
}

// A node_modules without a good record is replaced whole.
func TestIsolatedForeign(t *testing.T) {
	t.Parallel()
	edit := func(change func(string) string) func(*project) {
		return func(p *project) {
			p.applyIsolated(". a@2 left@1", inProject)
			p.write("node_modules/.pantry/layout", change(p.read("node_modules/.pantry/layout")))
		}
	}
	tests := map[string]func(*project){
		"npm's": func(p *project) {
			p.write("node_modules/.package-lock.json", "{}")
			p.write("node_modules/a/index.js", "npm's")
			p.write("node_modules/.bin/left", "npm's")
		},
		"record cut short":  edit(func(s string) string { return s[:len(s)-5] }),
		"record empty":      edit(func(string) string { return "" }),
		"record of zeros":   edit(func(s string) string { return strings.Repeat("\x00", len(s)) }),
		"of a next version": edit(func(s string) string { return strings.Replace(s, "layout 1", "layout 2", 1) }),
		"entry leads out": edit(func(string) string {
			return "pantry isolated layout 1\nentry \"../../package.json@\" \"x\"\nend\n"
		}),
		"link leads out": edit(func(string) string {
			return "pantry isolated layout 1\nlink \"../package.json\" \"x\"\nend\n"
		}),
		"record is a folder": func(p *project) { p.write("node_modules/.pantry/layout/x", "") },
		"private folder is a link": func(p *project) {
			p.applyIsolated(". a@2 left@1", inProject)
			elsewhere := filepath.Join(filepath.Dir(p.dir), "elsewhere")
			if err := errors.Join(
				os.Rename(filepath.Join(p.dir, "node_modules/.pantry"), elsewhere),
				os.Symlink(elsewhere, filepath.Join(p.dir, "node_modules/.pantry"))); err != nil {
				p.t.Fatal(err)
			}
		},
	}
	for name, prepare := range tests {
		for where, layout := range layouts {
			t.Run(name+" "+where, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				p.write("package.json", "{}")
				prepare(p)
				if r := p.applyIsolated(". a@1", layout); !r.Fresh || r.Linked != 1 {
					t.Errorf("got %+v", r)
				}
				if p.read("package.json") != "{}" {
					t.Error("a file outside of node_modules was changed")
				}
			})
		}
	}
}

// What a user puts in the place of a link or an entry is taken away, and what a link of the user's
// points to is left alone.
func TestIsolatedReplacedByUser(t *testing.T) {
	t.Parallel()
	const was = ". a@1 b@1 @s/c@1\na@1 x@1 bin=a:a.js"
	tests := map[string]struct {
		path string // what the user replaces; * is the rest of a name
		with string // file, folder, link
		then string // the next lockfile
	}{
		"link":                    {"node_modules/a", "link", was},
		"link, changes":           {"node_modules/a", "link", ". a@2 b@1 @s/c@1"},
		"link, goes":              {"node_modules/a", "link", ". b@1 @s/c@1"},
		"folder":                  {"node_modules/a", "folder", was},
		"folder, changes":         {"node_modules/a", "folder", ". a@2 b@1 @s/c@1"},
		"folder, goes":            {"node_modules/a", "folder", ". b@1 @s/c@1"},
		"file":                    {"node_modules/b", "file", was},
		"gone":                    {"node_modules/b", "", was},
		"scope is a link":         {"node_modules/@s", "link", was},
		"scope is a link, more":   {"node_modules/@s", "link", ". a@1 b@1 @s/d@1 @s/c@1"},
		"scope is a file":         {"node_modules/@s", "file", was},
		"command":                 {"node_modules/.bin/a", "file", was},
		"command folder":          {"node_modules/.bin", "link", was},
		"entry gone":              {"node_modules/.pantry/x@1-*", "", was},
		"entry is a link":         {"node_modules/.pantry/x@1-*", "link", was},
		"entry is a file":         {"node_modules/.pantry/x@1-*", "file", was},
		"entry is empty":          {"node_modules/.pantry/x@1-*/node_modules/x", "", was},
		"entry is gone, goes":     {"node_modules/.pantry/x@1-*", "", ". b@1"},
		"fallback is gone":        {"node_modules/.pantry/node_modules", "", was},
		"fallback is a link":      {"node_modules/.pantry/node_modules", "link", was},
		"not installed, a link":   {"node_modules/z", "link", ". a@1 z@1"},
		"not installed, a folder": {"node_modules/z", "folder", ". a@1 z@1"},
	}
	for name, tt := range tests {
		for where, layout := range layouts {
			t.Run(name+" "+where, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				p.applyIsolated(was, layout)
				full := filepath.Join(p.dir, tt.path)
				if found, _ := filepath.Glob(full); len(found) == 1 {
					full = found[0]
				} else if strings.Contains(tt.path, ".pantry") && where == "in the store" {
					return
				}
				elsewhere := filepath.Join(filepath.Dir(p.dir), "elsewhere")
				for _, path := range []string{"package.json", "c/package.json", "node_modules/x/package.json", "x"} {
					full := filepath.Join(elsewhere, path)
					if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte("mine"), 0o644)); err != nil {
						t.Fatal(err)
					}
				}
				before := files(t, elsewhere, ".")
				if err := os.RemoveAll(full); err != nil {
					t.Fatal(err)
				}
				rel, _ := filepath.Rel(p.dir, full)
				switch tt.with {
				case "link":
					if err := os.Symlink(elsewhere, full); err != nil {
						t.Fatal(err)
					}
				case "folder":
					p.write(rel+"/mine.js", "mine")
				case "file":
					p.write(rel, "mine")
				}
				p.applyIsolated(tt.then, layout)
				diff(t, before, files(t, elsewhere, "."))
			})
		}
	}
}

// A scope that is a link and of which nothing is wanted any more is the user's.
func TestIsolatedLinkedScopeStays(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.applyIsolated(". @s/c@1 b@1")
	elsewhere := t.TempDir()
	if err := errors.Join(
		os.RemoveAll(filepath.Join(p.dir, "node_modules/@s")), os.Mkdir(filepath.Join(elsewhere, "c"), 0o755),
		os.Symlink(elsewhere, filepath.Join(p.dir, "node_modules/@s"))); err != nil {
		t.Fatal(err)
	}
	o := p.isolated(lockOf(t, ". b@1"))
	if _, err := link.ApplyIsolated(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	p.checkIsolated(t, o, "@s/c")
	if _, err := os.Stat(filepath.Join(elsewhere, "c")); err != nil {
		t.Error(err)
	}
}

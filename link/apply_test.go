package link_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

func TestFresh(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	r := p.apply(`
		. a@1 b@1 @s/c@1
		a@1 x@1
		b@1 x@2
		@s/c@1 @s/d@1`)
	if r.Linked != 6 || !r.Fresh || r.Kept != 0 || r.Removed != 0 || r.Files != 18 {
		t.Errorf("got %+v", r)
	}
	if st, err := os.Stat(filepath.Join(p.dir, "node_modules")); err != nil || st.Mode().Perm() != 0o755 {
		t.Errorf("got %v, %v", st, err)
	}
	if r := p.apply(". a@1\na@1 x@1"); r.Linked != 0 || r.Fresh || r.Kept != 2 || r.Removed != 4 {
		t.Errorf("got %+v", r)
	}
}

func TestNothingToLayOut(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.apply("")
	if p.exists("node_modules") {
		t.Error("an empty node_modules was made")
	}
	p.apply(". a@1")
	p.apply("")
	if got := p.files(); len(got) != 1 {
		t.Errorf("left: %v", got)
	}
}

// Each step is a tree, from which the next one is made.
func TestUpdate(t *testing.T) {
	t.Parallel()
	type step struct {
		lock string
		want link.Report
	}
	tests := map[string][]step{
		"add": {{". a@1", link.Report{Linked: 1, Files: 3, Fresh: true}}, {". a@1 b@1", link.Report{Linked: 1, Kept: 1, Files: 3}}},
		"change": {{". a@1 b@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". a@2 b@1", link.Report{Linked: 1, Kept: 1, Files: 3}}},
		"remove": {{". a@1 b@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". b@1", link.Report{Kept: 1, Removed: 1}}},
		"same": {{". a@1", link.Report{Linked: 1, Files: 3, Fresh: true}}, {". a@1", link.Report{Kept: 1}}},
		"nested is there after its parent changed": {{". x@1 a@1\na@1 x@2", link.Report{Linked: 3, Files: 9, Fresh: true}},
			{". x@1 a@2\na@2 x@2", link.Report{Linked: 2, Kept: 1, Files: 6}}},
		"nested goes with its parent": {{". x@1 a@1\na@1 x@2", link.Report{Linked: 3, Files: 9, Fresh: true}},
			{". x@1", link.Report{Kept: 1, Removed: 2}}},
		"nested comes": {{". x@1 a@1\na@1 x@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". x@1 a@1\na@1 x@2", link.Report{Linked: 1, Kept: 2, Files: 3}}},
		"nested goes": {{". x@1 a@1\na@1 x@2", link.Report{Linked: 3, Files: 9, Fresh: true}},
			{". x@1 a@1\na@1 x@1", link.Report{Kept: 2, Removed: 1}}},
		"nested changes": {{". x@1 a@1\na@1 x@2\nx@2 y@1", link.Report{Linked: 4, Files: 12, Fresh: true}},
			{". x@1 a@1\na@1 x@3\nx@3 y@1", link.Report{Linked: 1, Kept: 3, Files: 3}}},
		"nested goes when its parent changes": {{". x@1 a@1\na@1 x@2", link.Report{Linked: 3, Files: 9, Fresh: true}},
			{". x@1 a@2\na@2 x@1", link.Report{Linked: 1, Kept: 1, Removed: 1, Files: 3}}},
		"deeper": {{". x@1 y@1 z@1 a@1\na@1 x@2\nx@2 y@2\ny@2 z@2", link.Report{Linked: 7, Files: 21, Fresh: true}},
			{". x@1 y@1 z@2 a@1\na@1 x@2\nx@2 y@2\ny@2 z@2", link.Report{Linked: 1, Kept: 5, Removed: 1, Files: 3}}},
		"scope folder goes": {{". @s/a@1 b@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". b@1", link.Report{Kept: 1, Removed: 1}}},
		"scope folder stays": {{". @s/a@1 @s/b@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". @s/b@1", link.Report{Kept: 1, Removed: 1}}},
		"names that begin alike": {{". a@1 a-b@1 ab@1\na@1 ab@2", link.Report{Linked: 4, Files: 12, Fresh: true}},
			{". a-b@1 ab@1", link.Report{Kept: 2, Removed: 2}}},
		"capitals": {{". JSONStream@1 jsonstream@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". JSONStream@1 jsonstream@2", link.Report{Linked: 1, Kept: 1, Files: 3}}},
		"a link comes and goes": {{". a@1 b@1", link.Report{Linked: 2, Files: 6, Fresh: true}},
			{". a@1 b@1\na@1 b@1\nb@1 a@2\na@2 b@2\nb@2 a@1", link.Report{Linked: 4, Kept: 2, Files: 9}},
			{". a@1 b@1\na@1 b@1\nb@1 a@2\na@2 b@2\nb@2 a@1", link.Report{Kept: 6}},
			{". a@1 b@1\na@1 b@1\nb@1 a@2\na@2 b@2", link.Report{Kept: 4, Removed: 2}}},
		"all go": {{". a@1 b@1", link.Report{Linked: 2, Files: 6, Fresh: true}}, {"", link.Report{Removed: 2}}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			for i, s := range steps {
				if got := p.apply(s.lock); got != s.want {
					t.Errorf("step %d: got %+v, want %+v", i, got, s.want)
				}
			}
			entries, err := os.ReadDir(filepath.Join(p.dir, "node_modules"))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if inside, _ := os.ReadDir(filepath.Join(p.dir, "node_modules", e.Name())); len(inside) == 0 {
					t.Errorf("%s is empty", e.Name())
				}
			}
		})
	}
}

// What Pantry did not lay out and nothing wants the place of stays.
func TestOthersStay(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.apply(". a@1 @s/b@1\na@1 bin=a:a.js")
	mine := []string{
		"node_modules/.cache/babel/x.json", "node_modules/.vite/deps/x.js", "node_modules/.modules.yaml",
		"node_modules/mine/index.js", "node_modules/@s/mine/index.js", "node_modules/.bin/mine",
	}
	for _, path := range mine {
		p.write(path, "mine")
	}
	for _, lock := range []string{". a@2 @s/b@1", ". a@2", ". c@1", ""} {
		o := p.options(lockOf(t, lock))
		if _, err := link.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		p.check(o, mine...)
		for _, path := range mine {
			if p.read(path) != "mine" {
				t.Errorf("%s was changed", path)
			}
		}
	}
}

// A node_modules without a good record is replaced whole.
func TestForeign(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*project){
		"npm's": func(p *project) {
			p.write("node_modules/.package-lock.json", "{}")
			p.write("node_modules/a/index.js", "npm's")
			p.write("node_modules/left/index.js", "npm's")
			p.write("node_modules/.bin/left", "npm's")
		},
		"record cut short": func(p *project) {
			p.apply(". a@2 left@1")
			text := p.read("node_modules/.pantry/layout")
			p.write("node_modules/.pantry/layout", text[:len(text)-5])
		},
		"record empty": func(p *project) {
			p.apply(". a@2 left@1")
			p.write("node_modules/.pantry/layout", "")
		},
		"record of zeros": func(p *project) {
			p.apply(". a@2 left@1")
			p.write("node_modules/.pantry/layout", strings.Repeat("\x00", 300))
		},
		"record of another version": func(p *project) {
			p.apply(". a@2 left@1")
			p.write("node_modules/.pantry/layout", strings.Replace(p.read("node_modules/.pantry/layout"), "layout 1", "layout 2", 1))
		},
		"record that leads out": func(p *project) {
			p.apply(". a@2 left@1")
			p.write("node_modules/.pantry/layout", "pantry layout 1\npackage \"node_modules/../package.json\" \"x\"\nend\n")
		},
		"command that leads out": func(p *project) {
			p.apply(". a@2 left@1")
			p.write("node_modules/.pantry/layout", "pantry layout 1\nbin \".bin\" \"..\" \"x\"\nend\n")
		},
		"record is a folder": func(p *project) { p.write("node_modules/.pantry/layout/x", "") },
		"private folder is a link": func(p *project) {
			p.apply(". a@1 left@1")
			elsewhere := filepath.Join(filepath.Dir(p.dir), "elsewhere")
			if err := errors.Join(
				os.Rename(filepath.Join(p.dir, "node_modules/.pantry"), elsewhere),
				os.Symlink(elsewhere, filepath.Join(p.dir, "node_modules/.pantry"))); err != nil {
				p.t.Fatal(err)
			}
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.write("package.json", "{}")
			prepare(p)
			if r := p.apply(". a@1"); !r.Fresh || r.Linked != 1 {
				t.Errorf("got %+v", r)
			}
			if p.read("package.json") != "{}" {
				t.Error("a file outside of node_modules was changed")
			}
		})
	}
}

// What a user puts in the place of a package, a link above all, is taken away, and what the link
// points to is left alone.
func TestReplacedByUser(t *testing.T) {
	t.Parallel()
	const was = ". a@1 b@1 @s/c@1 x@1\na@1 x@2"
	tests := map[string]struct {
		path string // what the user replaces
		with string // file, folder, link
		then string // the next tree
	}{
		"link, same":                       {"node_modules/a", "link", was},
		"link, version changes":            {"node_modules/a", "link", ". a@2 b@1 @s/c@1 x@1\na@2 x@2"},
		"link, nested changes":             {"node_modules/a", "link", ". a@1 b@1 @s/c@1 x@1\na@1 x@3"},
		"link, nested goes":                {"node_modules/a", "link", ". a@1 b@1 @s/c@1 x@1\na@1 x@1"},
		"link, goes":                       {"node_modules/a", "link", ". b@1 @s/c@1 x@1"},
		"folder, same":                     {"node_modules/a", "folder", was},
		"folder, goes":                     {"node_modules/a", "folder", ". b@1 @s/c@1 x@1"},
		"file, same":                       {"node_modules/b", "file", was},
		"file, goes":                       {"node_modules/b", "file", ". a@1 @s/c@1 x@1\na@1 x@2"},
		"scope is a link, same":            {"node_modules/@s", "link", was},
		"scope is a link, version changes": {"node_modules/@s", "link", ". a@1 b@1 @s/c@2 x@1\na@1 x@2"},
		"scope is a link, another comes":   {"node_modules/@s", "link", ". a@1 b@1 @s/c@1 @s/d@1 x@1\na@1 x@2"},
		"scope is a file":                  {"node_modules/@s", "file", was},
		"nested folder is a link":          {"node_modules/a/node_modules", "link", was},
		"nested folder is a link, changes": {"node_modules/a/node_modules", "link", ". a@1 b@1 @s/c@1 x@1\na@1 x@3"},
		"nested package is a link":         {"node_modules/a/node_modules/x", "link", was},
		"nested package is a link, goes":   {"node_modules/a/node_modules/x", "link", ". a@1 b@1 @s/c@1 x@1\na@1 x@1"},
		"gone":                             {"node_modules/a", "", was},
		"nested gone":                      {"node_modules/a/node_modules", "", was},
		"not installed by us":              {"node_modules/z", "folder", ". a@1 b@1 @s/c@1 x@1 z@1\na@1 x@2"},
		"not installed by us, a link":      {"node_modules/z", "link", ". a@1 b@1 @s/c@1 x@1 z@1\na@1 x@2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.apply(was)
			// The user's own work, which looks like what it replaces.
			elsewhere := filepath.Join(filepath.Dir(p.dir), "elsewhere")
			for _, path := range []string{"package.json", "x/package.json", "c/package.json", "node_modules/x/package.json", "node_modules/mine/index.js"} {
				full := filepath.Join(elsewhere, path)
				if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte("mine"), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			before := files(t, elsewhere, ".")
			full := filepath.Join(p.dir, tt.path)
			if err := os.RemoveAll(full); err != nil {
				t.Fatal(err)
			}
			switch tt.with {
			case "link":
				if err := os.Symlink(elsewhere, full); err != nil {
					t.Fatal(err)
				}
			case "folder":
				p.write(tt.path+"/mine.js", "mine")
				p.write(tt.path+"/node_modules/stale/index.js", "stale")
			case "file":
				p.write(tt.path, "mine")
			}
			p.apply(tt.then)
			diff(t, before, files(t, elsewhere, "."))
		})
	}
}

// A scope that is a link and of which nothing is wanted any more is the user's.
func TestLinkedScopeStays(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.apply(". @s/c@1 b@1")
	elsewhere := t.TempDir()
	if err := errors.Join(
		os.RemoveAll(filepath.Join(p.dir, "node_modules/@s")), os.Mkdir(filepath.Join(elsewhere, "c"), 0o755),
		os.Symlink(elsewhere, filepath.Join(p.dir, "node_modules/@s"))); err != nil {
		t.Fatal(err)
	}
	o := p.options(lockOf(t, ". b@1"))
	if _, err := link.Apply(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	p.check(o, "node_modules/@s")
	if _, err := os.Stat(filepath.Join(elsewhere, "c")); err != nil {
		t.Error(err)
	}
}

func TestNodeModulesIsNoFolder(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		make func(root, elsewhere string) error
		text string
	}{
		"file":          {func(root, _ string) error { return os.WriteFile(root, []byte("mine"), 0o644) }, "not a folder"},
		"link":          {func(root, elsewhere string) error { return os.Symlink(elsewhere, root) }, "a symbolic link"},
		"dangling link": {func(root, elsewhere string) error { return os.Symlink(elsewhere+"-not", root) }, "a symbolic link"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			elsewhere := t.TempDir()
			root := filepath.Join(p.dir, "node_modules")
			if err := errors.Join(os.WriteFile(filepath.Join(elsewhere, "x"), nil, 0o644), tt.make(root, elsewhere)); err != nil {
				t.Fatal(err)
			}
			before, _ := os.Lstat(root)
			_, err := link.Apply(t.Context(), p.options(lockOf(t, ". a@1")))
			if !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), root) || !strings.Contains(err.Error(), tt.text) || pantry.Hint(err) == "" {
				t.Errorf("got %v", err)
			}
			after, _ := os.Lstat(root)
			if !os.SameFile(before, after) || len(files(t, elsewhere, ".")) != 1 || len(leftovers(t, p.dir)) > 0 {
				t.Error("something was changed")
			}
		})
	}
}

func TestForce(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	copied := func(o *link.ApplyOptions) { o.Method = link.Copy }
	p.apply(". a@1 x@1\na@1 x@2", copied)
	p.write("node_modules/a/index.js", "spoilt")
	p.write("node_modules/a/node_modules/x/lib/more.js", "spoilt")
	p.write("node_modules/.cache/x", "kept")
	o := p.options(lockOf(t, ". a@1 x@1\na@1 x@2"))
	o.Force = true
	r, err := link.Apply(t.Context(), o)
	if err != nil || r.Linked != 3 || r.Kept != 0 {
		t.Errorf("got %+v, %v", r, err)
	}
	p.check(o, "node_modules/.cache/x")
	if p.read("node_modules/.cache/x") != "kept" {
		t.Error("the cache is gone")
	}
}

// Whatever fails before everything is there changes nothing, and is told.
func TestFailureChangesNothing(t *testing.T) {
	t.Parallel()
	errBroken := errors.New("broken")
	for _, state := range []string{"nothing", "ours", "foreign"} {
		for _, fault := range []string{"entry", "begin", "cancelled", "damaged store"} {
			t.Run(state+", "+fault, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				switch state {
				case "ours":
					p.apply(". a@1 b@1 x@1\na@1 x@2 bin=a:a.js")
				case "foreign":
					p.write("node_modules/a/index.js", "npm's")
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				o := p.options(lockOf(t, ". a@2 c@1\na@2 bin=a:b.js"))
				began := false
				want := errBroken
				o.Begin = func() error { began = true; return nil }
				switch fault {
				case "entry":
					o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
						if id == "npm:c@1" {
							return nil, errBroken
						}
						return p.shelf.entry(ctx, id)
					}
				case "begin":
					o.Begin = func() error { return errBroken }
				case "cancelled":
					want = context.Canceled
					var n atomic.Int32
					o.Entry = func(ctx context.Context, id lockfile.ID) (*store.Entry, error) {
						if n.Add(1) == 2 {
							cancel()
						}
						return p.shelf.entry(ctx, id)
					}
				case "damaged store":
					want = os.ErrNotExist
					if err := os.Remove(filepath.Join(p.shelf.entries["npm:c@1"].Dir, "index.js")); err != nil {
						t.Fatal(err)
					}
				}
				before := p.files()
				_, err := link.Apply(ctx, o)
				if !errors.Is(err, want) || began {
					t.Errorf("got %v, begun %t", err, began)
				}
				if fault == "damaged store" && !strings.Contains(fmt.Sprint(err), "c@1") {
					t.Errorf("%v does not tell the package", err)
				}
				diff(t, before, p.files())
				if left := leftovers(t, p.dir); len(left) > 0 || state == "nothing" && p.exists("node_modules") {
					t.Errorf("left behind: %v", left)
				}
			})
		}
	}
}

// Begin comes once, before the first change, and only where there is one.
func TestBegin(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	var calls int
	var before map[string]string
	begin := func(o *link.ApplyOptions) {
		o.Begin = func() error {
			calls++
			now := p.files()
			maps.DeleteFunc(now, func(path, _ string) bool { return strings.HasPrefix(path, "node_modules/.pantry/work-") })
			diff(t, before, now)
			return nil
		}
	}
	for i, tt := range []struct {
		lock string
		want int
	}{{". a@1", 1}, {". a@1", 0}, {". a@2 b@1", 1}, {"", 1}} {
		before, calls = p.files(), 0
		o := p.options(lockOf(t, tt.lock))
		begin(&o)
		if _, err := link.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if calls != tt.want {
			t.Errorf("step %d: %d calls", i, calls)
		}
	}
}

package link_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// realFolder is the folder of what the project requires as name.
func (p *project) realFolder(name string) string {
	p.t.Helper()
	real, err := filepath.EvalSymlinks(filepath.Join(p.dir, "node_modules", name))
	if err != nil {
		p.t.Fatal(err)
	}
	return real
}

// A package that is copied may change itself, as long as the lockfile says the same of it, and the store
// does not notice. What leads to it finds the copy, and the rest stays where it is.
func TestCopies(t *testing.T) {
	t.Parallel()
	for where, layout := range layouts {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			const lock = ". top@1 beside@1 new@1\ntop@1 mid@1 beside@1\nmid@1 writes@1\nwrites@1 mid@1 below@1"
			const other = ". top@1 beside@1 new@2\ntop@1 mid@1 beside@1\nmid@1 writes@1\nwrites@1 mid@1 below@1"
			p.applyIsolated(lock, layout)
			copied := copies("npm:writes@1")
			p.applyIsolated(lock, layout, copied)

			n := &node{limit: filepath.Dir(p.dir), real: map[string]string{}}
			mid := n.find(p.realFolder("top"), "mid")
			writes := n.find(mid, "writes")
			for name, dir := range map[string]string{"top": p.realFolder("top"), "mid": mid, "writes": writes} {
				if !strings.HasPrefix(dir, p.dir+"/") {
					t.Errorf("%s is in %s", name, dir)
				}
			}
			for name, dir := range map[string]string{"beside": p.realFolder("beside"), "below": n.find(writes, "below"), "new": p.realFolder("new")} {
				if strings.HasPrefix(dir, p.dir+"/") != (where == "in the project") {
					t.Errorf("%s is in %s", name, dir)
				}
			}
			stored := p.shelf.entries["npm:writes@1"].Dir
			mine, err := os.Stat(filepath.Join(writes, "index.js"))
			theirs, err2 := os.Stat(filepath.Join(stored, "index.js"))
			if errors.Join(err, err2) != nil || os.SameFile(mine, theirs) || mine.Mode().Perm()&0o200 == 0 {
				t.Errorf("the file is that of the store: %v %v %v", mine.Mode(), err, err2)
			}
			if err := errors.Join(
				os.WriteFile(filepath.Join(writes, "index.js"), []byte("changed"), 0o644),
				os.WriteFile(filepath.Join(writes, "built.node"), []byte("built"), 0o644)); err != nil {
				t.Fatal(err)
			}
			for _, next := range []string{lock, other} {
				p.applyIsolated(next, layout, copied)
				for name, want := range map[string]string{"index.js": "changed", "built.node": "built"} {
					if got, err := os.ReadFile(filepath.Join(writes, name)); err != nil || string(got) != want {
						t.Errorf("%s is %q, %v", name, got, err)
					}
				}
			}
			if got, err := os.ReadFile(filepath.Join(stored, "index.js")); err != nil || string(got) != "// npm:writes@1" {
				t.Errorf("the store has %q, %v", got, err)
			}
			p.applyIsolated(lock, layout) // no copies any more
			p.applyIsolated(lock, layout, copied)
			if _, err := os.Stat(filepath.Join(writes, "built.node")); err == nil {
				t.Error("an old copy was used again")
			}
		})
	}
}

// A file in the project is that of the store, or one of its own where a program had to be mended or the
// method says so.
func TestIsolatedFilesAreShared(t *testing.T) {
	t.Parallel()
	for method, shared := range map[link.Method]bool{"": true, link.Auto: true, link.Hardlink: true, link.Copy: false} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.shelf.put("npm:a@1", map[string]string{"run.js": "#!/usr/bin/env node\r\n", "lib/x.js": "1"})
			p.applyIsolated(". a@1\na@1 bin=a:lib/x.js", inProject, func(o *link.ApplyIsolatedOptions) { o.Method = method })
			for name, want := range map[string]bool{"lib/x.js": false, "run.js": shared} {
				mine, err := os.Stat(filepath.Join(p.realFolder("a"), name))
				theirs, err2 := os.Stat(filepath.Join(p.shelf.entries["npm:a@1"].Dir, name))
				if errors.Join(err, err2) != nil || os.SameFile(mine, theirs) != want {
					t.Errorf("%s: %v %v", name, err, err2)
				}
			}
		})
	}
}

// Files that an artifact has in the place of a package of its own name give way, others stay.
func TestIsolatedShippedModules(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.shelf.put("npm:a@1", map[string]string{"node_modules/a/index.js": "shipped", "node_modules/b/index.js": "shipped"})
	o := p.isolated(lockOf(t, ". a@1\na@1 a@2 bundle=b"))
	o.InProject = true
	if _, err := link.ApplyIsolated(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a/node_modules/a/index.js": "// npm:a@2", "a/node_modules/b/index.js": "shipped"} {
		if got := p.read("node_modules/" + name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// In the project, a package that requires what it does not declare finds the highest version of it; in
// the store it finds nothing.
func TestIsolatedFallback(t *testing.T) {
	t.Parallel()
	const lock = ". a@1 direct@1\na@1 x@9.0.0 @s/y@2.0.0-rc.1\nx@9.0.0 x@10.0.0 @s/y@2.0.0-beta\n@s/y@2.0.0-beta direct@2 old=odd@main odd@1.0.0"
	for where, layout := range layouts {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.applyIsolated(lock, layout)
			n := &node{limit: filepath.Dir(p.dir), real: map[string]string{}}
			want := map[string]lockfile.ID{
				"x": "npm:x@10.0.0", "@s/y": "npm:@s/y@2.0.0-rc.1", "direct": "npm:direct@1", "odd": "npm:odd@1.0.0", "a": "npm:a@1",
			}
			for name, id := range want {
				if where == "in the store" {
					id = ""
				}
				if got := idAt(n.find(filepath.Join(p.realFolder("direct"), "lib"), name)); got != id && name != "direct" {
					t.Errorf("%s is %q, not %q", name, got, id)
				}
			}
		})
	}
}

// Names of folders in the project.
func TestEntryNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 200)
	tests := map[string]struct{ id, name string }{
		"plain":               {"npm:a@1.0.0", "a@1.0.0-"},
		"scope":               {"npm:@s/a@1.0.0", "@s+a@1.0.0-"},
		"like work":           {"npm:work-queue@1.0.0", "+work-queue@1.0.0-"},
		"slash in version":    {"npm:a@feature/x", "a@feature+x-"},
		"like node_modules":   {"npm:Node_Modules_@1", "Node_Modules_@1-"},
		"long name":           {"npm:" + long + "@1.0.0-" + strings.Repeat("é", 60), long + "@1.0.0-" + strings.Repeat("é", 19) + "-"},
		"long name and scope": {"npm:@" + long + "/" + long + "@1", "@" + long + "+" + long[:44] + "-"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			l := lockOf(t, ". first@1")
			_, rest, _ := strings.Cut(tt.id, ":")
			at := strings.LastIndexByte(rest, '@')
			l.Packages[lockfile.ID(tt.id)] = &lockfile.Package{Registry: "npm", Name: rest[:at], Version: rest[at+1:]}
			l.Packages["npm:first@1"].Dependencies["it"] = lockfile.Dependency{ID: lockfile.ID(tt.id)}
			o := p.isolated(l)
			o.InProject = true
			for range 2 {
				if _, err := link.ApplyIsolated(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
			p.checkFound(t, "first", "it", lockfile.ID(tt.id))
			key := keysOf(o.Isolated)[lockfile.ID(tt.id)]
			if !p.exists("node_modules/.pantry/" + tt.name + key[:8]) {
				entries, _ := os.ReadDir(filepath.Join(p.dir, "node_modules/.pantry"))
				t.Errorf("no %s: %v", tt.name+key[:8], entries)
			}
		})
	}
}

// checkFound checks what one package finds.
func (p *project) checkFound(t *testing.T, from, name string, want lockfile.ID) {
	t.Helper()
	n := &node{limit: filepath.Dir(p.dir), real: map[string]string{}}
	if got := idAt(n.find(p.realFolder(from), name)); got != want {
		t.Errorf("%s finds %q, not %q", from, got, want)
	}
}

// Two instances of one package whose keys begin alike have folders of their own, and one does not pass
// for the other when it comes into its place.
func TestEntryNamesAlike(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.shelf.put("npm:a@1(one)", map[string]string{"index.js": "one"})
	p.shelf.put("npm:a@1(two)", map[string]string{"index.js": "two"})
	layOut := func(lock string) *link.Isolated {
		l := lockOf(t, lock)
		p.shelf.fill(l)
		// Found by trying: the keys of these two begin with the same eight digits.
		for id, digest := range map[lockfile.ID]string{"npm:a@1(one)": "twin 28647", "npm:a@1(two)": "twin 88653"} {
			e := *p.shelf.entries[id]
			e.Digest = digestOf(digest)[0]
			p.shelf.entries[id] = &e
			if pkg := l.Packages[id]; pkg != nil {
				pkg.Integrity = integrity.Set{e.Digest}
			}
		}
		o := p.isolated(l)
		o.InProject = true
		if _, err := link.ApplyIsolated(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return o.Isolated
	}
	read := func(name, want string) {
		t.Helper()
		if got := p.read("node_modules/" + name + "/index.js"); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	keys := keysOf(layOut(". one=a@1(one) two=a@1(two)"))
	if a, b := keys["npm:a@1(one)"], keys["npm:a@1(two)"]; a == b || a[:8] != b[:8] {
		t.Fatalf("the keys are %s and %s: find two that begin alike", a, b)
	}
	read("one", "one")
	read("two", "two")
	layOut(". it=a@1(one)")
	read("it", "one")
	layOut(". it=a@1(two)")
	read("it", "two")
}

// Node.js itself finds everything, in circles, by aliases, and from where the link of a command leads.
func TestIsolatedNode(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on the PATH: install Node.js to compare with what it finds")
	}
	for where, layout := range layouts {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.shelf.put("npm:a@1", map[string]string{
				"index.js":    "exports.name = 'a1'; exports.of = [require('b').name, require('@s/c').name, require('old').name, require('a').name]",
				"bin/run.mjs": "#!/usr/bin/env node\nimport a from 'old'; import b from 'b'; console.log(a.name, b.back())",
			})
			p.shelf.put("npm:a@2", map[string]string{"index.js": "exports.name = 'a2'"})
			p.shelf.put("npm:b@1", map[string]string{"index.js": "exports.name = 'b1'; exports.back = () => require('a').of.join()"})
			p.shelf.put("npm:@s/c@1", map[string]string{"index.js": "exports.name = 'c1' + require('peer').name"})
			p.shelf.put("npm:peer@1", map[string]string{"index.js": "exports.name = 'p1'"})
			p.applyIsolated(". a@1 peer@1\na@1 b@1 @s/c@1 old=a@2 bin=run:bin/run.mjs\nb@1 a@1\n@s/c@1 ^peer@1", layout, copies("npm:b@1"))
			p.write("main.js", "const a = require('a'); console.log(a.of.join())")
			for name, cmd := range map[string]*exec.Cmd{
				"b1,c1p1,a2,a1\n":    exec.Command(program, "main.js"),
				"a2 b1,c1p1,a2,a1\n": exec.Command(program, "node_modules/.bin/run"),
			} {
				cmd.Dir = p.dir
				if out, err := cmd.CombinedOutput(); err != nil || string(out) != name {
					t.Errorf("got %q, %v", out, err)
				}
			}
		})
	}
}

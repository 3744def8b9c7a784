package link_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/link"
)

func TestMethods(t *testing.T) {
	t.Parallel()
	for method, shared := range map[link.Method]bool{"": true, link.Auto: true, link.Hardlink: true, link.Copy: false} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.shelf.put("npm:a@1", map[string]string{"tool*": "#!/bin/sh\n", "lib/x.js": "1"})
			p.apply(". a@1", func(o *link.ApplyOptions) { o.Method = method })
			for name, mode := range map[string]os.FileMode{"tool": 0o755, "lib/x.js": 0o644} {
				st, err := os.Stat(filepath.Join(p.dir, "node_modules/a", name))
				stored, err2 := os.Stat(filepath.Join(p.shelf.entries["npm:a@1"].Dir, name))
				if errors.Join(err, err2) != nil || os.SameFile(st, stored) != shared || st.Mode().Perm() != mode {
					t.Errorf("%s: %v, shared %t, %v %v", name, st.Mode(), os.SameFile(st, stored), err, err2)
				}
			}
		})
	}
}

func TestLongPaths(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.dir = filepath.Join(p.dir, strings.Repeat("d", 200), strings.Repeat("e", 200))
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	deep := strings.Repeat(strings.Repeat("x", 250)+"/", 4)
	name := strings.Repeat("n", 214)
	p.shelf.put("npm:a@1", map[string]string{deep + "file.js": "1", deep + "tool.js": "#!/bin/sh\r\n"})
	for _, method := range []link.Method{link.Hardlink, link.Copy} {
		o := func(o *link.ApplyOptions) { o.Method, o.Force = method, true }
		p.apply(". a@1 "+name+"@1\na@1 "+name+"@2\n", o)
	}
}

// Files that an artifact has in the place of a package that is nested in it give way, others stay.
func TestShippedModules(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.shelf.put("npm:a@1", map[string]string{
		"node_modules/x/index.js": "shipped", "node_modules/x/old.js": "shipped", "node_modules/xy/index.js": "shipped",
	})
	const lock = ". a@1 x@1\na@1 x@2"
	for range 2 {
		o := p.options(lockOf(t, lock))
		if _, err := link.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if got := p.read("node_modules/a/node_modules/x/index.js"); got != "// npm:x@2" {
			t.Errorf("got %q", got)
		}
		if p.read("node_modules/a/node_modules/xy/index.js") != "shipped" || p.exists("node_modules/a/node_modules/x/old.js") {
			t.Error("shipped files are wrong")
		}
		if err := os.RemoveAll(filepath.Join(p.dir, "node_modules/a")); err != nil {
			t.Fatal(err)
		}
	}
}

// What an interrupted run left is cleared, although it may not be written to.
func TestStaleIsCleared(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.apply(". a@1")
	for _, dir := range []string{".node_modules-pantry-123", "node_modules/.pantry/work-1"} {
		p.write(dir+"/a/index.js", "1")
		if err := os.Chmod(filepath.Join(p.dir, dir, "a"), 0o500); err != nil {
			t.Fatal(err)
		}
	}
	p.write(".node_modules-other", "kept")
	o := p.options(lockOf(t, ". a@1"))
	if _, err := link.Apply(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if p.exists(".node_modules-pantry-123") || p.exists("node_modules/.pantry/work-1") || !p.exists(".node_modules-other") {
		t.Error("what was left is not cleared, or too much")
	}
}

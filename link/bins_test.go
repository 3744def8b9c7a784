package link_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
)

// commands returns what the links in a .bin folder say, and fails for those that lead nowhere.
func (p *project) commands(folder string) map[string]string {
	p.t.Helper()
	out := map[string]string{}
	dir := filepath.Join(p.dir, folder)
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			text = "no link"
		} else if st, err := os.Stat(filepath.Join(dir, e.Name())); err != nil || st.Mode()&0o111 != 0o111 || !st.Mode().IsRegular() {
			p.t.Errorf("%s cannot be run: %v %v", e.Name(), st, err)
		}
		out[e.Name()] = text
	}
	return out
}

func TestCommands(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lock   string
		folder string
		want   map[string]string
	}{
		"one":               {". a@1\na@1 bin=run:bin/run.js", ".bin", map[string]string{"run": "../a/bin/run.js"}},
		"of a scope":        {". @s/a@1\n@s/a@1 bin=a:cli.js", ".bin", map[string]string{"a": "../@s/a/cli.js"}},
		"name with a scope": {". @s/a@1\n@s/a@1 bin=@s/a:cli.js", ".bin", map[string]string{"a": "../@s/a/cli.js"}},
		"path from the root": {". a@1 b@1\na@1 bin=a:./bin//a.js\nb@1 bin=b:/b.js", ".bin",
			map[string]string{"a": "../a/bin/a.js", "b": "../b/b.js"}},
		"the project's own wins": {". b@1\nb@1 a@1 bin=run:b.js\na@1 bin=run:a.js", ".bin", map[string]string{"run": "../b/b.js"}},
		"the first wins":         {". z@1\nz@1 b@1 a@1\na@1 bin=run:a.js\nb@1 bin=run:b.js", ".bin", map[string]string{"run": "../a/a.js"}},
		"nested": {". a@1 x@1\na@1 x@2\nx@1 bin=x:one.js\nx@2 bin=x:two.js", "a/node_modules/.bin",
			map[string]string{"x": "../x/two.js"}},
		"alias":            {". old=x@1\nx@1 bin=x:x.js", ".bin", map[string]string{"x": "../old/x.js"}},
		"not there":        {". a@1\na@1 bin=a:a.js bin=b:../package.json/x", ".bin", map[string]string{"a": "../a/a.js"}},
		"name leads out":   {". a@1\na@1 bin=..:a.js bin=../../x:a.js bin=.:a.js bin=x/y:a.js bin=ok:a.js", ".bin", map[string]string{"ok": "../a/a.js"}},
		"target leads out": {". a@1\na@1 bin=a:../b/b.js bin=c:../../../etc/passwd bin=ok:a.js", ".bin", map[string]string{"ok": "../a/a.js"}},
		"none":             {". a@1", ".bin", map[string]string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			l := lockOf(t, tt.lock)
			for id, pkg := range l.Packages { // fill would stumble over the paths that lead out
				files := map[string]string{"index.js": "1"}
				for name, target := range pkg.Bin {
					if _, clean, err := lockfile.CleanBin(name, target); err == nil && clean != "package.json/x" {
						files[clean+"*"] = "#!/bin/sh\necho " + string(id) + "\n"
					}
				}
				p.shelf.put(id, files)
			}
			o := p.options(l)
			for range 2 { // built, and mended
				if _, err := link.Apply(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				diff(t, tt.want, p.commands(filepath.Join("node_modules", tt.folder)))
				if err := os.RemoveAll(filepath.Join(p.dir, "node_modules", tt.folder)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestProgramsAreMadeRunnable(t *testing.T) {
	t.Parallel()
	long := make([]byte, 2<<20)
	for i := range long {
		long[i] = 'x'
	}
	tests := map[string]struct {
		file, content string
		want          string
		shared        bool // with the store
	}{
		"executable":                {"a.js*", "#!/usr/bin/env node\n1\n", "#!/usr/bin/env node\n1\n", true},
		"not executable":            {"a.js", "#!/usr/bin/env node\n1\n", "#!/usr/bin/env node\n1\n", false},
		"carriage return":           {"a.js*", "#!/usr/bin/env node\r\n1\r\n", "#!/usr/bin/env node\n1\r\n", false},
		"both":                      {"a.js", "#!/usr/bin/env node\r\n1\r\n", "#!/usr/bin/env node\n1\r\n", false},
		"carriage return, one line": {"a.js*", "#!/usr/bin/env node\r", "#!/usr/bin/env node\r", true},
		"no first line":             {"a.js*", "1\r\n2\r\n", "1\r\n2\r\n", true},
		"empty":                     {"a.js*", "", "", true},
		"too long to mend":          {"a.js*", "#!/bin/x\r\n" + string(long), "#!/bin/x\r\n" + string(long), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.shelf.put("npm:a@1", map[string]string{tt.file: tt.content})
			o := p.options(lockOf(t, ". a@1\na@1 bin=a:a.js"))
			if _, err := link.Apply(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if got := p.read("node_modules/.bin/a"); got != tt.want {
				t.Errorf("got %.50q", got)
			}
			st, err := os.Stat(filepath.Join(p.dir, "node_modules/a/a.js"))
			stored, err2 := os.Stat(filepath.Join(p.shelf.entries["npm:a@1"].Dir, "a.js"))
			if errors.Join(err, err2) != nil || st.Mode()&0o111 != 0o111 || os.SameFile(st, stored) != tt.shared {
				t.Errorf("got %v, %v, shared %t", st.Mode(), err, os.SameFile(st, stored))
			}
			if stored.Mode()&0o111 != 0 && tt.file == "a.js" {
				t.Error("the store's file was changed")
			}
		})
	}
}

func TestCommandRuns(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	p := newProject(t)
	p.shelf.put("npm:a@1", map[string]string{"hello": "#!/bin/sh\r\necho hello\n"})
	if _, err := link.Apply(t.Context(), p.options(lockOf(t, ". a@1\na@1 bin=hi:hello"))); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(p.dir, "node_modules/.bin/hi")).CombinedOutput()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// A command whose program is a folder is none.
func TestCommandIsAFolder(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.shelf.put("npm:a@1", map[string]string{"bin/x.js": "1"})
	for range 2 {
		p.apply(". a@1\na@1 bin=a:bin")
		if p.exists("node_modules/.bin") {
			t.Errorf("got %v", p.commands("node_modules/.bin"))
		}
	}
}

func TestStaleCommands(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.apply(". a@1 b@1 x@1\na@1 x@2 bin=one:1.js bin=two:2.js\nb@1 bin=b:b.js\nx@2 bin=x:x.js")
	p.apply(". a@2 b@1 x@1\na@2 x@2 bin=two:other.js\nb@1 bin=b:b.js\nx@2 bin=x:x.js")
	diff(t, map[string]string{"two": "../a/other.js", "b": "../b/b.js"}, p.commands("node_modules/.bin"))
	diff(t, map[string]string{"x": "../x/x.js"}, p.commands("node_modules/a/node_modules/.bin"))
	p.apply(". a@3 x@1")
	if p.exists("node_modules/.bin") || p.exists("node_modules/a/node_modules") {
		t.Error("an empty folder stays")
	}
}

// What stands in the place of a command gives way; what a user made of a command that is not wanted
// any more does not.
func TestCommandsReplacedByUser(t *testing.T) {
	t.Parallel()
	const was, then = ". a@1 b@1\na@1 bin=a:a.js\nb@1 bin=b:b.js", ". b@1\nb@1 bin=b:b.js"
	for _, with := range []string{"file", "folder", "link", "nothing"} {
		for next, lock := range map[string]string{"same": was, "gone": then} {
			t.Run(with+", "+next, func(t *testing.T) {
				t.Parallel()
				p := newProject(t)
				p.apply(was)
				bin := filepath.Join(p.dir, "node_modules/.bin/a")
				if err := os.Remove(bin); err != nil {
					t.Fatal(err)
				}
				mine := "no link"
				switch with {
				case "file":
					p.write("node_modules/.bin/a", "mine")
				case "folder":
					p.write("node_modules/.bin/a/x", "mine")
				case "link":
					mine = "/bin/sh"
					if err := os.Symlink(mine, bin); err != nil {
						t.Fatal(err)
					}
				}
				p.apply(lock)
				want := map[string]string{"a": "../a/a.js", "b": "../b/b.js"}
				if next == "gone" {
					want["a"] = mine
					if with == "nothing" {
						delete(want, "a")
					}
				}
				diff(t, want, p.commands("node_modules/.bin"))
			})
		}
	}
}

// A folder of commands that is a link is not written through.
func TestCommandFolderIsALink(t *testing.T) {
	t.Parallel()
	for _, lock := range []string{". a@1\na@1 bin=a:a.js", ". a@2\na@2 bin=b:b.js", ". a@2"} {
		p := newProject(t)
		p.apply(". a@1\na@1 bin=a:a.js")
		elsewhere := t.TempDir()
		bin := filepath.Join(p.dir, "node_modules/.bin")
		if err := errors.Join(os.Rename(filepath.Join(bin, "a"), filepath.Join(elsewhere, "a")), os.Remove(bin), os.Symlink(elsewhere, bin)); err != nil {
			t.Fatal(err)
		}
		o := p.options(lockOf(t, lock))
		if _, err := link.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) != 1 {
			t.Errorf("got %v, %v", entries, err)
		}
	}
}

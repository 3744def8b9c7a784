package pack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pantry-go/pantry/pack"
)

// lay writes the files of a txtar into a new folder. "-- a -> b --" is a link, "-- a +x --" a program.
func lay(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		name, target, link := strings.Cut(f.Name, " -> ")
		name, program := strings.CutSuffix(name, " +x")
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link {
			err = os.Symlink(target, path)
		} else {
			mode := os.FileMode(0o644)
			if program {
				mode = 0o755
			}
			err = os.WriteFile(path, f.Data, mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree makes a txtar of a package.json and files.
func tree(manifest string, files ...string) string {
	text := "-- package.json --\n" + manifest + "\n"
	for _, f := range files {
		name, content, _ := strings.Cut(f, "=")
		text += "-- " + name + " --\n" + strings.ReplaceAll(content, ";", "\n") + "\n"
	}
	return text
}

// fixtures are packages, odd ones among them.
var fixtures = map[string]string{
	"nothing said": tree(`{"name":"a","version":"1.0.0"}`, "index.js", "lib/a.js", "test/a.js", ".hidden", ".DS_Store", "lib/.DS_Store",
		"npm-debug.log", "a.orig", "._x", ".a.swp", ".npmrc=x", "sub/.npmrc=x", "package-lock.json", "sub/package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "bun.lock",
		"node_modules/x/index.js", "sub/node_modules/y/index.js", ".git/config", "sub/.git/config", "CVS/x", ".svn/x", "build/config.gypi", "archived-packages/x", ".lock-wscript", ".wafpickle-1", "npm-shrinkwrap.json", ".hg/x", "sub/.hg"),
	"files": tree(`{"name":"a","version":"1.0.0","files":["lib","*.d.ts"],"main":"./main.js","bin":{"x":"./bin/x.js"},"browser":"browser.js"}`,
		"main.js", "browser.js", "bin/x.js", "bin/y.js", "lib/a.js", "lib/b/c.js", "index.d.ts", "lib/x.d.ts", "src/y.d.ts", "README.md", "readme", "README.md~", "LICENSE", "licence.txt", "COPYING", "CHANGELOG.md", "HISTORY.md", "NOTICE", "src/README.md", ".npmignore=lib"),
	"main plain":            tree(`{"name":"a","version":"1.0.0","files":["lib"],"main":"main.js"}`, "main.js", "other.js", "lib/x"),
	"main folder":           tree(`{"name":"a","version":"1.0.0","files":["x"],"main":"lib"}`, "lib/index.js", "lib/more.js", "x"),
	"main no extension":     tree(`{"name":"a","version":"1.0.0","files":["x"],"main":"lib/main"}`, "lib/main.js", "x"),
	"no main":               tree(`{"name":"a","version":"1.0.0","files":["x"]}`, "index.js", "x"),
	"bin string":            tree(`{"name":"a","version":"1.0.0","files":[],"bin":"./cli.js"}`, "cli.js", "x"),
	"directories.bin":       tree(`{"name":"a","version":"1.0.0","files":["x"],"directories":{"bin":"bin"}}`, "bin/a.js", "bin/b.js", "x"),
	"files ./":              tree(`{"name":"a","version":"1.0.0","files":["./lib","./a.js"]}`, "lib/x", "sub/lib/x", "a.js", "sub/a.js"),
	"files /":               tree(`{"name":"a","version":"1.0.0","files":["/lib/","/a.js"]}`, "lib/x", "sub/lib/x", "a.js", "sub/a.js"),
	"files dot":             tree(`{"name":"a","version":"1.0.0","files":["."]}`, "lib/x", "a.js", ".b"),
	"files star":            tree(`{"name":"a","version":"1.0.0","files":["*"]}`, "lib/x", "a.js", ".b", "lib/.c", ".npmrc=x"),
	"files lib/*":           tree(`{"name":"a","version":"1.0.0","files":["lib/*"]}`, "lib/x", "lib/y/z", "a.js"),
	"files lib/*.js":        tree(`{"name":"a","version":"1.0.0","files":["lib/*.js"]}`, "lib/x.js", "lib/y/z.js", "a.js"),
	"files deep":            tree(`{"name":"a","version":"1.0.0","files":["**/*.js"]}`, "lib/x.js", "lib/y/z.js", "a.js", "a.ts"),
	"files negated":         tree(`{"name":"a","version":"1.0.0","files":["lib","!lib/test","!**/*.map","!lib/no.js"]}`, "lib/x.js", "lib/test/a.js", "lib/x.js.map", "lib/no.js", "lib/b/no.js"),
	"files negated file":    tree(`{"name":"a","version":"1.0.0","files":["lib","!lib/a.js"]}`, "lib/a.js", "lib/b.js"),
	"files braces":          tree(`{"name":"a","version":"1.0.0","files":["{lib,src}/**/*.{js,ts}"]}`, "lib/a.js", "src/a.ts", "src/x/a.ts", "src/a.css"),
	"files group":           tree(`{"name":"a","version":"1.0.0","files":["lib/!(*.test).js"]}`, "lib/a.js", "lib/a.test.js"),
	"files one deep":        tree(`{"name":"a","version":"1.0.0","files":["lib/a.js","x/y/z.js"]}`, "lib/a.js", "lib/b.js", "lib/.npmignore=*", "x/y/z.js", "x/y/.npmignore=*"),
	"files case":            tree(`{"name":"a","version":"1.0.0","files":["LIB","Readme.MD"]}`, "lib/x.js", "README.md", "x"),
	"files never":           tree(`{"name":"a","version":"1.0.0","files":["package-lock.json","node_modules",".npmrc",".git","yarn.lock",".DS_Store","x.orig"]}`, "package-lock.json", "node_modules/x/a", ".npmrc=x", ".git/config", "yarn.lock", ".DS_Store", "x.orig"),
	"files empty":           tree(`{"name":"a","version":"1.0.0","files":[]}`, "index.js", "README", "lib/x"),
	"files empty string":    tree(`{"name":"a","version":"1.0.0","files":[""]}`, "index.js", "lib/x"),
	"files nested ignore":   tree(`{"name":"a","version":"1.0.0","files":["lib"]}`, "lib/x.js", "lib/y.js", "lib/.npmignore=y.js", "lib/sub/z.js", "lib/sub/.gitignore=z.js"),
	"files missing":         tree(`{"name":"a","version":"1.0.0","files":["gone","lib/"]}`, "lib/x.js", "index.js"),
	"npmignore":             tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=# comment;;*.log;/top;sub/x;!keep.log;test/;README.md;package.json", "a.log", "keep.log", "sub/keep.log", "top", "sub/top", "sub/x", "sub/sub/x", "test/a", "sub/test/a", "sub/test2", "README.md", "x.js"),
	"npmignore over git":    tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=a.js", ".gitignore=b.js", "a.js", "b.js"),
	"npmignore empty":       tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=", ".gitignore=b.js", "a.js", "b.js"),
	"gitignore":             tree(`{"name":"a","version":"1.0.0"}`, ".gitignore=dist;*.log;!sub/x.log;/build/*;!/build/keep", "dist/a", "sub/dist/a", "x.log", "sub/x.log", "build/a", "build/keep", "a.js"),
	"gitignore all":         tree(`{"name":"a","version":"1.0.0","main":"lib/a.js"}`, ".gitignore=*", "lib/a.js", "lib/b.js", "README"),
	"ignored main":          tree(`{"name":"a","version":"1.0.0","main":"lib/a.js","bin":"bin/b"}`, ".npmignore=lib;bin", "lib/a.js", "lib/c.js", "bin/b", "bin/d"),
	"ignore nested":         tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=*.a", "sub/.npmignore=!x.a;*.b;/c", "sub/x.a", "sub/y.a", "sub/z.b", "sub/c", "sub/d/c", "sub/d/z.b", "z.b"),
	"ignore nested take in": tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=sub", "sub/.npmignore=!x", "sub/x"),
	"ignore folder":         tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=foo/;!foo/bar;a/**;!a/b/c", "foo/x", "foo/bar", "a/x", "a/b/c", "a/b/d", "q/foo/x"),
	"ignore crlf":           tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=a.js\r;  b.js  ;\\#c;#d", "a.js", "b.js", "#c", "#d"),
	"ignore case":           tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=LIB;*.JS", "lib/x", "a.js", "b.Js"),
	"ignore readme":         tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=*.md;LICENSE", "readme.md", "README.txt", "docs/readme.md", "LICENSE", "LICENSE.txt", "license~", "README.md.bak"),
	"ignore negated dirs":   tree(`{"name":"a","version":"1.0.0"}`, ".gitignore=/*;!/src;/src/*;!/src/keep", "src/keep/a", "src/other/b", "x"),
	"ignore node_modules":   tree(`{"name":"a","version":"1.0.0"}`, ".npmignore=!node_modules;!.npmrc;!.git", "node_modules/x/a", ".npmrc=x", ".git/x", "sub/node_modules/x"),
	"links":                 "-- package.json --\n" + `{"name":"a","version":"1.0.0"}` + "\n-- real.js --\n-- link.js -> real.js --\n-- out -> /etc/hosts --\n-- dir/x --\n-- linkdir -> dir --\n-- broken -> nowhere --\n",
	"links asked for":       "-- package.json --\n" + `{"name":"a","version":"1.0.0","files":["link.js","linkdir"],"main":"link.js"}` + "\n-- real.js --\n-- link.js -> real.js --\n-- dir/x --\n-- linkdir -> dir --\n",
	"programs":              "-- package.json --\n" + `{"name":"a","version":"1.0.0","bin":{"a":"a.js","b":"./lib/../b.js"}}` + "\n-- a.js --\n-- b.js --\n-- c.sh +x --\n-- d.txt --\n",
	"stars":                 tree(`{"name":"a","version":"1.0.0"}`, "a*b", "ab", "dir*/x", "q?", "a b", "ä.js", "dir/[x]"),
	"dot files":             tree(`{"name":"a","version":"1.0.0"}`, ".eslintrc", ".github/x.yml", ".vscode/x", ".travis.yml", ".gitattributes", ".gitmodules", "sub/.x/y"),
	"ignored deep":          tree(`{"name":"a","version":"1.0.0","files":["dist/**/*.js","!dist/**/*.test.js"]}`, "dist/a.js", "dist/a.test.js", "dist/x/b.test.js", "dist/x/b.js", "dist/x/.npmignore=b.js"),
	"bundle": tree(`{"name":"a","version":"1.0.0","dependencies":{"b":"1","c":"1"},"bundleDependencies":["b"],"devDependencies":{"dev":"1"}}`,
		"index.js", `node_modules/b/package.json={"name":"b","version":"1.0.0","dependencies":{"d":"1"},"optionalDependencies":{"opt":"1"}}`, "node_modules/b/index.js", "node_modules/b/.npmignore=index.js", "node_modules/b/test/x", "node_modules/b/test/.npmignore=x", "node_modules/b/README.md", "node_modules/b/.DS_Store",
		`node_modules/c/package.json={"name":"c","version":"1.0.0"}`, `node_modules/d/package.json={"name":"d","version":"1.0.0","files":["lib"],"dependencies":{"e":"1"}}`, "node_modules/d/lib/x", "node_modules/d/no",
		`node_modules/d/node_modules/e/package.json={"name":"e","version":"1.0.0","dependencies":{"d":"1"}}`, "node_modules/d/node_modules/e/index.js", `node_modules/e/package.json={"name":"e","version":"2.0.0"}`, `node_modules/dev/package.json={"name":"dev","version":"1.0.0"}`),
	"bundle all": tree(`{"name":"a","version":"1.0.0","dependencies":{"b":"1","@s/c":"1"},"bundledDependencies":true,"files":["index.js"]}`,
		"index.js", `node_modules/b/package.json={"name":"b","version":"1.0.0","peerDependencies":{"p":"1"}}`, `node_modules/@s/c/package.json={"name":"@s/c","version":"1.0.0","devDependencies":{"b":"1"}}`, "node_modules/@s/c/x.js", `node_modules/p/package.json={"name":"p","version":"1.0.0"}`),
	"bundle dev and peer": tree(`{"name":"a","version":"1.0.0","devDependencies":{"b":"1"},"peerDependencies":{"p":"1"},"bundleDependencies":["b","p","q"]}`,
		`node_modules/b/package.json={"name":"b","version":"1.0.0"}`, `node_modules/p/package.json={"name":"p","version":"1.0.0"}`, `node_modules/q/package.json={"name":"q","version":"1.0.0"}`),
	"bundle nothing": tree(`{"name":"a","version":"1.0.0","dependencies":{"b":"1"},"bundleDependencies":false}`, `node_modules/b/package.json={"name":"b","version":"1.0.0"}`),
	"scoped":         tree(`{"name":"@s/a","version":"1.0.0-beta.1"}`, "index.js"),
	"private":        tree(`{"name":"a","version":"1.0.0","private":true}`, "index.js"),
}

// npmPack asks npm what it would pack.
func npmPack(t *testing.T, dirs []string) []npmPacked {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: Node.js is not started")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not on PATH; scripts/test puts it there")
	}
	version, err := exec.CommandContext(t.Context(), npm, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if major, _, _ := strings.Cut(string(version), "."); major != "11" && major != "12" {
		t.Skipf("npm is version %s; this compares with npm 11", strings.TrimSpace(string(version)))
	}
	home := t.TempDir()
	args := append([]string{"pack", "--dry-run", "--json", "--ignore-scripts", "--offline", "--loglevel=error"}, dirs...)
	cmd := exec.CommandContext(t.Context(), npm, args...)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "npm_config_userconfig="+filepath.Join(home, ".npmrc"), "npm_config_cache="+filepath.Join(home, "cache"), "npm_config_update_notifier=false")
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []npmPacked
	if err := json.Unmarshal(out, &all); err != nil || len(all) != len(dirs) {
		t.Fatalf("%v: %d packages of %d: %.300s", err, len(all), len(dirs), out)
	}
	return all
}

type npmPacked struct {
	Name, Version, Filename string
	UnpackedSize            int64
	Bundled                 []string
	Files                   []struct {
		Path string
		Size int64
		Mode int
	}
}

// TestLikeNPM: what goes in is what npm packs.
func TestLikeNPM(t *testing.T) {
	t.Parallel()
	var names, dirs []string
	for name, text := range fixtures {
		names, dirs = append(names, name), append(dirs, lay(t, text))
	}
	for i, want := range npmPack(t, dirs) {
		got, err := pack.Dir(t.Context(), dirs[i], pack.Options{})
		if err != nil {
			t.Errorf("%s: %v", names[i], err)
			continue
		}
		var ours, theirs []string
		programs := map[string]bool{}
		for _, f := range got.Files {
			ours = append(ours, fmt.Sprint(f.Path, " ", f.Size))
			programs[f.Path] = f.Executable
		}
		for _, f := range want.Files {
			theirs = append(theirs, fmt.Sprint(f.Path, " ", f.Size))
			// npm overlooks programs in folders.
			if f.Mode&0o111 != 0 && !programs[f.Path] {
				t.Errorf("%s: %s is no program", names[i], f.Path)
			}
		}
		if names[i] == "files" { // npm leaves a main file out that is written "./main.js"
			theirs = append(theirs, "main.js 1")
			want.UnpackedSize++
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s:\n got %q\nwant %q", names[i], minus(ours, theirs), minus(theirs, ours))
		}
		if got.FileName() != want.Filename || got.Unpacked != want.UnpackedSize {
			t.Errorf("%s: %s, %d bytes; npm says %s, %d", names[i], got.FileName(), got.Unpacked, want.Filename, want.UnpackedSize)
		}
	}
}

func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

package tree_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/bench/tree"
	"github.com/pantry-go/pantry/lockfile"
)

// pack makes a tarball of paths and contents, "package/" before each path.
func pack(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Name: "package/" + files[i], Typeflag: tar.TypeReg, Size: int64(len(files[i+1])), Mode: 0o644}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// world is a registry, by name@version, that remembers its tarballs' contents.
type world struct {
	packages map[string]*tree.Package
	contents map[string][]string
}

func (w *world) Package(_ context.Context, name, version string) (*tree.Package, error) {
	if p, ok := w.packages[name+"@"+version]; ok {
		return p, nil
	}
	return nil, fs.ErrNotExist
}

func (w *world) Manifests(_ context.Context, name string) (map[string]*tree.Manifest, error) {
	out := map[string]*tree.Manifest{}
	for _, p := range w.packages {
		if p.Manifest.Name == name {
			out[p.Manifest.Version] = &p.Manifest
		}
	}
	return out, nil
}

// add publishes a package: its manifest and further files. "bundle/…" files make no difference to the registry.
func (w *world) add(t testing.TB, manifest string, files ...string) {
	t.Helper()
	var m tree.Manifest
	if err := json.Unmarshal([]byte(manifest), &m); err != nil {
		t.Fatal(err)
	}
	files = append([]string{"package.json", manifest}, files...)
	list, err := tree.ReadTarball(bytes.NewReader(pack(t, files...)))
	if err != nil {
		t.Fatal(err)
	}
	w.packages[m.Name+"@"+m.Version] = &tree.Package{Manifest: m, Files: list}
	w.contents[m.Name+"@"+m.Version] = files
}

// newWorld is a small registry: app needs a (with the command a), alias and the scoped @s/b; a needs c 1, @s/b needs c 2
// and has the peer a; opt runs on another system only.
func newWorld(t testing.TB) *world {
	w := &world{map[string]*tree.Package{}, map[string][]string{}}
	w.add(t, `{"name":"a","version":"1.1.0","bin":"cli.js","dependencies":{"c":"^1.0.0"},"optionalDependencies":{"opt":"1","here":"1"}}`,
		"cli.js", "#!/usr/bin/env node\r\nmain()\n", "lib/a.js", "a")
	w.add(t, `{"name":"@s/b","version":"2.0.0","dependencies":{"c":"2"},"peerDependencies":{"a":"*","none":"*"},"peerDependenciesMeta":{"none":{"optional":true}}}`,
		"index.js", "b", "node_modules/inner/package.json", `{"name":"inner","version":"0.0.1"}`, "node_modules/inner/x.js", "x")
	w.add(t, `{"name":"c","version":"1.5.0"}`, "index.js", "c one")
	w.add(t, `{"name":"c","version":"2.5.0"}`, "index.js", "c two", ".gitignore", "x")
	w.add(t, `{"name":"opt","version":"1.0.0","os":["win32"]}`)
	w.add(t, `{"name":"here","version":"1.0.0","os":"linux","cpu":["!arm64"]}`, "index.js", "here")
	return w
}

const app = `{"name":"app","dependencies":{"a":"^1.0.0","alias":"npm:c@^1"},"devDependencies":{"@s/b":"2.0.0"}}`

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o755)); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, target, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
}

// put unpacks a package into a folder.
func (w *world) put(t testing.TB, id, dir string) {
	t.Helper()
	files := w.contents[id]
	if files == nil {
		t.Fatalf("there is no %s", id)
	}
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(dir, files[i]), files[i+1])
	}
}

// hoisted lays the project out with nested folders.
func (w *world) hoisted(t testing.TB) string {
	project := t.TempDir()
	write(t, filepath.Join(project, "package.json"), app)
	modules := filepath.Join(project, "node_modules")
	for at, id := range map[string]string{
		"a": "a@1.1.0", "@s/b": "@s/b@2.0.0", "@s/b/node_modules/c": "c@2.5.0", "c": "c@1.5.0", "alias": "c@1.5.0", "here": "here@1.0.0",
	} {
		w.put(t, id, filepath.Join(modules, at))
	}
	link(t, "../a/cli.js", filepath.Join(modules, ".bin", "a"))
	return project
}

// isolated lays the project out with links to a store, which may lie in its node_modules.
func (w *world) isolated(t testing.TB, project, store string) {
	write(t, filepath.Join(project, "package.json"), app)
	at := func(id, name string) string { return filepath.Join(store, id, "node_modules", name) }
	for id, name := range map[string]string{"a@1.1.0": "a", "@s/b@2.0.0": "@s/b", "c@1.5.0": "c", "c@2.5.0": "c", "here@1.0.0": "here"} {
		w.put(t, id, at(id, name))
	}
	link(t, at("c@1.5.0", "c"), at("a@1.1.0", "c"))
	link(t, at("here@1.0.0", "here"), at("a@1.1.0", "here"))
	link(t, at("c@2.5.0", "c"), at("@s/b@2.0.0", "c"))
	link(t, at("a@1.1.0", "a"), at("@s/b@2.0.0", "a"))
	modules := filepath.Join(project, "node_modules")
	link(t, at("a@1.1.0", "a"), filepath.Join(modules, "a"))
	link(t, at("c@1.5.0", "c"), filepath.Join(modules, "alias"))
	link(t, at("@s/b@2.0.0", "@s/b"), filepath.Join(modules, "@s", "b"))
	link(t, "../a/cli.js", filepath.Join(modules, ".bin", "a"))
}

func inspect(t testing.TB, w *world, project string, layout tree.Layout) (*tree.Tree, []string) {
	t.Helper()
	got, err := tree.Inspect(context.Background(), project, tree.Options{
		Layout: layout, Registry: w, Contents: true, Platform: lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"},
	})
	var wrong *tree.WrongError
	if err != nil && !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	if wrong != nil {
		return got, wrong.Problems
	}
	return got, nil
}

func TestRightTrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, problems := inspect(t, w, w.hoisted(t), tree.Hoisted)
	if problems != nil {
		t.Errorf("hoisted: %q", problems)
	}
	want := &tree.Tree{
		Packages: []string{
			"node_modules/@s/b @s/b@2.0.0", "node_modules/@s/b/node_modules/c c@2.5.0", "node_modules/a a@1.1.0", "node_modules/alias c@1.5.0",
			"node_modules/c c@1.5.0", "node_modules/here here@1.0.0",
		},
		Versions: []string{"@s/b@2.0.0", "a@1.1.0", "c@1.5.0", "c@2.5.0", "here@1.0.0"},
		Files:    15,
		Bytes:    got.Bytes,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	linked := []string{"@s/b@2.0.0: a@1.1.0 c@2.5.0", "a@1.1.0: c@1.5.0 here@1.0.0", "c@1.5.0: ", "c@2.5.0: ", "here@1.0.0: "}
	for _, layout := range []tree.Layout{tree.Project, tree.Machine} {
		project := t.TempDir()
		store := t.TempDir()
		if layout == tree.Project {
			store = filepath.Join(project, "node_modules", ".store")
		}
		w.isolated(t, project, store)
		got, problems := inspect(t, w, project, layout)
		if problems != nil {
			t.Errorf("%s: %q", layout, problems)
		}
		if d := cmp.Diff(linked, got.Packages); d != "" {
			t.Errorf("%s: %s", layout, d)
		}
		if d := cmp.Diff(want.Versions, got.Versions); d != "" {
			t.Errorf("%s: %s", layout, d)
		}
	}
}

// Each of these trees lacks one thing or has one too many, and that is what is said.
func TestWrongTrees(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	remove := func(path string) func(testing.TB, string) {
		return func(t testing.TB, project string) {
			if err := os.RemoveAll(filepath.Join(project, "node_modules", path)); err != nil {
				t.Fatal(err)
			}
		}
	}
	change := func(path, content string) func(testing.TB, string) {
		return func(t testing.TB, project string) { write(t, filepath.Join(project, "node_modules", path), content) }
	}
	for _, test := range []struct {
		name   string
		breaks func(t testing.TB, project string)
		want   string
	}{
		{"a direct dependency is missing", remove("alias"), "the project needs alias@^1, and it is not there"},
		{"a dependency is missing", remove("c"), "a@1.1.0 (node_modules/a) needs c@^1.0.0, and it is not there"},
		{"another version is found", remove("@s/b/node_modules/c"), "@s/b@2.0.0 (node_modules/@s/b) needs c@2 and finds c@1.5.0 (node_modules/c)"},
		{"an optional dependency that runs here is missing", remove("here"), "a@1.1.0 (node_modules/a) has the optional here@1, which runs here, and it is not there"},
		{"a peer is missing", remove("a"), "@s/b@2.0.0 (node_modules/@s/b) needs a@*, and it is not there"},
		{"a file is missing", remove("a/lib/a.js"), "a@1.1.0 (node_modules/a) lacks 1 of its 3 files"},
		{"a bundled file is missing", remove("@s/b/node_modules/inner/x.js"), "@s/b@2.0.0 (node_modules/@s/b) lacks 1 of its 4 files"},
		{"a manifest is missing", remove("here/package.json"), "node_modules/here: no such file or directory"},
		{"a file is empty", change("c/index.js", ""), "node_modules/c/index.js has 0 bytes, which should be 5"},
		{"a file has other bytes", change("c/index.js", "c ten"), "node_modules/c/index.js has other bytes than in the tarball of c@1.5.0"},
		{"a file too many", change("c/more.js", ""), "node_modules/c/more.js is not in the tarball of c@1.5.0"},
		{"a version that nobody published", change("c/package.json", `{"name":"c","version":"1.9.9"}`), "node_modules/c is c@1.9.9, which the registry does not have"},
		{"a package too many", change("d/package.json", `{"name":"d"}`), "node_modules/d is not needed"},
		{"a nested package too many", change("a/node_modules/d/package.json", `{"name":"d"}`), "node_modules/a/node_modules/d is not needed"},
		{"a package too many among bundled ones", change("@s/b/node_modules/d/package.json", `{"name":"d"}`), "node_modules/@s/b/node_modules/d is not needed"},
		{"a command is missing", remove(".bin/a"), "a@1.1.0 has the command a, and node_modules/.bin does not"},
		{"a command cannot be run", func(t testing.TB, project string) {
			if err := os.Chmod(filepath.Join(project, "node_modules/a/cli.js"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "a@1.1.0 has the command a, and node_modules/.bin does not"},
		{"a link where a folder should be", func(t testing.TB, project string) {
			remove("alias")(t, project)
			link(t, "c", filepath.Join(project, "node_modules/alias"))
		}, "1 entries of node_modules are links, which should be folders"},
		{"a link leads nowhere", func(t testing.TB, project string) {
			remove("c")(t, project)
			link(t, "gone", filepath.Join(project, "node_modules/c"))
		}, "node_modules/c leads nowhere"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			project := w.hoisted(t)
			test.breaks(t, project)
			if _, problems := inspect(t, w, project, tree.Hoisted); !slices.Contains(problems, test.want) {
				t.Errorf("problems %q do not have %q", problems, test.want)
			}
		})
	}
}

// Whatever single file or link of a tree is taken away, the tree is wrong.
func TestEveryFileCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	project, store := t.TempDir(), t.TempDir()
	w.isolated(t, project, store)
	var all []string
	for _, root := range []string{project, store} {
		if err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && path != filepath.Join(project, "package.json") && e.Name() != ".gitignore" {
				all = append(all, path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d files", len(all))
	}
	for _, path := range all {
		aside := filepath.Join(filepath.Dir(store), "aside")
		if err := os.Rename(path, aside); err != nil {
			t.Fatal(err)
		}
		if _, problems := inspect(t, w, project, tree.Machine); problems == nil {
			t.Errorf("%s is missing, and nothing is said", path)
		}
		if err := os.Rename(aside, path); err != nil {
			t.Fatal(err)
		}
	}
	if _, problems := inspect(t, w, project, tree.Machine); problems != nil {
		t.Errorf("put back: %q", problems)
	}
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inside, outside := t.TempDir(), t.TempDir()
	w.isolated(t, inside, filepath.Join(inside, "node_modules", ".store"))
	w.isolated(t, outside, t.TempDir())
	for _, test := range []struct {
		project string
		layout  tree.Layout
		want    string
	}{
		{inside, tree.Machine, "no entry of node_modules leads out of the project"},
		{inside, tree.Hoisted, "3 entries of node_modules are links, which should be folders"},
		{outside, tree.Project, "3 entries of node_modules lead out of the project"},
		{w.hoisted(t), tree.Project, "no entry of node_modules is a link"},
	} {
		if _, problems := inspect(t, w, test.project, test.layout); !slices.Contains(problems, test.want) {
			t.Errorf("%s: problems %q do not have %q", test.layout, problems, test.want)
		}
	}
}

// A program's carriage return may be gone, and a renamed .gitignore is no difference.
func TestAllowedDifferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	project := w.hoisted(t)
	write(t, filepath.Join(project, "node_modules/a/cli.js"), "#!/usr/bin/env node\nmain()\n")
	from := filepath.Join(project, "node_modules/@s/b/node_modules/c/.gitignore")
	if err := os.Rename(from, strings.Replace(from, ".git", ".npm", 1)); err != nil {
		t.Fatal(err)
	}
	if _, problems := inspect(t, w, project, tree.Hoisted); problems != nil {
		t.Errorf("%q", problems)
	}
}

func TestRunsOn(t *testing.T) {
	t.Parallel()
	linux := lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"}
	for manifest, want := range map[string]bool{
		`{}`:                                 true,
		`{"os":["linux","darwin"]}`:          true,
		`{"os":"darwin"}`:                    false,
		`{"os":["!linux"]}`:                  false,
		`{"os":["!win32"]}`:                  true,
		`{"os":["any"],"cpu":["arm64"]}`:     false,
		`{"cpu":["x64"],"libc":["musl"]}`:    false,
		`{"cpu":["x64"],"libc":["glibc"]}`:   true,
		`{"os":{"not":"a list"},"cpu":[""]}`: false,
	} {
		var m tree.Manifest
		if err := json.Unmarshal([]byte(manifest), &m); err != nil {
			t.Fatal(err)
		}
		if got := m.RunsOn(linux); got != want {
			t.Errorf("%s: %v", manifest, got)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	got := tree.Diff([]string{"a", "b", "d", "e"}, []string{"b", "c", "e", "f", "g"})
	if d := cmp.Diff([]string{"- a", "+ c", "- d", "+ f", "+ g"}, got); d != "" {
		t.Error(d)
	}
	if got := tree.Diff([]string{"a"}, []string{"a"}); got != nil {
		t.Errorf("%q", got)
	}
}

func FuzzReadTarball(f *testing.F) {
	f.Add(pack(f, "package.json", "{}", "bin/x", "#!/bin/sh\r\n"))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := tree.ReadTarball(bytes.NewReader(data))
		if err != nil {
			return
		}
		for name, file := range files {
			if strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/") || file.Size < 0 {
				t.Errorf("%q: %+v", name, file)
			}
		}
	})
}

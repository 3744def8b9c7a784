package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/bundle"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/store"
	"github.com/pantry-go/pantry/transport"
)

func js(s string) map[string]string {
	return map[string]string{"index.js": "module.exports = '" + s + "'\n"}
}

var (
	pad   = registrytest.Pkg{Name: "pad", Version: "1.0.0", Files: js("pad 1")}
	pad2  = registrytest.Pkg{Name: "pad", Version: "2.0.0", Files: js("pad 2")}
	ui    = registrytest.Pkg{Name: "@acme/ui", Version: "1.0.0", Files: js("ui"), Dependencies: map[string]string{"pad": "^1.0.0"}}
	mac   = registrytest.Pkg{Name: "mac-only", Version: "1.0.0", OS: []string{"darwin"}}
	tools = []pantry.Platform{{OS: "darwin", Arch: "arm64"}, {OS: "linux", Arch: "amd64"}}
)

// gzipped is the artifact of a tool for a platform: a script.
func gzipped(t *testing.T, p pantry.Platform) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := archive.Pack(&b, []archive.PackFile{{Path: "bin/gh", Content: []byte("#!/bin/sh\necho " + p.String() + "\n"), Executable: true}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// world is some registries and the lockfile of a project that uses them.
type world struct {
	npm, acme *registrytest.Memory
	gh        *directory.Registry
	lock      *lockfile.Lock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	gh, err := directory.Open("github", filepath.Join(t.TempDir(), "gh"), true)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{npm: registrytest.NewMemory("npm", pad, pad2, mac), acme: registrytest.NewMemory("acme", ui), gh: gh, lock: lockfile.New()}
	w.lock.Projects["."] = &lockfile.Project{Dependencies: map[string]lockfile.Wish{
		"@acme/ui":       {Kind: lockfile.Prod, Spec: "^1.0.0", ID: "acme:@acme/ui@1.0.0"},
		"mac-only":       {Kind: lockfile.Optional, Spec: "*", ID: "npm:mac-only@1.0.0"},
		"github:cli/cli": {Kind: lockfile.Prod, Spec: "2", ID: "github:cli/cli@2.0.0"},
	}}
	w.pin("npm", pad, nil)
	w.pin("npm", mac, nil)
	w.pin("acme", ui, map[string]lockfile.Dependency{"pad": {ID: "npm:pad@1.0.0", Spec: "^1.0.0"}})
	m := pantry.Metadata{Name: "cli/cli", Version: "2.0.0", Tool: &pantry.Tool{}}
	locked := &lockfile.Tool{}
	for _, p := range tools {
		set, n, err := gh.PutArtifact(t.Context(), bytes.NewReader(gzipped(t, p)), nil)
		if err != nil {
			t.Fatal(err)
		}
		file := "gh_" + p.OS + ".tar.gz"
		m.Tool.Builds = append(m.Tool.Builds, pantry.Build{Platform: p, Artifact: pantry.Artifact{Integrity: set, Size: n}, File: file, Strip: 1})
		locked.Builds = append(locked.Builds, lockfile.Build{Platform: p, Integrity: set, File: file, Strip: 1})
	}
	if _, err := gh.Keep(t.Context(), &directory.Record{Metadata: m}); err != nil {
		t.Fatal(err)
	}
	w.lock.Packages["github:cli/cli@2.0.0"] = &lockfile.Package{Registry: "github", Name: "cli/cli", Version: "2.0.0", Tool: locked}
	return w
}

func (w *world) pin(registry string, p registrytest.Pkg, deps map[string]lockfile.Dependency) {
	w.lock.Packages[lockfile.MakeID(registry, p.Name, p.Version)] = &lockfile.Package{
		Registry: registry, Name: p.Name, Version: p.Version, OS: p.OS, Dependencies: deps,
		Integrity: integrity.Set{integrity.Sum(integrity.SHA512, registrytest.Tarball(p))},
	}
}

func (w *world) source(name string) (bundle.Source, error) {
	all := map[string]bundle.Source{
		"npm":    {End: mirror.End{Name: "npm", Registry: w.npm}, Type: "npm", NPMStyle: true},
		"acme":   {End: mirror.End{Name: "acme", Registry: w.acme}, Type: "custom", NPMStyle: true},
		"github": {End: mirror.End{Name: "github", Registry: w.gh}, Type: "github"},
	}
	s, ok := all[name]
	if !ok {
		return s, fmt.Errorf("%w: no registry %s", pantry.ErrConfig, name)
	}
	return s, nil
}

// create makes a bundle and returns its file.
func (w *world) create(t *testing.T, platforms ...pantry.Platform) (file string, res *bundle.Result, err error) {
	t.Helper()
	text, err := w.lock.Text()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	res, err = bundle.Create(t.Context(), bundle.Options{Lock: text, Source: w.source, Platforms: platforms, Work: t.TempDir()}, &b)
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join(t.TempDir(), "b.zip")
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return file, res, nil
}

func open(t *testing.T, file string) *bundle.Bundle {
	t.Helper()
	b, err := bundle.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestCreateAndVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file, made, err := w.create(t)
	if err != nil {
		t.Fatal(err)
	}
	got, err := open(t, file).Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(made, got, cmp.Comparer(func(a, b integrity.Digest) bool { return a == b })); diff != "" {
		t.Errorf("creating and verifying tell (-, +):\n%s", diff)
	}
	if made.Packages != 4 {
		t.Errorf("%+v", made)
	}
	again, second, err := newWorld(t).create(t)
	if err != nil || second.Digest != made.Digest {
		t.Errorf("the same again: %v, %v", second, err)
	}
	if a, b := read(t, file), read(t, again); !bytes.Equal(a, b) {
		t.Error("the same input gave other bytes")
	}
	// An ordinary reader of zip archives gets the lockfile.
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open("pantry.lock")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if want, _ := w.lock.Text(); err != nil || !bytes.Equal(text, want) {
		t.Errorf("the lockfile is %q, %v", text, err)
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	file, res, err := newWorld(t).create(t, tools[1])
	if err != nil || res.Packages != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	b := open(t, file)
	if _, err := b.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	r, _ := b.Registry("github")
	m, err := r.Metadata(t.Context(), "cli/cli", "")
	if err != nil || len(m.Tool.Builds) != 1 || m.Tool.Builds[0].Platform != tools[1] {
		t.Errorf("got %+v, %v", m, err)
	}
	if r, _ = b.Registry("npm"); r != nil {
		if _, err := r.Package(t.Context(), "mac-only"); !errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("what is for another platform: %v", err)
		}
	}
	for text, want := range map[string]int{"all": 0, "linux/amd64": 1, "linux/amd64/musl linux/arm64": 2, "linux/amd64 all": 0, "": 0} {
		if got, err := bundle.ParsePlatforms(strings.Fields(text)); err != nil || len(got) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"linux", "linux/", "a/b/c/d", "/"} {
		if _, err := bundle.ParsePlatforms([]string{bad}); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestCreateFails: what the lockfile pins is in the bundle, or there is none.
func TestCreateFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		want   error
	}{
		"a package that is gone":    {func(w *world) { w.npm.Remove("pad", "1.0.0") }, pantry.ErrNotFound},
		"other bytes than locked":   {func(w *world) { w.npm.Add(registrytest.Pkg{Name: "pad", Version: "1.0.0", Files: js("evil")}) }, pantry.ErrIntegrity},
		"a registry nobody knows":   {func(w *world) { w.lock.Packages["npm:pad@1.0.0"].Registry = "gone" }, pantry.ErrConfig},
		"a build that is not there": {func(w *world) { w.lock.Packages["github:cli/cli@2.0.0"].Tool.Builds[0].Platform.Arch = "arm" }, pantry.ErrIntegrity},
		"a build of other bytes": {func(w *world) {
			w.lock.Packages["github:cli/cli@2.0.0"].Tool.Builds[0].Integrity = integrity.Set{integrity.Sum(integrity.SHA512, nil)}
		}, pantry.ErrIntegrity},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.change(w)
			if name == "a registry nobody knows" {
				p := w.lock.Packages["npm:pad@1.0.0"]
				delete(w.lock.Packages, "npm:pad@1.0.0")
				w.lock.Packages["gone:pad@1.0.0"] = p
				w.lock.Packages["acme:@acme/ui@1.0.0"].Dependencies["pad"] = lockfile.Dependency{ID: "gone:pad@1.0.0", Spec: "^1.0.0"}
			}
			if _, _, err := w.create(t); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// TestTampered: whatever is changed about a bundle is noticed.
func TestTampered(t *testing.T) {
	t.Parallel()
	file, _, err := newWorld(t).create(t)
	if err != nil {
		t.Fatal(err)
	}
	good := read(t, file)
	check := func(what string, data []byte) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "t.zip")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		b, err := bundle.Open(path)
		if err == nil {
			_, err = b.Verify(t.Context())
			_ = b.Close()
		}
		if !errors.Is(err, pantry.ErrIntegrity) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("bytes behind", append(slices.Clone(good), "more"...))
	check("bytes before", append([]byte("MZ"), good...))
	check("half of it", good[:len(good)/2])
	check("nothing", nil)

	type file2 struct {
		name string
		data []byte
	}
	unpack := func() (files []file2) {
		z, err := zip.NewReader(bytes.NewReader(good), int64(len(good)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file2{f.Name, data})
		}
		return files
	}
	// pack makes an archive as Create does; with index its index is made to fit.
	pack := func(files []file2, index bool) []byte {
		if index {
			var x bundle.Index
			if err := json.Unmarshal(files[0].data, &x); err != nil {
				t.Fatal(err)
			}
			x.Files = nil
			for _, f := range files[1:] {
				x.Files = append(x.Files, bundle.File{Path: f.name, Size: int64(len(f.data)), Integrity: integrity.Set{integrity.Sum(integrity.SHA512, f.data)}})
			}
			slices.SortFunc(x.Files, func(a, b bundle.File) int { return strings.Compare(a.Path, b.Path) })
			var err error
			if files[0].data, err = json.Marshal(x); err != nil {
				t.Fatal(err)
			}
		}
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, f := range files {
			w, err := z.CreateRaw(&zip.FileHeader{Name: f.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(f.data), CompressedSize64: uint64(len(f.data)), UncompressedSize64: uint64(len(f.data))})
			if err == nil {
				_, err = w.Write(f.data)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	{ // the way tampering is done here makes a good bundle of one where nothing is changed
		path := filepath.Join(t.TempDir(), "same.zip")
		if err := os.WriteFile(path, pack(unpack(), true), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := open(t, path).Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range unpack() {
		changed := unpack()
		changed[i].data[len(changed[i].data)/2] ^= 1
		check("a changed "+f.name, pack(changed, false))
		check("a missing "+f.name, pack(slices.Delete(unpack(), i, i+1), false))
		if i > 0 && !strings.HasSuffix(f.name, "tags.json") { // without its tags a package is still all that is locked
			check("a missing and not indexed "+f.name, pack(slices.Delete(unpack(), i, i+1), true))
		}
	}
	for _, name := range []string{"registries/npm/packages/pad/versions/9.0.0.json", "registries/npm/artifacts/sha512/aa/aabb", "README", "registries/npm/packages/evil/tags.json"} {
		check("one more file "+name, pack(append(unpack(), file2{name, []byte("{}")}), true))
		check("one more file that is not indexed "+name, pack(append(unpack(), file2{name, []byte("{}")}), false))
	}
	check("a file twice", pack(append(unpack(), unpack()[1]), false))
}

func TestDiff(t *testing.T) {
	t.Parallel()
	before, _, err := newWorld(t).create(t)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	delete(w.lock.Packages, "npm:pad@1.0.0")
	w.pin("npm", pad2, nil)
	w.lock.Packages["acme:@acme/ui@1.0.0"].Dependencies["pad"] = lockfile.Dependency{ID: "npm:pad@2.0.0", Spec: "^1.0.0"}
	delete(w.lock.Packages, "npm:mac-only@1.0.0")
	delete(w.lock.Projects["."].Dependencies, "mac-only")
	other := ui
	other.Files = js("other")
	w.acme.Add(other)
	deps := w.lock.Packages["acme:@acme/ui@1.0.0"].Dependencies
	w.pin("acme", other, deps)
	after, _, err := w.create(t)
	if err != nil {
		t.Fatal(err)
	}
	want := []bundle.Change{
		{Registry: "acme", Name: "@acme/ui", Before: []string{"1.0.0"}, After: []string{"1.0.0"}, Bytes: []string{"1.0.0"}},
		{Registry: "npm", Name: "mac-only", Before: []string{"1.0.0"}, After: []string{}},
		{Registry: "npm", Name: "pad", Before: []string{"1.0.0"}, After: []string{"2.0.0"}},
	}
	if diff := cmp.Diff(want, bundle.Diff(open(t, before), open(t, after))); diff != "" {
		t.Errorf("- wanted, + got:\n%s", diff)
	}
	if same := bundle.Diff(open(t, before), open(t, before)); len(same) != 0 {
		t.Errorf("with itself: %+v", same)
	}
}

// TestServe: clients of both protocols read from a bundle what the registries said.
func TestServe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file, _, err := w.create(t)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	srv.Config.Handler = open(t, file).Handler(base)
	srv.Start()
	t.Cleanup(srv.Close)
	c, err := transport.New(transport.Options{URL: base + bundle.NPMPath, Registry: "b", Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := npm.New(npm.Options{Name: "b", Client: c})
	if err != nil {
		t.Fatal(err)
	}
	names, err := r.List(t.Context())
	if diff := cmp.Diff([]string{"@acme/ui", "mac-only", "pad"}, names); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	m, err := r.Metadata(t.Context(), "@acme/ui", "")
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Open(t.Context(), m.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if data, err := io.ReadAll(body); err != nil || !bytes.Equal(data, registrytest.Tarball(ui)) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	resp, err := srv.Client().Get(base + bundle.RESTPath + "/packages/@acme/ui/1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || !strings.Contains(string(text), base+bundle.RESTPath+"/packages/") {
		t.Errorf("REST: %d %s, %v", resp.StatusCode, text, err)
	}
	for _, path := range []string{"/", "/npm", "/other/pad", "/npmx/pad"} {
		resp, err := srv.Client().Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// TestRealNPM installs with npm itself from a served bundle, without any other registry.
func TestRealNPM(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not on this machine")
	}
	w := newWorld(t)
	file, _, err := w.create(t)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	base := "http://" + srv.Listener.Addr().String()
	srv.Config.Handler = open(t, file).Handler(base)
	srv.Start()
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"name":"app","version":"1.0.0","dependencies":{"@acme/ui":"^1.0.0"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "install", "--registry", base+bundle.NPMPath+"/", "--no-audit", "--no-fund", "--no-update-notifier", "--cache", t.TempDir(), "--userconfig", os.DevNull)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HTTP_PROXY=", "http_proxy=", "HTTPS_PROXY=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := read(t, filepath.Join(dir, "node_modules", "pad", "index.js"))
	if !strings.Contains(string(got), "pad 1") || len(read(t, filepath.Join(dir, "node_modules", "@acme", "ui", "index.js"))) == 0 {
		t.Errorf("pad is %q", got)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file, _, err := w.create(t)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	b := open(t, file)
	node := lockfile.Platform{OS: "linux", CPU: "x64", Libc: "glibc"}
	for i, want := range []bundle.Loaded{{Loaded: 3, LeftOut: 1}, {Present: 3, LeftOut: 1}} {
		got, err := b.Load(t.Context(), s, node, tools[1])
		if err != nil || *got != want {
			t.Errorf("time %d: %+v, %v", i+1, got, err)
		}
	}
	if !s.Has(w.lock.Packages["npm:pad@1.0.0"].Integrity) {
		t.Error("the store lacks a package")
	}
	if _, err := b.Load(canceled(t), s, node, tools[0]); err == nil {
		t.Error("loaded after it was cancelled")
	}
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// FuzzIndex: an index that is read has only what an index may have, in order and once.
func FuzzIndex(f *testing.F) {
	digest := integrity.Sum(integrity.SHA512, nil).String()
	f.Add([]byte(`{"format":"pantry-bundle","version":1,"registries":[{"name":"npm","type":"npm","npmStyle":true}],"files":[{"path":"pantry.lock","size":0,"integrity":"` + digest + `"}]}`))
	f.Add([]byte(`{"format":"pantry-bundle","version":1,"registries":[{"name":".."}],"files":[{"path":"../x","size":-1}]}`))
	f.Add([]byte(`{"format":"pantry-bundle","version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := bundle.ParseIndex(data)
		if err != nil {
			if !errors.Is(err, pantry.ErrIntegrity) {
				t.Fatal(err)
			}
			return
		}
		seen := map[string]bool{}
		for _, file := range x.Files {
			if seen[file.Path] || !filepath.IsLocal(filepath.FromSlash(file.Path)) || file.Size < 0 {
				t.Fatalf("%+v", file)
			}
			seen[file.Path] = true
		}
		names := map[string]bool{}
		for _, r := range x.Registries {
			if names[r.Name] || strings.ContainsAny(r.Name, "/") {
				t.Fatalf("%+v", r)
			}
			names[r.Name] = true
		}
		if !slices.Contains(slices.Collect(maps.Keys(seen)), "pantry.lock") {
			t.Fatal("no lockfile")
		}
	})
}

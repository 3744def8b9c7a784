package registrytest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/registry/registrytest"
)

func TestTarball(t *testing.T) {
	t.Parallel()
	p := registrytest.Pkg{
		Name: "@s/n", Version: "1.0.0", Bin: map[string]string{"n": "./bin/n.js"},
		Files: map[string]string{"z.js": "z", "bin/n.js": "#!", "a.js": "a"},
	}
	first := registrytest.Tarball(p)
	for range 10 {
		if !bytes.Equal(first, registrytest.Tarball(p)) {
			t.Fatal("the same package packs differently")
		}
	}
	var got []string
	for name, h := range untar(t, first) {
		got = append(got, name+" "+h)
	}
	want := map[string]string{
		"package/package.json": "-rw-r--r--", "package/a.js": "-rw-r--r--",
		"package/bin/n.js": "-rwxr-xr-x", "package/z.js": "-rw-r--r--",
	}
	if diff := cmp.Diff(want, untar(t, first)); diff != "" {
		t.Errorf("entries (- wanted, + got):\n%s\n%q", diff, got)
	}
}

func untar(t *testing.T, tarball []byte) map[string]string {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(tarball))
	if err != nil {
		t.Fatal(err)
	}
	modes := make(map[string]string)
	tr := tar.NewReader(zr)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return modes
		}
		if err != nil {
			t.Fatal(err)
		}
		modes[h.Name] = h.FileInfo().Mode().String()
	}
}

const archive = `these are two packages
-- lodash@4.17.21/package.json --
{
  "description": "utilities",
  "dependencies": {"left-pad": "^1.0.0"},
  "peerDependenciesMeta": {"react": {"optional": true}, "vue": {"optional": false}},
  "publishConfig": {"tag": "latest"}
}
-- lodash@4.17.21/lib/index.js --
module.exports = {}
-- @acme/ui@1.0.0-rc.1/readme.md --
hello
-- lodash@5.0.0/package.json --
{"name": "lodash", "version": "5.0.0", "deprecated": "no"}
`

func TestFromTxtar(t *testing.T) {
	t.Parallel()
	pkgs, err := registrytest.FromTxtar(archive)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, p := range pkgs {
		ids = append(ids, p.Name+"@"+p.Version)
	}
	if got, want := strings.Join(ids, " "), "@acme/ui@1.0.0-rc.1 lodash@4.17.21 lodash@5.0.0"; got != want {
		t.Fatalf("packages = %s, want %s", got, want)
	}
	m := registrytest.NewMemory("here", pkgs...)
	meta, err := m.Metadata(t.Context(), "lodash", "")
	if err != nil {
		t.Fatal(err)
	}
	if meta.Version != "4.17.21" || meta.Description != "utilities" || meta.Dependencies["left-pad"] != "^1.0.0" ||
		len(meta.OptionalPeers) != 1 || meta.OptionalPeers[0] != "react" {
		t.Errorf("metadata = %+v", meta)
	}
	if meta, _ := m.Metadata(t.Context(), "lodash", "5.0.0"); meta.Deprecated != "no" {
		t.Errorf("deprecated = %q", meta.Deprecated)
	}
	if got := pkgs[1].Files["lib/index.js"]; got != "module.exports = {}\n" {
		t.Errorf("file = %q", got)
	}
	if got := string(registrytest.Manifest(pkgs[1])); !strings.Contains(got, `"name":"lodash","version":"4.17.21"`) {
		t.Errorf("name and version were not added: %s", got)
	}
	for _, bad := range []string{
		"-- lodash/package.json --\n{}", "-- lodash@1.0.0 --\n", "-- @s@1/x --\n", "-- @1.0.0/x --\n", "-- a@/x --\n",
		"-- a@1.0.0/package.json --\n[]", "-- a@1.0.0/package.json --\n", "-- a@1.0.0/package.json --\nnull",
		"-- a@1.0.0/package.json --\n" + `{"name":"b"}`, "-- a@1.0.0/package.json --\n" + `{"name":"a","version":"2.0.0"}`,
		"-- a@1.0.0/x --\n-- a@1.0.0/x --\n",
	} {
		if pkgs, err := registrytest.FromTxtar(bad); err == nil {
			t.Errorf("FromTxtar(%q) = %+v, want an error", bad, pkgs)
		}
	}
}

func FuzzFromTxtar(f *testing.F) {
	f.Add(archive)
	f.Add("-- a@1.0.0/package.json --\n{}")
	f.Add("-- @s/a@1.0.0/package.json --\n" + `{"name":"@s/a"}`)
	f.Fuzz(func(t *testing.T, text string) {
		pkgs, err := registrytest.FromTxtar(text)
		if err != nil {
			return
		}
		for _, p := range pkgs {
			if p.Name == "" || p.Version == "" {
				t.Errorf("a package without name or version: %+v", p)
			}
		}
	})
}

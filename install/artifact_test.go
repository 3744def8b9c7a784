package install_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// tarball packs headers as they are; what is not a link has its name as content.
func tarball(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tw := tar.NewWriter(zw)
	manifest := `{"name":"bad","version":"1.0.0"}`
	headers = append([]tar.Header{{Name: "package/package.json", Linkname: manifest}}, headers...)
	for _, h := range headers {
		content := h.Linkname
		if h.Typeflag == 0 {
			h.Typeflag, h.Linkname, h.Size = tar.TypeReg, "", int64(len(content))
		} else {
			content = ""
		}
		h.Mode = 0o644
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// An artifact that is not what it should be, or could harm, is refused; nothing of it is seen anywhere.
func TestBadArtifacts(t *testing.T) {
	t.Parallel()
	good := registrytest.Pkg{Name: "bad", Version: "1.0.0"}
	with := func(archive []byte) registrytest.Pkg { p := good; p.Archive = archive; return p }
	inside := func(name, version string) registrytest.Pkg {
		return with(registrytest.Tarball(registrytest.Pkg{Name: name, Version: version}))
	}
	whole := registrytest.Tarball(good)
	tests := map[string]struct {
		pkg registrytest.Pkg
		err error
	}{
		"another name":     {inside("good", "1.0.0"), pantry.ErrIntegrity},
		"another version":  {inside("bad", "1.0.1"), pantry.ErrIntegrity},
		"capitals":         {inside("Bad", "1.0.0"), pantry.ErrIntegrity},
		"traversal":        {with(tarball(t, tar.Header{Name: "package/../../../evil.txt", Linkname: "evil"})), pantry.ErrPolicy},
		"absolute":         {with(tarball(t, tar.Header{Name: "/tmp/evil.txt", Linkname: "evil"})), pantry.ErrPolicy},
		"symbolic link":    {with(tarball(t, tar.Header{Name: "package/link", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink})), pantry.ErrPolicy},
		"hard link":        {with(tarball(t, tar.Header{Name: "package/link", Linkname: "package/package.json", Typeflag: tar.TypeLink})), pantry.ErrPolicy},
		"fifo":             {with(tarball(t, tar.Header{Name: "package/fifo", Typeflag: tar.TypeFifo})), pantry.ErrPolicy},
		"not gzip":         {with([]byte("PK\x03\x04 this is another archive")), pantry.ErrInvalid},
		"cut":              {with(whole[:len(whole)-9]), pantry.ErrInvalid},
		"empty":            {with([]byte{}), pantry.ErrInvalid},
		"empty manifest":   {with(registrytest.Tarball(registrytest.Pkg{Name: "bad", Version: "1.0.0", Files: map[string]string{"package.json": ""}})), pantry.ErrInvalid},
		"garbage manifest": {with(registrytest.Tarball(registrytest.Pkg{Name: "bad", Version: "1.0.0", Files: map[string]string{"package.json": "["}})), pantry.ErrInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "npm", "npm", 20, basic)
			s.Memory.Add(tt.pkg)
			p := newPlace(t, s)
			p.wishes("a@^1.0.0")
			p.must()
			before := p.files(true)
			_, err := p.add(install.Addition{}, "bad")
			if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), "bad@1.0.0") || !strings.Contains(err.Error(), `"npm"`) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			p.same(before, true)
			err = filepath.WalkDir(p.store, func(path string, d os.DirEntry, err error) error {
				if err == nil && strings.Contains(d.Name(), "evil") {
					t.Errorf("%s is there", path)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
			for _, path := range []string{filepath.Dir(p.dir), filepath.Dir(filepath.Dir(p.dir)), "/tmp"} {
				if _, err := os.Lstat(filepath.Join(path, "evil.txt")); err == nil {
					t.Errorf("evil.txt is in %s", path)
				}
			}
		})
	}
}

// What a registry says of a package's dependencies and commands cannot lead out of node_modules.
func TestBadMetadata(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", "npm", 20, basic+`
		evil-name@1.0.0 ../../evil@npm:a@1.0.0
		evil-peer@1.0.0 ^../evil@npm:a@1.0.0
		evil-bin@1.0.0 bin:../../evil=x.js bin:x=../../../etc/passwd bin:ok=ok.js
		evil-file@1.0.0 x@file:/etc
		evil-registry@1.0.0 x@acme:a@1`)
	p := newPlace(t, s)
	for _, name := range []string{"evil-name", "evil-file", "evil-registry"} {
		before := p.files(false)
		if _, err := p.add(install.Addition{}, name); err == nil {
			t.Errorf("%s is installed", name)
		}
		p.same(before, false)
	}
	p.ok(p.add(install.Addition{}, "evil-bin"))
	p.ok(p.add(install.Addition{}, "evil-peer"))
	entries, err := os.ReadDir(filepath.Join(p.dir, "node_modules/.bin"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "ok" {
		t.Errorf("got %v, %v", entries, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(p.dir)); err != nil || len(entries) != 2 {
		t.Errorf("beside the project: %v, %v", entries, err)
	}
}

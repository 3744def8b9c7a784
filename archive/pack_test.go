package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/archive"
)

func TestPack(t *testing.T) {
	t.Parallel()
	files := []archive.PackFile{
		{Path: "lib/" + strings.Repeat("deep/", 50) + "é.js", Content: []byte("deep")},
		{Path: "bin/cli.js", Content: []byte("#!/usr/bin/env node\n"), Executable: true},
		{Path: "package.json", Content: []byte(`{"name":"a","version":"1.0.0"}`)},
		{Path: "empty"},
	}
	var a, b bytes.Buffer
	if err := archive.Pack(&a, files); err != nil {
		t.Fatal(err)
	}
	files[0], files[3] = files[3], files[0]
	if err := archive.Pack(&b, files); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the order of the files changes the bytes")
	}
	got, err := unpack(t, a.Bytes(), archive.Limits{})
	if err != nil || len(got) != len(files) {
		t.Fatalf("%d files, %v", len(got), err)
	}
	for _, f := range files {
		want := string(f.Content)
		if f.Executable {
			want = "*" + want
		}
		if got[f.Path] != want {
			t.Errorf("%s: %q, want %q", f.Path, got[f.Path], want)
		}
	}
	z, err := gzip.NewReader(&a)
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(z)
	if h, err := r.Next(); err != nil || h.Name != "package/package.json" || h.Mode != 0o644 {
		t.Errorf("first is %+v, %v", h, err)
	}
	for err == nil {
		_, err = r.Next()
	}
	if err != io.EOF {
		t.Error(err)
	}
}

func TestPackRefuses(t *testing.T) {
	t.Parallel()
	for name, paths := range map[string][]string{
		"dot dot": {"../x"}, "absolute": {"/x"}, "empty": {""}, "not clean": {"a//b"}, "trailing slash": {"a/"},
		"twice": {"a", "a"}, "case": {"a", "A"}, "folder": {"a", "a/b"}, "backslash": {`a\b`}, "control": {"a\nb"},
	} {
		var files []archive.PackFile
		for _, p := range paths {
			files = append(files, archive.PackFile{Path: p})
		}
		var b bytes.Buffer
		if err := archive.Pack(&b, files); !errors.Is(err, archive.ErrRefused) || b.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, b.Len())
		}
	}
}

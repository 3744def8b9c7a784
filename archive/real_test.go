package archive_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pantry-go/pantry/archive"
)

// TestRealTarballs compares with tar(1) what comes out of the tarballs in a folder, if the
// environment names one: every *.tgz of it, unpacked from memory and from a reader.
func TestRealTarballs(t *testing.T) {
	dir := os.Getenv("TEST_TARBALLS")
	if dir == "" {
		t.Skip("TEST_TARBALLS names no folder of tarballs")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tarballs in %s: %v", dir, err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			packed, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			want := untar(t, f)
			for name, unpack := range map[string]func(archive.Sink) error{
				"memory": func(s archive.Sink) error { return archive.UnpackNPMBytes(packed, s, archive.Limits{}) },
				"reader": func(s archive.Sink) error {
					return archive.UnpackNPM(bytes.NewReader(packed), s, archive.Limits{})
				},
			} {
				got := map[string]string{}
				if err := unpack(summer(got)); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for p := range got {
					if got[p] != want[p] {
						t.Errorf("%s: %s is %s, tar has %s", name, p, got[p], want[p])
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s: %d files, tar has %d", name, len(got), len(want))
				}
			}
		})
	}
}

func describe(size int64, exec bool, content []byte) string {
	return fmt.Sprintf("%d bytes, executable %v, %x", size, exec, sha256.Sum256(content))
}

func summer(m map[string]string) archive.Sink {
	return archive.SinkFunc(func(e archive.Entry, r io.Reader) error {
		b, err := io.ReadAll(r)
		m[e.Path] = describe(e.Size, e.Executable, b)
		return err
	})
}

func untar(t *testing.T, file string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", file, "-C", dir, "--strip-components", "1").CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		m[filepath.ToSlash(rel)] = describe(fi.Size(), fi.Mode()&0o111 != 0, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

package pkgx_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mikelolasagasti/xz"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/pkgx"
)

// TestUse goes the whole way: from the name of a program to the program running, with what it
// needs in folders of their own.
func TestUse(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("the samples are shell scripts")
	}
	r, _ := connect(t, samples())
	bottles, err := r.Resolve(t.Context(), map[string]string{"hello": "^1"})
	if err != nil {
		t.Fatal(err)
	}
	var installed []pkgx.Installed
	for _, b := range bottles {
		m, err := r.Metadata(t.Context(), b.Project, b.Version)
		if err != nil {
			t.Fatal(err)
		}
		prefix := filepath.Join(t.TempDir(), "kept")
		build := own(t, m)
		unpack(t, fetch(t.Context(), t, r, build.Artifact), prefix, build.Strip)
		installed = append(installed, pkgx.Installed{Project: b.Project, Version: b.Version, Prefix: prefix, Runtime: m.Tool.Env})
	}
	env := pkgx.Env(installed, pkgx.EnvOptions{
		Platform: linux, Getenv: os.LookupEnv,
		Exists: func(path string) bool { info, err := os.Stat(path); return err == nil && info.IsDir() },
	})
	program := filepath.Join(installed[1].Prefix, "bin", "hi")
	cmd := exec.Command(program, "tester")
	cmd.Env = os.Environ()
	for name, parts := range env {
		cmd.Env = append(cmd.Env, name+"="+strings.Join(parts, ":"))
	}
	out, err := cmd.CombinedOutput()
	if want := "Hello, tester!\nthis is hello 1.1.0\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

// own is the build for the platform of the tests' registry.
func own(t *testing.T, m *pantry.Metadata) pantry.Build {
	t.Helper()
	for _, b := range m.Tool.Builds {
		if b.Platform == linux {
			return b
		}
	}
	t.Fatalf("no build for %s in %+v", linux, m.Tool.Builds)
	return pantry.Build{}
}

func fetch(ctx context.Context, t *testing.T, r *pkgx.Registry, a pantry.Artifact) []byte {
	t.Helper()
	body, err := r.Open(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(integrity.NewReader(body, a.Integrity))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// unpack trusts the archive, which the test made itself.
func unpack(t *testing.T, packed []byte, to string, strip int) {
	t.Helper()
	plain, err := xz.NewReader(bytes.NewReader(packed), 0)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(append([]string{to}, strings.Split(h.Name, "/")[strip:]...)...)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, path)
		default:
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, content, h.FileInfo().Mode())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

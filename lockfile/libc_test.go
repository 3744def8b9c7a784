package lockfile

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestLibcOf(t *testing.T) {
	t.Parallel()
	elf := func(loader string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("\x7fELF" + strings.Repeat("\x00", 500) + loader + "\x00")}
	}
	empty := &fstest.MapFile{}
	tests := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"debian", fstest.MapFS{"bin/sh": elf("/lib64/ld-linux-x86-64.so.2"), "lib/ld-musl-x86_64.so.1": empty}, "glibc"},
		{"alpine", fstest.MapFS{"bin/sh": elf("/lib/ld-musl-x86_64.so.1"), "lib/ld-linux-x86-64.so.2": empty}, "musl"},
		{"nix", fstest.MapFS{"bin/sh": elf("/nix/store/x-glibc/lib/ld-linux-aarch64.so.1")}, "glibc"},
		{"static shell", fstest.MapFS{"bin/sh": elf(""), "usr/bin/env": elf("/lib/ld-musl-aarch64.so.1")}, "musl"},
		{"ppc64", fstest.MapFS{"bin/sh": elf("/lib64/ld64.so.2")}, "glibc"},
		{"no shell, both", fstest.MapFS{"lib64/ld-linux-x86-64.so.2": empty, "lib/ld-musl-x86_64.so.1": empty}, "glibc"},
		{"no shell, multiarch", fstest.MapFS{"lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": empty}, "glibc"},
		{"no shell, musl", fstest.MapFS{"lib/ld-musl-x86_64.so.1": empty}, "musl"},
		{"script as shell", fstest.MapFS{"bin/sh": {Data: []byte("#!/lib/ld-musl-x")}}, ""},
		{"nothing", fstest.MapFS{}, ""},
	}
	for _, tt := range tests {
		if got := libcOf(tt.files); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestNodeNames(t *testing.T) {
	t.Parallel()
	for goos, want := range map[string]string{"linux": "linux", "darwin": "darwin", "windows": "win32", "illumos": "sunos", "freebsd": "freebsd"} {
		if got := nodeOS(goos); got != want {
			t.Errorf("nodeOS(%s) = %s", goos, got)
		}
	}
	for arch, want := range map[string]string{"amd64": "x64", "386": "ia32", "arm": "arm", "arm64": "arm64", "ppc64le": "ppc64", "riscv64": "riscv64"} {
		if got := nodeCPU(arch); got != want {
			t.Errorf("nodeCPU(%s) = %s", arch, got)
		}
	}
}

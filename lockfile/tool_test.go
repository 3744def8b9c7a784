package lockfile_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

const toolDigest = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

const toolText = `# pantry.lock, version 1. Made by "pantry install"; do not edit by hand.
project .
  prod github:cli/cli ^2.60.0 github:cli/cli@2.60.0
package github:cli/cli@2.60.0
  url -
  build darwin/arm64 gh_2.60.0_macOS_arm64.zip -1 "" ` + toolDigest + `
  build linux/amd64 gh_2.60.0_linux_amd64.tar.gz -1 gh ` + toolDigest + `
  build linux/amd64/musl "gh musl.tar.gz" 2 "" ` + toolDigest + `
  provides bin/gh
  env GH_HOME {{prefix}}/share
  dep pkgx:git-scm.org ^2 ""
`

func TestTool(t *testing.T) {
	t.Parallel()
	text := strings.Replace(toolText, "  dep pkgx:git-scm.org ^2 \"\"\n", "", 1)
	l, err := lockfile.Parse("pantry.lock", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(text, string(l.Format())); d != "" {
		t.Error(d)
	}
	set, err := integrity.Parse(toolDigest)
	if err != nil {
		t.Fatal(err)
	}
	tool := l.Packages["github:cli/cli@2.60.0"].Tool
	for _, tt := range []struct {
		on   pantry.Platform
		want string
	}{
		{pantry.Platform{OS: "linux", Arch: "amd64", Libc: "glibc"}, "gh_2.60.0_linux_amd64.tar.gz"},
		{pantry.Platform{OS: "linux", Arch: "amd64", Libc: "musl"}, "gh musl.tar.gz"},
		{pantry.Platform{OS: "darwin", Arch: "arm64"}, "gh_2.60.0_macOS_arm64.zip"},
		{pantry.Platform{OS: "windows", Arch: "amd64"}, ""},
	} {
		b, ok := tool.Build(tt.on)
		if b.File != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q", tt.on, b.File)
		}
		if ok && !cmp.Equal(b.Integrity, set, cmp.AllowUnexported(integrity.Digest{})) {
			t.Errorf("%s: integrity %s", tt.on, b.Integrity)
		}
	}
}

func TestToolMistakes(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"no platform":      `build linux f.tgz 0 "" ` + toolDigest,
		"a path as file":   `build linux/amd64 ../f.tgz 0 "" ` + toolDigest,
		"strip":            `build linux/amd64 f.tgz many "" ` + toolDigest,
		"program":          `build linux/amd64 f.tgz 0 ../sh ` + toolDigest,
		"digest":           `build linux/amd64 f.tgz 0 "" md5-abc`,
		"a program's path": `provides ../../bin/sh`,
		"variable":         `env A=B c`,
		"no dependency":    `dep pkgx:git-scm.org ^2 ""`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "# pantry.lock, version 1.\npackage github:cli/cli@2.60.0\n  " + line + "\n"
			if _, err := lockfile.Parse("pantry.lock", []byte(text)); err == nil || !strings.Contains(err.Error(), "pantry.lock:3:") {
				t.Errorf("got %v", err)
			}
		})
	}
}

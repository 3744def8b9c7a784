package github_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/transport"
)

func hexSum(data string) string {
	sum := sha256.Sum256([]byte(data))
	return hex.EncodeToString(sum[:])
}

func sri(data string) integrity.Set {
	return integrity.Set{integrity.Sum(integrity.SHA256, []byte(data))}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Repo{
		Name: "acme/tool", Description: "a tool\x1b[31m", Homepage: "https://tool.example", License: "MIT", Topics: []string{"cli", "x"},
		Releases: []githubtest.Release{{
			Tag: "v1.2.3", Published: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Assets: []githubtest.Asset{
				{Name: "tool_1.2.3_linux_amd64.tar.gz", Data: []byte("lx")}, {Name: "tool_1.2.3_linux_amd64_musl.tar.gz", Data: []byte("lm")},
				{Name: "tool_1.2.3_linux_arm64.tar.gz", Data: []byte("la")}, {Name: "tool_1.2.3_darwin_all.zip", Data: []byte("d")},
				{Name: "tool-windows-amd64.exe", Data: []byte("w")}, {Name: "tool_1.2.3_checksums.txt", Data: []byte("x")},
				{Name: "tool_1.2.3_freebsd_amd64.tar.gz", Data: []byte("f")}, {Name: "tool_1.2.3_linux_386.tar.gz", Data: []byte("x"), State: "open"},
			},
		}},
	})
	r := connect(t, s)
	m, err := r.Metadata(t.Context(), "acme/tool", "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	web := strings.TrimSuffix(m.Artifact.URL, "/releases/download/v1.2.3/tool_1.2.3_linux_amd64.tar.gz")
	art := func(file, data string) pantry.Artifact {
		return pantry.Artifact{Name: "acme/tool", Version: "1.2.3", URL: web + "/releases/download/v1.2.3/" + file, Integrity: sri(data), Size: int64(len(data))}
	}
	build := func(os, arch, libc, file, data, executable string) pantry.Build {
		return pantry.Build{Platform: pantry.Platform{OS: os, Arch: arch, Libc: libc}, Artifact: art(file, data), File: file, Strip: -1, Executable: executable}
	}
	want := &pantry.Metadata{
		Name: "acme/tool", Version: "1.2.3", Description: "a tool[31m", Homepage: "https://tool.example", Repository: web, License: "MIT", Author: "acme",
		Keywords: []string{"cli", "x"}, Published: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Artifact: art("tool_1.2.3_linux_amd64.tar.gz", "lx"), Registry: "gh",
		Tool: &pantry.Tool{Builds: []pantry.Build{
			build("linux", "amd64", "glibc", "tool_1.2.3_linux_amd64.tar.gz", "lx", ""), build("linux", "amd64", "musl", "tool_1.2.3_linux_amd64_musl.tar.gz", "lm", ""),
			build("linux", "arm64", "", "tool_1.2.3_linux_arm64.tar.gz", "la", ""),
			build("darwin", "amd64", "", "tool_1.2.3_darwin_all.zip", "d", ""), build("darwin", "arm64", "", "tool_1.2.3_darwin_all.zip", "d", ""),
			build("windows", "amd64", "", "tool-windows-amd64.exe", "w", "tool.exe"), build("windows", "arm64", "", "tool-windows-amd64.exe", "w", "tool.exe"),
		}},
	}
	if diff := cmp.Diff(want, m, cmpopts.EquateComparable(integrity.Digest{}), cmpopts.IgnoreFields(pantry.Build{}, "Why")); diff != "" {
		t.Errorf("metadata (- wanted, + got):\n%s", diff)
	}
	if why := m.Tool.Builds[0].Why; !strings.Contains(why, "tool_1.2.3_linux_amd64.tar.gz: linux +100, amd64 +50") {
		t.Errorf("why: %s", why)
	}
	if got, err := read(t.Context(), r, m.Artifact); err != nil || got != "lx" {
		t.Errorf("%q, %v", got, err)
	}
	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestPlatforms: the artifact is the build for the platform that was given, whichever it is.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{{Tag: "v1", Assets: []githubtest.Asset{
		{Name: "tool-x86_64-unknown-linux-gnu.tar.gz"}, {Name: "tool-x86_64-unknown-linux-musl.tar.gz"}, {Name: "tool-riscv64-linux"},
		{Name: "tool-x86_64-apple-darwin.tar.gz"}, {Name: "tool-x86_64-pc-windows-msvc.zip"},
	}}}})
	for pl, want := range map[pantry.Platform]string{
		{OS: "linux", Arch: "amd64", Libc: "glibc"}: "tool-x86_64-unknown-linux-gnu.tar.gz",
		{OS: "linux", Arch: "amd64", Libc: "musl"}:  "tool-x86_64-unknown-linux-musl.tar.gz",
		{OS: "linux", Arch: "amd64"}:                "tool-x86_64-unknown-linux-musl.tar.gz",
		{OS: "linux", Arch: "riscv64"}:              "tool-riscv64-linux",
		{OS: "darwin", Arch: "arm64"}:               "tool-x86_64-apple-darwin.tar.gz",
		{OS: "windows", Arch: "arm64"}:              "tool-x86_64-pc-windows-msvc.zip",
	} {
		r := connect(t, s, func(o *github.Options, _ *transport.Options) { o.Platform = pl })
		m, err := r.Metadata(t.Context(), "acme/tool", "")
		if err != nil || !strings.HasSuffix(m.Artifact.URL, "/"+want) {
			t.Errorf("%s: %v, %v; want %s", pl, m, err, want)
			continue
		}
		found := false
		for _, b := range m.Tool.Builds {
			found = found || b.Platform == pl && b.File == want
		}
		if !found && pl != (pantry.Platform{OS: "linux", Arch: "amd64"}) {
			t.Errorf("%s: no such build in %+v", pl, m.Tool.Builds)
		}
	}
	r := connect(t, s, func(o *github.Options, _ *transport.Options) {
		o.Platform = pantry.Platform{OS: "linux", Arch: "arm64", Libc: "glibc"}
	})
	_, err := r.Metadata(t.Context(), "acme/tool", "")
	if !errors.Is(err, github.ErrNoAsset) || !strings.Contains(err.Error(), "linux/arm64/glibc") || !strings.Contains(err.Error(), "tool-riscv64-linux") || pantry.Hint(err) == "" {
		t.Errorf("no build for the platform: %v (%s)", err, pantry.Hint(err))
	}
	for _, other := range []error{pantry.ErrNotFound, pantry.ErrUnsupported, pantry.ErrInvalid, pantry.ErrUnavailable} {
		if errors.Is(err, other) {
			t.Errorf("%v matches %q, and another registry would be asked", err, other)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{{Tag: "v1.0.0", Assets: []githubtest.Asset{
		{Name: "lint-linux-x64.gz", Data: []byte("l")}, {Name: "format-linux-x64.gz", Data: []byte("f")}, {Name: "lint_1.0.0_amd64.deb"}, {Name: "lint-linux-x64.gz.sha256", Data: []byte("x")},
	}}}})
	with := func(pattern string) func(*github.Options, *transport.Options) {
		return func(o *github.Options, _ *transport.Options) {
			o.Asset = func(name string) string {
				if name != "acme/tool" {
					t.Errorf("the pattern of %q", name)
				}
				return pattern
			}
		}
	}
	for pattern, want := range map[string]string{"lint-*": "lint-linux-x64.gz", "FORMAT*": "format-linux-x64.gz", "*.deb": "lint_1.0.0_amd64.deb", "lint-linux-x64.gz": "lint-linux-x64.gz"} {
		m, err := connect(t, s, with(pattern)).Metadata(t.Context(), "acme/tool", "1.0.0")
		if err != nil || !strings.HasSuffix(m.Artifact.URL, "/"+want) {
			t.Errorf("%s: %v, %v; want %s", pattern, m, err, want)
		}
	}
	for pattern, want := range map[string]string{
		"":         "2 assets fit linux/amd64/glibc equally well: lint-linux-x64.gz, format-linux-x64.gz",
		"nothing":  `no asset of those that match "nothing" is for linux/amd64/glibc; there are lint-linux-x64.gz`,
		"*-x64*":   `2 assets of those that match "*-x64*" fit`,
		"*.sha256": `no asset of those that match "*.sha256" is for`,
	} {
		_, err := connect(t, s, with(pattern)).Metadata(t.Context(), "acme/tool", "1.0.0")
		if !errors.Is(err, github.ErrNoAsset) || !strings.Contains(strings.ReplaceAll(err.Error(), "format-linux-x64.gz, lint-linux-x64.gz", "lint-linux-x64.gz, format-linux-x64.gz"), want) {
			t.Errorf("%q: %v; want %s", pattern, err, want)
		}
	}
	if _, err := connect(t, s, with("[")).Metadata(t.Context(), "acme/tool", "1.0.0"); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a malformed pattern: %v", err)
	}
}

// TestVerification: where digests come from, and what happens without.
func TestVerification(t *testing.T) {
	t.Parallel()
	const name, data = "tool-linux-amd64.tar.gz", "the bytes"
	old := githubtest.Asset{Name: name, Data: []byte(data), NoDigest: true}
	file := func(name, text string) githubtest.Asset {
		return githubtest.Asset{Name: name, Data: []byte(text), NoDigest: true}
	}
	s512 := integrity.Sum(integrity.SHA512, []byte(data))
	for what, c := range map[string]struct {
		assets []githubtest.Asset
		want   integrity.Set
		err    string
	}{
		"digest of GitHub":                    {assets: []githubtest.Asset{{Name: name, Data: []byte(data)}}, want: sri(data)},
		"digest goes first":                   {assets: []githubtest.Asset{{Name: name, Data: []byte(data)}, file(name+".sha256", hexSum("other"))}, want: sri(data)},
		"companion":                           {assets: []githubtest.Asset{old, file(name+".sha256", hexSum(data)), file("checksums.txt", hexSum("other")+"  "+name)}, want: sri(data)},
		"stronger companion":                  {assets: []githubtest.Asset{old, file(name+".sha256", hexSum(data)), file(name+".sha512", s512.Hex()+"  "+name)}, want: integrity.Set{s512}},
		"collective":                          {assets: []githubtest.Asset{old, file("SHA256SUMS", hexSum("x")+"  other\n"+hexSum(data)+" *"+name+"\n")}, want: sri(data)},
		"companion that is empty, collective": {assets: []githubtest.Asset{old, file(name+".sha256", ""), file("tool_checksums.txt", hexSum(data)+"  ./"+name)}, want: sri(data)},
		"nothing":                             {assets: []githubtest.Asset{old}, err: "the release gives no checksum for the asset"},
		"MD5 alone":                           {assets: []githubtest.Asset{old, file(name+".md5", "d41d8cd98f00b204e9800998ecf8427e")}, err: "gives no checksum"},
		"of others alone":                     {assets: []githubtest.Asset{old, file("checksums.txt", hexSum(data)+"  tool-darwin-arm64.tar.gz")}, err: "gives no checksum"},
		"a page":                              {assets: []githubtest.Asset{old, file("checksums.txt", "<!DOCTYPE html>")}, err: "gives no checksum"},
		"too long":                            {assets: []githubtest.Asset{old, file("checksums.txt", strings.Repeat("x", 2<<20)+hexSum(data)+"  "+name)}, err: "gives no checksum"},
		"two for one":                         {assets: []githubtest.Asset{old, file("checksums.txt", hexSum(data)+"  "+name+"\n"+hexSum("x")+"  "+name)}, err: "given twice"},
		"malformed digest":                    {assets: []githubtest.Asset{{Name: name, Data: []byte(data), Digest: "sha256:abc"}, file(name+".sha256", hexSum(data))}, err: "malformed digest"},
		"unknown digest":                      {assets: []githubtest.Asset{{Name: name, Data: []byte(data), Digest: "md5:d41d8cd98f00b204e9800998ecf8427e"}}, err: "md5 is broken"},
		"no assets":                           {err: "the release has no assets, and the source archive of it has no checksum that lasts"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := start(t, githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{{Tag: "v1.0.0", Assets: c.assets}}, Source: map[string]string{"tool/x": "y"}})
			r := connect(t, s)
			m, err := r.Metadata(t.Context(), "acme/tool", "1.0.0")
			if c.err == "" {
				if err != nil || !cmp.Equal(c.want, m.Artifact.Integrity, cmpopts.EquateComparable(integrity.Digest{})) {
					t.Fatalf("%v, %v; want %v", m, err, c.want)
				}
				if got, err := read(t.Context(), r, m.Artifact); err != nil || got != data {
					t.Errorf("%q, %v", got, err)
				}
				return
			}
			if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(err.Error(), c.err) || !strings.Contains(pantry.Hint(err), `"allowMissingChecksum": true for registry "gh"`) {
				t.Errorf("%v (%s); want it to say %q", err, pantry.Hint(err), c.err)
			}
			p, err := r.Package(t.Context(), "acme/tool")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Metadata("1.0.0"); !errors.Is(err, pantry.ErrPolicy) {
				t.Errorf("from the package: %v", err)
			}
			lax := connect(t, s, unverified)
			m, err = lax.Metadata(t.Context(), "acme/tool", "1.0.0")
			if err != nil || len(m.Artifact.Integrity) != 0 {
				t.Fatalf("unverified: %v, %v", m, err)
			}
			if got, err := read(t.Context(), lax, m.Artifact); err != nil || got != data && len(c.assets) > 0 {
				t.Errorf("unverified: %q, %v", got, err)
			}
		})
	}
}

// TestSource: the archive of a tag, for those who take it.
func TestSource(t *testing.T) {
	t.Parallel()
	files := map[string]string{"lib-1/x": "y"}
	s := start(t, githubtest.Repo{Name: "acme/lib", Tags: []string{"v1.0.0"}, Source: files})
	r := connect(t, s, unverified)
	m, err := r.Metadata(t.Context(), "acme/lib", "")
	if err != nil || m.Tool != nil || m.Version != "1.0.0" {
		t.Fatalf("%+v, %v", m, err)
	}
	if got, err := read(t.Context(), r, m.Artifact); err != nil || got != string(githubtest.TarGz(files)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// TestBytesChanged: an asset that was replaced after its digest was read is not taken for it.
func TestBytesChanged(t *testing.T) {
	t.Parallel()
	s := start(t, tool("v1.0.0"))
	r := connect(t, s)
	m, err := r.Metadata(t.Context(), "acme/tool", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	changed := tool("v1.0.0")
	changed.Releases[0].Assets[0].Data = []byte("something else")
	s.Put(changed)
	if _, err := read(t.Context(), r, m.Artifact); !errors.Is(err, pantry.ErrIntegrity) {
		t.Errorf("other bytes: %v", err)
	}
}

// TestSumsAreReadOnce: builds for all platforms cost one request for a file that has them all.
func TestSumsAreReadOnce(t *testing.T) {
	t.Parallel()
	s := start(t, githubtest.Samples()...)
	r := connect(t, s)
	m, err := r.Metadata(t.Context(), "acme/old", "0.9.0")
	if err != nil || len(m.Tool.Builds) != 6 {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, b := range m.Tool.Builds {
		if len(b.Artifact.Integrity) != 1 {
			t.Errorf("%s has no digest", b.File)
		}
	}
	if n := strings.Count(paths(s), "checksums.txt"); n != 1 {
		t.Errorf("the checksum file was asked for %d times:\n%s", n, paths(s))
	}
}

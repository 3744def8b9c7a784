package github_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/github"
)

// release is one section of testdata/assets.txt.
type release struct {
	repo, tag string
	assets    []string
	want      [][2]string // platform, asset
}

func (r release) tool() string { _, name, _ := strings.Cut(r.repo, "/"); return name }

// releases reads testdata/assets.txt: what well-known projects publish, and which of it is meant
// for which platform. "-" stands for none, "?" for several that nothing tells apart.
func releases(t testing.TB) []release {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "assets.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []release
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		switch {
		case len(fields) == 0:
		case fields[0] == "==":
			all = append(all, release{repo: fields[1], tag: fields[2]})
		case fields[0] == ">":
			r := &all[len(all)-1]
			r.want = append(r.want, [2]string{fields[1], fields[2]})
		default:
			r := &all[len(all)-1]
			r.assets = append(r.assets, fields[0])
		}
	}
	return all
}

func platform(s string) pantry.Platform {
	parts := append(strings.Split(s, "/"), "")
	return pantry.Platform{OS: parts[0], Arch: parts[1], Libc: parts[2]}
}

// outcome is what Choose says, in the words of the file.
func outcome(t testing.TB, c github.Choice, err error) string {
	t.Helper()
	var e *github.AssetError
	switch {
	case err == nil:
		return c.Asset
	case !errors.As(err, &e) || !errors.Is(err, github.ErrNoAsset):
		t.Errorf("an error of another kind: %v", err)
		return "!"
	case len(e.Equal) > 0:
		return "?"
	}
	return "-"
}

// missed are the choices that are not what a person would take, and why. At most one in twenty
// may stand here.
var missed = map[string]string{
	"jqlang/jq 1.7.1 darwin/amd64": "jq-osx-amd64 is the old name of the same file, kept beside jq-macos-amd64",
}

func TestRealReleases(t *testing.T) {
	t.Parallel()
	all := releases(t)
	asked, wrong := 0, 0
	for _, r := range all {
		for _, w := range r.want {
			asked++
			c, err := github.Choose(r.assets, r.tool(), platform(w[0]))
			got := outcome(t, c, err)
			why, known := missed[r.repo+" "+r.tag+" "+w[0]]
			switch {
			case got == w[1] && known:
				t.Errorf("%s for %s is right now: take it off the list (%s)", r.repo, w[0], why)
			case got != w[1]:
				wrong++
				if !known {
					t.Errorf("%s %s for %s: %s, want %s\n%s", r.repo, r.tag, w[0], got, w[1], explain(c, err))
				}
			}
		}
	}
	t.Logf("%d of %d choices in %d releases are right", asked-wrong, asked, len(all))
	if len(all) < 60 || wrong*20 > asked {
		t.Errorf("%d of %d choices in %d releases are wrong", wrong, asked, len(all))
	}
}

func explain(c github.Choice, err error) string {
	candidates := c.Candidates
	var e *github.AssetError
	if errors.As(err, &e) {
		candidates = e.Candidates
	}
	var b strings.Builder
	for i, x := range candidates {
		if i == 8 {
			break
		}
		fmt.Fprintf(&b, "  %4d %s: %s%s\n", x.Score, x.Asset, strings.Join(x.Reasons, ", "), x.Out)
	}
	return b.String()
}

// TestChoice: single rules, on names that show them.
func TestChoice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tool, platform, assets, want, executable string }{
		{"tool", "linux/amd64/glibc", "tool-linux-amd64 tool-linux-arm64", "tool-linux-amd64", "tool"},
		{"tool", "linux/arm64/glibc", "tool-linux-amd64 tool-linux-arm", "-", ""},
		{"tool", "linux/arm64/glibc", "tool-linux.tar.gz", "-", ""},
		{"tool", "linux/amd64/musl", "tool-x86_64-linux-gnu.tar.gz", "-", ""},
		{"tool", "linux/amd64/musl", "tool-x86_64-linux-gnu.tar.gz tool-x86_64-linux.tar.gz", "tool-x86_64-linux.tar.gz", ""},
		{"tool", "linux/amd64", "tool-x86_64-linux-gnu.tar.gz tool-x86_64-linux-musl.tar.gz", "tool-x86_64-linux-musl.tar.gz", ""},
		{"tool", "linux/amd64/glibc", "tool-amd64-linux tool-amd64v3-linux", "tool-amd64-linux", "tool"},
		{"tool", "linux/amd64/glibc", "tool-x86_64-v3-linux.tar.gz tool-x86_64-linux.tar.gz", "tool-x86_64-linux.tar.gz", ""},
		{"tool", "linux/amd64/glibc", "tool-aarch64-linux-android.zip tool-linux-android-x64.zip", "-", ""},
		{"go-arch-lint", "linux/amd64/glibc", "go-arch-lint_1.0_linux_amd64.tar.gz go-arch-lint_1.0_linux_arm64.tar.gz", "go-arch-lint_1.0_linux_amd64.tar.gz", ""},
		{"win32yank", "windows/amd64", "win32yank-x64.zip win32yank-x86.zip", "win32yank-x64.zip", ""},
		{"nix-darwin", "linux/amd64/glibc", "nix-darwin-linux-amd64.gz", "nix-darwin-linux-amd64.gz", "nix-darwin"},
		{"oxc", "darwin/arm64", "oxfmt-aarch64-apple-darwin.tar.gz oxlint-aarch64-apple-darwin.tar.gz", "?", ""},
		{"tool", "linux/amd64/glibc", "tool-linux-amd64-alpha2x tool-linux-amd64-gammax", "?", ""},
		{"tool", "linux/amd64/glibc", "tool-linux-amd64.tar.gz tool_linux_amd64.tar.gz", "?", ""},
		{"tool", "darwin/arm64", "tool-macos-arm.tar.gz tool-macos-x64.tar.gz", "tool-macos-arm.tar.gz", ""},
		{"tool", "darwin/amd64", "tool-macos-arm64.tar.gz", "-", ""},
		{"tool", "windows/arm64", "tool-win-x64.zip tool-win-x86.zip", "tool-win-x64.zip", ""},
		{"tool", "windows/amd64", "tool-x86_64-pc-windows-gnu.zip tool-x86_64-pc-windows-msvc.zip", "tool-x86_64-pc-windows-msvc.zip", ""},
		{"tool", "windows/amd64", "tool-windows-amd64.msi tool-setup.exe", "tool-setup.exe", "tool-setup.exe"},
		{"tool", "linux/amd64/glibc", "tool.deb tool.rpm tool.apk tool-linux-amd64.sbom.json tool-linux-amd64.sha256", "-", ""},
		{"tool", "freebsd/amd64", "tool-linux-amd64 tool-freebsd-amd64", "tool-freebsd-amd64", "tool"},
		{"tool", "linux/amd64/glibc", "", "-", ""},
		{"lib", "linux/arm64/glibc", "lib-1.2.3.tgz", "lib-1.2.3.tgz", ""},
		{"lib", "windows/amd64", "lib-1.2.3.tgz lib-1.2.3.tgz.asc", "lib-1.2.3.tgz", ""},
		{"lib", "linux/amd64/glibc", "lib.jar other.jar", "lib.jar", ""},
		{"src", "linux/amd64/glibc", "src_linux_amd64 src-cli_linux_amd64.deb", "src_linux_amd64", "src"},
		{"tool", "linux/amd64/glibc", "\u202etool-linux-amd64", "\u202etool-linux-amd64", "tool"},
		{"tool", "linux/amd64/glibc", strings.Repeat("x", 300) + "-linux-amd64", strings.Repeat("x", 300) + "-linux-amd64", "tool"},
	} {
		ch, err := github.Choose(strings.Fields(c.assets), c.tool, platform(c.platform))
		if got := outcome(t, ch, err); got != c.want || ch.Executable != c.executable {
			t.Errorf("%s for %s of %s: %s %q, want %s %q\n%s", c.tool, c.platform, c.assets, got, ch.Executable, c.want, c.executable, explain(ch, err))
		}
		if err != nil && (strings.ContainsRune(err.Error(), '\u202e') || len(err.Error()) > 2000) {
			t.Errorf("message %q", err)
		}
	}
}

// TestExplained: a choice says what was thought of every asset.
func TestExplained(t *testing.T) {
	t.Parallel()
	ch, err := github.Choose([]string{"tool-darwin-arm64", "tool-linux-amd64", "checksums.txt", "tool-linux-amd64-debug"}, "tool", linux)
	if err != nil || len(ch.Candidates) != 4 || ch.Candidates[0].Asset != ch.Asset {
		t.Fatalf("%+v, %v", ch, err)
	}
	sum := 0
	for _, r := range ch.Reasons {
		var n int
		if _, err := fmt.Sscanf(r[strings.LastIndexByte(r, ' ')+1:], "%d", &n); err != nil {
			t.Errorf("reason %q has no points", r)
		}
		sum += n
	}
	if sum != ch.Score || ch.Why() != "tool-linux-amd64: "+strings.Join(ch.Reasons, ", ")+fmt.Sprint(" = ", sum) {
		t.Errorf("%s (%d)", ch.Why(), sum)
	}
	for _, c := range ch.Candidates {
		if (c.Out == "") != strings.HasPrefix(c.Asset, "tool-linux") || c.Out == "" && len(c.Reasons) == 0 {
			t.Errorf("%+v", c)
		}
	}
}

// FuzzChoose: whatever assets are called, what is chosen is one of them, and of the platform.
func FuzzChoose(f *testing.F) {
	f.Add("tool-linux-amd64 tool-darwin-arm64.zip", "tool", uint8(0))
	f.Add("x.exe x.deb x_win32_x64.7z", "x", uint8(6))
	f.Add("-.- . .. a.b.c.tar.gz", "", uint8(3))
	platforms := []string{"linux/amd64/glibc", "linux/amd64/musl", "linux/arm64/glibc", "linux/arm64/musl", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}
	f.Fuzz(func(t *testing.T, text, tool string, n uint8) {
		assets := strings.Fields(text)
		pl := platforms[int(n)%len(platforms)]
		ch, err := github.Choose(assets, tool, platform(pl))
		if err != nil {
			outcome(t, ch, err)
			_ = err.Error()
			return
		}
		if !strings.Contains(" "+strings.Join(assets, " ")+" ", " "+ch.Asset+" ") {
			t.Errorf("%q was chosen of %q", ch.Asset, assets)
		}
		if strings.ContainsAny(ch.Executable, "/\\\x00") || ch.Executable == ".." {
			if !strings.ContainsAny(tool, "/\\\x00") && tool != ".." {
				t.Errorf("%q is called %q", ch.Asset, ch.Executable)
			}
		}
		again, err := github.Choose(assets, tool, platform(pl))
		if err != nil || again.Asset != ch.Asset {
			t.Errorf("another time %q, %v", again.Asset, err)
		}
	})
}

func BenchmarkChoose(b *testing.B) {
	all := releases(b)
	for b.Loop() {
		for _, r := range all {
			_, _ = github.Choose(r.assets, r.tool(), linux)
		}
	}
	b.ReportMetric(float64(len(all)), "releases/op")
}

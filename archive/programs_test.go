package archive_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/archive"
)

func TestFindPrograms(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tool  string
		files string // "*" marks executables, "path->target" is a link
		want  string
	}{
		"bin":                  {"tool", "*bin/b *bin/a bin/readme *tool *lib/x README", "bin/a bin/b"},
		"bin, a link":          {"tool", "bin/l->../lib/x *lib/x bin/dead->../lib/y bin/dir->.. lib/z bin/text->../lib/z", "bin/l"},
		"bin, a link to one":   {"tool", "*bin/a bin/b->a bin/c->b", "bin/a bin/b bin/c"},
		"bin, libraries":       {"tool", "*bin/a.exe *bin/a.dll *bin/libx.so *bin/libx.so.1.2 *bin/x.dylib", "bin/a.exe"},
		"bin, scripts":         {"tool", "*bin/a *bin/setup.sh", "bin/a bin/setup.sh"},
		"bin without programs": {"tool", "bin/a *tool", "tool"},
		"bin below":            {"tool", "*x/bin/tool *x/bin/other *y", "x/bin/tool"},
		"one named":            {"gh", "*gh *install.sh *other LICENSE", "gh"},
		"named, not alone":     {"uv", "*uv *uvx *other", "uv uvx"},
		"named, companions":    {"age", "*age *age-keygen *age.sh", "age age-keygen"},
		"named, Windows":       {"age", "*age.exe *age-keygen.exe *age.dll", "age-keygen.exe age.exe"},
		"named, other case":    {"appname", "*AppName *x", "AppName"},
		"named, not exec":      {"tool", "tool *other", "other"},
		"platform":             {"tool", "*tool-linux-amd64 *other", "tool-linux-amd64"},
		"platform, version":    {"tool", "*tool_v1.2.3_Darwin_x86_64 *other", "tool_v1.2.3_Darwin_x86_64"},
		"platform, triple":     {"tool", "*tool-x86_64-unknown-linux-musl *x", "tool-x86_64-unknown-linux-musl"},
		"platform, AppImage":   {"tool", "*tool-1.0-x86_64.AppImage *x", "tool-1.0-x86_64.AppImage"},
		"version only":         {"jq", "*jq-1.7 *x", "jq-1.7"},
		"two platforms":        {"tool", "*tool-linux-amd64 *tool-darwin-arm64", ""},
		"another program":      {"ripgrep", "*rg doc/rg.1 complete/_rg README.md", "rg"},
		"and a script":         {"ripgrep", "*rg *install.sh", "rg"},
		"only a script":        {"ripgrep", "*install.sh README", "install.sh"},
		"top before below":     {"ripgrep", "*rg *contrib/x", "rg"},
		"below":                {"tool", "*a/b/tool *a/b/x *a/y", "a/b/tool"},
		"below, platform":      {"tool", "*a/tool-linux *a/x", "a/tool-linux"},
		"below, only one":      {"tool", "*a/b/x a/c", "a/b/x"},
		"everything is":        {"ripgrep", "*rg *README.md *LICENSE *doc/x.txt", "rg"},
		"ambiguous":            {"tool", "*a *b", ""},
		"ambiguous below":      {"tool", "*x/tool *y/tool", ""},
		"nothing":              {"tool", "a b", ""},
		"no files":             {"tool", "", ""},
		"no tool":              {"", "*a b", "a"},
		"no tool, two":         {"", "*a *b", ""},
		"no tool, platform":    {"", "*a-linux *b", ""},
	}
	for name, tt := range tests {
		var files []archive.Entry
		for _, f := range strings.Fields(tt.files) {
			p, exec := strings.CutPrefix(f, "*")
			p, link, _ := strings.Cut(p, "->")
			files = append(files, archive.Entry{Path: p, Executable: exec, Link: link})
		}
		got := strings.Join(archive.FindPrograms(files, tt.tool), " ")
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestProgramName(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"gh": "gh", "bin/gh": "gh", "a/b/gh.exe": "gh", "tool": "tool", "tool-linux-amd64": "tool", "Tool-1.0-x86_64.AppImage": "Tool",
		"tool_1.2.3": "tool", "tool-1.2.3.exe": "tool", "yq_linux_amd64": "yq", "yq_4.2_darwin_arm64": "yq", "yq-4.2": "yq-4.2",
		"python3.11": "python3.11", "bin/x86_64": "x86_64", "bin/gcc-linux": "gcc-linux", "x86_64-linux-gnu-gcc": "x86_64-linux-gnu-gcc",
		"linux": "linux", "tool-extra": "tool-extra", "toolbox-linux": "toolbox", ".exe": ".exe", "tool-": "tool", "sqlite3": "sqlite3",
	} {
		if got := archive.ProgramName(file, "tool"); got != want {
			t.Errorf("%s: %s, want %s", file, got, want)
		}
	}
	if got := archive.ProgramName("yq_linux_amd64", ""); got != "yq" {
		t.Errorf("without a tool: %s", got)
	}
}

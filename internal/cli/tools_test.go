package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// team is a project with a registry of each type, and what it takes to run commands in it.
type team struct {
	t               *testing.T
	dir, home       string
	github          *githubtest.Server
	pkgx, npm, acme *httptest.Server
	stdout, stderr  bytes.Buffer
}

func newTeam(t *testing.T) *team {
	t.Helper()
	script := func(text string) string { return "#!/bin/sh\n" + text + "\n" }
	tm := &team{t: t, dir: t.TempDir(), home: t.TempDir()}
	tm.github = githubtest.Start(t, githubtest.Options{}, githubtest.Repo{
		Name: "acme/tool",
		Releases: []githubtest.Release{
			{Tag: "v1.0.0", Assets: toolAssets("1.0.0", script("echo tool one"))},
			{Tag: "v1.2.0", Assets: toolAssets("1.2.0", script("echo tool one two"))},
			{Tag: "v2.0.0", Assets: toolAssets("2.0.0", script("echo tool two"))},
		},
	})
	tm.pkgx = httptest.NewServer(pkgxtest.New(pkgxtest.Samples()...))
	t.Cleanup(tm.pkgx.Close)
	tm.npm = httptest.NewServer(npm.Handler(registrytest.NewMemory("npm", registrytest.Pkg{
		Name: "left-pad", Version: "1.3.0", Files: map[string]string{"index.js": "module.exports = 1\n"},
	}), npm.HandlerOptions{}))
	t.Cleanup(tm.npm.Close)
	tm.acme = httptest.NewServer(custom.Handler(registrytest.NewMemory("acme", registrytest.Pkg{
		Name: "@acme/ui", Version: "1.0.0", Dependencies: map[string]string{"left-pad": "^1.0.0"},
		Bin: map[string]string{"ui": "cli.sh"}, Files: map[string]string{"cli.sh": script("echo ui")},
	}), custom.HandlerOptions{}))
	t.Cleanup(tm.acme.Close)
	tm.write("pantry.json", fmt.Sprintf(`{
  "registries": [
    {"name": "acme", "type": "custom", "url": %q, "priority": 10, "packages": ["@acme/*"], "retries": 0},
    {"name": "npm", "type": "npm", "url": %q, "priority": 20, "retries": 0},
    {"name": "github", "type": "github", "url": %q, "retries": 0},
    {"name": "pkgx", "type": "pkgx", "url": %q, "retries": 0},
  ],
  "dependencies": {"left-pad": "^1.3.0", "@acme/ui": "1", "github:acme/tool": "^1.0.0", "pkgx:hello.example": "*"},
}
`, tm.acme.URL, tm.npm.URL, tm.github.URL, tm.pkgx.URL))
	return tm
}

func toolAssets(version, program string) []githubtest.Asset {
	var out []githubtest.Asset
	for _, platform := range []string{"linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64"} {
		out = append(out, githubtest.Asset{
			Name: "tool_" + version + "_" + platform + ".tar.gz",
			Data: githubtest.TarGz(map[string]string{"tool_" + version + "/tool": program, "tool_" + version + "/LICENSE": "free\n"}),
		})
	}
	return out
}

func (tm *team) write(name, content string) {
	tm.t.Helper()
	if err := os.WriteFile(filepath.Join(tm.dir, name), []byte(content), 0o644); err != nil {
		tm.t.Fatal(err)
	}
}

func (tm *team) read(name string) string {
	tm.t.Helper()
	data, err := os.ReadFile(filepath.Join(tm.dir, name))
	if err != nil {
		tm.t.Fatal(err)
	}
	return string(data)
}

// pantry runs a command and returns its exit code.
func (tm *team) pantry(args ...string) int {
	tm.t.Helper()
	tm.stdout.Reset()
	tm.stderr.Reset()
	return Main(context.Background(), Env{
		Args: args, Dir: tm.dir, Stdout: &tm.stdout, Stderr: &tm.stderr, Stdin: strings.NewReader(""),
		Environ: []string{"PATH=/usr/bin:/bin", "HOME=" + tm.home, "XDG_DATA_HOME=" + tm.home, "XDG_CONFIG_HOME=" + tm.home},
	})
}

func (tm *team) must(args ...string) string {
	tm.t.Helper()
	if code := tm.pantry(args...); code != 0 {
		tm.t.Fatalf("pantry %s: exit code %d\n%s", strings.Join(args, " "), code, tm.stderr.String())
	}
	return tm.stdout.String()
}

func (tm *team) remove(names ...string) {
	tm.t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(tm.dir, name)); err != nil {
			tm.t.Fatal(err)
		}
	}
}

// programs runs the project's programs.
func (tm *team) programs() {
	tm.t.Helper()
	for program, want := range map[string]string{"ui": "ui\n", "tool": "tool one two\n"} {
		if got := tm.must("exec", program); got != want {
			tm.t.Errorf("%s printed %q, want %q", program, got, want)
		}
	}
	out, err := exec.Command(filepath.Join(tm.dir, ".pantry", "bin", "hello")).CombinedOutput()
	if err != nil || len(out) == 0 {
		tm.t.Errorf("hello: %v, %q", err, out)
	}
}

// TestFourRegistries: one project installs from a registry of each type, with one lockfile; again from the
// store alone; and with each registry failing in turn.
func TestFourRegistries(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	out := tm.must("install")
	for _, want := range []string{"from acme: 1 package", "from npm: 1 package", "from github: 1 package", "from pkgx: "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	tm.programs()

	lock := tm.read("pantry.lock")
	for _, want := range []string{
		"  prod github:acme/tool ^1.0.0 github:acme/tool@1.2.0\n",
		"package github:acme/tool@1.2.0\n  url -\n",
		"  build linux/amd64", "  build darwin/arm64",
		"package pkgx:hello.example@", "  dep pkgx:greeting.example ",
		"  peer pkgx:phrases.example ", // a companion
	} {
		if !strings.Contains(lock, want) {
			t.Errorf("no %q in\n%s", want, lock)
		}
	}
	if strings.Contains(lock, "http:") {
		t.Errorf("a host in the lockfile:\n%s", lock)
	}

	if out := tm.must("explain", "github:acme/tool@^1"); !strings.Contains(out, "is answered by registry github: version 1.2.0") ||
		!strings.Contains(out, "build for this machine ("+runtime.GOOS+"/"+runtime.GOARCH) || !strings.Contains(out, ", since ") {
		t.Errorf("explain printed\n%s", out)
	}
	if out := tm.must("explain", "pkgx:hello.example"); !strings.Contains(out, "build for this machine (") {
		t.Errorf("explain printed\n%s", out)
	}

	if out := tm.must("why", "pkgx:greeting.example"); !strings.Contains(out, "hello.example") {
		t.Errorf("why printed %q", out)
	}

	before := len(tm.github.Requests())
	if out := tm.must("install"); !strings.HasPrefix(out, "up to date") {
		t.Errorf("the second install printed %q", out)
	}
	tm.remove("node_modules", ".pantry")
	tm.must("install", "--frozen-lockfile", "--offline")
	tm.programs()
	if now := len(tm.github.Requests()); now != before {
		t.Errorf("github was asked %d times more", now-before)
	}
	if got := tm.read("pantry.lock"); got != lock {
		t.Errorf("the lockfile changed:\n%s", got)
	}
}

// TestTwoVersionsOfATool: two projects, two versions, one store.
func TestTwoVersionsOfATool(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	tm.must("install")
	other := *tm
	other.dir = t.TempDir()
	other.write("pantry.json", strings.Replace(tm.read("pantry.json"), `"github:acme/tool": "^1.0.0"`, `"github:acme/tool": "2.0.0"`, 1))
	other.must("install")
	if got := other.must("exec", "tool"); got != "tool two\n" {
		t.Errorf("the second project's tool printed %q", got)
	}
	tm.programs()
	tm.must("remove", "github:acme/tool")
	if code := tm.pantry("exec", "tool"); code != exitNotFound {
		t.Errorf("a removed tool: exit code %d, %s", code, tm.stdout.String())
	}
	if got := tm.must("install", "github:acme/tool@1.0.0"); !strings.Contains(got, "+ github:acme/tool@1.0.0  from github") {
		t.Errorf("install printed %q", got)
	}
	if got := tm.must("exec", "tool"); got != "tool one\n" {
		t.Errorf("the tool printed %q", got)
	}
}

// TestToolsOfTheUser: -g installs for the user, and owner/repo is GitHub's.
func TestToolsOfTheUser(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	config := tm.read("pantry.json")
	user := filepath.Join(tm.home, "pantry")
	if err := os.MkdirAll(user, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(user, "pantry.json"), []byte(config[:strings.Index(config, `  "dependencies"`)]+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tm.remove("pantry.json")
	if out := tm.must("install", "-g", "acme/tool@^1"); !strings.Contains(out, "+ github:acme/tool@1.2.0  from github") {
		t.Errorf("install printed %q", out)
	}
	if entries, err := os.ReadDir(tm.dir); err != nil || len(entries) > 0 {
		t.Errorf("in the project: %v, %v", entries, err)
	}
	out, err := exec.Command("/bin/sh", "-c", tm.must("env", "-g")+"tool").CombinedOutput()
	if err != nil || string(out) != "tool one two\n" {
		t.Errorf("%v: %q", err, out)
	}
	if out := tm.must("list", "-g"); !strings.Contains(out, "github:acme/tool") {
		t.Errorf("list printed %q", out)
	}
}

// BenchmarkTools: a project with fifty tools, and nothing to do.
func BenchmarkTools(b *testing.B) {
	const tools = 50
	gh := githubtest.New(githubtest.Options{Anonymous: 1 << 20})
	srv := httptest.NewServer(gh)
	defer srv.Close()
	var deps []string
	for i := range tools {
		name := fmt.Sprintf("acme/tool%d", i)
		gh.Put(githubtest.Repo{Name: name, Releases: []githubtest.Release{{Tag: "v1.0.0", Assets: toolAssets("1.0.0", "#!/bin/sh\n")}}})
		deps = append(deps, fmt.Sprintf("%q: \"1\"", "github:"+name))
	}
	dir, home := b.TempDir(), b.TempDir()
	config := fmt.Sprintf(`{"registries": [{"name": "github", "type": "github", "url": %q}], "dependencies": {%s}}`, srv.URL, strings.Join(deps, ", "))
	if err := os.WriteFile(filepath.Join(dir, "pantry.json"), []byte(config), 0o644); err != nil {
		b.Fatal(err)
	}
	pantry := func() {
		var out, errs bytes.Buffer
		code := Main(context.Background(), Env{
			Args: []string{"install"}, Dir: dir, Stdout: &out, Stderr: &errs, Stdin: strings.NewReader(""),
			Environ: []string{"HOME=" + home, "XDG_DATA_HOME=" + home},
		})
		if code != 0 {
			b.Fatalf("exit code %d: %s", code, errs.String())
		}
	}
	pantry()
	b.Run("noop", func(b *testing.B) {
		for b.Loop() {
			pantry()
		}
	})
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			if err := os.RemoveAll(filepath.Join(dir, ".pantry")); err != nil {
				b.Fatal(err)
			}
			pantry()
		}
	})
}

// TestAssetPattern: two assets that fit equally well are an error, and a pattern says which.
func TestAssetPattern(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	assets := func(kind string) []githubtest.Asset {
		out := toolAssets("1.0.0", "#!/bin/sh\necho "+kind+"\n")
		for i := range out {
			out[i].Name = strings.Replace(out[i].Name, "tool_", kind+"_", 1)
		}
		return out
	}
	tm.github.Put(githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{
		{Tag: "v1.0.0", Assets: append(assets("red"), assets("blue")...)},
	}})
	if code := tm.pantry("install"); code == 0 || !strings.Contains(tm.stderr.String(), "red_1.0.0") {
		t.Errorf("exit code %d\n%s", code, tm.stderr.String())
	}
	tm.write("pantry.json", strings.Replace(tm.read("pantry.json"), `"type": "github",`, `"type": "github", "assets": {"Acme/tool": "blue_*"},`, 1))
	tm.must("install")
	if got := tm.must("exec", "tool"); got != "blue\n" {
		t.Errorf("the tool printed %q", got)
	}
}

// TestToolsRefused: what is wrong with an artifact stops the install, and leaves nothing behind.
func TestToolsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		asset githubtest.Asset
		want  string
	}{
		{"wrong digest", githubtest.Asset{Data: githubtest.TarGz(map[string]string{"tool": "#!/bin/sh\n"}), Digest: "sha256:" + strings.Repeat("0", 64)}, "integrity check failed"},
		{"no digest", githubtest.Asset{Data: githubtest.TarGz(map[string]string{"tool": "#!/bin/sh\n"}), NoDigest: true}, "checksum"},
		{"a page", githubtest.Asset{Data: []byte("<!doctype html><html></html>")}, "HTML"},
		{"a way out", githubtest.Asset{Data: githubtest.TarGz(map[string]string{"../../tool": "#!/bin/sh\n"})}, "tool"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tm := newTeam(t)
			tt.asset.Name = "tool_1.0.0_linux_amd64.tar.gz"
			tm.github.Put(githubtest.Repo{Name: "acme/tool", Releases: []githubtest.Release{{Tag: "v1.0.0", Assets: []githubtest.Asset{tt.asset}}}})
			code := tm.pantry("install")
			if code == 0 || !strings.Contains(tm.stderr.String(), tt.want) || !strings.Contains(tm.stderr.String(), "acme/tool") {
				t.Errorf("exit code %d\n%s", code, tm.stderr.String())
			}
			for _, name := range []string{"node_modules", ".pantry", "pantry.lock"} {
				if _, err := os.Lstat(filepath.Join(tm.dir, name)); err == nil {
					t.Errorf("%s is there", name)
				}
			}
		})
	}
}

// TestRegistriesDown: each registry is gone in turn, before anything was fetched.
func TestRegistriesDown(t *testing.T) {
	t.Parallel()
	for _, down := range []string{"acme", "npm", "github", "pkgx"} {
		t.Run(down, func(t *testing.T) {
			t.Parallel()
			tm := newTeam(t)
			tm.must("install", "--lockfile-only")
			lock := tm.read("pantry.lock")
			if srv := map[string]*httptest.Server{"acme": tm.acme, "npm": tm.npm, "pkgx": tm.pkgx}[down]; srv != nil {
				srv.Close()
			} else {
				tm.write("pantry.json", strings.Replace(tm.read("pantry.json"), tm.github.URL, "http://127.0.0.1:1", 1))
			}
			if code := tm.pantry("install"); code != exitUnavailable || !strings.Contains(tm.stderr.String(), down) {
				t.Errorf("exit code %d\n%s", code, tm.stderr.String())
			}
			if got := tm.read("pantry.lock"); got != lock {
				t.Errorf("the lockfile changed:\n%s", got)
			}
			if _, err := os.Lstat(filepath.Join(tm.dir, "node_modules")); err == nil {
				t.Error("node_modules is there")
			}
		})
	}
}

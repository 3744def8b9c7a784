package manifest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/manifest"
)

func registries(names ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(names, s) }
}

var known = registries("npm", "acme", "github", "pkgx", "my-reg.2")

const (
	version   = manifest.VersionSpec
	ranged    = manifest.RangeSpec
	tag       = manifest.TagSpec
	remote    = manifest.RemoteSpec
	file      = manifest.FileSpec
	directory = manifest.DirectorySpec
)

func TestParseSpec(t *testing.T) {
	t.Parallel()
	type s = manifest.Spec
	npm := func(typ manifest.SpecType, name, rng string) s {
		return s{Type: typ, Name: name, Package: name, Range: rng}
	}
	tests := []struct {
		arg  string
		want s
	}{
		{"lodash", npm(ranged, "lodash", "*")},
		{"lodash@", npm(ranged, "lodash", "*")},
		{"lodash@4", npm(ranged, "lodash", "4")},
		{"@s/p", npm(ranged, "@s/p", "*")},
		{"@s/p@^1", npm(ranged, "@s/p", "^1")},
		{"lodash@>=1 <2 || 3.x", npm(ranged, "lodash", ">=1 <2 || 3.x")},
		{"lodash@1.2.3", npm(version, "lodash", "1.2.3")},
		{"lodash@v1.2.3", npm(version, "lodash", "v1.2.3")},
		{"lodash@=1.2.3", npm(version, "lodash", "=1.2.3")},
		{"lodash@beta", npm(tag, "lodash", "beta")},
		{"socket.io", npm(ranged, "socket.io", "*")},
		{"a@npm:lodash@4", s{Type: ranged, Name: "a", Package: "lodash", Range: "4"}},
		{"a@npm:@s/p@1.0.0", s{Type: version, Name: "a", Package: "@s/p", Range: "1.0.0"}},
		{"a@npm:lodash", s{Type: ranged, Name: "a", Package: "lodash", Range: "*"}},

		{"npm:lodash@4", s{Type: ranged, Name: "lodash", Registry: "npm", Package: "lodash", Range: "4"}},
		{"npm:@s/p", s{Type: ranged, Name: "@s/p", Registry: "npm", Package: "@s/p", Range: "*"}},
		{"acme:thing", s{Type: ranged, Name: "thing", Registry: "acme", Package: "thing", Range: "*"}},
		{"acme:@acme/thing@beta", s{Type: tag, Name: "@acme/thing", Registry: "acme", Package: "@acme/thing", Range: "beta"}},
		{"a@acme:thing@^1", s{Type: ranged, Name: "a", Registry: "acme", Package: "thing", Range: "^1"}},
		{"my-reg.2:thing@1", s{Type: ranged, Name: "thing", Registry: "my-reg.2", Package: "thing", Range: "1"}},
		{"github:cli/cli@v2.60.0", s{Type: version, Name: "github:cli/cli", Registry: "github", Package: "cli/cli", Range: "v2.60.0"}},
		{"github:o/r@create-vite@5.0", s{Type: tag, Name: "github:o/r", Registry: "github", Package: "o/r", Range: "create-vite@5.0"}},
		{"github:o/.github", s{Type: ranged, Name: "github:o/.github", Registry: "github", Package: "o/.github", Range: "*"}},
		{"pkgx:deno.land@2", s{Type: ranged, Name: "deno.land", Registry: "pkgx", Package: "deno.land", Range: "2"}},
		{"pkgx:gnu.org/bash@^5", s{Type: ranged, Name: "pkgx:gnu.org/bash", Registry: "pkgx", Package: "gnu.org/bash", Range: "^5"}},

		{"pkg:npm/lodash@4.17.21", npm(version, "lodash", "4.17.21")},
		{"pkg:npm/lodash", npm(ranged, "lodash", "*")},
		{"PKG:npm/%40scope/name@1.0.0", npm(version, "@scope/name", "1.0.0")},
		{"pkg:npm/a@1?repository_url=https://registry.example.com/x", s{Type: ranged, Name: "a", Package: "a", Range: "1", RepositoryURL: "https://registry.example.com/x"}},
		{"pkg:github/CLI/Cli@v2.60.0", s{Type: version, Name: "github:cli/cli", Registry: "github", Package: "cli/cli", Range: "v2.60.0"}},
		{"pkg:generic/nodejs.org@20.1.0?repository_url=https:%2F%2Fdist.pkgx.dev",
			s{Type: version, Name: "nodejs.org", Registry: "pkgx", Package: "nodejs.org", Range: "20.1.0", RepositoryURL: "https://dist.pkgx.dev"}},
		{"pkg:acme/thing@1.0", s{Type: ranged, Name: "thing", Registry: "acme", Package: "thing", Range: "1.0"}},

		{"https://x.example/y.tgz", s{Type: remote, URL: "https://x.example/y.tgz"}},
		{"a@http://x.example/y", s{Type: remote, Name: "a", URL: "http://x.example/y"}},
		{"https://github.com/o/r/archive/v1.tar.gz", s{Type: remote, URL: "https://github.com/o/r/archive/v1.tar.gz"}},
		{"https://codeload.github.com/o/r/tar.gz/v1", s{Type: remote, URL: "https://codeload.github.com/o/r/tar.gz/v1"}},
		{"https://gitlab.com/o/r/-/archive/v1/r.tgz", s{Type: remote, URL: "https://gitlab.com/o/r/-/archive/v1/r.tgz"}},
		{"https://x.example/@s/a/-/a-1.tgz", s{Type: remote, URL: "https://x.example/@s/a/-/a-1.tgz"}},

		{"./dir", s{Type: directory, Path: "./dir"}},
		{".", s{Type: directory, Path: "."}},
		{"..", s{Type: directory, Path: ".."}},
		{"../x.tgz", s{Type: file, Path: "../x.tgz"}},
		{"x.TGZ", s{Type: file, Path: "x.TGZ"}},
		{"x-1.0.0.tar.gz", s{Type: file, Path: "x-1.0.0.tar.gz"}},
		{"dir/sub/", s{Type: directory, Path: "dir/sub/"}},
		{"a/b/c", s{Type: directory, Path: "a/b/c"}},
		{"~/x", s{Type: directory, Path: "~/x"}},
		{"/x", s{Type: directory, Path: "/x"}},
		{`C:\x`, s{Type: directory, Path: `C:\x`}},
		{`d:/x.tar`, s{Type: file, Path: "d:/x.tar"}},
		{"file:x", s{Type: directory, Path: "x"}},
		{"FILE:x.tgz", s{Type: file, Path: "x.tgz"}},
		{"a@file:../a", s{Type: directory, Name: "a", Path: "../a"}},
		{"a@./b", s{Type: directory, Name: "a", Path: "./b"}},
		{"file:///x/y", s{Type: directory, Path: "/x/y"}},
		{"file://x", s{Type: directory, Path: "/x"}},
		{"file:/../x", s{Type: directory, Path: "../x"}},
		{"o/r@v1", s{Type: directory, Path: "o/r@v1"}},
	}
	for _, tt := range tests {
		got, err := manifest.ParseSpec(tt.arg, known)
		if err != nil {
			t.Errorf("%q: %v", tt.arg, err)
			continue
		}
		tt.want.Raw = tt.arg
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.arg, diff)
		}
	}
}

func TestParseSpecUnsupported(t *testing.T) {
	t.Parallel()
	tests := []struct{ arg, want, hint string }{
		{"owner/repo", "git repository", "pantry install github:owner/repo"},
		{"owner/repo#v1", "git repository", "pantry install github:owner/repo"},
		{"a@owner/repo", "git repository", "pantry install github:owner/repo"},
		{"github:o/r#v1", "git repository", "pantry install github:o/r"},
		{"github:o/r#semver:^1", "git repository", "pantry install github:o/r"},
		{"github:o/r#x::path:sub", "git repository", "pantry install github:o/r"},
		{"gitlab:o/r", "git repository", "published"},
		{"bitbucket:o/r", "git repository", "published"},
		{"gist:11081aaa281", "git repository", "published"},
		{"sourcehut:~o/r", "git repository", "published"},
		{"git+ssh://git@h.example/o/r.git", "git repository", "published"},
		{"git@h.example:o/r.git", "git repository", "published"},
		{"git+https://h.example/r.git#c", "git repository", "published"},
		{"git://h.example/r.git", "git repository", "published"},
		{"ssh://git@github.com/o/r", "git repository", "published"},
		{"https://github.com/o/r", "git repository", "published"},
		{"https://github.com/o/r.git#v1", "git repository", "published"},
		{"https://www.github.com/o/r/tree/main", "git repository", "published"},
		{"https://gitlab.com/g/o/r", "git repository", "published"},
		{"x@workspace:*", "the workspace: protocol", ""},
		{"x@workspace:^1", "the workspace: protocol", ""},
		{"x@catalog:", "the catalog: protocol", ""},
		{"x@catalog:react18", "the catalog: protocol", ""},
		{"x@link:../x", "the link: protocol", ""},
		{"x@portal:../x", "the portal: protocol", ""},
		{"x@patch:x@1#p.patch", "the patch: protocol", ""},
		{"x@exec:./x.js", "the exec: protocol", ""},
		{"jsr:@std/path@^1", "the jsr: protocol", ""},
		{"x@jsr:@std/path", "the jsr: protocol", ""},
		{"nope:thing@1", `"nope" is neither`, "pantry registry list"},
		{"x@nope:thing@1", `"nope" is neither`, "pantry registry list"},
		{"ftp://x.example/y.tgz", `"ftp" is neither`, ""},
		{"acme://x", `"acme" is neither`, ""},
		{"pkg:pypi/requests@2", `purls of type "pypi"`, ""},
		{"pkg:generic/openssl@1", `purls of type "generic"`, ""},
	}
	for _, tt := range tests {
		_, err := manifest.ParseSpec(tt.arg, registries("npm", "acme", "github"))
		switch {
		case !errors.Is(err, pantry.ErrUnsupported) || errors.Is(err, pantry.ErrConfig):
			t.Errorf("%q: %v", tt.arg, err)
		case !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.arg[max(0, len(tt.arg)-8):]):
			t.Errorf("%q: error %q, want %q", tt.arg, err, tt.want)
		case !strings.Contains(pantry.Hint(err), tt.hint):
			t.Errorf("%q: hint %q, want %q", tt.arg, pantry.Hint(err), tt.hint)
		}
	}
	if _, err := manifest.ParseSpec("jsr:@std/path", registries("jsr")); err != nil {
		t.Errorf("a registry called jsr: %v", err)
	}
	if s, err := manifest.ParseSpec("github:o/r@v1.2", nil); !errors.Is(err, pantry.ErrUnsupported) || s.Type != manifest.GitSpec {
		t.Errorf("github: without such a registry: %+v, %v", s, err)
	}
}

func TestParseSpecErrors(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{
		"", "lodash@foo bar", "lodash@a/b/c\x00", "@s", "@s/", "_a", ".a@\x1b", "a b", "é", "a@npm:", "a@npm:b@npm:c", "a@npm:npm:b", "a@npm:./b",
		"acme:", "acme:../x", "acme:a/../b", "acme:/x", "github:o//r", "npm:..", "file:", "https://", "https://u:secret@x.example/y.tgz",
		"https://u:sec/ret@x.example/y.tgz", "a@https://secret@x.example/y.tgz",
		"pkg:npm", "pkg:npm/..", "pkg:npm/a@1#sub", "pkg:npm/%00", "pkg:github/..%2f..@1", "lodash@" + strings.Repeat("x", 300), strings.Repeat("x", 5000), "a@1\n2",
	} {
		s, err := manifest.ParseSpec(arg, known)
		if err == nil {
			t.Errorf("%q is accepted: %+v", arg, s)
			continue
		}
		if !errors.Is(err, pantry.ErrConfig) || errors.Is(err, pantry.ErrUnsupported) {
			t.Errorf("%q: %v", arg, err)
		}
		if strings.Contains(err.Error()+pantry.Hint(err), "sec") || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
			t.Errorf("%q: message %q", arg, err)
		}
	}
}

func TestParseDependency(t *testing.T) {
	t.Parallel()
	type s = manifest.Spec
	tests := []struct {
		name, value string
		want        s
		again       string // what Value writes, where it is not value
	}{
		{"a", "^1", s{Type: ranged, Name: "a", Package: "a", Range: "^1"}, ""},
		{"a", "", s{Type: ranged, Name: "a", Package: "a", Range: "*"}, "*"},
		{"a", " 1.0.0 ", s{Type: version, Name: "a", Package: "a", Range: "1.0.0"}, "1.0.0"},
		{"a", "npm:other@^1", s{Type: ranged, Name: "a", Package: "other", Range: "^1"}, ""},
		{"a", "npm:@s/o", s{Type: ranged, Name: "a", Package: "@s/o", Range: "*"}, ""},
		{"a", "acme:thing@1", s{Type: ranged, Name: "a", Registry: "acme", Package: "thing", Range: "1"}, ""},
		{"a", "acme:a", s{Type: ranged, Name: "a", Registry: "acme", Package: "a", Range: "*"}, ""},
		{"a", "pkgx:gnu.org/bash@5", s{Type: ranged, Name: "a", Registry: "pkgx", Package: "gnu.org/bash", Range: "5"}, ""},
		{"github:cli/cli", "^2.60.0", s{Type: ranged, Name: "github:cli/cli", Registry: "github", Package: "cli/cli", Range: "^2.60.0"}, ""},
		{"a", "https://x.example/a.tgz", s{Type: remote, Name: "a", URL: "https://x.example/a.tgz"}, ""},
		{"a", "file:../a", s{Type: directory, Name: "a", Path: "../a"}, ""},
		{"a", "./a.tgz", s{Type: file, Name: "a", Path: "./a.tgz"}, "file:./a.tgz"},
		{"a", "x.tgz", s{Type: file, Name: "a", Path: "x.tgz"}, "file:x.tgz"},
	}
	for _, tt := range tests {
		got, err := manifest.ParseDependency(tt.name, tt.value, known)
		if err != nil {
			t.Errorf("%s@%s: %v", tt.name, tt.value, err)
			continue
		}
		tt.want.Raw = tt.value
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s@%s (-want +got):\n%s", tt.name, tt.value, diff)
		}
		if tt.again == "" {
			tt.again = tt.value
		}
		if v := got.Value(); v != tt.again {
			t.Errorf("%s@%s: Value = %q", tt.name, tt.value, v)
		}
	}
	for _, tt := range [][2]string{{"a", "github:o/r"}, {"a", "o/r"}, {"a", "workspace:*"}, {"a", "acme2:x@1"}, {"nope:a", "1"}, {"a", "jsr:@s/p@1"}} {
		if _, err := manifest.ParseDependency(tt[0], tt[1], known); !errors.Is(err, pantry.ErrUnsupported) {
			t.Errorf("%v: %v", tt, err)
		}
	}
	for _, tt := range [][2]string{{"../a", "1"}, {"", "1"}, {"a", "b c"}, {"a", "1\x00"}, {"a", "npm:../b"}, {"acme:../x", "1"}, {"a:", "1"}, {":a", "1"}, {"a", strings.Repeat("1", 5000)}} {
		if _, err := manifest.ParseDependency(tt[0], tt[1], known); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%v: %v", tt, err)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, arg := range []string{"a@npm:@s/b@1", "acme:x@1", "pkg:npm/%40s/a@1?repository_url=https:%2F%2Fh#x", "https://u:p@h/x", `C:\x`, "file:///../x", "o/r#semver:^1", "git@h.x:o/r"} {
		f.Add(arg)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		s, err := manifest.ParseSpec(arg, known)
		if err != nil {
			_ = err.Error() + pantry.Hint(err)
			return
		}
		if s.FromRegistry() != (s.Package != "") || s.FromRegistry() != (s.Range != "") {
			t.Fatalf("%q: %+v", arg, s)
		}
		for _, name := range []string{s.Name, s.Package} {
			for seg := range strings.SplitSeq(name, "/") {
				if seg == ".." || strings.ContainsAny(seg, "\\\x00") {
					t.Fatalf("%q: unsafe name %q", arg, name)
				}
			}
		}
		if s.Name == "" || !s.FromRegistry() {
			return
		}
		again, err := manifest.ParseDependency(s.Name, s.Value(), known)
		if err != nil {
			t.Fatalf("%q: %q: %q cannot be read: %v", arg, s.Name, s.Value(), err)
		}
		if s.Registry == "npm" && s.Name == s.Package {
			s.Registry = "" // npm: in a manifest is an alias
		}
		again.Raw, s.Raw, s.RepositoryURL = "", "", ""
		if again != s {
			t.Fatalf("%q: %+v, written and read %+v", arg, s, again)
		}
	})
}

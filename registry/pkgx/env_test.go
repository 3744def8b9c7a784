package pkgx_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx"
)

// exists takes folders from a list of those there are.
func exists(folders ...string) func(string) bool {
	set := make(map[string]bool)
	for _, f := range folders {
		set[filepath.FromSlash(f)] = true
	}
	return func(path string) bool { return set[path] }
}

func getenv(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func TestEnvFolders(t *testing.T) {
	t.Parallel()
	installed := []pkgx.Installed{
		{Project: "a", Version: "1", Prefix: "/s/a"}, {Project: "b", Version: "2", Prefix: "/s/b"}, {Project: "gnu.org/glibc", Version: "2", Prefix: "/s/g"},
	}
	there := exists(
		"/s/a/bin", "/s/a/sbin", "/s/a/share", "/s/a/share/man", "/s/a/share/pkgconfig", "/s/a/lib", "/s/a/lib/pkgconfig", "/s/a/include", "/s/a/share/aclocal",
		"/s/b/bin", "/s/b/lib64", "/s/b/lib", "/s/b/man", "/s/g/lib", "/s/g/include", "/s/g/bin",
	)
	want := map[string][]string{
		"PATH":            {"/s/a/bin", "/s/a/sbin", "/s/b/bin", "/s/g/bin", "/usr/bin:/bin"},
		"MANPATH":         {"/s/a/share/man", "/s/b/man", "/usr/share/man"},
		"PKG_CONFIG_PATH": {"/s/a/share/pkgconfig", "/s/a/lib/pkgconfig"},
		"XDG_DATA_DIRS":   {"/s/a/share", "/usr/local/share", "/usr/share", "/mine"},
		"ACLOCAL_PATH":    {"/s/a/share/aclocal"},
		"LIBRARY_PATH":    {"/s/a/lib", "/s/b/lib", "/s/b/lib64"},
		"LD_LIBRARY_PATH": {"/s/a/lib", "/s/b/lib", "/s/b/lib64"},
		"CPATH":           {"/s/a/include"},
	}
	o := pkgx.EnvOptions{Platform: linux, Exists: there, Getenv: getenv("PATH", "/usr/bin:/bin", "XDG_DATA_DIRS", "/mine", "CPATH", "")}
	if diff := cmp.Diff(want, pkgx.Env(installed, o)); diff != "" {
		t.Errorf("Linux (- wanted, + got):\n%s", diff)
	}
	o.Platform.OS = "darwin"
	want["DYLD_FALLBACK_LIBRARY_PATH"] = want["LIBRARY_PATH"]
	if diff := cmp.Diff(want, pkgx.Env(installed, o)); diff != "" {
		t.Errorf("macOS (- wanted, + got):\n%s", diff)
	}
	installed[1].Project = "cmake.org"
	o.Exists = exists("/s/a", "/s/b")
	if diff := cmp.Diff(map[string][]string{"CMAKE_PREFIX_PATH": {"/s/a", "/s/b"}}, pkgx.Env(installed, o)); diff != "" {
		t.Errorf("with cmake (- wanted, + got):\n%s", diff)
	}
	o = pkgx.EnvOptions{Platform: pantry.Platform{OS: "windows", Arch: "amd64"}, Exists: exists("/s/a/bin", "/s/a/lib", "/s/a/include", "/s/a/share/man", "/s/a/share")}
	if diff := cmp.Diff(map[string][]string{"PATH": {"/s/a/bin"}, "LIB": {"/s/a/lib"}, "INCLUDE": {"/s/a/include"}}, pkgx.Env(installed, o)); diff != "" {
		t.Errorf("Windows (- wanted, + got):\n%s", diff)
	}
	if got := pkgx.Env(nil, pkgx.EnvOptions{}); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	if got := pkgx.Env(installed[:1], pkgx.EnvOptions{}); len(got["PATH"]) != 2 {
		t.Errorf("without Exists: %v", got)
	}
}

func TestEnvRuntime(t *testing.T) {
	t.Parallel()
	outside := []string{
		"SET", "mine", "EMPTY", "", "LIST", "/mine", "HOME", "/home/u", "CFLAGS", "-O2",
	}
	for value, want := range map[string]string{
		"X={{prefix}}/x":                         "/s/a/x",
		"X=${{prefix}}/x:${{ prefix }}":          "/s/a/x:/s/a",
		"X={{version}} {{version.raw}}":          "1.2.0 1.2",
		"X={{version.major}}.{{ version.minor}}": "1.2",
		"X={{version.patch}}":                    "0",
		"X=${{version.marketing}}":               "1.2",
		"X={{deps.other.org/x.prefix}}/bin":      "/s/o/bin",
		"X={{deps.other.org/x.version}}":         "1.1.1q",
		"X={{deps.other.org/x.version.patch}}":   "1",
		"X={{deps.other.org.prefix}}":            "<none>",
		"X={{deps.gone.org.prefix}}/x":           "<none>",
		"X={{unknown}}":                          "<none>",
		"X={{prefix":                             "{{prefix",
		"X=a}}b":                                 "a}}b",
		"X=${{home}}/.local":                     "/home/u/.local",
		"SET={{prefix}}":                         "<none>",
		"EMPTY={{prefix}}":                       "/s/a",
		"LIST={{prefix}}:$LIST":                  "/s/a:/mine",
		"LIST=$LIST:{{prefix}}":                  "/mine:/s/a",
		"LIST={{prefix}}:${LIST}":                "/s/a:/mine",
		"X={{prefix}}:$X":                        "/s/a",
		"X=$X:{{prefix}}":                        "/s/a",
		"X=$X;{{prefix}}":                        "/s/a",
		"X=a:$X:b":                               "a:b",
		"X=a:${X}:${X}:b":                        "a:b",
		"X=a $X b":                               "a  b",
		"X=$X":                                   "",
		"X=$CFLAGS -I{{prefix}}/include":         "-O2 -I/s/a/include",
		"X=${X:-{{prefix}}/share}":               "/s/a/share",
		"SET=${SET:-{{prefix}}/share}":           "mine",
		"X=a$":                                   "a$",
		"X=$1 $$ ${ ${} ${1x} $":                 "$1 $$ ${ ${} ${1x} $",
		"X=$LISTS":                               "",
		"9X=1":                                   "<none>",
		"A B=1":                                  "<none>",
	} {
		name, v, _ := strings.Cut(value, "=")
		got := pkgx.Env([]pkgx.Installed{
			{Project: "a", Version: "1.2", Prefix: "/s/a", Runtime: map[string]string{name: v}},
			{Project: "other.org/x", Version: "1.1.1q", Prefix: "/s/o"},
		}, pkgx.EnvOptions{Exists: exists(), Getenv: getenv(outside...)})
		parts, set := got[name]
		text := strings.Join(parts, ":")
		if !set {
			text = "<none>"
		}
		if text != want {
			t.Errorf("%s: %q, want %q", value, text, want)
		}
	}
}

// TestEnvOrder: the first bottle that sets a variable has it, and later ones can only add.
func TestEnvOrder(t *testing.T) {
	t.Parallel()
	got := pkgx.Env([]pkgx.Installed{
		{Project: "a", Version: "1", Prefix: "/a", Runtime: map[string]string{"ONE": "a", "ALL": "{{prefix}}:$ALL", "PATH": "$PATH:{{prefix}}/tools"}},
		{Project: "b", Version: "1", Prefix: "/b", Runtime: map[string]string{"ONE": "b", "ALL": "{{prefix}}:$ALL", "TWO": "$ONE-$THREE", "THREE": "3"}},
	}, pkgx.EnvOptions{Exists: exists("/a/bin", "/b/bin"), Getenv: getenv("PATH", "/bin")})
	want := map[string][]string{
		"PATH": {"/a/bin:/b/bin:/bin:/a/tools"}, "ONE": {"a"}, "ALL": {"/b:/a"}, "TWO": {"a-3"}, "THREE": {"3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(- wanted, + got):\n%s", diff)
	}
}

package pkgx_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/registry/pkgx"
)

func FuzzVersions(f *testing.F) {
	for _, s := range []string{"1.0\n1.1.1q\n2024.1.1\n", "v1\r\n\r\nbeta", "<html>", "1.1.118\n1", strings.Repeat("9", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		versions, err := pkgx.ParseVersions("openssl.org", data)
		if err != nil {
			return
		}
		for i, v := range versions {
			if strings.Trim(v, "0123456789.abcdefghijklmnopqrstuvwxyz") != "" || strings.Contains(v, "..") || !strings.Contains(string(data), v) {
				t.Errorf("%q is no version of %q", v, data)
			}
			if i > 0 && pkgx.Compare(versions[i-1], v) > 0 || slices.Contains(versions[:i], v) {
				t.Errorf("%q stands after %q", v, versions[:i])
			}
		}
	})
}

func FuzzSum(f *testing.F) {
	good := strings.Repeat("0123456789abcdef", 4)
	for _, s := range []string{good + "  v1.0.tar.xz\n", good + " *x\n" + good + "  v1.0.tar.xz", good, "<html>", good + "  a/b/../v1.0.tar.xz"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const file = "v1.0.tar.xz"
		sum, err := pkgx.SumOf(data, file)
		if err != nil || sum == "" {
			return
		}
		if len(sum) != 64 || !strings.Contains(strings.ToLower(string(data)), sum) {
			t.Errorf("%q is not in %q", sum, data)
		}
	})
}

// FuzzRecipe: whatever a recipe says, what is made of it can stand in URLs, environments and on a
// terminal.
func FuzzRecipe(f *testing.F) {
	for _, s := range []string{
		"display-name: x\nprovides:\n  - bin/a{{version}}\ndependencies:\n  a.b/c: 1.1\n  linux:\n    d: ^2,~3\n",
		"runtime:\n  env:\n    A: ${{prefix}}:$A\n    linux: {B: [x, y]}\nplatforms: [linux/x86-64]\n",
		"companions: {a: '*'}\ninterprets: {extensions: [js], args: node}\nversions: {github: a/b/tags}\ndeprecated: yes\n",
		"a: &a [*a]\nprovides: *a\n", "build: |\n  provides:\n---\nx", "dependencies: &d {a: 1}\ncompanions: *d", "{a: b}", "? [a]\n: b",
		"\"display-name\": \"\\u202e\"", "provides: {linux: x, darwin: {executable: bin/y}}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return // what is larger than a recipe takes longer and shows no more
		}
		r, err := pkgx.ReadRecipe(data, "linux", "x86-64")
		if err != nil {
			if strings.ContainsAny(err.Error(), "\x1b\x00\n") {
				t.Errorf("control characters in %q", err)
			}
			return
		}
		for _, needs := range []map[string]string{r.Dependencies, r.Companions} {
			for project, constraint := range needs {
				if strings.ContainsAny(project, " \\%?#@\n") || strings.Contains("/"+project+"/", "/../") || project == "" {
					t.Errorf("project %q", project)
				}
				if _, err := pkgx.ParseConstraint(constraint); err != nil {
					t.Errorf("constraint %q: %v", constraint, err)
				}
			}
		}
		for name := range r.Env {
			if name == "" || strings.ContainsAny(name, "= \x00") {
				t.Errorf("variable %q", name)
			}
		}
		for _, p := range r.Provides {
			if filepath.IsAbs(p) || strings.HasPrefix(p, "../") || strings.ContainsAny(p, "\x00\n\x1b") {
				t.Errorf("program %q", p)
			}
		}
		if strings.ContainsAny(r.Display+r.Description+r.Repository+r.Deprecated, "\x1b\n\u202e") {
			t.Errorf("not fit to be shown: %+v", r)
		}
		left, all, ok := pkgx.Shortened(data)
		if ok && all != nil && left != nil {
			for _, key := range left {
				if !slices.Contains(all, key) {
					t.Errorf("%q is in the shortened recipe and not in the whole one", key)
				}
			}
		}
	})
}

func FuzzArchive(f *testing.F) {
	for _, name := range []string{"recipes.tar.xz", "recipes-x86-blocks.tar.xz"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	zipped, _ := samples().Get("pantry.tgz")
	f.Add(zipped)
	r, _ := connect(f, samples())
	r.Limit(1<<16, 1<<16, 1<<12, 20, 1<<16, 1<<16)
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := r.ReadArchive(t.Context(), strings.NewReader(string(data))); err == nil && got == "" {
			t.Error("no recipe and no error")
		}
	})
}

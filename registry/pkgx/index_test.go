package pkgx_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

func TestRecipes(t *testing.T) {
	t.Parallel()
	everywhere := []string{"darwin/aarch64", "darwin/x86-64", "linux/aarch64", "linux/x86-64", "windows/x86-64"}
	for name, c := range map[string]struct {
		yaml string
		want pkgx.Recipe
	}{
		"constraints": {
			"dependencies:\n  a: 1\n  b: 1.1\n  c: '1.1'\n  d: 1.1.1\n  e: ^2\n  f: '*'\n  g: '>=1<2'\n  h: 1.10\n  i: '1.10'\n  j: ~1.2 || ^3\n",
			pkgx.Recipe{Dependencies: map[string]string{
				"a": "^1", "b": "^1.1", "c": "1.1", "d": "1.1.1", "e": "^2", "f": "*", "g": ">=1<2", "h": "^1.1", "i": "1.10", "j": "~1.2 || ^3",
			}},
		},
		"platforms of dependencies": {
			"dependencies:\n  linux:\n    a: 2\n    l: 1\n  a: 1\n  b: 1\n  darwin:\n    b: 2\n  linux/x86-64:\n    x: 1\n  x86-64:\n    y: 1\n  aarch64:\n    z: 1\n  windows:\n    w: 1\n",
			pkgx.Recipe{Dependencies: map[string]string{"a": "^2", "b": "^1", "l": "^1", "x": "^1", "y": "^1"}},
		},
		"companions": {"companions:\n  a.b/c: '*'\n  darwin:\n    d: 1\n", pkgx.Recipe{Companions: map[string]string{"a.b/c": "*"}}},
		"no values":  {"dependencies:\ncompanions:\nprovides:\nruntime:\nplatforms:\ninterprets:\nversions:\ndisplay-name:\n", pkgx.Recipe{}},
		"provides": {
			"provides:\n  - bin/node\n  - executable: bin/b\n  - sbin/c\n  - bin/x{{ version.major }}.{{version.minor}}-{{version}}\n  - bin/node\n  - bin/[\n",
			pkgx.Recipe{Provides: []string{"bin/node", "bin/b", "sbin/c", "bin/x1.2-1.2.3", "bin/["}},
		},
		"provides at the left": {"provides:\n- bin/a\n- bin/b\nbuild: x\n", pkgx.Recipe{Provides: []string{"bin/a", "bin/b"}}},
		"provides one":         {"provides: bin/a\n", pkgx.Recipe{Provides: []string{"bin/a"}}},
		"provides by platform": {"provides:\n  linux: [bin/l]\n  darwin: [bin/d]\n", pkgx.Recipe{Provides: []string{"bin/l"}}},
		"environment": {
			"runtime:\n  env:\n    A: ${{prefix}}/x:{{ version.marketing }}:${{ version.raw }}\n    B: 1\n    C: true\n    D: [x, y]\n    E: {a: b}\n    'F G': x\n    H: ''\n    I:\n" +
				"    linux:\n      D: [z]\n      A2: l\n    darwin:\n      A: d\n    linux/aarch64:\n      B: 2\n    J: $J:{{deps.a.b/c.prefix}}\n",
			pkgx.Recipe{Env: map[string]string{
				"A": "{{prefix}}/x:1.2:1.2.3", "B": "1", "C": "1", "D": "x y z", "H": "", "A2": "l", "J": "$J:{{deps.a.b/c.prefix}}",
			}},
		},
		"platforms":   {"platforms: [linux, darwin/aarch64]\n", pkgx.Recipe{BuiltFor: []string{"darwin/aarch64", "linux/aarch64", "linux/x86-64"}}},
		"platform":    {"platforms: darwin\n", pkgx.Recipe{BuiltFor: []string{"darwin/aarch64", "darwin/x86-64"}}},
		"interprets":  {"interprets:\n  extensions: js\n  args: [deno, run]\n", pkgx.Recipe{Extensions: []string{"js"}, Interpreter: []string{"deno", "run"}}},
		"interprets2": {"interprets:\n  extensions: [.ts, js]\n  args: solc --bin\n", pkgx.Recipe{Extensions: []string{"ts", "js"}, Interpreter: []string{"solc", "--bin"}}},
		"texts": {
			"display-name: \"No\x1b[31mde.js\"\nsummary: a runtime\nversions:\n  github: nodejs/node/tags\ndeprecated: use another\n",
			pkgx.Recipe{},
		},
		"all texts": {
			"display-name: \"No\\u202ede.js\"\nsummary: a runtime\nversions:\n  github: nodejs/node/tags\ndeprecated: use another\n",
			pkgx.Recipe{Display: "Node.js", Description: "a runtime", Repository: "https://github.com/nodejs/node", Deprecated: "use another"},
		},
		"deprecated": {"deprecated: true\n", pkgx.Recipe{Deprecated: "deprecated"}},
		"in force":   {"deprecated: false\n", pkgx.Recipe{}},
		"odd repository": {
			"versions:\n  github: ../x\n", pkgx.Recipe{},
		},
		"aliases": {
			"build: &x\n  dependencies: &deps\n    a: 1\ndependencies: *deps\n", pkgx.Recipe{Dependencies: map[string]string{"a": "^1"}},
		},
		"not plain": {
			"---\n? build\n: x\n\"provides\": [bin/a]\n", pkgx.Recipe{Provides: []string{"bin/a"}},
		},
		"in braces":   {"{provides: [bin/a]}", pkgx.Recipe{Provides: []string{"bin/a"}}},
		"left out":    {"build:\n  script: |\n    provides: no\n\n# provides: [bin/x]\n    dependencies: no\ntest:\n- a\nprovides: [bin/a]\r\nname: x", pkgx.Recipe{Provides: []string{"bin/a"}}},
		"other words": {"versions:\n  - 1.2.3\ndistributable: null\naka: x\n", pkgx.Recipe{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pkgx.ReadRecipe([]byte(c.yaml), "linux", "x86-64")
			if name == "texts" {
				if err == nil {
					t.Error("a control character was taken")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.want.BuiltFor == nil {
				c.want.BuiltFor = everywhere
			}
			if diff := cmp.Diff(&c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("recipe (- wanted, + got):\n%s", diff)
			}
		})
	}
}

func TestMalformedRecipes(t *testing.T) {
	t.Parallel()
	bad := []string{
		"", "[]", "5", "a: [", "\t", "dependencies: {../x: 1}", "dependencies: {a: [1]}", "dependencies: {a: }", "dependencies: {a: '>1'}",
		"dependencies: {linux: {a: beta}}", "companions: {'a b': 1}", "provides: [/bin/sh]", "provides: [../x]", "provides: ['']",
		"provides: [{a: b}]", "provides: {beos: [x]}", "platforms: beos", "platforms: [linux/mips]", "a: *x", "<html>",
		"provides: [\"bin/\\e[31m\"]", "dependencies: {a: 99999999999999999999999}", "dependencies: {a: .inf}", "&a a: *a\n? *a\n: x: y: z",
	}
	s := pkgxtest.New(pkgxtest.Samples()...)
	for i, yaml := range bad {
		if got, err := pkgx.ReadRecipe([]byte(yaml), "linux", "x86-64"); err == nil {
			t.Errorf("%q: %+v", yaml, got)
		} else if strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q: control characters in %q", yaml, err)
		}
		s.Add(pkgxtest.Project{Name: fmt.Sprintf("bad%d.example", i), Recipe: yaml, Bottles: versions("1")})
	}
	s.Add(pkgxtest.Project{Name: "large.example", Recipe: "# " + strings.Repeat("x", 2<<20)})
	r, _ := connect(t, s)
	projects, skipped, err := r.Projects(t.Context())
	// An empty text is made a recipe by the server.
	if err != nil || projects != 4+1 || skipped != len(bad)-1+1 {
		t.Errorf("%d projects, %d skipped, %v", projects, skipped, err)
	}
	if _, err := r.Package(t.Context(), "bad5.example"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("a project whose recipe is malformed: %v", err)
	}
}

func TestAmbiguous(t *testing.T) {
	t.Parallel()
	s := pkgxtest.New(
		pkgxtest.Project{Name: "a.example", Recipe: "display-name: Shared\nprovides: [bin/run, bin/one]\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "b.example", Recipe: "provides: [bin/run, bin/shared]\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "c.example", Recipe: "provides: {darwin: [bin/one]}\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "run", Recipe: "display-name: Run\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "vi.example", Recipe: "provides: [bin/vi]\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "macvi.example", Recipe: "provides: [bin/vi]\nplatforms: darwin\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "two.example", Recipe: "display-name: one\n", Bottles: versions("1")},
	)
	r, _ := connect(t, s)
	mac := r.On(pantry.Platform{OS: "darwin", Arch: "arm64"})
	for _, c := range []struct {
		r          *pkgx.Registry
		name, want string
	}{
		{r, "run", "run"}, {r, "a.example", "a.example"}, {r, "A.EXAMPLE", "a.example"}, {r, "Shared", "a.example"}, {r, "RUN", "run"},
		{r, "shared", "a.example b.example"}, {r, "vi", "vi.example"}, {mac, "vi", "macvi.example vi.example"}, {r, "one", "a.example two.example"}, {mac, "one", "a.example c.example two.example"},
	} {
		p, err := c.r.Package(t.Context(), c.name)
		var e *pkgx.AmbiguousError
		switch {
		case err == nil && p.Name() == c.want:
		case errors.As(err, &e) && strings.Join(e.Projects, " ") == c.want && errors.Is(err, pantry.ErrConfig):
			if !strings.Contains(err.Error(), e.Projects[0]+", ") || !strings.Contains(pantry.Hint(err), e.Projects[0]) {
				t.Errorf("%s: %v (%s)", c.name, err, pantry.Hint(err))
			}
		default:
			t.Errorf("%s: %v, %v; want %s", c.name, p, err, c.want)
		}
	}
}

func TestInterpreter(t *testing.T) {
	t.Parallel()
	r, _ := connect(t, samples())
	for _, ext := range []string{"count", ".count"} {
		project, command, err := r.Interpreter(t.Context(), ext)
		if err != nil || project != "tools.example/count" || strings.Join(command, " ") != "count --file" {
			t.Errorf("%s: %s %q, %v", ext, project, command, err)
		}
	}
	if _, _, err := r.Interpreter(t.Context(), "js"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("js: %v", err)
	}
}

// TestIndexSources: where the recipes can be, and how they can be packed.
func TestIndexSources(t *testing.T) {
	t.Parallel()
	s := samples()
	packed, _ := s.Get("pantry.tar.xz")
	zipped, _ := s.Get("pantry.tgz")
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		t.Helper()
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("checkout/projects/a.example/package.yml", []byte("{}"))
	write("checkout/projects/b.example/c/package.yaml", []byte("{}"))
	write("checkout/projects/b.example/README.md", []byte("x"))
	write("checkout/projects/-x/package.yml", []byte("{}"))
	write("checkout/.github/projects/x/package.yml", []byte("{}")) // as in the archive of a repository
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed) }))
	t.Cleanup(other.Close)
	for name, c := range map[string]struct {
		index string
		gone  string
		want  int
		err   error
	}{
		"default":        {"", "", 4, nil},
		"no xz":          {"", "pantry.tar.xz", 4, nil},
		"xz file":        {write("x.tar.xz", packed), "", 4, nil},
		"gzip file":      {write("x.tgz", zipped), "", 4, nil},
		"folder":         {filepath.Join(dir, "checkout"), "", 3, nil},
		"URL":            {other.URL + "/any", "", 4, nil},
		"really packed":  {filepath.Join("testdata", "recipes.tar.xz"), "", 2, nil},
		"filter, blocks": {filepath.Join("testdata", "recipes-x86-blocks.tar.xz"), "", 2, nil},
		"no file":        {filepath.Join(dir, "none"), "", 0, pantry.ErrConfig},
		"empty folder":   {t.TempDir(), "", 0, pantry.ErrConfig},
		"no archive":     {write("x.txt", []byte("hello")), "", 0, pantry.ErrConfig},
		"empty file":     {write("y.txt", nil), "", 0, pantry.ErrConfig},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := samples()
			if c.gone != "" {
				s.SetMissing(404)
				s.Remove(c.gone)
			}
			r, _ := connect(t, s, func(o *pkgx.Options, _ *transport.Options) { o.Index = c.index })
			n, _, err := r.Projects(t.Context())
			if n != c.want || !errors.Is(err, c.err) {
				t.Errorf("%d projects, %v; want %d, %v", n, err, c.want, c.err)
			}
		})
	}
}

// TestDamage: an archive that is cut off is an error, and one that is changed anywhere is one or
// means the same.
func TestDamage(t *testing.T) {
	t.Parallel()
	r, _ := connect(t, samples())
	for _, file := range []string{"recipes.tar.xz", "recipes-x86-blocks.tar.xz"} {
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		want, err := r.ReadArchive(t.Context(), bytes.NewReader(data))
		if err != nil || !strings.Contains(want, "packed.example") {
			t.Fatal(want, err)
		}
		for i := 0; i < len(data); i += 3 {
			if _, err := r.ReadArchive(t.Context(), bytes.NewReader(data[:i])); err == nil {
				t.Errorf("%s cut off after %d of %d bytes was read", file, i, len(data))
			}
			changed := bytes.Clone(data)
			changed[i] ^= 0x10
			if got, err := r.ReadArchive(t.Context(), bytes.NewReader(changed)); err == nil && got != want {
				t.Errorf("%s changed at byte %d was read as %s", file, i, got)
			}
		}
		more := append(bytes.Clone(data), "more"...)
		if _, err := r.ReadArchive(t.Context(), bytes.NewReader(more)); err == nil {
			t.Errorf("%s with something behind it was read", file)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	s := samples()
	s.Put("hello.example/linux/x86-64/versions.txt", []byte("1.0.0\n"+strings.Repeat("2.0.0\n", 100)))
	s.Put("hello.example/linux/x86-64/v1.0.0.tar.xz.sha256sum", bytes.Repeat([]byte(" "), 200))
	const big = 1 << 20
	for name, c := range map[string]struct {
		packed, unpacked, recipe int64
		recipes                  int
		list, sum                int64
		want                     error
	}{
		"all fits":         {big, big, big, 4, big, 200, pantry.ErrPolicy}, // a checksum of spaces
		"packed":           {100, big, big, 100, big, big, pantry.ErrInvalid},
		"unpacked":         {big, 3000, big, 100, big, big, pantry.ErrInvalid},
		"recipes":          {big, big, big, 3, big, big, pantry.ErrInvalid},
		"one recipe":       {big, big, 10, 100, big, big, pantry.ErrInvalid}, // none is left
		"list of versions": {big, big, big, 100, 100, big, pantry.ErrInvalid},
		"checksum":         {big, big, big, 100, big, 100, pantry.ErrInvalid},
	} {
		r, _ := connect(t, s, alone)
		r.Limit(c.packed, c.unpacked, c.recipe, c.recipes, c.list, c.sum)
		if m, err := r.Metadata(t.Context(), "hello.example", "1.0.0"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v; want it to match %q", name, m, err, c.want)
		}
	}
}

// TestBombs: little that unpacks to much is read as far as it may be.
func TestBombs(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for range 64 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	r, _ := connect(t, samples())
	r.Limit(1<<20, 1<<20, 1<<20, 10, 1<<20, 1<<20)
	if got, err := r.ReadArchive(t.Context(), &b); err == nil {
		t.Errorf("%q was read", got)
	}
}

// TestIndexOnce: however many ask at once, the recipes are read once; one who gives up does not
// make the others fail, and a failure is not kept.
func TestIndexOnce(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s)
	s.Set(registrytest.Rule{Path: "/pantry.*", Fault: registrytest.Status(500)})
	if _, _, err := r.Projects(t.Context()); !errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("a failing server: %v", err)
	}
	s.Reset()
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan struct{})
	s.Set(registrytest.Rule{Times: 1, Fault: registrytest.Answer(func(w http.ResponseWriter, q *http.Request) {
		close(waiting)
		<-q.Context().Done()
	})})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, _, err := r.Projects(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the one who gave up: %v", err)
		}
	})
	<-waiting
	for range 16 {
		wg.Go(func() {
			if n, _, err := r.Projects(t.Context()); n != 4 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
		})
	}
	cancel()
	wg.Wait()
	if n := s.Count(); n != 2 {
		t.Errorf("%d requests, want the one that was given up and one more", n)
	}
}

package pkgx_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// project makes one with versions, and dependencies written "name constraint".
func project(name string, list []string, needs ...string) pkgxtest.Project {
	recipe := "dependencies:\n"
	for _, n := range needs {
		dep, constraint, _ := strings.Cut(n, " ")
		recipe += "  " + dep + ": '" + constraint + "'\n"
	}
	return pkgxtest.Project{Name: name, Recipe: recipe, Bottles: versions(list...)}
}

// spell writes bottles as project@version, with what each depends on in parentheses.
func spell(bottles []pkgx.Bottle) string {
	var parts []string
	for _, b := range bottles {
		s := b.Project + "@" + b.Version
		if len(b.Dependencies) > 0 {
			var deps []string
			for _, d := range slices.Sorted(maps.Keys(b.Dependencies)) {
				deps = append(deps, d+"@"+b.Dependencies[d])
			}
			s += "(" + strings.Join(deps, " ") + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestResolve(t *testing.T) {
	t.Parallel()
	some := []string{"2024.1.1", "1.0", "1.1.1q", "1.2", "2.0", "2.5", "3.0"}
	s := pkgxtest.New(append(pkgxtest.Samples(),
		project("a", some, "b ^1", "c *"), project("b", some, "c <3"), project("c", some),
		project("loop1", some, "loop2 ^1"), project("loop2", some, "loop3 *"), project("loop3", some, "loop1 ^2", "loop3 *"),
		project("old", some, "c ^1"), project("new", some, "c ^3"), project("far", some, "old *"),
		project("unicode.org", some), project("u1", some, "unicode.org ^1"), project("u2", some, "unicode.org ^2"),
		project("u3", some, "unicode.org 2.0", "u1 *"),
		project("gap", some, "c ^9"), project("lost", some, "nobody *"), project("both", some, "old *", "new *"),
		pkgxtest.Project{Name: "mac", Recipe: "dependencies: {linux: {c: 1}, darwin: {c: 2}}\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "p1", Recipe: "provides: [bin/tool]\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "p2", Recipe: "provides: [bin/tool]\ncompanions: {c: ~1}\n", Bottles: versions("1")},
		pkgxtest.Project{Name: "p3", Recipe: "dependencies: {p2: '*'}\n", Bottles: versions("1")},
	)...)
	s.Put("bare/linux/x86-64/versions.txt", []byte("7\n")) // bottles without a recipe
	s.Add(project("uses-bare", some, "bare *"))
	r, _ := connect(t, s)
	for _, c := range []struct {
		wishes string // "name constraint, …"
		want   string
	}{
		{"", ""},
		{"c", "c@3.0"}, {"c ^1", "c@1.2"}, {"c 1.1.1", "c@1.1.1q"}, {"c ^2024", "c@2024.1.1"}, {"c latest", "c@3.0"}, {"c <2", "c@1.2"},
		{"a", "c@2.5 b@1.2(c@2.5) a@3.0(b@1.2 c@2.5)"},
		{"a, c 2.0", "c@2.0 b@1.2(c@2.0) a@3.0(b@1.2 c@2.0)"},
		{"b, a", "c@2.5 b@1.2(c@2.5) a@3.0(b@1.2 c@2.5)"},
		{"hello ~1.0", "greeting.example@1.2 hello.example@1.0.0(greeting.example@1.2) phrases.example@3.1.4"},
		{"loop1", "loop3@3.0(loop1@2.5) loop2@1.2(loop3@3.0) loop1@2.5(loop2@1.2)"},
		{"loop2 1.0, loop3", "loop1@2.5(loop2@1.0) loop3@3.0(loop1@2.5) loop2@1.0(loop3@3.0)"},
		{"u1, u2", "unicode.org@1.2 u1@3.0(unicode.org@1.2) unicode.org@2.5 u2@3.0(unicode.org@2.5)"},
		{"u2, u3", "unicode.org@2.0 u2@3.0(unicode.org@2.0) unicode.org@1.2 u1@3.0(unicode.org@1.2) u3@3.0(u1@3.0 unicode.org@2.0)"},
		{"mac", "c@1.2 mac@1(c@1.2)"},
		{"tool, p2", "p2@1 c@1.2"},                      // the program of one that is asked for anyway
		{"p3", "p2@1 p3@1(p2@1)"},                       // only what is asked for has companions
		{"uses-bare", "bare@7 uses-bare@3.0(bare@7)"},   //
		{"count =1.1.1q", "tools.example/count@1.1.1q"}, //
		{"Count ^2023", "tools.example/count@2023.12.31"},
	} {
		wishes := make(map[string]string)
		for w := range strings.SplitSeq(c.wishes, ", ") {
			if name, constraint, _ := strings.Cut(w, " "); name != "" {
				wishes[name] = constraint
			}
		}
		for range 3 { // the order is always the same
			got, err := r.Resolve(t.Context(), wishes)
			if err != nil || spell(got) != c.want {
				t.Fatalf("%q:\n got %s, %v\nwant %s", c.wishes, spell(got), err, c.want)
			}
		}
	}
	mac := r.On(pantry.Platform{OS: "darwin", Arch: "arm64"})
	if got, err := mac.Resolve(t.Context(), map[string]string{"mac": "*"}); err != nil || spell(got) != "c@2.5 mac@1(c@2.5)" {
		t.Errorf("on a Mac: %s, %v", spell(got), err)
	}
	for _, c := range []struct {
		wishes map[string]string
		err    error
		text   string
	}{
		{map[string]string{"old": "*", "new": "*"}, pantry.ErrVersionNotFound, `no version of c satisfies both the "^3" that new needs and the "^1" that old needs`},
		{map[string]string{"both": "*"}, pantry.ErrVersionNotFound, `no version of c satisfies both the "^3" that new needs and the "^1" that old needs`},
		{map[string]string{"far": "*", "c": "2"}, pantry.ErrVersionNotFound, `no version of c satisfies both the "2" that was asked for and the "^1" that old needs`},
		{map[string]string{"old": "*", "c": "latest"}, pantry.ErrVersionNotFound, `the "latest" that was asked for`},
		{map[string]string{"p2": "*", "c": "3"}, pantry.ErrVersionNotFound, `no version of c satisfies both the "3" that was asked for and the "~1" that is wanted beside p2`},
		{map[string]string{"gap": "*"}, pantry.ErrVersionNotFound, `resolve c at registry "tools": version not found that satisfies the "^9" that gap needs: the newest of 7 versions for linux/x86-64 is 3.0`},
		{map[string]string{"lost": "*"}, pantry.ErrVersionNotFound, `the registry has no bottle for linux/x86-64`},
		{map[string]string{"absent": "*"}, pantry.ErrNotFound, `resolve absent at registry "tools": not found`},
		{map[string]string{"../x": "*"}, pantry.ErrNotFound, `x`},
		{map[string]string{"tool": "*"}, pantry.ErrConfig, `"tool" may mean any of the projects p1, p2`},
		{map[string]string{"c": ">3"}, pantry.ErrConfig, `resolve c at registry "tools": configuration error: ">3" is no constraint`},
	} {
		got, err := r.Resolve(t.Context(), c.wishes)
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%v: %s, %v; want it to match %q and say %s", c.wishes, spell(got), err, c.err, c.text)
		}
	}
	bottles, err := r.Resolve(t.Context(), map[string]string{"hello": "^1"})
	if err != nil {
		t.Fatal(err)
	}
	var wishes []string
	for _, b := range bottles {
		wishes = append(wishes, fmt.Sprint(b.Project, " ", b.Wishes))
	}
	if got := strings.Join(wishes, "\n"); got != `greeting.example ["^1" that hello.example needs]
hello.example ["^1" that was asked for]
phrases.example ["*" that is wanted beside hello.example]` {
		t.Errorf("wishes:\n%s", got)
	}
}

func TestResolveFaults(t *testing.T) {
	t.Parallel()
	s := registrytest.NewScripted(samples())
	r, _ := connect(t, s)
	s.Set(registrytest.Rule{Path: "/greeting.example/**", Fault: registrytest.Status(500)})
	_, err := r.Resolve(t.Context(), map[string]string{"hello": "*"})
	if !errors.Is(err, pantry.ErrUnavailable) || !strings.Contains(err.Error(), "resolve greeting.example") {
		t.Errorf("a list that cannot be had: %v", err)
	}
	s.Set()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Resolve(ctx, map[string]string{"hello": "*"}); !errors.Is(err, context.Canceled) || errors.Is(err, pantry.ErrUnavailable) {
		t.Errorf("a cancelled context: %v", err)
	}
}

// TestResolveLaws: whatever the graph, a resolution that succeeds satisfies all wishes, and puts
// what is needed before what needs it unless they need each other.
func TestResolveLaws(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d", "e", "f"}
	s := pkgxtest.New()
	r, _ := connect(t, s)
	rapid.Check(t, func(t *rapid.T) {
		needs := make(map[string]map[string]string)
		var projects []pkgxtest.Project
		for _, n := range names {
			var lines []string
			needs[n] = make(map[string]string)
			for _, to := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(t, "needs of "+n) {
				needs[n][to] = rapid.SampledFrom([]string{"*", "^1", "^2", ">=1", "<3", "~1.1", "=2.0"}).Draw(t, to)
				lines = append(lines, to+" "+needs[n][to])
			}
			projects = append(projects, project(n, []string{"1.0", "1.1", "2.0", "3.0"}, lines...))
		}
		s.Add(projects...)
		fresh := pkgx.Fresh(r)
		bottles, err := fresh.Resolve(context.Background(), map[string]string{"a": "*", "b": "*"})
		if err != nil {
			if !errors.Is(err, pantry.ErrVersionNotFound) {
				t.Fatal(err)
			}
			return
		}
		at, version := make(map[string]int), make(map[string]string)
		for i, b := range bottles {
			at[b.Project], version[b.Project] = i, b.Version
		}
		reaches := closure(needs)
		for from := range version {
			for to, constraint := range needs[from] {
				c, _ := pkgx.ParseConstraint(constraint)
				if !c.Match(version[to]) {
					t.Fatalf("%s needs %s %s, and has %q", from, to, constraint, version[to])
				}
				if at[to] > at[from] && !reaches[to][from] {
					t.Fatalf("%s comes after %s, which needs it: %s", to, from, spell(bottles))
				}
			}
		}
		if len(at) != len(bottles) {
			t.Fatalf("one is there twice: %s", spell(bottles))
		}
	})
}

func closure(needs map[string]map[string]string) map[string]map[string]bool {
	reaches := make(map[string]map[string]bool)
	var visit func(root, n string)
	visit = func(root, n string) {
		for to := range needs[n] {
			if !reaches[root][to] {
				reaches[root][to] = true
				visit(root, to)
			}
		}
	}
	for n := range needs {
		reaches[n] = make(map[string]bool)
		visit(n, n)
	}
	return reaches
}

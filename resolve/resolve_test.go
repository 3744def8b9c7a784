package resolve_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, world, project, want string
		warn                       string // part of the only warning
	}{
		{
			name:    "the highest version that satisfies",
			world:   "a@1.0.0\na@1.2.0\na@2.0.0",
			project: "a@^1.0.0",
			want:    ".: a=1.2.0\na@1.2.0:\n",
		},
		{
			name:    "latest wins over a higher version that satisfies too",
			world:   "a@1.0.0\na@1.1.0\na@1.2.0\ntag a latest 1.1.0",
			project: "a@^1.0.0",
			want:    ".: a=1.1.0\na@1.1.0:\n",
		},
		{
			name:    "a tag",
			world:   "a@1.0.0\na@2.0.0-beta.1\ntag a beta 2.0.0-beta.1",
			project: "a@beta",
			want:    ".: a=2.0.0-beta.1\na@2.0.0-beta.1:\n",
		},
		{
			name:    "deprecated versions are avoided",
			world:   "a@1.0.0\na@1.1.0\ndeprecated a@1.1.0\na@2.0.0",
			project: "a@^1.0.0",
			want:    ".: a=1.0.0\na@1.0.0:\n",
		},
		{
			name:    "what stands at the top is used below if it will do",
			world:   "a@1.0.0 c@^1.0.0\nc@1.0.0\nc@1.5.0",
			project: "a@^1.0.0 c@1.0.0",
			want:    ".: a=1.0.0 c=1.0.0\na@1.0.0: c=1.0.0\nc@1.0.0:\n",
		},
		{
			name:    "else a second version",
			world:   "a@1.0.0 c@^2.0.0\nc@1.0.0\nc@2.0.0",
			project: "a@^1.0.0 c@1.0.0",
			want:    ".: a=1.0.0 c=1.0.0\na@1.0.0: c=2.0.0\nc@1.0.0:\nc@2.0.0:\n",
		},
		{
			name:    "a newer version replaces one at the top that all can do without",
			world:   "a@1.0.0 c@^1.0.0\nb@1.0.0 c@>=1.2.0\nc@1.0.0\nc@1.2.0\ntag c latest 1.0.0",
			project: "a@1.0.0 b@1.0.0",
			want:    ".: a=1.0.0 b=1.0.0\na@1.0.0: c=1.2.0\nb@1.0.0: c=1.2.0\nc@1.2.0:\n",
		},
		{
			name:    "a cycle",
			world:   "a@1.0.0 b@1\nb@1.0.0 a@1",
			project: "a@1",
			want:    ".: a=1.0.0\na@1.0.0: b=1.0.0\nb@1.0.0: a=1.0.0\n",
		},
		{
			name:    "an alias",
			world:   "a@1.0.0\na@2.0.0",
			project: "a@2 old@npm:a@1",
			want:    ".: a=2.0.0 old=a@1.0.0\na@1.0.0:\na@2.0.0:\n",
		},
		{
			name:    "an optional dependency that is nowhere is left out",
			world:   "a@1.0.0 ?gone@1",
			project: "a@1",
			want:    ".: a=1.0.0\na@1.0.0:\n",
			warn:    "optional dependency gone@1 (needed by a@1.0.0) was left out",
		},
		{
			name:    "bundled dependencies are inside",
			world:   "a@1.0.0 !b@1 c@1\nc@1.0.0",
			project: "a@1",
			want:    ".: a=1.0.0\na@1.0.0: c=1.0.0\nc@1.0.0:\n",
		},
		{
			name:    "a peer that the project brings",
			world:   "ui@1.0.0 ^react@^18\nreact@18.0.0\nreact@19.0.0",
			project: "ui@1 react@18",
			want:    ".: react=18.0.0 ui=1.0.0\nreact@18.0.0:\nui@1.0.0: react=18.0.0\n",
		},
		{
			name:    "a peer that nobody brings is installed",
			world:   "ui@1.0.0 ^react@^18\nreact@18.0.0\nreact@19.0.0",
			project: "ui@1",
			want:    ".: ui=1.0.0\nreact@18.0.0:\nui@1.0.0: react=18.0.0\n",
		},
		{
			name:    "one version for peers that can agree",
			world:   "a@1.0.0 ^react@>=17\nb@1.0.0 ^react@^18\nreact@17.0.0\nreact@18.0.0\nreact@19.0.0",
			project: "a@1 b@1",
			want:    ".: a=1.0.0 b=1.0.0\na@1.0.0: react=18.0.0\nb@1.0.0: react=18.0.0\nreact@18.0.0:\n",
		},
		{
			name:    "an optional peer is not installed, but used if it is there",
			world:   "a@1.0.0 ~x@1 ~y@1\nx@1.0.0\ny@1.0.0",
			project: "a@1 y@1",
			want:    ".: a=1.0.0 y=1.0.0\na@1.0.0: y=1.0.0\ny@1.0.0:\n",
		},
		{
			name:    "a peer of the wrong version is told",
			world:   "ui@1.0.0 ^react@^18\nreact@18.0.0\nreact@19.0.0",
			project: "ui@1 react@19",
			want:    ".: react=19.0.0 ui=1.0.0\nreact@19.0.0:\nui@1.0.0: react=19.0.0\n",
			warn:    "ui@1.0.0 expects react@^18 beside it, but there is 19.0.0",
		},
		{
			name: "the same package with two peers is two",
			world: "ui@1.0.0 ^react@*\nreact@18.0.0\nreact@19.0.0\n" +
				"old@1.0.0 ui@1 react@18\n",
			project: "old@1 ui@1 react@19",
			want: ".: old=1.0.0 react=19.0.0 ui=1.0.0(react@19.0.0)\n" +
				"old@1.0.0: react=18.0.0 ui=1.0.0(react@18.0.0)\n" +
				"react@18.0.0:\nreact@19.0.0:\n" +
				"ui@1.0.0(react@18.0.0): react=18.0.0\nui@1.0.0(react@19.0.0): react=19.0.0\n",
		},
		{
			name:    "a peer of a dependency that the project conflicts with is installed beside it",
			world:   "a@1.0.0 ui@1\nui@1.0.0 ^react@18\nreact@18.0.0\nreact@19.0.0",
			project: "a@1 react@19",
			want:    ".: a=1.0.0 react=19.0.0\na@1.0.0: ui=1.0.0\nreact@18.0.0:\nreact@19.0.0:\nui@1.0.0: react=18.0.0\n",
		},
		{
			name:    "a peer passes through a package that does not name it",
			world:   "kit@1.0.0 ui@1\nui@1.0.0 ^react@*\nreact@18.0.0\nreact@19.0.0",
			project: "kit@1 react@18",
			want:    ".: kit=1.0.0 react=18.0.0\nkit@1.0.0: ui=1.0.0\nreact@18.0.0:\nui@1.0.0: react=18.0.0\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, err := resolve.Resolve(context.Background(), project(tt.project), newWorld(t, tt.world), resolve.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, edges(res.Lock)); d != "" {
				t.Error(d)
			}
			var warnings []string
			for _, w := range res.Warnings {
				warnings = append(warnings, w.Message)
			}
			got := strings.Join(warnings, "\n")
			if tt.warn == "" && got != "" || !strings.Contains(got, tt.warn) {
				t.Errorf("warnings %q, want %q", got, tt.warn)
			}
			parsed, err := lockfile.Parse("pantry.lock", res.Lock.Format())
			if err != nil {
				t.Fatalf("the lockfile cannot be read back: %v", err)
			}
			if edges(parsed) != edges(res.Lock) {
				t.Error("the lockfile reads back as another graph")
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, world, project, want string
		is                         error
	}{
		{"nobody has it", "", "gone@1", "gone@1: ", pantry.ErrNotFound},
		{"no such version", "a@1.0.0", "a@^2", `no version of a matches "^2"`, pantry.ErrVersionNotFound},
		{"no such tag", "a@1.0.0", "a@beta", `no version of a matches "beta"`, pantry.ErrVersionNotFound},
		{"deep down", "a@1.0.0 b@1\nb@1.0.0 gone@1", "a@1", "gone@1 (needed by a@1.0.0 > b@1.0.0): ", pantry.ErrNotFound},
		{"a peer", "a@1.0.0 ^gone@1", "a@1", "peer dependency gone@1 of a@1.0.0", pantry.ErrNotFound},
		{"a folder of a package", "a@1.0.0 b@file:../b", "a@1", "b@file:../b (needed by a@1.0.0)", pantry.ErrUnsupported},
		{"a git dependency of a package", "a@1.0.0 b@github:o/r", "a@1", "b@github:o/r (needed by a@1.0.0)", pantry.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := resolve.Resolve(context.Background(), project(tt.project), newWorld(t, tt.world), resolve.Options{})
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q, matching %v", err, tt.want, tt.is)
			}
		})
	}
}

func TestLockIsKept(t *testing.T) {
	t.Parallel()
	before := newWorld(t, "a@1.0.0 c@^1\nc@1.0.0\nd@1.0.0 c@^1")
	first, err := resolve.Resolve(context.Background(), project("a@^1"), before, resolve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	after := newWorld(t, "a@1.0.0 c@^1\na@1.1.0 c@^1\nc@1.0.0\nc@1.1.0\nd@1.0.0 c@^1")

	t.Run("nothing is asked when nothing changed", func(t *testing.T) {
		res, err := resolve.Resolve(context.Background(), project("a@^1"), after, resolve.Options{Old: first.Lock})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(first.Lock.Format()), string(res.Lock.Format())); d != "" {
			t.Error(d)
		}
		if len(after.seen) > 0 {
			t.Errorf("asked for %v", after.seen)
		}
	})
	t.Run("an addition leaves the rest alone", func(t *testing.T) {
		res, err := resolve.Resolve(context.Background(), project("a@^1 d@1"), after, resolve.Options{Old: first.Lock})
		if err != nil {
			t.Fatal(err)
		}
		want := ".: a=1.0.0 d=1.0.0\na@1.0.0: c=1.0.0\nc@1.0.0:\nd@1.0.0: c=1.0.0\n"
		if d := cmp.Diff(want, edges(res.Lock)); d != "" {
			t.Error(d)
		}
	})
	t.Run("a refresh takes the newest", func(t *testing.T) {
		res, err := resolve.Resolve(context.Background(), project("a@^1"), after,
			resolve.Options{Old: first.Lock, Refresh: func(name string) bool { return name == "a" }})
		if err != nil {
			t.Fatal(err)
		}
		want := ".: a=1.1.0\na@1.1.0: c=1.1.0\nc@1.1.0:\n"
		if d := cmp.Diff(want, edges(res.Lock)); d != "" {
			t.Error(d)
		}
	})
	t.Run("a range that the locked version does not satisfy moves it", func(t *testing.T) {
		res, err := resolve.Resolve(context.Background(), project("a@^1.1"), after, resolve.Options{Old: first.Lock})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := res.Lock.Packages["npm:a@1.1.0"]; !ok {
			t.Error(edges(res.Lock))
		}
	})
	t.Run("a package does not change its registry unnoticed", func(t *testing.T) {
		moved := newWorld(t, "a@1.2.0")
		moved.pkgs["a"].registry = "elsewhere"
		_, err := resolve.Resolve(context.Background(), project("a@^1.2"), moved, resolve.Options{Old: first.Lock})
		if !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(err.Error(), `locked from registry "npm", and registry "elsewhere"`) {
			t.Errorf("got %v", err)
		}
	})
}

func TestReach(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "a@1.0.0 c@1\nb@1.0.0 c@1 d@1\nc@1.0.0\nd@1.0.0\no@1.0.0 c@1 e@1\ne@1.0.0")
	res, err := resolve.Resolve(context.Background(), project("a@1 D::b@1 ?::o@1"), w, resolve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[lockfile.ID][2]bool{ // dev, optional
		"npm:a@1.0.0": {false, false}, "npm:b@1.0.0": {true, false}, "npm:c@1.0.0": {false, false},
		"npm:d@1.0.0": {true, false}, "npm:o@1.0.0": {false, true}, "npm:e@1.0.0": {false, true},
	} {
		p := res.Lock.Packages[id]
		if got := [2]bool{p.Dev, p.Optional}; got != want {
			t.Errorf("%s: dev, optional are %v, want %v", id, got, want)
		}
	}
}

func TestPickEngines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "a@1.0.0\na@1.1.0\na@1.2.0\ndeprecated a@1.0.0\ntag a latest 1.2.0")
	engines := func(version, node string) { w.pkgs["a"].versions[version].Engines = map[string]string{"node": node} }
	engines("1.1.0", ">=20")
	engines("1.2.0", ">=22")
	for _, tt := range []struct{ wanted, node, want string }{
		{"^1", "", "1.2.0"},
		{"^1", "v22.3.0", "1.2.0"},
		{"^1", "20.20.2", "1.1.0"},
		{"^1", "18.0.0", "1.0.0"}, // deprecated, but it runs
		{"1.2.0", "18.0.0", "1.2.0"},
		{"1.0.0", "", "1.0.0"},
		{"latest", "18.0.0", "1.2.0"},
	} {
		got, err := resolve.Pick(w.pkgs["a"], tt.wanted, tt.node)
		if err != nil || got != tt.want {
			t.Errorf("%s on node %q: got %s, %v, want %s", tt.wanted, tt.node, got, err, tt.want)
		}
	}
}

// A version that cannot be read is an error where it would be chosen: nobody gets an older one unnoticed.
func TestBrokenVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "a@1.0.0\na@1.1.0\na@2.0.0")
	w.pkgs["a"].broken = "1.1.0"
	if _, err := resolve.Resolve(context.Background(), project("a@^1"), w, resolve.Options{}); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := resolve.Resolve(context.Background(), project("a@^2"), w, resolve.Options{}); err != nil {
		t.Errorf("another version: %v", err)
	}
}

// TestOverriddenAhead: that nothing satisfies a wish that was asked for ahead is forgotten when an override
// wishes for something else.
func TestOverriddenAhead(t *testing.T) {
	t.Parallel()
	m, err := manifest.ParsePackageJSON("package.json", []byte(`{"name":"app","dependencies":{"a":"1.0.0"},"overrides":{"c":"1.0.0"}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, "a@1.0.0 b@1.0.0\nb@1.0.0 c@gone\nc@1.0.0")
	res, err := resolve.Resolve(t.Context(), m, w, resolve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(".: a=1.0.0\na@1.0.0: b=1.0.0\nb@1.0.0: c=1.0.0\nc@1.0.0:\n", edges(res.Lock)); diff != "" {
		t.Error(diff)
	}
}

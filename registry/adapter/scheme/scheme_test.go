package scheme_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/scheme"
)

func lookup(t testing.TB, name string) *scheme.Scheme {
	t.Helper()
	s, ok := scheme.Lookup(name)
	if !ok {
		t.Fatalf("there is no scheme %s", name)
	}
	return s
}

// ascending are versions in the order that the rules of each ecosystem give them.
var ascending = map[string][]string{
	// PEP 440, "Summary of permitted suffixes and relative ordering", with epochs and local versions.
	"pep440": {
		"1.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2",
		"1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7",
		"1.0+5", "1.0+5.0", "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1.1", "2013.10", "1!0.9", "1!1.0",
	},
	// Gem::Version: letters before numbers.
	"rubygems": {
		"0.9", "1.0.a", "1.0.a.1", "1.0.b1", "1.0.b2", "1.0.b10", "1.0.rc1", "1", "1.0.1", "1.2.9.pre", "1.9", "1.10", "1.10.0.1", "2.0-x86", "2.0",
	},
	// SemVer 2.0.0, 11, with pseudo-versions.
	"go": {
		"v0.0.0-20170915032832-14c0d48ead0c", "v0.1.0", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-beta", "v1.0.0-rc.1", "v1.0.0",
		"v1.0.1-0.20190102030405-aaaaaaaaaaaa", "v1.9.0", "v1.10.0", "v2.0.0+incompatible",
	},
	"cargo":  {"0.1.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.9.0", "1.10.0"},
	"semver": {"0.1.0", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.9.0", "1.10.0"},
}

func TestOrder(t *testing.T) {
	t.Parallel()
	for _, name := range scheme.Names() {
		s, want := lookup(t, name), ascending[name]
		if len(want) == 0 {
			t.Fatalf("no order to check %s with", name)
		}
		for i, a := range want {
			if !s.Valid(a) {
				t.Errorf("%s: %q is no version", name, a)
			}
			for j, b := range want {
				if got := s.Compare(a, b); sign(got) != sign(i-j) {
					t.Errorf("%s: Compare(%q, %q) = %d, want the sign of %d", name, a, b, got, i-j)
				}
			}
		}
		got := slices.Clone(want)
		r := rand.New(rand.NewPCG(1, 2))
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		got = append(got, "no version!", "another one!")
		s.Sort(got)
		if all := append([]string{"another one!", "no version!"}, want...); !slices.Equal(got, all) {
			t.Errorf("%s: sorted = %q, want %q", name, got, all)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// TestEqual: spellings of one version.
func TestEqual(t *testing.T) {
	t.Parallel()
	for name, groups := range map[string][][]string{
		"pep440": {
			{"1.1rc1", "1.1RC1", "1.1.rc1", "1.1-rc-1", "1.1c1", "1.1pre1", "1.1_preview_1", "v1.1rc1", " 1.1.0rc01 "},
			{"1.0a0", "1.0a", "1.0.alpha"}, {"1.0.post1", "1.0-1", "1.0post1", "1.0.rev1", "1.0-r1"},
			{"1.0.dev0", "1.0dev", "1.0-DEV"}, {"1.0+ubuntu.1", "1.0+ubuntu-1", "1.0+ubuntu_1"}, {"1", "1.0", "0!1.0.0", "01.00"},
		},
		"rubygems": {{"1", "1.0", "1.0.0"}, {"1.0.a", "1.a", "1.0.0.a.0"}, {"1.0-1", "1.0.pre.1"}},
		"cargo":    {{"1.0.0+a", "1.0.0+b"}},
		"go":       {{"v1.0.0+incompatible", "v1.0.0"}},
	} {
		s := lookup(t, name)
		for _, group := range groups {
			for _, v := range group[1:] {
				if s.Compare(group[0], v) != 0 || !s.Valid(v) {
					t.Errorf("%s: %q is not %q", name, v, group[0])
				}
			}
		}
	}
}

func TestInvalid(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string][]string{
		"pep440":   {"", "x", "1.0-", "1.0.x", "1..0", "1.0+", "1.0+a..b", "1!", "1.0a1b2", "1.0.dev1.post1", "1.0 2"},
		"rubygems": {"", "a", "1.", ".1", "1..2", "1.0!", "1.0-", "v1.0", "1 2"},
		"go":       {"", "1.0.0", "v1", "v1.2", "v1.2.3.4", "vx", "v01.2.3"},
		"cargo":    {"", "1", "1.2", "v1.2.3", "1.2.x"},
		"semver":   {"", "1", "v1.2.3", "latest"},
	} {
		s := lookup(t, name)
		for _, v := range append(versions, strings.Repeat("1", scheme.MaxVersion+1)) {
			if s.Valid(v) {
				t.Errorf("%s: %q is a version", name, v)
			}
		}
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scheme, constraint string
		yes, no            string // separated by blanks
	}{
		{"pep440", "~=2.2", "2.2 2.2.1 2.3 2.99.9 2.2.post1", "2.1 3.0 2.2rc1 3.0.dev1"},
		{"pep440", "~=1.4.5", "1.4.5 1.4.9", "1.5 1.4.4"},
		{"pep440", "~=1.4.5a4", "1.4.5a4 1.4.5 1.4.6", "1.4.5a3 1.5"},
		{"pep440", "~=2.2.post3", "2.2.post3 2.3", "2.2 2.2.post2 3.0"},
		{"pep440", "==1.1", "1.1 1.1.0 1.1+local", "1.1.post1 1.1a1 1.1.1"},
		{"pep440", "==1.1+local", "1.1+local", "1.1 1.1+other"},
		{"pep440", "1.1", "1.1 1.1.0", "1.1.1"},
		{"pep440", "==1.1.*", "1.1 1.1.1 1.1.post1 1.1a1 1.1.0.dev1", "1.2 1.10 1!1.1"},
		{"pep440", "==1.1.0.*", "1.1 1.1.0.5", "1.1.1"},
		{"pep440", "==1.1a1.*", "1.1a1 1.1a1.post2", "1.1a2 1.1"},
		{"pep440", "!=1.1.*,>=1", "1.0 1.2", "1.1 1.1.5 0.9"},
		{"pep440", "<3.1", "3.0 2", "3.1 3.1.dev0 3.1rc1 3.1+x"},
		{"pep440", "<3.1rc2", "3.1rc1 3.0", "3.1rc2 3.1"},
		{"pep440", ">1.7", "1.7.1 1.8 1.7.0.1", "1.7 1.7.0.post1 1.7+local"},
		{"pep440", ">1.7.post2", "1.7.1 1.7.0.post3", "1.7.0 1.7.post2"},
		{"pep440", ">=1, <2", "1 1.9", "2 0.9"},
		{"pep440", "<=1.0", "1.0 1.0+x", "1.0.post1"},
		{"pep440", "===1.0-Odd", "", "1.0"},
		{"rubygems", "~> 2.2", "2.2 2.2.0 2.9 2.10.1", "2.1 3.0 3.0.a"},
		{"rubygems", "~> 2.2.0", "2.2.0 2.2.9", "2.3 2.3.a"},
		{"rubygems", "~> 1", "1 1.9", "2 0.9"},
		{"rubygems", ">= 1.0, < 1.5, != 1.3", "1.0 1.4.9", "1.3 1.5 0.9"},
		{"rubygems", "1.3", "1.3.0", "1.3.1"},
		{"go", "v1", "v1.0.0 v1.9.3", "v2.0.0+incompatible v10.0.0"},
		{"go", "v1.2", "v1.2.0 v1.2.3", "v1.20.0 v1.3.0"},
		{"go", ">=v1.2.3", "v1.2.3 v2.0.0+incompatible", "v1.2.3-pre"},
		{"go", "<v1.2.3", "v1.2.2 v0.1.0", "v1.2.3"},
		{"go", "v1.2.3", "v1.2.3", "v1.2.4"},
		{"cargo", "1.2.3", "1.2.3 1.9.0", "2.0.0 1.2.2"},
		{"cargo", "0.2.3", "0.2.9", "0.3.0"},
		{"cargo", "0.0.3", "0.0.3", "0.0.4"},
		{"cargo", "1", "1.0.0 1.99.0", "2.0.0"},
		{"cargo", "~1.2", "1.2.9", "1.3.0"},
		{"cargo", "1.*", "1.0.0 1.9.9", "2.0.0"},
		{"cargo", "=1.2.3", "1.2.3", "1.2.4"},
		{"cargo", ">= 1.2, < 1.5", "1.2.0 1.4.9", "1.5.0 1.1.0"},
		{"cargo", "1.2", "1.2.0", "1.3.0-beta.1 2.0.0-alpha"},
		{"semver", "^1.2 || 3", "1.9.0 3.1.0", "2.0.0"},
		{"semver", "*", "0.0.1 9.0.0 1.0.0-rc.1", ""},
	} {
		m, err := lookup(t, c.scheme).Constraint(c.constraint)
		if err != nil {
			t.Errorf("%s %q: %v", c.scheme, c.constraint, err)
			continue
		}
		for v := range strings.FieldsSeq(c.yes) {
			if !m.Match(v) {
				t.Errorf("%s %q does not match %s", c.scheme, c.constraint, v)
			}
		}
		for v := range strings.FieldsSeq(c.no) {
			// A prerelease may match and not be asked for.
			if m.Match(v) && (m.Prereleases || !lookup(t, c.scheme).Prerelease(v)) {
				t.Errorf("%s %q matches %s", c.scheme, c.constraint, v)
			}
		}
	}
}

func TestSatisfying(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ scheme, versions, constraint, want string }{
		{"pep440", "1.0 1.1rc1 1.1 2.0b1", ">=1.0", "1.0 1.1"},
		{"pep440", "1.0 1.1rc1 1.1 2.0b1", ">=1.1rc1", "1.1rc1 1.1 2.0b1"},
		{"pep440", "1.0 2.0b1", ">=1.5", "2.0b1"},
		{"pep440", "1.0a1 1.0a2", "", "1.0a1 1.0a2"},
		{"pep440", "1.0 2.0", ">=3", ""},
		{"rubygems", "1.0 1.1.rc1 1.1", ">= 1", "1.0 1.1"},
		{"go", "v1.0.0 v1.1.0-rc.1", "latest", "v1.0.0"},
		{"cargo", "1.0.0 1.1.0-rc.1", "1", "1.0.0"},
	} {
		got, err := lookup(t, c.scheme).Satisfying(strings.Fields(c.versions), c.constraint)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: those of %s that satisfy %q = %q, %v; want %s", c.scheme, c.versions, c.constraint, got, err, c.want)
		}
	}
}

func TestMalformedConstraints(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][]string{
		"pep440":   {"^1.0", "~=1", ">=1.*", "==1.0.dev1.*", ">1.0+local", "one", "=1.0"},
		"rubygems": {"^1", "~>", ">= x", "1.0 2.0"},
		"go":       {"1.0.0", "^v1", "~v1", "main"},
		"cargo":    {"1 || 2", "1,,2", "1.0 - 2.0", "a b"},
	} {
		for _, c := range append(bad, strings.Repeat("1", scheme.MaxConstraint+1)) {
			if _, err := lookup(t, name).Constraint(c); !errors.Is(err, pantry.ErrConfig) {
				t.Errorf("%s: Constraint(%.30q): %v; want it to match %q", name, c, err, pantry.ErrConfig)
			}
		}
	}
	if _, ok := scheme.Lookup("none"); ok {
		t.Error("there is a scheme none")
	}
}

// FuzzScheme: whatever is compared, the order is one: antisymmetric, transitive, and the same by Sort.
func FuzzScheme(f *testing.F) {
	for i, name := range scheme.Names() {
		vs := ascending[name]
		f.Add(uint8(i), vs[0], vs[1], vs[2], ">="+vs[1])
		f.Add(uint8(i), vs[3], "", "x", "~="+vs[3])
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b, c, constraint string) {
		s := lookup(t, scheme.Names()[int(which)%len(scheme.Names())])
		ab, bc, ac := sign(s.Compare(a, b)), sign(s.Compare(b, c)), sign(s.Compare(a, c))
		if ab != -sign(s.Compare(b, a)) || s.Compare(a, a) != 0 {
			t.Errorf("%s: %q and %q have no order", s.Name(), a, b)
		}
		if ab <= 0 && bc <= 0 && ac > 0 || ab >= 0 && bc >= 0 && ac < 0 || ab == 0 && bc != ac {
			t.Errorf("%s: %q, %q and %q go round in a circle", s.Name(), a, b, c)
		}
		list := []string{a, b, c}
		s.Sort(list)
		if s.Compare(list[0], list[1]) > 0 || s.Compare(list[1], list[2]) > 0 {
			t.Errorf("%s: sorted = %q", s.Name(), list)
		}
		some, err := s.Satisfying(list, constraint)
		if err != nil {
			if !errors.Is(err, pantry.ErrConfig) {
				t.Errorf("%s: %v", s.Name(), err)
			}
			return
		}
		m, _ := s.Constraint(constraint)
		for _, v := range some {
			if !m.Match(v) {
				t.Errorf("%s: %q is said to satisfy %q, and does not match", s.Name(), v, constraint)
			}
		}
	})
}

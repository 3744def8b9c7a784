package semver_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/semver"
)

func TestRangeString(t *testing.T) {
	t.Parallel()
	const invalid = "invalid"
	for _, test := range []struct{ in, strict, loose, including string }{
		{"", "*", "*", "*"},
		{"*", "*", "*", "*"},
		{"x.X.*", "*", "*", "*"},
		{">=0", "*", "*", "*"},
		{">=0.0.0", "*", "*", ">=0.0.0"},
		{">=0.0.0-0", ">=0.0.0-0", ">=0.0.0-0", "*"},
		{"1.2.3", "1.2.3", "1.2.3", "1.2.3"},
		{"=v1.2.3+b", "1.2.3", "1.2.3", "1.2.3"},
		{"1.x", ">=1.0.0 <2.0.0-0", ">=1.0.0 <2.0.0-0", ">=1.0.0-0 <2.0.0-0"},
		{"1.2.*", ">=1.2.0 <1.3.0-0", ">=1.2.0 <1.3.0-0", ">=1.2.0-0 <1.3.0-0"},
		{"~1.2.3", ">=1.2.3 <1.3.0-0", ">=1.2.3 <1.3.0-0", ">=1.2.3 <1.3.0-0"},
		{"~> 1.2", ">=1.2.0 <1.3.0-0", ">=1.2.0 <1.3.0-0", ">=1.2.0-0 <1.3.0-0"},
		{"~1", ">=1.0.0 <2.0.0-0", ">=1.0.0 <2.0.0-0", ">=1.0.0-0 <2.0.0-0"},
		{"~1.2.3-beta.2", ">=1.2.3-beta.2 <1.3.0-0", ">=1.2.3-beta.2 <1.3.0-0", ">=1.2.3-beta.2 <1.3.0-0"},
		{"^1.2.3", ">=1.2.3 <2.0.0-0", ">=1.2.3 <2.0.0-0", ">=1.2.3 <2.0.0-0"},
		{"^0.2.3", ">=0.2.3 <0.3.0-0", ">=0.2.3 <0.3.0-0", ">=0.2.3 <0.3.0-0"},
		{"^0.0.3", ">=0.0.3 <0.0.4-0", ">=0.0.3 <0.0.4-0", ">=0.0.3 <0.0.4-0"},
		{"^0.0", "<0.1.0-0", "<0.1.0-0", "<0.1.0-0"},
		{"^0", "<1.0.0-0", "<1.0.0-0", "<1.0.0-0"},
		{"^1.2", ">=1.2.0 <2.0.0-0", ">=1.2.0 <2.0.0-0", ">=1.2.0-0 <2.0.0-0"},
		{"^00.1.2", invalid, ">=0.1.2 <1.0.0-0", ">=0.1.2 <1.0.0-0"},
		{"^ 1.2.3-beta", ">=1.2.3-beta <2.0.0-0", ">=1.2.3-beta <2.0.0-0", ">=1.2.3-beta <2.0.0-0"},
		{">1", ">=2.0.0", ">=2.0.0", ">=2.0.0-0"},
		{">1.2", ">=1.3.0", ">=1.3.0", ">=1.3.0-0"},
		{"<=1.2", "<1.3.0-0", "<1.3.0-0", "<1.3.0-0"},
		{"<1.2", "<1.2.0-0", "<1.2.0-0", "<1.2.0-0"},
		{"> 1.2.3 < 2", ">1.2.3 <2.0.0-0", ">1.2.3 <2.0.0-0", ">1.2.3 <2.0.0-0"},
		{">x", "<0.0.0-0", "<0.0.0-0", "<0.0.0-0"},
		{"1 <*", "<0.0.0-0", "<0.0.0-0", "<0.0.0-0"},
		{"1.2.3 - 2.3.4", ">=1.2.3 <=2.3.4", ">=1.2.3 <=2.3.4", ">=1.2.3-0 <2.3.5-0"},
		{"1.2 - 2.3", ">=1.2.0 <2.4.0-0", ">=1.2.0 <2.4.0-0", ">=1.2.0-0 <2.4.0-0"},
		{"1 - x", ">=1.0.0", ">=1.0.0", ">=1.0.0-0"},
		{"x - 2", "<3.0.0-0", "<3.0.0-0", "<3.0.0-0"},
		{"1.2.3-a - 2.0.0-b", ">=1.2.3-a <=2.0.0-b", ">=1.2.3-a <=2.0.0-b", ">=1.2.3-a <=2.0.0-b"},
		{"1.2.3 - 2.0.0 3", invalid, "1.2.3 2.0.0 >=3.0.0 <4.0.0-0", "1.2.3 2.0.0 >=3.0.0-0 <4.0.0-0"},
		{"1||2", ">=1.0.0 <2.0.0-0||>=2.0.0 <3.0.0-0", ">=1.0.0 <2.0.0-0||>=2.0.0 <3.0.0-0", ">=1.0.0-0 <2.0.0-0||>=2.0.0-0 <3.0.0-0"},
		{"1 || *", "*", "*", "*"},
		{"<0.0.0-0 || 1.2.3", "1.2.3", "1.2.3", "1.2.3"},
		{"1.2.3 || <0.0.0-0", "1.2.3", "1.2.3", "1.2.3"},
		{"<0.0.0-0 || <*", "<0.0.0-0", "<0.0.0-0", "<0.0.0-0"},
		{"<0.0.0-0 || 1.2.3 || 2.0.0", "1.2.3||2.0.0", "1.2.3||2.0.0", "1.2.3||2.0.0"},
		{"1.2.3 * 1.2.3", "1.2.3", "1.2.3", "1.2.3"},
		{"1.2.3beta", invalid, "1.2.3-beta", "1.2.3-beta"},
		{"foo || 1.2.3", invalid, "1.2.3", "1.2.3"},
		{"foo", invalid, invalid, invalid},
		{"foo *", invalid, "*", "*"},
		{"foo * foo", invalid, invalid, invalid},
		{"1.x.3", invalid, invalid, invalid},
		{"1.2.3*", "1.2.3", "1.2.3", "1.2.3"},
		{"9007199254740992", invalid, invalid, invalid},
		{"^9007199254740991", invalid, invalid, invalid},
		{"<=1000000000000000000000 || 1.2.3", invalid, "1.2.3", "1.2.3"},
		{"1.2.3\u00a0||\t2.0.0", "1.2.3||2.0.0", "1.2.3||2.0.0", "1.2.3||2.0.0"},
	} {
		for i, want := range []string{test.strict, test.loose, test.including} {
			r, err := rangeModes[i](test.in)
			got := r.String()
			if err != nil {
				got = invalid
			}
			if got != want {
				t.Errorf("%q, mode %d = %q, want %q", test.in, i, got, want)
			}
			if r.Any() != (want == "*") {
				t.Errorf("%q, mode %d: Any = %v", test.in, i, r.Any())
			}
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rng, version      string
		match, prerelease bool
	}{
		{"^1.2.3", "1.9.0", true, true},
		{"^1.2.3", "2.0.0", false, false},
		{"^1.2.3", "2.0.0-rc.1", false, false},
		{"^1.2.3", "1.2.2", false, false},
		{"^1.2.3", "1.3.0-beta", false, true},
		{"^1.2.3-beta", "1.2.3-rc", true, true},
		{"^1.2.3-beta", "1.2.3-alpha", false, false},
		{"^1.2.3-beta", "1.2.4-beta", false, true},
		{"*", "1.0.0", true, true},
		{"*", "1.0.0-beta", false, true},
		{"", "0.0.0-0", false, true},
		{"1.x", "1.0.0-beta", false, true},
		{"1.x", "2.0.0-0", false, false},
		{"<2", "2.0.0-alpha", false, false},
		{"<=2.0.0-b", "2.0.0-a", true, true},
		{"1.2.3 - 2.0.0", "2.0.0", true, true},
		{"1.2.3 - 2.0.0", "2.0.1-0", false, false},
		{"1.2.3 - 2.0.0", "2.0.1-beta", false, false},
		{"1.2.3 - 2.0.0", "1.2.3-beta", false, true},
		{"1 || 3", "2.0.0", false, false},
		{"1 || 3", "3.5.0", true, true},
		{"<1.0.0-beta || >2.0.0-beta", "2.0.0-rc", true, true},
		{"<0.0.0-0", "0.0.0-0", false, false},
		{">=0.0.0", "0.0.0-alpha", false, false},
		{"=1.0.0-9007199254740993", "1.0.0-9007199254740992", true, true},
	} {
		r, v := rangeOf(t, test.rng), loose(t, test.version)
		if got := r.Match(v); got != test.match {
			t.Errorf("%q matches %s: %v", test.rng, test.version, got)
		}
		for range 2 { // the second call finds what the first has made
			if got := r.MatchPrerelease(v); got != test.prerelease {
				t.Errorf("%q matches %s with prereleases: %v", test.rng, test.version, got)
			}
		}
		if got := semver.Satisfies(test.version, test.rng); got != test.match {
			t.Errorf("Satisfies(%s, %q) = %v", test.version, test.rng, got)
		}
	}
	if semver.Satisfies("1.0", "*") || semver.Satisfies("1.0.0", "nonsense") {
		t.Error("what can't be read satisfies something")
	}
}

func TestZeroValues(t *testing.T) {
	t.Parallel()
	v, r := loose(t, "1.0.0"), rangeOf(t, "*")
	var zero semver.Range
	if zero.Match(v) || zero.MatchPrerelease(v) || zero.Any() || zero.String() != "" || zero.Intersects(r) || r.Intersects(zero) {
		t.Error("the zero Range is satisfied")
	}
	if r.Match(semver.Version{}) || r.MatchPrerelease(semver.Version{}) {
		t.Error("the zero Version satisfies *")
	}
}

// TestPrereleaseRefused has a range that npm refuses with includePrerelease only.
func TestPrereleaseRefused(t *testing.T) {
	t.Parallel()
	const text = "1.0.0 - 1.2.9007199254740991"
	r := rangeOf(t, text)
	if v := loose(t, "1.1.0"); !r.Match(v) || r.MatchPrerelease(v) {
		t.Error("want a match without prereleases only")
	}
	if _, err := semver.ParseRangeIncludePrerelease(text); !errors.Is(err, semver.ErrMalformed) {
		t.Errorf("err = %v", err)
	}
}

func TestRangeLimits(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 2048 {
		many = append(many, fmt.Sprintf("1.0.%d", i))
	}
	all := strings.Join(many, "||")
	r := rangeOf(t, all)
	if !r.Match(loose(t, "1.0.2047")) || r.Match(loose(t, "1.0.2048")) {
		t.Error("2048 alternatives are read wrongly")
	}
	for name, text := range map[string]string{
		"comparators": all + "||2.0.0",
		"one set":     strings.ReplaceAll(all, "||", " ") + " 2.0.0",
		"length":      strings.Repeat(" ", 64<<10) + "1",
	} {
		if _, err := semver.ParseRange(text); !errors.Is(err, semver.ErrMalformed) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	if r = rangeOf(t, strings.Repeat("1.0.0 ", 10000)); r.String() != "1.0.0" {
		t.Errorf("repeated comparators count: %.40q", r)
	}
}

func TestIntersects(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b             string
		forth, back, pre bool
	}{
		{"^1", "^1.5", true, true, true},
		{"^1", "^2", false, false, false},
		{"<1.0.0", ">=1.0.0", false, false, false},
		{"<=1.0.0", ">=1.0.0", true, true, true},
		{"<=1.0.0", ">1.0.0", false, false, false},
		{"1.2.3", "1.2.3", true, true, true},
		{"1.2.3", "1.2.4", false, false, false},
		{"1.2.3", "~1.2", true, true, true},
		{"1.2.3-beta", "~1.2", false, false, true},
		{"*", "1.2.3", true, true, true},
		{"*", "1.2.3-beta", true, false, true},
		{"1 || 3", "2 || 4", false, false, false},
		{"1 || 3", "2 || 3.1", true, true, true},
		{">2 <1", "*", false, false, false},
		{"<0.0.0-0", "*", true, true, true},
		{"<0.0.0-0", ">0.0.0", false, false, false},
		{"<0.0.0-beta", ">=0.0.0-alpha", false, false, true},
	} {
		for i, want := range []bool{test.forth, test.back, test.pre} {
			a, b := test.a, test.b
			if i == 1 {
				a, b = b, a
			}
			parse := rangeModes[1+i/2]
			x, errX := parse(a)
			y, errY := parse(b)
			if err := errors.Join(errX, errY); err != nil {
				t.Fatal(err)
			}
			if got := x.Intersects(y); got != want {
				t.Errorf("%q intersects %q, prereleases %v: %v", a, b, i == 2, got)
			}
		}
	}
}

func TestAllocations(t *testing.T) {
	r := rangeOf(t, "^1.2.3-beta.1 || ~2.3 || >=3.0.0 <4.0.0-0 || 5.0.0 - 6.0.0")
	versions := []semver.Version{loose(t, "1.2.3-beta.10"), loose(t, "4.9.0"), loose(t, "6.0.0"), loose(t, "1.2.3-rc.1+build")}
	r.MatchPrerelease(versions[0])
	for name, f := range map[string]func(){
		"Match": func() {
			for _, v := range versions {
				r.Match(v)
			}
		},
		"MatchPrerelease": func() {
			for _, v := range versions {
				r.MatchPrerelease(v)
			}
		},
		"CompareBuild": func() {
			for _, v := range versions {
				semver.CompareBuild(v, versions[0])
			}
		},
		"ParseLoose": func() { _, _ = semver.ParseLoose("v1.2.3-beta.10+build") },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

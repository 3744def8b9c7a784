package pkgx_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/pkgx"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	// Each of a line is the same, and each line is higher than those before it.
	ladder := [][]string{
		{""},
		{"1..2"}, {"1.0-beta"}, {"1.2.3-4"}, {"abc"}, {"v"}, // no versions, in byte order
		{"0", "0.0.0", "v0"},
		{"1997.1.1"}, {"2023.12.31"}, {"2024.01.02", "2024.1.2", "v2024.1.2.0"}, {"2024.1.10"}, {"20240102"},
		{"0.0.1"}, {"0.0.10"}, {"0.9"}, {"0.10"},
		{"1", "1.0", "1.0.0", "1.0.0.0", "v1", "01.00"},
		{"1.0.0.1"}, {"1.1.1"}, {"1.1.1a", "1.1.1.1"}, {"1.1.1q", "1.1.1.17"}, {"1.1.1.18"}, {"1.1.2"}, {"1.9"}, {"1.10"},
		{"5.64.3.2"}, {"9e", "9.5"}, {"1996"}, {"1996.1"},
	}
	for i, low := range ladder {
		for j, high := range ladder {
			for _, a := range low {
				for _, b := range high {
					if got := pkgx.Compare(a, b); got != cmp.Compare(i, j) {
						t.Errorf("Compare(%q, %q) = %d, want %d", a, b, got, cmp.Compare(i, j))
					}
				}
			}
		}
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		yes, no []string
	}{
		{"*", []string{"0", "1.2.3", "2024.1.1", "1.1.1q"}, []string{"", "beta", "1.0-rc1"}},
		{"", []string{"1"}, []string{"x"}},
		{"latest", []string{"1", "2"}, []string{"x"}},
		{"@latest", []string{"1"}, nil},
		{"^1.2.3", []string{"1.2.3", "1.9", "1.2.3.4", "1.2.4"}, []string{"1.2.2", "2", "2024.1", "1.2"}},
		{"^1", []string{"1", "1.99.99"}, []string{"0.9", "2"}},
		{"^0.3", []string{"0.3", "0.3.9"}, []string{"0.4", "1", "0.2.9"}},
		{"^0", []string{"0.9", "0", "0.0.1", "2024"}, []string{"1"}}, // dates are from 0 to 0.0.1,
		{"^0.0.3", []string{"0.0.3", "0.0.3.1"}, []string{"0.0.4", "0.0.2"}},
		{"^0.0", []string{"0.0.9"}, []string{"0.1"}},
		{"^1.1.1k", []string{"1.1.1k", "1.1.1q", "1.2"}, []string{"1.1.1", "1.1.1j", "2"}},
		{"^2.0.1.1", []string{"2.0.1.1", "2.1"}, []string{"2.0.1", "3"}},
		{"^2023", []string{"2023.5", "2023"}, []string{"2024", "1", "2022.9"}},
		{"~1", []string{"1", "1.9"}, []string{"2", "0.9"}},
		{"~1.2", []string{"1.2", "1.2.9"}, []string{"1.3", "1.1"}},
		{"~1.2.3", []string{"1.2.3", "1.2.9"}, []string{"1.2.2", "1.3"}},
		{"@5", []string{"5", "5.9.9"}, []string{"6", "4.9"}},
		{"@5.1", []string{"5.1", "5.1.9"}, []string{"5.2", "5.0.9"}},
		{"@5.1.2", []string{"5.1.2", "5.1.2.7"}, []string{"5.1.3", "5.1.1"}},
		{"@1.1.1q", []string{"1.1.1q"}, []string{"1.1.1r", "1.1.1p"}},
		{"5.1", []string{"5.1", "5.1.9"}, []string{"5.2"}},
		{"v5.1", []string{"5.1.9"}, []string{"5.2"}},
		{"=1.2", []string{"1.2", "1.2.0", "v1.2.0.0"}, []string{"1.2.1", "1.1"}},
		{"=1.1.1q", []string{"1.1.1q", "1.1.1.17"}, []string{"1.1.1"}},
		{"<2", []string{"1.9", "0", "2024.1"}, []string{"2", "3"}},
		{">=1.2", []string{"1.2", "99"}, []string{"1.1", "2024.1"}},
		{">=1.2<1.4", []string{"1.2", "1.3.9"}, []string{"1.4", "1.1"}},
		{">=1 <2", []string{"1", "1.5"}, []string{"2"}},
		{">= 1 < 2", []string{"1", "1.5"}, []string{"2"}},
		{"^1,^3", []string{"1.5", "3.5"}, []string{"2", "4"}},
		{"^1 || ^3.2 || =7", []string{"1", "3.2", "7"}, []string{"3.1", "7.1"}},
		{"^1,*", []string{"9"}, nil},
	} {
		parsed, err := pkgx.ParseConstraint(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		for _, v := range c.yes {
			if !parsed.Match(v) {
				t.Errorf("%q does not take %q", c.text, v)
			}
		}
		for _, v := range c.no {
			if parsed.Match(v) {
				t.Errorf("%q takes %q", c.text, v)
			}
		}
	}
	var zero pkgx.Constraint
	if !zero.Match("1") || zero.String() != "*" {
		t.Errorf("the zero value is %q", zero)
	}
}

func TestBadConstraints(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		">1", "<=1", "1.x", "1 - 2", "^", "~beta", "=", "@", "<", ">=", ">=1<", ">=2<1", ">=1<1", "<0", "^1 ^2", "1,", ",", "||",
		"^1<2", "=1<2", "^1.0-beta", "!=1", "1.2.3+b", "^99999999999999999999", "^1..2", "\x1b[31m", "^1996",
	} {
		c, err := pkgx.ParseConstraint(s)
		if !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%q: %q, %v; want it to match %q", s, c, err, pantry.ErrConfig)
		}
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	versions := []string{"1.0.0", "3.1", "2024.1.1", "1.10", "beta", "1.9", "2.0", "2.0.0"}
	for text, want := range map[string]string{
		"*": "3.1", "latest": "3.1", "^1": "1.10", "@1.9": "1.9", "=2": "2.0.0", "^2024": "2024.1.1", "^4": "", "<1": "2024.1.1",
	} {
		c, err := pkgx.ParseConstraint(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Newest(versions); got != want || ok != (want != "") {
			t.Errorf("the newest for %q is %q, %t; want %q", text, got, ok, want)
		}
	}
}

func TestIntersect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{"*", "^1", "^1"}, {"^1", "*", "^1"}, {"*", "*", "*"},
		{"^1", "~1.2", ">=1.2<1.3"}, {"^1", "^2", ""}, {">=1", "<3", ">=1<3"}, {"=1.5", "^1", "=1.5"},
		{"=1.5", "=1.5.0", "=1.5"}, {"=1.5", "=1.6", ""}, {"^1", "=2", ""}, {">=1", ">=2", ">=2"},
		{"^1,^3", ">=1.5<3.5", ">=1.5<2,>=3<3.5"}, {"^1,^3", "^2,^4", ""}, {"^1,^2", "*", "^1,^2"},
		{"<1", "^2024", ">=2024<2025"}, {"^1", "^2024", ""},
		{"latest", "^1", "latest"}, {"latest", "*", "latest"},
	} {
		a, errA := pkgx.ParseConstraint(c.a)
		b, errB := pkgx.ParseConstraint(c.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		for _, pair := range [][2]pkgx.Constraint{{a, b}, {b, a}} {
			both, ok := pair[0].Intersect(pair[1])
			if ok != (c.want != "") || ok && both.String() != c.want {
				t.Errorf("%q and %q: %q, %t; want %q", pair[0], pair[1], both, ok, c.want)
			}
		}
	}
	latest, _ := pkgx.ParseConstraint("latest")
	old, _ := pkgx.ParseConstraint("^1")
	both, _ := latest.Intersect(old)
	if v, ok := both.Newest([]string{"1", "2"}); ok {
		t.Errorf("the newest, which is 2, cannot be ^1, but %q is", v)
	}
}

// versions and constraints of few numbers, so that they meet.
func someVersion() *rapid.Generator[string] {
	return rapid.StringMatching(`v?([0-3]|2023|2024)(\.[0-3]){0,3}[ab]?`)
}

func someConstraint() *rapid.Generator[string] {
	one := rapid.Custom(func(t *rapid.T) string {
		v := someVersion().Draw(t, "version")
		switch op := rapid.SampledFrom([]string{"^", "~", "@", "=", "<", ">=", "", "><"}).Draw(t, "operator"); op {
		case "><":
			return ">=" + v + "<" + someVersion().Draw(t, "upper")
		default:
			return op + v
		}
	})
	return rapid.Custom(func(t *rapid.T) string {
		s := one.Draw(t, "first")
		for range rapid.IntRange(0, 3).Draw(t, "more") {
			s += "," + one.Draw(t, "next")
		}
		return s
	})
}

// TestConstraintLaws: what an intersection takes is what both take, in whatever order and however
// often they are intersected, and what it is written as means the same.
func TestConstraintLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, errA := pkgx.ParseConstraint(someConstraint().Draw(t, "a"))
		b, errB := pkgx.ParseConstraint(someConstraint().Draw(t, "b"))
		if errA != nil || errB != nil {
			t.Skip("no version satisfies one of them")
		}
		both, ok := a.Intersect(b)
		other, okOther := b.Intersect(a)
		again, err := pkgx.ParseConstraint(both.String())
		if ok != okOther || ok && err != nil {
			t.Fatalf("%q and %q: %t %t, %v", a, b, ok, okOther, err)
		}
		for range 20 {
			v := someVersion().Draw(t, "v")
			want := a.Match(v) && b.Match(v)
			if want && !ok {
				t.Fatalf("%q and %q both take %s and have nothing in common", a, b, v)
			}
			if ok && (both.Match(v) != want || other.Match(v) != want || again.Match(v) != want) {
				t.Fatalf("%q and %q: %q and %q and %q differ on %s, which should be %t", a, b, both, other, again, v, want)
			}
		}
	})
}

func TestCompareLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := make([]string, 3)
		for i := range v {
			v[i] = rapid.OneOf(someVersion(), rapid.String()).Draw(t, "version")
		}
		if pkgx.Compare(v[0], v[1]) != -pkgx.Compare(v[1], v[0]) || pkgx.Compare(v[0], v[0]) != 0 {
			t.Fatalf("not an order: %q", v)
		}
		slices.SortFunc(v, pkgx.Compare)
		if pkgx.Compare(v[0], v[2]) > 0 || pkgx.Compare(v[0], v[1]) == 0 && pkgx.Compare(v[1], v[2]) == 0 && pkgx.Compare(v[0], v[2]) != 0 {
			t.Fatalf("not transitive: %q", v)
		}
	})
}

func FuzzConstraint(f *testing.F) {
	for _, s := range []string{"^1.2,~3 || =4.5a", ">=1<2", "@1.1.1q", "*", "latest", "<2024", "^0.0.0", ">=1,>=2,=5,<1"} {
		f.Add(s, "1.2.3")
	}
	f.Fuzz(func(t *testing.T, text, version string) {
		c, err := pkgx.ParseConstraint(text)
		if err != nil {
			return
		}
		same, ok := c.Intersect(c)
		if !ok || same.Match(version) != c.Match(version) {
			t.Errorf("%q and itself: %q, %t", text, same, ok)
		}
		again, err := pkgx.ParseConstraint(same.String())
		if err != nil || again.Match(version) != c.Match(version) {
			t.Errorf("%q is written as %q, which means something else: %v", text, same, err)
		}
		if newest, ok := c.Newest([]string{version}); ok != c.Match(version) || ok && newest != version {
			t.Errorf("%q: of %q alone the newest is %q, %t", text, version, newest, ok)
		}
	})
}

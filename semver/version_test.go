package semver_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/semver"
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := "1.2.3-" + strings.Repeat("a", 250)
	for _, test := range []struct {
		in, strict, loose string // normalised; "" is invalid
	}{
		{"1.2.3", "1.2.3", "1.2.3"},
		{"v1.2.3", "1.2.3", "1.2.3"},
		{" \t1.2.3\n", "1.2.3", "1.2.3"},
		{"\ufeff1.2.3\u00a0", "1.2.3", "1.2.3"},
		{"\u00851.2.3", "", ""},
		{"V1.2.3", "", ""},
		{"=1.2.3", "", "1.2.3"},
		{" = v 1.2.3", "", "1.2.3"},
		{"v\u20091.2.3", "", "1.2.3"},
		{"1.2.3-alpha.1", "1.2.3-alpha.1", "1.2.3-alpha.1"},
		{"1.2.3-alpha+build.5", "1.2.3-alpha", "1.2.3-alpha"},
		{"1.0.0beta", "", "1.0.0-beta"},
		{"1.0.0rc2", "", "1.0.0-rc2"},
		{"1.2.3-", "", "1.2.3--"},
		{"1.2.3--", "1.2.3--", "1.2.3--"},
		{"01.2.3", "", "1.2.3"},
		{"1.2.3-01", "", "1.2.3-1"},
		{"1.2.3-00.0a.000", "", "1.2.3-0.0a.0"},
		{"1.2.34.5", "", "1.2.3-4.5"},
		{"1.2.3.4", "", ""},
		{"1.2", "", ""},
		{"1.x.0", "", ""},
		{"", "", ""},
		{"latest", "", ""},
		{"1.2.3+", "", ""},
		{"1.2.3+a..b", "", ""},
		{"1.2.3-a..b", "", ""},
		{"1.2.3 4", "", ""},
		{"1.2.3\x00", "", ""},
		{"1.2.3-\xff", "", ""},
		{"9007199254740991.0.0", "9007199254740991.0.0", "9007199254740991.0.0"},
		{"9007199254740992.0.0", "", ""},
		{"0.0.99999999999999999999999999", "", ""},
		{long, long, long},
		{long + "a", "", ""},
		{strings.Repeat("\u3000", 251) + "1.2.3", "1.2.3", "1.2.3"},
		{strings.Repeat("\u3000", 252) + "1.2.3", "", ""},
	} {
		for i, parse := range []func(string) (semver.Version, error){semver.Parse, semver.ParseLoose} {
			want := [...]string{test.strict, test.loose}[i]
			v, err := parse(test.in)
			if v.String() != want || v.IsValid() != (want != "") || (err == nil) != (want != "") {
				t.Errorf("loose %v, %q = %q, %v; want %q", i == 1, test.in, v, err, want)
			}
			if err != nil && !errors.Is(err, semver.ErrMalformed) {
				t.Errorf("%q: %v doesn't match ErrMalformed", test.in, err)
			}
		}
	}
}

func TestVersionParts(t *testing.T) {
	t.Parallel()
	v, err := semver.Parse("v1.22.333-rc.1+sha.0f")
	if err != nil {
		t.Fatal(err)
	}
	if v.Major != 1 || v.Minor != 22 || v.Patch != 333 || v.Prerelease() != "rc.1" || v.Build() != "sha.0f" {
		t.Errorf("got %+v", v)
	}
	v, err = semver.ParseLoose("1.0.0-09007199254740990.09007199254740991")
	if want := "9007199254740990.09007199254740991"; err != nil || v.Prerelease() != want {
		t.Errorf("prerelease = %q, %v; want %q", v.Prerelease(), err, want)
	}
	if zero := (semver.Version{}); zero.IsValid() || zero.String() != "" {
		t.Errorf("the zero Version is %q", zero)
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1.2.3", "0.0.0-alpha.1", "9007199254740991.0.1--"} {
		v := loose(t, s)
		if got := semver.Make(v.Major, v.Minor, v.Patch, v.Prerelease()); got != v {
			t.Errorf("got %v, want %s", got, s)
		}
	}
	const tooLarge = 9007199254740992
	for _, v := range []semver.Version{semver.Make(tooLarge, 0, 0, ""), semver.Make(0, tooLarge, 0, ""), semver.Make(0, 0, tooLarge, "x")} {
		if v.IsValid() || v != (semver.Version{}) {
			t.Errorf("got %#v", v)
		}
	}
}

func TestErrorMessage(t *testing.T) {
	t.Parallel()
	_, err := semver.Parse("1.2\x1b[31m" + strings.Repeat("z", 100))
	var e *semver.Error
	if !errors.As(err, &e) || e.Kind != "version" || e.Reason == "" {
		t.Fatalf("err = %#v", err)
	}
	if msg := err.Error(); strings.ContainsRune(msg, '\x1b') || len(msg) > 200 || !strings.HasPrefix(msg, `invalid version "1.2\x1b[31m`) {
		t.Errorf("message %q", msg)
	}
	if _, err = semver.ParseRangeStrict("foo"); !errors.As(err, &e) || e.Kind != "range" || e.Text != "foo" {
		t.Errorf("err = %#v", err)
	}
}

// TestCompare has versions in ascending order; those on one line are equal.
func TestCompare(t *testing.T) {
	t.Parallel()
	order := [][]string{
		{"0.0.0-0"},
		{"0.0.0"},
		{"1.0.0-0", "1.0.0-00"},
		{"1.0.0-2"},
		{"1.0.0-10"},
		{"1.0.0-9007199254740990"},
		{"1.0.0-9007199254740991"},
		{"1.0.0-9007199254740992", "1.0.0-9007199254740993", "1.0.0-09007199254740993"},
		{"1.0.0--"},
		{"1.0.0-A"},
		{"1.0.0-alpha", "1.0.0alpha", "v1.0.0-alpha+build"},
		{"1.0.0-alpha.1"},
		{"1.0.0-alpha.1.0"},
		{"1.0.0-alpha.beta"},
		{"1.0.0-beta"},
		{"1.0.0-beta.2"},
		{"1.0.0-beta.11"},
		{"1.0.0-rc.1"},
		{"1.0.0", "1.0.0+1", "=1.0.0"},
		{"1.0.1"},
		{"1.2.0"},
		{"1.10.0"},
		{"2.0.0"},
	}
	for i, as := range order {
		for j, bs := range order {
			for _, a := range as {
				for _, b := range bs {
					want := min(1, max(-1, i-j))
					if got := semver.Compare(loose(t, a), loose(t, b)); got != want {
						t.Errorf("Compare(%s, %s) = %d, want %d", a, b, got, want)
					}
				}
			}
		}
	}
	// Numbers that JavaScript can't tell apart settle it, whatever follows.
	if c := semver.Compare(loose(t, "1.0.0-9007199254740993.z"), loose(t, "1.0.0-9007199254740992.a")); c != 0 {
		t.Errorf("numbers of more than 53 bits differ: %d", c)
	}
	if v := loose(t, "0.0.0-0"); semver.Compare(semver.Version{}, v) != -1 || semver.Compare(v, semver.Version{}) != 1 ||
		semver.Compare(semver.Version{}, semver.Version{}) != 0 {
		t.Error("the zero Version isn't first")
	}
}

func TestCompareBuild(t *testing.T) {
	t.Parallel()
	order := []string{"1.0.0-a+z", "1.0.0", "1.0.0+0", "1.0.0+2", "1.0.0+10", "1.0.0+a", "1.0.0+a.0", "1.0.0+b", "1.0.1"}
	for i, a := range order {
		for j, b := range order {
			if got, want := semver.CompareBuild(loose(t, a), loose(t, b)), min(1, max(-1, i-j)); got != want {
				t.Errorf("CompareBuild(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
	if c := semver.CompareBuild(loose(t, "1.0.0+01.b"), loose(t, "1.0.0+1.a")); c != 0 {
		t.Errorf("numbers of one value differ: %d", c)
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	got := []string{"2.0.0", "v1.0.0", "x", "1.0.0", "", "1.0.0+b", "1.0.0-rc.10", "latest", "1.0.0-rc.9", "1.0.0+a", "1.0.0beta", "0.9.0", "=1.0.0"}
	want := []string{"", "latest", "x", "0.9.0", "1.0.0beta", "1.0.0-rc.9", "1.0.0-rc.10", "v1.0.0", "1.0.0", "=1.0.0", "1.0.0+a", "1.0.0+b", "2.0.0"}
	semver.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	semver.Sort(nil)
}

func TestMaxSatisfying(t *testing.T) {
	t.Parallel()
	versions := []string{"1.0.0", "garbage", "1.2.0", "v1.2.0", "2.0.0-rc.1", "1.1.9", "1.0.0beta"}
	for _, test := range []struct{ rng, want string }{
		{"^1", "1.2.0"}, {"*", "1.2.0"}, {"<1.2", "1.1.9"}, {">=2.0.0-0", "2.0.0-rc.1"}, {"3", ""}, {"1.0.0-beta", "1.0.0beta"},
	} {
		if got, ok := semver.MaxSatisfying(versions, rangeOf(t, test.rng)); got != test.want || ok != (test.want != "") {
			t.Errorf("highest in %q = %q, %v; want %q", test.rng, got, ok, test.want)
		}
	}
	strict, err := semver.ParseRangeStrict("1.0.0-beta")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := semver.MaxSatisfying(versions, strict); ok {
		t.Errorf("a strict range chose %q", got)
	}
	if _, ok := semver.MaxSatisfying(versions, semver.Range{}); ok {
		t.Error("the zero Range chose a version")
	}
}

func loose(t testing.TB, s string) semver.Version {
	t.Helper()
	v, err := semver.ParseLoose(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func rangeOf(t testing.TB, s string) semver.Range {
	t.Helper()
	r, err := semver.ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

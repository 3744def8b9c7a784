package semver_test

import (
	"strings"
	"testing"

	"github.com/pantry-go/pantry/semver"
)

func FuzzParseLoose(f *testing.F) {
	for _, s := range oddVersions {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := semver.ParseLoose(s)
		if strict, strictErr := semver.Parse(s); strictErr == nil && (err != nil || strict != v) {
			t.Fatalf("strict %v, loose %v, %v", strict, v, err)
		}
		if err != nil {
			if v.IsValid() || err.Error() == "" {
				t.Fatalf("%q with error %v", v, err)
			}
			return
		}
		text := v.String()
		if len(text) > 256 { // a hyphen was missing
			return
		}
		again, err := semver.ParseLoose(text)
		if err != nil || again.String() != text || semver.Compare(v, again) != 0 {
			t.Fatalf("%q reads as %q, then as %q, %v", s, text, again, err)
		}
		if !rangeOf(t, text).Match(v) {
			t.Fatalf("%q doesn't match itself", text)
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add("1.0.0-alpha.1", "1.0.0-alpha.beta+1")
	f.Add("1.0.0-9007199254740993", "1.0.0-9007199254740992.a")
	f.Fuzz(func(t *testing.T, a, b string) {
		v, errV := semver.ParseLoose(a)
		w, errW := semver.ParseLoose(b)
		if errV != nil || errW != nil {
			return
		}
		if c, d := semver.CompareBuild(v, w), semver.CompareBuild(w, v); c != -d {
			t.Fatalf("%q and %q: %d and %d", a, b, c, d)
		}
		if v.String() == w.String() && semver.Compare(v, w) != 0 {
			t.Fatalf("%q and %q differ", a, b)
		}
	})
}

func FuzzParseRange(f *testing.F) {
	for _, s := range oddRanges {
		f.Add(s, "1.2.3")
	}
	for _, s := range oddVersions {
		f.Add("^1.2.3-beta || 2.x", s)
	}
	f.Fuzz(func(t *testing.T, s, version string) {
		v, _ := semver.ParseLoose(version)
		r, err := semver.ParseRange(s)
		if _, strictErr := semver.ParseRangeStrict(s); strictErr == nil && err != nil {
			t.Fatalf("strict mode reads %q, loose mode doesn't: %v", s, err)
		}
		if err != nil {
			if r.Match(v) || err.Error() == "" {
				t.Fatalf("error %v", err)
			}
			return
		}
		r.MatchPrerelease(v)
		if v.Prerelease() == "" && r.Match(v) && !r.Intersects(r) {
			t.Fatalf("%q matches %v, but doesn't intersect itself", s, v)
		}
		text := r.String()
		if tooLong(text) {
			return
		}
		again, err := semver.ParseRange(text)
		if err != nil {
			t.Fatalf("%q reads as %q, which doesn't read: %v", s, text, err)
		}
		if again.Match(v) != r.Match(v) {
			t.Fatalf("%q reads as %q, which reads as %q: only one matches %v", s, text, again, v)
		}
		// The spelling ">=0.0.0" of ">=v0.0.0" stands for any version when it is read again.
		if again.String() != text && !strings.Contains(text, ">=0.0.0") {
			t.Fatalf("%q reads as %q, which reads as %q", s, text, again)
		}
	})
}

// tooLong says that a normalised range is longer than a range or some version in it may be.
func tooLong(text string) bool {
	for part := range strings.FieldsSeq(strings.ReplaceAll(text, "||", " ")) {
		if len(strings.TrimLeft(part, "<>=")) > 256 {
			return true
		}
	}
	return len(text) > 64<<10
}

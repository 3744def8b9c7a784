package registry

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustPattern(t testing.TB, s string) pattern {
	t.Helper()
	p, err := parsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern string
		yes, no []string
	}{
		{"@acme/*", []string{"@acme/ui", "@ACME/Ui", "@acme/a.b"}, []string{"@acme", "acme/ui", "@acme2/ui", "@acme/ui/x", "ui"}},
		{"internal-*", []string{"internal-tool", "internal-"}, []string{"internal", "an-internal-tool", "@x/internal-tool", "internal-a/b"}},
		{"exact", []string{"exact", "Exact"}, []string{"exactly", "inexact", "@exact/exact"}},
		{"@acme-*/*-ui", []string{"@acme-x/my-ui", "@acme-/-ui"}, []string{"@acme/my-ui", "@acme-x/ui"}},
		{"*", []string{"lodash"}, []string{"@acme/ui", "a/b"}},
		{"*a*b*", []string{"ab", "xaxbx", "aab", "abab"}, []string{"ba", "a", "b"}},
		{"github.com/*/*", []string{"github.com/a/b"}, []string{"github.com/a", "github.com/a/b/c"}},
	}
	for _, tt := range tests {
		p := mustPattern(t, tt.pattern)
		for _, n := range tt.yes {
			if !p.match(n) {
				t.Errorf("%q does not match %q", tt.pattern, n)
			}
		}
		for _, n := range tt.no {
			if p.match(n) {
				t.Errorf("%q matches %q", tt.pattern, n)
			}
		}
	}
}

func TestPatternMistakes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                       "must not be empty",
		"@acme":                  `a scope is written "@acme/*"`,
		"@acme/**":               "write one *",
		"a b":                    "white space",
		"a\x00":                  "white space",
		"!private":               "the only special character",
		"in?ernal":               "the only special character",
		"@acme/":                 "which no name has",
		"/x":                     "which no name has",
		"../x":                   "which no name has",
		strings.Repeat("a", 257): "at most 256 bytes",
	} {
		if _, err := parsePattern(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", s, err, want)
		}
	}
}

func TestPatternOverlapAndCover(t *testing.T) {
	t.Parallel()
	tests := []struct {
		a, b             string
		overlap          bool
		aCovers, bCovers bool
	}{
		{"@acme/*", "@acme/*", true, true, true},
		{"@acme/*", "@acme/ui", true, true, false},
		{"@acme/*", "@ACME/ui", true, true, false},
		{"@acme/*", "@other/*", false, false, false},
		{"@acme/*", "@acme-*/*", false, false, false},
		{"@a*/*", "@*e/*", true, false, false},
		{"*", "internal-*", true, true, false},
		{"*", "@acme/*", false, false, false},
		{"a*c", "ab*", true, false, false},
		{"a*b", "*c", false, false, false},
		{"*a*", "*a", true, true, false},
		{"a*a", "a", false, false, false},
	}
	for _, tt := range tests {
		a, b := mustPattern(t, tt.a), mustPattern(t, tt.b)
		if a.overlaps(b) != tt.overlap || b.overlaps(a) != tt.overlap {
			t.Errorf("%q and %q overlap: %v, %v, want %v", tt.a, tt.b, a.overlaps(b), b.overlaps(a), tt.overlap)
		}
		if a.covers(b) != tt.aCovers || b.covers(a) != tt.bCovers {
			t.Errorf("%q covers %q: %v, and back: %v", tt.a, tt.b, a.covers(b), b.covers(a))
		}
	}
}

// All strings of three letters, of which patterns use two, up to a length that holds a witness.
func words() []string {
	all, last := []string{""}, []string{""}
	for range 6 {
		var longer []string
		for _, w := range last {
			longer = append(longer, w+"a", w+"b", w+"z")
		}
		all, last = append(all, longer...), longer
	}
	return all
}

func TestGlobsAgainstEnumeration(t *testing.T) {
	t.Parallel()
	words := words()
	glob := rapid.StringOfN(rapid.SampledFrom([]rune("ab*")), 1, 3, -1)
	rapid.Check(t, func(t *rapid.T) {
		a, b := glob.Draw(t, "a"), glob.Draw(t, "b")
		overlap, covers := false, true
		for _, w := range words {
			inA, _ := path.Match(a, w)
			inB, _ := path.Match(b, w)
			if globMatch(a, w) != inA {
				t.Fatalf("%q matches %q: %v", a, w, !inA)
			}
			overlap = overlap || inA && inB
			covers = covers && (inA || !inB)
		}
		if globOverlap(a, b) != overlap {
			t.Fatalf("%q and %q overlap: %v", a, b, !overlap)
		}
		pa, pb := pattern{segs: []string{a}}, pattern{segs: []string{b}}
		if pa.covers(pb) != covers {
			t.Fatalf("%q covers %q: %v", a, b, !covers)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"@acme/*", "a*b*c", "x", "@a/**", "*/*"} {
		f.Add(s, "@acme/ui")
	}
	f.Fuzz(func(t *testing.T, s, name string) {
		p, err := parsePattern(s)
		if err != nil {
			return
		}
		if !p.covers(p) || !p.overlaps(p) {
			t.Errorf("%q does not cover itself", s)
		}
		q, err := parsePattern(name)
		if err != nil || strings.Contains(name, "*") {
			return
		}
		// A pattern without "*" is one name.
		if m := p.match(name); m != p.covers(q) || m != p.overlaps(q) {
			t.Errorf("%q matches %q: %v, covers: %v, overlaps: %v", s, name, m, p.covers(q), p.overlaps(q))
		}
	})
}

func FuzzExpand(f *testing.F) {
	f.Add("Bearer ${TOKEN} ${NONE:-x}${")
	f.Add("${}")
	f.Add("$${A}}")
	f.Fuzz(func(t *testing.T, s string) {
		x := &expander{registry: "r", getenv: func(n string) (string, bool) { return "v", n == "TOKEN" }}
		out := x.text(s, "field")
		if len(x.errs) == 0 && !strings.Contains(s, "${") && out != s {
			t.Errorf("%q became %q", s, out)
		}
		if len(x.errs) == 0 && strings.Contains(strings.ReplaceAll(s, "${TOKEN}", ""), "${") &&
			!strings.Contains(s, ":-") {
			t.Errorf("%q became %q without an error", s, out)
		}
	})
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":                   "plain",
		"two\nlines\r\n and more": "two lines and more",
		"\x1b[31mred\x1b[0m":      "[31mred[0m",
		"a\u202eb\u200bc\u009bd":  "abcd",
		"bad \xff utf-8":          "bad utf-8",
		" around ":                "around",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
	if got := printable(strings.Repeat("x", 10_000)); len(got) > maxText+10 {
		t.Errorf("%d bytes", len(got))
	}
}

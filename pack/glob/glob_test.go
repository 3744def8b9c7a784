package glob_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry/pack/glob"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"*.js", []string{"a.js", "/a/b.JS", ".js"}, []string{"a.jsx", "a.js/b"}},
		{"/lib", []string{"/lib", "/LIB/"}, []string{"/a/lib", "lib"}},
		{"lib/**", []string{"lib/a", "lib/a/b", "lib/"}, []string{"lib", "a/lib/b"}},
		{"**/test/*", []string{"test/a", "a/b/test/c"}, []string{"test", "test/a/b"}},
		{"a{1..3,b}", []string{"a1..3", "ab"}, []string{"a1", "a2"}},
		{"a{1..3}", []string{"a1", "a3"}, []string{"a4", "a{1..3}"}},
		{"readme{,.*[^~$]}", []string{"README", "readme.md"}, []string{"readme.md~", "readme2"}},
		{"!(*.test).js", []string{"(a.test).js"}, []string{"b.js"}}, // the first "!" negates
		{"x!(*.test).js", []string{"xa.js", "x.js"}, []string{"xa.test.js"}},
		{"*(a|b)c", []string{"c", "abac"}, []string{"adc"}},
		{"[a-c]x", []string{"bx", "BX"}, []string{"dx"}},
		{"[!a-c]x", []string{"dx"}, []string{"bx", "BX"}},
		{`\*`, []string{"*"}, []string{"a"}},
		{"", []string{""}, []string{"a"}},
	} {
		p, err := glob.Parse(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range c.yes {
			if !p.Match(path) {
				t.Errorf("%q does not match %q", c.pattern, path)
			}
		}
		for _, path := range c.no {
			if p.Match(path) {
				t.Errorf("%q matches %q", c.pattern, path)
			}
		}
	}
}

// TestTooLarge: no pattern makes more work than its bounds allow.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, pattern := range map[string]string{
		"long":     strings.Repeat("a", 70_000),
		"lists":    strings.Repeat("{a,b}", 20),
		"sequence": "{1..100000000000}",
		"groups":   strings.Repeat("+(a", 4) + strings.Repeat(")", 4),
		"nested":   strings.Repeat("{a,", 60) + strings.Repeat("}", 60),
	} {
		if _, err := glob.Parse(pattern); !errors.Is(err, glob.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What makes a backtracking matcher wait for ever.
	p, err := glob.Parse("/" + strings.Repeat("+(a|+(aa)|a*)", 20) + "b/" + strings.Repeat("**/a/", 30) + "b")
	if err != nil {
		t.Fatal(err)
	}
	if p.Match("/" + strings.Repeat("a", 200) + strings.Repeat("/a", 200)) {
		t.Error("it matches")
	}
}

// npmDir is the folder of npm; the test is skipped without one.
func npmDir(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: Node.js is not started")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not on PATH; scripts/test puts it there")
	}
	if npm, err = filepath.EvalSymlinks(npm); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(filepath.Dir(npm)) // bin/npm-cli.js
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "minimatch")); err != nil {
		t.Skip("npm has no minimatch beside it, which this compares with")
	}
	return dir
}

// TestDifferential compares with the matcher of npm.
func TestDifferential(t *testing.T) {
	t.Parallel()
	dir := npmDir(t)
	patterns := []string{
		"a", "*", "**", "**/*", "*/**", "a/**", "/a/**", "**/a", "a/**/b", "/a/**/b/**", "**/.git", "**/.git/**", "*.js", "/*.js", "a*", "*a*b*",
		"a/", "/a/", "a/b/", "*/", "**/", "!a", "!!a", "!/a/*", "!!!a", "!", "/", "//", "a//b", "./a", "/./a", "a/./b", "a/../b", "../a", "a/b/../..",
		"**/**/a", "a/**/**/b", "?", "??", "a?b", "*.*", ".*", "*.", ".a*", "._*", ".*.swp", "*[^~]", "readme{,.*[^~$]}", "/readme{,.*[^~$]}",
		"{a,b}", "{a,b}/c", "/{a,b}/**", "{a/b,c}", "{a}", "{}", "{},a}b", "{a,b", "a}", "{a,{b,c}d}e", "{{a,b}}", "x{1..3}", "x{03..1}", "{a..e..2}", "{1..2..0}", "${a,b}", `\{a,b\}`, `{a\,b,c}`,
		"[ab]", "[a-c]", "[!a]", "[^a]b", "[]a]", "[a-]", "[-a]", "[a", "a]", "[]", "[z-a]", "[[:alpha:]]", "[[:digit:]x]", "[^[:space:]]", `[\]]`, `[a\-c]`, "[b-a]x", "[A-C]",
		"@(a|b)", "a@(b|c)d", "+(a)", "x+(a|b)", "*(a|b)", "x*(a)b", "?(a)b", "a?(b)", "x!(a)", "x!(a|b)c", "a!(b)*", "x!()", "+(a|", "@(a", "@()", "a@(b@(c|d)|e)", "x!(*.test).js", "+(a|*(b))c", "(a|b)",
		`\a`, `a\`, `\!a`, `\#a`, "a b", "ä*", "Ä", "*Ö?", "a**b", "**b", "***", "a/***/b", "dist/", "/dist/**", "node_modules", "/node_modules/**/x", "*a/b*", "/*/b", "/**/b/*.js", "#a", "A/B", "_", "1",
	}
	paths := []string{
		"a", "b", "c", "/a", "a/", "/a/", "a/b", "/a/b", "a/b/", "/a/b/", "b/a", "a/b/c", "/a/b/c", "a/x/y/b", "/a/b/b/a", "c/d/a.js", "a.js", ".js", "A.JS", "/b.js", ".git", "/.git/", "x/.git/config", "._a", ".a.swp",
		"readme", "/README", "readme.md", "readme.md~", "readme.", "ab", "aab", "abc", "acd", "abd", "x1", "x3", "x03", "x01", "1", "2", "{a,b}", "{a,b", "{a}", "a}", "{}", "{1..2..0}", "a,b", "$a", "${a,b}", "bde", "ae", "cde", "{b}",
		"-", "]", "[a", "[", "z", " ", "a b", "x", "xa", "xb", "xab", "xac", "xaab", "abb", "@()", "@(a", "+(a|", "(a|b)", "x.js", "xy.js", "xa.test.js", "bac", "aac", "abcd", "abe", "ac", `a\`, "!a", "#a", "ä", "Ä", "äh", "xöy", "dist", "/dist/a", "dist/a/b",
		"node_modules/x", "/node_modules/a/x", "a/b.js", "xa/bz", "B", "*", "**", "a_", "_", "..", ".", "/..", "a/..", ".ax", "a.", "a.b",
	}
	in, err := json.Marshal(map[string]any{"patterns": patterns, "paths": paths})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "minimatch.js"), dir)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Negated, Short bool
		Match, Prefix  []bool
	}
	if err := json.Unmarshal(out, &want); err != nil || len(want) != len(patterns) {
		t.Fatalf("%v: %.200s", err, out)
	}
	for i, text := range patterns {
		if strings.HasPrefix(text, "#") {
			continue // a comment, which is the affair of who reads the file
		}
		p, err := glob.Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if p.Negated() != want[i].Negated || p.Short() != want[i].Short {
			t.Errorf("%q: negated %v, short %v; npm says %v, %v", text, p.Negated(), p.Short(), want[i].Negated, want[i].Short)
		}
		for j, path := range paths {
			if base := filepath.Base(path); base == "." || base == ".." {
				continue // no name of a file
			}
			if got := p.Match(path); got != want[i].Match[j] {
				t.Errorf("%q matches %q: %v, npm says %v", text, path, got, want[i].Match[j])
			}
			if got := p.MatchPrefix(path); got != want[i].Prefix[j] {
				t.Errorf("%q matches the beginning of %q: %v, npm says %v", text, path, got, want[i].Prefix[j])
			}
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, s := range []string{"a/**/b", "{a,b{1..3}}", "x!(a|+(b))", "[a-z[:alpha:]]*", "!!a", `\`, "${a,b}"} {
		f.Add(s, "a/b/c.js")
	}
	f.Fuzz(func(t *testing.T, pattern, path string) {
		if len(path) > 1000 {
			return
		}
		p, err := glob.Parse(pattern)
		if err != nil {
			if !errors.Is(err, glob.ErrTooLarge) {
				t.Fatal(err)
			}
			return
		}
		if p.Match(path) && !p.MatchPrefix(path) {
			t.Errorf("%q matches %q and not its beginning", pattern, path)
		}
	})
}

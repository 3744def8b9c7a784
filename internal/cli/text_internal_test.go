package cli

import (
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, version, want string }{
		{"lodash", "4.17.21", "lodash-4.17.21.tgz"},
		{"@acme/ui", "1.0.0-beta.1+build", "acme-ui-1.0.0-beta.1+build.tgz"},
		{"cli/cli", "v2", "cli-cli-v2.tgz"},
		{"../../etc/passwd", "1", "etc-passwd-1.tgz"},
		{".hidden", "1", "hidden-1.tgz"},
		{"-rf", "1", "rf-1.tgz"},
		{"a", `..\..\b`, "a-..-..-b.tgz"},
		{"a\x1b[2Jb", "1\n2", "a--2Jb-1-2.tgz"},
		{"é", "1", "1.tgz"},
	} {
		if got := fileName(&pantry.Metadata{Name: tt.name, Version: tt.version}); got != tt.want {
			t.Errorf("%q %q: %q, want %q", tt.name, tt.version, got, tt.want)
		}
	}
}

func FuzzFileName(f *testing.F) {
	f.Add("@acme/ui", "1.0.0")
	f.Add("..", "/")
	f.Fuzz(func(t *testing.T, name, version string) {
		got := fileName(&pantry.Metadata{Name: name, Version: version})
		if strings.ContainsAny(got, "/\\\x00") || strings.HasPrefix(got, "-") || !strings.HasSuffix(got, "tgz") || got == "." || got == ".." {
			t.Errorf("%q %q: %q", name, version, got)
		}
	})
}

func TestClean(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain":                  "plain",
		" two\n lines\t":         "two  lines",
		"\x1b[31mred\x1b[0m\a":   "[31mred[0m",
		"a\u202eb\u200bc\u0085d": "abc d",
		"é 語 \u2028":             "é 語",
	} {
		if got := clean(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

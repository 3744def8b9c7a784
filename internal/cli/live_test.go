package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLive installs from the real npm registry. It runs where TEST_LIVE is set: in CI, and by
// hand.
func TestLive(t *testing.T) {
	if os.Getenv("TEST_LIVE") == "" {
		t.Skip("set TEST_LIVE=1 to install from the live npm registry")
	}
	dir, home := t.TempDir(), t.TempDir()
	pantry := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		code := Main(context.Background(), Env{
			Args: args, Dir: dir, Stdout: &out, Stderr: &errs, Stdin: strings.NewReader(""),
			Environ: append(os.Environ(), "HOME="+home, "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home, "CI="),
		})
		if code != 0 {
			t.Fatalf("pantry %s: exit code %d\n%s", strings.Join(args, " "), code, errs.String())
		}
		return out.String()
	}
	out := pantry("install", "left-pad@1.3.0", "express@^5", "--save-exact")
	if !strings.Contains(out, "+ left-pad@1.3.0  from npm") {
		t.Errorf("install printed %q", out)
	}
	lock, err := os.ReadFile(filepath.Join(dir, "pantry.lock"))
	if err != nil {
		t.Fatal(err)
	}
	// known from publication, whatever the registry says today
	const integrity = "sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA=="
	if !strings.Contains(string(lock), "package npm:left-pad@1.3.0\n  integrity "+integrity) {
		t.Errorf("pantry.lock:\n%s", lock)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "express", "package.json")); err != nil {
		t.Error(err)
	}
	if out := pantry("install", "--frozen-lockfile"); !strings.HasPrefix(out, "up to date") {
		t.Errorf("the second install printed %q", out)
	}
	if out := pantry("info", "left-pad", "--json"); !strings.Contains(out, integrity) {
		t.Errorf("info printed %q", out)
	}
}

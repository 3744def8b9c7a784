package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLinkedFrom: the links that count are those of every folder from which Node would follow them, not
// only those at the top.
func TestLinkedFrom(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "p [*]", "node_modules")
	key := func(c string) string { return strings.Repeat(c, 40) }
	for path, to := range map[string]string{
		"a":                                     "/store/v2/links/" + key("a") + "/node_modules/a",
		"@s/b":                                  "../../../elsewhere/links/" + key("b") + "/node_modules/@s/b",
		"own":                                   ".pantry/own@1-01234567/node_modules/own",
		".pantry/own@1-01234567/node_modules/c": "/store/v2/links/" + key("c") + "/node_modules/c",
		".pantry/own@1-01234567/node_modules/@s/d":                    "/store/v2/links/" + key("d") + "/node_modules/@s/d",
		".pantry/own@1-01234567/node_modules/own/node_modules/own":    "/store/v2/links/" + key("e") + "/node_modules/own",
		".pantry/@s+f@1-01234567/node_modules/@s/f/node_modules/@s/f": "/store/v2/links/" + key("f") + "/node_modules/@s/f",
		".bin/x":               "../a/x",
		"short":                "/store/v2/links/" + key("0")[1:] + "/node_modules/a",
		"not a key":            "/store/v2/links/" + key("X") + "/node_modules/a",
		"hoisted/node_modules": "/store/v2/links/" + key("9") + "/node_modules/a", // not the layout's
	} {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(to, path)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := linkedFrom(dir)
	slices.Sort(got)
	want := []string{key("a"), key("b"), key("c"), key("d"), key("e"), key("f")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := linkedFrom(filepath.Join(dir, "none")); err != nil || len(got) > 0 {
		t.Errorf("%v, %v", got, err)
	}
	file := filepath.Join(dir, "hoisted", "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := linkedFrom(file); err == nil {
		t.Error("a file has no links, and that is no error")
	}
}

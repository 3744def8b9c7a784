package cli

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestBundleOfAllTypes: a project with packages and tools of every type of registry is bundled, every
// registry goes away, and another user installs and runs all of it.
func TestBundleOfAllTypes(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	tm.must("install", "--lockfile-only")
	tm.must("bundle", "create", "-o", "all.zip")
	if out := tm.must("bundle", "verify", "all.zip"); !strings.Contains(out, "is whole") {
		t.Errorf("verify: %s", out)
	}
	tm.must("bundle", "create", "-o", "small.zip", "--platform", "linux/amd64")
	if all, small := len(tm.read("all.zip")), len(tm.read("small.zip")); small >= all {
		t.Errorf("for one platform there are %d bytes, for all %d", small, all)
	}
	tm.must("mirror", "github", "./tools", "acme/tool@v1.2.0", "--json")
	for _, s := range []*httptest.Server{tm.pkgx, tm.npm, tm.acme} {
		s.Close()
	}
	asked := len(tm.github.Requests())
	tm.home = t.TempDir()
	if code := tm.pantry("install", "--offline", "--frozen-lockfile"); code == 0 {
		t.Error("it was installed from nothing")
	}
	tm.must("bundle", "load", "all.zip")
	tm.must("install", "--offline", "--frozen-lockfile")
	tm.programs()
	if now := len(tm.github.Requests()); now != asked {
		t.Errorf("github was asked %d times more", now-asked)
	}
}

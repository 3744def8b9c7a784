package spelling_test

import (
	"strings"
	"testing"

	"github.com/pantry-go/pantry/spelling"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	keys := []string{"name", "type", "url", "priority", "enabled", "minimumReleaseAge", "caFile", "packages"}
	types := []string{"npm", "custom", "github", "pkgx", "adapter"}
	for _, tt := range []struct {
		known      []string
		word, want string
	}{
		{keys, "prioritty", "priority"}, {keys, "Priority", "priority"}, {keys, "PACKAGE", "packages"},
		{keys, "pirority", "priority"}, {keys, "ulr", "url"}, // neighbours swapped
		{keys, "minimum-release-age", "minimumReleaseAge"}, {keys, "minimum_release_age", "minimumReleaseAge"},
		{keys, "ca_file", "caFile"}, {keys, "nam", "name"},
		{keys, "", ""}, {keys, "zzz", ""}, {keys, "token", ""}, {keys, "x", ""}, {keys, strings.Repeat("x", 1000), ""},
		{types, "nmp", "npm"}, {types, "NPM", "npm"}, {types, "costum", "custom"}, {types, "git-hub", "github"},
		{types, "pkgs", "pkgx"}, {types, "adapters", "adapter"}, {types, "verdaccio", ""},
		{nil, "x", ""},
	} {
		if got := spelling.Nearest(tt.word, tt.known); got != tt.want {
			t.Errorf("%.20q: got %q, want %q", tt.word, got, tt.want)
		}
	}
}

package npm_test

import (
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
)

// A registry that says less than before is noticed.
func TestBackwards(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		was, is string // versions, the one tagged latest with a star
		want    string
	}{
		"the same":                {"1.0.0 *2.0.0", "1.0.0 *2.0.0", ""},
		"forward":                 {"*1.0.0", "1.0.0 *2.0.0", ""},
		"an older latest":         {"1.0.0 *2.0.0", "*1.0.0 2.0.0", "latest was 2.0.0 and is 1.0.0"},
		"a version is gone":       {"1.0.0 1.1.0 *2.0.0", "1.0.0 *2.0.0", "it has no more: 1.1.0"},
		"the latest is gone":      {"1.0.0 *2.0.0", "*1.0.0", "latest was 2.0.0 and is 1.0.0; it has no more: 2.0.0"},
		"many are gone":           {"1.0.0 1.1.0 1.2.0 1.3.0 1.4.0", "1.0.0", "it has no more: 1.4.0, 1.3.0, 1.2.0, …"},
		"spelled otherwise":       {"1.0.0-b *2.0.0", "1.0.0-B *2.0.0", "it has no more: 1.0.0-b"},
		"nothing is left":         {"1.0.0 *2.0.0", "", "it had 2 of its versions, and has none any more"},
		"a prerelease as latest":  {"*2.0.0", "*2.0.0-rc.1 2.0.0", "latest was 2.0.0 and is 2.0.0-rc.1"},
		"something where nothing": {"", "*1.0.0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, dir := newShop(), t.TempDir()
			stock := func(text string) {
				s.versions, s.latest = nil, ""
				for v := range strings.FieldsSeq(text) {
					v, tagged := strings.CutPrefix(v, "*")
					if s.versions = append(s.versions, v); tagged {
						s.latest = v
					}
				}
			}
			look := func(how pantry.Asking) string {
				trace := new(pantry.CacheTrace)
				ctx := pantry.WithCacheTrace(pantry.WithAsking(t.Context(), how), trace)
				_, _ = s.visitor(t, dir).Package(ctx, "pad") // it may be gone
				return trace.Backwards()
			}
			stock(tt.was)
			if got := look(pantry.AskIfStale); got != "" {
				t.Errorf("at first: %q", got)
			}
			stock(tt.is)
			if got := look(pantry.AskIfStale); got != "" {
				t.Errorf("without asking: %q", got)
			}
			if got := look(pantry.AskAgain); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := look(pantry.AskAgain); got != "" {
				t.Errorf("a second time: %q", got)
			}
		})
	}
}

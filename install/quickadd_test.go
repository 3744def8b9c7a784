package install_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/install"
	"github.com/pantry-go/pantry/lockfile"
)

// TestAddIsInstall: what a package that is added leads to is what an install of the new lockfile leads to,
// whatever there was before.
func TestAddIsInstall(t *testing.T) {
	t.Parallel()
	const world = `
		alone@1.0.0 bin:alone=cli.js
		old@1.0.0
		old@2.0.0
		new@1.0.0
		shared@1.0.0
		host@1.0.0 bin:tool=host.js
		plugin@1.0.0 ^host@^1
		stranger@1.0.0 ^elsewhere@^1
		elsewhere@1.0.0
		maybe@1.0.0 ~elsewhere@^1
		base@1.0.0 old@^2 shared@^1 ?gone@^9
		needsold@1.0.0 old@^1
		needsboth@1.0.0 shared@^1 new@^1 alone@*
		rival@1.0.0 bin:tool=rival.js
		twice@1.0.0 needsold@^1 old@^1
		dark@1.0.0 os:aix
		optdark@1.0.0 ?dark@^1 new@^1
		@scope/one@1.0.0 @scope/two@^1 bin:one=one.js
		@scope/two@1.0.0
		chatty@1.0.0 script
	`
	for name, c := range map[string]struct{ before, add string }{
		"a package alone":               {"base@^1", "alone"},
		"what is there already":         {"base@^1", "shared"},
		"another version of it":         {"base@^1", "old@^1"},
		"one that needs an older one":   {"base@^1", "needsold"},
		"old and new":                   {"base@^1", "needsboth"},
		"a plugin":                      {"base@^1 host@^1", "plugin"},
		"a plugin without its host":     {"base@^1", "stranger"},
		"an optional peer":              {"base@^1", "maybe"},
		"the peer of somebody":          {"base@^1 maybe@^1", "elsewhere"},
		"a command that is there":       {"base@^1 host@^1", "rival"},
		"older ones, one below another": {"base@^1", "twice"},
		"not for this platform":         {"base@^1", "optdark"},
		"a scope":                       {"base@^1", "@scope/one"},
		"into a scope":                  {"@scope/two@^1", "@scope/one"},
		"several":                       {"base@^1", "alone needsboth @scope/one"},
		"one with a script":             {"base@^1", "chatty"},
		"what only developers had":      {"base@^1 D:shared@^1", "needsboth"},
		"under another name":            {"base@^1", "other@npm:old@^1"},
		"to nothing":                    {"", "needsboth"},
	} {
		t.Run(name, func(t *testing.T) {
			forEachLayout(t, func(t *testing.T, l install.Layout) {
				s := newSite(t, "npm", "npm", 10, world)
				added, whole := newPlace(t, s), newPlace(t, s)
				for _, p := range []*place{added, whole} {
					p.options = append(p.options, inLayout(l))
				}
				added.wishes(c.before)
				added.must()
				a := added.ok(added.add(install.Addition{}, strings.Fields(c.add)...))

				lock := added.read("pantry.lock")
				parsed, err := lockfile.Parse("pantry.lock", []byte(lock))
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(parsed.Format()), lock); d != "" {
					t.Errorf("the lockfile is not as it would be written:\n%s", d)
				}
				whole.write("package.json", added.read("package.json"))
				whole.write("pantry.lock", lock)
				w := whole.must(func(o *install.Options) { o.Frozen = true })
				if d := cmp.Diff(whole.comparable(), added.comparable()); d != "" {
					t.Errorf("- installed whole, + added:\n%s", d)
				}
				if a.Packages != w.Packages || a.Skipped != w.Skipped || !cmp.Equal(a.Scripts, w.Scripts) {
					t.Errorf("added: %+v\nwhole: %+v", a, w)
				}
				if again := added.must(); !again.UpToDate {
					t.Errorf("there is still something to do: %+v", again)
				}
				if more := added.must(func(o *install.Options) { o.Force = true }); more.Packages != w.Packages {
					t.Errorf("by force: %+v", more)
				}
			})
		})
	}
}

package registry_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/registry"
)

// TestClaimsOneByOne: what an entry claims, and which of its patterns are never reached, is as if its patterns
// were gone through one by one.
func TestClaimsOneByOne(t *testing.T) {
	t.Parallel()
	texts := rapid.StringMatching(`(@[ab*]{1,3}/)?[abA*]{1,4}`).Filter(func(s string) bool {
		for i := range len(s) - 1 {
			if s[i] == '*' && s[i+1] == '*' {
				return false
			}
		}
		return true
	})
	names := rapid.StringMatching(`(@[ab]{1,3}/)?[abAB]{1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		patterns := rapid.SliceOfNDistinct(texts, 1, 6, rapid.ID).Draw(t, "patterns")
		useless := false
		for i, p := range patterns {
			for j, q := range patterns {
				useless = useless || i != j && registry.PatternCovers(p, q)
			}
		}
		m := registry.NewManager(registry.Options{})
		err := m.Add(registry.Config{Name: "acme", Type: "npm", URL: "https://registry.example.com", Packages: patterns})
		if (err != nil) != useless {
			t.Fatalf("%q: got %v; one covers another: %v", patterns, err, useless)
		}
		if err != nil {
			return
		}
		e, _ := m.Get("acme")
		for _, name := range rapid.SliceOfN(names, 1, 8).Draw(t, "names") {
			want := ""
			for _, p := range patterns {
				if want == "" && registry.PatternCovers(p, name) {
					want = p
				}
			}
			if got, ok := e.Claims(name); got != want || ok != (want != "") {
				t.Fatalf("%q claims %q by %q, %v; want %q", patterns, name, got, ok, want)
			}
		}
	})
}

// TestClashesOneByOne: two registries of one priority may not claim a name in common.
func TestClashesOneByOne(t *testing.T) {
	t.Parallel()
	texts := rapid.SampledFrom([]string{"a*", "*a", "ab*", "a*b", "b", "@a/*", "@a/b*", "@*/b", "*", "@ab/a", "ab"})
	rapid.Check(t, func(t *rapid.T) {
		p, q := texts.Draw(t, "p"), texts.Draw(t, "q")
		m := registry.NewManager(registry.Options{})
		err := m.Load([]registry.Config{
			{Name: "one", Type: "npm", URL: "https://one.example.com", Packages: []string{p}},
			{Name: "two", Type: "npm", URL: "https://two.example.com", Packages: []string{q}},
		}, "")
		if want := registry.PatternsOverlap(p, q); (err != nil) != want {
			t.Fatalf("%q and %q: got %v, want an error: %v", p, q, err, want)
		}
	})
}

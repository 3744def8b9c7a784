package github_test

import (
	"strings"
	"testing"

	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/semver"
)

func TestTags(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{ // prefix and version, or the tag alone
		"v1.2.3": " 1.2.3", "1.2.3": " 1.2.3", "V1.2.3": " 1.2.3", "v.1.2.3": " 1.2.3", "v1.2.3-rc.1": " 1.2.3-rc.1", "1.2.3+build.5": " 1.2.3+build.5",
		"v1.2": " 1.2.0", "v8": " 8.0.0", "20240102": " 20240102.0.0", "2024.01.02": " 2024.1.2", "0.25.01": " 0.25.1",
		"3.1.11.1": " 3.1.11+1", "1.2.3.4.5": " 1.2.3+4.5", "1.2.3.4-rc1": " 1.2.3-rc1+4", "v1.0.0beta2": " 1.0.0-beta2", "1.7rc1": " 1.7.0-rc1", "v1.2.3_beta": " 1.2.3-beta",
		"jq-1.7.1": "jq- 1.7.1", "bun-v1.2.3": "bun- 1.2.3", "kustomize/v5.4.2": "kustomize/ 5.4.2", "@biomejs/biome@2.0.0": "@biomejs/biome@ 2.0.0",
		"apps_v1.69.0": "apps_ 1.69.0", "release-1.2.3-rc.1": "release- 1.2.3-rc.1", "curl-8_11_0": "curl- 8.11.0", "R_2_6_4": "R_ 2.6.4",
		"llvmorg-19.1.0": "llvmorg- 19.1.0", "lib-2-v1.0.0": "lib-2- 1.0.0", "go1.23.4": "go1.23.4", "v1.31.4+k3s1": " 1.31.4+k3s1",
		"nightly": "nightly", "b3561": "b3561", "2024-12-30": "2024-12-30", "stable": "stable", "v": "v", "": "", "release": "release", "v1.x": "v1.x",
		"1.2.3.4.5.6.7.8.9.10": "1.2.3.4.5.6.7.8.9.10", "99999999999999999999.0.0": "99999999999999999999.0.0",
	} {
		prefix, version, plain := github.ParseTag(tag)
		got := version
		if plain {
			got = prefix + " " + version
		}
		if got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	for _, c := range []struct {
		prefix, repo string
		own          bool
	}{
		{"", "tool", true}, {"tool-", "tool", true}, {"Tool/", "tool", true}, {"@acme/tool@", "tool", true}, {"tool_", "Tool", true},
		{"api/", "tool", false}, {"tool", "tool", false}, {"mytool-", "tool", false}, {"crates/tool-cli-", "tool", false},
	} {
		if got := github.Own(c.prefix, c.repo); got != c.own {
			t.Errorf("%q is the own prefix of %s: %t", c.prefix, c.repo, got)
		}
	}
	for tag, want := range map[string]bool{
		"v1.0.0": true, "a/b/c": true, "@a/b@1.0": true, "ünïcode": true, "a..b": false, "/a": false, "a/": false, "a b": false, "a\x00": false,
		"a~1": false, "a^": false, "a:b": false, "a?": false, "*": false, "a[": false, `a\b`: false, "-a": false, "a@{1}": false, "": false, "a\u202e": false,
		"x.lock": false, strings.Repeat("x", 300): false,
	} {
		if got := github.UsableTag(tag); got != want {
			t.Errorf("usable(%q) = %t", tag, got)
		}
	}
}

// FuzzTag: whatever a tag is, its version is one that SemVer's order can place, or the whole tag.
func FuzzTag(f *testing.F) {
	for _, s := range []string{"v1.2.3", "jq-1.7.1", "kustomize/v5.4.2", "3.1.11.1-rc1", "2024-12-30", "a_1_2_3", "v1.0.0beta+x_y", "@a/b@1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		prefix, version, plain := github.ParseTag(tag)
		if !plain {
			if version != tag || prefix != "" {
				t.Errorf("%q has no version, but is %q %q", tag, prefix, version)
			}
			return
		}
		v, err := semver.ParseLoose(version)
		if err != nil {
			t.Fatalf("%q is version %q, which is none", tag, version)
		}
		if !strings.HasPrefix(tag, prefix) || len(prefix) == len(tag) {
			t.Errorf("%q has prefix %q", tag, prefix)
		}
		// What was made of a tag is what is made of itself.
		if p, again, ok := github.ParseTag(version); !ok || p != "" || again != version {
			t.Errorf("%q is %q, which is %q %q (%s)", tag, version, p, again, v)
		}
	})
}

package mirror_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/mirror"
)

func names(items []mirror.Item) string {
	var s []string
	for _, it := range items {
		s = append(s, it.Name+"@"+it.Versions)
	}
	return strings.Join(s, " ")
}

func TestFromLockfile(t *testing.T) {
	t.Parallel()
	digest := integrity.Sum(integrity.SHA512, nil).String()
	l, err := lockfile.Parse("pantry.lock", []byte(`# pantry.lock, version 1. Made by "pantry install"; do not edit by hand.
project .
  prod ui ^1.0.0 acme:@acme/ui@1.0.0
package acme:@acme/ui@1.0.0
  integrity `+digest+`
package npm:pad@2.0.0
  integrity `+digest+`
`))
	if err != nil {
		t.Fatal(err)
	}
	items, left := mirror.FromLockfile(l, "npm")
	if names(items) != "pad@2.0.0" || items[0].Integrity.String() != digest || len(left) != 1 || left[0].Name != "@acme/ui" {
		t.Errorf("got %+v, left %+v", items, left)
	}
	if items, left = mirror.FromLockfile(l, ""); names(items) != "@acme/ui@1.0.0 pad@2.0.0" || len(left) != 0 {
		t.Errorf("from anywhere: %+v, left %+v", items, left)
	}
}

func TestFromPackageLock(t *testing.T) {
	t.Parallel()
	items, left, err := mirror.FromPackageLock([]byte(`{"lockfileVersion":3,"packages":{
		"":{"name":"app","version":"1.0.0"}, "packages/a":{"version":"1.0.0"}, "node_modules/a":{"resolved":"packages/a","link":true},
		"node_modules/pad":{"version":"2.0.0","resolved":"https://registry.example.com/pad/-/pad-2.0.0.tgz","integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
		"node_modules/x/node_modules/@s/n":{"version":"1.0.0"}, "node_modules/y/node_modules/@s/n":{"version":"1.0.0"},
		"node_modules/alias":{"name":"real","version":"3.0.0"}, "node_modules/z/node_modules/b":{"version":"1.0.0","inBundle":true},
		"node_modules/git":{"version":"1.0.0","resolved":"git+ssh://git@example.com/git.git#abc"}}}`))
	if err != nil || names(items) != "real@3.0.0 pad@2.0.0 @s/n@1.0.0" || len(items[1].Integrity) != 1 {
		t.Errorf("got %+v, %v", items, err)
	}
	if diff := cmp.Diff([]mirror.Left{{Name: "git", Version: "1.0.0"}}, left, cmpopts.IgnoreFields(mirror.Left{}, "Reason")); diff != "" {
		t.Errorf("left out:\n%s", diff)
	}
	for _, bad := range []string{``, `{}`, `{"lockfileVersion":1,"dependencies":{}}`, `[]`, `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","integrity":"md5-x"}}}`, `{"lockfileVersion":3,"packages":{"node_modules/*":{"version":"1.0.0"}}}`} {
		if _, _, err := mirror.FromPackageLock([]byte(bad)); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestFromSBOM(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ doc, want, left string }{
		"CycloneDX": {
			`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"pad","version":"2.0.0","purl":"pkg:npm/pad@2.0.0","components":[
			 {"name":"ui","version":"1.0.0","purl":"pkg:npm/%40acme/ui@1.0.0"}]},{"name":"pad","purl":"pkg:npm/pad@2.0.0"},
			 {"name":"gh","version":"2","purl":"pkg:github/cli/cli@2"},{"name":"plain","version":"1"},{"name":"any","purl":"pkg:npm/any"},{"name":"odd","purl":"?"}]}`,
			"pad@2.0.0 @acme/ui@1.0.0", "gh plain any odd",
		},
		"SPDX": {
			`{"spdxVersion":"SPDX-2.3","packages":[{"name":"pad","versionInfo":"2.0.0","externalRefs":[{"referenceType":"cpe23Type","referenceLocator":"x"},
			 {"referenceType":"purl","referenceLocator":"pkg:npm/pad@2.0.0"}]},{"name":"app"}]}`,
			"pad@2.0.0", "app",
		},
	} {
		items, left, err := mirror.FromSBOM([]byte(c.doc), "npm")
		var l []string
		for _, x := range left {
			l = append(l, x.Name)
			if x.Reason == "" {
				t.Errorf("%s: no reason for %+v", name, x)
			}
		}
		if err != nil || names(items) != c.want || strings.Join(l, " ") != c.left {
			t.Errorf("%s: got %s, left %s, %v", name, names(items), l, err)
		}
	}
	for _, bad := range []string{``, `{}`, `{"spdxVersion":"SPDX-3.0"}`, `<bom/>`} {
		if _, _, err := mirror.FromSBOM([]byte(bad), "npm"); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(`{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/%40acme/ui@1.0.0"}]}`))
	f.Add([]byte(`{"spdxVersion":"SPDX-2.3","packages":[{"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/pad@2.0.0"}]}]}`))
	f.Add([]byte(`{"lockfileVersion":3,"packages":{"node_modules/pad":{"version":"2.0.0"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		bom, _, err := mirror.FromSBOM(data, "npm")
		if err != nil && !errors.Is(err, pantry.ErrConfig) {
			t.Fatal(err)
		}
		lock, _, err := mirror.FromPackageLock(data)
		if err != nil && !errors.Is(err, pantry.ErrConfig) {
			t.Fatal(err)
		}
		for _, it := range append(bom, lock...) {
			if it.Versions == "" || strings.Contains(it.Name, "*") {
				t.Fatalf("%+v would take every version", it)
			}
		}
	})
}

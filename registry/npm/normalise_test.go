package npm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/npm"
)

// TestShapes gives members as registries hold them and what becomes of them.
func TestShapes(t *testing.T) {
	t.Parallel()
	type meta = pantry.Metadata
	type texts = map[string]string
	for name, c := range map[string]struct {
		members string
		want    meta
	}{
		"nothing":                  {``, meta{}},
		"nulls":                    {`"dependencies":null,"bin":null,"engines":null,"os":null,"license":null,"author":null,"repository":null,"deprecated":null,"scripts":null,"keywords":null,"bundleDependencies":null,"peerDependenciesMeta":null,"description":null,"homepage":null`, meta{}},
		"numbers":                  {`"bin":1,"engines":2,"os":3,"license":4,"author":5,"repository":6,"deprecated":7,"scripts":8,"keywords":9,"bundleDependencies":10,"peerDependenciesMeta":11,"description":12,"homepage":13,"devDependencies":14`, meta{}},
		"dependencies empty array": {`"dependencies":[],"optionalDependencies":[],"peerDependencies":[],"devDependencies":[]`, meta{}},
		"dependencies empty text":  {`"dependencies":""`, meta{}},
		"dependencies false":       {`"dependencies":false`, meta{}},
		"dependency null":          {`"dependencies":{"a":null,"b":" ^1.0.0 "}`, meta{Dependencies: texts{"a": "", "b": "^1.0.0"}}},
		"optional overrides": {
			`"dependencies":{"a":"1","b":"2"},"optionalDependencies":{"b":"3"}`,
			meta{Dependencies: texts{"a": "1"}, OptionalDependencies: texts{"b": "3"}},
		},
		"optional overrides before": {
			`"optionalDependencies":{"b":"3"},"dependencies":{"b":"2"}`, meta{OptionalDependencies: texts{"b": "3"}},
		},
		"dev dependencies of odd kinds": {`"devDependencies":{"a":"1","b":{"x":1},"c":false}`, meta{DevDependencies: texts{"a": "1"}}},
		"peers": {
			`"peerDependencies":{"react":"18"},"peerDependenciesMeta":{"vue":{"optional":true},"react":{"optional":false},"x":{},"y":true,"b":{"optional":true}}`,
			meta{PeerDependencies: texts{"react": "18"}, OptionalPeers: []string{"b", "vue"}},
		},
		"bundled array":      {`"bundleDependencies":["b","a",1,""]`, meta{BundledDependencies: []string{"b", "a"}}},
		"bundled other name": {`"bundledDependencies":["a"]`, meta{BundledDependencies: []string{"a"}}},
		"bundled true": {
			`"bundleDependencies":true,"dependencies":{"b":"1","a":"1"},"optionalDependencies":{"c":"1","b":"1"}`,
			meta{Dependencies: texts{"a": "1"}, OptionalDependencies: texts{"c": "1", "b": "1"}, BundledDependencies: []string{"a", "b", "c"}},
		},
		"bundled false":       {`"bundleDependencies":false,"dependencies":{"a":"1"}`, meta{Dependencies: texts{"a": "1"}}},
		"bundled object":      {`"bundledDependencies":{"b":"1","a":"2"}`, meta{BundledDependencies: []string{"a", "b"}}},
		"bin object":          {`"bin":{"a":"a.js","b":false}`, meta{Bin: texts{"a": "a.js"}}},
		"bin text":            {`"bin":"./cli.js"`, meta{Bin: texts{"pad": "./cli.js"}}},
		"bin array":           {`"bin":["./bin/x","bin/y.js"]`, meta{Bin: texts{"x": "./bin/x", "y.js": "bin/y.js"}}},
		"bin empty":           {`"bin":{}`, meta{}},
		"bin empty text":      {`"bin":""`, meta{}},
		"engines array":       {`"engines":["node >= 0.2.0","rhino"]`, meta{}},
		"engines text":        {`"engines":"node >= 0.2.0"`, meta{}},
		"engines object":      {`"engines":{"node":">=4","npm":2}`, meta{Engines: texts{"node": ">=4"}}},
		"platform":            {`"os":["linux","!win32"],"cpu":"x64","libc":["musl"]`, meta{OS: []string{"linux", "!win32"}, CPU: []string{"x64"}, Libc: []string{"musl"}}},
		"deprecated":          {`"deprecated":"use\nanother \u001b[31mone\u202e"`, meta{Deprecated: "use another [31mone"}},
		"deprecated false":    {`"deprecated":false`, meta{}},
		"deprecated empty":    {`"deprecated":""`, meta{}},
		"deprecated true":     {`"deprecated":true`, meta{Deprecated: "this version is deprecated"}},
		"deprecated blank":    {`"deprecated":"\t"`, meta{Deprecated: "this version is deprecated"}},
		"install flag":        {`"hasInstallScript":true`, meta{HasInstallScript: true}},
		"install flag false":  {`"hasInstallScript":false`, meta{}},
		"install script":      {`"scripts":{"test":"x","postinstall":"node x"}`, meta{HasInstallScript: true}},
		"preinstall script":   {`"scripts":{"preinstall":"x"},"hasInstallScript":false`, meta{HasInstallScript: true}},
		"other scripts":       {`"scripts":{"test":"x","install":"","prepare":"y"}`, meta{}},
		"gyp":                 {`"gypfile":true`, meta{HasInstallScript: true}},
		"no gyp":              {`"gypfile":false`, meta{}},
		"license text":        {`"license":"MIT"`, meta{License: "MIT"}},
		"license object":      {`"license":{"type":"BSD","url":"x"}`, meta{License: "BSD"}},
		"license url":         {`"license":{"url":"https://example.com/l"}`, meta{License: "https://example.com/l"}},
		"licenses":            {`"licenses":[{"type":"MIT"},{"type":"GPL"}]`, meta{License: "(MIT OR GPL)"}},
		"one license":         {`"licenses":[{"type":"MIT"}]`, meta{License: "MIT"}},
		"licence":             {`"licence":"ISC"`, meta{License: "ISC"}},
		"license wins":        {`"licenses":["GPL"],"license":"MIT","licence":"ISC"`, meta{License: "MIT"}},
		"author object":       {`"author":{"name":"Ada","email":"a@example.com","url":"x"}`, meta{Author: "Ada <a@example.com>"}},
		"author text":         {`"author":"Ada <a@example.com> (x)"`, meta{Author: "Ada <a@example.com> (x)"}},
		"author mail":         {`"author":{"email":"a@example.com"}`, meta{Author: "<a@example.com>"}},
		"keywords text":       {`"keywords":"a, b\tc"`, meta{Keywords: []string{"a", "b", "c"}}},
		"keywords array":      {`"keywords":["a b",1," c "]`, meta{Keywords: []string{"a b", "c"}}},
		"homepage array":      {`"homepage":["https://example.com"]`, meta{Homepage: "https://example.com"}},
		"repository object":   {`"repository":{"type":"git","url":"git+https://example.com/a/b.git"}`, meta{Repository: "https://example.com/a/b.git"}},
		"repository git":      {`"repository":"git://example.com/a/b.git"`, meta{Repository: "https://example.com/a/b.git"}},
		"repository ssh":      {`"repository":"git+ssh://git@example.com:22/a/b"`, meta{Repository: "https://example.com/a/b"}},
		"repository scp":      {`"repository":"git@example.com:a/b.git"`, meta{Repository: "https://example.com/a/b.git"}},
		"repository password": {`"repository":"https://u:p@example.com/a"`, meta{Repository: "https://example.com/a"}},
		"repository short":    {`"repository":"owner/name.js"`, meta{Repository: "https://github.com/owner/name.js"}},
		"repository gitlab":   {`"repository":"gitlab:owner/name"`, meta{Repository: "https://gitlab.com/owner/name"}},
		"repository array":    {`"repository":[{"url":"https://example.com/a"}]`, meta{Repository: "https://example.com/a"}},
		"repository unknown":  {`"repository":"somewhere else"`, meta{Repository: "somewhere else"}},
		"description":         {`"description":" a\r\nb \u009b c "`, meta{Description: "a  b  c"}},
		"twice":               {`"description":"first","description":"second"`, meta{Description: "second"}},
		"junk":                {`"_from":".","_phantomChildren":{"a":{"b":[]}},"directories":{"bin":"x"},"_id":5`, meta{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := `{"name":"@s/pad","version":"1.0.0",` + someSHA
			if c.members != "" {
				doc += "," + c.members
			}
			doc += "}"
			r, _ := client(t, documents{
				"/@s%2fpad":       `{"name":"@s/pad","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":` + doc + `}}`,
				"/@s%2fpad/1.0.0": doc,
			})
			digest, err := integrity.FromHex(integrity.SHA1, shasum)
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			want.Name, want.Version, want.Registry = "@s/pad", "1.0.0", "test"
			want.Artifact = pantry.Artifact{
				Name: "@s/pad", Version: "1.0.0", Integrity: integrity.Set{digest}, URL: baseURL + "/@s/pad/-/pad-1.0.0.tgz",
			}
			p, err := r.Package(t.Context(), "@s/pad")
			if err != nil {
				t.Fatal(err)
			}
			for _, read := range []func() (*pantry.Metadata, error){
				func() (*pantry.Metadata, error) { return p.Metadata("1.0.0") },
				func() (*pantry.Metadata, error) { return r.Metadata(t.Context(), "@s/pad", "1.0.0") },
			} {
				got, err := read()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&want, got, cmpopts.EquateComparable(integrity.Digest{}), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("- want, + got:\n%s", diff)
				}
			}
			if p, err = r.Package(pantry.WithAsking(t.Context(), pantry.AskIfStale), "@s/pad"); err != nil {
				t.Fatal(err)
			}
			got, err := p.Metadata("1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got, cmpopts.EquateComparable(integrity.Digest{}), cmpopts.EquateEmpty(),
				cmpopts.IgnoreFields(pantry.Metadata{}, "Description", "Homepage", "Repository", "License", "Author", "Keywords", "DevDependencies")); diff != "" {
				t.Errorf("for installing: - want, + got:\n%s", diff)
			}
		})
	}
}

// TestVersionRefused: what an install depends on is an error where it cannot be understood, of
// that version and of no other.
func TestVersionRefused(t *testing.T) {
	t.Parallel()
	for name, members := range map[string]string{
		"no digest":                 `"dist":{}`,
		"no dist":                   `"x":1`,
		"dist null":                 `"dist":null`,
		"dist array":                `"dist":[]`,
		"malformed integrity":       `"dist":{"integrity":"sha512-short","shasum":"` + shasum + `"}`,
		"unknown algorithm":         `"dist":{"integrity":"blake9-AAAA"}`,
		"md5":                       `"dist":{"integrity":"md5-1B2M2Y8AsgTpgAmY7PhCfg=="}`,
		"integrity of odd kind":     `"dist":{"integrity":{},"shasum":"` + shasum + `"}`,
		"malformed shasum":          `"dist":{"shasum":"xyz"}`,
		"short shasum":              `"dist":{"shasum":"00ff"}`,
		"relative tarball":          `"dist":{"shasum":"` + shasum + `","tarball":"/pad.tgz"}`,
		"file tarball":              `"dist":{"shasum":"` + shasum + `","tarball":"file:///etc/passwd"}`,
		"git tarball":               `"dist":{"shasum":"` + shasum + `","tarball":"git+ssh://example.com/x"}`,
		"opaque tarball":            `"dist":{"shasum":"` + shasum + `","tarball":"https:pad.tgz"}`,
		"tarball without host":      `"dist":{"shasum":"` + shasum + `","tarball":"https:///pad.tgz"}`,
		"tarball of odd kind":       `"dist":{"shasum":"` + shasum + `","tarball":5}`,
		"tarball with escape":       `"dist":{"shasum":"` + shasum + `","tarball":"https://example.com/\u001b"}`,
		"endless tarball":           `"dist":{"shasum":"` + shasum + `","tarball":"https://example.com/` + strings.Repeat("x", 5000) + `"}`,
		"dependencies array":        `"dependencies":["a"],` + someSHA,
		"dependencies text":         `"dependencies":"a",` + someSHA,
		"dependency object":         `"dependencies":{"a":{"version":"1"}},` + someSHA,
		"optional dependency false": `"optionalDependencies":{"a":false},` + someSHA,
		"peer array":                `"peerDependencies":[1],` + someSHA,
		"unprintable dependency":    `"dependencies":{"a\u001b[2J":"1"},` + someSHA,
		"other name":                `"name":"other",` + someSHA,
		"other version":             `"version":"2.0.0",` + someSHA,
		"malformed member":          `"description" "x",` + someSHA,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, documents{"/pad": `{"name":"pad","versions":{"1.0.0":{"name":"pad","version":"1.0.0",` + members + `},"1.1.0":{` + someSHA + `}}}`})
			for _, how := range []pantry.Asking{pantry.AskAlways, pantry.AskIfStale} {
				p, err := r.Package(pantry.WithAsking(t.Context(), how), "pad")
				if err != nil {
					t.Fatal(err)
				}
				if m, err := p.Metadata("1.1.0"); err != nil || m.Version != "1.1.0" {
					t.Errorf("the other version: %v, %v", m, err)
				}
				m, err := p.Metadata("1.0.0")
				if !errors.Is(err, pantry.ErrInvalid) {
					t.Fatalf("got %+v and error %v", m, err)
				}
				if text := err.Error(); !strings.Contains(text, "pad@1.0.0") || !strings.Contains(text, `"test"`) || strings.Contains(text, "\x1b") {
					t.Errorf("message %q", text)
				}
			}
		})
	}
}

func TestMissingDigestAllowed(t *testing.T) {
	t.Parallel()
	docs := documents{"/pad": `{"versions":{"1.0.0":{"dist":{}},"2.0.0":{"dist":{"integrity":"x"}}}}`}
	r, _ := client(t, docs)
	p, err := r.Package(t.Context(), "pad")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Metadata("1.0.0"); !errors.Is(err, pantry.ErrPolicy) || !strings.Contains(pantry.Hint(err), "allowMissingChecksum") {
		t.Errorf("error %v, hint %q", err, pantry.Hint(err))
	}
	r, _ = client(t, docs, func(o *npm.Options) { o.AllowMissingChecksum = true })
	if p, err = r.Package(t.Context(), "pad"); err != nil {
		t.Fatal(err)
	}
	if m, err := p.Metadata("1.0.0"); err != nil || len(m.Artifact.Integrity) != 0 {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := p.Metadata("2.0.0"); !errors.Is(err, pantry.ErrPolicy) {
		t.Errorf("a malformed digest is no absent one, got %v", err)
	}
}

func TestTarball(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ tarball, want string }{
		"absent":                {``, baseURL + "/pad/-/pad-1.0.0.tgz"},
		"as given":              {`https://registry.example.com/files/1?x=%2f`, "https://registry.example.com/files/1?x=%2f"},
		"another host":          {`https://cdn.example.net/pad.tgz`, "https://cdn.example.net/pad.tgz"},
		"http of the same host": {`http://registry.example.com/pad.tgz`, "https://registry.example.com/pad.tgz"},
		"http at port 80":       {`http://Registry.Example.com:80/pad.tgz`, "https://registry.example.com/pad.tgz"},
		"http at another port":  {`http://registry.example.com:8080/pad.tgz`, "http://registry.example.com:8080/pad.tgz"},
		"http of another host":  {`http://cdn.example.net/pad.tgz`, "http://cdn.example.net/pad.tgz"},
		"user and fragment":     {`https://u:p@cdn.example.net/pad.tgz#abc`, "https://cdn.example.net/pad.tgz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, documents{"/pad/1.0.0": `{"name":"pad","version":"1.0.0","dist":{"integrity":"` + sri + `","shasum":"` + shasum + `","tarball":"` + c.tarball + `"}}`})
			m, err := r.Metadata(t.Context(), "pad", "1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			if m.Artifact.URL != c.want {
				t.Errorf("got %q, want %q", m.Artifact.URL, c.want)
			}
			if m.Artifact.Integrity.String() != sri {
				t.Errorf("integrity %q: the SHA-1 has no say beside it", m.Artifact.Integrity)
			}
		})
	}
}

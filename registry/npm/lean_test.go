package npm

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm/packument"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/semver"
)

// reduced is what a lean packument promises of a version.
func reduced(m *pantry.Metadata) *pantry.Metadata {
	if m == nil {
		return nil
	}
	out := *m
	out.Description, out.Homepage, out.Repository, out.License, out.Author = "", "", "", "", ""
	out.Keywords, out.DevDependencies = nil, nil
	return &out
}

// agree fails where the lean form of a document says anything else than the document.
func agree(t *testing.T, o origin, name string, data []byte) {
	t.Helper()
	d, err := newDocument(o, name, data)
	p, leanErr := compact(name, data, packument.Document{})
	if errors.Is(err, errDepth) || errors.Is(leanErr, errDepth) {
		return // the one counts from the document, the other from the version
	}
	if (err == nil) != (leanErr == nil) || err != nil && err.Error() != leanErr.Error() {
		t.Fatalf("%s: the document says %v, the lean form %v", name, err, leanErr)
	}
	if err != nil {
		return
	}
	again, err := packument.Parse(p.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	l := newLean(&o, again)
	if l.Name() != d.Name() || !slices.Equal(l.Versions(), d.Versions()) {
		t.Fatalf("%s: got %s with versions %q, want %q", name, l.Name(), l.Versions(), d.Versions())
	}
	if len(l.Tags())+len(d.Tags()) > 0 && !reflect.DeepEqual(l.Tags(), d.Tags()) {
		t.Fatalf("%s: tags are %v, want %v", name, l.Tags(), d.Tags())
	}
	for tag, version := range d.Tags() {
		i, ok := l.Tagged(tag)
		if want := slices.Index(d.Versions(), version); ok != (want >= 0) || ok && i != want {
			t.Fatalf("%s: tag %q is at %d, %v, want %d", name, tag, i, ok, want)
		}
	}
	for i, version := range d.Versions() {
		if at, ok := l.Place(version); !ok || at != i {
			t.Fatalf("%s: version %q is at %d, %v, want %d", name, version, at, ok, i)
		}
		want, _ := semver.ParseLoose(version)
		if got := l.Version(i); semver.CompareBuild(got, want) != 0 || got.IsValid() != want.IsValid() {
			t.Fatalf("%s: version %q is %v", name, version, got)
		}
		agreeOn(t, d, l, i, version)
	}
}

func agreeOn(t *testing.T, d *document, l *lean, i int, version string) {
	t.Helper()
	want, wantErr := d.Metadata(version)
	got, gotErr := l.Metadata(version)
	if (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
		t.Fatalf("%s@%s: the document says %v, the lean form %v", d.name, version, wantErr, gotErr)
	}
	if want, got := reduced(want), reduced(got); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s@%s: got\n%+v, want\n%+v", d.name, version, got, want)
	}
	if wantErr == nil && (want.Deprecated != "" && !l.MayBeDeprecated(i) || len(want.Engines) > 0 && !l.MayNameEngines(i)) {
		t.Fatalf("%s@%s: it is deprecated or names engines, and that was not noted", d.name, version)
	}
}

// oddVersions are members of a version in every shape that means something else than it seems to, or
// nothing.
var oddVersions = []string{
	``, `"name":"other"`, `"name":5`, `"version":"2.0.0"`, `"version":"v1.0.0"`, `"version":null`, `"name":"a\u0062"`,
	`"dependencies":{"a":"1"},"dependencies":{"b":"1"}`, `"dependencies":5,"dependencies":{}`, `"dependencies":{},"dependencies":5`,
	`"dependencies":[]`, `"dependencies":{]`, `"dependencies":[1]`, `"dependencies":""`, `"dependencies":"x"`, `"dependencies":false`, `"dependencies":{"a" "1"}`,
	`"\u0064ependencies":{"a":"1"}`, `"dependencies":{"\u0061":"\u0031"}`, `"Dependencies":{"a":"1"}`, `"dependencies ":{"a":"1"}`,
	`"dependencies":{"a":"1","b":"2"},"optionalDependencies":{"b":"3"}`, `"bundleDependencies":true,"dependencies":{"b":"1"},"optionalDependencies":{"c":"1"}`,
	`"bundleDependencies":["a"],"bundledDependencies":["b"]`, `"bundledDependencies":{"a":"1"}`, `"bundleDependencies":"a"`,
	`"peerDependencies":{"a":"1"},"peerDependenciesMeta":{"a":{"optional":true},"b":{"optional":true}}`, `"peerDependenciesMeta":[]`,
	`"bin":"x.js"`, `"bin":""`, `"bin":["a/b"]`, `"bin":{"x":"y"}`, `"bin":{"x":5}`, `"directories":{"bin":"x"}`,
	`"engines":["node"]`, `"engines":{"node":">=4"}`, `"os":"linux"`, `"os":["!win32"]`, `"cpu":[""]`, `"libc":["musl"]`,
	`"deprecated":"old"`, `"deprecated":""`, `"deprecated":"\u001b"`, `"deprecated":true`, `"deprecated":false`, `"deprecated":{}`, `"deprecated":0`,
	`"hasInstallScript":true`, `"hasInstallScript":true,"hasInstallScript":false`, `"gypfile":true`, `"scripts":{"install":"x"}`, `"scripts":{"install":""}`,
	`"scripts":{"install":"x"},"scripts":{}`, `"nothing" "x"`, `"\x":1`, "\"\x01\":1", `"é":1`, "\"\xff\":1", `"\ud800":1`,
	`"dist":null`, `"dist":[]`, `"dist":{}`, `"dist":{},"dist":{}`, `"dist":{"integrity":"sha512-short"}`, `"dist":{"integrity":""}`, `"dist":{"shasum":null}`,
	`"dist":{"integrity":"sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA=="}`,
	`"dist":{"integrity":"sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoEA==","shasum":5}`,
	`"dist":{"integrity":"sha512-XI5MPzVNApjAyhQzphX8BkmKsKUxD4LdyK24iZeQGinBN9yTQT3bFlCBy/aVx2HrNcqQGsdot8ghrjyrvMCoE===","shasum":""}`,
	`"dist":{"integrity":" sha1-W4o6d2Xf4AEmHdqRXeWJ54L4yU0= "}`, `"dist":{"integrity":"sha1-W4o6d2Xf4AEmHdqRXeWJ54L4yU0= sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}`,
	`"dist":{"integrity":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=?x"}`, `"dist":{"integrity":"md5-1B2M2Y8AsgTpgAmY7PhCfg=="}`,
	`"dist":{"shasum":"5b8a3a7765dfe001261dde915589e782f8c94d1e"}`, `"dist":{"shasum":"5B8A3A7765DFE001261DDE915589E782F8C94D1E"}`, `"dist":{"shasum":"00"}`,
	`"dist":{"shasum":"5b8a3a7765dfe001261dde915589e782f8c94d1e","shasum":"00"}`, `"dist":{"\u0073hasum":"00"}`, `"dist":{"tarball":5}`, `"dist":{"tarball":""}`,
	`"dist":{"tarball":"https://cdn.example.net/pkg-1.0.0.tgz"}`, `"dist":{"tarball":"https:\/\/cdn.example.net\/pkg-1.0.0.tgz"}`, `"dist":{"tarball":"/x"}`,
	`"dist":{"tarball":"https://cdn.example.net/1.0.0/pkg-1.0.0.tgz"}`, `"dist":{"tarball":"https://cdn.example.net/other"}`, `"dist":{"tarball":"http://u:p@registry.example.com/x#y"}`,
	`"dist":{"tarball":"https://cdn.example.net/ü-1.0.0.tgz"}`, `"dist":{"integrity" "x"}`, `"dist":"x"`, `"dist":{"integrity":{}}`,
}

// oddDocuments are packuments with one or two such versions, and odd themselves.
func oddDocuments() []string {
	const good = `{"name":"pkg","version":"3.0.0","dependencies":{"a":"1"},"dist":{"shasum":"5b8a3a7765dfe001261dde915589e782f8c94d1e","tarball":"https://cdn.example.net/pkg-3.0.0.tgz"}}`
	version := func(members string) string {
		return strings.TrimSuffix(`{"name":"pkg","version":"1.0.0",`+members, ",") + `}`
	}
	var all []string
	for _, members := range oddVersions {
		all = append(all,
			`{"name":"pkg","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":`+version(members)+`}}`,
			`{"versions":{"3.0.0":`+good+`,"1.0.0":`+version(members)+`,"1.0.1":`+version(members)+`},"time":{"1.0.0":"2020-01-02T03:04:05.678Z"}}`,
			`{"versions":{"1.0.0":{`+members+`},"3.0.0":`+good+`}}`,
		)
	}
	return append(all,
		`{"versions":{"1.0.0":[],"1.0.1":5,"1.0.2":null,"1.0.3":"x","1.0.4":{}}}`,
		`{"versions":{"1.0.0":{"name":"pkg","bin":"a"},"1.0.0":{"name":"pkg","bin":"b"},"v1.0.0":{"name":"pkg"},"1.0.0":{"name":"pkg","bin":"c"}}}`,
		`{"versions":{"2.0.0":`+good+`},"versions":{"3.0.0":`+good+`}}`, `{"versions":{"2.0.0":`+good+`},"versions":5}`,
		`{"versions":{"10.0.0":{},"9.0.0":{},"9.0.0-beta":{},"nonsense":{},"1.0.0beta":{},"4294967296.0.0":{},"1.0.0+b":{},"1.0.0+a":{},"1.0.0":{}}}`,
		`{"dist-tags":{"latest":"9.9.9","next":"3.0.0","next":"2.0.0","x":5,"\u001b":"3.0.0"},"versions":{"3.0.0":`+good+`}}`,
		`{"dist-tags":{"a":"3.0.0"},"dist-tags":{"b":"3.0.0"},"versions":{"3.0.0":`+good+`}}`, `{"dist-tags":[],"versions":{"3.0.0":`+good+`}}`,
		`{"versions":{"3.0.0":`+good+`},"time":{"3.0.0":"2020-01-02T03:04:05+02:00","x":{}}}`, `{"versions":{"3.0.0":`+good+`},"time":{"3.0.0":"never"}}`,
		`{"time":{"3.0.0":"2020-01-02T03:04:05Z"},"versions":{"3.0.0":`+good+`},"time":5}`,
		`{"versions":{}}`, `{"versions":null}`, `{"time":{"unpublished":{}}}`, `{"versions":{"a/b":{}}}`, `{"name":"other","versions":{"3.0.0":`+good+`}}`,
		`{"versions":{"1.0.0":{"a":}}}`, `{"versions":{"1.0.0":{"a":1}`, `{"versions":{"1.0.0":{"dependencies":{"a":"1"}}}`, ``, `[]`, `{}`, `<html>`,
	)
}

// TestLean: the lean form says what the document says, whatever its shape.
func TestLean(t *testing.T) {
	t.Parallel()
	http, strict := testOrigin(), testOrigin()
	http.base.Scheme, strict.allowMissing = "http", false
	for _, doc := range oddDocuments() {
		for _, o := range []origin{testOrigin(), http, strict} {
			agree(t, o, "pkg", []byte(doc))
		}
	}
	c := newCorpus(40)
	for i, name := range c.names {
		agree(t, testOrigin(), name, c.packument(i))
	}
}

func FuzzLean(f *testing.F) {
	for _, doc := range oddDocuments() {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, data []byte) { agree(t, testOrigin(), "pkg", data) })
}

// TestLeanPick: a version is chosen from the lean form as from the document.
func TestLeanPick(t *testing.T) {
	t.Parallel()
	o := testOrigin()
	c := newCorpus(60)
	wishes := []string{"*", "", "latest", "next", "nothing", "x", ">=0.0.0-0", "1", "^99"}
	picked := 0
	for i, name := range c.names {
		data := c.packument(i)
		if i%3 == 0 { // some are deprecated, and perhaps all
			data = bytes.ReplaceAll(data, []byte(`"engines":{"node":">=18"}`), []byte(`"deprecated":"x"`))
		}
		data = bytes.Replace(data, []byte(`"dist-tags":{`), []byte(`"dist-tags":{"next":"1.0.0",`), 1)
		d, err := newDocument(o, name, data)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compact(name, data, packument.Document{})
		if err != nil {
			t.Fatal(err)
		}
		l := newLean(&o, p)
		all := d.Versions()
		for _, w := range append(wishes, "^"+all[0], "~"+all[len(all)/2], all[len(all)-1], "<"+all[len(all)/2]) {
			for _, node := range []string{"", "v18.1.0", "10.0.0", "nonsense"} {
				want, wantErr := resolve.Pick(d, w, node)
				got, gotErr := resolve.Pick(l, w, node)
				if got != want || (gotErr == nil) != (wantErr == nil) || gotErr != nil && gotErr.Error() != wantErr.Error() {
					t.Fatalf("%s@%s with Node.js %q: got %q, %v, want %q, %v", name, w, node, got, gotErr, want, wantErr)
				}
				if got != "" {
					picked++
				}
			}
		}
	}
	if picked < 1000 {
		t.Errorf("only %d wishes had an answer", picked)
	}
}

// TestLeanShared: several readers at once, each with another version in mind.
func TestLeanShared(t *testing.T) {
	t.Parallel()
	o := testOrigin()
	c := newCorpus(1)
	p, err := compact(c.names[0], c.packument(0), packument.Document{})
	if err != nil {
		t.Fatal(err)
	}
	l := newLean(&o, p)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range l.Len() {
				version := l.Spelling((i*7 + g) % l.Len())
				if m, err := l.Metadata(version); err != nil || m.Version != version {
					t.Errorf("%s: %+v, %v", version, m, err)
				}
				if len(l.Versions()) != l.Len() || len(l.Tags()) != 1 {
					t.Error("versions or tags are missing")
				}
			}
		})
	}
	wg.Wait()
	if _, err := l.Metadata("0.0.0-none"); !errors.Is(err, pantry.ErrVersionNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestSimple compares with a look at each byte.
func TestSimple(t *testing.T) {
	t.Parallel()
	for at := range 20 {
		for c := range 256 {
			text := bytes.Repeat([]byte("a"), 20)
			text[at] = byte(c)
			if want := c >= ' ' && c < 0x7f && c != '\\'; simple(text) != want {
				t.Errorf("%q: %v", text, !want)
			}
		}
	}
}

// TestLeanReal compares on the packuments in a folder, one a file, that PANTRY_TEST_PACKUMENTS names.
func TestLeanReal(t *testing.T) {
	dir := os.Getenv("PANTRY_TEST_PACKUMENTS")
	if dir == "" {
		t.Skip("PANTRY_TEST_PACKUMENTS names no folder of packuments")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var text, form, count int
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x, err := scan(data)
		if err != nil || x.name == "" {
			continue // a tarball
		}
		agree(t, testOrigin(), x.name, data)
		p, err := compact(x.name, data, packument.Document{})
		if err != nil {
			t.Fatal(err)
		}
		text, form, count = text+len(data), form+len(p.Bytes()), count+1
	}
	t.Logf("%d packuments, %d bytes, %d in the compact form", count, text, form)
}

package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/transport"
)

// Factory makes the registry under test: for a registry type, its client over its server over m;
// for Memory, m itself. What it starts it stops with t.Cleanup.
type Factory func(t *testing.T, m *Memory) pantry.Registry

// Protocol is both sides of a registry type.
type Protocol struct {
	// Handler is the server side over r.
	Handler func(r pantry.Registry) http.Handler
	// Client is the client side, whose registry is called "test". It should bound the size of
	// one answer by MaxAnswer.
	Client func(t *testing.T, c *transport.Client) pantry.Registry
	// MaxAnswer is the number of bytes that the client made by Client reads of one answer.
	MaxAnswer int64
}

// clientName is what the registries that the suites make are called.
const clientName = "test"

// Factory is the protocol's client over HTTP to its server.
func (p Protocol) Factory() Factory {
	return func(t *testing.T, m *Memory) pantry.Registry {
		srv := httptest.NewServer(p.Handler(m))
		t.Cleanup(srv.Close)
		return p.client(t, transport.Options{URL: srv.URL})
	}
}

func (p Protocol) client(t *testing.T, o transport.Options) pantry.Registry {
	t.Helper()
	o.Registry = clientName
	o.Env = func(string) string { return "" } // no proxy of the machine
	c, err := transport.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Client(t, c)
}

// Run asks the registry that f makes everything a registry must be able to, and what of search,
// publishing, tags and ping it offers; the rest is skipped.
func Run(t *testing.T, f Factory) {
	t.Run("Metadata", func(t *testing.T) { t.Parallel(); testMetadata(t, f) })
	t.Run("Names", func(t *testing.T) { t.Parallel(); testNames(t, f) })
	t.Run("NotFound", func(t *testing.T) { t.Parallel(); testNotFound(t, f) })
	t.Run("Package", func(t *testing.T) { t.Parallel(); testPackage(t, f) })
	t.Run("Open", func(t *testing.T) { t.Parallel(); testOpen(t, f) })
	t.Run("Search", func(t *testing.T) { t.Parallel(); testSearch(t, f) })
	t.Run("Publish", func(t *testing.T) { t.Parallel(); testPublish(t, f) })
	t.Run("PublishRefused", func(t *testing.T) { t.Parallel(); testPublishRefused(t, f) })
	t.Run("Tags", func(t *testing.T) { t.Parallel(); testTags(t, f) })
	t.Run("Ping", func(t *testing.T) { t.Parallel(); testPing(t, f) })
	t.Run("Concurrent", func(t *testing.T) { t.Parallel(); testConcurrent(t, f) })
	t.Run("Cancelled", func(t *testing.T) { t.Parallel(); testCancelled(t, f) })
}

// everything has a value in every field that a registry can carry.
var everything = Pkg{
	Name: "@scope/every-thing", Version: "1.2.3",
	Description: `all fields, "quotes" and ünïcode <&>`, Homepage: "https://example.com/every",
	Repository: "https://example.com/scope/every.git", License: "MIT", Author: "Ada",
	Keywords: []string{"zeta", "alpha"}, Dependencies: map[string]string{"left-pad": "^1.0.0", "@scope/a": "~2"},
	DevDependencies:      map[string]string{"tester": ">=1 <3"},
	OptionalDependencies: map[string]string{"fsevents": "*"},
	PeerDependencies:     map[string]string{"react": "^18 || ^19", "vue": "3"},
	OptionalPeers:        []string{"vue"}, BundledDependencies: []string{"@scope/a"},
	Bin:     map[string]string{"every": "bin/every.js", "thing": "bin/thing.js"},
	Engines: map[string]string{"node": ">=18"}, OS: []string{"linux", "!win32"}, CPU: []string{"x64"},
	Libc: []string{"glibc"}, Deprecated: "use something else", Scripts: map[string]string{"postinstall": "node x.js"},
	Published: time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC),
	Files:     map[string]string{"bin/every.js": "#!/usr/bin/env node\n", "bin/thing.js": "#!/usr/bin/env node\n"},
}

func samples() []Pkg {
	js := func(s string) map[string]string {
		return map[string]string{"index.js": "module.exports = '" + s + "'\n"}
	}
	return []Pkg{
		{Name: "left-pad", Version: "10.0.0-rc.1", Tags: []string{"next"}, Files: js("rc")},
		{Name: "left-pad", Version: "1.9.0", Files: js("1.9"), Description: "pads strings"},
		{Name: "left-pad", Version: "1.10.0", Files: js("1.10"), Tags: []string{"old"}},
		{Name: "left-pad", Version: "2.0.0", Files: js("2"), Tags: []string{"latest"}, Description: "pads strings on the left"},
		{Name: "left-pad", Version: "2.0.0-beta.2", Files: js("b2")},
		{Name: "left-pad", Version: "2.0.0-beta.11", Files: js("b11")},
		{Name: "left-pad", Version: "3.0.0", Files: js("3")},
		{Name: "only-pre", Version: "1.0.0-alpha.1", Files: js("a1")},
		{Name: "only-pre", Version: "1.0.0-alpha.2", Files: js("a2")},
		{Name: "right-pad", Version: "1.0.0", Files: js("r"), Description: "pads strings on the right", Keywords: []string{"padding"}},
		everything,
	}
}

func open(t *testing.T, f Factory, pkgs ...Pkg) (pantry.Registry, *Memory) {
	t.Helper()
	m := NewMemory("memory", pkgs...)
	return f(t, m), m
}

func testMetadata(t *testing.T, f Factory) {
	r, m := open(t, f, samples()...)
	for _, c := range []struct{ name, ask, want string }{
		{"left-pad", "1.9.0", "1.9.0"},
		{"left-pad", "2.0.0-beta.11", "2.0.0-beta.11"},
		{"left-pad", "", "2.0.0"},
		{"left-pad", "latest", "2.0.0"},
		{"left-pad", "next", "10.0.0-rc.1"},
		{"left-pad", "old", "1.10.0"},
		{"only-pre", "", "1.0.0-alpha.2"},
		{"@scope/every-thing", "1.2.3", "1.2.3"},
		{"@scope/every-thing", "", "1.2.3"},
	} {
		t.Run(c.name+"@"+c.ask, func(t *testing.T) {
			got, err := r.Metadata(t.Context(), c.name, c.ask)
			if err != nil {
				t.Fatal(err)
			}
			want, err := m.Metadata(t.Context(), c.name, c.want)
			if err != nil {
				t.Fatal(err)
			}
			sameMetadata(t, got, want)
			if got.Registry == "" {
				t.Error("Registry is empty")
			}
		})
	}
}

// sameMetadata compares what the registry under test says with what Memory says. Where the
// bytes are, and who answered, differ of course; a protocol need not carry size and date.
func sameMetadata(t *testing.T, got, want *pantry.Metadata) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateComparable(integrity.Digest{}),
		cmpopts.IgnoreFields(pantry.Metadata{}, "Registry", "Published"),
		cmpopts.IgnoreFields(pantry.Artifact{}, "URL", "Size"),
	); diff != "" {
		t.Errorf("metadata (- wanted, + got):\n%s", diff)
	}
	if !got.Published.IsZero() && !got.Published.Equal(want.Published) {
		t.Errorf("Published = %v, want %v or nothing", got.Published, want.Published)
	}
	if got.Artifact.Size != 0 && got.Artifact.Size != want.Artifact.Size {
		t.Errorf("Size = %d, want %d or 0", got.Artifact.Size, want.Artifact.Size)
	}
	u, err := url.Parse(got.Artifact.URL)
	if err != nil || !u.IsAbs() || u.User != nil {
		t.Errorf("artifact URL %q is not absolute and without user information (%v)", got.Artifact.URL, err)
	}
}

func testNames(t *testing.T, f Factory) {
	names := []string{
		"JSONStream", "socket.io", "a-b_c.d", "x", "1", "constructor", "hasOwnProperty",
		"versions", "tags", "tarball", "latest", "search", "packages", "dist-tags",
		"@a/b", "@scope/versions", "@1/2", "@a.b_c-d/e.f", "@scope/tarball", strings.Repeat("n", 214),
	}
	var pkgs []Pkg
	for _, n := range names {
		pkgs = append(pkgs, Pkg{Name: n, Version: "1.0.0", Description: "this is " + n})
	}
	r, m := open(t, f, pkgs...)
	for _, n := range names {
		t.Run(n[:min(len(n), 30)], func(t *testing.T) {
			meta, err := r.Metadata(t.Context(), n, "")
			if err != nil {
				t.Fatal(err)
			}
			want, _ := m.Metadata(t.Context(), n, "1.0.0")
			sameMetadata(t, meta, want)
			p, err := r.Package(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if p.Name() != n || !slices.Equal(p.Versions(), []string{"1.0.0"}) {
				t.Errorf("Package = %q %q", p.Name(), p.Versions())
			}
			wantBytes(t, r, m, meta.Artifact)
		})
	}
}

func testNotFound(t *testing.T, f Factory) {
	r, _ := open(t, f, samples()...)
	for _, name := range []string{"missing", "@scope/missing", "@missing/left-pad", "left-pa", "left-pad2"} {
		_, err := r.Metadata(t.Context(), name, "")
		wantMissing(t, fmt.Sprintf("Metadata(%q)", name), err, pantry.ErrNotFound)
		_, err = r.Metadata(t.Context(), name, "1.0.0")
		wantMissing(t, fmt.Sprintf("Metadata(%q, 1.0.0)", name), err, pantry.ErrNotFound)
		p, err := r.Package(t.Context(), name)
		wantMissing(t, fmt.Sprintf("Package(%q)", name), err, pantry.ErrNotFound)
		if p != nil {
			t.Errorf("Package(%q) is not nil beside an error", name)
		}
		if err != nil && !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %q: %v", name, err)
		}
	}
	for _, version := range []string{"9.9.9", "1.0.0-nope", "no-such-tag"} {
		_, err := r.Metadata(t.Context(), "left-pad", version)
		wantMissing(t, fmt.Sprintf("Metadata(left-pad, %q)", version), err, pantry.ErrVersionNotFound)
		_, err = r.Metadata(t.Context(), "@scope/every-thing", version)
		wantMissing(t, fmt.Sprintf("Metadata(@scope/every-thing, %q)", version), err, pantry.ErrVersionNotFound)
	}
	// A range is no version: that one would satisfy it must not make it an answer.
	if got, err := r.Metadata(t.Context(), "left-pad", "^1.0.0"); err == nil {
		t.Errorf("Metadata(left-pad, ^1.0.0) = %s, want an error", got.Version)
	}
	// Names that lead elsewhere must lead nowhere.
	for _, name := range []string{"", ".", "..", "../left-pad", "left-pad/../right-pad", "@scope", "@scope/", "a\x00b", "a b\n"} {
		if got, err := r.Metadata(t.Context(), name, ""); err == nil {
			t.Errorf("Metadata(%q) = %s, want an error", name, got.Name)
		}
		if got, err := r.Package(t.Context(), name); err == nil {
			t.Errorf("Package(%q) = %s, want an error", name, got.Name())
		}
	}
	for _, version := range []string{"..", "../../right-pad", "1.9.0/../2.0.0", "1.9.0?x", "1.9.0#x", "a/b"} {
		if got, err := r.Metadata(t.Context(), "left-pad", version); err == nil {
			t.Errorf("Metadata(left-pad, %q) = %s, want an error", version, got.Version)
		}
	}
}

// wantMissing tells the two ways of not being there apart.
func wantMissing(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want it to match %q", what, err, want)
		return
	}
	if want == pantry.ErrNotFound && errors.Is(err, pantry.ErrVersionNotFound) {
		t.Errorf("%s: %v; it is the name that is missing, not the version", what, err)
	}
}

func testPackage(t *testing.T, f Factory) {
	r, m := open(t, f, samples()...)
	for _, name := range []string{"left-pad", "only-pre", "@scope/every-thing"} {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := r.Package(ctx, name)
		cancel() // a package outlives the call that returned it
		if err != nil {
			t.Fatal(err)
		}
		want, _ := m.Package(t.Context(), name)
		if p.Name() != name {
			t.Errorf("Name = %q, want %q", p.Name(), name)
		}
		if diff := cmp.Diff(want.Versions(), p.Versions()); diff != "" {
			t.Errorf("versions of %s (- wanted, + got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want.Tags(), p.Tags()); diff != "" {
			t.Errorf("tags of %s (- wanted, + got):\n%s", name, diff)
		}
		for _, v := range p.Versions() {
			got, err := p.Metadata(v)
			if err != nil {
				t.Errorf("Package(%s).Metadata(%s): %v", name, v, err)
				continue
			}
			asked, err := r.Metadata(t.Context(), name, v)
			if err != nil {
				t.Errorf("Metadata(%s, %s): %v", name, v, err)
				continue
			}
			sameMetadata(t, got, asked)
			if got.Artifact.URL != asked.Artifact.URL || got.Registry != asked.Registry {
				t.Errorf("%s@%s: the package says %s of %s, Metadata says %s of %s", name, v,
					got.Artifact.URL, got.Registry, asked.Artifact.URL, asked.Registry)
			}
		}
		for _, v := range []string{"9.9.9", "", "latest"} {
			_, err := p.Metadata(v)
			wantMissing(t, fmt.Sprintf("Package(%s).Metadata(%q)", name, v), err, pantry.ErrVersionNotFound)
		}
	}
}

func testOpen(t *testing.T, f Factory) {
	r, m := open(t, f, samples()...)
	for _, id := range [][2]string{{"left-pad", "1.10.0"}, {"left-pad", "2.0.0-beta.2"}, {"@scope/every-thing", "1.2.3"}} {
		meta, err := r.Metadata(t.Context(), id[0], id[1])
		if err != nil {
			t.Fatal(err)
		}
		wantBytes(t, r, m, meta.Artifact)
	}
	meta, err := r.Metadata(t.Context(), "left-pad", "1.10.0")
	if err != nil {
		t.Fatal(err)
	}
	gone := meta.Artifact
	gone.Version = "9.9.9"
	gone.URL = strings.ReplaceAll(gone.URL, "1.10.0", "9.9.9")
	body, err := r.Open(t.Context(), gone)
	if err == nil {
		_, err = io.ReadAll(body)
		_ = body.Close()
	}
	if !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("Open of a version that is not there: %v; want it to match %q", err, pantry.ErrNotFound)
	}
}

// wantBytes checks that a leads to exactly the bytes that m holds, and that they match its digest.
func wantBytes(t *testing.T, r pantry.Registry, m *Memory, a pantry.Artifact) {
	t.Helper()
	got, err := read(t.Context(), r, a)
	if err != nil {
		t.Errorf("Open %s@%s: %v", a.Name, a.Version, err)
		return
	}
	want, err := read(t.Context(), m, pantry.Artifact{Name: a.Name, Version: a.Version})
	if err != nil {
		t.Errorf("%s@%s is not in the server: %v", a.Name, a.Version, err)
		return
	}
	if !bytes.Equal(got, want) {
		t.Errorf("Open %s@%s gave %d bytes that are not the %d published", a.Name, a.Version, len(got), len(want))
	}
	if len(a.Integrity) == 0 {
		t.Errorf("%s@%s has no integrity", a.Name, a.Version)
	}
}

// read opens a and reads it to its end, checked against its integrity.
func read(ctx context.Context, r pantry.Registry, a pantry.Artifact) ([]byte, error) {
	body, err := r.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(integrity.NewReader(body, a.Integrity))
}

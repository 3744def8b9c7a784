package mirror_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/custom"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

func js(s string) map[string]string { return map[string]string{"index.js": s} }

func samples() []registrytest.Pkg {
	day := func(d int) time.Time { return time.Date(2024, 1, d, 0, 0, 0, 0, time.UTC) }
	return []registrytest.Pkg{
		{Name: "pad", Version: "1.0.0", Files: js("1"), Published: day(1), Deprecated: "too old"},
		{Name: "pad", Version: "1.1.0", Files: js("1.1"), Published: day(2), Tags: []string{"old"}},
		{Name: "pad", Version: "2.0.0", Files: js("2"), Published: day(3), Tags: []string{"latest"}},
		{Name: "pad", Version: "3.0.0-rc.1", Files: js("rc"), Published: day(4), Tags: []string{"next"}},
		{Name: "@acme/ui", Version: "1.0.0", Files: js("ui"), Dependencies: map[string]string{"pad": "^1.0.0", "icons": "npm:@acme/icons@1"}},
		{Name: "@acme/icons", Version: "1.2.0", Files: js("icons"), PeerDependencies: map[string]string{"@acme/ui": "1", "gone": "*"}, OptionalPeers: []string{"gone"}},
		{Name: "other", Version: "0.1.0", Files: js("other")},
	}
}

func end(name string, r pantry.Registry) mirror.End { return mirror.End{Name: name, Registry: r} }

func folder(t *testing.T) (*directory.Registry, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mirror")
	d, err := directory.Open("./mirror", dir, true)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

// npmOver is a client of npm's protocol over r; rules misbehave.
func npmOver(t *testing.T, name string, r pantry.Registry, rules ...registrytest.Rule) (pantry.Registry, *registrytest.Scripted) {
	t.Helper()
	s := registrytest.NewScripted(npm.Handler(r, npm.HandlerOptions{}))
	s.Set(rules...)
	return client(t, name, s, func(c *transport.Client) (pantry.Registry, error) {
		return npm.New(npm.Options{Name: name, Client: c})
	}), s
}

func customOver(t *testing.T, name string, r pantry.Registry) pantry.Registry {
	t.Helper()
	return client(t, name, custom.Handler(r, custom.HandlerOptions{}), func(c *transport.Client) (pantry.Registry, error) {
		return custom.New(custom.Options{Name: name, Client: c})
	})
}

func client(t *testing.T, name string, h http.Handler, open func(*transport.Client) (pantry.Registry, error)) pantry.Registry {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c, err := transport.New(transport.Options{URL: srv.URL, Registry: name, Env: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	r, err := open(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func items(t *testing.T, specs ...string) []mirror.Item {
	t.Helper()
	var all []mirror.Item
	for _, s := range specs {
		it, err := mirror.ParseItem(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, it)
	}
	return all
}

func run(t *testing.T, o mirror.Options) *mirror.Report {
	t.Helper()
	rep, err := mirror.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// same checks that the target has exactly the versions and tags, with the source's bytes.
func same(t *testing.T, from, to pantry.Registry, name string, versions []string, tags map[string]string) {
	t.Helper()
	p, err := to.Package(pantry.InFull(t.Context()), name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(versions, p.Versions()); diff != "" {
		t.Errorf("versions of %s (- wanted, + got):\n%s", name, diff)
	}
	if diff := cmp.Diff(tags, p.Tags()); diff != "" {
		t.Errorf("tags of %s (- wanted, + got):\n%s", name, diff)
	}
	for _, v := range p.Versions() {
		a, b := bytesOf(t, from, name, v), bytesOf(t, to, name, v)
		if a != b {
			t.Errorf("%s@%s has other bytes", name, v)
		}
	}
}

func bytesOf(t *testing.T, r pantry.Registry, name, version string) string {
	t.Helper()
	m, err := r.Metadata(t.Context(), name, version)
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Open(t.Context(), m.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(integrity.NewReader(body, m.Artifact.Integrity))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var padTags = map[string]string{"latest": "2.0.0", "old": "1.1.0", "next": "3.0.0-rc.1"}
var padVersions = []string{"1.0.0", "1.1.0", "2.0.0", "3.0.0-rc.1"}

// TestBetween copies everything between registries of every type, and does it again.
func TestBetween(t *testing.T) {
	t.Parallel()
	makers := map[string]func(t *testing.T, pkgs ...registrytest.Pkg) pantry.Registry{
		"memory": func(_ *testing.T, pkgs ...registrytest.Pkg) pantry.Registry {
			return registrytest.NewMemory("memory", pkgs...)
		},
		"npm": func(t *testing.T, pkgs ...registrytest.Pkg) pantry.Registry {
			r, _ := npmOver(t, "npm", registrytest.NewMemory("memory", pkgs...))
			return r
		},
		"custom": func(t *testing.T, pkgs ...registrytest.Pkg) pantry.Registry {
			return customOver(t, "custom", registrytest.NewMemory("memory", pkgs...))
		},
		"directory": func(t *testing.T, pkgs ...registrytest.Pkg) pantry.Registry {
			d, _ := folder(t)
			if len(pkgs) > 0 {
				run(t, mirror.Options{From: end("memory", registrytest.NewMemory("memory", pkgs...)), To: end("d", d), Items: items(t, "*")})
			}
			return d
		},
	}
	for fromName, from := range makers {
		for toName, to := range makers {
			t.Run(fromName+" to "+toName, func(t *testing.T) {
				t.Parallel()
				source, target := from(t, samples()...), to(t)
				wanted := items(t, "pad", "@acme/*", "other")
				if fromName == "custom" { // which can be searched only, for a word
					wanted = items(t, "pad", "@acme/ui", "@acme/icons", "other")
				}
				o := mirror.Options{From: end("a", source), To: end("b", target), Items: wanted}
				rep := run(t, o)
				if rep.Copied != 7 || rep.Packages != 4 || rep.Skipped != 0 || len(rep.Failed) != 0 || rep.Bytes == 0 {
					t.Fatalf("report: %+v", rep)
				}
				same(t, source, target, "pad", padVersions, padTags)
				same(t, source, target, "@acme/ui", []string{"1.0.0"}, map[string]string{"latest": "1.0.0"})
				if toName == "directory" {
					m, err := target.Metadata(t.Context(), "pad", "1.0.0")
					if err != nil || m.Deprecated != "too old" || fromName != "custom" && m.Published.Day() != 1 {
						t.Errorf("got %+v, %v", m, err)
					}
					if len(rep.NotCarried) != 0 {
						t.Errorf("not carried: %+v", rep.NotCarried)
					}
				}
				again := run(t, o)
				if again.Copied != 0 || again.Skipped != 7 || len(again.Failed) != 0 || again.Bytes != 0 || again.Tags != 0 {
					t.Errorf("the second time: %+v", again)
				}
			})
		}
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		items []mirror.Item
		with  bool
		want  []string
		tags  map[string]string // of pad, where that has some
	}{
		"range":             {items: []mirror.Item{{Name: "pad", Versions: "^1"}}, want: []string{"pad@1.0.0", "pad@1.1.0"}, tags: map[string]string{"latest": "1.1.0", "old": "1.1.0"}},
		"version":           {items: []mirror.Item{{Name: "pad", Versions: "1.0.0"}}, want: []string{"pad@1.0.0"}, tags: map[string]string{"latest": "1.0.0"}},
		"tag":               {items: []mirror.Item{{Name: "pad", Versions: "next"}}, want: []string{"pad@3.0.0-rc.1"}, tags: map[string]string{"latest": "3.0.0-rc.1", "next": "3.0.0-rc.1"}},
		"latest 2":          {items: []mirror.Item{{Name: "pad", Latest: 2}}, want: []string{"pad@1.1.0", "pad@2.0.0"}, tags: map[string]string{"latest": "2.0.0", "old": "1.1.0"}},
		"two wishes":        {items: []mirror.Item{{Name: "pad", Versions: "^1"}, {Name: "pad", Versions: "1.1.0"}}, want: []string{"pad@1.0.0", "pad@1.1.0"}},
		"pattern":           {items: []mirror.Item{{Name: "@acme/i*"}}, want: []string{"@acme/icons@1.2.0"}},
		"everything":        {items: []mirror.Item{{Name: "*", Latest: 1}}, want: []string{"@acme/icons@1.2.0", "@acme/ui@1.0.0", "other@0.1.0", "pad@2.0.0"}},
		"with dependencies": {items: []mirror.Item{{Name: "@acme/ui"}}, with: true, want: []string{"@acme/icons@1.2.0", "@acme/ui@1.0.0", "pad@1.1.0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := registrytest.NewMemory("source", samples()...)
			target, _ := npmOver(t, "target", registrytest.NewMemory("target"))
			rep := run(t, mirror.Options{From: end("source", source), To: end("target", target), Items: c.items, WithDependencies: c.with})
			if len(rep.Failed) != 0 || rep.Copied != len(c.want) {
				t.Errorf("report: %+v", rep)
			}
			if got := all(t, target); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if c.tags != nil {
				p, err := target.Package(t.Context(), "pad")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.tags, p.Tags()); diff != "" {
					t.Errorf("tags (- wanted, + got):\n%s", diff)
				}
			}
		})
	}
}

// all lists NAME@VERSION of what a registry that can list has.
func all(t *testing.T, r pantry.Registry) []string {
	t.Helper()
	l, ok := pantry.As[pantry.Lister](r)
	if !ok {
		t.Fatal("no list")
	}
	names, err := l.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, n := range names {
		p, err := r.Package(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Versions() {
			out = append(out, n+"@"+v)
		}
	}
	return out
}

// TestProofs: signatures, attestations and the registry's own document reach a directory, and get
// from there to whoever asks a server over it.
func TestProofs(t *testing.T) {
	t.Parallel()
	tarball := registrytest.Tarball(registrytest.Pkg{Name: "signed", Version: "1.0.0"})
	sri := integrity.Sum(integrity.SHA512, tarball).String()
	const attested = `{"attestations":[{"predicateType":"https://slsa.dev/provenance/v1","bundle":{"x":1}}]}`
	doc := fmt.Sprintf(`{"name":"signed","dist-tags":{"latest":"1.0.0"},"time":{"1.0.0":"2024-05-06T07:08:09.000Z"},"versions":{"1.0.0":{"name":"signed","version":"1.0.0","odd":{"field":true},
		"dist":{"integrity":%q,"signatures":[{"keyid":"SHA256:k","sig":"MEU="}],"attestations":{"url":"http://elsewhere.invalid/x","provenance":{"predicateType":"https://slsa.dev/provenance/v1"}}}}}}`, sri)
	source, scripted := npmOver(t, "source", registrytest.NewMemory("m", registrytest.Pkg{Name: "signed", Version: "1.0.0"}),
		registrytest.Rule{Path: "/signed", Fault: registrytest.JSON(doc)},
		registrytest.Rule{Path: "/-/npm/v1/attestations/signed@1.0.0", Fault: registrytest.JSON(attested)})
	d, _ := folder(t)
	rep := run(t, mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "signed")})
	if rep.Copied != 1 || len(rep.Failed)+len(rep.NotCarried) != 0 {
		t.Fatalf("report: %+v", rep)
	}
	rec, err := d.Record(t.Context(), "signed", "1.0.0")
	if err != nil || rec.Metadata.Published.Year() != 2024 || !strings.Contains(string(rec.Manifest), `"odd"`) || !strings.Contains(string(rec.Attestations), "slsa.dev") {
		t.Fatalf("got %+v, %v", rec, err)
	}
	// Once more, through a server over the directory, into another one.
	served, _ := npmOver(t, "served", d)
	second, _ := folder(t)
	rep = run(t, mirror.Options{From: end("served", served), To: end("second", second), Items: items(t, "signed")})
	if rep.Copied != 1 || len(rep.Failed)+len(rep.NotCarried) != 0 {
		t.Fatalf("report: %+v", rep)
	}
	if rec, err = second.Record(t.Context(), "signed", "1.0.0"); err != nil || !strings.Contains(string(rec.Manifest), "MEU=") || len(rec.Attestations) == 0 {
		t.Errorf("got %+v, %v", rec, err)
	}
	// A registry makes its own: the report says what is lost.
	target, _ := npmOver(t, "target", registrytest.NewMemory("target"))
	rep = run(t, mirror.Options{From: end("d", d), To: end("target", target), Items: items(t, "signed")})
	want := []mirror.NotCarried{{What: "attestations", Versions: 1}, {What: "signatures", Versions: 1}}
	if diff := cmp.Diff(want, slices.DeleteFunc(rep.NotCarried, func(n mirror.NotCarried) bool { return n.What == "time" })); diff != "" {
		t.Errorf("not carried (- wanted, + got):\n%s", diff)
	}
	for _, r := range scripted.Requests() {
		if strings.Contains(r.Host, "elsewhere") {
			t.Errorf("a request to %s", r.Host)
		}
	}
}

// TestConflict: other bytes are never overwritten, whatever the target.
func TestConflict(t *testing.T) {
	t.Parallel()
	source := registrytest.NewMemory("source", samples()...)
	mine := registrytest.Pkg{Name: "pad", Version: "1.1.0", Files: js("mine")}
	d, _ := folder(t)
	run(t, mirror.Options{From: end("mine", registrytest.NewMemory("mine", mine)), To: end("d", d), Items: items(t, "pad")})
	viaNPM, _ := npmOver(t, "npm", registrytest.NewMemory("memory", mine))
	for name, target := range map[string]pantry.Registry{"directory": d, "memory": registrytest.NewMemory("memory", mine), "npm": viaNPM} {
		rep := run(t, mirror.Options{From: end("source", source), To: end(name, target), Items: items(t, "pad")})
		if len(rep.Failed) != 1 || !rep.Failed[0].Conflict || rep.Failed[0].Version != "1.1.0" || rep.Copied != 3 {
			t.Errorf("%s: %+v", name, rep)
		}
		if bytesOf(t, target, "pad", "1.1.0") != string(registrytest.Tarball(mine)) {
			t.Errorf("%s: what was there was overwritten", name)
		}
	}
}

// TestWrongBytes: what does not match its digest is not at the target afterwards.
func TestWrongBytes(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]registrytest.Fault{"tampered": registrytest.Tampered(), "truncated": registrytest.Truncated(40)} {
		source, _ := npmOver(t, "source", registrytest.NewMemory("m", samples()...), registrytest.Rule{Path: "/pad/-/pad-2.0.0.tgz", Fault: fault})
		d, _ := folder(t)
		memory := registrytest.NewMemory("memory")
		for _, target := range []pantry.Registry{d, memory} {
			rep := run(t, mirror.Options{From: end("source", source), To: end("t", target), Items: items(t, "pad")})
			if len(rep.Failed) != 1 || rep.Failed[0].Version != "2.0.0" || !errors.Is(rep.Failed[0].Err, pantry.ErrIntegrity) || rep.Copied != 3 {
				t.Errorf("%s: %+v", name, rep)
			}
			if _, err := target.Metadata(t.Context(), "pad", "2.0.0"); !errors.Is(err, pantry.ErrVersionNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// What broke once is asked for again.
	source, _ := npmOver(t, "source", registrytest.NewMemory("m", samples()...), registrytest.Rule{Path: "/pad/-/**", Times: 2, Fault: registrytest.CutShort(30)})
	d, _ := folder(t)
	if rep := run(t, mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "pad"), Concurrency: 1}); rep.Copied != 4 {
		t.Errorf("after bodies that broke off: %+v", rep)
	}
}

// deprecating is a Memory that takes deprecations.
type deprecating struct {
	*registrytest.Memory
	pkgs  map[string]registrytest.Pkg // by version
	calls int
}

func (d *deprecating) Deprecate(_ context.Context, _ string, versions []string, message string) error {
	d.calls++
	for _, v := range versions {
		p := d.pkgs[v]
		p.Deprecated = message
		d.Add(p)
	}
	return nil
}

// TestDeprecation: a registry that takes deprecations gets them, those of versions it has already too;
// of another one the report says that it did not.
func TestDeprecation(t *testing.T) {
	t.Parallel()
	target := &deprecating{Memory: registrytest.NewMemory("target"), pkgs: map[string]registrytest.Pkg{}}
	var fresh []registrytest.Pkg
	for _, p := range samples()[:4] {
		p.Deprecated = ""
		target.pkgs[p.Version] = p
		fresh = append(fresh, p)
	}
	o := mirror.Options{From: end("fresh", registrytest.NewMemory("fresh", fresh...)), To: end("target", target), Items: items(t, "pad")}
	if rep := run(t, o); rep.Copied != 4 || target.calls != 0 {
		t.Fatalf("%+v, %d calls", rep, target.calls)
	}
	o.From = end("source", registrytest.NewMemory("source", samples()...))
	for range 2 {
		if rep := run(t, o); rep.Skipped != 4 || len(rep.Failed)+len(rep.NotCarried) != 0 || target.calls != 1 {
			t.Errorf("%+v, %d calls", rep, target.calls)
		}
	}
	if m, err := target.Metadata(t.Context(), "pad", "1.0.0"); err != nil || m.Deprecated != "too old" {
		t.Errorf("got %+v, %v", m, err)
	}
	other, _ := npmOver(t, "other", registrytest.NewMemory("other"))
	o.To = end("other", other)
	rep := run(t, o)
	if !slices.Contains(rep.NotCarried, mirror.NotCarried{What: "deprecation", Versions: 1}) {
		t.Errorf("%+v", rep)
	}
}

// TestHopeless: a target that refuses everything is not asked about everything.
func TestHopeless(t *testing.T) {
	t.Parallel()
	var pkgs []registrytest.Pkg
	for i := range 40 {
		pkgs = append(pkgs, registrytest.Pkg{Name: fmt.Sprintf("p%02d", i), Version: "1.0.0"})
	}
	target, asked := npmOver(t, "target", registrytest.NewMemory("target"), registrytest.Rule{Method: http.MethodPut, Fault: registrytest.Status(401)})
	rep, err := mirror.Run(t.Context(), mirror.Options{From: end("source", registrytest.NewMemory("source", pkgs...)), To: end("target", target), Items: items(t, "*"), Concurrency: 2})
	if !errors.Is(err, pantry.ErrDenied) || rep.Copied != 0 || len(rep.Failed) < 5 || len(rep.Failed) > 10 {
		t.Errorf("%+v, %v", rep, err)
	}
	if n := asked.Count(); n > 40 {
		t.Errorf("%d requests", n)
	}
}

// TestOddSource: a tag that cannot be one is left out and said; a version that is of another package is
// refused.
func TestOddSource(t *testing.T) {
	t.Parallel()
	pkg := registrytest.Pkg{Name: "odd", Version: "1.0.0", Tags: []string{"latest", "1.x", "stable"}}
	d, _ := folder(t)
	rep := run(t, mirror.Options{From: end("source", registrytest.NewMemory("source", pkg)), To: end("d", d), Items: items(t, "odd")})
	if rep.Copied != 1 || rep.Tags != 2 || len(rep.LeftOut) != 1 || len(rep.Failed) != 0 {
		t.Errorf("%+v", rep)
	}
	rep = run(t, mirror.Options{From: end("liar", liar{registrytest.NewMemory("liar", pkg)}), To: end("d", d), Items: items(t, "innocent")})
	if len(rep.Failed) != 1 || !errors.Is(rep.Failed[0].Err, pantry.ErrInvalid) || rep.Copied != 0 {
		t.Errorf("%+v", rep)
	}
}

// liar has one package under every name.
type liar struct{ *registrytest.Memory }

func (l liar) Package(ctx context.Context, _ string) (pantry.Package, error) {
	return l.Memory.Package(ctx, "odd")
}

// TestPinned: what a lockfile pins counts, not what the source says today.
func TestPinned(t *testing.T) {
	t.Parallel()
	source := registrytest.NewMemory("source", samples()...)
	d, _ := folder(t)
	pin := integrity.Set{integrity.Sum(integrity.SHA512, []byte("something else"))}
	rep := run(t, mirror.Options{From: end("source", source), To: end("d", d), Items: []mirror.Item{{Name: "pad", Versions: "2.0.0", Integrity: pin}}})
	if len(rep.Failed) != 1 || !errors.Is(rep.Failed[0].Err, pantry.ErrIntegrity) || rep.Copied != 0 {
		t.Errorf("%+v", rep)
	}
}

// TestClaims: a name that somebody else claims is neither asked for nor told.
func TestClaims(t *testing.T) {
	t.Parallel()
	private := func(name string) error {
		if strings.HasPrefix(name, "@acme/") {
			return fmt.Errorf("%w: %s belongs to registry acme", pantry.ErrPolicy, name)
		}
		return nil
	}
	t.Run("target", func(t *testing.T) {
		t.Parallel()
		target, asked := npmOver(t, "public", registrytest.NewMemory("public"))
		rep := run(t, mirror.Options{From: end("acme", registrytest.NewMemory("acme", samples()...)),
			To: mirror.End{Name: "public", Registry: target, Allow: private}, Items: items(t, "@acme/ui", "other")})
		if rep.Copied != 1 || len(rep.Failed) != 1 || !errors.Is(rep.Failed[0].Err, pantry.ErrPolicy) {
			t.Errorf("%+v", rep)
		}
		silent(t, asked)
	})
	t.Run("source", func(t *testing.T) {
		t.Parallel()
		source, asked := npmOver(t, "public", registrytest.NewMemory("public", samples()...))
		d, _ := folder(t)
		o := mirror.Options{From: mirror.End{Name: "public", Registry: source, Allow: private}, To: end("d", d), Items: items(t, "@acme/ui", "other")}
		if rep := run(t, o); rep.Copied != 1 || len(rep.Failed) != 1 || !errors.Is(rep.Failed[0].Err, pantry.ErrPolicy) {
			t.Errorf("%+v", rep)
		}
		o.Items = items(t, "@acme/*")
		if _, err := mirror.Run(t.Context(), o); !errors.Is(err, pantry.ErrPolicy) {
			t.Errorf("a pattern: %v", err)
		}
		o.Items = items(t, "*")
		if rep := run(t, o); len(rep.Failed) != 0 || len(rep.LeftOut) != 2 {
			t.Errorf("everything: %+v", rep)
		}
		silent(t, asked)
	})
}

func silent(t *testing.T, s *registrytest.Scripted) {
	t.Helper()
	for _, r := range s.Requests() {
		if strings.Contains(strings.ToLower(r.Path+r.Query), "acme") {
			t.Errorf("it was asked %s %s?%s", r.Method, r.Path, r.Query)
		}
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	source, asked := npmOver(t, "source", registrytest.NewMemory("m", samples()...))
	d, dir := folder(t)
	before := tree(t, dir)
	rep := run(t, mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "pad"), DryRun: true, WithDependencies: true})
	if rep.Copied != 4 || !rep.DryRun {
		t.Errorf("%+v", rep)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("something was written:\n%s", diff)
	}
	for _, r := range asked.Requests() {
		if strings.HasSuffix(r.Path, ".tgz") {
			t.Errorf("something was downloaded: %s", r.Path)
		}
	}
}

// TestVerify: damaged bytes are found when they are looked for, and replaced.
func TestVerify(t *testing.T) {
	t.Parallel()
	source := registrytest.NewMemory("source", samples()...)
	d, dir := folder(t)
	o := mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "pad")}
	run(t, o)
	whole := tree(t, dir)
	m, err := d.Metadata(t.Context(), "pad", "2.0.0")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.FromSlash(directory.ArtifactPath(directory.Digest(m.Artifact))))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[10] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	o.Verify = true
	if rep := run(t, o); rep.Bytes != int64(len(data)) || len(rep.Failed) != 0 {
		t.Errorf("%+v", rep)
	}
	if diff := cmp.Diff(whole, tree(t, dir)); diff != "" {
		t.Errorf("it is not whole again:\n%s", diff)
	}
}

// tree is what is in a directory, but for what writers need while they write.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "lock" {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		files[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestUpdate: what changed about a version that is there is carried to a directory.
func TestUpdate(t *testing.T) {
	t.Parallel()
	pkgs := samples()
	source := registrytest.NewMemory("source", pkgs...)
	d, _ := folder(t)
	o := mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "pad")}
	run(t, o)
	pkgs[1].Deprecated = "also old"
	source.Add(pkgs[1])
	if err := source.SetTag(t.Context(), "pad", "latest", "1.1.0"); err != nil {
		t.Fatal(err)
	}
	if rep := run(t, o); rep.Updated != 1 || rep.Skipped != 3 || rep.Tags != 1 || rep.Bytes != 0 {
		t.Errorf("%+v", rep)
	}
	m, err := d.Metadata(t.Context(), "pad", "")
	if err != nil || m.Version != "1.1.0" || m.Deprecated != "also old" {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	source := registrytest.NewMemory("source", samples()...)
	d, _ := folder(t)
	rep := run(t, mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "nothing", "pad@^9", "none/*")})
	if len(rep.Failed) != 2 || !errors.Is(rep.Failed[0].Err, pantry.ErrNotFound) || !errors.Is(rep.Failed[1].Err, pantry.ErrVersionNotFound) || len(rep.LeftOut) != 1 {
		t.Errorf("%+v", rep)
	}
	if data, err := json.Marshal(rep); err != nil || !strings.Contains(string(data), `"reason":"`) {
		t.Errorf("as JSON: %s, %v", data, err)
	}
	reader, err := directory.Read("r", os.DirFS(t.TempDir()))
	if !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("got %v, %v", reader, err)
	}
	if _, err := mirror.Run(t.Context(), mirror.Options{From: end("source", source), To: end("only-reads", onlyReads{source}), Items: items(t, "pad")}); !errors.Is(err, pantry.ErrUnsupported) {
		t.Errorf("a target that takes nothing: %v", err)
	}
	if _, err := mirror.Run(t.Context(), mirror.Options{From: end("only-reads", onlyReads{source}), To: end("d", d), Items: items(t, "*")}); !errors.Is(err, pantry.ErrUnsupported) || pantry.Hint(err) == "" {
		t.Errorf("a source without a list: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mirror.Run(ctx, mirror.Options{From: end("source", source), To: end("d", d), Items: items(t, "pad")}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, bad := range []string{"", "x@", "a?", "**", "[a]"} {
		if it, err := mirror.ParseItem(bad); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%q: %+v, %v", bad, it, err)
		}
	}
}

// onlyReads hides everything else that a registry can do.
type onlyReads struct{ r pantry.Registry }

func (o onlyReads) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	return o.r.Metadata(ctx, name, version)
}
func (o onlyReads) Package(ctx context.Context, name string) (pantry.Package, error) {
	return o.r.Package(ctx, name)
}
func (o onlyReads) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	return o.r.Open(ctx, a)
}

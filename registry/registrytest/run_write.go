package registrytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

func testSearch(t *testing.T, f Factory) {
	pkgs := samples()
	for i := range 40 {
		pkgs = append(pkgs, Pkg{Name: fmt.Sprintf("many-%02d", i), Version: "1.0.0"})
	}
	r, _ := open(t, f, pkgs...)
	s, ok := pantry.As[pantry.Searcher](r)
	if !ok {
		t.Skip("no Searcher")
	}
	search := func(q pantry.Query) []string {
		t.Helper()
		found, err := s.Search(t.Context(), q)
		if err != nil {
			t.Fatalf("Search(%+v): %v", q, err)
		}
		names := make([]string, len(found))
		for i, m := range found {
			names[i] = m.Name
			if m.Version == "" || m.Registry == "" {
				t.Errorf("Search(%+v): %+v lacks its version or registry", q, m)
			}
		}
		return names
	}
	if got := search(pantry.Query{Text: "left-pad"}); len(got) == 0 || got[0] != "left-pad" {
		t.Errorf("search for a name found %q", got)
	}
	if got := search(pantry.Query{Text: "pads strings"}); !slices.Contains(got, "left-pad") || !slices.Contains(got, "right-pad") {
		t.Errorf("search for words of descriptions found %q", got)
	}
	if got := search(pantry.Query{Text: "many-", Limit: 7}); len(got) != 7 {
		t.Errorf("search with limit 7 found %d", len(got))
	}
	if got := search(pantry.Query{Text: "many-"}); len(got) != 20 {
		t.Errorf("search without a limit found %d, want 20", len(got))
	}
	if got := search(pantry.Query{Text: "every-thing"}); !slices.Contains(got, "@scope/every-thing") {
		t.Errorf("search for a scoped name found %q", got)
	}
	for _, none := range []string{"nothing-is-called-so", "a&limit=1#?%2f+x"} {
		if got := search(pantry.Query{Text: none}); len(got) != 0 {
			t.Errorf("search for %q found %q", none, got)
		}
	}
}

// publication makes what is published of p.
func publication(p Pkg, tag string) pantry.Publication {
	tarball := Tarball(p)
	meta := p.metadata("", tarball)
	meta.Artifact.URL = ""
	return pantry.Publication{Metadata: meta, Manifest: Manifest(p), Tarball: bytes.NewReader(tarball), Tag: tag}
}

func testPublish(t *testing.T, f Factory) {
	r, m := open(t, f, samples()...)
	pub, ok := pantry.As[pantry.Publisher](r)
	if !ok {
		t.Skip("no Publisher")
	}
	publish := func(p Pkg, tag string) {
		t.Helper()
		if err := pub.Publish(t.Context(), publication(p, tag)); err != nil {
			t.Fatalf("publish %s@%s: %v", p.Name, p.Version, err)
		}
	}
	check := func(p Pkg) {
		t.Helper()
		got, err := r.Metadata(t.Context(), p.Name, p.Version)
		if err != nil {
			t.Fatal(err)
		}
		want := p.metadata("memory", Tarball(p))
		want.Published = got.Published
		sameMetadata(t, got, &want)
		wantBytes(t, r, m, got.Artifact)
	}
	fresh := everything
	fresh.Name, fresh.Version, fresh.Deprecated = "@new/package", "1.0.0", ""
	publish(fresh, "")
	check(fresh)

	next := fresh
	next.Version = "1.1.0"
	publish(next, "")
	check(next)

	beta := Pkg{Name: "@new/package", Version: "2.0.0-beta.1"}
	publish(beta, "beta")
	check(beta)
	publish(beta, "beta") // the same bytes again are no error

	p, err := r.Package(t.Context(), "@new/package")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Versions(), []string{"1.0.0", "1.1.0", "2.0.0-beta.1"}; !slices.Equal(got, want) {
		t.Errorf("versions = %q, want %q", got, want)
	}
	if tags := p.Tags(); tags["latest"] != "1.1.0" || tags["beta"] != "2.0.0-beta.1" {
		t.Errorf("tags = %v", tags)
	}
	unscoped := Pkg{Name: "left-pad", Version: "2.0.1", Description: "one more"}
	publish(unscoped, "")
	check(unscoped)
}

func testPublishRefused(t *testing.T, f Factory) {
	r, m := open(t, f, samples()...)
	pub, ok := pantry.As[pantry.Publisher](r)
	if !ok {
		t.Skip("no Publisher")
	}
	other := publication(Pkg{Name: "left-pad", Version: "2.0.0", Files: map[string]string{"evil.js": "x"}}, "")
	if err := pub.Publish(t.Context(), other); !errors.Is(err, pantry.ErrExists) {
		t.Errorf("other bytes for a version that is there: %v; want it to match %q", err, pantry.ErrExists)
	}
	wrong := publication(Pkg{Name: "fresh", Version: "1.0.0"}, "")
	wrong.Metadata.Artifact.Integrity = integrity.Set{integrity.Sum(integrity.SHA512, []byte("else"))}
	if err := pub.Publish(t.Context(), wrong); !errors.Is(err, pantry.ErrIntegrity) {
		t.Errorf("bytes that do not match their integrity: %v; want it to match %q", err, pantry.ErrIntegrity)
	}
	refused := func(what string, change func(*pantry.Publication)) {
		t.Helper()
		p := publication(Pkg{Name: "fresh", Version: "1.0.0"}, "")
		change(&p)
		err := pub.Publish(t.Context(), p)
		switch {
		case err == nil:
			t.Errorf("%s was published", what)
		case errors.Is(err, pantry.ErrExists), errors.Is(err, pantry.ErrNotFound), errors.Is(err, pantry.ErrUnavailable):
			t.Errorf("%s: %v; that is not what is wrong", what, err)
		}
	}
	refused("another name than the tarball's", func(p *pantry.Publication) { p.Metadata.Name = "stale" })
	refused("another version than the tarball's", func(p *pantry.Publication) { p.Metadata.Version = "1.0.1" })
	refused("something that is no tarball", func(p *pantry.Publication) {
		p.Tarball, p.Metadata.Artifact = bytes.NewReader([]byte("not a tarball")), pantry.Artifact{}
	})
	if diff := m.Names(); slices.Contains(diff, "fresh") || slices.Contains(diff, "stale") {
		t.Errorf("something refused is there: %q", diff)
	}
	meta, err := r.Metadata(t.Context(), "left-pad", "2.0.0")
	if err != nil {
		t.Fatal(err)
	}
	wantBytes(t, r, m, meta.Artifact)
}

func testTags(t *testing.T, f Factory) {
	r, _ := open(t, f, samples()...)
	tagger, ok := pantry.As[pantry.Tagger](r)
	if !ok {
		t.Skip("no Tagger")
	}
	ctx := t.Context()
	for _, c := range []struct{ name, tag, version string }{
		{"left-pad", "stable", "1.9.0"}, {"left-pad", "next", "3.0.0"}, {"left-pad", "latest", "3.0.0"},
		{"@scope/every-thing", "stable", "1.2.3"},
	} {
		if err := tagger.SetTag(ctx, c.name, c.tag, c.version); err != nil {
			t.Fatalf("SetTag(%v): %v", c, err)
		}
		if got, err := r.Metadata(ctx, c.name, c.tag); err != nil || got.Version != c.version {
			t.Errorf("Metadata(%s, %s) after SetTag(%s): %v, %v", c.name, c.tag, c.version, got, err)
		}
	}
	if err := tagger.DeleteTag(ctx, "left-pad", "stable"); err != nil {
		t.Fatal(err)
	}
	_, err := r.Metadata(ctx, "left-pad", "stable")
	wantMissing(t, "Metadata of a deleted tag", err, pantry.ErrVersionNotFound)
	if err := tagger.SetTag(ctx, "left-pad", "edge", "9.9.9"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("SetTag to a missing version: %v", err)
	}
	if err := tagger.SetTag(ctx, "missing", "edge", "1.0.0"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("SetTag of a missing package: %v", err)
	}
	if err := tagger.SetTag(ctx, "left-pad", "1.x", "1.9.0"); err == nil {
		t.Error("a tag that reads as a range was set")
	}
	if err := tagger.DeleteTag(ctx, "left-pad", "latest"); err == nil {
		t.Error("the tag latest was deleted")
	}
	p, err := r.Package(ctx, "left-pad")
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Tags(); got["latest"] != "3.0.0" || got["next"] != "3.0.0" || got["old"] != "1.10.0" || len(got) != 3 {
		t.Errorf("tags = %v", got)
	}
}

func testPing(t *testing.T, f Factory) {
	r, _ := open(t, f)
	p, ok := pantry.As[pantry.Pinger](r)
	if !ok {
		t.Skip("no Pinger")
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func testConcurrent(t *testing.T, f Factory) {
	r, m := open(t, f, samples()...)
	shared, err := r.Package(t.Context(), "left-pad")
	if err != nil {
		t.Fatal(err)
	}
	pub, canPublish := pantry.As[pantry.Publisher](r)
	const goroutines = 24
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for _, v := range shared.Versions() {
				meta, err := shared.Metadata(v)
				if err != nil {
					t.Error(err)
					return
				}
				if meta.Dependencies == nil {
					meta.Dependencies = map[string]string{}
				}
				meta.Dependencies["mine"] = v // what is returned belongs to the caller
			}
			meta, err := r.Metadata(t.Context(), "@scope/every-thing", "")
			if err != nil {
				t.Error(err)
				return
			}
			wantBytes(t, r, m, meta.Artifact)
			if !canPublish {
				return
			}
			p := Pkg{Name: "busy", Version: fmt.Sprintf("1.%d.0", i)}
			if err := pub.Publish(t.Context(), publication(p, fmt.Sprintf("t%d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, v := range shared.Versions() {
		if meta, err := shared.Metadata(v); err != nil || meta.Dependencies["mine"] != "" {
			t.Errorf("metadata of %s after others changed theirs: %v, %v", v, meta, err)
		}
	}
	if !canPublish {
		return
	}
	p, err := r.Package(t.Context(), "busy")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Versions()); n != goroutines {
		t.Errorf("%d of %d versions published at once are there", n, goroutines)
	}
}

func testCancelled(t *testing.T, f Factory) {
	r, _ := open(t, f, samples()...)
	meta, err := r.Metadata(t.Context(), "left-pad", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Metadata": func() error { _, err := r.Metadata(ctx, "left-pad", ""); return err },
		"Package":  func() error { _, err := r.Package(ctx, "left-pad"); return err },
		"Open": func() error {
			body, err := r.Open(ctx, meta.Artifact)
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.Copy(io.Discard, body)
			return err
		},
	}
	if s, ok := pantry.As[pantry.Searcher](r); ok {
		calls["Search"] = func() error { _, err := s.Search(ctx, pantry.Query{Text: "pad"}); return err }
	}
	if p, ok := pantry.As[pantry.Publisher](r); ok {
		calls["Publish"] = func() error { return p.Publish(ctx, publication(Pkg{Name: "never", Version: "1.0.0"}, "")) }
	}
	if p, ok := pantry.As[pantry.Pinger](r); ok {
		calls["Ping"] = func() error { return p.Ping(ctx) }
	}
	if tagger, ok := pantry.As[pantry.Tagger](r); ok {
		calls["SetTag"] = func() error { return tagger.SetTag(ctx, "left-pad", "edge", "1.9.0") }
	}
	for name, call := range calls {
		wantCancelled(t, name, call())
	}
}

func wantCancelled(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s with a cancelled context: %v", what, err)
	}
	for _, sentinel := range []error{pantry.ErrUnavailable, pantry.ErrNotFound, pantry.ErrInvalid, pantry.ErrDenied} {
		if errors.Is(err, sentinel) {
			t.Errorf("%s with a cancelled context matches %q: %v", what, sentinel, err)
		}
	}
}

package registry_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// TestCache: what one manager's registry said, another one's has, in the same folder only; and a wish
// that it does not meet is asked for again, where that is allowed.
func TestCache(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", lodash)
	dir := t.TempDir()
	find := func(dir, version string, how pantry.Asking) (requests int, err error) {
		t.Helper()
		m := registry.NewManager(registry.Options{CacheDir: dir})
		if err := m.Add(registry.Config{Name: "npm", Type: "npm", URL: s.URL}); err != nil {
			t.Fatal(err)
		}
		before := s.Count()
		p, d, err := m.Find(pantry.WithAsking(t.Context(), how), registry.Request{
			Name: "lodash", Wanted: version, Accept: func(p pantry.Package) bool { return slices.Contains(p.Versions(), version) },
		})
		if err == nil && (!slices.Contains(p.Versions(), version) || d.Registry != "npm") {
			t.Errorf("got %v from %s", p.Versions(), d.Registry)
		}
		return s.Count() - before, err
	}
	for i, step := range []struct {
		version  string
		how      pantry.Asking
		other    bool // another folder
		requests int
		err      error
	}{
		{"4.17.21", pantry.AskNobody, false, 0, pantry.ErrUnavailable},
		{"4.17.21", pantry.AskIfStale, false, 1, nil},
		{"4.17.21", pantry.AskIfStale, false, 0, nil},
		{"4.17.21", pantry.AskNobody, false, 0, nil},
		{"4.17.21", pantry.AskIfStale, true, 1, nil},
		{"4.17.21", pantry.AskAlways, false, 1, nil},
		{"5.0.0", pantry.AskNobody, false, 0, pantry.ErrVersionNotFound},
		{"5.0.0", pantry.AskIfStale, false, 1, pantry.ErrVersionNotFound},
		{"5.0.0", pantry.AskIfMissing, false, 1, pantry.ErrVersionNotFound},
		{"5.0.0", pantry.AskAgain, false, 1, pantry.ErrVersionNotFound},
	} {
		folder := dir
		if step.other {
			folder = t.TempDir()
		}
		requests, err := find(folder, step.version, step.how)
		if requests != step.requests || !errors.Is(err, step.err) || err == nil != (step.err == nil) {
			t.Errorf("step %d: %d requests, %v, want %d, %v", i, requests, err, step.requests, step.err)
		}
	}
	s.Memory.Add(registrytest.Pkg{Name: "lodash", Version: "5.0.0"})
	if requests, err := find(dir, "4.17.21", pantry.AskIfStale); requests != 0 || err != nil {
		t.Errorf("nothing new is wanted: %d requests, %v", requests, err)
	}
	if requests, err := find(dir, "5.0.0", pantry.AskIfMissing); requests != 1 || err != nil {
		t.Errorf("just published: %d requests, %v", requests, err)
	}
	if requests, err := find(dir, "5.0.0", pantry.AskNobody); requests != 0 || err != nil {
		t.Errorf("and kept: %d requests, %v", requests, err)
	}
}

// TestAskNobody: no registry of any type is asked, also where nothing is kept.
func TestAskNobody(t *testing.T) {
	t.Parallel()
	s := newSite(t, "npm", lodash)
	m := registry.NewManager(registry.Options{})
	for i, typ := range []string{"npm", "custom", "github", "pkgx"} {
		if err := m.Add(registry.Config{Name: typ, Type: typ, URL: s.URL, Priority: &i}); err != nil {
			t.Fatal(err)
		}
	}
	ctx := pantry.WithAsking(context.Background(), pantry.AskNobody)
	for _, name := range []string{"lodash", "cli/cli", "nodejs.org"} {
		_, _, findErr := m.Find(ctx, registry.Request{Name: name})
		_, _, lookupErr := m.Lookup(ctx, registry.Request{Name: name})
		if !errors.Is(findErr, pantry.ErrUnavailable) || !errors.Is(lookupErr, pantry.ErrUnavailable) {
			t.Errorf("%s: %v, %v", name, findErr, lookupErr)
		}
	}
	if s.Count() > 0 {
		t.Errorf("asked %v", s.Requests())
	}
}

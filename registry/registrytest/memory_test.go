package registrytest_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/registrytest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, func(_ *testing.T, m *registrytest.Memory) pantry.Registry { return m })
}

func TestMemorySnapshots(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("here", registrytest.Pkg{Name: "a", Version: "1.0.0"})
	before, err := m.Package(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	m.Add(registrytest.Pkg{Name: "a", Version: "2.0.0"}, registrytest.Pkg{Name: "a", Version: "1.5.0", Tags: []string{"old"}})
	after, err := m.Package(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if got := before.Versions(); !slices.Equal(got, []string{"1.0.0"}) {
		t.Errorf("a package changed after it was returned: %q", got)
	}
	if got := after.Versions(); !slices.Equal(got, []string{"1.0.0", "1.5.0", "2.0.0"}) {
		t.Errorf("versions = %q", got)
	}
	if got := after.Tags(); got["latest"] != "2.0.0" || got["old"] != "1.5.0" {
		t.Errorf("tags = %v", got)
	}
	m.Remove("a", "2.0.0")
	m.Remove("a", "1.5.0")
	if p, err := m.Package(t.Context(), "a"); err != nil || p.Tags()["latest"] != "1.0.0" || len(p.Tags()) != 1 {
		t.Errorf("after Remove: %v, %v", p, err)
	}
	m.Remove("a", "")
	if _, err := m.Package(t.Context(), "a"); !errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("after removing all: %v", err)
	}
}

func TestMemoryFalseDigests(t *testing.T) {
	t.Parallel()
	wrong := integrity.Set{integrity.Sum(integrity.SHA256, []byte("something else"))}
	m := registrytest.NewMemory("here",
		registrytest.Pkg{Name: "none", Version: "1.0.0", NoIntegrity: true},
		registrytest.Pkg{Name: "wrong", Version: "1.0.0", Integrity: wrong},
		registrytest.Pkg{Name: "raw", Version: "1.0.0", Archive: []byte("as it is")},
	)
	none, _ := m.Metadata(t.Context(), "none", "")
	if len(none.Artifact.Integrity) != 0 {
		t.Errorf("integrity = %v, want none", none.Artifact.Integrity)
	}
	if meta, _ := m.Metadata(t.Context(), "wrong", ""); meta.Artifact.Integrity.String() != wrong.String() {
		t.Errorf("integrity = %v, want %v", meta.Artifact.Integrity, wrong)
	}
	meta, _ := m.Metadata(t.Context(), "raw", "")
	body, err := m.Open(t.Context(), meta.Artifact)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(integrity.NewReader(body, meta.Artifact.Integrity)); err != nil || string(got) != "as it is" {
		t.Errorf("Open = %q, %v", got, err)
	}
}

func TestMemoryFirstVersionIsLatest(t *testing.T) {
	t.Parallel()
	m := registrytest.NewMemory("here")
	start := time.Now().Add(-time.Second)
	for _, v := range []string{"1.0.0-beta.1", "1.0.0-beta.2"} {
		p := registrytest.Pkg{Name: "a", Version: v}
		err := m.Publish(t.Context(), pantry.Publication{
			Metadata: pantry.Metadata{Name: "a", Version: v}, Tarball: bytes.NewReader(registrytest.Tarball(p)), Tag: "beta",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	meta, err := m.Metadata(t.Context(), "a", "")
	if err != nil || meta.Version != "1.0.0-beta.1" {
		t.Fatalf("latest = %v, %v; want the first version", meta, err)
	}
	if meta.Published.Before(start) {
		t.Errorf("Published = %v", meta.Published)
	}
	for _, bad := range []pantry.Metadata{
		{Name: "", Version: "1.0.0"}, {Name: "../a", Version: "1.0.0"}, {Name: "@s", Version: "1.0.0"}, {Name: "a/b/c", Version: "1.0.0"},
		{Name: ".a", Version: "1.0.0"}, {Name: "a b", Version: "1.0.0"}, {Name: "a", Version: "1"}, {Name: "a", Version: ""},
	} {
		tarball := registrytest.Tarball(registrytest.Pkg{Name: bad.Name, Version: bad.Version})
		err := m.Publish(t.Context(), pantry.Publication{Metadata: bad, Tarball: bytes.NewReader(tarball)})
		if !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("publish %q at %q: %v; want it to match %q", bad.Name, bad.Version, err, pantry.ErrConfig)
		}
	}
}

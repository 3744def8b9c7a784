package directory_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// fill brings all that m has into a directory.
func fill(t *testing.T, d *directory.Registry, m *registrytest.Memory) {
	t.Helper()
	ctx := context.Background()
	for _, name := range m.Names() {
		p, err := m.Package(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Versions() {
			meta, err := p.Metadata(v)
			if err != nil {
				t.Fatal(err)
			}
			body, err := m.Open(ctx, meta.Artifact)
			if err != nil {
				t.Fatal(err)
			}
			set, n, err := d.PutArtifact(ctx, body, meta.Artifact.Integrity)
			if err != nil {
				t.Fatal(err)
			}
			meta.Artifact.Integrity, meta.Artifact.Size = set, n
			if _, err := d.Keep(ctx, &directory.Record{Metadata: *meta}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.SetTags(ctx, name, p.Tags()); err != nil {
			t.Fatal(err)
		}
	}
}

// both is a directory whose publications reach the Memory that the suite looks into.
type both struct {
	*directory.Registry
	memory *registrytest.Memory
}

func (b both) Publish(ctx context.Context, p pantry.Publication) error {
	if err := b.Registry.Publish(ctx, p); err != nil {
		return err
	}
	return b.memory.Publish(ctx, p)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, func(t *testing.T, m *registrytest.Memory) pantry.Registry {
		d, err := directory.Open("test", filepath.Join(t.TempDir(), "d"), true)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, d, m)
		return both{d, m}
	})
}

func open(t *testing.T, dir string) *directory.Registry {
	t.Helper()
	d, err := directory.Open("test", dir, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put(t *testing.T, d *directory.Registry, content string) pantry.Artifact {
	t.Helper()
	set, n, err := d.PutArtifact(t.Context(), strings.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return pantry.Artifact{Integrity: set, Size: n}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := directory.Open("it", dir, false); !errors.Is(err, pantry.ErrConfig) || pantry.Hint(err) == "" {
		t.Errorf("an empty folder: %v, hint %q", err, pantry.Hint(err))
	}
	if err := os.WriteFile(filepath.Join(dir, "photo.jpg"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := directory.Open("it", dir, true); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a folder with something else: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("something was written to it: %v", entries)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "pantry-directory.json"), []byte(`{"format":"pantry-directory","version":2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := directory.Open("it", other, true); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("a later version: %v", err)
	}
}

// TestNames: names that file systems would take for one another, or for something else, live side by side.
func TestNames(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	names := []string{"JSONStream", "jsonstream", "con", "CON", "aux.js", "@a/b", "a/b", "cli/cli", "deno.land", "!x", "%2f", "x~", "ünï", "versions", "tags.json"}
	for _, n := range names {
		for _, v := range []string{"1.0.0-Beta", "1.0.0-beta", "v1/2", "nul"} {
			rec := &directory.Record{Metadata: pantry.Metadata{Name: n, Version: v, Artifact: put(t, d, n+v)}}
			if kept, err := d.Keep(t.Context(), rec); err != nil || kept != directory.Added {
				t.Fatalf("%s@%s: %v, %v", n, v, kept, err)
			}
		}
	}
	got, err := d.List(t.Context())
	if err != nil || len(got) != len(names) {
		t.Fatalf("got %q, %v", got, err)
	}
	for _, n := range names {
		p, err := d.Package(t.Context(), n)
		if err != nil || len(p.Versions()) != 4 {
			t.Fatalf("%s: %v, %v", n, p, err)
		}
		for _, v := range p.Versions() {
			m, err := p.Metadata(v)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, d, m.Artifact); got != n+v {
				t.Errorf("%s@%s holds %q", n, v, got)
			}
		}
	}
	for _, bad := range []string{"", ".", "..", "a//b", "../x", "@s", "a/..", `a\b`, "a b", strings.Repeat("A", 130)} {
		rec := &directory.Record{Metadata: pantry.Metadata{Name: bad, Version: "1.0.0", Artifact: put(t, d, "x")}}
		if _, err := d.Keep(t.Context(), rec); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func read(t *testing.T, d pantry.Registry, a pantry.Artifact) string {
	t.Helper()
	body, err := d.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	data, err := io.ReadAll(integrity.NewReader(body, a.Integrity))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestKeep(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	keep := func(rec directory.Record, want directory.Kept, wantErr error) {
		t.Helper()
		got, err := d.Keep(t.Context(), &rec)
		if got != want || !errors.Is(err, wantErr) {
			t.Fatalf("got %v, %v; want %v, %v", got, err, want, wantErr)
		}
	}
	a := put(t, d, "bytes")
	rec := directory.Record{Metadata: pantry.Metadata{Name: "x", Version: "1.0.0", Artifact: a}, Manifest: []byte(`{"dist":{"signatures":[1]}}`), Attestations: []byte(`{"attestations":[]}`)}
	keep(rec, directory.Added, nil)
	keep(rec, directory.Unchanged, nil)
	rec.Metadata.Deprecated = "gone"
	keep(rec, directory.Updated, nil)
	poorer := rec
	poorer.Manifest, poorer.Attestations = nil, nil
	keep(poorer, directory.Unchanged, nil)
	other := rec
	other.Metadata.Artifact = put(t, d, "other bytes")
	keep(other, directory.Unchanged, pantry.ErrExists)
	missing := rec
	missing.Metadata.Version = "2.0.0"
	missing.Metadata.Artifact = pantry.Artifact{Integrity: integrity.Set{integrity.Sum(integrity.SHA512, []byte("nowhere"))}}
	keep(missing, directory.Unchanged, pantry.ErrConfig)

	got, err := d.Record(t.Context(), "x", "1.0.0")
	if err != nil || got.Metadata.Deprecated != "gone" || len(got.Manifest) == 0 || len(got.Attestations) == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := d.Record(t.Context(), "x", "2.0.0"); !errors.Is(err, pantry.ErrVersionNotFound) {
		t.Errorf("a version whose bytes are not there: %v", err)
	}
}

// TestTool: builds for more platforms are added, and each is found by its digest.
func TestTool(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir())
	tool := func(platforms ...string) *directory.Record {
		m := pantry.Metadata{Name: "cli/cli", Version: "2.0.0", Tool: &pantry.Tool{}}
		for _, p := range platforms {
			os, arch, _ := strings.Cut(p, "/")
			m.Tool.Builds = append(m.Tool.Builds, pantry.Build{Platform: pantry.Platform{OS: os, Arch: arch}, File: "gh.tar.gz", Artifact: put(t, d, p)})
		}
		return &directory.Record{Metadata: m}
	}
	for _, c := range []struct {
		rec  *directory.Record
		want directory.Kept
	}{
		{tool("linux/amd64", "darwin/arm64"), directory.Added},
		{tool("windows/amd64"), directory.Updated},
		{tool("linux/amd64"), directory.Unchanged},
	} {
		if got, err := d.Keep(t.Context(), c.rec); got != c.want || err != nil {
			t.Fatalf("got %v, %v, want %v", got, err, c.want)
		}
	}
	m, err := d.Metadata(t.Context(), "cli/cli", "")
	if err != nil || len(m.Tool.Builds) != 3 {
		t.Fatalf("got %+v, %v", m, err)
	}
	for _, b := range m.Tool.Builds {
		if got := read(t, d, b.Artifact); got != b.Platform.String() {
			t.Errorf("%s holds %q", b.Platform, got)
		}
	}
	changed := tool("linux/amd64")
	changed.Metadata.Tool.Builds[0].Artifact = put(t, d, "something else")
	if _, err := d.Keep(t.Context(), changed); !errors.Is(err, pantry.ErrExists) {
		t.Errorf("other bytes for a platform: %v", err)
	}
}

// TestOrder: npm's rules where they apply to all versions, else that of numbers.
func TestOrder(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		"1.0.0-beta.2 1.0.0-beta.11 1.0.0 1.9.0 1.10.0", "1.9 1.9.1.2 1.10 1.10.post1 2!1.0", "v2.9.0 v2.60.0", "2024.01.9 2024.1.10.1 2024.12.1.0", "a a1 a02 a2 b",
	} {
		d := open(t, t.TempDir())
		versions := strings.Fields(want)
		for _, v := range slices.Backward(versions) {
			if _, err := d.Keep(t.Context(), &directory.Record{Metadata: pantry.Metadata{Name: "x", Version: v, Artifact: put(t, d, v)}}); err != nil {
				t.Fatal(err)
			}
		}
		p, err := d.Package(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.Versions(), " "); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if latest := p.Tags()["latest"]; latest != versions[len(versions)-1] && !strings.Contains(want, "!") {
			t.Errorf("latest of %q is %q", want, latest)
		}
	}
}

func TestArtifact(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := open(t, dir)
	want := integrity.Set{integrity.Sum(integrity.SHA1, []byte("right"))}
	if _, _, err := d.PutArtifact(t.Context(), strings.NewReader("wrong"), want); !errors.Is(err, pantry.ErrIntegrity) {
		t.Errorf("wrong bytes: %v", err)
	}
	set, n, err := d.PutArtifact(t.Context(), strings.NewReader("right"), want)
	if err != nil || n != 5 || len(set) != 2 || set[1] != want[0] {
		t.Fatalf("got %v, %d, %v", set, n, err)
	}
	path := filepath.Join(dir, filepath.FromSlash(directory.ArtifactPath(set[0])))
	if err := os.WriteFile(path, []byte("rotte"), 0o644); err != nil {
		t.Fatal(err)
	}
	if size, err := d.HasArtifact(set[0], false); size != 5 || err != nil {
		t.Errorf("a look: %v, %v", size, err)
	}
	if size, err := d.HasArtifact(set[0], true); size != -1 || err != nil {
		t.Errorf("a look at the bytes: %v, %v", size, err)
	}
	if temp, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(temp) != 0 {
		t.Errorf("left behind: %v, %v", temp, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tmp", "killed"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := d.Clean(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tmp", "killed")); err == nil {
		t.Error("what a killed writer left is still there")
	}
}

// FuzzRecord: whatever is in the file of a record, what is read of it can be kept and read again.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"x","version":"1.0.0","artifact":{"integrity":"` + integrity.Sum(integrity.SHA512, nil).String() + `"}},"manifest":{"a":1}}`))
	f.Add([]byte(`{"metadata":{"name":"x","version":"1.0.0","artifact":{"integrity":"sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}}}`))
	f.Add([]byte(`{"metadata":{"name":"x","version":"1.0.0","tool":{"builds":[{}]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := directory.DecodeRecord(data, "x", "1.0.0")
		if err != nil {
			if !errors.Is(err, pantry.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		for _, a := range rec.Artifacts() {
			if bytes.Equal(directory.Digest(a).Bytes(), nil) {
				t.Fatal("an artifact without a digest")
			}
		}
	})
}

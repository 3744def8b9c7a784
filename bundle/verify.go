package bundle

import (
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/registry/directory"
)

// Verify reads the whole bundle and says what is wrong with it: a file that is not what the index
// says, a package that the lockfile pins and that is missing or another one, something that belongs
// to nothing. Errors match [pantry.ErrIntegrity]; the first of each kind is told. What it returns is
// what Create did.
//
// Whoever made the bundle could have made another one: compare the digest with the one that
// creating it printed.
func (b *Bundle) Verify(ctx context.Context) (*Result, error) {
	if err := b.checkFiles(ctx); err != nil {
		return nil, b.wrong(err)
	}
	if err := b.checkContent(ctx); err != nil {
		return nil, b.wrong(err)
	}
	d, n, err := Digest(ctx, b.path)
	if err != nil {
		return nil, err
	}
	return &Result{
		Packages: len(versionsOf(pruned(b.Lock, b.Index.Platforms))), Files: len(b.Index.Files) + 1,
		Size: n, Digest: d, SRI: d.String(),
	}, nil
}

func (b *Bundle) wrong(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, pantry.ErrIntegrity) {
		return fmt.Errorf("bundle %s: %w", b.path, err)
	}
	return fmt.Errorf("bundle %s: %w: %w", b.path, pantry.ErrIntegrity, err)
}

// Digest is the SHA-512 of a file, with its size.
func Digest(ctx context.Context, file string) (integrity.Digest, int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return integrity.Digest{}, 0, err
	}
	defer f.Close()
	h := sha512.New()
	n, err := io.Copy(h, &reader{ctx, f})
	if err != nil {
		return integrity.Digest{}, 0, err
	}
	d, err := integrity.New(integrity.SHA512, h.Sum(nil))
	return d, n, err
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// checkFiles compares every file with the index.
func (b *Bundle) checkFiles(ctx context.Context) error {
	for _, want := range b.Index.Files {
		f, err := b.zip.Open(want.Path)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, integrity.NewReader(&reader{ctx, f}, want.Integrity))
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", want.Path, err)
		}
	}
	return nil
}

// checkContent compares what the files are with the lockfile.
func (b *Bundle) checkContent(ctx context.Context) error {
	known := map[string]bool{lockfile.Name: true}
	want := versionsOf(pruned(b.Lock, b.Index.Platforms))
	for _, id := range slices.Sorted(maps.Keys(want)) {
		p := want[id]
		r, ok := b.readers[p.Registry]
		if !ok {
			return fmt.Errorf("there is nothing of registry %q, which %s is of", p.Registry, id)
		}
		rec, err := r.Record(ctx, p.Name, p.Version)
		if err == nil {
			err = locked(p, rec, b.Index.Platforms)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		for _, a := range rec.Artifacts() {
			if err := b.checkArtifact(ctx, p.Registry, a); err != nil {
				return fmt.Errorf("%s: %w", id, err)
			}
		}
	}
	for _, reg := range b.Index.Registries {
		r := b.readers[reg.Name]
		paths, err := r.Paths(ctx)
		if err != nil {
			return err
		}
		for _, p := range paths {
			known[path.Join(registriesDir, reg.Name, p)] = true
		}
		if err := extra(ctx, r, reg.Name, want); err != nil {
			return err
		}
	}
	for _, f := range b.Index.Files {
		if !known[f.Path] {
			return fmt.Errorf("%s belongs to nothing", f.Path)
		}
	}
	return nil
}

// checkArtifact holds bytes, which the index knows to be there, to every digest there is of them.
func (b *Bundle) checkArtifact(ctx context.Context, registry string, a pantry.Artifact) error {
	file, ok := b.Index.find(path.Join(registriesDir, registry, directory.ArtifactPath(directory.Digest(a))))
	if !ok || file.Integrity[0] != directory.Digest(a) {
		return fmt.Errorf("the bytes with digest %s are not there", directory.Digest(a))
	}
	if len(a.Integrity) == 1 {
		return nil // checked with the index
	}
	f, err := b.zip.Open(file.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, integrity.NewReader(&reader{ctx, f}, a.Integrity))
	return err
}

// extra finds a version that the lockfile does not ask for.
func extra(ctx context.Context, r *directory.Reader, registry string, want map[string]*lockfile.Package) error {
	names, err := r.List(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		p, err := r.Package(ctx, name)
		if err != nil {
			return err
		}
		for _, v := range p.Versions() {
			if id := string(lockfile.MakeID(registry, name, v)); want[id] == nil {
				return fmt.Errorf("%s is not in the lockfile", id)
			}
		}
	}
	return nil
}

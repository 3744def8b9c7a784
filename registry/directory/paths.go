package directory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

// Paths lists the files that make up the directory, relative and sorted: its marker, records, tags,
// and the artifacts that records refer to, which have to be there. Anything else there belongs to
// nobody.
func (r *Reader) Paths(ctx context.Context) ([]string, error) {
	paths := []string{markerName}
	names, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		versions, err := r.versions(name)
		if err != nil {
			return nil, r.fail(opList, name, "", err)
		}
		if len(versions) == 0 {
			continue
		}
		if _, err := fs.Stat(r.files, tagsPath(name)); err == nil {
			paths = append(paths, tagsPath(name))
		}
		for _, v := range versions {
			rec, err := r.record(ctx, name, v)
			if err != nil {
				return nil, r.fail(opList, name, v, err)
			}
			paths = append(paths, recordPath(name, v))
			for _, a := range rec.Artifacts() {
				d, ok := a.Integrity.Find(integrity.SHA512)
				if !ok {
					return nil, r.fail(opList, name, v, fmt.Errorf("%w: an artifact has no SHA-512", pantry.ErrInvalid))
				}
				if _, err := fs.Stat(r.files, ArtifactPath(d)); err != nil {
					if errors.Is(err, fs.ErrNotExist) {
						err = fmt.Errorf("%w: the bytes with digest %s are not there", pantry.ErrInvalid, d)
					}
					return nil, r.fail(opList, name, v, err)
				}
				paths = append(paths, ArtifactPath(d))
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

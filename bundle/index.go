package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

const (
	indexFormat  = "pantry-bundle"
	indexVersion = 1
	maxIndex     = 256 << 20 // a quarter of a kilobyte for each of a million files
	maxFiles     = 1 << 20
)

// Index lists what is in a bundle.
type Index struct {
	// Format and Version say what it is.
	Format  string `json:"format"`
	Version int    `json:"version"`
	// Platforms are those that the bundle is for; none means all.
	Platforms []pantry.Platform `json:"platforms,omitempty"`
	// Registries are those of the lockfile, by name.
	Registries []Registry `json:"registries"`
	// Files are all files but the index, by path.
	Files []File `json:"files"`
}

// Registry is a registry that packages of a bundle are from.
type Registry struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// NPMStyle says that its packages are for node_modules; others are tools.
	NPMStyle bool `json:"npmStyle"`
}

// File is one file of a bundle.
type File struct {
	Path      string        `json:"path"`
	Size      int64         `json:"size"`
	Integrity integrity.Set `json:"integrity"` // one SHA-512
}

// encode writes an index in its one form, a line for each file.
func (x *Index) encode() ([]byte, error) {
	var b bytes.Buffer
	head := *x
	head.Files = nil
	data, err := marshal(&head)
	if err != nil {
		return nil, err
	}
	b.Write(bytes.TrimSuffix(data, []byte("null}")))
	b.WriteString("[")
	for i, f := range x.Files {
		line, err := marshal(f)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// ParseIndex reads an index. Errors match [pantry.ErrIntegrity].
func ParseIndex(data []byte) (*Index, error) {
	var x Index
	if err := json.Unmarshal(data, &x); err != nil {
		return nil, fmt.Errorf("%w: the index: %w", pantry.ErrIntegrity, err)
	}
	if err := x.check(); err != nil {
		return nil, fmt.Errorf("%w: the index: %w", pantry.ErrIntegrity, err)
	}
	return &x, nil
}

func (x *Index) check() error {
	switch {
	case x.Format != indexFormat:
		return fmt.Errorf("its format is %q, not %q", x.Format, indexFormat)
	case x.Version != indexVersion:
		return fmt.Errorf("it is of version %d; this version of pantry reads %d", x.Version, indexVersion)
	case len(x.Files) > maxFiles:
		return fmt.Errorf("it names more than %d files", maxFiles)
	case !slices.IsSortedFunc(x.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) }):
		return errors.New("the files are not in order")
	case !slices.IsSortedFunc(x.Registries, func(a, b Registry) int { return strings.Compare(a.Name, b.Name) }):
		return errors.New("the registries are not in order")
	}
	for i, r := range x.Registries {
		if !fs.ValidPath(r.Name) || strings.Contains(r.Name, "/") || r.Name == "." || i > 0 && r.Name == x.Registries[i-1].Name {
			return fmt.Errorf("%q is not the name of a registry, or there twice", r.Name)
		}
	}
	for i, f := range x.Files {
		switch {
		case !fs.ValidPath(f.Path) || f.Path == "." || f.Path == indexName || i > 0 && f.Path == x.Files[i-1].Path:
			return fmt.Errorf("%q is not the path of a file, or there twice", f.Path)
		case f.Size < 0 || len(f.Integrity) != 1 || f.Integrity[0].Algorithm() != integrity.SHA512:
			return fmt.Errorf("%q has no size or no SHA-512", f.Path)
		}
	}
	if _, ok := x.find(lockfile.Name); !ok {
		return errors.New("it names no lockfile")
	}
	return nil
}

func (x *Index) find(path string) (File, bool) {
	i, ok := slices.BinarySearchFunc(x.Files, path, func(f File, p string) int { return strings.Compare(f.Path, p) })
	if !ok {
		return File{}, false
	}
	return x.Files[i], true
}

// matches says whether an archive has the files of the index and no others.
func (x *Index) matches(files []*zip.File) error {
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Name] {
			return fmt.Errorf("%q is there twice", f.Name)
		}
		seen[f.Name] = true
		if f.Name == indexName {
			continue
		}
		want, ok := x.find(f.Name)
		if !ok {
			return fmt.Errorf("%q is not in the index", f.Name)
		}
		if int64(f.UncompressedSize64) != want.Size {
			return fmt.Errorf("%q has %d bytes, the index says %d", f.Name, f.UncompressedSize64, want.Size)
		}
	}
	for _, f := range x.Files {
		if !seen[f.Path] {
			return fmt.Errorf("%q is missing", f.Path)
		}
	}
	return nil
}

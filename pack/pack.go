// Package pack makes the tarball of a package from its folder, by npm's rules of what goes in: "files" of
// package.json, .npmignore or else .gitignore of every folder, what is always in (package.json, a readme, a
// license, the main file and the programs) and what never is (.git, node_modules, .npmrc, lockfiles), and the
// packages that it bundles. Links are not followed. The same files give the same bytes, whoever packs them
// and when.
//
// It also looks for secrets that somebody is about to publish by mistake.
package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
)

const (
	// maxContent bounds what the files of a package have together, in bytes. They are held in memory. The
	// largest packages of the public registry unpack to some 500 MB.
	maxContent = 1 << 30
	// maxTarball bounds a tarball that is read, in bytes: what the clients of registries take.
	maxTarball = 256 << 20
)

// Options of [Dir] and [Tarball].
type Options struct {
	// AllowSecrets names files, as they stand in the package, that may hold what looks like a secret.
	AllowSecrets []string
}

// Package is a package that is packed.
type Package struct {
	Name, Version string
	Private       bool // it says of itself that it is not to be published
	PublishConfig PublishConfig
	HasRepository bool

	// Manifest is the package.json in the tarball.
	Manifest []byte
	Files    []File   // in order
	Bundled  []string // names of packages that are inside
	Skipped  []string // links and the like that would have been in
	Unpacked int64    // bytes of all files
	Tarball  []byte
	// Integrity has the tarball's SHA-512 and its SHA-1, which old registries go by.
	Integrity integrity.Set
}

// File is one file of a package.
type File struct {
	Path       string `json:"path"`
	Size       int64  `json:"size"`
	Executable bool   `json:"executable,omitempty"`
}

// Dir packs the package in a folder. Errors match [pantry.ErrConfig] where the package cannot be packed as it
// is, and [pantry.ErrPolicy] ([*SecretsError]) where it holds secrets.
func Dir(ctx context.Context, dir string, o Options) (*Package, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "package.json")
	d, manifest, err := readDocument(file)
	if err != nil {
		return nil, err
	}
	if err := d.check(file); err != nil {
		return nil, err
	}
	l, err := list(ctx, dir, d)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", d.Name, err)
	}
	files, err := l.read(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("pack %s: %w", d.Name, err)
	}
	var b bytes.Buffer
	if err := archive.Pack(&b, files); err != nil {
		return nil, fmt.Errorf("pack %s: %w: %w", d.Name, err, pantry.ErrConfig)
	}
	p := describe(d, manifest, b.Bytes())
	p.Bundled, p.Skipped = l.bundled, l.skipped
	return p, p.take(files, o)
}

// read reads the files that were found.
func (l *lister) read(ctx context.Context, d *document) ([]archive.PackFile, error) {
	root, err := os.OpenRoot(l.root) // a link that was put in the way leads nowhere else
	if err != nil {
		return nil, err
	}
	defer root.Close()
	programs := map[string]bool{}
	for _, file := range d.Bin {
		programs[cleanPath(file)] = true
	}
	var out []archive.PackFile
	left := int64(maxContent)
	for _, path := range l.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f, err := root.Open(filepath.FromSlash(path))
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		var content []byte
		if err == nil {
			content, err = io.ReadAll(io.LimitReader(f, left+1))
		}
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		if left -= int64(len(content)); left < 0 {
			return nil, fmt.Errorf("its files have more than %d bytes: %w", maxContent, pantry.ErrConfig)
		}
		out = append(out, archive.PackFile{Path: path, Content: content, Executable: st.Mode()&0o111 != 0 || programs[path]})
	}
	return out, nil
}

// Tarball reads a package that is packed already.
func Tarball(ctx context.Context, name string, o Options) (*Package, error) {
	tarball, err := readBounded(name, maxTarball)
	if err != nil {
		return nil, err
	}
	var files []archive.PackFile
	left := int64(maxContent)
	sink := archive.SinkFunc(func(e archive.Entry, content io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(content, left+1))
		if left -= int64(len(data)); err == nil && left < 0 {
			err = fmt.Errorf("its files have more than %d bytes", maxContent)
		}
		files = append(files, archive.PackFile{Path: e.Path, Content: data, Executable: e.Executable})
		return errors.Join(err, ctx.Err())
	})
	if err := archive.UnpackNPM(bytes.NewReader(tarball), sink, archive.Limits{}); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		err = fmt.Errorf("%s is not the tarball of a package: %w: %w", name, err, pantry.ErrConfig)
		return nil, pantry.WithHint(err, "make one with: pantry pack")
	}
	i := slices.IndexFunc(files, func(f archive.PackFile) bool { return f.Path == "package.json" })
	if i < 0 {
		return nil, fmt.Errorf("%s has no package.json in it: %w", name, pantry.ErrConfig)
	}
	file := name + ": package.json"
	d, err := parseDocument(file, files[i].Content)
	if err != nil {
		return nil, err
	}
	if err := d.check(file); err != nil {
		return nil, err
	}
	p := describe(d, files[i].Content, tarball)
	return p, p.take(files, o)
}

func describe(d *document, manifest, tarball []byte) *Package {
	return &Package{
		Name: d.Name, Version: d.Version, Private: d.Private, PublishConfig: d.PublishConfig, HasRepository: d.Repository,
		Manifest: manifest, Tarball: tarball,
		Integrity: integrity.Set{integrity.Sum(integrity.SHA512, tarball), integrity.Sum(integrity.SHA1, tarball)},
	}
}

// take lists files, and refuses them if there are secrets in them.
func (p *Package) take(files []archive.PackFile, o Options) error {
	var found []Secret
	for _, f := range files {
		p.Files = append(p.Files, File{f.Path, int64(len(f.Content)), f.Executable})
		p.Unpacked += int64(len(f.Content))
		if !slices.Contains(o.AllowSecrets, f.Path) {
			found = append(found, FindSecrets(f.Path, f.Content)...)
		}
	}
	slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, name := range o.AllowSecrets {
		if !slices.ContainsFunc(p.Files, func(f File) bool { return f.Path == name }) {
			return fmt.Errorf("there is no file %q in the package that could hold a secret: %w", name, pantry.ErrConfig)
		}
	}
	if len(found) > 0 {
		return &SecretsError{Name: p.Name, Version: p.Version, Found: found}
	}
	return nil
}

// FileName is the name that the tarball goes by: scope-name-version.tgz.
func (p *Package) FileName() string {
	return strings.ReplaceAll(strings.TrimPrefix(p.Name, "@"), "/", "-") + "-" + p.Version + ".tgz"
}

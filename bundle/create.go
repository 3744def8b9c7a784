package bundle

import (
	"archive/zip"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/directory"
)

// Source is a registry that a lockfile names.
type Source struct {
	mirror.End
	Type     string
	NPMStyle bool
	// AllowMissingIntegrity copies what neither the registry nor the lockfile has a digest of.
	AllowMissingIntegrity bool
}

// Options of [Create]. Lock, Source and Work are required.
type Options struct {
	// Lock is the text of a pantry.lock.
	Lock []byte
	// Source opens a registry that the lockfile names.
	Source func(name string) (Source, error)
	// Platforms leaves out what is for none of these; none leaves out nothing.
	Platforms []pantry.Platform
	// Concurrency is that of mirror.Options.
	Concurrency int
	// Progress is told what happens, one event at a time; nil means nobody.
	Progress func(mirror.Event)
	// Work is an empty folder where packages are gathered, for the caller to remove.
	Work string
}

// Result tells what was made.
type Result struct {
	Packages int              `json:"packages"` // versions; builds for several platforms are one
	Files    int              `json:"files"`
	Size     int64            `json:"size"`
	Digest   integrity.Digest `json:"-"` // SHA-512 of the whole file
	SRI      string           `json:"digest"`
}

// Create writes a bundle to w. Something that the lockfile pins and that cannot be had is an error;
// w has nothing of use then.
func Create(ctx context.Context, o Options, w io.Writer) (*Result, error) {
	lock, err := lockfile.Parse(lockfile.Name, o.Lock)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	x := &Index{Format: indexFormat, Version: indexVersion, Platforms: o.Platforms, Registries: []Registry{}}
	wanted := pruned(lock, o.Platforms)
	for _, name := range registriesOf(wanted) {
		src, err := o.Source(name)
		if err != nil {
			return nil, fmt.Errorf("the lockfile's registry %q: %w", name, err)
		}
		x.Registries = append(x.Registries, Registry{Name: name, Type: src.Type, NPMStyle: src.NPMStyle})
		if err := gather(ctx, o, wanted, name, src); err != nil {
			return nil, err
		}
	}
	res, err := write(ctx, o, x, w)
	if err != nil {
		return nil, err
	}
	res.Packages = len(versionsOf(wanted))
	return res, nil
}

func registriesOf(l *lockfile.Lock) []string {
	var names []string
	for _, p := range l.Packages {
		names = append(names, p.Registry)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// versionsOf maps "registry:name@version" to one package each: peers make several of one.
func versionsOf(l *lockfile.Lock) map[string]*lockfile.Package {
	out := map[string]*lockfile.Package{}
	for _, p := range l.Packages {
		out[string(lockfile.MakeID(p.Registry, p.Name, p.Version))] = p
	}
	return out
}

// gather brings the packages of one registry into the folder.
func gather(ctx context.Context, o Options, l *lockfile.Lock, name string, src Source) error {
	to, err := directory.Open(name, filepath.Join(o.Work, registriesDir, name), true)
	if err != nil {
		return err
	}
	items, left := mirror.FromLockfile(only(l, name), name)
	if len(left) > 0 {
		return fmt.Errorf("%w: %s@%s: %s", pantry.ErrConfig, left[0].Name, left[0].Version, left[0].Reason)
	}
	rep, err := mirror.Run(ctx, mirror.Options{
		From: src.End, To: mirror.End{Name: name, Registry: to}, Items: items,
		Platform:              func(p pantry.Platform) bool { return wants(o.Platforms, p) },
		AllowMissingIntegrity: src.AllowMissingIntegrity, Concurrency: o.Concurrency, Progress: o.Progress,
	})
	if err != nil {
		return err
	}
	if len(rep.Failed) > 0 {
		return failures(rep.Failed)
	}
	for _, p := range versionsOf(l) {
		if p.Registry != name {
			continue
		}
		rec, err := to.Record(ctx, p.Name, p.Version)
		if err == nil {
			err = locked(p, rec, o.Platforms)
		}
		if err != nil {
			return &pantry.Error{Op: "bundle", Ref: pantry.Ref{Registry: name, Name: p.Name, Version: p.Version}, Err: err}
		}
	}
	return nil
}

// only is the part of a lockfile that is of one registry.
func only(l *lockfile.Lock, registry string) *lockfile.Lock {
	out := *l
	out.Packages = map[lockfile.ID]*lockfile.Package{}
	for id, p := range l.Packages {
		if p.Registry == registry {
			out.Packages[id] = p
		}
	}
	return &out
}

// failures is the error of everything that could not be had.
func failures(failed []mirror.Failure) error {
	const most = 10 // of what is listed in full
	var errs []error
	for i, f := range failed {
		if i == most {
			errs = append(errs, fmt.Errorf("and %d more", len(failed)-i))
			break
		}
		errs = append(errs, f.Err)
	}
	return errors.Join(errs...)
}

// locked says whether a record is what the lockfile pins.
func locked(p *lockfile.Package, rec *directory.Record, platforms []pantry.Platform) error {
	if p.Tool == nil {
		if rec.Metadata.Tool != nil {
			return fmt.Errorf("%w: it is a tool, and the lockfile has a package", pantry.ErrIntegrity)
		}
		return sameAs(p.Integrity, rec.Metadata.Artifact.Integrity)
	}
	if rec.Metadata.Tool == nil {
		return fmt.Errorf("%w: it is no tool, and the lockfile has one", pantry.ErrIntegrity)
	}
	for _, b := range p.Tool.Builds {
		if !wants(platforms, b.Platform) {
			continue
		}
		i := slices.IndexFunc(rec.Metadata.Tool.Builds, func(have pantry.Build) bool { return have.Platform == b.Platform })
		if i < 0 {
			return fmt.Errorf("%w: the build for %s is missing", pantry.ErrIntegrity, b.Platform)
		}
		if err := sameAs(b.Integrity, rec.Metadata.Tool.Builds[i].Artifact.Integrity); err != nil {
			return fmt.Errorf("build for %s: %w", b.Platform, err)
		}
	}
	return nil
}

func sameAs(locked, have integrity.Set) error {
	if same, known := locked.Same(have); len(locked) > 0 && (!known || !same) {
		return fmt.Errorf("%w: locked %s, and there is %s", pantry.ErrIntegrity, locked, have)
	}
	return nil
}

// packed is a file that goes into the archive.
type packed struct {
	File
	crc  uint32
	disk string // where it is; "" for data
	data []byte
}

// write writes the archive.
func write(ctx context.Context, o Options, x *Index, w io.Writer) (*Result, error) {
	files, err := collect(ctx, o, x)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		x.Files = append(x.Files, f.File)
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	data, err := x.encode()
	if err != nil {
		return nil, err
	}
	index := packed{File: File{Path: indexName, Size: int64(len(data))}, crc: crc32.ChecksumIEEE(data), data: data}
	h := sha512.New()
	n := &counter{}
	z := zip.NewWriter(io.MultiWriter(w, h, n))
	for _, f := range append([]packed{index}, files...) {
		if err := f.writeTo(z); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	digest, err := integrity.New(integrity.SHA512, h.Sum(nil))
	return &Result{Files: len(files) + 1, Size: n.bytes, Digest: digest, SRI: digest.String()}, err
}

type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

// collect lists and hashes what goes into the archive, by path.
func collect(ctx context.Context, o Options, x *Index) ([]packed, error) {
	files := []packed{{
		File: File{Path: lockfile.Name, Size: int64(len(o.Lock)), Integrity: integrity.Set{integrity.Sum(integrity.SHA512, o.Lock)}},
		crc:  crc32.ChecksumIEEE(o.Lock), data: o.Lock,
	}}
	for _, r := range x.Registries {
		root := filepath.Join(o.Work, registriesDir, r.Name)
		reader, err := directory.Read(r.Name, os.DirFS(root))
		if err != nil {
			return nil, err
		}
		paths, err := reader.Paths(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			f, err := packFile(filepath.Join(root, filepath.FromSlash(p)), path.Join(registriesDir, r.Name, p))
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

func packFile(disk, name string) (packed, error) {
	f, err := os.Open(disk)
	if err != nil {
		return packed{}, err
	}
	defer f.Close()
	h, sum := sha512.New(), crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(h, sum), f)
	if err != nil {
		return packed{}, err
	}
	d, err := integrity.New(integrity.SHA512, h.Sum(nil))
	return packed{File: File{Path: name, Size: n, Integrity: integrity.Set{d}}, crc: sum.Sum32(), disk: disk}, err
}

// The date and time of every entry, as zip writes them: that which npm gives files it packs,
// 1985-10-26 08:15.
const (
	zipDate = (1985-1980)<<9 | 10<<5 | 26
	zipTime = 8<<11 | 15<<5
)

func (f packed) writeTo(z *zip.Writer) error {
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: f.Path, Method: zip.Store, CRC32: f.crc,
		//lint:ignore SA1019 CreateRaw does not look at Modified
		ModifiedDate: zipDate, ModifiedTime: zipTime,
		CompressedSize64: uint64(f.Size), UncompressedSize64: uint64(f.Size),
	})
	if err != nil {
		return err
	}
	if f.disk == "" {
		_, err = w.Write(f.data)
		return err
	}
	in, err := os.Open(f.disk)
	if err != nil {
		return err
	}
	defer in.Close()
	n, err := io.Copy(w, in)
	if err == nil && n != f.Size {
		err = fmt.Errorf("%s changed while it was packed: %w", f.Path, fs.ErrInvalid)
	}
	return err
}

package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

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

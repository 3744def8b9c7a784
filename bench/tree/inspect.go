package tree

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/semver"
)

// Layout is where a package manager puts packages.
type Layout string

// The layouts.
const (
	Hoisted Layout = "hoisted" // folders in node_modules, nested where versions differ
	Project Layout = "project" // links to folders inside the project's node_modules
	Machine Layout = "machine" // links to folders outside of the project
)

// Registry is what the check asks about packages.
type Registry interface {
	// Package returns one version.
	Package(ctx context.Context, name, version string) (*Package, error)
	// Manifests returns all versions.
	Manifests(ctx context.Context, name string) (map[string]*Manifest, error)
}

// Package is a version of a package as the registry has it.
type Package struct {
	Manifest Manifest
	Files    Files
}

// Options says what is expected. Registry must be set.
type Options struct {
	Layout   Layout
	Registry Registry
	Platform lockfile.Platform // what optional packages may be missing; zero is none
	Contents bool              // compare the content of every file; without it their names and sizes
}

// WrongError is a tree that is not what it should be. It lists what is wrong, sorted.
type WrongError struct{ Problems []string }

// maxProblems is how many problems are spelled out.
const maxProblems = 8

func (e *WrongError) Error() string {
	shown := e.Problems[:min(len(e.Problems), maxProblems)]
	more := ""
	if n := len(e.Problems) - len(shown); n > 0 {
		more = fmt.Sprintf("\n  and %d more", n)
	}
	return "the tree is wrong:\n  " + strings.Join(shown, "\n  ") + more
}

// inspector walks over one tree.
type inspector struct {
	Options
	project  string
	reached  map[string]*instance // by real path
	queue    []*instance
	problems []string
	folders  map[string]string // path in a node_modules -> real path, "" if it is not there
}

// instance is a package at one place.
type instance struct {
	dir      string // real path
	name     string // at the registry; the project has none
	version  string
	manifest Manifest
	files    Files
	owner    *instance // whose tarball brought it; nil for what was installed
	resolved []string  // name@version of what it loads
}

func (p *instance) String() string { return p.name + "@" + p.version }

// Inspect follows every dependency from the project's manifest on as Node would, over real paths, and compares
// the files of all packages with their tarballs. If anything is missing, wrong or too much the error is a
// *[WrongError], and the tree is what was found all the same.
func Inspect(ctx context.Context, project string, o Options) (*Tree, error) {
	project, err := filepath.EvalSymlinks(project)
	if err != nil {
		return nil, err
	}
	in := &inspector{Options: o, project: project, reached: map[string]*instance{}, folders: map[string]string{}}
	root := &instance{dir: project}
	if err := readJSON(filepath.Join(project, "package.json"), &root.manifest); err != nil {
		return nil, err
	}
	for _, w := range root.manifest.wishes(true) {
		if err := in.follow(ctx, root, w); err != nil {
			return nil, err
		}
	}
	in.direct(root)
	for len(in.queue) > 0 {
		p := in.queue[0]
		in.queue = in.queue[1:]
		for _, w := range p.manifest.wishes(false) {
			if err := in.follow(ctx, p, w); err != nil {
				return nil, err
			}
		}
	}
	t := in.tree()
	in.modules(filepath.Join(project, "node_modules"), nil)
	if err := in.compare(ctx, t); err != nil {
		return nil, err
	}
	if len(in.problems) > 0 {
		slices.Sort(in.problems)
		return t, &WrongError{slices.Compact(in.problems)}
	}
	return t, nil
}

func (in *inspector) wrong(format string, args ...any) {
	in.problems = append(in.problems, fmt.Sprintf(format, args...))
}

// follow finds what a wish of a package loads.
func (in *inspector) follow(ctx context.Context, from *instance, w wish) error {
	dir := in.lookup(from.dir, w.as)
	if dir == "" {
		return in.missing(ctx, from, w)
	}
	p, err := in.reach(ctx, from, w, dir)
	if err != nil || p == nil {
		return err
	}
	from.resolved = append(from.resolved, p.String())
	if r, err := semver.ParseRange(w.rng); err == nil && !w.peer && w.rng != "latest" && p.owner == nil {
		if v, err := semver.ParseLoose(p.version); err != nil || !r.Match(v) {
			in.wrong("%s needs %s@%s and finds %s", in.place(from), w.as, w.rng, in.place(p))
		}
	}
	return nil
}

// missing reports a dependency that cannot be loaded, unless it may be missing.
func (in *inspector) missing(ctx context.Context, from *instance, w wish) error {
	if w.may {
		return nil
	}
	if !w.optional {
		in.wrong("%s needs %s@%s, and it is not there", in.place(from), w.as, w.rng)
		return nil
	}
	all, err := in.Registry.Manifests(ctx, w.name)
	if err != nil {
		return err
	}
	versions := make([]string, 0, len(all))
	for v := range all {
		versions = append(versions, v)
	}
	r, err := semver.ParseRange(w.rng)
	if err != nil {
		return nil
	}
	if v, ok := semver.MaxSatisfying(versions, r); ok && in.Platform.OS != "" && all[v].RunsOn(in.Platform) {
		in.wrong("%s has the optional %s@%s, which runs here, and it is not there", in.place(from), w.as, w.rng)
	}
	return nil
}

// lookup is Node's: the folders node_modules from dir upwards.
func (in *inspector) lookup(dir, name string) string {
	for {
		if filepath.Base(dir) != "node_modules" {
			if found := in.folder(filepath.Join(dir, "node_modules", filepath.FromSlash(name))); found != "" {
				return found
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// folder returns the real path of a folder, or "".
func (in *inspector) folder(path string) string {
	if found, ok := in.folders[path]; ok {
		return found
	}
	found := ""
	if st, err := os.Lstat(path); err == nil {
		switch {
		case st.IsDir():
			found = path // its parents are real already
		case st.Mode()&fs.ModeSymlink != 0:
			if found, err = filepath.EvalSymlinks(path); err != nil {
				in.wrong("%s leads nowhere", in.short(path))
			}
		}
	}
	in.folders[path] = found
	return found
}

// reach returns the package at a place, and puts it in the queue when it is seen first.
func (in *inspector) reach(ctx context.Context, from *instance, w wish, dir string) (*instance, error) {
	if p := in.reached[dir]; p != nil {
		return p, nil
	}
	p := &instance{dir: dir, name: w.name}
	in.reached[dir] = p
	var onDisk Manifest
	if err := readJSON(filepath.Join(dir, "package.json"), &onDisk); err != nil {
		in.wrong("%s: %v", in.short(dir), errors.Unwrap(err))
		return nil, nil
	}
	p.version = onDisk.Version
	if w.peer && onDisk.Name != "" { // a peer may be any package that its user calls so
		p.name = onDisk.Name
	}
	if p.owner = from.bundler(dir); p.owner != nil {
		p.manifest = onDisk
		in.queue = append(in.queue, p)
		return p, nil
	}
	known, err := in.Registry.Package(ctx, p.name, p.version)
	if errors.Is(err, fs.ErrNotExist) {
		in.wrong("%s is %s, which the registry does not have", in.short(dir), p)
		return p, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	p.manifest, p.files = known.Manifest, known.Files
	in.queue = append(in.queue, p)
	return p, nil
}

// bundler returns the package whose tarball has the folder dir, if it is that of from.
func (p *instance) bundler(dir string) *instance {
	owner := p
	if p.owner != nil {
		owner = p.owner
	}
	rel, err := filepath.Rel(owner.dir, dir)
	if err != nil {
		return nil
	}
	if _, ok := owner.files[filepath.ToSlash(rel)+"/package.json"]; !ok {
		return nil
	}
	return owner
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// place names a package for messages.
func (in *inspector) place(p *instance) string {
	if p.name == "" {
		return "the project"
	}
	return p.String() + " (" + in.short(p.dir) + ")"
}

// short is a path from the project's folder where it lies in it, and otherwise from the store's last parts.
func (in *inspector) short(path string) string {
	if rel, err := filepath.Rel(in.project, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	parts := strings.Split(filepath.ToSlash(path), "/")
	return "…/" + strings.Join(parts[max(0, len(parts)-5):], "/")
}

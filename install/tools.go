package install

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/fetch"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/resolve"
)

// Tools are packages of registries that hold programs rather than packages of Node.js. They have
// wishes and lockfile entries like others, are unpacked into the same store, and their programs are
// linked into the project's .pantry/bin.

// toolWish is a wish for a tool.
type toolWish struct {
	name string // in the manifest: "github:cli/cli"
	wish lockfile.Wish
	spec manifest.Spec
	from *registry.Entry
}

// toolRegistry returns the registry of a wish for a tool; nil for an npm-style wish.
func (r *run) toolRegistry(spec manifest.Spec) *registry.Entry {
	if spec.Registry == "" {
		return nil
	}
	e, ok := r.Registries.Get(spec.Registry)
	if !ok {
		e, ok = r.Registries.ByType(spec.Registry)
	}
	if !ok || e.NPMStyle() {
		return nil
	}
	return e
}

// splitTools takes the wishes for tools out of a manifest.
func (r *run) splitTools(m *manifest.Manifest) (*manifest.Manifest, []toolWish) {
	var tools []toolWish
	wishes := resolve.Wishes(m)
	for _, name := range slices.Sorted(maps.Keys(wishes)) {
		spec, err := manifest.ParseDependency(name, wishes[name].Spec, r.isRegistry)
		if err != nil {
			continue // the resolver says what is wrong
		}
		if e := r.toolRegistry(spec); e != nil {
			tools = append(tools, toolWish{name, wishes[name], spec, e})
		}
	}
	if len(tools) == 0 {
		return m, nil
	}
	rest := *m
	for _, deps := range []*map[string]string{&rest.Dependencies, &rest.DevDependencies, &rest.OptionalDependencies, &rest.PeerDependencies} {
		*deps = maps.Clone(*deps)
		for _, t := range tools {
			delete(*deps, t.name)
		}
	}
	return &rest, tools
}

// resolveTools chooses the tools and adds them to the lockfile. Those of a registry are kept from the
// old lockfile together, as long as no wish for one of them has changed.
func (r *run) resolveTools(ctx context.Context, tools []toolWish, l *lockfile.Lock) error {
	byRegistry := map[string][]toolWish{}
	for _, t := range tools {
		byRegistry[t.from.Name()] = append(byRegistry[t.from.Name()], t)
	}
	for _, name := range slices.Sorted(maps.Keys(byRegistry)) {
		group := byRegistry[name]
		if r.keepTools(group, l) {
			continue
		}
		var err error
		if resolver, ok := pantry.As[pantry.ToolResolver](group[0].from); ok {
			err = r.resolveTogether(ctx, resolver, group, l)
		} else {
			err = r.resolveEach(ctx, group, l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepTools copies the tools of one registry from the old lockfile, if it has them all.
func (r *run) keepTools(group []toolWish, l *lockfile.Lock) bool {
	if r.old == nil || r.old.Projects["."] == nil {
		return false
	}
	locked := r.old.Projects["."].Dependencies
	var roots []lockfile.ID
	for _, t := range group {
		w := locked[t.name]
		if w.ID == "" || w.Spec != t.wish.Spec || r.refresh[t.spec.Package] {
			return false
		}
		roots = append(roots, w.ID)
	}
	for id := range r.old.Reachable(roots, nil) {
		l.Packages[id] = r.old.Packages[id]
	}
	for _, t := range group {
		w := t.wish
		w.ID = locked[t.name].ID
		l.Projects["."].Dependencies[t.name] = w
	}
	return true
}

// resolveTogether asks a registry whose tools need each other.
func (r *run) resolveTogether(ctx context.Context, resolver pantry.ToolResolver, group []toolWish, l *lockfile.Lock) error {
	wishes := map[string]string{}
	for _, t := range group {
		wishes[t.spec.Package] = t.spec.Range
	}
	res, err := resolver.ResolveTools(ctx, wishes)
	if err != nil {
		return err
	}
	name := group[0].from.Name()
	ids := make([]lockfile.ID, len(res.Tools))
	chosen := map[lockfile.ID]bool{}
	for i, m := range res.Tools {
		ids[i] = lockfile.MakeID(name, m.Name, m.Version)
		chosen[ids[i]] = true
	}
	wished := map[int]bool{}
	for _, i := range res.Wishes {
		wished[i] = true
	}
	for i := range res.Tools {
		p := toolPackage(name, &res.Tools[i])
		for dep, version := range res.Tools[i].Dependencies {
			id := lockfile.MakeID(name, dep, version)
			if !chosen[id] {
				return fmt.Errorf("%s needs %s@%s, which was not chosen: %w", ids[i], dep, version, pantry.ErrInvalid)
			}
			p.Dependencies[name+":"+dep] = lockfile.Dependency{ID: id, Spec: version}
		}
		for companion, constraint := range res.Tools[i].Tool.Companions {
			for j, m := range res.Tools {
				if m.Name == companion && wished[i] && j != i {
					p.Dependencies[name+":"+companion] = lockfile.Dependency{ID: ids[j], Spec: constraint, Peer: true}
				}
			}
		}
		l.Packages[ids[i]] = p
	}
	for _, t := range group {
		i, ok := res.Wishes[t.spec.Package]
		if !ok {
			return fmt.Errorf("%s: the registry chose nothing for it: %w", t.name, pantry.ErrInvalid)
		}
		w := t.wish
		w.ID = ids[i]
		l.Projects["."].Dependencies[t.name] = w
	}
	return nil
}

// resolveEach picks a version for each tool on its own, by npm's ranges.
func (r *run) resolveEach(ctx context.Context, group []toolWish, l *lockfile.Lock) error {
	for _, t := range group {
		pkg, d, err := r.Registries.Find(ctx, registry.Request{
			Name: t.spec.Package, Registry: t.from.Name(), Wanted: t.spec.Range,
			Accept: func(p pantry.Package) bool { _, err := resolve.Pick(p, t.spec.Range, ""); return err == nil },
		})
		if err != nil {
			return err
		}
		r.warnDecision(d)
		version, err := resolve.Pick(pkg, t.spec.Range, "")
		if err != nil {
			return err
		}
		m, err := pkg.Metadata(version)
		if err != nil {
			return err
		}
		if m.Tool == nil {
			return fmt.Errorf("%s: registry %q has no program of it: %w", t.name, d.Registry, pantry.ErrUnsupported)
		}
		id := lockfile.MakeID(d.Registry, m.Name, m.Version)
		l.Packages[id] = toolPackage(d.Registry, m)
		w := t.wish
		w.ID = id
		l.Projects["."].Dependencies[t.name] = w
	}
	return nil
}

// toolPackage is a tool's entry in the lockfile: every platform's build with its digest, so that the
// same lockfile serves them all. Where an artifact lies is asked of the registry when it is needed.
func toolPackage(registryName string, m *pantry.Metadata) *lockfile.Package {
	tool := &lockfile.Tool{Provides: m.Tool.Provides, Env: m.Tool.Env}
	for _, b := range m.Tool.Builds {
		tool.Builds = append(tool.Builds, lockfile.Build{
			Platform: b.Platform, Integrity: lockable(b.Artifact.Integrity), File: b.File, Strip: b.Strip, Executable: b.Executable,
		})
	}
	slices.SortFunc(tool.Builds, func(a, b lockfile.Build) int { return cmp.Compare(a.Platform.String(), b.Platform.String()) })
	return &lockfile.Package{
		Registry: registryName, Name: m.Name, Version: m.Version, URL: askRegistry,
		Tool: tool, Deprecated: m.Deprecated, Dependencies: map[string]lockfile.Dependency{},
	}
}

// toolPlatform is this install's platform in Go's words.
func (r *run) toolPlatform() pantry.Platform {
	return goPlatform(r.Platform)
}

// goPlatform translates Node's words for a platform.
func goPlatform(pl lockfile.Platform) pantry.Platform {
	out := pantry.Platform{OS: pl.OS, Arch: pl.CPU, Libc: pl.Libc}
	switch pl.OS {
	case "win32":
		out.OS = "windows"
	case "sunos":
		out.OS = "solaris"
	}
	switch pl.CPU {
	case "x64":
		out.Arch = "amd64"
	case "ia32":
		out.Arch = "386"
	}
	return out
}

// lockable is the digests of a build as the lockfile keeps them: the strongest.
func lockable(s integrity.Set) integrity.Set { return slices.Clone(integrity.Set(s.Strongest())) }

// fetchedTool is a tool in the store.
type fetchedTool struct {
	id    lockfile.ID
	pkg   *lockfile.Package
	entry fetch.Result
}

// toolIDs lists the tools that are to be installed, what is needed before what needs it.
func (r *run) toolIDs(l *lockfile.Lock) []lockfile.ID {
	var out []lockfile.ID
	seen := map[lockfile.ID]bool{}
	var visit func(lockfile.ID)
	visit = func(id lockfile.ID) {
		p := l.Packages[id]
		if p == nil || p.Tool == nil || seen[id] {
			return
		}
		seen[id] = true
		for _, name := range slices.Sorted(maps.Keys(p.Dependencies)) {
			visit(p.Dependencies[name].ID)
		}
		out = append(out, id)
	}
	deps := l.Projects["."].Dependencies
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		if !r.Omit[deps[name].Kind] {
			visit(deps[name].ID)
		}
	}
	return out
}

// fetchTools brings the tools for this platform into the store.
func (r *run) fetchTools(ctx context.Context, l *lockfile.Lock) ([]fetchedTool, error) {
	ids := r.toolIDs(l)
	out := make([]fetchedTool, 0, len(ids))
	for _, id := range ids {
		r.fetches.start(l.Packages[id])
	}
	for _, id := range ids {
		p := l.Packages[id]
		res, err := r.fetches.get(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, fetchedTool{id, p, res})
	}
	return out, nil
}

// linkTools links the programs of the tools that the project wishes for, and of their companions; of what
// those need only the files are there.
func (r *run) linkTools(l *lockfile.Lock, tools []fetchedTool) error {
	byID := map[lockfile.ID]fetchedTool{}
	for _, t := range tools {
		byID[t.id] = t
	}
	wished := map[lockfile.ID]bool{}
	for _, w := range l.Projects["."].Dependencies {
		wished[w.ID] = true
		if p := l.Packages[w.ID]; p != nil && p.Tool != nil {
			for _, d := range p.Dependencies {
				wished[d.ID] = wished[d.ID] || d.Peer // a companion
			}
		}
	}
	var programs []link.Program
	for _, t := range tools {
		if wished[t.id] {
			programs = append(programs, r.programs(l, t, byID)...)
		}
	}
	return link.ApplyTools(r.Dir, link.SortPrograms(programs))
}

func (r *run) programs(l *lockfile.Lock, t fetchedTool, byID map[lockfile.ID]fetchedTool) []link.Program {
	env := r.toolEnvironment(l, t, byID)
	var out []link.Program
	for _, path := range programPaths(t) {
		name := filepath.Base(path)
		if len(t.pkg.Tool.Provides) == 0 { // then it may say more than the command's name
			name = archive.ProgramName(path, filepath.Base(t.pkg.Name))
		}
		out = append(out, link.Program{
			Name: name, Path: filepath.Join(t.entry.Entry.Dir, filepath.FromSlash(path)), Env: env,
		})
	}
	return out
}

// programPaths are the programs that the tool says it has and has, else those found in its files.
func programPaths(t fetchedTool) []string {
	have := map[string]bool{}
	var files []archive.Entry
	for _, f := range t.entry.Entry.Files {
		have[f.Path] = true
		files = append(files, archive.Entry{Path: f.Path, Executable: f.Executable, Size: f.Size, Link: f.Link})
	}
	var out []string
	for _, path := range t.pkg.Tool.Provides {
		if have[path] {
			out = append(out, path)
		}
	}
	if len(out) > 0 {
		return out
	}
	return archive.FindPrograms(files, filepath.Base(t.pkg.Name))
}

// toolEnvironment is what the tool's registry says its programs need around them.
func (r *run) toolEnvironment(l *lockfile.Lock, t fetchedTool, byID map[lockfile.ID]fetchedTool) []pantry.Variable {
	e, ok := r.Registries.Get(t.pkg.Registry)
	if !ok {
		return nil
	}
	env, ok := pantry.As[pantry.ToolEnvironment](e)
	if !ok {
		return nil
	}
	needs := l.Reachable([]lockfile.ID{t.id}, nil)
	var tools []pantry.InstalledTool
	for _, id := range r.toolIDs(l) { // in their order, the tool itself last
		if other := byID[id]; needs[id] && id != t.id {
			tools = append(tools, installedTool(other))
		}
	}
	tools = append(tools, installedTool(t))
	return env.Environment(tools, func(path string) bool {
		st, err := os.Stat(path)
		return err == nil && st.IsDir()
	})
}

func installedTool(t fetchedTool) pantry.InstalledTool {
	return pantry.InstalledTool{Name: t.pkg.Name, Version: t.pkg.Version, Prefix: t.entry.Entry.Dir, Env: t.pkg.Tool.Env}
}

package resolve_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/semver"
)

// world is a Source with a few packages, written as text: one version per line,
//
//	name@version dep@range ... ?optional@range ... ^peer@range ... ~optional-peer@range ...
//
// with "tag NAME TAG VERSION" for dist-tags (latest is the highest version otherwise) and
// "deprecated name@version".
type world struct {
	pkgs map[string]*pkg
	mu   sync.Mutex
	seen []string
	// delay is called before each answer.
	delay func(name string)
}

type pkg struct {
	name     string
	registry string
	versions map[string]*pantry.Metadata
	tags     map[string]string
	broken   string // a version whose metadata cannot be read
}

func (p *pkg) Name() string            { return p.name }
func (p *pkg) Tags() map[string]string { return p.tags }
func (p *pkg) Versions() []string {
	v := slices.Collect(maps.Keys(p.versions))
	semver.Sort(v)
	return v
}

func (p *pkg) Metadata(v string) (*pantry.Metadata, error) {
	if v == p.broken {
		return nil, fmt.Errorf("%s@%s: %w", p.name, v, pantry.ErrInvalid)
	}
	if m := p.versions[v]; m != nil {
		return m, nil
	}
	return nil, pantry.ErrVersionNotFound
}

func newWorld(t testing.TB, text string) *world {
	t.Helper()
	w := &world{pkgs: map[string]*pkg{}}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "tag":
			w.pkg(fields[1]).tags[fields[2]] = fields[3]
		case fields[0] == "deprecated":
			name, version := cut(fields[1])
			w.pkg(name).versions[version].Deprecated = "old"
		default:
			w.add(fields)
		}
	}
	for _, p := range w.pkgs {
		if p.tags["latest"] == "" {
			p.tags["latest"] = highest(p)
		}
	}
	return w
}

// highest is the highest release, else the highest version.
func highest(p *pkg) string {
	vs := p.Versions()
	for _, v := range slices.Backward(vs) {
		if !strings.Contains(v, "-") {
			return v
		}
	}
	return vs[len(vs)-1]
}

func (w *world) pkg(name string) *pkg {
	if w.pkgs[name] == nil {
		w.pkgs[name] = &pkg{name: name, registry: "npm", versions: map[string]*pantry.Metadata{}, tags: map[string]string{}}
	}
	return w.pkgs[name]
}

func (w *world) add(fields []string) {
	name, version := cut(fields[0])
	m := &pantry.Metadata{
		Name: name, Version: version,
		Dependencies: map[string]string{}, OptionalDependencies: map[string]string{}, PeerDependencies: map[string]string{},
	}
	for _, f := range fields[1:] {
		into := m.Dependencies
		switch f[0] {
		case '?':
			into, f = m.OptionalDependencies, f[1:]
		case '^':
			into, f = m.PeerDependencies, f[1:]
		case '~':
			into, f = m.PeerDependencies, f[1:]
			peer, _ := cut(f)
			m.OptionalPeers = append(m.OptionalPeers, peer)
		case '!': // bundled
			f = f[1:]
			bundled, _ := cut(f)
			m.BundledDependencies = append(m.BundledDependencies, bundled)
		}
		dep, rng := cut(f)
		into[dep] = rng
	}
	w.pkg(name).versions[version] = m
}

// cut splits name@rest at the first "@" after the first byte.
func cut(s string) (name, rest string) {
	i := strings.IndexByte(s[1:], '@') + 1
	return s[:i], strings.ReplaceAll(s[i+1:], "_", " ")
}

func (w *world) Package(ctx context.Context, want resolve.Want) (resolve.Answer, error) {
	if w.delay != nil {
		w.delay(want.Name)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, want.Name)
	p := w.pkgs[want.Name]
	switch {
	case ctx.Err() != nil:
		return resolve.Answer{}, ctx.Err()
	case p == nil:
		return resolve.Answer{}, &pantry.Error{Op: "read package", Ref: pantry.Ref{Registry: "npm", Name: want.Name}, Err: pantry.ErrNotFound}
	case !want.Accept(p):
		return resolve.Answer{}, fmt.Errorf("no version of %s matches %q: %w", want.Name, want.Range, pantry.ErrVersionNotFound)
	}
	return resolve.Answer{Package: p, Registry: p.registry}, nil
}

// project makes a manifest of "name@range ..." with the prefixes D: (dev), ?: (optional), ^: (peer).
func project(deps string) *manifest.Manifest {
	m := &manifest.Manifest{
		File: "package.json", Name: "app", Version: "1.0.0",
		Dependencies: map[string]string{}, DevDependencies: map[string]string{},
		OptionalDependencies: map[string]string{}, PeerDependencies: map[string]string{},
	}
	for _, f := range strings.Fields(deps) {
		into := m.Dependencies
		if kind, rest, ok := strings.Cut(f, "::"); ok {
			f = rest
			into = map[string]map[string]string{"D": m.DevDependencies, "?": m.OptionalDependencies, "^": m.PeerDependencies}[kind]
		}
		name, rng := cut(f)
		into[name] = rng
	}
	return m
}

// edges writes a lockfile's graph as lines "ID: name=ID ...", the project first.
func edges(l *lockfile.Lock) string {
	var b strings.Builder
	line := func(from string, deps map[string]lockfile.ID) {
		b.WriteString(from + ":")
		for _, name := range slices.Sorted(maps.Keys(deps)) {
			id := strings.TrimPrefix(string(deps[name]), "npm:")
			if v, ok := strings.CutPrefix(id, name+"@"); ok {
				id = v
			}
			b.WriteString(" " + name + "=" + id)
		}
		b.WriteString("\n")
	}
	deps := map[string]lockfile.ID{}
	for name, w := range l.Projects["."].Dependencies {
		deps[name] = w.ID
	}
	line(".", deps)
	for _, id := range slices.Sorted(maps.Keys(l.Packages)) {
		deps := map[string]lockfile.ID{}
		for name, d := range l.Packages[id].Dependencies {
			if d.ID != "" {
				deps[name] = d.ID
			}
		}
		line(strings.TrimPrefix(string(id), "npm:"), deps)
	}
	return b.String()
}

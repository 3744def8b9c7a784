package github_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/github"
	"github.com/pantry-go/pantry/registry/github/githubtest"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/semver"
	"github.com/pantry-go/pantry/transport"
)

// The suites speak of npm packages. Each becomes a repository, each version a release with the
// tarball as its asset. What a repository cannot say (dependencies, tags other than latest) is
// taken from the suite's own registry; everything else has to come over the wire.

// repoName is the repository of a package. A name that is none stays none.
func repoName(name string) string {
	if scope, base, ok := strings.Cut(name, "/"); ok && strings.HasPrefix(name, "@") && base != "" && scope != "@" {
		return "scoped/" + scope[1:] + "--" + base
	}
	if len(name) > 90 {
		sum := sha256.Sum256([]byte(name))
		return "acme/" + name[:40] + hex.EncodeToString(sum[:8])
	}
	return "acme/" + name
}

// serverOf is a GitHub that holds what m does.
func serverOf(m *registrytest.Memory) *githubtest.Server {
	s := githubtest.New(githubtest.Options{Anonymous: 1 << 20, Known: 1 << 20})
	fill(s, m)
	return s
}

func fill(s *githubtest.Server, m *registrytest.Memory) {
	s.AddToken("s3cr3t-t0ken-of-the-test", githubtest.Token{Login: "test"}) // what RunFaults sends
	ctx := context.Background()
	for _, name := range m.Names() {
		p, err := m.Package(ctx, name)
		if err != nil {
			panic(err)
		}
		r := githubtest.Repo{Name: repoName(name)}
		about := map[string]bool{}
		for _, v := range p.Versions() {
			meta, err := p.Metadata(v)
			if err != nil {
				panic(err)
			}
			if !about[meta.Description] {
				about[meta.Description] = true
				r.Description += meta.Description + ". "
			}
			body, err := m.Open(ctx, meta.Artifact)
			if err != nil {
				panic(err)
			}
			data, err := io.ReadAll(body)
			if err != nil {
				panic(err)
			}
			parsed, _ := semver.ParseLoose(v)
			r.Releases = append(r.Releases, githubtest.Release{
				Tag: "v" + v, Prerelease: parsed.Prerelease() != "", Latest: p.Tags()["latest"] == v, Published: meta.Published,
				Assets: []githubtest.Asset{{Name: strings.ReplaceAll(strings.TrimPrefix(name, "@"), "/", "-")[:min(len(name)-1, 60)] + "-" + v + ".tgz", Data: data}},
			})
		}
		s.Put(r)
	}
}

// renamed is a registry of repositories under the names of packages.
type renamed struct {
	*github.Registry
	memory *registrytest.Memory // nil: nothing is added
}

func (r renamed) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	if r.memory != nil && version != "latest" {
		if p, err := r.memory.Package(ctx, name); err == nil && p.Tags()[version] != "" {
			version = p.Tags()[version]
		}
	}
	m, err := r.Registry.Metadata(ctx, repoName(name), version)
	return r.finish(name, m, err)
}

func (r renamed) Package(ctx context.Context, name string) (pantry.Package, error) {
	p, err := r.Registry.Package(ctx, repoName(name))
	if err != nil {
		return nil, named(name, err)
	}
	return renamedPackage{p, name, r}, nil
}

// Open uses the address alone, as long as the name is not one of GitHub Packages.
func (r renamed) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	a.Name = repoName(a.Name)
	return r.Registry.Open(ctx, a)
}

// named names the package that the suite asked for.
func named(name string, err error) error {
	return fmt.Errorf("%s: %w", strings.Map(printable, name), err)
}

func printable(r rune) rune {
	if r < ' ' {
		return -1
	}
	return r
}

type renamedPackage struct {
	pantry.Package
	name string
	r    renamed
}

func (p renamedPackage) Name() string {
	if p.Package.Name() != repoName(p.name) {
		return p.Package.Name()
	}
	return p.name
}

func (p renamedPackage) Tags() map[string]string {
	if p.r.memory == nil {
		return p.Package.Tags()
	}
	all, err := p.r.memory.Package(context.Background(), p.name)
	if err != nil || p.Package.Tags()["latest"] != all.Tags()["latest"] || len(p.Package.Tags()) != 1 {
		return p.Package.Tags()
	}
	return all.Tags()
}

func (p renamedPackage) Metadata(version string) (*pantry.Metadata, error) {
	m, err := p.Package.Metadata(version)
	return p.r.finish(p.name, m, err)
}

// finish gives metadata the package's name, and what releases cannot carry.
func (r renamed) finish(name string, m *pantry.Metadata, err error) (*pantry.Metadata, error) {
	if err != nil {
		return nil, named(name, err)
	}
	if m.Name != repoName(name) || m.Artifact.Name != m.Name || m.Artifact.Version != m.Version {
		return nil, fmt.Errorf("metadata of %s is about %s", name, m.Name)
	}
	m.Name, m.Artifact.Name = name, name
	if r.memory == nil {
		return m, nil
	}
	want, err := r.memory.Metadata(context.Background(), name, m.Version)
	if err != nil {
		return nil, err
	}
	body, err := r.memory.Open(context.Background(), want.Artifact)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if d, ok := m.Artifact.Integrity.Find(integrity.SHA256); !ok || len(m.Artifact.Integrity) != 1 || d != integrity.Sum(integrity.SHA256, data) {
		return nil, fmt.Errorf("the digest of %s@%s is %s", name, m.Version, m.Artifact.Integrity)
	}
	if m.Tool == nil || len(m.Tool.Builds) < 6 || m.Tool.Builds[0].Artifact.URL != m.Artifact.URL {
		return nil, fmt.Errorf("the builds of %s@%s are %+v", name, m.Version, m.Tool)
	}
	if !strings.Contains(m.Repository, repoName(name)) || want.Description != "" && !strings.Contains(m.Description, want.Description) {
		return nil, fmt.Errorf("the repository of %s is %q, %q", name, m.Repository, m.Description)
	}
	m.Artifact.Integrity = want.Artifact.Integrity
	want.Artifact, want.Registry = m.Artifact, m.Registry
	if !want.Published.IsZero() { // every release has a date, not every package
		want.Published = m.Published
	}
	return want, nil
}

func (r renamed) Search(ctx context.Context, q pantry.Query) ([]pantry.Metadata, error) {
	q.Text = strings.TrimPrefix(q.Text, "@")
	found, err := r.Registry.Search(ctx, q)
	if r.memory == nil {
		return found, err
	}
	for i := range found {
		for _, name := range r.memory.Names() {
			if repoName(name) == found[i].Name {
				m, err := r.memory.Metadata(ctx, name, "")
				if err != nil {
					return nil, err
				}
				found[i].Name, found[i].Version = name, m.Version
				break
			}
		}
	}
	return found, err
}

// readOnly hides that the registry can publish to GitHub Packages.
type readOnly struct {
	pantry.Registry
	pantry.Searcher
	pantry.Pinger
}

func TestConformance(t *testing.T) {
	registrytest.Run(t, func(t *testing.T, m *registrytest.Memory) pantry.Registry {
		s := githubtest.Start(t, githubtest.Options{Anonymous: 1 << 20})
		fill(s, m)
		c, err := transport.New(transport.Options{Registry: "test", URL: s.URL, Env: func(string) string { return "" }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdleConnections)
		r, err := github.New(github.Options{Name: "test", Client: c})
		if err != nil {
			t.Fatal(err)
		}
		x := renamed{r, m}
		return readOnly{x, x, r}
	})
}

func TestFaults(t *testing.T) {
	const maxAnswer = 1 << 20
	registrytest.RunFaults(t, registrytest.Protocol{
		Handler: func(r pantry.Registry) http.Handler { return serverOf(r.(*registrytest.Memory)) },
		Client: func(t *testing.T, c *transport.Client) pantry.Registry {
			t.Cleanup(c.CloseIdleConnections)
			r, err := github.New(github.Options{Name: "test", Client: c, MaxAnswer: maxAnswer})
			if err != nil {
				t.Fatal(err)
			}
			x := renamed{r, nil}
			return readOnly{x, x, r}
		},
		MaxAnswer: maxAnswer,
	})
}

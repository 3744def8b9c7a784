package publish

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/pack"
	"github.com/pantry-go/pantry/registry"
)

// gitHubPackages is where GitHub takes packages; it links each to the repository that it names.
const gitHubPackages = "npm.pkg.github.com"

// Targets decides to which registries a package goes: those named in to, else the one at the URL of the
// package's publishConfig.registry, else the one that claims its name, else the default one. It sends no
// request. A registry that is not there, or that cannot take the package, is an error, as is one that has
// no right to the name because others claim it ([pantry.ErrPolicy]).
func Targets(m *registry.Manager, p *pack.Package, to []string) ([]*registry.Entry, error) {
	entries, err := choose(m, p, to)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := mayTake(m, e, p); err != nil {
			return nil, &pantry.Error{Op: "publish", Ref: ref(e, p), Err: err}
		}
	}
	return entries, nil
}

func ref(e *registry.Entry, p *pack.Package) pantry.Ref {
	return pantry.Ref{Registry: e.Name(), Name: p.Name, Version: p.Version}
}

func choose(m *registry.Manager, p *pack.Package, to []string) ([]*registry.Entry, error) {
	if len(to) > 0 {
		var out []*registry.Entry
		for _, name := range to {
			e, ok := m.Get(name)
			if !ok {
				err := fmt.Errorf("there is no registry %.60q: %w", name, pantry.ErrConfig)
				return nil, pantry.WithHint(err, "pantry registry list shows the registries")
			}
			if !slices.ContainsFunc(out, func(o *registry.Entry) bool { return o.Name() == e.Name() }) {
				out = append(out, e)
			}
		}
		return out, nil
	}
	if u := p.PublishConfig.Registry; u != "" {
		return atURL(m, u)
	}
	if c := claimers(m, p.Name); len(c) > 0 {
		if i := slices.IndexFunc(c, (*registry.Entry).Enabled); i > 0 {
			return c[i : i+1], nil
		}
		return c[:1], nil
	}
	e, ok := m.Default()
	if !ok {
		return nil, fmt.Errorf("no registry is configured: %w", pantry.ErrConfig)
	}
	return []*registry.Entry{e}, nil
}

// Home is the registry that a package belongs to: the one named, else the one that claims its name, else the
// default one. It sends no request, and does not say that the registry may be told of the name.
func Home(m *registry.Manager, name, named string) (*registry.Entry, error) {
	p := &pack.Package{Name: name}
	var to []string
	if named != "" {
		to = []string{named}
	}
	entries, err := choose(m, p, to)
	if err != nil {
		return nil, err
	}
	return entries[0], nil
}

// atURL finds the registry that publishConfig means. A URL that is not configured is not published to:
// nobody said which credential goes there, or what it may see.
func atURL(m *registry.Manager, u string) ([]*registry.Entry, error) {
	want, err := normal(u)
	if err == nil {
		for _, e := range m.All() {
			if strings.Contains(e.URL(), "${") {
				_ = e.Err() // opens it, and its URL is known; one that has none is not the one that is meant
			}
			if have, err := normal(e.URL()); err == nil && have == want {
				return []*registry.Entry{e}, nil
			}
		}
	}
	err = fmt.Errorf("publishConfig.registry of package.json is %.200q, and no registry is configured with that URL: %w", want, pantry.ErrConfig)
	return nil, pantry.WithHint(err, "add it with pantry registry add NAME URL, or name another one with --registry NAME")
}

// normal is the same for all spellings of a registry's URL. User information is left out.
func normal(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "", errors.New("no URL")
	}
	return strings.ToLower(u.Scheme+"://"+u.Host) + strings.TrimRight(u.EscapedPath(), "/"), nil
}

func claimers(m *registry.Manager, name string) []*registry.Entry {
	return slices.DeleteFunc(m.All(), func(e *registry.Entry) bool {
		_, ok := e.Claims(name)
		return !ok
	})
}

// mayTake says why a registry cannot be given the package.
func mayTake(m *registry.Manager, e *registry.Entry, p *pack.Package) error {
	if c := claimers(m, p.Name); len(c) > 0 && !slices.ContainsFunc(c, func(o *registry.Entry) bool { return o.Name() == e.Name() }) {
		pattern, _ := c[0].Claims(p.Name)
		err := fmt.Errorf("the name belongs to registry %q (pattern %q), so this one is not told of it: %w", c[0].Name(), pattern, pantry.ErrPolicy)
		return pantry.WithHint(err, "publish to registry %s, or change its \"packages\"", c[0].Name())
	}
	if !e.Enabled() {
		err := fmt.Errorf("the registry is disabled: %w", pantry.ErrConfig)
		return pantry.WithHint(err, "enable it: pantry registry enable %s", e.Name())
	}
	if err := e.Err(); err != nil {
		return err
	}
	if _, ok := pantry.As[pantry.Publisher](e); !ok {
		return fmt.Errorf("registries of type %s take no packages: %w", e.Type(), pantry.ErrUnsupported)
	}
	if c, ok := pantry.As[pantry.NameChecker](e); ok {
		if err := c.CheckName(p.Name); err != nil {
			return fmt.Errorf("the registry cannot hold the name: %w: %w", err, pantry.ErrConfig)
		}
	}
	if u, err := url.Parse(e.URL()); !p.HasRepository && (e.Type() == "github" || err == nil && u.Hostname() == gitHubPackages) {
		err := fmt.Errorf("package.json has no \"repository\", by which GitHub knows whose the package is: %w", pantry.ErrConfig)
		return pantry.WithHint(err, `add "repository": "github:OWNER/REPO"`)
	}
	return nil
}

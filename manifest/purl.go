package manifest

import (
	"errors"
	"net/url"

	"github.com/package-url/packageurl-go"

	"github.com/pantry-go/pantry"
)

// pkgxHost is the default host of pkgx's prebuilt packages. The purl specification has no type for
// them; they are written as generic packages of that repository.
const pkgxHost = "dist.pkgx.dev"

// purl reads a package URL (https://github.com/package-url/purl-spec). pkg:npm asks whichever
// registry has the name; other types ask the registry of that name or type.
func (p *specParser) purl(arg string) (Spec, error) {
	u, err := packageurl.FromString(arg)
	if err != nil {
		return Spec{}, p.failf("the purl cannot be read: %w", err)
	}
	if u.Subpath != "" {
		return Spec{}, p.fail(errors.New("a purl with a subpath is not a whole package"))
	}
	pkg := u.Name
	if u.Namespace != "" {
		pkg = u.Namespace + "/" + u.Name
	}
	s := Spec{Name: pkg, Package: pkg, RepositoryURL: u.Qualifiers.Map()["repository_url"]}
	switch s.Registry = purlRegistry(u.Type, s.RepositoryURL); {
	case u.Type == packageurl.TypeNPM:
		if err := CheckName(pkg); err != nil {
			return Spec{}, p.fail(err)
		}
		return p.fromRegistry(s, u.Version)
	case !p.knows(s.Registry):
		return Spec{}, p.failf("no registry is configured for purls of type %q: %w", u.Type, pantry.ErrUnsupported)
	}
	if CheckName(pkg) != nil {
		if err := checkForeign(s.Registry, pkg); err != nil {
			return Spec{}, p.fail(err)
		}
		s.Name = s.Registry + ":" + pkg
	}
	return p.fromRegistry(s, u.Version)
}

func purlRegistry(typ, repository string) string {
	switch typ {
	case packageurl.TypeNPM:
		return ""
	case packageurl.TypeGeneric:
		if u, err := url.Parse(repository); err == nil && u.Host == pkgxHost {
			return "pkgx"
		}
	}
	return typ
}

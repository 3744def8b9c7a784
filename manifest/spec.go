package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/semver"
)

// SpecType says what a wish leads to.
type SpecType string

// The types. The first three are answered by a registry.
const (
	VersionSpec   SpecType = "version"   // one version, in semver's loose spelling
	RangeSpec     SpecType = "range"     // a range of versions
	TagSpec       SpecType = "tag"       // a dist-tag, or a version that is not semver's
	RemoteSpec    SpecType = "remote"    // a tarball at a URL
	FileSpec      SpecType = "file"      // a tarball on this machine
	DirectorySpec SpecType = "directory" // a folder on this machine
	GitSpec       SpecType = "git"       // a repository; always with an error
)

// Spec is one wish, read. The zero Spec is none.
type Spec struct {
	Type SpecType
	// Name is what the package is installed under; "" when only the package itself can tell. A
	// package whose name cannot be a folder of node_modules has its registry in front of it:
	// "github:cli/cli".
	Name string
	// Registry is the name or type of the only registry to ask; "" leaves it to the order of
	// registries, also for npm's aliases ("npm:other@1").
	Registry string
	// Package is the name at the registry; "" for types no registry answers.
	Package string
	// Range is the version, range or tag as written; "*" where nothing was.
	Range string
	// URL is where a RemoteSpec is.
	URL string
	// Path is where a FileSpec or DirectorySpec is, as written without "file:". "~/" in front is
	// the user's home.
	Path string
	// RepositoryURL is a purl's qualifier of that name: the registry it was made for.
	RepositoryURL string
	// Raw is the wish as it was given.
	Raw string
}

// FromRegistry says that a registry answers the wish.
func (s Spec) FromRegistry() bool {
	return s.Type == VersionSpec || s.Type == RangeSpec || s.Type == TagSpec
}

// Value is what to write into a manifest for the wish, under the key Name.
func (s Spec) Value() string {
	switch {
	case s.Type == RemoteSpec:
		return s.URL
	case !s.FromRegistry():
		return "file:" + s.Path
	case strings.Contains(s.Name, ":"):
		return s.Range
	}
	prefix := s.Registry
	if prefix == "" || prefix == "npm" { // in a manifest, "npm:" is no more than an alias
		if prefix = "npm"; s.Name == s.Package {
			return s.Range
		}
	}
	if s.Range == "*" || s.Range == "" {
		return prefix + ":" + s.Package
	}
	return prefix + ":" + s.Package + "@" + s.Range
}

// SpecError is a wish that cannot be read or cannot be granted. It matches
// [pantry.ErrUnsupported] when the wish is a right one that Pantry cannot grant, else
// [pantry.ErrConfig].
type SpecError struct {
	Spec string // as given, without credentials
	Err  error
}

func (e *SpecError) Error() string { return fmt.Sprintf("%q: %v", e.Spec, e.Err) }

// Unwrap returns what is wrong with the wish.
func (e *SpecError) Unwrap() error { return e.Err }

// Is matches [pantry.ErrConfig] unless the wish is unsupported.
func (e *SpecError) Is(target error) bool {
	return target == pantry.ErrConfig && !errors.Is(e.Err, pantry.ErrUnsupported)
}

func specError(raw string, err error) error {
	return &SpecError{Spec: shown(raw), Err: err}
}

// ParseSpec reads what a user types: name[@range], registry:name[@range], an alias (a@npm:b@1),
// a purl, a tarball or a folder. isRegistry tells the names and types of registries that may stand
// before a colon; nil knows none.
//
// "registry:name" asks that registry only, npm included. The version follows the first "@" behind
// the last slash of the name. "owner/repo" alone is a git repository, as in npm.
func ParseSpec(arg string, isRegistry func(prefix string) bool) (Spec, error) {
	p := specParser{raw: arg, isRegistry: isRegistry}
	if err := checkText(arg, maxSpec); err != nil {
		return Spec{}, p.fail(err)
	}
	s, err := p.argument(arg)
	s.Raw = arg
	return s, err
}

// ParseDependency reads an entry of a manifest: name is the key, value what it says. A value
// "npm:other@1" is npm's alias and asks whichever registry has other; "acme:thing@1" asks acme,
// if isRegistry knows it. Bare versions, ranges and tags ask for name itself.
func ParseDependency(name, value string, isRegistry func(prefix string) bool) (Spec, error) {
	p := specParser{raw: name + "@" + value, isRegistry: isRegistry}
	trimmed := strings.TrimSpace(value)
	if err := checkValue(trimmed); err != nil {
		return Spec{}, p.fail(err)
	}
	if err := checkKey(name, true); err != nil {
		return Spec{}, p.fail(err)
	}
	s, err := p.entry(name, trimmed)
	s.Raw = value
	return s, err
}

type specParser struct {
	raw        string
	isRegistry func(string) bool
}

func (p *specParser) fail(err error) error { return specError(p.raw, err) }

func (p *specParser) failf(format string, args ...any) error {
	return p.fail(fmt.Errorf(format, args...))
}

func (p *specParser) knows(prefix string) bool { return p.isRegistry != nil && p.isRegistry(prefix) }

func (p *specParser) entry(name, value string) (Spec, error) {
	if registry, pkg, ok := strings.Cut(name, ":"); ok {
		if !p.knows(registry) {
			return Spec{}, p.fail(unknownPrefix(registry))
		}
		return p.fromRegistry(Spec{Name: name, Registry: registry, Package: pkg}, value)
	}
	return p.resolve(name, value)
}

// argument finds the name in what was typed, in the steps of npm's npm-package-arg.
func (p *specParser) argument(arg string) (Spec, error) {
	prefix, rest, ok := cutPrefix(arg)
	switch {
	case ok && strings.EqualFold(prefix, "pkg") && !p.knows(prefix):
		return p.purl(arg)
	case ok && (prefix == "npm" || p.knows(prefix)) && !isTransport(prefix) && !strings.HasPrefix(rest, "//") && !strings.Contains(rest, "#"):
		return p.prefixed(prefix, rest)
	case ok || isSCP(arg):
		return p.resolve("", arg)
	}
	name, value, versioned := arg, "*", false
	if at := strings.IndexByte(arg[1:], '@') + 1; at > 0 {
		name, value, versioned = arg[:at], arg[at+1:], true
	}
	switch {
	case name[0] != '@' && (strings.ContainsAny(name, `/\`) || isTarball(name)):
		return p.resolve("", arg)
	case versioned || CheckName(arg) == nil:
		if err := CheckName(name); err != nil {
			return Spec{}, p.fail(err)
		}
		return p.resolve(name, value)
	case isPath(arg):
		return p.file("", arg), nil
	}
	return Spec{}, p.fail(CheckName(arg))
}

// prefixed reads what follows "registry:".
func (p *specParser) prefixed(registry, rest string) (Spec, error) {
	pkg, value := cutVersion(rest)
	s := Spec{Name: pkg, Registry: registry, Package: pkg}
	if CheckName(pkg) != nil {
		if err := checkForeign(registry, pkg); err != nil {
			return Spec{}, p.fail(err)
		}
		s.Name = registry + ":" + pkg
	}
	return p.fromRegistry(s, value)
}

// cutVersion splits name@version at the first "@" behind the last slash that is not the first
// byte.
func cutVersion(s string) (name, version string) {
	slash := strings.LastIndexByte(s, '/')
	if s == "" {
		return "", ""
	}
	if at := strings.IndexByte(s[max(slash, 0)+1:], '@'); at >= 0 {
		at += max(slash, 0) + 1
		return s[:at], s[at+1:]
	}
	return s, ""
}

// resolve reads value as npm does, for a package installed under name.
func (p *specParser) resolve(name, value string) (Spec, error) {
	protocol, rest, ok := cutPrefix(value)
	switch {
	case strings.EqualFold(protocol, "file"):
		if rest == "" {
			return Spec{}, p.failf("the path is missing")
		}
		return p.file(name, rest), nil
	case isPath(value):
		return p.file(name, value), nil
	case strings.EqualFold(protocol, "npm"):
		return p.alias(name, rest)
	case ok:
		return p.protocol(name, protocol, rest, value)
	case isSCP(value), isShorthand(value):
		return p.git(name, value)
	case strings.ContainsAny(value, `/\`), isTarball(value):
		return p.file(name, value), nil
	}
	if name == "" {
		return Spec{}, p.fail(CheckName(value))
	}
	return p.fromRegistry(Spec{Name: name, Package: name}, value)
}

// fromRegistry completes s with a version, range or tag.
func (p *specParser) fromRegistry(s Spec, value string) (Spec, error) {
	value = strings.TrimSpace(value)
	s.Range = value
	if value == "" {
		s.Type, s.Range = RangeSpec, "*"
		return s, nil
	}
	if _, err := semver.ParseLoose(value); err == nil {
		s.Type = VersionSpec
		return s, nil
	}
	if _, err := semver.ParseRange(value); err == nil {
		s.Type = RangeSpec
		return s, nil
	}
	s.Type = TagSpec
	err := CheckTag(value)
	if s.Registry != "" && CheckName(s.Package) != nil {
		err = checkText(value, maxVersion) // versions of other registries are their own affair
	}
	if err != nil {
		return Spec{}, p.fail(err)
	}
	return s, nil
}

// alias reads what follows "npm:" in a value.
func (p *specParser) alias(name, rest string) (Spec, error) {
	if prefix, _, ok := cutPrefix(rest); ok {
		return Spec{}, p.failf("an alias stands for a package of a registry, not for %s:", clip(prefix))
	}
	pkg, value := cutVersion(rest)
	if err := CheckName(pkg); err != nil {
		return Spec{}, p.fail(err)
	}
	if name == "" {
		name = pkg
	}
	return p.fromRegistry(Spec{Name: name, Package: pkg}, value)
}

func (p *specParser) file(name, path string) Spec {
	s := Spec{Type: DirectorySpec, Name: name, Path: localPath(path)}
	if isTarball(path) {
		s.Type = FileSpec
	}
	return s
}

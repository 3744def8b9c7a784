package pantry

import (
	"context"
	"io"
)

// Registry reads packages from one source. Implementations are safe for concurrent use.
//
// Errors match the sentinels of this package: a name nobody knows is [ErrNotFound], a known name
// without the version is [ErrVersionNotFound] (which also matches ErrNotFound), a refused
// credential is [ErrDenied], a source that can't be reached is [ErrUnavailable], and an answer
// that is no answer of the protocol is [ErrInvalid].
type Registry interface {
	// Metadata returns one version's metadata: version is an exact version, a tag, or "" for
	// the registry's latest. A range is not accepted.
	Metadata(ctx context.Context, name, version string) (*Metadata, error)

	// Package returns everything known about name, or what an install needs of it where ctx says
	// so (see [WithAsking]). The metadata of a version is decoded when it is asked for, since a
	// package may have thousands.
	Package(ctx context.Context, name string) (Package, error)

	// Open returns the raw bytes of an artifact, not yet verified. The caller closes them.
	// A body that breaks off ends in an error, never in a plain io.EOF.
	Open(ctx context.Context, a Artifact) (io.ReadCloser, error)
}

// Package is what one registry knows about one name. It is immutable and safe for concurrent use.
type Package interface {
	// Name is the name the registry gave.
	Name() string
	// Versions lists the versions in ascending order of the registry's version scheme.
	// The caller must not change the slice.
	Versions() []string
	// Tags maps tag names (latest, beta) to versions. The caller must not change the map.
	Tags() map[string]string
	// Metadata decodes one version, given exactly as Versions spells it. The caller must not change
	// what it gets, which may be shared.
	Metadata(version string) (*Metadata, error)
}

// VersionPicker is a package whose versions follow other rules than npm's.
type VersionPicker interface {
	// Satisfying returns the versions, in the order of Versions, that satisfy a constraint in the
	// words of the package's ecosystem; also a tag, or a version in another spelling. A constraint
	// that cannot be read is an error that matches ErrConfig.
	Satisfying(constraint string) ([]string, error)
}

// NameChecker is a registry whose names follow a grammar. A name that CheckName refuses is not
// asked for.
type NameChecker interface {
	// CheckName says why the registry cannot hold name, or returns nil.
	CheckName(name string) error
}

// Searcher is a registry that can be searched.
type Searcher interface {
	Search(ctx context.Context, q Query) ([]Metadata, error)
}

// Lister is a registry that can list its packages.
type Lister interface {
	// List returns the names of all packages, sorted. A registry whose protocol has a list, and
	// which has none itself, is [ErrUnsupported].
	List(ctx context.Context) ([]string, error)
}

// Documented is a [Package] that keeps what its registry wrote about each version.
type Documented interface {
	// Manifest is the description of a version as the registry sent it, a JSON object; nil
	// where there is none. The caller must not change it.
	Manifest(version string) []byte
}

// Attester is a registry that holds attestations: signed statements about versions.
type Attester interface {
	// Attestations returns all that is attested of one version, as npm's registry answers it: a
	// JSON object with an array "attestations". [ErrNotFound] says that there is nothing.
	Attestations(ctx context.Context, name, version string) ([]byte, error)
}

// Query is a search.
type Query struct {
	// Text is what to look for.
	Text string
	// Limit bounds the number of results; 0 means 20.
	Limit int
}

// Publisher is a registry that takes new versions.
type Publisher interface {
	// Publish adds a version. The same bytes for the same version again are no error; other
	// bytes are [ErrExists].
	Publish(ctx context.Context, p Publication) error
}

// Publication is one version to publish.
type Publication struct {
	// Metadata describes the version. Its Artifact.Integrity, where set, must be that of Tarball.
	Metadata Metadata
	// Manifest is the package.json of the version as raw JSON, where there is one, so that
	// fields this package does not know reach the registry too.
	Manifest []byte
	// Tarball is the gzip'd tar, read from its beginning.
	Tarball io.ReadSeeker
	// Tag is moved to the new version; "" means latest.
	Tag string
	// Access is who may read a new package where the registry lets that be chosen: "public" or
	// "restricted"; "" is what the Manifest says, and else what the registry has it be.
	Access string
}

// Tagger is a registry whose tags can be changed.
type Tagger interface {
	SetTag(ctx context.Context, name, tag, version string) error
	DeleteTag(ctx context.Context, name, tag string) error
}

// Deprecator is a registry that can warn of versions.
type Deprecator interface {
	// Deprecate makes message what whoever installs one of the versions is told; "" takes that back.
	// A version that is not there is ErrVersionNotFound, and nothing is changed then.
	Deprecate(ctx context.Context, name string, versions []string, message string) error
}

// Unpublisher is a registry from which versions can be removed.
type Unpublisher interface {
	// Unpublish removes a version, or with "" the whole package. What depends on it breaks.
	Unpublish(ctx context.Context, name, version string) error
}

// ToolResolver is a registry whose tools need each other.
type ToolResolver interface {
	// ResolveTools chooses a version of every tool that is wished for (by name, with a
	// constraint in the registry's own words) and of everything those need. It is deterministic.
	// Wishes that cannot be met together are an error that names both sides.
	ResolveTools(ctx context.Context, wishes map[string]string) (ToolResolution, error)
}

// ToolResolution is what a ToolResolver chose.
type ToolResolution struct {
	// Tools are the chosen versions, what is needed before what needs it. Their Dependencies
	// map the names of others of them to the versions that were chosen.
	Tools []Metadata
	// Wishes maps each wished-for name, which may be an alias, to an index of Tools.
	Wishes map[string]int
}

// ToolEnvironment is a registry that knows what its tools need around them when they run.
type ToolEnvironment interface {
	// Environment returns the variables for a tool and what it needs, which stand in tools, the
	// tool itself last. exists says whether a folder is there. It sends no request.
	Environment(tools []InstalledTool, exists func(path string) bool) []Variable
}

// InstalledTool is a tool on this machine.
type InstalledTool struct {
	Name, Version string
	Prefix        string            // the folder it is unpacked in, absolute
	Env           map[string]string // Tool.Env of its metadata
}

// Variable is one variable of a program's environment.
type Variable struct {
	Name  string
	Value string
	// Prepend puts Value and the list separator before what the variable holds; otherwise Value
	// counts only where the variable is not set.
	Prepend bool
}

// Pinger is a registry that can say cheaply that it is there.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Unwrapper is a registry made of another one. [As] looks through it.
type Unwrapper interface {
	Unwrap() Registry
}

// As finds capability T in r or in the registries r is made of, outermost first. A registry that
// enforces a policy must not be an [Unwrapper], so that the policy cannot be walked around.
func As[T any](r Registry) (T, bool) {
	for r != nil {
		if t, ok := r.(T); ok {
			return t, true
		}
		u, ok := r.(Unwrapper)
		if !ok {
			break
		}
		r = u.Unwrap()
	}
	var zero T
	return zero, false
}

// Package resolve turns a manifest into a lockfile: it chooses one version for every wish, as npm
// would, and returns the whole graph with its peers bound.
//
// It asks a [Source] about packages and does no I/O of its own. The result depends only on the
// manifest, the old lockfile and what the source answers, never on the order in which answers
// arrive: questions are asked far ahead of need and in parallel, choices are made one after the
// other in a fixed order.
//
// That order, and the rule that a dependency takes the version that already stands at the top
// if it will do, are those of npm's tree building, so that a project gets the versions it had
// with npm. The graph itself says nothing about places in node_modules; package link sees to
// them. (The road not taken is npm's own: building the placed tree at once. It fits one layout
// only.)
package resolve

import (
	"context"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/manifest"
	"github.com/pantry-go/pantry/npmtree"
)

// Source answers for packages. It is asked from several goroutines at once.
type Source interface {
	// Package returns the package that answers for the name, and the registry it is from. It
	// should keep what it fetched only as long as it likes: a Resolve asks for one name once,
	// and again only when the answer has no version for a wish.
	Package(ctx context.Context, w Want) (Answer, error)
}

// Want is a question to a Source.
type Want struct {
	Name     string
	Registry string // a registry that the manifest names; "" leaves it to the source
	Range    string // the range, version or tag as written, for messages
	// Accept says whether a package has a version for the wish. A source that may ask several
	// registries decides by it.
	Accept func(pantry.Package) bool
}

// Answer is a Source's answer.
type Answer struct {
	Package  pantry.Package
	Registry string
	// Unconfirmed names the registry of higher priority that was unavailable; "" when all is well.
	Unconfirmed string
}

// Options of Resolve. The zero value resolves afresh.
type Options struct {
	// Old is the lockfile so far: what still satisfies stays as it is.
	Old *lockfile.Lock
	// Refresh says for which package names Old does not count; nil means none.
	Refresh func(name string) bool
	// IsRegistry says whether a prefix ("acme:") in the project's manifest is a registry's name or
	// type; nil means none is.
	IsRegistry func(prefix string) bool
	// Chosen is called once for each package, as soon as it is certain that the lockfile will hold
	// it (save for the rare package that a later choice replaces), so that it can be fetched
	// while resolution goes on. m is nil for a package taken from Old. It must not block.
	Chosen func(p *lockfile.Package, m *pantry.Metadata)
	// NodeVersion returns the version of Node.js that will run the packages, for engines; nil
	// or "" leaves engines out of account. It is called at most once, when first needed.
	NodeVersion func() string
	// ApproveOrigin says whether a package may come from another registry than the one Old has it
	// from; nil means never.
	ApproveOrigin func(name string) bool
	// RegistryURL is the URL of a registry for messages, without what is secret in it; nil tells none.
	RegistryURL func(name string) string
}

// Result of Resolve.
type Result struct {
	Lock *lockfile.Lock
	// Metadata of the packages that were newly resolved.
	Metadata map[lockfile.ID]*pantry.Metadata
	Warnings []Warning
	// Added are the new packages, in order, where Lock is Options.Old and nothing but those and the
	// project's wishes for them. It is nil where that is not so, or was not looked at.
	Added []lockfile.ID
}

// Warning is something the user should know of a resolution that went well.
type Warning struct {
	// Code is stable: one of the constants below.
	Code    string `json:"code"`
	Package string `json:"package"`
	Message string `json:"message"`
}

// Codes of warnings.
const (
	PeerConflict    = "peer-conflict"    // a peer has a version that its dependent does not expect
	PeerMissing     = "peer-missing"     // nothing brings a peer
	OptionalMissing = "optional-missing" // an optional dependency was left out
)

// maxPackages bounds a resolution: the largest real projects have some ten thousand packages.
const maxPackages = 200_000

// Resolve resolves root's wishes.
func Resolve(ctx context.Context, root *manifest.Manifest, src Source, o Options) (*Result, error) {
	return resolve(ctx, root, src, o, (*resolver).extend)
}

// resolve is Resolve with a way that is tried first.
func resolve(ctx context.Context, root *manifest.Manifest, src Source, o Options, quick func(*resolver) (*Result, error)) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := newResolver(ctx, root, src, o)
	defer r.packuments.wait()
	defer cancel()
	if res, err := quick(r); err == nil {
		return res, nil
	}
	r.setOld(o.Old)
	project, err := r.project()
	if err != nil {
		return nil, err
	}
	r.askAhead(project)
	t, err := npmtree.Build(project.Package, r)
	if err != nil {
		return nil, err
	}
	return r.result(bind(r, t)), nil
}

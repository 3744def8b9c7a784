// Package npm speaks the protocol of npm's registry in both directions: [New] is a client of such
// a registry, [Handler] makes one of any [pantry.Registry].
//
// A package document ("packument") may have thousands of versions and 20 MB. It is read whole,
// scanned once for the places of its versions, and only the versions that are asked for are
// decoded; reading it as a stream would need a second download for whatever the picker asks next,
// and decoding it whole costs ten times the scan. What is wrong in one version is therefore an
// error of that version alone.
//
// Who installs needs less of it (see [pantry.Asking]) and asks for a thousand: of those only a compact
// form is kept, made in one pass over the text, in memory and in Options.CacheDir from one run to the
// next. It is used without asking for as long as the registry said that it holds (at most a day, five
// minutes where it did not say), and confirmed by its validators afterwards. For a registry that fails
// then it stands in for as long as Options.StaleIfError says. That there is no such package is kept for
// a minute. Who is asked with one credential keeps apart from who is asked with
// another.
//
// Registries hold descriptions in every shape that package.json ever had. They are brought into
// the one shape of [pantry.Metadata] here. A version is refused when its dependencies, its
// tarball's address or its digests cannot be understood; of everything else, what cannot be
// understood is left out. Texts lose their control characters.
//
// The address of a tarball is the registry's to choose, on any host; one at a mirror's is that of the
// same thing at the registry. When it is a plain http
// address on the host of a registry that is spoken to by https, the registry's own origin is asked
// instead.
package npm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Options of a [Registry].
type Options struct {
	// Name is the configured name of the registry, for metadata and errors.
	Name string
	// Client carries the requests. Required; its BaseURL is the registry.
	Client *transport.Client
	// AllowMissingChecksum takes versions for which the registry gives no digest. Without it
	// their metadata is an error.
	AllowMissingChecksum bool
	// FullMetadata asks for full packuments, which tell when versions were published, instead
	// of the abbreviated ones, which are a third of the size.
	FullMetadata bool
	// MaxDocument bounds an answer in bytes, decompressed; 0 means 256 MiB. The largest packuments
	// of the public registry have some twenty million bytes.
	MaxDocument int64
	// CacheDir is a folder where packuments are kept for questions that allow it (see
	// [pantry.Asking]), shared by registries and processes; "" keeps none.
	CacheDir string
	// Now is the clock that tells how old they are. nil means time.Now.
	Now func() time.Time
	// Sleep waits between two questions whether a login is done, and returns early with an error when
	// ctx ends. nil means a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// TTL is how long packuments that are kept hold, in the place of what the registry says. nil
	// means what it says.
	TTL *time.Duration
	// StaleIfError is for how long after that one is used while the registry cannot be asked, unless
	// it said that it must not be. 0 uses none, so that it is an error.
	StaleIfError time.Duration
	// StaleAnyway uses one even if the registry said that it must not be.
	StaleAnyway bool
}

const (
	defaultMaxDocument = 256 << 20
	maxManifest        = 16 << 20 // one version; real ones stay below 1 MB
	maxAnswer          = 4 << 20  // search, tags, and what a registry says to a publication
)

// What was being done, in errors.
const (
	opMetadata = "read metadata"
	opDownload = "download"
	opPublish  = "publish"
	opSearch   = "search"
	opTag      = "change tag"
	opPing     = "ping"
	opWarn     = "deprecate"
	opRemove   = "unpublish"
	opList     = "list packages"
	opAttest   = "read attestations"
)

// Registry is a client of one npm registry. It is safe for concurrent use.
type Registry struct {
	client *transport.Client
	origin origin
	full   bool
	limit  int64
	now    func() time.Time
	pause  func(context.Context, time.Duration) error // nil: a timer
	keeper *keeper                                    // nil: keeps nothing

	ttl          *time.Duration // of what is kept; nil: as the registry says
	staleIfError time.Duration
	staleAnyway  bool
}

var (
	_ pantry.Registry    = (*Registry)(nil)
	_ pantry.NameChecker = (*Registry)(nil)
	_ pantry.Searcher    = (*Registry)(nil)
	_ pantry.Publisher   = (*Registry)(nil)
	_ pantry.Tagger      = (*Registry)(nil)
	_ pantry.Deprecator  = (*Registry)(nil)
	_ pantry.Unpublisher = (*Registry)(nil)
	_ pantry.Pinger      = (*Registry)(nil)
	_ pantry.Lister      = (*Registry)(nil)
	_ pantry.Attester    = (*Registry)(nil)
)

// New returns a client of the registry at the client's base URL. It sends no request. The error
// matches [pantry.ErrConfig].
func New(o Options) (*Registry, error) {
	if o.Client == nil {
		return nil, fmt.Errorf("%w: registry %q has no transport client", pantry.ErrConfig, o.Name)
	}
	base, err := url.Parse(o.Client.BaseURL())
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("%w: registry %q has no usable URL", pantry.ErrConfig, o.Name)
	}
	r := &Registry{
		client: o.Client,
		origin: origin{registry: o.Name, base: base, canonical: o.Client.Canonical, allowMissing: o.AllowMissingChecksum},
		full:   o.FullMetadata,
		limit:  o.MaxDocument,
		now:    o.Now,
		pause:  o.Sleep,
		keeper: newKeeper(o),

		ttl: o.TTL, staleIfError: o.StaleIfError, staleAnyway: o.StaleAnyway,
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.limit <= 0 {
		r.limit = defaultMaxDocument
	}
	return r, nil
}

// CheckName says why no registry of this protocol can hold name, or returns nil. Names that were
// allowed once, with capitals for instance, pass.
func (r *Registry) CheckName(name string) error { return checkName(name) }

// ArtifactURL is the conventional address of a version's tarball, for those who know a version
// from a lockfile and want its bytes without asking for metadata. A registry may keep tarballs
// elsewhere. It is "" for a name or version that cannot stand in a URL.
func (r *Registry) ArtifactURL(name, version string) string {
	if checkName(name) != nil || !usableVersion(version) {
		return ""
	}
	return r.origin.base.String() + artifactPath(name, version)
}

// Package reads the packument of name. Asked with any [pantry.Asking] but AskAlways it tells what an
// install needs, and may tell what was kept, unless Options.FullMetadata is set.
func (r *Registry) Package(ctx context.Context, name string) (pantry.Package, error) {
	if how := pantry.AskingOf(ctx); how != pantry.AskAlways && !r.full {
		l, err := r.lean(ctx, name, how)
		if err != nil {
			return nil, err
		}
		return l, nil
	}
	d, err := r.document(ctx, name)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (r *Registry) document(ctx context.Context, name string) (*document, error) {
	ref := pantry.Ref{Registry: r.origin.registry, Name: name}
	if err := r.refuseName(opMetadata, ref); err != nil {
		return nil, err
	}
	u := r.url("/" + escapeName(name))
	accept := acceptAbbreviated
	if r.full || pantry.IsInFull(ctx) {
		accept = typeJSON
	}
	data, err := r.get(ctx, u, accept, r.limit)
	if accept != typeJSON && isStatus(err, http.StatusNotFound) {
		// There are registries that answer so to a wish they don't know.
		data, err = r.get(ctx, u, typeJSON, r.limit)
	}
	var d *document
	if err == nil {
		d, err = newDocument(r.origin, name, data)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, URL: u, Err: err}
	}
	return d, nil
}

// Metadata reads one version: an exact one, a tag, or "" for the tag latest. A range is a version
// that does not exist. It asks for that version alone, and falls back to the packument where the registry does not know how to answer.
func (r *Registry) Metadata(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	ref := pantry.Ref{Registry: r.origin.registry, Name: name, Version: version}
	if err := r.refuseName(opMetadata, ref); err != nil {
		return nil, err
	}
	if version == "" {
		version = "latest"
	}
	if !usableTag(version) || isRange(version) {
		return r.fromDocument(ctx, name, version)
	}
	u := r.url("/" + escapeName(name) + "/" + url.PathEscape(version))
	data, err := r.get(ctx, u, typeJSON, maxManifest)
	if errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrUnsupported) {
		return r.fromDocument(ctx, name, version)
	}
	var m *pantry.Metadata
	if err == nil {
		m, err = r.decode(data, name, version)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opMetadata, Ref: ref, URL: u, Err: err}
	}
	return m, nil
}

// decode reads the answer for a version or tag. Whether it was a tag is seen by the answer: one
// for a version has to be of that version.
func (r *Registry) decode(data []byte, name, version string) (*pantry.Metadata, error) {
	v, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	if given, _ := v.member("name").text(); given == "" {
		return nil, fmt.Errorf("%w: the document does not name its package", pantry.ErrInvalid)
	}
	// The spelling that counts is the registry's, "1.0.0" where "v1.0.0" was asked for.
	m, err := r.origin.decode(v, name, "")
	if err == nil && isVersion(version) && !sameVersion(m.Version, version) {
		return nil, fmt.Errorf("%w: the document is of version %s", pantry.ErrInvalid, m.Version)
	}
	return m, err
}

// fromDocument finds a version or tag in the packument, and tells a missing version from a missing
// name.
func (r *Registry) fromDocument(ctx context.Context, name, version string) (*pantry.Metadata, error) {
	d, err := r.document(ctx, name)
	if err != nil {
		return nil, err
	}
	if tagged, ok := d.Tags()[version]; ok {
		version = tagged
	}
	return d.Metadata(version)
}

// Open downloads a tarball. The bytes are as the registry sends them: its digests are of the
// compressed file, so that no transfer encoding may be undone on the way.
func (r *Registry) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	ref := pantry.Ref{Registry: r.origin.registry, Name: a.Name, Version: a.Version}
	u := a.URL
	if u == "" {
		u = r.ArtifactURL(a.Name, a.Version)
	}
	if u == "" {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, Err: fmt.Errorf("%w: no address", pantry.ErrNotFound)}
	}
	resp, err := r.client.Get(transport.ForArtifact(ctx, a), u, http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}})
	if err == nil {
		err = whole(resp)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, URL: transport.RedactURL(u), Err: err}
	}
	return resp.Body, nil
}

// Ping asks the registry whether it is there.
func (r *Registry) Ping(ctx context.Context) error {
	u := r.url("/-/ping")
	ctx = transport.Uncached(ctx)
	answer, err := r.get(ctx, u, typeJSON, maxAnswer)
	if err == nil {
		err = confirm(answer)
	}
	if err != nil {
		return &pantry.Error{Op: opPing, Ref: pantry.Ref{Registry: r.origin.registry}, URL: u, Err: err}
	}
	return nil
}

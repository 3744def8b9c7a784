package adapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Options of a [Registry].
type Options struct {
	// Name is the configured name of the registry, for metadata and errors.
	Name string
	// Definition describes the protocol. Required.
	Definition *Definition
	// Client carries the requests. Required; its BaseURL is the registry.
	Client *transport.Client
	// AllowMissingChecksum takes versions that come without a digest, or with one that cannot be
	// read. Without it their metadata is an error that matches pantry.ErrPolicy.
	AllowMissingChecksum bool
	// MaxAnswer bounds an answer in bytes, decompressed; 0 means 64 MiB. The longest of public
	// registries are lists of files with their digests, of some 10 MiB.
	MaxAnswer int64
}

const defaultMaxAnswer = 64 << 20

// What was being done, in errors.
const (
	opRead     = "read metadata"
	opDownload = "download"
	opSearch   = "search"
	opPing     = "ping"
)

// Registry is a client of one registry whose protocol a definition describes. It is safe for
// concurrent use.
type Registry struct {
	name         string
	client       *transport.Client
	base         string // without a trailing slash
	def          *Definition
	allowMissing bool
	limit        int64

	mu     sync.Mutex // held while the configuration is asked for
	config any        // the registry's own, once it was read
}

var (
	_ pantry.Registry    = (*Registry)(nil)
	_ pantry.NameChecker = (*Registry)(nil)
	_ pantry.Searcher    = (*Registry)(nil)
	_ pantry.Pinger      = (*Registry)(nil)
)

// New returns a client of the registry at the client's base URL. It sends no request. The error
// matches pantry.ErrConfig.
func New(o Options) (*Registry, error) {
	if o.Client == nil || o.Definition == nil {
		return nil, fmt.Errorf("%w: registry %q has no transport client or no definition", pantry.ErrConfig, o.Name)
	}
	r := &Registry{
		name: o.Name, client: o.Client, base: o.Client.BaseURL(), def: o.Definition,
		allowMissing: o.AllowMissingChecksum, limit: o.MaxAnswer,
	}
	if r.limit <= 0 {
		r.limit = defaultMaxAnswer
	}
	return r, nil
}

// CheckName says why the ecosystem cannot have a package of that name, or returns nil. A name has to
// be in its normal form: another spelling of it might get past what some registry claims.
func (r *Registry) CheckName(name string) error {
	if err := safeName(name, r.def.longest); err != nil {
		return err
	}
	if n := r.def.normalize(name); n != name && r.def.pattern.MatchString(n) {
		return fmt.Errorf("%s is written %s there", quote(name), quote(n))
	}
	if !r.def.pattern.MatchString(name) {
		return fmt.Errorf("%s is no name of %s: one matches %s", quote(name), r.def.ecosystem, r.def.grammar)
	}
	return nil
}

// Open returns the bytes of a, from its URL or the one that the definition makes of name and version.
func (r *Registry) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	ref := pantry.Ref{Registry: r.name, Name: line(a.Name), Version: line(a.Version)}
	fail := func(u string, err error) error {
		return &pantry.Error{Op: opDownload, Ref: ref, URL: transport.RedactURL(u), Err: err}
	}
	u, err := r.artifactURL(ctx, a)
	if err != nil {
		return nil, fail("", err)
	}
	// The digest is of the bytes as they are stored: nothing may be compressed on the way.
	resp, err := r.client.Get(ctx, u, http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}})
	if err == nil && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		err = fmt.Errorf("%w: status %d for an artifact", pantry.ErrInvalid, resp.StatusCode)
	}
	if err != nil {
		return nil, fail(u, err)
	}
	return resp.Body, nil
}

// artifactURL is a's own, or that of the version's metadata.
func (r *Registry) artifactURL(ctx context.Context, a pantry.Artifact) (string, error) {
	if a.URL != "" {
		return a.URL, nil
	}
	if u := r.ArtifactURL(a.Name, a.Version); u != "" {
		return u, nil
	}
	m, err := r.lookup(ctx, a.Name, a.Version)
	if err != nil {
		return "", err
	}
	return m.Artifact.URL, nil
}

// ArtifactURL is the address of a version's bytes where the definition makes it of nothing but name
// and version, for those who know a version from a lockfile. It is "" otherwise.
func (r *Registry) ArtifactURL(name, version string) string {
	t := r.def.artifact.url
	if t == nil || t.needs("base", "name", "version") || r.CheckName(name) != nil || !usableVersion(version) {
		return ""
	}
	u, err := t.fill(map[string]any{"base": r.base, "name": name, "version": version})
	if err != nil {
		return ""
	}
	return u
}

// Ping asks whether the registry is there, by what the definition names for it, else by its base URL.
// That it has nothing there is answer enough.
func (r *Registry) Ping(ctx context.Context) error {
	q := r.def.ping
	u := r.base + "/"
	accept := "*/*"
	if q != nil {
		accept = q.accept
		var err error
		if u, err = q.url.fill(map[string]any{"base": r.base}); err != nil {
			return err
		}
	}
	_, _, err := r.client.GetAll(transport.Uncached(ctx), u, http.Header{"Accept": {accept}}, r.limit)
	if err == nil || errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrUnsupported) {
		return nil
	}
	return &pantry.Error{Op: opPing, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
}

func (r *Registry) readError(name, version string, err error) error {
	return &pantry.Error{
		Op: opRead, Ref: pantry.Ref{Registry: r.name, Name: line(name), Version: line(version)},
		URL: cmp.Or(transport.RedactURL(r.packageURL(name)), r.base), Err: err,
	}
}

// packageURL is where a package is asked for, "" where that depends on more than its name.
func (r *Registry) packageURL(name string) string {
	if r.CheckName(name) != nil || r.def.pkg.url.needs("base", "name") {
		return ""
	}
	u, _ := r.def.pkg.url.fill(map[string]any{"base": r.base, "name": name})
	return u
}

package pkgx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Options of a [Registry].
type Options struct {
	// Name is the configured name of the registry, for metadata and errors.
	Name string
	// Client carries the requests. Required; its BaseURL is the registry.
	Client *transport.Client
	// Platform is what bottles are wanted for; its C library is not looked at. One that there
	// are no bottles for is no mistake here, but all that is asked is an error that matches
	// pantry.ErrUnsupported then.
	Platform pantry.Platform
	// Platforms are those that [pantry.Tool] Builds are looked for besides Platform. nil means
	// all that there are bottles for; an empty one, none.
	Platforms []pantry.Platform
	// AllowMissingChecksum takes bottles that have no checksum, or one that cannot be read.
	// Without it their metadata is an error that matches pantry.ErrPolicy.
	AllowMissingChecksum bool
	// Index is where the recipes are: an http or https URL or a file (both of a tar, compressed
	// by xz or gzip), or a folder. "" means pantry.tar.xz at the registry, or pantry.tgz where
	// it does not have that.
	Index string
}

// What was being done, in errors.
const (
	opRead     = "read metadata"
	opDownload = "download"
	opSearch   = "search"
	opResolve  = "resolve"
	opPing     = "ping"
)

const indexFile = "pantry.tar.xz"

// Registry is a client of one distribution of bottles. It is safe for concurrent use.
type Registry struct {
	name         string
	client       *transport.Client
	base         string // without a trailing slash
	platform     pantry.Platform
	others       []target
	allowMissing bool
	limits       limits
	index        *loader
}

// limits bound what is read.
type limits struct {
	packed   int64 // bytes of the recipes as they come
	unpacked int64 // bytes of their tar
	recipe   int64 // bytes of one recipe
	recipes  int
	versions int64 // bytes of one versions.txt
	sum      int64 // bytes of a checksum's file
}

// The public registry has, in this order, 450 kB, 4 MB, 25 kB, 1900; its longest list of versions
// is some 20 kB.
func defaultLimits() limits {
	return limits{
		packed: 32 << 20, unpacked: 256 << 20, recipe: 1 << 20, recipes: 100_000, versions: 4 << 20, sum: 64 << 10,
	}
}

var (
	_ pantry.Registry    = (*Registry)(nil)
	_ pantry.NameChecker = (*Registry)(nil)
	_ pantry.Searcher    = (*Registry)(nil)
	_ pantry.Pinger      = (*Registry)(nil)
)

// New returns a client of the registry at the client's base URL. It sends no request and reads no
// file. The error matches pantry.ErrConfig.
func New(o Options) (*Registry, error) {
	if o.Client == nil {
		return nil, fmt.Errorf("%w: registry %q has no transport client", pantry.ErrConfig, o.Name)
	}
	r := &Registry{
		name: o.Name, client: o.Client, base: o.Client.BaseURL(), platform: o.Platform,
		allowMissing: o.AllowMissingChecksum, limits: defaultLimits(), others: allTargets(),
	}
	if o.Platforms != nil {
		r.others = nil
		for _, p := range o.Platforms {
			if t, ok := targetOf(p); ok {
				r.others = append(r.others, t)
			}
		}
	}
	r.index = &loader{read: func(ctx context.Context) (*index, error) { return r.readIndex(ctx, o.Index) }}
	return r, nil
}

// On returns the same registry as seen from another platform. They share the recipes.
func (r *Registry) On(p pantry.Platform) *Registry {
	other := *r
	other.platform = p
	return &other
}

// target is the registry's platform.
func (r *Registry) target() (target, error) {
	t, ok := targetOf(r.platform)
	if !ok {
		return t, fmt.Errorf("%w: there are no bottles for %s", pantry.ErrUnsupported, r.platform)
	}
	return t, nil
}

// CheckName says why name can be neither a project nor a program nor a name for people, or
// returns nil.
func (r *Registry) CheckName(name string) error { return checkName(name) }

// ArtifactURL is the conventional address of a bottle for the registry's platform, for those who
// know project and version from a lockfile. It is "" where none can be made: the name must be the
// project's.
func (r *Registry) ArtifactURL(name, version string) string {
	t, err := r.target()
	if err != nil || !validProject(name) {
		return ""
	}
	v, err := parseVersion(version)
	if err != nil || v.raw != version {
		return ""
	}
	return r.bottle(name, t, version) + extensions[0]
}

// extensions of bottles, in the order in which they are looked for.
var extensions = [...]string{".tar.xz", ".tar.gz"}

// folder is where the bottles of a project for a platform are.
func (r *Registry) folder(project string, t target) string {
	base := r.base
	if t.os == "windows" && !strings.HasSuffix(base, "/v2") {
		base += "/v2"
	}
	return base + "/" + project + "/" + t.os + "/" + t.arch
}

// bottle is the address of a bottle without its extension.
func (r *Registry) bottle(project string, t target, version string) string {
	return r.folder(project, t) + "/v" + version
}

// Open returns the bytes of a, from its URL or the conventional one.
func (r *Registry) Open(ctx context.Context, a pantry.Artifact) (io.ReadCloser, error) {
	u := cmp.Or(a.URL, r.ArtifactURL(a.Name, a.Version))
	ref := pantry.Ref{Registry: r.name, Name: a.Name, Version: a.Version}
	if u == "" {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, Err: fmt.Errorf("%w: no URL can be made for it", pantry.ErrNotFound)}
	}
	// The digest is of the bytes as they are stored: nothing may be compressed on the way.
	resp, err := r.client.Get(transport.ForArtifact(ctx, a), u, http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}})
	switch _, known := pantry.CredentialSent(err); {
	case err == nil && resp.StatusCode != http.StatusOK:
		_ = resp.Body.Close()
		err = fmt.Errorf("%w: status %d for a bottle", pantry.ErrInvalid, resp.StatusCode)
	case absent(err) && !known && !errors.Is(err, pantry.ErrNotFound):
		err = fmt.Errorf("%w: the registry answered 403, as storage does for what it does not have", pantry.ErrNotFound)
	}
	if err != nil {
		return nil, &pantry.Error{Op: opDownload, Ref: ref, URL: transport.RedactURL(u), Err: err}
	}
	return resp.Body, nil
}

// Ping asks whether the registry is there, by the head of the recipes. That it has none, or does
// not answer HEAD, is answer enough.
func (r *Registry) Ping(ctx context.Context) error {
	u := r.base + "/" + indexFile
	_, err := r.exists(ctx, u)
	if err == nil || errors.Is(err, pantry.ErrUnsupported) {
		return nil
	}
	return &pantry.Error{Op: opPing, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
}

// exists asks for the head of an object.
func (r *Registry) exists(ctx context.Context, u string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u, nil)
	if err != nil {
		return false, fmt.Errorf("%w: %w", pantry.ErrConfig, err)
	}
	resp, err := r.client.Do(req)
	switch {
	case err == nil:
		return true, resp.Body.Close()
	case errors.Is(err, pantry.ErrNotFound):
		return false, nil
	}
	return false, err
}

// object reads a small file. found is false when it is not there.
//
// It is for those who have read the recipes before: storage that does not let its visitors list
// it answers 403 for what it does not have, and a visitor who could read the recipes is welcome.
func (r *Registry) object(ctx context.Context, u string, limit int64) (data []byte, found bool, err error) {
	resp, data, err := r.client.GetAll(ctx, u, http.Header{"Accept": {"*/*"}}, limit)
	switch {
	case err == nil && resp.StatusCode != http.StatusOK:
		return nil, false, fmt.Errorf("%w: %s answered %d", pantry.ErrInvalid, transport.RedactURL(u), resp.StatusCode)
	case err == nil:
		return data, true, nil
	case absent(err):
		return nil, false, nil
	}
	return nil, false, err
}

// absent says that the storage does not have what was asked for.
func absent(err error) bool {
	var e *transport.Error
	return errors.Is(err, pantry.ErrNotFound) || errors.As(err, &e) && e.Status == http.StatusForbidden
}

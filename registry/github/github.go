package github

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// Options of a [Registry].
type Options struct {
	// Name is the configured name of the registry, for metadata and errors.
	Name string
	// Client carries the requests. Required; its BaseURL is that of the API.
	Client *transport.Client
	// Platform is where the programs are to run. Zero means this machine.
	Platform pantry.Platform
	// Packages answers for names with a scope: a registry of npm's protocol at the host of
	// GitHub Packages. nil means that there are none.
	Packages pantry.Registry
	// AllowMissingChecksum takes assets for which neither GitHub nor the release gives a digest,
	// and source archives. Without it their metadata is an error that matches pantry.ErrPolicy.
	AllowMissingChecksum bool
	// Asset gives the pattern that the asset of a package must match (see [ChooseMatching]), or
	// "". nil means that there are no patterns.
	Asset func(name string) string
	// TagPrefix gives the prefix of the tags that are versions of a package ("cli/" for
	// cli/v1.2.3), or "" for the usual choice. nil means the usual choice for all.
	TagPrefix func(name string) string
	// MaxPages bounds the pages of a hundred that are read of a list; 0 means 10. Releases that
	// are older than that are not listed, but can be had by their version.
	MaxPages int
	// MaxAnswer bounds one answer in bytes, decompressed; 0 means 64 MiB. A page of releases
	// with a hundred assets each has some 15 MB.
	MaxAnswer int64
	// MaxWait is the longest wait for a rate limit to end; 0 means a minute. What takes longer
	// is an error at once.
	MaxWait time.Duration
	// Sleep waits, and returns early with an error when ctx ends. nil means a timer.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is the clock. nil means time.Now.
	Now func() time.Time
}

const (
	defaultMaxPages  = 10
	defaultMaxAnswer = 64 << 20
	// perPage is the most that GitHub gives on one page.
	perPage = 100
)

// What was being done, in errors.
const (
	opRead     = "read metadata"
	opDownload = "download"
	opSearch   = "search"
	opList     = "list packages"
	opPublish  = "publish"
	opSetTag   = "set tag"
	opDelTag   = "delete tag"
	opPing     = "ping"
	opWhoami   = "ask who is logged in"
)

// Registry is a client of one GitHub. It is safe for concurrent use.
type Registry struct {
	name         string
	client       *transport.Client
	base         string // of the API, without a trailing slash
	platform     pantry.Platform
	packages     pantry.Registry
	allowMissing bool
	asset        func(string) string
	tagPrefix    func(string) string
	maxPages     int
	limit        int64
	maxWait      time.Duration
	sleep        func(context.Context, time.Duration) error
	now          func() time.Time

	ids    *lru[assetID] // of assets, by the address that is in the artifact
	limits limits
}

var (
	_ pantry.Registry    = (*Registry)(nil)
	_ pantry.NameChecker = (*Registry)(nil)
	_ pantry.Searcher    = (*Registry)(nil)
	_ pantry.Publisher   = (*Registry)(nil)
	_ pantry.Tagger      = (*Registry)(nil)
	_ pantry.Pinger      = (*Registry)(nil)
	_ pantry.Identifier  = (*Registry)(nil)
)

// New returns a client of the API at the client's base URL. It sends no request. The error
// matches pantry.ErrConfig.
func New(o Options) (*Registry, error) {
	if o.Client == nil {
		return nil, fmt.Errorf("%w: registry %q has no transport client", pantry.ErrConfig, o.Name)
	}
	r := &Registry{
		name: o.Name, client: o.Client, base: o.Client.BaseURL(), platform: o.Platform, packages: o.Packages,
		allowMissing: o.AllowMissingChecksum, asset: o.Asset, tagPrefix: o.TagPrefix, maxPages: o.MaxPages,
		limit: o.MaxAnswer, maxWait: o.MaxWait, sleep: o.Sleep, now: o.Now,
		ids: newLRU[assetID](maxIDs),
	}
	if r.platform == (pantry.Platform{}) {
		r.platform = thisMachine()
	}
	if r.maxPages <= 0 {
		r.maxPages = defaultMaxPages
	}
	if r.limit <= 0 {
		r.limit = defaultMaxAnswer
	}
	if r.maxWait <= 0 {
		r.maxWait = defaultMaxWait
	}
	none := func(string) string { return "" }
	if r.asset == nil {
		r.asset = none
	}
	if r.tagPrefix == nil {
		r.tagPrefix = none
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.sleep == nil {
		r.sleep = sleep
	}
	return r, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// CheckName says why name is neither OWNER/REPO nor, where GitHub Packages is asked too,
// @OWNER/NAME; or returns nil.
func (r *Registry) CheckName(name string) error {
	if !scoped(name) {
		return checkRepo(name)
	}
	if r.packages == nil {
		return fmt.Errorf("%s is a name of GitHub Packages, which registry %q is not set up to ask", quote(name), r.name)
	}
	if c, ok := pantry.As[pantry.NameChecker](r.packages); ok {
		return c.CheckName(packagesName(name))
	}
	return nil
}

// Ping asks for the state of the rate limits, which costs nothing of them.
func (r *Registry) Ping(ctx context.Context) error {
	u := r.base + "/rate_limit"
	ctx = transport.Uncached(ctx)
	var doc struct {
		Resources map[string]any `json:"resources"`
	}
	_, err := r.get(ctx, u, &doc, '{')
	if err != nil {
		return &pantry.Error{Op: opPing, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
	}
	return nil
}

// Whoami is the user whose token is sent.
func (r *Registry) Whoami(ctx context.Context) (string, error) {
	u := r.base + "/user"
	var doc struct {
		Login string `json:"login"`
	}
	_, err := r.get(ctx, u, &doc, '{')
	if err == nil && doc.Login == "" {
		err = fmt.Errorf("%w: the answer names no user", pantry.ErrInvalid)
	}
	if err != nil {
		return "", &pantry.Error{Op: opWhoami, Ref: pantry.Ref{Registry: r.name}, URL: transport.RedactURL(u), Err: err}
	}
	return line(doc.Login), nil
}

// once does something until it has succeeded.
type once[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
}

func (o *once[T]) do(f func() (T, error)) (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done {
		return o.value, nil
	}
	v, err := f()
	if err == nil {
		o.value, o.done = v, true
	}
	return v, err
}

// Package fetch brings artifacts into the store: the tarballs of packages, and those of tools.
//
// An artifact is downloaded, hashed, unpacked and committed; nothing can be seen of it before its
// bytes were verified and, in a package, the name and version inside it were found to be those that
// were asked for. A small artifact (most are) is read into memory first and verified before it is unpacked, so
// that the network never waits for the disk; a large one is unpacked while it comes, and dropped
// if it turns out wrong.
//
// A body that breaks off is asked for again, twice at most; bytes that don't match their digest
// once, since something on the way may have spoilt them, and of every mirror that the registry has: see
// [pantry.Judge]. After that it is an error. No other registry is ever asked: which one an artifact
// comes from is not decided here.
package fetch

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// Options of a Fetcher. Store and Open are required.
type Options struct {
	Store *store.Store
	// Open returns an artifact's bytes from the registry of that name, not yet verified. A body
	// that breaks off must end in an error. Requests are retried by whoever sends them; here
	// only the error of a body leads to another one.
	Open func(ctx context.Context, registry string, a pantry.Artifact) (io.ReadCloser, error)
	// Offline uses what the store has and never calls Open.
	Offline bool
	// Concurrency is how many artifacts are downloaded at once; 0 means 64: more connections made
	// no install faster, measured on two cores.
	Concurrency int
	// MaxTarball bounds the bytes of one artifact; 0 means 512 MiB.
	MaxTarball int64
	// Memory bounds the bytes of artifacts that are in memory before they are unpacked, all
	// together; 0 means 64 MiB, and less than 64 KiB means that. An artifact that has no place there
	// is unpacked while it comes.
	Memory int64
	// Limits bounds what an artifact may hold.
	Limits archive.Limits
	// AllowMissingIntegrity says for which registries artifacts without a digest are accepted; nil
	// means for none.
	AllowMissingIntegrity func(registry string) bool
	// Progress is told what happens; nil means nobody. It is called from several goroutines at
	// once and should return soon.
	Progress func(Event)
	// Sleep waits between attempts; nil means with a timer.
	Sleep func(ctx context.Context, d time.Duration) error
}

const (
	defaultConcurrency = 64
	defaultMaxTarball  = 512 << 20
	defaultMemory      = 64 << 20
	// maxTools bounds the artifacts of tools that are under way: each may need the memory of an xz or
	// zstd stream, which package archive bounds by 128 MiB and most need 8 MiB of.
	maxTools = 8
)

// EventType says what an Event tells.
type EventType string

// The types of events, in the order in which they come for one artifact.
const (
	Started  EventType = "started"  // a download begins
	Received EventType = "received" // Bytes more have come
	Retrying EventType = "retrying" // an attempt failed with Err; another one follows
	Done     EventType = "done"     // it is in the store, or failed with Err
)

// Event is something that happened to a download. Artifacts that the store has make no events.
type Event struct {
	Type  EventType
	Ref   pantry.Ref
	Bytes int64 // Received: how many more; Done: how many in all
	Err   error
}

// Fetcher fetches artifacts. It is safe for concurrent use.
type Fetcher struct {
	opts     Options
	network  *semaphore.Weighted // downloads
	unpacks  *semaphore.Weighted // artifacts that are in memory and being unpacked
	memory   *semaphore.Weighted // bytes that are read and not yet unpacked
	tools    *semaphore.Weighted // artifacts of tools: unpacking may take a large dictionary
	mu       sync.Mutex
	inFlight map[flightKey]*flight
	flights  sync.WaitGroup
}

// New returns a Fetcher.
func New(o Options) *Fetcher {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.MaxTarball <= 0 {
		o.MaxTarball = defaultMaxTarball
	}
	if o.Memory <= 0 {
		o.Memory = defaultMemory
	}
	o.Memory = max(o.Memory, bufferSize)
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Progress == nil {
		o.Progress = func(Event) {}
	}
	// Unpacking is processor time, half of it in the kernel. One more than there are processors
	// keeps them busy while one waits for the disk.
	unpacks := int64(runtime.GOMAXPROCS(0)) + 1
	return &Fetcher{
		opts:     o,
		network:  semaphore.NewWeighted(int64(o.Concurrency)),
		unpacks:  semaphore.NewWeighted(unpacks),
		memory:   semaphore.NewWeighted(o.Memory),
		tools:    semaphore.NewWeighted(maxTools),
		inFlight: map[flightKey]*flight{},
	}
}

// Request asks for one artifact of one registry.
type Request struct {
	// Registry is the configured name, which Open is given and errors tell.
	Registry string
	// Artifact needs a Name and a Version: they must be those inside the artifact. An empty one is
	// not compared. An Integrity of several digests is as package integrity defines it.
	Artifact pantry.Artifact
}

func (r Request) ref() pantry.Ref {
	return pantry.Ref{Registry: r.Registry, Name: r.Artifact.Name, Version: r.Artifact.Version}
}

// Result of a fetch.
type Result struct {
	Entry *store.Entry
	// Integrity is the artifact's SHA-512, which pins it whatever the registry gave.
	Integrity integrity.Set
	// FromStore says that nothing was downloaded.
	FromStore bool
	// Bytes were downloaded.
	Bytes int64
}

// Fetch returns the store's entry of an artifact, after downloading it if need be. Several callers
// that want the same artifact share one download, which goes on while at least one of them waits.
//
// Errors are a *pantry.Error with Op "download", or that of ctx. They match pantry.ErrIntegrity when
// the bytes, or the name and version inside, are not what they should be; pantry.ErrPolicy when
// there is no digest or the archive is refused; pantry.ErrUnavailable when offline or when the
// download breaks off again and again; pantry.ErrInvalid when what came is no package; and
// otherwise what Open or the store returned.
func (f *Fetcher) Fetch(ctx context.Context, req Request) (Result, error) {
	return f.get(ctx, order{Request: req})
}

// get takes an artifact from the store, or else from the registry.
func (f *Fetcher) get(ctx context.Context, req order) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if res, ok, err := f.inStore(req); ok || err != nil {
		return res, err
	}
	if err := f.allowed(req); err != nil {
		return Result{}, failed(req, err)
	}
	return f.share(ctx, req)
}

// Stored returns what [Fetcher.Fetch] would without downloading; ok says whether the store has it.
func (f *Fetcher) Stored(req Request) (res Result, ok bool, err error) {
	return f.inStore(order{Request: req})
}

func (f *Fetcher) inStore(req order) (res Result, ok bool, err error) {
	e := f.stored(req)
	if e == nil {
		return Result{}, false, nil
	}
	if e.Name != "" || e.Version != "" { // else it was not fetched by its name
		if err := checkPackage(e.Name, e.Version, req.Artifact); err != nil {
			return Result{}, false, failed(req, err)
		}
	}
	return Result{Entry: e, Integrity: integrity.Set{e.Digest}, FromStore: true}, true, nil
}

// stored looks for the artifact by its strongest digests. An entry that cannot be read is written
// anew.
func (f *Fetcher) stored(req order) *store.Entry {
	for _, d := range req.Artifact.Integrity.Strongest() {
		if e, err := f.opts.Store.GetVariant(d, req.variant()); err == nil {
			return e
		}
	}
	return nil
}

// allowed says why an artifact may not be downloaded.
func (f *Fetcher) allowed(req order) error {
	if f.opts.Offline {
		return pantry.WithHint(errOffline, "run once without --offline")
	}
	if len(req.Artifact.Integrity) > 0 {
		return nil
	}
	if f.opts.AllowMissingIntegrity != nil && f.opts.AllowMissingIntegrity(req.Registry) {
		return nil
	}
	return pantry.WithHint(errNoDigest,
		`if you trust registry %q, set "allowMissingChecksum": true for it`, req.Registry)
}

var errOffline = kind{pantry.ErrUnavailable, errors.New("it is not in the store, and nothing is downloaded when offline")}

var errNoDigest = kind{pantry.ErrPolicy, errors.New("the registry gives no digest to verify it by")}

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

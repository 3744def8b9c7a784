// Package mirror copies packages from one registry to another, with all that the other one can
// hold: bytes, metadata, tags, deprecations, times, signatures and attestations.
//
// What it promises: bytes are verified before they reach the target; what the target has with the
// same bytes is not copied again, and what it has with other bytes is a conflict that is reported
// and left as it is. A run that was interrupted, by SIGKILL too, is finished by the next one. A name
// is only spoken to registries that may hear it ([End].Allow).
//
// There is no file that remembers how far a run came: the target is looked at, since it is what
// counts. That costs a question for each package, and cannot be wrong.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/directory"
)

// End is a registry to copy from or to.
type End struct {
	// Name is for messages.
	Name string
	// Registry is asked. To copy to it has to be a [pantry.Publisher] or a [*directory.Registry].
	Registry pantry.Registry
	// Allow says why a name must not be spoken to the registry; nil allows all.
	Allow func(name string) error
}

func (e End) allow(name string) error {
	if e.Allow != nil {
		if err := e.Allow(name); err != nil {
			return err
		}
	}
	if c, ok := pantry.As[pantry.NameChecker](e.Registry); ok {
		if err := c.CheckName(name); err != nil {
			return fmt.Errorf("%w: registry %q cannot hold the name: %w", pantry.ErrConfig, e.Name, err)
		}
	}
	return nil
}

// Options of a run. From, To and Items are required.
type Options struct {
	From, To End
	// Items say what is copied.
	Items []Item
	// WithDependencies copies what the copied versions need too (dependencies, optional ones and
	// peers that must be there): of each the one version that an install would choose.
	WithDependencies bool
	// Platform says which builds of tools are copied; nil means all.
	Platform func(pantry.Platform) bool
	// AllowMissingIntegrity copies artifacts for which the source gives no digest.
	AllowMissingIntegrity bool
	// Verify reads the bytes that a directory has already, rather than looking whether they are
	// there, and replaces what is damaged.
	Verify bool
	// DryRun only tells what would be done.
	DryRun bool
	// Concurrency is how many packages, and how many artifacts, are worked on at once; 0 means 8:
	// registries limit how often they are asked.
	Concurrency int
	// Progress is told what happens, one event at a time; nil means nobody.
	Progress func(Event)
	// Temp is the folder for artifacts on their way to a registry; "" means that of the system.
	Temp string
}

const defaultConcurrency = 8

// Event is something that happened to one version, or to a package if Version is "".
type Event struct {
	Type    EventType `json:"type"`
	Name    string    `json:"name"`
	Version string    `json:"version,omitempty"`
	Bytes   int64     `json:"bytes,omitempty"`
	Message string    `json:"message,omitempty"`
}

// EventType says what an Event tells.
type EventType string

// The types of events.
const (
	EventCopied  EventType = "copied"  // it is at the target now
	EventUpdated EventType = "updated" // it was, and what is said about it changed
	EventSkipped EventType = "skipped" // it was, the same
	EventFailed  EventType = "failed"  // Message says why
)

// keeper is a target that holds all there is, not only what is published.
type keeper interface {
	Record(ctx context.Context, name, version string) (*directory.Record, error)
	PutArtifact(ctx context.Context, from io.Reader, want integrity.Set) (integrity.Set, int64, error)
	HasArtifact(d integrity.Digest, verify bool) (size int64, err error)
	Keep(ctx context.Context, rec *directory.Record) (directory.Kept, error)
	SetTags(ctx context.Context, name string, tags map[string]string) error
	Clean() error
}

var _ keeper = (*directory.Registry)(nil)

// Run copies. What could not be copied is in the report and no error; an error is what kept the run
// from its work or from its end: that of ctx, or the last of several in a row that say of a registry
// that it refuses us or cannot be reached. The report is of what was done, then too.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &run{Options: o, report: Report{From: o.From.Name, To: o.To.Name, DryRun: o.DryRun}, seen: map[string]bool{}, handled: map[string]bool{}}
	if r.Concurrency <= 0 {
		r.Concurrency = defaultConcurrency
	}
	if r.Progress == nil {
		r.Progress = func(Event) {}
	}
	r.slots = make(chan struct{}, r.Concurrency)
	err := r.start()
	if err == nil {
		working, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		r.stop = stop
		if err = r.all(working); err != nil && ctx.Err() == nil {
			if cause := context.Cause(working); cause != nil {
				err = cause
			}
		}
	}
	r.report.finish()
	return &r.report, err
}

// hopeless is how many versions or packages in a row may fail because a registry refuses us or cannot
// be reached, before the rest is not tried: a token that has expired, or a registry that is down, would
// otherwise be noticed thousands of times.
const hopeless = 5

// judge is told how something went, and stops the run when that makes no sense any more. r.mu is held.
func (r *run) judge(err error) {
	switch {
	case err == nil:
		r.streak = 0
	case errors.Is(err, pantry.ErrDenied), errors.Is(err, pantry.ErrUnavailable):
		if r.streak++; r.streak == hopeless {
			r.stop(fmt.Errorf("stopped after %d failures in a row, the last of them: %w", hopeless, err))
		}
	}
}

// run is one run.
type run struct {
	Options
	keeper    keeper           // nil where the target takes publications
	publisher pantry.Publisher // nil where the target is a keeper
	slots     chan struct{}    // taken by whoever works on an artifact
	seen      map[string]bool  // items, of [run.all] alone

	mu      sync.Mutex
	report  Report
	handled map[string]bool // names, and name@version
	streak  int             // of failures, see [run.judge]
	stop    context.CancelCauseFunc
}

func (r *run) start() error {
	if k, ok := pantry.As[keeper](r.To.Registry); ok {
		r.keeper = k
		if !r.DryRun {
			return k.Clean()
		}
		return nil
	}
	p, ok := pantry.As[pantry.Publisher](r.To.Registry)
	if !ok && !r.DryRun {
		return pantry.WithHint(
			&pantry.Error{Op: "mirror", Ref: pantry.Ref{Registry: r.To.Name}, Err: fmt.Errorf("%w: the registry takes no publications", pantry.ErrUnsupported)},
			"copy to a registry that takes them, or to a directory: ./FOLDER")
	}
	r.publisher = p
	return nil
}

// all works through the items, and then through what those need, until nothing new is needed.
func (r *run) all(ctx context.Context) error {
	items, err := r.expand(ctx, r.Items)
	if err != nil {
		return err
	}
	for len(items) > 0 {
		byName := map[string][]Item{}
		var names []string
		for _, it := range items {
			if r.seen[it.key()] {
				continue
			}
			r.seen[it.key()] = true
			if byName[it.Name] == nil {
				names = append(names, it.Name)
			}
			byName[it.Name] = append(byName[it.Name], it)
		}
		needed := make([][]Item, len(names))
		var g errgroup.Group
		g.SetLimit(r.Concurrency)
		for i, name := range names {
			g.Go(func() error {
				var err error
				needed[i], err = r.pkg(ctx, name, byName[name])
				if err != nil && ctx.Err() == nil {
					r.failed(name, "", err)
				}
				return ctx.Err()
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		items = nil
		for _, n := range needed {
			items = append(items, n...)
		}
	}
	return ctx.Err()
}

// pkg copies what items want of one package, and returns what that needs.
func (r *run) pkg(ctx context.Context, name string, items []Item) ([]Item, error) {
	if err := r.From.allow(name); err != nil {
		return nil, r.explain("read", name, r.From, err)
	}
	if err := r.To.allow(name); err != nil {
		return nil, r.explain("publish", name, r.To, err)
	}
	p, err := r.From.Registry.Package(pantry.InFull(ctx), name)
	if err != nil {
		return nil, err
	}
	j := &job{run: r, name: name, from: p, pins: map[string]integrity.Set{}}
	j.choose(items)
	if len(j.versions) == 0 {
		return nil, nil
	}
	if j.have, err = r.To.Registry.Package(pantry.InFull(ctx), name); errors.Is(err, pantry.ErrNotFound) {
		j.have, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := j.copy(ctx); err != nil {
		return nil, err
	}
	if !r.WithDependencies {
		return nil, nil
	}
	return j.needs(), nil
}

// explain says which end refused a name.
func (r *run) explain(op, name string, e End, err error) error {
	var named *pantry.Error
	if errors.As(err, &named) {
		return err
	}
	return &pantry.Error{Op: op, Ref: pantry.Ref{Registry: e.Name, Name: name}, Err: err}
}

func (r *run) failed(name, version string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := Failure{Name: name, Version: version, Reason: err.Error(), Hint: pantry.Hint(err), Conflict: errors.Is(err, pantry.ErrExists), Err: err}
	r.report.Failed = append(r.report.Failed, f)
	r.judge(err)
	r.Progress(Event{Type: EventFailed, Name: name, Version: version, Message: f.Reason})
}

func (r *run) done(t EventType, name, version string, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch t {
	case EventCopied:
		r.report.Copied++
	case EventUpdated:
		r.report.Updated++
	case EventSkipped:
		r.report.Skipped++
	}
	r.report.Bytes += bytes
	r.judge(nil)
	r.Progress(Event{Type: t, Name: name, Version: version, Bytes: bytes})
}

func (r *run) left(name, version, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.LeftOut = append(r.report.LeftOut, Left{name, version, reason})
}

func (r *run) notCarried(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.report.NotCarried, func(n NotCarried) bool { return n.What == what })
	if i < 0 {
		r.report.NotCarried = append(r.report.NotCarried, NotCarried{What: what})
		i = len(r.report.NotCarried) - 1
	}
	r.report.NotCarried[i].Versions++
}

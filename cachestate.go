package pantry

import (
	"context"
	"sync"
)

// CacheState says where an answer came from. In JSON it is as spelled here.
type CacheState string

const (
	// CacheFresh is an answer that was kept and still holds: nobody was asked.
	CacheFresh CacheState = "fresh"
	// CacheRevalidated is one that was kept, and of which the registry said just now that it still holds.
	CacheRevalidated CacheState = "revalidated"
	// CacheNetwork is one that came from the registry.
	CacheNetwork CacheState = "network"
	// CacheStale is one that was kept and is older than it should be: the question allowed that, or the
	// registry failed.
	CacheStale CacheState = "stale"
)

// CacheTrace collects where the answers to questions in one context came from (see
// [WithCacheTrace]): the counterpart of [Asking], which says where they may come from. The zero value
// is ready for use, by several goroutines at once.
type CacheTrace struct {
	mu      sync.Mutex
	kept    bool
	state   CacheState
	failure error
	back    string
}

// State is that of all answers together: CacheStale where one of them was, else CacheNetwork where one
// came from there, else CacheRevalidated, else CacheFresh; "" where nothing is known.
func (t *CacheTrace) State() CacheState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// Kept says that some answer was taken from what was kept without asking whether it still holds: the
// registry may say something else by now.
func (t *CacheTrace) Kept() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept
}

// Failure is why a stale answer had to do; nil where none did, or where the question allowed it.
func (t *CacheTrace) Failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}

// Backwards says in which way a registry's answer is behind what it said before: versions that are gone,
// a latest version that is older. "" where it is not, or nobody knows.
func (t *CacheTrace) Backwards() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.back
}

type cacheTraceKey struct{}

// WithCacheTrace returns a context whose answers are noted in t; nil notes nothing.
func WithCacheTrace(ctx context.Context, t *CacheTrace) context.Context {
	return context.WithValue(ctx, cacheTraceKey{}, t)
}

// NoteCache notes where an answer to a question in ctx came from. failure is why a stale one has to do.
// It is for those who keep answers.
func NoteCache(ctx context.Context, s CacheState, failure error) {
	t, _ := ctx.Value(cacheTraceKey{}).(*CacheTrace)
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.rank() > t.state.rank() {
		t.state = s
	}
	t.kept = t.kept || s == CacheFresh || s == CacheStale
	if t.failure == nil {
		t.failure = failure
	}
}

// NoteBackwards notes in which way an answer to a question in ctx is behind what was kept: see
// [CacheTrace.Backwards].
func NoteBackwards(ctx context.Context, how string) {
	t, _ := ctx.Value(cacheTraceKey{}).(*CacheTrace)
	if t == nil || how == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.back = how
}

func (s CacheState) rank() int {
	switch s {
	case CacheFresh:
		return 1
	case CacheRevalidated:
		return 2
	case CacheNetwork:
		return 3
	case CacheStale:
		return 4
	}
	return 0
}

package fetch

import "context"

// flightKey is what makes two requests one: the name and version belong to it, since they are
// compared with those inside.
type flightKey struct {
	registry, name, version, url, integrity string
	layout                                  string // of a tool
}

// flight is one download that any number of callers wait for.
type flight struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int // guarded by Fetcher.mu
	result  Result
	err     error
}

// share waits for the download of an artifact, and starts it if nobody has.
func (f *Fetcher) share(ctx context.Context, req order) (Result, error) {
	key, fl := f.join(ctx, req)
	select {
	case <-fl.done:
		return fl.result, fl.err
	case <-ctx.Done():
		f.leave(key, fl)
		return Result{}, ctx.Err()
	}
}

func (f *Fetcher) join(ctx context.Context, req order) (flightKey, *flight) {
	key := req.key()
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.inFlight[key]; fl != nil {
		fl.waiting++
		return key, fl
	}
	// The first caller's cancellation is not that of the others.
	shared, cancel := context.WithCancel(context.WithoutCancel(ctx))
	fl := &flight{done: make(chan struct{}), cancel: cancel, waiting: 1}
	f.inFlight[key] = fl
	f.flights.Add(1)
	go func() {
		defer f.flights.Done()
		defer cancel()
		fl.result, fl.err = f.download(shared, req)
		f.mu.Lock()
		f.forget(key, fl)
		f.mu.Unlock()
		close(fl.done)
	}()
	return key, fl
}

// leave gives up waiting. The last one to leave stops the download, and whoever comes then starts
// another.
func (f *Fetcher) leave(key flightKey, fl *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl.waiting--; fl.waiting == 0 {
		fl.cancel()
		f.forget(key, fl)
	}
}

// Wait returns when no download is under way, those that nobody waits for any more included. It must
// not be called while others may begin to fetch.
func (f *Fetcher) Wait() { f.flights.Wait() }

// forget lets the next caller start a download of its own. f.mu is held.
func (f *Fetcher) forget(key flightKey, fl *flight) {
	if f.inFlight[key] == fl {
		delete(f.inFlight, key)
	}
}

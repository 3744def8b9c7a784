package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
)

const (
	// maxAttempts for a body that breaks off.
	maxAttempts = 3
	// maxMismatches: bytes that don't match are fetched again once.
	maxMismatches = 2
	// maxPlaces bounds the mirrors that are tried because of others' wrong bytes. It is above what a
	// registry can have.
	maxPlaces = 128
	// firstWait before the second attempt. It doubles. There is no jitter: artifacts that fail
	// together were not asked for together.
	firstWait = 250 * time.Millisecond
)

// download attempts the artifact until it is there, or it makes no sense to go on.
func (f *Fetcher) download(ctx context.Context, req order) (res Result, err error) {
	f.opts.Progress(Event{Type: Started, Ref: req.ref()})
	defer func() { f.opts.Progress(Event{Type: Done, Ref: req.ref(), Bytes: res.Bytes, Err: err}) }()
	mismatches, elsewhereLeft, wait := 0, maxPlaces, firstWait
	for attempt := 1; ; attempt++ {
		res, err = f.attempt(ctx, req)
		if err == nil {
			return res, nil
		}
		if ctx.Err() != nil {
			return Result{}, ctx.Err()
		}
		var cut *broken
		var mismatch *integrity.MismatchError
		var other *elsewhere
		again := errors.As(err, &cut)
		switch {
		case errors.As(err, &other) && elsewhereLeft > 0:
			elsewhereLeft--
			attempt--
			f.opts.Progress(Event{Type: Retrying, Ref: req.ref(), Err: err})
			continue
		case errors.As(err, &mismatch):
			mismatches++
			again = mismatches < maxMismatches
		}
		if !again || attempt >= maxAttempts {
			return Result{}, failed(req, err)
		}
		f.opts.Progress(Event{Type: Retrying, Ref: req.ref(), Err: err})
		if err := f.opts.Sleep(ctx, wait); err != nil {
			return Result{}, err
		}
		wait *= 2
	}
}

// attempt downloads, verifies and unpacks an artifact once.
func (f *Fetcher) attempt(ctx context.Context, req order) (Result, error) {
	if req.tool != nil {
		if err := f.tools.Acquire(ctx, 1); err != nil {
			return Result{}, err
		}
		defer f.tools.Release(1)
	}
	b, err := f.open(ctx, req)
	if err != nil {
		return Result{}, err
	}
	defer b.close()
	if !b.load() {
		return f.streamed(req, b)
	}
	if b.err != nil {
		return Result{}, b.err
	}
	if err := b.verify(); err != nil {
		return Result{}, b.explain(err)
	}
	b.hangUp()
	if err := f.unpacks.Acquire(ctx, 1); err != nil {
		return Result{}, err
	}
	defer f.unpacks.Release(1)
	return f.unpack(req, b, func(c contents) error { return c.unpackBytes(b.head, f.opts.Limits) })
}

// streamed unpacks an artifact while it comes. It is verified before it is committed.
func (f *Fetcher) streamed(req order, b *body) (Result, error) {
	return f.unpack(req, b, func(c contents) error {
		r := io.MultiReader(bytes.NewReader(b.head), b)
		err := c.unpack(r, f.opts.Limits)
		bad := errors.Is(err, archive.ErrCorrupt) || errors.Is(err, archive.ErrRefused) || errors.Is(err, archive.ErrUnsupported)
		if bad {
			// Whether these are the right bytes matters more than what is wrong with them.
			_, _ = io.Copy(io.Discard, r)
		}
		if b.err != nil {
			return b.err
		}
		if err == nil || bad {
			if wrong := b.verify(); wrong != nil {
				return b.explain(wrong)
			}
		}
		return err
	})
}

// unpack writes to the store what do gives, checks it, and makes it visible.
func (f *Fetcher) unpack(req order, b *body, do func(contents) error) (Result, error) {
	w, err := f.opts.Store.NewWriter(req.name())
	if err != nil {
		return Result{}, err
	}
	defer w.Abort()
	c := req.contents(w)
	if err := do(c); err != nil {
		if errors.Is(err, archive.ErrCorrupt) {
			err = b.explain(err)
		}
		return Result{}, unpackError(err)
	}
	if err := c.check(); err != nil {
		return Result{}, err
	}
	sum := b.hash.SHA512()
	e, err := w.Commit(sum, aliases(req.Artifact.Integrity)...)
	if err != nil {
		return Result{}, err
	}
	return Result{Entry: e, Integrity: integrity.Set{sum}, Bytes: b.n}, nil
}

// aliases are the digests by which the artifact will be looked for. Where a set has several of
// one algorithm only one of them is that of the bytes, so that none is used.
func aliases(set integrity.Set) []integrity.Digest {
	if strongest := set.Strongest(); len(strongest) == 1 {
		return strongest
	}
	return nil
}

package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

const (
	// bufferSize is what a download begins with: three quarters of npm packages are smaller.
	bufferSize = 64 << 10
	// maxLoad is the largest artifact that is read into memory as a whole.
	maxLoad = 8 << 20
)

var bufferPool = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// body is the answer to one request: it hashes and counts what is read.
type body struct {
	f      *Fetcher
	req    order
	r      io.ReadCloser
	hash   *integrity.Hasher
	n      int64
	err    error // why reading ended, unless by the end of the data
	head   []byte
	pooled *[]byte // what head began in
	held   int64   // memory taken for head
	online bool    // a place among the downloads is taken
}

// open sends the request when there is memory for a buffer and a place among the downloads. Who
// has both needs nothing more to go on, so that nobody waits for ever.
func (f *Fetcher) open(ctx context.Context, req order) (*body, error) {
	if err := f.memory.Acquire(ctx, bufferSize); err != nil {
		return nil, err
	}
	if err := f.network.Acquire(ctx, 1); err != nil {
		f.memory.Release(bufferSize)
		return nil, err
	}
	r, err := f.opts.Open(ctx, req.Registry, req.Artifact)
	if err != nil {
		f.network.Release(1)
		f.memory.Release(bufferSize)
		return nil, err
	}
	return &body{f: f, req: req, r: r, hash: integrity.NewHasher(req.Artifact.Integrity), online: true,
		held: bufferSize}, nil
}

// verify compares what was read with its digest, and lets the registry know. An error of a mirror's
// bytes is *elsewhere where another mirror may have the right ones.
func (b *body) verify() error {
	err := b.hash.Verify()
	if pantry.Judge(b.r, err) {
		return &elsewhere{err}
	}
	return err
}

// hangUp lets the next download begin.
func (b *body) hangUp() {
	if b.online {
		b.online = false
		_ = b.r.Close() // it was read to its end, or is of no use any more
		b.f.network.Release(1)
	}
}

// close gives everything back. head must not be used after it.
func (b *body) close() {
	b.hangUp()
	b.head = nil
	if b.pooled != nil {
		bufferPool.Put(b.pooled)
		b.pooled = nil
	}
	b.f.memory.Release(b.held)
	b.held = 0
}

// Read reads from the network. Its error is io.EOF or b.err.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	_, _ = b.hash.Write(p[:n])
	b.n += int64(n)
	if n > 0 {
		b.f.opts.Progress(Event{Type: Received, Ref: b.req.ref(), Bytes: int64(n)})
	}
	switch most := b.f.opts.MaxTarball; {
	case b.n > most:
		b.err = kind{pantry.ErrPolicy, fmt.Errorf("it is larger than %d bytes", most)}
		return n, b.err
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, pantry.ErrIntegrity), errors.Is(err, pantry.ErrPolicy):
		b.err = err // of a reader that checks on its own
	default:
		b.err = &broken{after: b.n, err: err}
	}
	return n, b.err
}

// load reads into memory. It returns false when the artifact is too large for that; b.head has what
// was read until then. Otherwise all of it is there, or b.err says why not.
func (b *body) load() bool {
	b.pooled = bufferPool.Get().(*[]byte)
	b.head = (*b.pooled)[:0]
	if size := b.req.Artifact.Size; size >= bufferSize && size < maxLoad {
		b.grow(int(size) + 512) // room for finding the end, and a hint may be a little wrong
	}
	for {
		if len(b.head) == cap(b.head) && !b.grow(4*cap(b.head)) {
			return false
		}
		n, err := b.Read(b.head[len(b.head):cap(b.head)])
		b.head = b.head[:len(b.head)+n]
		if err != nil {
			return true
		}
	}
}

// grow makes room for size bytes in head, if there is memory for it.
func (b *body) grow(size int) bool {
	size = min(size, maxLoad)
	if size <= cap(b.head) || !b.f.memory.TryAcquire(int64(size)) {
		return false
	}
	b.head = append(make([]byte, 0, size), b.head...)
	if b.pooled != nil {
		bufferPool.Put(b.pooled)
		b.pooled = nil
	}
	b.f.memory.Release(b.held)
	b.held = int64(size)
	return true
}

// explain says what came in place of an artifact, if it was none.
func (b *body) explain(err error) error {
	head := b.head[:min(len(b.head), 512)]
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	what := ""
	switch {
	case len(head) == 0:
		what = "the answer is empty"
	case head[0] == 0x1f && (len(head) == 1 || head[1] == 0x8b):
		return err
	case bytes.HasPrefix(text, []byte("<?xml")):
		what = "the answer is an XML document, not " + b.req.wanted()
	case bytes.HasPrefix(text, []byte("<")):
		what = "the answer is an HTML page, not " + b.req.wanted()
	case bytes.HasPrefix(text, []byte("{")):
		what = "the answer is a JSON document, not " + b.req.wanted()
	case b.req.tool != nil:
		return err
	default:
		what = "the answer is not a gzip'd tarball"
	}
	return kind{pantry.ErrInvalid, fmt.Errorf("%s: %w", what, err)}
}

package transport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/pantry-go/pantry/gunzip"
)

// inflate undoes the compression that this package asked for. Content-Length, Content-Encoding
// and ContentLength are those of the wire and are removed, as net/http does it.
func (c *Client) inflate(resp *http.Response, req *http.Request) error {
	call := callOf(req.Context())
	coding := resp.Header.Get("Content-Encoding")
	if !call.inflate || coding == "" || strings.EqualFold(coding, "identity") {
		return nil
	}
	if !strings.EqualFold(coding, "gzip") && !strings.EqualFold(coding, "x-gzip") {
		return invalid("the answer is in the content coding %q, which was not asked for", bound(clean(coding), 32))
	}
	resp.Body = &inflated{wire: resp.Body, length: resp.ContentLength, client: c, req: req}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
	resp.Uncompressed = true
	return nil
}

// maxWhole is the largest compressed body, in bytes, that is read as a whole before it is inflated: it is faster, and
// few packuments are larger. One of 4 MiB is 60 MiB of JSON, so that it matters little for the memory that is taken.
const maxWhole = 4 << 20

// packedBodies holds buffers for compressed bodies that are read as a whole.
var packedBodies = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// inflated is the body of an answer that came compressed.
type inflated struct {
	wire   io.ReadCloser // a *body
	length int64         // of what comes on the wire; -1: unknown
	client *Client
	req    *http.Request
	with   *gunzip.Reader // once something was read
	err    error
}

func (b *inflated) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.with == nil {
		b.open()
	}
	n, err := b.with.Read(p)
	if err != nil {
		b.err = b.named(err)
		b.free()
	}
	return n, b.err
}

// short says that the body is best read by all, instead of Read.
func (b *inflated) short() bool {
	return b.with == nil && b.err == nil && b.length >= 0 && b.length <= maxWhole
}

// all reads the whole body. More than limit bytes, inflated, are an error that matches pantry.ErrInvalid.
func (b *inflated) all(limit int64) (data []byte, err error) {
	pooled := packedBodies.Get().(*[]byte)
	defer packedBodies.Put(pooled)
	*pooled, err = readInto((*pooled)[:0], b.wire, b.length, maxWhole)
	if err == nil {
		data, err = gunzip.Unpack(*pooled, limit)
	}
	switch {
	case errors.Is(err, gunzip.ErrTooLarge):
		b.err = tooLarge(limit)
	case err != nil:
		b.err = b.named(err)
	default:
		b.err = io.EOF
	}
	if b.err != io.EOF {
		return nil, b.err
	}
	return data, nil
}

func (b *inflated) open() {
	r, ok := b.client.inflaters.Get().(*gunzip.Reader)
	if !ok {
		r = new(gunzip.Reader)
	}
	r.Reset(b.wire)
	b.with = r
}

// free gives the inflater back, without the body.
func (b *inflated) free() {
	b.with.Reset(nil)
	b.client.inflaters.Put(b.with)
	b.with = nil
}

// Close may be called while Read runs, so it leaves the inflater alone.
func (b *inflated) Close() error { return b.wire.Close() }

// named makes an error of package gunzip one of ours. An empty body is an empty body.
func (b *inflated) named(err error) error {
	var ours *Error
	switch {
	case err == io.EOF, errors.As(err, &ours):
		return err
	case errors.Is(err, gunzip.ErrEmpty):
		return io.EOF
	case errors.Is(err, gunzip.ErrCutOff):
		f := unavailable("the compressed answer broke off")
		f.kinds = append(f.kinds, io.ErrUnexpectedEOF)
		return b.client.fail(b.req, b.req, callOf(b.req.Context()), f)
	}
	return b.client.fail(b.req, b.req, callOf(b.req.Context()), invalid("the answer's gzip is corrupt"))
}

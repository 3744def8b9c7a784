package transport

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
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
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
	resp.Uncompressed = true
	resp.Body = &inflated{wire: resp.Body, client: c, req: req}
	return nil
}

// inflater is what is worth keeping from one body to the next.
type inflater struct {
	in *bufio.Reader
	z  gzip.Reader
}

// wireBuffer is how much of a compressed body is read at once, in bytes.
const wireBuffer = 16 << 10

type inflated struct {
	wire   io.ReadCloser // a *body
	client *Client
	req    *http.Request
	with   *inflater
	err    error
}

func (b *inflated) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.with == nil {
		if b.err = b.open(); b.err != nil {
			return 0, b.err
		}
	}
	n, err := b.with.z.Read(p)
	if err != nil {
		b.err = b.named(err)
		b.free()
	}
	return n, b.err
}

// open reads the gzip header. An empty body is an empty body.
func (b *inflated) open() error {
	in, ok := b.client.inflaters.Get().(*inflater)
	if !ok {
		in = &inflater{in: bufio.NewReaderSize(nil, wireBuffer)}
	}
	in.in.Reset(b.wire)
	b.with = in
	if err := in.z.Reset(in.in); err != nil {
		b.free()
		return b.named(err)
	}
	return nil
}

// free gives the inflater back, without the body.
func (b *inflated) free() {
	if b.with != nil {
		b.with.in.Reset(nil)
		b.client.inflaters.Put(b.with)
		b.with = nil
	}
}

// Close may be called while Read runs, so it leaves the inflater alone.
func (b *inflated) Close() error { return b.wire.Close() }

func (b *inflated) named(err error) error {
	var ours *Error
	switch {
	case err == io.EOF, errors.As(err, &ours):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		f := unavailable("the compressed answer broke off")
		f.kinds = append(f.kinds, io.ErrUnexpectedEOF)
		return b.client.fail(b.req, b.req, callOf(b.req.Context()), f)
	}
	return b.client.fail(b.req, b.req, callOf(b.req.Context()), invalid("the answer's gzip is corrupt"))
}

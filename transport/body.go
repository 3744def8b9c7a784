package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/pantry-go/pantry"
)

// body guards the body of a response as it comes off the wire: against silence, trickling, and an
// end before the announced length. Only time in which somebody waits in Read is counted.
type body struct {
	io.ReadCloser
	call *call
	req  *http.Request // of the last hop
	want int64         // announced length; -1: unknown
	got  int64

	idle     *time.Timer
	waited   time.Duration // in the present window
	windowed int64         // bytes of it
	err      error
	told     atomic.Bool // what became of it
}

// guard puts a body around the response's own, and makes it free the call at its end.
func (c *Client) guard(resp *http.Response, call *call) {
	b := &body{ReadCloser: resp.Body, call: call, req: resp.Request, want: resp.ContentLength}
	if resp.Request.Method == http.MethodHead || resp.StatusCode == http.StatusNotModified {
		b.want = -1 // announces what GET would have
	}
	silent := unavailable("no data for %v", c.o.IdleBody)
	b.idle = time.AfterFunc(c.o.IdleBody, func() { call.cancel(silent) })
	b.idle.Stop()
	resp.Body = b
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	o := &b.call.client.o
	start := time.Now()
	b.idle.Reset(o.IdleBody)
	n, err := b.ReadCloser.Read(p)
	b.idle.Stop()
	b.got += int64(n)
	b.windowed += int64(n)
	b.waited += time.Since(start)
	if err == nil && b.waited >= o.RateWindow {
		if b.windowed < o.MinRate {
			err = unavailable("only %d bytes came in %v", b.windowed, b.waited.Round(time.Millisecond))
		}
		b.waited, b.windowed = 0, 0
	}
	if err != nil {
		b.err = b.named(err)
		b.account()
		b.call.end()
	}
	return n, b.err
}

// account tells what became of the body to those who keep an eye on the server.
func (b *body) account() {
	c, k := b.call.client, b.call
	switch {
	case !b.told.CompareAndSwap(false, true):
	case b.err == io.EOF:
		k.breaker.whole()
	case forgone(b.err) || !errors.Is(b.err, pantry.ErrUnavailable):
	default:
		why := b.err.Error()
		if e := (*Error)(nil); errors.As(b.err, &e) {
			why = e.Err.Error()
		}
		c.failed(k.breaker, why, 0, false)
		if k.place != nil {
			c.places.failing(k.place, c.o.Now())
		}
	}
}

// Close may be called while Read runs, and makes it return.
func (b *body) Close() error {
	if b.told.CompareAndSwap(false, true) {
		b.call.breaker.whole() // as far as anybody wanted to know
	}
	b.call.end()
	return b.ReadCloser.Close()
}

// named makes the error of a read one of ours. io.EOF stays where it is due.
func (b *body) named(err error) error {
	short := b.want >= 0 && b.got < b.want
	if err == io.EOF && !short {
		return io.EOF
	}
	c, req := b.call.client, b.req
	if err == io.EOF || (errors.Is(err, io.ErrUnexpectedEOF) && context.Cause(b.call.ctx) == nil) {
		return c.fail(req, req, b.call, b.cut())
	}
	f := c.failure(req, err)
	if short && f.again {
		f.kinds = append(f.kinds, io.ErrUnexpectedEOF)
	}
	return c.fail(req, req, b.call, f)
}

// cut is the failure of a body that ended too early.
func (b *body) cut() *failure {
	f := unavailable("the answer broke off after %d bytes", b.got)
	if b.want >= 0 {
		f = unavailable("the answer broke off after %d of %d bytes", b.got, b.want)
	}
	f.kinds = append(f.kinds, io.ErrUnexpectedEOF)
	return f
}

// transient says whether an error of this package may pass when the same is asked again.
func transient(err error) bool {
	var f *failure
	return errors.As(err, &f) && f.again && errors.Is(err, pantry.ErrUnavailable)
}

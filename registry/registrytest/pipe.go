package registrytest

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeBuffer is what a connection in memory holds that nobody has read, in bytes: as a socket, enough for
// small messages that cross each other.
const pipeBuffer = 64 << 10

// pipe is net.Pipe with buffers: with that, two that write at the same time wait for each other for ever,
// as in a TLS handshake that both sides end.
func pipe() (a, b net.Conn) {
	ab, ba := newHalf(), newHalf()
	return &pipeEnd{in: ba, out: ab}, &pipeEnd{in: ab, out: ba}
}

// pipeEnd is one end of a pipe.
type pipeEnd struct{ in, out *half }

func (p *pipeEnd) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *pipeEnd) Write(b []byte) (int, error) { return p.out.write(b) }

func (p *pipeEnd) Close() error {
	p.in.change(func(h *half) { h.abandoned = true })
	p.out.change(func(h *half) { h.ended = true })
	return nil
}

func (p *pipeEnd) SetDeadline(t time.Time) error {
	_ = p.SetReadDeadline(t)
	return p.SetWriteDeadline(t)
}

func (p *pipeEnd) SetReadDeadline(t time.Time) error { p.in.setDeadline(&p.in.reading, t); return nil }
func (p *pipeEnd) SetWriteDeadline(t time.Time) error {
	p.out.setDeadline(&p.out.writing, t)
	return nil
}

func (p *pipeEnd) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (p *pipeEnd) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// half is one direction of a pipe.
type half struct {
	mu        sync.Mutex
	changed   *sync.Cond
	buf       []byte
	ended     bool // by who writes
	abandoned bool // by who reads
	reading   deadline
	writing   deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) over() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newHalf() *half {
	h := &half{}
	h.changed = sync.NewCond(&h.mu)
	return h
}

func (h *half) change(f func(*half)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
	h.changed.Broadcast()
}

func (h *half) setDeadline(d *deadline, t time.Time) {
	h.change(func(h *half) {
		if d.timer != nil {
			d.timer.Stop()
		}
		d.at, d.timer = t, nil
		if !t.IsZero() {
			d.timer = time.AfterFunc(time.Until(t), func() { h.change(func(*half) {}) })
		}
	})
}

func (h *half) read(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.abandoned:
			return 0, net.ErrClosed
		case h.reading.over():
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(b, h.buf)
			h.buf = h.buf[n:]
			h.changed.Broadcast()
			return n, nil
		case h.ended:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) write(b []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.ended:
			return n, net.ErrClosed
		case h.abandoned:
			return n, io.ErrClosedPipe
		case h.writing.over():
			return n, os.ErrDeadlineExceeded
		case n == len(b):
			return n, nil
		case len(h.buf) < pipeBuffer:
			part := min(len(b)-n, pipeBuffer-len(h.buf))
			h.buf = append(h.buf, b[n:n+part]...)
			n += part
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

package gunzip

import "io"

// inputSize is how much of a reader is read at once, in bytes.
const inputSize = 64 << 10

// input is packed bytes: all of them in memory, or read from src into a buffer.
type input struct {
	buf []byte
	pos int
	src io.Reader // nil: buf is everything
	err error     // why there is nothing behind buf
	own []byte    // the buffer when there is a src
}

func (in *input) reset(packed []byte, src io.Reader) {
	in.buf, in.pos, in.src, in.err = packed, 0, src, io.EOF
	if src != nil {
		in.buf, in.err = nil, nil
		if in.own == nil {
			in.own = make([]byte, inputSize)
		}
	}
}

// more loads more behind buf, of which hardly anything may be left. It says whether there was any.
func (in *input) more() bool {
	if in.err != nil {
		return false
	}
	if in.pos == len(in.buf) || len(in.buf) > inputSize/2 { // or bytes that trickle in would all be moved
		in.buf = in.own[:copy(in.own, in.buf[in.pos:])]
		in.pos = 0
	}
	k, err := 0, error(nil)
	for idle := 0; k == 0 && err == nil; idle++ {
		if idle == maxIdle {
			err = io.ErrNoProgress
			break
		}
		k, err = in.src.Read(in.own[len(in.buf):])
	}
	in.buf, in.err = in.own[:len(in.buf)+k], err
	return k > 0
}

// maxIdle is how often a reader may give nothing in a row.
const maxIdle = 100

// ahead makes n bytes available, or as many as there are, and says how many that is.
func (in *input) ahead(n int) int {
	for len(in.buf)-in.pos < n && in.more() {
	}
	return len(in.buf) - in.pos
}

// byte takes one byte.
func (in *input) byte() (byte, bool) {
	if in.pos == len(in.buf) && !in.more() {
		return 0, false
	}
	c := in.buf[in.pos]
	in.pos++
	return c, true
}

// failed is the error of the reader, if it had one.
func (in *input) failed() error {
	if in.err == io.EOF {
		return nil
	}
	return in.err
}

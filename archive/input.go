package archive

import "io"

const (
	inputSize = 64 << 10
	// lookBack is how many bytes before pos stay in the buffer: the inflater loads up to 8 bytes
	// ahead and gives back what it didn't use.
	lookBack = 8
)

// input is packed bytes: all of them in memory, or read from src into a buffer.
type input struct {
	buf []byte
	pos int
	src io.Reader // nil: buf is everything
	err error     // why there is nothing behind buf
	own []byte    // the buffer when there is a src
}

func (in *input) reset(packed []byte, src io.Reader) {
	in.buf, in.pos, in.src, in.err = packed, 0, src, nil
	if src == nil {
		in.err = io.EOF
	} else if in.own == nil {
		in.own = make([]byte, inputSize)
	}
}

// more loads more behind buf, and moves what is not used yet. It says whether there was any.
func (in *input) more() bool {
	if in.err != nil {
		return false
	}
	keep := min(in.pos, lookBack)
	n := copy(in.own, in.buf[in.pos-keep:])
	k, err := 0, error(nil)
	for k == 0 && err == nil {
		k, err = in.src.Read(in.own[n:])
	}
	in.pos, in.buf, in.err = keep, in.own[:n+k], err
	return k > 0
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

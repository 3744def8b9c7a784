package gunzip

import (
	"encoding/binary"
	"errors"
	"io"
	"unsafe"
)

var le = binary.LittleEndian

var (
	errDeflate error = &Error{ErrCorrupt, "invalid deflate data"}
	errShort         = errors.New("there is not enough data") // never leaves the package
)

const (
	// inMargin is how many bytes before the end of the input the fast loop stops: a round of it reads 15 bytes.
	inMargin = 16
	// headerMargin is more than the header of a block with dynamic codes can have: 14 bits, 19 lengths of 3,
	// and 316 lengths of 14, with 8 bytes that are loaded too many.
	headerMargin = 640
)

type state uint8

const (
	atBlock  state = iota // before the header of a block
	inCodes               // in a block of codes
	inStored              // in a block of plain bytes
)

// Inflater inflates one DEFLATE stream into buffers of the caller, as [Decoder] does with gzip streams. The
// zero Inflater must be Reset before it is used. It is for one goroutine.
type Inflater struct {
	in    input
	state state
	last  bool   // this block is the last one
	left  int    // bytes of a stored block
	total int64  // bytes inflated
	bits  uint64 // what is left of the last byte taken, lowest first
	n     uint   // how many bits that is, less than 8 but within functions

	// What run works on.
	out  []byte
	o    int // where the next byte goes
	full int // o at which to stop
	base int // a copy can't reach behind that

	// The ends of what fast works on. Here they need no registers.
	inEnd, outEnd, outBase unsafe.Pointer

	tables
	tail [2*headerMargin + 8]byte // what is left of the input, with zeros behind it
}

// Reset makes f an inflater of packed, or, if src is not nil, of what src gives. packed must not be changed
// until the end. Reset(nil, nil) lets go of both.
func (f *Inflater) Reset(packed []byte, src io.Reader) {
	f.in.reset(packed, src)
	f.begin()
}

// begin expects another stream in the same input.
func (f *Inflater) begin() {
	f.state, f.last, f.left, f.total, f.bits, f.n = atBlock, false, 0, 0, 0, 0
}

// Fill is like [Decoder.Fill]. The error is io.EOF at the end of the stream, whatever follows.
func (f *Inflater) Fill(out []byte, o int) (end int, err error) {
	end, done, err := f.run(out, o)
	switch {
	case err == errShort && f.in.failed() != nil:
		err = f.in.failed()
	case err == errShort:
		err = cutOff("the deflate data is cut off")
	case err == nil && done:
		err = io.EOF
	}
	return end, err
}

// Followed says, after io.EOF, whether something follows the stream.
func (f *Inflater) Followed() bool { return f.in.ahead(1) > 0 }

// run inflates to out from o on until it is full, up to a margin, or the stream is done. It
// returns where the output ends. The history of the stream must stand before o.
func (f *Inflater) run(out []byte, o int) (end int, done bool, err error) {
	f.out, f.o, f.full = out, o, len(out)-Margin
	f.base = o - int(min(f.total, History))
	for f.o < f.full && !done && err == nil {
		switch f.state {
		case atBlock:
			done, err = f.block()
		case inCodes:
			err = f.codes()
		case inStored:
			err = f.stored()
		}
	}
	f.total += int64(f.o - o)
	f.out = nil
	return f.o, done, err
}

// block reads the header of a block. It is done when there is no further one.
func (f *Inflater) block() (done bool, err error) {
	if f.last {
		f.align()
		return true, nil
	}
	if !f.need(3) {
		return false, errShort
	}
	head := f.bits & 7
	f.drop(3)
	f.last = head&1 == 1
	switch head >> 1 {
	case 0:
		f.state = inStored
		return false, f.storedHeader()
	case 1:
		f.state = inCodes
		f.fixedCodes()
	case 2:
		f.state = inCodes
		return false, f.dynamicCodes()
	default:
		return false, errDeflate
	}
	return false, nil
}

// need makes n bits available if the input has them.
func (f *Inflater) need(n uint) bool {
	for f.n < n {
		c, ok := f.in.byte()
		if !ok {
			return false
		}
		f.bits |= uint64(c) << f.n
		f.n += 8
	}
	return true
}

func (f *Inflater) drop(n uint) {
	f.bits >>= n
	f.n -= n
}

// align drops the rest of a byte.
func (f *Inflater) align() { f.bits, f.n = 0, 0 }

func (f *Inflater) storedHeader() error {
	f.align()
	if !f.need(32) {
		return errShort
	}
	f.left = int(f.bits & 0xffff)
	if f.left != int(^f.bits>>16&0xffff) {
		return errDeflate
	}
	f.drop(32)
	return nil
}

func (f *Inflater) stored() error {
	for f.left > 0 && f.o < f.full {
		if f.in.ahead(1) == 0 {
			return errShort
		}
		n := copy(f.out[f.o:min(f.full, f.o+f.left)], f.in.buf[f.in.pos:])
		f.in.pos += n
		f.o += n
		f.left -= n
	}
	if f.left == 0 {
		f.state = atBlock
	}
	return nil
}

// view is the input, if it is longer than margin, or what is left of it with margin+8 zeros behind it. real is
// how many bytes are the input's from pos on.
func (f *Inflater) view(margin int) (in []byte, pos, real int) {
	if real = f.in.ahead(margin + 1); real > margin {
		return f.in.buf, f.in.pos, real
	}
	in = f.tail[:real+margin+8]
	clear(in[copy(in, f.in.buf[f.in.pos:]):])
	return in, 0, real
}

// settle takes what was used of a view: used bytes, of which n bits were not needed and stand in bits. Where a
// code was invalid that may have lacked bits, or more was used than there is, the data is short.
func (f *Inflater) settle(used, real int, bits uint64, n uint, err error) error {
	used -= int(n >> 3)
	if used > real || err != nil && real-used < 2 {
		return errShort
	}
	f.in.pos += used
	f.n = n & 7
	f.bits = bits & (1<<f.n - 1)
	return err
}

// codes inflates the symbols of a block.
func (f *Inflater) codes() error {
	for f.o < f.full && f.state == inCodes {
		o := f.o
		in, pos, real := f.view(inMargin + 8) // 8 more, so that fast does a round at least
		used, done, err := f.fast(in[pos:])
		if err = f.settle(used, real, f.bits, f.n, err); err != nil {
			f.o = o // what was made of zeros must not be seen
			return err
		}
		if done {
			f.state = atBlock
		}
	}
	return nil
}

package archive

import (
	"encoding/binary"
	"errors"
)

// This file inflates DEFLATE data (RFC 1951) straight into the buffer that the tar reader works
// on, which is its window, too. Nothing is copied after it was inflated; input and output are
// tested for their ends once in a few symbols. That makes it about twice as fast as inflaters that
// are an io.Reader.

var (
	errDeflate  = errors.New("invalid deflate data")
	errCutShort = errors.New("the deflate data is cut off")
)

const (
	// history is how far back a copy can reach.
	history = 32 << 10
	// The fast loop stops that far from the end of the input and of the output. A round of it
	// loads 8 bytes three times, and writes two literals and a copy of 258 bytes in words of 8.
	inMargin  = 32
	outMargin = 2 + 258 + 32

	litBits, litSize   = 11, 4096 // the root table, and room for it and its subtables
	distBits, distSize = 9, 1024
)

type inflateState uint8

const (
	atBlock  inflateState = iota // before the header of a block
	inCodes                      // in a block of codes
	inStored                     // in a block of plain bytes
)

// inflater inflates one DEFLATE stream. It can stop after any symbol and go on later.
type inflater struct {
	state inflateState
	last  bool   // this block is the last one
	left  int    // bytes of a stored block
	total int64  // bytes inflated
	bits  uint64 // loaded and not yet used, lowest first
	n     uint   // how many of bits count; the others are zero outside of fast

	// What run works on.
	in   *input
	out  []byte
	o    int // where the next byte goes
	full int // o at which to stop
	base int // a copy can't reach behind that

	lit    [litSize]uint32 // the tables of the block
	dist   [distSize]uint32
	fixed  bool // they are those of fixed codes
	lens   [maxLit + maxDist]uint8
	sorted [maxLit + maxDist]uint16
}

func (f *inflater) reset() {
	f.state, f.last, f.left, f.total, f.bits, f.n = atBlock, false, 0, 0, 0, 0
}

// run inflates to out from o on until it is full, up to a margin, or the stream is done. It
// returns where the output ends. The history of the stream must stand before o.
func (f *inflater) run(in *input, out []byte, o int) (end int, done bool, err error) {
	f.in, f.out, f.o, f.full = in, out, o, len(out)-outMargin
	f.base = o - int(min(f.total, history))
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
	f.in, f.out = nil, nil
	return f.o, done, err
}

// block reads the header of a block. It is done when there is no further one.
func (f *inflater) block() (done bool, err error) {
	if f.last {
		f.align()
		return true, nil
	}
	if !f.need(3) {
		return false, errCutShort
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
		f.fixedTables()
	case 2:
		f.state = inCodes
		return false, f.dynamicTables()
	default:
		return false, errDeflate
	}
	return false, nil
}

// need makes n bits available if the input has them.
func (f *inflater) need(n uint) bool {
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

func (f *inflater) drop(n uint) {
	f.bits >>= n
	f.n -= n
}

// align drops the rest of a byte, and gives whole bytes back to the input.
func (f *inflater) align() {
	f.in.pos -= int(f.n / 8)
	f.bits, f.n = 0, 0
}

// unread gives whole bytes back to the input, and clears what stands above the bits that count.
func (f *inflater) unread() {
	f.in.pos -= int(f.n / 8)
	f.n &= 7
	f.bits &= 1<<f.n - 1
}

func (f *inflater) storedHeader() error {
	f.align()
	if !f.need(32) {
		return errCutShort
	}
	f.left = int(f.bits & 0xffff)
	if f.left != int(^f.bits>>16&0xffff) {
		return errDeflate
	}
	f.drop(32)
	return nil
}

func (f *inflater) stored() error {
	for f.left > 0 && f.o < f.full {
		if f.in.pos == len(f.in.buf) && !f.in.more() {
			return errCutShort
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

// codes inflates the symbols of a block.
func (f *inflater) codes() error {
	for f.o < f.full && f.state == inCodes {
		// 8 more bytes than the margin, so that the fast loop runs once at least.
		for len(f.in.buf)-f.in.pos <= inMargin+8 && f.in.more() {
		}
		var done bool
		var err error
		if len(f.in.buf)-f.in.pos > inMargin+8 {
			done, err = f.fast()
			f.unread()
		} else {
			done, err = f.careful()
		}
		if err != nil {
			return err
		}
		if done {
			f.state = atBlock
		}
	}
	return nil
}

// fast inflates as long as input and output are further from their ends than one round needs. The
// bits of a word above the n that count are those that the next load brings again.
func (f *inflater) fast() (done bool, err error) {
	in, out, p, o, b, n := f.in.buf, f.out, f.in.pos, f.o, f.bits, f.n
	lit, dist, base := &f.lit, &f.dist, f.base
	inEnd, outEnd := len(in)-inMargin, f.full
	b |= le.Uint64(in[p:]) << (n & 63)
	p += int((63 - n) >> 3)
	n |= 56
	e := lit[b&(1<<litBits-1)]
	for p < inEnd && o < outEnd {
		// Here 56 bits are loaded, and e is the entry of the next code. Two literals of the root
		// table take 22 of them at most.
		if e&isLiteral != 0 {
			b >>= e & 63
			n -= uint(e & 63)
			out[o] = byte(e >> valueShift)
			o++
			e = lit[b&(1<<litBits-1)]
			if e&isLiteral != 0 {
				b >>= e & 63
				n -= uint(e & 63)
				out[o] = byte(e >> valueShift)
				o++
				e = lit[b&(1<<litBits-1)]
				if e&isLiteral != 0 {
					b >>= e & 63
					n -= uint(e & 63)
					out[o] = byte(e >> valueShift)
					o++
					b |= le.Uint64(in[p:]) << (n & 63)
					p += int((63 - n) >> 3)
					n |= 56
					e = lit[b&(1<<litBits-1)]
					continue
				}
			}
		}
		if e&(isTable|isEnd) != 0 {
			if e&isTable != 0 {
				b >>= litBits
				n -= litBits
				e = lit[(e>>valueShift+uint32(b)&(1<<(e>>codeShift&15)-1))&(litSize-1)]
			}
			if e&isLiteral != 0 {
				b >>= e & 63
				n -= uint(e & 63)
				out[o] = byte(e >> valueShift)
				o++
				b |= le.Uint64(in[p:]) << (n & 63)
				p += int((63 - n) >> 3)
				n |= 56
				e = lit[b&(1<<litBits-1)]
				continue
			}
			if e&isEnd != 0 {
				if e>>valueShift != endOfBlock {
					return false, errDeflate
				}
				b >>= e & 63
				n -= uint(e & 63)
				done = true
				break
			}
		}
		length := int(e>>valueShift) + int((b&(1<<(e&63)-1))>>(e>>codeShift&15))
		b >>= e & 63
		n -= uint(e & 63)
		if n < maxCode+13 {
			b |= le.Uint64(in[p:]) << (n & 63)
			p += int((63 - n) >> 3)
			n |= 56
		}
		e = dist[b&(1<<distBits-1)]
		if e&(isTable|isEnd) != 0 {
			if e&isTable != 0 {
				b >>= distBits
				n -= distBits
				e = dist[(e>>valueShift+uint32(b)&(1<<(e>>codeShift&15)-1))&(distSize-1)]
			}
			if e&isEnd != 0 {
				return false, errDeflate
			}
		}
		d := int(e>>valueShift) + int((b&(1<<(e&63)-1))>>(e>>codeShift&15))
		b >>= e & 63
		n -= uint(e & 63)
		if d > o-base {
			return false, errDeflate
		}
		// The next entry is on its way while this is copied.
		b |= le.Uint64(in[p:]) << (n & 63)
		p += int((63 - n) >> 3)
		n |= 56
		e = lit[b&(1<<litBits-1)]

		if d >= 8 && length <= 16 {
			dst, s := out[o:o+16], out[o-d:]
			le.PutUint64(dst, le.Uint64(s))
			le.PutUint64(dst[8:], le.Uint64(s[8:]))
		} else {
			copyWords(out, o, d, length)
		}
		o += length
	}
	f.in.pos, f.o, f.bits, f.n = p, o, b, n
	return done, nil
}

// copyWords copies length bytes from d before o to o, in words: up to 32 bytes behind them are
// overwritten.
func copyWords(out []byte, o, d, length int) {
	switch {
	case d >= 8:
		// The words may overlap what is being written, but never a word with itself.
		s, dst := out[o-d:], out[o:o+length+32]
		le.PutUint64(dst, le.Uint64(s))
		le.PutUint64(dst[8:], le.Uint64(s[8:]))
		for i := 16; i < length; i += 16 {
			le.PutUint64(dst[i:], le.Uint64(s[i:]))
			le.PutUint64(dst[i+8:], le.Uint64(s[i+8:]))
		}
	case d == 1:
		v := uint64(out[o-1]) * 0x0101010101010101
		dst := out[o : o+length+32]
		for i := 0; i < length; i += 8 {
			le.PutUint64(dst[i:], v)
		}
	default:
		s, dst := out[o-d:o+length], out[o:o+length]
		for i := range dst {
			dst[i] = s[i]
		}
	}
}

var le = binary.LittleEndian

// careful inflates symbol by symbol, near the end of the input.
func (f *inflater) careful() (done bool, err error) {
	for f.o < f.full {
		e, err := f.symbol(f.lit[:], litBits)
		switch {
		case err != nil:
			return false, err
		case e&isEnd != 0:
			return true, nil
		case e&isLiteral != 0:
			f.out[f.o] = byte(e >> valueShift)
			f.o++
			continue
		}
		length, err := f.extra(e)
		if err != nil {
			return false, err
		}
		if e, err = f.symbol(f.dist[:], distBits); err != nil {
			return false, err
		}
		d, err := f.extra(e)
		if err != nil {
			return false, err
		}
		if d > f.o-f.base {
			return false, errDeflate
		}
		copyWords(f.out, f.o, d, length)
		f.o += length
	}
	return false, nil
}

// symbol reads one code. Its extra bits are left for extra.
func (f *inflater) symbol(table []uint32, root uint) (uint32, error) {
	f.need(maxCode) // or what is left
	e := table[f.bits&(1<<root-1)]
	if e&isTable != 0 {
		sub := uint64(1)<<(e>>codeShift&15) - 1
		if f.n < root {
			return 0, errCutShort
		}
		f.drop(root)
		e = table[e>>valueShift+uint32(f.bits&sub)]
	}
	code := uint(e >> codeShift & 15)
	switch {
	case e&isEnd != 0 && e>>valueShift != endOfBlock:
		if f.n < maxCode { // what is missing could make another code
			return 0, errCutShort
		}
		return 0, errDeflate
	case f.n < code:
		return 0, errCutShort
	}
	f.drop(code)
	return e, nil
}

// extra reads the extra bits of a length or distance and returns it.
func (f *inflater) extra(e uint32) (int, error) {
	n := uint(e&63) - uint(e>>codeShift&15)
	if !f.need(n) {
		return 0, errCutShort
	}
	v := int(e>>valueShift) + int(f.bits&(1<<n-1))
	f.drop(n)
	return v, nil
}

package gunzip

import "unsafe"

// fast inflates the symbols of a block until it ends, or in or the output come near their ends. It says how much
// of in was loaded, of which f.n bits in f.bits were not used.
//
// It has no bounds checks, which would leave too few registers for the rest. These are the bounds:
//
//   - ip is before inEnd at the beginning of a round, which is more than inMargin bytes before the end of in. A
//     round loads 8 bytes twice, and ip moves on by 7 at most in between: 15 bytes. The load before the first
//     round is at the beginning of in, which is longer than inMargin.
//   - op is before outEnd at the beginning of a round, which is more than Margin bytes before the end of out. A
//     round writes the literals of two entries, or 3 of them at most and then a copy. Pieces of 32 bytes behind one
//     of 48 write 272 bytes for a copy of 258, and other copies write less: 275 bytes altogether.
//   - A copy reads from d bytes before op, which is not before outBase, as is tested, and so not before the
//     beginning of out; and not more than it writes.
//   - The tables have an entry for each value of litBits and distBits bits; indexes of subtables are checked.
//
// ip and op are pointers into the two slices at any time, so that the garbage collector knows what they are. The
// slices are never on a stack, which could move, since f keeps pointers into them.
func (f *Inflater) fast(in []byte) (used int, done bool, err error) {
	ip, op := unsafe.Pointer(&in[0]), unsafe.Pointer(&f.out[f.o])
	f.inEnd = unsafe.Pointer(&in[len(in)-inMargin])
	f.outEnd, f.outBase = unsafe.Pointer(&f.out[f.full]), unsafe.Pointer(&f.out[f.base])
	// The low 6 bits of n are how many bits of b count, the others are nothing: so entries needn't be masked.
	// What stands in b above those bits is what the next load brings again.
	b, n := f.bits, f.n
	b |= le.Uint64((*[8]byte)(ip)[:]) << (n & 63)
	ip = unsafe.Add(ip, (63-n)>>3&7)
	n |= 56
	e := f.lit[b&(1<<litBits-1)]
	end := running
	for uintptr(ip) < uintptr(f.inEnd) && uintptr(op) < uintptr(f.outEnd) {
		// 56 bits are loaded here, and e is the entry of the next code. What is no literal in it will be
		// overwritten. After one entry there are enough bits for the longest distance, of 28 bits, and for the
		// next entry; after two there are not.
		le.PutUint16((*[2]byte)(op)[:], uint16(e>>literalShift))
		op = unsafe.Add(op, e>>countShift&3)
		b >>= e & dropMask
		n -= uint(e)
		var length uint
		if e&(isLength|isSpecial) == 0 {
			e = f.lit[b&(1<<litBits-1)]
			le.PutUint16((*[2]byte)(op)[:], uint16(e>>literalShift))
			op = unsafe.Add(op, e>>countShift&3)
			b >>= e & dropMask
			n -= uint(e)
			if e&isLength != 0 {
				b |= le.Uint64((*[8]byte)(ip)[:]) << (n & 63)
				ip = unsafe.Add(ip, (63-n)>>3&7)
				n |= 56
				goto match
			}
			if e&isSpecial == 0 {
				e = f.lit[b&(1<<litBits-1)]
				b |= le.Uint64((*[8]byte)(ip)[:]) << (n & 63)
				ip = unsafe.Add(ip, (63-n)>>3&7)
				n |= 56
				continue
			}
		} else if e&isLength != 0 {
			goto match
		}
		// The end, long codes, and lengths with more bits than the root table has: 8 bits more at most.
		if e&isTable != 0 {
			e = f.lit[e>>valueShift+uint32(b)&(1<<(e>>paramShift&15)-1)]
			b >>= e & dropMask
			n -= uint(e)
		}
		if e&isSpecial == 0 && e&isLength == 0 {
			*(*byte)(op) = byte(e >> literalShift)
			op = unsafe.Add(op, 1)
			e = f.lit[b&(1<<litBits-1)]
			b |= le.Uint64((*[8]byte)(ip)[:]) << (n & 63)
			ip = unsafe.Add(ip, (63-n)>>3&7)
			n |= 56
			continue
		}
		length = uint(e>>lengthShift) + minLength
		if e&isSpecial != 0 {
			if e&isEnd != 0 {
				end = ended
				if e>>valueShift != endOfBlock {
					end = invalid
				}
				break
			}
			x := e >> paramShift & 15
			length = uint(e>>valueShift) + uint(b&(1<<x-1))
			b >>= x
			n -= uint(x)
		}
		b |= le.Uint64((*[8]byte)(ip)[:]) << (n & 63)
		ip = unsafe.Add(ip, (63-n)>>3&7)
		n |= 56
		goto distance
	match:
		length = uint(e>>lengthShift) + minLength
	distance:
		e = f.dist[b&(1<<distBits-1)]
		if e&isSpecial != 0 {
			if e&isTable != 0 {
				b >>= distBits
				n -= distBits
				e = f.dist[e>>valueShift+uint32(b)&(1<<(e>>paramShift&15)-1)]
			}
			if e&isEnd != 0 {
				end = invalid
				break
			}
		}
		x := b & (1<<(e&dropMask) - 1)
		b >>= e & dropMask
		n -= uint(e)
		d := uint(e>>valueShift) + uint(x>>(e>>codeShift&63))
		if d > uint(uintptr(op)-uintptr(f.outBase)) {
			end = invalid
			break
		}
		// The next entry is on its way while this is copied.
		e = f.lit[b&(1<<litBits-1)]
		b |= le.Uint64((*[8]byte)(ip)[:]) << (n & 63)
		ip = unsafe.Add(ip, (63-n)>>3&7)
		n |= 56

		// Pieces may overlap what is being written, but no piece itself.
		s := unsafe.Add(op, -int(d))
		if d >= 16 {
			*(*[16]byte)(op) = *(*[16]byte)(s)
			*(*[16]byte)(unsafe.Add(op, 16)) = *(*[16]byte)(unsafe.Add(s, 16))
			*(*[16]byte)(unsafe.Add(op, 32)) = *(*[16]byte)(unsafe.Add(s, 32))
			for i := uint(48); i < length; i += 32 {
				*(*[16]byte)(unsafe.Add(op, i)) = *(*[16]byte)(unsafe.Add(s, i))
				*(*[16]byte)(unsafe.Add(op, i+16)) = *(*[16]byte)(unsafe.Add(s, i+16))
			}
			op = unsafe.Add(op, length)
			continue
		}
		if d >= 8 {
			for i := uint(0); i < length; i += 8 {
				*(*[8]byte)(unsafe.Add(op, i)) = *(*[8]byte)(unsafe.Add(s, i))
			}
			op = unsafe.Add(op, length)
			continue
		}
		// The pattern is d bytes long, and right as far as it was written before.
		pattern := le.Uint64((*[8]byte)(s)[:])
		if d == 1 {
			pattern = pattern & 0xff * 0x0101010101010101
			d = 8
		}
		for i := uint(0); i < length; i += d {
			le.PutUint64((*[8]byte)(unsafe.Add(op, i))[:], pattern)
		}
		op = unsafe.Add(op, length)
	}
	f.o = int(uintptr(op) - uintptr(unsafe.Pointer(unsafe.SliceData(f.out))))
	f.bits, f.n = b, n&63
	used = int(uintptr(ip) - uintptr(unsafe.Pointer(unsafe.SliceData(in))))
	f.inEnd, f.outEnd, f.outBase = nil, nil, nil
	if end == invalid {
		err = errDeflate
	}
	return used, end == ended, err
}

// What ended a round of fast.
const (
	running = iota // the margins
	ended          // the end of the block
	invalid
)

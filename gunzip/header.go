package gunzip

import "math/bits"

// shortBlock is how much packed data there must be for pairs to be worth while, in bytes: making them takes as
// long as it takes to inflate 2 kB, and saves a tenth of the time afterwards.
const shortBlock = 4 << 10

// codeOrder is the order in which the lengths of the code length code stand (RFC 1951, 3.2.7).
var codeOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// fixedCodes makes the tables of blocks with fixed codes (3.2.6), unless they are there.
func (f *Inflater) fixedCodes() {
	if f.fixed {
		return
	}
	for s := range maxLit {
		switch {
		case s < 144:
			f.lens[s] = 8
		case s < 256:
			f.lens[s] = 9
		case s < 280:
			f.lens[s] = 7
		default:
			f.lens[s] = 8
		}
	}
	for s := range maxDist {
		f.lens[maxLit+s] = 5
	}
	f.literals(f.lens[:maxLit], false)
	f.distances(f.lens[maxLit:])
	f.fixed = true
}

// dynamicCodes reads the codes of a block, and makes its tables (3.2.7).
func (f *Inflater) dynamicCodes() error {
	in, pos, real := f.view(headerMargin)
	in = in[pos:]
	f.fixed = false
	lits, total, used, err := f.codeHeader(in)
	if err == nil {
		used, err = f.codeLengths(in, used, total)
	}
	if err = f.settle(used, real, f.bits, f.n, err); err != nil {
		return err
	}
	if f.lens[endOfBlock] == 0 || !f.literals(f.lens[:lits], real < shortBlock) || !f.distances(f.lens[lits:total]) {
		return errDeflate
	}
	return nil
}

// load makes 56 bits available, of in at p or before, and returns what follows. in must be long enough.
func (f *Inflater) load(in []byte, p int) int {
	f.bits |= le.Uint64(in[p:]) << f.n
	p += int(63-f.n) >> 3
	f.n |= 56
	return p
}

// take takes n bits that were loaded.
func (f *Inflater) take(n uint) int {
	v := int(f.bits & (1<<n - 1))
	f.drop(n)
	return v
}

// codeHeader reads what is before the lengths of codes, and makes the table of the code in which those are. It
// says how many codes for literals and lengths there are, how many altogether, and how much of in was loaded.
func (f *Inflater) codeHeader(in []byte) (lits, total, used int, err error) {
	used = f.load(in, 0)
	lits = f.take(5) + 257
	dists := f.take(5) + 1
	codes := f.take(4) + 4
	if lits > 286 || dists > 30 {
		return 0, 0, used, errDeflate
	}
	var lens [len(codeOrder)]uint8
	for i, s := range codeOrder[:codes] {
		if i == 14 { // 14 bits and 14 times 3 are all that was loaded
			used = f.load(in, used)
		}
		lens[s] = uint8(f.take(3))
	}
	if !f.lengthCode(&lens) {
		return 0, 0, used, errDeflate
	}
	return lits, lits + dists, used, nil
}

// codeLengths reads the lengths of total codes, from in at p. It says how much of in was loaded.
func (f *Inflater) codeLengths(in []byte, p, total int) (used int, err error) {
	b, n := f.bits, f.n
	i := 0
	for i < total && err == nil {
		b |= le.Uint64(in[p:]) << (n & 63)
		p += int((63 - n) >> 3)
		n |= 56
		for k := 0; k < 4 && i < total; k++ { // 14 bits each
			e := f.code[b&(1<<codeBits-1)]
			b >>= e & 7
			n -= uint(e & 7)
			s := e >> 3
			if s < 16 {
				f.lens[i] = s
				i++
				continue
			}
			r := repeats[(s-16)&3]
			times := int(r.least) + int(b&(1<<r.bits-1))
			b >>= r.bits
			n -= uint(r.bits)
			if r.least == 0 || s == 16 && i == 0 || times > total-i {
				err = errDeflate
				break
			}
			value := uint8(0)
			if s == 16 {
				value = f.lens[i-1]
			}
			for j := range f.lens[i : i+times] {
				f.lens[i+j] = value
			}
			i += times
		}
	}
	f.bits, f.n = b, n
	return p, err
}

// repeats are the symbols from 16 on: how often a length is repeated at least, and how many bits say how often
// more. The last one is no symbol.
var repeats = [4]struct{ least, bits uint8 }{{3, 2}, {3, 3}, {11, 7}, {}}

// lengthCode makes the table of the code length code, and says whether the code is valid, as build does.
func (t *tables) lengthCode(lens *[len(codeOrder)]uint8) bool {
	var count, next [codeBits + 1]uint8
	for _, n := range lens {
		count[n&codeBits]++
	}
	space, longest, code := 0, 0, uint8(0)
	for n := 1; n <= codeBits; n++ {
		space += int(count[n]) << (codeBits - n)
		if count[n] > 0 {
			longest = n
		}
		next[n] = code
		code = (code + count[n]) << 1
	}
	if space > 1<<codeBits || space < 1<<codeBits && longest > 1 {
		return false
	}
	if space < 1<<codeBits {
		for i := range t.code {
			t.code[i] = 19 << 3 // no symbol
		}
	}
	for s, n := range lens {
		if n == 0 {
			continue
		}
		c := bits.Reverse8(next[n&codeBits]) >> (8 - n)
		next[n&codeBits]++
		for j := uint(c); j < 1<<codeBits; j += 1 << n {
			t.code[j] = uint8(s)<<3 | n
		}
	}
	return true
}

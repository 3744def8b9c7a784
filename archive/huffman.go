package archive

import "math/bits"

// An entry of a decoding table is a uint32:
//
//	bits 0-5    how many bits to drop: those of the code and the extra ones behind it
//	bits 8-11   how many of them are the code's
//	bit 13      a code longer than the root table: the value is where its subtable begins, bits
//	            8-11 are how many further bits index it
//	bit 14      the end of the block, or, with any other value, a code that doesn't exist
//	bit 15      a literal
//	bits 16-31  the value: literal, first length or first distance of the symbol
//
// In a subtable the bits of the root are not counted, since they are dropped before.
const (
	codeShift  = 8
	isTable    = 1 << 13
	isEnd      = 1 << 14
	isLiteral  = 1 << 15
	valueShift = 16

	endOfBlock = 256
	noSymbol   = 0xffff

	maxLit, maxDist = 288, 32 // symbols, with those that are never used
	maxCode         = 15      // bits
)

// RFC 1951, 3.2.5: the first length or distance of a symbol, and its number of extra bits.
var (
	lengthBase = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67,
		83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5,
		5, 0}
	distBase = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769,
		1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra = [...]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11,
		12, 12, 13, 13}
	// codeOrder is the order in which the lengths of the code length code stand (3.2.7).
	codeOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
	codeEntries = makeCodeEntries()
)

// The entries of each symbol, still without the length of its code.

func makeLitEntries() (t [maxLit]uint32) {
	for s := range t {
		switch {
		case s < endOfBlock:
			t[s] = isLiteral | uint32(s)<<valueShift
		case s == endOfBlock:
			t[s] = isEnd | endOfBlock<<valueShift
		case s-endOfBlock-1 < len(lengthBase):
			i := s - endOfBlock - 1
			t[s] = uint32(lengthBase[i])<<valueShift | uint32(lengthExtra[i])
		default:
			t[s] = isEnd | noSymbol<<valueShift
		}
	}
	return t
}

func makeDistEntries() (t [maxDist]uint32) {
	for s := range t {
		t[s] = isEnd | noSymbol<<valueShift
		if s < len(distBase) {
			t[s] = uint32(distBase[s])<<valueShift | uint32(distExtra[s])
		}
	}
	return t
}

func makeCodeEntries() (t [19]uint32) {
	for s := range t {
		t[s] = uint32(s) << valueShift
	}
	return t
}

// build makes the decoding table of a canonical code (3.2.2). It says whether the code is valid:
// complete, or, as other inflaters let pass too, of at most one symbol, with one bit.
func (f *inflater) build(table []uint32, root uint, lens []uint8, entries []uint32) bool {
	var count, next [maxCode + 2]uint16
	for _, n := range lens {
		count[n]++
	}
	used := len(lens) - int(count[0])
	count[0] = 0
	var space, longest int // space is in units of the longest code
	for n := 1; n <= maxCode; n++ {
		space += int(count[n]) << (maxCode - n)
		next[n+1] = next[n] + count[n]
		if count[n] > 0 {
			longest = n
		}
	}
	if space > 1<<maxCode || space < 1<<maxCode && longest > 1 {
		return false
	}
	if space < 1<<maxCode {
		for i := range table[:1<<root] {
			table[i] = isEnd | noSymbol<<valueShift
		}
	}
	for s, n := range lens {
		if n > 0 {
			f.sorted[next[n]] = uint16(s)
			next[n]++
		}
	}
	f.fill(table, root, lens, entries, count[:], f.sorted[:used])
	return true
}

// fill writes the entries of all symbols, which are sorted by the length of their codes. It uses
// count up.
func (f *inflater) fill(table []uint32, root uint, lens []uint8, entries []uint32, count, sorted []uint16) {
	code, length := uint(0), uint(0)
	end := uint(1) << root // of the table so far
	prefix, start, width := ^uint(0), end, uint(0)
	for _, s := range sorted {
		n := uint(lens[s])
		code <<= n - length
		length = n
		reversed := uint(bits.Reverse16(uint16(code)) >> (16 - n))
		code++
		e := entries[s]
		if n <= root {
			e += uint32(n)<<codeShift + uint32(n)
			for j := reversed; j < 1<<root; j += 1 << n {
				table[j] = e
			}
			continue
		}
		if p := reversed & (1<<root - 1); p != prefix {
			prefix, start = p, end
			width = subtableBits(n-root, root, count)
			end += 1 << width
			table[p] = isTable | uint32(start)<<valueShift | uint32(width)<<codeShift | uint32(root)
		}
		count[n]--
		rest := n - root
		e += uint32(rest)<<codeShift + uint32(rest)
		for j := reversed >> root; j < 1<<width; j += 1 << rest {
			table[start+j] = e
		}
	}
}

// subtableBits is how many bits index the subtable whose shortest code has root+width bits: so
// many that the codes still to come, in order of their lengths, fill it.
func subtableBits(width, root uint, count []uint16) uint {
	left := 1 << width
	for ; width+root < maxCode; width++ {
		left -= int(count[width+root])
		if left <= 0 {
			break
		}
		left <<= 1
	}
	return width
}

// fixedTables makes the tables of blocks with fixed codes (3.2.6), unless they are there.
func (f *inflater) fixedTables() {
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
	f.build(f.lit[:], litBits, f.lens[:maxLit], litEntries[:])
	f.build(f.dist[:], distBits, f.lens[maxLit:], distEntries[:])
	f.fixed = true
}

// dynamicTables reads the codes of a block (3.2.7).
func (f *inflater) dynamicTables() error {
	if !f.need(14) {
		return errCutShort
	}
	lits, dists, codes := int(f.bits&31)+257, int(f.bits>>5&31)+1, int(f.bits>>10&15)+4
	f.drop(14)
	if lits > 286 || dists > 30 {
		return errDeflate
	}
	clear(f.lens[:len(codeOrder)])
	for _, s := range codeOrder[:codes] {
		if !f.need(3) {
			return errCutShort
		}
		f.lens[s] = uint8(f.bits & 7)
		f.drop(3)
	}
	f.fixed = false
	// The table of the code length code is needed for a moment only: it stands where the one for
	// distances comes.
	const root = 7
	if !f.build(f.dist[:], root, f.lens[:len(codeOrder)], codeEntries[:]) {
		return errDeflate
	}
	if err := f.lengths(lits+dists, root); err != nil {
		return err
	}
	if f.lens[endOfBlock] == 0 ||
		!f.build(f.lit[:], litBits, f.lens[:lits], litEntries[:]) ||
		!f.build(f.dist[:], distBits, f.lens[lits:lits+dists], distEntries[:]) {
		return errDeflate
	}
	return nil
}

// lengths reads the lengths of n codes.
func (f *inflater) lengths(n int, root uint) error {
	for i := 0; i < n; {
		e, err := f.symbol(f.dist[:], root)
		if err != nil {
			return err
		}
		s := e >> valueShift
		if s < 16 {
			f.lens[i] = uint8(s)
			i++
			continue
		}
		var value uint8
		times, extra := 3, uint(3)
		switch s {
		case 16:
			if i == 0 {
				return errDeflate
			}
			value, extra = f.lens[i-1], 2
		case 18:
			times, extra = 11, 7
		}
		if !f.need(extra) {
			return errCutShort
		}
		times += int(f.bits & (1<<extra - 1))
		f.drop(extra)
		if times > n-i {
			return errDeflate
		}
		for ; times > 0; times-- {
			f.lens[i] = value
			i++
		}
	}
	return nil
}

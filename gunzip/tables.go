package gunzip

import "math/bits"

// The tables of a block. An entry is a uint32. One of a literal or length code, or of several that stand behind
// each other within litBits bits, is
//
//	bits 0-5    how many bits to drop: those of the codes and the extra ones of a length
//	bits 8-9    how many literals it has: 0 to 2
//	bit 14      a length follows the literals
//	bit 15      none of that, but something special
//	bits 16-23  the first literal
//	bits 24-31  the second literal, or the length less 3
//
// A special one is
//
//	bits 0-5    how many bits to drop: those of the code
//	bit 6       a code longer than the root table: the value is where its subtable begins
//	bit 7       the end of the block, or, with any other value, a code that doesn't exist
//	bits 10-13  how many further bits index the subtable, or how many extra bits the length has
//	bits 16-31  the value, or the first length of the symbol
//
// One of a distance code is
//
//	bits 0-5    how many bits to drop: those of the code, and the extra ones
//	bits 8-11   how many of them are the code's
//	bit 15      special, as above, but that a subtable's entry drops nothing
//	bits 16-31  the first distance of the symbol
//
// In a subtable the bits of the root are not counted, since they are dropped before.
type tables struct {
	lit  [litSize]uint32
	dist [distSize]uint32
	code [1 << codeBits]uint8 // of the code length code: symbol<<3 | bits

	fixed  bool // lit and dist are those of fixed codes
	lens   [maxLit + maxDist]uint8
	sorted [maxLit + maxDist]uint16 // symbols by the length of their codes
	codeOf [maxLit]uint16           // reversed codes, of those in the root table
	single [1 << (litBits - 1)]uint32
}

const (
	// The root tables, measured with the tarballs of packages. 11 bits for literals cost 2 %, and more take too
	// much of the first level cache; 8 or 10 for distances make no difference.
	litBits, distBits = 12, 9
	codeBits          = 7
	maxCode           = 15 // bits

	maxLit, maxDist = 288, 32 // symbols, with those that are never used
	// Room for the subtables. One of w bits has w+1 codes at least, and 2**w entries: at most 2 for a code with 3
	// bits, and 64/7 with 6.
	litSize  = 1<<litBits + 2*maxLit
	distSize = 1<<distBits + 10*maxDist

	dropMask     = 63
	isTable      = 1 << 6
	isEnd        = 1 << 7
	countShift   = 8
	oneLiteral   = 1 << countShift
	codeShift    = 8
	paramShift   = 10
	isLength     = 1 << 14
	isSpecial    = 1 << 15
	valueShift   = 16
	literalShift = 16
	lengthShift  = 24

	minLength  = 3
	endOfBlock = 256
	noSymbol   = 0xffff
	noCode     = isSpecial | isEnd | noSymbol<<valueShift
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

	litEntries  = makeLitEntries()
	distEntries = makeDistEntries()
)

// The entries of each symbol, still without the length of its code.

func makeLitEntries() (t [maxLit]uint32) {
	for s := range t {
		i := s - endOfBlock - 1
		switch {
		case s < endOfBlock: // as the second one of an entry it stands elsewhere
			t[s] = oneLiteral | uint32(s)<<literalShift | uint32(s)<<lengthShift
		case s == endOfBlock:
			t[s] = isSpecial | isEnd | endOfBlock<<valueShift
		case i >= len(lengthBase):
			t[s] = noCode
		case lengthExtra[i] == 0:
			t[s] = isLength | uint32(lengthBase[i]-minLength)<<lengthShift
		default:
			t[s] = isSpecial | uint32(lengthExtra[i])<<paramShift | uint32(lengthBase[i])<<valueShift
		}
	}
	return t
}

func makeDistEntries() (t [maxDist]uint32) {
	for s := range t {
		t[s] = noCode
		if s < len(distBase) {
			t[s] = uint32(distBase[s])<<valueShift | uint32(distExtra[s])
		}
	}
	return t
}

// literals makes the table of literals and lengths. short says that it will be used so little that pairs of
// symbols are not worth while. It says whether the code is valid.
func (t *tables) literals(lens []uint8, short bool) bool {
	sorted, ok := t.build(t.lit[:], litBits, lens, litEntries[:], 1)
	if len(sorted) > 1 {
		t.expand(lens)
		if !short {
			t.pair(lens, sorted)
		}
	}
	return ok
}

func (t *tables) distances(lens []uint8) bool {
	_, ok := t.build(t.dist[:], distBits, lens, distEntries[:], 1+1<<codeShift)
	return ok
}

// build makes the decoding table of a canonical code (3.2.2). perBit is what each bit of a code adds to its
// entry. It returns the symbols by the lengths of their codes, and whether the code is valid: complete, or, as
// other inflaters let pass too, of at most one symbol, with one bit.
func (t *tables) build(table []uint32, root uint, lens []uint8, entries []uint32, perBit uint32) ([]uint16, bool) {
	var count, next [maxCode + 1]uint16
	for _, n := range lens {
		count[n&maxCode]++
	}
	space, longest := 0, 0 // space is in units of the longest code
	next[1] = count[0]
	for n := 1; n <= maxCode; n++ {
		space += int(count[n]) << (maxCode - n)
		if n < maxCode {
			next[n+1] = next[n] + count[n]
		}
		if count[n] > 0 {
			longest = n
		}
	}
	if space > 1<<maxCode || space < 1<<maxCode && longest > 1 {
		return nil, false
	}
	for s, n := range lens {
		i := &next[n&maxCode]
		t.sorted[*i] = uint16(s)
		*i++
	}
	sorted := t.sorted[count[0]:len(lens)]
	if space < 1<<maxCode {
		for i := range table[:1<<root] {
			table[i] = noCode
			if len(sorted) == 1 && i&1 == 0 {
				table[i] = entries[sorted[0]] + perBit
			}
		}
		return sorted, true
	}
	t.fill(table, root, entries, &count, sorted, perBit)
	return sorted, true
}

// fill writes the entries of a complete code. It begins with a table that has room for the shortest codes only,
// and doubles it when those of one length are in it. It uses count up.
func (t *tables) fill(table []uint32, root uint, entries []uint32, count *[maxCode + 1]uint16, sorted []uint16, perBit uint32) {
	n := uint(1)
	for count[n] == 0 {
		n++
	}
	size, code := uint(1)<<n, uint(0) // the code has its first bit lowest, as it is in the data
	for ; n <= root; n++ {
		add := perBit * uint32(n)
		for range count[n] {
			s := sorted[0]
			sorted = sorted[1:]
			table[code] = entries[s] + add
			if int(s) < len(t.codeOf) {
				t.codeOf[s] = uint16(code)
			}
			code = following(code, n)
		}
		for ; size <= 1<<n && size < 1<<root; size <<= 1 {
			copy(table[size:2*size], table[:size])
		}
		if len(sorted) == 0 {
			for ; size < 1<<root; size <<= 1 {
				copy(table[size:2*size], table[:size])
			}
			return
		}
	}
	t.fillLong(table, root, entries, count, sorted, perBit, code)
}

// following is the next reversed code of n bits, if there is one.
func following(code, n uint) uint {
	ones := uint(1)<<n - 1
	bit := uint(1) << bits.Len(code^ones) >> 1
	return code&(bit-1) | bit
}

// fillLong writes the entries of codes that are longer than the root table, into subtables behind it.
func (t *tables) fillLong(table []uint32, root uint, entries []uint32, count *[maxCode + 1]uint16, sorted []uint16, perBit uint32, code uint) {
	end := uint(1) << root
	prefix, start, width := ^uint(0), end, uint(0)
	for n := root + 1; len(sorted) > 0; n++ {
		for range count[n] {
			if p := code & (1<<root - 1); p != prefix {
				prefix, start = p, end
				width = subtableBits(n-root, root, count)
				end += 1 << width
				table[p] = isSpecial | isTable | uint32(start)<<valueShift | uint32(width)<<paramShift | uint32(root)
			}
			count[n]--
			e := entries[sorted[0]] + perBit*uint32(n-root)
			sorted = sorted[1:]
			for j := code >> root; j < 1<<width; j += 1 << (n - root) {
				table[start+j] = e
			}
			code = following(code, n)
		}
	}
}

// subtableBits is how many bits index the subtable whose shortest code has root+width bits: so
// many that the codes still to come, in order of their lengths, fill it.
func subtableBits(width, root uint, count *[maxCode + 1]uint16) uint {
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

// expand gives each length that the root table can tell with its extra bits an entry of its own.
func (t *tables) expand(lens []uint8) {
	table := (*[1 << litBits]uint32)(t.lit[:])
	for i, s := 0, endOfBlock+1; i < len(lengthExtra) && s < len(lens); i, s = i+1, s+1 {
		n, x := uint(lens[s]), uint(lengthExtra[i])
		if x == 0 || n == 0 || n+x > litBits {
			continue
		}
		e := isLength | uint32(n+x) + uint32(lengthBase[i]-minLength)<<lengthShift
		extra, step := uint32(0), uint(1)<<n
		for j := uint(t.codeOf[s]); j < uint(len(table)); j += step {
			table[j] = e + extra<<lengthShift
			extra = (extra + 1) & (1<<x - 1)
		}
	}
}

// pair puts two symbols into an entry where a literal leaves enough bits for a second literal or for a length.
func (t *tables) pair(lens []uint8, sorted []uint16) {
	table := (*[1 << litBits]uint32)(t.lit[:])
	least := lens[sorted[0]]
	var single []uint32 // the table without pairs
	for _, s := range sorted {
		n := lens[s]
		if n+least > litBits {
			break
		}
		if s >= endOfBlock {
			continue
		}
		room := litBits - uint(n)
		if single == nil {
			single = t.single[:1<<room]
			copy(single, table[:])
		}
		follow(table, single[:1<<room], uint(t.codeOf[s]), 1<<n, litEntries[s]+uint32(n), uint32(room))
	}
}

// follow puts second symbols of room bits behind the literal e, whose entries are at j and every step after it. It
// is a function of its own so that everything has a register.
//
//go:noinline
func follow(table *[1 << litBits]uint32, second []uint32, j, step uint, e, room uint32) {
	const firstLiteral, rest = 0xff << literalShift, 0xff << lengthShift
	first := e &^ rest
	for _, e2 := range second {
		v := e2&^firstLiteral + first
		if e2&(isSpecial|dropMask) > room {
			v = e
		}
		table[j&(1<<litBits-1)] = v
		j += step
	}
}

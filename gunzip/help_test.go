package gunzip_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pantry-go/pantry/gunzip"
)

var levels = []int{flate.NoCompression, flate.HuffmanOnly, 1, 9}

func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, w, data)
	return b.Bytes()
}

func zip(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, w, data)
	return b.Bytes()
}

func finish(t testing.TB, w io.WriteCloser, data []byte) {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// samples are texts and noise of many lengths, so that the end of the data falls on every place.
func samples() map[string][]byte {
	rnd := rand.New(rand.NewPCG(7, 7))
	noise := make([]byte, 50_000)
	skewed := make([]byte, 50_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
		skewed[i] = byte(min(rnd.ExpFloat64()*20, 255)) // gives codes longer than the root table
	}
	var text bytes.Buffer
	for i := range 2000 {
		text.WriteString("export const value")
		text.WriteByte(byte('a' + i%26))
		text.WriteString(" = require('./module')\n"[:5+i%18])
	}
	m := map[string][]byte{"noise": noise, "skewed": skewed, "text": text.Bytes(),
		"zeros": make([]byte, 50_000), "empty": nil}
	for _, period := range []string{"ab", "abc", "abcde", "abcdefg", "abcdefgh", "abcdefghijk", "abcdefghijklmno"} {
		m["period of "+period] = bytes.Repeat([]byte(period), 5000)
	}
	for n := 1; n < 700; n += 83 {
		m["text of "+string(rune('A'+n%26))+string(rune('0'+n/26))] = text.Bytes()[n : 2*n]
	}
	return m
}

// filler is what Decoder and Inflater have in common.
type filler interface {
	Fill(out []byte, o int) (int, error)
}

// drain fills a buffer of the given size again and again, as a reader of a stream does. Behind the buffer is
// something that must stay.
func drain(t testing.TB, f filler, size int) (all []byte, err error) {
	t.Helper()
	pooled := buffers.Get().(*[220_000]byte)
	defer buffers.Put(pooled)
	whole := pooled[:]
	size = min(size, len(whole)-len(untouched))
	copy(whole[size:], untouched)
	defer func() {
		if !bytes.HasPrefix(whole[size:], untouched) {
			t.Fatal("wrote behind the end of the buffer")
		}
	}()
	buf := whole[:size]
	o := 0
	for {
		end, err := f.Fill(buf, o)
		all = append(all, buf[o:end]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		gone := max(0, end-gunzip.History)
		o = copy(buf, buf[gone:end])
	}
}

var (
	buffers   = sync.Pool{New: func() any { return new([220_000]byte) }}
	untouched = bytes.Repeat([]byte{0xa5}, 1<<10)
)

// smallest is the smallest buffer that can be filled with all of the history in it.
const smallest = gunzip.History + gunzip.Margin + 1

// blocks makes up DEFLATE data, of blocks with random codes of up to 15 bits and random symbols, such as
// compressors don't write. Some distances lead too far.
type blocks struct {
	rnd  *rand.Rand
	out  []byte
	bits uint64
	n    uint
	made int // bytes it inflates to
}

func (b *blocks) put(v uint64, n uint) {
	b.bits |= v << b.n
	for b.n += n; b.n >= 8; b.n -= 8 {
		b.out = append(b.out, byte(b.bits))
		b.bits >>= 8
	}
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// lengths splits the space of codes until each of n symbols has its own, of most bits at most.
func (b *blocks) lengths(n, most int) []uint8 {
	lens := []uint8{1, 1}
	for len(lens) < n {
		// Splitting a long one rather than a short one gives long codes.
		i := b.rnd.IntN(len(lens))
		if j := b.rnd.IntN(len(lens)); lens[j] > lens[i] {
			i = j
		}
		if int(lens[i]) == most {
			continue
		}
		lens[i]++
		lens = append(lens, lens[i])
	}
	b.rnd.Shuffle(n, func(i, j int) { lens[i], lens[j] = lens[j], lens[i] })
	return lens
}

// code is a canonical code: of each symbol the reversed code and its length.
type code struct {
	bits []uint64
	lens []uint8
}

func canonical(lens []uint8) code {
	c := code{make([]uint64, len(lens)), lens}
	next := uint64(0)
	for n := uint8(1); n <= 15; n++ {
		for s, m := range lens {
			if m != n {
				continue
			}
			for i := range n {
				c.bits[s] |= next >> i & 1 << (n - 1 - i)
			}
			next++
		}
		next <<= 1
	}
	return c
}

func (b *blocks) symbol(c code, s int) { b.put(c.bits[s], uint(c.lens[s])) }

// scatter gives the first lens to symbols that are drawn from size ones; must is one of them.
func (b *blocks) scatter(lens []uint8, size, must int) []uint8 {
	all := make([]uint8, size)
	at := b.rnd.Perm(size)[:len(lens)]
	if must >= 0 {
		found := false
		for _, s := range at {
			found = found || s == must
		}
		if !found {
			at[0] = must
		}
	}
	for i, s := range at {
		all[s] = lens[i]
	}
	return all
}

// dynamic makes a block with codes of its own.
func (b *blocks) dynamic(last bool, symbols int) {
	lits := b.scatter(b.lengths(2+b.rnd.IntN(285), 15), 286, 256)
	dists := b.scatter(b.lengths(2+b.rnd.IntN(29), 15), 30, -1)
	b.put(number(last), 1)
	b.put(2, 2)
	b.put(29, 5)
	b.put(29, 5)
	b.put(15, 4)
	// The code length code has the lengths from 0 to 15, with 4 bits each; nothing is repeated.
	for _, s := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		b.put(4*number(s < 16), 3)
	}
	lengths := canonical(bytes.Repeat([]byte{4}, 16))
	for _, n := range append(append([]uint8(nil), lits...), dists...) {
		b.symbol(lengths, int(n))
	}
	b.symbols(canonical(lits), canonical(dists), symbols)
}

// fixed makes a block with the fixed codes.
func (b *blocks) fixed(last bool, symbols int) {
	lits := make([]uint8, 288)
	for s := range lits {
		lits[s] = [...]uint8{8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 7, 8}[s/16]
		if s >= 280 {
			lits[s] = 8
		}
	}
	b.put(number(last), 1)
	b.put(1, 2)
	b.symbols(canonical(lits), canonical(bytes.Repeat([]byte{5}, 32)), symbols)
}

var (
	lengthExtra = []uint{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distExtra   = []uint{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// symbols writes random symbols that the codes have, and the end of the block.
func (b *blocks) symbols(lits, dists code, n int) {
	var useful []int
	for s, m := range lits.lens {
		if m > 0 && s != 256 && s < 286 {
			useful = append(useful, s)
		}
	}
	for range n {
		if len(useful) == 0 {
			break
		}
		s := useful[b.rnd.IntN(len(useful))]
		if s < 256 {
			b.symbol(lits, s)
			b.made++
			continue
		}
		d := b.distance(dists)
		if d < 0 {
			continue
		}
		b.symbol(lits, s)
		x := lengthExtra[s-257]
		v := b.rnd.Uint64() & (1<<x - 1)
		b.put(v, x)
		b.symbol(dists, d)
		b.put(b.rnd.Uint64()&(1<<distExtra[d]-1), distExtra[d])
		b.made += 3 // at least
	}
	b.symbol(lits, 256)
}

// distance is a symbol that leads to something that was made already; -1 if there is none.
func (b *blocks) distance(c code) int {
	for range 20 {
		d := b.rnd.IntN(30)
		farthest := 1 << (distExtra[d] + 2) // or less
		if c.lens[d] > 0 && farthest <= b.made {
			return d
		}
	}
	return -1
}

// random makes data of several blocks.
func random(seed uint64) []byte {
	b := &blocks{rnd: rand.New(rand.NewPCG(seed, 1))}
	n := 1 + b.rnd.IntN(4)
	for i := range n {
		if b.rnd.IntN(4) == 0 {
			b.fixed(i == n-1, b.rnd.IntN(2000))
		} else {
			b.dynamic(i == n-1, b.rnd.IntN(5000))
		}
	}
	b.put(0, 7)
	return b.out
}

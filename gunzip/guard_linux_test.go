package gunzip_test

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"

	"github.com/pantry-go/pantry/gunzip"
)

// guarded returns n bytes, before and behind which there is memory that nobody may touch: n bytes up to the
// end of a page, and as many from the beginning of one.
func guarded(t *testing.T, n int) (upToEnd, fromStart []byte) {
	t.Helper()
	page := os.Getpagesize()
	size := (n + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(all) })
	for _, guard := range [][]byte{all[:page], all[page+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return all[page+size-n : page+size : page+size], all[page : page+n : page+n]
}

// TestBounds has input and output beside memory that makes the program crash when it is read or written: the fast
// loop has no bounds checks.
func TestBounds(t *testing.T) {
	t.Parallel()
	outEnd, outStart := guarded(t, smallest+99)
	inEnd, inStart := guarded(t, 1<<18)
	run := func(packed []byte) {
		end, start := inEnd[len(inEnd)-len(packed):], inStart[:len(packed)]
		copy(end, packed)
		for _, out := range [][]byte{outEnd, outStart} {
			copy(end, packed) // it may overlap with start
			touch(end, out)
			copy(start, packed)
			touch(start, out)
		}
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	for _, data := range samples() {
		for _, level := range levels {
			packed := deflate(t, data, level)
			run(packed)
			run(packed[:rnd.IntN(len(packed)+1)])
			packed[rnd.IntN(len(packed))] ^= 1 << rnd.IntN(8)
			run(packed)
		}
	}
	for seed := range uint64(200) {
		run(random(seed))
	}
	noise := make([]byte, 3000)
	for range 2000 {
		n := 1 + rnd.IntN(len(noise)-1)
		for i := range n {
			noise[i] = byte(rnd.Uint32())
		}
		noise[0] = noise[0]&^7 | 2 + byte(rnd.IntN(2))<<1 // fixed or dynamic codes
		run(noise[:n])
	}
}

func touch(packed, out []byte) {
	var f gunzip.Inflater
	f.Reset(packed, nil)
	for o := 0; ; {
		end, err := f.Fill(out, o)
		if err != nil {
			return
		}
		gone := max(0, end-gunzip.History)
		o = copy(out, out[gone:end])
	}
}

package gunzip

import (
	"encoding/binary"
	"io"
	"math"
	"sync"
)

const (
	// maxRatio is how many times its size DEFLATE data can unpack to.
	maxRatio = 1032
	// trusted is how many times the packed size the length in a trailer may ask for before anything is
	// unpacked. JSON and JavaScript become 5 to 30 times as much.
	trusted = 64
	// firstGrowth is what a buffer grows by at least.
	firstGrowth = 64 << 10
)

// decoders holds decoders that Unpack used.
var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// Unpack inflates all of packed into memory of its own; see [Append]. There are no bytes with an error.
func Unpack(packed []byte, limit int64) ([]byte, error) {
	out, err := Append(nil, packed, limit)
	if err != nil {
		return nil, err
	}
	return out[:len(out):len(out)], nil
}

// Append inflates all of packed behind what dst holds, and returns all that; with an error it is what dst holds
// alone. If dst has no room for the unpacked bytes and Margin more, it is moved to memory of the size that the
// trailer of packed says, if that is likely, and from there on as need be: to twice what comes out at most, or 64
// times the size of packed. What stands behind the bytes that are returned is of no use any more.
//
// Unpacking to more than limit bytes is an error that matches ErrTooLarge; other errors are those of
// [Decoder.Fill]. It is safe for concurrent use.
func Append(dst, packed []byte, limit int64) ([]byte, error) {
	d := decoders.Get().(*Decoder)
	defer func() {
		d.Reset(nil, nil)
		decoders.Put(d)
	}()
	d.Reset(packed, nil)
	start := len(dst)
	limit = min(max(limit, 0), int64(math.MaxInt-2*Margin-start))
	most := min(limit, int64(len(packed))*maxRatio) + 1 // one more, to see the end
	out := room(dst, min(likelySize(packed)+1, most))
	for o := start; ; {
		var err error
		o, err = d.Fill(out, o)
		n := int64(o - start)
		switch {
		case n > limit:
			return out[:start], &Error{ErrTooLarge, "it unpacks to more than the limit"}
		case err == io.EOF:
			return out[:o], nil
		case err != nil:
			return out[:start], err
		}
		out = room(out[:o], min(n+firstGrowth, most-n))
	}
}

// room returns b and as much behind it as it has room for, for n bytes and the margin at least.
func room(b []byte, n int64) []byte {
	if int64(cap(b)-len(b)) < n+Margin {
		bigger := make([]byte, int64(len(b))+n+Margin)
		copy(bigger, b)
		return bigger
	}
	return b[:cap(b)]
}

// likelySize is how much packed says that it unpacks to, or the most that is believed. It is wrong where there are
// several members, or padding.
func likelySize(packed []byte) int64 {
	if len(packed) < 4 {
		return 0
	}
	size := binary.LittleEndian.Uint32(packed[len(packed)-4:])
	return min(int64(size), trusted*int64(len(packed)))
}

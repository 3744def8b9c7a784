package transport

import (
	"io"
	"slices"
)

const (
	// firstRead is how much memory an announced length gets before a byte has come.
	firstRead = 1 << 20
	// trustFactor is how much more than has come already a length may ask for: a server must send
	// an eighth of what it makes us allocate.
	trustFactor = 8
	// firstChunk and lastChunk bound the pieces in which a body of unknown length is gathered.
	firstChunk = 4 << 10
	lastChunk  = 8 << 20
)

// readKnown reads a body whose length was announced.
func readKnown(r io.Reader, length, limit int64) ([]byte, error) {
	buf := make([]byte, 0, min(length, firstRead)+1) // one more, to see the end without growing
	buf, err := readInto(buf, r, length, limit)
	if err != nil {
		return nil, err
	}
	return buf, nil
}

// readInto reads into one buffer, which must have room for something, and which grows towards the announced length
// as bytes come in. With 20 MB announced, 9 MB are copied, rather than the 40 of doubling.
func readInto(buf []byte, r io.Reader, length, limit int64) ([]byte, error) {
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return buf, tooLarge(limit)
		}
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
		if len(buf) == cap(buf) {
			have := int64(len(buf))
			want := min(length+1, trustFactor*have)
			if want <= have { // longer than announced
				want = 2 * have
			}
			buf = slices.Grow(buf, int(min(want, limit+1)-have))
		}
	}
}

// readUnknown gathers pieces of growing size and joins them once, so that each byte is copied once.
func readUnknown(r io.Reader, limit int64) ([]byte, error) {
	var (
		full  [][]byte
		total int64 // in full
		buf   = make([]byte, 0, min(firstChunk, limit+1))
	)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if total+int64(len(buf)) > limit {
			return nil, tooLarge(limit)
		}
		if err == io.EOF {
			return join(full, buf, total), nil
		}
		if err != nil {
			return nil, err
		}
		if len(buf) == cap(buf) {
			full, total = append(full, buf), total+int64(len(buf))
			buf = make([]byte, 0, min(max(total, firstChunk), lastChunk, limit+1-total))
		}
	}
}

func join(full [][]byte, last []byte, total int64) []byte {
	if len(full) == 0 {
		return last
	}
	return slices.Concat(append(full, last)...)
}

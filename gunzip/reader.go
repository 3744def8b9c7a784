package gunzip

import "io"

// Reader inflates a gzip stream as an io.Reader. The zero Reader must be Reset before it is used, and can be Reset
// as often as one likes; it is some 200 kB once it was used. It is for one goroutine.
type Reader struct {
	d        Decoder
	buf      []byte
	pos, end int // what is inflated and not read
	err      error
}

// readerRoom is how much a Reader inflates at once, in bytes.
const readerRoom = 64 << 10

// NewReader returns a reader of the gzip data that src gives.
func NewReader(src io.Reader) *Reader {
	r := new(Reader)
	r.Reset(src)
	return r
}

// Reset makes r a reader of what src gives; nil lets go of the one before. Nothing is read from src before Read,
// which may read more of it than it needs.
func (r *Reader) Reset(src io.Reader) {
	r.d.Reset(nil, src)
	r.pos, r.end, r.err = 0, 0, nil
}

// Read reads unpacked bytes. Errors are those of [Decoder.Fill].
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.pos == r.end {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.buf[r.pos:r.end])
	r.pos += n
	return n, nil
}

// fill inflates more. Everything was read.
func (r *Reader) fill() {
	if r.buf == nil {
		r.buf = make([]byte, History+readerRoom+Margin)
	}
	if r.end > History {
		r.end = copy(r.buf, r.buf[r.end-History:r.end])
	}
	r.pos = r.end
	r.end, r.err = r.d.Fill(r.buf, r.end)
}

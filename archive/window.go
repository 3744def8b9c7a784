package archive

import (
	"errors"
	"io"

	"github.com/pantry-go/pantry/gunzip"
)

// windowSize is how much of an archive is in memory at least. A file that fits goes to the sink in
// one piece: 99 of 100 files of packages do.
const windowSize = 256 << 10

// window gives the unpacked bytes in contiguous pieces, out of the buffer they are inflated into.
type window struct {
	buf      []byte
	pos, end int   // what is there and not taken
	base     int64 // offset of buf[0] in the unpacked archive
	err      error // why there is nothing behind end
	z        gzipFiller
	from     filler
	check    func(total int64) error
}

// filler gives unpacked bytes.
type filler interface {
	// fill writes to out from o on, up to gunzip.Margin bytes before its end at most, and returns
	// where what it wrote ends. Of what stands before o it may need the last gunzip.History bytes. The
	// error is io.EOF at the end of the data.
	fill(out []byte, o int) (int, error)
}

// gzipFiller inflates gzip'd data.
type gzipFiller struct{ gunzip.Decoder }

func (z *gzipFiller) fill(out []byte, o int) (int, error) {
	end, err := z.Fill(out, o)
	return end, badGzip(err)
}

// badGzip makes an error of package gunzip one of ours.
func badGzip(err error) error {
	e, ours := err.(*gunzip.Error)
	switch {
	case !ours:
		return err
	case e.Kind == gunzip.ErrTooMany:
		return refused("", "%s", e.Reason)
	}
	return corrupt("", "%s", e.Reason)
}

// reset makes w the window on gzip'd data: packed, or what src gives.
func (w *window) reset(packed []byte, src io.Reader, check func(total int64) error) {
	w.z.Reset(packed, src)
	w.open(&w.z, check)
}

// open makes w the window on what from gives. check is told how much that was.
func (w *window) open(from filler, check func(total int64) error) {
	if w.buf == nil {
		w.buf = make([]byte, gunzip.History+windowSize+windowSize/2+gunzip.Margin)
	}
	w.pos, w.end, w.base, w.err, w.from, w.check = 0, 0, 0, nil, from, check
}

// close lets go of what is the caller's, and gives w back to the pool.
func (w *window) close() {
	w.reset(nil, nil, nil)
	windowPool.Put(w)
}

// offset is where in the unpacked archive the next byte stands.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// peek returns the next n bytes without taking them, or as many as there are, with the error
// that ended them. n must not exceed windowSize.
func (w *window) peek(n int) ([]byte, error) {
	for w.end-w.pos < n {
		if w.err != nil {
			return w.buf[w.pos:w.end], w.err
		}
		w.fill()
	}
	return w.buf[w.pos : w.pos+n], nil
}

// fits says that n bytes can be had in one piece.
func (w *window) fits(n int64) bool { return n <= windowSize }

// fill inflates more, after making room: only the history must stay.
func (w *window) fill() {
	if gone := min(w.pos, w.end-gunzip.History); gone > 0 {
		w.base += int64(gone)
		w.end = copy(w.buf, w.buf[gone:w.end])
		w.pos -= gone
	}
	w.end, w.err = w.from.fill(w.buf, w.end)
	if err := w.check(w.base + int64(w.end)); err != nil {
		w.err = err
	}
}

// take returns the next n bytes, which stay valid until the next call.
func (w *window) take(n int) ([]byte, error) {
	b, err := w.peek(n)
	if err != nil {
		return nil, cutOff(err)
	}
	w.pos += n
	return b, nil
}

// skip drops n bytes.
func (w *window) skip(n int64) error {
	for n > 0 {
		if w.pos == w.end {
			if w.err != nil {
				return cutOff(w.err)
			}
			w.fill()
		}
		k := min(n, int64(w.end-w.pos))
		w.pos += int(k)
		n -= k
	}
	return nil
}

// cutOff makes the end of the data an error.
func cutOff(err error) error {
	if err == io.EOF {
		return corrupt("", "the tar archive is cut off")
	}
	return err
}

// section is the content of a file that doesn't fit the buffer.
type section struct {
	w    *window
	left int64
	err  error
}

func (s *section) chunk(most int) ([]byte, error) {
	if s.left == 0 {
		return nil, io.EOF
	}
	if s.err != nil {
		return nil, s.err
	}
	if s.w.pos == s.w.end && s.w.err == nil {
		s.w.fill()
	}
	n := int(min(int64(most), s.left, int64(s.w.end-s.w.pos)))
	if n == 0 && s.w.err != nil {
		s.err = cutOff(s.w.err)
		return nil, s.err
	}
	b := s.w.buf[s.w.pos : s.w.pos+n]
	s.w.pos += n
	s.left -= int64(n)
	return b, nil
}

func (s *section) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.chunk(len(p))
	return copy(p, b), err
}

func (s *section) WriteTo(out io.Writer) (n int64, err error) {
	for {
		b, err := s.chunk(len(s.w.buf))
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		k, err := out.Write(b)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
}

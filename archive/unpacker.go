package archive

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"

	"github.com/pantry-go/pantry/gunzip"
)

// maxDictionary bounds the memory that one xz or zstd stream may ask for: "xz -9" needs 64 MiB, and
// "zstd --ultra -22", like "zstd --long", 128 MiB.
const maxDictionary = 128 << 20

// readSize is how much of an artifact is read at once, in bytes.
const readSize = 64 << 10

// unpacker gives what is below an artifact's compression, out of w's decoder where it is that. done
// gives back what it holds.
func (a *artifact) unpacker(w *window, p packing) (f filler, done func(), err error) {
	done = func() {}
	// The buffer saves small reads; and it never gives data together with io.EOF, which package xz would
	// take for the end of the stream it is in, so that it would not see another one in the same piece.
	buffered := func() io.Reader { return bufio.NewReaderSize(a.all(), readSize) }
	switch p {
	case gzipped:
		if a.src == nil {
			w.z.Reset(a.head, nil)
		} else {
			w.z.Reset(nil, a.all())
		}
		return &w.z, done, nil
	case xzed:
		z, err := xz.NewReader(buffered(), maxDictionary)
		if err != nil {
			return nil, done, badXZ(err)
		}
		return &puller{r: z, explain: badXZ}, done, nil
	case zstded:
		// Without concurrency there are no goroutines that a writer that fails could leave behind.
		z, err := zstd.NewReader(buffered(), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return nil, done, badZstd(err)
		}
		return &puller{r: z, explain: badZstd}, z.Close, nil
	case bzipped:
		return &puller{r: bzip2.NewReader(buffered()), explain: badBzip2}, done, nil
	}
	return &puller{r: a.all(), explain: func(err error) error { return err }}, done, nil
}

func badXZ(err error) error {
	switch err {
	case xz.ErrMemlimit:
		return needsMemory("xz")
	case xz.ErrOptions, xz.ErrUnsupportedCheck:
		return unsupported("", "the xz data needs a filter or a check that is not known here")
	}
	return badData("xz", err)
}

func badZstd(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return needsMemory("zstd")
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return unsupported("", "the zstd data needs a dictionary that is not in it")
	}
	return badData("zstd", err)
}

func badBzip2(err error) error { return badData("bzip2", err) }

func needsMemory(kind string) error {
	return refused("", "unpacking the %s data takes more than %d MiB of memory", kind, maxDictionary>>20)
}

func badData(kind string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return corrupt("", "the %s data is cut off", kind)
	}
	return corrupt("", "the %s data is damaged or cut off (%v)", kind, err)
}

// puller is a reader as a filler.
type puller struct {
	r       io.Reader
	explain func(error) error
}

func (p *puller) fill(out []byte, o int) (int, error) {
	const maxIdle = 100
	for range maxIdle {
		n, err := p.r.Read(out[o : len(out)-gunzip.Margin])
		if err != nil && err != io.EOF {
			err = p.explain(err)
		}
		if n > 0 || err != nil {
			return o + n, err
		}
	}
	return o, io.ErrNoProgress
}

// remainder is what is left of a window, up to a limit.
type remainder struct {
	w    *window
	most int64
	n    int64
	err  error
}

// chunk takes what is there, or at most as much as given.
func (s *remainder) chunk(most int) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	for s.w.pos == s.w.end {
		if s.w.err != nil {
			s.err = s.w.err
			return nil, s.err
		}
		s.w.fill()
	}
	n := min(most, s.w.end-s.w.pos)
	if s.n += int64(n); s.n > s.most {
		s.err = refused("", "larger than %d bytes", s.most)
		return nil, s.err
	}
	b := s.w.buf[s.w.pos : s.w.pos+n]
	s.w.pos += n
	return b, nil
}

func (s *remainder) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.chunk(len(p))
	return copy(p, b), err
}

func (s *remainder) WriteTo(out io.Writer) (n int64, err error) {
	for {
		b, err := s.chunk(len(s.w.buf))
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		k, err := out.Write(b)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
}

// Package archive unpacks package tarballs and the artifacts of tools safely, and packs tarballs.
//
// What it promises: a path that reaches a [Sink] is relative, clean, free of "..", of control
// characters and of backslashes, and no two of them mean the same file, not even on a file system
// that folds case or normalises Unicode (for artifacts of tools, only on systems where that is usual).
// Devices never reach it; links only from [UnpackArtifact],
// after all files, and only those that cannot lead out of the artifact. What an archive may
// cost is bounded by [Limits]. Anything that two readers of the same bytes could understand
// differently (two files under one name, trailing data, extended headers that contradict
// themselves) is an error and never a guess.
//
// The tar reader is the package's own, since archive/tar copies every file once more and, being
// made for every kind of archive, understands more (sparse files) than a package may hold.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
)

// What is wrong with an archive, for errors.Is.
var (
	// ErrRefused: the archive can be read, but what is in it is not acceptable.
	ErrRefused = errors.New("archive refused")
	// ErrCorrupt: the archive cannot be read, or is not what its name says.
	ErrCorrupt = errors.New("archive corrupt")
	// ErrUnsupported: the archive is of a kind that this package doesn't read.
	ErrUnsupported = errors.New("archive not supported")
)

// Error says what is wrong with an archive, and with which entry of it.
type Error struct {
	// Kind is ErrRefused, ErrCorrupt or ErrUnsupported.
	Kind error
	// Entry is the path of the entry as the archive spells it; "" where none is concerned. It
	// is not safe to print as it is; Error quotes it.
	Entry string
	// Reason is what is wrong.
	Reason string
}

func (e *Error) Error() string {
	if e.Entry == "" {
		return e.Kind.Error() + ": " + e.Reason
	}
	return fmt.Sprintf("%v: entry %s: %s", e.Kind, quote(e.Entry), e.Reason)
}

func (e *Error) Unwrap() error { return e.Kind }

func refused(entry, format string, args ...any) error {
	return &Error{Kind: ErrRefused, Entry: entry, Reason: fmt.Sprintf(format, args...)}
}

func unsupported(entry, format string, args ...any) error {
	return &Error{Kind: ErrUnsupported, Entry: entry, Reason: fmt.Sprintf(format, args...)}
}

func corrupt(entry, format string, args ...any) error {
	return &Error{Kind: ErrCorrupt, Entry: entry, Reason: fmt.Sprintf(format, args...)}
}

// quote escapes whatever a terminal could obey, and shortens.
func quote(s string) string {
	const most = 200
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}

// Entry is one regular file, or, if Link is set, a symbolic link.
type Entry struct {
	// Path is clean, relative, slash-separated, without what was stripped.
	Path       string
	Executable bool // any of the owner, group, other execute bits; never for a link
	// Size is the number of bytes of a file; -1 for a single program whose size only reading it to
	// its end tells; 0 for a link.
	Size int64
	// Link is where a symbolic link leads, as the archive spells it: relative to the link's folder,
	// and within the artifact.
	Link string
}

// Sink receives the files of an archive in order.
type Sink interface {
	// File takes one file. content has exactly e.Size bytes (or as many as come, if that is -1) and
	// is valid during the call only. It implements io.WriterTo.
	File(e Entry, content io.Reader) error
}

// SinkFunc is a function as a [Sink].
type SinkFunc func(e Entry, content io.Reader) error

// File calls f.
func (f SinkFunc) File(e Entry, content io.Reader) error { return f(e, content) }

// UnpackNPM reads a gzip'd tar as npm packs them, strips the first path segment of every entry, and
// gives each regular file to sink. It reads r to its end, so that a hash over r is complete.
// Errors match [ErrRefused] (what is in it is not acceptable) or [ErrCorrupt] (it cannot be read),
// or are those of r and sink. After an error sink may have received some of the files.
//
// As npm does, it skips directories, and entries of which stripping leaves nothing; a leading
// "./" is a segment like any other. Several gzip members in a row are one stream, and zero bytes
// after the last one are padding.
//
// A file that stands there twice with the same bytes is given to sink once (some releases of pnpm
// packed the main file twice); with different bytes it is refused. So is a second time in an
// archive of more than 1 MiB, unless it is in memory and given to [UnpackNPMBytes].
func UnpackNPM(r io.Reader, sink Sink, lim Limits) error {
	head := packedPool.Get().(*[]byte)
	defer packedPool.Put(head)
	src := &source{r: r}
	n, err := io.ReadFull(src, *head)
	switch {
	case src.err != nil:
		return src.err
	case err != nil: // that was all
		return UnpackNPMBytes((*head)[:n], sink, lim)
	}
	err = unpack(nil, io.MultiReader(bytes.NewReader(*head), src), sink, lim)
	if src.err != nil {
		return src.err
	}
	return err
}

// packedPool holds buffers for archives that come from a reader.
var packedPool = sync.Pool{New: func() any { b := make([]byte, 1<<20); return &b }}

// UnpackNPMBytes is [UnpackNPM] of an archive that is in memory already. It doesn't keep packed.
func UnpackNPMBytes(packed []byte, sink Sink, lim Limits) error {
	return unpack(packed, nil, sink, lim)
}

// windowPool holds windows, each of some 500 KiB.
var windowPool = sync.Pool{New: func() any { return new(window) }}

// unpack unpacks packed, or, if there is one, what r gives.
func unpack(packed []byte, r io.Reader, sink Sink, lim Limits) error {
	lim = lim.withDefaults()
	w := windowPool.Get().(*window)
	defer w.close()
	if r == nil {
		w.reset(packed, nil, func(out int64) error { return lim.check(out, int64(len(packed))) })
	} else {
		src := &source{r: r}
		w.reset(nil, src, func(out int64) error { return lim.check(out, src.n) })
	}
	return walk(w, packed, sink, lim)
}

// source remembers the error of a reader, to tell it from those of the layers above.
type source struct {
	r   io.Reader
	n   int64
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

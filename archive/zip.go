package archive

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/pantry-go/pantry/gunzip"
)

// unzip unpacks a zip archive: from memory, or from a temporary file.
func (a *artifact) unzip() error {
	if a.src == nil {
		return a.unzipFrom(bytes.NewReader(a.head), int64(len(a.head)))
	}
	f, err := os.CreateTemp(a.opts.Temp, "artifact-*.zip")
	if err != nil {
		return fmt.Errorf("keep the zip archive: %w", err)
	}
	gone := os.Remove(f.Name()) == nil // Windows wants it closed before
	defer func() {
		_ = f.Close()
		if !gone {
			_ = os.Remove(f.Name())
		}
	}()
	n, err := io.Copy(f, io.LimitReader(a.all(), a.lim.Bytes+1))
	switch {
	case a.src.err != nil:
		return a.src.err
	case err != nil:
		return fmt.Errorf("keep the zip archive: %w", err)
	case n > a.lim.Bytes:
		return refused("", "larger than %d bytes", a.lim.Bytes)
	}
	return a.unzipFrom(f, n)
}

// unzipper goes through the entries of one zip archive.
type unzipper struct {
	walker
	r     io.ReaderAt
	plain bool // no mode says what is executable
	from  zipFiller
}

func (a *artifact) unzipFrom(r io.ReaderAt, size int64) error {
	ends, err := findZipEnd(r, size)
	if err != nil {
		return err
	}
	entries, err := readZipDir(r, ends, a.lim)
	if err != nil {
		return err
	}
	if err := checkZip(r, entries, ends.at, size, a.lim); err != nil {
		return err
	}
	u := &unzipper{walker: a.walker(), r: r}
	defer u.names.free()
	u.plain = !slices.ContainsFunc(entries, func(z zipEntry) bool {
		return z.unix && z.mode&unixType != unixLink && z.mode&0o111 != 0 && !z.isDir()
	})
	u.w = windowPool.Get().(*window)
	defer u.w.close()
	for i := range entries {
		if err := u.entry(&entries[i]); err != nil {
			return err
		}
	}
	return u.finish()
}

// checkZip finds the contents of the entries, which must not overlap, and refuses what unpacks to too
// much before any of it is unpacked. It sorts the entries as they stand in the archive.
func checkZip(r io.ReaderAt, entries []zipEntry, end, size int64, lim Limits) error {
	slices.SortStableFunc(entries, func(a, b zipEntry) int { return cmp.Compare(a.at, b.at) })
	var last, total int64
	for i := range entries {
		z := &entries[i]
		if z.at < last {
			return refused(z.name, "it overlaps with another entry of the zip archive")
		}
		if z.at > end-zipLocalSize {
			return corrupt(z.name, "it is not where the zip archive's directory says")
		}
		if err := z.locate(r, end); err != nil {
			return err
		}
		if z.packed > end || z.content > end-z.packed {
			return refused(z.name, "it overlaps with the zip archive's directory")
		}
		last = z.content + z.packed
		if z.size > lim.File {
			return refused(z.name, "larger than %d bytes", lim.File)
		}
		if total += z.size; total > lim.Bytes {
			return refused("", "unpacks to more than %d bytes", lim.Bytes)
		}
	}
	return lim.check(total, size)
}

func (u *unzipper) entry(z *zipEntry) error {
	kind := z.mode & unixType
	if !z.unix || kind == 0 {
		kind = unixRegular
		if z.isDir() {
			kind = unixDirectory
		}
	}
	if z.isDir() != (kind == unixDirectory) {
		return corrupt(z.name, "its name and its mode disagree on whether it is a folder")
	}
	path, err := u.clean([]byte(z.name))
	if err != nil {
		return err
	}
	switch {
	case kind == unixDirectory && z.size != 0:
		return corrupt(z.name, "a directory with content")
	case kind != unixDirectory && kind != unixRegular && kind != unixLink:
		return refused(z.name, "it is neither a file nor a folder nor a link")
	case path == "":
		return nil
	case kind == unixDirectory:
		return u.names.dir(path, []byte(z.name))
	}
	if kind == unixLink && z.size > int64(u.lim.Path) {
		return refused(z.name, "a link to a path that is too long")
	}
	u.from.reset(u.r, z)
	u.w.open(&u.from, func(int64) error { return nil })
	if kind == unixLink {
		return u.zipLink(z, path)
	}
	if err := u.zipFile(z, path); err != nil {
		return named(err, z.name)
	}
	return nil
}

func (u *unzipper) zipLink(z *zipEntry, path string) error {
	b, err := u.w.take(int(z.size))
	if err != nil {
		return named(err, z.name)
	}
	target := string(b)
	if err := u.ended(); err != nil {
		return named(err, z.name)
	}
	return u.addLink(path, target, z.name)
}

func (u *unzipper) zipFile(z *zipEntry, path string) error {
	_, again, err := u.names.file(path, []byte(z.name), 0, z.size)
	if err != nil {
		return err
	}
	if again {
		return refused(z.name, "another entry of the same path came before")
	}
	e := Entry{Path: path, Executable: z.unix && z.mode&0o111 != 0, Size: z.size}
	if u.plain || !z.unix {
		head, err := u.w.peek(int(min(z.size, blockSize)))
		if err != nil && err != io.EOF {
			return err
		}
		e.Executable = sniff(head).program()
	}
	if err := u.artifactFile(e); err != nil {
		return err
	}
	return u.ended()
}

// ended checks that the content is over; its checksum is looked at then.
func (u *unzipper) ended() error {
	b, err := u.w.peek(1)
	switch {
	case err == io.EOF && len(b) == 0:
		return nil
	case err != nil && err != io.EOF:
		return err
	}
	return corrupt("", "it is larger than the zip archive's directory says")
}

// named tells whose content an error is about.
func named(err error, entry string) error {
	var e *Error
	if errors.As(err, &e) && e.Entry == "" {
		e.Entry = entry
	}
	return err
}

// zipFiller gives the content of one entry, and checks it.
type zipFiller struct {
	z    *zipEntry
	f    gunzip.Inflater
	left int64 // to be read of the packed content
	r    io.Reader
	sum  uint32
	n    int64
	done bool
	err  error
}

func (f *zipFiller) reset(r io.ReaderAt, z *zipEntry) {
	f.z, f.r = z, io.NewSectionReader(r, z.content, z.packed)
	f.left, f.sum, f.n, f.done, f.err = z.packed, 0, 0, false, nil
	f.f.Reset(nil, f)
}

// Read reads packed content.
func (f *zipFiller) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	f.left -= int64(n)
	if err == io.EOF && f.left > 0 {
		err = corrupt("", "the zip archive is cut off")
	}
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

func (f *zipFiller) fill(out []byte, o int) (int, error) {
	for o < len(out)-gunzip.Margin {
		if f.done {
			return o, f.end()
		}
		end, err := f.unpack(out, o)
		f.sum = crc32.Update(f.sum, crc32.IEEETable, out[o:end])
		f.n += int64(end - o)
		o, f.done = end, err == io.EOF
		switch {
		case f.err != nil:
			return o, f.err
		case err != nil && !f.done:
			return o, badGzip(err)
		case f.n > f.z.size:
			return o, corrupt("", "it is larger than the zip archive's directory says")
		}
	}
	return o, nil
}

// unpack is like Fill of gunzip.Inflater.
func (f *zipFiller) unpack(out []byte, o int) (end int, err error) {
	if f.z.method == zipDeflated {
		return f.f.Fill(out, o)
	}
	n, err := f.Read(out[o : len(out)-gunzip.Margin])
	return o + n, err
}

// end is io.EOF if the content is what the directory says.
func (f *zipFiller) end() error {
	switch {
	case f.z.method == zipDeflated && f.f.Followed():
		return corrupt("", "its compressed data is followed by something else")
	case f.n != f.z.size:
		return corrupt("", "it is smaller than the zip archive's directory says")
	case f.sum != f.z.sum:
		return corrupt("", "wrong zip checksum")
	}
	return io.EOF
}

package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// The layout of a zip archive: PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5.
const (
	zipLocalSize   = 30
	zipDirSize     = 46
	zipEndSize     = 22
	zip64LocSize   = 20
	zip64EndSize   = 56
	zipMaxComment  = 1<<16 - 1
	zipLocal       = "PK\x03\x04"
	zipDir         = "PK\x01\x02"
	zipEnd         = "PK\x05\x06"
	zip64End       = "PK\x06\x06"
	zip64Locator   = "PK\x06\x07"
	zipDescribes   = "PK\x07\x08"
	zipEncrypted   = 1 << 0
	zipDescriptor  = 1 << 3
	zipStrong      = 1 << 6
	zipMasked      = 1 << 13
	zipStored      = 0
	zipDeflated    = 8
	zipUnix        = 3
	zipDarwin      = 19
	extraZip64     = 0x0001
	extraUnicode   = 0x7075
	unixType       = 0o170000
	unixRegular    = 0o100000
	unixDirectory  = 0o040000
	unixLink       = 0o120000
	full16, full32 = 1<<16 - 1, 1<<32 - 1
)

// zipEntry is what the central directory says of an entry.
type zipEntry struct {
	name         string
	flags        uint16
	method       uint16
	sum          uint32
	packed, size int64
	at           int64  // of the local header
	content      int64  // offset of the packed content
	unix         bool   // mode is that of a Unix file
	mode         uint32 // with the type of the file
}

// zipEnds says where the central directory is.
type zipEnds struct {
	entries  int64
	at, size int64
}

// findZipEnd reads the record at the end of the archive, which must be the only one that could be
// meant: its comment ends where the file does.
func findZipEnd(r io.ReaderAt, size int64) (e zipEnds, err error) {
	tail := make([]byte, min(size, zipEndSize+zipMaxComment))
	if err := readAt(r, tail, size-int64(len(tail))); err != nil {
		return e, err
	}
	at := -1
	for i := 0; i+zipEndSize <= len(tail); i++ {
		if string(tail[i:i+4]) == zipEnd && i+zipEndSize+int(le16(tail[i+20:])) == len(tail) {
			if at >= 0 {
				return e, corrupt("", "a zip archive that ends in two ways")
			}
			at = i
		}
	}
	if at < 0 {
		return e, corrupt("", "the zip archive is cut off, or something follows it")
	}
	b := tail[at:]
	if le16(b[4:]) != 0 && le16(b[4:]) != full16 || le16(b[6:]) != 0 && le16(b[6:]) != full16 {
		return e, unsupported("", "a zip archive of several volumes")
	}
	e = zipEnds{entries: int64(le16(b[10:])), size: int64(le32(b[12:])), at: int64(le32(b[16:]))}
	full := [3]bool{e.entries == full16, e.size == full32, e.at == full32}
	if int64(le16(b[8:])) != e.entries {
		return e, corrupt("", "a zip archive that counts its entries in two ways")
	}
	end := size - int64(len(b))
	if big, ok, err := findZip64End(r, end); err != nil {
		return e, err
	} else if ok {
		if !full[0] && big.entries != e.entries || !full[1] && big.size != e.size || !full[2] && big.at != e.at {
			return e, corrupt("", "a zip archive that has two directories")
		}
		e, end = big.zipEnds, big.end
	}
	if e.at < 0 || e.size < 0 || e.at > end || e.size != end-e.at {
		return e, corrupt("", "the directory of the zip archive is not where it should be")
	}
	return e, nil
}

// zip64Ends is what a zip64 archive has in place of a zipEnds; end is where it stands.
type zip64Ends struct {
	zipEnds
	end int64
}

// findZip64End looks for the records that stand before the end record of a zip64 archive.
func findZip64End(r io.ReaderAt, end int64) (e zip64Ends, ok bool, err error) {
	if end < zip64LocSize+zip64EndSize {
		return e, false, nil
	}
	var loc [zip64LocSize]byte
	if err := readAt(r, loc[:], end-zip64LocSize); err != nil {
		return e, false, err
	}
	if string(loc[:4]) != zip64Locator {
		return e, false, nil
	}
	var b [zip64EndSize]byte
	e.end = end - zip64LocSize - zip64EndSize
	if err := readAt(r, b[:], e.end); err != nil {
		return e, false, err
	}
	if string(b[:4]) != zip64End || le64(loc[8:]) != uint64(e.end) || le64(b[4:]) != zip64EndSize-12 {
		return e, false, corrupt("", "the zip64 records of the zip archive are damaged")
	}
	if le32(b[16:]) != 0 || le32(b[20:]) != 0 || le64(b[24:]) != le64(b[32:]) {
		return e, false, unsupported("", "a zip archive of several volumes")
	}
	e.entries, e.size, e.at = int64(le64(b[32:])), int64(le64(b[40:])), int64(le64(b[48:]))
	if e.entries < 0 {
		return e, false, corrupt("", "the zip64 records of the zip archive are damaged")
	}
	return e, true, nil
}

// readZipDir reads the central directory, which must be filled by its entries.
func readZipDir(r io.ReaderAt, e zipEnds, lim Limits) ([]zipEntry, error) {
	if e.entries > int64(lim.Entries) {
		return nil, refused("", "more than %d entries", lim.Entries)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, e.at, e.size), 64<<10)
	all := make([]zipEntry, 0, min(e.entries, e.size/zipDirSize))
	left := e.size
	var head [zipDirSize]byte
	var rest []byte
	for range e.entries {
		if left -= zipDirSize; left < 0 {
			return nil, cutDirectory()
		}
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil, readError(err)
		}
		if string(head[:4]) != zipDir {
			return nil, corrupt("", "entry %d of the zip archive's directory is damaged", len(all)+1)
		}
		names, extra, comment := int(le16(head[28:])), int(le16(head[30:])), int(le16(head[32:]))
		n := names + extra + comment
		if left -= int64(n); left < 0 {
			return nil, cutDirectory()
		}
		if cap(rest) < n {
			rest = make([]byte, n)
		}
		rest = rest[:n]
		if _, err := io.ReadFull(in, rest); err != nil {
			return nil, readError(err)
		}
		z, err := parseZipEntry(head[:], rest[:names], rest[names:names+extra])
		if err != nil {
			return nil, err
		}
		all = append(all, z)
	}
	if left != 0 {
		return nil, corrupt("", "the directory of the zip archive holds more than its entries")
	}
	return all, nil
}

func cutDirectory() error { return corrupt("", "the directory of the zip archive is cut off") }

func parseZipEntry(b, name, extra []byte) (zipEntry, error) {
	z := zipEntry{
		name: string(name), flags: le16(b[8:]), method: le16(b[10:]), sum: le32(b[16:]),
		packed: int64(le32(b[20:])), size: int64(le32(b[24:])), at: int64(le32(b[42:])),
	}
	if system := b[5]; system == zipUnix || system == zipDarwin {
		z.mode = le32(b[38:]) >> 16
		z.unix = z.mode != 0
	}
	switch {
	case z.flags&(zipEncrypted|zipStrong|zipMasked) != 0:
		return z, refused(z.name, "it is encrypted")
	case z.method != zipStored && z.method != zipDeflated:
		return z, unsupported(z.name, "it is compressed by method %d, which is not known here", z.method)
	case le16(b[34:]) != 0 && le16(b[34:]) != full16:
		return z, unsupported(z.name, "a zip archive of several volumes")
	}
	err := z.extra(extra)
	if err == nil && (z.size < 0 || z.packed < 0 || z.at < 0 || z.method == zipStored && z.size != z.packed) {
		err = corrupt(z.name, "its size in the zip archive's directory is impossible")
	}
	return z, err
}

// extra reads the extra fields: the sizes of zip64, and a name that must not be another one.
func (z *zipEntry) extra(b []byte) error {
	want := []*int64{}
	for _, v := range []*int64{&z.size, &z.packed, &z.at} {
		if *v == full32 {
			want = append(want, v)
		}
	}
	seen := false
	for len(b) >= 4 {
		id, n := le16(b), int(le16(b[2:]))
		if b = b[4:]; n > len(b) {
			return corrupt(z.name, "an extra field of the zip archive's directory is cut off")
		}
		field := b[:n]
		b = b[n:]
		switch id {
		case extraZip64:
			if seen || len(field) < 8*len(want) {
				return corrupt(z.name, "a damaged zip64 field")
			}
			seen = true
			for i, v := range want {
				*v = int64(le64(field[8*i:]))
			}
		case extraUnicode:
			if len(field) < 5 || string(field[5:]) != z.name {
				return corrupt(z.name, "it has two names")
			}
		}
	}
	return nil
}

// locate reads the local header, which must not contradict the directory, and finds the content. The
// directory is at end.
func (z *zipEntry) locate(r io.ReaderAt, end int64) error {
	var b [zipLocalSize]byte
	if err := readAt(r, b[:], z.at); err != nil {
		return err
	}
	if string(b[:4]) != zipLocal {
		return corrupt(z.name, "it is not where the zip archive's directory says")
	}
	name := make([]byte, le16(b[26:]))
	if err := readAt(r, name, z.at+zipLocalSize); err != nil {
		return err
	}
	flags, packed, size := le16(b[6:]), le32(b[18:]), le32(b[22:])
	z.content = z.at + zipLocalSize + int64(len(name)) + int64(le16(b[28:]))
	same := string(name) == z.name && le16(b[8:]) == z.method && (flags^z.flags)&(zipEncrypted|zipDescriptor) == 0
	switch {
	case !same:
	case flags&zipDescriptor == 0:
		same = le32(b[14:]) == z.sum && (packed == full32 || int64(packed) == z.packed) && (size == full32 || int64(size) == z.size)
	case z.packed <= end && z.content <= end-z.packed: // else it overlaps
		var err error
		if same, err = z.described(r); err != nil {
			return err
		}
	}
	if !same {
		return corrupt(z.name, "its own header contradicts the zip archive's directory")
	}
	return nil
}

// described says whether what stands behind the content has the directory's checksum. Its signature
// may be left out, and its sizes are written in two lengths.
func (z *zipEntry) described(r io.ReaderAt) (bool, error) {
	var b [8]byte
	if err := readAt(r, b[:], z.content+z.packed); err != nil {
		return false, err
	}
	if string(b[:4]) == zipDescribes {
		return le32(b[4:]) == z.sum, nil
	}
	return le32(b[:]) == z.sum, nil
}

// readAt fills b.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	if n, err := r.ReadAt(b, at); n < len(b) {
		return readError(err)
	}
	return nil
}

// readError makes the end of the archive an error of it; others are those of a disk.
func readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil {
		return corrupt("", "the zip archive is cut off")
	}
	return err
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// isDir says that an entry is a folder.
func (z *zipEntry) isDir() bool { return strings.HasSuffix(z.name, "/") }

package packument

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The form, in little-endian order. Offsets are from the beginning of the file but where it says
// otherwise, and a span is an offset and a length of four bytes each.
//
//	 0  magic, with the number of the form at its end
//	 8  CRC-32C of everything from 32 on
//	12  length of the whole
//	16  when the registry said so last, in milliseconds since 1970   } changed in place when the
//	24  for how many seconds that holds, and lifeFlags               } registry confirms what is
//	28  CRC-32C of these two                                         } here
//	32  number of versions, number of tags, offset of the body
//	44  spans of name, ETag, Last-Modified, and of what tarballs' addresses begin and end with
//	84  offset of the times of publication, 0 for none
//	88  nothing
//	96  versions in ascending order, tags in order of their names, times, texts, body
//
// A version has major, minor and patch; the offset of a text; offsets of its list of parts and of
// its digest, from the beginning of the body; the length of the text; its flags. The text is the
// prerelease, or of an odd spelling the whole version.
//
// A tag has a span for its name, one for its version, and that version's place, or noPlace. The
// times are a span for each version.
//
// A list of parts is their number and for each what it is, in one byte each, and its span, from
// the beginning of the body.
const (
	magic = "pantryP\x01"

	atSum      = 8
	atLength   = 12
	atState    = 16
	atStateSum = 28
	atCounts   = 32
	atSpans    = 44
	atTimes    = 84
	headerSize = 96

	versionSize = 28
	tagSize     = 20
	partSize    = 9
	spanSize    = 8
)

// Flags of how long an answer holds, above the seconds.
const (
	lifeStrict = 1 << 31 // it is not to be used later
	lifeNone   = 1 << 30 // the answer is that there is no such package
	maxLife    = lifeNone - 1
)

// Flags of a version.
const (
	flagOdd        = 1 << iota // its text is the whole version, and is to be parsed
	flagDeprecated             // it may be deprecated
	flagEngines                // it may say which engines it is for
	flagScript                 // it runs a script when it is installed
	flagTarball                // its tarball's address is the usual one

	algorithmShift = 8 // of the digest's algorithm, three bits
)

// noPlace is the place of a tag's version that is not among the versions.
const noPlace = 1<<32 - 1

// maxFile bounds a file in bytes. The largest real packuments make some 3 MB.
const maxFile = 1 << 28

// maxText bounds a text that is read from a file, in bytes. A whole description of a version has a few
// kilobytes.
const maxText = 1 << 26

var errDamaged = errors.New("the packument's compact form is damaged")

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) } // made once, by package crc32

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli()) }

// span is a place in a text.
type span struct{ offset, length uint32 }

func appendSpan(b []byte, s span) []byte {
	b = binary.LittleEndian.AppendUint32(b, s.offset)
	return binary.LittleEndian.AppendUint32(b, s.length)
}

// bytes is a form, or a part of one.
type bytes interface{ ~string | ~[]byte }

func u16[T bytes](s T, i int) uint16 {
	s = s[i : i+2]
	return uint16(s[0]) | uint16(s[1])<<8
}

func u32[T bytes](s T, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func u64[T bytes](s T, i int) uint64 { return uint64(u32(s, i)) | uint64(u32(s, i+4))<<32 }

func spanAt[T bytes](s T, i int) span { return span{u32(s, i), u32(s, i+4)} }

// in returns what of s is at a place; ok is false where that does not lie within.
func in[T bytes](p span, s T) (part T, ok bool) {
	start, end := uint64(p.offset), uint64(p.offset)+uint64(p.length)
	if end > uint64(len(s)) {
		return part, false
	}
	return s[start:end], true
}

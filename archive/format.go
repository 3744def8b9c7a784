package archive

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// shape is what an artifact is below its compression.
type shape uint8

const (
	anything shape = iota // its name doesn't say
	tarred
	zipped
	single // one program
)

// packing is how an artifact is compressed.
type packing uint8

const (
	plain packing = iota
	gzipped
	xzed
	zstded
	bzipped
)

// format is what an artifact's name, and then its first bytes, say of it.
type format struct {
	shape   shape
	packing packing
}

// extensions that say how to unpack a file; of those that fit the first counts.
var extensions = []struct {
	ext string
	format
}{
	{".tar.gz", format{tarred, gzipped}}, {".tgz", format{tarred, gzipped}},
	{".tar.xz", format{tarred, xzed}}, {".txz", format{tarred, xzed}},
	{".tar.zst", format{tarred, zstded}}, {".tzst", format{tarred, zstded}},
	{".tar.bz2", format{tarred, bzipped}}, {".tbz2", format{tarred, bzipped}}, {".tbz", format{tarred, bzipped}},
	{".tar", format{tarred, plain}}, {".zip", format{zipped, plain}},
	{".gz", format{single, gzipped}}, {".xz", format{single, xzed}},
	{".zst", format{single, zstded}}, {".bz2", format{single, bzipped}},
}

// foreign are extensions of archives and installers that are not read.
var foreign = []string{".7z", ".rar", ".deb", ".rpm", ".apk", ".msi", ".dmg", ".pkg", ".lz", ".lz4", ".lzma", ".br", ".z",
	".cab", ".snap", ".flatpak"}

// format is what the name says. Whatever has no known extension is a program.
func (o ArtifactOptions) format() (format, error) {
	if o.Strip < -1 {
		return format{}, refused("", "%d leading path segments cannot be dropped", o.Strip)
	}
	if o.File == "" {
		return format{}, nil
	}
	for _, e := range extensions {
		if hasSuffixFold(o.File, e.ext) {
			return e.format, nil
		}
	}
	for _, ext := range foreign {
		if hasSuffixFold(o.File, ext) {
			return format{}, unsupported("", "%s files cannot be unpacked", ext)
		}
	}
	return format{shape: single}, nil
}

// agree adds what the first bytes say, which must be what the name says.
func (f format) agree(head []byte) (format, error) {
	is := sniff(head)
	if is == isForeign {
		return f, unsupported("", "it holds %s", is)
	}
	packed, ok := is.packing()
	if f.shape == anything {
		f.packing = packed
		if is == isZip {
			f.shape = zipped
		}
		return f, nil
	}
	want := isOther
	switch {
	case f.packing != plain:
		if !ok || packed != f.packing {
			want = contents[f.packing]
		}
	case f.shape == zipped && is != isZip:
		want = isZip
	case f.shape == tarred && is != isTar:
		want = isTar
	case f.shape == single && !is.program():
		return f, notProgram(is, f)
	}
	if want != isOther {
		return f, corrupt("", "its name says that it is %s, and it holds %s", want, is)
	}
	return f, nil
}

// content is what bytes are by their beginning.
type content uint8

const (
	isOther content = iota
	isNothing
	isGzip
	isXZ
	isZstd
	isBzip2
	isZip
	isTar
	isELF
	isMachO
	isPE
	isScript
	isHTML
	isXML
	isJSON
	isForeign
)

var contents = [...]content{gzipped: isGzip, xzed: isXZ, zstded: isZstd, bzipped: isBzip2}

func (c content) String() string {
	return [...]string{"something else", "nothing", "gzip data", "xz data", "zstd data", "bzip2 data", "a zip archive", "a tar archive",
		"an ELF program", "a Mach-O program", "a Windows program", "a script", "an HTML page", "an XML document", "a JSON document",
		"an archive of a kind that cannot be unpacked"}[c]
}

// program says whether c can be run.
func (c content) program() bool { return c >= isELF && c <= isScript }

func (c content) packing() (packing, bool) {
	for p, is := range contents {
		if is == c && c != isOther {
			return packing(p), true
		}
	}
	return plain, false
}

var magics = []struct {
	at    int
	magic string
	is    content
}{
	{0, "\x1f\x8b", isGzip}, {0, "\xfd7zXZ\x00", isXZ}, {0, "\x28\xb5\x2f\xfd", isZstd},
	{0, "PK\x03\x04", isZip}, {0, "PK\x05\x06", isZip}, {0, "\x7fELF", isELF},
	{0, "\xfe\xed\xfa\xce", isMachO}, {0, "\xfe\xed\xfa\xcf", isMachO}, {0, "\xce\xfa\xed\xfe", isMachO}, {0, "\xcf\xfa\xed\xfe", isMachO},
	{0, "MZ", isPE}, {0, "#!", isScript},
	{0, "7z\xbc\xaf\x27\x1c", isForeign}, {0, "Rar!\x1a\x07", isForeign}, {0, "!<arch>\n", isForeign},
	{0, "\xed\xab\xee\xdb", isForeign}, {0, "xar!", isForeign}, {0, "\x04\x22\x4d\x18", isForeign}, {0, "MSCF", isForeign},
	{offMagic, "ustar", isTar},
}

// sniff looks at what something begins with: a block is enough.
func sniff(head []byte) content {
	for _, m := range magics {
		if len(head) >= m.at && bytes.HasPrefix(head[m.at:], []byte(m.magic)) {
			return m.is
		}
	}
	switch {
	case len(head) == 0:
		return isNothing
	case len(head) > 3 && string(head[:3]) == "BZh" && head[3] >= '1' && head[3] <= '9':
		return isBzip2
	case isSkippable(head):
		return isZstd
	case isFat(head):
		return isMachO
	case len(head) >= blockSize && (allZero(head[:blockSize]) || sumMatches(head)):
		return isTar // of before ustar, or an empty one
	}
	return sniffText(head)
}

// isSkippable knows a zstd frame that holds no data (RFC 8878, 3.1.2).
func isSkippable(head []byte) bool {
	return len(head) >= 4 && binary.LittleEndian.Uint32(head)&^0xf == 0x184d2a50
}

// isFat knows a Mach-O file for several processors. The same four bytes begin a Java class, whose
// version stands where the number of processors does here, and was never below 45.
func isFat(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	magic, n := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	return (magic == 0xcafebabe || magic == 0xcafebabf) && n > 0 && n < 45
}

// sniffText knows what servers say in place of a file.
func sniffText(head []byte) content {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	lower := strings.ToLower(string(text[:min(len(text), 16)]))
	switch {
	case strings.HasPrefix(lower, "<?xml"):
		return isXML
	case strings.HasPrefix(lower, "<"):
		return isHTML
	case strings.HasPrefix(lower, "{"), strings.HasPrefix(lower, "["):
		return isJSON
	}
	return isOther
}

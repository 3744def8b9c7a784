package archive

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

// The layout of a tar header: POSIX.1-1988 (ustar), with the prefix field of ustar and of star.
const (
	blockSize = 512

	offName, endName     = 0, 100
	offMode, endMode     = 100, 108
	offSize, endSize     = 124, 136
	offSum, endSum       = 148, 156
	offType              = 156
	offLink, endLink     = 157, 257
	offMagic, endMagic   = 257, 263
	offPrefix, endPrefix = 345, 500
	endStarPrefix        = 476 // star keeps times behind it, and "tar\x00" at 508
)

// Entry types. Everything that isn't named here is refused.
const (
	typeOld        = 0   // a file of an archive older than ustar
	typeFile       = '0' // also a directory of such an archive, if its name ends in "/"
	typeContiguous = '7' // a file
	typeHardLink   = '1' // of artifacts only
	typeLink       = '2' // of artifacts only
	typeDir        = '5'
	typePAX        = 'x'
	typePAXGlobal  = 'g'
	typeGNUName    = 'L'
	typeGNULink    = 'K'
)

var kinds = map[byte]string{
	'1': "a hard link", '2': "a symbolic link", '3': "a character device", '4': "a block device",
	'6': "a fifo", 'S': "a sparse file", 'D': "a GNU directory listing",
	'M': "a part of another volume", 'V': "a volume label",
}

// header is what matters of one header block, after what stood before it has been applied.
type header struct {
	kind byte
	name []byte // in the window: valid until more is read
	link []byte // the target of a link; likewise
	mode int64
	size int64
}

// walker goes through the entries of one tar archive.
type walker struct {
	w       *window
	sink    Sink
	lim     Limits
	names   names
	entries int
	next    extended // what extended headers say about the next entry
	long    []byte   // scratch: the name of the current entry
	content bytes.Reader
	packed  []byte // the archive, if it is in memory
	again   int    // files that stood there twice
	art     *tree  // set for artifacts, nil for npm's tarballs
}

func walk(w *window, packed []byte, sink Sink, lim Limits) error {
	t := &walker{w: w, packed: packed, sink: sink, lim: lim}
	t.names.init()
	defer t.names.free()
	return t.all()
}

func (t *walker) all() error {
	for {
		h, err := t.header()
		if err == io.EOF {
			return t.rest()
		}
		if err == nil {
			err = t.entry(h)
		}
		if err != nil {
			return err
		}
	}
}

// header reads one header block. io.EOF is the end of the archive.
func (t *walker) header() (header, error) {
	b, err := t.w.peek(blockSize)
	if err == io.EOF && len(b) == 0 {
		return header{}, io.EOF // without the two zero blocks, as some tools end
	}
	if err != nil {
		return header{}, cutOff(err)
	}
	if allZero(b) {
		return header{}, io.EOF
	}
	t.w.pos += blockSize
	if t.entries++; t.entries > t.lim.Entries {
		return header{}, refused("", "more than %d entries", t.lim.Entries)
	}
	return t.parse(b)
}

func (t *walker) parse(b []byte) (h header, err error) {
	if !sumMatches(b) {
		return h, corrupt("", "entry %d has no valid tar header", t.entries)
	}
	h.kind = b[offType]
	h.name, h.link = cString(b[offName:endName]), cString(b[offLink:endLink])
	size, ok1 := number(b[offSize:endSize])
	mode, ok2 := number(b[offMode:endMode])
	if !ok1 || !ok2 {
		return h, corrupt(string(h.name), "a number in its tar header cannot be read")
	}
	h.size, h.mode = size, mode
	if string(b[offMagic:endMagic]) == "ustar\x00" {
		end := endPrefix
		if string(b[508:512]) == "tar\x00" {
			end = endStarPrefix
		}
		if prefix := cString(b[offPrefix:end]); len(prefix) > 0 {
			t.long = append(append(append(t.long[:0], prefix...), '/'), h.name...)
			h.name = t.long
		}
	}
	return h, nil
}

// entry handles what one header announces.
func (t *walker) entry(h header) error {
	switch h.kind {
	case typePAX, typePAXGlobal, typeGNUName, typeGNULink:
		return t.extend(h)
	}
	t.next.apply(&h)
	t.next = extended{}
	switch h.kind {
	case typeOld, typeFile, typeContiguous:
		if bytes.HasSuffix(h.name, []byte{'/'}) {
			if h.size != 0 {
				return corrupt(string(h.name), "a directory with content")
			}
			return t.dir(h)
		}
		return t.file(h)
	case typeDir: // some tools store the size of the directory itself; no content follows
		return t.dir(h)
	case typeLink, typeHardLink:
		if t.art != nil {
			return t.link(h)
		}
	}
	if what, ok := kinds[h.kind]; ok {
		return refused(string(h.name), "it is %s; %s", what, t.holds())
	}
	return refused(string(h.name), "it is of the unknown type %q", h.kind)
}

// holds says what may stand in the archive.
func (t *walker) holds() string {
	if t.art != nil {
		return "artifacts hold files, directories and links only"
	}
	return "packages hold files and directories only"
}

// extend reads an extended header.
func (t *walker) extend(h header) error {
	if h.size > maxExtended {
		return refused(string(h.name), "an extended header of more than %d bytes", maxExtended)
	}
	name := string(h.name) // reading on overwrites it
	b, err := t.w.take(int(h.size))
	if err == nil {
		switch h.kind {
		case typePAX:
			err = t.next.pax(b)
		case typePAXGlobal:
			err = globalPAX(b)
		case typeGNUName:
			err = t.next.gnuName(b)
		case typeGNULink:
			err = t.next.gnuLink(b)
		}
	}
	if err != nil {
		if e, ok := err.(*Error); ok && e.Entry == "" {
			e.Entry = name
		}
		return err
	}
	return t.pad(h.size)
}

func (t *walker) dir(h header) error {
	path, err := t.clean(h.name)
	if path == "" || err != nil {
		return err
	}
	return t.names.dir(path, h.name)
}

func (t *walker) file(h header) error {
	path, err := t.clean(h.name)
	if err != nil {
		return err
	}
	if h.size > t.lim.File {
		return refused(string(h.name), "larger than %d bytes", t.lim.File)
	}
	if path != "" {
		old, again, err := t.names.file(path, h.name, t.w.offset(), h.size)
		switch {
		case err != nil:
			return err
		case again:
			err = t.repeated(h, old)
		case t.art != nil:
			err = t.artifactFile(Entry{Path: path, Executable: h.mode&0o111 != 0, Size: h.size})
		default:
			err = t.give(Entry{Path: path, Executable: h.mode&0o111 != 0, Size: h.size})
		}
		if err != nil {
			return err
		}
	} else if err := t.w.skip(h.size); err != nil {
		return err
	}
	return t.pad(h.size)
}

// give hands one file to the sink, in one piece if possible.
func (t *walker) give(e Entry) error {
	if t.w.fits(e.Size) {
		b, err := t.w.take(int(e.Size))
		if err != nil {
			return err
		}
		t.content.Reset(b)
		return t.sink.File(e, &t.content)
	}
	s := &section{w: t.w, left: e.Size}
	err := t.sink.File(e, s)
	if s.err != nil {
		return s.err
	}
	if err != nil {
		return err
	}
	return t.w.skip(s.left)
}

// repeated meets a path for the second time: the same bytes are let pass.
func (t *walker) repeated(h header, old place) error {
	name := string(h.name)
	if t.again++; t.again <= maxAgain && t.packed != nil && old.size == h.size && t.w.fits(h.size) {
		b, err := t.w.take(int(h.size))
		if err != nil {
			return err
		}
		same, err := holds(t.packed, old.at, b)
		if same || err != nil {
			return err
		}
	}
	return refused(name, "another entry of the same path came before")
}

// holds says whether the archive has content at an offset.
func holds(packed []byte, at int64, content []byte) (bool, error) {
	w := windowPool.Get().(*window)
	defer w.close()
	w.reset(packed, nil, func(int64) error { return nil })
	if err := w.skip(at); err != nil {
		return false, err
	}
	b, err := w.take(len(content))
	return bytes.Equal(b, content), err
}

// pad skips to the next block. The last entry may lack its padding.
func (t *walker) pad(size int64) error {
	n := -size & (blockSize - 1)
	if n == 0 {
		return nil
	}
	b, err := t.w.peek(int(n))
	t.w.pos += len(b)
	if err == io.EOF && len(b) == 0 {
		return nil
	}
	if err != nil {
		return cutOff(err)
	}
	return nil
}

// rest checks that nothing but zeros follows the end, and reads the packed data to its end.
func (t *walker) rest() error {
	if t.next != (extended{}) {
		return corrupt("", "an extended header at the end")
	}
	for {
		if !allZero(t.w.buf[t.w.pos:t.w.end]) {
			return corrupt("", "data after the end of the tar archive")
		}
		t.w.pos = t.w.end
		if t.w.err == io.EOF {
			return nil
		}
		if t.w.err != nil {
			return t.w.err
		}
		t.w.fill()
	}
}

var zeros [4096]byte

func allZero(b []byte) bool {
	for len(b) > len(zeros) {
		if !bytes.Equal(b[:len(zeros)], zeros[:]) {
			return false
		}
		b = b[len(zeros):]
	}
	return bytes.Equal(b, zeros[:len(b)])
}

// sumMatches checks the sum over the header, which old tools made of signed bytes.
func sumMatches(b []byte) bool {
	want, ok := number(b[offSum:endSum])
	if !ok {
		return false
	}
	// Each fourth of sums is the sum of every fourth pair of bytes, which is less than 64*2*255.
	const every = 0x00ff00ff00ff00ff
	var sums uint64
	for i := 0; i < blockSize; i += 8 {
		v := binary.LittleEndian.Uint64(b[i : i+8])
		sums += v&every + v>>8&every
	}
	sum := int64(sums&0xffff + sums>>16&0xffff + sums>>32&0xffff + sums>>48)
	for _, c := range b[offSum:endSum] { // counts as blanks
		sum += ' ' - int64(c)
	}
	return want == sum || want == sum-256*negative(b)
}

// negative is how many bytes of a header, without its sum, are less than 0 if they are signed.
func negative(b []byte) (n int64) {
	for i, c := range b[:blockSize] {
		if c >= 0x80 && (i < offSum || i >= endSum) {
			n++
		}
	}
	return n
}

func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

// number reads a numeric field: octal digits between blanks or NULs, or GNU's base 256. Negative
// numbers are refused, for there is nothing they could mean here.
func number(b []byte) (int64, bool) {
	var n int64
	for i, c := range b {
		switch {
		case '0' <= c && c <= '7':
			n = n<<3 | int64(c-'0') // b is 12 bytes at most
			continue
		case i > 0 && (c == 0 || c == ' ' && allBlank(b[i+1:])):
			return n, true
		}
		return oddNumber(b)
	}
	return n, true
}

func allBlank(b []byte) bool {
	for _, c := range b {
		if c != ' ' && c != 0 {
			return false
		}
	}
	return true
}

// oddNumber reads what is not just digits with an end.
func oddNumber(b []byte) (int64, bool) {
	if b[0]&0x80 != 0 {
		return base256(b)
	}
	b = bytes.Trim(b, " \x00")
	b = cString(b)
	var n int64
	for _, c := range b {
		if c < '0' || c > '7' {
			return 0, false
		}
		n = n<<3 | int64(c-'0')
	}
	return n, true
}

func base256(b []byte) (int64, bool) {
	if b[0]&0x40 != 0 { // the sign
		return 0, false
	}
	n := int64(b[0] & 0x3f)
	for _, c := range b[1:] {
		if n > math.MaxInt64>>8 {
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}

package gunzip

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Decoder inflates the members of a gzip stream one after the other, into buffers of the caller, and
// checks what follows the last one. The zero Decoder must be Reset before it is used, and can be Reset as
// often as one likes; it is some 35 kB, and 64 KiB more once it had a reader. It is for one goroutine.
type Decoder struct {
	f       Inflater
	within  bool // a member has begun and not ended
	members int
	sum     uint32
	size    uint32
	err     error
	header  []byte // scratch
}

// piece is how much is inflated before its checksum is computed: it must be in the cache then.
const piece = 64 << 10

// Reset makes d a decoder of packed, or, if src is not nil, of what src gives. packed must not be changed
// until the end. Reset(nil, nil) lets go of both.
func (d *Decoder) Reset(packed []byte, src io.Reader) {
	d.f.Reset(packed, src)
	d.within, d.members, d.err = false, 0, nil
}

// Fill writes unpacked bytes to out from o on, up to Margin bytes before its end, and returns where they
// end. Behind that and to the end of out it may overwrite anything. Of what stands before o in out it
// needs the last History bytes that it wrote. The error is io.EOF at the end of the stream, that of the
// reader, or an *Error; there may be unpacked bytes with it.
func (d *Decoder) Fill(out []byte, o int) (end int, err error) {
	for d.err == nil && o < len(out)-Margin {
		if !d.within {
			d.err = d.begin()
			continue
		}
		end, done, err := d.f.run(out[:min(len(out), o+piece+Margin)], o)
		d.sum = crc32.Update(d.sum, crc32.IEEETable, out[o:end])
		d.size += uint32(end - o)
		o = end
		switch {
		case err == errShort:
			d.err = d.short()
		case err != nil:
			d.err = err
		case done:
			d.err = d.end()
		}
	}
	return o, d.err
}

// short is the error where there is not enough data.
func (d *Decoder) short() error {
	if err := d.f.in.failed(); err != nil {
		return err
	}
	return cutOff("the gzip stream is cut off")
}

// begin reads the header of a member.
func (d *Decoder) begin() error {
	if d.members++; d.members > maxMembers {
		return &Error{ErrTooMany, "more than 100000 gzip members"}
	}
	if err := d.readHeader(); err != nil {
		if d.members > 1 && d.f.in.failed() == nil {
			return afterEnd()
		}
		return err
	}
	d.f.begin()
	d.within, d.sum, d.size = true, 0, 0
	return nil
}

func afterEnd() error { return corrupt("data after the end of the gzip stream") }

// notGzip is the error of a header whose first ten bytes are not there, or not those of gzip data.
func (d *Decoder) notGzip() error {
	const reason = "not gzip data"
	if err := d.f.in.failed(); err != nil {
		return err
	}
	switch h := d.header; {
	case len(h) == 0:
		return &Error{ErrEmpty, reason}
	case len(h) < 10 && h[0] == 0x1f && (len(h) < 2 || h[1] == 0x8b) && (len(h) < 3 || h[2] == 8):
		return cutOff(reason)
	}
	return corrupt(reason)
}

func (d *Decoder) readHeader() error {
	const headerSum, extra, name, comment, reserved = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 0xe0
	d.header = d.header[:0]
	if !d.take(10) || d.header[0] != 0x1f || d.header[1] != 0x8b || d.header[2] != 8 || d.header[3]&reserved != 0 {
		return d.notGzip()
	}
	flags := d.header[3]
	if flags&extra != 0 {
		if !d.take(2) || !d.take(int(binary.LittleEndian.Uint16(d.header[10:]))) {
			return d.short()
		}
	}
	for _, text := range [...]byte{name, comment} {
		if flags&text != 0 && !d.takeText() {
			return d.short()
		}
	}
	if flags&headerSum != 0 {
		sum := uint16(crc32.ChecksumIEEE(d.header))
		if !d.take(2) {
			return d.short()
		}
		if binary.LittleEndian.Uint16(d.header[len(d.header)-2:]) != sum {
			return corrupt("wrong checksum of the gzip header")
		}
	}
	return nil
}

// take appends n bytes to the header.
func (d *Decoder) take(n int) bool {
	for range n {
		c, ok := d.f.in.byte()
		if !ok {
			return false
		}
		d.header = append(d.header, c)
	}
	return true
}

// takeText appends bytes up to a NUL, of which there must be one within 64 KiB.
func (d *Decoder) takeText() bool {
	for range 64 << 10 {
		if !d.take(1) {
			return false
		}
		if d.header[len(d.header)-1] == 0 {
			return true
		}
	}
	return false
}

// end checks the trailer of a member, and what comes behind it: nothing, zeros to the end, or another
// member.
func (d *Decoder) end() error {
	in := &d.f.in
	d.within = false
	d.header = d.header[:0]
	if !d.take(8) {
		return d.short()
	}
	if binary.LittleEndian.Uint32(d.header) != d.sum || binary.LittleEndian.Uint32(d.header[4:]) != d.size {
		return corrupt("wrong gzip checksum or length")
	}
	if in.ahead(1) == 0 {
		return in.err
	}
	if in.buf[in.pos] != 0 {
		return nil
	}
	for {
		if !allZero(in.buf[in.pos:]) {
			return afterEnd()
		}
		in.pos = len(in.buf)
		if !in.more() {
			return in.err
		}
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

package archive

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// gunzip inflates the members of a gzip stream (RFC 1952) one after the other and checks what
// follows the last one. Its errors match ErrCorrupt or ErrRefused.
type gunzip struct {
	in      input
	f       inflater
	within  bool // a member has begun and not ended
	members int
	sum     uint32
	size    uint32
	err     error
	header  []byte // scratch
}

func (g *gunzip) reset(packed []byte, src io.Reader) {
	g.in.reset(packed, src)
	g.within, g.members, g.err = false, 0, nil
}

// fill writes unpacked bytes to out from o on, up to outMargin bytes before its end, and returns
// where they end. Of what stands before o in out it needs the last 32 KiB that it wrote. The
// error is io.EOF at the end of the stream.
func (g *gunzip) fill(out []byte, o int) (int, error) {
	for g.err == nil && o < len(out)-outMargin {
		if !g.within {
			g.err = g.begin()
			continue
		}
		end, done, err := g.f.run(&g.in, out, o)
		g.sum = crc32.Update(g.sum, crc32.IEEETable, out[o:end])
		g.size += uint32(end - o)
		o = end
		switch {
		case err == errCutShort:
			g.err = cutShort()
		case err != nil:
			g.err = corrupt("", "%v", err)
		case done:
			g.err = g.end()
		}
	}
	return o, g.err
}

func cutShort() error { return corrupt("", "the gzip stream is cut off") }

// begin reads the header of a member.
func (g *gunzip) begin() error {
	if g.members++; g.members > maxMembers {
		return refused("", "more than %d gzip members", maxMembers)
	}
	if err := g.readHeader(); err != nil {
		if g.members > 1 {
			return afterEnd()
		}
		return err
	}
	g.f.reset()
	g.within, g.sum, g.size = true, 0, 0
	return nil
}

func afterEnd() error { return corrupt("", "data after the end of the gzip stream") }

func (g *gunzip) readHeader() error {
	const headerSum, extra, name, comment, reserved = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 0xe0
	g.header = g.header[:0]
	if !g.take(10) || g.header[0] != 0x1f || g.header[1] != 0x8b || g.header[2] != 8 || g.header[3]&reserved != 0 {
		return corrupt("", "not gzip data")
	}
	flags := g.header[3]
	if flags&extra != 0 {
		if !g.take(2) || !g.take(int(binary.LittleEndian.Uint16(g.header[10:]))) {
			return cutShort()
		}
	}
	for _, text := range [...]byte{name, comment} {
		if flags&text != 0 && !g.takeText() {
			return cutShort()
		}
	}
	if flags&headerSum != 0 {
		sum := uint16(crc32.ChecksumIEEE(g.header))
		if !g.take(2) {
			return cutShort()
		}
		if binary.LittleEndian.Uint16(g.header[len(g.header)-2:]) != sum {
			return corrupt("", "wrong checksum of the gzip header")
		}
	}
	return nil
}

// take appends n bytes to the header.
func (g *gunzip) take(n int) bool {
	for range n {
		c, ok := g.in.byte()
		if !ok {
			return false
		}
		g.header = append(g.header, c)
	}
	return true
}

// takeText appends bytes up to a NUL, of which there must be one within 64 KiB.
func (g *gunzip) takeText() bool {
	for range 64 << 10 {
		if !g.take(1) {
			return false
		}
		if g.header[len(g.header)-1] == 0 {
			return true
		}
	}
	return false
}

// end checks the trailer of a member, and what comes behind it: nothing, zeros to the end, or
// another member.
func (g *gunzip) end() error {
	g.within = false
	g.header = g.header[:0]
	if !g.take(8) {
		return cutShort()
	}
	if binary.LittleEndian.Uint32(g.header) != g.sum || binary.LittleEndian.Uint32(g.header[4:]) != g.size {
		return corrupt("", "wrong gzip checksum or length")
	}
	c, ok := g.in.byte()
	if !ok {
		return io.EOF
	}
	if c != 0 {
		g.in.pos--
		return nil
	}
	for {
		if !allZero(g.in.buf[g.in.pos:]) {
			return afterEnd()
		}
		g.in.pos = len(g.in.buf)
		if !g.in.more() {
			return io.EOF
		}
	}
}

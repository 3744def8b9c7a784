package pkgxtest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// XZ packs data as the .xz format does, without making it smaller: one block of stored chunks, with
// CRC-32 checks (https://tukaani.org/xz/xz-file-format.txt). Any program that reads xz unpacks it.
func XZ(data []byte) []byte {
	const (
		checkCRC32 = 1       // the kind of check of the block
		lzma2      = 0x21    // the filter
		dictionary = 8       // of 64 KiB, more than which a chunk cannot refer to
		chunk      = 1 << 16 // bytes; the format's bound for stored ones
		resetFirst = 1       // control byte of a stored chunk that starts a dictionary
		stored     = 2       // control byte of the others
	)
	var b bytes.Buffer
	b.WriteString("\xfd7zXZ\x00")
	flags := []byte{0, checkCRC32}
	b.Write(crc(flags))

	start := b.Len()
	header := []byte{2, 0, lzma2, 1, dictionary, 0, 0, 0} // 2: the header has (2+1)*4 bytes, its CRC included
	b.Write(crc(header))
	for i := 0; i < len(data); i += chunk {
		part := data[i:min(i+chunk, len(data))]
		control := byte(stored)
		if i == 0 {
			control = resetFirst
		}
		b.WriteByte(control)
		b.Write(binary.BigEndian.AppendUint16(nil, uint16(len(part)-1)))
		b.Write(part)
	}
	b.WriteByte(0)
	unpadded := b.Len() - start + crc32.Size
	pad(&b)
	b.Write(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(data)))

	index := []byte{0, 1} // one block
	index = binary.AppendUvarint(index, uint64(unpadded))
	index = binary.AppendUvarint(index, uint64(len(data)))
	for len(index)%4 != 0 {
		index = append(index, 0)
	}
	index = crc(index)
	b.Write(index)

	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, flags...)
	b.Write(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(footer)))
	b.Write(footer)
	b.WriteString("YZ")
	return b.Bytes()
}

// crc appends the checksum of data to a copy of it.
func crc(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(data), crc32.ChecksumIEEE(data))
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

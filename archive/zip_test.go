package archive_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/archive"
)

// zipFile is an entry to write by hand, for what archive/zip doesn't write.
type zipFile struct {
	name, content string
	mode          uint32 // of Unix, with the type; 0: none is told
	deflate       bool
	// What is told in place of the truth.
	flags, method uint16
	at            int64 // offset of the local header, if not 0
	size, packed  uint32
	sum           uint32
	local         string // name in the local header
	extra         []byte // in the directory
	descriptor    bool
	described     uint32 // the sum in the descriptor
	localMismatch bool   // the sum in the local header is wrong
	packedContent []byte
	disks         uint16
}

type zipTail struct {
	entries, entriesHere uint16
	size, at             uint32
	comment              string
	disk                 uint16
	zip64                bool
}

func zipOf(t testing.TB, files ...zipFile) []byte { return zipWith(t, nil, files...) }

// zipWith writes an archive; change may change what is said at its end.
func zipWith(t testing.TB, change func(*zipTail), files ...zipFile) []byte {
	t.Helper()
	le := binary.LittleEndian
	var out, dir []byte
	for _, f := range files {
		packed, method := []byte(f.content), uint16(0)
		if f.deflate {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, flate.BestSpeed)
			_, _ = w.Write(packed)
			_ = w.Close()
			packed, method = b.Bytes(), 8
		}
		if f.packedContent != nil {
			packed = f.packedContent
		}
		or := func(v, def uint32) uint32 {
			if v != 0 {
				return v
			}
			return def
		}
		sum := or(f.sum, crc32.ChecksumIEEE([]byte(f.content)))
		size, small := or(f.size, uint32(len(f.content))), or(f.packed, uint32(len(packed)))
		method = uint16(or(uint32(f.method), uint32(method)))
		flags := f.flags
		if f.descriptor {
			flags |= 8
		}
		at := int64(len(out))
		local := f.local
		if local == "" {
			local = f.name
		}
		out = append(out, "PK\x03\x04\x14\x00"...)
		out = le.AppendUint16(le.AppendUint16(out, flags), method)
		out = append(out, 0, 0, 0, 0)
		if f.descriptor {
			out = append(out, make([]byte, 12)...)
		} else {
			localSum := sum
			if f.localMismatch {
				localSum++
			}
			out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, localSum), small), size)
		}
		out = le.AppendUint16(le.AppendUint16(out, uint16(len(local))), 0)
		out = append(append(out, local...), packed...)
		if f.descriptor {
			out = append(out, "PK\x07\x08"...)
			out = le.AppendUint32(le.AppendUint32(le.AppendUint32(out, or(f.described, sum)), small), size)
		}
		if f.at != 0 {
			at = f.at
		}
		system := byte(0)
		if f.mode != 0 {
			system = 3
		}
		dir = append(dir, 'P', 'K', 1, 2, 0x14, system, 0x14, 0)
		dir = le.AppendUint16(le.AppendUint16(dir, flags), method)
		dir = append(dir, 0, 0, 0, 0)
		dir = le.AppendUint32(le.AppendUint32(le.AppendUint32(dir, sum), small), size)
		dir = le.AppendUint16(le.AppendUint16(le.AppendUint16(dir, uint16(len(f.name))), uint16(len(f.extra))), 0)
		dir = le.AppendUint16(le.AppendUint16(dir, f.disks), 0)
		dir = le.AppendUint32(le.AppendUint32(dir, f.mode<<16), uint32(at))
		dir = append(append(dir, f.name...), f.extra...)
	}
	n := uint16(len(files))
	end := zipTail{entries: n, entriesHere: n, size: uint32(len(dir)), at: uint32(len(out))}
	if change != nil {
		change(&end)
	}
	big := int64(len(out) + len(dir))
	out = append(out, dir...)
	if end.zip64 {
		out = append(out, "PK\x06\x06"...)
		out = le.AppendUint64(out, 44)
		out = append(out, 45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		out = le.AppendUint64(le.AppendUint64(out, uint64(n)), uint64(n))
		out = le.AppendUint64(le.AppendUint64(out, uint64(len(dir))), uint64(big-int64(len(dir))))
		out = append(out, "PK\x06\x07\x00\x00\x00\x00"...)
		out = le.AppendUint32(le.AppendUint64(out, uint64(big)), 1)
	}
	out = append(out, "PK\x05\x06"...)
	out = le.AppendUint16(le.AppendUint16(out, end.disk), end.disk)
	out = le.AppendUint16(le.AppendUint16(out, end.entriesHere), end.entries)
	out = le.AppendUint32(le.AppendUint32(out, end.size), end.at)
	return append(le.AppendUint16(out, uint16(len(end.comment))), end.comment...)
}

func zip64Extra(values ...uint64) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{1, 0}, uint16(8*len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

func TestZip(t *testing.T) {
	t.Parallel()
	elf := "\x7fELF" + strings.Repeat("code", 200_000)
	tests := map[string]struct {
		data []byte
		want map[string]string
	}{
		"modes": {zipOf(t, zipFile{name: "a", content: "a", mode: 0o100644}, zipFile{name: "b", content: "#!", mode: 0o100644}, zipFile{name: "c", content: "c", mode: 0o100700}),
			map[string]string{"a": "a", "b": "#!", "c": "*c"}},
		"no modes":    {zipOf(t, zipFile{name: "a", content: "text"}, zipFile{name: "b", content: elf, deflate: true}), map[string]string{"a": "text", "b": "*" + elf}},
		"modes lost":  {zipOf(t, zipFile{name: "a", content: "text", mode: 0o100644}, zipFile{name: "b", content: elf, mode: 0o100644}), map[string]string{"a": "text", "b": "*" + elf}},
		"some modes":  {zipOf(t, zipFile{name: "a", content: script}, zipFile{name: "b", content: script, mode: 0o100644}, zipFile{name: "c", mode: 0o100755}), map[string]string{"a": "*" + script, "b": script, "c": "*"}},
		"no type":     {zipOf(t, zipFile{name: "d/", mode: 0o755}, zipFile{name: "d/a", content: "x", mode: 0o755}), map[string]string{"d/a": "*x"}},
		"folders":     {zipOf(t, zipFile{name: "d/", mode: 0o040755}, zipFile{name: "d/e/"}, zipFile{name: "d/e/a", content: "x"}), map[string]string{"d/e/a": "x"}},
		"link":        {zipOf(t, zipFile{name: "bin/l", content: "../lib/a", mode: 0o120777}, zipFile{name: "lib/a", content: "x", mode: 0o100755}), map[string]string{"bin/l": "->../lib/a", "lib/a": "*x"}},
		"packed link": {zipOf(t, zipFile{name: "l", content: "a", mode: 0o120777, deflate: true}, zipFile{name: "a", content: "x", mode: 0o100755}), map[string]string{"l": "->a", "a": "*x"}},
		"empty":       {zipOf(t, zipFile{name: "a"}, zipFile{name: "b", deflate: true}), map[string]string{"a": "", "b": ""}},
		"descriptors": {zipOf(t, zipFile{name: "a", content: "xyz", deflate: true, descriptor: true}, zipFile{name: "b", content: "q", descriptor: true}), map[string]string{"a": "xyz", "b": "q"}},
		"comment":     {zipWith(t, func(e *zipTail) { e.comment = "made by hand" }, zipFile{name: "a", content: "x"}), map[string]string{"a": "x"}},
		"zip64": {zipWith(t, func(e *zipTail) {
			e.zip64, e.at, e.size, e.entries, e.entriesHere = true, 1<<32-1, 1<<32-1, 1<<16-1, 1<<16-1
		}, zipFile{name: "a", content: "x"}), map[string]string{"a": "x"}},
		"zip64 sizes":  {zipOf(t, zipFile{name: "a", content: "xyz", size: 1<<32 - 1, packed: 1<<32 - 1, extra: zip64Extra(3, 3)}), map[string]string{"a": "xyz"}},
		"unicode":      {zipOf(t, zipFile{name: "é", content: "x", flags: 1 << 11, extra: append([]byte("\x75\x70\x07\x00\x01\x00\x00\x00\x00"), "é"...)}), map[string]string{"é": "x"}},
		"AppleDouble":  {zipOf(t, zipFile{name: "a", content: "x"}, zipFile{name: "__MACOSX/._a", content: "\x00\x05\x16\x07\x00"}), map[string]string{"a": "x"}},
		"large stored": {zipOf(t, zipFile{name: "a", content: elf + elf}), map[string]string{"a": "*" + elf + elf}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, tt.data, archive.ArtifactOptions{File: "x.zip"}, archive.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestZipOfStandardLibrary reads what archive/zip writes.
func TestZipOfStandardLibrary(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, content string, mode fs.FileMode) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if mode != 0 {
			h.SetMode(mode)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write([]byte(content))
	}
	add("tool/", "", fs.ModeDir|0o755)
	add("tool/bin/x", "#!", 0o755)
	add("tool/y", strings.Repeat("text ", 100_000), 0o644)
	add("tool/lib", "bin", fs.ModeSymlink|0o777)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, b.Bytes(), archive.ArtifactOptions{File: "x.zip", Strip: -1}, archive.Limits{})
	if err != nil || got["bin/x"] != "*#!" || len(got["y"]) != 500_000 || got["lib"] != "->bin" || len(got) != 3 {
		t.Errorf("%d files, %v", len(got), err)
	}
}

func TestZipRefused(t *testing.T) {
	t.Parallel()
	a := zipFile{name: "a", content: "x", mode: 0o100644}
	good := zipOf(t, a)
	with := func(f zipFile) []byte { return zipOf(t, a, f) }
	small := archive.Limits{Bytes: 100, File: 60, Entries: 2, Path: 20, Depth: 3}
	c, r, u := archive.ErrCorrupt, archive.ErrRefused, archive.ErrUnsupported
	tests := map[string]struct {
		data []byte
		lim  archive.Limits
		is   error
		want string
	}{
		"dot dot":          {data: with(zipFile{name: "../b"}), is: r, want: `entry "../b": ".." in its path`},
		"dot dot folder":   {data: with(zipFile{name: "b/../"}), is: r, want: `".." in its path`},
		"absolute":         {data: with(zipFile{name: "/b"}), is: r, want: "absolute"},
		"drive":            {data: with(zipFile{name: "C:/b"}), is: r, want: "drive"},
		"backslash":        {data: with(zipFile{name: `b\c`}), is: r, want: "a backslash in its path"},
		"control":          {data: with(zipFile{name: "b\n"}), is: r, want: "a control character"},
		"code page":        {data: with(zipFile{name: "\x82"}), is: r, want: "not UTF-8"},
		"no name":          {data: with(zipFile{local: "b"}), is: c, want: "contradicts"},
		"twice":            {data: zipOf(t, a, a), is: r, want: "another entry of the same path came before"},
		"file as folder":   {data: with(zipFile{name: "a/b"}), is: r, want: `needs "a" as a folder`},
		"folder as file":   {data: zipOf(t, zipFile{name: "a/b"}, a), is: r, want: "needs it as a folder"},
		"encrypted":        {data: with(zipFile{name: "b", content: "y", flags: 1}), is: r, want: "it is encrypted"},
		"strong":           {data: with(zipFile{name: "b", content: "y", flags: 1 << 6}), is: r, want: "it is encrypted"},
		"masked":           {data: with(zipFile{name: "b", content: "y", flags: 1 << 13}), is: r, want: "it is encrypted"},
		"method":           {data: with(zipFile{name: "b", content: "y", method: 14}), is: u, want: "compressed by method 14"},
		"volumes":          {data: zipWith(t, func(e *zipTail) { e.disk = 2 }, a), is: u, want: "several volumes"},
		"other volume":     {data: with(zipFile{name: "b", disks: 3}), is: u, want: "several volumes"},
		"fifo":             {data: with(zipFile{name: "b", mode: 0o010644}), is: r, want: "neither a file nor a folder nor a link"},
		"device":           {data: with(zipFile{name: "b", mode: 0o060644}), is: r, want: "neither"},
		"folder and file":  {data: with(zipFile{name: "b", mode: 0o040755}), is: c, want: "disagree"},
		"file and folder":  {data: with(zipFile{name: "b/", mode: 0o100755}), is: c, want: "disagree"},
		"link and folder":  {data: with(zipFile{name: "b/", mode: 0o120755, content: "a"}), is: c, want: "disagree"},
		"folder's content": {data: with(zipFile{name: "b/", content: "y"}), is: c, want: "a directory with content"},
		"link outside":     {data: with(zipFile{name: "b", mode: 0o120777, content: "../x"}), is: r, want: "outside of the artifact"},
		"link absolute":    {data: with(zipFile{name: "b", mode: 0o120777, content: "/etc/passwd"}), is: r, want: `absolute path "/etc/passwd"`},
		"link through":     {data: zipOf(t, zipFile{name: "l", mode: 0o120777, content: "d"}, zipFile{name: "l/x", content: "y"}), is: r, want: `needs "l" as a folder`},
		"link empty":       {data: with(zipFile{name: "b", mode: 0o120777}), is: r, want: "leads nowhere"},
		"link too long":    {data: with(zipFile{name: "b", mode: 0o120777, content: strings.Repeat("x", 2000)}), is: r, want: "too long"},
		"link sum":         {data: with(zipFile{name: "b", mode: 0o120777, content: "a", sum: 1}), is: c, want: "wrong zip checksum"},
		"overlap":          {data: zipOf(t, zipFile{name: "a", content: "hello", packed: 5}, zipFile{name: "a", at: 1, content: "x"}), is: r, want: "overlaps"},
		"one content":      {data: zipOf(t, zipFile{name: "p", content: "x"}, zipFile{name: "a", content: "hello"}, zipFile{name: "b", content: "hello", at: 32}), is: r, want: "overlaps"},
		"over directory":   {data: with(zipFile{name: "b", content: "y", size: 500, packed: 500}), is: r, want: "overlaps with the zip archive's directory"},
		"no header there":  {data: with(zipFile{name: "b", content: "y", at: 45}), is: c, want: "not where the zip archive's directory says"},
		"behind":           {data: with(zipFile{name: "b", content: "y", at: 1 << 20}), is: c, want: "not where"},
		"local name":       {data: with(zipFile{name: "b", local: "c"}), is: c, want: "contradicts the zip archive's directory"},
		"local sum":        {data: with(zipFile{name: "b", content: "y", localMismatch: true}), is: c, want: "contradicts"},
		"descriptor":       {data: with(zipFile{name: "b", content: "y", descriptor: true, described: 7}), is: c, want: "contradicts"},
		"unicode name":     {data: with(zipFile{name: "b", extra: []byte("\x75\x70\x06\x00\x01\x00\x00\x00\x00c")}), is: c, want: "two names"},
		"extra cut off":    {data: with(zipFile{name: "b", extra: []byte("\x75\x70\x06\x00\x01")}), is: c, want: "extra field"},
		"checksum":         {data: with(zipFile{name: "b", content: "y", sum: 77}), is: c, want: `entry "b": wrong zip checksum`},
		"checksum, packed": {data: with(zipFile{name: "b", content: "y", deflate: true, sum: 77}), is: c, want: "wrong zip checksum"},
		"larger":           {data: with(zipFile{name: "b", content: "yyyy", deflate: true, size: 3}), is: c, want: "larger than the zip archive's directory says"},
		"smaller":          {data: with(zipFile{name: "b", content: "yyyy", deflate: true, size: 5}), is: c, want: "smaller than the zip archive's directory says"},
		"stored sizes":     {data: with(zipFile{name: "b", content: "yyyy", size: 5}), is: c, want: "impossible"},
		"not deflate":      {data: with(zipFile{name: "b", content: "y", method: 8, packedContent: []byte{7}}), is: c, want: "invalid deflate data"},
		"deflate cut off":  {data: with(zipFile{name: "b", content: "y", method: 8, packedContent: []byte{}}), is: c, want: "cut off"},
		"behind deflate":   {data: with(zipFile{name: "b", content: "", method: 8, packedContent: []byte{3, 0, 9}}), is: c, want: "followed by something else"},
		"zip64 bomb":       {data: with(zipFile{name: "b", size: 1<<32 - 1, packed: 1<<32 - 1, extra: zip64Extra(1<<50, 1<<50)}), is: r, want: "overlaps"},
		"zip64 negative":   {data: with(zipFile{name: "b", size: 1<<32 - 1, packed: 1<<32 - 1, extra: zip64Extra(1<<63, 1<<63)}), is: c, want: "impossible"},
		"zip64 short":      {data: with(zipFile{name: "b", size: 1<<32 - 1, packed: 1<<32 - 1, extra: zip64Extra(1)}), is: c, want: "zip64"},
		"zip64 huge":       {data: with(zipFile{name: "b", method: 8, packedContent: []byte{3, 0}, size: 1<<32 - 1, extra: zip64Extra(1 << 50)}), is: r, want: "larger than"},
		"zip64 elsewhere":  {data: zipWith(t, func(e *zipTail) { e.zip64, e.entries, e.entriesHere = true, 7, 7 }, a), is: c, want: "two directories"},
		"two ends":         {data: zipWith(t, func(e *zipTail) { e.comment = string(good[len(good)-22:]) }, a), is: c, want: "ends in two ways"},
		"entries":          {data: zipWith(t, func(e *zipTail) { e.entries++; e.entriesHere++ }, a), is: c, want: "directory of the zip archive is cut off"},
		"fewer entries":    {data: zipWith(t, func(e *zipTail) { e.entries--; e.entriesHere-- }, a), is: c, want: "holds more than its entries"},
		"two counts":       {data: zipWith(t, func(e *zipTail) { e.entries++ }, a), is: c, want: "counts its entries in two ways"},
		"directory at":     {data: zipWith(t, func(e *zipTail) { e.at-- }, a), is: c, want: "not where it should be"},
		"directory size":   {data: zipWith(t, func(e *zipTail) { e.size = 1 << 31 }, a), is: c, want: "not where it should be"},
		"behind the end":   {data: append(bytes.Clone(good), 'x'), is: c, want: "something follows it"},
		"before it":        {data: append(bytes.Clone(good), zipOf(t, zipFile{name: "b"})...), is: c, want: "not where it should be"},
		"cut off":          {data: good[:len(good)-1], is: c, want: "cut off"},
		"head only":        {data: good[:30], is: c, want: "cut off"},
		"too many":         {data: zipOf(t, zipFile{name: "a"}, zipFile{name: "b"}, zipFile{name: "c"}), lim: small, is: r, want: "more than 2 entries"},
		"too deep":         {data: zipOf(t, zipFile{name: "a/b/c/d"}), lim: small, is: r, want: "deeper than 3"},
		"too long":         {data: zipOf(t, zipFile{name: strings.Repeat("a", 21)}), lim: small, is: r, want: "longer than 20 bytes"},
		"too large":        {data: zipOf(t, zipFile{name: "a", content: strings.Repeat("a", 61)}), lim: small, is: r, want: "larger than 60 bytes"},
		"too large in all": {data: zipOf(t, zipFile{name: "a", content: strings.Repeat("a", 60)}, zipFile{name: "b", content: strings.Repeat("a", 60)}), lim: small, is: r, want: "more than 100 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, tt.data, archive.ArtifactOptions{File: "x.zip"}, tt.lim)
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %v with %q", err, tt.is, tt.want)
			}
		})
	}
}

package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/pantry-go/pantry/archive"
)

// unpacked is a sink that keeps everything: path -> content, "*" before that of executable files, "->"
// before the target of links.
type unpacked struct {
	files map[string]string
	root  string
	over  bool
}

func (u *unpacked) File(e archive.Entry, r io.Reader) error {
	if u.over {
		return errors.New("a file after SetRoot")
	}
	b, err := io.ReadAll(r)
	switch {
	case err != nil:
		return err
	case e.Link != "":
		if len(b) > 0 || e.Size != 0 || e.Executable {
			return fmt.Errorf("%+v: a link with content", e)
		}
		b = []byte("->" + e.Link)
	case e.Size >= 0 && int64(len(b)) != e.Size:
		return fmt.Errorf("%s: %d bytes instead of %d", e.Path, len(b), e.Size)
	case e.Executable:
		b = append([]byte{'*'}, b...)
	}
	if _, twice := u.files[e.Path]; twice {
		return fmt.Errorf("%s twice", e.Path)
	}
	u.files[e.Path] = string(b)
	return nil
}

func (u *unpacked) SetRoot(dir string) error {
	if u.over {
		return errors.New("SetRoot twice")
	}
	u.over, u.root = true, dir
	stripped := map[string]string{}
	for p, c := range u.files {
		rest, ok := strings.CutPrefix(p, dir+"/")
		if !ok {
			return fmt.Errorf("%s is not in %s", p, dir)
		}
		stripped[rest] = c
	}
	u.files = stripped
	return nil
}

// open unpacks an artifact and checks that memory, a reader and a slow reader give the same, and that
// the reader is read to its end.
func open(t testing.TB, data []byte, o archive.ArtifactOptions, lim archive.Limits) (map[string]string, error) {
	t.Helper()
	o.Temp = t.TempDir()
	var u unpacked
	u.files = map[string]string{}
	err := archive.UnpackArtifactBytes(data, o, &u, lim)
	readers := map[string]io.Reader{"reader": bytes.NewReader(data), "data with EOF": iotest.DataErrReader(bytes.NewReader(data))}
	if len(data) < 20_000 {
		readers["slow reader"] = iotest.OneByteReader(bytes.NewReader(data))
	}
	for name, r := range readers {
		again := unpacked{files: map[string]string{}}
		err2 := archive.UnpackArtifact(r, o, &again, lim)
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%s: error %v, from memory %v", name, err2, err)
		}
		if err == nil && !maps.Equal(u.files, again.files) {
			t.Errorf("%s: %v, from memory %v", name, again.files, u.files)
		}
		if n, _ := io.Copy(io.Discard, r); err == nil && n > 0 {
			t.Errorf("%s: %d bytes were not read", name, n)
		}
	}
	if left, _ := os.ReadDir(o.Temp); len(left) > 0 {
		t.Errorf("left in the temporary folder: %v", left)
	}
	return u.files, err
}

const script = "#!/bin/sh\necho tool\n"

// toolTar is what a project's release archive looks like.
func toolTar(t testing.TB) []byte {
	return tarWith(t, tar.Header{Typeflag: tar.TypeDir, Name: "tool-1.0/", Mode: 0o755},
		tar.Header{Name: "tool-1.0/bin/tool", Mode: 0o755, Linkname: script}, tar.Header{Name: "tool-1.0/README", Linkname: "read me\n"})
}

// tarWith makes a tar archive; a file's content stands in its Linkname.
func tarWith(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := ""
		if h.Typeflag == 0 || h.Typeflag == tar.TypeReg {
			h.Typeflag, content, h.Linkname = tar.TypeReg, h.Linkname, ""
			h.Size = int64(len(content))
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zst(data []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	defer w.Close()
	return w.EncodeAll(data, nil)
}

// xzBlocks packs data without compressing it: the xz format (1.2.1), one block for each piece, with
// chunks of plain bytes in it.
func xzBlocks(pieces ...[]byte) []byte {
	le := binary.LittleEndian
	sum := func(b []byte) []byte { return le.AppendUint32(nil, crc32.ChecksumIEEE(b)) }
	flags := []byte{0, 1} // CRC-32
	out := append([]byte("\xfd7zXZ\x00"), append(flags, sum(flags)...)...)
	index := binary.AppendUvarint([]byte{0}, uint64(len(pieces)))
	for _, data := range pieces {
		head := append([]byte{2, 0, 0x21, 1, 18}, 0, 0, 0) // LZMA2, 2 MiB of dictionary
		block := append(head, sum(head)...)
		for rest, kind := data, byte(1); len(rest) > 0; kind = 2 {
			n := min(len(rest), 1<<16)
			block = append(append(block, kind, byte((n-1)>>8), byte(n-1)), rest[:n]...)
			rest = rest[n:]
		}
		block = append(block, 0)
		unpadded := len(block) + 4
		block = append(block, make([]byte, -len(block)&3)...)
		out = append(append(out, block...), sum(data)...)
		index = binary.AppendUvarint(binary.AppendUvarint(index, uint64(unpadded)), uint64(len(data)))
	}
	index = append(index, make([]byte, -len(index)&3)...)
	index = append(index, sum(index)...)
	foot := append(le.AppendUint32(nil, uint32(len(index)/4-1)), flags...)
	return append(append(append(append(out, index...), sum(foot)...), foot...), "YZ"...)
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Made by bzip2(1), for there is no Go package that does: toolTar without the folder, and script.
const (
	toolTarBz2 = "QlpoOTFBWSZTWd0RCi4AAKl/gcqQAQBoA/eAJgKwAH5nngAAIAgIIACShqmmgAAAMg9RoZAShEmnqeoB6hiAaeoaG1KTs1DlFyqAC1IiCEjA3NAK3RGMgggoGbxN6TwlSstIb1+HAYeohaRGBC+9wFSj24lzgatCWr9ITvhtGu5E6CMEMBw2pZcMWsEAlgUcCUCJPTiRGhTGhIRA/i7kinChIboiFFw="
	scriptBz2  = "QlpoOTFBWSZTWeNYJz8AAAJRgAAQaACaZYwAIAAimTTTam0CmAAPguzmJaiRUrYvBdyRThQkONYJz8A="
)

func TestArtifactFormats(t *testing.T) {
	t.Parallel()
	raw := toolTar(t)
	archives := map[string][]byte{
		"tool.tar": raw, "tool.tar.gz": gz(raw), "tool.TGZ": gz(raw), "tool.tar.xz": xzBlocks(raw), "tool.txz": xzBlocks(raw[:700], nil, raw[700:]),
		"tool.tar.zst": zst(raw), "tool.tzst": append(zst(raw[:512]), zst(raw[512:])...), "tool.tar.bz2": unbase64(t, toolTarBz2),
		"tool.tbz2": unbase64(t, toolTarBz2), "tool.tbz": unbase64(t, toolTarBz2),
		"tool.zip": zipOf(t, zipFile{name: "tool-1.0/"}, zipFile{name: "tool-1.0/bin/tool", mode: 0o100755, content: script},
			zipFile{name: "tool-1.0/README", mode: 0o100644, content: "read me\n"}),
		"two.tar.xz": append(append(xzBlocks(raw[:512]), 0, 0, 0, 0), xzBlocks(raw[512:])...), "two.tar.gz": append(gz(raw[:900]), gz(raw[900:])...),
	}
	tree := map[string]string{"tool-1.0/bin/tool": "*" + script, "tool-1.0/README": "read me\n"}
	stripped := map[string]string{"bin/tool": "*" + script, "README": "read me\n"}
	for name, data := range archives {
		for _, file := range []string{name, ""} {
			for n, want := range map[int]map[string]string{0: tree, 1: stripped, 2: {"tool": "*" + script}, -1: stripped} {
				got, err := open(t, data, archive.ArtifactOptions{File: file, Strip: n, Executable: "unused"}, archive.Limits{})
				if err != nil {
					t.Errorf("%s as %q, strip %d: %v", name, file, n, err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s as %q, strip %d: %s", name, file, n, d)
				}
			}
		}
	}
}

func TestArtifactProgram(t *testing.T) {
	t.Parallel()
	elf, pe := "\x7fELF"+strings.Repeat("x", 300_000), "MZ"+strings.Repeat("y", 100)
	tests := map[string]struct {
		data string
		o    archive.ArtifactOptions
		want string // the name
	}{
		"script":            {script, archive.ArtifactOptions{File: "tool.sh"}, "tool.sh"},
		"script, named":     {script, archive.ArtifactOptions{File: "tool-linux-amd64", Executable: "tool"}, "tool"},
		"one byte more":     {"#!", archive.ArtifactOptions{File: "x", Strip: -1}, "x"},
		"ELF":               {elf, archive.ArtifactOptions{File: "tool-1.2.3"}, "tool-1.2.3"},
		"AppImage":          {elf, archive.ArtifactOptions{File: "Tool-1.0.AppImage", Strip: 3}, "Tool-1.0.AppImage"},
		"no name":           {elf, archive.ArtifactOptions{Executable: "tool"}, "tool"},
		"Mach-O":            {"\xcf\xfa\xed\xfe" + elf, archive.ArtifactOptions{File: "tool"}, "tool"},
		"Mach-O, fat":       {"\xca\xfe\xba\xbe\x00\x00\x00\x02" + elf, archive.ArtifactOptions{File: "tool"}, "tool"},
		"Windows":           {pe, archive.ArtifactOptions{File: "tool.exe"}, "tool.exe"},
		"Windows, named":    {pe, archive.ArtifactOptions{File: "tool-windows-amd64.EXE", Executable: "tool"}, "tool.exe"},
		"Windows, full":     {pe, archive.ArtifactOptions{File: "a.exe", Executable: "tool.EXE"}, "tool.EXE"},
		"gzip":              {string(gz([]byte(elf))), archive.ArtifactOptions{File: "tool-linux.gz"}, "tool-linux"},
		"gzip, named":       {string(gz([]byte(elf))), archive.ArtifactOptions{File: "tool-linux.gz", Executable: "tool"}, "tool"},
		"gzip, no name":     {string(gz([]byte(elf))), archive.ArtifactOptions{Executable: "tool"}, "tool"},
		"xz":                {string(xzBlocks([]byte(elf))), archive.ArtifactOptions{File: "tool.xz"}, "tool"},
		"zstd":              {string(zst([]byte(elf))), archive.ArtifactOptions{File: "tool.ZST"}, "tool"},
		"zstd, skippable":   {"\x50\x2a\x4d\x18\x02\x00\x00\x00xx" + string(zst([]byte(elf))), archive.ArtifactOptions{File: "tool.zst"}, "tool"},
		"bzip2":             {string(unbase64(t, scriptBz2)), archive.ArtifactOptions{File: "tool.bz2"}, "tool"},
		"a path":            {script, archive.ArtifactOptions{File: "dl/tool"}, "tool"},
		"larger than 1 MiB": {"\x7fELF" + strings.Repeat("noise", 500_000), archive.ArtifactOptions{File: "tool"}, "tool"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := open(t, []byte(tt.data), tt.o, archive.Limits{})
			if err != nil || len(got) != 1 || !strings.HasPrefix(got[tt.want], "*") {
				t.Fatalf("%v, %v", slices.Collect(maps.Keys(got)), err)
			}
			if plain := got[tt.want][1:]; !strings.Contains(name, ",") && len(tt.data) > 2000 && tt.data[0] == '\x7f' && plain != tt.data {
				t.Error("other content")
			}
		})
	}
}

// 40 MiB of zeros after "#!", by compressors that can't be had here; that of xz was packed by gzip
// again.
const (
	bombXZ  = "H4sIAAAAAAACA/trXhURxcDA8uzaFjcmBkVGGQYGBoHzEWf+/xdmzItlEOywkbnB36LmsaTVkPdZ4+mHohyyx76v+Hv7Qi9jkM4hwek7ZSKX8V197eP27fjkLfek4+5NP+JyvUxn30r3ig+Kxx8fSnk+N9c9tyG531XLXN/45/6ffK+Srk/kNeVSvcWz6dGlJ27fQj50lOoY3D4UEDJRaTobc/zJAmuRA0bmM5aKMi59sZhT682q/1Fqa4p4xCYt32fZr/KwYN5y5fg3GqdbL06d0VWnNfGTeul3yQNsM3xn/L2x/uoE/iOqwT++TjQzZF264V3+wQJfd56LEwVXrU2Q3XVuo7pETGTby7SgiH0vy9ZEPnkazcrx8/ittX9+B2mXnJWLVnD6eTfY9odmCqd1w2mtnPtbrT8c2asXv4rfzjvNaYIw33+ByT8KKyJ/cJ/9P1XDjX/ln5p7v2cZ6IUd6G/93Nx4IJUSq9kXVtjO/y/AqM3wpjh4+d9962oMpeZv7zXMG6b+pdjqQH77TaMBNhpgowE2GmCjATYaYKMBNhpgowE2GmCjATYaYKMBNhpgowE2GmCjATYaYKMBNhpgowFGrQBrEFrFwMbw7HDnHQYwuPb+Scq7dxyLGBh3GjQ1NIg8YO+9sfFI+m8mkCRLZBQAyh8xyGAYAAA="
	bombBz2 = "QlpoOTFBWSZTWVH00CEFBQbQgMAAKAAAAQAIIABQZoApU0zUCQJmRCqCr+5QJAnC7kinChIKPpoEIA=="
)

func TestArtifactBombs(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 40<<20)
	xzBomb, err := gzip.NewReader(bytes.NewReader(unbase64(t, bombXZ)))
	if err != nil {
		t.Fatal(err)
	}
	bombs := map[string][]byte{"tool.gz": gz(append([]byte("#!"), zeros...)), "tool.tar.gz": gz(zeros), "tool.zst": zst(append([]byte("#!"), zeros...)),
		"tool.tar.zst": zst(zeros), "tool.bz2": unbase64(t, bombBz2), "tool.zip": zipOf(t, zipFile{name: "zeros", content: string(zeros), deflate: true})}
	if bombs["tool.xz"], err = io.ReadAll(xzBomb); err != nil {
		t.Fatal(err)
	}
	for name, data := range bombs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct {
				lim  archive.Limits
				want string
			}{{archive.Limits{}, "more than 200 times"}, {archive.Limits{Bytes: 30 << 20, Ratio: 1 << 30}, "more than 31457280 bytes"},
				{archive.Limits{File: 20 << 20, Ratio: 1 << 30}, "larger than 20971520 bytes"}} {
				if strings.HasPrefix(name, "tool.tar") && tt.lim.File > 0 {
					continue // zeros are the end of a tar archive
				}
				var n int64
				err := archive.UnpackArtifactBytes(data, archive.ArtifactOptions{File: name}, archive.SinkFunc(func(_ archive.Entry, r io.Reader) error {
					k, err := io.Copy(io.Discard, r)
					n += k
					return err
				}), tt.lim)
				if !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), tt.want) || n > 31<<20 || name == "tool.zip" && n > 0 {
					t.Errorf("%v after %d bytes, want %s", err, n, tt.want)
				}
			}
		})
	}
}

func TestArtifactWrong(t *testing.T) {
	t.Parallel()
	raw := toolTar(t)
	noise := make([]byte, 3000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	noisy := tarWith(t, tar.Header{Name: "a", Linkname: string(noise)})
	cut := func(b []byte, n int) []byte { return b[:len(b)-n] }
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[(at+len(b))%len(b)] ^= 0x40
		return b
	}
	const dict192 = "/Td6WFoAAATm1rRGAgAhAR8AAAD+YO3eAQAJIyEvYmluL3NoCgAAANeCsjVj62HbAAEiChUa4WcftvN9AQAAAAAEWVo="
	const arm64 = "/Td6WFoAAATm1rRGAgEKACEBDACmHRKVAQAJIyEvYmluL3NoCgAAANeCsjVj62HbAAEiChUa4WcftvN9AQAAAAAEWVo="
	c, r, u := archive.ErrCorrupt, archive.ErrRefused, archive.ErrUnsupported
	tests := map[string]struct {
		file string
		data []byte
		is   error
		want string
	}{
		"HTML as archive":      {"tool.tar.gz", []byte("\n<!DOCTYPE html><html>"), c, "its name says that it is gzip data, and it holds an HTML page"},
		"HTML as zip":          {"tool.zip", []byte("<html>"), c, "an HTML page"},
		"HTML as program":      {"tool", []byte("<html>"), c, "it holds an HTML page, and no program"},
		"XML as program":       {"tool", []byte("<?xml version='1.0'?><Error>"), c, "an XML document"},
		"JSON as program":      {"tool.exe", []byte(` {"message":"Not Found"}`), c, "a JSON document, and no program"},
		"JSON without a name":  {"", []byte(`[]`), c, "a JSON document"},
		"text":                 {"tool", []byte("Not Found"), c, "neither an archive nor a program"},
		"nothing":              {"tool", nil, c, "it holds nothing"},
		"nothing as archive":   {"tool.tgz", nil, c, "it holds nothing"},
		"Java class":           {"tool", []byte("\xca\xfe\xba\xbe\x00\x00\x00\x41"), c, "neither"},
		"gzip as xz":           {"tool.tar.xz", gz(raw), c, "its name says that it is xz data, and it holds gzip data"},
		"xz as gzip":           {"tool.gz", xzBlocks(raw), c, "its name says that it is gzip data, and it holds xz data"},
		"zip as tar":           {"tool.tar", zipOf(t, zipFile{name: "a"}), c, "it is a tar archive, and it holds a zip archive"},
		"tar as zip":           {"tool.zip", raw, c, "it is a zip archive, and it holds a tar archive"},
		"tar as program":       {"tool", raw, c, "it is no archive, and it holds a tar archive"},
		"gzip as program":      {"tool-1.0", gz(raw), c, "it holds gzip data, and no program"},
		"zip as program":       {"tool", zipOf(t, zipFile{name: "a"}), c, "a zip archive, and no program"},
		"tar in .gz":           {"tool.gz", gz(raw), c, "it is no archive, and it holds a tar archive"},
		"program in .tar.gz":   {"tool.tar.gz", gz([]byte(script)), c, "it is a tar archive, and it holds a script"},
		"HTML in .tar.zst":     {"tool.tar.zst", zst([]byte("<html>")), c, "a tar archive, and it holds an HTML page"},
		"text in .xz":          {"tool.xz", xzBlocks([]byte("text")), c, "what is compressed in it is neither"},
		"gzip in gzip":         {"tool.gz", gz(gz([]byte(script))), c, "it holds gzip data, and no program"},
		"nothing in .bz2":      {"tool.bz2", []byte("BZh9\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00"), c, "it holds nothing"},
		"7-Zip":                {"tool.7z", []byte("7z\xbc\xaf\x27\x1c"), u, ".7z files cannot be unpacked"},
		"7-Zip without a name": {"tool", []byte("7z\xbc\xaf\x27\x1c"), u, "an archive of a kind that cannot be unpacked"},
		"Debian package":       {"tool.deb", []byte("!<arch>\n"), u, ".deb files"},
		"no files":             {"tool.tar", tarWith(t), r, "there is no file in it"},
		"folders only":         {"tool.tgz", gz(tarWith(t, tar.Header{Typeflag: tar.TypeDir, Name: "a/"})), r, "there is no file in it"},
		"no files in zip":      {"tool.zip", zipOf(t), r, "there is no file in it"},
		"cut off, gzip":        {"tool.tgz", cut(gz(noisy), 9), c, "the gzip stream is cut off"},
		"cut off, xz":          {"tool.txz", cut(xzBlocks(noisy), 30), c, "the xz data is damaged or cut off"},
		"cut off, xz footer":   {"tool.txz", cut(xzBlocks(noisy), 1), c, "the xz data is damaged or cut off"},
		"cut off, zstd":        {"tool.tzst", cut(zst(noisy), 5), c, "the zstd data is cut off"},
		"cut off, bzip2":       {"tool.tbz", cut(unbase64(t, toolTarBz2), 9), c, "the bzip2 data is cut off"},
		"cut off, tar":         {"tool.tar", noisy[:1000], c, "the tar archive is cut off"},
		"damaged, gzip":        {"tool.tgz", flip(gz(noisy), -6), c, "wrong gzip checksum"},
		"damaged, xz":          {"tool.txz", flip(xzBlocks(noisy), 2000), c, "the xz data is damaged"},
		"damaged, zstd":        {"tool.tzst", flip(zst(noisy), 1500), c, "the zstd data is damaged"},
		"damaged, bzip2":       {"tool.tbz", flip(unbase64(t, toolTarBz2), 12), c, "the bzip2 data is damaged"},
		"behind gzip":          {"tool.tgz", append(gz(raw), 'x'), c, "data after the end of the gzip stream"},
		"behind xz":            {"tool.txz", append(xzBlocks(raw), "garbage"...), c, "the xz data is damaged"},
		"behind zstd":          {"tool.tzst", append(zst(raw), "garbage"...), c, "the zstd data is damaged"},
		"behind bzip2":         {"tool.tbz", append(unbase64(t, toolTarBz2), "garbage"...), c, "the bzip2 data is damaged"},
		"behind tar":           {"tool.tar", append(bytes.Clone(raw), "garbage"...), c, "data after the end of the tar archive"},
		"large dictionary":     {"tool.xz", unbase64(t, dict192), r, "takes more than 128 MiB of memory"},
		"large window":         {"tool.zst", []byte("\x28\xb5\x2f\xfd\x04\x90\x00\x00\x00\x00"), r, "takes more than 128 MiB of memory"},
		"other filter":         {"tool.xz", unbase64(t, arm64), u, "a filter or a check that is not known"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, tt.data, archive.ArtifactOptions{File: tt.file, Executable: "tool"}, archive.Limits{})
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %v with %q", err, tt.is, tt.want)
			}
		})
	}
}

func TestArtifactOptions(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]archive.ArtifactOptions{
		"no name": {}, "folder": {Executable: "bin/tool"}, "dot dot": {Executable: ".."}, "dot": {File: "x", Executable: "."},
		"control": {File: "a\x1b"}, "backslash": {Executable: `a\b`}, "strip": {File: "x", Strip: -2}, "root": {File: "/"},
	} {
		if _, err := open(t, []byte(script), o, archive.Limits{}); !errors.Is(err, archive.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := open(t, toolTar(t), archive.ArtifactOptions{File: "x.tar", Strip: 9}, archive.Limits{})
	if !errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), "without its first 9 path segments") {
		t.Error(err)
	}
	err = archive.UnpackArtifactBytes(toolTar(t), archive.ArtifactOptions{File: "x.tar", Strip: -1}, discard, archive.Limits{})
	if err == nil || !strings.Contains(err.Error(), "cannot drop") {
		t.Errorf("a sink without SetRoot: %v", err)
	}
}

// TestStripOne: a top folder is dropped only if everything is in it.
func TestStripOne(t *testing.T) {
	t.Parallel()
	f := func(name string) tar.Header { return tar.Header{Name: name, Linkname: "x"} }
	l := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	double := tar.Header{Name: "./._a", Linkname: "\x00\x05\x16\x07 attributes"}
	for name, tt := range map[string]struct {
		headers []tar.Header
		want    []string
	}{
		"one":               {[]tar.Header{f("a/b"), f("a/c/d")}, []string{"b", "c/d"}},
		"with dot":          {[]tar.Header{f("./a/b"), f("a/./c")}, []string{"b", "c"}},
		"two":               {[]tar.Header{f("a/b"), f("c/d")}, []string{"a/b", "c/d"}},
		"a file beside it":  {[]tar.Header{f("a/b"), f("c")}, []string{"a/b", "c"}},
		"a file only":       {[]tar.Header{f("a")}, []string{"a"}},
		"a link beside it":  {[]tar.Header{f("a/b"), l("c", "a/b")}, []string{"a/b", "c"}},
		"a link in it":      {[]tar.Header{l("a/l", "b"), f("a/b")}, []string{"b", "l"}},
		"links only":        {[]tar.Header{l("a/l", "b"), l("a/m", "l")}, []string{"l", "m"}},
		"only one dropped":  {[]tar.Header{f("a/b/c")}, []string{"b/c"}},
		"other case":        {[]tar.Header{f("a/b"), f("A/c")}, []string{"A/c", "a/b"}},
		"macOS attributes":  {[]tar.Header{double, f("a/b"), {Name: "a/._b", Linkname: "\x00\x05\x16\x07"}}, []string{"b"}},
		"no such attribute": {[]tar.Header{f("a/b"), f("a/._b")}, []string{"._b", "b"}},
	} {
		got, err := open(t, tarWith(t, tt.headers...), archive.ArtifactOptions{File: "x.tar", Strip: -1}, archive.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.want, slices.Sorted(maps.Keys(got))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestLayout(t *testing.T) {
	t.Parallel()
	type options = archive.ArtifactOptions
	for _, same := range [][]options{
		{{File: "a.tar.gz", Strip: 1}, {File: "b.zip", Strip: 1, Executable: "x"}, {File: "a.tar.gz", Strip: 1, Temp: "x"}},
		{{File: "tool.gz"}, {File: "tool", Strip: 1}, {File: "x", Executable: "tool"}},
	} {
		for _, o := range same[1:] {
			if o.Layout() != same[0].Layout() {
				t.Errorf("%+v: %s, %+v: %s", o, o.Layout(), same[0], same[0].Layout())
			}
		}
	}
	seen := map[string]options{}
	for _, o := range []options{{}, {File: "a.tgz"}, {File: "a.tgz", Strip: 1}, {File: "a.tgz", Strip: -1}, {File: "a"}, {File: "b"}, {File: "a", Executable: "x y"},
		{Executable: "a"}, {Strip: 1}} {
		l := o.Layout()
		if have, twice := seen[l]; twice || strings.ContainsAny(l, "\n\x00") {
			t.Errorf("%q for %+v and %+v", l, o, have)
		}
		seen[l] = o
	}
}

func TestArtifactErrorsOfOthers(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	noise := make([]byte, 2<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	raw := tarWith(t, tar.Header{Name: "a", Linkname: string(noise)})
	full := errors.New("disk full")
	for file, data := range map[string][]byte{"a.tar": raw, "a.tgz": gz(raw), "a.txz": xzBlocks(raw), "a.tzst": zst(raw),
		"a.zip": zipOf(t, zipFile{name: "a", content: string(noise)}), "a": append([]byte("#!"), noise...)} {
		for _, cut := range []int{0, 5, 700, 1<<20 + 5000} {
			r := io.MultiReader(bytes.NewReader(data[:cut]), iotest.ErrReader(broken))
			o := archive.ArtifactOptions{File: file, Temp: t.TempDir()}
			if err := archive.UnpackArtifact(r, o, discard, archive.Limits{}); err != broken {
				t.Errorf("%s: reader fails after %d: %v", file, cut, err)
			}
		}
		for name, sink := range map[string]archive.SinkFunc{
			"fails": func(archive.Entry, io.Reader) error { return full },
			"fails later": func(_ archive.Entry, r io.Reader) error {
				_, err := io.ReadFull(r, make([]byte, 5))
				return errors.Join(full, err)
			},
			"reads nothing": func(archive.Entry, io.Reader) error { return nil },
		} {
			err := archive.UnpackArtifact(bytes.NewReader(data), archive.ArtifactOptions{File: file, Temp: t.TempDir()}, sink, archive.Limits{})
			if fails := strings.HasPrefix(name, "fails"); fails && !errors.Is(err, full) || !fails && err != nil {
				t.Errorf("%s: sink %s: %v", file, name, err)
			}
		}
	}
	o := archive.ArtifactOptions{File: "a.zip", Temp: t.TempDir() + "/missing"}
	if err := archive.UnpackArtifact(bytes.NewReader(zipOf(t, zipFile{name: "a", content: string(noise)})), o, discard, archive.Limits{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no temporary folder: %v", err)
	}
}

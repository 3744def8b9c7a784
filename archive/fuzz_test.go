package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/archive"
)

// FuzzTar holds the tar reader against archive/tar: whatever is accepted here, archive/tar reads
// as the same files with the same contents.
func FuzzTar(f *testing.F) {
	f.Add(tarOf(f, file("package/package.json"), tar.Header{Typeflag: tar.TypeReg, Name: "p/b", Size: 600, Mode: 0o755}))
	long := "package/" + strings.Repeat("long/", 40) + "name.js"
	for _, format := range []tar.Format{tar.FormatPAX, tar.FormatGNU, tar.FormatUSTAR} {
		f.Add(tarOf(f, tar.Header{Typeflag: tar.TypeReg, Name: long, Size: 3, Format: format}))
	}
	f.Add(tarOf(f, tar.Header{Typeflag: tar.TypeDir, Name: "package/"}, tar.Header{Typeflag: tar.TypeSymlink, Name: "p/l", Linkname: "x"}))
	f.Add(join(paxEntry('g', "20 comment=abcdefgh\n"), paxEntry('x', "9 size=3\n"), raw("package/a", '0', "0"), block("xxx")))
	f.Add(join(raw("package/a", '0', "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03"), block("xxx")))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.Clone(data)
		for i := 0; i+512 <= len(data); i += 512 {
			if string(data[i+257:i+264]) == "ustar  " {
				// archive/tar reads a prefix from GNU headers whose times it can't read, since
				// its own writer once wrote such; other programs don't.
				clear(data[i+345 : i+500])
			}
			if i == 0 || data[i+257] == 'u' {
				seal(data[i : i+512]) // or the fuzzer would hardly get behind the first header
			}
		}
		got := map[string]string{}
		err := archive.UnpackNPM(bytes.NewReader(stored(data)), summer(got), archive.Limits{})
		if err != nil {
			if !errors.Is(err, archive.ErrRefused) && !errors.Is(err, archive.ErrCorrupt) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		// A last block of zeros that is cut short is padding here.
		want, err := standard(append(data, make([]byte, -len(data)&511)...))
		if err != nil {
			if errors.Is(err, tar.ErrHeader) {
				return // for a number in a header that means nothing to a package
			}
			t.Fatalf("archive/tar: %v", err)
		}
		for p := range want {
			if got[p] != want[p] {
				t.Errorf("%q: %s, archive/tar has %s", p, got[p], want[p])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d files, archive/tar has %d", len(got), len(want))
		}
	})
}

// stored is gzip without compression, which is faster to make.
func stored(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// standard reads the files of a tar archive with the standard library.
func standard(data []byte) (map[string]string, error) {
	m := map[string]string{}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		switch h.Typeflag {
		case tar.TypeReg, tar.TypeCont:
		default:
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return m, err
		}
		_, name, _ := strings.Cut(h.Name, "/")
		if name = path.Clean(name); name != "." {
			m[name] = describe(h.Size, h.Mode&0o111 != 0, b)
		}
	}
}

// FuzzUnpack checks what is promised of every archive, well made or not: no panic, an error of a
// known kind, and paths that are safe to use.
func FuzzUnpack(f *testing.F) {
	f.Add(gz(tarOf(f, file("package/package.json"), file("package/é"))))
	f.Add(gz(tarOf(f, file("package/../x"))))
	f.Add(append(gz(nil), gz(tarOf(f, file("a/b")))...))
	f.Add(synthetic(f, 3, 100))
	f.Fuzz(func(t *testing.T, packed []byte) {
		seen := map[string]bool{}
		err := archive.UnpackNPMBytes(packed, archive.SinkFunc(func(e archive.Entry, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			if err != nil || n != e.Size {
				t.Errorf("%q: %d of %d bytes, %v", e.Path, n, e.Size, err)
			}
			if e.Path != path.Clean(e.Path) || path.IsAbs(e.Path) || e.Path == "." || strings.ContainsAny(e.Path, "\\\x00\n\x1b") ||
				e.Path == ".." || strings.HasPrefix(e.Path, "../") {
				t.Errorf("unsafe path %q", e.Path)
			}
			if key := strings.ToLower(e.Path); seen[key] {
				t.Errorf("%q twice", e.Path)
			} else {
				seen[key] = true
			}
			return nil
		}), archive.Limits{Bytes: 1 << 20})
		if err != nil && !errors.Is(err, archive.ErrRefused) && !errors.Is(err, archive.ErrCorrupt) {
			t.Fatalf("error of no kind: %v", err)
		}
		if err == nil {
			if _, err := gzip.NewReader(bytes.NewReader(packed)); err != nil {
				t.Fatalf("accepted, and not gzip: %v", err)
			}
		}
	})
}

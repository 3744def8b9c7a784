package archive_test

import (
	"archive/tar"
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/pantry-go/pantry/archive"
)

// corpus is tarballs to measure with: those of TEST_TARBALLS, or one that is made up, of
// files of the size and compressibility that packages have.
func corpus(b *testing.B) [][]byte {
	b.Helper()
	if dir := os.Getenv("TEST_TARBALLS"); dir != "" {
		files, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
		var all [][]byte
		for _, f := range files {
			p, err := os.ReadFile(f)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, p)
		}
		return all
	}
	return [][]byte{synthetic(b, 400, 8<<10)}
}

func synthetic(tb testing.TB, files, size int) []byte {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	for i := range words {
		words[i] = fmt.Sprintf("%x", rnd.Uint64()>>(rnd.IntN(40)))
	}
	var list []archive.PackFile
	for i := range files {
		var c bytes.Buffer
		for c.Len() < size {
			fmt.Fprintf(&c, "  const %s = require(%q).%s;\n", words[rnd.IntN(len(words))],
				words[rnd.IntN(200)], words[rnd.IntN(len(words))])
		}
		list = append(list, archive.PackFile{Path: fmt.Sprintf("lib/part%d/file%d.js", i%20, i), Content: c.Bytes()})
	}
	var out bytes.Buffer
	if err := archive.Pack(&out, list); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

var discard = archive.SinkFunc(func(_ archive.Entry, r io.Reader) error {
	_, err := r.(io.WriterTo).WriteTo(io.Discard)
	return err
})

// BenchmarkUnpack is inflating and walking; MB/s counts the bytes of the files. klauspost and compress are
// archive/tar with the gzip readers of those packages, which check nothing of what this package does.
func BenchmarkUnpack(b *testing.B) {
	all := corpus(b)
	var size int64
	for _, p := range all {
		err := archive.UnpackNPMBytes(p, archive.SinkFunc(func(e archive.Entry, _ io.Reader) error {
			size += e.Size
			return nil
		}), archive.Limits{})
		if err != nil {
			b.Fatal(err)
		}
	}
	var (
		src   bytes.Reader
		klaus gzip.Reader
		std   stdgzip.Reader
	)
	for _, impl := range []struct {
		name   string
		unpack func(packed []byte) error
	}{
		{"memory", func(p []byte) error { return archive.UnpackNPMBytes(p, discard, archive.Limits{}) }},
		{"reader", func(p []byte) error {
			src.Reset(p)
			return archive.UnpackNPM(&src, discard, archive.Limits{})
		}},
		{"klauspost", func(p []byte) error {
			src.Reset(p)
			return errors.Join(klaus.Reset(&src), untarStandard(&klaus))
		}},
		{"compress", func(p []byte) error {
			src.Reset(p)
			return errors.Join(std.Reset(&src), untarStandard(&std))
		}},
	} {
		b.Run(impl.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range all {
					if err := impl.unpack(p); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func untarStandard(r io.Reader) error {
	for t := tar.NewReader(r); ; {
		_, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			_, err = io.Copy(io.Discard, t)
		}
		if err != nil {
			return err
		}
	}
}

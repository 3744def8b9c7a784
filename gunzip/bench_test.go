package gunzip_test

import (
	"bytes"
	stdgzip "compress/gzip"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/pantry-go/pantry/gunzip"
)

// script is made up text of the compressibility that JavaScript has.
func script(size int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	for i := range words {
		words[i] = fmt.Sprintf("%x", rnd.Uint64()>>(rnd.IntN(40)))
	}
	var b bytes.Buffer
	for b.Len() < size {
		fmt.Fprintf(&b, "  const %s = require(%q).%s;\n", words[rnd.IntN(len(words))], words[rnd.IntN(200)],
			words[rnd.IntN(len(words))])
	}
	return b.Bytes()[:size]
}

// BenchmarkGunzip compares with what else there is; MB/s counts unpacked bytes. TEST_TARBALLS may name a folder of
// *.tgz files to measure with.
func BenchmarkGunzip(b *testing.B) {
	corpora := map[string][][]byte{"large": {zip(b, script(4<<20), 9)}, "small": {zip(b, script(20<<10), 9)}}
	if all := tarballs(b); len(all) > 0 {
		corpora = map[string][][]byte{"tarballs": all}
	}
	for name, all := range corpora {
		var size int64
		for _, p := range all {
			data, err := gunzip.Unpack(p, math.MaxInt64)
			if err != nil {
				b.Fatal(err)
			}
			size += int64(len(data))
		}
		for _, impl := range implementations() {
			b.Run(name+"/"+impl.name, func(b *testing.B) {
				b.SetBytes(size)
				b.ReportAllocs()
				for b.Loop() {
					for _, p := range all {
						if err := impl.run(p); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		}
	}
}

type implementation struct {
	name string
	run  func(packed []byte) error
}

// implementations keep what they can from one stream to the next.
func implementations() []implementation {
	var (
		d        gunzip.Decoder
		r        gunzip.Reader
		src      bytes.Reader
		klaus    gzip.Reader
		standard stdgzip.Reader
		window   = make([]byte, gunzip.History+384<<10+gunzip.Margin)
		buf      = make([]byte, 256<<10)
	)
	read := func(r io.Reader) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
		return err
	}
	return []implementation{
		{"decoder", func(p []byte) error {
			d.Reset(p, nil)
			for o := 0; ; {
				end, err := d.Fill(window, o)
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				o = copy(window, window[end-gunzip.History:end])
			}
		}},
		{"unpack", func(p []byte) error {
			_, err := gunzip.Unpack(p, math.MaxInt64)
			return err
		}},
		{"reader", func(p []byte) error {
			src.Reset(p)
			r.Reset(&src)
			return read(&r)
		}},
		{"klauspost", func(p []byte) error {
			src.Reset(p)
			if err := klaus.Reset(&src); err != nil {
				return err
			}
			return read(&klaus)
		}},
		{"compress", func(p []byte) error {
			src.Reset(p)
			if err := standard.Reset(&src); err != nil {
				return err
			}
			return read(&standard)
		}},
	}
}

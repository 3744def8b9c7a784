package archive

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples are texts and noise of many lengths, so that the end of the data falls on every place.
func samples() map[string][]byte {
	rnd := rand.New(rand.NewPCG(7, 7))
	noise := make([]byte, 70_000)
	skewed := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
		skewed[i] = byte(min(rnd.ExpFloat64()*20, 255)) // gives codes longer than the root table
	}
	var text bytes.Buffer
	for i := range 2000 {
		text.WriteString("export const value")
		text.WriteByte(byte('a' + i%26))
		text.WriteString(" = require('./module')\n"[:5+i%18])
	}
	m := map[string][]byte{"noise": noise, "skewed": skewed, "text": text.Bytes(),
		"zeros": make([]byte, 70_000), "period 3": bytes.Repeat([]byte("abc"), 30_000), "empty": nil}
	for n := 1; n < 700; n += 41 {
		m["text of "+string(rune('A'+n%26))+string(rune('0'+n/26))] = text.Bytes()[n : 2*n]
	}
	return m
}

// inflateAll inflates through an output of the given size, as the tar reader does.
func inflateAll(in *input, size int) (all []byte, err error) {
	f := new(inflater)
	buf := make([]byte, size)
	o := 0
	for {
		end, done, err := f.run(in, buf, o)
		all = append(all, buf[o:end]...)
		if done || err != nil {
			return all, err
		}
		gone := max(0, end-history)
		o = copy(buf, buf[gone:end])
	}
}

func TestInflate(t *testing.T) {
	t.Parallel()
	for name, data := range samples() {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, 1, 9} {
			packed := deflate(t, data, level)
			for _, size := range []int{history + outMargin + 1, 200_000} {
				slow := iotest.HalfReader(bytes.NewReader(packed))
				if len(packed) < 5000 {
					slow = iotest.OneByteReader(bytes.NewReader(packed))
				}
				for _, src := range []io.Reader{nil, slow} {
					var in input
					in.reset(packed, nil)
					if src != nil {
						in.reset(nil, src)
					}
					got, err := inflateAll(&in, size)
					if err != nil || !bytes.Equal(got, data) || in.pos != len(in.buf) || in.more() {
						t.Fatalf("%s, level %d, size %d: %d of %d bytes: %v", name, level, size, len(got), len(data), err)
					}
				}
			}
			for cut := 1; cut <= min(len(packed), 20); cut++ {
				var in input
				in.reset(packed[:len(packed)-cut], nil)
				if _, err := inflateAll(&in, 100_000); err != errCutShort {
					t.Errorf("%s, level %d, %d bytes cut off: %v, want errCutShort", name, level, cut, err)
				}
			}
		}
	}
}

// FuzzInflate holds the inflater against the standard library's: the same verdict, the same
// bytes, and the same end of the input.
func FuzzInflate(f *testing.F) {
	for name, data := range samples() {
		if len(data) < 1000 || name == "skewed" {
			for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, 1, 9} {
				f.Add(append(deflate(f, data[:min(len(data), 4000)], level), "tail"...))
			}
		}
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		r := bytes.NewReader(packed)
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(r), 4<<20))
		if len(want) == 4<<20 {
			return // the limit came first
		}
		for _, size := range []int{history + outMargin + 1, 1 << 20} {
			for _, src := range []io.Reader{nil, iotest.HalfReader(bytes.NewReader(packed))} {
				var in input
				in.reset(packed, nil)
				if src != nil {
					in.reset(nil, src)
				}
				got, err := inflateAll(&in, size)
				if (err == nil) != (wantErr == nil) {
					t.Fatalf("error %v, flate has %v", err, wantErr)
				}
				if err != nil {
					continue
				}
				if !bytes.Equal(got, want) {
					t.Fatalf("%d bytes, flate has %d", len(got), len(want))
				}
				if src == nil && len(packed)-in.pos != r.Len() {
					t.Fatalf("ends %d before the end, flate %d", len(packed)-in.pos, r.Len())
				}
			}
		}
	})
}

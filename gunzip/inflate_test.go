package gunzip_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/pantry-go/pantry/gunzip"
)

// sources are the ways to give data to a decoder.
func sources(packed []byte) map[string]func(reset func([]byte, io.Reader)) {
	return map[string]func(func([]byte, io.Reader)){
		"memory": func(reset func([]byte, io.Reader)) { reset(packed, nil) },
		"halves": func(reset func([]byte, io.Reader)) { reset(nil, iotest.HalfReader(bytes.NewReader(packed))) },
		"bytes": func(reset func([]byte, io.Reader)) {
			if len(packed) < 5000 {
				reset(nil, iotest.OneByteReader(bytes.NewReader(packed)))
			} else {
				reset(nil, iotest.DataErrReader(bytes.NewReader(packed)))
			}
		},
	}
}

func TestInflate(t *testing.T) {
	t.Parallel()
	for name, data := range samples() {
		for _, level := range levels {
			packed := deflate(t, data, level)
			for _, size := range []int{smallest, 200_000} {
				for source, open := range sources(packed) {
					var f gunzip.Inflater
					open(f.Reset)
					got, err := drain(t, &f, size)
					if err != nil || !bytes.Equal(got, data) || f.Followed() {
						t.Fatalf("%s, level %d, size %d, from %s: %d of %d bytes: %v", name, level, size, source, len(got), len(data), err)
					}
				}
			}
			var f gunzip.Inflater
			f.Reset(append(bytes.Clone(packed), 1), nil)
			if got, err := drain(t, &f, smallest); err != nil || !bytes.Equal(got, data) || !f.Followed() {
				t.Errorf("%s, level %d, with something behind it: %d bytes, %v", name, level, len(got), err)
			}
			for cut := 1; cut <= min(len(packed), 12); cut++ {
				f.Reset(packed[:len(packed)-cut], nil)
				got, err := drain(t, &f, 100_000)
				if !errors.Is(err, gunzip.ErrCutOff) || !bytes.HasPrefix(data, got) {
					t.Errorf("%s, level %d, %d bytes cut off: %v, want ErrCutOff", name, level, cut, err)
				}
			}
		}
	}
}

// TestRandomBlocks reads what no compressor writes: codes of all lengths, all lengths and distances.
func TestRandomBlocks(t *testing.T) {
	t.Parallel()
	var whole int
	for seed := range uint64(200) {
		packed := random(seed)
		want, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed)))
		if err == nil {
			whole++
		}
		var f gunzip.Inflater
		for _, size := range []int{smallest, 1 << 20} {
			f.Reset(packed, nil)
			got, gotErr := drain(t, &f, size)
			if (err == nil) != (gotErr == nil) || err == nil && !bytes.Equal(got, want) {
				t.Fatalf("seed %d: %d bytes, %v; flate has %d, %v", seed, len(got), gotErr, len(want), err)
			}
			if !agree(got, want) {
				t.Fatalf("seed %d: wrong bytes before the error %v", seed, gotErr)
			}
		}
	}
	if whole < 70 {
		t.Errorf("only %d of the made up streams are valid", whole)
	}
}

// A reader's error is returned as it is, with what came before it.
func TestReadersError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	data := samples()["text"]
	packed := deflate(t, data, 9)
	for n := range len(packed) {
		var f gunzip.Inflater
		f.Reset(nil, io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(broken)))
		if got, err := drain(t, &f, smallest); err != broken || !bytes.HasPrefix(data, got) {
			t.Fatalf("broken after %d bytes: %v", n, err)
		}
	}
	var f gunzip.Inflater
	f.Reset(nil, idle{})
	if _, err := drain(t, &f, smallest); err != io.ErrNoProgress {
		t.Errorf("a reader that gives nothing: %v", err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// agree says that one begins with the other: before an error either may give some bytes more.
func agree(a, b []byte) bool { return bytes.HasPrefix(a, b) || bytes.HasPrefix(b, a) }

var inflaters = sync.Pool{New: func() any { return new(gunzip.Inflater) }}

// FuzzInflate holds the inflater against the standard library's: the same verdict, the same
// bytes, and the same end of the input.
func FuzzInflate(f *testing.F) {
	for name, data := range samples() {
		if len(data) < 1000 || name == "skewed" {
			for _, level := range levels {
				f.Add(append(deflate(f, data[:min(len(data), 4000)], level), "tail"...))
			}
		}
	}
	for seed := range uint64(20) {
		f.Add(random(seed))
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		r := bytes.NewReader(packed)
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(r), 4<<20))
		if len(want) == 4<<20 {
			return // the limit came first
		}
		f := inflaters.Get().(*gunzip.Inflater)
		defer inflaters.Put(f)
		for _, size := range []int{smallest, 1 << 20} {
			for source, open := range sources(packed) {
				open(f.Reset)
				got, err := drain(t, f, size)
				if (err == nil) != (wantErr == nil) {
					t.Fatalf("error %v, flate has %v", err, wantErr)
				}
				if !agree(got, want) || err == nil && len(got) != len(want) {
					t.Fatalf("%d bytes, flate has %d", len(got), len(want))
				}
				if err == nil && source == "memory" && f.Followed() != (r.Len() > 0) {
					t.Fatalf("something follows: %v; flate leaves %d bytes", f.Followed(), r.Len())
				}
			}
		}
	})
}

package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

func TestReadAll(t *testing.T) {
	t.Parallel()
	sizes := []int{0, 1, 511, 512, 513, 32 << 10, 1<<20 - 1, 1 << 20, 1<<20 + 1, 9<<20 + 1}
	for _, n := range sizes {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7)
		}
		for _, length := range []int64{-1, int64(n), 0, int64(n) / 2, int64(n) + 9, 1 << 62} {
			for _, limit := range []int64{int64(n), int64(n) + 1, math.MaxInt64} {
				if length > limit {
					continue
				}
				got, err := transport.ReadAll(bytes.NewReader(data), length, limit)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes of %d announced, limit %d: got %d, %v", n, length, limit, len(got), err)
				}
			}
			_, err := transport.ReadAll(bytes.NewReader(data), min(length, int64(n)-1), int64(n)-1)
			if n > 0 && !errors.Is(err, pantry.ErrInvalid) {
				t.Errorf("one more than the limit of %d: %v", n-1, err)
			}
		}
	}
	if _, err := transport.ReadAll(iotest.ErrReader(io.EOF), 11, 10); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("announced beyond the limit: %v", err)
	}
	for _, length := range []int64{-1, 10} {
		broken := io.MultiReader(bytes.NewReader([]byte("abc")), iotest.ErrReader(io.ErrUnexpectedEOF))
		if data, err := transport.ReadAll(broken, length, 100); !errors.Is(err, io.ErrUnexpectedEOF) || data != nil {
			t.Errorf("got %q, %v", data, err)
		}
	}
}

// An announced length allocates little before bytes have come.
func TestReadAllTrustsLittle(t *testing.T) {
	var before, after runtime.MemStats // of the whole process, so this test is not parallel
	runtime.ReadMemStats(&before)
	if _, err := transport.ReadAll(strings.NewReader("x"), 1<<30, 1<<31); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("%d bytes allocated", got)
	}
}

func BenchmarkReadAll(b *testing.B) {
	data := make([]byte, 20<<20)
	for _, length := range []int64{-1, int64(len(data))} {
		b.Run(fmt.Sprint("announced=", length), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := transport.ReadAll(bytes.NewReader(data), length, 1<<30); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("io", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := io.ReadAll(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

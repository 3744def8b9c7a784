package gunzip_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/pantry-go/pantry/gunzip"
)

// used is decoders for decode, in whatever state they were left.
var used = struct{ d, r *sync.Pool }{
	&sync.Pool{New: func() any { return new(gunzip.Decoder) }},
	&sync.Pool{New: func() any { return new(gunzip.Reader) }},
}

// decode is the result of a Decoder, a Reader and Unpack, which must agree.
func decode(t testing.TB, packed []byte) ([]byte, error) {
	t.Helper()
	data, err := gunzip.Unpack(packed, math.MaxInt64)
	if err != nil && data != nil {
		t.Fatalf("%d bytes with the error %v", len(data), err)
	}
	d, r := used.d.Get().(*gunzip.Decoder), used.r.Get().(*gunzip.Reader)
	defer used.d.Put(d)
	defer used.r.Put(r)
	for source, open := range sources(packed) {
		open(d.Reset)
		got, gotErr := drain(t, d, smallest)
		if !same(err, gotErr) || err == nil && !bytes.Equal(got, data) {
			t.Fatalf("decoder from %s: %d bytes, %v; Unpack has %d, %v", source, len(got), gotErr, len(data), err)
		}
		open(func(packed []byte, src io.Reader) {
			if src == nil {
				src = bytes.NewReader(packed)
			}
			r.Reset(src)
		})
		got, gotErr = io.ReadAll(r)
		if !same(err, gotErr) || err == nil && !bytes.Equal(got, data) {
			t.Fatalf("reader from %s: %d bytes, %v; Unpack has %d, %v", source, len(got), gotErr, len(data), err)
		}
		if n, again := r.Read(make([]byte, 9)); n > 0 || again != gotErr && again != io.EOF {
			t.Fatalf("reader from %s: after %v it gives %d bytes, %v", source, gotErr, n, again)
		}
	}
	return data, err
}

func same(a, b error) bool { return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error()) }

func TestGunzip(t *testing.T) {
	t.Parallel()
	for name, data := range samples() {
		for _, level := range levels {
			packed := zip(t, data, level)
			for what, p := range map[string][]byte{
				"": packed, " padded": append(slices.Clone(packed), make([]byte, 1000)...),
				" behind an empty member": append(zip(t, nil, 9), packed...),
			} {
				if what != "" && level != 9 {
					continue
				}
				if got, err := decode(t, p); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s, level %d%s: %d bytes, %v", name, level, what, len(got), err)
				}
			}
		}
		packed := zip(t, data, 1)
		packed = append(packed, packed...)
		if got, err := decode(t, packed); err != nil || !bytes.Equal(got, append(slices.Clone(data), data...)) {
			t.Errorf("%s, twice: %d bytes, %v", name, len(got), err)
		}
	}
}

// header makes a gzip stream of the text "hello" with flags and what follows the first ten bytes.
func header(flags byte, rest string) []byte {
	b := append([]byte{0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255}, rest...)
	return append(b, hello...)
}

// hello is "hello" in a stored block, with its trailer.
var hello = func() string {
	b := []byte("\x01\x05\x00\xfa\xffhello")
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte("hello")))
	return string(binary.LittleEndian.AppendUint32(b, 5))
}()

func TestHeaders(t *testing.T) {
	t.Parallel()
	sum := func(b []byte) string {
		b = b[:len(b)-len(hello)]
		return string(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(b))))
	}
	for name, p := range map[string][]byte{
		"plain":   header(0, ""),
		"text":    header(1, ""),
		"name":    header(8, "name\x00"),
		"comment": header(16, "\x00"),
		"extra":   header(4, "\x03\x00abc"),
		"all":     header(4|8|16, "\x00\x00name\x00comment\x00"),
		"sum":     header(2, sum(header(2, ""))),
		"all+sum": header(2|4|8|16, "\x01\x00xn\x00c\x00"+sum(header(2|4|8|16, "\x01\x00xn\x00c\x00"))),
		"long":    header(8, strings.Repeat("n", 64<<10-1)+"\x00"),
	} {
		if got, err := decode(t, p); err != nil || string(got) != "hello" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		for cut := 1; cut < len(p) && cut < 100; cut++ {
			if _, err := decode(t, p[:len(p)-cut]); !errors.Is(err, gunzip.ErrCutOff) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s without its last %d bytes: %v", name, cut, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	good := zip(t, samples()["text"], 9)
	flip := func(i int) []byte {
		p := slices.Clone(good)
		p[(i+len(p))%len(p)] ^= 0xff
		return p
	}
	for name, tt := range map[string]struct {
		packed []byte
		kind   error
		reason string
	}{
		"empty":           {nil, gunzip.ErrEmpty, "not gzip data"},
		"text":            {[]byte("hello, hello, hello"), gunzip.ErrCorrupt, "not gzip data"},
		"other method":    {flip(2), gunzip.ErrCorrupt, "not gzip data"},
		"reserved flag":   {flip(3), gunzip.ErrCorrupt, "not gzip data"},
		"in the magic":    {good[:1], gunzip.ErrCutOff, "not gzip data"},
		"in the header":   {good[:9], gunzip.ErrCutOff, "not gzip data"},
		"no magic, short": {[]byte{0x1f, 0x8c}, gunzip.ErrCorrupt, "not gzip data"},
		"endless name":    {header(8, strings.Repeat("n", 64<<10)), gunzip.ErrCutOff, "the gzip stream is cut off"},
		"header sum":      {header(2, "ab"), gunzip.ErrCorrupt, "wrong checksum of the gzip header"},
		"block type":      {append(header(0, "")[:10], "\x07 and so on"...), gunzip.ErrCorrupt, "invalid deflate data"},
		"stored length":   {append(header(0, "")[:10], "\x01\x05\x00\xfa\xfehello"...), gunzip.ErrCorrupt, "invalid deflate data"},
		"sum":             {flip(-8), gunzip.ErrCorrupt, "wrong gzip checksum or length"},
		"length":          {flip(-1), gunzip.ErrCorrupt, "wrong gzip checksum or length"},
		"in the trailer":  {good[:len(good)-3], gunzip.ErrCutOff, "the gzip stream is cut off"},
		"in the data":     {good[:len(good)/2], gunzip.ErrCutOff, "the gzip stream is cut off"},
		"text behind":     {append(slices.Clone(good), "more"...), gunzip.ErrCorrupt, "data after the end of the gzip stream"},
		"text in padding": {append(slices.Clone(good), "\x00\x00more"...), gunzip.ErrCorrupt, "data after the end of the gzip stream"},
		"half a header":   {append(slices.Clone(good), good[:5]...), gunzip.ErrCorrupt, "data after the end of the gzip stream"},
		"members":         {bytes.Repeat(zip(t, nil, 9), 100_001), gunzip.ErrTooMany, "more than 100000 gzip members"},
	} {
		_, err := decode(t, tt.packed)
		var e *gunzip.Error
		if !errors.As(err, &e) || !errors.Is(err, tt.kind) || e.Kind != tt.kind || e.Reason != tt.reason || err.Error() != tt.reason {
			t.Errorf("%s: %v (%v), want %q (%v)", name, err, errors.Unwrap(err), tt.reason, tt.kind)
		}
	}
}

func TestUnpackLimit(t *testing.T) {
	t.Parallel()
	for name, data := range samples() {
		packed := zip(t, data, 9)
		n := int64(len(data))
		for _, limit := range []int64{n, n + 1, math.MaxInt64} {
			if got, err := gunzip.Unpack(packed, limit); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, limit %d: %d bytes, %v", name, limit, len(got), err)
			}
		}
		for _, limit := range []int64{n - 1, n / 2, 0, -1} {
			if got, err := gunzip.Unpack(packed, limit); limit < n && n > 0 && (!errors.Is(err, gunzip.ErrTooLarge) || got != nil) {
				t.Errorf("%s, limit %d of %d: %d bytes, %v", name, limit, n, len(got), err)
			}
		}
	}
}

// Append uses the memory there is, keeps what is in it, and does without.
func TestAppend(t *testing.T) {
	t.Parallel()
	for name, data := range samples() {
		packed := zip(t, data, 1)
		for _, room := range []int{0, 1, gunzip.Margin, len(data), len(data) + gunzip.Margin, len(data) + gunzip.Margin + 1, 200_000} {
			dst := append(make([]byte, 0, room+5), "first"...)
			got, err := gunzip.Append(dst, packed, int64(len(data)))
			if err != nil || string(got) != "first"+string(data) {
				t.Fatalf("%s, room for %d: %d bytes, %v", name, room, len(got), err)
			}
			if moved := &got[0] != &dst[0]; moved != (room <= len(data)+gunzip.Margin) {
				t.Errorf("%s: moved with room for %d: %v", name, room, moved)
			}
			got, err = gunzip.Append(dst, packed[:len(packed)-1], math.MaxInt64)
			if !errors.Is(err, gunzip.ErrCutOff) || string(got) != "first" {
				t.Errorf("%s, cut off: %q, %v", name, got, err)
			}
		}
	}
}

// A length that a trailer makes up takes little memory, and so does a bomb.
func TestUnpackMemory(t *testing.T) {
	bomb := zip(t, make([]byte, 24<<20), 9)
	lie := append(zip(t, []byte("hello"), 9)[:23], "\xff\xff\xff\xff"...)
	for _, tt := range []struct {
		name   string
		packed []byte
		limit  int64
		most   uint64
	}{
		{"lie", lie, math.MaxInt64, 2000},
		{"bomb", bomb, 1 << 20, 3 << 20},
		{"bomb without a limit", bomb, math.MaxInt64, 80 << 20},
	} {
		_, _ = gunzip.Unpack(tt.packed, tt.limit) // a decoder is there from now on
		var before, after runtime.MemStats        // of the whole process, so this test is not parallel
		runtime.ReadMemStats(&before)
		_, _ = gunzip.Unpack(tt.packed, tt.limit)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > tt.most+100<<10 {
			t.Errorf("%s: %d bytes allocated", tt.name, got)
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	data := samples()["skewed"]
	packed := zip(t, data, 9)
	if err := iotest.TestReader(gunzip.NewReader(bytes.NewReader(packed)), data); err != nil {
		t.Error(err)
	}
	broken := errors.New("broken")
	for n := range len(packed) {
		if n > 50 && n < len(packed)-50 && n%499 != 0 {
			continue
		}
		r := gunzip.NewReader(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(broken)))
		if got, err := io.ReadAll(r); err != broken || !bytes.HasPrefix(data, got) {
			t.Fatalf("broken after %d bytes: %d bytes, %v", n, len(got), err)
		}
	}
	r := gunzip.NewReader(bytes.NewReader(packed))
	for range 3 { // it can be used again, at any time
		if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		r.Reset(bytes.NewReader(packed))
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("after Reset: %d bytes, %v", len(got), err)
	}
}

// FuzzGunzip holds everything against the standard library's reader.
func FuzzGunzip(f *testing.F) {
	text := samples()["text"]
	for _, level := range levels {
		p := zip(f, text[:3000], level)
		f.Add(p)
		f.Add(append(p, p...))
		f.Add(p[:len(p)-1])
		f.Add(append(p, 0, 0))
	}
	f.Add(header(2|4|8|16, "\x01\x00xn\x00c\x00ab"))
	f.Fuzz(func(t *testing.T, packed []byte) {
		var want []byte
		r, wantErr := gzip.NewReader(bytes.NewReader(packed))
		if wantErr == nil {
			want, wantErr = io.ReadAll(io.LimitReader(r, 4<<20))
		}
		if len(want) == 4<<20 {
			return // the limit came first
		}
		got, err := decode(t, packed)
		if err == nil && wantErr != nil {
			// Padding is an error there, and so are texts in a header that are longer than 512 bytes.
			if packed[len(packed)-1] != 0 && packed[3]&(8|16) == 0 {
				t.Fatalf("accepted; gzip has %v", wantErr)
			}
			return
		}
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v; gzip has %d, %v", len(got), err, len(want), wantErr)
		}
	})
}

package httpcache_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/httpcache"
)

func sample() httpcache.Decoded {
	return httpcache.Decoded{
		Status: 404, Asked: start, Received: start.Add(1500 * time.Millisecond),
		Vary:   http.Header{"Accept": {"a, b"}, "X-None": {""}},
		Header: http.Header{"Etag": {`W/"1"`}, "Link": {"<a>", "<b>: c"}, "X-Latin": {"\xe9"}},
		Body:   []byte("body\n?Accept: none\n"),
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	data, ok := httpcache.Encode(sample())
	if !ok {
		t.Fatal("not encoded")
	}
	got, again, err := httpcache.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Error(diff)
	}
	if len(again) != len(data) {
		t.Error("it is another file the second time")
	}
	for name, change := range map[string]func(*httpcache.Decoded){
		"a line break":   func(d *httpcache.Decoded) { d.Header.Set("X-A", "b\nEtag: c") },
		"an odd name":    func(d *httpcache.Decoded) { d.Header["A b"] = []string{"c"} },
		"a name that is": func(d *httpcache.Decoded) { d.Header["?a"] = []string{"c"} },
		"a huge header":  func(d *httpcache.Decoded) { d.Header.Set("X-A", strings.Repeat("a", 1<<17)) },
	} {
		d := sample()
		change(&d)
		if _, ok := httpcache.Encode(d); ok {
			t.Errorf("%s: encoded", name)
		}
	}
}

// TestDamage: whatever byte of a file is another one, it is seen.
func TestDamage(t *testing.T) {
	t.Parallel()
	data, _ := httpcache.Encode(sample())
	for i := range data {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		if _, _, err := httpcache.Decode(bad); err == nil {
			t.Errorf("byte %d is another one, and nobody sees it", i)
		}
		if _, _, err := httpcache.Decode(data[:i]); err == nil {
			t.Errorf("cut off after %d bytes, and nobody sees it", i)
		}
	}
	if _, _, err := httpcache.Decode(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a byte too many, and nobody sees it")
	}
}

// FuzzDecode: whatever a file holds, it is refused, or is an answer that makes an equal file. The
// checksum is made right, so that more than it is tried.
func FuzzDecode(f *testing.F) {
	data, _ := httpcache.Encode(sample())
	f.Add(data)
	f.Add(data[:80])
	data, _ = httpcache.Encode(httpcache.Decoded{Status: 200, Header: http.Header{"A": {""}}, Body: []byte("x")})
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 12 {
			binary.LittleEndian.PutUint32(data[8:], crc32.Checksum(data[12:], crc32.MakeTable(crc32.Castagnoli)))
		}
		d, again, err := httpcache.Decode(data)
		if err != nil {
			return
		}
		other, _, err := httpcache.Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(d, other); diff != "" {
			t.Error(diff)
		}
	})
}

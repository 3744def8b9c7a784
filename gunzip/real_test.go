package gunzip_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// tarballs are the *.tgz files of the folder that TEST_TARBALLS names, if it does.
func tarballs(tb testing.TB) (all [][]byte) {
	tb.Helper()
	files, _ := filepath.Glob(filepath.Join(os.Getenv("TEST_TARBALLS"), "*.tgz"))
	for _, f := range files {
		p, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// TestTarballs compares with the standard library's reader what comes out of the tarballs that TEST_TARBALLS
// names, also of cut off and damaged ones.
func TestTarballs(t *testing.T) {
	if os.Getenv("TEST_TARBALLS") == "" {
		t.Skip("TEST_TARBALLS names no folder of tarballs")
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	for i, packed := range tarballs(t) {
		want := standardGunzip(packed)
		got, err := decode(t, packed)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("tarball %d: %d bytes, %v; gzip has %d", i, len(got), err, len(want))
		}
		got, err = decode(t, packed[:rnd.IntN(len(packed))])
		if err == nil || got != nil {
			t.Errorf("tarball %d, cut off: %d bytes, %v", i, len(got), err)
		}
		damaged := bytes.Clone(packed)
		damaged[10+rnd.IntN(len(packed)-10)] ^= 1 << rnd.IntN(8)
		want = standardGunzip(damaged)
		if got, err := decode(t, damaged); (err == nil) != (want != nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("tarball %d, damaged: %d bytes, %v; gzip has %d", i, len(got), err, len(want))
		}
	}
}

func standardGunzip(packed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	return data
}

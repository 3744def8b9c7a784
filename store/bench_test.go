package store_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// benchStore is on the file system of TEST_DIR, if that is set.
func benchStore(b *testing.B) *store.Store {
	b.Helper()
	dir, err := os.MkdirTemp(os.Getenv("TEST_DIR"), "store")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	s, err := store.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func benchEntry(b *testing.B, s *store.Store, d integrity.Digest, files int, content []byte) {
	w, err := s.NewWriter()
	if err != nil {
		b.Fatal(err)
	}
	var r bytes.Reader
	for i := range files {
		r.Reset(content)
		e := archive.Entry{Path: fmt.Sprintf("dist/esm/part%d/file%d.js", i/20, i), Size: int64(len(content))}
		if err := w.File(e, io.Reader(&r)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := w.Commit(d); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWrite adds one package. 36 files are the average of npm packages, 8 kB of their files.
func BenchmarkWrite(b *testing.B) {
	for _, files := range []int{1, 36, 1000} {
		b.Run(fmt.Sprintf("%d files", files), func(b *testing.B) {
			s := benchStore(b)
			content := make([]byte, 8000)
			n := 0
			for b.Loop() {
				n++
				benchEntry(b, s, digest(fmt.Sprint(n)), files, content)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*files), "ns/file")
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, files := range []int{1, 36, 1000} {
		b.Run(fmt.Sprintf("%d files", files), func(b *testing.B) {
			s := benchStore(b)
			benchEntry(b, s, digest("a"), files, nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Get(digest("a")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package store_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// The benchmarks are on the file system of TEST_DIR, if that is set. Compare runs with
// "go test -run=NONE -bench=. -count=10 ./store" and benchstat.

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

// benchEntry adds a package whose files are in folders of twenty.
func benchEntry(b *testing.B, s *store.Store, name string, d integrity.Digest, files int, content []byte) *store.Entry {
	w, err := s.NewWriter(name)
	if err != nil {
		b.Fatal(err)
	}
	w.SetPackage(name, "1.0.0")
	var r bytes.Reader
	for i := range files {
		r.Reset(content)
		e := archive.Entry{Path: fmt.Sprintf("dist/esm/part%d/file%d.js", i/20, i), Size: int64(len(content))}
		if err := w.File(e, &r); err != nil {
			b.Fatal(err)
		}
	}
	e, err := w.Commit(d)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkWrite adds one package. 40 files are the average of npm packages, 8 kB of their files.
func BenchmarkWrite(b *testing.B) {
	for _, files := range []int{1, 40, 1000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			s := benchStore(b)
			content := bytes.Repeat([]byte("01234567"), 1000)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				benchEntry(b, s, "lodash", digest(fmt.Sprint(n)), files, content)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*files), "ns/file")
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, files := range []int{1, 40, 1000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			s := benchStore(b)
			benchEntry(b, s, "a", digest("a"), files, nil)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Get(digest("a")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHasLinked(b *testing.B) {
	s := benchStore(b)
	putLinked(b, s, store.Linked{Key: key("a"), Entry: benchEntry(b, s, "a", digest("a"), 1, nil)})
	b.ReportAllocs()
	for b.Loop() {
		if !s.HasLinked(key0) {
			b.Fatal("not there")
		}
	}
}

var key0 = key("a")

// BenchmarkPutLinked makes linked packages with three needs, as the average package has: in an entry of
// 40 files, or in a folder of its own.
func BenchmarkPutLinked(b *testing.B) {
	needs := []store.Target{target("b", "b"), target("c", "c"), target("@s/d", "d")}
	b.Run("home", func(b *testing.B) {
		s := benchStore(b)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			b.StopTimer()
			n++
			e := benchEntry(b, s, "a", digest(fmt.Sprint(n)), 40, nil)
			l := store.Linked{Key: key(fmt.Sprint(n)), Entry: e, Links: needs}
			b.StartTimer()
			putLinked(b, s, l)
		}
	})
	b.Run("own", func(b *testing.B) {
		s := benchStore(b)
		e := benchEntry(b, s, "a", digest("a"), 40, nil)
		putLinked(b, s, store.Linked{Key: key("a"), Entry: e})
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			n++
			putLinked(b, s, store.Linked{Key: key(fmt.Sprint(n)), Entry: e, Links: needs})
		}
	})
	b.Run("there", func(b *testing.B) {
		s := benchStore(b)
		l := store.Linked{Key: key("a"), Entry: benchEntry(b, s, "a", digest("a"), 40, nil), Links: needs}
		putLinked(b, s, l)
		b.ReportAllocs()
		for b.Loop() {
			putLinked(b, s, l)
		}
	})
}

// BenchmarkStamp keeps and reads the record of a project with 100 direct dependencies.
func BenchmarkStamp(b *testing.B) {
	record := []byte(strings.Repeat("react "+key("a")+"\n", 100))
	s := benchStore(b)
	generation, err := s.Generation()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.PutStamp(key0, generation, record); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := s.Stamp(key0); !ok {
				b.Fatal("not there")
			}
		}
	})
}

// BenchmarkVerifyAll reads every file of 50 packages.
func BenchmarkVerifyAll(b *testing.B) {
	s := benchStore(b)
	content := bytes.Repeat([]byte("01234567"), 1000)
	for i := range 50 {
		putLinked(b, s, store.Linked{Key: key(fmt.Sprint(i)), Entry: benchEntry(b, s, "a", digest(fmt.Sprint(i)), 40, content)})
	}
	b.SetBytes(50 * 40 * int64(len(content)))
	for b.Loop() {
		sound(b, s)
	}
}

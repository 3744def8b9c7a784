package fetch_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/fetch"
)

// BenchmarkFetch brings 100 packages of 36 files into an empty store, from memory; MB/s
// counts the bytes of the files.
func BenchmarkFetch(b *testing.B) {
	const packages = 100
	all := make([][]byte, packages)
	var size int64
	for i := range all {
		files := map[string]string{}
		for j := range 35 {
			content := strings.Repeat(fmt.Sprintf("export const value%d = %d;\n", i*j, j), 250)
			files[fmt.Sprintf("lib/part%d/file%d.js", j%5, j)] = content
			size += int64(len(content))
		}
		all[i] = tarball(b, "a", fmt.Sprintf("1.0.%d", i), files)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		w := newWorld(b)
		o := w.options()
		o.Open = func(_ context.Context, _ string, a pantry.Artifact) (io.ReadCloser, error) {
			var i int
			_, err := fmt.Sscanf(a.Version, "1.0.%d", &i)
			return io.NopCloser(strings.NewReader(string(all[i]))), err
		}
		f := fetch.New(o)
		var wg sync.WaitGroup
		for i, p := range all {
			wg.Go(func() {
				req := request(p)
				req.Artifact.Version = fmt.Sprintf("1.0.%d", i)
				if _, err := f.Fetch(b.Context(), req); err != nil {
					b.Error(err)
				}
			})
		}
		wg.Wait()
	}
}

package httpcache_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
)

// BenchmarkHit is what an answer costs that nobody is asked for: its file is opened, read, checked and
// closed.
func BenchmarkHit(b *testing.B) {
	for _, size := range []int{1 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			o := newOrigin(`ETag: "1"`, "Content-Type: application/json", "Cache-Control: max-age=300", "Vary: Accept")
			o.body = strings.Repeat("x", size)
			v := o.visitor(b, b.TempDir())
			v.get(pantry.AskIfStale, "Accept: application/json")
			b.SetBytes(int64(size))
			for b.Loop() {
				if g := v.ask(pantry.AskIfStale, http.MethodGet, "/pad", "Accept: application/json"); g.state != pantry.CacheFresh {
					b.Fatalf("%+v", g)
				}
			}
		})
	}
}

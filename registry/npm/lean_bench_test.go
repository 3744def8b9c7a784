package npm

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm/packument"
	"github.com/pantry-go/pantry/resolve"
	"github.com/pantry-go/pantry/transport"
)

// keptCorpus is a registry that has kept all packuments of the corpus, and a wish for each.
func keptCorpus(b *testing.B) (r *Registry, names, wishes []string) {
	b.Helper()
	client, err := transport.New(transport.Options{Registry: "test", URL: "https://registry.example.com", Base: nobody{b}})
	if err != nil {
		b.Fatal(err)
	}
	if r, err = New(Options{Name: "test", Client: client, CacheDir: b.TempDir()}); err != nil {
		b.Fatal(err)
	}
	c := newCorpus(corpusNames)
	for i, name := range c.names {
		p, err := compact(name, c.packument(i), packument.Document{Checked: time.Now(), Life: maxLife})
		if err != nil {
			b.Fatal(err)
		}
		if err := r.keeper.shelf(r.url("/" + escapeName(name))).Put(p); err != nil {
			b.Fatal(err)
		}
		oldest := p.Version(p.Len() * (i % 5) / 5)
		names, wishes = append(names, name), append(wishes, "^"+oldest.String())
	}
	return r, names, wishes
}

// nobody answers no request.
type nobody struct{ b *testing.B }

func (n nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	n.b.Errorf("asked %s", r.URL)
	return nil, http.ErrHandlerTimeout
}

// BenchmarkPick chooses and reads a version of each package of a large project, from what was kept.
func BenchmarkPick(b *testing.B) {
	r, names, wishes := keptCorpus(b)
	ctx := pantry.WithAsking(b.Context(), pantry.AskIfStale)
	b.ReportAllocs()
	for b.Loop() {
		for i, name := range names {
			p, err := r.Package(ctx, name)
			if err != nil {
				b.Fatal(err)
			}
			version, err := resolve.Pick(p, wishes[i], "24.1.0")
			if err != nil {
				b.Fatal(err)
			}
			if _, err := p.Metadata(version); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkPickParallel is BenchmarkPick as a resolution does it, by several at once.
func BenchmarkPickParallel(b *testing.B) {
	r, names, wishes := keptCorpus(b)
	ctx := pantry.WithAsking(b.Context(), pantry.AskIfStale)
	for b.Loop() {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(names)); i = next.Add(1) - 1 {
					p, err := r.Package(ctx, names[i])
					if err != nil {
						b.Error(err)
						return
					}
					if _, err := resolve.Pick(p, wishes[i], "24.1.0"); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// somePackuments are a tenth of a large project's.
func somePackuments() (names []string, docs [][]byte, size int64) {
	c := newCorpus(corpusNames / 10)
	for i := range c.names {
		doc := c.packument(i)
		docs, size = append(docs, doc), size+int64(len(doc))
	}
	return c.names, docs, size
}

// BenchmarkScanUsual scans packuments as registries have them.
func BenchmarkScanUsual(b *testing.B) {
	_, docs, size := somePackuments()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, doc := range docs {
			if _, err := scan(doc); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkCompact makes their compact forms.
func BenchmarkCompact(b *testing.B) {
	names, docs, size := somePackuments()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for i, doc := range docs {
			if _, err := compact(names[i], doc, packument.Document{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// largestLean is the compact form of the largest of them.
func largestLean(b *testing.B) *lean {
	names, docs, _ := somePackuments()
	at := 0
	for i := range docs {
		if len(docs[i]) > len(docs[at]) {
			at = i
		}
	}
	p, err := compact(names[at], docs[at], packument.Document{})
	if err != nil {
		b.Fatal(err)
	}
	o := testOrigin()
	return newLean(&o, p)
}

// BenchmarkLeanOpen opens a compact form of some thousand versions that is in memory.
func BenchmarkLeanOpen(b *testing.B) {
	data := largestLean(b).Bytes()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := packument.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLeanMetadata decodes one version.
func BenchmarkLeanMetadata(b *testing.B) {
	l := largestLean(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		place := i % l.Len()
		if _, err := l.decode(place, l.Spelling(place)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLeanPick chooses a version among some thousand, an old one, so that most are looked at.
func BenchmarkLeanPick(b *testing.B) {
	l := largestLean(b)
	wanted := "~" + l.Version(l.Len()/10).String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := resolve.Pick(l, wanted, "24.1.0"); err != nil {
			b.Fatal(err)
		}
	}
}

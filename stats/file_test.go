package stats_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/stats"
	"github.com/pantry-go/pantry/transport"
)

var sameHistogram = cmp.Comparer(func(a, b stats.Histogram) bool { return a == b })

func TestFile(t *testing.T) {
	t.Parallel()
	f := stats.NewFile(t.TempDir() + "/new/folder")
	if s, err := f.Load(); err != nil || len(s.Registries) > 0 || !s.Since.IsZero() {
		t.Fatalf("of no file: %+v %v", s, err)
	}
	if err := f.Reset(); err != nil {
		t.Fatalf("reset of no file: %v", err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		if err := f.Reset(); err != nil {
			rt.Fatal(err)
		}
		var want stats.Stats
		for range 3 {
			s := anyStats(rt)
			want.Merge(s)
			if err := f.Add(s); err != nil {
				rt.Fatal(err)
			}
		}
		got, err := f.Load()
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got, sameHistogram); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestFileShared: of many who add at once nobody's counts are lost.
func TestFileShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const writers, times = 8, 5
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			f := stats.NewFile(dir)
			var r stats.Recorder
			r.Exchange(exchange(200, ""))
			for range times {
				for tries := 0; ; tries++ { // a slow machine may make one wait for too long
					err := f.Add(r.Stats())
					if err == nil {
						break
					}
					if tries > 100 {
						t.Errorf("cannot add: %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	s, err := stats.NewFile(dir).Load()
	if err != nil {
		t.Fatal(err)
	}
	acme := s.Registry("acme")
	if total := acme.Total(); total.Requests != writers*times || len(total.Recent) != stats.MaxRecent {
		t.Errorf("%d requests, %d events", total.Requests, len(total.Recent))
	}
}

// TestFileDamaged: a file that cannot be read is said to be, and replaced.
func TestFileDamaged(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":          "",
		"no JSON":        "what?",
		"wrong type":     `{"version": 1, "registries": {}}`,
		"other version":  `{"version": 99, "registries": []}`,
		"odd histogram":  `{"version": 1, "registries": [{"name": "a", "origins": [{"origin": "b", "latency": {"counts": [1]}}]}]}`,
		"wrong bucket":   `{"version": 1, "registries": [{"name": "a", "origins": [{"origin": "b", "latency": {"counts": [-1, 1]}}]}]}`,
		"too large":      `{"version": 1, "registries": []}` + strings.Repeat(" ", 5<<20),
		"negative count": `{"version": 1, "registries": [{"name": "a", "origins": [{"origin": "b", "latency": {"counts": [1, -1]}}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stats.NewFile(t.TempDir())
			if err := os.WriteFile(f.Path(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := f.Load(); !errors.Is(err, stats.ErrDamaged) || !strings.Contains(err.Error(), f.Path()) {
				t.Errorf("got %v", err)
			}
			var r stats.Recorder
			r.Exchange(exchange(200, ""))
			if err := f.Add(r.Stats()); err != nil {
				t.Fatal(err)
			}
			s, err := f.Load()
			if acme := s.Registry("acme"); err != nil || len(acme.Origins) != 1 {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

// TestFileTellsNoSecret: neither URLs nor texts of errors are kept.
func TestFileTellsNoSecret(t *testing.T) {
	t.Parallel()
	f := stats.NewFile(t.TempDir())
	var r stats.Recorder
	e := exchange(0, transport.FailureNetwork)
	e.URL, e.Err, e.Credential = "https://acme.example/@acme%2fsecret", errors.New("no @acme/secret"), "acme.json:3"
	r.Exchange(e)
	if err := f.Add(r.Stats()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"secret", "acme.json", "@acme"} {
		if strings.Contains(string(data), word) {
			t.Errorf("%q is in %s", word, data)
		}
	}
}

func FuzzLoad(f *testing.F) {
	var r stats.Recorder
	e := exchange(200, "")
	e.Quota, e.Credential, e.Date = &transport.Quota{Remaining: 1}, "x", noon
	r.Exchange(e)
	whole, err := json.Marshal(r.Stats())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"version":1,` + string(whole[1:]))
	f.Add(`{"version":1,"registries":[{"name":"b"},{"name":"a","origins":[{"origin":"x","requests":-1}]},{"name":"b"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		file := stats.NewFile(t.TempDir())
		if err := os.WriteFile(file.Path(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := file.Load()
		if err != nil {
			return
		}
		for i := range s.Registries {
			if i > 0 && s.Registries[i-1].Name >= s.Registries[i].Name {
				t.Fatalf("not in order: %+v", s.Registries)
			}
			total := s.Registries[i].Total()
			_ = total.Health(time.Now())
			_, _ = total.Success()
		}
		if err := file.Add(stats.Stats{}); err != nil {
			t.Fatal(err)
		}
		again, err := file.Load()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, again, sameHistogram); diff != "" {
			t.Fatal(diff)
		}
	})
}

func BenchmarkFileAdd(b *testing.B) {
	f := stats.NewFile(b.TempDir())
	var r stats.Recorder
	for _, name := range []string{"acme", "npm", "github", "pkgx"} {
		for i := range 200 {
			e := exchange(200, "")
			e.Registry, e.Origin, e.Duration = name, "https://"+name+".example", time.Duration(i)*time.Millisecond
			r.Exchange(e)
			e.Origin = "https://cdn.example"
			r.Exchange(e)
		}
	}
	s := r.Stats()
	for b.Loop() {
		if err := f.Add(s); err != nil {
			b.Fatal(err)
		}
	}
}

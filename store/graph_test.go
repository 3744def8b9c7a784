package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/store"
)

// TestLinkedGraphs: whatever the packages need, they find exactly that, also in circles, under other
// names, and with several linked packages of one artifact.
func TestLinkedGraphs(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "@s/a", "@s/b", "A", "long-name.js"}
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp("", "graph")
		if err != nil {
			r.Fatal(err)
		}
		defer os.RemoveAll(dir)
		s, err := store.Open(dir)
		if err != nil {
			r.Fatal(err)
		}
		defer s.Close()
		n := rapid.IntRange(1, 8).Draw(r, "packages")
		all := make([]store.Linked, n)
		for i := range all {
			name := rapid.SampledFrom(names).Draw(r, "name")
			e, err := writePackage(s, name, map[string]string{"index.js": name})
			if err != nil {
				r.Fatal(err)
			}
			all[i] = store.Linked{Key: key(fmt.Sprint(i)), Entry: e}
		}
		for i := range all {
			used := map[string]bool{}
			for range rapid.IntRange(0, 4).Draw(r, "needs") {
				to := all[rapid.IntRange(0, n-1).Draw(r, "need")]
				as := to.Entry.Name
				if rapid.Bool().Draw(r, "alias") {
					as = rapid.SampledFrom(names).Draw(r, "as")
				}
				if !used[as] {
					used[as] = true
					all[i].Links = append(all[i].Links, store.Target{Name: as, Key: to.Key, Package: to.Entry.Name})
				}
			}
		}
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7}).Draw(r, "order") {
			if i < n {
				if err := s.PutLinked(all[i]); err != nil {
					r.Fatal(err)
				}
			}
		}
		for _, l := range all {
			if err := checkLinked(s, l); err != nil {
				r.Error(err)
			}
		}
		report, err := s.VerifyAll(t.Context(), store.VerifyOptions{})
		if err != nil || len(report.Problems) > 0 || report.Unfinished > 0 {
			r.Errorf("%+v, %v", report, err)
		}
	})
}

// TestReplacedWhileLinking: an entry is damaged and replaced while a linked package is made of its files;
// the package never keeps the damaged ones.
func TestReplacedWhileLinking(t *testing.T) {
	t.Parallel()
	s := open(t)
	files := map[string]string{"a.js": "a", "b.js": "b", "c.js": "c", "d.js": "d"}
	for i := range 60 {
		e := addPackage(t, s, "a", files)
		putLinked(t, s, store.Linked{Key: key("home"), Entry: e})
		own := store.Linked{Key: key(fmt.Sprint(i)), Entry: e, Links: []store.Target{target("a", "home")}}
		var wg sync.WaitGroup
		wg.Go(func() {
			// It may notice what is wrong, but not what is gone.
			if err := s.PutLinked(own); err != nil && !errors.Is(err, store.ErrDamaged) && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, store.ErrMissing) {
				t.Error(err)
			}
		})
		if err := errors.Join(os.Truncate(filepath.Join(e.Dir, "d.js"), 0), os.Remove(index(e))); err != nil {
			t.Fatal(err)
		}
		if _, err := writePackage(s, "a", files); err != nil {
			t.Error(err)
		}
		wg.Wait()
		if r := sound(t, s); t.Failed() {
			t.Fatalf("round %d: %+v", i, r)
		}
	}
}

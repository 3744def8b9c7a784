package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

func keep(names ...string) func(integrity.Digest) bool {
	return func(d integrity.Digest) bool {
		return slices.ContainsFunc(names, func(n string) bool { return digest(n) == d })
	}
}

func prune(t testing.TB, s *store.Store, o store.PruneOptions) store.PruneReport {
	t.Helper()
	r, err := s.Prune(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPrune(t *testing.T) {
	t.Parallel()
	// The family is a circle; "other" shares a's files and needs c; "lone" needs nothing.
	for name, tt := range map[string]struct {
		o       store.PruneOptions
		entries []string // that stay
		linked  []string
	}{
		"nothing":          {store.PruneOptions{}, nil, nil},
		"a root":           {store.PruneOptions{Roots: []string{key("a")}}, []string{"a", "@s/b", "c"}, []string{"a", "b", "c"}},
		"a root elsewhere": {store.PruneOptions{Roots: []string{key("other")}}, []string{"a", "@s/b", "c"}, []string{"a", "b", "c", "other"}},
		"a leaf":           {store.PruneOptions{Roots: []string{key("lone")}}, []string{"lone"}, []string{"lone"}},
		"unknown roots":    {store.PruneOptions{Roots: []string{key("nobody"), "", "../x"}}, nil, nil},
		"an entry":         {store.PruneOptions{Keep: keep("a", "nobody")}, []string{"a"}, nil},
		"both":             {store.PruneOptions{Keep: keep("a"), Roots: []string{key("lone")}}, []string{"a", "lone"}, []string{"lone"}},
		"decided": {store.PruneOptions{Decide: func([]string) (func(integrity.Digest) bool, []string, error) {
			return keep("c"), []string{key("lone")}, nil
		}}, []string{"c", "lone"}, []string{"lone"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			w.all = append(w.all, store.Linked{Key: key("lone"), Entry: addPackage(t, w.store, "lone", sample)})
			putLinked(t, w.store, w.all[4])
			names := []string{"a", "b", "c", "other", "lone"}
			before := generation(t, w.store)
			dry := tt.o
			dry.DryRun = true
			would := prune(t, w.store, dry)
			mustLinked(t, w.store, w.all...)
			if now := generation(t, w.store); now != before {
				t.Error("a dry run began a new generation")
			}
			r := prune(t, w.store, tt.o)
			if d := cmp.Diff(would, r); d != "" {
				t.Errorf("a dry run says something else: %s", d)
			}
			if r.Entries != 4-len(tt.entries) || r.KeptEntries != len(tt.entries) || r.Linked != 5-len(tt.linked) || r.KeptLinked != len(tt.linked) {
				t.Errorf("%+v", r)
			}
			for i, l := range w.all {
				_, err := w.store.Get(l.Entry.Digest)
				if got, want := err == nil, slices.Contains(tt.entries, l.Entry.Name); got != want {
					t.Errorf("entry %s: there %v, want %v", l.Entry, got, want)
				}
				if got, want := w.store.HasLinked(l.Key), slices.Contains(tt.linked, names[i]); got != want {
					t.Errorf("linked %s: there %v, want %v", names[i], got, want)
				} else if got {
					mustLinked(t, w.store, l)
				}
			}
			if now := generation(t, w.store); now == before {
				t.Error("the generation is the same")
			}
			if r := sound(t, w.store); r.Unfinished > 0 {
				t.Errorf("%+v", r)
			}
			w.all = w.all[:4]
			w.install(t) // an entry that stayed can be the home of another one
			mustLinked(t, w.store, w.all...)
			if left := tmp(t, w.store); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestPruneUnclaims: an entry that stays, though the linked package that lived in it doesn't, can be the
// home of another one.
func TestPruneUnclaims(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	prune(t, w.store, store.PruneOptions{Keep: keep("a", "c")})
	l := store.Linked{Key: key("new"), Entry: w.all[0].Entry, Links: []store.Target{target("c", "new c")}}
	c := store.Linked{Key: key("new c"), Entry: w.all[2].Entry}
	putLinked(t, w.store, l)
	putLinked(t, w.store, c)
	mustLinked(t, w.store, l, c)
	if got, err := filepath.EvalSymlinks(w.store.LinkedDir(l.Key, "a")); err != nil || got != l.Entry.Dir {
		t.Errorf("it is in %s, %v", got, err)
	}
	if _, err := requires(l.Entry.Dir, "@s/b"); err == nil {
		t.Error("it finds what the other one needed")
	}
	sound(t, w.store)
}

// TestPruneRest: what is known of what is gone goes too.
func TestPruneRest(t *testing.T) {
	t.Parallel()
	s := open(t)
	weak, other := integrity.Sum(integrity.SHA1, []byte("a")), integrity.Sum(integrity.SHA1, []byte("b"))
	add(t, s, digest("a"), sample, weak)
	add(t, s, digest("b"), sample, other)
	here, gone := t.TempDir(), filepath.Join(t.TempDir(), "gone")
	file := filepath.Join(here, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{here, gone, filepath.Join(file, "below")} {
		if err := s.Remember(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutStamp(key("p"), generation(t, s), nil); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("no")
	var asked []string
	decide := func(projects []string) (func(integrity.Digest) bool, []string, error) {
		asked = projects
		return nil, nil, failed
	}
	if _, err := s.Prune(t.Context(), store.PruneOptions{Decide: decide}); !errors.Is(err, failed) || !slices.Equal(asked, []string{here}) {
		t.Errorf("%v, asked about %v", err, asked)
	}
	if _, err := s.Get(digest("a")); err != nil {
		t.Errorf("though it failed: %v", err)
	}
	if r := prune(t, s, store.PruneOptions{DryRun: true}); len(r.Projects) != 2 || r.Files != 2*len(sample) || r.Bytes == 0 {
		t.Errorf("%+v", r)
	}
	if all, err := s.Projects(); err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
	prune(t, s, store.PruneOptions{Keep: keep("b")})
	if all, err := s.Projects(); err != nil || !slices.Equal(all, []string{here}) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := s.Resolve(weak); !errors.Is(err, store.ErrMissing) {
		t.Errorf("the alias: %v", err)
	}
	if e, err := s.Get(other); err != nil || e.Digest != digest("b") {
		t.Errorf("%v, %v", e, err)
	}
	if left, err := os.ReadDir(filepath.Join(s.Dir(), "v2", "stamps")); err == nil {
		t.Errorf("stamps: %v", left)
	}
	if r := prune(t, open(t), store.PruneOptions{}); r.Entries > 0 {
		t.Errorf("%+v", r)
	}
}

// TestPruneWaits: whoever uses the store is waited for, and who wants to use it meanwhile waits.
func TestPruneWaits(t *testing.T) {
	t.Parallel()
	s := open(t)
	add(t, s, digest("a"), sample)
	release, err := s.Use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again()
	if r := prune(t, s, store.PruneOptions{DryRun: true}); r.Entries != 1 {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.Prune(ctx, store.PruneOptions{Waiting: cancel}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := s.Get(digest("a")); err != nil {
		t.Error(err)
	}
	waited := make(chan struct{})
	go func() {
		<-waited
		release()
		release() // harmless
	}()
	decided := false
	r := prune(t, s, store.PruneOptions{Waiting: func() { close(waited) }, Decide: func([]string) (func(integrity.Digest) bool, []string, error) {
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := s.Use(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("used while it is pruned: %v", err)
		}
		decided = true
		return nil, nil, nil
	}})
	if r.Entries != 1 || !decided {
		t.Errorf("%+v, decided %v", r, decided)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	empty := open(t)
	if st, err := empty.Status(t.Context()); err != nil || st != (store.Status{}) {
		t.Errorf("%+v, %v", st, err)
	}
	w := newWard(t)
	if err := w.store.Remember(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	st, err := w.store.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := (store.Status{Entries: 3, Files: 10, Bytes: 77, Linked: 4, Homes: 3, Projects: 1}); st != want {
		t.Errorf("%+v, want %+v", st, want)
	}
	if err := os.Truncate(index(w.all[0].Entry), 3); err != nil {
		t.Fatal(err)
	}
	if st, err := w.store.Status(t.Context()); err != nil || st.Entries != 2 || st.Damaged != 1 {
		t.Errorf("%+v, %v", st, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.store.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

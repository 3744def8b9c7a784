package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

// childEnv names the store a child process of the tests works on, and childMode what it does.
const (
	childEnv  = "TEST_STORE"
	childMode = "TEST_STORE_MODE"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		flag.Parse()
		_ = flag.Set("rapid.checks", "30") // each makes some hundred files
		os.Exit(m.Run())
	}
	do := map[string]func(*store.Store) error{"": installAll, "users": useAgain, "prune": pruneAgain, "repair": repair, "link": linkAgain}[os.Getenv(childMode)]
	s, err := store.Open(dir)
	if err == nil {
		err = do(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// without Close, as programs end
}

// The children's project: some packages that need each other in circles, each of them as two linked
// packages, so that half of these live in their entries.
const childEntries = 8

func childName(i int) string {
	if i%3 == 0 {
		return fmt.Sprint("@s/p", i)
	}
	return fmt.Sprint("p", i)
}

func childFiles(i int) map[string]string {
	m := map[string]string{"cli.js": "#!/usr/bin/env node\n"}
	for j := range 5 {
		m[fmt.Sprintf("lib/%d/file%d.js", j%2, j)] = strings.Repeat(fmt.Sprint(i, j), 100*j)
	}
	return m
}

func childKey(i, way int) string { return key(fmt.Sprint(i%childEntries, way)) }

// childLinked is a package as linked in one of two ways; the second may need its own name.
func childLinked(i, way int, e *store.Entry) store.Linked {
	l := store.Linked{Key: childKey(i, way), Entry: e, Programs: []string{"cli.js"}}
	for n, need := range []int{i + 1, i*3 + way + 2, i*5 + way} {
		need %= childEntries
		l.Links = append(l.Links, store.Target{Name: fmt.Sprintf("%s-%d", childName(need), n), Key: childKey(need, way), Package: childName(need)})
	}
	if way == 1 && i%2 == 0 {
		l.Links = append(l.Links, store.Target{Name: e.Name, Key: childKey(i+1, 0), Package: childName((i + 1) % childEntries)})
	}
	return l
}

// childEntry gets or adds a package, and tells of each file.
func childEntry(s *store.Store, i int) (*store.Entry, error) {
	d := digest(childName(i))
	if e, err := s.Get(d); err == nil || !errors.Is(err, store.ErrMissing) {
		return e, err
	}
	w, err := s.NewWriter(childName(i))
	if err != nil {
		return nil, err
	}
	defer w.Abort()
	w.SetPackage(childName(i), "1.0.0")
	for p, c := range childFiles(i) {
		if err := w.File(archive.Entry{Path: p, Size: int64(len(c))}, strings.NewReader(c)); err != nil {
			return nil, err
		}
		fmt.Println("file")
	}
	return w.Commit(d, integrity.Sum(integrity.SHA1, []byte(childName(i))))
}

// installAll does what an install does, in an order of its own, and tells of each step.
func installAll(s *store.Store) error {
	release, err := s.Use(context.Background())
	if err != nil {
		return err
	}
	defer release()
	if err := s.Remember(s.Dir()); err != nil {
		return err
	}
	if _, ok := s.Stamp(key("project")); ok {
		return nil
	}
	generation, err := s.Generation()
	if err != nil {
		return err
	}
	for _, i := range rand.Perm(2 * childEntries) {
		way := i / childEntries
		i %= childEntries
		if s.HasLinked(childKey(i, way)) {
			continue
		}
		e, err := childEntry(s, i)
		if err != nil {
			return err
		}
		fmt.Println("entry")
		if err := s.PutLinked(childLinked(i, way, e)); err != nil {
			return err
		}
		fmt.Println("linked")
	}
	return s.PutStamp(key("project"), generation, []byte("record"))
}

// useAgain installs again and again, and checks that all is there for as long as it uses the store.
func useAgain(s *store.Store) error {
	for range 6 {
		release, err := s.Use(context.Background())
		if err != nil {
			return err
		}
		if err := errors.Join(installAll(s), complete(s)); err != nil {
			return err
		}
		release()
		fmt.Println("used")
	}
	return nil
}

func pruneAgain(s *store.Store) error {
	for i := range 12 {
		o := store.PruneOptions{Keep: func(integrity.Digest) bool { return rand.IntN(3) > 0 }}
		if i%2 == 0 {
			o.Roots = []string{childKey(0, 0)}
		}
		if _, err := s.Prune(context.Background(), o); err != nil {
			return err
		}
		fmt.Println("pruned")
	}
	return nil
}

func repair(s *store.Store) error {
	fmt.Println("repairing")
	_, err := s.VerifyAll(context.Background(), store.VerifyOptions{Repair: true})
	return err
}

// complete checks that all linked packages are there and find what they need.
func complete(s *store.Store) error {
	for i := range 2 * childEntries {
		way := i / childEntries
		e, err := s.Get(digest(childName(i % childEntries)))
		if err == nil {
			err = checkLinked(s, childLinked(i%childEntries, way, e))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// linkAgain spends most of its time with linking: packages of one file that need many.
func linkAgain(s *store.Store) error {
	l := store.Linked{}
	for i := range 20 {
		l.Links = append(l.Links, target(fmt.Sprint("need", i), fmt.Sprint(i)))
	}
	for {
		var err error
		if l.Entry, err = writePackage(s, fmt.Sprint("p", rand.Uint64()), map[string]string{"x": "x"}); err != nil {
			return err
		}
		for range 2 { // in the entry, and in a folder of its own
			l.Key = key(fmt.Sprint(rand.Uint64()))
			if err := s.PutLinked(l); err != nil {
				return err
			}
			fmt.Println("linked")
		}
	}
}

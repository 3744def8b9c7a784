package mirror_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/mirror"
	"github.com/pantry-go/pantry/registry/directory"
	"github.com/pantry-go/pantry/registry/npm"
	"github.com/pantry-go/pantry/registry/registrytest"
	"github.com/pantry-go/pantry/transport"
)

// The test program run with these variables is a process that mirrors, to be killed.
const (
	childFrom = "PANTRY_TEST_MIRROR_FROM"
	childTo   = "PANTRY_TEST_MIRROR_TO"
)

func TestMain(m *testing.M) {
	if from := os.Getenv(childFrom); from != "" {
		if err := child(from, os.Getenv(childTo)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(from, to string) error {
	c, err := transport.New(transport.Options{URL: from, Registry: "source", Env: func(string) string { return "" }})
	if err != nil {
		return err
	}
	r, err := npm.New(npm.Options{Name: "source", Client: c})
	if err != nil {
		return err
	}
	d, err := directory.Open("to", to, true)
	if err != nil {
		return err
	}
	rep, err := mirror.Run(context.Background(), mirror.Options{
		From: mirror.End{Name: "source", Registry: r}, To: mirror.End{Name: "to", Registry: d}, Items: []mirror.Item{{Name: "*"}}, Concurrency: 4,
	})
	if err == nil && len(rep.Failed) > 0 {
		err = fmt.Errorf("%+v", rep.Failed)
	}
	return err
}

// TestKilled kills a mirror again and again, while it asks, downloads and writes. What is there is
// whole at every moment, and what there is in the end is what one run would have made.
func TestKilled(t *testing.T) {
	t.Parallel()
	var pkgs []registrytest.Pkg
	for i := range 12 {
		for v := range 4 {
			pkgs = append(pkgs, registrytest.Pkg{
				Name: fmt.Sprintf("pkg-%02d", i), Version: fmt.Sprintf("1.%d.0", v),
				Files: js(strings.Repeat(fmt.Sprintf("%d %d\n", i, v), 5000*i)),
			})
		}
	}
	var count, killAt atomic.Int64
	kill := make(chan struct{}, 1)
	good := npm.Handler(registrytest.NewMemory("source", pkgs...), npm.HandlerOptions{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) == killAt.Load() {
			kill <- struct{}{} // and answer: it dies somewhere in what follows
		}
		good.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	dir := filepath.Join(t.TempDir(), "killed")
	start := func() *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childFrom+"="+srv.URL, childTo+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	for _, n := range []int64{1, 3, 9, 17, 20, 31} {
		count.Store(0)
		killAt.Store(n)
		cmd := start()
		died := make(chan struct{})
		go func() {
			defer close(died)
			_ = cmd.Wait()
		}()
		select {
		case <-kill:
			_ = cmd.Process.Kill()
			<-died
		case <-died: // there was less left to do
		}
		whole(t, dir)
	}
	killAt.Store(0)
	if err := start().Wait(); err != nil {
		t.Fatal(err)
	}
	clean := filepath.Join(t.TempDir(), "clean")
	if err := child(srv.URL, clean); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree(t, clean), tree(t, dir)); diff != "" {
		t.Errorf("interrupted and resumed (- in one run, + killed):\n%s", diff)
	}
}

// TestTogether: several processes that mirror into one folder at once do not get into each other's way.
func TestTogether(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(npm.Handler(registrytest.NewMemory("source", samples()...), npm.HandlerOptions{}))
	t.Cleanup(srv.Close)
	dir := filepath.Join(t.TempDir(), "together")
	var all []*exec.Cmd
	for range 4 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childFrom+"="+srv.URL, childTo+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	clean := filepath.Join(t.TempDir(), "clean")
	if err := child(srv.URL, clean); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree(t, clean), tree(t, dir)); diff != "" {
		t.Errorf("- by one, + by several:\n%s", diff)
	}
}

// whole checks that everything a directory says it has is there and right.
func whole(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "pantry-directory.json")); err != nil {
		return // it was killed before there was one
	}
	d, err := directory.Open("killed", dir, false)
	if err != nil {
		t.Fatal(err)
	}
	names, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		p, err := d.Package(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Versions() {
			bytesOf(t, d, n, v)
		}
	}
}

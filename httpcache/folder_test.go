package httpcache_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/httpcache"
)

// files are the kept answers below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && len(e.Name()) == 40 {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBroken: a file that is not what was written is as good as none, and is replaced.
func TestBroken(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, path string){
		"empty":     func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
		"cut off":   func(t *testing.T, path string) { must(t, os.Truncate(path, 90)) },
		"something": func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("<html>"), 0o600)) },
		"huge":      func(t *testing.T, path string) { must(t, os.Truncate(path, 1<<40)) },
		"of another question": func(t *testing.T, path string) {
			o := newOrigin()
			o.body = "other"
			dir := t.TempDir()
			o.visitor(t, dir).ask(pantry.AskIfStale, http.MethodGet, "/other")
			must(t, os.Rename(files(t, dir)[0], path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, dir := newOrigin(), t.TempDir()
			o.visitor(t, dir).get(pantry.AskIfStale)
			harm(t, files(t, dir)[0])
			for _, want := range []pantry.CacheState{pantry.CacheNetwork, pantry.CacheFresh} {
				if g := o.visitor(t, dir).get(pantry.AskIfMissing); g.err != nil || g.body != "one" || g.state != want {
					t.Errorf("%+v, want %s", g, want)
				}
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnreadable: a folder that cannot be used costs nothing but time.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	o := newOrigin()
	for range 2 {
		if g := o.visitor(t, file).get(pantry.AskIfStale); g.err != nil || g.body != "one" || g.state != pantry.CacheNetwork {
			t.Errorf("%+v", g)
		}
	}
	o.visitor(t, file).ask(pantry.AskIfStale, http.MethodPut, "/pad")
}

// TestPrivate: what is kept is for its owner alone.
func TestPrivate(t *testing.T) {
	t.Parallel()
	o, dir := newOrigin(), t.TempDir()
	o.visitor(t, dir).get(pantry.AskIfStale)
	must(t, filepath.WalkDir(o.visitor(t, dir).folder.Dir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err == nil && st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, st.Mode())
		}
		return err
	}))
}

// TestUnfinished: an answer that is not read to its end, breaks off or is too large is not kept.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		length int64
		read   int
		kept   bool
	}{
		"whole":                   {"0123456789", 10, 20, true},
		"of unknown length":       {"0123456789", -1, 20, true},
		"empty":                   {"", 0, 20, true},
		"not read":                {"0123456789", 10, 0, false},
		"half read":               {"0123456789", 10, 5, false},
		"shorter than announced":  {"0123456789", 11, 20, false},
		"longer than announced":   {"0123456789", 9, 20, false},
		"announced as too large":  {"0123456789", 1 << 40, 20, false},
		"too large, and unknown":  {strings.Repeat("x", 16<<20+1), -1, 1 << 30, false},
		"as large as it may be":   {strings.Repeat("x", 16<<20), -1, 1 << 30, true},
		"the last byte is missed": {"0123456789", 10, 10, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			f := httpcache.NewFolder(dir, httpcache.FolderOptions{MaxBytes: 1 << 40})
			rt := f.Layer(roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: 200, Header: http.Header{}, ContentLength: c.length,
					Body: readCloser{strings.NewReader(c.body)},
				}, nil
			}), httpcache.Options{})
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.example/pad", nil)
			resp, err := rt.RoundTrip(req)
			must(t, err)
			buf := make([]byte, min(c.read, 1<<16))
			for n := 0; n < c.read; {
				m, err := resp.Body.Read(buf[:min(len(buf), c.read-n)])
				if n += m; err != nil {
					break
				}
			}
			must(t, resp.Body.Close())
			u, err := f.Usage()
			if err != nil || (u.Answers == 1) != c.kept {
				t.Errorf("%+v, %v", u, err)
			}
		})
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// TestPrune: what goes, and what stays.
func TestPrune(t *testing.T) {
	t.Parallel()
	setUp := func(t *testing.T) (*origin, visitor, string) {
		o, dir := newOrigin(), t.TempDir()
		v := o.visitor(t, dir)
		for i := range 50 {
			v.ask(pantry.AskIfStale, http.MethodGet, fmt.Sprint("/", i))
		}
		all := files(t, dir)
		for i, path := range all {
			at := time.Now().Add(-time.Duration(i) * day)
			must(t, os.Chtimes(path, at, at))
		}
		// Somebody began this, and somebody else is at it.
		for name, age := range map[string]time.Duration{".left": 2 * time.Hour, ".now": 0} {
			path := filepath.Join(filepath.Dir(all[0]), name)
			must(t, os.WriteFile(path, nil, 0o600))
			must(t, os.Chtimes(path, time.Now().Add(-age), time.Now().Add(-age)))
		}
		return o, v, dir
	}
	for name, c := range map[string]struct {
		options httpcache.PruneOptions
		left    int
	}{
		"usual":     {httpcache.PruneOptions{}, 30},
		"ten days":  {httpcache.PruneOptions{Older: 10 * day}, 10},
		"all":       {httpcache.PruneOptions{All: true}, 0},
		"long time": {httpcache.PruneOptions{Older: 1000 * day}, 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, v, dir := setUp(t)
			before, err := v.folder.Usage()
			must(t, err)
			removed, err := v.folder.Prune(c.options)
			left := len(files(t, dir))
			if err != nil || left != c.left || removed.Answers != 50-c.left || before.Answers != 50 {
				t.Errorf("%d left, %+v of %+v removed, %v", left, removed, before, err)
			}
			after, err := v.folder.Usage()
			if err != nil || after.Bytes != before.Bytes-removed.Bytes {
				t.Errorf("%+v then %+v, removed %+v, %v", before, after, removed, err)
			}
			if m, _ := filepath.Glob(filepath.Join(dir, "*", "*", ".left")); len(m) > 0 {
				t.Error("what was abandoned is still there")
			}
			if m, _ := filepath.Glob(filepath.Join(dir, "*", "*", ".now")); len(m) != 1 {
				t.Error("what is being written is gone")
			}
		})
	}
	t.Run("nothing there", func(t *testing.T) {
		t.Parallel()
		f := httpcache.NewFolder(filepath.Join(t.TempDir(), "none"), httpcache.FolderOptions{})
		if u, err := f.Prune(httpcache.PruneOptions{}); err != nil || u.Answers != 0 {
			t.Error(u, err)
		}
		if u, err := f.Usage(); err != nil || u.Answers != 0 {
			t.Error(u, err)
		}
	})
}

// TestBounded: a folder stays within its bound by itself, and keeps what came last.
func TestBounded(t *testing.T) {
	t.Parallel()
	const bound = 64 << 20
	o, dir := newOrigin(), t.TempDir()
	o.body = strings.Repeat("x", 1<<20)
	f := httpcache.NewFolder(dir, httpcache.FolderOptions{Now: func() time.Time { return o.now }, MaxBytes: bound})
	v := visitor{f.Layer(o, httpcache.Options{}), t, f}
	last := ""
	for i := range 200 {
		last = fmt.Sprint("/", i)
		v.ask(pantry.AskIfStale, http.MethodGet, last)
	}
	// Each of 16 parts is looked through when a process has written 8 MiB to it.
	u, err := f.Usage()
	if err != nil || u.Bytes > bound+16*(8<<20) || u.Bytes < bound/2 {
		t.Errorf("%+v, %v", u, err)
	}
	if g := v.ask(pantry.AskIfStale, http.MethodGet, last); g.state != pantry.CacheFresh {
		t.Errorf("the last one is gone: %+v", g.state)
	}
	if _, err := f.Prune(httpcache.PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	if u, err = f.Usage(); err != nil || u.Bytes > bound {
		t.Errorf("%+v, %v", u, err)
	}
}

// TestShared: several at once use one folder, while it is emptied under them.
func TestShared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for who := range 4 {
		wg.Go(func() {
			o := newOrigin(`ETag: "1"`)
			for i := range 100 {
				v := o.visitor(t, dir)
				path := fmt.Sprint("/", i%5)
				o.body = path
				if g := v.ask([]pantry.Asking{pantry.AskIfStale, pantry.AskAgain, pantry.AskIfMissing}[i%3], http.MethodGet, path); g.err != nil || g.body != path {
					t.Errorf("%d asks for %s: %+v", who, path, g)
				}
				if i%20 == who {
					if _, err := v.folder.Prune(httpcache.PruneOptions{All: true}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

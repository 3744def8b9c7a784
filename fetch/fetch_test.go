package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/archive"
	"github.com/pantry-go/pantry/fetch"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tarball packs a package of the given name, version and further files.
func tarball(t testing.TB, name, version string, files map[string]string) []byte {
	t.Helper()
	list := []archive.PackFile{{Path: "package.json", Content: fmt.Appendf(nil, `{"name":%q,"version":%q}`, name, version)}}
	if name == "" {
		list = nil
	}
	for p, c := range files {
		list = append(list, archive.PackFile{Path: p, Content: []byte(c)})
	}
	var b bytes.Buffer
	if err := archive.Pack(&b, list); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// noise is content that doesn't compress.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return string(b)
}

// world is a fetcher whose registry gives one answer after the other, the last one again and again.
type world struct {
	t       testing.TB
	store   *store.Store
	mu      sync.Mutex
	answers []func() (io.ReadCloser, error)
	opened  []string // registries
	slept   []time.Duration
}

func newWorld(t testing.TB, answers ...func() (io.ReadCloser, error)) *world {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, store: s, answers: answers}
}

func (w *world) options() fetch.Options {
	return fetch.Options{Store: w.store, Open: w.open, Sleep: func(_ context.Context, d time.Duration) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.slept = append(w.slept, d)
		return nil
	}}
}

func (w *world) open(_ context.Context, registry string, _ pantry.Artifact) (io.ReadCloser, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = append(w.opened, registry)
	return w.answers[min(len(w.opened), len(w.answers))-1]()
}

func (w *world) opens() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.opened)
}

// empty checks that the store shows nothing and that nothing is left in it.
func (w *world) empty() {
	w.t.Helper()
	_ = filepath.WalkDir(w.store.Dir(), func(p string, d os.DirEntry, err error) error {
		if err == nil && (d.Name() == "package" || d.Name() == "index") {
			w.t.Errorf("in the store: %s", p)
		}
		return err
	})
}

func gives(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// breaks off after the given bytes.
func breaks(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b), iotest.ErrReader(io.ErrUnexpectedEOF))), nil
	}
}

func request(b []byte) fetch.Request {
	return fetch.Request{Registry: "acme", Artifact: pantry.Artifact{Name: "a", Version: "1.0.0",
		URL: "https://registry.example.com/a-1.0.0.tgz", Integrity: integrity.Set{integrity.Sum(integrity.SHA512, b)}}}
}

func readFile(t testing.TB, e *store.Entry, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(e.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sizes are artifacts that are loaded into the first buffer, into a larger one, and streamed.
func sizes(t testing.TB) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"small":  tarball(t, "a", "1.0.0", map[string]string{"x": "small"}),
		"medium": tarball(t, "a", "1.0.0", map[string]string{"x": noise(300_000)}),
		"large":  tarball(t, "a", "1.0.0", map[string]string{"x": noise(9 << 20)}),
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	for name, b := range sizes(t) {
		for _, hint := range []int64{0, 10, int64(len(b)), int64(len(b)) + 100_000} {
			w := newWorld(t, gives(b))
			f := fetch.New(w.options())
			req := request(b)
			req.Artifact.Size = hint
			res, err := f.Fetch(t.Context(), req)
			if err != nil {
				t.Fatalf("%s, hint %d: %v", name, hint, err)
			}
			if res.FromStore || res.Bytes != int64(len(b)) || res.Integrity.String() != req.Artifact.Integrity.String() {
				t.Errorf("%s, hint %d: %+v", name, hint, res)
			}
			if e := res.Entry; e.Name != "a" || e.Version != "1.0.0" || len(e.Files) != 2 || readFile(t, e, "x") == "" {
				t.Errorf("%s, hint %d: %+v", name, hint, e)
			}
			res, err = f.Fetch(t.Context(), req)
			if err != nil || !res.FromStore || res.Bytes != 0 || res.Integrity.String() != req.Artifact.Integrity.String() {
				t.Errorf("%s, hint %d, again: %+v, %v", name, hint, res, err)
			}
			if w.opens() != 1 {
				t.Errorf("%s, hint %d: %d requests", name, hint, w.opens())
			}
		}
	}
}

// TestLittleMemory: what has no place in memory is unpacked while it comes.
func TestLittleMemory(t *testing.T) {
	t.Parallel()
	b := sizes(t)["medium"]
	w := newWorld(t, gives(b))
	o := w.options()
	o.Memory = 1
	if _, err := fetch.New(o).Fetch(t.Context(), request(b)); err != nil {
		t.Error(err)
	}
}

func TestWeakDigest(t *testing.T) {
	t.Parallel()
	b := sizes(t)["small"]
	w := newWorld(t, gives(b))
	f := fetch.New(w.options())
	req := request(b)
	req.Artifact.Integrity = integrity.Set{integrity.Sum(integrity.SHA1, b)}
	for _, fromStore := range []bool{false, true} {
		res, err := f.Fetch(t.Context(), req)
		if err != nil || res.FromStore != fromStore || !slices.Equal(res.Integrity, integrity.Set{integrity.Sum(integrity.SHA512, b)}) {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	// Of two alternatives one is that of other bytes: it must not lead to these.
	other := tarball(t, "a", "1.0.0", map[string]string{"other": ""})
	w = newWorld(t, gives(b))
	f = fetch.New(w.options())
	req.Artifact.Integrity = append(req.Artifact.Integrity, integrity.Sum(integrity.SHA1, other))
	if _, err := f.Fetch(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Get(integrity.Sum(integrity.SHA1, other)); !errors.Is(err, store.ErrMissing) {
		t.Errorf("the digest of other bytes leads to the entry: %v", err)
	}
}

func TestNoDigest(t *testing.T) {
	t.Parallel()
	b := sizes(t)["small"]
	req := request(b)
	req.Artifact.Integrity = nil
	w := newWorld(t, gives(b))
	o := w.options()
	o.AllowMissingIntegrity = func(registry string) bool { return registry == "trusted" }
	f := fetch.New(o)
	_, err := f.Fetch(t.Context(), req)
	wantError(t, err, pantry.ErrPolicy, `download a@1.0.0 at registry "acme"`, "no digest")
	if pantry.Hint(err) == "" || w.opens() != 0 {
		t.Errorf("hint %q, %d requests", pantry.Hint(err), w.opens())
	}
	req.Registry = "trusted"
	res, err := f.Fetch(t.Context(), req)
	if err != nil || !slices.Equal(res.Integrity, integrity.Set{integrity.Sum(integrity.SHA512, b)}) {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestOffline(t *testing.T) {
	t.Parallel()
	b := sizes(t)["small"]
	w := newWorld(t, gives(b))
	o := w.options()
	o.Offline = true
	_, err := fetch.New(o).Fetch(t.Context(), request(b))
	wantError(t, err, pantry.ErrUnavailable, `download a@1.0.0 at registry "acme"`, "not in the store")
	if !strings.Contains(pantry.Hint(err), "--offline") || w.opens() != 0 {
		t.Errorf("hint %q, %d requests", pantry.Hint(err), w.opens())
	}
	if _, err := fetch.New(w.options()).Fetch(t.Context(), request(b)); err != nil {
		t.Fatal(err)
	}
	if res, err := fetch.New(o).Fetch(t.Context(), request(b)); err != nil || !res.FromStore {
		t.Errorf("%+v, %v", res, err)
	}
}

// wantError checks the form of every error, and that it matches and says what it should.
func wantError(t *testing.T, err, match error, texts ...string) {
	t.Helper()
	var e *pantry.Error
	if !errors.As(err, &e) || e.Op != "download" || !errors.Is(err, match) {
		t.Fatalf("error %v doesn't match %q", err, match)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q doesn't say %q", err, text)
		}
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		t.Errorf("control characters in %q", err)
	}
}

func TestMismatch(t *testing.T) {
	t.Parallel()
	for name, b := range sizes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			evil := tarball(t, "a", "1.0.0", map[string]string{"x": "evil" + noise(len(b))})
			w := newWorld(t, gives(evil))
			_, err := fetch.New(w.options()).Fetch(t.Context(), request(b))
			wantError(t, err, pantry.ErrIntegrity, `a@1.0.0 at registry "acme"`,
				"expected "+integrity.Sum(integrity.SHA512, b).String(), "got "+integrity.Sum(integrity.SHA512, evil).String())
			if pantry.Hint(err) == "" {
				t.Error("no hint")
			}
			if !slices.Equal(w.opened, []string{"acme", "acme"}) {
				t.Errorf("asked %v, want acme twice", w.opened)
			}
			w.empty()

			w = newWorld(t, gives(evil), gives(b))
			if _, err := fetch.New(w.options()).Fetch(t.Context(), request(b)); err != nil {
				t.Errorf("right at the second time: %v", err)
			}
		})
	}
}

// TestOneFlippedBit: wrong bytes are a mismatch, whatever else is wrong with them.
func TestOneFlippedBit(t *testing.T) {
	t.Parallel()
	for name, b := range sizes(t) {
		for _, at := range []int{0, 20, len(b) / 2, len(b) - 1} {
			bad := bytes.Clone(b)
			bad[at] ^= 1
			w := newWorld(t, gives(bad))
			_, err := fetch.New(w.options()).Fetch(t.Context(), request(b))
			wantError(t, err, pantry.ErrIntegrity)
			if w.opens() != 2 {
				t.Errorf("%s at %d: %d requests", name, at, w.opens())
			}
			w.empty()
		}
	}
}

func TestBrokenOff(t *testing.T) {
	t.Parallel()
	for name, b := range sizes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, breaks(b[:len(b)/2]), breaks(b), gives(b))
			var mu sync.Mutex
			var retries []error
			o := w.options()
			o.Progress = func(e fetch.Event) {
				mu.Lock()
				defer mu.Unlock()
				if e.Type == fetch.Retrying {
					retries = append(retries, e.Err)
				}
			}
			if _, err := fetch.New(o).Fetch(t.Context(), request(b)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(w.slept, []time.Duration{250 * time.Millisecond, 500 * time.Millisecond}) || len(retries) != 2 {
				t.Errorf("slept %v, retried after %v", w.slept, retries)
			}

			w = newWorld(t, breaks(b[:len(b)/2]))
			_, err := fetch.New(w.options()).Fetch(t.Context(), request(b))
			wantError(t, err, pantry.ErrUnavailable, `a@1.0.0 at registry "acme"`, fmt.Sprintf("broke off after %d bytes", len(b)/2))
			if !errors.Is(err, io.ErrUnexpectedEOF) || w.opens() != 3 {
				t.Errorf("%v, %d requests", err, w.opens())
			}
			w.empty()
		})
	}
}

func TestWhatCameInstead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"HTML":          {"\n<!DOCTYPE html><html>\x1b[2J please log in</html>", "the answer is an HTML page, not a tarball"},
		"large HTML":    {"<html>" + noise(9<<20), "the answer is an HTML page"},
		"XML":           {"<?xml version='1.0'?><Error/>", "an XML document"},
		"JSON":          {`{"error":"not found"}`, "a JSON document"},
		"nothing":       {"", "the answer is empty"},
		"something":     {"hello", "not a gzip'd tarball"},
		"HTML with BOM": {"\ufeff<html>", "an HTML page"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, gives([]byte(tt.body)))
			o := w.options()
			o.AllowMissingIntegrity = func(string) bool { return true }
			f := fetch.New(o)
			_, err := f.Fetch(t.Context(), request([]byte("another")))
			wantError(t, err, pantry.ErrIntegrity, tt.want, "expected sha512-")
			wantError(t, err, pantry.ErrInvalid)
			req := request(nil)
			req.Artifact.Integrity = nil
			_, err = f.Fetch(t.Context(), req)
			wantError(t, err, pantry.ErrInvalid, tt.want)
			w.empty()
		})
	}
}

// TestBadArchives have the right digest, so that there is no use in asking again.
func TestBadArchives(t *testing.T) {
	t.Parallel()
	good := sizes(t)["small"]
	large := sizes(t)["large"]
	pkg := func(manifest string) []byte { return tarball(t, "", "", map[string]string{"package.json": manifest}) }
	tests := map[string]struct {
		b     []byte
		match error
		want  string
	}{
		"cut off":              {good[:len(good)-1], pantry.ErrInvalid, "cut off"},
		"large and cut off":    {large[:len(large)-1], pantry.ErrInvalid, "cut off"},
		"garbage behind":       {append(bytes.Clone(good), 'x'), pantry.ErrInvalid, "data after the end"},
		"bomb":                 {tarball(t, "a", "1.0.0", map[string]string{"x": strings.Repeat("\x00", 40<<20)}), pantry.ErrPolicy, "more than 200 times"},
		"no package.json":      {tarball(t, "", "", map[string]string{"x": ""}), pantry.ErrInvalid, "no package.json"},
		"package.json no JSON": {pkg(`{"name":`), pantry.ErrInvalid, "package.json cannot be read"},
		"package.json array":   {pkg(`[]`), pantry.ErrInvalid, "package.json cannot be read"},
		"package.json huge":    {pkg(`{"x":"` + noise(9<<20) + `"}`), pantry.ErrPolicy, "larger than"},
		"other name":           {tarball(t, "b", "1.0.0", nil), pantry.ErrIntegrity, "the package inside is b@1.0.0, not a@1.0.0"},
		"other version":        {tarball(t, "a", "1.0.1", nil), pantry.ErrIntegrity, "inside is a@1.0.1"},
		"other case":           {tarball(t, "A", "1.0.0", nil), pantry.ErrIntegrity, "inside is A@1.0.0"},
		"no name":              {pkg(`{"version":"1.0.0"}`), pantry.ErrIntegrity, "inside is (nothing)@1.0.0"},
		"name of another key":  {pkg(`{"NAME":"a","Version":"1.0.0"}`), pantry.ErrIntegrity, "inside is (nothing)@(nothing)"},
		"name no string":       {pkg(`{"name":["a"],"version":"1.0.0"}`), pantry.ErrIntegrity, "inside is"},
		"name for a terminal":  {pkg(`{"name":"\u001b[2J\u202e","version":"1.0.0"}`), pantry.ErrIntegrity, `inside is \x1b[2J\u202e@1.0.0`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, gives(tt.b))
			_, err := fetch.New(w.options()).Fetch(t.Context(), request(tt.b))
			wantError(t, err, tt.match, `a@1.0.0 at registry "acme"`, tt.want)
			if w.opens() != 1 {
				t.Errorf("%d requests", w.opens())
			}
			w.empty()
		})
	}
}

func TestSameVersion(t *testing.T) {
	t.Parallel()
	for inside, asked := range map[string]string{
		"1.0.0": "1.0.0", "v1.0.0": "1.0.0", "=1.0.0": "1.0.0", " 1.0.0 ": "1.0.0", "1.0.0+build": "1.0.0", "not one": "not one",
		"1.0.0-beta": "1.0.0-beta", "1.0.1": "",
	} {
		b := tarball(t, "a", inside, nil)
		req := request(b)
		req.Artifact.Version = asked
		if _, err := fetch.New(newWorld(t, gives(b)).options()).Fetch(t.Context(), req); err != nil {
			t.Errorf("%q for %q: %v", inside, asked, err)
		}
	}
	b := tarball(t, "", "", map[string]string{"package.json": "\ufeff" + `{"name":"x","version":"1.0.0"}`})
	req := request(b)
	req.Artifact.Name = ""
	if _, err := fetch.New(newWorld(t, gives(b)).options()).Fetch(t.Context(), req); err != nil {
		t.Errorf("no name was asked for: %v", err)
	}
}

// TestStoredUnderAnotherName: the digest of a lockfile must not bring another package.
func TestStoredUnderAnotherName(t *testing.T) {
	t.Parallel()
	b := tarball(t, "b", "1.0.0", nil)
	req := request(b)
	req.Artifact.Name = "b"
	w := newWorld(t, gives(b))
	f := fetch.New(w.options())
	if _, err := f.Fetch(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	_, err := f.Fetch(t.Context(), request(b))
	wantError(t, err, pantry.ErrIntegrity, "inside is b@1.0.0, not a@1.0.0")
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, b := range sizes(t) {
		w := newWorld(t, gives(b))
		o := w.options()
		o.MaxTarball = int64(len(b)) - 1
		_, err := fetch.New(o).Fetch(t.Context(), request(b))
		wantError(t, err, pantry.ErrPolicy, fmt.Sprintf("larger than %d bytes", len(b)-1))
		if w.opens() != 1 {
			t.Errorf("%s: %d requests", name, w.opens())
		}
		w.empty()
		o.MaxTarball++
		if _, err := fetch.New(o).Fetch(t.Context(), request(b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpenFails: requests are repeated by the transport, not here.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{pantry.ErrDenied, pantry.ErrNotFound, pantry.ErrUnavailable} {
		w := newWorld(t, func() (io.ReadCloser, error) { return nil, pantry.WithHint(cause, "log in") })
		_, err := fetch.New(w.options()).Fetch(t.Context(), request([]byte("x")))
		wantError(t, err, cause, `a@1.0.0 at registry "acme"`)
		if w.opens() != 1 || pantry.Hint(err) != "log in" {
			t.Errorf("%d requests, hint %q", w.opens(), pantry.Hint(err))
		}
	}
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	b := sizes(t)["large"]
	w := newWorld(t, gives(b))
	v2 := filepath.Join(w.store.Dir(), "v2")
	if err := errors.Join(os.MkdirAll(w.store.Dir(), 0o755), os.WriteFile(v2, nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	_, err := fetch.New(w.options()).Fetch(t.Context(), request(b))
	if err == nil || !strings.Contains(err.Error(), v2) || !strings.Contains(pantry.Hint(err), "remove it") || w.opens() != 1 {
		t.Errorf("%v, hint %q, %d requests", err, pantry.Hint(err), w.opens())
	}
}

// gate is a body that comes when it is opened.
type gate struct {
	open chan struct{}
	r    io.Reader
	ctx  context.Context
}

func (g *gate) Read(p []byte) (int, error) {
	select {
	case <-g.open:
		return g.r.Read(p)
	case <-g.ctx.Done():
		return 0, g.ctx.Err()
	}
}

func (g *gate) Close() error { return nil }

// gated is a world whose answers come when the channel is closed.
func gated(t *testing.T, b []byte) (o fetch.Options, open chan struct{}, started chan context.Context) {
	w := newWorld(t)
	open, started = make(chan struct{}), make(chan context.Context, 100)
	o = w.options()
	o.Open = func(ctx context.Context, _ string, _ pantry.Artifact) (io.ReadCloser, error) {
		started <- ctx
		return &gate{open, bytes.NewReader(b), ctx}, nil
	}
	return o, open, started
}

func TestShared(t *testing.T) {
	t.Parallel()
	b := sizes(t)["small"]
	o, open, started := gated(t, b)
	f := fetch.New(o)
	first, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 20)
	go func() {
		_, err := f.Fetch(first, request(b))
		errs <- err
	}()
	<-started // the first caller's download
	var waiting sync.WaitGroup
	for range 10 {
		waiting.Add(1)
		go func() {
			waiting.Done()
			res, err := f.Fetch(t.Context(), request(b))
			if err == nil && res.Entry == nil {
				err = errors.New("no entry")
			}
			errs <- err
		}()
	}
	waiting.Wait()
	for fetch.Waiting(f, request(b)) < 11 {
		runtime.Gosched()
	}
	cancel()
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("the first caller: %v", err)
	}
	close(open)
	for range 10 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if len(started) != 0 {
		t.Errorf("%d more downloads", len(started))
	}
}

// TestAllLeave: a download that nobody waits for is stopped, and the next caller starts anew.
func TestAllLeave(t *testing.T) {
	t.Parallel()
	b := sizes(t)["small"]
	o, open, started := gated(t, b)
	f := fetch.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := f.Fetch(ctx, request(b))
		left <- err
	}()
	shared := <-started
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-shared.Done()
	close(open)
	if _, err := f.Fetch(t.Context(), request(b)); err != nil {
		t.Errorf("the next caller: %v", err)
	}
	if _, err := f.Fetch(ctx, request([]byte("other"))); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

// TestCancelledWhileWaiting: callers leave while their downloads wait for a place.
func TestCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	b := sizes(t)["small"]
	o, _, started := gated(t, b)
	o.Concurrency = 1
	f := fetch.New(o)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error)
	for i := range 5 {
		go func() {
			req := request(b)
			req.Artifact.Version = fmt.Sprint(i, ".0.0")
			_, err := f.Fetch(ctx, req)
			errs <- err
		}()
	}
	<-started
	cancel()
	for range 5 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	const most, all = 3, 40
	w := newWorld(t)
	var now, peak atomic.Int64
	tarballs := map[string][]byte{}
	for i := range all {
		v := fmt.Sprintf("1.0.%d", i)
		tarballs[v] = tarball(t, "a", v, map[string]string{"x": noise(i * 5000)})
	}
	o := w.options()
	o.Concurrency, o.Memory = most, 256<<10
	o.Open = func(_ context.Context, _ string, a pantry.Artifact) (io.ReadCloser, error) {
		for n := now.Add(1); ; {
			if p := peak.Load(); n <= p || peak.CompareAndSwap(p, n) {
				break
			}
		}
		return &counted{bytes.NewReader(tarballs[a.Version]), &now}, nil
	}
	f := fetch.New(o)
	var wg sync.WaitGroup
	for v, b := range tarballs {
		wg.Go(func() {
			req := request(b)
			req.Artifact.Version = v
			if _, err := f.Fetch(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p := peak.Load(); p > most || p < 1 || now.Load() != 0 {
		t.Errorf("%d at once, %d not closed", p, now.Load())
	}
}

type counted struct {
	io.Reader
	now *atomic.Int64
}

func (c *counted) Close() error {
	c.now.Add(-1)
	return nil
}

func TestProgress(t *testing.T) {
	t.Parallel()
	b := sizes(t)["medium"]
	w := newWorld(t, breaks(b[:100]), gives(b))
	o := w.options()
	count := map[fetch.EventType]int{}
	var bytes int64
	o.Progress = func(e fetch.Event) { // one download: one goroutine
		count[e.Type]++
		if e.Type == fetch.Received {
			bytes += e.Bytes
		}
		if e.Ref.String() != "acme:a@1.0.0" || e.Type == fetch.Done && (e.Err != nil || e.Bytes != int64(len(b))) {
			t.Errorf("%+v", e)
		}
	}
	f := fetch.New(o)
	for range 2 {
		if _, err := f.Fetch(t.Context(), request(b)); err != nil {
			t.Fatal(err)
		}
	}
	if bytes != int64(len(b))+100 || count[fetch.Received] == 0 {
		t.Errorf("%d bytes received", bytes)
	}
	delete(count, fetch.Received)
	if !maps.Equal(count, map[fetch.EventType]int{fetch.Started: 1, fetch.Retrying: 1, fetch.Done: 1}) {
		t.Errorf("%v", count)
	}
}

package replay_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/bench/replay"
)

// upstreamDoc is a packument as an upstream writes it: with white space, and versions in no order of theirs.
const upstreamDoc = `{"_id": "@s/b", "name": "@s/b", "dist-tags": {"latest": "1.10.0"}, "readme": "long",
 "versions": {
  "1.9.0": {"name": "@s/b", "version": "1.9.0", "description": "a < b", "scripts": {"postinstall": "x"},
    "dependencies": {"c": "^1"}, "dist": {"shasum": "00", "tarball": "https://upstream.example/files/@s/b/-/b-1.9.0.tgz"}},
  "1.10.0": {"name": "@s/b", "version": "1.10.0", "scripts": {"test": "x"}, "os": ["linux"],
    "dist": {"tarball": "https://upstream.example/@s/b/-/b-1.10.0.tgz", "signatures": [{"keyid": "k", "sig": "s"}]}}},
 "time": {"modified": "2026-05-05T00:00:00.000Z", "1.9.0": "2026-05-04T00:00:00.000Z"}}`

// start serves a replay registry in front of an upstream, and counts the upstream's requests.
func start(t *testing.T, latency time.Duration) (r *replay.Registry, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	var once sync.Map // a path fails at first
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		switch _, again := once.LoadOrStore(req.URL.Path, true); {
		case req.URL.EscapedPath() == "/@s%2fb":
			_, _ = io.WriteString(w, upstreamDoc)
		case req.URL.Path == "/@s/b/-/b-1.9.0.tgz" && !again:
			w.WriteHeader(http.StatusServiceUnavailable)
		case req.URL.Path == "/@s/b/-/b-1.9.0.tgz":
			_, _ = io.WriteString(w, "tarball")
		case req.URL.Path == "/broken":
			_, _ = io.WriteString(w, `{"versions": {"1.0.0": []}}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(upstream.Close)
	r = &replay.Registry{Upstream: upstream.URL, Dir: t.TempDir(), Latency: latency}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.Base = server.URL
	return r, asked
}

// get asks as a client does, and does not decompress.
func get(t *testing.T, r *replay.Registry, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, r.Base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(body); err != nil {
			t.Fatal(err)
		}
	}
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

const corgi = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"

func TestPackuments(t *testing.T) {
	t.Parallel()
	r, asked := start(t, 0)
	resp, short := get(t, r, "/@s%2fb", "Accept", corgi, "Accept-Encoding", "gzip")
	if resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Content-Type") != "application/vnd.npm.install-v1+json" {
		t.Errorf("headers %v", resp.Header)
	}
	signature := regexp.MustCompile(`"signatures":\[\{"keyid":"SHA256:[^"]{43}","sig":"[^"]{90,100}"\}\]`)
	if !signature.MatchString(short) {
		t.Errorf("no signature was made up: %s", short)
	}
	want := `{"name":"@s/b","dist-tags":{"latest":"1.10.0"},"versions":{` +
		`"1.9.0":{"name":"@s/b","version":"1.9.0","dependencies":{"c":"^1"},"dist":{"shasum":"00","tarball":"BASE/@s/b/-/b-1.9.0.tgz",SIGNATURE},"hasInstallScript":true},` +
		`"1.10.0":{"name":"@s/b","version":"1.10.0","os":["linux"],"dist":{"tarball":"BASE/@s/b/-/b-1.10.0.tgz","signatures":[{"keyid":"k","sig":"s"}]}}},` +
		`"modified":"2026-05-05T00:00:00.000Z"}`
	if d := cmp.Diff(want, signature.ReplaceAllString(strings.ReplaceAll(short, r.Base, "BASE"), "SIGNATURE")); d != "" {
		t.Error(d)
	}
	resp, full := get(t, r, "/@s/b")
	if resp.Header.Get("Content-Encoding") != "" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", resp.Header)
	}
	if !strings.Contains(full, `"readme":"long"`) || !strings.Contains(full, `"description":"a < b"`) {
		t.Errorf("the full packument is not: %s", full)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	r, _ := start(t, 0)
	resp, _ := get(t, r, "/@s%2fb", "Accept", corgi)
	etag := resp.Header.Get("ETag")
	for given, want := range map[string]int{etag: http.StatusNotModified, "W/" + etag: http.StatusNotModified, `"other"`: http.StatusOK} {
		if resp, _ := get(t, r, "/@s%2fb", "Accept", corgi, "If-None-Match", given); resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", given, resp.StatusCode, want)
		}
	}
	if resp, _ := get(t, r, "/@s%2fb", "If-None-Match", etag); resp.StatusCode != http.StatusOK {
		t.Error("the full packument has the entity tag of the abbreviated one")
	}
}

// What was asked once is never asked again, not by another registry over the same folder either, and the counts say
// which runs had to wait.
func TestCounts(t *testing.T) {
	t.Parallel()
	r, asked := start(t, 0)
	ask := func() replay.Counts {
		before := r.Counts()
		get(t, r, "/@s%2fb", "Accept", corgi)
		if resp, body := get(t, r, "/@s/b/-/b-1.9.0.tgz"); resp.StatusCode != http.StatusOK || body != "tarball" {
			t.Errorf("tarball: %d %q", resp.StatusCode, body)
		}
		for _, path := range []string{"/nothing", "/@s/b/-/b-3.0.0.tgz"} {
			if resp, _ := get(t, r, path); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: status %d", path, resp.StatusCode)
			}
		}
		if resp, body := get(t, r, "/-/npm/v1/keys"); resp.StatusCode != http.StatusOK || body != "{}" {
			t.Errorf("%d %q", resp.StatusCode, body)
		}
		got := r.Counts().Sub(before)
		if got.Bytes == 0 {
			t.Error("no bytes were counted")
		}
		got.Bytes = 0
		return got
	}
	first := replay.Counts{Packuments: 2, Tarballs: 2, Other: 1, Upstream: 4, Made: 1}
	if d := cmp.Diff(first, ask()); d != "" {
		t.Error(d)
	}
	if first.Ready() {
		t.Error("a run that filled the registry passes for ready")
	}
	second := ask()
	if d := cmp.Diff(replay.Counts{Packuments: 2, Tarballs: 2, Other: 1, Upstream: 1}, second); d != "" { // a tarball that is not there is not kept
		t.Error(d)
	}
	if n := asked.Load(); n != 6 { // one of them twice, since it failed at first
		t.Errorf("the upstream was asked %d times", n)
	}
	again := &replay.Registry{Dir: r.Dir, Base: "http://other.example"}
	doc, err := again.Packument(context.Background(), "@s/b", true)
	if err != nil || !strings.Contains(string(doc), `"tarball":"http://other.example/@s/b/-/b-1.9.0.tgz"`) {
		t.Errorf("%v: %s", err, doc)
	}
	if _, err := again.Packument(context.Background(), "unheard-of", true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without an upstream: %v", err)
	}
	if _, err := again.Tarball(context.Background(), "@s/b/-/b-1.9.0.tgz"); err != nil {
		t.Error(err)
	}
}

func TestBrokenUpstream(t *testing.T) {
	t.Parallel()
	r, _ := start(t, 0)
	for range 2 {
		if resp, _ := get(t, r, "/broken"); resp.StatusCode != http.StatusBadGateway {
			t.Errorf("status %d", resp.StatusCode)
		}
	}
}

func TestLatency(t *testing.T) {
	t.Parallel()
	const latency = 30 * time.Millisecond
	r, _ := start(t, latency)
	begin := time.Now()
	get(t, r, "/-/ping")
	if took := time.Since(begin); took < latency {
		t.Errorf("an answer came after %v", took)
	}
}

// Many clients at once get the same bytes, and the upstream is asked once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	r, asked := start(t, 0)
	var wg sync.WaitGroup
	var different atomic.Int64
	_, want := get(t, r, "/-/x")
	for range 20 {
		wg.Go(func() {
			doc, err := r.Packument(context.Background(), "@s/b", true)
			if err != nil || !json.Valid(doc) || string(doc) == want {
				different.Add(1)
			}
		})
	}
	wg.Wait()
	if asked.Load() != 1 || different.Load() != 0 {
		t.Errorf("the upstream was asked %d times; %d wrong answers", asked.Load(), different.Load())
	}
}

// answer is an upstream that says one thing.
type answer []byte

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(a))), Request: req}, nil
}

// Whatever the upstream says, what is served is an error or JSON, and the two forms list the same versions.
func FuzzPackument(f *testing.F) {
	f.Add([]byte(upstreamDoc))
	f.Add([]byte(`{"versions":{"1":{"dist":{"tarball":"/-/\u2028\""}}},"time":[]}`))
	f.Add([]byte(`{"a":1}{"b":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &replay.Registry{Upstream: "http://registry.example.com", Dir: t.TempDir(), Base: "http://x.example", Client: &http.Client{Transport: answer(data)}}
		short, err := r.Packument(context.Background(), "x", true)
		if err != nil {
			return
		}
		full, err := r.Packument(context.Background(), "x", false)
		if err != nil {
			t.Fatal(err)
		}
		names := func(doc []byte) map[string]bool {
			var p struct{ Versions map[string]json.RawMessage }
			if err := json.Unmarshal(doc, &p); err != nil {
				t.Fatalf("%v: %s", err, doc)
			}
			out := map[string]bool{}
			for v := range p.Versions {
				out[v] = true
			}
			return out
		}
		if d := cmp.Diff(names(full), names(short)); d != "" {
			t.Error(d)
		}
	})
}

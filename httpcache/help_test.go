package httpcache_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/httpcache"
)

// start is when the stories begin.
var start = time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)

// origin is a server at the other side of a cache, with the clock of both.
type origin struct {
	now    time.Time
	header http.Header // of each answer
	status int         // 0: 200, or 304 where the question's condition is met
	body   string
	fail   error
	delay  time.Duration // of each answer
	asked  []http.Header // of each request
}

func newOrigin(header ...string) *origin {
	return &origin{now: start, header: lines(header...), body: "one"}
}

// lines are headers, "Name: value" each.
func lines(all ...string) http.Header {
	h := http.Header{}
	for _, line := range all {
		name, value, _ := strings.Cut(line, ": ")
		h.Add(name, value)
	}
	return h
}

func (o *origin) RoundTrip(req *http.Request) (*http.Response, error) {
	o.asked = append(o.asked, req.Header)
	o.now = o.now.Add(o.delay)
	if o.fail != nil {
		return nil, o.fail
	}
	status, body := http.StatusOK, o.body
	if o.status != 0 {
		status = o.status
	}
	tag, date := o.header.Get("ETag"), o.header.Get("Last-Modified")
	if status == http.StatusOK && (tag != "" && req.Header.Get("If-None-Match") == tag ||
		tag == "" && date != "" && req.Header.Get("If-Modified-Since") == date) {
		status, body = http.StatusNotModified, ""
	}
	return &http.Response{
		StatusCode: status, Header: o.header.Clone(), ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)), Request: req,
	}, nil
}

// visitor is one run of a program that keeps what it reads in a folder.
type visitor struct {
	http.RoundTripper
	t      testing.TB
	folder *httpcache.Folder
}

func (o *origin) visitor(t testing.TB, dir string, change ...func(*httpcache.Options)) visitor {
	f := httpcache.NewFolder(dir, httpcache.FolderOptions{Now: func() time.Time { return o.now }})
	opts := httpcache.Options{Registry: "https://registry.example"}
	for _, c := range change {
		c(&opts)
	}
	return visitor{f.Layer(o, opts), t, f}
}

// got is an answer as its reader sees it.
type got struct {
	status int
	header http.Header
	body   string
	state  pantry.CacheState
	failed bool // something stale had to do
	err    error
}

// ask sends a request and reads its answer.
func (v visitor) ask(how pantry.Asking, method, path string, header ...string) got {
	v.t.Helper()
	var trace pantry.CacheTrace
	ctx := pantry.WithCacheTrace(pantry.WithAsking(context.Background(), how), &trace)
	req, err := http.NewRequestWithContext(ctx, method, "https://registry.example"+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header = lines(header...)
	resp, err := v.RoundTrip(req)
	if err != nil {
		return got{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return got{resp.StatusCode, resp.Header, string(body), trace.State(), trace.Failure() != nil, err}
}

func (v visitor) get(how pantry.Asking, header ...string) got {
	v.t.Helper()
	return v.ask(how, http.MethodGet, "/pad", header...)
}

func ttl(d time.Duration) func(*httpcache.Options) {
	return func(o *httpcache.Options) { o.TTL = &d }
}

func staleIfError(d time.Duration) func(*httpcache.Options) {
	return func(o *httpcache.Options) { o.StaleIfError = &d }
}

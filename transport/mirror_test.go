package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/transport"
)

// known and unknown are artifacts with and without a digest.
var (
	known   = pantry.Artifact{Integrity: integrity.Set{integrity.Sum(integrity.SHA512, []byte("x"))}}
	unknown = pantry.Artifact{}
)

type answers = map[string]func(*http.Request) (*http.Response, error)

// TestFailover: who is asked, and whose answer it is in the end.
func TestFailover(t *testing.T) {
	t.Parallel()
	const own, m1, m2 = "own.example /npm/x", "m1.example /a/b/x", "m2.example /x"
	html := says(200, "<html>", "Content-Type", "text/html; charset=utf-8")
	tests := []struct {
		name  string
		hosts answers
		asked []string
		want  string // body, or part of the error
		err   error
	}{
		{"the registry answers", answers{"own.example": says(200, "own"), "m1.example": says(200, "m1")}, []string{own}, "own", nil},
		{"it refuses", answers{"m1.example": says(200, "m1")}, []string{own, m1}, "m1", nil},
		{"it has 503", answers{"own.example": says(503, ""), "m1.example": says(200, "m1")}, []string{own, m1}, "m1", nil},
		{"it has 429", answers{"own.example": says(429, ""), "m1.example": says(200, "m1")}, []string{own, m1}, "m1", nil},
		{"a page for people", answers{"own.example": html, "m1.example": says(200, "m1")}, []string{own, m1}, "m1", nil},
		{"304 unasked", answers{"own.example": says(304, ""), "m1.example": says(200, "m1")}, []string{own, m1}, "m1", nil},
		{"the first mirror fails too", answers{"m1.example": says(502, ""), "m2.example": says(200, "m2")}, []string{own, m1, m2}, "m2", nil},
		{"it does not have it", answers{"own.example": says(404, ""), "m1.example": says(200, "m1")}, []string{own}, "404", pantry.ErrNotFound},
		{"it denies", answers{"own.example": says(401, ""), "m1.example": says(200, "m1")}, []string{own}, "401", pantry.ErrDenied},
		{"a mirror has 404, another has it", answers{"m1.example": says(404, ""), "m2.example": says(200, "m2")}, []string{own, m1, m2}, "m2", nil},
		{"nobody is there", answers{}, []string{own, m1, m2}, "refused the connection", pantry.ErrUnavailable},
		{"mirrors do not have it", answers{"m1.example": says(404, ""), "m2.example": says(410, "")}, []string{own, m1, m2},
			"no help from its mirrors m1.example (404 Not Found), m2.example (410 Gone)", pantry.ErrUnavailable},
		{"mirrors deny", answers{"own.example": says(503, ""), "m1.example": says(401, ""), "m2.example": says(403, "")}, []string{own, m1, m2},
			"503 Service Unavailable; no help from its mirrors m1.example (401 Unauthorized), m2.example (403 Forbidden)", pantry.ErrUnavailable},
		{"pages everywhere", answers{"own.example": html, "m1.example": html, "m2.example": html}, []string{own, m1, m2}, "<html>", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{hosts: tt.hosts}
			c := mirrored(t, w, 2, func(o *transport.Options) { o.Retries = ptr(0) })
			_, data, err := c.GetAll(t.Context(), ownURL+"/x", http.Header{"Accept": {"application/json"}}, 100)
			if diff := cmp.Diff(tt.asked, w.asked()); diff != "" {
				t.Error(diff)
			}
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("got %q, %v", data, err)
			}
			if err == nil {
				mustContain(t, string(data), tt.want)
				return
			}
			mustContain(t, err.Error(), tt.want, "GET "+ownURL+"/x")
		})
	}
}

// A mirror that is asked first: only the registry says what there is not, and who may see it.
func TestMirrorIsNotBelieved(t *testing.T) {
	t.Parallel()
	for status, want := range map[int][]string{
		200: {"m1.example /a/b/x"}, 302: {"m1.example /a/b/x", "m1.example /y"},
		404: {"m1.example /a/b/x", "own.example /npm/x"}, 401: {"m1.example /a/b/x", "own.example /npm/x"},
		400: {"m1.example /a/b/x", "own.example /npm/x"}, 503: {"m1.example /a/b/x", "m2.example /x"},
	} {
		w := &world{hosts: answers{"own.example": says(200, "ok"), "m2.example": says(200, "ok")}}
		w.hosts["m1.example"] = func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/y" {
				return reply(r, 200, "ok"), nil
			}
			return reply(r, status, "ok", "Location", "/y"), nil
		}
		c := mirrored(t, w, 2, func(o *transport.Options) { o.Balance = transport.RoundRobin })
		_, _ = get(t, c, ownURL+"/turn") // the registry has the first turn
		w.asked()
		if data, err := get(t, c, ownURL+"/x"); err != nil || string(data) != "ok" {
			t.Errorf("%d: %q, %v", status, data, err)
		}
		if diff := cmp.Diff(want, w.asked()); diff != "" {
			t.Errorf("%d: %s", status, diff)
		}
	}
}

// TestWhatGoesToMirrors: only what is read, below the registry's URL or a mirror's.
func TestWhatGoesToMirrors(t *testing.T) {
	t.Parallel()
	verified := transport.ForArtifact(context.Background(), known)
	unverified := transport.ForArtifact(context.Background(), unknown)
	tests := []struct {
		name, method, url string
		ctx               context.Context
		asked             []string
	}{
		{"below", "GET", ownURL + "/@a%2fb/-/c%20d.tgz", nil, []string{"own.example /npm/@a%2fb/-/c%20d.tgz", "m1.example /a/b/@a%2fb/-/c%20d.tgz"}},
		{"the URL itself", "GET", ownURL, nil, []string{"own.example /npm", "m1.example /a/b"}},
		{"HEAD", "HEAD", ownURL + "/x", nil, []string{"own.example /npm/x", "m1.example /a/b/x"}},
		{"a query", "GET", ownURL + "/-/search?q=a%26b", nil, []string{"own.example /npm/-/search?q=a%26b", "m1.example /a/b/-/search?q=a%26b"}},
		{"an artifact", "GET", ownURL + "/x.tgz", verified, []string{"own.example /npm/x.tgz", "m1.example /a/b/x.tgz"}},
		{"one at a mirror", "GET", "https://m1.example/a/b/x.tgz", verified, []string{"own.example /npm/x.tgz", "m1.example /a/b/x.tgz"}},
		{"one with a query, which may be a secret", "GET", ownURL + "/x.tgz?sig=s", verified, []string{"own.example /npm/x.tgz?sig=s"}},
		{"one that cannot be verified", "GET", ownURL + "/x.tgz", unverified, []string{"own.example /npm/x.tgz"}},
		{"another path", "GET", "https://own.example/npmx/y", nil, []string{"own.example /npmx/y"}},
		{"another port", "GET", "https://own.example:444/npm/y", nil, []string{"own.example:444 /npm/y"}},
		{"a path that leads out", "GET", ownURL + "/../y", nil, []string{"own.example /npm/../y"}},
		{"an escaped one", "GET", ownURL + "/%2e%2e/y", nil, []string{"own.example /npm/%2e%2e/y"}},
		{"an escaped slash", "GET", ownURL + "/a%2f..%2f..%2fy", nil, []string{"own.example /npm/a%2f..%2f..%2fy"}},
		{"elsewhere", "GET", "https://cdn.example/x.tgz", verified, []string{"cdn.example /x.tgz"}},
		{"PUT", "PUT", ownURL + "/x", nil, []string{"own.example /npm/x"}},
		{"POST", "POST", ownURL + "/x", nil, []string{"own.example /npm/x"}},
		{"DELETE", "DELETE", ownURL + "/x", nil, []string{"own.example /npm/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{hosts: answers{"m1.example": says(200, "m1")}}
			c := mirrored(t, w, 1, func(o *transport.Options) { o.Retries = ptr(0) })
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			req, err := http.NewRequestWithContext(ctx, tt.method, tt.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := c.Do(req); err == nil {
				if got := resp.Request.URL.Host; got != "m1.example" {
					t.Errorf("the answer says it is from %s", got)
				}
				_ = resp.Body.Close()
			}
			if diff := cmp.Diff(tt.asked, w.asked()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	c := mirrored(t, &world{}, 2, func(o *transport.Options) {
		o.Mirrors = append(o.Mirrors, transport.Mirror{URL: "https://own.example/copy"})
	})
	for in, want := range map[string]string{
		"https://m1.example/a/b/@s%2fx/-/x.tgz?q=1": ownURL + "/@s%2fx/-/x.tgz?q=1",
		"https://M1.example:443/a/b/x":              ownURL + "/x",
		"https://m2.example/x":                      ownURL + "/x",
		"https://own.example/copy/x":                ownURL + "/x",
		ownURL + "/x":                               ownURL + "/x",
		"https://m1.example/a/x":                    "https://m1.example/a/x",
		"http://m2.example/x":                       "http://m2.example/x",
		"https://m1.example/a/b/../../x":            "https://m1.example/a/b/../../x",
		"https://u@m2.example/x":                    "https://u@m2.example/x",
		"%":                                         "%",
	} {
		if got := c.Canonical(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got := mirrored(t, &world{}, 0, nil).Canonical("https://m2.example/x"); got != "https://m2.example/x" {
		t.Errorf("without mirrors: %s", got)
	}
}

// Where the redirects of one place come to nothing, another place is asked.
func TestRedirectsOfMirrors(t *testing.T) {
	t.Parallel()
	to := func(host string) func(*http.Request) (*http.Response, error) {
		return says(302, "", "Location", "https://"+host+"/blob")
	}
	tests := []struct {
		name  string
		hosts answers
		want  string
		err   error
	}{
		{"of the registry, refused", answers{"own.example": to("dead.example"), "m1.example": says(200, "m1")}, "m1", nil},
		{"of the registry, 503", answers{"own.example": to("cdn.example"), "cdn.example": says(503, ""), "m1.example": says(200, "m1")}, "m1", nil},
		{"of the registry, 404", answers{"own.example": to("cdn.example"), "cdn.example": says(404, ""), "m1.example": says(200, "m1")}, "", pantry.ErrNotFound},
		{"of a mirror, 404", answers{"m1.example": to("cdn.example"), "cdn.example": says(404, ""), "m2.example": says(200, "m2")}, "m2", nil},
		{"of both", answers{"own.example": to("dead.example"), "m1.example": to("dead.example"), "m2.example": to("cdn.example"), "cdn.example": says(200, "cdn")}, "cdn", nil},
		{"of all", answers{"own.example": to("dead.example"), "m1.example": to("dead.example"), "m2.example": to("dead.example")}, "", pantry.ErrUnavailable},
		{"of a mirror to the registry", answers{"m1.example": to("own.example")}, "", pantry.ErrUnavailable},
		{"in a circle", answers{"own.example": to("own.example"), "m1.example": says(200, "m1")}, "m1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{hosts: tt.hosts}
			c := mirrored(t, w, 2, func(o *transport.Options) { o.Retries = ptr(0) })
			data, err := get(t, c, ownURL+"/x")
			if string(data) != tt.want || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

// TestBalance: who is asked first, of many requests.
func TestBalance(t *testing.T) {
	t.Parallel()
	const n = 1200
	count := func(balance transport.Balance, latency map[string]time.Duration, weights ...int) map[string]int {
		now := newClock()
		w := &world{hosts: answers{}}
		for _, host := range []string{"own.example", "m1.example", "m2.example"} {
			w.hosts[host] = func(r *http.Request) (*http.Response, error) {
				now.add(latency[host])
				return reply(r, 200, "ok"), nil
			}
		}
		seed := uint32(1)
		c := mirrored(t, w, 2, func(o *transport.Options) {
			o.Balance, o.Now = balance, now.Now
			for i, weight := range weights {
				o.Mirrors[i].Weight = weight
			}
			o.Rand = func() float64 { // a linear congruential generator: the same numbers in every run
				seed = seed*1664525 + 1013904223
				return float64(seed) / (1 << 32)
			}
		})
		for range n {
			if _, err := get(t, c, ownURL+"/x"); err != nil {
				t.Fatal(err)
			}
		}
		counts := map[string]int{}
		for _, s := range w.asked() {
			host, _, _ := strings.Cut(s, ".")
			counts[host]++
		}
		return counts
	}
	if got := count(transport.Failover, nil); got["own"] != n {
		t.Errorf("failover: %v", got)
	}
	if got := count(transport.RoundRobin, nil); got["own"] != n/3 || got["m1"] != n/3 || got["m2"] != n/3 {
		t.Errorf("round-robin: %v", got)
	}
	about := func(got, want int) bool { return got > want*8/10 && got < want*12/10 }
	if got := count(transport.Weighted, nil, 4, 1); !about(got["own"], n/6) || !about(got["m1"], n*4/6) || !about(got["m2"], n/6) {
		t.Errorf("weighted: %v", got)
	}
	got := count(transport.Latency, map[string]time.Duration{"own.example": 50 * time.Millisecond, "m1.example": 5 * time.Millisecond, "m2.example": 20 * time.Millisecond})
	if got["m1"] < n/2 || got["own"] > n/10 || got["own"] == 0 || got["m2"] == 0 {
		t.Errorf("latency: %v", got)
	}
}

// A place that failed stands behind for ten seconds.
func TestFailedIsAskedLast(t *testing.T) {
	t.Parallel()
	now := newClock()
	w := &world{hosts: answers{"m1.example": says(200, "m1"), "m2.example": says(200, "m2")}}
	c := mirrored(t, w, 2, func(o *transport.Options) { o.Now = now.Now })
	for i, want := range [][]string{{"own.example /npm/x", "m1.example /a/b/x"}, {"m1.example /a/b/x"}, {"own.example /npm/x", "m1.example /a/b/x"}} {
		if _, err := get(t, c, ownURL+"/x"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, w.asked()); diff != "" {
			t.Errorf("request %d: %s", i, diff)
		}
		now.add(time.Duration(5+5*i) * time.Second)
	}
}

// A body that breaks off is asked for again elsewhere.
func TestBrokenBodyElsewhere(t *testing.T) {
	t.Parallel()
	w := &world{hosts: answers{"m1.example": says(200, "hello")}}
	w.hosts["own.example"] = func(r *http.Request) (*http.Response, error) {
		resp := reply(r, 200, "hello")
		resp.Body = breaking{strings.NewReader("he")}
		return resp, nil
	}
	data, err := get2(t, mirrored(t, w, 1, nil), ownURL+"/x")
	if err != nil || string(data) != "hello" {
		t.Errorf("got %q, %v", data, err)
	}
}

func get2(t *testing.T, c *transport.Client, url string) ([]byte, error) {
	_, data, err := c.GetAll(t.Context(), url, nil, 100)
	return data, err
}

// TestJudge: a mirror that serves wrong bytes is out; what is the digest's fault is not the mirror's.
func TestJudge(t *testing.T) {
	t.Parallel()
	wrong := errors.New("sha512 \x1b[31mmismatch")
	right := []byte("right")
	type out struct{ mirror, reason string }
	tests := []struct {
		name    string
		own     string
		m1, m2  string
		balance transport.Balance
		want    string   // in the end
		asked   []string // hosts
		out     []string // told of
		states  []bool   // of the mirrors: out
	}{
		{"all are right", "right", "right", "right", "", "right", []string{"own"}, nil, []bool{false, false}},
		{"the registry is wrong", "wrong", "right", "right", "", "right", []string{"own", "m1"}, nil, []bool{false, false}},
		{"the registry and a mirror", "wrong", "wrong", "right", "", "right", []string{"own", "m1", "m2"}, []string{"https://m1.example/a/b"}, []bool{true, false}},
		{"a mirror that is asked first", "right", "wrong", "wrong", transport.RoundRobin, "right", []string{"m1", "own"}, []string{"https://m1.example/a/b"}, []bool{true, false}},
		{"all, or the digest", "wrong", "wrong", "wrong", "", "wrong", []string{"own", "m1", "m2"}, nil, []bool{true, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var told []out
			w := &world{hosts: answers{"own.example": says(200, tt.own), "m1.example": says(200, tt.m1), "m2.example": says(200, tt.m2)}}
			c := mirrored(t, w, 2, func(o *transport.Options) {
				o.Balance = tt.balance
				o.Distrusted = func(m string, d transport.Distrust) { told = append(told, out{m, d.Reason}) }
			})
			if tt.balance != "" {
				_, _ = get(t, c, ownURL+"/turn")
				w.asked()
			}
			ctx := transport.ForArtifact(t.Context(), known)
			var data []byte
			for again := true; again; {
				resp, err := c.Get(ctx, ownURL+"/x.tgz", nil)
				if err != nil {
					t.Fatal(err)
				}
				data, _ = io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				err = nil
				if !bytes.Equal(data, right) {
					err = wrong
				}
				again = pantry.Judge(resp.Body, err)
			}
			if string(data) != tt.want {
				t.Errorf("in the end: %q", data)
			}
			var hosts []string
			for _, s := range w.asked() {
				host, _, _ := strings.Cut(s, ".")
				hosts = append(hosts, host)
			}
			if !slices.Equal(hosts, tt.asked) {
				t.Errorf("asked %v", hosts)
			}
			var mirrors []string
			for _, o := range told {
				mirrors = append(mirrors, o.mirror)
				if o.reason != "sha512 [31mmismatch" {
					t.Errorf("reason %q", o.reason)
				}
			}
			if !slices.Equal(mirrors, tt.out) {
				t.Errorf("told of %v", told)
			}
			for i, m := range c.Mirrors() {
				if (m.Out != nil) != tt.states[i] {
					t.Errorf("%+v", m)
				}
			}
		})
	}
}

// What is out is not asked, until it is trusted.
func TestDistrustAndTrust(t *testing.T) {
	t.Parallel()
	var told []string
	w := &world{hosts: answers{"m1.example": says(200, "m1"), "m2.example": says(200, "m2")}}
	c := mirrored(t, w, 2, func(o *transport.Options) {
		o.Retries, o.Mirrors[0].Out = ptr(0), &transport.Distrust{Reason: "before"}
		o.Distrusted = func(m string, d transport.Distrust) { told = append(told, m+" "+d.Reason) }
	})
	ask := func() string { data, _ := get(t, c, ownURL+"/x"); return string(data) }
	if got := ask(); got != "m2" {
		t.Errorf("m1 is out: %q", got)
	}
	if !c.Distrust("https://m2.example/some/file", "it lies") || ask() != "" {
		t.Error("m2 is out, and nobody is left")
	}
	if got := c.Mirrors(); got[1].Out == nil || got[1].Out.Reason != "it lies" || got[0].URL != "https://m1.example/a/b" || got[0].Weight != 1 {
		t.Errorf("%+v", got)
	}
	if fmt.Sprint(told) != "[https://m2.example it lies]" {
		t.Errorf("told %v", told)
	}
	if !c.Trust("https://m1.example/a/b") || ask() != "m1" {
		t.Error("m1 is trusted again")
	}
	if c.Distrust(ownURL+"/x", "no") || c.Trust("https://other.example") || c.Distrust("%", "") {
		t.Error("these are no mirrors")
	}
}

func TestBadMirrors(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]transport.Mirror{
		"malformed":        {URL: "https://u:" + leakSecret + "@h:port"},
		"user information": {URL: "https://u:" + leakSecret + "@h.example"},
		"weight is 1001":   {URL: "https://h.example", Weight: 1001},
		"weight is -1":     {URL: "https://h.example", Weight: -1},
		"plain http":       {URL: "http://h.example"},
		"neither http":     {URL: "ftp://h.example"},
		"no scheme":        {URL: "h.example"},
		"twice":            {URL: "https://OWN.example:443/npm/"},
	} {
		_, err := transport.New(transport.Options{URL: ownURL, Mirrors: []transport.Mirror{m}})
		checkConfigError(t, err, leakSecret)
		mustContain(t, err.Error(), want, "mirrors[0]")
	}
	_, err := transport.New(transport.Options{URL: ownURL, Mirrors: make([]transport.Mirror, 101)})
	checkConfigError(t, err)
	_, err = transport.New(transport.Options{URL: ownURL, Mirrors: []transport.Mirror{{URL: "https://h.example"}}, Balance: "random"})
	checkConfigError(t, err)
}

// A mirror's credential is part of who is asking.
func TestIdentityWithMirrors(t *testing.T) {
	t.Parallel()
	cred := transport.Bearer(secret("m-token"), "test")
	cred.Scope = mustURL(t, "https://m1.example/a")
	anonymous := mirrored(t, &world{}, 1, nil)
	with := mirrored(t, &world{}, 1, func(o *transport.Options) { o.Credentials = []transport.Credential{cred} })
	key := []byte("key")
	if anonymous.Identity(ownURL+"/x", key) != "" || with.Identity(ownURL+"/x", key) == "" || with.Identity("https://cdn.example/x", key) != "" {
		t.Error("the identity does not tell what the mirror is shown")
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

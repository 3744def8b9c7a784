// Package httpcache keeps what registries answer, after RFC 9111, for one user and in files.
//
// A [Folder] is shared by all registries and processes; its [Folder.Layer] goes around the requests to
// one registry. It keeps whole answers to GET of a bounded size, as they came over the wire, and uses
// them
//
//   - for as long as they hold: as the answer says (max-age, Expires, Age), at most a day; as the
//     configuration says in its place; for five minutes where nobody says; a minute for word that
//     there is nothing;
//   - once the registry has confirmed that they still hold (ETag, Last-Modified, 304);
//   - beyond that, while they are asked about again (stale-while-revalidate), and for as long as a
//     registry fails that cannot be asked (stale-if-error);
//   - however old, where the question says so.
//
// What a question allows is said by [pantry.Asking] in its context, and where an answer came from is
// noted with [pantry.NoteCache]. A question that says nothing is asked now, and only its answer's
// transfer is saved.
//
// Answers are found by the registry's URL, by whom the server took the sender for, by the URL that
// was asked and by the headers that shape an answer: what one credential gets to see is never given to
// another. The credential is in there as a hash with a key that is the folder's own.
//
// Bodies are not compressed: registries that have much to say compress it for the wire, and it is kept
// as it came. Files appear whole, and one that is damaged is as good as none. The road not taken is a
// database: it would have to be opened by every command, while a file costs an answer twenty
// microseconds.
package httpcache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/pantry-go/pantry"
)

// Options of one registry's layer.
type Options struct {
	// Registry is the URL of the registry.
	Registry string
	// Identity stands for whom a server takes the sender of a request to a URL for; it is a hash
	// keyed by key, and "" for nobody in particular. nil is nobody, whatever the URL.
	Identity func(url string, key []byte) string
	// TTL is how long answers hold, in the place of what they say; 404 and 410 hold for at most
	// NegativeTTL all the same. nil means what they say.
	TTL *time.Duration
	// StaleIfError is for how long after that an answer may stand in for a registry that fails. nil
	// means what the answer says, and DefaultStaleIfError where it says nothing.
	StaleIfError *time.Duration
	// Refresh asks once more what may be answered by something stale in the meantime, through the
	// layer. It is called in a goroutine of its own. nil means that nothing stale is used so.
	Refresh func(ctx context.Context, url string, h http.Header)
}

// layer is a cache in front of one registry.
type layer struct {
	f    *Folder
	o    Options
	next http.RoundTripper
}

// Layer returns a cache of what next answers. It is safe for concurrent use.
func (f *Folder) Layer(next http.RoundTripper, o Options) http.RoundTripper {
	return &layer{f: f, o: o, next: next}
}

// RoundTrip answers from what is kept, or asks. The body of what it asked for is kept when it was read
// to its end.
func (l *layer) RoundTrip(req *http.Request) (*http.Response, error) {
	switch req.Method {
	case http.MethodGet:
	case http.MethodHead, http.MethodOptions, http.MethodTrace:
		return l.next.RoundTrip(req)
	default:
		return l.change(req)
	}
	k, ok := l.key(req)
	if !ok {
		return l.next.RoundTrip(req)
	}
	return (&question{layer: l, req: req, key: k}).answer()
}

// change passes a request on that changes something, after which nothing that was kept of the registry
// holds (RFC 9111 §4.4 says so of the URL alone, but a registry tells of a package at several). That
// counts where its outcome is not known, too.
func (l *layer) change(req *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(req)
	if err != nil || resp.StatusCode < 400 || resp.StatusCode >= 500 {
		l.f.change(l.o.Registry)
	}
	return resp, err
}

// key is what a request is found by; ok is false for one that has nothing to do with a cache: for a
// part, by an own condition, or with a credential of its own.
func (l *layer) key(req *http.Request) (k key, ok bool) {
	for _, name := range []string{
		"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
		"Authorization", "Cookie", "Npm-Otp",
	} {
		if len(req.Header[name]) > 0 {
			return k, false
		}
	}
	if req.Body != nil && req.Body != http.NoBody || readControl(req.Header).noStore {
		return k, false
	}
	u := req.URL.String()
	identity := ""
	if l.o.Identity != nil {
		secret, err := l.f.secret()
		if err != nil {
			return k, false
		}
		identity = l.o.Identity(u, secret)
	}
	h := sha256.New()
	for _, s := range []string{l.o.Registry, identity, u, joined(req.Header, "Accept"), joined(req.Header, "Accept-Encoding")} {
		_, _ = fmt.Fprintf(h, "%d %s\n", len(s), s)
	}
	h.Sum(k[:0])
	return k, true
}

// question is one request that may be answered from what is kept.
type question struct {
	*layer
	req  *http.Request
	key  key
	kept *entry // nil: nothing
}

func (q *question) answer() (*http.Response, error) {
	how := pantry.AskingOf(q.req.Context())
	if readControl(q.req.Header).noCache && how != pantry.AskNobody {
		how = pantry.AskAgain
	}
	q.kept = q.f.load(q.key)
	if q.kept == nil || !q.kept.answers(q.req.Header) {
		q.kept = nil
		return q.ask(false)
	}
	now := q.f.now()
	overtaken := !q.kept.received.After(q.f.changed(q.o.Registry))
	fresh := q.kept.fresh(now, q.o.TTL) && !overtaken
	switch how {
	case pantry.AskNobody:
		return q.give(freshness(fresh), nil), nil
	case pantry.AskIfMissing:
		if !overtaken {
			return q.give(freshness(fresh), nil), nil
		}
	case pantry.AskIfStale:
		if fresh {
			return q.give(pantry.CacheFresh, nil), nil
		}
		if !overtaken && q.o.Refresh != nil && q.kept.staleFor(now, q.o.TTL, q.kept.whileRevalidate()) {
			q.f.running.start(q)
			return q.give(pantry.CacheStale, nil), nil
		}
	}
	return q.ask(!overtaken && (how == pantry.AskIfStale || how == pantry.AskIfMissing))
}

func freshness(fresh bool) pantry.CacheState {
	if fresh {
		return pantry.CacheFresh
	}
	return pantry.CacheStale
}

// give answers with what is kept.
func (q *question) give(s pantry.CacheState, failure error) *http.Response {
	pantry.NoteCache(q.req.Context(), s, failure)
	return q.kept.response(q.req, q.f.now())
}

// ask asks the registry. standIn says that what is kept may stand in for one that fails.
func (q *question) ask(standIn bool) (*http.Response, error) {
	asked := q.f.now()
	resp, err := q.next.RoundTrip(q.conditional())
	if err != nil {
		if standIn && unreachable(err) && q.mayStandIn() {
			return q.give(pantry.CacheStale, err), nil
		}
		return nil, err
	}
	switch {
	case resp.StatusCode == http.StatusNotModified && q.kept != nil:
		drop(resp)
		if !q.kept.sameTag(resp.Header) {
			q.kept = nil
			return q.ask(false)
		}
		q.renew(asked, resp.Header)
		return q.give(pantry.CacheRevalidated, nil), nil
	case standIn && failed(resp) && q.mayStandIn():
		drop(resp)
		return q.give(pantry.CacheStale, fmt.Errorf("%w: it answered %d %s", pantry.ErrUnavailable,
			resp.StatusCode, http.StatusText(resp.StatusCode))), nil
	}
	if !failed(resp) {
		pantry.NoteCache(q.req.Context(), pantry.CacheNetwork, nil)
	}
	q.keep(asked, resp)
	return resp, nil
}

// mayStandIn says that what is kept is not too old to stand in for a registry that fails. That there is
// nothing is nothing to go by then: others would be asked for a name that may be there by now.
func (q *question) mayStandIn() bool {
	return q.kept != nil && !negative(q.kept.status) && q.kept.staleFor(q.f.now(), q.o.TTL, q.kept.ifError(q.o.StaleIfError))
}

// conditional is the request with the question whether what is kept still holds (RFC 9111 §4.3.1).
func (q *question) conditional() *http.Request {
	if q.kept == nil {
		return q.req
	}
	tag, date := q.kept.header.Get("Etag"), q.kept.header.Get("Last-Modified")
	if tag == "" && date == "" {
		return q.req
	}
	r := q.req.WithContext(q.req.Context())
	r.Header = q.req.Header.Clone()
	if tag != "" {
		r.Header["If-None-Match"] = []string{tag}
	}
	if date != "" {
		r.Header["If-Modified-Since"] = []string{date}
	}
	return r
}

// drop ends an answer that is not used. A short body is read, which keeps the connection.
func drop(resp *http.Response) {
	const most = 4 << 10
	_, _ = io.CopyN(io.Discard, resp.Body, most)
	_ = resp.Body.Close()
}

// renew notes that what is kept still holds.
func (q *question) renew(asked time.Time, now http.Header) {
	e := *q.kept
	e.asked, e.received, e.header = asked, q.f.now(), e.confirmed(now)
	q.kept = &e
	if storable(e.status, e.header) {
		q.f.store(&e)
	} else {
		q.f.remove(e.key)
	}
}

// keep has an answer kept once its body is read. What may not be kept makes what is kept before void,
// unless it is about the sender rather than about what was asked.
func (q *question) keep(asked time.Time, resp *http.Response) {
	e := &entry{key: q.key, asked: asked, received: q.f.now(), status: resp.StatusCode}
	if !storable(resp.StatusCode, resp.Header) || resp.ContentLength > maxBody {
		if q.kept != nil && resp.StatusCode >= 200 && resp.StatusCode < 400 && readControl(resp.Header).noStore {
			q.f.remove(q.key)
		}
		return
	}
	e.header = keepable(resp.Header)
	e.vary = selecting(resp.Header, q.req.Header)
	room := make([]byte, 0, min(max(resp.ContentLength, 0), maxFirst))
	resp.Body = &recorder{ReadCloser: resp.Body, f: q.f, e: e, length: resp.ContentLength, body: room}
}

// maxFirst is how much memory an announced length gets before a byte has come.
const maxFirst = 1 << 20

// recorder is a body that is kept when it was read to its end.
type recorder struct {
	io.ReadCloser
	f      *Folder
	e      *entry // nil: it is not kept any more
	length int64  // announced; -1: unknown
	body   []byte
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if r.e == nil {
		return n, err
	}
	if len(r.body)+n > maxBody {
		r.e, r.body = nil, nil
		return n, err
	}
	r.body = append(r.body, p[:n]...)
	if err != nil {
		if err == io.EOF && (r.length < 0 || r.length == int64(len(r.body))) {
			r.e.body = r.body
			r.f.store(r.e)
		}
		r.e = nil
	}
	return n, err
}

// newBody is a body in memory.
func newBody(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

func ageText(age time.Duration) string { return strconv.FormatInt(int64(age/time.Second), 10) }

// maxRefreshes bounds what is asked again at once while something stale is used.
const maxRefreshes = 8

// refreshes are questions that are asked again while something stale is used.
type refreshes struct {
	mu   sync.Mutex
	now  map[key]bool
	done sync.WaitGroup
}

// start asks once more, unless somebody does already, or too many do.
func (r *refreshes) start(q *question) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now[q.key] || len(r.now) >= maxRefreshes {
		return
	}
	if r.now == nil {
		r.now = make(map[key]bool)
	}
	r.now[q.key] = true
	ctx := pantry.WithAsking(context.WithoutCancel(q.req.Context()), pantry.AskAgain)
	ctx = pantry.WithCacheTrace(ctx, nil)
	u, h := q.req.URL.String(), q.req.Header.Clone()
	r.done.Go(func() {
		q.o.Refresh(ctx, u, h)
		r.mu.Lock()
		delete(r.now, q.key)
		r.mu.Unlock()
	})
}

// Wait waits until nothing is asked again in the background. It is for who is about to end, and not
// needed: what is not finished then is asked for the next time.
func (f *Folder) Wait() { f.running.done.Wait() }

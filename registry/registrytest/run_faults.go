package registrytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/transport"
)

// RunFaults puts a [Scripted] between client and server of p and checks what the client makes of
// a server that refuses, fails, lies or says nothing: the class of the error, what the message
// holds, where credentials go, and how much is read.
func RunFaults(t *testing.T, p Protocol) {
	t.Run("Endless", func(t *testing.T) { testEndless(t, p) }) // first and alone: it measures memory
	t.Run("Status", func(t *testing.T) { t.Parallel(); testStatus(t, p) })
	t.Run("Invalid", func(t *testing.T) { t.Parallel(); testInvalid(t, p) })
	t.Run("Messages", func(t *testing.T) { t.Parallel(); testMessages(t, p) })
	t.Run("Unreachable", func(t *testing.T) { t.Parallel(); testUnreachable(t, p) })
	t.Run("Silent", func(t *testing.T) { t.Parallel(); testSilent(t, p) })
	t.Run("Artifact", func(t *testing.T) { t.Parallel(); testArtifactFaults(t, p) })
	t.Run("Redirect", func(t *testing.T) { t.Parallel(); testRedirect(t, p) })
	t.Run("Write", func(t *testing.T) { t.Parallel(); testWriteFaults(t, p) })
}

// faulty is a server that can misbehave, and clients of it.
type faulty struct {
	Protocol
	*Scripted
	memory *Memory
	url    string
}

const (
	token       = "s3cr3t-t0ken-of-the-test"
	tokenSource = "the configuration of the test"
	subject     = "left-pad" // whom the tests ask for
)

func newFaulty(t *testing.T, p Protocol) *faulty {
	t.Helper()
	m := NewMemory("memory", samples()...)
	f := &faulty{Protocol: p, memory: m, Scripted: NewScripted(p.Handler(m))}
	srv := httptest.NewUnstartedServer(f.Scripted)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(f.Close) // runs first: the server waits for its requests
	f.url = srv.URL
	return f
}

// open makes a client that does not retry, so that one fault is one answer.
func (f *faulty) open(t *testing.T, change ...func(*transport.Options)) pantry.Registry {
	t.Helper()
	o := transport.Options{URL: f.url, Retries: new(int)}
	for _, c := range change {
		c(&o)
	}
	return f.client(t, o)
}

// withToken gives a client a credential.
func withToken(o *transport.Options) {
	o.Credentials = []transport.Credential{transport.Bearer(pantry.NewSecret(token), tokenSource)}
}

// reads are the ways to ask a registry about the subject.
var reads = []struct {
	name string
	call func(context.Context, pantry.Registry) error
}{
	{"version", func(ctx context.Context, r pantry.Registry) error {
		_, err := r.Metadata(ctx, subject, "1.9.0")
		return err
	}},
	{"latest", func(ctx context.Context, r pantry.Registry) error { _, err := r.Metadata(ctx, subject, ""); return err }},
	{"package", func(ctx context.Context, r pantry.Registry) error { _, err := r.Package(ctx, subject); return err }},
}

// sentinels are the classes of errors that the tests tell apart.
var sentinels = []error{
	pantry.ErrNotFound, pantry.ErrVersionNotFound, pantry.ErrDenied, pantry.ErrUnavailable, pantry.ErrInvalid,
	pantry.ErrUnsupported, pantry.ErrIntegrity, pantry.ErrExists,
}

// wantOnly checks that err is of one class and of no other.
func wantOnly(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want it to match %q", what, err, want)
	}
	for _, s := range sentinels {
		if s != want && errors.Is(err, s) {
			t.Errorf("%s: %v; it matches %q as well as %q", what, err, s, want)
		}
	}
}

func testStatus(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	anonymous, known := f.open(t), f.open(t, withToken)
	for _, c := range []struct {
		status int
		want   error
	}{
		{401, pantry.ErrDenied}, {403, pantry.ErrDenied}, {404, pantry.ErrNotFound}, {410, pantry.ErrNotFound},
		{429, pantry.ErrUnavailable}, {500, pantry.ErrUnavailable}, {502, pantry.ErrUnavailable},
		{503, pantry.ErrUnavailable}, {504, pantry.ErrUnavailable}, {418, pantry.ErrInvalid},
		{204, pantry.ErrInvalid}, {206, pantry.ErrInvalid}, {304, pantry.ErrInvalid},
	} {
		f.Set(Rule{Fault: Status(c.status)})
		for _, read := range reads {
			what := fmt.Sprintf("%d for %s", c.status, read.name)
			err := read.call(t.Context(), anonymous)
			wantOnly(t, what, err, c.want)
			if source, ok := pantry.CredentialSent(err); ok {
				t.Errorf("%s: a credential from %q is said to have been sent", what, source)
			}
			err = read.call(t.Context(), known)
			wantOnly(t, what, err, c.want)
			if source, _ := pantry.CredentialSent(err); c.want == pantry.ErrDenied && source != tokenSource {
				t.Errorf("%s: the credential's source is %q, want %q", what, source, tokenSource)
			}
		}
	}
}

func testInvalid(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	r := f.open(t)
	const depth = 5_000_000
	for name, fault := range map[string]Fault{
		"HTML": HTML(), "garbage": Garbage(), "empty body": JSON(""), "white space": JSON(" \n"),
		"null": JSON("null"), "array": JSON("[]"), "string": JSON(`"x"`), "number": JSON("5"), "true": JSON("true"),
		"empty object": JSON("{}"), "truncated": Truncated(40), "two documents": JSON(`{"name":"left-pad"}{"name":"left-pad"}`),
		"numbers for names": JSON(`{"name":5,"version":5,"versions":5,"dist-tags":5,"tags":5,"results":5,"objects":5}`),
		"wrong types":       JSON(`{"name":"left-pad","version":{},"versions":"1","dist-tags":[1],"tags":[1],"dist":7}`),
		"nested":            Nested(depth),
		"nested within":     JSON(`{"name":"left-pad","version":"1.9.0","versions":{"1.9.0":{"x":` + strings.Repeat("[", depth)),
		"nested objects":    JSON(strings.Repeat(`{"a":`, depth)),
		"another package":   Rewrite("left-pad", "only-pre"),
	} {
		f.Set(Rule{Fault: fault})
		for _, read := range reads {
			start := time.Now()
			err := read.call(t.Context(), r)
			what := name + " for " + read.name
			if name == "another package" && read.name == "version" {
				continue // that package does not have the version: not found is as right
			}
			wantOnly(t, what, err, pantry.ErrInvalid)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s took %v", what, took)
			}
		}
	}
	f.Set(Rule{Fault: Rewrite("1.9.0", "1.10.0")})
	_, err := r.Metadata(t.Context(), subject, "1.9.0")
	if asked := pathsWith(f.Requests(), "1.9.0"); asked {
		wantOnly(t, "another version", err, pantry.ErrInvalid)
	}
	if s, ok := pantry.As[pantry.Searcher](r); ok {
		for _, body := range []string{"null", "[]", `"x"`, "5", "", `{"results":5,"objects":5}`, "<html>"} {
			f.Set(Rule{Fault: JSON(body)})
			_, err := s.Search(t.Context(), pantry.Query{Text: "pad"})
			wantOnly(t, fmt.Sprintf("%q for search", body), err, pantry.ErrInvalid)
		}
		f.Set(Rule{Fault: Status(500)})
		_, err := s.Search(t.Context(), pantry.Query{Text: "pad"})
		wantOnly(t, "500 for search", err, pantry.ErrUnavailable)
	}
}

func pathsWith(requests []Request, part string) bool {
	for _, r := range requests {
		if strings.Contains(r.Path, part) {
			return true
		}
	}
	return false
}

// testMessages: an error names the package and the registry, and is fit for a terminal and a log.
func testMessages(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	r := f.open(t, withToken)
	echo := "\x1b[31mred\x07 \x00\u202e Authorization: Bearer " + token
	asJSON := `{"error":"\u001b[31mred\u0007","name":"\u001b[2J","code":"\u009b","detail":"` + token + `"}`
	for name, fault := range map[string]Fault{
		"500": Body(500, "text/plain", echo), "403": Body(403, "text/plain", echo), "404": Body(404, "text/plain", echo),
		"500 JSON": Body(500, "application/json", asJSON), "403 JSON": Body(403, "application/problem+json", asJSON),
		"200": Body(200, "application/json", echo), "200 JSON": JSON(asJSON), "HTML": HTML(),
		"other name": JSON(`{"name":"\u001b[31mred\u0007","version":"\u001b[31m","versions":["\u001b[31m"]}`),
	} {
		f.Set(Rule{Fault: fault})
		for _, read := range reads {
			err := read.call(t.Context(), r)
			if err == nil {
				t.Errorf("%s for %s: no error", name, read.name)
				continue
			}
			text := err.Error()
			if strings.Contains(text, token) || strings.Contains(fmt.Sprintf("%+v %#v", err, err), token) {
				t.Errorf("%s for %s: the token is in the error", name, read.name)
			}
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' }) {
				t.Errorf("%s for %s: control characters in %q", name, read.name, text)
			}
			if !strings.Contains(text, subject) || !strings.Contains(text, clientName) {
				t.Errorf("%s for %s: %q does not name package and registry", name, read.name, text)
			}
			if len(text) > 2000 {
				t.Errorf("%s for %s: a message of %d bytes", name, read.name, len(text))
			}
		}
	}
}

func testUnreachable(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	r := f.open(t)
	f.Set(Rule{Fault: Abort()})
	for _, read := range reads {
		wantOnly(t, "a broken connection for "+read.name, read.call(t.Context(), r), pantry.ErrUnavailable)
	}
	f.Set(Rule{Fault: CutShort(20)})
	for _, read := range reads {
		wantOnly(t, "a body cut short for "+read.name, read.call(t.Context(), r), pantry.ErrUnavailable)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	refused := f.open(t, func(o *transport.Options) { o.URL = gone.URL })
	for _, read := range reads {
		wantOnly(t, "a refused connection for "+read.name, read.call(t.Context(), refused), pantry.ErrUnavailable)
	}
	if pinger, ok := pantry.As[pantry.Pinger](refused); ok {
		wantOnly(t, "a refused connection for ping", pinger.Ping(t.Context()), pantry.ErrUnavailable)
	}
}

func testSilent(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	brief := f.open(t, func(o *transport.Options) { o.Timeout, o.IdleBody = 50*time.Millisecond, 50*time.Millisecond })
	for name, fault := range map[string]Fault{"no answer": Hang(), "half an answer": HangAfter(20)} {
		f.Set(Rule{Fault: fault})
		for _, read := range reads {
			wantOnly(t, name+" for "+read.name, read.call(t.Context(), brief), pantry.ErrUnavailable)
		}
	}
	patient := f.open(t)
	for _, read := range reads {
		ctx, cancel := context.WithCancel(t.Context())
		f.Set(Rule{Fault: Answer(func(w http.ResponseWriter, r *http.Request) {
			cancel() // the user gives up while the server thinks
			<-r.Context().Done()
		})})
		wantCancelled(t, read.name, read.call(ctx, patient))
		cancel()
	}
}

func testArtifactFaults(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	r := f.open(t, func(o *transport.Options) { o.IdleBody = 200 * time.Millisecond })
	meta, err := r.Metadata(t.Context(), subject, "1.9.0")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fault Fault
		want  error
	}{
		"401": {Status(401), pantry.ErrDenied}, "403": {Status(403), pantry.ErrDenied},
		"404": {Status(404), pantry.ErrNotFound}, "410": {Status(410), pantry.ErrNotFound},
		"500": {Status(500), pantry.ErrUnavailable}, "503": {Status(503), pantry.ErrUnavailable},
		"a broken connection": {Abort(), pantry.ErrUnavailable},
	} {
		f.Set(Rule{Fault: c.fault})
		_, err := read(t.Context(), r, meta.Artifact)
		wantOnly(t, name, err, c.want)
		if err != nil && !strings.Contains(err.Error(), subject) {
			t.Errorf("%s: the error does not name the package: %v", name, err)
		}
	}
	for name, fault := range map[string]Fault{"cut short": CutShort(30), "silence": HangAfter(30)} {
		f.Set(Rule{Fault: fault})
		_, err := read(t.Context(), r, meta.Artifact)
		wantOnly(t, name, err, pantry.ErrUnavailable)
	}
	for name, fault := range map[string]Fault{"other bytes": Tampered(), "too little": Truncated(30), "a page": HTML()} {
		f.Set(Rule{Fault: fault})
		if _, err := read(t.Context(), r, meta.Artifact); !errors.Is(err, pantry.ErrIntegrity) && !errors.Is(err, pantry.ErrInvalid) {
			t.Errorf("%s: %v; want it to be seen", name, err)
		}
	}
	// A transfer compressed on the way would change what is hashed.
	f.Set()
	f.Reset()
	if _, err := read(t.Context(), r, meta.Artifact); err != nil {
		t.Fatal(err)
	}
	for _, req := range f.Requests() {
		if e := req.Header.Get("Accept-Encoding"); e != "" && e != "identity" {
			t.Errorf("an artifact was asked for with Accept-Encoding %q", e)
		}
	}
}

// testRedirect: an answer may come from another origin, but no credential goes there.
func testRedirect(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	elsewhere := NewScripted(p.Handler(f.memory))
	srv := httptest.NewServer(elsewhere)
	t.Cleanup(srv.Close)
	r := f.open(t, withToken)
	meta, err := r.Metadata(t.Context(), subject, "1.9.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []int{301, 302, 307, 308} {
		f.Set(Rule{Fault: Redirect(code, srv.URL)})
		for _, read := range reads {
			_ = read.call(t.Context(), r) // whether it is followed is the client's affair
		}
		if _, err := read(t.Context(), r, meta.Artifact); err != nil {
			t.Errorf("%d for the artifact: %v", code, err)
		}
	}
	if elsewhere.Count() == 0 {
		t.Error("no redirect was followed")
	}
	for _, req := range elsewhere.Requests() {
		for name, values := range req.Header {
			if strings.Contains(strings.Join(values, " "), token) {
				t.Errorf("%s %s: the credential went to another origin in %s", req.Method, req.Path, name)
			}
		}
	}
	for _, req := range f.Requests() {
		if req.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s %s: Authorization = %q at the registry itself", req.Method, req.Path, req.Header.Get("Authorization"))
		}
	}
}

func testWriteFaults(t *testing.T, p Protocol) {
	f := newFaulty(t, p)
	r := f.open(t, withToken)
	pub, ok := pantry.As[pantry.Publisher](r)
	if !ok {
		t.Skip("no Publisher")
	}
	for name, c := range map[string]struct {
		fault Fault
		want  error
	}{
		"a page": {HTML(), pantry.ErrInvalid}, "401": {Status(401), pantry.ErrDenied}, "403": {Status(403), pantry.ErrDenied},
		"500": {Status(500), pantry.ErrUnavailable}, "503": {Status(503), pantry.ErrUnavailable},
		"409": {Body(409, "application/json", `{"error":"Version already exists"}`), pantry.ErrExists},
	} {
		f.Set(Rule{Method: "POST", Fault: c.fault}, Rule{Method: "PUT", Fault: c.fault})
		err := pub.Publish(t.Context(), publication(Pkg{Name: "fresh", Version: "1.0.0"}, ""))
		wantOnly(t, name+" for publish", err, c.want)
	}
	if _, err := f.memory.Metadata(t.Context(), "fresh", ""); !errors.Is(err, pantry.ErrNotFound) {
		t.Error("the package is there although publishing failed")
	}
}

// testEndless: what a server can make a client hold is bounded, compressed or not.
func testEndless(t *testing.T, p Protocol) {
	if p.MaxAnswer == 0 {
		t.Fatal("Protocol.MaxAnswer is not set")
	}
	f := newFaulty(t, p)
	r := f.open(t)
	const most = 1 << 30
	// The client may copy while its buffer grows, and the server of the test is in the same heap.
	allowed := uint64(8*p.MaxAnswer + 64<<20)
	for _, zipped := range []bool{false, true} {
		sent := make(chan int64, 8)
		f.Set(Rule{Fault: Endless(most, zipped, func(n int64) { sent <- n })})
		for _, read := range reads {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := read.call(t.Context(), r)
			runtime.ReadMemStats(&after)
			what := fmt.Sprintf("endless answer (zipped %t) for %s", zipped, read.name)
			wantOnly(t, what, err, pantry.ErrInvalid)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > allowed {
				t.Errorf("%s: %d MiB were allocated, %d are bearable", what, grown>>20, allowed>>20)
			}
			if n := <-sent; !zipped && n == most {
				t.Errorf("%s: all of it was read", what)
			}
		}
	}
}

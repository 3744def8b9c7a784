package npm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/npm"
)

const padDocument = `{"name":"pad","version":"1.0.0",` + someSHA + `}`

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := npm.New(npm.Options{Name: "x"}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("without a client: %v", err)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	r, w := client(t, documents{})
	for _, name := range []string{"lodash", "JSONStream", "@types/node", "socket.io", "-", "x", "a_b", "@s/_x", "node.js~!*'()", strings.Repeat("x", 214)} {
		if err := r.CheckName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", ".bin", "_x", "a/b", "@s", "@s/", "@/x", "@s/a/b", "@s/../x", "@s/.x", "@../x", "a b", "a\n", "a\x00b", "ä",
		"a%2fb", "a?b", "a#b", `a\b`, "node_modules", "favicon.ico", "github.com/o/r", "a:b", "a@1", strings.Repeat("x", 5000),
	} {
		if err := r.CheckName(name); err == nil {
			t.Errorf("%q passes", name)
		}
		if _, err := r.Package(t.Context(), name); !errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("Package(%q): %v", name, err)
		}
		if _, err := r.Metadata(t.Context(), name, ""); !errors.Is(err, pantry.ErrNotFound) {
			t.Errorf("Metadata(%q): %v", name, err)
		}
		if u := r.ArtifactURL(name, "1.0.0"); u != "" {
			t.Errorf("ArtifactURL(%q) = %q", name, u)
		}
	}
	if got := w.requests(); len(got) != 0 {
		t.Errorf("it was asked %q", got)
	}
}

// TestWire: what is sent, to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	doc := strings.ReplaceAll(padDocument, `"pad"`, `"@S/Pad.js"`)
	r, w := client(t, documents{
		"/@S%2fPad.js": `{"versions":{"1.0.0":` + doc + `}}`, "/@S%2fPad.js/1.0.0": doc, "/@S%2fPad.js/latest": doc,
		"/@S%2fPad.js/a%20b": doc, "/-/ping": "", "/@S/Pad.js/-/Pad.js-1.0.0.tgz": "bytes", "/-/v1/search": `{"objects":[]}`,
	})
	ctx := t.Context()
	p, err := r.Package(ctx, "@S/Pad.js")
	if err != nil || p.Name() != "@S/Pad.js" {
		t.Fatal(p, err)
	}
	for _, v := range []string{"1.0.0", "", "a b"} {
		if m, err := r.Metadata(ctx, "@S/Pad.js", v); err != nil || m.Version != "1.0.0" {
			t.Fatal(v, m, err)
		}
	}
	m, err := p.Metadata("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []pantry.Artifact{m.Artifact, {Name: "@S/Pad.js", Version: "1.0.0"}} {
		body, err := r.Open(ctx, a)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(body); string(b) != "bytes" || err != nil {
			t.Errorf("got %q, %v", b, err)
		}
		_ = body.Close()
	}
	if err := r.Ping(ctx); err != nil {
		t.Error(err)
	}
	if _, err := r.Search(ctx, pantry.Query{Text: "a b&c", Limit: 1000}); err != nil {
		t.Error(err)
	}
	want := []string{
		"GET /@S%2fPad.js", "GET /@S%2fPad.js/1.0.0", "GET /@S%2fPad.js/latest", "GET /@S%2fPad.js/a%20b",
		"GET /@S/Pad.js/-/Pad.js-1.0.0.tgz", "GET /@S/Pad.js/-/Pad.js-1.0.0.tgz", "GET /-/ping", "GET /-/v1/search",
	}
	if diff := cmp.Diff(want, w.requests()); diff != "" {
		t.Errorf("requests (- want, + got):\n%s", diff)
	}
	const abbreviated = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"
	if got := w.seen[0].Header.Get("Accept"); got != abbreviated {
		t.Errorf("Accept of a packument: %q", got)
	}
	if got := w.seen[1].Header.Get("Accept"); got != "application/json" {
		t.Errorf("Accept of a version: %q", got)
	}
	if got := w.seen[4].Header.Get("Accept-Encoding"); got != "identity" {
		t.Errorf("Accept-Encoding of a tarball: %q", got)
	}
	if got := w.seen[7].URL.RawQuery; got != "size=250&text=a+b%26c" {
		t.Errorf("query of a search: %q", got)
	}
	r, w = client(t, documents{"/pad": `{"versions":{"1.0.0":` + padDocument + `}}`}, func(o *npm.Options) { o.FullMetadata = true })
	if _, err := r.Package(ctx, "pad"); err != nil || w.seen[0].Header.Get("Accept") != "application/json" {
		t.Errorf("full metadata: %v, Accept %q", err, w.seen[0].Header.Get("Accept"))
	}
}

// TestMirror: a registry that ignores the wish for the abbreviated document sends times too, with
// offsets and fractions of its own.
func TestMirror(t *testing.T) {
	t.Parallel()
	r, _ := client(t, documents{"/pad": `{"_id":"pad","name":"pad","dist-tags":{"latest":"1.0.0","next":"2.0.0-b","bad":5,"a/b":"1.0.0","e\u001b":"1.0.0","to":"../x"},
		"versions":{"2.0.0-b":{` + someSHA + `},"1.10.0":{` + someSHA + `},"1.9.0":{` + someSHA + `},"../evil":{},"1.0.0":` + padDocument + `},
		"time":{"1.0.0":"2026-07-30T15:57:32.911000+00:00","1.9.0":"2026-10-21T08:23:20+02:00","1.10.0":"2018-04-09T01:10:45.796Z","2.0.0-b":"yesterday"}}`})
	p, err := r.Package(t.Context(), "pad")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Versions(), []string{"1.0.0", "1.9.0", "1.10.0", "2.0.0-b"}; !slices.Equal(got, want) {
		t.Errorf("versions %q, want %q", got, want)
	}
	if diff := cmp.Diff(map[string]string{"latest": "1.0.0", "next": "2.0.0-b"}, p.Tags()); diff != "" {
		t.Errorf("tags (- want, + got):\n%s", diff)
	}
	times, ok := p.(interface{ Published(string) time.Time })
	if !ok {
		t.Fatal("the package does not tell times")
	}
	for v, want := range map[string]time.Time{
		"1.0.0": time.Date(2026, 7, 30, 15, 57, 32, 911e6, time.UTC), "1.9.0": time.Date(2026, 10, 21, 6, 23, 20, 0, time.UTC),
		"1.10.0": time.Date(2018, 4, 9, 1, 10, 45, 796e6, time.UTC), "2.0.0-b": {}, "9.9.9": {},
	} {
		if got := times.Published(v); !got.Equal(want) {
			t.Errorf("%s was published %v, want %v", v, got, want)
		}
		if m, err := p.Metadata(v); v != "9.9.9" && (err != nil || !m.Published.Equal(want)) {
			t.Errorf("metadata of %s: %v, %v", v, m, err)
		}
	}
}

// TestAbbreviated404: a registry that does not know the media type has the full document.
func TestAbbreviated404(t *testing.T) {
	t.Parallel()
	full := documents{"/pad": `{"versions":{"1.0.0":` + padDocument + `}}`}
	r, w := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.Header.Get("Accept"), "install-v1") {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `"not found"`)
			return
		}
		full.ServeHTTP(w, req)
	}))
	if _, err := r.Package(t.Context(), "pad"); err != nil {
		t.Error(err)
	}
	if got := w.requests(); len(got) != 2 {
		t.Errorf("requests %q", got)
	}
	if _, err := r.Package(t.Context(), "other"); !errors.Is(err, pantry.ErrNotFound) {
		t.Error(err)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"text": `"version not found: 9.9.9"`, "object": `{"error":"Not found"}`, "empty": ``, "page": `<html>404</html>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if strings.HasSuffix(req.URL.Path, "/pad") {
					_, _ = io.WriteString(w, `{"dist-tags":{"next":"1.0.0"},"versions":{"1.0.0":`+padDocument+`}}`)
					return
				}
				w.WriteHeader(http.StatusNotFound)
				_, _ = io.WriteString(w, body)
			}))
			_, err := r.Metadata(t.Context(), "pad", "9.9.9")
			if !errors.Is(err, pantry.ErrVersionNotFound) {
				t.Errorf("a missing version: %v", err)
			}
			_, err = r.Metadata(t.Context(), "other", "9.9.9")
			if !errors.Is(err, pantry.ErrNotFound) || errors.Is(err, pantry.ErrVersionNotFound) {
				t.Errorf("a missing name: %v", err)
			}
			// This registry knows no documents of versions: the packument has what they would say.
			for _, v := range []string{"1.0.0", "next"} {
				if m, err := r.Metadata(t.Context(), "pad", v); err != nil || m.Version != "1.0.0" {
					t.Errorf("%s: %v, %v", v, m, err)
				}
			}
			for _, v := range []string{"^1.0.0", "1", "1.x", "*", "../other", "a/b", "\x1b"} {
				if m, err := r.Metadata(t.Context(), "pad", v); !errors.Is(err, pantry.ErrVersionNotFound) {
					t.Errorf("%q: %v, %v", v, m, err)
				}
			}
		})
	}
}

func TestPackumentRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doc  string
		want error
		text string
	}{
		"other name":        {`{"name":"other","versions":{"1.0.0":{}}}`, pantry.ErrInvalid, `"other"`},
		"unpublished":       {`{"name":"pad","time":{"created":"x","unpublished":{"name":"u","versions":["1.0.0"]}}}`, pantry.ErrNotFound, "unpublished"},
		"unpublished, null": {`{"name":"pad","versions":null,"time":{"unpublished":{}}}`, pantry.ErrNotFound, "unpublished"},
		"no versions":       {`{"name":"pad","versions":{}}`, pantry.ErrNotFound, "no versions"},
		"unusable versions": {`{"name":"pad","versions":{"../x":{}}}`, pantry.ErrInvalid, "no version has a usable name"},
		"error with 200":    {`{"error":"not_found","reason":"document not found"}`, pantry.ErrInvalid, "does not describe a package"},
		"page":              {`<html></html>`, pantry.ErrInvalid, "malformed JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, documents{"/pad": c.doc})
			p, err := r.Package(t.Context(), "pad")
			if p != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, %v", p, err)
			}
			for _, other := range []error{pantry.ErrInvalid, pantry.ErrNotFound} {
				if other != c.want && errors.Is(err, other) {
					t.Errorf("%v matches %v too", err, other)
				}
			}
		})
	}
}

func TestVersionAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ask, doc string
		version  string // "": refused
	}{
		"exact":          {"1.0.0", padDocument, "1.0.0"},
		"as spelled":     {"v1.0.0", padDocument, "1.0.0"},
		"tag":            {"beta", padDocument, "1.0.0"},
		"other version":  {"2.0.0", padDocument, ""},
		"other name":     {"1.0.0", strings.Replace(padDocument, "pad", "bad", 1), ""},
		"no name":        {"1.0.0", `{"version":"1.0.0",` + someSHA + `}`, ""},
		"no version":     {"1.0.0", `{"name":"pad",` + someSHA + `}`, ""},
		"bad version":    {"beta", `{"name":"pad","version":"../1",` + someSHA + `}`, ""},
		"behind it text": {"1.0.0", padDocument + "x", ""},
		"null":           {"1.0.0", "null", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := client(t, documents{"/pad/" + c.ask: c.doc})
			m, err := r.Metadata(t.Context(), "pad", c.ask)
			switch {
			case c.version == "" && !errors.Is(err, pantry.ErrInvalid):
				t.Errorf("got %+v, %v", m, err)
			case c.version != "" && (err != nil || m.Version != c.version || m.Artifact.Version != c.version):
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	r, _ := client(t, documents{"/-/v1/search": `{"objects":[
		{"package":{"name":"left-pad","version":"1.3.0","description":"pads\u0007","keywords":["a"],"date":"2018-04-09T01:10:45.796Z",
			"links":{"npm":"x","homepage":"https://example.com","repository":"git+https://example.com/r.git"},"license":"WTFPL","author":{"name":"Ada"}},
			"score":{"final":1},"dependents":"0"},
		{"package":{"name":"../x","version":"1.0.0"}},{"package":{"name":"y","version":""}},{"package":null},5,
		{"package":{"name":"@s/old","version":"0.1.0beta","keywords":"a,b","description":null,"dependents":7}},
		{"package":{"name":"third","version":"1.0.0"}}],"total":"many"}`})
	got, err := r.Search(t.Context(), pantry.Query{Text: "pad", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := []pantry.Metadata{
		{
			Name: "left-pad", Version: "1.3.0", Description: "pads", Keywords: []string{"a"}, License: "WTFPL", Author: "Ada", Registry: "test",
			Homepage: "https://example.com", Repository: "https://example.com/r.git", Published: time.Date(2018, 4, 9, 1, 10, 45, 796e6, time.UTC),
		},
		{Name: "@s/old", Version: "0.1.0beta", Keywords: []string{"a", "b"}, Registry: "test"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
	r, w := client(t, documents{})
	if _, err := r.Search(t.Context(), pantry.Query{Text: "pad"}); !errors.Is(err, pantry.ErrUnsupported) || errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("a registry without a search: %v", err)
	}
	if got := w.seen[0].URL.RawQuery; got != "size=20&text=pad" {
		t.Errorf("query %q", got)
	}
	if _, err := r.Search(t.Context(), pantry.Query{Text: " "}); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("nothing to search for: %v", err)
	}
}

func TestTagsOnTheWire(t *testing.T) {
	t.Parallel()
	var bodies []string
	r, w := client(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		bodies = append(bodies, req.Header.Get("Content-Type")+" "+string(b))
		w.WriteHeader(http.StatusNoContent)
	}))
	if err := r.SetTag(t.Context(), "@s/pad", "beta", "1.0.0"); err != nil {
		t.Error(err)
	}
	if err := r.DeleteTag(t.Context(), "@s/pad", "a b"); err != nil {
		t.Error(err)
	}
	want := []string{"PUT /-/package/@s%2fpad/dist-tags/beta", "DELETE /-/package/@s%2fpad/dist-tags/a%20b"}
	if diff := cmp.Diff(want, w.requests()); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{`application/json "1.0.0"`, " "}, bodies); diff != "" {
		t.Errorf("- want, + got:\n%s", diff)
	}
	for _, tag := range []string{"", "1.0.0", "^1", "x", "a/b", "..", "\n"} {
		if err := r.SetTag(t.Context(), "pad", tag, "1.0.0"); !errors.Is(err, pantry.ErrConfig) {
			t.Errorf("tag %q: %v", tag, err)
		}
	}
	if err := r.SetTag(t.Context(), "pad", "beta", "../1"); !errors.Is(err, pantry.ErrConfig) {
		t.Errorf("an unusable version: %v", err)
	}
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	r, _ := client(t, documents{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Package(ctx, "pad"); !errors.Is(err, context.Canceled) || errors.Is(err, pantry.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

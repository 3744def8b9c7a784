package adapter_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter"
	"github.com/pantry-go/pantry/transport"
)

const minimal = `"definition": 1, "ecosystem": "things", "versions": "semver", "names": {"pattern": "[a-z]+"}`

func TestMistakesInDefinitions(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		``:                                      "no JSON",
		`[]`:                                    "line 1",
		`{`:                                     "no JSON",
		"{\n\"definition\": 1,\n\"nmaes\": {}}": `unknown field "nmaes"`,
		`{"definition": 2}`:                     `"definition" is 2`,
		`{"definition": 1}`:                     "ecosystem: it is missing",
		`{` + minimal + `}`:                     "package.versions: it is missing",
		`{` + minimal + `, "package": {"url": "{base}/{name|uper}", "versions": "doc"}}`:                                       `no form "uper"; known are crates-prefix, go-escape, lower, pep503`,
		`{` + minimal + `, "package": {"url": "{base", "versions": "doc"}}`:                                                    "nothing closes",
		`{` + minimal + `, "package": {"url": "{base}/}", "versions": "doc"}}`:                                                 "nothing opened",
		`{` + minimal + `, "package": {"url": "ftp://x/{name}", "versions": "doc"}}`:                                           "does not begin with",
		`{` + minimal + `, "package": {"url": "{name}", "versions": "doc"}}`:                                                   "does not begin with",
		`{` + minimal + `, "package": {"url": "{base}/{version}", "versions": "doc"}}`:                                         "there is no {version} here",
		`{` + minimal + `, "package": {"url": "{base}", "versions": "doc["}}`:                                                  "no JMESPath expression",
		`{` + minimal + `, "package": {"url": "{base}", "versions": "doc", "format": "xml"}}`:                                  "none of json",
		`{` + minimal + `, "package": {"url": "{base}", "versions": "doc", "optional": "any"}}`:                                "cannot be left out",
		`{` + minimal + `, "package": {"url": "{base}", "versions": "doc", "accept": "a\nb"}}`:                                 "control character",
		`{` + minimal + `, "package": {"url": "{base}", "versions": "doc", "more": {"item": {"url": "{base}"}}}}`:              "means something else",
		`{` + minimal + `, "url": "http://u:p@x.example"}`:                                                                     "user information",
		`{` + minimal + `, "urlFrom": {"command": ["rm"]}}`:                                                                    "only definitions that are built in",
		`{` + minimal + `, "search": {"exact": true, "results": "doc"}}`:                                                       "needs neither",
		`{` + minimal + `, "search": {"url": "{base}"}}`:                                                                       "search.results: it is missing",
		`{` + minimal + `, "search": {"url": "{base}", "results": "doc", "pages": 1000}}`:                                      "more than 100",
		`{"definition": 1, "ecosystem": "x", "versions": "x", "names": {"pattern": "(", "normalize": "upper"}, "package": {}}`: "names.pattern: error parsing regexp",
		`{"definition": 1}` + strings.Repeat(" ", 300<<10):                                                                     "larger than",
	} {
		_, err := adapter.Parse([]byte(text))
		if !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.200s\n%v; want it to say %s", text, err, says)
		}
	}
	for ref, says := range map[string]string{
		"pipi": `did you mean "pypi"`, "none": "there is no adapter", "./none.json": "cannot be read", "../adapter/definitions/pypi": "cannot be read",
	} {
		if _, err := adapter.Load(ref); !errors.Is(err, pantry.ErrConfig) || !strings.Contains(err.Error(), says) {
			t.Errorf("Load(%s): %v; want it to say %s", ref, err, says)
		}
	}
}

func TestFirstURL(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"": "", "direct": "", "off": "", "https://a.example,direct": "https://a.example", "https://a.example/go/|https://b.example\n": "https://a.example/go",
		"direct,https://b.example": "https://b.example", "file:///x,https://c.example": "https://c.example",
	} {
		if got := adapter.FirstURL(list); got != want {
			t.Errorf("FirstURL(%q) = %q, want %q", list, got, want)
		}
	}
}

// own writes a definition of the text after the minimal one, and connects it to a handler.
func own(t *testing.T, text string, h http.Handler) *adapter.Registry {
	t.Helper()
	file := filepath.Join(t.TempDir(), "own.json")
	if err := os.WriteFile(file, []byte("{"+minimal+","+text+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := connect(t, file, h, unverified)
	return r
}

// TestPages: a list of versions may have several pages, and comes to an end.
func TestPages(t *testing.T) {
	t.Parallel()
	const text = `"package": {"url": "{base}/list?name={name}", "versions": "doc.versions", "tags": "doc.tags", "withdrawn": "doc.gone", "next": "doc.next"},
		"artifact": {"url": "{base}/{name}/{version}"}`
	pages := map[string]string{
		"":  `{"versions": ["1.0.0", {"version": "1.1.0", "withdrawn": true}], "next": "/list?page=2"}`,
		"2": `{"versions": ["2.0.0", "3.0.0", "1.0.0"], "tags": {"old": "1.0.0", "gone": "9.0.0"}, "gone": ["3.0.0"], "next": "list?page=3"}`,
		"3": `{"versions": ["2.0.0-rc.1", "no version", "../x"], "next": null}`,
	}
	r := own(t, text, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, pages[q.URL.Query().Get("page")])
	}))
	p, err := r.Package(t.Context(), "thing")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Versions(), " "); got != "1.0.0 1.1.0 2.0.0-rc.1 2.0.0 3.0.0" || p.Tags()["latest"] != "2.0.0" || p.Tags()["old"] != "1.0.0" || p.Tags()["gone"] != "" {
		t.Errorf("versions %s, tags %v", got, p.Tags())
	}
	endless := own(t, text, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, `{"versions": [], "next": "/list?again"}`)
	}))
	if _, err := endless.Package(t.Context(), "thing"); !errors.Is(err, pantry.ErrInvalid) || !strings.Contains(err.Error(), "100 pages") {
		t.Errorf("pages without end: %v", err)
	}
	strange := own(t, text, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, `{"versions": [], "next": "file:///etc/passwd"}`)
	}))
	if _, err := strange.Package(t.Context(), "thing"); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("a page elsewhere: %v", err)
	}
}

// TestEscaping: what stands in a name or text stays what it is, wherever the template puts it.
func TestEscaping(t *testing.T) {
	t.Parallel()
	var asked []string
	r := func() *adapter.Registry {
		const text = `{"definition": 1, "ecosystem": "x", "versions": "semver", "names": {"pattern": ".+"},
			"package": {"url": "{base}/p/{name}/x?name={name}", "versions": "doc"}, "artifact": {"url": "{base}/a"},
			"search": {"url": "{base}/s/{query}?q={query}", "results": "doc"}}`
		file := filepath.Join(t.TempDir(), "own.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, _ := connect(t, file, http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			asked = append(asked, q.URL.EscapedPath()+"?"+q.URL.RawQuery)
			_, _ = io.WriteString(w, "[]")
		}))
		return r
	}()
	for name, want := range map[string]string{
		"a/b": "/p/a/b/x?name=a%2Fb", "@s/n": "/p/@s/n/x?name=%40s%2Fn", "ü&=+;": "/p/%C3%BC&=+%3B/x?name=%C3%BC%26%3D%2B%3B",
	} {
		asked = nil
		_, _ = r.Package(t.Context(), name)
		if len(asked) != 1 || asked[0] != want {
			t.Errorf("%s: asked %q, want %s", name, asked, want)
		}
	}
	asked = nil
	if _, err := r.Search(t.Context(), pantry.Query{Text: "a b?&#/.."}); err != nil || len(asked) != 1 || asked[0] != "/s/a%20b%3F&%23/..?q=a+b%3F%26%23%2F.." {
		t.Errorf("search asked %q, %v", asked, err)
	}
	asked = nil
	for _, name := range []string{"", "..", "a/../b", "a//b", "a?b", "a#b", "a%2fb", "a b", "a\x00", strings.Repeat("n", 1025)} {
		if _, err := r.Package(t.Context(), name); !errors.Is(err, pantry.ErrNotFound) || len(asked) != 0 {
			t.Errorf("%q: %v, asked %q", name, err, asked)
		}
	}
}

// TestOwnFunctions: expressions with what JMESPath lacks.
func TestOwnFunctions(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		`match('a-1.2', '-(.+)$')`: "1.2", `match('a-1.2', '[0-9]')`: "1", `match('a', 'b')`: "", `match(doc.none, 'b')`: "", `match('ab', '(x)?b')`: "",
		`groups('k=v', '(.)=(.)')[1]`: "v", `all_groups('a1b2', '([a-z])([0-9])')[1][1]`: "2", `all_groups(doc.none, 'x') | [0]`: "",
		`remove('a // b', '//.*')`: "a", `go_escape('aBc')`: "a!bc", `crates_prefix('Serde')`: "se/rd", `crates_prefix('a')`: "1", `crates_prefix('abc')`: "3/a",
		`same_version('1.0.0', '1.0.0') && 'yes'`: "yes", `same_version('1.0.0', '1.0.1') && 'yes'`: "", `normalize('x')`: "x",
		`let $n = name in doc.list[?@ == $n] | [0]`: "thing", `to_string(doc.list[2])`: "5",
	} {
		r := own(t, `"package": {"url": "{base}", "versions": "['1.0.0']"}, "version": {"url": "{base}"}, "artifact": {"url": "{base}/a"},
			"metadata": {"description": "`+expression+`"}`,
			http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, `{"list": ["a", "thing", 5]}`) }))
		m, err := r.Metadata(t.Context(), "thing", "")
		if err != nil || m.Description != want {
			t.Errorf("%s: %v, %v; want %s", expression, m, err, want)
		}
	}
	for _, expression := range []string{"pad_left('x', `1000000000`, 'y')", `match('a', '(')`, `split(doc, 'x')`, `doc.list.nope('x')`} {
		r := own(t, `"package": {"url": "{base}", "versions": "['1.0.0']"}, "version": {"url": "{base}"}, "artifact": {"url": "{base}/a"},
			"metadata": {"description": "`+expression+`"}`,
			http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { _, _ = io.WriteString(w, `{"list": []}`) }))
		if _, err := r.Metadata(t.Context(), "thing", ""); !errors.Is(err, pantry.ErrInvalid) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

// answering gives the same body to every request, without a network.
type answering []byte

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.Write(a)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func registryOf(t *testing.T, d *adapter.Definition, body []byte) *adapter.Registry {
	t.Helper()
	c, err := transport.New(transport.Options{URL: "http://127.0.0.1:1", Base: answering(body), Retries: new(int)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := adapter.New(adapter.Options{Name: "test", Client: c, Definition: d, AllowMissingChecksum: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FuzzDefinition: a definition is refused or usable, whatever it says.
func FuzzDefinition(f *testing.F) {
	for _, name := range adapter.BuiltIns() {
		data, err := os.ReadFile("definitions/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("{" + minimal + `, "package": {"url": "{base}/{name}", "versions": "doc"}, "artifact": {"url": "{base}"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := adapter.Parse(data)
		if err != nil {
			if !errors.Is(err, pantry.ErrConfig) {
				t.Error(err)
			}
			return
		}
		r := registryOf(t, d, []byte(`["1.0.0"]`))
		if m, err := r.Metadata(t.Context(), "thing", ""); err == nil && m.Name != "thing" {
			t.Errorf("metadata of %q", m.Name)
		}
	})
}

// FuzzAnswer: whatever a registry says, what is made of it is about what was asked for.
func FuzzAnswer(f *testing.F) {
	f.Add(uint8(0), []byte(`{"name": "thing", "versions": ["1.0"], "files": [{"filename": "thing-1.0.tar.gz", "url": "x", "yanked": true}], "info": {"requires_dist": ["a"]}}`))
	f.Add(uint8(1), []byte(`{"name":"thing","vers":"1.0.0","deps":[{"name":"a","req":"1"}],"cksum":"00","dl":"http://x","api":"y"}`))
	f.Add(uint8(2), []byte(`[{"number":"1.0","platform":"ruby","licenses":["a"],"name":"thing","version":"1.0"}]`))
	f.Add(uint8(3), []byte("v1.0.0\n{\"Version\":\"v1.0.0\"}\nrequire x v1.0.0"))
	names := []string{"crates", "go", "pypi", "rubygems"}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		d, err := adapter.BuiltIn(names[int(which)%len(names)])
		if err != nil {
			t.Fatal(err)
		}
		r := registryOf(t, d, bytes.TrimSpace(body))
		name := "thing"
		if d.Ecosystem() == "golang" {
			name = "example.com/thing"
		}
		_, _ = r.Search(t.Context(), pantry.Query{Text: name})
		p, err := r.Package(t.Context(), name)
		if err != nil {
			return
		}
		for _, v := range p.Versions() {
			m, err := p.Metadata(v)
			if err != nil {
				continue
			}
			if m.Name != name || m.Version != v || m.Registry != "test" || m.Artifact.URL == "" || strings.ContainsAny(m.Artifact.File, `/\`) {
				t.Errorf("metadata of %s@%s: %+v", name, v, m)
			}
		}
	})
}

package npm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/pantry-go/pantry"
)

func testOrigin() origin {
	return origin{registry: "test", base: &url.URL{Scheme: "https", Host: "registry.example.com"}, allowMissing: true}
}

func TestScan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		doc      string
		versions map[string]string // nil: an error is wanted
		dropped  int
	}{
		"plain":            {`{"name":"a","versions":{"1.0.0":{"x":1},"2.0.0":{}}}`, map[string]string{"1.0.0": `{"x":1}`, "2.0.0": `{}`}, 0},
		"white space":      {" \n{ \"versions\" :\t{ \"1.0.0\" : { } , \"2.0.0\":7\r}\n }\n", map[string]string{"1.0.0": `{ }`, "2.0.0": `7`}, 0},
		"escaped keys":     {`{"\u0076ersions":{"1.0\u002e0":{"a":"\"}{\\"}}}`, map[string]string{"1.0.0": `{"a":"\"}{\\"}`}, 0},
		"brackets in text": {`{"readme":"}}]]\\\"{","versions":{"1.0.0":{"s":"{[\\"}}}`, map[string]string{"1.0.0": `{"s":"{[\\"}`}, 0},
		"twice":            {`{"versions":{"1.0.0":1,"1.0.0":2}}`, map[string]string{"1.0.0": "2"}, 0},
		"all twice":        {`{"versions":{"1.0.0":1,"3.0.0":1},"versions":{"2.0.0":2}}`, map[string]string{"2.0.0": "2"}, 0},
		"unusable names": {
			`{"versions":{"../x":1,"1/2":1,"a\u0000":1,"":1,"1 2":1,"\u001b[2J":1,"é":1,"..":1,".":1,"1.0.0beta":1,"` + strings.Repeat("1", 300) + `":1}}`,
			map[string]string{"1.0.0beta": "1"}, 10,
		},
		"empty":                       {`{"versions":{}}`, map[string]string{}, 0},
		"empty text":                  {``, nil, 0},
		"no versions":                 {`{"name":"a"}`, nil, 0},
		"versions null":               {`{"versions":null}`, nil, 0},
		"versions array":              {`{"versions":["1.0.0"]}`, nil, 0},
		"an error":                    {`{"error":"not_found"}`, nil, 0},
		"truncated":                   {`{"versions":{"1.0.0":{"x":1}`, nil, 0},
		"truncated in text":           {`{"versions":{"1.0.0":{"x":"abc`, nil, 0},
		"truncated in escape":         {`{"versions":{"1.0.0":{"x":"abc\`, nil, 0},
		"text behind":                 {`{"versions":{"1.0.0":{}}} x`, nil, 0},
		"no comma":                    {`{"versions":{"1.0.0":{} "2.0.0":{}}}`, nil, 0},
		"comma at the end":            {`{"versions":{"1.0.0":{},}}`, nil, 0},
		"a bracket too many":          {`{"versions":{"1.0.0":{}}}}`, nil, 0},
		"an array":                    {`[]`, nil, 0},
		"a page":                      {`<!DOCTYPE html><html></html>`, nil, 0},
		"control character in a name": {"{\"versions\":{\"1.0\n\":{}}}", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			x, err := scan([]byte(c.doc))
			if c.versions == nil {
				if err == nil {
					t.Fatalf("no error, but %v", x.versions)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]string)
			for _, e := range x.versions {
				got[e.version] = c.doc[e.offset : e.offset+e.length]
			}
			if !reflect.DeepEqual(got, c.versions) || x.dropped != c.dropped {
				t.Errorf("got %q and %d dropped, want %q and %d", got, x.dropped, c.versions, c.dropped)
			}
		})
	}
}

func TestScanDepth(t *testing.T) {
	t.Parallel()
	nested := func(n int) []byte {
		return []byte(`{"versions":{"1.0.0":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`)
	}
	if _, err := scan(nested(maxDepth)); err != nil {
		t.Error(err)
	}
	if _, err := scan(nested(maxDepth + 1)); !errors.Is(err, errDepth) {
		t.Errorf("got %v, want %v", err, errDepth)
	}
}

// tree decodes a value to what encoding/json makes of it.
func tree(v value) (any, error) {
	switch v.kind() {
	case '{':
		out := make(map[string]any)
		err := v.object(func(key, val value) error {
			k, ok := key.text()
			if !ok {
				return errSyntax
			}
			x, err := tree(val)
			out[k] = x
			return err
		})
		return out, err
	case '[':
		out := []any{}
		err := v.array(func(e value) error {
			x, err := tree(e)
			out = append(out, x)
			return err
		})
		return out, err
	case '"':
		s, ok := v.text()
		if !ok {
			return nil, errSyntax
		}
		return s, nil
	case 't', 'f':
		return v.kind() == 't', nil
	case 'n':
		return nil, nil
	}
	return json.Number(v), nil
}

// FuzzValue: what encoding/json accepts is read the same.
func FuzzValue(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-2.5e+3,"x\"\\\u00e9\ud83d\ude00",true,false,null,{}],"b":{"c":[]}}`, `"\ud800"`, "\"\xff\"", ` [ 1 , 2 ] `,
		`{"a":1,"a":{"b":2}}`, `[[[[]]]]`, `"12345678\"90123456"`, `{`, `"`, `"\`, `[1,]`, `{"a"}`, `nul`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := parse(data)
		var got any
		if err == nil {
			got, err = tree(v)
		}
		if !json.Valid(data) || errors.Is(err, errDepth) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		var want any
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", data, got, want)
		}
	})
}

// FuzzScan: a scanned packument has the versions that encoding/json finds, and reading each ends
// in metadata or an error.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		`{"name":"a","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"a","version":"1.0.0","dist":{"shasum":"` + strings.Repeat("0", 40) + `","tarball":"https://registry.example.com/a.tgz"}}},"time":{"1.0.0":"2020-01-02T03:04:05.678Z"}}`,
		`{"versions":{"1.0.0":{"dependencies":["x"],"bundleDependencies":true,"bin":"x.js","deprecated":false,"license":{"type":"MIT"}}}}`,
		`{"versions":{"1.0.0":{"bin":["a"],"repository":"a/b","author":{"name":"x"},"engines":["node"],"scripts":{"install":"x"}}}}`,
		`{"time":{"unpublished":{}}}`, `{"versions":{"1":{},"1":{"a":"}"}}}`, `{"versions":null}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := scan(data)
		if err == nil {
			if d, err := newDocument(testOrigin(), x.name, data); err == nil {
				for _, v := range d.Versions() {
					if m, err := d.Metadata(v); err == nil && m.Version != v {
						t.Fatalf("metadata of %q is of %q", v, m.Version)
					}
				}
			}
		}
		var doc map[string]json.RawMessage
		if json.Unmarshal(data, &doc) != nil || errors.Is(err, errDepth) {
			return
		}
		var versions map[string]json.RawMessage
		if json.Unmarshal(doc["versions"], &versions) != nil || versions == nil {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		usable := 0
		for v, want := range versions {
			if !usableVersion(v) {
				continue
			}
			usable++
			n, ok := x.byVersion[v]
			if !ok {
				t.Fatalf("%q: version %q was not found", data, v)
			}
			e := x.versions[n]
			if got := data[e.offset : e.offset+e.length]; !bytes.Equal(got, want) || e.version != v {
				t.Fatalf("%q: version %q is %q, want %q", data, v, got, want)
			}
		}
		if usable != len(x.versions) {
			t.Fatalf("%q: %d versions, want %d", data, len(x.versions), usable)
		}
	})
}

const bigVersions = 2600

// bigPackument is a packument of some 20 MB in which every version but one is balanced nonsense.
func bigPackument(good string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"_id":"big","name":"big","dist-tags":{"latest":"` + good + `"},"versions":{`)
	for i := range bigVersions {
		v := fmt.Sprintf("1.%d.0", i)
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":{"name":"big","version":"%s","dependencies":{`, v, v)
		for d := range 180 {
			fmt.Fprintf(&b, `"dependency-%d":"^%d.%d.0",`, d, d%9, i)
		}
		b.WriteString(`"last":"1"},`)
		if v != good {
			b.WriteString(`nonsense [ and { more } ] !`)
		}
		fmt.Fprintf(&b, `"readme":"%s",`, strings.Repeat(`escaped \"text\" \\ `, 120))
		fmt.Fprintf(&b, `"dist":{"tarball":"https://registry.example.com/big/-/big-%s.tgz","shasum":"%040d"}}`, v, i)
	}
	b.WriteString(`}}`)
	return b.Bytes()
}

// TestLazy: choosing one version of thousands reads that one and no other.
func TestLazy(t *testing.T) {
	const good = "1.1300.0"
	data := bigPackument(good)
	var d *document
	open := func() {
		var err error
		if d, err = newDocument(testOrigin(), "big", data); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	open()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("scanning %d versions allocated %d bytes", bigVersions, got)
	}
	if n := testing.AllocsPerRun(1, open); n > 1.1*bigVersions+200 {
		t.Errorf("scanning %d versions allocated %v times", bigVersions, n)
	}
	m, err := d.Metadata(d.Tags()["latest"])
	if err != nil {
		t.Fatal(err)
	}
	if m.Version != good || len(m.Dependencies) != 181 {
		t.Errorf("got version %q with %d dependencies", m.Version, len(m.Dependencies))
	}
	one := testing.AllocsPerRun(10, func() { _, err = d.Metadata(good) })
	if err != nil || one > 1000 {
		t.Errorf("one version allocated %v times, %v", one, err)
	}
	if n := len(d.Versions()); n != bigVersions {
		t.Errorf("got %d versions", n)
	}
	if _, err := d.Metadata("1.7.0"); !errors.Is(err, pantry.ErrInvalid) {
		t.Errorf("a malformed version: %v", err)
	}
}

func BenchmarkScan(b *testing.B) {
	data := bigPackument("1.0.0")
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scan(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanEncodingJSON is the road not taken, for comparison.
func BenchmarkScanEncodingJSON(b *testing.B) {
	data := bytes.ReplaceAll(bigPackument("1.0.0"), []byte(`nonsense [ and { more } ] !`), nil)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var doc struct{ Versions map[string]json.RawMessage }
		if err := json.Unmarshal(data, &doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMetadata(b *testing.B) {
	d, err := newDocument(testOrigin(), "big", bigPackument("1.0.0"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Metadata("1.0.0"); err != nil {
			b.Fatal(err)
		}
	}
}

package link_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/link"
	"github.com/pantry-go/pantry/store"
)

const topKey = "0123456789abcdef0123456789abcdef01234567"

func someTop() *link.Top {
	return &link.Top{
		Direct: []link.DirectLink{{Name: "@s/b", Key: topKey, Package: "@s/b"}, {Name: "old", Key: topKey, Package: "a"}},
		Bins:   []link.BinLink{{Name: "b", Direct: "@s/b", Target: "bin/b.js"}, {Name: "run", Direct: "old", Target: "run.js"}},
	}
}

func TestTopEncode(t *testing.T) {
	t.Parallel()
	for name, top := range map[string]*link.Top{"some": someTop(), "empty": {}} {
		data := top.Encode()
		got, err := link.ParseTop(data)
		if d := cmp.Diff(top, got); err != nil || d != "" {
			t.Errorf("%s: %v %s", name, err, d)
		}
		for n := range data {
			if _, err := link.ParseTop(data[:n]); !errors.Is(err, link.ErrTop) {
				t.Errorf("%s: the first %d bytes: %v", name, n, err)
			}
		}
	}
	if size := len(isolate(t, largeLock(2200), link.IsolateOptions{}).Top().Encode()); size > 2500 {
		t.Errorf("%d bytes for 40 links", size)
	}
}

// sealed gives bytes the checksum that Encode would.
func sealed(data []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(data), crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}

func TestTopRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*link.Top){
		"name leads out":       func(t *link.Top) { t.Direct[0].Name = "../b" },
		"name is hidden":       func(t *link.Top) { t.Direct[0].Name, t.Bins = ".bin", nil },
		"name of a tool":       func(t *link.Top) { t.Direct[1].Name, t.Bins = "github:cli/cli", nil },
		"package leads out":    func(t *link.Top) { t.Direct[1].Package = "../../x" },
		"key leads out":        func(t *link.Top) { t.Direct[1].Key = "../" + topKey[3:] },
		"key in capitals":      func(t *link.Top) { t.Direct[1].Key = strings.ToUpper(topKey) },
		"short key":            func(t *link.Top) { t.Direct[1].Key = topKey[:20] },
		"no key":               func(t *link.Top) { t.Direct[1].Key = "" },
		"twice":                func(t *link.Top) { t.Direct[1] = t.Direct[0] },
		"out of order":         func(t *link.Top) { t.Direct[0], t.Direct[1] = t.Direct[1], t.Direct[0] },
		"command leads out":    func(t *link.Top) { t.Bins[0].Name = ".." },
		"program leads out":    func(t *link.Top) { t.Bins[0].Target = "../../../x" },
		"program is not clean": func(t *link.Top) { t.Bins[0].Target = "./x.js" },
		"command of nobody":    func(t *link.Top) { t.Bins[0].Direct = "c" },
		"command twice":        func(t *link.Top) { t.Bins[1] = t.Bins[0] },
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := someTop()
			edit(top)
			if _, err := link.ParseTop(top.Encode()); !errors.Is(err, link.ErrTop) && name != "key in capitals" {
				t.Errorf("ParseTop: %v", err)
			}
			p := newProject(t)
			if _, err := link.ApplyTop(t.Context(), link.ApplyTopOptions{Dir: p.dir, Top: top, Store: p.shelf.store}); !errors.Is(err, link.ErrTop) {
				t.Errorf("ApplyTop: %v", err)
			}
		})
	}
	whole := someTop().Encode()
	for name, data := range map[string][]byte{
		"empty":    {},
		"damaged":  append(whole[:len(whole)-1:len(whole)-1], ^whole[len(whole)-1]),
		"trailing": sealed(append(whole[:len(whole)-4:len(whole)-4], 0)),
		"many":     sealed([]byte("pantry top 1\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")),
		"padded":   sealed([]byte("pantry top 1\n\x80\x00\x00")),
		"long":     sealed([]byte("pantry top 1\n\x01\xff\xff\x03a")),
	} {
		if _, err := link.ParseTop(data); !errors.Is(err, link.ErrTop) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzTop: what is read is what Encode writes of it, and nothing in it leads out of its place.
func FuzzTop(f *testing.F) {
	f.Add(someTop().Encode()[:len(someTop().Encode())-4])
	f.Add([]byte("pantry top 1\n\x00\x00"))
	f.Add([]byte("pantry top 1\n\x01\x01a01234567890123456789\x00\x01\x01b\x01a\x01c"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = sealed(data)
		top, err := link.ParseTop(data)
		if err != nil {
			return
		}
		if !bytes.Equal(top.Encode(), data) {
			t.Errorf("%+v is written as %q, not %q", top, top.Encode(), data)
		}
		for _, d := range top.Direct {
			if !filepath.IsLocal(d.Name) || !filepath.IsLocal(d.Package) || len(d.Key) != 40 || strings.Count(d.Name+d.Package, "/") > 2 {
				t.Errorf("%+v leads out", d)
			}
		}
		for _, b := range top.Bins {
			if !filepath.IsLocal(b.Name) || strings.Contains(b.Name, "/") || !filepath.IsLocal(b.Target) {
				t.Errorf("%+v leads out", b)
			}
		}
	})
}

// ApplyTop makes what ApplyIsolated would have made, whatever is there before.
func TestApplyTop(t *testing.T) {
	t.Parallel()
	const lock = ". a@1 @s/b@1 old=a@2\na@1 x@1 bin=a:a.js\n@s/b@1 bin=b:b.js"
	before := map[string]func(*project){
		"nothing":    func(*project) {},
		"foreign":    func(p *project) { p.write("node_modules/a/index.js", "npm's") },
		"hoisted":    func(p *project) { p.apply(". a@2 c@1") },
		"same":       func(p *project) { p.applyIsolated(lock) },
		"other":      func(p *project) { p.applyIsolated(". a@3 @t/c@1\na@3 bin=a:other.js") },
		"in project": func(p *project) { p.applyIsolated(lock, inProject) },
		"copied":     func(p *project) { p.applyIsolated(lock, copies("npm:x@1")) },
	}
	for name, prepare := range before {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			o := p.isolated(lockOf(t, lock))
			other := o
			other.Dir = t.TempDir()
			if _, err := link.ApplyIsolated(t.Context(), other); err != nil {
				t.Fatal(err)
			}
			prepare(p)
			top, err := link.ParseTop(o.Isolated.Top().Encode())
			if err != nil {
				t.Fatal(err)
			}
			begun := 0
			options := link.ApplyTopOptions{Dir: p.dir, Top: top, Store: p.shelf.store, Begin: func() error { begun++; return nil }}
			r, err := link.ApplyTop(t.Context(), options)
			if err != nil {
				t.Fatal(err)
			}
			fresh := name == "nothing" || name == "foreign" || name == "hoisted"
			if (begun == 0) != (name == "same") || r.Fresh != fresh || r.Linked+r.Kept != 3 {
				t.Errorf("begun %d times: %+v", begun, r)
			}
			p.checkIsolated(t, o)
			diff(t, files(t, other.Dir, "node_modules"), p.files())
			if p.read("node_modules/.pantry/layout") != string(readFile(t, filepath.Join(other.Dir, "node_modules/.pantry/layout"))) {
				t.Error("the record is another one")
			}
			if r, err := link.ApplyTop(t.Context(), options); err != nil || r != (link.Report{Kept: 3}) {
				t.Errorf("got %+v, %v", r, err)
			}
		})
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What the store does not have is not linked to.
func TestApplyTopMissing(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	o := p.isolated(lockOf(t, ". a@1 b@1"))
	p.applyIsolated(". a@1")
	before := p.files()
	_, err := link.ApplyTop(t.Context(), link.ApplyTopOptions{Dir: p.dir, Top: o.Isolated.Top(), Store: p.shelf.store, Begin: func() error {
		t.Error("something is changed")
		return nil
	}})
	if !errors.Is(err, store.ErrMissing) || !strings.Contains(err.Error(), "b") {
		t.Errorf("got %v", err)
	}
	diff(t, before, p.files())
	if left := leftovers(t, p.dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

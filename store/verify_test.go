package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/store"
)

// harm is a way in which something can be spoilt on the disk.
type harm struct {
	do   func(w ward) error
	says string
	key  string // of the linked package that is damaged; "" for an entry
	get  bool   // Get notices
}

// ward is what is to be spoilt: a store with the family, and with a second linked package of a.
type ward struct {
	store *store.Store
	all   []store.Linked // the family; then the other a
}

func newWard(t testing.TB) ward { return wardIn(t, open(t)) }

func wardIn(t testing.TB, s *store.Store) ward {
	all := family(t, s)
	other := all[0]
	other.Key, other.Links = key("other"), []store.Target{target("c", "c")}
	w := ward{s, append(all, other)}
	w.install(t)
	return w
}

// install does what an install does: it adds what is missing, and nothing else.
func (w *ward) install(t testing.TB) {
	t.Helper()
	for i, l := range w.all {
		e, err := w.store.Get(l.Entry.Digest)
		if errors.Is(err, store.ErrMissing) {
			for _, again := range family(t, w.store) {
				if again.Entry.Digest == l.Entry.Digest {
					e, err = again.Entry, nil
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		w.all[i].Entry = e
	}
	for _, l := range w.all {
		if !w.store.HasLinked(l.Key) {
			putLinked(t, w.store, l)
		}
	}
}

func (w ward) file(path string) string { return filepath.Join(w.all[0].Entry.Dir, path) }

// top is a path in the folder of the entry of a.
func (w ward) top(path string) string { return filepath.Join(root(w.all[0].Entry), path) }

func (w ward) link(name, path string) string {
	return filepath.Join(w.store.Dir(), "v2", "links", key(name), path)
}

func relink(path, to string) error { return errors.Join(os.Remove(path), os.Symlink(to, path)) }

func rewrite(path string, change func(b []byte) []byte) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, change(b), 0o644)
}

var harms = map[string]harm{
	"file missing":   {func(w ward) error { return os.Remove(w.file("index.js")) }, "no such file", "", false},
	"file cut short": {func(w ward) error { return os.Truncate(w.file("index.js"), 3) }, "has 3 bytes instead of 15", "", false},
	"file empty":     {func(w ward) error { return os.Truncate(w.file("cli.js"), 0) }, "has 0 bytes", "", false},
	"file grown": {func(w ward) error {
		return rewrite(w.file("index.js"), func(b []byte) []byte { return append(b, 'x') })
	}, "has 16 bytes", "", false},
	"file changed": {func(w ward) error {
		return rewrite(w.file("index.js"), func(b []byte) []byte { b[0] ^= 1; return b })
	}, "index.js is not as it was written", "", false},
	"file is a link": {func(w ward) error { return relink(w.file("index.js"), "cli.js") }, "", "", false},
	"file is a folder": {func(w ward) error {
		return errors.Join(os.Remove(w.file("index.js")), os.Mkdir(w.file("index.js"), 0o755))
	}, "index.js is not a file", "", false},
	"file added":      {func(w ward) error { return os.WriteFile(w.file("new.js"), nil, 0o644) }, `"new.js" does not belong`, "", false},
	"folder added":    {func(w ward) error { return os.Mkdir(w.file("cache"), 0o755) }, `"cache" does not belong`, "", false},
	"package beside":  {func(w ward) error { return os.Mkdir(w.top("node_modules/.cache"), 0o755) }, `"node_modules/.cache" does not belong`, "", false},
	"file beside":     {func(w ward) error { return os.WriteFile(w.top("node_modules/x"), nil, 0o644) }, `"node_modules/x" does not belong`, "", false},
	"file on top":     {func(w ward) error { return os.WriteFile(w.top("x"), nil, 0o644) }, `"x" does not belong`, "", false},
	"folder missing":  {func(w ward) error { return os.RemoveAll(w.all[0].Entry.Dir) }, "no such file", "", false},
	"index missing":   {func(w ward) error { return os.Remove(w.top("index")) }, "has no index", "", true},
	"index cut short": {func(w ward) error { return os.Truncate(w.top("index"), 100) }, "index is damaged", "", true},
	"index changed": {func(w ward) error {
		return rewrite(w.top("index"), func(b []byte) []byte { b[200] ^= 1; return b })
	}, "index is damaged", "", true},
	"index of another": {func(w ward) error {
		b, err := os.ReadFile(index(w.all[1].Entry))
		return errors.Join(err, os.WriteFile(w.top("index"), b, 0o644))
	}, "index is that of another", "", true},
	"old format": {func(w ward) error {
		return rewrite(w.top("index"), func(b []byte) []byte {
			return store.Seal([]byte(strings.Replace(string(b[:strings.LastIndex(string(b), "crc32c")]), "entry 2", "entry 1", 1)))
		})
	}, "of another format", "", true},
	"entry is a file":  {func(w ward) error { return errors.Join(os.RemoveAll(w.top("")), os.WriteFile(w.top(""), nil, 0o644)) }, "not a directory", "", true},
	"no seal":          {func(w ward) error { return os.Remove(w.top("home")) }, "no such file", "a", false},
	"seal of another":  {func(w ward) error { return relink(w.top("home"), key("nobody")+"-00000000") }, "home of another linked package", "a", false},
	"seal is nonsense": {func(w ward) error { return relink(w.top("home"), "nonsense") }, "no seal", "a", false},
	"seal is a file": {func(w ward) error {
		return errors.Join(os.Remove(w.top("home")), os.WriteFile(w.top("home"), nil, 0o644))
	}, "invalid argument", "a", false},
	"links of another": {func(w ward) error { return relink(w.top("home"), key("a")+"-00000000") }, "not those it was made with", "a", false},
	"need missing":     {func(w ward) error { return os.Remove(w.top("node_modules/@s/b")) }, "not those it was made with", "a", false},
	"need elsewhere": {func(w ward) error {
		return relink(w.top("node_modules/@s/b"), "../../../../links/"+key("c")+"/node_modules/c")
	}, "not those it was made with", "a", false},
	"need dangling": {func(w ward) error { return relink(w.top("node_modules/@s/b"), "/nowhere") }, "not those it was made with", "a", false},
	"need is a file": {func(w ward) error {
		return errors.Join(os.Remove(w.top("node_modules/@s/b")), os.WriteFile(w.top("node_modules/@s/b"), nil, 0o644))
	}, "does not belong", "", false},
	"need added": {func(w ward) error {
		return os.Symlink("../../../links/"+key("c")+"/node_modules/c", w.top("node_modules/c"))
	}, "not those it was made with", "a", false},
	"KEY dangling":   {func(w ward) error { return os.RemoveAll(w.top("")) }, "no such file", "a", true},
	"KEY elsewhere":  {func(w ward) error { return relink(w.link("a", ""), "../../..") }, "no entry", "a", false},
	"KEY of another": {func(w ward) error { return relink(w.link("a", ""), w.link("c", "")) }, "no entry", "a", false},
	"KEY is a file": {func(w ward) error {
		return errors.Join(os.Remove(w.link("a", "")), os.WriteFile(w.link("a", ""), nil, 0o644))
	}, "not a directory", "a", false},
	"KEY is empty":      {func(w ward) error { return errors.Join(os.Remove(w.link("a", "")), os.Mkdir(w.link("a", ""), 0o755)) }, "no such file", "a", false},
	"own: file missing": {func(w ward) error { return os.Remove(w.link("other", "node_modules/a/index.js")) }, "no such file", "other", false},
	"own: file changed": {func(w ward) error {
		f := w.link("other", "node_modules/a/index.js")
		return errors.Join(os.Remove(f), os.WriteFile(f, []byte("require('@s/B')"), 0o644))
	}, "not as it was written", "other", false},
	"own: file added":     {func(w ward) error { return os.WriteFile(w.link("other", "node_modules/a/x"), nil, 0o644) }, "does not belong", "other", false},
	"own: folder missing": {func(w ward) error { return os.RemoveAll(w.link("other", "node_modules/a")) }, "no such file", "other", false},
	"own: no seal":        {func(w ward) error { return os.Remove(w.link("other", "home")) }, "no such file", "other", false},
	"own: no entry":       {func(w ward) error { return os.Remove(w.link("other", "entry")) }, "no such file", "other", false},
	"own: need elsewhere": {func(w ward) error {
		return relink(w.link("other", "node_modules/c"), "../../../links/"+key("a")+"/node_modules/a")
	}, "not those it was made with", "other", false},
	"stranger in links": {func(w ward) error { return os.WriteFile(filepath.Join(w.store.Dir(), "v2", "links", "x"), nil, 0o644) }, "does not belong", "x", false},
}

// TestHarm: every harm is found, a repair takes out what was harmed and what is made of it, and nothing
// else, and an install heals it.
func TestHarm(t *testing.T) {
	t.Parallel()
	for name, h := range harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			sound(t, w.store)
			before := generation(t, w.store)
			if err := h.do(w); err != nil {
				t.Fatal(err)
			}
			if _, err := w.store.Get(w.all[0].Entry.Digest); errors.Is(err, store.ErrMissing) != h.get {
				t.Errorf("Get: %v", err)
			}
			r, err := w.store.VerifyAll(t.Context(), store.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !found(r, h) || generation(t, w.store) != before {
				t.Fatalf("found %s; the generation is %s", describe(r), generation(t, w.store))
			}
			r, err = w.store.VerifyAll(t.Context(), store.VerifyOptions{Repair: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				if !p.Repaired {
					t.Errorf("not repaired: %+v", p)
				}
			}
			if generation(t, w.store) == before {
				t.Error("the generation is still the same")
			}
			w.afterRepair(t, h)
			sound(t, w.store)
			w.install(t)
			mustLinked(t, w.store, w.all...)
			if r := sound(t, w.store); r.Unfinished > 0 || r.Entries != 3 || r.Linked != 4 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// found says that a report has the harm.
func found(r store.VerifyReport, h harm) bool {
	for _, p := range r.Problems {
		wanted := h.key == "" && p.Digest == digest("a") || h.key != "" && (p.Key == key(h.key) || p.Key == h.key)
		if wanted && errors.Is(p.Err, store.ErrDamaged) && strings.Contains(p.Err.Error(), h.says) && p.Path != "" {
			return true
		}
	}
	return false
}

func describe(r store.VerifyReport) string {
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "\n%s %q: %v", p.Path, p.Name, p.Err)
	}
	return b.String()
}

// afterRepair checks that what was harmed is there no more, and the rest still is.
func (w ward) afterRepair(t *testing.T, h harm) {
	t.Helper()
	for i, l := range w.all {
		harmed := l.Key == key(h.key) || h.key == "" && (i == 0 || i == 3)
		if h.key == "a" && i == 3 && h.get { // the entry is gone
			continue
		}
		if got := w.store.HasLinked(l.Key); got == harmed {
			t.Errorf("%s, %s: there %v", l.Key, l.Entry, got)
		}
	}
	_, err := w.store.Get(digest("a"))
	if gone := h.key == "" || h.get; errors.Is(err, store.ErrMissing) != gone {
		t.Errorf("the entry: %v, gone %v", err, gone)
	}
}

// TestInstallHeals: what Get and HasLinked notice by themselves needs no repair.
func TestInstallHeals(t *testing.T) {
	t.Parallel()
	for name, h := range harms {
		if !h.get && name != "no seal" && name != "KEY elsewhere" && name != "own: no seal" && name != "KEY is empty" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			if err := h.do(w); err != nil {
				t.Fatal(err)
			}
			w.install(t)
			mustLinked(t, w.store, w.all...)
			sound(t, w.store)
		})
	}
}

// TestVerifyTools: entries without a name, and variants, are looked at too.
func TestVerifyTools(t *testing.T) {
	t.Parallel()
	s := open(t)
	w := newWriter(t, s)
	w.SetVariant("tree strip=1")
	if err := addLinked(t, w, linked...); err != nil {
		t.Fatal(err)
	}
	e, err := w.Commit(digest("tool"))
	if err != nil {
		t.Fatal(err)
	}
	if r := sound(t, s); r.Entries != 1 || r.Files != 2 {
		t.Errorf("%+v", r)
	}
	if err := relink(filepath.Join(e.Dir, "bin", "t"), "../lib"); err != nil {
		t.Fatal(err)
	}
	r, err := s.VerifyAll(t.Context(), store.VerifyOptions{Repair: true})
	if err != nil || len(r.Problems) != 1 || !r.Problems[0].Repaired || r.Problems[0].Digest != digest("tool") {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.GetVariant(digest("tool"), "tree strip=1"); !errors.Is(err, store.ErrMissing) {
		t.Error(err)
	}
}

// TestUnfinished: what an interrupted install leaves is no damage, and a repair lets no stamp say that
// it is finished.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	s := open(t)
	all := family(t, s)
	putLinked(t, s, all[0])
	if err := s.PutStamp(key("p"), generation(t, s), nil); err != nil {
		t.Fatal(err)
	}
	if r := sound(t, s); r.Unfinished != 1 {
		t.Errorf("%+v", r)
	}
	if r, err := s.VerifyAll(t.Context(), store.VerifyOptions{Repair: true}); err != nil || len(r.Problems) > 0 || r.Unfinished != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, ok := s.Stamp(key("p")); ok {
		t.Error("the stamp counts")
	}
	mustNot := all[0]
	if !s.HasLinked(mustNot.Key) {
		t.Error("what was sound was taken out")
	}
	for _, l := range all {
		putLinked(t, s, l)
	}
	if r := sound(t, s); r.Unfinished != 0 {
		t.Errorf("%+v", r)
	}
}

func TestVerifyProgress(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	last, calls := 0, 0
	r, err := w.store.VerifyAll(t.Context(), store.VerifyOptions{Progress: func(done, total int) {
		calls++
		if done != last+1 || total != 7 {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last = done
	}})
	if err != nil || calls != 7 || r.Bytes == 0 {
		t.Errorf("%d calls, %+v, %v", calls, r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = w.store.VerifyAll(ctx, store.VerifyOptions{Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	empty := open(t)
	if r, err := empty.VerifyAll(t.Context(), store.VerifyOptions{Repair: true}); err != nil || r.Entries > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := os.Stat(empty.Dir()); err == nil {
		t.Error("verifying made the store")
	}
}

// TestSelfWriting: a package that writes into itself, over a hard link in a project, is found out.
func TestSelfWriting(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	project := filepath.Join(w.store.Dir(), "..", "cli.js")
	if err := os.Link(w.file("cli.js"), project); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(project, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("#!/bin")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.store.VerifyAll(t.Context(), store.VerifyOptions{Repair: true})
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Digest != digest("a") || r.Problems[0].Name != "a" || r.Problems[0].Version != "1.0.0" {
		t.Fatalf("%s, %v", describe(r), err)
	}
	w.install(t)
	mustLinked(t, w.store, w.all...)
	sound(t, w.store)
	if b, err := os.ReadFile(w.file("cli.js")); err != nil || !strings.HasPrefix(string(b), "#!/usr") {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := os.ReadFile(project); err != nil || !strings.HasPrefix(string(b), "#!/bin") {
		t.Errorf("the project's own: %q, %v", b, err)
	}
}

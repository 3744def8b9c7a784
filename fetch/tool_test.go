package fetch_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/fetch"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/store"
)

const script = "#!/bin/sh\necho tool\n"

// tarFile is a file of a tar archive; a link if there is a target, and executable in "bin/".
type tarFile struct{ name, content, link string }

func tarOf(t testing.TB, files ...tarFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.content)), Mode: 0o644, Linkname: f.link}
		if strings.Contains(f.name, "bin/") {
			h.Mode = 0o755
		}
		if f.link != "" {
			h.Typeflag = tar.TypeSymlink
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zst(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func zipOf(t testing.TB, files ...tarFile) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Store}
		h.SetMode(0o644)
		if strings.Contains(f.name, "bin/") {
			h.SetMode(0o755)
		}
		if f.link != "" {
			h.SetMode(0o777 | fs.ModeSymlink)
			f.content = f.link
		}
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(out, f.content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tool(b []byte, file string) fetch.ToolRequest {
	return fetch.ToolRequest{Registry: "github", File: file, Strip: -1, Executable: "tool", Artifact: pantry.Artifact{
		Name: "o/tool", Version: "v1.0.0", URL: "https://dl.example.com/o/tool/" + file, Integrity: integrity.Set{integrity.Sum(integrity.SHA256, b)}}}
}

// nothing checks that the store holds no file at all.
func (w *world) nothing() {
	w.t.Helper()
	_ = filepath.WalkDir(w.store.Dir(), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Ext(p) != ".lock" {
			w.t.Errorf("in the store: %s", p)
		}
		return err
	})
}

// large is the size of artifacts that have no place in the memory of little.
const large = 1_500_000

// little are options under which a large artifact is unpacked while it comes.
func (w *world) little() fetch.Options {
	o := w.options()
	o.Memory = 1
	return o
}

// artifacts of each format, small and large, with the files they unpack to.
func artifacts(t testing.TB) (map[string][]byte, map[string][]string) {
	t.Helper()
	all, want := map[string][]byte{}, map[string][]string{}
	for size, n := range map[string]int{"small": 100, "large": large} {
		files := []tarFile{{name: "tool-1.0/bin/tool", content: script}, {name: "tool-1.0/lib/x", content: noise(n)}, {name: "tool-1.0/lib/l", link: "../bin/tool"}}
		raw := tarOf(t, files...)
		elf := []byte("\x7fELF" + noise(n))
		tree := []string{"bin/tool", "lib/l", "lib/x"}
		for name, b := range map[string][]byte{"tar": raw, "tar.gz": gz(raw), "tar.zst": zst(raw), "zip": zipOf(t, files...)} {
			all[size+"."+name], want[size+"."+name] = b, tree
		}
		for name, b := range map[string][]byte{"": elf, ".gz": gz(elf), ".zst": zst(elf)} {
			all[size+name], want[size+name] = b, []string{"tool"}
		}
	}
	return all, want
}

func TestFetchTool(t *testing.T) {
	t.Parallel()
	all, want := artifacts(t)
	for file, b := range all {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, gives(b))
			f := fetch.New(w.little())
			sum := integrity.Sum(integrity.SHA512, b)
			for _, stored := range []bool{false, true} {
				res, err := f.FetchTool(t.Context(), tool(b, file))
				if err != nil {
					t.Fatal(err)
				}
				if res.FromStore != stored || stored != (res.Bytes == 0) || !slices.Equal(res.Integrity, integrity.Set{sum}) || res.Entry.Digest != sum {
					t.Errorf("%+v", res)
				}
				var got []string
				for _, f := range res.Entry.Files {
					got = append(got, f.Path)
					if program := f.Path == "bin/tool" || f.Path == "tool"; program != f.Executable || (f.Path == "lib/l") != (f.Link != "") {
						t.Errorf("%+v", f)
					}
				}
				if !slices.Equal(got, want[file]) {
					t.Errorf("%v", got)
				}
				if err := w.store.Verify(t.Context(), res.Entry); err != nil {
					t.Error(err)
				}
			}
			if w.opens() != 1 {
				t.Errorf("%d requests", w.opens())
			}
			// By the digest that the lockfile has then, and offline.
			req := tool(b, file)
			req.Artifact.Integrity = integrity.Set{sum}
			o := w.little()
			o.Offline = true
			if res, err := fetch.New(o).FetchTool(t.Context(), req); err != nil || !res.FromStore {
				t.Errorf("offline: %+v, %v", res, err)
			}
		})
	}
}

// TestToolVariants: the same bytes, unpacked in other ways, are other entries.
func TestToolVariants(t *testing.T) {
	t.Parallel()
	b := gz(tarOf(t, tarFile{name: "package/package.json", content: `{"name":"a","version":"1.0.0"}`}, tarFile{name: "package/bin/a", content: script}))
	w := newWorld(t, gives(b))
	f := fetch.New(w.little())
	pkg, err := f.Fetch(t.Context(), request(b))
	if err != nil {
		t.Fatal(err)
	}
	dirs := map[string]string{pkg.Entry.Dir: "the package"}
	requests := 1
	for _, tt := range []struct {
		file  string
		strip int
		exec  string
		first string // file; "" if the entry is there already
	}{
		{"a.tgz", 0, "tool", "package/bin/a"}, {"a.tar.gz", 1, "tool", "bin/a"}, {"b.tgz", 1, "other", ""}, {"a.tgz", -1, "tool", "bin/a"}, {"a.tgz", 2, "", "a"},
	} {
		req := tool(b, tt.file)
		req.Strip, req.Executable = tt.strip, tt.exec
		for again := range 2 {
			res, err := f.FetchTool(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if tt.first != "" && again == 0 {
				requests++
				if other, taken := dirs[res.Entry.Dir]; taken || res.FromStore || res.Entry.Files[0].Path != tt.first {
					t.Errorf("%+v is where %s is: %+v", tt, other, res)
				}
			} else if !res.FromStore {
				t.Errorf("%+v is fetched again", tt)
			}
			dirs[res.Entry.Dir] = fmt.Sprint(tt)
		}
	}
	if w.opens() != requests {
		t.Errorf("%d requests, want %d", w.opens(), requests)
	}
	if res, err := f.Fetch(t.Context(), request(b)); err != nil || res.Entry.Dir != pkg.Entry.Dir {
		t.Errorf("the package: %+v, %v", res, err)
	}
}

func TestToolProgramNames(t *testing.T) {
	t.Parallel()
	b := []byte(script)
	w := newWorld(t, gives(b))
	f := fetch.New(w.little())
	for _, tt := range []struct{ file, exec, want string }{{"tool-linux", "tool", "tool"}, {"tool-linux", "", "tool-linux"}, {"", "", "o-tool.sh"}, {"", "t", "t"}} {
		req := tool(b, tt.file)
		req.Executable, req.Artifact.URL = tt.exec, "https://dl.example.com/x/o-tool.sh?token=1"
		res, err := f.FetchTool(t.Context(), req)
		if err != nil || len(res.Entry.Files) != 1 || res.Entry.Files[0].Path != tt.want {
			t.Errorf("%+v: %+v, %v", tt, res, err)
		}
	}
}

func TestToolRefused(t *testing.T) {
	t.Parallel()
	page := []byte("<!doctype html><title>Not Found</title>")
	big := noise(large)
	good := gz(tarOf(t, tarFile{name: "t/bin/tool", content: script}))
	zeros := strings.Repeat("\x00", 40<<20)
	tests := map[string]struct {
		b     []byte
		file  string
		match error
		want  string
	}{
		"traversal":             {gz(tarOf(t, tarFile{name: "../../x", content: "x"})), "t.tgz", pantry.ErrPolicy, `".." in its path`},
		"traversal, large":      {tarOf(t, tarFile{name: "a", content: big}, tarFile{name: "../x"}), "t.tar", pantry.ErrPolicy, `".." in its path`},
		"traversal, zip":        {zipOf(t, tarFile{name: "a", content: big}, tarFile{name: "../x"}), "t.zip", pantry.ErrPolicy, `".." in its path`},
		"link outside":          {gz(tarOf(t, tarFile{name: "l", link: "../../x"})), "t.tgz", pantry.ErrPolicy, "outside of the artifact"},
		"link outside, zip":     {zipOf(t, tarFile{name: "a", content: big}, tarFile{name: "l", link: "../x"}), "t.zip", pantry.ErrPolicy, "outside of the artifact"},
		"link absolute":         {gz(tarOf(t, tarFile{name: "l", link: "/etc"})), "t.tgz", pantry.ErrPolicy, "absolute"},
		"link chain":            {gz(tarOf(t, tarFile{name: "d/a"}, tarFile{name: "d/u", link: ".."}, tarFile{name: "l", link: "d/u/../x"})), "t.tgz", pantry.ErrPolicy, "outside"},
		"through a link":        {gz(tarOf(t, tarFile{name: "d/a"}, tarFile{name: "l", link: "d"}, tarFile{name: "l/x"})), "t.tgz", pantry.ErrPolicy, "as a folder"},
		"bomb, gzip":            {gz([]byte("#!" + zeros)), "t.gz", pantry.ErrPolicy, "more than 200 times"},
		"bomb, zstd":            {zst(tarOf(t, tarFile{name: "a", content: zeros})), "t.tar.zst", pantry.ErrPolicy, "more than 200 times"},
		"HTML with its digest":  {page, "t.tar.gz", pantry.ErrInvalid, "the answer is an HTML page, not the artifact t.tar.gz"},
		"HTML as a program":     {page, "tool", pantry.ErrInvalid, "it holds an HTML page, and no program"},
		"empty":                 {nil, "tool", pantry.ErrInvalid, "the answer is empty"},
		"other format":          {good, "t.zip", pantry.ErrInvalid, "a zip archive, and it holds gzip data"},
		"cut off":               {good[:len(good)-5], "t.tgz", pantry.ErrInvalid, "cut off"},
		"cut off, large":        {tarOf(t, tarFile{name: "a", content: big})[:1_400_000], "t.tar", pantry.ErrInvalid, "cut off"},
		"cut off, large zip":    {zipOf(t, tarFile{name: "a", content: big})[:1_400_000], "t.zip", pantry.ErrInvalid, "cut off"},
		"no files":              {tarOf(t), "t.tar", pantry.ErrPolicy, "no file in it"},
		"7-Zip":                 {[]byte("7z\xbc\xaf\x27\x1c"), "t.7z", pantry.ErrUnsupported, ".7z files cannot be unpacked"},
		"7-Zip, large":          {[]byte("7z\xbc\xaf\x27\x1c" + big), "t.7z", pantry.ErrUnsupported, ".7z files cannot be unpacked"},
		"name for a terminal":   {page, "\x1b[2J.tgz", pantry.ErrInvalid, `not the artifact \x1b[2J.tgz`},
		"stripped to nothing":   {good, "t.tar.gz", pantry.ErrPolicy, "without its first 7 path segments"},
		"no name for a program": {[]byte(script), "..", pantry.ErrPolicy, "the program needs a name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, gives(tt.b))
			req := tool(tt.b, tt.file)
			switch name {
			case "stripped to nothing":
				req.Strip = 7
			case "no name for a program":
				req.Executable = ""
			}
			_, err := fetch.New(w.little()).FetchTool(t.Context(), req)
			wantError(t, err, tt.match, `o/tool@v1.0.0 at registry "github"`, tt.want)
			if w.opens() != 1 {
				t.Errorf("%d requests", w.opens())
			}
			if !errors.Is(tt.match, pantry.ErrInvalid) && pantry.Hint(err) == "" {
				t.Error("no hint")
			}
			w.nothing()
		})
	}
}

// TestToolWrongBytes: whatever else is wrong, that these are other bytes is what is said.
func TestToolWrongBytes(t *testing.T) {
	t.Parallel()
	all, _ := artifacts(t)
	all["page.tar.gz"] = []byte("<html>")
	for file, b := range all {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			wrong := bytes.Clone(b)
			wrong[len(wrong)-1] ^= 1
			w := newWorld(t, gives(wrong))
			_, err := fetch.New(w.little()).FetchTool(t.Context(), tool(b, file))
			wantError(t, err, pantry.ErrIntegrity, "integrity", `at registry "github"`)
			if page := strings.HasPrefix(file, "page"); page != strings.Contains(err.Error(), "an HTML page, not the artifact page.tar.gz") {
				t.Error(err)
			}
			if w.opens() != 2 || pantry.Hint(err) == "" {
				t.Errorf("%d requests, hint %q", w.opens(), pantry.Hint(err))
			}
			w.nothing()
			// Once is forgiven.
			w = newWorld(t, gives(wrong), gives(b))
			if _, err := fetch.New(w.little()).FetchTool(t.Context(), tool(b, file)); err != nil && file != "page.tar.gz" {
				t.Error(err)
			}
		})
	}
}

func TestToolNoDigest(t *testing.T) {
	t.Parallel()
	b := []byte(script)
	req := tool(b, "tool")
	req.Artifact.Integrity = nil
	w := newWorld(t, gives(b))
	_, err := fetch.New(w.little()).FetchTool(t.Context(), req)
	wantError(t, err, pantry.ErrPolicy, "no digest")
	if w.opens() != 0 {
		t.Errorf("%d requests", w.opens())
	}
	o := w.little()
	o.AllowMissingIntegrity = func(registry string) bool { return registry == "github" }
	res, err := fetch.New(o).FetchTool(t.Context(), req)
	if err != nil || !slices.Equal(res.Integrity, integrity.Set{integrity.Sum(integrity.SHA512, b)}) {
		t.Errorf("%+v, %v", res, err)
	}
	o.Offline = true
	_, err = fetch.New(o).FetchTool(t.Context(), tool([]byte("other"), "tool"))
	wantError(t, err, pantry.ErrUnavailable, "offline")
}

func TestToolBreaksOff(t *testing.T) {
	t.Parallel()
	all, _ := artifacts(t)
	for file, b := range all {
		w := newWorld(t, breaks(b[:len(b)/2]), breaks(b[:10]), gives(b))
		if _, err := fetch.New(w.little()).FetchTool(t.Context(), tool(b, file)); err != nil || w.opens() != 3 {
			t.Errorf("%s: %v after %d requests", file, err, w.opens())
		}
		w = newWorld(t, breaks(b[:len(b)/2]))
		_, err := fetch.New(w.little()).FetchTool(t.Context(), tool(b, file))
		wantError(t, err, pantry.ErrUnavailable, "broke off")
		w.nothing()
	}
}

func TestToolTooLarge(t *testing.T) {
	t.Parallel()
	all, _ := artifacts(t)
	for file, b := range all {
		w := newWorld(t, gives(b))
		o := w.little()
		o.MaxTarball = int64(len(b)) - 1
		_, err := fetch.New(o).FetchTool(t.Context(), tool(b, file))
		wantError(t, err, pantry.ErrPolicy, "larger than")
		w.nothing()
	}
}

// TestToolShared: one download for those who want the same, one more for who wants it otherwise.
func TestToolShared(t *testing.T) {
	t.Parallel()
	b := gz(tarOf(t, tarFile{name: "t/bin/tool", content: script}))
	o, gate, started := gated(t, b)
	f := fetch.New(o)
	req := tool(b, "t.tgz")
	other := req
	other.Strip = 0
	var wg sync.WaitGroup
	for _, r := range []fetch.ToolRequest{req, req, req, other, other} {
		wg.Go(func() {
			if _, err := f.FetchTool(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	for fetch.WaitingTool(f, req) < 3 || fetch.WaitingTool(f, other) < 2 {
		runtime.Gosched()
	}
	<-started
	<-started
	close(gate)
	wg.Wait()
	if len(started) != 0 {
		t.Errorf("%d more downloads", len(started))
	}
}

// TestToolConcurrency: unpacking tools may take much memory, so that few are under way at once.
func TestToolConcurrency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.little()
	var now, peak atomic.Int64
	o.Open = func(_ context.Context, _ string, a pantry.Artifact) (io.ReadCloser, error) {
		for n := now.Add(1); ; {
			if p := peak.Load(); n <= p || peak.CompareAndSwap(p, n) {
				break
			}
		}
		return &counted{strings.NewReader(script + a.Version), &now}, nil
	}
	f := fetch.New(o)
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			v := fmt.Sprint("v", i)
			req := tool([]byte(script+v), "tool")
			req.Artifact.Version = v
			if _, err := f.FetchTool(t.Context(), req); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if p := peak.Load(); p > 8 || p < 1 || now.Load() != 0 {
		t.Errorf("%d at once, %d not closed", p, now.Load())
	}
}

func TestToolProgress(t *testing.T) {
	t.Parallel()
	b := []byte("\x7fELF" + noise(9<<20))
	w := newWorld(t, gives(b))
	o := w.little()
	count := map[fetch.EventType]int64{}
	o.Progress = func(e fetch.Event) {
		n := int64(1)
		if e.Type == fetch.Received {
			n = e.Bytes
		}
		count[e.Type] += n
		if e.Ref.String() != "github:o/tool@v1.0.0" {
			t.Errorf("%+v", e)
		}
	}
	if _, err := fetch.New(o).FetchTool(t.Context(), tool(b, "tool")); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(count, map[fetch.EventType]int64{fetch.Started: 1, fetch.Received: int64(len(b)), fetch.Done: 1}) {
		t.Errorf("%v", count)
	}
}

// TestToolMemory: a large artifact is never in memory as a whole. It isn't run beside others.
func TestToolMemory(t *testing.T) {
	const size, most = 48 << 20, 20 << 20
	content := noise(1 << 20)
	elf := make([]byte, 0, size)
	elf = append(elf, "\x7fELF"...)
	for len(elf) < size {
		elf = append(elf, content...)
	}
	for file, b := range map[string][]byte{"tool": elf, "t.tar": tarOf(t, tarFile{name: "t/bin/tool", content: string(elf)}), "t.zip": zipOf(t, tarFile{name: "t/bin/tool", content: string(elf)})} {
		w := newWorld(t, gives(b))
		f := fetch.New(w.options())
		req := tool(b, file)
		req.Artifact.Size = int64(len(b))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		res, err := f.FetchTool(t.Context(), req)
		runtime.ReadMemStats(&after)
		if err != nil || len(res.Entry.Files) != 1 || res.Entry.Files[0].Size != int64(len(elf)) {
			t.Fatalf("%s: %+v, %v", file, res, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > most {
			t.Errorf("%s: %d MiB of memory for %d MiB", file, n>>20, len(b)>>20)
		}
		if err := w.store.Remove(res.Entry.Digest); err != nil {
			t.Error(err)
		}
	}
}

// TestToolStoredAnew: an entry that is damaged is written again.
func TestToolStoredAnew(t *testing.T) {
	t.Parallel()
	b := []byte(script)
	w := newWorld(t, gives(b))
	f := fetch.New(w.little())
	res, err := f.FetchTool(t.Context(), tool(b, "tool"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(filepath.Dir(res.Entry.Dir), "index"), 10); err != nil {
		t.Fatal(err)
	}
	res, err = f.FetchTool(t.Context(), tool(b, "tool"))
	if err != nil || res.FromStore {
		t.Errorf("%+v, %v", res, err)
	}
	if _, err := w.store.Get(res.Entry.Digest); !errors.Is(err, store.ErrMissing) {
		t.Errorf("there is an entry without a variant: %v", err)
	}
}

package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pantry-go/pantry/archive"
)

// careful is a sink that checks what is promised of every archive.
type careful struct {
	t     *testing.T
	paths map[string]bool // folded; true for links
	order []archive.Entry
	root  string
}

func (c *careful) File(e archive.Entry, r io.Reader) error {
	n, err := io.Copy(io.Discard, r)
	if err == nil && e.Size >= 0 && n != e.Size {
		c.t.Errorf("%q: %d of %d bytes", e.Path, n, e.Size)
	}
	if e.Path != path.Clean(e.Path) || path.IsAbs(e.Path) || e.Path == "." || strings.ContainsAny(e.Path, "\\\x00\n\x1b") ||
		e.Path == ".." || strings.HasPrefix(e.Path, "../") {
		c.t.Errorf("unsafe path %q", e.Path)
	}
	key := e.Path
	if archive.FoldsCase {
		key = strings.ToLower(key)
	}
	if _, twice := c.paths[key]; twice {
		c.t.Errorf("%q twice", e.Path)
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if _, taken := c.paths[dir]; taken {
			c.t.Errorf("%q is below something that is no folder", e.Path)
		}
	}
	if len(c.order) > 0 && c.order[len(c.order)-1].Link != "" && e.Link == "" {
		c.t.Errorf("%q after a link", e.Path)
	}
	c.paths[key] = e.Link != ""
	c.order = append(c.order, e)
	return err
}

func (c *careful) SetRoot(dir string) error {
	c.root = dir
	return nil
}

// build makes the tree on the disk and follows every link there.
func (c *careful) build() {
	dir := c.t.TempDir()
	top := filepath.Join(dir, "outer", "tree")
	at := func(p string) string {
		rest := p
		if c.root != "" {
			var ok bool
			if rest, ok = strings.CutPrefix(p, c.root+"/"); !ok {
				c.t.Errorf("%q is not in %q", p, c.root)
			}
		}
		return filepath.Join(top, filepath.FromSlash(rest))
	}
	for _, e := range c.order {
		p := at(e.Path)
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		if err == nil && e.Link != "" {
			err = os.Symlink(e.Link, p)
		} else if err == nil {
			err = os.WriteFile(p, nil, 0o644)
		}
		if err != nil {
			c.t.Logf("%q: %v", e.Path, err)
			return // a path that this system doesn't have
		}
	}
	for _, e := range c.order {
		if e.Link == "" {
			continue
		}
		real, err := filepath.EvalSymlinks(at(e.Path))
		if err == nil && real != top && !strings.HasPrefix(real, top+string(filepath.Separator)) {
			c.t.Errorf("%q leads to %q", e.Path, real)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) && !strings.Contains(err.Error(), "not a directory") {
			c.t.Errorf("%q: %v", e.Path, err)
		}
	}
}

func fuzzArtifact(t *testing.T, data []byte, o archive.ArtifactOptions) error {
	c := &careful{t: t, paths: map[string]bool{}}
	err := archive.UnpackArtifactBytes(data, o, c, archive.Limits{Bytes: 1 << 20, Entries: 200})
	if err == nil {
		if len(c.order) == 0 {
			t.Error("nothing in it")
		}
		for _, e := range c.order {
			if e.Link != "" {
				c.build()
				break
			}
		}
	} else if !errors.Is(err, archive.ErrRefused) && !errors.Is(err, archive.ErrCorrupt) && !errors.Is(err, archive.ErrUnsupported) {
		t.Fatalf("error of no kind: %v", err)
	}
	return err
}

func FuzzArtifact(f *testing.F) {
	for _, b := range [][]byte{toolTar(f), gz(toolTar(f)), zst([]byte(script)), xzBlocks(toolTar(f)), unbase64(f, scriptBz2), []byte(script),
		zipOf(f, zipFile{name: "a", content: "x"})} {
		f.Add(b, 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, strip int) {
		_ = fuzzArtifact(t, data, archive.ArtifactOptions{Strip: max(-1, strip%4), Executable: "tool"})
	})
}

func FuzzArtifactTar(f *testing.F) {
	f.Add(tarWith(f, layout("r/d/a", "r/l -> d/a", "r/m => r/d/a", "r/d/up -> ..", "r/n -> d/up/d/a")...), -1)
	f.Add(tarWith(f, layout("d/a", "l -> d", "l/../x -> a", "m -> ../"+strings.Repeat("x/", 60))...), 0)
	f.Add(join(paxEntry('x', "14 linkpath=b\n"), raw("l", '2', "0"), raw("K", 'K', "2"), block("b\x00"), raw("m", '1', "0")), 1)
	f.Fuzz(func(t *testing.T, data []byte, strip int) {
		data = bytes.Clone(data)
		for i := 0; i+512 <= len(data); i += 512 {
			if i == 0 || data[i+257] == 'u' {
				seal(data[i : i+512])
			}
		}
		o := archive.ArtifactOptions{File: "x.tar", Strip: max(-1, strip%4)}
		strict := fuzzArtifact(t, data, o)
		if fuzzArtifact(t, data, archive.Folding(o)) == nil && strict != nil {
			t.Errorf("refused only where case is not folded: %v", strict)
		}
	})
}

// FuzzZip holds the zip reader against archive/zip: whatever is accepted here, archive/zip reads as the
// same files with the same contents.
func FuzzZip(f *testing.F) {
	f.Add(zipOf(f, zipFile{name: "d/"}, zipFile{name: "d/a", content: "hello", mode: 0o100755, deflate: true}, zipFile{name: "l", content: "d/a", mode: 0o120777}), 0)
	f.Add(zipWith(f, func(e *zipTail) { e.zip64 = true }, zipFile{name: "a", content: "x", descriptor: true, deflate: true}), -1)
	f.Add(zipOf(f, zipFile{name: "a", content: "xyz", size: 1<<32 - 1, packed: 1<<32 - 1, extra: zip64Extra(3, 3)}), 0)
	f.Fuzz(func(t *testing.T, data []byte, strip int) {
		o := archive.ArtifactOptions{File: "x.zip", Strip: max(-1, strip%4)}
		if fuzzArtifact(t, data, o) != nil || o.Strip != 0 {
			return
		}
		got := unpacked{files: map[string]string{}}
		if err := archive.UnpackArtifactBytes(data, o, &got, archive.Limits{}); err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			t.Fatalf("archive/zip: %v", err)
		}
		n := 0
		for _, z := range r.File {
			if strings.HasSuffix(z.Name, "/") {
				continue
			}
			n++
			c, err := z.Open()
			if err != nil {
				t.Fatalf("archive/zip: %q: %v", z.Name, err)
			}
			b, err := io.ReadAll(c)
			if err != nil {
				t.Fatalf("archive/zip: %q: %v", z.Name, err)
			}
			mine, ok := got.files[path.Clean(z.Name)]
			mine = strings.TrimPrefix(strings.TrimPrefix(mine, "*"), "->")
			if !ok && bytes.HasPrefix(b, []byte("\x00\x05\x16\x07")) {
				n--
			} else if want := strings.TrimPrefix(strings.TrimPrefix(string(b), "*"), "->"); !ok || mine != want {
				t.Errorf("%q: %q, archive/zip has %q", z.Name, mine, want)
			}
		}
		if n != len(got.files) {
			t.Errorf("%d files, archive/zip has %d", len(got.files), n)
		}
	})
}

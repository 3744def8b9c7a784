package archive_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/archive"
)

// tree makes a folder as a tool's artifact has it.
func tree(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tool-1.0")
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 60_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	for p, f := range map[string]struct {
		content []byte
		mode    fs.FileMode
	}{
		"bin/tool": {self[:300_000], 0o755}, "lib/libtool.so.1.2": {noise, 0o644}, "share/man/tööl.1": {[]byte("manual\n"), 0o644}, "empty": {nil, 0o600},
		"libexec/" + strings.Repeat("long/", 25) + "name": {[]byte(script), 0o700}, "a b/c": {[]byte("blank"), 0o444},
	} {
		path := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	for l, to := range map[string]string{"lib/libtool.so.1": "libtool.so.1.2", "lib/libtool.so": "libtool.so.1", "lib64": "lib", "bin/t": "../lib64/../bin/tool", "bin/dead": "gone"} {
		if err := os.Symlink(to, filepath.Join(dir, l)); err != nil {
			t.Skipf("no links: %v", err)
		}
	}
	return dir
}

func run(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", program, args, err, out)
	}
}

func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("there is no %s", p)
		}
	}
}

// onDisk describes what is in a folder, as the sink described does.
func onDisk(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		rel = filepath.ToSlash(rel)
		if d.Type() == fs.ModeSymlink {
			to, err := os.Readlink(p)
			m[rel] = "->" + to
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(p)
		m[rel] = describe(fi.Size(), fi.Mode()&0o111 != 0, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type described struct{ m map[string]string }

func (d *described) File(e archive.Entry, r io.Reader) error {
	if e.Link != "" {
		d.m[e.Path] = "->" + e.Link
		return nil
	}
	b, err := io.ReadAll(r)
	d.m[e.Path] = describe(int64(len(b)), e.Executable, b)
	return err
}

// unpackFile unpacks without the top folder.
func unpackFile(t *testing.T, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := described{map[string]string{}}
	o := archive.ArtifactOptions{File: filepath.Base(file), Strip: 1, Temp: t.TempDir()}
	if err := archive.UnpackArtifact(f, o, &d, archive.Limits{}); err != nil {
		t.Errorf("%s: %v", filepath.Base(file), err)
	}
	return d.m
}

// TestAgainstTar packs with tar(1) and the compressors, in all their forms, and compares with what
// tar(1) unpacks.
func TestAgainstTar(t *testing.T) {
	t.Parallel()
	need(t, "tar")
	dir := tree(t)
	parent := filepath.Dir(dir)
	raw := filepath.Join(parent, "raw.tar")
	run(t, parent, "tar", "-cf", raw, "tool-1.0")
	want := filepath.Join(t.TempDir(), "want")
	if err := os.Mkdir(want, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, want, "tar", "-xf", raw, "--strip-components", "1")
	for name, tt := range map[string]struct{ file, program, args string }{
		"tar":              {"a.tar", "cat", ""},
		"gzip":             {"a.tar.gz", "gzip", "-c"},
		"xz":               {"a.tar.xz", "xz", "-c0"},
		"xz, blocks":       {"b.tar.xz", "xz", "-c0 --block-size=50000"},
		"xz, two threads":  {"c.tar.xz", "xz", "-c0 -T2 --block-size=100000"},
		"xz, x86 filter":   {"d.txz", "xz", "-c --x86 --lzma2=preset=0"},
		"xz, delta filter": {"e.txz", "xz", "-c --delta=dist=4 --lzma2=preset=0"},
		"xz, SHA-256":      {"f.txz", "xz", "-c0 --check=sha256"},
		"xz, no check":     {"g.txz", "xz", "-c0 --check=none"},
		"zstd":             {"a.tar.zst", "zstd", "-qc"},
		"zstd, long":       {"b.tzst", "zstd", "-qc --long=27"},
		"bzip2":            {"a.tar.bz2", "bzip2", "-c1"},
	} {
		t.Run(name, func(t *testing.T) {
			need(t, tt.program)
			file := filepath.Join(parent, tt.file)
			run(t, parent, "sh", "-c", fmt.Sprintf("%s %s < raw.tar > %s", tt.program, tt.args, tt.file))
			if d := cmp.Diff(onDisk(t, want), unpackFile(t, file)); d != "" {
				t.Error(d)
			}
		})
	}
	need(t, "xz")
	run(t, parent, "sh", "-c",
		"(head -c 300000 raw.tar | xz -c0; printf '\\0\\0\\0\\0'; tail -c +300001 raw.tar | xz -c0 --check=crc32) > two.tar.xz")
	if d := cmp.Diff(onDisk(t, want), unpackFile(t, filepath.Join(parent, "two.tar.xz"))); d != "" {
		t.Errorf("two xz files: %s", d)
	}
}

// TestAgainstTarHardLinks: what tar(1) makes one file of two names is a link here.
func TestAgainstTarHardLinks(t *testing.T) {
	t.Parallel()
	need(t, "tar")
	dir := t.TempDir()
	for _, format := range []string{"gnu", "pax", "ustar"} {
		root := filepath.Join(dir, format)
		if err := os.MkdirAll(filepath.Join(root, "lib"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "a"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(filepath.Join(root, "a"), filepath.Join(root, "lib", "b")); err != nil {
			t.Skipf("no links: %v", err)
		}
		run(t, dir, "tar", "--format", format, "-cf", format+".tar", format)
		got := unpackFile(t, filepath.Join(dir, format+".tar"))
		target := "../a"
		if strings.HasPrefix(got["a"], "->") { // tar takes the files as the folder lists them
			got["a"], got["lib/b"], target = got["lib/b"], got["a"], "lib/b"
		}
		want := map[string]string{"a": describe(int64(len(script)), true, []byte(script)), "lib/b": "->" + target}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", format, d)
		}
	}
}

// TestAgainstZip packs with zip(1) and Python, and compares with what unzip(1) unpacks.
func TestAgainstZip(t *testing.T) {
	t.Parallel()
	dir := tree(t)
	parent := filepath.Dir(dir)
	for name, tt := range map[string]struct {
		programs string
		pack     string
	}{
		"zip":            {"zip", "zip -qry1 a.zip tool-1.0"},
		"zip, stored":    {"zip", "zip -qry0 a.zip tool-1.0"},
		"zip, streamed":  {"zip", "rm -f tool-1.0/bin/dead; zip -qr1 - tool-1.0 | cat > a.zip"},
		"zip, no links":  {"zip", "rm -f tool-1.0/bin/dead; zip -qr1 a.zip tool-1.0"},
		"zip, comment":   {"zip", "echo comment | zip -qry1z a.zip tool-1.0"},
		"Python":         {"python3", "python3 -c 'import shutil; shutil.make_archive(\"a\", \"zip\", \".\", \"tool-1.0\")'"},
		"Python, zip64":  {"python3", "python3 -c 'import zipfile, sys; z = zipfile.ZipFile(\"a.zip\", \"w\"); f = z.open(\"tool-1.0/x\", \"w\", force_zip64=True); f.write(b\"x\"*1000); f.close(); z.close()'"},
		"Python, stream": {"python3", "python3 -c 'import zipfile, sys; z = zipfile.ZipFile(sys.stdout.buffer, \"w\", 8); z.write(\"tool-1.0/bin/tool\"); z.writestr(\"tool-1.0/y\", \"y\"); z.close()' | cat > a.zip"},
	} {
		t.Run(name, func(t *testing.T) {
			need(t, "unzip", tt.programs)
			_ = os.Remove(filepath.Join(parent, "a.zip"))
			run(t, parent, "sh", "-c", tt.pack)
			want := filepath.Join(t.TempDir(), "want")
			if err := os.Mkdir(want, 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, want, "unzip", "-q", filepath.Join(parent, "a.zip"))
			if d := cmp.Diff(onDisk(t, filepath.Join(want, "tool-1.0")), unpackFile(t, filepath.Join(parent, "a.zip"))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRandomLinks makes archives of few names and many links, and follows on the disk what is accepted.
func TestRandomLinks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(words string) string {
		all := strings.Fields(words)
		return all[r.IntN(len(all))]
	}
	path := func(words string, most int) string {
		segments := make([]string, 1+r.IntN(most))
		for i := range segments {
			segments[i] = pick(words)
		}
		return strings.Join(segments, "/")
	}
	accepted := 0
	for range 1000 {
		var lines []string
		for range 2 + r.IntN(8) {
			switch r.IntN(5) {
			case 0:
				lines = append(lines, path("a b c d", 3))
			case 1:
				lines = append(lines, path("a b", 2)+" => "+path("a b", 2))
			default:
				lines = append(lines, path("a b c D", 3)+" -> "+path("a B c d .. .. .", 5))
			}
		}
		data := tarWith(t, layout(lines...)...)
		if fuzzArtifact(t, data, archive.ArtifactOptions{File: "x.tar", Strip: r.IntN(3) - 1}) == nil {
			accepted++
		}
		if t.Failed() {
			t.Fatalf("%q", lines)
		}
	}
	if accepted < 50 {
		t.Errorf("only %d were accepted", accepted)
	}
}

// TestXZDamaged cuts and flips xz data everywhere: nothing wrong is ever taken for right.
func TestXZDamaged(t *testing.T) {
	t.Parallel()
	good := xzBlocks([]byte(script), bytes.Repeat([]byte("text "), 50), nil)
	good = append(good, xzBlocks([]byte("more"))...)
	check := func(data []byte, what string, i int) {
		var u unpacked
		u.files = map[string]string{}
		err := archive.UnpackArtifactBytes(data, archive.ArtifactOptions{File: "a.xz"}, &u, archive.Limits{})
		if err == nil {
			t.Errorf("%s at %d is not seen", what, i)
		}
	}
	first := len(good) - len(xzBlocks([]byte("more")))
	for i := range good {
		if i != first { // there another file might follow
			check(good[:i], "cut off", i)
		}
		flipped := bytes.Clone(good)
		flipped[i] ^= 1 << (i % 8)
		check(flipped, "flipped", i)
	}
}

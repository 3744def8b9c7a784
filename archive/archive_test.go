package archive_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/pantry-go/pantry/archive"
)

// gz compresses.
func gz(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

// tarOf makes a tar archive of headers; a file's content is as many "x" as its size says.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		if _, err := io.WriteString(w, strings.Repeat("x", int(h.Size))); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 3} }

// raw makes one header block by hand, for what archive/tar refuses to write.
func raw(name string, kind byte, size string) []byte {
	b := make([]byte, 512)
	copy(b, name)
	copy(b[100:], "0000644\x00")
	copy(b[124:], size)
	b[156] = kind
	copy(b[257:], "ustar\x0000")
	return seal(b)
}

// seal sets the checksum of a header block.
func seal(b []byte) []byte {
	copy(b[148:], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

func block(s string) []byte {
	b := []byte(s)
	return append(b, make([]byte, -len(b)&511)...)
}

func join(parts ...[]byte) []byte {
	return bytes.Join(append(parts, make([]byte, 1024)), nil)
}

// paxEntry is a PAX header with the given records.
func paxEntry(kind byte, records string) []byte {
	return append(raw("PaxHeader", kind, fmt.Sprintf("%011o", len(records))), block(records)...)
}

// unpack returns the files as "path" -> content, "*" before the content of executable ones, and
// checks that memory, a reader and a slow reader give the same.
func unpack(t testing.TB, packed []byte, lim archive.Limits) (map[string]string, error) {
	t.Helper()
	collect := func(m map[string]string) archive.Sink {
		return archive.SinkFunc(func(e archive.Entry, r io.Reader) error {
			b, err := io.ReadAll(r)
			if err == nil && int64(len(b)) != e.Size {
				err = fmt.Errorf("%s: %d bytes instead of %d", e.Path, len(b), e.Size)
			}
			m[e.Path] = map[bool]string{true: "*"}[e.Executable] + string(b)
			return err
		})
	}
	got := map[string]string{}
	err := archive.UnpackNPMBytes(packed, collect(got), lim)
	for name, r := range map[string]io.Reader{"reader": bytes.NewReader(packed),
		"slow reader": iotest.OneByteReader(bytes.NewReader(packed))} {
		again := map[string]string{}
		err2 := archive.UnpackNPM(r, collect(again), lim)
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%s: error %v, from memory %v", name, err2, err)
		}
		if err == nil && !maps.Equal(got, again) {
			t.Errorf("%s: %v, from memory %v", name, again, got)
		}
	}
	return got, err
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long/", 40) + "name.js"
	tests := map[string]struct {
		tar  []byte
		want []string
	}{
		"package":               {tarOf(t, file("package/package.json"), file("package/lib/a.js")), []string{"lib/a.js", "package.json"}},
		"any root folder":       {tarOf(t, file("react/index.d.ts")), []string{"index.d.ts"}},
		"several root folders":  {tarOf(t, file("a/x"), file("b/y")), []string{"x", "y"}},
		"no root folder":        {tarOf(t, file("x"), file("package/y")), []string{"y"}},
		"dot is a root folder":  {tarOf(t, file("./package.json"), file("./package/x")), []string{"package.json", "package/x"}},
		"segments of no effect": {tarOf(t, file("package/a/./b//c.js")), []string{"a/b/c.js"}},
		"folders": {tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "package/"},
			tar.Header{Typeflag: tar.TypeDir, Name: "package/lib/"}, file("package/lib/a")), []string{"lib/a"}},
		"long name, PAX":       {tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "package/" + long + "/é", Size: 3, Format: tar.FormatPAX}), []string{long + "/é"}},
		"long name, GNU":       {tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "package/" + long, Size: 3, Format: tar.FormatGNU}), []string{long}},
		"prefix, ustar":        {tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "package/" + long, Size: 3, Format: tar.FormatUSTAR}), []string{long}},
		"old header":           {join(seal(slices.Replace(raw("package/a", 0, "3"), 257, 265, make([]byte, 8)...)), block("xxx")), []string{"a"}},
		"old folder":           {join(raw("package/lib/", '0', "0"), raw("package/lib/a", '7', "3"), block("xxx")), []string{"lib/a"}},
		"folder size":          {join(raw("package/lib/", '5', "10000"), raw("package/a", '0', "3"), block("xxx")), []string{"a"}},
		"base 256":             {join(raw("package/a", '0', "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03"), block("xxx")), []string{"a"}},
		"blanks":               {join(raw("package/a", '0', "          3 "), block("xxx")), []string{"a"}},
		"commit comment":       {join(paxEntry('g', "20 comment=abcdefgh\n"), raw("package/a", '0', "3"), block("xxx")), []string{"a"}},
		"PAX size":             {join(paxEntry('x', "9 size=3\n"), raw("package/a", '0', "0"), block("xxx")), []string{"a"}},
		"no end":               {append(raw("package/a", '0', "3"), block("xxx")...), []string{"a"}},
		"no padding":           {append(raw("package/a", '0', "3"), "xxx"...), []string{"a"}},
		"one zero block":       {append(append(raw("package/a", '0', "3"), block("xxx")...), make([]byte, 512)...), []string{"a"}},
		"long zero end":        {append(join(raw("package/a", '0', "3"), block("xxx")), make([]byte, 1_000_001)...), []string{"a"}},
		"empty":                {tarOf(t), nil},
		"nothing at all":       {nil, nil},
		"folders of two cases": {tarOf(t, file("package/Lib/a"), file("package/lib/b")), []string{"Lib/a", "lib/b"}},
		"twice the same":       {tarOf(t, file("package/a"), file("package/b"), file("package/./a")), []string{"a", "b"}},
		"colon":                {tarOf(t, file("package/ab:c")), []string{"ab:c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := unpack(t, gz(tt.tar), archive.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, slices.Sorted(maps.Keys(got))); d != "" {
				t.Error(d)
			}
			for p, c := range got {
				if c != "xxx" {
					t.Errorf("%s: %q", p, c)
				}
			}
		})
	}
}

func TestExecutable(t *testing.T) {
	t.Parallel()
	for mode, want := range map[int64]bool{0o644: false, 0o755: true, 0o100: true, 0o610: true, 0o601: true, 0o7666: false} {
		got, err := unpack(t, gz(tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "p/a", Size: 3, Mode: mode})), archive.Limits{})
		if err != nil || strings.HasPrefix(got["a"], "*") != want {
			t.Errorf("mode %o: %v %v, want executable %v", mode, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	link := func(kind byte, name, to string) []byte {
		return tarOf(t, tar.Header{Typeflag: kind, Name: name, Linkname: to})
	}
	small := archive.Limits{Bytes: 8000, File: 1000, Entries: 4, Path: 20, Depth: 3}
	tests := map[string]struct {
		tar  []byte
		lim  archive.Limits
		want string // in the message
	}{
		"dot dot":                 {tar: tarOf(t, file("package/../../etc/passwd")), want: `entry "package/../../etc/passwd": ".." in its path`},
		"dot dot first":           {tar: tarOf(t, file("../x")), want: `".."`},
		"dot dot folder":          {tar: tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "package/../"}), want: `".."`},
		"dot dot in PAX":          {tar: join(paxEntry('x', "20 path=p/../../abc\n"), raw("p/a", '0', "0")), want: `".."`},
		"absolute":                {tar: tarOf(t, file("/etc/passwd")), want: "absolute"},
		"absolute within":         {tar: tarOf(t, file("package//etc/passwd")), want: "absolute behind the root folder"},
		"backslash":               {tar: tarOf(t, file(`package/..\..\x`)), want: "backslash"},
		"control":                 {tar: tarOf(t, file("package/a\x1b[2J")), want: `"package/a\x1b[2J": a control character`},
		"C1 control":              {tar: tarOf(t, file("package/a\u009b2J")), want: "a control character"},
		"not UTF-8":               {tar: join(raw("package/\xff", '0', "0")), want: "not UTF-8"},
		"drive":                   {tar: tarOf(t, file("C:/x")), want: "drive letter"},
		"drive within":            {tar: tarOf(t, file("package/c:x")), want: "drive letter"},
		"symlink":                 {tar: link(tar.TypeSymlink, "package/a", "/etc"), want: `entry "package/a": it is a symbolic link`},
		"hard link":               {tar: link(tar.TypeLink, "package/a", "package/b"), want: "a hard link"},
		"character device":        {tar: link(tar.TypeChar, "package/a", ""), want: "a character device"},
		"block device":            {tar: link(tar.TypeBlock, "package/a", ""), want: "a block device"},
		"fifo":                    {tar: link(tar.TypeFifo, "package/a", ""), want: "a fifo"},
		"sparse":                  {tar: join(raw("package/a", 'S', "0")), want: "a sparse file"},
		"sparse in PAX":           {tar: join(paxEntry('x', "22 GNU.sparse.major=1\n"), raw("p/a", '0', "0")), want: "sparse"},
		"unknown type":            {tar: join(raw("package/a", 'Z', "0")), want: `unknown type 'Z'`},
		"global path":             {tar: join(paxEntry('g', "12 path=p/a\n"), raw("p/b", '0', "0")), want: "global extended header"},
		"two files":               {tar: tarOf(t, file("package/a"), tar.Header{Typeflag: tar.TypeReg, Name: "package/a", Size: 4}), want: "same path"},
		"two files by roots":      {tar: join(raw("p/a", '0', "3"), block("xxx"), raw("q/a", '0', "3"), block("xxy")), want: "same path"},
		"case":                    {tar: tarOf(t, file("package/README"), file("package/readme")), want: `"README"`},
		"case, not ASCII":         {tar: tarOf(t, file("package/É"), file("package/é")), want: "case or Unicode"},
		"normalisation":           {tar: tarOf(t, file("package/\u00e9"), file("package/e\u0301")), want: "case or Unicode"},
		"Kelvin sign":             {tar: tarOf(t, file("package/\u212a"), file("package/k")), want: "case or Unicode"},
		"file as folder":          {tar: tarOf(t, file("package/a"), file("package/a/b")), want: `needs "a" as a folder`},
		"folder as file":          {tar: tarOf(t, file("package/a/b/c"), file("package/a")), want: "needs it as a folder"},
		"file as folder, by case": {tar: tarOf(t, file("package/a"), file("package/A/b")), want: "as a folder"},
		"file as explicit folder": {tar: tarOf(t, file("package/a"), tar.Header{Typeflag: tar.TypeDir, Name: "package/a/"}), want: "as a folder"},
		"explicit folder as file": {tar: tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "package/a/"}, file("package/a")), want: "as a folder"},
		"long name":               {tar: tarOf(t, file("package/"+strings.Repeat("a", 256))), want: "longer than 255"},
		"long path":               {tar: tarOf(t, file("package/aaaaaaaaaa/bbbbbbbbbb")), lim: small, want: "longer than 20 bytes"},
		"deep":                    {tar: tarOf(t, file("package/a/b/c/d")), lim: small, want: "deeper than 3 folders"},
		"entries":                 {tar: tarOf(t, file("p/a"), file("p/b"), file("p/c"), file("p/d"), file("p/e")), lim: small, want: "more than 4 entries"},
		"large file":              {tar: tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "p/a", Size: 1001}), lim: small, want: "larger than 1000 bytes"},
		"large":                   {tar: append(tarOf(t), make([]byte, 8001)...), lim: small, want: "more than 8000 bytes"},
		"huge file":               {tar: join(raw("p/a", '0', "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")), want: "larger than"},
		"bomb":                    {tar: append(tarOf(t), make([]byte, 24<<20)...), want: "more than 200 times"},
		"huge header":             {tar: join(raw("p/a", 'x', "77777777777")), want: "extended header of more than"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := unpack(t, gz(tt.tar), tt.lim)
			if !errors.Is(err, archive.ErrRefused) || errors.Is(err, archive.ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrRefused with %q", err, tt.want)
			}
		})
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	good := tarOf(t, file("package/a"), tar.Header{Typeflag: tar.TypeReg, Name: "package/b", Size: 5000})
	packed := gz(good)
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[(at+len(b))%len(b)] ^= 0xff
		return b
	}
	pax := func(records string) []byte { return gz(join(paxEntry('x', records), raw("p/a", '0', "0"))) }
	tests := map[string]struct {
		packed []byte
		want   string
	}{
		"empty":                {nil, "not gzip data"},
		"HTML":                 {[]byte("<!doctype html><html></html>"), "not gzip data"},
		"tar without gzip":     {good, "not gzip data"},
		"cut off":              {packed[:len(packed)-9], "cut off"},
		"cut off in trailer":   {packed[:len(packed)-1], "cut off"},
		"cut off in header":    {packed[:5], "not gzip data"},
		"checksum":             {flip(packed, -8), "wrong gzip checksum"},
		"length":               {flip(packed, -1), "wrong gzip checksum or length"},
		"reserved flag":        {flip(packed, 3), "not gzip data"},
		"garbage behind":       {append(bytes.Clone(packed), "garbage"...), "data after the end of the gzip stream"},
		"garbage behind zeros": {append(bytes.Clone(packed), "\x00\x00\x00x"...), "data after the end of the gzip stream"},
		"half a member behind": {append(bytes.Clone(packed), packed[:20]...), "cut off"},
		"tar cut off in file":  {gz(good[:2000]), "the tar archive is cut off"},
		"tar cut off in head":  {gz(good[:700]), "the tar archive is cut off"},
		"tar cut off in pad":   {gz(good[:600]), "the tar archive is cut off"},
		"data behind":          {gz(append(bytes.Clone(good), "data"...)), "data after the end of the tar archive"},
		"header behind":        {gz(append(bytes.Clone(good), good...)), "data after the end of the tar archive"},
		"header checksum":      {gz(flip(good, 3)), "no valid tar header"},
		"size":                 {gz(join(raw("p/a", '0', "12x"))), "number"},
		"negative size":        {gz(join(raw("p/a", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))), "number"},
		"size overflow":        {gz(join(raw("p/a", '0', "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))), "number"},
		"folder with content":  {gz(join(raw("p/a/", '0', "3"), block("xxx"))), "a directory with content"},
		"PAX without newline":  {pax("10 size=34"), "malformed extended header"},
		"PAX without equals":   {pax("8 size3\n"), "malformed extended header"},
		"PAX without key":      {pax("5 =3\n"), "malformed extended header"},
		"PAX length too long":  {pax("99 size=3\n"), "malformed extended header"},
		"PAX length zero":      {pax("0 size=3\n"), "malformed extended header"},
		"PAX length negative":  {pax("-9 size=3\n"), "malformed extended header"},
		"PAX length no number": {pax("x size=3\n"), "malformed extended header"},
		"PAX size no number":   {pax("11 size=+3\n"), "ambiguous size"},
		"PAX size negative":    {pax("11 size=-3\n"), "ambiguous size"},
		"PAX size overflow":    {pax("28 size=9999999999999999999\n"), "ambiguous size"},
		"PAX size twice":       {pax("9 size=0\n9 size=3\n"), "ambiguous size"},
		"PAX path twice":       {pax("12 path=p/a\n12 path=p/b\n"), "ambiguous path"},
		"PAX path empty":       {pax("8 path=\n"), "ambiguous path"},
		"PAX path with NUL":    {pax("14 path=p/a\x00b\n"), "ambiguous path"},
		"PAX twice":            {gz(join(paxEntry('x', "9 size=0\n"), paxEntry('x', "9 size=0\n"), raw("p/a", '0', "0"))), "two extended headers"},
		"PAX at the end":       {gz(join(paxEntry('x', "9 size=0\n"))), "an extended header at the end"},
		"GNU and PAX name":     {gz(join(raw("L", 'L', "4"), block("p/b\x00"), paxEntry('x', "12 path=p/a\n"), raw("p/c", '0', "0"))), "ambiguous path"},
		"GNU name empty":       {gz(join(raw("L", 'L', "0"), raw("p/c", '0', "0"))), "an empty name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := unpack(t, tt.packed, archive.Limits{})
			if !errors.Is(err, archive.ErrCorrupt) || errors.Is(err, archive.ErrRefused) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrCorrupt with %q", err, tt.want)
			}
		})
	}
}

func TestGzipForms(t *testing.T) {
	t.Parallel()
	data := tarOf(t, file("package/a"), tar.Header{Typeflag: tar.TypeReg, Name: "package/b", Size: 5000})
	named := func() []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Name, w.Comment, w.Extra = "package.tar", "a comment", []byte("extra")
		_, _ = w.Write(data)
		_ = w.Close()
		return b.Bytes()
	}
	tests := map[string][]byte{
		"with name, comment, extra": named(),
		"members":                   append(gz(data[:700]), gz(data[700:])...),
		"empty member":              append(gz(nil), gz(data)...),
		"zero padding":              append(gz(data), make([]byte, 100_000)...),
	}
	for name, packed := range tests {
		got, err := unpack(t, packed, archive.Limits{})
		if err != nil || got["a"] != "xxx" || len(got["b"]) != 5000 {
			t.Errorf("%s: %d files, %v", name, len(got), err)
		}
	}
}

// TestLargeFiles goes through the window: files larger than it, of every alignment.
func TestLargeFiles(t *testing.T) {
	t.Parallel()
	for _, size := range []int{256<<10 - 1, 256 << 10, 256<<10 + 1, 1 << 20} {
		content := synthetic(t, size/8000+1, 8000)
		var b bytes.Buffer
		files := []archive.PackFile{{Path: "a", Content: []byte("first")},
			{Path: "b", Content: bytes.Repeat(content, size/len(content)+1)[:size]}, {Path: "c", Content: []byte("last")}}
		if err := archive.Pack(&b, files); err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]io.Reader{"reader": &b, "half reader": iotest.HalfReader(bytes.NewReader(b.Bytes()))} {
			got := map[string]string{}
			err := archive.UnpackNPM(r, summer(got), archive.Limits{})
			if err != nil || len(got) != 3 || got["b"] != describe(int64(size), false, files[1].Content) {
				t.Errorf("%d bytes, %s: %v, %v", size, name, got, err)
			}
		}
	}
}

// TestUnreadContent: a sink needn't read.
func TestUnreadContent(t *testing.T) {
	t.Parallel()
	packed := gz(tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "p/a", Size: 1 << 20}, file("p/b")))
	var got []string
	err := archive.UnpackNPM(bytes.NewReader(packed), archive.SinkFunc(func(e archive.Entry, r io.Reader) error {
		got = append(got, e.Path)
		_, err := io.ReadFull(r, make([]byte, 2))
		return err
	}), archive.Limits{})
	if err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestErrorsOfOthers(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	noise := make([]byte, 2<<20) // more than is read before unpacking begins
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	var packed bytes.Buffer
	if err := archive.Pack(&packed, []archive.PackFile{{Path: "noise", Content: noise}}); err != nil {
		t.Fatal(err)
	}
	large := packed.Bytes()
	for name, cut := range map[string]int{"small": 700, "large": 1<<20 + 5000, "at once": 0} {
		r := io.MultiReader(bytes.NewReader(large[:cut]), iotest.ErrReader(broken))
		if err := archive.UnpackNPM(r, discard, archive.Limits{}); err != broken {
			t.Errorf("reader, %s: %v", name, err)
		}
	}
	full := errors.New("disk full")
	for _, size := range []int64{3, 1 << 20} {
		packed := gz(tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: "p/a", Size: size}))
		sink := archive.SinkFunc(func(archive.Entry, io.Reader) error { return full })
		if err := archive.UnpackNPM(bytes.NewReader(packed), sink, archive.Limits{}); err != full {
			t.Errorf("sink, %d bytes: %v", size, err)
		}
	}
}

// TestTwiceMany: comparing a repeated file costs another pass, so it is bounded.
func TestTwiceMany(t *testing.T) {
	t.Parallel()
	headers := []tar.Header{file("p/a")}
	for range 8 {
		headers = append(headers, file("p/a"))
	}
	if _, err := unpack(t, gz(tarOf(t, headers...)), archive.Limits{}); err != nil {
		t.Errorf("8 times again: %v", err)
	}
	if _, err := unpack(t, gz(tarOf(t, append(headers, file("p/a"))...)), archive.Limits{}); !errors.Is(err, archive.ErrRefused) {
		t.Errorf("9 times again: %v", err)
	}
}

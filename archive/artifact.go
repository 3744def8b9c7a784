package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// ArtifactOptions says what an artifact is.
type ArtifactOptions struct {
	// File is the artifact's file name. Its extension tells the format, and the first bytes must
	// agree; see [UnpackArtifact]. "" leaves it to the bytes alone.
	File string
	// Strip is how many leading path segments are dropped of every entry of an archive; what has no
	// more than those is left out. -1 drops a single top folder, if everything is in one.
	Strip int
	// Executable names the program in an artifact that is one program and no archive; "" makes it
	// File without the extension of its compression. A Windows program gets ".exe" if it lacks it.
	Executable string
	// Temp is the folder for a temporary copy of a zip archive that isn't in memory; "" means that of
	// the system. Nothing stays in it.
	Temp string

	folds bool // unpack as on a system whose file systems fold case
}

// Rooter is a [Sink] that can drop a top folder: UnpackArtifact needs one for a Strip of -1.
type Rooter interface {
	Sink
	// SetRoot makes dir, which holds everything that File was given, the root. It is called once
	// at most, after the last File.
	SetRoot(dir string) error
}

// UnpackArtifact gives the files of a tool's artifact to sink. It is for what projects attach to
// their releases:
//
//   - archives: .tar, .tar.gz (.tgz), .tar.xz (.txz), .tar.zst (.tzst), .tar.bz2 (.tbz2, .tbz), .zip
//   - one compressed program: .gz, .xz, .zst, .bz2
//   - one program as it is, under any other name: ELF (an AppImage too), Mach-O, PE, or a script that
//     begins with "#!"
//
// The rules are those of [UnpackNPM], with these exceptions. Symbolic links are allowed if they are
// relative and lead, read as text and followed through all other links, to something within the
// artifact (as it is without the segments that were stripped); it need not be there. No entry may
// stand below a link. A hard link to a regular file that came before becomes a symbolic link to it,
// since the content is gone by then; any other one is refused. sink gets the links after all files.
// No path may stand there twice; but on systems whose file systems tell case apart, paths that differ
// only in case may, as the headers of Linux do. AppleDouble files ("._name"), in which macOS keeps
// attributes of the files beside them, are left out, and so are empty folders. An artifact without any
// file is refused.
//
// An archive's files are executable if it says so. In a zip archive that tells no modes, or has no
// executable file at all, programs are, by their first bytes.
//
// Of a zip archive only what its central directory lists is read, and its own headers must agree.
// Encrypted and overlapping entries are refused; zip64 is read within the limits.
//
// r is read to its end. Errors match [ErrRefused], [ErrCorrupt] or [ErrUnsupported], or are those of
// r, of sink, or of the temporary file.
func UnpackArtifact(r io.Reader, o ArtifactOptions, sink Sink, lim Limits) error {
	head := packedPool.Get().(*[]byte)
	defer packedPool.Put(head)
	src := &source{r: r}
	n, err := io.ReadFull(src, *head)
	switch {
	case src.err != nil:
		return src.err
	case err != nil: // that was all
		return UnpackArtifactBytes((*head)[:n], o, sink, lim)
	}
	err = unpackArtifact(*head, src, o, sink, lim)
	if src.err != nil {
		return src.err
	}
	if err != nil {
		return err
	}
	rest, err := io.Copy(io.Discard, src)
	if err == nil && rest > 0 {
		err = corrupt("", "data after its end")
	}
	return err
}

// UnpackArtifactBytes is [UnpackArtifact] of an artifact that is in memory. It doesn't keep packed.
func UnpackArtifactBytes(packed []byte, o ArtifactOptions, sink Sink, lim Limits) error {
	return unpackArtifact(packed, nil, o, sink, lim)
}

// artifact is what one call of UnpackArtifact works with.
type artifact struct {
	opts ArtifactOptions
	lim  Limits
	sink Sink
	head []byte  // all of it, or what it begins with
	src  *source // what follows; nil if that was all
}

func unpackArtifact(head []byte, src *source, o ArtifactOptions, sink Sink, lim Limits) error {
	a := &artifact{opts: o, lim: lim.withDefaults(), sink: sink, head: head, src: src}
	f, err := o.format()
	if err != nil {
		return err
	}
	if _, ok := sink.(Rooter); o.Strip < 0 && f.shape != single && !ok {
		return errors.New("archive: this sink cannot drop a top folder")
	}
	if f, err = f.agree(head); err != nil {
		return err
	}
	if f.shape == zipped {
		return a.unzip()
	}
	w := windowPool.Get().(*window)
	defer w.close()
	z, done, err := a.unpacker(w, f.packing)
	if err != nil {
		return err
	}
	defer done()
	w.open(z, func(out int64) error { return a.lim.check(out, a.read()) })
	return a.stream(w, f)
}

// read is how many bytes of the artifact were read so far.
func (a *artifact) read() int64 {
	if a.src == nil {
		return int64(len(a.head))
	}
	return a.src.n
}

// all gives the artifact from its first byte on.
func (a *artifact) all() io.Reader {
	if a.src == nil {
		return bytes.NewReader(a.head)
	}
	return io.MultiReader(bytes.NewReader(a.head), a.src)
}

// stream unpacks what isn't compressed any more.
func (a *artifact) stream(w *window, f format) error {
	head, err := w.peek(blockSize)
	if err != nil && err != io.EOF {
		return err
	}
	is := sniff(head)
	switch {
	case is == isTar && f.shape != single:
		return a.untar(w)
	case f.shape == tarred:
		return corrupt("", "its name says that it is a tar archive, and it holds %s", is)
	case !is.program():
		return notProgram(is, f)
	}
	return a.program(w, is)
}

func notProgram(is content, f format) error {
	switch {
	case is == isTar:
		return corrupt("", "its name says that it is no archive, and it holds %s", is)
	case is == isOther && f.packing == plain:
		return corrupt("", "it is neither an archive nor a program")
	case is == isOther:
		return corrupt("", "what is compressed in it is neither a tar archive nor a program")
	}
	return corrupt("", "it holds %s, and no program", is)
}

func (a *artifact) untar(w *window) error {
	t := a.walker()
	defer t.names.free()
	t.w = w
	if err := t.all(); err != nil {
		return err
	}
	return t.finish()
}

func (a *artifact) walker() walker {
	t := walker{sink: a.sink, lim: a.lim, art: &tree{opts: a.opts}}
	t.names.init()
	t.names.exact = !foldsCase && !a.opts.folds
	return t
}

// program gives the one program to the sink.
func (a *artifact) program(w *window, is content) error {
	name, err := a.opts.program()
	if err != nil {
		return err
	}
	if is == isPE && !hasSuffixFold(name, ".exe") {
		name += ".exe"
	}
	e := Entry{Path: name, Executable: true, Size: -1}
	if b, err := w.peek(windowSize); err == io.EOF {
		e.Size = int64(len(b))
	}
	s := &remainder{w: w, most: a.lim.File}
	err = a.sink.File(e, s)
	if err == nil {
		_, err = s.WriteTo(io.Discard)
	}
	if s.err != nil && s.err != io.EOF {
		return s.err
	}
	return err
}

// program is the name of the artifact's only program.
func (o ArtifactOptions) program() (string, error) {
	name := o.Executable
	if name == "" {
		name = baseName(o.File)
		for _, ext := range []string{".gz", ".xz", ".zst", ".bz2"} {
			if len(name) > len(ext) && hasSuffixFold(name, ext) {
				name = name[:len(name)-len(ext)]
				break
			}
		}
	}
	clean, reason := cleanWhole(nil, []byte(name))
	if reason == "" && (string(clean) != name || strings.Contains(name, "/")) {
		reason = "it is no name of a file"
	}
	if reason != "" {
		return "", refused(name, "%s, and the program needs a name", reason)
	}
	return name, nil
}

// Layout is a text that says what of the options shapes the result: those with the same Layout unpack
// the same bytes to the same files. It names what was made of an artifact, and is never read.
func (o ArtifactOptions) Layout() string {
	const rules = "artifact 1" // another number when the rules change
	name, err := o.program()
	if err != nil {
		name = o.Executable
	}
	f, err := o.format()
	switch {
	case err != nil || f.shape == anything:
		return fmt.Sprintf("%s any strip=%d name=%q", rules, o.Strip, name)
	case f.shape == single:
		return fmt.Sprintf("%s program name=%q", rules, name)
	}
	return fmt.Sprintf("%s tree strip=%d", rules, o.Strip)
}

func baseName(file string) string {
	if file == "" {
		return ""
	}
	return path.Base(file)
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

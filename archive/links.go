package archive

import (
	"bytes"
	"io"
	"path"
	"strings"
)

// maxHops is how many links may be followed for one path. Linux gives up after 40.
const maxHops = 40

// tree is what an artifact's archive holds, besides the files that went to the sink.
type tree struct {
	opts  ArtifactOptions
	files int
	root  string // what everything was in so far
	mixed bool   // there are several such folders, or a file in none
	links []link
}

// link is a symbolic link. It is given to the sink when everything else is known.
type link struct {
	entry        string // as the archive spells it
	path, target string
	state        linkState
	final        string // where it leads in the end
	hops         int    // links that are followed on the way
}

type linkState uint8

const (
	unknown linkState = iota
	following
	known
)

// saw notes the path of a file or link.
func (t *tree) saw(path string) {
	if t.mixed || t.opts.Strip >= 0 {
		return
	}
	root, _, ok := strings.Cut(path, "/")
	if t.files+len(t.links) == 0 {
		t.root = root
	}
	t.mixed = !ok || root != t.root
}

// artifactFile gives a file to the sink, unless it is a macOS attachment.
func (t *walker) artifactFile(e Entry) error {
	if skip, err := t.appleDouble(e); skip || err != nil {
		return err
	}
	t.art.saw(e.Path)
	t.art.files++
	return t.give(e)
}

// appleDouble skips a file in which macOS keeps attributes of another one.
func (t *walker) appleDouble(e Entry) (bool, error) {
	const magic = "\x00\x05\x16\x07"
	if e.Size < int64(len(magic)) || !strings.HasPrefix(path.Base(e.Path), "._") {
		return false, nil
	}
	b, err := t.w.peek(len(magic))
	if err != nil {
		return false, cutOff(err)
	}
	if string(b) != magic {
		return false, nil
	}
	return true, t.w.skip(e.Size)
}

// link notes a symbolic link, or a hard link as one.
func (t *walker) link(h header) error {
	name := string(h.name)
	at, err := t.clean(h.name)
	if err != nil {
		return err
	}
	if h.size != 0 {
		return corrupt(name, "a link with content")
	}
	if at == "" {
		return nil
	}
	target := string(h.link)
	if h.kind == typeHardLink {
		if target, err = t.hardLink(at, h); err != nil {
			return err
		}
	}
	return t.addLink(at, target, name)
}

func (t *walker) addLink(at, target, name string) error {
	if reason := t.badTarget(target); reason != "" {
		return refused(name, "%s", reason)
	}
	_, again, err := t.names.file(at, []byte(name), -1-int64(len(t.art.links)), 0)
	if err != nil {
		return err
	}
	if again {
		return refused(name, "another entry of the same path came before")
	}
	t.art.saw(at)
	t.art.links = append(t.art.links, link{entry: name, path: at, target: target})
	return nil
}

// badTarget says why a link cannot lead where it does, wherever it stands.
func (t *walker) badTarget(target string) string {
	b := []byte(target)
	switch {
	case target == "":
		return "a link that leads nowhere"
	case target[0] == '/':
		return "a link to the absolute path " + quote(target)
	case len(target) > t.lim.Path:
		return "a link to a path that is too long"
	case countSegments(b) > t.lim.Depth:
		return "a link to a path of too many folders"
	}
	if badBytes(b) != "" {
		return "a link to " + quote(target) + ", which is no path that could be here"
	}
	for seg := range bytes.SplitSeq(b, []byte{'/'}) {
		if string(seg) == ".." {
			continue
		}
		if reason := badSegment(seg, windows); reason != "" {
			return "a link to " + quote(target) + ", which is no path that could be here"
		}
	}
	return ""
}

// hardLink finds the file that a hard link is another name of, and the way there.
func (t *walker) hardLink(at string, h header) (string, error) {
	name := string(h.name)
	to, err := t.clean(h.link)
	if err != nil || to == "" {
		return "", refused(name, "a hard link to %s, which is not in the artifact", quote(string(h.link)))
	}
	if p, ok := t.names.known[t.names.key(to)]; !ok || p.dir || p.at < 0 || p.path != to {
		return "", refused(name, "a hard link to %s, and no file of that path came before", quote(string(h.link)))
	}
	return relative(path.Dir(at), to), nil
}

// relative is the way from a folder to a path; both are clean, and "." is the root.
func relative(dir, to string) string {
	if dir == "." {
		return to
	}
	from := strings.Split(dir, "/")
	for len(from) > 0 && strings.HasPrefix(to, from[0]+"/") {
		to, from = to[len(from[0])+1:], from[1:]
	}
	return strings.Repeat("../", len(from)) + to
}

// finish checks the links, gives them to the sink, and drops the top folder if that is wanted.
func (t *walker) finish() error {
	art := t.art
	if art.files+len(art.links) == 0 {
		if art.opts.Strip > 0 {
			return refused("", "nothing is left of it without its first %d path segments", art.opts.Strip)
		}
		return refused("", "there is no file in it")
	}
	root := ""
	if art.opts.Strip < 0 && !art.mixed {
		root = art.root
	}
	if err := checkLinks(art.links, &t.names, root); err != nil {
		return err
	}
	for _, l := range art.links {
		if err := t.sink.File(Entry{Path: l.path, Link: l.target}, nothing{}); err != nil {
			return err
		}
	}
	if root == "" {
		return nil
	}
	return t.sink.(Rooter).SetRoot(root)
}

// nothing is the content of a link.
type nothing struct{}

func (nothing) Read([]byte) (int, error)         { return 0, io.EOF }
func (nothing) WriteTo(io.Writer) (int64, error) { return 0, nil }

// follower follows links as a file system does: one that folds case, or one that doesn't and finds
// fewer of them. Where two paths differ only in case it must be one that doesn't, for on another
// the second one cannot be made.
type follower struct {
	links  []link
	names  *names
	root   string
	folded map[string]int // folded path -> link, if names are exact
}

// checkLinks refuses links of which one leads out of root, as text or over other links, or nowhere
// because they lead in a circle. No entry stands below a link, so the folder of each is a real one.
func checkLinks(links []link, n *names, root string) error {
	f := &follower{links: links, names: n, root: root}
	if n.exact {
		f.folded = make(map[string]int, len(links))
		for i, l := range links {
			f.folded[fold(l.path)] = i
		}
	}
	for i := range links {
		l := &links[i]
		if to := path.Join(path.Dir(f.within(l.path)), l.target); to == ".." || strings.HasPrefix(to, "../") {
			return f.escapes(l)
		}
		if err := f.follow(i, 0); err != nil {
			return err
		}
	}
	return nil
}

// within is a path without the root.
func (f *follower) within(p string) string {
	if f.root == "" {
		return p
	}
	return strings.TrimPrefix(p, f.root+"/")
}

func (f *follower) escapes(l *link) error {
	return refused(l.entry, "a link to %s, which is outside of the artifact", quote(l.target))
}

// link finds the link that stands at a path.
func (f *follower) link(at string) (int, bool) {
	if p, ok := f.names.known[f.names.key(at)]; ok {
		return int(-1 - p.at), p.at < 0
	}
	i, ok := f.folded[fold(at)]
	return i, ok
}

// follow finds where a link leads in the end.
func (f *follower) follow(i, depth int) error {
	l := &f.links[i]
	switch {
	case l.state == known:
		return nil
	case l.state == following || depth > maxHops:
		return refused(l.entry, "a link that leads over too many links, or in a circle")
	}
	l.state, l.hops = following, 1
	at := path.Dir(l.path)
	for seg := range strings.SplitSeq(l.target, "/") {
		switch seg {
		case "", ".":
			continue
		case "..":
			if at == "." || at == f.root {
				return f.escapes(l)
			}
			at = path.Dir(at)
			continue
		}
		at = path.Join(at, seg)
		j, ok := f.link(at)
		if !ok {
			continue
		}
		if err := f.follow(j, depth+1); err != nil {
			return err
		}
		at = f.links[j].final
		if l.hops += f.links[j].hops; l.hops > maxHops {
			return refused(l.entry, "a link that leads over too many links, or in a circle")
		}
	}
	l.state, l.final = known, at
	return nil
}

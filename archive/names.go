package archive

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// names knows the paths of one archive, by what they are on a file system that folds case and
// normalises Unicode. Two folders that are one there do no harm; two files do.
type names struct {
	*memory
	exact   bool   // paths that differ only so are different ones
	lastDir string // a folder that is known: entries mostly come folder by folder
}

// memory is what is worth keeping from one archive to the next.
type memory struct {
	known  map[string]place
	text   strings.Builder // what paths are in: a string of its own for each is half of all there is to allocate
	path   []byte          // scratch of clean
	folded []byte          // scratch of key
}

var memories = sync.Pool{New: func() any { return &memory{known: make(map[string]place, 64)} }}

const (
	// textPiece is how many bytes of paths are allocated at once. What keeps a single path keeps all of them.
	textPiece = 4 << 10
	// keptPaths is how many paths a map may have had to be used again: 999 of 1000 packages have fewer files.
	keptPaths = 2000
)

// place is a path that is taken.
type place struct {
	path     string // as the archive spells it
	dir      bool
	at, size int64 // content of a file; at < 0 is a link, the -at-1st
}

func (n *names) init() { n.memory = memories.Get().(*memory) }

// free gives back what init took. n is of no use after it, but the paths of it are.
func (n *names) free() {
	if len(n.known) <= keptPaths {
		clear(n.known)
		memories.Put(n.memory)
	}
	n.memory = nil
}

// keep makes a string of b.
func (m *memory) keep(b []byte) string {
	if m.text.Cap()-m.text.Len() < len(b) {
		m.text.Reset()
		m.text.Grow(max(textPiece, len(b)))
	}
	from := m.text.Len()
	m.text.Write(b)
	return m.text.String()[from:]
}

// dir notes a folder and those above it.
func (n *names) dir(path string, entry []byte) error {
	return n.folder(n.key(path), path, entry)
}

// key is the same for all paths that mean the same.
func (n *names) key(path string) string {
	if n.exact {
		return path
	}
	upper := false
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c >= utf8.RuneSelf {
			return fold(path)
		}
		upper = upper || 'A' <= c && c <= 'Z'
	}
	if !upper {
		return path
	}
	n.folded = n.folded[:0]
	for i := 0; i < len(path); i++ {
		c := path[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		n.folded = append(n.folded, c)
	}
	return n.keep(n.folded)
}

// file notes a file and the folders above it. If a file of the same path came before it is returned,
// and taken is true.
func (n *names) file(path string, entry []byte, at, size int64) (old place, taken bool, err error) {
	key := n.key(path)
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		// Folding can change a path's length, but not its number of slashes.
		if err := n.folder(key[:i], path[:strings.LastIndexByte(path, '/')], entry); err != nil {
			return place{}, false, err
		}
	}
	old, taken = n.known[key]
	switch {
	case !taken:
		n.known[key] = place{path: path, at: at, size: size}
		return place{}, false, nil
	case old.dir:
		return old, true, refused(string(entry), "it is a file, and another entry needs it as a folder")
	case old.path != path:
		return old, true, refused(string(entry), "its path differs from that of %s only in case or Unicode form",
			quote(old.path))
	}
	return old, true, nil
}

func (n *names) folder(key, path string, entry []byte) error {
	if key == n.lastDir {
		return nil
	}
	n.lastDir = key
	for {
		old, taken := n.known[key]
		switch {
		case taken && old.dir:
			return nil
		case taken:
			return refused(string(entry), "it needs %s as a folder, which is a file", quote(old.path))
		}
		n.known[key] = place{path: path, dir: true}
		i, j := strings.LastIndexByte(key, '/'), strings.LastIndexByte(path, '/')
		if i < 0 || j < 0 {
			return nil
		}
		key, path = key[:i], path[:j]
	}
}

// fold maps all spellings of a path that some file system takes for one to one spelling: of ASCII, the one in
// lower case.
func fold(path string) string {
	return norm.NFC.String(strings.Map(foldRune, norm.NFD.String(path)))
}

// foldRune returns the smallest of the runes that differ from r in case only, in lower case
// where that is ASCII.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if 'A' <= least && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

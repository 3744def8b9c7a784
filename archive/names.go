package archive

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// names knows the paths of one archive, by what they are on a file system that folds case and
// normalises Unicode. Two folders that are one there do no harm; two files do.
type names struct {
	known   map[string]place
	exact   bool   // paths that differ only so are different ones
	lastDir string // a folder that is known: entries mostly come folder by folder
}

// place is a path that is taken.
type place struct {
	path     string // as the archive spells it
	dir      bool
	at, size int64 // content of a file; at < 0 is a link, the -at-1st
}

func (n *names) init() { n.known = make(map[string]place, 64) }

// dir notes a folder and those above it.
func (n *names) dir(path string, entry []byte) error {
	return n.folder(n.key(path), path, entry)
}

// key is the same for all paths that mean the same.
func (n *names) key(path string) string {
	if n.exact {
		return path
	}
	return fold(path)
}

// file notes a file and the folders above it. It returns the place of a file of the same path
// that came before, if there is one.
func (n *names) file(path string, entry []byte, at, size int64) (*place, error) {
	key := n.key(path)
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		// Folding can change a path's length, but not its number of slashes.
		if err := n.folder(key[:i], path[:strings.LastIndexByte(path, '/')], entry); err != nil {
			return nil, err
		}
	}
	old, taken := n.known[key]
	switch {
	case !taken:
		n.known[key] = place{path: path, at: at, size: size}
		return nil, nil
	case old.dir:
		return nil, refused(string(entry), "it is a file, and another entry needs it as a folder")
	case old.path != path:
		return nil, refused(string(entry), "its path differs from that of %s only in case or Unicode form",
			quote(old.path))
	}
	return &old, nil
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

// fold maps all spellings of a path that some file system takes for one to one spelling. Most
// paths are lower-case ASCII and are returned as they are.
func fold(path string) string {
	plain := true
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c >= utf8.RuneSelf {
			return norm.NFC.String(strings.Map(foldRune, norm.NFD.String(path)))
		}
		if 'A' <= c && c <= 'Z' {
			plain = false
		}
	}
	if plain {
		return path
	}
	return strings.ToLower(path)
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

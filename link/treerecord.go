package link

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/lockfile"
)

// ErrTree is matched by the error of bytes that are not an encoded Tree.
var ErrTree = errors.New("not a record of a hoisted layout")

const (
	treeHeader = "pantry tree 1\n"
	// maxTree is how many packages or places are read: as many as a lockfile may have.
	maxTree = 1 << 20
)

// EncodeTree returns bytes from which ParseTree makes a Tree and what Apply needs of the lockfile's packages.
// Both need a fraction of the time that reading the lockfile and Hoist need.
func EncodeTree(l *lockfile.Lock, t *Tree) []byte {
	b := make([]byte, 0, len(treeHeader)+192*len(t.Placements))
	b = append(b, treeHeader...)
	index := make(map[lockfile.ID]int, len(t.Placements))
	var ids []lockfile.ID
	for _, p := range t.Placements {
		if _, known := index[p.ID]; !known {
			index[p.ID] = len(ids)
			ids = append(ids, p.ID)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(ids)))
	for _, id := range ids {
		b = appendPackage(appendText(b, string(id)), l.Packages[id])
	}
	b = binary.AppendUvarint(b, uint64(len(t.Placements)))
	for _, p := range t.Placements {
		direct := uint64(0)
		if p.Direct {
			direct = 1
		}
		b = binary.AppendUvarint(b, uint64(index[p.ID])<<1|direct)
		b = appendText(appendText(appendText(b, p.Path), p.Name), p.Link)
	}
	return b
}

func appendPackage(b []byte, p *lockfile.Package) []byte {
	b = appendText(appendText(appendText(b, p.Registry), p.Name), p.Version)
	b = appendText(b, p.Integrity.String())
	b = binary.AppendUvarint(b, uint64(len(p.Bin)))
	for _, name := range slices.Sorted(maps.Keys(p.Bin)) {
		b = appendText(appendText(b, name), p.Bin[name])
	}
	return b
}

// ParseTree reads what EncodeTree wrote. Paths that could lead out of node_modules, and what is left over, are
// errors that match [ErrTree]. The lockfile has the tree's packages, and of each who it is, its digests
// and its commands; it has no wishes and no dependencies.
func ParseTree(data []byte) (*lockfile.Lock, *Tree, error) {
	text, ok := strings.CutPrefix(string(data), treeHeader)
	if !ok {
		return nil, nil, ErrTree
	}
	r := &treeReader{topReader{rest: text}}
	l, t := lockfile.New(), &Tree{}
	ids := make([]lockfile.ID, r.number(maxTree))
	for i := range ids {
		id, p := r.pkg()
		ids[i], l.Packages[id] = id, p
	}
	t.Placements = make([]Placement, r.number(maxTree))
	for i := range t.Placements {
		n := r.number(2 * maxTree)
		if n>>1 >= len(ids) {
			return nil, nil, ErrTree
		}
		p := Placement{ID: ids[n>>1], Direct: n&1 == 1, Path: r.text(), Name: r.text(), Link: r.text()}
		if !safePlacement(p) || i > 0 && t.Placements[i-1].Path >= p.Path {
			return nil, nil, ErrTree
		}
		t.Placements[i] = p
	}
	if r.failed || r.rest != "" {
		return nil, nil, ErrTree
	}
	return l, t, nil
}

// treeReader reads fields until one cannot be read.
type treeReader struct{ topReader }

// number reads a number below most; it is not the count of things that follow, whose size is not known.
func (r *treeReader) number(most uint64) int {
	n, size := uvarint(r.rest)
	if size <= 0 || n >= most {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

func (r *treeReader) pkg() (lockfile.ID, *lockfile.Package) {
	id := lockfile.ID(r.text())
	p := &lockfile.Package{Registry: r.text(), Name: r.text(), Version: r.text()}
	set, err := integrity.Parse(r.text())
	if err != nil {
		r.fail()
	}
	p.Integrity = set
	n := r.number(maxTop)
	if n > len(r.rest) {
		r.fail()
		n = 0
	}
	for range n {
		if p.Bin == nil {
			p.Bin = make(map[string]string, n)
		}
		name := r.text()
		p.Bin[name] = r.text()
	}
	return id, p
}

func safePlacement(p Placement) bool {
	return safePackage(p.Path) && checkName(p.Name) == nil && strings.HasSuffix(p.Path, "/"+p.Name) &&
		(p.Link == "" || fs.ValidPath(p.Link) && strings.HasPrefix(p.Path, p.Link+"/"))
}

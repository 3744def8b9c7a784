package foreign

import (
	"fmt"
	"iter"

	"github.com/pantry-go/pantry"
)

// Bounds of what is read from a file; one that a person wrote has some dozens of lines.
const (
	// MaxFile bounds a file in bytes.
	MaxFile = 1 << 20
	// maxNodes bounds the values of a file, what an alias stands for counted each time.
	maxNodes = 50_000
	// maxDepth bounds how deep they are nested.
	maxDepth = 50
	// maxFound bounds the registries of a file.
	maxFound = 200
)

// node is a value of a file, whatever its syntax. A nil node is one that is not there.
type node struct {
	line  int
	text  string // of a scalar
	leaf  bool   // it is a scalar
	keys  []string
	kids  map[string]*node // of a table, by its keys
	items []*node          // of a list
}

func (n *node) child(key string) *node {
	if n == nil {
		return nil
	}
	return n.kids[key]
}

// at follows keys.
func (n *node) at(path ...string) *node {
	for _, key := range path {
		n = n.child(key)
	}
	return n
}

// str is the text of a scalar; "" for anything else.
func (n *node) str() string {
	if n == nil || !n.leaf {
		return ""
	}
	return n.text
}

// all are the entries of a table, in order.
func (n *node) all() iter.Seq2[string, *node] {
	return func(yield func(string, *node) bool) {
		if n == nil {
			return
		}
		for _, key := range n.keys {
			if !yield(key, n.kids[key]) {
				return
			}
		}
	}
}

// list is the items of a list, or a scalar as the only one.
func (n *node) list() []*node {
	if n == nil {
		return nil
	}
	if n.leaf {
		return []*node{n}
	}
	return n.items
}

// put makes or replaces the entry of a table.
func (n *node) put(key string, v *node) {
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	if n.kids[key] == nil {
		n.keys = append(n.keys, key)
	}
	n.kids[key] = v
}

// budget counts what is read.
type budget struct{ nodes int }

func (b *budget) take(depth int) error {
	if b.nodes++; b.nodes > maxNodes || depth > maxDepth {
		return fmt.Errorf("%w: it has more values, or deeper ones, than a configuration has", pantry.ErrInvalid)
	}
	return nil
}

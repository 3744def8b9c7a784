package foreign

import (
	"bytes"
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/pantry-go/pantry"
)

// parseTOML reads a file into a tree. The library's decoder tells no lines, so that its parser is used,
// whose interface may change; nothing else of the project depends on it.
func parseTOML(data []byte) (root *node, err error) {
	bad := fmt.Errorf("%w: it is no TOML", pantry.ErrInvalid)
	defer func() {
		if recover() != nil { // a promise of the parser that did not hold
			root, err = nil, bad
		}
	}()
	t := tomlReader{data: data, root: &node{line: 1}}
	t.parser.Reset(data)
	table := t.root
	for t.parser.NextExpression() {
		e := t.parser.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, err = t.table(e)
		case unstable.KeyValue:
			err = t.keyValue(table, e, 0)
		}
		if err != nil {
			return nil, err
		}
	}
	if t.parser.Error() != nil {
		return nil, bad // its message quotes the text
	}
	return t.root, nil
}

type tomlReader struct {
	budget
	parser unstable.Parser
	data   []byte
	root   *node
	// line and offset are those of the last key: keys come in order, so that lines are counted once.
	line, offset int
}

// lineOf is the line of a node that has a place in the text.
func (t *tomlReader) lineOf(n *unstable.Node) int {
	at := int(n.Raw.Offset)
	if at < t.offset || at > len(t.data) {
		t.line, t.offset = 0, 0
	}
	t.line += bytes.Count(t.data[t.offset:at], []byte("\n"))
	t.offset = at
	return t.line + 1
}

// table finds or makes the table that a header names.
func (t *tomlReader) table(e *unstable.Node) (*node, error) {
	n := t.root
	depth := 0
	for it := e.Key(); it.Next(); {
		depth++
		if err := t.take(depth); err != nil {
			return nil, err
		}
		key := string(it.Node().Data)
		next := n.child(key)
		if last := it.IsLast(); last && e.Kind == unstable.ArrayTable {
			if next == nil || next.leaf {
				next = &node{line: t.lineOf(it.Node())}
				n.put(key, next)
			}
			item := &node{line: t.lineOf(it.Node())}
			next.items = append(next.items, item)
			return item, nil
		}
		if next == nil || next.leaf {
			next = &node{line: t.lineOf(it.Node())}
			n.put(key, next)
		}
		if len(next.items) > 0 { // a table of the last one of an array
			next = next.items[len(next.items)-1]
		}
		n = next
	}
	return n, nil
}

func (t *tomlReader) keyValue(in *node, e *unstable.Node, depth int) error {
	line := 0
	for it := e.Key(); it.Next(); {
		key := string(it.Node().Data)
		line = t.lineOf(it.Node())
		depth++
		if err := t.take(depth); err != nil {
			return err
		}
		if it.IsLast() {
			v, err := t.value(e.Value(), line, depth)
			if err != nil {
				return err
			}
			in.put(key, v)
			return nil
		}
		next := in.child(key)
		if next == nil || next.leaf {
			next = &node{line: line}
			in.put(key, next)
		}
		in = next
	}
	return nil
}

func (t *tomlReader) value(v *unstable.Node, line, depth int) (*node, error) {
	if err := t.take(depth); err != nil {
		return nil, err
	}
	n := &node{line: line}
	switch v.Kind {
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			item, err := t.value(it.Node(), line, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			if err := t.keyValue(n, it.Node(), depth+1); err != nil {
				return nil, err
			}
		}
	default:
		n.leaf, n.text = true, string(v.Data)
	}
	return n, nil
}

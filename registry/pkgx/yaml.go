package pkgx

import (
	"bytes"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decodeRecipe reads the mapping that a recipe is. Three quarters of a recipe tell how to build
// the project, and reading YAML is what takes the time of reading the recipes: where the shape of
// the text allows it, those parts are not looked at.
func decodeRecipe(data []byte) (node, error) {
	if short, ok := shorten(data); ok {
		if n, err := decodeYAML(short); err == nil {
			return n, nil
		}
		// An alias of something in a part that was left out, perhaps.
	}
	return decodeYAML(data)
}

// decodeYAML reads one document. The library is a release candidate: that it might panic on
// some text must not end the program.
func decodeYAML(data []byte) (n node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = malformed("it cannot be read")
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return node{}, fmt.Errorf("%w: %s", errRecipe, line(err.Error()))
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return node{}, malformed("it is empty")
	}
	n = node{doc.Content[0]}
	if !n.isMap() {
		return node{}, malformed("it is no mapping")
	}
	return n, nil
}

// wanted says whether a part of a recipe is read here.
func wanted(key string) bool {
	switch key {
	case "display-name", "description", "summary", "license", "versions", "deprecated", "platforms", "provides",
		"dependencies", "companions", "runtime", "interprets":
		return true
	}
	return false
}

// shorten leaves out the parts that are not wanted. ok is false when the text is not plain enough
// to tell parts by the beginnings of lines: each line has to be empty, a comment, begin with a key
// in lower-case letters and a colon, or come after such a line and be indented or an item of a list.
// A text in quotation marks that goes on at the left margin would deceive it; YAML forbids that.
func shorten(data []byte) (short []byte, ok bool) {
	short = make([]byte, 0, min(len(data), 4<<10))
	keep, begun := false, false
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n') + 1
		if end == 0 {
			end = len(data)
		}
		text := data[:end]
		data = data[end:]
		switch c := text[0]; {
		case c == '\n' || c == '\r' || c == '#':
		case c == ' ' && (begun || len(bytes.TrimSpace(text)) == 0):
		case begun && c == '-' && len(text) > 1 && (text[1] == ' ' || text[1] == '\n'):
		case c >= 'a' && c <= 'z':
			key, rest, found := bytes.Cut(text, []byte(":"))
			if !found || len(rest) > 0 && rest[0] != ' ' && rest[0] != '\n' && rest[0] != '\r' || !plainKey(key) {
				return nil, false
			}
			keep, begun = wanted(string(key)), true
		default:
			return nil, false
		}
		if keep {
			short = append(short, text...)
		}
	}
	return short, true
}

func plainKey(key []byte) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

// node is a YAML node that can be asked for what is not there.
type node struct{ n *yaml.Node }

// real follows aliases, which may stand for an alias but not, by YAML's rules, for much of a chain.
func (n node) real() *yaml.Node {
	y := n.n
	for range 8 {
		if y == nil || y.Kind != yaml.AliasNode {
			return y
		}
		y = y.Alias
	}
	return nil
}

func (n node) kind() yaml.Kind {
	if y := n.real(); y != nil {
		return y.Kind
	}
	return 0
}

func (n node) isMap() bool  { return n.kind() == yaml.MappingNode }
func (n node) isList() bool { return n.kind() == yaml.SequenceNode }

// pairs are the entries of a mapping whose keys are scalars.
func (n node) pairs() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		if !n.isMap() {
			return
		}
		y := n.real()
		for i := 0; i+1 < len(y.Content); i += 2 {
			key, ok := node{y.Content[i]}.scalar()
			if ok && !yield(key, node{y.Content[i+1]}) {
				return
			}
		}
	}
}

func (n node) get(key string) node {
	for k, value := range n.pairs() {
		if k == key {
			return value
		}
	}
	return node{}
}

// text is the scalar at key, or "".
func (n node) text(key string) string {
	s, _ := n.get(key).scalar()
	return s
}

// list is the items of a sequence, or a scalar or mapping as the only one; nothing for null.
func (n node) list() []node {
	y := n.real()
	switch {
	case y == nil, y.Kind == yaml.ScalarNode && y.ShortTag() == "!!null":
		return nil
	case y.Kind != yaml.SequenceNode:
		return []node{n}
	}
	items := make([]node, len(y.Content))
	for i, c := range y.Content {
		items[i] = node{c}
	}
	return items
}

// scalar is the text of a scalar that is not null.
func (n node) scalar() (string, bool) {
	y := n.real()
	if y == nil || y.Kind != yaml.ScalarNode || y.ShortTag() == "!!null" {
		return "", false
	}
	return y.Value, true
}

// number is a number as it reads without what does not change it: 1.10 is 1.1.
func (n node) number() (string, bool) {
	s, ok := n.scalar()
	if !ok {
		return "", false
	}
	if tag := n.real().ShortTag(); tag != "!!int" && tag != "!!float" || strings.Trim(s, "0123456789.") != "" {
		return "", false
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return "", false
	}
	return strconv.FormatFloat(f, 'f', -1, 64), true
}

// boolean is a truth value as programs read it from the environment.
func (n node) boolean() (string, bool) {
	s, ok := n.scalar()
	if !ok || n.real().ShortTag() != "!!bool" {
		return "", false
	}
	if strings.EqualFold(s, "true") {
		return "1", true
	}
	return "0", true
}

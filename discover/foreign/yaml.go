package foreign

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/pantry-go/pantry"
)

// parseYAML reads the first document of a file. The library is a release candidate: that it might
// panic on some text must not end the program.
func parseYAML(data []byte) (root *node, err error) {
	defer func() {
		if recover() != nil {
			root, err = nil, fmt.Errorf("%w: it is no YAML", pantry.ErrInvalid)
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		// The library's messages quote the text, which may be a secret.
		return nil, fmt.Errorf("%w: it is no YAML", pantry.ErrInvalid)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return &node{line: 1}, nil
	}
	return (&budget{}).yaml(doc.Content[0], 0)
}

func (b *budget) yaml(y *yaml.Node, depth int) (*node, error) {
	if err := b.take(depth); err != nil {
		return nil, err
	}
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.AliasNode:
		if y.Alias == nil {
			return n, nil
		}
		return b.yaml(y.Alias, depth+1)
	case yaml.ScalarNode:
		n.leaf, n.text = y.ShortTag() != "!!null", y.Value
	case yaml.SequenceNode:
		for _, c := range y.Content {
			item, err := b.yaml(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			v, err := b.yaml(y.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			if y.Content[i].Kind == yaml.ScalarNode {
				v.line = y.Content[i].Line // of the key: where a person looks
				n.put(y.Content[i].Value, v)
			}
		}
	}
	return n, nil
}

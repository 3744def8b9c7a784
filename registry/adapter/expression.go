package adapter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/jmespath-community/go-jmespath/pkg/api"
	"github.com/jmespath-community/go-jmespath/pkg/functions"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry/adapter/scheme"
)

// expression takes a value out of what a registry answered. The language is JMESPath with lexical
// scopes: it has no loops and no recursion, so that the work of an expression is bounded by the size
// of the answer.
type expression struct {
	source string
	path   api.JMESPath
}

// maxExpression bounds an expression in bytes: the longest of those that are built in has some 300.
const maxExpression = 8 << 10

// compile reads an expression; "" is none.
func compile(source string, s *scheme.Scheme, normalize func(string) string) (*expression, error) {
	if source == "" {
		return nil, nil
	}
	if len(source) > maxExpression {
		return nil, fmt.Errorf("the expression is longer than %d bytes", maxExpression)
	}
	p, err := api.Compile(source, ownFunctions(s, normalize)...)
	if err != nil {
		return nil, fmt.Errorf("%s is no JMESPath expression: %w", quote(source), err)
	}
	return &expression{source, p}, nil
}

// eval evaluates an expression; the value of none is nil. An answer that it does not fit is an error
// that matches pantry.ErrInvalid.
func (e *expression) eval(values map[string]any) (result any, err error) {
	if e == nil {
		return nil, nil
	}
	defer func() {
		// The interpreter is made for data of the author's choice, and this comes from anywhere.
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: the answer does not fit the expression %s: %v", pantry.ErrInvalid, quote(e.source), p)
		}
	}()
	v, err := e.path.Search(values)
	if err != nil {
		return nil, fmt.Errorf("%w: the answer does not fit the expression %s: %s", pantry.ErrInvalid, quote(e.source), line(err.Error()))
	}
	return v, nil
}

// ownFunctions are what JMESPath lacks for the formats of registries. Unlike its own functions they
// give null for null, since most of what registries tell may be missing.
func ownFunctions(s *scheme.Scheme, normalize func(string) string) []functions.FunctionEntry {
	patterns := &patternCache{}
	own := func(name string, args int, f func(args []string) (any, error)) functions.FunctionEntry {
		spec := make([]functions.ArgSpec, args)
		for i := range spec {
			spec[i].Types = []functions.JpType{functions.JpAny}
		}
		return functions.FunctionEntry{Name: name, Arguments: spec, Handler: func(in []any) (any, error) {
			texts := make([]string, len(in))
			for i, v := range in {
				text, ok := v.(string)
				if !ok {
					return nil, nil
				}
				texts[i] = text
			}
			return f(texts)
		}}
	}
	onName := func(name string, f func(string) string) functions.FunctionEntry {
		return own(name, 1, func(a []string) (any, error) { return f(a[0]), nil })
	}
	// Padding makes texts of any length out of nothing.
	refused := func(name string) functions.FunctionEntry {
		return functions.FunctionEntry{Name: name, Arguments: []functions.ArgSpec{{Types: []functions.JpType{functions.JpAny}, Variadic: true}},
			Handler: func([]any) (any, error) { return nil, errors.New(name + " is not offered here") }}
	}
	return []functions.FunctionEntry{
		own("match", 2, func(a []string) (any, error) { return patterns.match(a[0], a[1]) }),
		own("groups", 2, func(a []string) (any, error) { return patterns.groups(a[0], a[1]) }),
		own("all_groups", 2, func(a []string) (any, error) { return patterns.allGroups(a[0], a[1]) }),
		own("remove", 2, func(a []string) (any, error) { return patterns.remove(a[0], a[1]) }),
		own("same_version", 2, func(a []string) (any, error) { return a[0] == a[1] || s.Compare(a[0], a[1]) == 0, nil }),
		onName("normalize", normalize),
		onName("go_escape", goEscape),
		onName("crates_prefix", cratesPrefix),
		refused("pad_left"), refused("pad_right"),
	}
}

// patternCache compiles each regular expression of an expression once. They are RE2's, which take
// time in proportion to the text.
type patternCache struct{ compiled sync.Map }

func (c *patternCache) get(pattern string) (*regexp.Regexp, error) {
	if re, ok := c.compiled.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		c.compiled.Store(pattern, re)
	}
	return re, err
}

// match gives the first group that holds something, or the whole match of a pattern without groups.
func (c *patternCache) match(text, pattern string) (any, error) {
	re, err := c.get(pattern)
	if err != nil {
		return nil, err
	}
	m := re.FindStringSubmatch(text)
	if m == nil {
		return nil, nil
	}
	for _, g := range m[1:] {
		if g != "" {
			return g, nil
		}
	}
	if len(m) > 1 {
		return nil, nil
	}
	return m[0], nil
}

func (c *patternCache) groups(text, pattern string) (any, error) {
	re, err := c.get(pattern)
	if err != nil {
		return nil, err
	}
	m := re.FindStringSubmatch(text)
	if m == nil {
		return nil, nil
	}
	return anys(m[1:]), nil
}

func (c *patternCache) allGroups(text, pattern string) (any, error) {
	re, err := c.get(pattern)
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, m := range re.FindAllStringSubmatch(text, maxEntries) {
		all = append(all, anys(m[1:]))
	}
	return all, nil
}

// remove takes out what matches.
func (c *patternCache) remove(text, pattern string) (any, error) {
	re, err := c.get(pattern)
	if err != nil {
		return nil, err
	}
	return strings.TrimSpace(re.ReplaceAllLiteralString(text, "")), nil
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

package adapter

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// template is a URL with places for values: "{base}/crates/{name|lower}?page={page}".
type template struct {
	source string
	parts  []part
}

// part is literal text, or a place.
type part struct {
	text  string
	path  []string // "config", "api"; nil for text
	forms []func(string) string
	first bool // at the beginning of the URL: the value is one itself
	query bool // behind the question mark
}

// errNoValue is the error of a place for which there is no value.
var errNoValue = errors.New("no value")

// parseTemplate reads a template. A place names one of roots, and what is inside it behind dots.
func parseTemplate(s string, roots ...string) (template, error) {
	t := template{source: s}
	query := false
	for rest := s; rest != ""; {
		text, place, found := strings.Cut(rest, "{")
		if strings.Contains(text, "}") {
			return t, fmt.Errorf("%s has a brace that nothing opened", quote(s))
		}
		if text != "" {
			t.parts = append(t.parts, part{text: text})
			query = query || strings.Contains(text, "?")
		}
		if !found {
			break
		}
		inside, after, closed := strings.Cut(place, "}")
		if !closed {
			return t, fmt.Errorf("%s has a brace that nothing closes", quote(s))
		}
		p := part{first: len(t.parts) == 0, query: query}
		names := strings.Split(inside, "|")
		p.path = strings.Split(names[0], ".")
		if !slices.Contains(roots, p.path[0]) {
			return t, fmt.Errorf("there is no {%s} here; known are %s", names[0], strings.Join(roots, ", "))
		}
		for _, name := range names[1:] {
			f := form(name)
			if f == nil {
				return t, fmt.Errorf("there is no form %s; known are %s", quote(name), strings.Join(forms(), ", "))
			}
			p.forms = append(p.forms, f)
		}
		t.parts = append(t.parts, p)
		rest = after
	}
	if s == "" || !t.begins() {
		return t, fmt.Errorf("%s does not begin with {base}, another URL in braces, http:// or https://", quote(s))
	}
	return t, nil
}

// begins says whether the template begins like a URL.
func (t template) begins() bool {
	first := t.parts[0]
	if first.path != nil {
		return first.path[0] == "base" || len(first.path) > 1
	}
	return strings.HasPrefix(first.text, "https://") || strings.HasPrefix(first.text, "http://")
}

// needs says whether the template has places other than these.
func (t template) needs(known ...string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.path != nil && !slices.Contains(known, p.path[0]) })
}

// fill puts values into their places. The error matches errNoValue where one is missing.
func (t template) fill(values map[string]any) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.path == nil {
			b.WriteString(p.text)
			continue
		}
		v, ok := find(values, p.path)
		if !ok || v == "" {
			return "", fmt.Errorf("%w for {%s} in %s", errNoValue, strings.Join(p.path, "."), quote(t.source))
		}
		for _, f := range p.forms {
			v = f(v)
		}
		switch {
		case p.first:
			b.WriteString(strings.TrimRight(v, "/"))
		case p.query:
			b.WriteString(url.QueryEscape(v))
		default:
			b.WriteString(escapePath(v))
		}
	}
	return b.String(), nil
}

// find returns the text at a path of values.
func find(values map[string]any, path []string) (string, bool) {
	var v any = values
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return "", false
		}
		v = m[key]
	}
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// escapePath escapes all but slashes, and "!", which module proxies have in the names of their files.
func escapePath(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.PathEscape(p), "%21", "!")
	}
	return strings.Join(parts, "/")
}

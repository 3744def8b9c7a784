// Package glob reads the patterns of npm's "files" and ignore files, and says which paths they match.
//
// The patterns are those of minimatch as npm uses it: case does not count, a name with a dot in front
// is a name like any other, a pattern without a slash matches the last part of a path, "**" stands for
// any number of folders, {a,b} and {1..3} are expanded, and !(a|b) and its like are understood.
//
// Nothing is ever tried twice over, so that no pattern takes for ever.
package glob

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxPattern bounds a pattern, in bytes. Those in use have less than a hundred.
	maxPattern = 4 << 10
	// maxExpanded and maxExpandedBytes bound what braces make of one pattern. Those in use make a handful.
	maxExpanded      = 10_000
	maxExpandedBytes = 1 << 20
	// maxBraces and maxGroups bound how deep {braces} and +(groups) stand in each other. What a repeated group
	// costs is a power of its depth.
	maxBraces = 50
	maxGroups = 3
)

// ErrTooLarge is matched by the error of a pattern beyond the bounds of this package.
var ErrTooLarge = errors.New("the pattern is too large")

// Pattern is one pattern. It is immutable and safe for concurrent use. The zero Pattern matches "".
type Pattern struct {
	negated      bool
	alternatives [][]segment // of paths, after braces were expanded
	short        bool        // an alternative has no slash but at its end
}

// Parse reads a pattern. An exclamation mark in front negates it, a second one takes that back. What a
// shell would find wrong in a pattern stands for itself.
func Parse(text string) (*Pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, maxPattern)
	}
	p := &Pattern{}
	for strings.HasPrefix(text, "!") {
		p.negated = !p.negated
		text = text[1:]
	}
	if text == "" {
		p.short = true
		return p, nil
	}
	texts, err := expand(text)
	if err != nil {
		return nil, err
	}
	for i, t := range texts {
		if slices.Contains(texts[:i], t) && len(texts) < 100 {
			continue
		}
		parts := parts(t)
		if n := len(parts); n == 1 || n == 2 && parts[1] == "" {
			p.short = true
		}
		alternative := make([]segment, len(parts))
		for i, part := range parts {
			if alternative[i], err = parseSegment(part); err != nil {
				return nil, err
			}
		}
		p.alternatives = append(p.alternatives, alternative)
	}
	return p, nil
}

// parts splits at slashes, of which several are one, and resolves "..".
func parts(text string) []string {
	for strings.Contains(text, "//") {
		text = strings.ReplaceAll(text, "//", "/")
	}
	var out []string
	for part := range strings.SplitSeq(text, "/") {
		last := ""
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		switch {
		case part == "**" && last == "**":
		case part == ".." && last != "" && last != ".." && last != "." && last != "**":
			out = out[:len(out)-1]
		default:
			out = append(out, part)
		}
	}
	if len(out) == 0 {
		return []string{""}
	}
	return out
}

// Negated says that the pattern was negated. Match does not look at it.
func (p *Pattern) Negated() bool { return p.negated }

// Short says that the pattern can be one of names rather than paths: without a slash, or with one at its end.
func (p *Pattern) Short() bool { return p.short }

// Match says whether the pattern matches a slash-separated path. A slash at the end makes it the path
// of a folder, one in front that of something at the top.
func (p *Pattern) Match(path string) bool { return p.match(path, false) }

// MatchPrefix says whether the pattern matches the path or could match something below it.
func (p *Pattern) MatchPrefix(path string) bool { return p.match(path, true) }

func (p *Pattern) match(path string, prefix bool) bool {
	if p.alternatives == nil {
		return path == ""
	}
	names := strings.Split(path, "/")
	for _, a := range p.alternatives {
		of := names
		if len(a) == 1 {
			of = []string{base(names)}
		}
		if matchPath(a, of, prefix) {
			return true
		}
	}
	return false
}

// base is the last name of a path that is not empty.
func base(names []string) string {
	for i := len(names) - 1; i > 0; i-- {
		if names[i] != "" {
			return names[i]
		}
	}
	return names[0]
}

// matchPath matches names with segments one by one.
func matchPath(pattern []segment, names []string, prefix bool) bool {
	if prefix {
		for i, s := range pattern {
			if s.anyDepth || i == len(names) {
				return true
			}
			if !s.match(names[i]) {
				return false
			}
		}
		return rest(names[len(pattern):])
	}
	// ok[i] says whether what stands behind the current segment matches names[i:].
	ok := make([]bool, len(names)+1)
	for i := range ok {
		ok[i] = rest(names[i:])
	}
	for j, s := range slices.Backward(pattern) {
		switch {
		case s.anyDepth && j == len(pattern)-1:
			for i := range ok {
				ok[i] = i < len(names) // "a/**" is what is in a, not a
			}
		case s.anyDepth:
			for i := len(names) - 1; i >= 0; i-- {
				ok[i] = ok[i] || ok[i+1]
			}
		default:
			for i, name := range names {
				ok[i] = ok[i+1] && s.match(name)
			}
			ok[len(names)] = false
		}
	}
	return ok[0]
}

// rest says whether a path may go on so behind the end of a pattern: not, or with a slash.
func rest(names []string) bool { return len(names) == 0 || len(names) == 1 && names[0] == "" }

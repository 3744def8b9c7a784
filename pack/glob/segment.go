package glob

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// segment is what stands between two slashes of a pattern.
type segment struct {
	anyDepth bool // "**"
	atoms    []atom
}

// atom matches a part of a name.
type atom struct {
	kind kind
	char rune     // of literal
	set  *class   // of oneOf
	ext  byte     // of group: ! ? + * @
	alts [][]atom // of group
}

type kind uint8

const (
	literal kind = iota
	anyOne       // ?
	anyRun       // *
	someRun      // * that is the whole segment
	oneOf        // [...]
	group        // @(...)
	never        // what nothing can match
)

func parseSegment(text string) (segment, error) {
	if text == "**" {
		return segment{anyDepth: true}, nil
	}
	if text != "" && strings.Trim(text, "*") == "" {
		return segment{atoms: []atom{{kind: someRun}}}, nil
	}
	p := segmentParser{text: []rune(text)}
	atoms := p.sequence(0)
	if p.deep {
		return segment{}, fmt.Errorf("%w: its groups are more than %d deep", ErrTooLarge, maxGroups)
	}
	if len(atoms) == 1 && atoms[0].empty() && atoms[0].ext != '!' {
		atoms = nil // "@()" alone stands for itself
		for _, c := range text {
			atoms = append(atoms, lit(c))
		}
	}
	return segment{atoms: atoms}, nil
}

type segmentParser struct {
	text []rune
	at   int
	deep bool // deeper than maxGroups
}

// sequence reads up to the end, or within a group to "|" or ")".
func (p *segmentParser) sequence(depth int) []atom {
	var out []atom
	for p.at < len(p.text) {
		c := p.text[p.at]
		if depth > 0 && (c == '|' || c == ')') {
			return out
		}
		if p.opens() && p.closes() {
			if depth == maxGroups {
				p.deep, p.at = true, len(p.text)
				return nil
			}
			out = append(out, p.group(depth))
			continue
		}
		p.at++
		switch c {
		case '\\':
			if p.at < len(p.text) {
				c = p.text[p.at]
				p.at++
			}
			out = append(out, lit(c))
		case '*':
			if len(out) == 0 || out[len(out)-1].kind != anyRun {
				out = append(out, atom{kind: anyRun})
			}
		case '?':
			out = append(out, atom{kind: anyOne})
		case '[':
			set, n := parseClass(p.text[p.at-1:])
			switch {
			case n == 0:
				out = append(out, lit(c))
			case set == nil:
				p.at = len(p.text)
				return append(out, atom{kind: never})
			default:
				out = append(out, atom{kind: oneOf, set: set})
				p.at += n - 1
			}
		default:
			out = append(out, lit(c))
		}
	}
	return out
}

func lit(c rune) atom { return atom{kind: literal, char: fold(c)} }

// opens says that a group begins here.
func (p *segmentParser) opens() bool {
	return p.at+1 < len(p.text) && p.text[p.at+1] == '(' && strings.ContainsRune("!?+*@", p.text[p.at])
}

// closes says that the group that begins here ends somewhere.
func (p *segmentParser) closes() bool {
	depth := 0
	for i := p.at + 1; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '[':
			if _, n := parseClass(p.text[i:]); n > 0 {
				i += n - 1
			}
		case '(':
			if i == p.at+1 || strings.ContainsRune("!?+*@", p.text[i-1]) {
				depth++
			}
		case ')':
			if depth--; depth == 0 {
				return true
			}
		}
	}
	return false
}

func (p *segmentParser) group(depth int) atom {
	g := atom{kind: group, ext: byte(p.text[p.at])}
	p.at += 2
	for {
		g.alts = append(g.alts, p.sequence(depth+1))
		if p.at >= len(p.text) {
			return g
		}
		p.at++
		if p.text[p.at-1] == ')' {
			return g
		}
	}
}

// fold is the same for both cases of a letter.
func fold(c rune) rune { return unicode.ToLower(unicode.ToUpper(c)) }

// match says whether the segment matches a whole name.
func (s segment) match(name string) bool {
	if len(s.atoms) == 0 {
		return name == ""
	}
	if name == "" && s.atoms[0].kind == someRun {
		return false
	}
	text := []rune(name)
	for i, c := range text {
		text[i] = fold(c)
	}
	ok := make([]bool, len(text)+1)
	ok[len(text)] = true
	return before(s.atoms, text, ok)[0]
}

// before takes where what stands behind atoms may begin, and returns where atoms may begin.
func before(atoms []atom, text []rune, ok []bool) []bool {
	for _, a := range slices.Backward(atoms) {
		ok = a.before(text, ok)
	}
	return ok
}

func (a atom) before(text []rune, behind []bool) []bool {
	ok := make([]bool, len(behind))
	switch a.kind {
	case literal, anyOne, oneOf:
		for i, c := range text {
			ok[i] = behind[i+1] && (a.kind == anyOne || a.kind == literal && a.char == c || a.kind == oneOf && a.set.has(c))
		}
	case anyRun, someRun:
		ok[len(text)] = behind[len(text)] && a.kind == anyRun
		for i := len(text) - 1; i >= 0; i-- {
			ok[i] = ok[i+1] || behind[i+1] || behind[i] && a.kind == anyRun
		}
	case group:
		return a.group(text, behind)
	}
	return ok
}

// empty says that it is a group of nothing.
func (a atom) empty() bool { return a.kind == group && len(a.alts) == 1 && len(a.alts[0]) == 0 }

// group matches one of several sequences, as often as its kind says.
func (a atom) group(text []rune, behind []bool) []bool {
	once := func(behind []bool) []bool {
		ok := make([]bool, len(behind))
		for _, alt := range a.alts {
			for i, b := range before(alt, text, behind) {
				ok[i] = ok[i] || b
			}
		}
		return ok
	}
	switch a.ext {
	case '@':
		return once(behind)
	case '?':
		return either(once(behind), behind)
	case '!':
		no := once(behind)
		ok := make([]bool, len(behind))
		later := false
		for i := len(text); i >= 0; i-- {
			if a.empty() {
				ok[i] = later // !() is something, whatever it is
			} else {
				ok[i] = (later || behind[i]) && !no[i]
			}
			later = later || behind[i]
		}
		return ok
	}
	// Once more until that adds nothing: at most as often as there are places.
	ok := once(behind)
	for {
		more := either(once(either(ok, behind)), ok)
		if slices.Equal(more, ok) {
			break
		}
		ok = more
	}
	if a.ext == '*' {
		return either(ok, behind)
	}
	return ok
}

func either(a, b []bool) []bool {
	out := make([]bool, len(a))
	for i := range a {
		out[i] = a[i] || b[i]
	}
	return out
}

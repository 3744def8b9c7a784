package semver

import (
	"bytes"
	"strings"
)

// rangeParser collects the comparators of one range.
type rangeParser struct {
	loose bool
	pre   bool // npm's includePrerelease

	comparators []comparator
	start       int  // of the current set
	any         bool // the current set has a comparator that is satisfied by everything
}

// component reads one space-separated part of a set. Everything that is no comparator is an error
// in strict mode and ignored in loose mode. A part that stands for any version counts only if it
// is the first or last one, edge: npm loses the others while it joins and splits the text.
func (p *rangeParser) component(s string, edge bool) fault {
	if s == "" {
		p.any = p.any || edge
		return none
	}
	op, i := scanOperator(s)
	if s[0] == '^' || s[0] == '~' {
		if i = 1; s[0] == '~' && has(s, 1, '>') {
			i = 2
		}
	}
	digits := skipPrefix(s, i)
	v, end := scanPartial(s, digits, p.loose)
	if end == digits || end != len(s) {
		return p.starred(s)
	}
	switch {
	case s[0] == '^':
		return p.caret(v, edge)
	case s[0] == '~':
		return p.tilde(v, edge)
	case v.full():
		return p.full(s, i, digits, op, v)
	case !v.ordered():
		return p.starred(s)
	}
	return p.open(op, v, edge)
}

// caret adds ^v: nothing may change up to the first number that is not zero.
func (p *rangeParser) caret(v partial, edge bool) fault {
	if v.major == "" {
		p.any = p.any || edge
		return none
	}
	major, minor, patch := numOf(v.major), zero, zero
	pre := p.lowest()
	if v.minor != "" {
		minor = numOf(v.minor)
		if v.patch != "" {
			patch, pre = numOf(v.patch), v.pre
		}
	}
	if f := p.bound(greaterEqual, major, minor, patch, pre); f != none {
		return f
	}
	switch {
	case v.major != "0" || v.minor == "":
		major, minor, patch = major.next(), zero, zero
	case v.minor != "0" || v.patch == "":
		minor, patch = minor.next(), zero
	default:
		patch = patch.next()
	}
	return p.bound(less, major, minor, patch, "0")
}

// tilde adds ~v: the patch number may grow, or what is left open.
func (p *rangeParser) tilde(v partial, edge bool) fault {
	switch {
	case v.major == "":
		p.any = p.any || edge
		return none
	case !v.full():
		return p.wildcard(v)
	}
	major, minor := numOf(v.major), numOf(v.minor)
	if f := p.bound(greaterEqual, major, minor, numOf(v.patch), v.pre); f != none {
		return f
	}
	return p.bound(less, major, minor.next(), zero, "0")
}

// open adds a partial version behind an operator.
func (p *rangeParser) open(op operator, v partial, edge bool) fault {
	switch {
	case v.major == "" && (op == less || op == greater):
		return p.add(nothing)
	case v.major == "":
		p.any = p.any || edge
		return none
	case op == equal:
		return p.wildcard(v)
	}
	major, minor := numOf(v.major), zero
	if v.minor != "" {
		minor = numOf(v.minor)
	}
	pre := p.lowest()
	if op == greater || op == lessEqual { // beyond all that is left open
		if v.minor == "" {
			major = major.next()
		} else {
			minor = minor.next()
		}
	}
	switch op {
	case greater:
		op = greaterEqual
	case lessEqual:
		op = less
	}
	if op == less {
		pre = "0"
	}
	return p.bound(op, major, minor, zero, pre)
}

// wildcard adds the two bounds of a partial version that has a major number.
func (p *rangeParser) wildcard(v partial) fault {
	major, minor := numOf(v.major), zero
	if v.minor != "" {
		minor = numOf(v.minor)
	}
	if f := p.bound(greaterEqual, major, minor, zero, p.lowest()); f != none {
		return f
	}
	if v.minor == "" {
		return p.bound(less, major.next(), zero, zero, "0")
	}
	return p.bound(less, major, minor.next(), zero, "0")
}

// lowest is the prerelease of a lower bound whose end is left open: with prereleases included it
// starts at the lowest of them.
func (p *rangeParser) lowest() string {
	if p.pre {
		return "0"
	}
	return ""
}

// starred reads a part that is no partial version. npm removes the first "*" with the operator
// before it, and takes what is left if that is a full version.
func (p *rangeParser) starred(s string) fault {
	star := strings.IndexByte(s, '*')
	if star < 0 {
		return p.ignore()
	}
	start := star
	if start > 0 && s[start-1] == '=' {
		start--
	}
	if start > 0 && (s[start-1] == '<' || s[start-1] == '>') {
		start--
	}
	return p.text(s[:start] + s[star+1:])
}

// text adds a comparator with a full version from its text. Build metadata can come up again when
// a text is changed.
func (p *rangeParser) text(s string) fault {
	op, i := scanOperator(s)
	digits := skipPrefix(s, i)
	v, end := scanPartial(s, digits, p.loose)
	if end == digits || buildEnd(s, end, maxTail) != len(s) || !v.full() {
		return p.ignore()
	}
	return p.full(s, i, digits, op, v)
}

// full adds the comparator s, whose operator ends at i and whose numbers start at digits.
func (p *rangeParser) full(s string, i, digits int, op operator, v partial) fault {
	if prefix := s[i:digits]; !p.loose && prefix != "" && prefix != "v" {
		return p.ignore()
	}
	if len(s)-i > maxLength {
		return tooLong
	}
	if s == ">=0.0.0" && !p.pre || s == ">=0.0.0-0" && p.pre {
		p.any = true
		return none
	}
	return p.version(op, number(v.major), number(v.minor), number(v.patch), v.pre)
}

// ignore passes over a part that is no comparator.
func (p *rangeParser) ignore() fault {
	if p.loose {
		return none
	}
	return badComparator
}

// bound adds a comparator that an expansion makes. As text ">=0.0.0" it stands for any version.
func (p *rangeParser) bound(op operator, major, minor, patch num, pre string) fault {
	if op == greaterEqual && major.text == "0" && minor.text == "0" && patch.text == "0" && pre == p.lowest() {
		p.any = true
		return none
	}
	if max(major.value, minor.value, patch.value) > maxSafe {
		return p.large(op, major, minor, patch, pre)
	}
	length := major.len() + minor.len() + patch.len() + len("..")
	if pre != "" {
		length += len("-") + len(pre)
	}
	if length > maxLength {
		return tooLong
	}
	return p.version(op, major.value, minor.value, patch.value, pre)
}

// large refuses a comparator with too large a number, unless a number has so many digits that
// JavaScript spells it with an exponent: then the text has another meaning, or none.
func (p *rangeParser) large(op operator, major, minor, patch num, pre string) fault {
	b := appendBound(nil, op, major, minor, patch)
	if bytes.IndexByte(b, '+') < 0 {
		return tooLarge
	}
	if pre != "" {
		b = append(append(b, '-'), pre...)
	}
	return p.text(string(b))
}

// version adds a comparator with checked limits but for its numbers.
func (p *rangeParser) version(op operator, major, minor, patch uint64, pre string) fault {
	if max(major, minor, patch) > maxSafe {
		return tooLarge
	}
	if p.loose {
		pre = dropZeros(pre)
	}
	return p.add(comparator{major, minor, patch, pre, op})
}

// add adds a comparator that the current set doesn't have yet.
func (p *rangeParser) add(c comparator) fault {
	for i := p.start; i < len(p.comparators); i++ {
		if p.comparators[i] == c {
			return none
		}
	}
	if len(p.comparators) == maxComparators {
		return tooManyComparators
	}
	p.comparators = append(p.comparators, c)
	return none
}

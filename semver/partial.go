package semver

import "strconv"

// partial is a version of which the end may be left open: "1", "1.2.x", "*". Numbers that are
// left out or wild are "".
type partial struct {
	major, minor, patch, pre string
}

// scanPartial reads the partial version that starts at i. If there is none, end is i.
func scanPartial(s string, i int, loose bool) (p partial, end int) {
	if end = fieldEnd(s, i, loose); end == i {
		return p, i
	}
	p.major = field(s, i, end)
	if i = end + 1; !has(s, end, '.') {
		return p, end
	}
	next := fieldEnd(s, i, loose)
	if next == i {
		return p, end
	}
	p.minor, end = field(s, i, next), next
	if i = end + 1; !has(s, end, '.') {
		return p, end
	}
	if next = fieldEnd(s, i, loose); next == i {
		return p, end
	}
	next = patchEnd(s, i, next, loose)
	p.patch = field(s, i, next)
	start, end := prerelease(s, next, loose)
	p.pre = s[start:end]
	return p, end
}

// fieldEnd returns where the number or wildcard ends that starts at i, or i.
func fieldEnd(s string, i int, loose bool) int {
	if at(s, i)&wild != 0 {
		return i + 1
	}
	return numberEnd(s, i, loose)
}

// field is the number s[start:end], "" if it is a wildcard.
func field(s string, start, end int) string {
	if classes[s[start]]&wild != 0 {
		return ""
	}
	return s[start:end]
}

// ordered says that nothing is given after what is left open.
func (p *partial) ordered() bool {
	return !(p.major == "" && p.minor != "" || p.minor == "" && p.patch != "")
}

// full says that no number is left open.
func (p *partial) full() bool { return p.major != "" && p.minor != "" && p.patch != "" }

// num is a number of a bound with its spelling: npm expands ranges as text, and looks at texts.
type num struct {
	text  string // "" for the decimal form of value
	value uint64 // maxSafe+1 for everything larger
}

var zero = num{text: "0"}

func numOf(digits string) num { return num{digits, number(digits)} }

// next is n+1 as JavaScript computes and spells it: from 1e21 on with an exponent.
func (n num) next() num {
	if n.value <= maxSafe {
		return num{value: n.value + 1}
	}
	text := n.text
	if f := float(text) + 1; f >= 1e21 {
		text = strconv.FormatFloat(f, 'e', -1, 64)
	} else {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return num{text, n.value}
}

// len is the length of the spelling.
func (n num) len() int {
	if n.text != "" {
		return len(n.text)
	}
	l := 1
	for v := n.value; v > 9; v /= 10 {
		l++
	}
	return l
}

func (n num) append(b []byte) []byte {
	if n.text != "" {
		return append(b, n.text...)
	}
	return strconv.AppendUint(b, n.value, 10)
}

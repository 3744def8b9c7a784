package semver

import "strings"

// An alternative of a range is rewritten as text before it is taken apart, in npm's order: build
// metadata goes, "a - b" becomes two comparators, operators join what they belong to. Each step
// sees the outcome of the one before, which gives odd ranges their meaning.

// needsRewrite says that some step would change s. White space is single spaces.
func needsRewrite(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			return true
		case ' ':
			if has(s, i+1, '-') {
				return true
			}
			switch s[i-1] { // s is trimmed
			case '<', '>', '=', '~', '^':
				return true
			}
		}
	}
	return false
}

func rewrite(s string, loose, pre bool) string {
	s = stripBuild(s)
	s = hyphenRange(s, loose, pre)
	s = joinOperators(s)
	s = joinMark(s, '~')
	return joinMark(s, '^')
}

// stripBuild removes all build metadata.
func stripBuild(s string) string {
	plus := strings.IndexByte(s, '+')
	if plus < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	from := 0
	for i := plus; i < len(s); {
		end := buildEnd(s, i, len(s))
		if end > i {
			b = append(b, s[from:i]...)
			from, i = end, end
			continue
		}
		i++
	}
	return string(append(b, s[from:]...))
}

// hyphenRange turns "from - to", if s is one as a whole, into two comparators.
func hyphenRange(s string, loose, pre bool) string {
	const separator = " - "
	if !strings.Contains(s, separator) {
		return s
	}
	start := 0
	if has(s, 0, ' ') {
		start = 1
	}
	digits := skipPrefix(s, start)
	from, end := scanPartial(s, digits, loose)
	if end == digits || !strings.HasPrefix(s[end:], separator) {
		return s
	}
	fromText := s[start:end]
	start = end + len(separator)
	digits = skipPrefix(s, start)
	to, end := scanPartial(s, digits, loose)
	toText := s[start:end]
	if end == digits || s[end:] != "" && s[end:] != " " {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	b = appendFrom(b, from, fromText, pre)
	b = append(b, ' ')
	b = appendTo(b, to, toText, pre)
	// A number spelled with an exponent holds a "+", which starts build metadata.
	return stripBuild(strings.Trim(string(b), " "))
}

// appendFrom writes the lower bound of a hyphen range; nothing if it is open.
func appendFrom(b []byte, from partial, text string, pre bool) []byte {
	switch {
	case from.major == "":
		return b
	case from.minor == "":
		b = append(append(append(b, ">="...), from.major...), ".0.0"...)
	case from.patch == "":
		b = append(append(b, ">="...), from.major...)
		b = append(append(append(b, '.'), from.minor...), ".0"...)
	case from.pre != "":
		return append(append(b, ">="...), text...)
	default:
		b = append(append(b, ">="...), text...)
	}
	if pre {
		b = append(b, "-0"...)
	}
	return b
}

// appendTo writes the upper bound of a hyphen range; nothing if it is open.
func appendTo(b []byte, to partial, text string, pre bool) []byte {
	var major, minor, patch num
	switch {
	case to.major == "":
		return b
	case to.minor == "":
		major, minor, patch = numOf(to.major).next(), zero, zero
	case to.patch == "":
		major, minor, patch = numOf(to.major), numOf(to.minor).next(), zero
	case to.pre != "":
		b = append(append(b, "<="...), to.major...)
		b = append(append(b, '.'), to.minor...)
		b = append(append(b, '.'), to.patch...)
		return append(append(b, '-'), to.pre...)
	case pre:
		major, minor, patch = numOf(to.major), numOf(to.minor), numOf(to.patch).next()
	default:
		return append(append(b, "<="...), text...)
	}
	return append(appendBound(b, less, major, minor, patch), "-0"...)
}

func appendBound(b []byte, op operator, major, minor, patch num) []byte {
	b = major.append(append(b, operators[op]...))
	b = minor.append(append(b, '.'))
	return patch.append(append(b, '.'))
}

// joinMark removes a space behind a tilde or caret, and with it the ">" of "~>".
func joinMark(s string, mark byte) string {
	i := strings.IndexByte(s, mark)
	if i < 0 || strings.IndexByte(s[i:], ' ') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	b = append(b, s[:i]...)
	for i < len(s) {
		b = append(b, s[i])
		i++
		if s[i-1] != mark {
			continue
		}
		if has(s, i, ' ') {
			i++
		} else if mark == '~' && has(s, i, '>') && has(s, i+1, ' ') {
			i += 2
		}
	}
	return string(b)
}

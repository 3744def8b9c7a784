package semver

// joinOperators removes the space between an operator and the version behind it ("> 1.2.3").
//
// It walks over candidates: an optional operator, any "v", "=" and spaces, and then a version, of
// which as much is passed over as reads loosely as a full version, else strictly as a partial
// one. How far that goes matters, for a "v" at the end of a prerelease starts no candidate.
func joinOperators(s string) string {
	var b []byte
	copied := 0
	full := fullVersions{s: s}
	for i := 0; i < len(s); {
		start := i
		if s[i] == '<' || s[i] == '>' {
			i++
		}
		i = skipPrefix(s, i)
		if at(s, i)&(digit|wild) == 0 {
			if i == start {
				i++
			}
			continue
		}
		if space := operatorSpace(s, start); space >= 0 {
			if b == nil {
				b = make([]byte, 0, len(s))
			}
			b = append(b, s[copied:space]...)
			copied = space + 1
		}
		if end := full.end(i); end > i {
			i = end
			continue
		}
		_, end := scanPartial(s, i, false)
		i = buildEnd(s, end, maxTail)
	}
	if copied == 0 {
		return s
	}
	return string(append(b, s[copied:]...))
}

// operatorSpace returns where the space is to be removed in the candidate at i, or -1: behind an
// optional space and an operator, which may be empty.
func operatorSpace(s string, i int) int {
	if has(s, i, ' ') {
		i++
	}
	_, n := scanOperator(s[i:])
	if has(s, i+n, ' ') {
		return i + n
	}
	return -1
}

// fullVersions finds loose full versions in s. It remembers what it saw of the last run of digits
// so that asking for each of its bytes takes linear time in all.
type fullVersions struct {
	s      string
	runEnd int // where the run of digits ends that was looked at last
	tried  int // no version starts before it
}

// end returns where the full version ends that starts at i, or i. i never decreases.
func (f *fullVersions) end(i int) int {
	if i < f.tried {
		return i
	}
	if i >= f.runEnd {
		f.runEnd = skip(f.s, i, digit, len(f.s))
	}
	end := f.runEnd
	if end == i || end-i > maxDigits {
		return i
	}
	for range 2 {
		next := end + 1
		if !has(f.s, end, '.') {
			f.tried = f.runEnd
			return i
		}
		if end = numberEnd(f.s, next, true); end == next {
			f.tried = f.runEnd
			return i
		}
	}
	_, end = prerelease(f.s, end, true)
	return buildEnd(f.s, end, maxTail)
}

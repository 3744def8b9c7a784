package semver

// Limits of npm's semver, which it builds into its patterns and checks.
const (
	// maxLength is the longest version, in UTF-16 code units as JavaScript counts (MAX_LENGTH).
	maxLength = 256
	// maxSafe is the largest number in a version: JavaScript's Number.MAX_SAFE_INTEGER.
	maxSafe = 1<<53 - 1
	// maxDigits bounds a run of digits.
	maxDigits = 256
	// maxTail bounds what follows the first letter of an identifier that is no number, and a
	// whole identifier of build metadata.
	maxTail = maxLength - 6
)

// Classes of bytes.
const (
	digit = 1 << iota
	letter
	hyphen
	wild   // x, X and *: any number, in a range
	prefix // v, = and the space, which may stand before a version
	ident  = digit | letter | hyphen
)

var classes = func() (t [256]uint8) {
	for c := '0'; c <= '9'; c++ {
		t[c] = digit
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] = letter
		t[c-'a'+'A'] = letter
	}
	t['-'] = hyphen
	t['x'] |= wild
	t['X'] |= wild
	t['*'] |= wild
	t['v'] |= prefix
	t['='] |= prefix
	t[' '] |= prefix
	return t
}()

// at is the class of the byte at i, 0 past the end.
func at(s string, i int) uint8 {
	if i < len(s) {
		return classes[s[i]]
	}
	return 0
}

// has says that the byte at i is there and is c.
func has(s string, i int, c byte) bool { return i < len(s) && s[i] == c }

// skip returns where the run of bytes of a class ends that starts at i, at most limit bytes on.
func skip(s string, i int, class uint8, limit int) int {
	end := len(s)
	if limit < end-i {
		end = i + limit
	}
	for i < end && classes[s[i]]&class != 0 {
		i++
	}
	return i
}

// skipPrefix passes over any "v", "=" and spaces.
func skipPrefix(s string, i int) int {
	for i < len(s) && classes[s[i]]&prefix != 0 {
		i++
	}
	return i
}

// numberEnd returns where the number ends that starts at i, or i. A strict number has no leading
// zeros: of "01" only "0" is one.
func numberEnd(s string, i int, loose bool) int {
	if loose {
		return skip(s, i, digit, maxDigits)
	}
	if has(s, i, '0') {
		return i + 1
	}
	return skip(s, i, digit, maxDigits+1)
}

// identifierEnd returns where the prerelease identifier ends that starts at i, or i.
func identifierEnd(s string, i int, loose bool) int {
	end := skip(s, i, digit, maxDigits)
	if at(s, end)&(letter|hyphen) != 0 {
		return skip(s, end+1, ident, maxTail)
	}
	return numberEnd(s, i, loose)
}

// prerelease finds the prerelease that starts at i: its text s[start:end] without the leading
// hyphen, which loose mode can do without. If there is none, end is i.
func prerelease(s string, i int, loose bool) (start, end int) {
	start = i
	if has(s, i, '-') {
		start++
	} else if !loose {
		return i, i
	}
	end = identifierEnd(s, start, loose)
	if end == start {
		if !loose || start == i {
			return i, i
		}
		// A hyphen with nothing behind is itself the identifier.
		start, end = i, i+1
	}
	for has(s, end, '.') {
		next := identifierEnd(s, end+1, loose)
		if next == end+1 {
			break
		}
		end = next
	}
	return start, end
}

// buildEnd returns where the build metadata ends whose "+" is at i, or i. A piece of it has at
// most limit bytes.
func buildEnd(s string, i, limit int) int {
	if !has(s, i, '+') {
		return i
	}
	end := skip(s, i+1, ident, limit)
	if end == i+1 {
		return i
	}
	for has(s, end, '.') {
		next := skip(s, end+1, ident, limit)
		if next == end+1 {
			break
		}
		end = next
	}
	return end
}

// patchEnd moves the end of a loose patch number one digit back if a dot follows it: npm reads
// "1.2.34.5" as 1.2.3-4.5, since it needs no hyphen before a prerelease and takes the longest
// number that lets the rest be read.
func patchEnd(s string, start, end int, loose bool) int {
	if loose && end-start > 1 && has(s, end, '.') {
		return end - 1
	}
	return end
}

// number is the value of a run of digits, maxSafe+1 for everything larger.
func number(digits string) uint64 {
	var n uint64
	for i := 0; i < len(digits); i++ {
		if n = n*10 + uint64(digits[i]-'0'); n > maxSafe {
			return maxSafe + 1
		}
	}
	return n
}

// numeric says that an identifier has digits only.
func numeric(id string) bool {
	for i := 0; i < len(id); i++ {
		if classes[id[i]]&digit == 0 {
			return false
		}
	}
	return id != ""
}

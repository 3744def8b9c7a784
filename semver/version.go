package semver

import "strconv"

// Version is one version. The zero Version is invalid: no text reads as it, it satisfies no
// range, and it comes before every other. So is one that is not made by [Parse] or [ParseLoose].
// Versions that [Compare] finds equal can differ in their build metadata, so that == asks for more.
type Version struct {
	// Major, Minor and Patch are at most 9007199254740991, JavaScript's largest safe integer.
	Major, Minor, Patch uint64

	pre   string // normalised: loose mode drops leading zeros of numbers
	build string
	valid bool
}

// Parse reads a strict version: major.minor.patch[-prerelease][+build], with at most one "v" in
// front and white space around. A longer text than 256 characters is no version.
// The error is an [*Error].
func Parse(s string) (Version, error) {
	v, f := parse(s, false)
	if f != none {
		return Version{}, f.of("version", s)
	}
	return v, nil
}

// ParseLoose reads a version as npm's loose mode does: any "v", "=" and white space in front,
// leading zeros, no hyphen before the prerelease ("1.0.0beta"). Registries have such versions
// from npm's early years. The error is an [*Error].
func ParseLoose(s string) (Version, error) {
	v, f := parse(s, true)
	if f != none {
		return Version{}, f.of("version", s)
	}
	return v, nil
}

// Make puts a version together again of what a valid Version without build metadata gave: its
// numbers and its prerelease. They are not checked once more, but for numbers that no version
// has, which make the zero Version. It does not allocate.
func Make(major, minor, patch uint64, prerelease string) Version {
	if major > maxSafe || minor > maxSafe || patch > maxSafe {
		return Version{}
	}
	return Version{Major: major, Minor: minor, Patch: patch, pre: prerelease, valid: true}
}

func parse(s string, loose bool) (v Version, f fault) {
	if longerThan(s, maxLength) {
		return v, tooLong
	}
	s = trim(s)
	i := 0
	if loose {
		i = skipLoosePrefix(s)
	} else if has(s, 0, 'v') {
		i = 1
	}
	for n, field := range [...]*uint64{&v.Major, &v.Minor, &v.Patch} {
		end := numberEnd(s, i, loose)
		if end == i {
			return v, badSyntax
		}
		if n == 2 {
			end = patchEnd(s, i, end, loose)
		} else if !has(s, end, '.') {
			return v, badSyntax
		}
		*field = number(s[i:end])
		i = end
		if n < 2 {
			i++
		}
	}
	return v.finish(s, i, loose)
}

// finish reads the prerelease and the build metadata, which start at i and end with s.
func (v Version) finish(s string, i int, loose bool) (Version, fault) {
	if i < len(s) {
		start, end := prerelease(s, i, loose)
		v.pre = s[start:end]
		if i = buildEnd(s, end, maxTail); i > end {
			v.build = s[end+1 : i]
		}
		if i != len(s) {
			return v, badSyntax
		}
		if loose {
			v.pre = dropZeros(v.pre)
		}
	}
	if v.Major > maxSafe || v.Minor > maxSafe || v.Patch > maxSafe {
		return v, tooLarge
	}
	v.valid = true
	return v, none
}

func skipLoosePrefix(s string) int {
	i := 0
	for i < len(s) {
		switch end := spaceEnd(s, i); {
		case end > i:
			i = end
		case s[i] == 'v' || s[i] == '=':
			i++
		default:
			return i
		}
	}
	return i
}

// IsValid says that v was read from a version.
func (v Version) IsValid() bool { return v.valid }

// String is the normalised form without build metadata (npm's SemVer.version); "" for the zero
// Version.
func (v Version) String() string {
	if !v.valid {
		return ""
	}
	return string(appendVersion(make([]byte, 0, 32), v.Major, v.Minor, v.Patch, v.pre))
}

// Prerelease is the text after "-", "" when there is none.
func (v Version) Prerelease() string { return v.pre }

// Build is the text after "+", "" when there is none.
func (v Version) Build() string { return v.build }

func appendVersion(b []byte, major, minor, patch uint64, pre string) []byte {
	b = strconv.AppendUint(b, major, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, minor, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, patch, 10)
	if pre != "" {
		b = append(b, '-')
		b = append(b, pre...)
	}
	return b
}

// dropZeros removes the leading zeros of the numbers in a prerelease: npm makes a number of an
// identifier of digits below the largest safe integer, and leaves a larger one as it is.
func dropZeros(pre string) string {
	if !startsWithZero(pre) {
		return pre
	}
	b := make([]byte, 0, len(pre))
	for rest, more := pre, true; more; {
		var id string
		id, rest, more = cutIdentifier(rest)
		if n := uint64(0); numeric(id) {
			if n = number(id); n < maxSafe {
				b = strconv.AppendUint(b, n, 10)
				id = ""
			}
		}
		b = append(b, id...)
		if more {
			b = append(b, '.')
		}
	}
	return string(b)
}

// startsWithZero says that some identifier starts with "0" and a further digit.
func startsWithZero(pre string) bool {
	for i := 0; i < len(pre); i++ {
		if pre[i] == '0' && (i == 0 || pre[i-1] == '.') && at(pre, i+1)&digit != 0 {
			return true
		}
	}
	return false
}

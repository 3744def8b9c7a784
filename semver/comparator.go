package semver

// operator is how a comparator compares.
type operator uint8

const (
	equal operator = iota
	less
	lessEqual
	greater
	greaterEqual
)

var operators = [...]string{equal: "", less: "<", lessEqual: "<=", greater: ">", greaterEqual: ">="}

// upper and lower say from which side the operator bounds; equal does from neither.
func (o operator) upper() bool { return o == less || o == lessEqual }
func (o operator) lower() bool { return o == greater || o == greaterEqual }

// inclusive says that the operator is spelled with "=".
func (o operator) inclusive() bool { return o == lessEqual || o == greaterEqual }

// scanOperator reads the operator at the start of s, which may be empty or "=".
func scanOperator(s string) (o operator, end int) {
	switch {
	case has(s, 0, '<'):
		o, end = less, 1
	case has(s, 0, '>'):
		o, end = greater, 1
	}
	if has(s, end, '=') {
		end++
		if o != equal {
			o++
		}
	}
	return o, end
}

// comparator is one bound: an operator and a version.
type comparator struct {
	major, minor, patch uint64
	pre                 string
	op                  operator
}

// nothing is the comparator that no version satisfies: there is none below 0.0.0-0.
var nothing = comparator{op: less, pre: "0"}

// test says whether v is within the bound.
func (c *comparator) test(v *Version) bool {
	n := compareNumbers(v.Major, v.Minor, v.Patch, c.major, c.minor, c.patch)
	if n == 0 {
		n = comparePrerelease(v.pre, c.pre)
	}
	switch c.op {
	case less:
		return n < 0
	case lessEqual:
		return n <= 0
	case greater:
		return n > 0
	case greaterEqual:
		return n >= 0
	}
	return n == 0
}

// allows says that the comparator names a prerelease of the same major.minor.patch as v, which
// lets prereleases of that version in.
func (c *comparator) allows(v *Version) bool {
	return c.pre != "" && c.major == v.Major && c.minor == v.Minor && c.patch == v.Patch
}

// version is the version that the comparator compares with.
func (c *comparator) version() Version {
	return Version{Major: c.major, Minor: c.minor, Patch: c.patch, pre: c.pre, valid: true}
}

func (c *comparator) append(b []byte) []byte {
	return appendVersion(append(b, operators[c.op]...), c.major, c.minor, c.patch, c.pre)
}

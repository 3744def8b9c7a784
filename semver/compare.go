package semver

import (
	"cmp"
	"strconv"
	"strings"
)

// Compare orders by precedence: -1, 0, 1. Build metadata is ignored. The zero Version comes
// first. It does not allocate.
func Compare(a, b Version) int {
	if !a.valid || !b.valid {
		return compareBool(a.valid, b.valid)
	}
	return compare(&a, &b)
}

// CompareBuild is [Compare], then build metadata, as npm's compareBuild: a version without any
// comes first, identifiers count as those of a prerelease do.
func CompareBuild(a, b Version) int {
	if c := Compare(a, b); c != 0 {
		return c
	}
	return compareIdentifiers(a.build, b.build)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compare(a, b *Version) int {
	if c := compareNumbers(a.Major, a.Minor, a.Patch, b.Major, b.Minor, b.Patch); c != 0 {
		return c
	}
	return comparePrerelease(a.pre, b.pre)
}

func compareNumbers(major, minor, patch, major2, minor2, patch2 uint64) int {
	if major != major2 {
		return cmp.Compare(major, major2)
	}
	if minor != minor2 {
		return cmp.Compare(minor, minor2)
	}
	return cmp.Compare(patch, patch2)
}

// comparePrerelease orders prereleases: none is the highest.
func comparePrerelease(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return compareIdentifiers(a, b)
}

// compareIdentifiers orders by the first pair of identifiers that differ in spelling; a text that
// is the beginning of the other comes first.
func compareIdentifiers(a, b string) int {
	for a != b {
		switch "" {
		case a:
			return -1
		case b:
			return 1
		}
		var x, y string
		x, a, _ = cutIdentifier(a)
		y, b, _ = cutIdentifier(b)
		if x != y {
			return compareIdentifier(x, y)
		}
	}
	return 0
}

// compareIdentifier orders two identifiers that differ in spelling: numbers by value and before
// all else, the rest byte by byte. Numbers are JavaScript's, so that two of more than 53 bits
// can be equal; that settles it, as it does for npm.
func compareIdentifier(a, b string) int {
	switch aNum, bNum := numeric(a), numeric(b); {
	case aNum && bNum:
		x, y := number(a), number(b)
		if x > maxSafe && y > maxSafe {
			return cmp.Compare(float(a), float(b))
		}
		return cmp.Compare(x, y)
	case aNum != bNum:
		return compareBool(bNum, aNum)
	}
	return strings.Compare(a, b)
}

// float is the number that JavaScript makes of digits. At most 256 of them come here, which
// neither overflows nor fails.
func float(digits string) float64 {
	f, _ := strconv.ParseFloat(digits, 64)
	return f
}

// cutIdentifier splits at the first dot.
func cutIdentifier(s string) (id, rest string, more bool) {
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

package pkgx

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
)

const (
	maxVersion = 256 // bytes of a version; no scheme comes near it
	maxDigits  = 18  // of one number, so that one more than it is still a number
)

// calendar is the first number above which a version is a date. Projects here label what comes
// before a release with dates, so that dates are lower than everything else.
const calendar = 1996

// version is a parsed version: numbers separated by dots. A letter that ends it counts as one
// more number, a being 1. Missing numbers are 0 in comparisons.
type version struct {
	raw     string // without the leading v
	numbers []uint64
}

var errVersion = errors.New("not a version of numbers and dots")

// parseVersion reads what versions.txt and constraints hold: 1, 1.2.3, v1.2.3.4, 1.1.1q. Nothing
// but digits, dots and that letter is in a version that it takes.
func parseVersion(s string) (version, error) {
	s = strings.TrimPrefix(s, "v")
	if s == "" || len(s) > maxVersion {
		return version{}, errVersion
	}
	v := version{raw: s}
	letter := uint64(0)
	if c := s[len(s)-1]; c >= 'a' && c <= 'z' {
		letter = uint64(c-'a') + 1
		s = s[:len(s)-1]
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || len(part) > maxDigits || strings.Trim(part, "0123456789") != "" {
			return version{}, errVersion
		}
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return version{}, errVersion
		}
		v.numbers = append(v.numbers, n)
	}
	if letter > 0 {
		v.numbers = append(v.numbers, letter)
	}
	return v, nil
}

// ofNumbers makes the version that is written with these numbers.
func ofNumbers(numbers []uint64) version {
	parts := make([]string, len(numbers))
	for i, n := range numbers {
		parts[i] = strconv.FormatUint(n, 10)
	}
	return version{raw: strings.Join(parts, "."), numbers: numbers}
}

// at is the i-th number for comparisons: those of a date come after three zeros.
func (v version) at(i int) uint64 {
	if v.numbers[0] > calendar {
		i -= 3
	}
	if i < 0 || i >= len(v.numbers) {
		return 0
	}
	return v.numbers[i]
}

// compare orders by value: 1.0 and 1.0.0 are the same.
func (v version) compare(w version) int {
	for i := range max(len(v.numbers), len(w.numbers)) + 3 {
		if c := cmp.Compare(v.at(i), w.at(i)); c != 0 {
			return c
		}
	}
	return 0
}

// canonical is how a recipe's {{version}} reads: three numbers at least, no leading zeros, unless
// the version ends in a letter.
func (v version) canonical() string {
	if last := v.raw[len(v.raw)-1]; last >= 'a' && last <= 'z' {
		return v.raw
	}
	numbers := v.numbers
	for len(numbers) < 3 {
		numbers = append(slices.Clip(numbers), 0)
	}
	return ofNumbers(numbers).raw
}

// Compare returns -1, 0 or +1 as version a is lower than, the same as, or higher than b, in the
// order of pkgx: number by number, missing numbers being 0; a letter at the end counts as one more
// number (1.1.1 < 1.1.1a < 1.1.1b); versions whose first number is above 1996 are dates, and lower
// than all others from 0.0.1 on. A leading v does not count. What is no version at all is lower than
// what is one, in byte order.
func Compare(a, b string) int {
	v, errV := parseVersion(a)
	w, errW := parseVersion(b)
	switch {
	case errV == nil && errW == nil:
		return v.compare(w)
	case errV == nil:
		return 1
	case errW == nil:
		return -1
	}
	return strings.Compare(a, b)
}

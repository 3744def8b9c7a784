// Package semver reads, compares and matches versions and ranges exactly as npm's "semver"
// package (7.x) does, in its strict and in its loose mode, oddities included: what npm accepts
// is accepted, what it refuses is refused, and both choose the same version. Where npm throws
// although it accepted a range (loose comparators of 256 characters that normalising makes
// longer), this package answers.
//
// A [Version] and a [Range] are immutable values, safe for concurrent use. Parsing takes time
// linear in the length of the text and uses no regular expressions; [Range.Match] and [Compare]
// do not allocate.
//
// Only ASCII digits, letters, "-", "." and "+" have a meaning in a version. Whitespace is what
// ECMAScript's String.prototype.trim removes.
package semver

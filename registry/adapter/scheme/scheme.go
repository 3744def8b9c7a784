// Package scheme orders versions by the rules of their ecosystem, and tells which of them satisfy a
// constraint written in its words: PEP 440 of Python, Gem::Version of RubyGems, Go's semantic
// versions with pseudo-versions, Cargo's and npm's.
//
// Each scheme is written after the published rules rather than taken from a library, since those at
// hand either compile regular expressions when a program starts, or follow the rules only in part.
// What is not a version of a scheme stands before all that are, in the order of its text, so that
// the order is total whatever a registry lists.
package scheme

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pantry-go/pantry"
)

// MaxVersion bounds a version, and MaxConstraint a constraint, in bytes. No published version comes
// near the first, and requirements of Python's packages with many exclusions near the second.
const (
	MaxVersion    = 256
	MaxConstraint = 4096
)

// Scheme is the rules of one ecosystem. It is immutable.
type Scheme struct {
	name string
	// parse reads a version; ok is false when it is none.
	parse func(v string) (key, bool)
	// constraint reads a constraint that is not empty.
	constraint func(c string) (Matcher, error)
}

// key is a version that was read.
type key interface {
	// compare returns -1, 0 or 1; other is of the same scheme.
	compare(other key) int
	prerelease() bool
}

// Matcher tells which versions satisfy a constraint.
type Matcher struct {
	// Prereleases says that the constraint asks for prereleases, too. Otherwise they count only
	// where no other version matches.
	Prereleases bool
	match       func(key, string) bool
	scheme      *Scheme
}

// Match says whether a version satisfies. What is no version of the scheme never does.
func (m Matcher) Match(version string) bool {
	k, ok := m.scheme.read(version)
	return ok && m.match(k, version)
}

// Names lists the schemes.
func Names() []string { return []string{"cargo", "go", "pep440", "rubygems", "semver"} }

// Lookup returns the scheme with a name of Names.
func Lookup(name string) (*Scheme, bool) {
	switch name {
	case "semver":
		return &Scheme{"semver", parseSemver, npmConstraint}, true
	case "cargo":
		return &Scheme{"cargo", parseSemver, cargoConstraint}, true
	case "go":
		return &Scheme{"go", parseGo, goConstraint}, true
	case "pep440":
		return &Scheme{"pep440", parsePEP440, pep440Constraint}, true
	case "rubygems":
		return &Scheme{"rubygems", parseGem, gemConstraint}, true
	}
	return nil, false
}

// Name is the name that Lookup knows the scheme by.
func (s *Scheme) Name() string { return s.name }

func (s *Scheme) read(v string) (key, bool) {
	if len(v) > MaxVersion {
		return nil, false
	}
	return s.parse(v)
}

// Valid says whether v is a version of the scheme.
func (s *Scheme) Valid(v string) bool { _, ok := s.read(v); return ok }

// Prerelease says whether v is a version that comes before a release of its number.
func (s *Scheme) Prerelease(v string) bool { k, ok := s.read(v); return ok && k.prerelease() }

// Compare returns -1, 0 or 1. Versions that are spelled differently can be equal.
func (s *Scheme) Compare(a, b string) int {
	x, okx := s.read(a)
	y, oky := s.read(b)
	return compareRead(x, okx, a, y, oky, b)
}

func compareRead(x key, okx bool, a string, y key, oky bool, b string) int {
	switch {
	case okx && oky:
		return x.compare(y)
	case okx:
		return 1
	case oky:
		return -1
	}
	return strings.Compare(a, b)
}

// Sort puts versions into ascending order. Equal ones are in the order of their text.
func (s *Scheme) Sort(versions []string) {
	type read struct {
		text string
		key  key
		ok   bool
	}
	all := make([]read, len(versions))
	for i, v := range versions {
		all[i].text = v
		all[i].key, all[i].ok = s.read(v)
	}
	slices.SortFunc(all, func(a, b read) int {
		return cmp.Or(compareRead(a.key, a.ok, a.text, b.key, b.ok, b.text), strings.Compare(a.text, b.text))
	})
	for i := range all {
		versions[i] = all[i].text
	}
}

// Constraint reads a constraint. "", "*" and "latest" are satisfied by every version. The error
// matches pantry.ErrConfig.
func (s *Scheme) Constraint(c string) (Matcher, error) {
	c = strings.TrimSpace(c)
	if len(c) > MaxConstraint {
		return Matcher{}, fmt.Errorf("%w: the constraint is longer than %d bytes", pantry.ErrConfig, MaxConstraint)
	}
	if c == "" || c == "*" || c == "latest" {
		return Matcher{match: func(key, string) bool { return true }, scheme: s}, nil
	}
	m, err := s.constraint(c)
	if err != nil {
		return Matcher{}, fmt.Errorf("%w: %q is no constraint of the scheme %s: %w", pantry.ErrConfig, c, s.name, err)
	}
	m.scheme = s
	return m, nil
}

// Satisfying returns those of the ascending versions that satisfy a constraint, in their order:
// prereleases only where the constraint asks for them, or nothing else satisfies.
func (s *Scheme) Satisfying(versions []string, constraint string) ([]string, error) {
	m, err := s.Constraint(constraint)
	if err != nil {
		return nil, err
	}
	var releases, all []string
	for _, v := range versions {
		k, ok := s.read(v)
		if !ok || !m.match(k, v) {
			continue
		}
		all = append(all, v)
		if !k.prerelease() {
			releases = append(releases, v)
		}
	}
	if m.Prereleases || len(releases) == 0 {
		return all, nil
	}
	return releases, nil
}

// clauses splits a constraint at commas and reads each part; a version must satisfy all.
func clauses(c string, read func(string) (func(key, string) bool, bool, error)) (Matcher, error) {
	var all []func(key, string) bool
	var m Matcher
	for part := range strings.SplitSeq(c, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		match, pre, err := read(part)
		if err != nil {
			return m, err
		}
		m.Prereleases = m.Prereleases || pre
		all = append(all, match)
	}
	m.match = func(k key, text string) bool {
		for _, match := range all {
			if !match(k, text) {
				return false
			}
		}
		return true
	}
	return m, nil
}

// operator splits a clause into the longest of ops that it begins with, "" for none, and the rest.
func operator(clause string, ops ...string) (op, rest string) {
	for _, o := range ops {
		if after, ok := strings.CutPrefix(clause, o); ok && len(o) > len(op) {
			op, rest = o, after
		}
	}
	if op == "" {
		rest = clause
	}
	return op, strings.TrimSpace(rest)
}

// ordered says whether the comparison c of a version with that of a clause satisfies op.
func ordered(op string, c int) bool {
	switch op {
	case "=", "==", "":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	}
	return false
}

// number is a decimal number of any size, without leading zeros; "" is zero.
type number string

func numberOf(digits string) number { return number(strings.TrimLeft(digits, "0")) }

func (n number) compare(o number) int {
	return cmp.Or(cmp.Compare(len(n), len(o)), strings.Compare(string(n), string(o)))
}

// plusOne is the next number.
func (n number) plusOne() number {
	b := []byte(n)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != '9' {
			b[i]++
			return number(b)
		}
		b[i] = '0'
	}
	return number("1" + string(b))
}

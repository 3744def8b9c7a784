package scheme

import (
	"errors"
	"strings"

	gosemver "golang.org/x/mod/semver"

	"github.com/pantry-go/pantry/semver"
)

// npmKey is a version of SemVer 2.0.0, as npm's and Cargo's registries hold them.
type npmKey struct{ v semver.Version }

func parseSemver(v string) (key, bool) {
	parsed, err := semver.Parse(v)
	if err != nil || v == "" || v[0] < '0' || v[0] > '9' {
		return nil, false
	}
	return npmKey{parsed}, true
}

func (k npmKey) compare(other key) int { return semver.Compare(k.v, other.(npmKey).v) }
func (k npmKey) prerelease() bool      { return k.v.Prerelease() != "" }

// npmConstraint reads a range of npm. Ranges say themselves which prereleases they take.
func npmConstraint(c string) (Matcher, error) {
	r, err := semver.ParseRange(c)
	if err != nil {
		return Matcher{}, err
	}
	return Matcher{Prereleases: true, match: func(k key, _ string) bool { return r.Match(k.(npmKey).v) }}, nil
}

// cargoConstraint reads a requirement of Cargo: npm's comparators with commas between them, and a
// caret where nothing else stands.
func cargoConstraint(c string) (Matcher, error) {
	var parts []string
	for part := range strings.SplitSeq(c, ",") {
		part = strings.TrimSpace(part)
		switch {
		case part == "":
			return Matcher{}, errors.New("there is nothing between two commas")
		case strings.Contains(part, "||") || strings.Contains(part, " - "):
			return Matcher{}, errors.New("alternatives and spans are not Cargo's")
		case part[0] >= '0' && part[0] <= '9' && !strings.Contains(part, "*"):
			part = "^" + part
		}
		parts = append(parts, part)
	}
	return npmConstraint(strings.Join(parts, " "))
}

// goKey is a version of a Go module, pseudo-versions and +incompatible included.
type goKey string

func parseGo(v string) (key, bool) {
	// A version of a module is written in full: v1.2.3, not v1.2.
	if !gosemver.IsValid(v) || gosemver.Canonical(v)+gosemver.Build(v) != v {
		return nil, false
	}
	return goKey(v), true
}

func (k goKey) compare(other key) int { return gosemver.Compare(string(k), string(other.(goKey))) }
func (k goKey) prerelease() bool      { return gosemver.Prerelease(string(k)) != "" }

// goConstraint reads a version query of the go command: a version, the beginning of one (v1, v1.2),
// or a comparison.
func goConstraint(c string) (Matcher, error) {
	op, want := operator(c, "<", "<=", ">", ">=")
	switch {
	case !gosemver.IsValid(want):
		return Matcher{}, errors.New("expected a version such as v1.2.3, or a query such as v1 or <v1.5.0")
	case op == "" && gosemver.Canonical(want)+gosemver.Build(want) != want: // v1 or v1.2
		return Matcher{match: func(_ key, v string) bool {
			return v == want || strings.HasPrefix(v, want+".")
		}}, nil
	}
	pre := gosemver.Prerelease(want) != ""
	return Matcher{Prereleases: pre, match: func(_ key, v string) bool {
		if op == "" {
			return v == want
		}
		return ordered(op, gosemver.Compare(v, want))
	}}, nil
}

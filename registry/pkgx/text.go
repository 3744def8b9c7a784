package pkgx

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pantry-go/pantry/printable"
)

const (
	maxName     = 214 // bytes of a name; npm's bound, and four times the longest public project
	maxSegments = 16  // of a project; the public ones have four at most
)

func line(s string) string { return printable.Line(s) }

func quote(s string) string { return printable.Quote(s) }

// checkName says why name can be neither a project, nor a program, nor a name for people. The
// characters that begin a constraint are in none of them.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name is longer than %d bytes", maxName)
	case strings.ContainsAny(name, `@^~=<>*,|\%?#:`), strings.ContainsFunc(name, printable.Unsafe), name != strings.TrimSpace(name):
		return fmt.Errorf("%s has a character that names of pkgx do not have", quote(name))
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("%s has a part that cannot stand in a path", quote(name))
		}
	}
	return nil
}

// validProject says that s is the name of a project: segments of letters, digits and . _ + -
// between slashes. It can stand in a URL as it is.
func validProject(s string) bool {
	if len(s) > maxName || strings.Count(s, "/") >= maxSegments {
		return false
	}
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "" || segment[0] == '-' || strings.Trim(segment, ".") == "" {
			return false
		}
		for _, c := range []byte(segment) {
			if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
				continue
			}
			if c != '.' && c != '_' && c != '+' && c != '-' {
				return false
			}
		}
	}
	return true
}

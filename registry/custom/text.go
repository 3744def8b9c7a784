package custom

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/pantry-go/pantry/printable"
)

const (
	maxName    = 214 // bytes; npm's bound, which the convention shares
	maxVersion = 256 // bytes; no version scheme comes near it
)

func line(s string) string { return printable.Line(s) }

func quote(s string) string { return printable.Quote(s) }

// checkName says why name cannot be that of a package: it is one path segment, or a scope and one.
func checkName(name string) error {
	scope, base, scoped := strings.Cut(name, "/")
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return fmt.Errorf("the name is longer than %d bytes", maxName)
	case scoped != strings.HasPrefix(name, "@"):
		return fmt.Errorf("%s is neither NAME nor @SCOPE/NAME", quote(name))
	case !scoped:
		base, scope = name, "@-"
	}
	if !safeSegment(scope[1:]) || !safeSegment(base) {
		return fmt.Errorf("%s has a part that cannot stand in a path", quote(name))
	}
	return nil
}

// safeSegment says that s can be one segment of a path, and means the same to whoever decodes it
// once more.
func safeSegment(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, `/\%?#`) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || printable.Unsafe(r) })
}

// reserved are the segments after a name that are no versions.
func reserved(segment string) bool {
	switch segment {
	case "versions", "tags", "tarball", "attestations":
		return true
	}
	return false
}

// usableVersion says that v can be asked for as a version.
func usableVersion(v string) bool { return len(v) <= maxVersion && safeSegment(v) && !reserved(v) }

// escapeName writes a checked name for a path: the slash of a scoped one stays.
func escapeName(name string) string {
	scope, base, scoped := strings.Cut(name, "/")
	if !scoped {
		return url.PathEscape(name)
	}
	return "@" + url.PathEscape(scope[1:]) + "/" + url.PathEscape(base)
}

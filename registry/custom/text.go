package custom

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName    = 214 // bytes; npm's bound, which the convention shares
	maxVersion = 256 // bytes; no version scheme comes near it
)

// unsafeRune says that r must not reach a terminal: control characters, line separators, and the
// marks that change the direction of writing.
func unsafeRune(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
		unicode.Is(unicode.Bidi_Control, r)
}

// line makes a text from outside one line that is safe to print.
func line(s string) string {
	if !strings.ContainsFunc(s, unsafeRune) {
		return strings.TrimSpace(s)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unsafeRune(r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// quote is line for messages: short and in quotation marks.
func quote(s string) string {
	const most = 80 // runes
	s = line(s)
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return `"` + s + `"`
}

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
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unsafeRune(r) })
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

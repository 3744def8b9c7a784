package adapter

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/pantry-go/pantry/printable"
)

const (
	maxName    = 1024     // bytes of a name, where a definition gives no bound; module paths are the longest
	maxVersion = 256      // bytes of a version
	maxText    = 16 << 10 // bytes kept of one text, of which descriptions are the longest
)

// line makes a text from outside one line that is safe to print, and not endless.
func line(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return printable.Line(s)
}

// quote is line for messages: short and in quotation marks.
func quote(s string) string { return printable.Quote(line(s)) }

// safeSegment says that s can be one segment of a path, and means the same to whoever decodes it
// once more.
func safeSegment(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, `/\%?#`) &&
		!strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || printable.Unsafe(r) })
}

// safeName says why s cannot be a name anywhere: names may have slashes.
func safeName(s string, longest int) error {
	switch {
	case s == "":
		return errors.New("the name is empty")
	case len(s) > longest:
		return fmt.Errorf("the name is longer than %d bytes", longest)
	}
	for segment := range strings.SplitSeq(s, "/") {
		if !safeSegment(segment) {
			return fmt.Errorf("%s has a part that cannot stand in a path", quote(s))
		}
	}
	return nil
}

// usableVersion says that v can be asked for as a version.
func usableVersion(v string) bool { return len(v) <= maxVersion && safeSegment(v) }

package semver

import (
	"errors"
	"fmt"
)

// ErrMalformed is matched by every error of this package: a text that is no version or no range.
var ErrMalformed = errors.New("malformed version or range")

// Error says which text could not be read, and why. It matches [ErrMalformed].
type Error struct {
	// Kind is "version" or "range".
	Kind string
	// Text is what was to be read, as given. It can be long and hold any bytes; the message
	// quotes it and cuts it short.
	Text string
	// Reason is why, in a few words.
	Reason string
}

// maxShown is how many bytes of a malformed text a message repeats.
const maxShown = 80

// Error quotes the text, so that no control character of it reaches a terminal.
func (e *Error) Error() string {
	text, more := e.Text, ""
	if len(text) > maxShown {
		text, more = text[:maxShown], "..."
	}
	return fmt.Sprintf("invalid %s %q%s: %s", e.Kind, text, more, e.Reason)
}

// Unwrap returns [ErrMalformed].
func (e *Error) Unwrap() error { return ErrMalformed }

// fault is why a text cannot be read; the zero fault is none. It becomes an [Error] only where a
// caller wants one, so that trying a text costs no allocation.
type fault uint8

const (
	none fault = iota
	badSyntax
	badComparator
	badRange
	tooLong
	tooLarge
	rangeTooLong
	tooManyComparators
)

var reasons = [...]string{
	none:               "",
	badSyntax:          "it doesn't read as major.minor.patch",
	badComparator:      "a part of it is no comparator",
	badRange:           "no part of it is a comparator",
	tooLong:            "a version is longer than 256 characters",
	tooLarge:           "a number is larger than 9007199254740991",
	rangeTooLong:       "it is longer than 65536 bytes",
	tooManyComparators: "it has more than 2048 comparators",
}

func (f fault) of(kind, text string) error {
	return &Error{Kind: kind, Text: text, Reason: reasons[f]}
}

package registry

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
)

// ErrIncomplete: nobody who answered has the package, and not everybody answered. It is the error
// of a lookup that is neither "not found" (all said so) nor "unavailable" (nobody answered).
var ErrIncomplete = errors.New("not every registry could be asked")

// ConfigError is a mistake in the configuration of registries. It matches pantry.ErrConfig.
type ConfigError struct {
	// Source is where the mistake was written ("pantry.json:4:5"); "" when it is not known.
	Source string
	// Registry is the entry's name; "" when the mistake is not one entry's.
	Registry string
	// Field is the key, "auth.token"; "" when it is about the whole entry.
	Field string
	// Problem is what is wrong and what was expected.
	Problem string
	// Next is one next step; may be "".
	Next string
	// Err is the cause; may be nil.
	Err error
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	if e.Registry != "" {
		b.WriteString("registry " + quote(e.Registry) + ": ")
	}
	if e.Field != "" && !strings.HasSuffix(e.Source, e.Field) {
		b.WriteString(e.Field + ": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// Is matches pantry.ErrConfig.
func (e *ConfigError) Is(target error) bool { return target == pantry.ErrConfig }

func (e *ConfigError) Unwrap() error { return e.Err }

// Hint is the next step.
func (e *ConfigError) Hint() string { return e.Next }

// refusal is an error of the manager itself: kind decides, msg says it.
type refusal struct {
	kind error
	msg  string
	hint string
}

func (e *refusal) Error() string { return e.msg }
func (e *refusal) Unwrap() error { return e.kind }
func (e *refusal) Hint() string  { return e.hint }

// maxText bounds, in bytes, what a registry's words take up in a message.
const maxText = 400

// printable makes text from outside fit for a message: one line, no control or direction-changing
// characters, bounded.
func printable(s string) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == utf8.RuneError:
			continue
		}
		if b.Len() > maxText {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

func quote(s string) string { return `"` + printable(s) + `"` }

func quoteAll(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = quote(n)
	}
	return strings.Join(q, ", ")
}

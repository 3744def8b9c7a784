package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
)

// Exit codes. They are part of the interface: scripts rely on them.
const (
	exitOK          = 0   // done
	exitFailed      = 1   // failed
	exitUsage       = 2   // usage or configuration
	exitNotFound    = 3   // found nowhere
	exitRefused     = 4   // refused by verification or policy
	exitUnavailable = 5   // no registry could be reached
	exitInterrupted = 130 // interrupted
)

// usageError is a mistake on the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// classes orders the kinds of errors: the first that matches gives the exit code and the stable code
// of --json.
var classes = []struct {
	is   error
	exit int
	code string
}{
	{context.Canceled, exitInterrupted, "interrupted"},
	{pantry.ErrIntegrity, exitRefused, "integrity"},
	{pantry.ErrPolicy, exitRefused, "refused"},
	{pantry.ErrConfig, exitUsage, "configuration"},
	{pantry.ErrDenied, exitFailed, "denied"},
	{pantry.ErrUnavailable, exitUnavailable, "unavailable"},
	{pantry.ErrVersionNotFound, exitNotFound, "version-not-found"},
	{pantry.ErrNotFound, exitNotFound, "not-found"},
	{registry.ErrIncomplete, exitFailed, "incomplete"},
	{pantry.ErrInvalid, exitFailed, "invalid-answer"},
	{pantry.ErrExists, exitFailed, "exists"},
	{pantry.ErrUnsupported, exitFailed, "unsupported"},
	{registry.ErrIncomplete, exitFailed, "incomplete"},
}

// classify returns the exit code and the stable code of an error.
func classify(err error) (exit int, code string) {
	var usage *usageError
	if errors.As(err, &usage) {
		return exitUsage, "usage"
	}
	for _, c := range classes {
		if errors.Is(err, c.is) {
			return c.exit, c.code
		}
	}
	return exitFailed, "failed"
}

// problem is an error as --json prints it.
type problem struct {
	Code     string             `json:"code"`
	Message  string             `json:"message"`
	Hint     string             `json:"hint,omitempty"`
	Registry string             `json:"registry,omitempty"`
	Name     string             `json:"name,omitempty"`
	Version  string             `json:"version,omitempty"`
	Decision *registry.Decision `json:"decision,omitempty"`
}

// printError writes an error to stderr: for people "pantry: error: …" and, where there is a next step,
// "pantry: hint: …"; for machines one JSON object. It returns the exit code.
func printError(w io.Writer, err error, asJSON bool) int {
	exit, code := classify(err)
	hint := pantry.Hint(err)
	if asJSON {
		p := problem{Code: code, Message: err.Error(), Hint: hint}
		var e *pantry.Error
		if errors.As(err, &e) {
			p.Registry, p.Name, p.Version = e.Ref.Registry, e.Ref.Name, e.Ref.Version
		}
		var lookup *registry.LookupError
		if errors.As(err, &lookup) {
			p.Decision = &lookup.Decision
		}
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(map[string]problem{"error": p})
		return exit
	}
	if exit == exitInterrupted {
		fmt.Fprintln(w, "pantry: interrupted")
		return exit
	}
	fmt.Fprintf(w, "pantry: error: %s\n", indentLines(err.Error()))
	if hint != "" {
		fmt.Fprintf(w, "pantry: hint: %s\n", indentLines(hint))
	}
	return exit
}

// indentLines keeps the later lines of a message apart from other output.
func indentLines(s string) string { return strings.ReplaceAll(s, "\n", "\n  ") }

package manifest

import (
	"fmt"

	"github.com/pantry-go/pantry"
)

// SyntaxError is a mistake in a manifest. It matches [pantry.ErrConfig].
type SyntaxError struct {
	File         string
	Line, Column int // from 1; Column counts characters
	Err          error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.File, e.Line, e.Column, e.Err)
}

// Is matches [pantry.ErrConfig].
func (e *SyntaxError) Is(target error) bool { return target == pantry.ErrConfig }

// Unwrap returns what is wrong at that place.
func (e *SyntaxError) Unwrap() error { return e.Err }

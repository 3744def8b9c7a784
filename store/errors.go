package store

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unicode"

	"github.com/pantry-go/pantry"
)

// fail says which store could not be read or written, and what can be done about it.
func (s *Store) fail(what string, err error) error {
	dir := s.Dir()
	wrapped := fmt.Errorf("%s the store %s: %w", what, dir, err)
	switch {
	case isFull(err):
		return pantry.WithHint(wrapped, "free some space on the disk of %s, or choose another folder for the store", dir)
	case isReadOnly(err), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return pantry.WithHint(wrapped, "make %s writable, or choose another folder for the store", dir)
	case errors.Is(err, ErrDamaged):
		return pantry.WithHint(wrapped, "run pantry store verify --repair, and install again")
	case errors.Is(err, syscall.ENAMETOOLONG):
		return pantry.WithHint(wrapped, "choose a folder with a shorter path for the store")
	case errors.Is(err, syscall.ENOTDIR):
		return pantry.WithHint(wrapped, "a part of the path %s is a file: remove it, or choose another folder for the store", dir)
	}
	return wrapped
}

// clean makes a text from outside fit for a message.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

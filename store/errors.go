package store

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/pantry-go/pantry"
)

// fail says which store could not be read or written, and what can be done about it.
func (s *Store) fail(what string, err error) error {
	dir := s.Dir()
	wrapped := fmt.Errorf("%s the store %s: %w", what, dir, err)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return pantry.WithHint(wrapped, "free some space on the disk of %s, or choose another folder for the store", dir)
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return pantry.WithHint(wrapped, "make %s writable, or choose another folder for the store", dir)
	case errors.Is(err, syscall.ENOTDIR):
		return pantry.WithHint(wrapped, "a part of the path %s is a file: remove it, or choose another folder for the store", dir)
	}
	return wrapped
}

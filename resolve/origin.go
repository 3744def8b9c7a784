package resolve

import (
	"fmt"
	"strings"

	"github.com/pantry-go/pantry"
)

// OriginError is the error of a package that is locked from one registry and for which another one
// answers. It matches [pantry.ErrPolicy].
type OriginError struct {
	Name   string
	Locked []string // the registries that it is locked from
	// Registry answers for it now, with Version.
	Registry, Version string
	// URLs are those of the registries concerned, by their names, as far as they are known.
	URLs map[string]string
}

func (e *OriginError) Error() string {
	s := fmt.Sprintf("the origin of %s would change: it is locked from registry %q, and registry %q answers for it now with %s",
		e.Name, strings.Join(e.Locked, ", "), e.Registry, e.Version)
	var at []string
	for _, name := range append(e.Locked[:len(e.Locked):len(e.Locked)], e.Registry) {
		if u := e.URLs[name]; u != "" {
			at = append(at, name+" is "+u)
		}
	}
	if len(at) > 0 {
		s += " (" + strings.Join(at, ", ") + ")"
	}
	return s + ": " + pantry.ErrPolicy.Error()
}

func (e *OriginError) Unwrap() error { return pantry.ErrPolicy }

// Hint is how to accept the change.
func (e *OriginError) Hint() string { return "if that is right: pantry origins approve " + e.Name }

package link

import "path/filepath"

// ErrNoLayout is matched by the error of a node_modules that is not there, that Pantry did not make, or
// whose record is damaged.
var ErrNoLayout = errLayout

// Standing is what Pantry has laid out in a node_modules.
type Standing struct {
	// Isolated says that packages stand alone; false is a hoisted layout.
	Isolated bool
	// Entries is how many packages of an isolated layout stand in the project: all, none, or those
	// that are copied and what leads to them.
	Entries int
	// Keys are the linked packages of the store that something in node_modules has a link to, in
	// order. What those lead to in turn is not among them. A layout that was interrupted while it
	// changed has those of before and after.
	Keys []string
}

// ReadStanding reads the record of what is in the node_modules of the project in dir. Nothing else is
// looked at.
func ReadStanding(dir string) (Standing, error) {
	data, err := readRecord(filepath.Join(dir, modules))
	if err != nil {
		return Standing{}, err
	}
	if l, err := parseIsolated(data); err == nil {
		return Standing{Isolated: true, Entries: len(l.entries), Keys: l.uses}, nil
	}
	_, err = parseLayout(data)
	return Standing{}, err
}

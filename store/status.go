package store

import (
	"context"
	"os"
	"path/filepath"
)

// Status is what a store holds.
type Status struct {
	Entries  int   // artifacts, those of tools and variants included
	Files    int   // of entries
	Bytes    int64 // of those files
	Damaged  int   // entries whose index cannot be read; VerifyAll says more
	Linked   int   // linked packages
	Homes    int   // those of them that live in the entry of their files
	Projects int   // recorded, whether they are still there or not
}

// Status counts what is in the store. It reads the index of every entry, and no file.
func (s *Store) Status(ctx context.Context) (Status, error) {
	var st Status
	dirs, err := s.entryDirs()
	if err != nil {
		return st, err
	}
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return st, err
		}
		e, _, err := readEntry(dir)
		if err != nil {
			st.Damaged++
			continue
		}
		st.Entries++
		st.Files += len(e.Files)
		st.Bytes += e.size()
	}
	keys, err := s.linkedKeys()
	if err != nil {
		return st, err
	}
	for _, key := range keys {
		if _, err := os.Readlink(filepath.Join(s.dir, linksName, key)); err == nil {
			st.Homes++
		}
	}
	st.Linked = len(keys)
	projects, err := s.Projects()
	st.Projects = len(projects)
	return st, err
}

// size is that of all files.
func (e *Entry) size() (n int64) {
	for _, f := range e.Files {
		n += f.Size
	}
	return n
}

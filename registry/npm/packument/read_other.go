//go:build !unix

package packument

import (
	"io"
	"os"
	"path/filepath"
)

// folderHandle is of use on other systems.
type folderHandle struct{}

func (*folderHandle) forget() {}

// load reads a file of the shelf, unless it is larger than any that is written here.
func (s *Shelf) load(file string) (*Packument, error) {
	in, err := os.Open(filepath.Join(s.dir, file))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// Package wholefile writes files that appear whole or not at all: under a temporary name in the same
// folder, synced, and renamed.
package wholefile

import "io/fs"

// Write puts a whole file in the place of path. mode is for a new file; one that is there keeps its
// own. Of two writers at once one wins.
func Write(path string, data []byte, mode fs.FileMode) error { return write(path, data, mode) }

// Package wholefile writes files that appear whole or not at all: under a temporary name in the same
// folder, and renamed.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Write puts a whole file in the place of path, and on the disk. mode is for a new file; one that is there keeps its
// own. Of two writers at once one wins.
func Write(path string, data []byte, mode fs.FileMode) error { return write(path, data, mode) }

// WriteUnsynced is [Write] that does not wait for the disk: after a loss of power a new file may be
// empty or cut short. It is for what can be made again. On a journalled disk that has just got ten
// thousands of new files waiting would take longer than an install.
func WriteUnsynced(path string, data []byte, mode fs.FileMode) error {
	temp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s%d", filepath.Base(path), rand.Uint64()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if st, statErr := os.Stat(path); statErr == nil && st.Mode().Perm() != mode {
		err = f.Chmod(st.Mode().Perm())
	}
	if err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

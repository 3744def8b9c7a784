package install

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// staleAfter is when a temporary file was left behind by a process that was killed: nobody writes a
// small file for that long.
const staleAfter = time.Minute

// clearStale removes the temporary files in which the project's files and the state were to be written
// by processes that were killed. What cannot be removed is in nobody's way.
func (r *run) clearStale() {
	clearTemporary(r.Dir, inputFiles[:]...)
	clearTemporary(filepath.Dir(r.statePath()), filepath.Base(r.statePath()))
}

// clearTemporary removes what package wholefile's temporary names look like: a dot, the name, and a
// number of many digits.
func clearTemporary(dir string, names ...string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		for _, name := range names {
			number, ok := strings.CutPrefix(e.Name(), "."+name)
			if !ok || len(number) < 10 || strings.Trim(number, "0123456789") != "" {
				continue
			}
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > staleAfter {
				_ = os.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
}

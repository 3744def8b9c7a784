package link

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stagePrefix names folders beside node_modules in which one is being built, or thrown away.
const stagePrefix = ".node_modules-pantry-"

// workPrefix names folders in node_modules/.pantry for the same.
const workPrefix = "work-"

// clearStale removes what interrupted runs left. What cannot be removed is in nobody's way.
func (a *applier) clearStale() {
	clearPrefixed(a.Dir, stagePrefix)
	if st, err := os.Lstat(filepath.Join(a.root, private)); err == nil && st.IsDir() {
		clearPrefixed(filepath.Join(a.root, private), workPrefix)
	}
}

func clearPrefixed(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			removeTree(filepath.Join(dir, e.Name()))
		}
	}
}

// removeTree deletes a folder, as far as it can, with those in it that may not be written to.
func removeTree(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // before it is read
		}
		return nil
	})
	_ = os.RemoveAll(dir)
}

// swapIn puts stage at dst, in one step where the system can. What was at dst is at stage, or beside
// it, afterwards; a link at dst is not followed.
func swapIn(stage, dst string) error {
	err := exchange(stage, dst)
	if err == nil {
		return nil
	}
	old := stage + "-old"
	if err := discard(dst, old); err != nil {
		return err
	}
	if err := os.Rename(stage, dst); err != nil {
		_ = discard(old, dst)
		return fmt.Errorf("put %s in place: %w", dst, err)
	}
	removeTree(old)
	return nil
}

// discard moves path away, if it is there. A link is moved, not what it points to.
func discard(path, to string) error {
	if err := os.Rename(path, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("take %s away: %w", path, err)
	}
	return nil
}

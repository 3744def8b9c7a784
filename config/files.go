package config

import (
	"os"
	"path/filepath"
)

// UserFile is the path of the user's configuration file, which need not be there; "" where the
// environment gives no folder for it.
func UserFile(o Options) string {
	l := newLoader(o)
	if path, ok := l.o.Env("PANTRY_CONFIG"); ok && path != "" {
		return resolvePath(path, l.o.Dir, l.o.Home)
	}
	return fileIn(l.o.ConfigDir)
}

// ProjectFile is the path of the configuration file of the project in a folder, which need not be
// there.
func ProjectFile(dir string) string { return fileIn(dir) }

// Shown is a path as messages and origins name it: relative to the project, or to the home folder.
func Shown(o Options, path string) string { return newLoader(o).display(path) }

// fileIn is the configuration file of a folder: the one that is there, else pantry.json.
func fileIn(dir string) string {
	if dir == "" {
		return ""
	}
	plain, commented := filepath.Join(dir, FileName), filepath.Join(dir, FileNameComment)
	if _, err := os.Lstat(plain); err != nil {
		if _, err := os.Lstat(commented); err == nil {
			return commented
		}
	}
	return plain
}

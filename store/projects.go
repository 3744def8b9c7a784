package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
)

const (
	projectsName = "projects"
	maxProject   = 64 << 10 // bytes of a path: more than any system takes
)

// Remember records that the project in a folder uses the store: what the recorded projects need is
// what Prune is told to keep. One that is recorded costs a single system call.
//
// The record is a symbolic link, which a loss of power cannot cut short, as it does with files; where
// there are none it is a file.
func (s *Store) Remember(projectDir string) error {
	dir, err := filepath.Abs(projectDir)
	if err != nil {
		return s.fail("write", fmt.Errorf("remember %q: %w", projectDir, err))
	}
	path := s.projectPath(dir)
	if have, err := readProject(path); err == nil && have == dir {
		return nil
	}
	w, err := s.workspace()
	if err != nil {
		return err
	}
	tmp := w.name("project")
	if os.Symlink(dir, tmp) == nil {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = rename(tmp, path)
		}
		if err != nil {
			err = errors.Join(err, removeIfThere(tmp))
		}
	} else {
		err = s.put1(w, filepath.Join(projectsName, filepath.Base(path)), []byte(dir+"\n"))
	}
	if err != nil {
		return s.fail("write", err)
	}
	return nil
}

// projectPath is where a project is recorded. 128 bits are enough for nobody to find a second path.
func (s *Store) projectPath(dir string) string {
	return filepath.Join(s.dir, projectsName, integrity.Sum(integrity.SHA256, []byte(dir)).Hex()[:32])
}

// readProject returns the folder that a record is about.
func readProject(path string) (string, error) {
	dir, err := os.Readlink(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	data, _, err := readWhole(path, maxProject)
	if err != nil {
		return "", err
	}
	dir, ok := strings.CutSuffix(string(data), "\n")
	if !ok || !filepath.IsAbs(dir) {
		return "", errors.New("it is not the record of a project")
	}
	return dir, nil
}

// Projects returns the folders of all recorded projects, in order, whether they are still there or not.
// Prune forgets those that are not.
func (s *Store) Projects() ([]string, error) {
	records, err := os.ReadDir(filepath.Join(s.dir, projectsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, s.fail("read", err)
	}
	var dirs []string
	for _, r := range records {
		dir, err := readProject(filepath.Join(s.dir, projectsName, r.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(projectsName, r.Name()), err)
			return nil, pantry.WithHint(s.fail("read", err), "remove that file, and run pantry install in the project it was about")
		}
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs, nil
}

// projectsThere tells the recorded projects that are there from those whose folders are gone.
func (s *Store) projectsThere() (there, lost []string, err error) {
	dirs, err := s.Projects()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			lost = append(lost, dir)
		} else {
			there = append(there, dir)
		}
	}
	return there, lost, err
}

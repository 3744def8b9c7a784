package link

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// binFolder is where commands stand, in each node_modules.
const binFolder = ".bin"

// binKey is a command in one of the .bin folders: the folder relative to node_modules, and the name.
type binKey struct{ dir, name string }

func compareBins(a, b binKey) int {
	return cmp.Or(strings.Compare(a.dir, b.dir), strings.Compare(a.name, b.name))
}

// bins finds the commands of the tree and what their links say: each package's, in the .bin folder
// of the node_modules it stands in. Where two packages bring one command, the project's own
// dependency wins, else the first by name. A command whose name or path could lead out of its place
// is none.
func bins(l *lockfile.Lock, t *Tree) map[binKey]string {
	out := map[binKey]string{}
	direct := map[binKey]bool{}
	for _, p := range t.Placements {
		if p.Link != "" {
			continue
		}
		names := l.Packages[p.ID].Bin
		for _, given := range slices.Sorted(maps.Keys(names)) {
			name, target, err := lockfile.CleanBin(given, names[given])
			if err != nil {
				continue
			}
			folder := strings.TrimSuffix(p.Path, p.Name)
			key := binKey{dir: strings.TrimPrefix(folder, modules+"/") + binFolder, name: name}
			if _, taken := out[key]; taken && (direct[key] || !p.Direct) {
				continue
			}
			out[key] = "../" + p.Name + "/" + target
			direct[key] = p.Direct
		}
	}
	return out
}

// removeBins takes away the links of had that are not in want. What is no longer the link that was
// made, or is behind a link, is left alone; of one that was just being changed ("") it is enough that
// it is a link.
func (a *applier) removeBins(had, want map[binKey]string) {
	seen := newFolders(a.Dir)
	for _, key := range slices.SortedFunc(maps.Keys(had), compareBins) {
		if _, keep := want[key]; keep || !seen.isReal(path.Join(modules, key.dir)) {
			continue
		}
		dir := filepath.Join(a.root, filepath.FromSlash(key.dir))
		link := filepath.Join(dir, key.name)
		if text, err := os.Readlink(link); err == nil && (had[key] == "" || filepath.ToSlash(text) == had[key]) {
			_ = os.Remove(link)
			_ = os.Remove(dir) // refused as long as something is in it
		}
	}
}

// makeBins makes the links of want in the node_modules at root. A command whose program is not there,
// or is no file, is taken out of want.
func makeBins(root string, want map[binKey]string) error {
	made := map[string]bool{}
	tmp := filepath.Join(root, private, workPrefix+"command")
	for _, key := range slices.SortedFunc(maps.Keys(want), compareBins) {
		dir := filepath.Join(root, filepath.FromSlash(key.dir))
		program := filepath.Join(dir, filepath.FromSlash(want[key]))
		if st, err := os.Lstat(program); err != nil || !st.Mode().IsRegular() {
			delete(want, key)
			continue
		}
		if !made[dir] {
			if err := makeFolder(dir); err != nil {
				return err
			}
			made[dir] = true
		}
		if err := symlink(want[key], filepath.Join(dir, key.name), tmp); err != nil {
			return fmt.Errorf("link command %s: %w", key.name, err)
		}
	}
	return nil
}

// symlink makes link point to target, in place of whatever was there, by way of tmp.
func symlink(target, link, tmp string) error {
	if have, err := os.Readlink(link); err == nil && have == target {
		return nil
	}
	err := os.Symlink(target, link)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	_ = os.Remove(tmp)
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	if st, err := os.Lstat(link); err == nil && st.IsDir() {
		removeTree(link)
	}
	return os.Rename(tmp, link)
}

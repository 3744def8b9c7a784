package link

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// isolatedPlan is what is to be done to an isolated node_modules that Pantry made.
type isolatedPlan struct {
	entries map[string]string // to be put in place; by name, where they are laid out
	links   []string          // to be made
	gone    []string          // links to be taken away
	old     []string          // entries that nobody needs any more
}

func (p *isolatedPlan) empty() bool {
	return len(p.entries)+len(p.links)+len(p.gone)+len(p.old) == 0
}

// plan finds out what is not on disk as it should be. Of an entry only what the record says, and that
// its package is a folder with a package.json, is looked at; of a link for packages that declare nothing,
// that it is a link.
func (a *isolator) plan(previous *isolatedLayout) *isolatedPlan {
	p := &isolatedPlan{entries: map[string]string{}}
	seen := newFolders(a.Dir)
	there := lookAt(a.root, a.next)
	defer there.close()
	for name, what := range a.next.entries {
		if a.Force || previous.entries[name] != what || !there.hasEntry(name, a.folders[name]) {
			p.entries[name] = ""
		}
	}
	for at, text := range a.next.links {
		has := there.loose[at] || !strings.HasPrefix(at, fallback) && a.hasLink(seen, at, text)
		if a.Force || previous.links[at] != text || !has {
			p.links = append(p.links, at)
		}
	}
	for at := range previous.links {
		if _, stays := a.next.links[at]; !stays && seen.isReal(path.Dir(modules+"/"+at)) {
			p.gone = append(p.gone, at)
		}
	}
	for name := range previous.entries {
		if _, stays := a.next.entries[name]; !stays {
			p.old = append(p.old, name)
		}
	}
	slices.Sort(p.links)
	slices.Sort(p.gone)
	slices.Sort(p.old)
	return p
}

func (a *isolator) hasLink(seen folders, at, text string) bool {
	have, err := os.Readlink(filepath.Join(a.root, filepath.FromSlash(at)))
	return err == nil && have == text && seen.isReal(path.Dir(modules+"/"+at))
}

// present is what stands in the private folder of a node_modules. It is listed, since that is much
// cheaper than to look at everything by its path.
type present struct {
	entries map[string]bool // names of folders
	loose   map[string]bool // paths, from node_modules, of the links that nobody declares
	files   *fileLooker     // nil if nothing can be there
}

// lookAt lists what is there of the kinds that next has.
func lookAt(root string, next *isolatedLayout) *present {
	p := &present{entries: map[string]bool{}, loose: map[string]bool{}}
	if len(next.entries) == 0 {
		return p
	}
	own := entriesOf(root)
	if st, err := os.Lstat(own); err != nil || !st.IsDir() {
		return p
	}
	p.files, _ = openFiles(own)
	list(own, func(e fs.DirEntry) {
		if e.IsDir() {
			p.entries[e.Name()] = true
		}
	})
	if p.entries[modules] {
		p.listLoose(root, strings.TrimSuffix(fallback, "/"))
	}
	return p
}

// listLoose lists links, and those in folders of scopes.
func (p *present) listLoose(root, dir string) {
	list(filepath.Join(root, filepath.FromSlash(dir)), func(e fs.DirEntry) {
		at := dir + "/" + e.Name()
		if e.IsDir() && e.Name()[0] == '@' {
			p.listLoose(root, at)
		} else if e.Type()&fs.ModeSymlink != 0 {
			p.loose[at] = true
		}
	})
}

func list(dir string, visit func(fs.DirEntry)) {
	f, err := os.Open(dir)
	if err != nil {
		return
	}
	defer f.Close()
	entries, _ := f.ReadDir(-1) // in any order
	for _, e := range entries {
		visit(e)
	}
}

// hasEntry says whether there is an entry whose package, in folder from node_modules, has a
// package.json.
func (p *present) hasEntry(name, folder string) bool {
	return p.files != nil && p.entries[name] && p.files.has(strings.TrimPrefix(folder, private+"/")+"/package.json")
}

func (p *present) close() {
	if p.files != nil {
		p.files.close()
	}
}

// count tells what is being done.
func (a *isolator) count(p *isolatedPlan) {
	top := func(paths []string) (n int) {
		for _, at := range paths {
			if !strings.HasPrefix(at, fallback) {
				n++
			}
		}
		return n
	}
	a.report.Linked = min(max(a.made, top(p.links)), a.total)
	a.report.Kept = a.total - a.report.Linked
	a.report.Removed = max(top(p.gone), len(p.old))
}

// inOrder lists the entries to be put in place: first the new ones, then those that take the place of
// others, and so are in use at once and must find what they link to.
func (p *isolatedPlan) inOrder(previous *isolatedLayout) []string {
	names := slices.Sorted(maps.Keys(p.entries))
	slices.SortStableFunc(names, func(a, b string) int {
		_, hadA := previous.entries[a]
		_, hadB := previous.entries[b]
		switch {
		case hadA == hadB:
			return 0
		case hadB:
			return -1
		}
		return 1
	})
	return names
}

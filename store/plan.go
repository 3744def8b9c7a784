package store

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// plan is what a linked package consists of beside its files.
type plan struct {
	Linked
	links []placed // in the order of their paths
	// nested are the needs that stand in the node_modules of the package's own folder.
	nested []string
	seal   string // what the link "home" says
}

// placed is a symbolic link below the folder that holds node_modules.
type placed struct{ path, to string }

// newPlan checks l and places its links.
func newPlan(l Linked) (*plan, error) {
	switch {
	case !validKey(l.Key):
		return nil, fmt.Errorf("%.50q is no key of a linked package", l.Key)
	case l.Entry == nil:
		return nil, errors.New("a linked package needs an entry")
	case !validName(l.Entry.Name):
		return nil, fmt.Errorf("%s cannot be linked, since its package.json has no name that could be a folder of node_modules", l.Entry)
	}
	p := &plan{Linked: l, links: make([]placed, 0, len(l.Links))}
	for _, t := range l.Links {
		if t.Package == "" {
			t.Package = t.Name
		}
		if !validKey(t.Key) || !validName(t.Name) || !validName(t.Package) {
			return nil, fmt.Errorf("%s needs %.100q as %.100q with the key %.50q, and that cannot be a link", l.Entry, t.Package, t.Name, t.Key)
		}
		p.links = append(p.links, p.place(t))
	}
	slices.SortFunc(p.links, func(a, b placed) int { return cmp.Compare(a.path, b.path) })
	for i, l := range p.links[min(1, len(p.links)):] {
		if l.path == p.links[i].path {
			return nil, fmt.Errorf("%s needs two packages as %s", p.Entry, l.path)
		}
	}
	p.seal = seal(l.Key, p.links)
	return p, nil
}

// base is the folder of the package's files, below the one that holds node_modules.
func (p *plan) base() string { return folderOf(p.Entry.Name) }

// place decides where the link to a target goes. One that would stand where the package's own folder
// is goes into that folder's node_modules, where Node looks first; so does one whose name differs in
// its capitals only, since there are file systems to which that is the same.
func (p *plan) place(t Target) placed {
	at := modulesName + "/" + t.Name
	if strings.EqualFold(t.Name, p.Entry.Name) {
		at = modulesName + "/" + p.Entry.Name + "/" + at
		p.nested = append(p.nested, t.Name)
	}
	return placed{at, linkText(at, t.Key, t.Package)}
}

// linkText leads from a link at path, below the folder of an entry or of a linked package, to the
// files of another linked package. Both kinds of folders are two levels below the store.
func linkText(at, key, pkg string) string {
	return strings.Repeat("../", strings.Count(at, "/")+2) + linksName + "/" + key + "/" + modulesName + "/" + pkg
}

// parseLinkText is the inverse of linkText.
func parseLinkText(at, text string) (key, pkg string, ok bool) {
	rest, ok := strings.CutPrefix(text, strings.Repeat("../", strings.Count(at, "/")+2)+linksName+"/")
	if !ok || len(rest) <= keyLength {
		return "", "", false
	}
	key = rest[:keyLength]
	pkg, ok = strings.CutPrefix(rest[keyLength:], "/"+modulesName+"/")
	return key, pkg, ok && validKey(key) && validName(pkg)
}

// seal is a key with a checksum of the links that belong to it.
func seal(key string, links []placed) string {
	var sum uint32
	for _, l := range links {
		sum = crc32.Update(sum, castagnoli, []byte(l.path+"\x00"+l.to+"\n"))
	}
	return string(appendSum([]byte(key+"-"), sum))
}

// sealedKey is the key in a seal.
func sealedKey(text string) (key string, ok bool) {
	key, sum, _ := strings.Cut(text, "-")
	_, ok = parseSum(sum)
	return key, ok && validKey(key)
}

// found is what is in the node_modules of an entry or of a linked package.
type found struct {
	links   []placed // in the order of their paths
	folders []string // of packages, by name
	strange []string // paths of what nobody has put there
}

// look lists what is in the node_modules of root. nested says that the package's own folder may have
// links in a node_modules of its own; artifacts of packages never have links.
func look(root *folder, nested bool) (found, error) {
	var f found
	err := scan(root, modulesName, func(at string, e fs.DirEntry) error {
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			return f.add(root, at)
		case e.IsDir():
			f.folders = append(f.folders, strings.TrimPrefix(at, modulesName+"/"))
		default:
			f.strange = append(f.strange, at)
		}
		return nil
	})
	for _, name := range f.folders {
		if err != nil || !nested {
			break
		}
		err = scan(root, modulesName+"/"+name+"/"+modulesName, func(at string, e fs.DirEntry) error {
			if e.Type()&fs.ModeSymlink == 0 {
				return nil
			}
			return f.add(root, at)
		})
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	slices.SortFunc(f.links, func(a, b placed) int { return cmp.Compare(a.path, b.path) })
	return f, err
}

func (f *found) add(root *folder, at string) error {
	to, err := root.readlink(at)
	f.links = append(f.links, placed{at, to})
	return err
}

// scan lists the folder at, which is a node_modules, and those of the scopes in it.
func scan(root *folder, at string, visit func(at string, e fs.DirEntry) error) error {
	entries, err := root.list(at)
	for _, e := range entries {
		if err != nil {
			return err
		}
		here := at + "/" + e.Name()
		if e.IsDir() && strings.HasPrefix(e.Name(), "@") && path.Base(at) == modulesName {
			err = scan(root, here, visit)
		} else {
			err = visit(here, e)
		}
	}
	return err
}

package lockfile

import (
	"bytes"
	"maps"
	"slices"
)

// Part returns the part of a lockfile that some of the root project's wishes lead to, with those wishes
// alone. It shares the packages.
func (l *Lock) Part(wishes []string) *Lock {
	part := New()
	maps.Copy(part.Overrides, l.Overrides)
	project := &Project{Dependencies: make(map[string]Wish, len(wishes))}
	part.Projects["."] = project
	var from []ID
	for _, name := range wishes {
		if w, ok := l.Projects["."].Dependencies[name]; ok {
			project.Dependencies[name] = w
			from = append(from, w.ID)
		}
	}
	for id := range l.Reachable(from, nil) {
		part.Packages[id] = l.Packages[id]
	}
	return part
}

// Insert returns the text of l, given that of a Lock that differs from it in the wishes of its projects and
// in lacking the packages that added names, in order. ok is false where the text is not as Format writes
// it, as far as one can see without reading it all; nothing is known then.
func (l *Lock) Insert(text []byte, added []ID) (out []byte, ok bool) {
	const begin = "\npackage "
	head := (&Lock{Projects: l.Projects, Overrides: l.Overrides}).Format()
	first := bytes.Index(text, []byte(begin))
	if first < 0 || !bytes.HasPrefix(text, head[:bytes.IndexByte(head, '\n')+1]) || !slices.IsSorted(added) || text[len(text)-1] != '\n' {
		return nil, false
	}
	rest := text[first+1:]
	out = make([]byte, 0, len(text)+len(head)+1024*len(added))
	out = append(out, head...)
	last := ID("")
	for len(rest) > 0 {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		id := ID(bytes.TrimPrefix(line, []byte(begin[1:])))
		if len(id) == len(line) || !isPlain(string(id)) || id <= last {
			return nil, false
		}
		last = id
		for len(added) > 0 && added[0] < id {
			out = formatPackage(out, added[0], l.Packages[added[0]])
			added = added[1:]
		}
		next := bytes.Index(rest, []byte(begin))
		if next < 0 {
			next = len(rest) - 1
		}
		out = append(out, rest[:next+1]...)
		rest = rest[next+1:]
	}
	for _, id := range added {
		out = formatPackage(out, id, l.Packages[id])
	}
	return out, true
}

package lockfile

import "strings"

// split reads registry, name and version out of an ID. Where a name or version holds "(" or "@"
// of its own the answer is another one than was meant: the format then says the three in lines
// of their own, and belongs tells that they agree with the ID.
func (id ID) split() (registry, name, version string, ok bool) {
	registry, rest, ok := strings.Cut(string(id), ":")
	if !ok {
		return "", "", "", false
	}
	if i := strings.IndexByte(rest, '('); i >= 0 {
		rest = rest[:i]
	}
	at := strings.LastIndexByte(rest, '@')
	if at <= 0 {
		return "", "", "", false
	}
	return registry, rest[:at], rest[at+1:], true
}

// belongs says whether id is the ID of such a package, with or without peers.
func (id ID) belongs(registry, name, version string) bool {
	rest, ok := strings.CutPrefix(string(id), registry)
	if !ok || rest == "" || rest[0] != ':' {
		return false
	}
	if rest, ok = strings.CutPrefix(rest[1:], name); !ok || rest == "" || rest[0] != '@' {
		return false
	}
	if rest, ok = strings.CutPrefix(rest[1:], version); !ok {
		return false
	}
	return rest == "" || rest[0] == '(' && rest[len(rest)-1] == ')'
}

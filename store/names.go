package store

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a name, in bytes: npm allows 214, and file systems 255 for one segment.
const (
	maxName    = 512
	maxSegment = 255
)

// keyLength is that of the key of a linked package: 160 bits, enough for nobody to find two packages
// with one key.
const keyLength = 40

// validName says that a package's name can be a path below node_modules, on any system: one segment,
// or a scope and one segment, neither hidden nor node_modules itself.
func validName(name string) bool {
	if len(name) > maxName || !utf8.ValidString(name) {
		return false
	}
	base := name
	if scope, rest, scoped := strings.Cut(name, "/"); scoped {
		if scope == "@" || !strings.HasPrefix(scope, "@") || !validSegment(scope) {
			return false
		}
		base = rest
	} else if strings.HasPrefix(name, "@") { // it would be taken for a scope
		return false
	}
	return validSegment(base) && base[0] != '.' && !strings.EqualFold(base, modulesName)
}

func validSegment(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > maxSegment || s[0] == ' ' || s[len(s)-1] == ' ' {
		return false
	}
	return !strings.ContainsAny(s, `/\:`) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// validKey says that a text is the key of a linked package. Capitals would be the same file on some
// file systems and another one elsewhere.
func validKey(key string) bool { return len(key) == keyLength && isHex(key) }

// isHex says that there are only hexadecimal digits in lower case.
func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// folderOf is the folder of an entry that holds the files of the package of that name, slash-separated.
func folderOf(name string) string {
	if validName(name) {
		return modulesName + "/" + name
	}
	return packageName
}

// LinkedDir is where the files of a linked package are, or would be: name is the package's own name.
// Nothing is looked up.
func (s *Store) LinkedDir(key, name string) string {
	return filepath.Join(s.dir, linksName, key, modulesName, filepath.FromSlash(name))
}

// KeyOf is the key of the linked package that a path leads into, such as that of [Store.LinkedDir], in
// whatever store.
func KeyOf(path string) (key string, ok bool) {
	path = filepath.ToSlash(path)
	for {
		i := strings.Index(path, "/"+linksName+"/")
		if i < 0 {
			return "", false
		}
		path = path[i+len(linksName)+1:]
		key, rest, _ := strings.Cut(path[1:], "/")
		if validKey(key) && (rest == modulesName || strings.HasPrefix(rest, modulesName+"/")) {
			return key, true
		}
	}
}

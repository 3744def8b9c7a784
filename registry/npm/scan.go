package npm

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pantry-go/pantry"
)

// outline is what a packument says besides its versions.
type outline struct {
	name string // "" when the document gives none
	tags map[string]string
	time value // the object of publish times; absent in the abbreviated document

	listed      bool // the document has an object of versions, though perhaps an empty one
	dropped     int  // versions whose name cannot be one
	unpublished bool // no versions, and the times say that the whole package was taken back
}

var errNotPackument = errors.New("the document does not describe a package")

// versionReader is shown the versions of a packument.
type versionReader interface {
	// restart forgets the versions so far: another object of versions begins.
	restart()
	// version reads the document of a version, which starts at i in data, and returns its end.
	version(name string, data []byte, i int) (end int, err error)
	// count is how many versions there are.
	count() int
}

// read reads a packument once, from one end to the other. Of a member that occurs twice the last
// counts.
func (x *outline) read(data []byte, versions versionReader) error {
	end, err := members(data, skipSpace(data, 0), func(key value, i int) (int, error) {
		name, ok := key.text()
		if !ok {
			return 0, errSyntax
		}
		if name == "versions" {
			return x.readVersions(data, i, versions)
		}
		end, err := skipValue(data, i)
		if err == nil {
			err = x.note(name, data[i:end])
		}
		return end, err
	})
	switch {
	case err != nil:
		return err
	case skipSpace(data, end) != len(data):
		return errSyntax
	case versions.count() == 0:
		x.unpublished = x.time.member("unpublished").kind() == '{'
		if !x.listed && !x.unpublished {
			return errNotPackument
		}
	}
	return nil
}

// note takes a member other than the versions.
func (x *outline) note(name string, v value) error {
	switch name {
	case "name":
		x.name, _ = v.text()
	case "time":
		x.time = v
	case "dist-tags":
		tags, err := readTags(v)
		x.tags = tags
		return err
	}
	return nil
}

// readVersions walks the object of versions at i and returns its end.
func (x *outline) readVersions(data []byte, i int, versions versionReader) (int, error) {
	x.listed, x.dropped = false, 0
	versions.restart()
	if at(data, i) != '{' {
		return skipValue(data, i)
	}
	x.listed = true
	return members(data, i, func(key value, i int) (int, error) {
		name, ok := key.text()
		if !ok {
			return 0, errSyntax
		}
		if !usableVersion(name) {
			x.dropped++
			return skipValue(data, i)
		}
		return versions.version(name, data, i)
	})
}

// check says what is wrong with the packument that was asked for by name.
func (x *outline) check(name string, versions int) error {
	switch {
	case x.name != "" && x.name != name:
		return fmt.Errorf("%w: the document is of the package %q", pantry.ErrInvalid, brief(x.name))
	case versions > 0:
		return nil
	case x.unpublished:
		return fmt.Errorf("%w: all versions were unpublished", pantry.ErrNotFound)
	case x.dropped > 0:
		return fmt.Errorf("%w: no version has a usable name", pantry.ErrInvalid)
	}
	return fmt.Errorf("%w: the package has no versions", pantry.ErrNotFound)
}

// index says where things are in a packument. It holds places, not contents, so that it is small
// and that choosing one version of thousands decodes one.
type index struct {
	outline
	versions  []entry
	byVersion map[string]int // into versions
}

// entry is one version: its document is data[offset : offset+length].
type entry struct {
	version        string
	offset, length int
}

// scan notes where each version is.
func scan(data []byte) (*index, error) {
	x := &index{}
	if err := x.read(data, x); err != nil {
		return nil, err
	}
	return x, nil
}

func (x *index) restart() { x.versions, x.byVersion = nil, make(map[string]int) }

func (x *index) count() int { return len(x.versions) }

func (x *index) version(name string, data []byte, i int) (int, error) {
	end, err := skipValue(data, i)
	if err != nil {
		return 0, err
	}
	e := entry{version: name, offset: i, length: end - i}
	if n, ok := x.byVersion[name]; ok {
		x.versions[n] = e
	} else {
		x.byVersion[name] = len(x.versions)
		x.versions = append(x.versions, e)
	}
	return end, nil
}

// readTags decodes an object of tags. A tag that is no text, or whose version cannot be one, is
// left out.
func readTags(v value) (map[string]string, error) {
	if v.kind() != '{' {
		return nil, nil
	}
	tags := make(map[string]string)
	err := v.object(func(key, val value) error {
		tag, ok := key.text()
		if !ok {
			return errSyntax
		}
		if version, ok := val.text(); ok && usableTag(tag) && usableVersion(version) {
			tags[tag] = version
		}
		return nil
	})
	return tags, err
}

// maxVersion bounds the length of a version; npm's own limit is 256.
const maxVersion = 256

// usableVersion says whether a version may stand in paths, URLs and on a terminal. It is wider
// than the grammar of versions, since registries hold names such as "1.0.0beta".
func usableVersion(s string) bool {
	if s == "" || len(s) > maxVersion || strings.Contains(s, "..") || s == "." {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '.', c == '-', c == '+', c == '_', c == '=', c == '~':
		default:
			return false
		}
	}
	return true
}

// usableTag says whether a tag may stand in paths, URLs and on a terminal.
func usableTag(s string) bool {
	if s == "" || len(s) > maxVersion || s == "." || s == ".." || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r == '/' || r == '\\' || unprintable(r)
	})
}

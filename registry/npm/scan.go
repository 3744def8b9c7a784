package npm

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// index says where things are in a packument. It holds places, not contents, so that it is small
// and that choosing one version of thousands decodes one.
type index struct {
	name      string // "" when the document gives none
	versions  []entry
	byVersion map[string]int // into versions
	tags      map[string]string
	time      value // the object of publish times; absent in the abbreviated document

	listed      bool // the document has an object of versions, though perhaps an empty one
	dropped     int  // versions whose name cannot be one
	unpublished bool // no versions, and the times say that the whole package was taken back
}

// entry is one version: its document is data[offset : offset+length].
type entry struct {
	version        string
	offset, length int
}

var errNotPackument = errors.New("the document does not describe a package")

// scan reads a packument once, from one end to the other, and notes where each version is. Of a
// member that occurs twice the last counts.
func scan(data []byte) (*index, error) {
	x := &index{}
	end, err := members(data, skipSpace(data, 0), func(key value, i int) (int, error) {
		name, ok := key.text()
		if !ok {
			return 0, errSyntax
		}
		if name == "versions" {
			return x.scanVersions(data, i)
		}
		end, err := skipValue(data, i)
		if err == nil {
			err = x.note(name, data[i:end])
		}
		return end, err
	})
	switch {
	case err != nil:
		return nil, err
	case skipSpace(data, end) != len(data):
		return nil, errSyntax
	case len(x.versions) == 0:
		x.unpublished = x.time.member("unpublished").kind() == '{'
		if !x.listed && !x.unpublished {
			return nil, errNotPackument
		}
	}
	return x, nil
}

// note takes a member other than the versions.
func (x *index) note(name string, v value) error {
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

// scanVersions walks the object of versions at i and returns its end.
func (x *index) scanVersions(data []byte, i int) (int, error) {
	x.versions, x.byVersion, x.listed, x.dropped = nil, nil, false, 0
	if at(data, i) != '{' {
		return skipValue(data, i)
	}
	x.listed = true
	x.byVersion = make(map[string]int)
	return members(data, i, func(key value, i int) (int, error) {
		end, err := skipValue(data, i)
		if err != nil {
			return 0, err
		}
		version, ok := key.text()
		if !ok {
			return 0, errSyntax
		}
		if !usableVersion(version) {
			x.dropped++
			return end, nil
		}
		e := entry{version: version, offset: i, length: end - i}
		if n, ok := x.byVersion[version]; ok {
			x.versions[n] = e
		} else {
			x.byVersion[version] = len(x.versions)
			x.versions = append(x.versions, e)
		}
		return end, nil
	})
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
		if c := rune(s[i]); !alphanumeric(c) && !strings.ContainsRune(".-+_=~", c) {
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

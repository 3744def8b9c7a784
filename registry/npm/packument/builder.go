package packument

import (
	"errors"
	"strings"
	"unsafe"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// Builder makes the compact form of one packument. Begin, what the version has, and End add a
// version; versions and tags may come in any order, and of what comes twice the last counts. Texts
// that are passed in must not change before Build is done. The zero Builder is ready for use.
type Builder struct {
	versions []version
	tags     []tag
	body     []byte
	known    map[string]uint32 // where in the body a text is
	last     [parts]placed     // what the version before had, which most often is the same
	lastList placed

	now  version // under way
	list []byte  // its parts

	prefix, suffix string // of the usual address of a tarball
	usual          bool   // they are known
}

type version struct {
	text   string
	value  semver.Version
	list   uint32
	digest uint32
	flags  uint16
}

type tag struct{ name, version string }

// placed is a text and where in the body it is.
type placed struct {
	text   string
	offset uint32
}

var errTooLarge = errors.New("the packument is too large to be kept")

// Reset forgets everything but the memory it has.
func (b *Builder) Reset() {
	b.ForgetVersions()
	b.ForgetTags()
	b.now = version{}
}

// ForgetVersions forgets the versions.
func (b *Builder) ForgetVersions() {
	clear(b.known) // it and the versions hold on to the document
	clear(b.versions)
	b.versions, b.body = b.versions[:0], b.body[:0]
	b.last, b.lastList = [parts]placed{}, placed{}
	b.prefix, b.suffix, b.usual = "", "", false
}

// ForgetTags forgets the tags.
func (b *Builder) ForgetTags() {
	clear(b.tags)
	b.tags = b.tags[:0]
}

// Len is the number of versions so far, with those that came twice.
func (b *Builder) Len() int { return len(b.versions) }

// Tag adds a tag.
func (b *Builder) Tag(name, version string) { b.tags = append(b.tags, tag{name, version}) }

// Begin begins a version. One that was begun before and not ended is forgotten.
func (b *Builder) Begin(text string) {
	b.now = version{text: text}
	b.list = append(b.list[:0], 0)
}

// Part adds a part to the version.
func (b *Builder) Part(p Part, text []byte) {
	if len(text) == 0 || b.list[0] == byte(parts) { // each once, so that there is room
		return
	}
	switch p {
	case Deprecated:
		b.now.flags |= flagDeprecated
	case Engines:
		b.now.flags |= flagEngines
	case Whole:
		b.now.flags |= flagDeprecated | flagEngines
	}
	s := unsafe.String(&text[0], len(text))
	last := &b.last[p]
	if last.text != s {
		*last = placed{s, b.intern(s)}
	}
	b.list[0]++
	b.list = append(b.list, byte(p))
	b.list = appendSpan(b.list, span{last.offset, uint32(len(s))})
}

// intern returns where in the body a text is, which is put there unless it is.
func (b *Builder) intern(s string) uint32 {
	at, ok := b.known[s]
	if !ok {
		if b.known == nil {
			b.known = make(map[string]uint32)
		}
		at = uint32(len(b.body))
		b.body = append(b.body, s...)
		b.known[s] = at
	}
	return at
}

// Script says that the version runs a script when it is installed.
func (b *Builder) Script() { b.now.flags |= flagScript }

// Digest says what the version's tarball must hash to: sum has the algorithm's length.
func (b *Builder) Digest(alg integrity.Algorithm, sum []byte) {
	b.now.flags = b.now.flags&^(7<<algorithmShift) | uint16(alg)<<algorithmShift
	b.now.digest = uint32(len(b.body))
	b.body = append(b.body, sum...)
}

// Tarball says where the version's tarball is. What is usual is learnt from the first one.
func (b *Builder) Tarball(address []byte) {
	s := unsafe.String(unsafe.SliceData(address), len(address))
	v := b.now.text
	if !b.usual {
		if i := strings.LastIndex(s, v); i >= 0 {
			b.prefix, b.suffix, b.usual = s[:i], s[i+len(v):], true
		}
	}
	middle := len(s) - len(b.suffix)
	if b.usual && len(s) == len(b.prefix)+len(v)+len(b.suffix) &&
		s[len(b.prefix):middle] == v && s[middle:] == b.suffix && s[:len(b.prefix)] == b.prefix {
		b.now.flags |= flagTarball
		return
	}
	b.Part(Tarball, address)
}

// End ends the version.
func (b *Builder) End() {
	v, err := semver.ParseLoose(b.now.text)
	if err != nil {
		v = semver.Version{}
	}
	b.now.value = v
	if !regular(b.now.text, v) {
		b.now.flags |= flagOdd
	}
	if b.lastList.text != string(b.list) {
		list := string(b.list)
		b.lastList = placed{list, b.intern(list)}
	}
	b.now.list = b.lastList.offset
	b.versions = append(b.versions, b.now)
}

// regular says that a version is spelled as its numbers and prerelease would be.
func regular(text string, v semver.Version) bool {
	const most = 1<<32 - 1
	if !v.IsValid() || v.Build() != "" || v.Major > most || v.Minor > most || v.Patch > most {
		return false
	}
	var room [64]byte
	return string(appendVersion(room[:0], v)) == text
}

package npm

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/registry/npm/packument"
)

// compact makes the compact form of data, which must be the packument of name. It says the same of
// every version as the document does, in what an install needs.
//
// It goes over the text once, as scan does, and takes the members that are needed as they stand:
// what they mean is seen to when a version is asked for, by the same code that reads documents. A
// version in which something is unusual is kept whole, so that nothing has to be thought of twice.
func compact(name string, data []byte, d packument.Document) (*packument.Packument, error) {
	c := compactors().Get().(*compactor)
	defer c.free()
	c.name = `"` + name + `"`
	if err := c.read(data, c); err != nil {
		return nil, fmt.Errorf("%w: %w", pantry.ErrInvalid, err)
	}
	if err := c.check(name, c.builder.Len()); err != nil {
		return nil, err
	}
	for tag, version := range c.tags {
		c.builder.Tag(tag, version)
	}
	d.Name = name
	if times := texts(c.time); times != nil {
		d.Published = func(version string) string { return times[version] }
	}
	p, err := c.builder.Build(d)
	if err != nil {
		return nil, invalid(err)
	}
	return p, nil
}

// free lets go of the document.
func (c *compactor) free() {
	c.outline = outline{}
	c.builder.Reset()
	compactors().Put(c)
}

// compactors are kept for their memory.
var compactors = sync.OnceValue(func() *sync.Pool {
	return &sync.Pool{New: func() any { return new(compactor) }}
})

// compactor makes one compact form.
type compactor struct {
	outline
	name    string // as a JSON text
	builder packument.Builder
	digest  [base64Room]byte
}

// base64Room is the room that decoding 88 characters asks for.
const base64Room = 66

func (c *compactor) restart()   { c.builder.ForgetVersions() }
func (c *compactor) count() int { return c.builder.Len() }

// errUnusual says that a version is to be kept whole.
var errUnusual = errors.New("unusual")

func (c *compactor) version(version string, data []byte, i int) (int, error) {
	c.builder.Begin(version)
	v := versionCompactor{compactor: c, version: version, data: data}
	end, err := v.read(i)
	if err != nil {
		if end, err = skipValue(data, i); err != nil {
			return 0, err
		}
		c.builder.Begin(version)
		c.builder.Part(packument.Whole, data[i:end])
	}
	c.builder.End()
	return end, nil
}

// versionCompactor takes what is needed from the document of one version.
type versionCompactor struct {
	*compactor
	version string
	data    []byte
	seen    uint32 // members, by their part
	named   bool
	script  bool
}

// Members that are no parts of the compact form are noted beside those that are.
const (
	seenName = 20 + iota
	seenVersion
	seenDist
	seenHasScript
	seenGyp
	seenScripts
)

// read reads the document that starts at i, and returns its end.
func (v *versionCompactor) read(i int) (int, error) {
	end, err := members(v.data, i, v.member)
	if err != nil {
		return 0, err
	}
	if !v.named { // what a command is called may depend on the name
		return 0, errUnusual
	}
	if v.script {
		v.builder.Script()
	}
	return end, nil
}

// member takes one member, whose value starts at i, and returns its end.
func (v *versionCompactor) member(key value, i int) (int, error) {
	part := packument.Part(0)
	switch string(key) {
	case `"dependencies"`:
		part = packument.Dependencies
	case `"optionalDependencies"`:
		part = packument.OptionalDependencies
	case `"peerDependencies"`:
		part = packument.PeerDependencies
	case `"peerDependenciesMeta"`:
		part = packument.PeerMeta
	case `"bundleDependencies"`, `"bundledDependencies"`:
		part = packument.Bundled
	case `"bin"`:
		part = packument.Bin
	case `"engines"`:
		part = packument.Engines
	case `"os"`:
		part = packument.OS
	case `"cpu"`:
		part = packument.CPU
	case `"libc"`:
		part = packument.Libc
	case `"deprecated"`:
		part = packument.Deprecated
	case `"dist"`:
		if err := v.once(seenDist); err != nil {
			return 0, err
		}
		return v.dist(i)
	default:
		return v.other(key, i)
	}
	if err := v.once(uint(part)); err != nil {
		return 0, err
	}
	end, err := skipValue(v.data, i)
	if err == nil && meaningful(v.data[i:end]) {
		v.builder.Part(part, v.data[i:end])
	}
	return end, err
}

// once notes a member; one that is there twice is unusual.
func (v *versionCompactor) once(member uint) error {
	if v.seen&(1<<member) != 0 {
		return errUnusual
	}
	v.seen |= 1 << member
	return nil
}

// meaningful says that a value is not one of those that mean the same as none.
func meaningful(v value) bool {
	switch string(v) {
	case `{}`, `[]`, `""`, `null`:
		return false
	}
	return true
}

// other takes a member that is no part, or leaves it out.
func (v *versionCompactor) other(key value, i int) (int, error) {
	end, err := skipValue(v.data, i)
	if err != nil {
		return 0, err
	}
	val := value(v.data[i:end])
	seen := uint(0)
	switch string(key) {
	case `"name"`:
		seen, v.named = seenName, string(val) == v.name
		if !v.named {
			return 0, errUnusual
		}
	case `"version"`:
		seen = seenVersion
		if len(val) != len(v.version)+2 || val[0] != '"' || string(val[1:len(val)-1]) != v.version {
			return 0, errUnusual
		}
	case `"hasInstallScript"`:
		seen, v.script = seenHasScript, v.script || val.kind() == 't'
	case `"gypfile"`:
		seen, v.script = seenGyp, v.script || val.kind() == 't'
	case `"scripts"`:
		seen, v.script = seenScripts, v.script || installScripts(val)
	default:
		if !simple(key[1 : len(key)-1]) {
			return 0, errUnusual // an escaped spelling of one of the above, perhaps
		}
		return end, nil
	}
	return end, v.once(seen)
}

// simple says that a text has printable ASCII characters only, and no escapes. It looks at eight bytes
// at a time, as skipString does.
func simple(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		escape := w ^ reverses
		// A byte below ' ' borrows, one from 0x7f on has its highest bit set when one is added.
		if ((w-low*' ')|w|(w+low)|(escape-low)&^escape)&high != 0 {
			return false
		}
	}
	for _, c := range b {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// dist takes where the tarball is, and what it must hash to, and returns the end of the member.
func (v *versionCompactor) dist(i int) (int, error) {
	if at(v.data, i) == 'n' {
		return skipValue(v.data, i)
	}
	var sri, shasum, tarball []byte
	end, err := members(v.data, i, func(key value, i int) (int, error) {
		end, err := skipValue(v.data, i)
		if err != nil {
			return 0, err
		}
		var to *[]byte
		switch string(key) {
		case `"integrity"`:
			to = &sri
		case `"shasum"`:
			to = &shasum
		case `"tarball"`:
			to = &tarball
		default:
			if !simple(key[1 : len(key)-1]) {
				return 0, errUnusual
			}
			return end, nil
		}
		if *to != nil || v.data[i] != '"' || !simple(v.data[i+1:end-1]) {
			return 0, errUnusual
		}
		*to = v.data[i+1 : end-1]
		return end, nil
	})
	if err == nil {
		err = v.digests(sri, shasum)
	}
	if err == nil && len(tarball) > 0 {
		v.builder.Tarball(tarball)
	}
	return end, err
}

// digests takes the one digest that counts.
func (v *versionCompactor) digests(sri, shasum []byte) error {
	const sha512 = "sha512-"
	if text := sri; len(text) == len(sha512)+88 && string(text[:len(sha512)]) == sha512 {
		n, err := base64.StdEncoding.Decode(v.digest[:], text[len(sha512):])
		if err != nil || n != integrity.SHA512.Size() {
			return errUnusual
		}
		v.builder.Digest(integrity.SHA512, v.digest[:n])
		return nil
	}
	d := dist{Integrity: string(sri), Shasum: string(shasum)}
	set, err := d.digests()
	switch {
	case err != nil || len(set) > 1:
		return errUnusual
	case len(set) == 1:
		v.builder.Digest(set[0].Algorithm(), set[0].Bytes())
	}
	return nil
}

package packument

import (
	"cmp"
	"sort"
	"strconv"
	"time"
	"unsafe"

	"github.com/pantry-go/pantry/integrity"
	"github.com/pantry-go/pantry/semver"
)

// Packument is a packument in its compact form. Versions are known by their place: they are in
// ascending order (by [semver.CompareBuild], those that are none first). It is immutable and safe
// for concurrent use. The texts it returns are parts of it, and keep it in memory.
type Packument struct {
	data     []byte // up to the body, never changed
	text     string // the same
	body     body
	all      []byte // both, where the body is in memory
	versions int
	tags     int
	times    int // offset; 0: none

	name, etag, modified, prefix, suffix string
}

// Parse reads the compact form, which data must hold from then on unchanged. It costs a checksum and
// a look at each version. The error says that it is none, or a damaged one.
func Parse(data []byte) (*Packument, error) {
	if len(data) < headerSize || string(data[:len(magic)]) != magic || len(data) > maxFile {
		return nil, errDamaged
	}
	if int(u32(data, atLength)) != len(data) || u32(data, atSum) != checksum(data[atCounts:]) {
		return nil, errDamaged
	}
	return parse(data)
}

// parse is Parse of a form whose checksum is right.
func parse(data []byte) (*Packument, error) {
	front, err := frontSize(data)
	if err != nil {
		return nil, err
	}
	p, err := open(data[:front:front], memory(data[front:]))
	if err == nil {
		p.all = data
	}
	return p, err
}

// frontSize is where the body of a form begins.
func frontSize(data []byte) (int, error) {
	front := u32(data, atCounts+8)
	if front < headerSize || front > u32(data, atLength) {
		return 0, errDamaged
	}
	return int(front), nil
}

// open reads the front of a form. That its checksum is right does not mean that it makes sense.
func open(front []byte, b body) (*Packument, error) {
	text := unsafe.String(&front[0], len(front))
	p := &Packument{data: front, text: text, body: b}
	versions, tags := u32(text, atCounts), u32(text, atCounts+4)
	if headerSize+uint64(versions)*versionSize+uint64(tags)*tagSize > uint64(len(text)) {
		return nil, errDamaged
	}
	p.versions, p.tags = int(versions), int(tags)
	if p.times = int(u32(text, atTimes)); p.times != 0 && uint64(p.times)+uint64(versions)*spanSize > uint64(len(text)) {
		return nil, errDamaged
	}
	for i, field := range []*string{&p.name, &p.etag, &p.modified, &p.prefix, &p.suffix} {
		var ok bool
		if *field, ok = in(spanAt(text, atSpans+i*spanSize), text); !ok {
			return nil, errDamaged
		}
	}
	for i := range p.versions {
		at := versionAt(i)
		if _, ok := in(span{u32(text, at+12), uint32(u16(text, at+24))}, text); !ok {
			return nil, errDamaged
		}
	}
	for i := range p.tags {
		at := p.tagAt(i)
		_, okName := in(spanAt(text, at), text)
		_, okVersion := in(spanAt(text, at+spanSize), text)
		if place := u32(text, at+2*spanSize); !okName || !okVersion || place != noPlace && place >= versions {
			return nil, errDamaged
		}
	}
	return p, nil
}

func versionAt(i int) int            { return headerSize + i*versionSize }
func (p *Packument) tagAt(i int) int { return versionAt(p.versions) + i*tagSize }

// Name is the package's.
func (p *Packument) Name() string { return p.name }

// Bytes is the compact form, which must not be changed; nil where it is not in memory.
func (p *Packument) Bytes() []byte { return p.all }

// Len is the number of versions.
func (p *Packument) Len() int { return p.versions }

// Version is the version at a place as a value; the zero Version where it is none. It does not
// allocate, but for the odd spelling.
func (p *Packument) Version(i int) semver.Version {
	at := versionAt(i)
	text := p.versionText(at)
	if p.flags(i)&flagOdd != 0 {
		v, err := semver.ParseLoose(text)
		if err != nil {
			return semver.Version{}
		}
		return v
	}
	return semver.Make(uint64(u32(p.text, at)), uint64(u32(p.text, at+4)), uint64(u32(p.text, at+8)), text)
}

// Spelling is the version at a place as the registry spells it.
func (p *Packument) Spelling(i int) string {
	at := versionAt(i)
	text := p.versionText(at)
	if p.flags(i)&flagOdd != 0 {
		return text
	}
	return string(appendVersion(make([]byte, 0, 24+len(text)), p.Version(i)))
}

// appendVersion is the spelling of a version that is not odd.
func appendVersion(b []byte, v semver.Version) []byte {
	b = strconv.AppendUint(b, v.Major, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, v.Minor, 10)
	b = append(b, '.')
	b = strconv.AppendUint(b, v.Patch, 10)
	if pre := v.Prerelease(); pre != "" {
		b = append(b, '-')
		b = append(b, pre...)
	}
	return b
}

func (p *Packument) versionText(at int) string {
	start := u32(p.text, at+12)
	return p.text[start : start+uint32(u16(p.text, at+24))]
}

func (p *Packument) flags(i int) uint16 { return u16(p.text, versionAt(i)+26) }

// Place is where a version is, which must be spelled as the registry spells it.
func (p *Packument) Place(version string) (i int, ok bool) {
	v, err := semver.ParseLoose(version)
	if err != nil {
		v = semver.Version{}
	}
	first := sort.Search(p.versions, func(i int) bool { return semver.CompareBuild(p.Version(i), v) >= 0 })
	for i := first; i < p.versions && semver.CompareBuild(p.Version(i), v) == 0; i++ {
		if p.spells(i, version) {
			return i, true
		}
	}
	return 0, false
}

// spells says whether version is how the version at a place is spelled.
func (p *Packument) spells(i int, version string) bool {
	if p.flags(i)&flagOdd != 0 {
		return p.versionText(versionAt(i)) == version
	}
	var room [64]byte
	return string(appendVersion(room[:0], p.Version(i))) == version
}

// Tags are the names of the tags with their versions, which need not be among those that are
// there. The map is the caller's; it is nil when there are none.
func (p *Packument) Tags() map[string]string {
	if p.tags == 0 {
		return nil
	}
	tags := make(map[string]string, p.tags)
	for i := range p.tags {
		name, version, _ := p.tag(i)
		tags[name] = version
	}
	return tags
}

func (p *Packument) tag(i int) (name, version string, place uint32) {
	at := p.tagAt(i)
	name, _ = in(spanAt(p.text, at), p.text)
	version, _ = in(spanAt(p.text, at+spanSize), p.text)
	return name, version, u32(p.text, at+2*spanSize)
}

// Tagged is the place of the version that a tag names; ok is false when there is no such tag, or
// its version is not there.
func (p *Packument) Tagged(tag string) (i int, ok bool) {
	n, found := sort.Find(p.tags, func(i int) int {
		name, _, _ := p.tag(i)
		return cmp.Compare(tag, name)
	})
	if !found {
		return 0, false
	}
	_, _, place := p.tag(n)
	return int(place), place != noPlace
}

// MayBeDeprecated says that the version at a place has a word about deprecation, which need not be
// one.
func (p *Packument) MayBeDeprecated(i int) bool { return p.flags(i)&flagDeprecated != 0 }

// MayNameEngines says that the version at a place has a word about engines.
func (p *Packument) MayNameEngines(i int) bool { return p.flags(i)&flagEngines != 0 }

// HasScript says that the version at a place runs a script when it is installed.
func (p *Packument) HasScript(i int) bool { return p.flags(i)&flagScript != 0 }

// Parts calls f for each part of the version at a place, with its text, which must not be changed.
func (p *Packument) Parts(i int, f func(p Part, text []byte) error) error {
	list, err := p.body.read(span{u32(p.text, versionAt(i)+16), longestList})
	if err != nil {
		return err
	}
	if len(list) == 0 || len(list) < 1+int(list[0])*partSize {
		return errDamaged
	}
	for list = list[1 : 1+int(list[0])*partSize]; len(list) > 0; list = list[partSize:] {
		text, err := exactly(p.body, spanAt(list, 1))
		if err != nil {
			return err
		}
		if err := f(Part(list[0]), text); err != nil {
			return err
		}
	}
	return nil
}

// Digest is what the tarball of the version at a place must hash to; the zero Digest where that is
// not kept apart from its parts.
func (p *Packument) Digest(i int) (integrity.Digest, error) {
	alg := integrity.Algorithm(p.flags(i) >> algorithmShift & 7)
	if alg == 0 {
		return integrity.Digest{}, nil
	}
	if alg > integrity.SHA512 {
		return integrity.Digest{}, errDamaged
	}
	sum, err := exactly(p.body, span{u32(p.text, versionAt(i)+20), uint32(alg.Size())})
	if err != nil {
		return integrity.Digest{}, err
	}
	return integrity.New(alg, sum)
}

// UsualTarball is the address of the tarball of the version at a place; "" where it is the part
// Tarball, or nothing is said.
func (p *Packument) UsualTarball(i int) string {
	if p.flags(i)&flagTarball == 0 {
		return ""
	}
	return p.prefix + p.Spelling(i) + p.suffix
}

// Published is when the version at a place was published, as the registry spells it; "" where it
// does not say.
func (p *Packument) Published(i int) string {
	if p.times == 0 {
		return ""
	}
	text, _ := in(spanAt(p.text, p.times+i*spanSize), p.text)
	return text
}

// ETag is the validator that came with the document, "" for none.
func (p *Packument) ETag() string { return p.etag }

// LastModified is the other validator, as it came with the document, "" for none.
func (p *Packument) LastModified() string { return p.modified }

// Checked is when the registry said last that this is what it has, and for how long that holds;
// the zero Time where that cannot be read.
func (p *Packument) Checked() (at time.Time, life time.Duration) {
	at, life, _ = p.state()
	return at, life
}

// Strict says that it must not be used when it does not hold any more.
func (p *Packument) Strict() bool {
	_, _, flags := p.state()
	return flags&lifeStrict != 0
}

// None says that there is no such package.
func (p *Packument) None() bool {
	_, _, flags := p.state()
	return flags&lifeNone != 0
}

// state is what is changed in place. Nothing holds where it cannot be read.
func (p *Packument) state() (at time.Time, life time.Duration, flags uint32) {
	state := p.data[atState:atStateSum]
	if u32(p.data, atStateSum) != checksum(state) {
		return time.Time{}, 0, 0
	}
	held := u32(state, 8)
	return time.UnixMilli(int64(u64(state, 0))), time.Duration(held&maxLife) * time.Second, held
}

// Fresh says whether it may be used at a time without asking the registry. What was checked later
// than that is not: a clock has been set, and nobody knows which of the times is right.
func (p *Packument) Fresh(now time.Time) bool {
	at, life := p.Checked()
	age := now.Sub(at)
	return !at.IsZero() && age >= 0 && age < life
}

package packument

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"
)

// writer puts a form together.
type writer struct {
	b     *Builder
	order []int32 // of the versions
	tags  []tag   // by name, each once
	times []string
	out   []byte // has room for everything
}

func (w *writer) write(d Document) []byte {
	w.sortTags()
	if d.Published != nil {
		w.times = make([]string, len(w.order))
		for k, i := range w.order {
			w.times[k] = d.Published(w.b.versions[i].text)
		}
	}
	timesAt := headerSize + len(w.order)*versionSize + len(w.tags)*tagSize
	fixed := timesAt + len(w.times)*spanSize
	w.out = make([]byte, fixed, fixed+w.texts(d)+len(w.b.body))
	for k, i := range w.order {
		w.version(versionAt(k), &w.b.versions[i])
	}
	places := w.places()
	for k, t := range w.tags {
		at := versionAt(len(w.order)) + k*tagSize
		w.putSpan(at, w.text(t.name))
		w.putSpan(at+spanSize, w.text(t.version))
		w.put32(at+2*spanSize, places[t.version])
	}
	for k, text := range w.times {
		w.putSpan(timesAt+k*spanSize, w.text(text))
	}
	if len(w.times) > 0 {
		w.put32(atTimes, uint32(timesAt))
	}
	w.header(d)
	return w.out
}

// texts is how many bytes the texts take.
func (w *writer) texts(d Document) int {
	n := len(d.Name) + len(d.ETag) + len(d.LastModified) + len(w.b.prefix) + len(w.b.suffix)
	for _, i := range w.order {
		n += len(w.b.versions[i].stored())
	}
	for _, t := range w.tags {
		n += len(t.name) + len(t.version)
	}
	for _, text := range w.times {
		n += len(text)
	}
	return n
}

// stored is what is kept of a version's spelling beside its numbers.
func (v *version) stored() string {
	if v.flags&flagOdd != 0 {
		return v.text
	}
	return v.value.Prerelease()
}

func (w *writer) version(at int, v *version) {
	text := w.text(v.stored())
	if v.flags&flagOdd == 0 {
		w.put32(at, uint32(v.value.Major))
		w.put32(at+4, uint32(v.value.Minor))
		w.put32(at+8, uint32(v.value.Patch))
	}
	w.put32(at+12, text.offset)
	w.put32(at+16, v.list)
	w.put32(at+20, v.digest)
	binary.LittleEndian.PutUint16(w.out[at+24:], uint16(text.length))
	binary.LittleEndian.PutUint16(w.out[at+26:], v.flags)
}

// header writes the header and the body, the last text.
func (w *writer) header(d Document) {
	for i, text := range []string{d.Name, d.ETag, d.LastModified, w.b.prefix, w.b.suffix} {
		w.putSpan(atSpans+i*spanSize, w.text(text))
	}
	w.put32(atCounts, uint32(len(w.order)))
	w.put32(atCounts+4, uint32(len(w.tags)))
	w.put32(atCounts+8, uint32(len(w.out)))
	w.out = append(w.out, w.b.body...)
	copy(w.out, magic)
	w.put32(atLength, uint32(len(w.out)))
	w.put32(atSum, checksum(w.out[atCounts:]))
	copy(w.out[atState:atCounts], appendState(nil, d.Checked, d.Life, d.Strict, d.None))
}

// appendState writes when an answer was checked, for how long it holds, and the checksum of both.
func appendState(b []byte, checked time.Time, life time.Duration, strict, none bool) []byte {
	start := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(checked.UnixMilli()))
	held := uint32(min(max(life, 0)/time.Second, maxLife))
	if strict {
		held |= lifeStrict
	}
	if none {
		held |= lifeNone
	}
	b = binary.LittleEndian.AppendUint32(b, held)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// sortTags leaves of each tag the last.
func (w *writer) sortTags() {
	w.tags = slices.Clone(w.b.tags)
	slices.Reverse(w.tags)
	slices.SortStableFunc(w.tags, func(a, b tag) int { return cmp.Compare(a.name, b.name) })
	w.tags = slices.CompactFunc(w.tags, func(a, b tag) bool { return a.name == b.name })
}

// places returns where the versions are that tags name.
func (w *writer) places() map[string]uint32 {
	if len(w.tags) == 0 {
		return nil
	}
	places := make(map[string]uint32, len(w.tags))
	for _, t := range w.tags {
		places[t.version] = noPlace
	}
	for k, i := range w.order {
		if _, ok := places[w.b.versions[i].text]; ok {
			places[w.b.versions[i].text] = uint32(k)
		}
	}
	return places
}

// text appends a text.
func (w *writer) text(s string) span {
	at := uint32(len(w.out))
	w.out = append(w.out, s...)
	return span{at, uint32(len(s))}
}

func (w *writer) put32(at int, v uint32) { binary.LittleEndian.PutUint32(w.out[at:], v) }

func (w *writer) putSpan(at int, s span) {
	w.put32(at, s.offset)
	w.put32(at+4, s.length)
}

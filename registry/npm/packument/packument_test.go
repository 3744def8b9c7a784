package packument_test

import (
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pantry-go/pantry/registry/npm/packument"
)

// TestBuild: what was put in comes out, in order, from one builder for all.
func TestBuild(t *testing.T) {
	t.Parallel()
	var b packument.Builder
	rapid.Check(t, func(t *rapid.T) {
		m := models().Draw(t, "packument")
		b.Reset()
		p := m.build(t, &b)
		m.check(t, p)
		again, err := packument.Parse(p.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		m.check(t, again)
	})
}

// TestForget: what was there before another object of versions or tags began is gone.
func TestForget(t *testing.T) {
	t.Parallel()
	var b packument.Builder
	b.Begin("1.0.0")
	b.Part(packument.Bin, []byte(`"x"`))
	b.End()
	b.Tag("old", "1.0.0")
	b.ForgetVersions()
	b.ForgetTags()
	b.Begin("3.0.0") // never ended
	b.Part(packument.OS, []byte(`"x"`))
	m := plainModel("a", 3)
	m.check(t, m.build(t, &b))
}

func TestFresh(t *testing.T) {
	t.Parallel()
	checked := time.UnixMilli(1_700_000_000_123)
	m := plainModel("a", 1)
	m.doc.Checked, m.doc.Life = checked, time.Minute
	p := m.build(t, &packument.Builder{})
	for after, want := range map[time.Duration]bool{
		0: true, time.Second: true, time.Minute - time.Millisecond: true, time.Minute: false, 100 * 365 * 24 * time.Hour: false,
		-time.Millisecond: false, -time.Hour: false, // the clock was set
	} {
		if got := p.Fresh(checked.Add(after)); got != want {
			t.Errorf("after %v it is fresh: %v", after, got)
		}
	}
	if m.doc.Life = 0; m.build(t, &packument.Builder{}).Fresh(checked) {
		t.Error("what does not hold at all is fresh")
	}
}

// TestParseDamaged: no byte can be changed, added or removed without being noticed. Those that say
// when it was checked make it old.
func TestParseDamaged(t *testing.T) {
	t.Parallel()
	m := plainModel("a", 3)
	good := m.build(t, &packument.Builder{}).Bytes()
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		p, err := packument.Parse(bad)
		if state := i >= 16 && i < 32; (err == nil) != state {
			t.Errorf("byte %d: %v", i, err)
		} else if state && p.Fresh(m.doc.Checked) {
			t.Errorf("byte %d: it is fresh", i)
		}
		if _, err := packument.Parse(good[:i]); err == nil {
			t.Errorf("the first %d bytes pass", i)
		}
	}
	if _, err := packument.Parse(append(good, 0)); err == nil {
		t.Error("a byte more passes")
	}
}

// FuzzParse: whatever is in a form of which the checksum is right, using it ends in texts or an
// error.
func FuzzParse(f *testing.F) {
	for i := range 20 {
		m := models().Example(i)
		m.doc.Name = "a"
		f.Add(m.build(f, &packument.Builder{}).Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 32 {
			binary.LittleEndian.PutUint32(data[12:], uint32(len(data)))
			binary.LittleEndian.PutUint32(data[8:], crc32.Checksum(data[32:], crc32.MakeTable(crc32.Castagnoli)))
		}
		p, err := packument.Parse(data)
		if err != nil {
			return
		}
		use(p)
	})
}

// use calls everything.
func use(p *packument.Packument) {
	p.Fresh(time.Now())
	for tag, version := range p.Tags() {
		p.Tagged(tag)
		p.Place(version)
	}
	for i := range p.Len() {
		_ = p.Version(i)
		p.Place(p.Spelling(i))
		_ = p.Parts(i, func(packument.Part, []byte) error { return nil })
		_, _ = p.Digest(i)
		_, _, _ = p.UsualTarball(i), p.Published(i), p.HasScript(i)
	}
}

package link

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
	"github.com/pantry-go/pantry/store"
)

// Top is all that a project has in its node_modules when every package is in the store: the links to
// its own dependencies and their commands. Who knows that the store has what they lead to needs
// neither the lockfile nor anything else to lay them out.
type Top struct {
	Direct []DirectLink // in the order of their names
	Bins   []BinLink    // in the order of their names
}

// Top returns the top of the layout. It is of use if nothing stands in the project.
func (is *Isolated) Top() *Top { return &Top{Direct: is.Direct, Bins: is.Bins} }

// With is the top of t and of another layout together, which have no name in common.
func (t *Top) With(other *Top) *Top {
	both := &Top{Direct: slices.Concat(t.Direct, other.Direct), Bins: slices.Concat(t.Bins, other.Bins)}
	slices.SortFunc(both.Direct, func(a, b DirectLink) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(both.Bins, func(a, b BinLink) int { return strings.Compare(a.Name, b.Name) })
	return both
}

// ErrTop is matched by the error of bytes that are not an encoded Top.
var ErrTop = errors.New("not a record of what is at the top of node_modules")

const (
	topHeader = "pantry top 1\n"
	// maxTop is how many links or commands are read: the largest projects have some hundred.
	maxTop = 100_000
)

// Encode returns the bytes that ParseTop reads: some 40 for each link.
func (t *Top) Encode() []byte {
	b := make([]byte, 0, len(topHeader)+64*(len(t.Direct)+len(t.Bins))+16)
	b = append(b, topHeader...)
	b = binary.AppendUvarint(b, uint64(len(t.Direct)))
	for _, d := range t.Direct {
		b = appendText(b, d.Name)
		key, _ := hex.DecodeString(d.Key) // one that is none is refused by ParseTop
		b = append(b, key...)
		own := d.Package
		if own == d.Name {
			own = ""
		}
		b = appendText(b, own)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Bins)))
	for _, c := range t.Bins {
		b = appendText(appendText(appendText(b, c.Name), c.Direct), c.Target)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

// ParseTop reads what Encode wrote, and nothing else: names and paths that could lead out of their
// place, wrong order and what is left over are errors that match [ErrTop].
func ParseTop(data []byte) (*Top, error) {
	body, ok := bytes.CutPrefix(data, []byte(topHeader))
	if !ok || len(body) < 4 {
		return nil, ErrTop
	}
	end := len(data) - 4
	if binary.LittleEndian.Uint32(data[end:]) != crc32.Checksum(data[:end], crc32.MakeTable(crc32.Castagnoli)) {
		return nil, fmt.Errorf("%w: it is damaged", ErrTop)
	}
	r := &topReader{rest: string(body[:len(body)-4])}
	t := &Top{}
	for range r.count() {
		t.Direct = append(t.Direct, r.direct())
	}
	for range r.count() {
		t.Bins = append(t.Bins, r.bin())
	}
	if r.rest != "" || r.failed || !t.valid() {
		return nil, ErrTop
	}
	return t, nil
}

// topReader reads fields until one cannot be read. Then there is nothing left.
type topReader struct {
	rest   string
	failed bool
}

func (r *topReader) fail() { r.rest, r.failed = "", true }

func (r *topReader) count() int {
	n, size := uvarint(r.rest)
	if size <= 0 || n > maxTop || n > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	r.rest = r.rest[size:]
	return int(n)
}

// uvarint reads a number in its shortest form; size 0 says that there is none.
func uvarint(s string) (n uint64, size int) {
	n, size = binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
	if size > 1 && s[size-1] == 0 {
		return 0, 0
	}
	return n, size
}

func (r *topReader) take(n int) string {
	if n > len(r.rest) {
		r.fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *topReader) text() string { return r.take(r.count()) }

func (r *topReader) direct() DirectLink {
	d := DirectLink{Name: r.text(), Key: hex.EncodeToString([]byte(r.take(keyDigits / 2))), Package: r.text()}
	if d.Package == d.Name {
		r.fail() // it would have been left out
	}
	d.Package = cmp.Or(d.Package, d.Name)
	return d
}

func (r *topReader) bin() BinLink {
	return BinLink{Name: r.text(), Direct: r.text(), Target: r.text()}
}

// valid says whether everything is where it may be, in order, and each name there once.
func (t *Top) valid() bool {
	names := make(map[string]bool, len(t.Direct))
	for i, d := range t.Direct {
		if checkName(d.Name) != nil || checkName(d.Package) != nil || !safeKey(d.Key) || i > 0 && t.Direct[i-1].Name >= d.Name {
			return false
		}
		names[d.Name] = true
	}
	for i, b := range t.Bins {
		name, target, err := lockfile.CleanBin(b.Name, b.Target)
		if err != nil || name != b.Name || target != b.Target || !names[b.Direct] || i > 0 && t.Bins[i-1].Name >= b.Name {
			return false
		}
	}
	return true
}

// ApplyTopOptions says what to lay out where. Dir, Top and Store are required.
type ApplyTopOptions struct {
	// Dir is the project's folder.
	Dir string
	Top *Top
	// Store has what the links lead to: PutLinked is not called.
	Store LinkedStore
	// Begin is as in ApplyIsolatedOptions.
	Begin func() error
	// Force makes links again that the record says are in place.
	Force bool
}

// ApplyTop makes Dir's node_modules what Top says, as ApplyIsolated would. That the store has the
// packages that the links lead to is looked at; if one is missing, nothing is changed, and the error
// matches [store.ErrMissing]. What those lead to in turn is not looked at. In the report, only
// packages at the top count.
func ApplyTop(ctx context.Context, o ApplyTopOptions) (Report, error) {
	if !o.Top.valid() {
		return Report{}, ErrTop
	}
	next := newIsolatedLayout()
	keys := map[string]bool{}
	for _, d := range o.Top.Direct {
		next.links[d.Name] = o.Store.LinkedDir(d.Key, d.Package)
		keys[d.Key] = true
	}
	next.addBins(o.Top.Bins)
	next.use(keys)
	a := newIsolator(o.Dir, next, func(context.Context, map[string]string) (int, error) {
		for _, d := range o.Top.Direct {
			if !o.Store.HasLinked(d.Key) {
				return 0, fmt.Errorf("%s, which node_modules/%s leads to, is %w", d.Package, d.Name, store.ErrMissing)
			}
		}
		return 0, nil
	})
	a.Begin, a.Force, a.total = o.Begin, o.Force, len(o.Top.Direct)
	if err := a.run(ctx); err != nil {
		return Report{}, err
	}
	return a.report, nil
}

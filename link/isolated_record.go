package link

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// isolatedLayout is what an isolated node_modules consists of, and the record of it, which stands where
// that of a hoisted one would. While things change, those that do are recorded with "", so that
// whatever is in their places is replaced or taken away by the next run.
type isolatedLayout struct {
	entries map[string]string // name of a folder in .pantry -> what it was made of
	links   map[string]string // path below node_modules -> what the link says
	bins    map[binKey]string // what the links of commands say
	uses    []string          // keys of linked packages in the store that something leads to, in order
}

const isolatedHeader = "pantry isolated layout 1"

// fallback is the folder, from node_modules, of links to packages that nobody declares.
const fallback = private + "/" + modules + "/"

func newIsolatedLayout() *isolatedLayout {
	return &isolatedLayout{entries: map[string]string{}, links: map[string]string{}, bins: map[binKey]string{}}
}

func (l *isolatedLayout) addBins(bins []BinLink) {
	for _, b := range bins {
		l.bins[binKey{binFolder, b.Name}] = b.text()
	}
}

// use notes what is used of the store.
func (l *isolatedLayout) use(keys map[string]bool) { l.uses = slices.Sorted(maps.Keys(keys)) }

// empty says that there is nothing to be laid out.
func (l *isolatedLayout) empty() bool { return len(l.entries)+len(l.links)+len(l.bins) == 0 }

func (l *isolatedLayout) equal(o *isolatedLayout) bool {
	return maps.Equal(l.entries, o.entries) && maps.Equal(l.links, o.links) && maps.Equal(l.bins, o.bins) && slices.Equal(l.uses, o.uses)
}

// during is the record for the time in which l becomes next.
func (l *isolatedLayout) during(next *isolatedLayout) *isolatedLayout {
	return &isolatedLayout{
		entries: changing(l.entries, next.entries), links: changing(l.links, next.links), bins: changing(l.bins, next.bins),
		uses: slices.Compact(slices.Sorted(slices.Values(slices.Concat(l.uses, next.uses)))),
	}
}

// changing has what was and what will be, and "" where that is not the same.
func changing[K comparable](was, will map[K]string) map[K]string {
	out := make(map[K]string, len(will))
	for k, text := range was {
		if will[k] == text {
			out[k] = text
		} else {
			out[k] = ""
		}
	}
	for k := range will {
		if _, known := out[k]; !known {
			out[k] = ""
		}
	}
	return out
}

// isolatedStrangers is the record of a node_modules that somebody else made: nothing in it is to stay
// but records.
func isolatedStrangers(root string) *isolatedLayout {
	l := newIsolatedLayout()
	for at := range strangers(root).packages {
		at = strings.TrimPrefix(at, modules+"/")
		if name, inside := strings.CutPrefix(at, private+"/"); inside && name != modules {
			l.entries[name] = ""
		} else if !inside {
			l.links[at] = ""
		}
	}
	loose, _ := os.ReadDir(filepath.Join(entriesOf(root), modules))
	for _, e := range loose {
		l.links[fallback+e.Name()] = ""
	}
	return l
}

// entryNames lists the folders in the private folder of the node_modules at root, beside those in
// which something is being built.
func entryNames(root string) []string {
	if st, err := os.Lstat(entriesOf(root)); err != nil || !st.IsDir() {
		return nil
	}
	entries, _ := os.ReadDir(entriesOf(root))
	var out []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), workPrefix) {
			out = append(out, e.Name())
		}
	}
	return out
}

// write puts the record into the node_modules at root.
func (l *isolatedLayout) write(root string) error {
	b := make([]byte, 0, 256+160*(len(l.entries)+len(l.links)+len(l.bins)))
	b = append(b, isolatedHeader+"\n"...)
	for _, name := range slices.Sorted(maps.Keys(l.entries)) {
		b = appendRecord(b, "entry", name, l.entries[name])
	}
	for _, path := range slices.Sorted(maps.Keys(l.links)) {
		b = appendRecord(b, "link", path, l.links[path])
	}
	for _, key := range slices.SortedFunc(maps.Keys(l.bins), compareBins) {
		b = appendRecord(b, "bin", key.dir, key.name, l.bins[key])
	}
	for _, key := range l.uses {
		b = appendRecord(b, "uses", key)
	}
	b = append(b, "end\n"...)
	if err := writeWhole(layoutFile(root), b); err != nil {
		return fmt.Errorf("record what is in node_modules: %w", err)
	}
	return nil
}

func appendRecord(b []byte, word string, fields ...string) []byte {
	b = append(b, word...)
	for _, f := range fields {
		b = strconv.AppendQuote(append(b, ' '), f)
	}
	return append(b, '\n')
}

// readIsolated reads the record of the node_modules at root.
func readIsolated(root string) (*isolatedLayout, error) {
	data, err := readRecord(root)
	if err != nil {
		return nil, err
	}
	return parseIsolated(data)
}

// readRecord reads the record of a layout of either kind.
func readRecord(root string) ([]byte, error) {
	if st, err := os.Lstat(entriesOf(root)); err != nil || !st.IsDir() {
		return nil, errLayout
	}
	f, err := os.Open(layoutFile(root))
	if err != nil {
		return nil, errLayout
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() || st.Size() > maxLayout {
		return nil, errLayout
	}
	data := make([]byte, st.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, errLayout
	}
	return data, nil
}

func parseIsolated(data []byte) (*isolatedLayout, error) {
	l := newIsolatedLayout()
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	if !s.Scan() || s.Text() != isolatedHeader {
		return nil, errLayout
	}
	for s.Scan() {
		word, rest, _ := strings.Cut(s.Text(), " ")
		f, ok := quotedFields(rest)
		switch {
		case word == "end" && rest == "":
			return l, nil
		case word == "entry" && ok && len(f) == 2 && safeEntry(f[0]):
			l.entries[f[0]] = f[1]
		case word == "link" && ok && len(f) == 2 && safeLink(f[0]):
			l.links[f[0]] = f[1]
		case word == "bin" && ok && len(f) == 3 && f[0] == binFolder && safeBin(f[0], f[1]):
			l.bins[binKey{f[0], f[1]}] = f[2]
		case word == "uses" && ok && len(f) == 1 && safeKey(f[0]) && (len(l.uses) == 0 || cmp.Less(l.uses[len(l.uses)-1], f[0])):
			l.uses = append(l.uses, f[0])
		default:
			return nil, errLayout
		}
	}
	return nil, errLayout // cut short
}

// safeEntry, safeLink and safeKey say whether what is recorded can have been made here: it is removed
// and renamed by what the record says of it.
func safeEntry(name string) bool {
	return fs.ValidPath(name) && filepath.Base(name) == name && name != "." && strings.Contains(name, "@") && !strings.HasPrefix(name, workPrefix)
}

func safeLink(path string) bool {
	name := strings.TrimPrefix(path, fallback)
	return !strings.Contains(name, ":") && lockfile.CheckName(name) == nil
}

func safeKey(key string) bool {
	return len(key) == keyDigits && strings.Trim(key, "0123456789abcdef") == ""
}

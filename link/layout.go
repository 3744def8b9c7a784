package link

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pantry-go/pantry/lockfile"
)

// layout is the record of what Pantry put into a node_modules: packages by path, with what they are,
// and commands. While packages change, those that do are recorded with "", so that whatever is at
// their paths is replaced or taken away by the next run.
type layout struct {
	packages map[string]string // path -> ID and integrity, or where a link leads
	bins     map[binKey]string // what the links of commands say; "" while they change
}

// errLayout says that a node_modules is not Pantry's, or its record is of no use.
var errLayout = errors.New("no usable record of what is in node_modules")

const layoutHeader = "pantry layout 1"

// maxLayout bounds the record: it has some 150 bytes for a package.
const maxLayout = 256 << 20

func layoutFile(root string) string { return filepath.Join(root, private, "layout") }

// layout of what should be there.
func (a *applier) layout() *layout {
	l := &layout{packages: make(map[string]string, len(a.Tree.Placements)), bins: bins(a.Lock, a.Tree)}
	for _, p := range a.Tree.Placements {
		if p.Link != "" {
			l.packages[p.Path] = "-> " + p.Link
			continue
		}
		l.packages[p.Path] = recordOf(p.ID, a.Lock.Packages[p.ID])
	}
	return l
}

// recordOf is what is recorded of a package.
func recordOf(id lockfile.ID, p *lockfile.Package) string {
	return string(id) + " " + p.Integrity.String()
}

// during is the record for the time in which l becomes next.
func (l *layout) during(p plan, next *layout) *layout {
	d := &layout{packages: map[string]string{}, bins: changing(l.bins, next.bins)}
	for path, what := range l.packages {
		if p.unit[path] != "" || next.packages[path] != what {
			what = ""
		}
		d.packages[path] = what
	}
	for path := range p.unit {
		d.packages[path] = ""
	}
	return d
}

// strangers is the record of a node_modules that somebody else made: nothing in it is to stay.
func strangers(root string) *layout {
	l := &layout{packages: map[string]string{}}
	entries, _ := os.ReadDir(root)
	for _, e := range entries {
		if e.Name() != private {
			l.packages[modules+"/"+e.Name()] = ""
		}
	}
	for _, name := range entryNames(root) {
		l.packages[modules+"/"+private+"/"+name] = ""
	}
	return l
}

// write puts the record into the node_modules at root.
func (l *layout) write(root string) error {
	var b bytes.Buffer
	b.WriteString(layoutHeader + "\n")
	for _, path := range slices.Sorted(maps.Keys(l.packages)) {
		fmt.Fprintf(&b, "package %s %s\n", strconv.Quote(path), strconv.Quote(l.packages[path]))
	}
	for _, key := range slices.SortedFunc(maps.Keys(l.bins), compareBins) {
		fmt.Fprintf(&b, "bin %s %s %s\n", strconv.Quote(key.dir), strconv.Quote(key.name), strconv.Quote(l.bins[key]))
	}
	b.WriteString("end\n")
	if err := writeWhole(layoutFile(root), b.Bytes()); err != nil {
		return fmt.Errorf("record what is in node_modules: %w", err)
	}
	return nil
}

// writeWhole writes a file under another name first. It is not synced: what a loss of power leaves of
// a record is either good or not taken for one, and then everything is laid out again.
func writeWhole(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(file), workPrefix+filepath.Base(file))
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return os.Rename(tmp, file)
}

// readLayout reads the record of the node_modules at root.
func readLayout(root string) (*layout, error) {
	data, err := readRecord(root)
	if err != nil {
		return nil, err
	}
	return parseLayout(data)
}

func parseLayout(data []byte) (*layout, error) {
	l := &layout{packages: map[string]string{}, bins: map[binKey]string{}}
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	if !s.Scan() || s.Text() != layoutHeader {
		return nil, errLayout
	}
	for s.Scan() {
		word, rest, _ := strings.Cut(s.Text(), " ")
		fields, ok := quotedFields(rest)
		switch {
		case word == "end" && rest == "":
			return l, nil
		case word == "package" && ok && len(fields) == 2 && safePackage(fields[0]):
			l.packages[fields[0]] = fields[1]
		case word == "bin" && ok && len(fields) == 3 && safeBin(fields[0], fields[1]):
			l.bins[binKey{fields[0], fields[1]}] = fields[2]
		default:
			return nil, errLayout
		}
	}
	return nil, errLayout // cut short
}

func quotedFields(s string) ([]string, bool) {
	var out []string
	for s != "" {
		q, err := strconv.QuotedPrefix(s)
		if err != nil {
			return nil, false
		}
		v, err := strconv.Unquote(q)
		if err != nil {
			return nil, false
		}
		out = append(out, v)
		s = strings.TrimPrefix(s[len(q):], " ")
	}
	return out, true
}

// safePackage and safeBin say whether a recorded path stays inside node_modules: what stands in the
// record is removed and renamed by it.
func safePackage(p string) bool {
	return fs.ValidPath(p) && strings.HasPrefix(p, modules+"/")
}

func safeBin(dir, name string) bool {
	return fs.ValidPath(dir) && path.Base(dir) == binFolder && fs.ValidPath(name) && path.Base(name) == name && name != "."
}

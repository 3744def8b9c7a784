package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tailscale/hujson"

	"github.com/pantry-go/pantry/wholefile"
)

// source is one file of a project: what is on disk, and what it is to become.
type source struct {
	path     string
	comments bool   // the file may hold them
	prefixed bool   // names may have a registry in front
	disk     []byte // as it was read; nil if there is no file
	doc      *document
	edits    []change // made since it was read
}

// change is one call of Set or Remove.
type change struct {
	section string // "" removes the name from everywhere
	name    string
	value   string
}

// openSource reads path; a file that is not there is an empty source.
func openSource(path string, pantry bool) (*source, error) {
	s := &source{path: path, comments: pantry, prefixed: pantry}
	data, err := readFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	s.disk = data
	s.doc, err = parseDocument(path, data, s.comments)
	return s, err
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+int64(len(bom))+1))
}

// read reads the current text.
func (s *source) read() (*reading, error) {
	if s.prefixed {
		return readPantryJSON(s.doc)
	}
	return readPackageJSON(s.doc)
}

// do makes a change and remembers it. It says whether the text changed.
func (s *source) do(c change) (bool, error) {
	before := s.doc
	if err := s.change(c); err != nil {
		return false, err
	}
	if before != nil && bytes.Equal(before.data, s.doc.data) {
		return false, nil
	}
	s.edits = append(s.edits, c)
	return true, nil
}

func (s *source) change(c change) error {
	if s.doc == nil {
		if err := s.become([]byte("{}\n")); err != nil {
			return err
		}
	}
	for _, sec := range sections {
		if sec.name == c.section || c.section != "" && mayStandBeside(c.section, sec.name) {
			continue
		}
		before := s.doc
		if err := s.removeEntry(sec.name, c.name); err != nil {
			return err
		}
		if sec.name == "peerDependencies" && s.doc != before {
			if err := s.removeEntry("peerDependenciesMeta", c.name); err != nil {
				return err
			}
		}
	}
	if c.section == "" {
		return errors.Join(s.removeElement("bundleDependencies", c.name), s.removeElement("bundledDependencies", c.name))
	}
	return s.setEntry(c.section, c.name, c.value)
}

// mayStandBeside tells the one pair of sections that npm lets hold the same name.
func mayStandBeside(a, b string) bool {
	dev, peer := "devDependencies", "peerDependencies"
	return a == dev && b == peer || a == peer && b == dev
}

// become makes data the text of the file.
func (s *source) become(data []byte) error {
	marked := s.doc != nil && s.doc.bom
	doc, err := parseDocument(s.path, data, s.comments)
	if err != nil {
		return fmt.Errorf("the change could not be made: %w", err)
	}
	doc.bom = marked
	s.doc = doc
	return nil
}

// lastMember returns the index of the last member whose name matches; -1 if there is none.
func lastMember(o *hujson.Object, match func(name string) bool) int {
	for i := len(o.Members) - 1; i >= 0; i-- {
		if lit, _ := o.Members[i].Name.Value.(hujson.Literal); match(lit.String()) {
			return i
		}
	}
	return -1
}

// names matches the keys under which name may stand in this file.
func (s *source) names(name string) func(string) bool {
	return func(key string) bool {
		if s.prefixed {
			key, _ = installName(key, "")
		}
		return key == name
	}
}

func exactly(name string) func(string) bool { return func(s string) bool { return s == name } }

// rootList is the root object's layout.
func (s *source) rootList() (list, layout) {
	root := listOf(&hujson.Value{Value: s.doc.root, StartOffset: s.doc.start, EndOffset: s.doc.end})
	return root, layoutOf(s.doc.data, root)
}

// setEntry writes an entry into a section, which is made if need be.
func (s *source) setEntry(section, name, value string) error {
	root, lay := s.rootList()
	at := lastMember(s.doc.root, exactly(section))
	entry := func(colon string) string { return quote(name) + ":" + colon + quote(value) }
	colon, _ := root.colonSpace()
	if at < 0 || s.doc.root.Members[at].Value.Value.Kind() != '{' {
		return s.newSection(root, lay, at, section, entry, colon)
	}
	v := &s.doc.root.Members[at].Value
	o := v.Value.(*hujson.Object)
	l := listOf(v)
	if i := lastMember(o, s.names(name)); i >= 0 {
		m := o.Members[i]
		if lit, _ := m.Name.Value.(hujson.Literal); lit.String() != name {
			if short, ok := withoutPrefix(lit.String(), value); ok {
				value = short
			} else {
				return s.renameEntry(name, value, m)
			}
		}
		return s.become(apply(s.doc.data, edit{m.Value.StartOffset, m.Value.EndOffset, quote(value)}))
	}
	if own, ok := l.colonSpace(); ok {
		colon = own
	}
	outer, _ := root.items[at].indent()
	return s.become(apply(s.doc.data, l.insert(s.doc.data, sortedPlace(o, name), entry(colon), outer, lay)...))
}

// renameEntry replaces key and value of a member.
func (s *source) renameEntry(name, value string, m hujson.ObjectMember) error {
	return s.become(apply(s.doc.data,
		edit{m.Name.StartOffset, m.Name.EndOffset, quote(name)},
		edit{m.Value.StartOffset, m.Value.EndOffset, quote(value)}))
}

// withoutPrefix turns "acme:thing@^1" into "^1" for the key "acme:thing".
func withoutPrefix(key, value string) (string, bool) {
	if value == key {
		return "*", true
	}
	if len(value) > len(key) && value[:len(key)] == key && value[len(key)] == '@' {
		return value[len(key)+1:], true
	}
	return "", false
}

// newSection adds a section with one entry, or puts it in the place of a value that is no object.
func (s *source) newSection(root list, lay layout, at int, section string, entry func(string) string, colon string) error {
	outer := lay.unit
	if n := len(root.items); n > 0 {
		if in, ok := root.items[n-1].indent(); ok {
			outer = in
		}
	}
	body := "{" + lay.eol + outer + lay.unit + entry(colon) + lay.eol + outer + "}"
	if lay.oneLine {
		body = "{" + entry(colon) + "}"
	}
	if at >= 0 {
		v := s.doc.root.Members[at].Value
		return s.become(apply(s.doc.data, edit{v.StartOffset, v.EndOffset, body}))
	}
	text := quote(section) + ":" + colon + body
	return s.become(apply(s.doc.data, root.insert(s.doc.data, len(root.items), text, "", lay)...))
}

// sortedPlace is where npm's order puts name.
func sortedPlace(o *hujson.Object, name string) int {
	key := CollationKey(name)
	for i := range o.Members {
		lit, _ := o.Members[i].Name.Value.(hujson.Literal)
		if CollationKey(lit.String()) > key {
			return i
		}
	}
	return len(o.Members)
}

// removeEntry takes name out of a section, and the section away when nothing is left in it.
func (s *source) removeEntry(section, name string) error {
	for {
		at := lastMember(s.doc.root, exactly(section))
		if at < 0 {
			return nil
		}
		v := &s.doc.root.Members[at].Value
		o, ok := v.Value.(*hujson.Object)
		if !ok {
			return nil
		}
		i := lastMember(o, s.names(name))
		if i < 0 {
			return nil
		}
		if err := s.removeItem(at, listOf(v), i); err != nil {
			return err
		}
	}
}

// removeElement takes name out of a list of names.
func (s *source) removeElement(section, name string) error {
	for {
		at := lastMember(s.doc.root, exactly(section))
		if at < 0 {
			return nil
		}
		v := &s.doc.root.Members[at].Value
		a, ok := v.Value.(*hujson.Array)
		if !ok {
			return nil
		}
		i := slices.IndexFunc(a.Elements, func(e hujson.Value) bool { n, ok := stringOf(&e); return ok && n == name })
		if i < 0 {
			return nil
		}
		if err := s.removeItem(at, listOf(v), i); err != nil {
			return err
		}
	}
}

// removeItem takes the i-th item out of the list that is the root's member at. The last one takes
// the member with it, as in npm, unless comments stand there or an earlier member of the same name
// would come to count.
func (s *source) removeItem(at int, l list, i int) error {
	data := s.doc.data
	if len(l.items) == 1 && isBlank(l.items[0].before) && isBlank(data[l.end:l.close]) && !s.repeated(at) {
		root, _ := s.rootList()
		return s.become(apply(data, root.remove(data, at)...))
	}
	return s.become(apply(data, l.remove(data, i)...))
}

// repeated says whether another member of the root has the name of the one at.
func (s *source) repeated(at int) bool {
	lit, _ := s.doc.root.Members[at].Name.Value.(hujson.Literal)
	for i := range s.doc.root.Members {
		if other, _ := s.doc.root.Members[i].Name.Value.(hujson.Literal); i != at && other.String() == lit.String() {
			return true
		}
	}
	return false
}

func quote(s string) string { return string(hujson.String(s)) }

// save writes the file if it is to change. If somebody else has changed it since it was read, the
// changes are made to what is there now.
func (s *source) save() error {
	if len(s.edits) == 0 {
		return nil
	}
	now, err := readFile(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save manifest: %w", err)
	}
	if !bytes.Equal(now, s.disk) || (err != nil) != (s.disk == nil) {
		if err := s.replay(now); err != nil {
			return fmt.Errorf("save manifest: it was changed meanwhile: %w", err)
		}
	}
	data := s.doc.data
	if s.doc.bom {
		data = append([]byte(bom), data...)
	}
	path := s.path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if err := wholefile.Write(path, data, 0o644); err != nil {
		return fmt.Errorf("save manifest: %w", err)
	}
	s.disk, s.edits = data, nil
	return nil
}

func (s *source) replay(now []byte) error {
	doc := s.doc
	s.doc = nil
	if now != nil {
		fresh, err := parseDocument(s.path, now, s.comments)
		if err != nil {
			s.doc = doc
			return err
		}
		s.doc = fresh
	}
	for _, c := range s.edits {
		if err := s.change(c); err != nil {
			return err
		}
	}
	return nil
}

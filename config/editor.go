package config

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tailscale/hujson"

	"github.com/pantry-go/pantry"
	"github.com/pantry-go/pantry/registry"
	"github.com/pantry-go/pantry/wholefile"
)

// Editor changes a pantry.json and keeps what it does not change as it is: comments, order,
// indentation, trailing commas. Changes are in memory until [Editor.Save]. It is not safe for
// concurrent use.
type Editor struct {
	path   string
	bom    bool
	tree   hujson.Value
	layout layout
}

// Edit reads the file to change; one that is not there is made by Save. A file with a mistake in
// its syntax cannot be changed: the error is [Problems].
func Edit(path string) (*Editor, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // replacing the file must not replace the link
	}
	name := filepath.Base(path)
	data, ok, err := readFile(path, name)
	if err != nil {
		return nil, err
	}
	if !ok || len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}\n")
	}
	s := newSource(path, name, levelProject, data)
	tree, ok := parseTree(s)
	if !ok {
		return nil, s.problems
	}
	e := &Editor{path: path, bom: bytes.HasPrefix(data, utf8BOM), tree: tree}
	root, ok := tree.Value.(*hujson.Object)
	if !ok {
		return nil, Problems{{File: name, Message: "expected an object"}}
	}
	e.layout = layoutOf(s.data, root)
	return e, nil
}

// Path is the file that is changed.
func (e *Editor) Path() string { return e.path }

// Bytes is the file as Save writes it.
func (e *Editor) Bytes() []byte {
	b := e.tree.Pack()
	b = b[:len(b)-1] // the line end that parseTree added
	if e.bom {
		b = append(bytes.Clone(utf8BOM), b...)
	}
	return b
}

// Save writes the file whole. A new one can be read by its owner only, since it may come to hold
// a secret.
func (e *Editor) Save() error {
	data := e.Bytes()
	if err := e.verify(data); err != nil {
		return err
	}
	if err := wholefile.Write(e.path, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(e.path), err)
	}
	return nil
}

// verify makes sure that the text says what the tree says: that no comment swallowed a value.
func (e *Editor) verify(data []byte) error {
	s := newSource(e.path, filepath.Base(e.path), levelProject, data)
	tree, ok := parseTree(s)
	if !ok {
		return s.problems
	}
	want := e.tree.Clone()
	want.Minimize()
	tree.Minimize()
	if !bytes.Equal(want.Pack(), tree.Pack()) {
		return fmt.Errorf("%w: %s can't be changed in place; change it by hand", pantry.ErrConfig, filepath.Base(e.path))
	}
	return nil
}

func (e *Editor) root() *hujson.Object { return e.tree.Value.(*hujson.Object) }

// Registries are the names of the entries in the file, in order.
func (e *Editor) Registries() []string {
	var names []string
	if arr, err := e.registries(); err == nil && arr != nil {
		for i := range arr.Elements {
			names = append(names, nameIn(&arr.Elements[i]))
		}
	}
	return names
}

// AddRegistry adds an entry at the end. Secrets are written as they are in c: best as ${VAR}. An
// entry of that name is an error that matches [pantry.ErrExists].
func (e *Editor) AddRegistry(c registry.Config) error {
	if err := registry.NewManager(registry.Options{Getenv: anySet}).Add(c); err != nil {
		return err
	}
	if _, found, err := e.find(c.Name); err != nil {
		return err
	} else if found != nil {
		return fmt.Errorf("%w: registry %s is in %s already", pantry.ErrExists, quoted(c.Name), filepath.Base(e.path))
	}
	values, err := entryValues(c)
	if err != nil {
		return err
	}
	return e.appendEntry(values)
}

// anySet is an environment for checks in which the values of variables do not matter.
func anySet(string) (string, bool) { return "x", true }

// RemoveRegistry removes an entry with its comments, and the default if it was that. A built-in
// registry can only be disabled.
func (e *Editor) RemoveRegistry(name string) error {
	arr, err := e.registries()
	if err != nil {
		return err
	}
	i, found, _ := e.find(name)
	if found == nil {
		return e.unknown(name)
	}
	leave(elements{arr}, i, e.layout)
	arr.Elements = slices.Delete(arr.Elements, i, i+1)
	if v := memberOf(e.root(), "defaultRegistry"); v != nil && textOf(v) == name {
		e.Unset("defaultRegistry")
	}
	return nil
}

// SetEnabled enables or disables a registry. For a built-in one that is not in the file an entry
// is added.
func (e *Editor) SetEnabled(name string, enabled bool) error {
	return e.setIn(name, "enabled", hujson.Bool(enabled))
}

// SetPriority sets the priority of a registry.
func (e *Editor) SetPriority(name string, priority int) error {
	return e.setIn(name, "priority", hujson.Int(int64(priority)))
}

// SetDefault sets the default registry, which another file may define; "" removes the setting.
func (e *Editor) SetDefault(name string) error {
	if name == "" {
		e.Unset("defaultRegistry")
		return nil
	}
	e.put(e.root(), "", "defaultRegistry", hujson.String(name))
	return nil
}

// Set sets a setting ("linker"), or a plain key of a registry ("registries.acme.url"), from its
// text.
func (e *Editor) Set(key, value string) error {
	f, t, name, field, err := settable(key)
	if err != nil {
		return err
	}
	lit, message := literalOf(t.FieldByIndex(f.index).Type, f.rules, value)
	if message != "" {
		return fmt.Errorf("%w: %s: %s", pantry.ErrConfig, key, message)
	}
	if name != "" {
		return e.setIn(name, field, lit)
	}
	if key == "defaultRegistry" {
		return e.SetDefault(value)
	}
	e.put(e.root(), "", key, lit)
	return nil
}

// settable finds the field that a key of Set stands for.
func settable(key string) (f field, t reflect.Type, name, fieldName string, err error) {
	t, fieldName = settingsType, key
	if rest, ok := strings.CutPrefix(key, "registries."); ok {
		i := strings.LastIndexByte(rest, '.')
		t, name, fieldName = entryType, rest[:max(0, i)], rest[i+1:]
	}
	fields := fieldsOf(t)
	f, ok := findField(fields, fieldName)
	if !ok || fieldName == "name" {
		err = fmt.Errorf("%w: unknown key %s%s", pantry.ErrConfig, quoted(key), didYouMeanOr(fieldName, keysOf(fields)))
	}
	return f, t, name, fieldName, err
}

// Unset removes a setting, and says whether it was there.
func (e *Editor) Unset(key string) bool {
	root := e.root()
	i := indexOf(root, key)
	if i < 0 {
		return false
	}
	leave(members{root}, i, e.layout)
	root.Members = slices.Delete(root.Members, i, i+1)
	return true
}

// Store makes the file say what a manager's registries have become: entries that are gone are
// removed, new ones added, and whether they are enabled, their priorities and the default are
// brought up to date. Entries that come from elsewhere (other files, built in) are not copied.
func (e *Editor) Store(m *registry.Manager) error {
	for _, name := range e.Registries() {
		if _, ok := m.Get(name); !ok {
			if err := e.RemoveRegistry(name); err != nil {
				return err
			}
		}
	}
	for _, one := range m.All() {
		if err := e.storeEntry(one.Config()); err != nil {
			return err
		}
	}
	def, _ := m.Default()
	has := memberOf(e.root(), "defaultRegistry") != nil
	if def == nil || !has && isFirstEnabled(m, def) {
		return nil
	}
	e.put(e.root(), "", "defaultRegistry", hujson.String(def.Name()))
	return nil
}

func isFirstEnabled(m *registry.Manager, def *registry.Entry) bool {
	for _, one := range m.All() {
		if one.Enabled() && !one.Config().ClaimsOnly {
			return one.Name() == def.Name()
		}
	}
	return false
}

func (e *Editor) storeEntry(c registry.Config) error {
	_, found, err := e.find(c.Name)
	switch {
	case err != nil:
		return err
	case found == nil && c.Source == "":
		return e.AddRegistry(c)
	case found == nil && c.Disabled && c.Source == builtIn:
		return e.SetEnabled(c.Name, false)
	case found == nil:
		return nil
	case c.Source == "": // another one of the same name
		if err := e.RemoveRegistry(c.Name); err != nil {
			return err
		}
		return e.AddRegistry(c)
	}
	if c.Disabled || memberOf(found, "enabled") != nil {
		e.put(found, e.entryIndent(), "enabled", hujson.Bool(!c.Disabled))
	}
	if c.Priority != nil && memberOf(found, "priority") != nil {
		e.put(found, e.entryIndent(), "priority", hujson.Int(int64(*c.Priority)))
	}
	return nil
}

// entryIndent is the indentation of an entry.
func (e *Editor) entryIndent() string { return e.layout.indent + e.layout.indent }

// registries is the array of entries; nil when the file has none.
func (e *Editor) registries() (*hujson.Array, error) {
	v := memberOf(e.root(), "registries")
	if v == nil {
		return nil, nil
	}
	arr, ok := v.Value.(*hujson.Array)
	if !ok {
		return nil, fmt.Errorf("%w: %s: registries: expected an array, got %s", pantry.ErrConfig, filepath.Base(e.path), kindName(v))
	}
	return arr, nil
}

// find returns an entry by its name.
func (e *Editor) find(name string) (int, *hujson.Object, error) {
	arr, err := e.registries()
	if err != nil || arr == nil {
		return -1, nil, err
	}
	for i := range arr.Elements {
		if obj, ok := arr.Elements[i].Value.(*hujson.Object); ok && nameIn(&arr.Elements[i]) == name {
			return i, obj, nil
		}
	}
	return -1, nil, nil
}

func (e *Editor) unknown(name string) error {
	err := fmt.Errorf("%w: registry %s isn't in %s%s", pantry.ErrConfig, quoted(name), filepath.Base(e.path), didYouMean(name, e.Registries()))
	if isPreset(name) {
		return pantry.WithHint(err, "it is built in; pantry registry disable %s switches it off", name)
	}
	return err
}

func isPreset(name string) bool {
	return slices.ContainsFunc(presets(), func(m *merged) bool { return m.Name == name })
}

// setIn sets a key of an entry.
func (e *Editor) setIn(name, key string, value hujson.Literal) error {
	_, obj, err := e.find(name)
	if err != nil {
		return err
	}
	if obj != nil {
		e.put(obj, e.entryIndent(), key, value)
		return nil
	}
	if !isPreset(name) {
		return e.unknown(name)
	}
	return e.appendEntry([]keyValue{{"name", quotedJSON(name)}, {key, string(value)}})
}

// put sets a member of an object, in its place or at the end. outer is the indentation of the
// object's closing bracket.
func (e *Editor) put(obj *hujson.Object, outer, key string, value hujson.Literal) {
	if v := memberOf(obj, key); v != nil {
		v.Value = value
		return
	}
	m := hujson.ObjectMember{Name: hujson.Value{Value: hujson.String(key)}, Value: hujson.Value{Value: value}}
	e.insert(obj, outer, m)
}

func (e *Editor) insert(obj *hujson.Object, outer string, m hujson.ObjectMember) {
	if m.Value.BeforeExtra == nil {
		m.Value.BeforeExtra = hujson.Extra(" ")
	}
	m.Name.BeforeExtra, m.Value.AfterExtra = room(members{obj}, e.layout, outer)
	obj.Members = append(obj.Members, m)
}

// appendEntry adds an entry, laid out as the entry before it.
func (e *Editor) appendEntry(values []keyValue) error {
	arr, err := e.registries()
	if err != nil {
		return err
	}
	outer := e.layout.indent
	if arr == nil {
		arr = &hujson.Array{}
		e.insert(e.root(), "", hujson.ObjectMember{
			Name: hujson.Value{Value: hujson.String("registries")}, Value: hujson.Value{Value: arr},
		})
	}
	oneLine := false
	if n := len(arr.Elements); n > 0 {
		obj, ok := arr.Elements[n-1].Value.(*hujson.Object)
		oneLine = ok && len(obj.Members) > 0 && !bytes.ContainsRune(obj.Members[0].Name.BeforeExtra, '\n')
	}
	before, after := room(elements{arr}, e.layout, outer)
	inner := lastLine(before)
	if inner == "" {
		inner = outer
	}
	v, err := hujson.Parse([]byte(renderObject(values, e.layout, inner, oneLine)))
	if err != nil {
		return errors.New("the entry can't be written as JSON")
	}
	v.BeforeExtra, v.AfterExtra = before, after
	arr.Elements = append(arr.Elements, v)
	return nil
}

func indexOf(obj *hujson.Object, key string) int {
	return slices.IndexFunc(obj.Members, func(m hujson.ObjectMember) bool { return m.Name.Value.(hujson.Literal).String() == key })
}

func memberOf(obj *hujson.Object, key string) *hujson.Value {
	if i := indexOf(obj, key); i >= 0 {
		return &obj.Members[i].Value
	}
	return nil
}

// textOf is a value that is text; "" when it is none.
func textOf(v *hujson.Value) string {
	if lit, ok := v.Value.(hujson.Literal); ok && lit.Kind() == '"' {
		return lit.String()
	}
	return ""
}

func nameIn(v *hujson.Value) string {
	if obj, ok := v.Value.(*hujson.Object); ok {
		if n := memberOf(obj, "name"); n != nil {
			return textOf(n)
		}
	}
	return ""
}

// literalOf reads text as a value of type t, and returns it as JSON.
func literalOf(t reflect.Type, r rules, text string) (hujson.Literal, string) {
	switch {
	case t == durationType:
		if _, err := parseDuration(text); err != nil {
			return nil, err.Error()
		}
		return hujson.String(text), ""
	case t.Kind() == reflect.Bool:
		on, ok := parseBool(text)
		if !ok {
			return nil, "expected true or false"
		}
		return hujson.Bool(on), ""
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil || int64(n) < r.minimum || int64(n) > r.maximum {
			return nil, fmt.Sprintf("expected a whole number from %d to %d", r.minimum, r.maximum)
		}
		return hujson.Int(int64(n)), ""
	case t.Kind() == reflect.String:
		return hujson.String(text), r.checkString(text)
	}
	return nil, "can't be set from text; change the file"
}

package manifest

import (
	"maps"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// ParsePackageJSON reads a package.json; file is its name for messages. Errors are [SyntaxError].
func ParsePackageJSON(file string, data []byte) (*Manifest, error) {
	d, err := parseDocument(file, data, false)
	if err != nil {
		return nil, err
	}
	r, err := readPackageJSON(d)
	if err != nil {
		return nil, err
	}
	return merge(r)
}

// reading is one file as it was read, before it is seen together with others.
type reading struct {
	doc       *document
	manifest  Manifest
	wishes    []wish
	overrides []rawOverride
}

// wish is one entry of a dependency section.
type wish struct {
	section string
	key     string // as written
	name    string // installed under
	value   string // of Manifest
	at      int
}

// sections are the members that hold wishes, in the order of npm's precedence: of a name in
// several, the first wins. A peer may stand beside a dev dependency, and is no rival.
var sections = [...]struct {
	name string
	kind Kind
}{
	{"optionalDependencies", "optional"},
	{"dependencies", "prod"},
	{"devDependencies", "dev"},
	{"peerDependencies", "peer"},
}

func readPackageJSON(d *document) (*reading, error) {
	r := &reading{doc: d, manifest: Manifest{File: d.file}}
	steps := []func() error{
		r.identity, r.readWishes, r.optionalPeers, r.bundled, r.commands, r.platform, r.workspaces,
		r.foreignFields, r.readOverrides, r.readResolutions,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// readPantryJSON reads what pantry.json says about dependencies; the rest of it is configuration.
func readPantryJSON(d *document) (*reading, error) {
	r := &reading{doc: d, manifest: Manifest{File: d.file}}
	for _, s := range sections[:3] {
		if err := r.section(s.name, true); err != nil {
			return nil, err
		}
	}
	return r, r.readOverrides()
}

func (r *reading) identity() error {
	m := &r.manifest
	for _, f := range []struct {
		name string
		into *string
		most int
	}{{"name", &m.Name, maxSpec}, {"version", &m.Version, maxVersion}} {
		v := find(r.doc.root, f.name)
		if v == nil {
			continue
		}
		s, ok := stringOf(v)
		if !ok {
			return r.doc.errorf(v.StartOffset, "%q is not a string", f.name)
		}
		if err := checkText(s, f.most); err != nil && s != "" {
			return r.doc.errorf(v.StartOffset, "%q: %w", f.name, err)
		}
		*f.into = s
	}
	m.Private = isTrue(find(r.doc.root, "private"))
	return nil
}

func (r *reading) readWishes() error {
	for _, s := range sections {
		if err := r.section(s.name, false); err != nil {
			return err
		}
	}
	return nil
}

// section reads one object of wishes. An empty array is what some tools write for none.
func (r *reading) section(name string, prefixed bool) error {
	v := find(r.doc.root, name)
	if v == nil {
		return nil
	}
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		if a, ok := v.Value.(*hujson.Array); ok && len(a.Elements) == 0 {
			return nil
		}
		return r.doc.errorf(v.StartOffset, "%q is not an object", name)
	}
	for _, m := range members(o) {
		s, ok := stringOf(m.value)
		if !ok {
			return r.doc.errorf(m.value.StartOffset, "%s: what is wished for %q is not a string", name, m.name)
		}
		w := wish{section: name, key: m.name, name: m.name, value: strings.TrimSpace(s), at: m.at}
		if err := checkValue(w.value); err != nil {
			return r.doc.errorf(m.value.StartOffset, "%s: %q: %w", name, m.name, err)
		}
		if prefixed {
			w.name, w.value = installName(w.key, w.value)
		}
		if err := checkKey(w.name, prefixed); err != nil {
			return r.doc.errorf(m.at, "%s: %w", name, err)
		}
		if err := r.same(w); err != nil {
			return err
		}
		r.wishes = append(r.wishes, w)
	}
	return nil
}

// same refuses two keys of a section that are installed under one name.
func (r *reading) same(w wish) error {
	for _, h := range r.wishes {
		if h.section == w.section && h.name == w.name {
			return r.doc.errorf(w.at, "%s: %q and %q would both be installed as %q", w.section, h.key, w.key, w.name)
		}
	}
	return nil
}

// installName turns "acme:thing": "^1" of a pantry.json into "thing": "acme:thing@^1", if thing
// is a name that packages are installed under.
func installName(key, value string) (name, spec string) {
	registry, pkg, ok := strings.Cut(key, ":")
	if !ok || CheckName(pkg) != nil {
		return key, value
	}
	if value == "" {
		return pkg, registry + ":" + pkg
	}
	return pkg, registry + ":" + pkg + "@" + value
}

func (r *reading) optionalPeers() error {
	meta, err := r.object("peerDependenciesMeta")
	if err != nil || meta == nil {
		return err
	}
	for _, m := range members(meta) {
		o, ok := m.value.Value.(*hujson.Object)
		if !ok || !isTrue(find(o, "optional")) {
			continue
		}
		if err := CheckName(m.name); err != nil {
			return r.doc.errorf(m.at, "peerDependenciesMeta: %w", err)
		}
		r.manifest.OptionalPeers = append(r.manifest.OptionalPeers, m.name)
	}
	slices.Sort(r.manifest.OptionalPeers)
	return nil
}

// object returns the member of that name; nil if there is none or it is an empty array.
func (r *reading) object(name string) (*hujson.Object, error) {
	v := find(r.doc.root, name)
	if v == nil {
		return nil, nil
	}
	if o, ok := v.Value.(*hujson.Object); ok {
		return o, nil
	}
	if a, ok := v.Value.(*hujson.Array); ok && len(a.Elements) == 0 {
		return nil, nil
	}
	return nil, r.doc.errorf(v.StartOffset, "%q is not an object", name)
}

func (r *reading) bundled() error {
	v := find(r.doc.root, "bundleDependencies")
	if v == nil {
		v = find(r.doc.root, "bundledDependencies")
	}
	if v == nil {
		return nil
	}
	var names []string
	switch x := v.Value.(type) {
	case *hujson.Object:
		for _, m := range members(x) {
			names = append(names, m.name)
		}
	case *hujson.Array:
		var ok bool
		if names, ok = stringsOf(x); !ok {
			return r.doc.errorf(v.StartOffset, "the bundled dependencies are not all strings")
		}
	default:
		if !isTrue(v) {
			return nil // false, and what npm drops
		}
		for _, w := range r.wishes {
			if w.section == "dependencies" {
				names = append(names, w.name)
			}
		}
	}
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return r.doc.errorf(v.StartOffset, "bundled dependencies: %w", err)
		}
	}
	slices.Sort(names)
	r.manifest.Bundled = slices.Compact(names)
	return nil
}

func (r *reading) commands() error {
	m := &r.manifest
	m.Scripts = texts(find(r.doc.root, "scripts"))
	m.Engines = texts(find(r.doc.root, "engines"))
	v := find(r.doc.root, "bin")
	if v == nil {
		return nil
	}
	if s, ok := stringOf(v); ok {
		if m.Name != "" && s != "" {
			m.Bin = map[string]string{m.Name: s}
		}
		return nil
	}
	m.Bin = texts(v)
	return nil
}

// texts returns the members of v that are strings, as npm keeps them.
func texts(v *hujson.Value) map[string]string {
	if v == nil {
		return nil
	}
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for _, m := range members(o) {
		if s, ok := stringOf(m.value); ok {
			out[m.name] = s
		}
	}
	return out
}

// stringsOf returns the elements of a; ok is false if one is no string.
func stringsOf(a *hujson.Array) (out []string, ok bool) {
	for i := range a.Elements {
		s, ok := stringOf(&a.Elements[i])
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

func (r *reading) platform() error {
	m := &r.manifest
	for name, into := range map[string]*[]string{"os": &m.OS, "cpu": &m.CPU, "libc": &m.Libc} {
		v := find(r.doc.root, name)
		if v == nil {
			continue
		}
		if s, ok := stringOf(v); ok {
			*into = []string{s}
		} else if a, ok := v.Value.(*hujson.Array); ok {
			if *into, ok = stringsOf(a); !ok {
				return r.doc.errorf(v.StartOffset, "%q is not a list of strings", name)
			}
		}
	}
	return nil
}

// merge sees readings as one manifest; the first is the one that names the project.
func merge(readings ...*reading) (*Manifest, error) {
	m := readings[0].manifest
	m.Unsupported = slices.Clone(m.Unsupported)
	var all []wish
	for i, r := range readings {
		if i > 0 {
			if err := rivals(all, r); err != nil {
				return nil, err
			}
		}
		all = append(all, r.wishes...)
	}
	into := map[string]map[string]string{}
	for _, s := range sections {
		into[s.name] = map[string]string{}
	}
	for _, w := range all {
		into[w.section][w.name] = w.value
	}
	for name := range into["optionalDependencies"] {
		delete(into["dependencies"], name)
		delete(into["devDependencies"], name)
	}
	for name := range into["dependencies"] {
		delete(into["devDependencies"], name)
	}
	m.Dependencies, m.DevDependencies = into["dependencies"], into["devDependencies"]
	m.OptionalDependencies, m.PeerDependencies = into["optionalDependencies"], into["peerDependencies"]
	m.Unsupported = append(m.Unsupported, unsupportedWishes(&m)...)
	var raw []rawOverride
	for _, r := range readings {
		raw = append(raw, r.overrides...)
	}
	return &m, m.settleOverrides(raw)
}

// rivals refuses a name that two files want differently: neither is the one to trust.
func rivals(have []wish, r *reading) error {
	for _, w := range r.wishes {
		for _, h := range have {
			if h.name == w.name && h.value != w.value && h.section != "peerDependencies" {
				return r.doc.errorf(w.at, "%s: %q is wished for as %q here and as %q in %s",
					w.section, w.name, shown(w.value), shown(h.value), PackageJSON)
			}
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
